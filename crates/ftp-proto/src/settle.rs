//! Settling: after an operation ended early, no reply may be outstanding when the next one starts
//!
//! ```text
//! Count      every command sent will be answered: wait for the answers, drop them
//!      └─ a reply that can only be an earlier transfer's, then quiet ──▶ as Resynchronize
//!
//! Interrupted        a transfer ended before its final reply
//!  Early ── 1yz ──▶ Listening
//!  Listening ── final reply ─────────────────────────────────▶ settled
//!      │ └───── 1yz, or quiet ──▶ REST 0 ── 350 ─────────────▶ settled
//!      └─ quiet, and no data connection was ever established ──▶ ABOR ──▶ Draining
//!  Refused ── answer to EPSV ────────────────────────────────▶ settled
//!      └───── 1yz, or quiet ──▶ REST 0 ── 350 ───────────────▶ settled
//!  Draining (ABOR) ── any reply, or quiet ──▶ REST 0 ── 350 ─▶ settled
//!                                    └ quiet ──▶ PWD ── 257 ─▶ settled
//!  no answer at all ─────────────────────────────────────────▶ the session is given up
//!
//! Prefetch     EPSV was sent during a transfer that has ended: wait for its answer (prefetch.rs)
//!      └─ quiet ──▶ as Resynchronize
//!
//! Resynchronize     a command of a batch was not answered and was sent again, or will be:
//!              as Draining, without ABOR
//! ```
//!
//! How many replies follow an interrupted transfer can't be known beforehand: servers send `426 226`, `226`, `225`,
//! `426 451`, or `150` and nothing more. The 350 to `REST 0` can't be mistaken for any of them and has no side
//! effects. If REST is not known, or was ignored, the 257 to PWD serves as well. Final replies that are missing
//! after that are recorded as [`Late::Due`](crate::session::Late::Due). A transfer that the server may still hold
//! for the next data connection is [`Leftover::Transfer`].

use crate::config::DataMode;
use crate::control::answers::is_only_a_transfers;
use crate::control::command::{Command, Verb};
use crate::control::reply::{Code, Reply, ReplyKind};
use crate::error::{ConnectionError, Error};
use crate::held::refuses_sentinel;
use crate::op::machine::Interruption;
use crate::op::transfer::Missing;
use crate::plan::Request;
use crate::prefetch::{Ahead, is_passive, looks_like_refusal_of_epsv};
use crate::server::Kind;
use crate::session::{Late, RestartMarker};
use crate::terms::{DataFailure, Phase};
use crate::time::Time;
use crate::timer::Timer;
use crate::wire::Wire;

/// A request whose operation failed
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) request: Request,
    pub(crate) error: Error,
    /// Whether bytes passed on the data connection
    pub(crate) moved: bool,
    /// The part of a known size that has not come
    pub(crate) missing: Option<Missing>,
}

impl Failed {
    /// Returns the error if the session ends before the server has explained the failure
    pub(crate) fn error_at_end(&self, cause: ConnectionError) -> Error {
        match self.missing {
            Some(missing) => missing.cut_off(Some(cause)),
            None => cause.into(),
        }
    }
}

/// How far a transfer's data connection has come
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contact {
    /// It was never established
    Never,
    /// It was established, but it is not known whether the server has begun the transfer: uploaded bytes wait in
    /// buffers
    Established,
    /// The server has sent bytes on it
    Served,
}

#[derive(Debug)]
pub(crate) enum Settling {
    Count,
    Prefetch,
    Interrupted(Interrupted),
}

/// An interrupted transfer that is being settled
#[derive(Debug)]
pub(crate) struct Interrupted {
    /// The request, as long as it waits for the server's explanation
    failed: Option<Failed>,
    stage: Stage,
    interruption: Interruption,
    /// Number of final replies expected to the transfer and to ABOR
    due: u8,
    leftover_if: LeftoverIf,
}

/// When to assume that the server has kept the transfer, to run it over the next data connection
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LeftoverIf {
    No,
    /// If nothing answers the transfer: the server may never have had a data connection
    IfUnanswered,
    /// If ABOR was answered 225 and no other reply to the transfer comes: pyftpdlib then keeps the transfer
    IfNothingElse,
    /// If only a 1yz answers the transfer: the data connection broke, and the server may have taken
    /// none of the data
    IfSilent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// As `Listening`, and the 1yz is expected, too
    Early,
    /// The server knows that the transfer has ended; one final reply is expected
    Listening,
    /// The refusal of the transfer has come, and EPSV's answer is expected
    Refused,
    /// ABOR has been sent
    Draining,
    /// `REST 0` has been sent
    Restart,
    /// PWD has been sent
    Directory,
}

