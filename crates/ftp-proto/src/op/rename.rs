//! Rename: RNFR, RNTO (RFC 959 section 4.1.3)
//!
//! ```text
//! RNFR ── 3yz (or 2yz) ──▶ RNTO ── 2yz ──▶ done
//! ```
//!
//! If it is aborted before RNTO was sent, the RNTO that follows has no name, so that it renames nothing: after RNFR,
//! ProFTPD refuses every command but RNTO and QUIT.

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
    /// Aborted while RNFR is unanswered
    Aborted,
    /// RNTO without a name has been sent
    Withdrawn,
}

impl Rename {
    pub(crate) const fn new(from: Argument, to: Argument) -> Self {
        Self { from, to, state: State::From }
    }

    /// Aborts the rename, and returns how it ends
    pub(crate) fn abort(&mut self) -> Result<Step, Error> {
        match self.state {
            State::From => {
                self.state = State::Aborted;
                Ok(Step::Pending)
            }
            State::To | State::Aborted | State::Withdrawn => Err(Error::Aborted),
        }
    }

    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match (input, &self.state) {
            (Input::Start | Input::SendAgain, _) => {
                cx.send(&Command::new(Verb::RNFR, &self.from));
            }
            (Input::Reply(reply), State::From) => match reply.kind() {
                ReplyKind::Preliminary => {}
                ReplyKind::Intermediate | ReplyKind::Completion => {
                    self.state = State::To;
                    cx.send(&Command::new(Verb::RNTO, &self.to));
                }
                ReplyKind::Transient | ReplyKind::Permanent => {
                    cx.wire.control.effects.renamed();
                    return Err(Error::from_reply(reply));
                }
            },
            (Input::Reply(reply), State::Aborted) => match reply.kind() {
                ReplyKind::Preliminary => {}
                ReplyKind::Intermediate | ReplyKind::Completion => {
                    self.state = State::Withdrawn;
                    cx.send(&Command::bare(Verb::RNTO));
                }
                ReplyKind::Transient | ReplyKind::Permanent => {
                    cx.wire.control.effects.renamed();
                    return Err(Error::Aborted);
                }
            },
            (Input::Reply(reply), State::Withdrawn) if reply.kind() != ReplyKind::Preliminary => {
                return Err(Error::Aborted);
            }
            (Input::Reply(reply), State::To) if reply.kind() != ReplyKind::Preliminary => {
                return Ok(Step::Done(Outcome::Reply(completion(reply)?)));
            }
            _ => {}
        }
        Ok(Step::Pending)
    }
}
