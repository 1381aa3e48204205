//! The part of a transfer in which both connections are in use
//!
//! The events of the two come in any order. Which reply ends the transfer is decided in `replies.rs`.

use core::time::Duration;

use super::TransferKind;
use super::control_side::{Begun, ControlSide};
use super::outcome::is_by_tls;
use super::replies::{Decision, Other};
use super::{Stage, TransferOp};
use crate::control::reply::{Code, Reply, ReplyKind};
use crate::data::{DataState, End};
use crate::error::Error;
use crate::op::machine::{Context, Input, Interruption, Step};
use crate::session::PassivePath;
use crate::terms::{DataFailure, Direction, Encoding, Phase, TlsSession, TransferType};
use crate::timer::Timer;
use crate::wire::Wire;

impl TransferOp {
    pub(super) fn joint(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        let other = match self.decide(input, cx) {
            Decision::None => return self.settle(cx),
            Decision::Final(reply) if reply.kind() == ReplyKind::Completion => {
                self.over(reply, cx);
                return self.settle(cx);
            }
            Decision::Final(reply) => {
                if !self.may_receive_more(reply.code(), cx.wire) {
                    return self.refused_with_data(reply, cx);
                }
                self.stage = Stage::Joint(ControlSide::Refused(reply));
                cx.wire.data_deadline(cx.now, self.data_wait(cx.wire), Phase::Transfer);
                return self.settle(cx);
            }
            Decision::Unconfirmed(error) => return Err(error),
            Decision::Other(other) => other,
        };
        match other {
            Other::Data => self.data_moved(cx),
            Other::DataTimeout(_) if self.is_refused() => {
                return self.data_ended(End::Finished, cx);
            }
            // The upload is confirmed and sent completely: only the server's end of the connection is missing.
            Other::DataTimeout(_) if cx.wire.data_state() == Some(DataState::Sent) => {
                return self.data_ended(End::Finished, cx);
            }
            Other::DataTimeout(phase) => {
                if phase == Phase::DataConnect {
                    cx.wire.session.path = PassivePath::Unproven;
                }
                return self.give_up(Error::DataTimedOut(phase), Interruption::Abort);
            }
            Other::Quiet if cx.wire.session.ahead.awaits_other_reply() => {
                if let Some(refusal) = self.refused_unbegun(cx) {
                    return Ok(Step::Interrupted(
                        Error::from_reply(refusal),
                        Interruption::AwaitNext,
                    ));
                }
                self.ask_for_other_reply(cx);
            }
            Other::Quiet => match &mut self.stage {
                Stage::Joint(ControlSide::Answered(begun, reply)) => {
                    let (begun, reply) = (*begun, reply.clone());
                    return self.never_opened(begun, reply, cx.wire);
                }
                // No 1yz and no data connection followed, so a command can disturb no transfer.
                Stage::Joint(ControlSide::Held(..)) => self.prove(cx),
                // The handshake has waited for the 1yz.
                Stage::Joint(_) => cx.wire.secure_data(cx.now),
                _ => {}
            },
            Other::Ignored => {}
        }
        self.settle(cx)
    }

    pub(super) fn await_final(
        &mut self,
        input: Input,
        cx: &mut Context<'_>,
    ) -> Result<Step, Error> {
        let Stage::AwaitFinal { end, bytes, .. } = &self.stage else {
            return Ok(Step::Pending);
        };
        let (end, bytes) = (*end, *bytes);
        match self.decide(input, cx) {
            Decision::Final(reply) if reply.kind() == ReplyKind::Completion => {
                self.note_name(&reply, &cx.wire.session);
                self.finish(end, bytes, reply, cx)
            }
            Decision::Final(reply) => self.refused(reply, bytes, cx),
            Decision::Unconfirmed(error) => Err(error),
            Decision::None => {
                // The final reply has one deadline, whatever other replies come.
                cx.wire.timers.stop(Timer::Reply);
                Ok(Step::Pending)
            }
            Decision::Other(Other::DataTimeout(phase)) => {
                self.give_up(Error::DataTimedOut(phase), Interruption::Abort)
            }
            Decision::Other(Other::Quiet) if cx.wire.session.ahead.awaits_other_reply() => {
                self.ask_for_other_reply(cx);
                Ok(Step::Pending)
            }
            Decision::Other(Other::Data | Other::Quiet | Other::Ignored) => Ok(Step::Pending),
        }
    }

