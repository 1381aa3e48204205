//! The next transfer's port is asked for during the running transfer, and two final replies are told apart
//!
//! What the replies mean is in [`crate::prefetch`].

use super::{Client, State};
use crate::claim::Owner;
use crate::config::{DataMode, Prefetch};
use crate::control::answers::{Answer, answer, is_only_a_transfers};
use crate::control::command::Verb;
use crate::control::reply::{Code, Reply, ReplyKind};
use crate::error::ProtocolError;
use crate::op::machine::Context;
use crate::op::open::first_passive;
use crate::op::running::Running;
use crate::op::transfer::TransferOp;
use crate::plan::Task;
use crate::prefetch::{Ahead, is_passive, looks_like_refusal_of_epsv};
use crate::server::Kind;
use crate::session::ControlSecurity;
use crate::terms::Protection;

impl Client {
    /// Whether the server failed to handle [EPSV during a transfer](crate::Prefetch), so that this session no longer
    /// sends it
    ///
    /// A driver that opens further sessions to the same server should set [`Prefetch::Off`] there.
    #[must_use]
    pub const fn prefetch_failed(&self) -> bool {
        matches!(self.wire.session.ahead, Ahead::Off)
    }

    /// Sends EPSV during the running transfer if it is time to; limits the wait for the second of two final replies
    pub(super) fn send_prefetch(&mut self) {
        let State::Running(Task { request, operation: Running::Transfer(transfer) }) = &self.state
        else {
            return;
        };
        match self.wire.session.ahead {
            Ahead::Cold | Ahead::Warm => {}
            Ahead::Refused(_) | Ahead::Early => {
                return transfer.await_other_reply(self.now, &mut self.wire);
            }
            _ => return,
        }
        let owner = request.owner;
        if matches!(owner, Owner::User(_))
            && transfer.permits_prefetch(&self.wire)
            && self.server_permits_prefetch(transfer)
            && self.expects_a_transfer()
        {
            let cx = Context { now: self.now, owner, wire: &mut self.wire };
            if first_passive(&cx) == Verb::EPSV {
                self.wire.send_prefetch();
            }
        }
    }

    /// Whether EPSV may be sent during this transfer
    fn server_permits_prefetch(&self, transfer: &TransferOp) -> bool {
        let (config, session) = (&self.wire.config, &self.wire.session);
        let verb = transfer.verb();
        // First what rules it out for the whole session: this is asked at every step of a transfer.
        let is_permitted = match (config.prefetch, session.kind) {
            (Prefetch::Off, _) | (Prefetch::Known, Kind::Pyftpdlib | Kind::Other) => false,
            (Prefetch::Always, _) => true,
            (Prefetch::Known, Kind::Vsftpd) => {
                session.control != ControlSecurity::ClearedAgain
                    && session.kind.is_likely(self.features())
            }
            (Prefetch::Known, Kind::Proftpd) => {
                session.control == ControlSecurity::Clear
                    && session.protection == Protection::Clear
                    && matches!(verb, Verb::RETR | Verb::LIST)
                    && session.kind.is_likely(self.features())
            }
        };
        is_permitted
            && config.permits_batches()
            && config.data_mode == DataMode::Passive
            && session.batches.may_be_sent()
            && matches!(
                verb,
                Verb::RETR | Verb::LIST | Verb::NLST | Verb::MLSD | Verb::STOR | Verb::APPE
            )
    }

    /// Whether the next request is a transfer of the same type; if it is not known yet, whether it is likely to be one
    fn expects_a_transfer(&self) -> bool {
        let type_ = self.wire.session.type_;
        match self.queue.front().map(|next| &next.operation) {
            Some(Running::Transfer(transfer)) => transfer.is_of_type(type_),
            Some(_) => false,
            None => matches!(self.wire.session.ahead, Ahead::Warm),
        }
    }

    /// Takes a final reply while EPSV is unanswered as well
    pub(super) fn replied_to_one(&mut self, command: Verb, reply: Reply) {
        let awaits_final_reply = matches!(
            &self.state,
            State::Running(Task { operation: Running::Transfer(transfer), .. })
                if transfer.awaits_final_reply()
        );
        if !awaits_final_reply {
            return self.replied_to_the_other(reply);
        }
        if let Some(reply) = self.decide(command, reply) {
            self.replied_to(command, reply);
        }
        self.send_prefetch();
    }