/// Whether there is still something to wait for
#[derive(Debug)]
pub(crate) enum Settled {
    No,
    Yes(Option<Failed>, Leftover),
}

/// What a settled transfer may have left on the server
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leftover {
    Nothing,
    /// The transfer itself, which waits for a data connection
    Transfer,
}

impl Settling {
    /// Begins to settle an interrupted transfer; returns the request if it need not wait for the server
    pub(crate) fn cut(
        mut failed: Failed,
        interruption: Interruption,
        contact: Contact,
        now: Time,
        wire: &mut Wire,
    ) -> (Self, Option<Failed>) {
        let refusal = match wire.session.ahead.take_refusal() {
            Some(refusal) if looks_like_refusal_of_epsv(&refusal) => {
                wire.control.prefetch_answered();
                None
            }
            refusal => refusal,
        };
        let is_refused = refusal.is_some();
        if let Some(refusal) = refusal {
            explain(&mut failed.error, refusal);
        }
        let (failed, ended, stage, due) = match interruption {
            Interruption::Abort => {
                wire.send(now, &Command::bare(Verb::ABOR));
                (None, Some(failed), Stage::Draining, 2)
            }
            _ if is_refused => (Some(failed), None, Stage::Refused, 1),
            Interruption::Await | Interruption::AwaitNext => {
                (Some(failed), None, Stage::Listening, 1)
            }
            Interruption::AwaitAll => (Some(failed), None, Stage::Early, 1),
        };
        // In active mode, the server has tried to connect, and knows that it can't.
        let passive = wire.config.data_mode == DataMode::Passive;
        let leftover_if = match (contact, interruption) {
            _ if !passive || is_refused => LeftoverIf::No,
            (Contact::Never, _) => LeftoverIf::IfUnanswered,
            // This host has connected, but the server may not have accepted yet, and takes no notice of a reset.
            (Contact::Established, Interruption::Abort) if wire.session.kind == Kind::Pyftpdlib => {
                LeftoverIf::IfUnanswered
            }
            (Contact::Established, Interruption::Await | Interruption::AwaitAll) => {
                LeftoverIf::IfSilent
            }
            _ => LeftoverIf::No,
        };
        // EPSV's refusal, if it is refused, looks like one of the replies to the transfer.
        let due = due + u8::from(wire.control.expects_prefetch()) - u8::from(is_refused);
        wire.control.drop_earlier_sentinels();
        // All of settling has one deadline, whatever replies come.
        wire.stop_reply_timers();
        wire.start_settling(now);
        quiet(now, wire);
        (Self::Interrupted(Interrupted { failed, stage, interruption, due, leftover_if }), ended)
    }

    /// Finds out which replies are still to come, when they can't be counted
    pub(crate) fn resynchronize(now: Time, wire: &mut Wire) -> Self {
        wire.start_settling(now);
        sentinel(Verb::REST, now, wire);
        let (stage, interruption) = (Stage::Restart, Interruption::Await);
        Self::Interrupted(Interrupted {
            failed: None,
            stage,
            interruption,
            due: 0,
            leftover_if: LeftoverIf::No,
        })
    }

    /// Waits for the answer to EPSV, which was sent during a transfer that has ended
    pub(crate) fn prefetch(now: Time, wire: &mut Wire) -> Self {
        wire.stop_reply_timers();
        // No reply renews it, and the deadline of settling only begins after it: a driver may do nothing meanwhile.
        quiet(now, wire);
        Self::Prefetch
    }

    /// Waits for the answer to the sentinel with this verb, which the server may have refused or ignored
    ///
    /// The commands before it can't be counted: the reply that is held back may be the last one's own.
    pub(crate) fn sentinel(verb: Verb, now: Time, wire: &mut Wire) -> Self {
        let stage = if verb == Verb::PWD { Stage::Directory } else { Stage::Restart };
        wire.stop_reply_timers();
        wire.start_settling(now);
        quiet(now, wire);
        let interruption = Interruption::Await;
        Self::Interrupted(Interrupted {
            failed: None,
            stage,
            interruption,
            due: 0,
            leftover_if: LeftoverIf::No,
        })
    }