    /// Takes the final reply while the data connection is open
    fn over(&mut self, reply: Reply, cx: &mut Context<'_>) {
        self.note_name(&reply, &cx.wire.session);
        let begun = match &self.stage {
            Stage::Joint(ControlSide::Started) => Begun::Yes,
            _ => Begun::No,
        };
        self.stage = Stage::Joint(ControlSide::Answered(begun, reply));
        if let Some(DataState::Listening(_)) = cx.wire.data_state() {
            // The server's connection may be on its way, or may never have been made.
            let wait = cx.wire.config.quiet();
            cx.wire.timers.set_after(Timer::Quiet, cx.now, wait, Phase::DataAccept);
        }
        self.ensure_data_deadline(cx);
    }

    /// Whether bytes of a download or listing that the server has begun may still arrive after a refusal with this code
    ///
    /// They are the user's, who can resume after them, and the two connections have no common order.
    fn may_receive_more(&self, code: Code, wire: &Wire) -> bool {
        let is_begun = matches!(self.stage, Stage::Joint(ControlSide::Started));
        let may_arrive = match wire.data_state() {
            Some(DataState::Moving | DataState::Secured) => true,
            Some(DataState::Open) => !wire.protects_data(),
            Some(DataState::Connecting) => code != Code::NO_DATA_CONNECTION,
            _ => false,
        };
        let may_be_repeated = self.session == Some(TlsSession::New) && is_by_tls(code);
        is_begun && may_arrive && self.kind != TransferKind::Upload && !may_be_repeated
    }

    /// Whether the server has refused the transfer, of which more bytes may arrive
    const fn is_refused(&self) -> bool {
        matches!(self.stage, Stage::Joint(ControlSide::Refused(_)))
    }

    /// How long the data connection may be silent
    fn data_wait(&self, wire: &Wire) -> Duration {
        if self.is_refused() { wire.config.quiet() } else { wire.config.data_timeout }
    }

    fn refused_with_data(&mut self, reply: Reply, cx: &mut Context<'_>) -> Result<Step, Error> {
        let bytes = cx.wire.data.as_ref().map_or(0, |data| data.bytes);
        self.refused(reply, bytes, cx)
    }

    pub(super) fn ensure_data_deadline(&self, cx: &mut Context<'_>) {
        if cx.wire.timers.phase(Timer::Data).is_none() {
            cx.wire.data_deadline(cx.now, cx.wire.config.data_timeout, Phase::Transfer);
        }
    }

    fn data_moved(&mut self, cx: &mut Context<'_>) {
        let Some(data) = &cx.wire.data else { return };
        self.session = data.session;
        match data.state {
            DataState::Open | DataState::Secured => {
                if !self.awaits_proof() {
                    cx.wire.timers.stop(Timer::Quiet);
                }
                cx.wire.data_deadline(cx.now, self.data_wait(cx.wire), Phase::Transfer);
            }
            DataState::Moving => {
                cx.wire.data_deadline(cx.now, self.data_wait(cx.wire), Phase::Transfer);
            }
            DataState::Sent => self.sent(cx),
            _ => {}
        }
    }

    /// Waits for the final reply and the end of the connection, after all of an upload has been sent
    pub(super) fn sent(&self, cx: &mut Context<'_>) {
        let Stage::Joint(control) = &self.stage else { return };
        match control {
            ControlSide::Answered(..) | ControlSide::Refused(_) => return,
            ControlSide::Held(_, held) if !held.is_asked() => {
                let wait = cx.wire.config.quiet();
                cx.wire.timers.set_after(Timer::Quiet, cx.now, wait, Phase::FinalReply);
            }
            ControlSide::Held(..) | ControlSide::Requested | ControlSide::Started => {}
        }
        cx.wire.timers.stop(Timer::Data);
        self.await_final_reply(cx);
    }

