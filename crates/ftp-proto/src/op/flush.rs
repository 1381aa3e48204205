//! Takes a transfer from a server that keeps it for the next data connection
//!
//! ```text
//! EPSV or PASV ─▶ connect ─▶ close at once ─▶ REST 0 ── 350 ──▶ done
//! ```
//!
//! pyftpdlib does not forget a transfer that is aborted before its data connection is made: ABOR is
//! answered 225, and the next data connection gets that transfer's bytes. Here it gets a connection that
//! is closed, and answers 426.

use crate::claim::Outcome;
use crate::config::DataMode;
use crate::control::command::Verb;
use crate::error::Error;
use crate::op::machine::{Context, Input, Step};
use crate::op::open::{Open, Opening};

#[derive(Debug)]
pub(crate) struct Flush(State);

#[derive(Debug)]
enum State {
    Opening(Open),
    /// `REST 0` is out, as a sentinel
    Settling,
}

impl Flush {
    pub(crate) const fn new() -> Self {
        Self(State::Opening(Open::new(DataMode::Passive)))
    }

    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match (input, &mut self.0) {
            (input, State::Opening(open)) => {
                if open.step(input, cx)? == Opening::Ready && cx.wire.is_data_established() {
                    cx.wire.close_data();
                    cx.wire.send_sentinel(cx.now, Verb::REST);
                    self.0 = State::Settling;
                }
                Ok(Step::Pending)
            }
            (Input::Sentinel(_), State::Settling) => Ok(Step::Done(Outcome::Unit(()))),
            _ => Ok(Step::Pending),
        }
    }
}