    pub(crate) fn replied(&mut self, reply: Reply, now: Time, wire: &mut Wire) -> Settled {
        match self {
            Self::Count => {
                if reply.kind() != ReplyKind::Preliminary {
                    count(&reply, now, wire);
                }
                wire.await_reply(now);
                if wire.control.expects_nothing() {
                    wire.timers.stop(Timer::Quiet);
                    Settled::Yes(None, Leftover::Nothing)
                } else {
                    Settled::No
                }
            }
            Self::Prefetch if wire.answers_prefetch(&reply, now) => {
                wire.timers.stop(Timer::Quiet);
                Settled::Yes(None, Leftover::Nothing)
            }
            Self::Prefetch => Settled::No,
            Self::Interrupted(cut) => cut.replied(reply, now, wire),
        }
    }

    /// Continues after a silence; returns the request if it waited for an explanation
    pub(crate) fn quiet(&mut self, now: Time, wire: &mut Wire) -> Option<Failed> {
        match self {
            Self::Count => {
                *self = Self::resynchronize(now, wire);
                None
            }
            Self::Prefetch => {
                wire.session.ahead.give_up();
                *self = Self::resynchronize(now, wire);
                None
            }
            Self::Interrupted(cut) => cut.quiet(now, wire),
        }
    }

    /// Takes the request that still waits, if any
    pub(crate) fn take_failed(&mut self) -> Option<Failed> {
        match self {
            Self::Count | Self::Prefetch => None,
            Self::Interrupted(cut) => cut.failed.take(),
        }
    }

    /// Returns the request that still waits, if any
    pub(crate) fn waiting(&self) -> Option<&Request> {
        match self {
            Self::Count | Self::Prefetch => None,
            Self::Interrupted(cut) => cut.failed.as_ref().map(|failed| &failed.request),
        }
    }
}

impl Interrupted {
    fn replied(&mut self, reply: Reply, now: Time, wire: &mut Wire) -> Settled {
        let (kind, code) = (reply.kind(), reply.code());
        if wire.control.sentinel_received(code) {
            if code == Code::ACTION_PENDING {
                wire.session.marker = RestartMarker::Clear;
            }
            // It may answer a sentinel that the transfer sent before it was interrupted, or `REST 0`, after which PWD
            // was sent because that answer was late.
            if wire.control.owes_sentinel() || !self.has_asked() {
                quiet(now, wire);
                return Settled::No;
            }
            return self.end(now, wire);
        }
        if wire.control.expects_prefetch() && is_passive(code) {
            wire.control.prefetch_answered();
            wire.session.ahead = Ahead::Cold;
            self.due = self.due.saturating_sub(1);
            if self.stage == Stage::Refused {
                return self.end(now, wire);
            }
            quiet(now, wire);
            return Settled::No;
        }
        // The refusal of EPSV does not explain why the transfer ended.
        if matches!(self.stage, Stage::Early | Stage::Listening)
            && wire.control.expects_prefetch()
            && looks_like_refusal_of_epsv(&reply)
        {
            wire.control.prefetch_answered();
            wire.session.ahead.give_up();
            self.due = self.due.saturating_sub(1);
            quiet(now, wire);
            return Settled::No;
        }
        self.note(&reply, wire);
        match self.stage {
            Stage::Early if kind == ReplyKind::Preliminary => {
                self.stage = Stage::Listening;
                quiet(now, wire);
            }
            Stage::Early | Stage::Listening if kind != ReplyKind::Preliminary => {
                if let Some(failed) = &mut self.failed {
                    explain(&mut failed.error, reply);
                }
                // The other one of two replies is still to come.
                if wire.control.expects_prefetch() {
                    self.ask(Verb::REST, now, wire);
                    return Settled::No;
                }
                return self.end(now, wire);
            }
            Stage::Refused if kind != ReplyKind::Preliminary => return self.end(now, wire),
            Stage::Early | Stage::Listening | Stage::Refused | Stage::Draining => {
                self.ask(Verb::REST, now, wire);
            }
            Stage::Restart | Stage::Directory => quiet(now, wire),
        }
        Settled::No
    }

    /// Counts a reply that is not the answer to a sentinel
    fn note(&mut self, reply: &Reply, wire: &mut Wire) {
        let (kind, code) = (reply.kind(), reply.code());
        // The refusal of a sentinel is not one of the expected final replies.
        if self.has_asked() && refuses_sentinel(code) {
            return;
        }
        if kind != ReplyKind::Preliminary {
            self.due = self.due.saturating_sub(1);
            if self.interruption == Interruption::Abort && wire.session.abort_reply.is_none() {
                wire.session.abort_reply = Some(reply.clone());
            }
        }
        self.leftover_if = match (self.leftover_if, code.get()) {
            (LeftoverIf::IfUnanswered, 225) => LeftoverIf::IfNothingElse,
            // Pure-FTPd ends a broken download with another 1yz.
            (LeftoverIf::IfSilent, 100..=199) if self.stage != Stage::Early => LeftoverIf::No,
            // The 1yz may come before the data connection is established.
            (leftover_if, 100..=199) => leftover_if,
            _ => LeftoverIf::No,
        };
    }

