//! The inside of a procedure: its steps in sequence, and the orders that express what it needs
//!
//! A procedure is an `async` function over [`Io`], so the compiler writes the state machine. It awaits only the
//! answers to its orders: no executor runs it and no waker wakes it. [`Work::step`] runs from one answer to the next
//! order.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use ftp_proto::fields::{FileHash, HashAlgorithm};
use ftp_proto::listing::OwnedEntry;
use ftp_proto::{Get, Put, ReadDir, Reply, Timestamp, Transfer};

use super::request::{Request, Value};
use crate::error::Error;
use crate::learned::TimeCommands;

/// How a procedure uses a local file
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a new duty must break the build of every shell")]
pub enum Access {
    /// Read an existing file
    Read,
    /// Read an existing file, and append to it; if there is none the answer says so, which is not an error
    Append,
    /// Create a file that must not exist
    Create,
    /// Create a file, or truncate it to nothing if it exists
    Replace,
}

/// What is needed next
#[derive(Debug)]
pub(crate) enum Order {
    Request(Request),
    /// Begin a transfer of a file; answered when bytes can move, or with its end
    Begin(Begin),
    /// Receive at most this many bytes of the running download
    Receive(u64, Sink),
    /// Send a block of the local file, from this offset on, to the running upload
    Send(u64),
    /// End the running upload
    Finish,
    /// Abort the running transfer
    Abort,
    /// List a whole directory
    List(ReadDir),
    Open(Access),
    SetLength(u64),
    HashLocal(HashAlgorithm),
    /// Return the knowledge of the commands that set times
    Recall,
    Remember(TimeCommands),
}

#[derive(Debug)]
pub(crate) enum Begin {
    Get(Get),
    Put(Put),
}

/// What to do with received bytes
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sink {
    /// Write them to the local file at this offset
    Write(u64),
    /// Compare them with the local file's bytes from this offset on
    Compare(u64),
    /// Discard them
    Nowhere,
}

/// The answer to an order
#[derive(Debug)]
pub(crate) enum Answer {
    Value(Result<Value, Error>),
    /// Bytes of the transfer can move
    Begun,
    /// The transfer is over
    Ended(Result<Transfer, Error>),
    /// The number of bytes; 0 for an upload if the local file is at its end
    Moved(u64),
    /// The bytes differ from those of the local file
    Different,
    Listed(Result<Directory, Error>),
    /// The local file's length; `None` if there is no file
    Opened(Option<u64>),
    Hashed(Option<FileHash>),
    Known(TimeCommands),
    Done,
    /// The local file failed
    Failed(io::Error),
}

/// A directory that was listed completely
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Directory {
    /// Its contents without `.` and `..`, in the server's order
    pub entries: Vec<OwnedEntry>,
    /// The number of lines that were not recognized, or in which the server reports what it could not read; each may
    /// stand for a file
    pub unknown_lines: u64,
    /// Whether names that begin with a dot may be missing
    pub may_lack_dot_names: bool,
}

impl Directory {
    /// Bytes of memory for the entries
    pub(crate) fn held(&self) -> usize {
        self.entries.iter().map(held).sum()
    }
}

/// Approximate bytes of memory for an entry
pub(crate) fn held(entry: &OwnedEntry) -> usize {
    entry.entry().raw.len() + size_of_val(entry) + 16
}

#[derive(Debug, Default)]
struct Exchange {
    order: Option<Order>,
    answer: Option<Answer>,
}

/// A procedure's connection to the outside
#[derive(Clone, Debug, Default)]
pub(crate) struct Io(Arc<Mutex<Exchange>>);