    /// Acts according to the state of both connections
    pub(super) fn settle(&mut self, cx: &mut Context<'_>) -> Result<Step, Error> {
        let Stage::Joint(control) = &self.stage else { return Ok(Step::Pending) };
        let Some(state) = cx.wire.data_state() else { return Ok(Step::Pending) };
        let protects = cx.wire.protects_data();
        let may_move = match control {
            ControlSide::Requested => false,
            ControlSide::Started | ControlSide::Answered(..) | ControlSide::Refused(_) => true,
            ControlSide::Held(begun, held) => {
                *begun != Begun::No || held.reply().kind() == ReplyKind::Completion
            }
        };
        match state {
            // Not before the server can read the command: it answers no ClientHello earlier.
            DataState::Open if protects && cx.wire.control.all_written() => {
                let wait = cx.wire.config.quiet();
                if may_move || !cx.wire.handshake_waits() {
                    if !self.awaits_proof() {
                        cx.wire.timers.stop(Timer::Quiet);
                    }
                    cx.wire.secure_data(cx.now);
                } else if cx.wire.timers.phase(Timer::Quiet).is_none() {
                    cx.wire.timers.set_after(Timer::Quiet, cx.now, wait, Phase::Reply(self.verb));
                }
            }
            DataState::Open if protects => {}
            DataState::Open | DataState::Secured if may_move => {
                let (direction, encoding) = (self.direction(), self.encoding());
                cx.wire.start_transfer(cx.now, cx.owner.op(), direction, encoding);
            }
            DataState::Ended(end) => return self.data_ended(end, cx),
            _ => {}
        }
        Ok(Step::Pending)
    }

    fn data_ended(&mut self, end: End, cx: &mut Context<'_>) -> Result<Step, Error> {
        if let Stage::Joint(ControlSide::Refused(reply)) = &self.stage {
            let reply = reply.clone();
            return self.refused_with_data(reply, cx);
        }
        match end {
            End::Finished | End::Truncated => {}
            End::Failed(failure) => {
                if failure == DataFailure::Open {
                    cx.wire.session.path = PassivePath::Unproven;
                }
                return self.give_up(Error::data(failure), Interruption::Await);
            }
            End::Foreign { expected, actual } => {
                return self.give_up(Error::ForeignPeer { expected, actual }, Interruption::Abort);
            }
        }
        let Stage::Joint(control) = &mut self.stage else { return Ok(Step::Pending) };
        let control = core::mem::replace(control, ControlSide::Requested);
        // Close it at once: ProFTPD keeps its 226 back until then.
        let bytes = cx.wire.close_data().map_or(0, |data| data.bytes);
        match control {
            ControlSide::Answered(_, reply) => self.finish(end, bytes, reply, cx),
            control => {
                let is_held = matches!(&control, ControlSide::Held(_, held) if !held.is_asked());
                self.await_final_reply(cx);
                self.stage = Stage::AwaitFinal { end, bytes, control };
                if is_held {
                    self.prove(cx);
                }
                Ok(Step::Pending)
            }
        }
    }

    /// Ends a transfer that can't continue; the session must be settled unless the final reply has come
    fn give_up(&self, error: Error, interruption: Interruption) -> Result<Step, Error> {
        match self.stage {
            Stage::Joint(ControlSide::Answered(..) | ControlSide::Refused(_)) => Err(error),
            Stage::Joint(ControlSide::Requested) if interruption == Interruption::Await => {
                Ok(Step::Interrupted(error, Interruption::AwaitAll))
            }
            Stage::Joint(ControlSide::Held(..)) if interruption == Interruption::Await => {
                Ok(Step::Interrupted(error, Interruption::AwaitNext))
            }
            _ => Ok(Step::Interrupted(error, interruption)),
        }
    }

    const fn direction(&self) -> Direction {
        match self.kind {
            TransferKind::Upload => Direction::Upload,
            TransferKind::Download | TransferKind::Listing => Direction::Download,
        }
    }

    const fn encoding(&self) -> Encoding {
        match (self.kind, self.type_) {
            (TransferKind::Download | TransferKind::Upload, TransferType::Ascii) => Encoding::Ascii,
            _ => Encoding::Image,
        }
    }
}
