//! A client that is borrowed by a transfer

use std::borrow::{Borrow, BorrowMut};

use ftp_session::{Error, Holder};

use crate::client::Client;

/// Why a transfer that owns its client failed, with the client if the session is still usable
pub type OwnedError = ftp_session::OwnedError<Client>;

/// A client that is borrowed by a transfer
///
/// Dropping it while the transfer runs aborts the transfer and waits until the server has settled.
#[derive(Debug)]
pub struct Borrowed<'a>(pub(crate) &'a mut Client);

impl Borrow<Client> for Borrowed<'_> {
    fn borrow(&self) -> &Client {
        self.0
    }
}

impl BorrowMut<Client> for Borrowed<'_> {
    fn borrow_mut(&mut self) -> &mut Client {
        self.0
    }
}

impl<'a> From<&'a mut Client> for Borrowed<'a> {
    fn from(client: &'a mut Client) -> Self {
        Self(client)
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        self.0.session.give_up();
    }
}

impl Holder<Client> for Borrowed<'_> {
    type Done<T> = T;
    type Error = Error;

    fn done<T>(_: Self, value: T) -> T {
        value
    }

    fn failed(_: Self, error: Error, _: bool) -> Error {
        error
    }
}
