//! How a session came out, for the judge

use std::collections::BTreeMap;
use std::time::Duration;

use ftp_proto::{DataFailure, Error};

use super::super::Deed;

/// What was asked for
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The login
    Login,
    /// The task
    Task,
    /// Afterwards: NOOP
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

/// How a request ended, and how far everything was by then
#[derive(Debug)]
pub struct OpEnd {
    /// Which
    pub ask: Ask,
    /// Its results, of which there must be one
    pub results: Vec<Result<(), Error>>,
    /// The number that it gave, for SIZE
    pub value: Option<u64>,
    /// Commands that the server had read
    pub deeds: usize,
    /// Bytes from the server that the client had
    pub delivered: usize,
    /// The same before the last that came
    pub floor: usize,
    /// Data connections so far
    pub number: u32,
    /// Time
    pub at: Duration,
    /// When the request before it ended
    pub since: Duration,
    /// Whether its error says that TLS failed on the control connection
    pub tls_failed: bool,
    /// Whether the client said that its session was over
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

/// What went through a data connection
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Move {
    /// Bytes that came to the client, or that it wrote
    pub bytes: usize,
    /// Its end, and when
    pub end: Option<(MoveEnd, Duration)>,
    /// Whether it was secured with a session of its own
    pub fresh: bool,
}

/// How the control connection ended for the client
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Closed
    Eof(Duration),
}

/// A reply that answered nothing
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stray {
    /// Its code
    pub code: u16,
    /// Where it ends among all bytes to the client
    pub end: usize,
    /// Whether nothing was to be answered when it came; `None`: it never came
    pub idle: Option<bool>,
}

/// How a session came out
#[derive(Debug)]
pub struct End {
    /// The requests in their order
    pub ops: Vec<OpEnd>,
    /// Bytes that each data connection brought
    pub received: BTreeMap<u32, Vec<u8>>,
    /// The data connections
    pub moves: BTreeMap<u32, Move>,
    /// What the server did
    pub deeds: Vec<Deed>,
    /// Replies that answered nothing
    pub strays: Vec<Stray>,
    /// The end of the control connection, as the client was told
    pub gone: Option<Gone>,
    /// Where 421 ends among all bytes to the client, and when it came
    pub closing: Option<(usize, Option<Duration>)>,
    /// Files on the server
    pub files: BTreeMap<String, Vec<u8>>,
    /// The server's working directory
    pub here: String,
    /// Whether the application gave up the download after the task
    pub aborted: bool,
    /// Whether all that was asked for ended before the bound
    pub bounded: bool,
    /// Bytes that the server sent until the task was through
    pub bytes: usize,
    /// Replies until then
    pub replies: usize,
    /// Commands until then
    pub commands: usize,
    /// Bytes on the wire: the server's and the client's, of the control and of the first data connection
    pub wires: [[usize; 2]; 2],
    /// Virtual time taken
    pub took: Duration,
    /// What happened, a line each
    pub trace: String,
}
