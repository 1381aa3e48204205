//! The orders of a procedure to its shell, and the shell's answers

use ftp_proto::fields::{FileHash, HashAlgorithm};

use super::work::Access;
use crate::buffer::Buffer;
use crate::error::Error;

/// What a procedure needs before it can continue
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new duty must break the build of every shell")]
pub enum ProcedureStep<'a, T> {
    /// The next turn makes a request: before it, read what the server has sent meanwhile, so that it is not taken for
    /// an answer
    Request,
    /// Wait for events of the session or readiness of a connection, as after [`Session::turn`](crate::Session::turn)
    Wait,
    /// Carry out this order for the local file, and pass the result to [`Procedure::answer`](crate::Procedure::answer)
    Local(LocalOrder<'a>),
    /// The procedure has ended with this result
    Done(Result<T, Error>),
}

/// An order for a procedure's local file
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new duty must break the build of every shell")]
pub enum LocalOrder<'a> {
    /// Open the file; answer [`LocalAnswer::Opened`]
    ///
    /// It is the same file each time. Close it first if it was open.
    Open(Access),
    /// Read bytes into the start of `into`; answer [`LocalAnswer::Read`]
    Read {
        /// Offset in the file
        at: u64,
        /// The buffer, at least one byte; a shell that has read ahead may exchange it for one of the same length
        into: &'a mut Buffer,
    },
    /// Write the first `length` bytes of `from`; answer [`LocalAnswer::Done`]
    ///
    /// If the file ends elsewhere, before or after the write, another program has changed it: answer an error.
    Write {
        /// Offset in the file, which is its end
        at: u64,
        /// The buffer; a shell that writes later may exchange it for one of the same length
        from: &'a mut Buffer,
        /// The number of bytes to write
        length: usize,
    },
    /// Cut the file to this length; answer [`LocalAnswer::Done`]
    SetLength(u64),
    /// Hash the whole file; answer [`LocalAnswer::Hash`]
    Hash(HashAlgorithm),
}

/// The result of a [`LocalOrder`]
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "one for each kind of order")]
pub enum LocalAnswer {
    /// The file's length in bytes; `None` if there is no file, which is reported like this for [`Access::Append`] only
    Opened(Option<u64>),
    /// The number of bytes read; 0 at the end of the file
    Read(usize),
    /// The order was carried out
    Done,
    /// The file's hash; `None` if the shell does not support the algorithm
    Hash(Option<FileHash>),
}
