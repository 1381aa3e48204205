//! The end of a session: QUIT (RFC 959 section 4.1.1)
//!
//! ```text
//! QUIT ── 2yz ──▶ done, connection closed
//!      ── EOF ──▶ done, without a reply
//!      ── 4yz, 5yz ──▶ refused, the session goes on
//! ```

use core::time::Duration;

use crate::claim::Outcome;
use crate::control::command::{Command, Verb};
use crate::control::reply::ReplyKind;
use crate::error::Error;
use crate::op::machine::{Context, Input, Step, completion};
use crate::terms::Phase;

/// The longest wait for the reply, unless `reply_timeout` is shorter: nothing depends on it, as all transfers have ended
const WAIT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Quit;

impl Quit {
    pub(crate) fn step(&self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match input {
            Input::Start => {
                cx.send(&Command::bare(Verb::QUIT));
                let wait = cx.wire.config.reply_timeout.min(WAIT);
                cx.wire.await_reply_for(cx.now, wait, Phase::Reply(Verb::QUIT));
            }
            Input::Reply(reply) if reply.kind() != ReplyKind::Preliminary => {
                return Ok(Step::Done(Outcome::MaybeReply(Some(completion(reply)?))));
            }
            _ => {}
        }
        Ok(Step::Pending)
    }
}
