//! A transfer during which EPSV was sent for the next one (prefetch.rs)

use super::control_side::ControlSide;
use super::replies::Decision;
use super::{Stage, TransferOp};
use crate::control::command::Verb;
use crate::control::reply::Reply;
use crate::data::DataState;
use crate::error::Error;
use crate::op::machine::Context;
use crate::prefetch::{Ahead, looks_like_refusal_of_epsv};
use crate::session::{Preliminary, RestartMarker};
use crate::terms::{Phase, TransferType};
use crate::time::Time;
use crate::timer::Timer;
use crate::wire::Wire;

impl TransferOp {
    pub(crate) const fn verb(&self) -> Verb {
        self.verb
    }

    pub(crate) fn is_of_type(&self, type_: Option<TransferType>) -> bool {
        type_ == Some(self.type_)
    }

    /// Whether its command has been sent, its data connection is open, and nothing unusual has happened so far
    pub(crate) fn permits_prefetch(&self, wire: &Wire) -> bool {
        matches!(self.stage, Stage::Joint(ControlSide::Requested | ControlSide::Started))
            && matches!(
                wire.data_state(),
                Some(
                    DataState::Open | DataState::Securing | DataState::Secured | DataState::Moving
                )
            )
            && wire.session.marker == RestartMarker::Clear
            && wire.session.preliminary == Preliminary::Expected
            && !wire.session.late.is_due()
    }

    /// Whether its final reply is still to come
    pub(crate) const fn awaits_final_reply(&self) -> bool {
        self.is_asked() && !self.final_reply_received()
    }

    /// Whether a final reply is held back
    pub(crate) const fn holds_a_reply(&self) -> bool {
        matches!(
            self.stage,
            Stage::Joint(ControlSide::Held(..))
                | Stage::AwaitFinal { control: ControlSide::Held(..), .. }
        )
    }

    /// Whether only replies can show how it goes on: no data moves, or none will move unless the 1yz comes
    pub(crate) fn waits_for_replies(&self, wire: &Wire) -> bool {
        match self.stage {
            Stage::AwaitFinal { .. } => true,
            Stage::Joint(ControlSide::Requested) => true,
            Stage::Joint(ControlSide::Started) => wire.data_state() == Some(DataState::Sent),
            _ => false,
        }
    }

    /// Whether its 1yz has come
    pub(crate) const fn has_started(&self) -> bool {
        matches!(
            self.stage,
            Stage::Joint(ControlSide::Started)
                | Stage::AwaitFinal { control: ControlSide::Started, .. }
        )
    }

    /// Returns the refusal that has come, if the 1yz has not: it is the transfer's as far as one can tell
    pub(super) fn refused_unbegun(&self, cx: &Context<'_>) -> Option<Reply> {
        match (&self.stage, &cx.wire.session.ahead) {
            (Stage::Joint(ControlSide::Requested), Ahead::Refused(reply)) => Some(reply.clone()),
            _ => None,
        }
    }

    /// Sends a sentinel: one final reply has come, of two that are expected, and then nothing more
    pub(super) fn ask_for_other_reply(&self, cx: &mut Context<'_>) {
        if cx.wire.control.owes_sentinel() {
            return;
        }
        cx.wire.send_sentinel(cx.now, Verb::REST);
        // The server may be busy with the file: the sentinel's answer has as much time as the final reply.
        cx.wire.timers.stop(Timer::Reply);
        self.await_final_reply(cx);
    }

    /// Decides what the one final reply means, as the sentinel was answered and no other one came before that
    pub(super) fn other_reply_is_missing(&self, cx: &mut Context<'_>) -> Decision {
        let refusal = cx.wire.session.ahead.take_refusal();
        cx.wire.session.ahead.give_up();
        cx.wire.control.expect_nothing();
        cx.wire.timers.stop(Timer::Quiet);
        match refusal {
            Some(reply) => Decision::Final(reply),
            // EPSV was answered, but the transfer was not: the server has dropped it, and perhaps not for good.
            None => {
                cx.wire.session.late = cx.wire.session.late.and_due(1);
                Decision::Unconfirmed(self.dropped(cx))
            }
        }
    }

    fn dropped(&self, cx: &Context<'_>) -> Error {
        let received = match (&self.stage, &cx.wire.data) {
            (Stage::AwaitFinal { bytes, .. }, _) => *bytes,
            (_, Some(data)) => data.bytes,
            (_, None) => 0,
        };
        match self.missing(received) {
            Some(missing) => missing.cut_off(None),
            None => Error::DataTimedOut(Phase::FinalReply),
        }
    }

    /// Returns the refusal that answers the transfer, if the session ends before EPSV is answered
    pub(crate) fn last_refusal(&self, ahead: &mut Ahead) -> Option<Reply> {
        // While data moves, the refusal may be that of EPSV, and the end of the session explains more.
        matches!(self.stage, Stage::Joint(ControlSide::Requested) | Stage::AwaitFinal { .. })
            .then(|| ahead.take_refusal())
            .flatten()
            .filter(|refusal| !looks_like_refusal_of_epsv(refusal))
    }

    /// Limits the wait for the second of two final replies
    pub(crate) fn await_other_reply(&self, now: Time, wire: &mut Wire) {
        if self.waits_for_replies(wire)
            && wire.timers.phase(Timer::Quiet).is_none()
            && !wire.control.owes_sentinel()
        {
            let wait = wire.config.quiet();
            wire.timers.set_after(Timer::Quiet, now, wait, Phase::Settle);
        }
    }
}
