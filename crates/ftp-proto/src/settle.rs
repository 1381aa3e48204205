//! Settling: after an operation ended early, nothing may be owed when the next one starts
//!
//! ```text
//! Count      every command owed will be answered: wait for the answers, drop them
//!
//! Cut        a transfer ended before its final reply
//!  Early ── 1yz ──▶ Listening
//!  Listening ── final reply ─────────────────────────────────▶ settled
//!      └────── 1yz, or quiet ──▶ REST 0 ── 350 ──────────────▶ settled
//!  Draining (ABOR) ── any reply, or quiet ──▶ REST 0 ── 350 ─▶ settled
//!                                    └ quiet ──▶ PWD ── 257 ─▶ settled
//!  no answer at all ─────────────────────────────────────────▶ the session is given up
//!
//! Doubt        a command of a batch went unanswered and was sent again, or will be:
//!              as Draining, without ABOR
//! ```
//!
//! What a cut transfer is answered with can't be counted (server-quirks 2.0: `426 226`, `226`,
//! `225`, `426 451`, `150` and nothing more …). The 350 of `REST 0` can't be mistaken for any of
//! it and harms nothing; where REST is not known, or was swallowed, the 257 of PWD does as well.
//! Only a transfer that a thread of its own answers can be later still: see [`LateFinal`].

use std::time::Instant;

use crate::claim::OpId;
use crate::control::command::{Command, Verb};
use crate::control::reply::{Kind, Reply};
use crate::error::Error;
use crate::session::{LateFinal, RestartMarker};
use crate::terms::Phase;
use crate::timer::Timer;
use crate::wire::Wire;

/// How a cut transfer is taken leave of
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Farewell {
    /// Its data connection failed: the server knows, and its reply may explain the failure
    Listen,
    /// The same, before the 1yz: that is still to come, and means nothing more
    ListenEarly,
    /// This side gave up: ABOR
    Abort,
}

/// An operation that ended, with its error
pub(crate) type Failed = (Option<OpId>, Error);

#[derive(Debug)]
pub(crate) enum Settling {
    Count,
    Cut {
        /// The operation, if it waits for what the server has to say
        failed: Option<Failed>,
        stage: Stage,
        /// Final replies that are due to the transfer and to ABOR
        due: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// As `Listening`, and the 1yz is due, too
    Early,
    /// The server knows that the transfer ended; one final reply is due
    Listening,
    /// ABOR is out
    Draining,
    /// `REST 0` is out
    Restart,
    /// PWD is out
    Directory,
}

/// Whether there is still something to wait for
#[derive(Debug)]
pub(crate) enum Settled {
    No,
    /// With the operation that waited
    Yes(Option<Failed>),
}

impl Settling {
    /// Takes leave of a cut transfer; gives its end back if it need not wait for the server
    pub(crate) fn cut(
        failed: Failed,
        farewell: Farewell,
        now: Instant,
        wire: &mut Wire,
    ) -> (Self, Option<Failed>) {
        let (settling, ended) = match farewell {
            Farewell::Listen => {
                (Self::Cut { failed: Some(failed), stage: Stage::Listening, due: 1 }, None)
            }
            Farewell::ListenEarly => {
                (Self::Cut { failed: Some(failed), stage: Stage::Early, due: 1 }, None)
            }
            Farewell::Abort => {
                wire.send(now, &Command::bare(Verb::ABOR));
                (Self::Cut { failed: None, stage: Stage::Draining, due: 2 }, Some(failed))
            }
        };
        // The whole has one deadline, whatever comes in meanwhile.
        wire.timers.stop(Timer::Reply);
        wire.timers.set_after(Timer::Settle, now, wire.config.settle_timeout, Phase::Settle);
        quiet(now, wire);
        (settling, ended)
    }

    /// Finds out what is still to come, where counting does not tell
    pub(crate) fn doubt(now: Instant, wire: &mut Wire) -> Self {
        wire.timers.set_after(Timer::Settle, now, wire.config.settle_timeout, Phase::Settle);
        sentinel(Verb::REST, now, wire);
        Self::Cut { failed: None, stage: Stage::Restart, due: 0 }
    }

    pub(crate) fn replied(&mut self, reply: Reply, now: Instant, wire: &mut Wire) -> Settled {
        match self {
            Self::Count => {
                if reply.kind() != Kind::Preliminary {
                    wire.control.pay();
                }
                wire.await_reply(now);
                if wire.control.owes_nothing() { Settled::Yes(None) } else { Settled::No }
            }
            Self::Cut { failed, stage, due } => {
                let (kind, code) = (reply.kind(), reply.code().get());
                let answers_sentinel =
                    matches!((*stage, code), (Stage::Restart, 350) | (Stage::Directory, 257));
                if kind != Kind::Preliminary && !answers_sentinel {
                    *due = due.saturating_sub(1);
                }
                match stage {
                    Stage::Early if kind == Kind::Preliminary => {
                        *stage = Stage::Listening;
                        quiet(now, wire);
                    }
                    Stage::Early | Stage::Listening if kind != Kind::Preliminary => {
                        explain(failed, reply);
                        return end(failed, wire);
                    }
                    Stage::Early | Stage::Listening | Stage::Draining => {
                        *stage = Stage::Restart;
                        sentinel(Verb::REST, now, wire);
                    }
                    Stage::Restart | Stage::Directory if answers_sentinel => {
                        if *stage == Stage::Restart {
                            wire.session.marker = RestartMarker::Clear;
                        }
                        if *due > 0 {
                            wire.session.late = LateFinal::Possible;
                        }
                        return end(failed, wire);
                    }
                    Stage::Restart | Stage::Directory => quiet(now, wire),
                }
                Settled::No
            }
        }
    }

    /// Nothing was heard for a while
    pub(crate) fn quiet(&mut self, now: Instant, wire: &mut Wire) {
        let Self::Cut { stage, .. } = self else { return };
        match stage {
            Stage::Early | Stage::Listening | Stage::Draining => {
                *stage = Stage::Restart;
                sentinel(Verb::REST, now, wire);
            }
            Stage::Restart => {
                *stage = Stage::Directory;
                sentinel(Verb::PWD, now, wire);
            }
            // Timer::Settle has the last word.
            Stage::Directory => {}
        }
    }
}

fn sentinel(verb: Verb, now: Instant, wire: &mut Wire) {
    let command = if verb == Verb::REST { Command::number(verb, 0) } else { Command::bare(verb) };
    wire.send(now, &command);
    wire.timers.stop(Timer::Reply);
    quiet(now, wire);
}

fn quiet(now: Instant, wire: &mut Wire) {
    wire.timers.set_after(Timer::Quiet, now, wire.config.settle_quiet, Phase::Settle);
}

/// A refusal explains better why a data connection failed than the failure itself
fn explain(failed: &mut Option<Failed>, reply: Reply) {
    if let Some((_, error @ Error::DataConnection(_))) = failed {
        if matches!(reply.kind(), Kind::Transient | Kind::Permanent) {
            *error = Error::from_reply(reply);
        }
    }
}

fn end(failed: &mut Option<Failed>, wire: &mut Wire) -> Settled {
    wire.control.forgive();
    wire.timers.stop(Timer::Quiet);
    wire.timers.stop(Timer::Settle);
    Settled::Yes(failed.take())
}
