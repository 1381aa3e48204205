//! How connections are made: directly, or by the caller's [`Dialer`]

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use ftp_session::{Channel, Host};

/// Makes connections by other means: through a SOCKS or HTTP proxy, a tunnel, …
///
/// It is called for the control connection and for each data connection of passive mode, and may take up to `timeout`.
/// While it works, the control connection is not read. That loses nothing: data connections are made before the
/// transfer command, when the server has nothing to say.
///
/// Closures implement it:
///
/// ```
/// use std::net::TcpStream;
/// use std::time::Duration;
/// use ftp_blocking::{Dialer, Target};
///
/// fn through_a_tunnel() -> impl Dialer {
///     |target: Target<'_>, timeout: Duration| {
///         let stream = TcpStream::connect_timeout(&([127, 0, 0, 1], 1080).into(), timeout)?;
///         // … speak the proxy's protocol, asking for `target`
///         # let _ = target;
///         Ok(stream)
///     }
/// }
/// ```
pub trait Dialer: Send {
    /// Connects to `target`; the stream may be in any mode, blocking or not
    ///
    /// # Errors
    ///
    /// Any error that prevented the connection.
    fn connect(&mut self, target: Target<'_>, timeout: Duration) -> io::Result<TcpStream>;
}

impl<F> Dialer for F
where
    F: FnMut(Target<'_>, Duration) -> io::Result<TcpStream> + Send,
{
    fn connect(&mut self, target: Target<'_>, timeout: Duration) -> io::Result<TcpStream> {
        self(target, timeout)
    }
}

/// The destination that a [`Dialer`] connects to
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target<'a> {
    /// The server
    ///
    /// For a data connection it is the name that was given for the control connection, because the same route leads to
    /// the right host. A name with several addresses should lead to the same one each time.
    pub host: Host<'a>,
    /// TCP port
    pub port: u16,
    /// What the connection is for
    pub channel: Channel,
}
