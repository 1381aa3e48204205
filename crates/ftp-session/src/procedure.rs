//! Operations that need several requests, and perhaps a local file: resuming, verifying, times, whole trees
//!
//! A [`Procedure`] makes requests on a session, moves the bytes of its transfers, and gives orders for a local file.
//! Like the session it makes no system call and never waits. `order.rs` has what it may ask of its shell; the rest are
//! the awaited steps (`work.rs`, `request.rs`), the bytes of transfers (`moving.rs`), and a file for each subject.
//!
//! ```text
//!   ┌─ ProcedureStep::Request   read what the server has sent, then turn again
//!   ├─ ProcedureStep::Wait      wait as the session says, pass its events on, then turn again
//!   ├─ ProcedureStep::Local     carry out an order for the local file, answer it, then turn again
//! turn
//!   └─ ProcedureStep::Done
//! ```

mod create;
mod moving;
mod order;
mod path;
mod remove;
mod request;
mod resume;
mod times;
mod verify;
mod walk;
mod whole;
mod work;

#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::io::{self, Read, Write};

use ftp_proto::fields::HashAlgorithm;
use ftp_proto::listing::ListingParser;
use ftp_proto::{Op, OpId, ReadDir, Time, Transfer};

pub use order::{LocalAnswer, LocalOrder, ProcedureStep};
pub use remove::RemoveOptions;
pub use resume::ResumeOptions;
pub use verify::Verification;
pub use walk::{Descent, Walk, WalkEntry, WalkError, WalkOptions, WalkStep};
pub use work::{Access, Directory};

use crate::buffer::Buffer;
use crate::entries::Entries;
use crate::error::Error;
use crate::event::{Completion, Event};
use crate::session::Session;
use request::{Pending, Request};
use work::{Answer, Begin, Io, Order, Sink, Step, Work};

/// The largest block in bytes: larger ones don't lower the cost per byte
const BLOCK: usize = 256 * 1024;

/// Maximum bytes of memory for the entries of a directory
const MAX_DIRECTORY: usize = 64 * 1024 * 1024;

/// Several requests that make one operation, such as [resuming a download](Procedure::resume_download)
///
/// A shell, or the application on it, drives it with one session, which has no other requests until the procedure has
/// ended: call [`Self::turn`], do what it returns, and pass on each of the session's events.
///
/// To end it early, [abort](Session::abort) its [current request](Self::current) and drop it.
pub struct Procedure<T> {
    work: Work<T>,
    stage: Stage,
    /// The transfer that was started last
    transfer: Option<Op<Transfer>>,
    /// The result of that transfer, until the procedure asks for it
    ended: Option<Result<Transfer, Error>>,
    /// Bytes on their way between the transfer and the local file
    buffer: Buffer,
    /// Bytes of the buffer that the last block filled
    filled: usize,
    /// Bytes of the local file for comparison
    local: Buffer,
    block_size: usize,
    moved: u64,
    /// The parser for the next listing
    parser: Option<ListingParser>,
}

/// What a procedure is doing
enum Stage {
    /// Continues with this answer; there is none at first
    Ready(Option<Answer>),
    /// A request must be made
    Due(Due),
    Requested(Pending),
    /// A transfer was requested, and has not started
    Beginning,
    /// Bytes must be received
    Receiving {
        most: u64,
        sink: Sink,
    },
    /// `received` bytes have arrived, of which `compared` are compared with the local file's from `at` on
    Comparing {
        at: u64,
        received: usize,
        compared: usize,
    },
    /// `received` bytes have arrived and must be written to the local file
    Writing {
        at: u64,
        received: usize,
    },
    /// Bytes of the local file must be read
    Reading {
        at: u64,
    },
    /// `read` bytes were read, of which `sent` are sent
    Sending {
        read: usize,
        sent: usize,
    },
    /// An upload is ending
    Ending,
    Aborting,
    /// A directory is being listed
    Listing(Box<Collecting>),
    /// The local file has an order to carry out
    Local(Local),
    /// It has ended
    Over,
}

/// A directory whose entries are arriving
struct Collecting {
    op: Op<Transfer>,
    entries: Entries,
    directory: Directory,
    /// Bytes of memory for the entries
    held: usize,
}

enum Due {
    Request(Request),
    Begin(Begin),
    List(ReadDir),
}

/// An order for the local file that moves no bytes
#[derive(Clone, Copy)]
enum Local {
    Open(Access),
    SetLength(u64),
    Hash(HashAlgorithm),
}

/// What is waited for: a [`ProcedureStep`] that borrows nothing
enum Pause<T> {
    Request,
    Wait,
    Local,
    Done(Result<T, Error>),
}

