//! How connections are made: directly, or by a [`Dialer`] of the caller's

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use ftp_session::Host;

/// Makes connections in another way than directly: through a SOCKS or HTTP proxy, a tunnel, …
///
/// It is asked for the control connection and for each data connection of passive mode, and may
/// take until `timeout`. While it works the control connection is not looked at; before the
/// transfer command, which is when data connections are made, the server has nothing to say there.
///
/// Closures will do:
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
    /// Whatever kept it from connecting.
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

/// Where a [`Dialer`] is to connect to
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target<'a> {
    /// The server
    ///
    /// Of a data connection it is the name that was given for the control connection, because
    /// whatever leads there leads to the right host; a name with several addresses should lead to
    /// the same one each time.
    pub host: Host<'a>,
    /// TCP port
    pub port: u16,
    /// What the connection is for
    pub channel: Channel,
}

/// Which of FTP's two connections
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "FTP has two")]
pub enum Channel {
    /// Commands and replies
    Control,
    /// One file or listing
    Data,
}
