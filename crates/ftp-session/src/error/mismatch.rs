//! Differences between a local and a remote file

use ftp_proto::fields::FileHash;

/// How a local and a remote file differ
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// They differ in size: the copy can't be completed, or is not complete
    #[error("local and remote file differ: {local} bytes here, {remote} bytes on the server")]
    Size {
        /// Bytes of the local file
        local: u64,
        /// Bytes of the server's file
        remote: u64,
    },
    /// The server's file is shorter than the local one by an unknown number of bytes, because the server does not report
    /// its size and sent nothing from an offset within the local file
    #[error("local and remote file differ: {local} bytes here, at most {most} bytes on the server")]
    Shorter {
        /// Bytes of the local file
        local: u64,
        /// Bytes that the server's file has at most
        most: u64,
    },
    /// They differ in the bytes before the break: another file, an offset that the server ignored, or a damaged end;
    /// shorten or remove the copy
    #[error("local and remote file differ: bytes {from} to {to} are not the same on both sides")]
    Content {
        /// First byte that was compared
        from: u64,
        /// The byte after the last one that was compared
        to: u64,
    },
    /// They have the same size, but different contents
    #[error(
        "local and remote file differ: {} is {local} here, {remote} on the server", .local.algorithm
    )]
    Hash {
        /// Hash of the local file
        local: FileHash,
        /// Hash of the server's file
        remote: FileHash,
    },
}
