//! What a server may still have of a listing that did not come to its end
//!
//! Pure-FTPd keeps what it could not send, and puts it before the next listing, of whatever directory.
//! So another one goes before that, which nobody reads.

use super::{Client, Doing};
use crate::claim::OpId;
use crate::error::Error;
use crate::op::machine::Step;
use crate::op::running::Running;
use crate::session::{Carried, LastListing};

impl Client {
    /// Remembers whether a listing came to its end
    pub(super) fn note_listing(&mut self, ended: &Doing, result: &Result<Step, Error>) {
        let Doing::Running(op, Running::Transfer(transfer)) = ended else { return };
        let failed = matches!(result, Ok(Step::Cut(..)) | Err(_));
        let session = &mut self.wire.session;
        if failed && session.carried == Carried::Something && transfer.is_wanted_listing(*op) {
            session.listing = LastListing::Cut;
        }
    }

    /// Whether another listing, which nobody reads, has to go before this one, since a server may put what
    /// it still has of a broken one at its beginning (Pure-FTPd)
    pub(super) fn has_remnants(&mut self, op: Option<OpId>, running: &Running) -> bool {
        match running {
            Running::Transfer(transfer) if transfer.is_wanted_listing(op) => {
                core::mem::take(&mut self.wire.session.listing) == LastListing::Cut
            }
            _ => false,
        }
    }
}
