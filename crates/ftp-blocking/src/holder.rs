//! Who has the client while a transfer runs: its caller, who lends it, or the transfer itself

use std::borrow::{Borrow, BorrowMut};
use std::fmt;

use ftp_session::Error;

use crate::client::Client;

/// What a transfer has of its client: [`Borrowed`], or the [`Client`] itself
///
/// Transfers are generic over it, so that one that borrows and one that owns are the same type. It tells what comes out at
/// their end. No other type can implement it.
pub trait Holder: BorrowMut<Client> + Sized + sealed::Sealed {
    /// What success gives: `T`, and the client if the transfer has it
    type Done<T>;
    /// What failure gives: why, and the client if the transfer has it and the session goes on
    type Error: From<Error>;

    #[doc(hidden)]
    fn finish<T>(self, result: Result<T, Error>) -> Result<Self::Done<T>, Self::Error>;

    #[doc(hidden)]
    fn failed(self, error: Error) -> Self::Error;
}

mod sealed {
    #[expect(unnameable_types, reason = "seals `Holder`")]
    pub trait Sealed {}
    impl Sealed for super::Borrowed<'_> {}
    impl Sealed for super::Client {}
}

/// A client that is lent to a transfer
///
/// Dropped while the transfer runs, it aborts the transfer and waits until the server has settled.
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

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        self.0.session.give_up();
    }
}

impl Holder for Borrowed<'_> {
    type Done<T> = T;
    type Error = Error;

    fn finish<T>(self, result: Result<T, Error>) -> Result<T, Error> {
        result
    }

    fn failed(self, error: Error) -> Error {
        error
    }
}

impl Holder for Client {
    type Done<T> = (T, Self);
    type Error = OwnedError;

    fn finish<T>(self, result: Result<T, Error>) -> Result<(T, Self), OwnedError> {
        match result {
            Ok(value) => Ok((value, self)),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(self, error: Error) -> OwnedError {
        let client = self.is_connected().then_some(self);
        OwnedError(Box::new((error, client)))
    }
}

/// Why a transfer that has its client failed, and the client if the session goes on
///
/// `?` makes an [`Error`] of it, which drops the client.
pub struct OwnedError(Box<(Error, Option<Client>)>);

impl OwnedError {
    /// Why the transfer failed
    #[must_use]
    pub const fn error(&self) -> &Error {
        &self.0.0
    }

    /// Why the transfer failed, and the client; `None` if the session is over
    #[must_use]
    pub fn into_parts(self) -> (Error, Option<Client>) {
        *self.0
    }
}

impl From<Error> for OwnedError {
    fn from(error: Error) -> Self {
        Self(Box::new((error, None)))
    }
}

impl From<OwnedError> for Error {
    fn from(error: OwnedError) -> Self {
        error.0.0
    }
}

impl fmt::Debug for OwnedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.error(), f)
    }
}

impl fmt::Display for OwnedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.error(), f)
    }
}

impl std::error::Error for OwnedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error().source()
    }
}
