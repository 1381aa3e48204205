//! Who owns the client of a shell while a transfer runs: the caller, from whom it is borrowed, or the transfer itself

use std::borrow::BorrowMut;
use std::fmt;

use crate::error::Error;
use crate::questions::questions;

/// How a shell's transfer holds its client `C`: borrowed or owned
///
/// Shells make their transfers generic over it, so that a borrowing and an owning transfer are the same type. It
/// determines the results of the transfer.
pub trait Holder<C>: BorrowMut<C> + Sized {
    /// The result of a success: `T`, and the client if the transfer owns it
    type Done<T>;
    /// The result of a failure: the error, and the client if the transfer owns it and the session is still usable
    type Error: From<Error>;

    /// Ends a transfer that has succeeded
    fn done<T>(self, value: T) -> Self::Done<T>;

    /// Ends a transfer that has failed; `usable` says whether its session is still usable
    fn failed(self, error: Error, usable: bool) -> Self::Error;

    /// Ends a transfer with this result
    ///
    /// # Errors
    ///
    /// The error of `result`.
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

/// A borrowed client
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

/// An owned client
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

/// Why a transfer that owns its client failed, with the client if the session is still usable
///
/// `?` converts it to an [`Error`], which drops the client.
pub struct OwnedError<C>(Box<(Error, Option<C>)>);

impl<C> OwnedError<C> {
    /// Returns why the transfer failed
    #[must_use]
    pub const fn error(&self) -> &Error {
        &self.0.0
    }

    /// Returns why the transfer failed, and the client; `None` if the session is over
    #[must_use]
    pub fn into_parts(self) -> (Error, Option<C>) {
        *self.0
    }
}

questions! { impl {C} OwnedError<C>, |this| this.error() }

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