    fn quiet(&mut self, now: Time, wire: &mut Wire) -> Option<Failed> {
        match self.stage {
            // The server waits for a data connection that will never come.
            Stage::Early | Stage::Listening if self.leftover_if == LeftoverIf::IfUnanswered => {
                self.stage = Stage::Draining;
                self.due += 1;
                wire.send(now, &Command::bare(Verb::ABOR));
                wire.stop_reply_timers();
                quiet(now, wire);
            }
            Stage::Early | Stage::Listening | Stage::Refused | Stage::Draining => {
                self.ask(Verb::REST, now, wire);
            }
            Stage::Restart => self.ask(Verb::PWD, now, wire),
            // Timer::Settle ends this wait.
            Stage::Directory => {}
        }
        self.failed.take()
    }

    /// Whether settling has sent a sentinel of its own
    const fn has_asked(&self) -> bool {
        matches!(self.stage, Stage::Restart | Stage::Directory)
    }

    fn ask(&mut self, verb: Verb, now: Time, wire: &mut Wire) {
        self.stage = if verb == Verb::REST { Stage::Restart } else { Stage::Directory };
        sentinel(verb, now, wire);
    }

    fn end(&mut self, now: Time, wire: &mut Wire) -> Settled {
        wire.session.late = wire.session.late.and_due(self.due);
        if wire.control.expects_prefetch() {
            wire.session.ahead.give_up();
        }
        wire.control.expect_nothing();
        wire.await_reply(now);
        wire.timers.stop(Timer::Quiet);
        let leftover = match self.leftover_if {
            LeftoverIf::IfNothingElse | LeftoverIf::IfSilent => Leftover::Transfer,
            LeftoverIf::No | LeftoverIf::IfUnanswered => Leftover::Nothing,
        };
        Settled::Yes(self.failed.take(), leftover)
    }
}

/// Counts the final reply to a command, unless it can only be a late one to an earlier transfer
///
/// If the server has answered the command with it all the same, no other reply comes, and silence ends the wait.
fn count(reply: &Reply, now: Time, wire: &mut Wire) {
    let late = wire.session.late;
    let is_late = |verb| late != Late::None && is_only_a_transfers(verb, reply.code());
    if wire.control.front().is_some_and(is_late) {
        wire.session.late = late.less_one();
        return quiet(now, wire);
    }
    if wire.control.front() == Some(Verb::REST) {
        wire.session.marker = wire.session.marker.answered(reply.kind());
    }
    wire.control.reply_received();
}

fn sentinel(verb: Verb, now: Time, wire: &mut Wire) {
    wire.send_sentinel(now, verb);
    wire.stop_reply_timers();
    quiet(now, wire);
}

fn quiet(now: Time, wire: &mut Wire) {
    wire.timers.set_after(Timer::Quiet, now, wire.config.quiet(), Phase::Settle);
}

/// Adds a refusal to the error of a data connection: it explains why the connection broke, but does not hide what
/// the client knows about one that never worked
fn explain(error: &mut Error, refusal: Reply) {
    let Error::DataConnection { failure, .. } = error else { return };
    if !matches!(refusal.kind(), ReplyKind::Transient | ReplyKind::Permanent) {
        return;
    }
    *error = match *failure {
        // ProFTPD and vsftpd break off the handshake if it does not resume the control connection's session.
        DataFailure::Tls if refusal.demands_resumption() => {
            Error::ResumptionRequired { reply: refusal, end: None }
        }
        DataFailure::Broken => Error::from_reply(refusal),
        failure if may_blame_data_connection(&refusal) => {
            Error::DataConnection { failure, reply: Some(refusal) }
        }
        _ => Error::from_reply(refusal),
    };
}

/// Whether a refusal may mean only that the data connection failed
///
/// If a file does not exist, the refusal is permanent, and the server closes the data connection.
fn may_blame_data_connection(refusal: &Reply) -> bool {
    refusal.kind() == ReplyKind::Transient || refusal.code() == Code::PROTOCOL_NOT_SUPPORTED
}
