//! The replies to a transfer's command: which one is final, and whether it is this transfer's
//!
//! A final reply is held back ([`crate::held`]) if it comes before the 1yz or before an upload has been sent, or
//! while final replies of an aborted transfer are missing. It is held until a 1yz shows that it belonged to another
//! transfer, or until the data has ended and a sentinel can prove it. Nothing may be sent before that, because
//! servers drop what comes during a transfer.

use alloc::boxed::Box;

use super::TransferKind;
use super::control_side::{Begun, ControlSide};
use super::{Stage, TransferOp};
use crate::claim::Owner;
use crate::control::answers::{Answer, answer};
use crate::control::fields;
use crate::control::reply::{Code, Reply, ReplyKind};
use crate::data::{DataState, End};
use crate::error::Error;
use crate::event::Event;
use crate::held::Held;
use crate::op::machine::{Context, Input};
use crate::session::{Late, Preliminary, Session};
use crate::terms::{DataFailure, Phase};
use crate::timer::Timer;
use crate::wire::Wire;

/// The meaning of an input for the transfer
pub(super) enum Decision {
    /// Nothing has been decided
    None,
    /// This is the final reply
    Final(Reply),
    /// The upload fails with this error: all replies came before its end, and its data connection did not end
    /// properly
    Unconfirmed(Error),
    /// The input says nothing about the final reply
    Other(Other),
}

/// An input without its reply: to return the whole input would cost a copy of it
pub(super) enum Other {
    Data,
    DataTimeout(Phase),
    Quiet,
    /// One that means nothing for a transfer at this stage
    Ignored,
}

impl TransferOp {
    /// Decides what an input means for the final reply
    pub(super) fn decide(&mut self, input: Input, cx: &mut Context<'_>) -> Decision {
        match input {
            Input::Reply(reply) => self.reply_received(reply, cx),
            Input::Sentinel(_) if cx.wire.session.ahead.awaits_other_reply() => {
                self.other_reply_is_missing(cx)
            }
            Input::Sentinel(code) => self.sentinel(code, cx),
            Input::Quiet if self.awaits_proof() => self.sentinel_quiet(cx),
            Input::Quiet => Decision::Other(Other::Quiet),
            Input::Data => Decision::Other(Other::Data),
            Input::DataTimeout(phase) => Decision::Other(Other::DataTimeout(phase)),
            Input::Start
            | Input::Performed
            | Input::Written
            | Input::Late
            | Input::Tickets
            | Input::Secured
            | Input::Cleared
            | Input::SendAgain => Decision::Other(Other::Ignored),
        }
    }

    /// Takes a reply to the command; a final one no longer counts as expected
    fn reply_received(&mut self, reply: Reply, cx: &mut Context<'_>) -> Decision {
        let (Stage::Joint(control) | Stage::AwaitFinal { control, .. }) = &mut self.stage else {
            return Decision::None;
        };
        if reply.kind() == ReplyKind::Preliminary {
            self.preliminary(&reply, cx);
            return Decision::None;
        }
        match control {
            ControlSide::Held(begun, held) if held.is_asked() => {
                if *begun == Begun::Unsent {
                    *begun = Begun::Yes;
                }
                cx.wire.control.expect_again(self.verb);
                cx.wire.session.late = cx.wire.session.late.less_one();
                let reply = held.replied(reply, cx.now, cx.wire);
                self.proof(reply, cx)
            }
            // The reply that is held belonged to another transfer. Of several 2yz without a 1yz, the last may, too.
            ControlSide::Held(..) => {
                cx.wire.session.late = cx.wire.session.late.less_one();
                self.hold_or_take(reply, cx)
            }
            ControlSide::Requested | ControlSide::Started => self.hold_or_take(reply, cx),
            ControlSide::Answered(..) | ControlSide::Refused(_) => Decision::None,
        }
    }

