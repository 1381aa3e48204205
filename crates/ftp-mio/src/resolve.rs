//! Looking names up on another thread
//!
//! The system's resolver blocks, so it runs apart and wakes the poll. An application with a
//! resolver of its own doesn't need this.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;

use mio::Waker;

/// The addresses of a host, some time
///
/// Dropped, the answer is thrown away; the thread ends when the system has given it.
#[derive(Debug)]
pub struct Lookup {
    answer: Receiver<io::Result<Vec<SocketAddr>>>,
}

/// Begins to look `host` up, which may also be an address; `waker` wakes the poll when that is done
///
/// # Errors
///
/// Those of the system, if it gives no thread.
///
/// ```
/// use std::sync::Arc;
/// use ftp_mio::mio::{Events, Poll, Token, Waker};
/// use ftp_mio::resolve;
///
/// let mut poll = Poll::new()?;
/// // One waker serves any number of lookups; its token is none of a session's.
/// let waker = Arc::new(Waker::new(poll.registry(), Token(0))?);
/// let mut lookup = resolve::lookup("127.0.0.1", 21, waker)?;
/// let addresses = loop {
///     match lookup.poll() {
///         Some(result) => break result?,
///         None => poll.poll(&mut Events::with_capacity(8), None)?,
///     }
/// };
/// assert_eq!(addresses, ["127.0.0.1:21".parse().unwrap()]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn lookup(host: impl Into<String>, port: u16, waker: Arc<Waker>) -> io::Result<Lookup> {
    let host = host.into();
    let (sender, answer) = channel();
    thread::Builder::new().name("ftp-mio lookup".into()).spawn(move || {
        let addresses = (&*host, port).to_socket_addrs().map(Iterator::collect);
        // Nobody may be interested any more; and then nobody needs to be woken.
        if sender.send(addresses).is_ok() {
            let _ = waker.wake();
        }
    })?;
    Ok(Lookup { answer })
}

impl Lookup {
    /// The answer, once; `None` while there is none
    ///
    /// # Errors
    ///
    /// The resolver's.
    pub fn poll(&mut self) -> Option<io::Result<Vec<SocketAddr>>> {
        match self.answer.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                Some(Err(io::Error::other("the answer has been given already")))
            }
        }
    }
}
