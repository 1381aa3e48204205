//! Looks names up on another thread
//!
//! The system's resolver blocks, so it runs on a thread of its own and wakes the poll. An application with its own
//! resolver does not need this module.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;

use ftp_session::Options;
use mio::Waker;

/// A pending lookup of a host name
///
/// Dropping it discards the answer; the thread ends once the system has answered.
#[derive(Debug)]
pub struct Lookup {
    answer: Receiver<io::Result<Vec<SocketAddr>>>,
    /// Keeps the waker alive: when its last owner is gone, so is a wake-up that the poll has not seen yet
    _waker: Arc<Waker>,
}

/// Begins to look up `host`, which may also be an address; `waker` wakes the poll when the answer is there
///
/// # Errors
///
/// The system's error if it can't start a thread.
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
    let kept = Arc::clone(&waker);
    thread::Builder::new().name("ftp-mio lookup".into()).spawn(move || {
        let addresses = (&*host, port).to_socket_addrs().map(Iterator::collect);
        // If the lookup was dropped, there is no task to wake.
        if sender.send(addresses).is_ok() {
            let _ = waker.wake();
        }
    })?;
    Ok(Lookup { answer, _waker: kept })
}

/// Begins to look up the host that a session with these options connects to first: the server, see
/// [`Options::server`], or a proxy
///
/// # Errors
///
/// As [`lookup`]; `InvalidInput` if the options contain no host.
///
/// ```
/// # use std::sync::Arc;
/// use ftp_mio::{Config, Options, TlsPolicy, resolve};
/// # use ftp_mio::mio::{Poll, Token, Waker};
/// # let poll = Poll::new()?;
/// # let waker = Arc::new(Waker::new(poll.registry(), Token(0))?);
///
/// let options = Options::new(Config::new(TlsPolicy::Explicit)).server("127.0.0.1:2121")?;
/// let lookup = resolve::lookup_first_hop(&options, waker)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn lookup_first_hop(options: &Options, waker: Arc<Waker>) -> io::Result<Lookup> {
    match options.first_hop() {
        Some((host, port)) => lookup(host, port, waker),
        None => Err(io::Error::new(io::ErrorKind::InvalidInput, "the options contain no host")),
    }
}

impl Lookup {
    /// Returns the answer once; `None` until it is there
    ///
    /// # Errors
    ///
    /// The resolver's error.
    pub fn poll(&mut self) -> Option<io::Result<Vec<SocketAddr>>> {
        match self.answer.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                Some(Err(io::Error::other("the result was already returned")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mio::{Events, Poll, Token};

    use super::*;

    /// The caller has given its waker away, and the thread has ended before anybody polls
    #[test]
    fn a_wake_up_outlives_the_thread() {
        let mut poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let watched = Arc::downgrade(&waker);
        let mut lookup = lookup("127.0.0.1", 21, waker).unwrap();
        while watched.strong_count() > 1 {
            thread::yield_now();
        }
        let mut events = Events::with_capacity(8);
        poll.poll(&mut events, Some(Duration::from_secs(10))).unwrap();
        assert!(!events.is_empty(), "nobody was woken");
        let addresses = lookup.poll().unwrap().unwrap();
        assert_eq!(addresses, ["127.0.0.1:21".parse().unwrap()]);
    }
}