    fn hold_or_take(&mut self, reply: Reply, cx: &mut Context<'_>) -> Decision {
        let premature = self.is_premature(reply.code(), cx.wire);
        let (Stage::Joint(control) | Stage::AwaitFinal { control, .. }) = &mut self.stage else {
            return Decision::None;
        };
        let begun = match control {
            ControlSide::Requested
            | ControlSide::Answered(..)
            | ControlSide::Refused(_)
            | ControlSide::Held(Begun::No, _) => Begun::No,
            ControlSide::Started | ControlSide::Held(..) if premature => Begun::Unsent,
            ControlSide::Started | ControlSide::Held(..) => Begun::Yes,
        };
        let early = begun == Begun::No && cx.wire.session.preliminary == Preliminary::Expected;
        let is_unproven = match reply.kind() {
            ReplyKind::Completion => early || premature || cx.wire.session.late.is_due(),
            ReplyKind::Transient | ReplyKind::Permanent => {
                cx.wire.session.late.is_due() && may_be_aborted(reply.code())
            }
            ReplyKind::Preliminary | ReplyKind::Intermediate => false,
        };
        if !is_unproven {
            return Decision::Final(reply);
        }
        cx.wire.session.ahead.give_up();
        let refuses = reply.kind() != ReplyKind::Completion;
        *control = ControlSide::Held(begun, Box::new(Held::new(reply)));
        cx.wire.control.expect_again(self.verb);
        if let Stage::AwaitFinal { .. } = self.stage {
            self.prove(cx);
        } else {
            cx.wire.stop_reply_timers();
            let listening = matches!(cx.wire.data_state(), Some(DataState::Listening(_)));
            if cx.wire.data_state() == Some(DataState::Sent) {
                self.sent(cx);
                return Decision::None;
            }
            if refuses || listening {
                // If this reply is true, there will be no data connection and no data.
                let wait = cx.wire.config.quiet();
                cx.wire.timers.set_after(Timer::Quiet, cx.now, wait, Phase::DataAccept);
            }
            self.ensure_data_deadline(cx);
        }
        Decision::None
    }

    /// Whether a 2yz comes too early to confirm the transfer: an upload, or its end, has not been sent completely;
    /// or the data has not ended, and transfers do not end with this code
    ///
    /// If it is proven that the server sends no 1yz, a 2yz is never too early.
    fn is_premature(&self, code: Code, wire: &Wire) -> bool {
        let more = matches!(wire.data_state(), Some(state) if state != DataState::Sent);
        let unsent = self.kind == TransferKind::Upload;
        let odd = || answer(self.verb, code) != Answer::Own;
        more && wire.session.preliminary == Preliminary::Expected && (unsent || odd())
    }

    /// Takes a 1yz
    fn preliminary(&mut self, reply: &Reply, cx: &mut Context<'_>) {
        let (Stage::Joint(control) | Stage::AwaitFinal { control, .. }) = &mut self.stage else {
            return;
        };
        match control {
            ControlSide::Started
            | ControlSide::Answered(..)
            | ControlSide::Refused(_)
            | ControlSide::Held(Begun::Unsent | Begun::Yes, _) => {}
            ControlSide::Requested | ControlSide::Held(Begun::No, _) => {
                if let ControlSide::Held(..) = control {
                    cx.wire.session.late = cx.wire.session.late.less_one();
                }
                *control = ControlSide::Started;
                cx.wire.session.preliminary = Preliminary::Expected;
                cx.wire.timers.stop(Timer::Quiet);
                self.granted(reply, cx);
            }
        }
        match self.stage {
            Stage::Joint(_) if cx.wire.data_state() == Some(DataState::Sent) => {
                cx.wire.timers.stop(Timer::Reply);
                self.await_final_reply(cx);
            }
            // From now on, the data connection shows whether the transfer proceeds.
            Stage::Joint(_) => cx.wire.stop_reply_timers(),
            _ => {}
        }
    }

    fn granted(&mut self, reply: &Reply, cx: &mut Context<'_>) {
        self.hint = self.size_hint(reply);
        self.note_name(reply, &cx.wire.session);
        if let Owner::User(op) = cx.owner {
            let size_hint = self.hint;
            cx.wire.events.push_back(Event::TransferStarted { op, size_hint });
        }
        if let Some(DataState::Listening(_)) = cx.wire.data_state() {
            let wait = cx.wire.config.data_connect_timeout;
            cx.wire.data_deadline(cx.now, wait, Phase::DataAccept);
        }
    }

    /// Returns the size in a 1yz, unless it may be part of the file's name
    fn size_hint(&self, reply: &Reply) -> Option<u64> {
        let name = self.argument.as_ref().map_or(&b""[..], |argument| argument.as_bytes());
        fields::parse_size_hint_for(reply.text(), name)
    }

