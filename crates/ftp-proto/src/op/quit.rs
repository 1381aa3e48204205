//! The end of a session: QUIT (RFC 959 section 4.1.1)
//!
//! ```text
//! QUIT ── 2yz ──▶ done, connection closed
//!      ── EOF ──▶ done, without a reply (Q112)
//!      ── 4yz, 5yz ──▶ refused, the session goes on
//! ```

use crate::claim::Outcome;
use crate::control::command::{Command, Verb};
use crate::control::reply::ReplyKind;
use crate::error::Error;
use crate::op::machine::{Context, Input, Step, completion};

#[derive(Debug)]
pub(crate) struct Quit;

impl Quit {
    pub(crate) fn step(&self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match input {
            Input::Start => cx.send(&Command::bare(Verb::QUIT)),
            Input::Reply(reply) if reply.kind() != ReplyKind::Preliminary => {
                return Ok(Step::Done(Outcome::MaybeReply(Some(completion(reply)?))));
            }
            _ => {}
        }
        Ok(Step::Pending)
    }
}
