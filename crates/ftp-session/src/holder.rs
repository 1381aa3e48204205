//! Who has the client of a shell while a transfer runs: its caller, who lends it, or the transfer itself

use std::borrow::BorrowMut;
use std::fmt;

use crate::error::Error;

/// What a shell's transfer has of its client `C`: a loan, or the client itself
///
/// For shells whose transfers are generic over it, so that one that borrows and one that owns are the same type. It
/// tells what comes out at their end.
pub trait Holder<C>: BorrowMut<C> + Sized {
    /// What success gives: `T`, and the client if the transfer has it
    type Done<T>;
    /// What failure gives: why, and the client if the transfer has it and the session goes on
    type Error: From<Error>;

    /// The end of a transfer that has succeeded
    fn done<T>(self, value: T) -> Self::Done<T>;

    /// The end of a transfer that has failed, with the client if its session is usable
    fn failed(self, error: Error, usable: bool) -> Self::Error;

    /// The end of a transfer, whichever
    ///
    /// # Errors
    ///
    /// That of the result.
    fn finish<T>(
        self,
        result: Result<T, Error>,
        usable: bool,
    ) -> Result<Self::Done<T>, Self::Error> {
        match result {
            Ok(value) => Ok(self.done(value)),
            Err(error) => Err(self.failed(error, usable)),
        }
    }
}

/// A loan
impl<C> Holder<C> for &mut C {
    type Done<T> = T;
    type Error = Error;

    fn done<T>(self, value: T) -> T {
        value
    }

    fn failed(self, error: Error, _: bool) -> Error {
        error
    }
}

/// The client itself
impl<C> Holder<C> for C {
    type Done<T> = (T, C);
    type Error = OwnedError<C>;

    fn done<T>(self, value: T) -> (T, C) {
        (value, self)
    }

    fn failed(self, error: Error, usable: bool) -> OwnedError<C> {
        OwnedError(Box::new((error, usable.then_some(self))))
    }
}

/// Why a transfer that has its client failed, and the client if the session goes on
///
/// `?` makes an [`Error`] of it, which drops the client.
pub struct OwnedError<C>(Box<(Error, Option<C>)>);

impl<C> OwnedError<C> {
    /// Why the transfer failed
    #[must_use]
    pub const fn error(&self) -> &Error {
        &self.0.0
    }

    /// Why the transfer failed, and the client; `None` if the session is over
    #[must_use]
    pub fn into_parts(self) -> (Error, Option<C>) {
        *self.0
    }
}

impl<C> From<Error> for OwnedError<C> {
    fn from(error: Error) -> Self {
        Self(Box::new((error, None)))
    }
}

impl<C> From<OwnedError<C>> for Error {
    fn from(error: OwnedError<C>) -> Self {
        error.0.0
    }
}

impl<C> fmt::Debug for OwnedError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.error(), f)
    }
}

impl<C> fmt::Display for OwnedError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.error(), f)
    }
}

impl<C> std::error::Error for OwnedError<C> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error().source()
    }
}
