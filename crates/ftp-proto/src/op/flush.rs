//! Removes a transfer that the server keeps for the next data connection
//!
//! ```text
//! EPSV or PASV ─▶ connect ─▶ close at once ─▶ its final reply, or quiet ─▶ REST 0 ── 350 ──▶ done
//! ```
//!
//! pyftpdlib does not forget a transfer that is aborted before its data connection is established: it answers ABOR
//! with 225, and sends that transfer's bytes over the next data connection. This operation closes such a connection at
//! once. The server then answers 426, or 226 if all bytes fitted into the connection.

use crate::claim::Outcome;
use crate::config::DataMode;
use crate::control::command::Verb;
use crate::error::Error;
use crate::op::machine::{Context, Input, Step};
use crate::op::open::{Open, Opening};
use crate::session::Late;
use crate::terms::Phase;
use crate::timer::Timer;

#[derive(Debug)]
pub(crate) struct Flush(State);

#[derive(Debug)]
enum State {
    Opening(Open),
    /// The connection has been closed again: the transfer's final reply is expected
    Closed,
    /// `REST 0` has been sent as a sentinel
    Settling,
}

impl Flush {
    pub(crate) const fn new() -> Self {
        Self(State::Opening(Open::new(DataMode::Passive)))
    }

    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match (input, &mut self.0) {
            (input, State::Opening(open)) => {
                if open.step(input, cx)? == Opening::Ready {
                    cx.wire.close_data();
                    let wait = cx.wire.config.quiet();
                    cx.wire.timers.set_after(Timer::Quiet, cx.now, wait, Phase::Settle);
                    self.0 = State::Closed;
                }
                Ok(Step::Pending)
            }
            (Input::Late | Input::Quiet, State::Closed) => {
                cx.wire.timers.stop(Timer::Quiet);
                cx.wire.send_sentinel(cx.now, Verb::REST);
                self.0 = State::Settling;
                Ok(Step::Pending)
            }
            (Input::Sentinel(_), State::Settling) => {
                // All late replies have come, so no more are expected.
                if cx.wire.session.late == Late::Due(0) {
                    cx.wire.session.late = Late::None;
                }
                Ok(Step::Done(Outcome::Unit(())))
            }
            _ => Ok(Step::Pending),
        }
    }
}
