//! What a procedure asks of its shell, and what it is told

use ftp_proto::fields::{FileHash, HashAlgorithm};

use super::work::Access;
use crate::error::Error;

/// What a procedure needs before it can go on
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new duty must break the build of every shell")]
pub enum Next<'a, T> {
    /// The next turn makes a request: hear before what the server has said meanwhile, so that it is
    /// nobody's answer
    Request,
    /// News of the session, or readiness of a connection: wait as after [`Session::turn`](crate::Session::turn)
    Wait,
    /// Something is to be done with the local file; the result goes to [`Procedure::answer`](crate::Procedure::answer)
    Local(LocalOrder<'a>),
    /// It has ended
    Done(Result<T, Error>),
}

/// An order for a procedure's local file
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new duty must break the build of every shell")]
pub enum LocalOrder<'a> {
    /// Open the file; answer [`LocalAnswer::Opened`]
    ///
    /// Each time it is the same file. One that was open is closed.
    Open(Access),
    /// Read bytes into the beginning of `into`; answer [`LocalAnswer::Read`]
    Read {
        /// Offset in the file
        at: u64,
        /// Room, at least a byte
        into: &'a mut [u8],
    },
    /// Write all bytes; answer [`LocalAnswer::Done`]
    Write {
        /// Offset in the file, which is its end
        at: u64,
        /// What to write
        bytes: &'a [u8],
    },
    /// Cut the file to this length; answer [`LocalAnswer::Done`]
    SetLength(u64),
    /// Hash the whole file; answer [`LocalAnswer::Hash`]
    Hash(HashAlgorithm),
}

/// What has become of a [`LocalOrder`]
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "one for each kind of order")]
pub enum LocalAnswer {
    /// The file's length in bytes; `None`: there is no file, which is told so for [`Access::Append`] only
    Opened(Option<u64>),
    /// So many bytes were read; 0 at the end of the file
    Read(usize),
    /// It is done
    Done,
    /// The file's hash; `None`: this algorithm is not known here
    Hash(Option<FileHash>),
}
