//! What has to run before a request: the return to the working directory. Before a transfer, also a listing that
//! obtains TLS session tickets, or one that discards the rest of an interrupted listing

use super::Client;
use crate::claim::Owner;
use crate::directory::Return;
use crate::error::Error;
use crate::op::machine::Input;
use crate::op::running::Running;
use crate::op::simple::Simple;
use crate::op::transfer::TransferOp;
use crate::plan::{Before, Task};
use crate::session::{LastListing, MAX_TICKET_LISTINGS, TicketSupply};

impl Client {
    /// Sets how many TLS session tickets the driver has; this holds until the next call
    ///
    /// Call it whenever the supply may have changed: before requests, and before you report an event to the client.
    /// A refused transfer has used up a ticket if its handshake did not wait for the reply.
    ///
    /// After [`Action::CloseData`](crate::Action::CloseData) for a connection that was secured, tickets may still be
    /// about to arrive. While the driver waits for them (one round trip is enough), it does not call this; then it
    /// reports how many there are.
    pub fn set_ticket_supply(&mut self, supply: TicketSupply) {
        self.wire.session.tickets = supply;
        // The driver can't know until it has closed its connection.
        if self.awaits_ticket() && self.wire.actions.is_empty() {
            self.wire.timers.requested(self.now);
            self.step(Input::Tickets);
            self.pump();
        }
    }

    /// Returns what has to run before this task, or an error that forbids the task
    pub(super) fn goes_before(&mut self, task: &Task) -> Before {
        let Owner::User(_) = task.request.owner else { return Before::Nothing };
        let session = &mut self.wire.session;
        if session.directory.is_left() && task.needs(&session.directory, session.listing) {
            match session.directory.way_back() {
                Some(Return::To(home)) => {
                    let enter = Running::Simple(Simple::back_to(home));
                    return Before::Operation(Task::new(Owner::Return, enter));
                }
                Some(Return::Failed(error)) => return Before::Refusal(error),
                None => {}
            }
        }
        let Running::Transfer(transfer) = &task.operation else { return Before::Nothing };
        let session = &mut self.wire.session;
        if transfer.is_listing() && core::mem::take(&mut session.listing) == LastListing::Cut {
            return Before::Operation(listing(Owner::Flush, TransferOp::unwanted(None)));
        }
        if !self.wire.protects_data() {
            return Before::Nothing;
        }
        let session = &mut self.wire.session;
        match session.tickets {
            TicketSupply::Wanted if session.ticket_listings < MAX_TICKET_LISTINGS => {
                session.ticket_listings += 1;
                let listed = session.uploaded.take();
                return Before::Operation(listing(Owner::Tickets, TransferOp::unwanted(listed)));
            }
            // An upload does not begin without a ticket; a download is worth an attempt.
            TicketSupply::Wanted | TicketSupply::Exhausted if transfer.is_upload() => {
                session.ticket_listings = 0;
                return Before::Refusal(Error::NoSessionTicket);
            }
            _ => session.ticket_listings = 0,
        }
        Before::Nothing
    }

    /// Whether nothing has to run before a listing
    pub(super) fn listings_need_nothing(&self) -> bool {
        let session = &self.wire.session;
        let wants_ticket = self.wire.protects_data() && session.tickets == TicketSupply::Wanted;
        session.listing == LastListing::Whole && !wants_ticket
    }
}

fn listing(owner: Owner, transfer: TransferOp) -> Task {
    Task::new(owner, Running::from(transfer))
}
