//! Cancelling a session that another thread waits for

use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Weak};

use ftp_session::{CancelFlag, Lent};

use crate::client::Client;
use crate::session::Session;

/// Ends a session from another thread, also while a call waits: [`Client::canceller`]
///
/// ```no_run
/// # fn f(mut ftp: ftp_blocking::Client) -> Result<(), Box<dyn std::error::Error>> {
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
/// It does not keep the connection open: once its session is over, it does nothing.
#[derive(Clone, Debug)]
pub struct Canceller(Weak<Cancel>);

impl Canceller {
    /// Ends the session: a call that waits returns at once, with [`Error::Cancelled`](crate::Error::Cancelled), and so does
    /// every later one
    ///
    /// Nothing is said to the server, whose end of the connection is closed. What became of a request is not known. A
    /// [`Dialer`](crate::Dialer) and the caller's own files, readers and writers are not interrupted.
    pub fn cancel(&self) {
        if let Some(cancel) = self.0.upgrade() {
            cancel.flag.set();
            // If there is no connection any more, nobody waits for it.
            let _ = cancel.control.shutdown(Shutdown::Both);
        }
    }
}

/// What a session shares with its cancellers
#[derive(Debug)]
pub(crate) struct Cancel {
    flag: CancelFlag,
    /// A duplicate of the control connection, which ends each wait when it is shut down
    control: TcpStream,
}

impl Session {
    /// Whether a canceller has ended the session
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(|cancel| cancel.flag.is_set())
    }
}

impl Client {
    /// What cancels this session from another thread
    ///
    /// The first time it duplicates the descriptor of the control connection.
    ///
    /// # Errors
    ///
    /// Those of the system, such as that there are no descriptors left;
    /// [`NotConnected`](io::ErrorKind::NotConnected) if the session is over.
    pub fn canceller(&mut self) -> io::Result<Canceller> {
        let session = &mut self.session;
        let cancel = match &session.cancel {
            Some(cancel) => cancel,
            None => {
                let mut sockets = session.inner.sockets();
                let control = sockets.find_map(|(slot, socket, _)| match socket {
                    Lent::Stream(stream) if slot.is_control() => Some(stream.try_clone()),
                    _ => None,
                });
                let control = control.unwrap_or(Err(io::ErrorKind::NotConnected.into()))?;
                drop(sockets);
                let flag = session.inner.cancel_flag();
                session.cancel.insert(Arc::new(Cancel { flag, control }))
            }
        };
        Ok(Canceller(Arc::downgrade(cancel)))
    }
}