    /// Whether only EPSV is unanswered, and this reply is that of another command
    pub(super) fn is_foreign_beside(&self, reply: &Reply) -> bool {
        let control = &self.wire.control;
        control.prefetch_is_first()
            && !control.owes_sentinel()
            // Some servers send it after a transfer.
            && reply.code() != Code::DATA_OPEN
            // As to PASV: to EPSV a 220 is tolerated, but only for a raw `EPSV ALL`.
            && self.is_foreign(Verb::PASV, reply)
    }

    /// Takes a final reply after the transfer has been answered
    fn replied_to_the_other(&mut self, reply: Reply) {
        if self.wire.answers_prefetch(&reply, self.now) {
            return;
        }
        self.wire.session.ahead.give_up();
        // A second final reply that contradicts the first: which transfer it belongs to can't be known.
        if reply.kind() != ReplyKind::Completion {
            self.die(ProtocolError::UnsolicitedReply { reply, unwritten: None }.into());
        }
    }

    /// Returns the reply that answers the transfer with this command, if that is clear now
    fn decide(&mut self, command: Verb, reply: Reply) -> Option<Reply> {
        let code = reply.code();
        let refusal = self.wire.session.ahead.take_refusal();
        if is_passive(code) {
            self.wire.control.prefetch_answered();
            let ahead = &mut self.wire.session.ahead;
            match (&refusal, &*ahead) {
                (Some(_), _) => {
                    *ahead = Ahead::Cold;
                    ahead.answered(&reply, self.now);
                }
                (None, Ahead::Asked) => *ahead = Ahead::Early,
                (None, _) => {}
            }
            return refusal;
        }
        let took_it_for_an_abort = tells_of_an_abort(&reply);
        let Some(first) = refusal else {
            if took_it_for_an_abort {
                self.die(ProtocolError::UnsolicitedReply { reply, unwritten: None }.into());
                return None;
            }
            return self.first_of_two(reply);
        };
        // The server did not handle EPSV correctly.
        self.wire.session.ahead.give_up();
        let is_first_epsvs = looks_like_refusal_of_epsv(&first);
        let second_ends_it = match reply.kind() {
            ReplyKind::Completion => answer(command, code) == Answer::Own && !took_it_for_an_abort,
            ReplyKind::Preliminary | ReplyKind::Intermediate => false,
            ReplyKind::Transient | ReplyKind::Permanent => {
                is_certain(&reply) || (is_first_epsvs && !looks_like_refusal_of_epsv(&reply))
            }
        };
        // Before the 1yz, EPSV may be unanswered as well.
        if is_first_epsvs || self.transfer_has_begun() {
            self.wire.control.prefetch_answered();
        }
        Some(if second_ends_it { reply } else { first })
    }

    fn transfer_has_begun(&self) -> bool {
        matches!(
            &self.state,
            State::Running(Task { operation: Running::Transfer(transfer), .. })
                if transfer.has_started()
        )
    }

    /// Takes the first of two final replies; returns it if it is the transfer's
    fn first_of_two(&mut self, reply: Reply) -> Option<Reply> {
        let State::Running(Task { operation: Running::Transfer(transfer), .. }) = &self.state
        else {
            return Some(reply);
        };
        let refuses = matches!(reply.kind(), ReplyKind::Transient | ReplyKind::Permanent);
        if !refuses
            || is_certain(&reply)
            || transfer.holds_a_reply()
            || !matches!(self.wire.session.ahead, Ahead::Asked)
        {
            return Some(reply);
        }
        self.wire.session.ahead = Ahead::Refused(reply);
        None
    }

    /// Takes the refusal that has come as the transfer's, because the session ends before EPSV is answered
    pub(super) fn handle_last_refusal(&mut self) {
        let State::Running(Task { operation: Running::Transfer(transfer), .. }) = &self.state
        else {
            return;
        };
        let verb = transfer.verb();
        if let Some(reply) = transfer.last_refusal(&mut self.wire.session.ahead) {
            self.replied_to(verb, reply);
        }
    }
}

/// Whether a refusal can only be the transfer's
fn is_certain(refusal: &Reply) -> bool {
    is_only_a_transfers(Verb::EPSV, refusal.code()) || refusal.demands_resumption()
}

/// Whether a reply says that a transfer was aborted, so that the server has taken EPSV for ABOR
fn tells_of_an_abort(reply: &Reply) -> bool {
    reply.kind() == ReplyKind::Completion
        && reply.text().get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"abor"))
}