impl Io {
    fn exchange(&self) -> MutexGuard<'_, Exchange> {
        // Nothing that could panic runs under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, order: Order) -> Answer {
        self.exchange().order = Some(order);
        poll_fn(|_| self.exchange().answer.take().map_or(Poll::Pending, Poll::Ready)).await
    }

    async fn request(&self, request: Request) -> Result<Value, Error> {
        match self.ask(Order::Request(request)).await {
            Answer::Value(result) => result,
            other => unexpected(&other),
        }
    }

    /// Makes a request whose result is a reply
    pub(crate) async fn reply(&self, request: Request) -> Result<Reply, Error> {
        match self.request(request).await? {
            Value::Reply(reply) => Ok(reply),
            other => unexpected(&other),
        }
    }

    pub(crate) async fn size(&self, path: &[u8]) -> Result<u64, Error> {
        match self.request(Request::Size(path.to_vec())).await? {
            Value::Number(size) => Ok(size),
            other => unexpected(&other),
        }
    }

    pub(crate) async fn hash(&self, path: &[u8]) -> Result<Option<FileHash>, Error> {
        match self.request(Request::Hash(path.to_vec())).await? {
            Value::Hash(hash) => Ok(hash),
            other => unexpected(&other),
        }
    }

    pub(crate) async fn mdtm(&self, path: &[u8]) -> Result<Timestamp, Error> {
        match self.request(Request::Mdtm(path.to_vec())).await? {
            Value::Time(time) => Ok(time),
            other => unexpected(&other),
        }
    }

    /// Returns the path that the server reports in a directory; `None` if it refuses to enter it, or to report the path
    pub(crate) async fn canonicalize(&self, path: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        match unless_refused(self.request(Request::Canonicalize(path.to_vec())).await)? {
            Some(Value::Path(path)) => Ok(Some(path)),
            Some(other) => unexpected(&other),
            None => Ok(None),
        }
    }

    pub(crate) async fn mkdir(&self, path: &[u8]) -> Result<(), Error> {
        self.request(Request::Mkdir(path.to_vec())).await.map(drop)
    }

    pub(crate) async fn list(&self, directory: ReadDir) -> Result<Directory, Error> {
        match self.ask(Order::List(directory)).await {
            Answer::Listed(result) => result,
            other => unexpected(&other),
        }
    }

    /// Begins a transfer; `Some` if it is over already
    pub(crate) async fn begin(&self, begin: Begin) -> Result<Option<Transfer>, Error> {
        match self.ask(Order::Begin(begin)).await {
            Answer::Begun => Ok(None),
            Answer::Ended(result) => result.map(Some),
            other => unexpected(&other),
        }
    }

    /// Receives bytes of the download, or its end
    pub(crate) async fn receive(&self, most: u64, sink: Sink) -> Result<Received, Error> {
        match self.ask(Order::Receive(most, sink)).await {
            Answer::Moved(count) => Ok(Received::Bytes(count)),
            Answer::Different => Ok(Received::Different),
            Answer::Ended(result) => result.map(Received::End),
            Answer::Failed(error) => self.give_up(error).await,
            other => unexpected(&other),
        }
    }

    /// Sends a block of the local file; 0 at its end
    pub(crate) async fn send(&self, from: u64) -> Result<u64, Error> {
        match self.ask(Order::Send(from)).await {
            Answer::Moved(count) => Ok(count),
            // The transfer ended before its data did: the server does not want the rest.
            Answer::Ended(result) => {
                result.and(Err(Error::Local(io::ErrorKind::BrokenPipe.into())))
            }
            Answer::Failed(error) => self.give_up(error).await,
            other => unexpected(&other),
        }
    }

    pub(crate) async fn finish(&self) -> Result<Transfer, Error> {
        match self.ask(Order::Finish).await {
            Answer::Ended(result) => result,
            other => unexpected(&other),
        }
    }

    /// Aborts the transfer after the local file has failed
    pub(crate) async fn give_up<T>(&self, error: io::Error) -> Result<T, Error> {
        self.abort().await;
        Err(Error::Local(error))
    }

    pub(crate) async fn abort(&self) {
        match self.ask(Order::Abort).await {
            Answer::Done => {}
            other => unexpected(&other),
        }
    }

    /// Opens the local file; returns its length
    pub(crate) async fn open(&self, access: Access) -> Result<Option<u64>, Error> {
        match self.ask(Order::Open(access)).await {
            Answer::Opened(length) => Ok(length),
            Answer::Failed(error) => Err(Error::Local(error)),
            other => unexpected(&other),
        }
    }

    /// Opens the local file for reading; returns its length
    pub(crate) async fn open_to_read(&self) -> Result<u64, Error> {
        let missing = || Error::Local(io::ErrorKind::NotFound.into());
        self.open(Access::Read).await?.ok_or_else(missing)
    }

    pub(crate) async fn set_length(&self, length: u64) -> Result<(), Error> {
        match self.ask(Order::SetLength(length)).await {
            Answer::Done => Ok(()),
            Answer::Failed(error) => Err(Error::Local(error)),
            other => unexpected(&other),
        }
    }

    /// Returns the local file's hash; `None` if the shell can't compute it
    pub(crate) async fn hash_local(
        &self,
        algorithm: HashAlgorithm,
    ) -> Result<Option<FileHash>, Error> {
        match self.ask(Order::HashLocal(algorithm)).await {
            Answer::Hashed(hash) => Ok(hash),
            Answer::Failed(error) => Err(Error::Local(error)),
            other => unexpected(&other),
        }
    }

    pub(crate) async fn recall(&self) -> TimeCommands {
        match self.ask(Order::Recall).await {
            Answer::Known(commands) => commands,
            other => unexpected(&other),
        }
    }

    pub(crate) async fn remember(&self, commands: TimeCommands) {
        match self.ask(Order::Remember(commands)).await {
            Answer::Done => {}
            other => unexpected(&other),
        }
    }
}

/// The result of receiving
#[derive(Debug)]
pub(crate) enum Received {
    Bytes(u64),
    Different,
    End(Transfer),
}

/// `None` for a refusal; an error if the session is over, or has lost its working directory, so that nothing was refused
pub(crate) fn unless_refused<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_fatal() || was_not_sent(&error) => Err(error),
        Err(_) => Ok(None),
    }
}

/// Whether the request was not sent, so that the error says nothing about its file
pub(crate) const fn was_not_sent(error: &Error) -> bool {
    matches!(error, Error::Ftp(ftp_proto::Error::WorkingDirectoryLost(_)))
}

fn unexpected<T>(answer: &dyn fmt::Debug) -> T {
    unreachable!("the answer is not to the order that was given: {answer:?}")
}

/// A procedure between two orders
pub(crate) struct Work<T> {
    future: Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>,
    io: Io,
}

/// The progress of a procedure
#[derive(Debug)]
pub(crate) enum Step<T> {
    Order(Order),
    Done(Result<T, Error>),
}

impl<T> Work<T> {
    pub(crate) fn new<F>(work: impl FnOnce(Io) -> F) -> Self
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let io = Io::default();
        Self { future: Box::pin(work(io.clone())), io }
    }

    /// Runs until the next order; `answer` is the answer to the previous one
    pub(crate) fn step(&mut self, answer: Option<Answer>) -> Step<T> {
        self.io.exchange().answer = answer;
        match self.future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Step::Done(result),
            Poll::Pending => match self.io.exchange().order.take() {
                Some(order) => Step::Order(order),
                None => unreachable!("a procedure awaits nothing but answers to its orders"),
            },
        }
    }
}
