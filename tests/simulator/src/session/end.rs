//! The result of a session

use std::collections::BTreeMap;
use std::time::Duration;

use ftp_proto::{DataFailure, Error};

use super::super::Deed;

/// A request
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The login
    Login,
    /// A listing before the task
    Before,
    /// The task
    Task,
    /// NOOP after the task
    Noop,
    /// SIZE of a file
    Size,
    /// RETR of a file
    Get,
    /// DELE of a file that does not exist
    Delete,
    /// STOR of a file
    Put,
}

/// The end of a request, and how far the session had come by then
#[derive(Debug)]
pub struct OpEnd {
    /// The request
    pub ask: Ask,
    /// Its results, of which there must be exactly one
    pub results: Vec<Result<(), Error>>,
    /// The value that SIZE returned
    pub value: Option<u64>,
    /// Number of commands that the server had read
    pub deeds: usize,
    /// Number of bytes from the server that had reached the client
    pub delivered: usize,
    /// The same before the last delivery
    pub floor: usize,
    /// Number of data connections so far
    pub number: u32,
    /// The time
    pub at: Duration,
    /// When the previous request ended
    pub since: Duration,
    /// Whether its error reports that TLS failed on the control connection
    pub tls_failed: bool,
    /// Whether the client reported its session as dead
    pub dead: bool,
}

/// How a data connection ended, as the client was told
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveEnd {
    /// In order
    Finished,
    /// Without close_notify
    Ragged,
    /// By a failure
    Failed(DataFailure),
}

/// The bytes and the end of a data connection
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Move {
    /// Number of bytes that reached the client, or that it wrote
    pub bytes: usize,
    /// Its end, and the time of it
    pub end: Option<(MoveEnd, Duration)>,
    /// Whether its TLS handshake was a full one
    pub fresh: bool,
}

/// How the control connection ended for the client
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It was closed
    Eof(Duration),
}

/// A reply that answered no command
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stray {
    /// Its code
    pub code: u16,
    /// The position of its begin among all bytes to the client
    pub begin: usize,
    /// The position of its end
    pub end: usize,
    /// Whether no reply was expected when it arrived; `None` if it never arrived
    pub idle: Option<bool>,
    /// When it arrived
    pub at: Option<Duration>,
}

/// The result of a session
#[derive(Debug)]
pub struct End {
    /// The requests in order
    pub ops: Vec<OpEnd>,
    /// The bytes that each data connection carried
    pub received: BTreeMap<u32, Vec<u8>>,
    /// The data connections
    pub moves: BTreeMap<u32, Move>,
    /// The commands that the server handled
    pub deeds: Vec<Deed>,
    /// The replies that answered no command
    pub strays: Vec<Stray>,
    /// The end of the control connection, as the client was told
    pub gone: Option<Gone>,
    /// The position of the 421's end among all bytes to the client, and when it arrived
    pub closing: Option<(usize, Option<Duration>)>,
    /// The files on the server
    pub files: BTreeMap<String, Vec<u8>>,
    /// The server's working directory
    pub here: String,
    /// Whether the application aborted the download after the task
    pub aborted: bool,
    /// Whether all requests ended within the limit
    pub bounded: bool,
    /// Number of bytes that the server had sent when the task ended
    pub bytes: usize,
    /// Number of replies by then
    pub replies: usize,
    /// Number of commands by then
    pub commands: usize,
    /// Number of bytes on the wire: the server's and the client's, of the control and of the first data connection
    pub wires: [[usize; 2]; 2],
    /// The virtual time that it took
    pub took: Duration,
    /// The trace, one event per line
    pub trace: String,
}
