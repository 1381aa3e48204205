//! Rename: RNFR, RNTO (RFC 959 section 4.1.3)
//!
//! ```text
//! RNFR ── 3yz (or 2yz, Q34) ──▶ RNTO ── 2yz ──▶ done
//! ```

use crate::claim::Outcome;
use crate::control::command::{Argument, Command, Verb};
use crate::control::reply::ReplyKind;
use crate::error::Error;
use crate::op::machine::{Context, Input, Step, completion};

#[derive(Debug)]
pub(crate) struct Rename {
    from: Argument,
    to: Argument,
    state: State,
}

#[derive(Debug)]
enum State {
    From,
    To,
}

impl Rename {
    pub(crate) const fn new(from: Argument, to: Argument) -> Self {
        Self { from, to, state: State::From }
    }

    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match (input, &self.state) {
            (Input::Start, _) => cx.send(&Command::new(Verb::RNFR, &self.from)),
            (Input::Reply(reply), State::From) => match reply.kind() {
                ReplyKind::Preliminary => {}
                ReplyKind::Intermediate | ReplyKind::Completion => {
                    self.state = State::To;
                    cx.send(&Command::new(Verb::RNTO, &self.to));
                }
                ReplyKind::Transient | ReplyKind::Permanent => {
                    return Err(Error::from_reply(reply));
                }
            },
            (Input::Reply(reply), State::To) if reply.kind() != ReplyKind::Preliminary => {
                return Ok(Step::Done(Outcome::Reply(completion(reply)?)));
            }
            _ => {}
        }
        Ok(Step::Pending)
    }
}
