//! Cancels a session that another thread is waiting for

use std::net::{Shutdown, TcpStream};
use std::sync::Weak;

use ftp_session::CancelFlag;

/// Ends a session from another thread, even while a call is waiting: [`Client::canceller`](crate::Client::canceller)
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
/// A canceller does not keep the connection open. Once its session is over, it does nothing.
#[derive(Clone, Debug)]
pub struct Canceller(pub(crate) Weak<Cancel>);

impl Canceller {
    /// Ends the session: a waiting call returns at once with [`Error::Cancelled`](crate::Error::Cancelled), and so
    /// does every later one
    ///
    /// The connection is closed without a message to the server, so the outcome of a running request is unknown. A
    /// [`Dialer`](crate::Dialer) and the caller's own files, readers and writers are not interrupted.
    pub fn cancel(&self) {
        if let Some(cancel) = self.0.upgrade() {
            cancel.flag.set();
            // If the connection is already closed, no call is waiting on it.
            let _ = cancel.control.shutdown(Shutdown::Both);
        }
    }
}

/// The state that a session shares with its cancellers
#[derive(Debug)]
pub(crate) struct Cancel {
    flag: CancelFlag,
    /// A duplicate of the control connection, which ends each wait when it is shut down
    control: TcpStream,
}

impl Cancel {
    pub(crate) const fn new(flag: CancelFlag, control: TcpStream) -> Self {
        Self { flag, control }
    }

    /// Whether the session was ended
    pub(crate) fn is_set(&self) -> bool {
        self.flag.is_set()
    }
}
