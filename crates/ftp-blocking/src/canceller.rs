//! Cancels a session that another thread is waiting for

use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use ftp_session::CancelFlag;

/// Ends a session from another thread, even while a call is waiting: [`Client::canceller`](crate::Client::canceller),
/// and, for a session that is still to connect, [`Options::canceller`](crate::Options::canceller)
///
/// ```no_run
/// # fn f(mut ftp: ftp_blocking::Client) -> Result<(), ftp_blocking::Error> {
/// let canceller = ftp.canceller()?;
/// std::thread::spawn(move || {
///     std::thread::sleep(std::time::Duration::from_secs(60));
///     canceller.cancel();
/// });
/// let result = ftp.download_to("big.iso", &mut std::io::sink());
/// if result.is_err_and(|error| error.is_cancelled()) {
///     println!("took too long");
/// }
/// # Ok(()) }
/// ```
///
/// A canceller does not keep the connection open. Once its session is over, it does nothing.
#[derive(Clone, Debug, Default)]
pub struct Canceller(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    flag: CancelFlag,
    /// The duplicates of control connections, each of which ends its session's wait when it is shut down
    connections: Mutex<Vec<Weak<TcpStream>>>,
}

impl Canceller {
    /// Creates a canceller for sessions that are still to connect
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the session: a waiting call returns at once with [`Error::Cancelled`](crate::Error::Cancelled), and so
    /// does every later one
    ///
    /// The connection is closed without a message to the server, so the outcome of a running request is unknown. A
    /// [`Dialer`](crate::Dialer) and the caller's own files, readers and writers are not interrupted. This can't be
    /// undone: a canceller that was given to further sessions ends them, too, even if they connect later.
    pub fn cancel(&self) {
        self.0.flag.set();
        // If a thread panicked while it held the lock, the list is still complete.
        let connections = self.0.connections.lock().unwrap_or_else(PoisonError::into_inner);
        for connection in connections.iter().filter_map(Weak::upgrade) {
            // If the connection is already closed, no call is waiting on it.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Creates a canceller that sets this flag
    pub(crate) fn of(flag: CancelFlag) -> Self {
        Self(Arc::new(Shared { flag, connections: Mutex::default() }))
    }

    pub(crate) fn flag(&self) -> &CancelFlag {
        &self.0.flag
    }

    /// Returns a duplicate of a control connection that [`Self::cancel`] shuts down while it exists; `None` if there is
    /// no descriptor left for it
    pub(crate) fn watch(&self, control: &TcpStream) -> Option<Arc<TcpStream>> {
        let duplicate = Arc::new(control.try_clone().ok()?);
        let mut connections = self.0.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|connection| connection.strong_count() > 0);
        connections.push(Arc::downgrade(&duplicate));
        Some(duplicate)
    }
}