    pub(super) fn note_name(&mut self, reply: &Reply, session: &Session) {
        if self.is_unique() && self.name.is_none() {
            self.name = fields::parse_stou(reply.text()).map(|name| session.iac.name(name));
        }
    }

    /// Sends the sentinel that proves the reply that is held back
    pub(super) fn prove(&mut self, cx: &mut Context<'_>) {
        let (Stage::Joint(control) | Stage::AwaitFinal { control, .. }) = &mut self.stage else {
            return;
        };
        if let ControlSide::Held(_, held) = control {
            held.ask(self.verb, cx.now, cx.wire);
            self.await_proof(cx);
        }
    }

    /// Sets the one deadline for the final reply, whatever other replies come
    pub(super) fn await_final_reply(&self, cx: &mut Context<'_>) {
        if cx.wire.timers.phase(Timer::Command) != Some(Phase::FinalReply) {
            let wait = cx.wire.config.final_reply_timeout;
            cx.wire.await_reply_for(cx.now, wait, Phase::FinalReply);
        }
    }

    fn await_proof(&self, cx: &mut Context<'_>) {
        // The server may be busy with the file: the sentinel's answer has as much time as the final reply.
        cx.wire.timers.stop(Timer::Reply);
        self.await_final_reply(cx);
        let wait = cx.wire.config.quiet();
        cx.wire.timers.set_after(Timer::Quiet, cx.now, wait, Phase::FinalReply);
    }

    /// Takes the answer to a sentinel
    fn sentinel(&mut self, code: Code, cx: &mut Context<'_>) -> Decision {
        let Some(held) = self.held() else { return Decision::None };
        let reply = held.answered(code, cx.now, cx.wire);
        self.proof(reply, cx)
    }

    /// Continues after a silence that followed a sentinel
    fn sentinel_quiet(&mut self, cx: &mut Context<'_>) -> Decision {
        let Some(held) = self.held() else { return Decision::None };
        match held.quiet(cx.now, cx.wire) {
            None => {
                cx.wire.timers.stop(Timer::Reply);
                Decision::None
            }
            proven => self.proof(proven, cx),
        }
    }

    fn held(&mut self) -> Option<&mut Held> {
        match &mut self.stage {
            Stage::Joint(ControlSide::Held(_, held))
            | Stage::AwaitFinal { control: ControlSide::Held(_, held), .. } => Some(held),
            _ => None,
        }
    }

    /// Returns the final reply if it has been proven; otherwise waits
    fn proof(&mut self, reply: Option<Reply>, cx: &mut Context<'_>) -> Decision {
        let Some(reply) = reply else {
            self.await_proof(cx);
            return Decision::None;
        };
        let unconfirmed = match self.stage {
            _ if self.kind != TransferKind::Upload || reply.kind() != ReplyKind::Completion => None,
            Stage::AwaitFinal { end: End::Truncated, .. } => Some(Error::data(DataFailure::Broken)),
            // The server has not even closed the data connection.
            Stage::Joint(_) if cx.wire.data_state() == Some(DataState::Sent) => {
                Some(Error::DataTimedOut(Phase::FinalReply))
            }
            _ => None,
        };
        let (Stage::Joint(control) | Stage::AwaitFinal { control, .. }) = &mut self.stage else {
            return Decision::None;
        };
        let before = !matches!(control, ControlSide::Held(Begun::Yes, _));
        if matches!(control, ControlSide::Held(Begun::No, _)) {
            *control = ControlSide::Requested;
            if reply.kind() == ReplyKind::Completion {
                cx.wire.session.preliminary = Preliminary::Absent;
            }
        } else {
            *control = ControlSide::Started;
        }
        cx.wire.reply_received();
        cx.wire.session.late = Late::None;
        cx.wire.stop_reply_timers();
        cx.wire.timers.stop(Timer::Quiet);
        match unconfirmed {
            Some(error) if before => Decision::Unconfirmed(error),
            _ => Decision::Final(reply),
        }
    }

    pub(super) fn awaits_proof(&self) -> bool {
        let (Stage::Joint(control) | Stage::AwaitFinal { control, .. }) = &self.stage else {
            return false;
        };
        matches!(control, ControlSide::Held(_, held) if held.is_asked())
    }
}

/// Whether a refusal may be the final reply of an earlier, aborted transfer
fn may_be_aborted(code: Code) -> bool {
    matches!(code.get(), 425 | 426 | 450..=452 | 550..=553)
}