impl<T> Procedure<T> {
    fn new<F>(work: impl FnOnce(Io) -> F) -> Self
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        Self {
            work: Work::new(work),
            stage: Stage::Ready(None),
            transfer: None,
            ended: None,
            buffer: Buffer::default(),
            filled: 0,
            local: Buffer::default(),
            block_size: BLOCK,
            moved: 0,
            parser: None,
        }
    }

    /// Sets the largest block in bytes, at least 1
    fn block_size(mut self, bytes: usize) -> Self {
        self.block_size = bytes.max(1);
        self
    }

    /// The number of bytes written to the local file so far, or sent from it; compared bytes do not count
    #[must_use]
    pub const fn moved(&self) -> u64 {
        self.moved
    }

    /// The request that it waits for, if any
    #[must_use]
    pub fn current(&self) -> Option<OpId> {
        match &self.stage {
            Stage::Requested(pending) => Some(pending.id()),
            Stage::Listing(collecting) => Some(collecting.op.id()),
            Stage::Over => None,
            _ => self.transfer.filter(|_| self.ended.is_none()).map(Op::id),
        }
    }

    /// Handles an event of the session; returns false if the event is about something else
    pub fn handle(&mut self, event: &mut Event) -> bool {
        let Event::Completed(done) = event else { return false };
        self.completed(done)
    }

    fn completed(&mut self, done: &mut Completion) -> bool {
        if let Stage::Requested(pending) = self.stage {
            if let Some(result) = pending.take(done) {
                self.stage = Stage::Ready(Some(Answer::Value(result)));
                return true;
            }
        }
        let Some(result) = self.transfer.and_then(|op| done.take(op)) else { return false };
        self.ended = Some(result);
        true
    }

    /// Handles the result of the order that [`ProcedureStep::Local`] gave
    ///
    /// # Panics
    ///
    /// If there was no such order, or the answer does not match it.
    pub fn answer(&mut self, result: io::Result<LocalAnswer>) {
        let answer = match result {
            Ok(answer) => answer,
            Err(error) => {
                self.stage = Stage::Ready(Some(Answer::Failed(error)));
                return;
            }
        };
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        self.stage = match (stage, answer) {
            (Stage::Local(Local::Open(_)), LocalAnswer::Opened(length)) => {
                Stage::Ready(Some(Answer::Opened(length)))
            }
            (Stage::Local(Local::SetLength(_)), LocalAnswer::Done) => {
                Stage::Ready(Some(Answer::Done))
            }
            (Stage::Local(Local::Hash(_)), LocalAnswer::Hash(hash)) => {
                Stage::Ready(Some(Answer::Hashed(hash)))
            }
            (Stage::Writing { received, .. }, LocalAnswer::Done) => {
                self.moved += received as u64;
                Stage::Ready(Some(Answer::Moved(received as u64)))
            }
            (Stage::Comparing { at, received, compared }, LocalAnswer::Read(count)) => {
                self.compared(at, received, compared, count)
            }
            (Stage::Reading { .. }, LocalAnswer::Read(0)) => Stage::Ready(Some(Answer::Moved(0))),
            (Stage::Reading { .. }, LocalAnswer::Read(read)) => {
                self.filled = read;
                Stage::Sending { read, sent: 0 }
            }
            (_, answer) => panic!("{answer:?} is no answer to what was ordered"),
        };
    }

    /// Compares bytes read from the local file with the received ones
    fn compared(&self, at: u64, received: usize, compared: usize, count: usize) -> Stage {
        let end = compared + count;
        if count == 0 {
            let error = io::ErrorKind::UnexpectedEof.into();
            return Stage::Ready(Some(Answer::Failed(error)));
        }
        if self.local[..count] != self.buffer[compared..end] {
            return Stage::Ready(Some(Answer::Different));
        }
        if end == received {
            return Stage::Ready(Some(Answer::Moved(received as u64)));
        }
        Stage::Comparing { at, received, compared: end }
    }

    /// Advances as far as it can go without waiting
    ///
    /// Call it at the start, after events of the session and its turns, and after [answers](Self::answer).
    pub fn turn<S: Read + Write, L>(
        &mut self,
        session: &mut Session<S, L>,
        now: Time,
    ) -> ProcedureStep<'_, T> {
        match self.advance(session, now) {
            Pause::Request => {
                session.want_turn();
                ProcedureStep::Request
            }
            Pause::Wait => ProcedureStep::Wait,
            Pause::Done(result) => ProcedureStep::Done(result),
            Pause::Local => ProcedureStep::Local(self.local_order()),
        }
    }

    /// The order for the local file
    fn local_order(&mut self) -> LocalOrder<'_> {
        match self.stage {
            Stage::Local(Local::Open(access)) => LocalOrder::Open(access),
            Stage::Local(Local::SetLength(length)) => LocalOrder::SetLength(length),
            Stage::Local(Local::Hash(algorithm)) => LocalOrder::Hash(algorithm),
            Stage::Writing { at, received } => {
                LocalOrder::Write { at, from: &mut self.buffer, length: received }
            }
            Stage::Comparing { at, received, compared } => {
                self.local.resize(received - compared);
                LocalOrder::Read { at: at + compared as u64, into: &mut self.local }
            }
            Stage::Reading { at } => LocalOrder::Read { at, into: &mut self.buffer },
            _ => unreachable!("only these stages are about the local file"),
        }
    }

    fn advance<S: Read + Write, L>(&mut self, session: &mut Session<S, L>, now: Time) -> Pause<T> {
        loop {
            match &mut self.stage {
                Stage::Over | Stage::Requested(_) => return Pause::Wait,
                Stage::Local(_)
                | Stage::Comparing { .. }
                | Stage::Writing { .. }
                | Stage::Reading { .. } => return Pause::Local,
                Stage::Ready(answer) => match self.work.step(answer.take()) {
                    Step::Done(result) => {
                        self.stage = Stage::Over;
                        return Pause::Done(result);
                    }
                    Step::Order(order) => {
                        self.stage = self.begin(order, session, now);
                        if let Stage::Due(_) = self.stage {
                            return Pause::Request;
                        }
                    }
                },
                Stage::Due(_) => {
                    if let Stage::Due(due) = std::mem::replace(&mut self.stage, Stage::Over) {
                        self.stage = self.request(due, session);
                    }
                }
                _ => match self.go_on(session, now) {
                    Some(next) => self.stage = next,
                    None => return Pause::Wait,
                },
            }
        }
    }

    fn begin<S: Read + Write, L>(
        &mut self,
        order: Order,
        session: &mut Session<S, L>,
        now: Time,
    ) -> Stage {
        match order {
            Order::Request(request) => Stage::Due(Due::Request(request)),
            Order::Begin(begin) => Stage::Due(Due::Begin(begin)),
            Order::List(listing) => Stage::Due(Due::List(listing)),
            Order::Receive(most, sink) => Stage::Receiving { most, sink },
            Order::Send(at) => {
                self.grow(None);
                Stage::Reading { at }
            }
            Order::Finish => {
                session.finish_upload(now);
                Stage::Ending
            }
            Order::Abort => match self.transfer {
                Some(op) => {
                    session.abort(op.id());
                    Stage::Aborting
                }
                None => Stage::Ready(Some(Answer::Done)),
            },
            Order::Open(access) => Stage::Local(Local::Open(access)),
            Order::SetLength(length) => Stage::Local(Local::SetLength(length)),
            Order::HashLocal(algorithm) => Stage::Local(Local::Hash(algorithm)),
            Order::Recall => Stage::Ready(Some(Answer::Known(session.time_commands))),
            Order::Remember(commands) => {
                session.time_commands = commands;
                Stage::Ready(Some(Answer::Done))
            }
        }
    }

    fn request<S: Read + Write, L>(&mut self, due: Due, session: &mut Session<S, L>) -> Stage {
        let client = session.request();
        let op = match due {
            Due::Request(request) => return Stage::Requested(request.make(client)),
            Due::Begin(Begin::Get(get)) => client.get(get),
            Due::Begin(Begin::Put(put)) => client.put(put),
            Due::List(directory) => {
                let op = client.read_dir(directory);
                (self.transfer, self.ended) = (Some(op), None);
                let entries = Entries::with_parser(self.parser.take().unwrap_or_default());
                let directory = Directory::default();
                return Stage::Listing(Box::new(Collecting { op, entries, directory, held: 0 }));
            }
        };
        (self.transfer, self.ended) = (Some(op), None);
        Stage::Beginning
    }
}

/// Directories
impl Procedure<Directory> {
    /// Lists a whole directory in up to 64 MiB of memory; a longer listing fails with [`Error::ListingTooLong`]
    ///
    /// A parser that knows the current time, such as that of
    #[cfg_attr(feature = "system", doc = "[`listing_parser`](crate::system::listing_parser),")]
    #[cfg_attr(not(feature = "system"), doc = "`system::listing_parser`,")]
    /// infers the years that lines omit.
    #[must_use]
    pub fn read_dir(directory: impl Into<ReadDir>, parser: ListingParser) -> Self {
        let directory = directory.into();
        let mut procedure = Self::new(|io| async move { io.list(directory).await });
        procedure.parser = Some(parser);
        procedure
    }
}

impl<T> fmt::Debug for Procedure<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Procedure")
            .field("current", &self.current())
            .field("moved", &self.moved)
            .finish_non_exhaustive()
    }
}
