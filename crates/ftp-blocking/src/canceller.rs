//! Cancelling a session that another thread waits for

use std::net::{Shutdown, TcpStream};
use std::sync::Weak;

use ftp_session::CancelFlag;

/// Ends a session from another thread, also while a call waits: [`Client::canceller`](crate::Client::canceller)
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
pub struct Canceller(pub(crate) Weak<Cancel>);

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

impl Cancel {
    pub(crate) const fn new(flag: CancelFlag, control: TcpStream) -> Self {
        Self { flag, control }
    }

    /// Whether the session was ended
    pub(crate) fn is_set(&self) -> bool {
        self.flag.is_set()
    }
}
