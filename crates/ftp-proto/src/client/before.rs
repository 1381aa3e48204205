//! What has to run before a transfer: a listing for its TLS session tickets, a listing that takes what
//! the server still has of a broken one

use super::Client;
use crate::claim::Owner;
use crate::error::Error;
use crate::op::machine::Input;
use crate::op::running::Running;
use crate::op::transfer::TransferOp;
use crate::plan::{Before, Task};
use crate::session::{HARVESTS, LastListing, TicketSupply};

impl Client {
    /// Tells how many TLS session tickets the driver has in stock; holds until it is told again
    ///
    /// To be told whenever it may have changed: before requests, and before news is given to the
    /// client. A transfer that is refused has used one up if its handshake did not wait for the answer.
    ///
    /// After [`Action::CloseData`](crate::Action::CloseData) tickets may be on their way on a
    /// connection that was secured: while the driver waits for them (a round trip will do) it says
    /// nothing, and then how many there are.
    pub fn set_ticket_supply(&mut self, supply: TicketSupply) {
        self.wire.session.tickets = supply;
        // Before its connection has been closed the driver can't know.
        if self.awaits_ticket() && self.wire.actions.is_empty() {
            self.wire.timers.requested(self.now);
            self.step(Input::Tickets);
            self.pump();
        }
    }

    /// What has to run before this task, or forbids it
    pub(super) fn goes_before(&mut self, task: &Task) -> Before {
        let (Owner::User(_), Running::Transfer(transfer)) = (task.request.owner, &task.operation)
        else {
            return Before::Nothing;
        };
        let session = &mut self.wire.session;
        if transfer.is_listing() && core::mem::take(&mut session.listing) == LastListing::Cut {
            return Before::Operation(listing(Owner::Flush, TransferOp::unwanted(None)));
        }
        if !self.wire.protects_data() {
            return Before::Nothing;
        }
        let session = &mut self.wire.session;
        match session.tickets {
            TicketSupply::Wanted if session.harvests < HARVESTS => {
                session.harvests += 1;
                let listed = session.uploaded.take();
                return Before::Operation(listing(Owner::Tickets, TransferOp::unwanted(listed)));
            }
            // An upload does not begin without a ticket, a download is worth the try.
            TicketSupply::Wanted | TicketSupply::Exhausted if transfer.is_upload() => {
                session.harvests = 0;
                return Before::Refusal(Error::NoSessionTicket);
            }
            _ => session.harvests = 0,
        }
        Before::Nothing
    }
}

const fn listing(owner: Owner, transfer: TransferOp) -> Task {
    Task::new(owner, Running::Transfer(transfer))
}
