//! TLS session tickets: what their supply permits, and what is done for more of them

use super::several::Task;
use super::{Client, Doing};
use crate::claim::OpId;
use crate::error::Error;
use crate::op::running::Running;
use crate::op::transfer::TransferOp;
use crate::session::{HARVESTS, TicketSupply};
use crate::terms::Phase;
use crate::timer::Timer;

/// What the supply of tickets permits
#[expect(clippy::large_enum_variant, reason = "taken apart at once")]
pub(super) enum Tickets {
    Enough,
    /// Only after this
    First(TransferOp),
    None,
}

impl Client {
    /// What the driver knows of the TLS session tickets in stock; holds until it is said again
    ///
    /// To be said whenever it may have changed: before requests, and before news is given to the
    /// client. A transfer that is refused has used one up if its handshake did not wait for the answer.
    ///
    /// After [`Action::CloseData`](crate::Action::CloseData) tickets may be on their way on a
    /// connection that was secured: while the driver waits for them (a round trip will do) it says
    /// nothing, and then how many there are.
    pub fn set_ticket_supply(&mut self, supply: TicketSupply) {
        self.wire.session.tickets = supply;
        // Before its connection has been closed the driver can't know.
        if let (Doing::AwaitingTicket(..), true) = (&self.doing, self.wire.actions.is_empty()) {
            self.try_again(matches!(supply, TicketSupply::Ample | TicketSupply::Scarce));
            self.pump();
            self.request_at = self.request_at.or(Some(self.now));
        }
    }

    /// A transfer over TLS first looks for a ticket where the server may insist on one; an upload
    /// does not begin without, a download is worth the try
    pub(super) fn look_for_tickets(&mut self, op: Option<OpId>, running: &Running) -> Tickets {
        let (Some(_), Running::Transfer(transfer)) = (op, running) else { return Tickets::Enough };
        if !self.wire.protects_data() {
            return Tickets::Enough;
        }
        let session = &mut self.wire.session;
        match session.tickets {
            TicketSupply::Wanted if session.harvests < HARVESTS => {
                session.harvests += 1;
                Tickets::First(TransferOp::harvest(session.uploaded.take()))
            }
            TicketSupply::Wanted | TicketSupply::Exhausted if transfer.risks_a_file() => {
                session.harvests = 0;
                Tickets::None
            }
            _ => {
                session.harvests = 0;
                Tickets::Enough
            }
        }
    }

    /// A transfer was refused for want of a TLS session
    pub(super) fn await_ticket(&mut self, op: Option<OpId>, transfer: TransferOp) {
        self.doing = Doing::AwaitingTicket(op, transfer);
        // For drivers that say nothing.
        let wait = self.wire.config.settle_quiet;
        self.wire.timers.set_after(Timer::Quiet, self.now, wait, Phase::Settle);
    }

    /// Once more, or not
    pub(super) fn try_again(&mut self, has_ticket: bool) {
        if !has_ticket {
            return self.end_wait(TransferOp::gives_up);
        }
        match core::mem::replace(&mut self.doing, Doing::Nothing) {
            // A listing for the sake of tickets: also the refused one may have brought some.
            Doing::AwaitingTicket(None, _) => {
                self.wire.timers.stop(Timer::Quiet);
                self.count_rest();
            }
            Doing::AwaitingTicket(op, transfer) => {
                self.wire.timers.stop(Timer::Quiet);
                self.queue.push_front((op, Task::One(Running::Transfer(transfer))));
                self.count_rest();
            }
            other => self.doing = other,
        }
    }

    /// The refused transfer ends so
    pub(super) fn end_wait(&mut self, error: impl FnOnce(TransferOp) -> Error) {
        match core::mem::replace(&mut self.doing, Doing::Nothing) {
            Doing::AwaitingTicket(op, transfer) => {
                self.wire.timers.stop(Timer::Quiet);
                self.complete(op, Err(error(transfer)));
                self.count_rest();
            }
            other => self.doing = other,
        }
    }
}
