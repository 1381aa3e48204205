//! A shell's transfer: who owns its client, the caller from whom it is borrowed or the transfer itself; and its outcome

use std::borrow::BorrowMut;
use std::fmt;

use ftp_proto::Transfer;

use crate::error::Error;
use crate::questions::questions;

/// How a shell's transfer holds its client `C`: borrowed or owned
///
/// Shells make their transfers generic over it, so that a borrowing and an owning transfer are the same type. It
/// determines the results of the transfer.
///
/// It is implemented for every type. So its functions take no `self`: as methods they would hide other types' methods of
/// the same names wherever the trait is imported.
pub trait Holder<C>: BorrowMut<C> + Sized {
    /// The result of a success: `T`, and the client if the transfer owns it
    type Done<T>;
    /// The result of a failure: the error, and the client if the transfer owns it and the session is still usable
    type Error: From<Error>;

    /// Ends a transfer that has succeeded
    fn done<T>(holder: Self, value: T) -> Self::Done<T>;

    /// Ends a transfer that has failed; `usable` says whether its session is still usable
    fn failed(holder: Self, error: Error, usable: bool) -> Self::Error;

    /// Ends a transfer with this result
    ///
    /// # Errors
    ///
    /// The error of `result`.
    fn finish<T>(holder: Self, result: Result<T, Error>) -> Result<Self::Done<T>, Self::Error>
    where
        C: Usable,
    {
        match result {
            Ok(value) => Ok(Self::done(holder, value)),
            Err(error) => Err(Self::fail(holder, error)),
        }
    }

    /// Ends a transfer that has failed
    fn fail(holder: Self, error: Error) -> Self::Error
    where
        C: Usable,
    {
        let usable = holder.borrow().is_usable();
        Self::failed(holder, error, usable)
    }
}

/// A client that knows whether its session is over
pub trait Usable {
    /// Whether the session is still usable, as far as is known without asking the server
    fn is_usable(&self) -> bool;
}

/// The outcome of a transfer, once it has ended
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a transfer runs, or it has ended")]
pub enum Outcome {
    /// It still runs
    Open,
    /// It has ended
    Ended(Result<Transfer, Error>),
}

impl Outcome {
    /// The outcome of a transfer that has begun, or is already over
    #[must_use]
    pub fn begun(over: Option<Transfer>) -> Self {
        over.map_or(Self::Open, |transfer| Self::Ended(Ok(transfer)))
    }

    /// Whether it still runs
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// Whether it has succeeded, or why not, if it has ended; may be asked repeatedly
    #[must_use]
    pub fn end(&self) -> Option<Result<(), Error>> {
        match self {
            Self::Open => None,
            Self::Ended(Ok(_)) => Some(Ok(())),
            Self::Ended(Err(error)) => Some(Err(error.duplicate())),
        }
    }

    /// The result of a transfer whose end was waited for
    ///
    /// # Errors
    ///
    /// Why the transfer failed; [`Aborted`](ftp_proto::Error::Aborted) if it has not ended.
    pub fn into_result(self) -> Result<Transfer, Error> {
        match self {
            Self::Open => Err(Error::Ftp(ftp_proto::Error::Aborted)),
            Self::Ended(result) => result,
        }
    }
}

/// A borrowed client
impl<C> Holder<C> for &mut C {
    type Done<T> = T;
    type Error = Error;

    fn done<T>(_: Self, value: T) -> T {
        value
    }

    fn failed(_: Self, error: Error, _: bool) -> Error {
        error
    }
}

/// An owned client
impl<C> Holder<C> for C {
    type Done<T> = (T, C);
    type Error = OwnedError<C>;

    fn done<T>(holder: Self, value: T) -> (T, C) {
        (value, holder)
    }

    fn failed(holder: Self, error: Error, usable: bool) -> OwnedError<C> {
        OwnedError(Box::new((error, usable.then_some(holder))))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Other;

    impl Usable for Other {
        fn is_usable(&self) -> bool {
            true
        }
    }

    /// They borrow the value, so methods of a trait that take it would come first
    impl Other {
        fn done(&self, _: u8) -> &'static str {
            "done"
        }

        fn failed(&self, _: Error, _: bool) -> &'static str {
            "failed"
        }

        fn finish(&self, _: Result<u8, Error>) -> &'static str {
            "finish"
        }

        fn fail(&self, _: Error) -> &'static str {
            "fail"
        }
    }

    /// `Holder` is implemented for every type, and in scope after `use ftp_session::*`
    #[test]
    fn other_types_keep_their_methods() {
        assert_eq!(format!("{:?}", Other.done(1)), "\"done\"");
        assert_eq!(format!("{:?}", Other.failed(Error::Cancelled, true)), "\"failed\"");
        assert_eq!(format!("{:?}", Other.finish(Ok(1))), "\"finish\"");
        assert_eq!(format!("{:?}", Other.fail(Error::Cancelled)), "\"fail\"");
    }
}
