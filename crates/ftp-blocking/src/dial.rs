//! How connections are made: directly, or by a [`Dialer`] of the caller's

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6, TcpListener, TcpStream, ToSocketAddrs};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use socket2::{Domain, SockRef, Socket, TcpKeepalive, Type};

use crate::clock::{earliest, later};
use crate::wait::{Interest, entry, poll, ready};

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

/// A host to connect to
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a host has a name or an address")]
pub enum Host<'a> {
    /// A name, for the proxy or the dialer to resolve
    Name(&'a str),
    /// An address
    Address(IpAddr),
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => fmt::Display::fmt(address, f),
        }
    }
}

impl<'a> Host<'a> {
    /// An address if it is one
    pub(crate) fn new(host: &'a str) -> Self {
        host.parse().map_or(Self::Name(host), Self::Address)
    }
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

/// Splits `host`, `host:port`, `::1`, `[::1]` and `[::1]:port`
pub(crate) fn split_address(address: &str) -> io::Result<(&str, Option<u16>)> {
    let invalid = || {
        let text = format!("{:?} is not a host, or a host and a port", address);
        io::Error::new(io::ErrorKind::InvalidInput, text)
    };
    let (host, port) = if let Some(rest) = address.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or_else(invalid)?;
        match rest {
            "" => (host, None),
            _ => (host, Some(rest.strip_prefix(':').ok_or_else(invalid)?)),
        }
    } else {
        match address.split_once(':') {
            // Several colons: an IPv6 address without brackets.
            Some((_, port)) if port.contains(':') => (address, None),
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        }
    };
    if host.is_empty() || host.bytes().any(|byte| byte <= b' ') {
        return Err(invalid());
    }
    // `parse` alone would take a sign.
    let port = match port {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(port.parse().map_err(|_| invalid())?)
        }
        Some(_) => return Err(invalid()),
        None => None,
    };
    Ok((host, port))
}

/// Resolves the host and connects to the first of its addresses that answers
///
/// Each address has `timeout`. The next one is tried as soon as one fails, or besides it when it
/// keeps silent ("Happy Eyeballs", RFC 8305), so a broken IPv6 path costs a moment, no more.
pub(crate) fn connect(
    host: &str,
    port: u16,
    source: Option<SocketAddr>,
    timeout: Duration,
) -> io::Result<TcpStream> {
    let addresses: Vec<_> = (host, port).to_socket_addrs()?.collect();
    let addresses: Vec<_> = interleave(&addresses)
        .into_iter()
        .filter(|address| source.is_none_or(|source| source.is_ipv4() == address.is_ipv4()))
        .collect();
    race(&addresses, source, timeout)
}

/// One address of each family in turn, beginning with the system's favourite
fn interleave(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else { return Vec::new() };
    let (mut preferred, mut others): (Vec<_>, Vec<_>) =
        addresses.iter().copied().partition(|address| address.is_ipv4() == first.is_ipv4());
    preferred.reverse();
    others.reverse();
    let mut order = Vec::with_capacity(addresses.len());
    while !preferred.is_empty() || !others.is_empty() {
        order.extend(preferred.pop());
        order.extend(others.pop());
    }
    order
}

struct Attempt {
    stream: TcpStream,
    address: SocketAddr,
    deadline: Option<Instant>,
}

fn race(
    addresses: &[SocketAddr],
    source: Option<SocketAddr>,
    timeout: Duration,
) -> io::Result<TcpStream> {
    /// RFC 8305 section 5's recommendation
    const HEAD_START: Duration = Duration::from_millis(250);
    let mut waiting = addresses.iter().copied();
    let mut attempts: Vec<Attempt> = Vec::new();
    let mut failures = Vec::new();
    let mut next_start = Some(Instant::now());
    loop {
        let now = Instant::now();
        if attempts.is_empty() || next_start.is_some_and(|at| at <= now) {
            match waiting.next() {
                Some(address) => match begin_connect(address, source) {
                    Ok(stream) => {
                        next_start = later(now, HEAD_START);
                        attempts.push(Attempt { stream, address, deadline: later(now, timeout) });
                    }
                    Err(error) => {
                        failures.push((address, error));
                        continue;
                    }
                },
                None if attempts.is_empty() => return Err(all_failed(failures)),
                None => {}
            }
        }
        let mut deadline = attempts.iter().filter_map(|attempt| attempt.deadline).min();
        if waiting.len() > 0 {
            deadline = earliest(deadline, next_start);
        }
        let mut entries: Vec<_> =
            attempts.iter().map(|attempt| entry(&attempt.stream, Interest::WRITE)).collect();
        poll(&mut entries, deadline)?;
        let writable: Vec<_> =
            entries.iter().map(|entry| ready(entry, Interest::WRITE).write).collect();
        let now = Instant::now();
        for (index, writable) in writable.into_iter().enumerate().rev() {
            let expired = attempts[index].deadline.is_some_and(|deadline| deadline <= now);
            if !writable && !expired {
                continue;
            }
            let attempt = attempts.swap_remove(index);
            let result = match writable {
                true => end_connect(&attempt.stream),
                false => Err(io::ErrorKind::TimedOut.into()),
            };
            match result {
                Ok(()) => return Ok(attempt.stream),
                Err(error) => {
                    failures.push((attempt.address, error));
                    next_start = Some(now);
                }
            }
        }
    }
}

/// Makes one error of all that happened
fn all_failed(mut failures: Vec<(SocketAddr, io::Error)>) -> io::Error {
    match failures.len() {
        0 => io::Error::new(io::ErrorKind::NotFound, "the host has no address that can be used"),
        1 => failures.remove(0).1,
        _ => {
            let kind = failures[0].1.kind();
            let texts: Vec<_> =
                failures.iter().map(|(address, error)| format!("{address}: {error}")).collect();
            io::Error::new(kind, texts.join("; "))
        }
    }
}

/// Starts to connect without waiting; [`end_connect`] when the stream is writable
pub(crate) fn begin_connect(
    address: SocketAddr,
    source: Option<SocketAddr>,
) -> io::Result<TcpStream> {
    let socket = new_socket(Domain::for_address(address))?;
    socket.set_tcp_nodelay(true)?;
    if let Some(source) = source {
        if source.port() != 0 {
            // The last session's connection may still linger on the port.
            socket.set_reuse_address(true)?;
        }
        socket.bind(&source.into())?;
    }
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if is_in_progress(&error) => {}
        Err(error) => return Err(error),
    }
    Ok(socket.into())
}

/// A socket that never waits; where the system can, made so at once instead of by two more calls
fn new_socket(domain: Domain) -> io::Result<Socket> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return Socket::new(domain, Type::STREAM.nonblocking(), None);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let socket = Socket::new(domain, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
        || Errno::from_io_error(error) == Some(Errno::INPROGRESS)
}

/// What became of [`begin_connect`]
pub(crate) fn end_connect(stream: &TcpStream) -> io::Result<()> {
    match stream.take_error()? {
        Some(error) => Err(error),
        // Linux has told why, if there is no connection.
        None if cfg!(target_os = "linux") => Ok(()),
        // Writable without a peer: connected and lost at once.
        None => stream.peer_addr().map(|_| ()),
    }
}

/// The mode that the session's loop needs, whoever made the stream
pub(crate) fn adopt(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)
}

/// Has the system probe a silent control connection: NATs forget it during long transfers
pub(crate) fn keep_alive(stream: &TcpStream) {
    const EVERY: Duration = Duration::from_secs(60);
    let keepalive = TcpKeepalive::new().with_time(EVERY);
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
    let keepalive = keepalive.with_interval(EVERY);
    // A favour of the system; nothing depends on it.
    let _ = SockRef::from(stream).set_tcp_keepalive(&keepalive);
}

/// Listens on the first port of the range, from `*next` on, that is free
pub(crate) fn listen(
    local: IpAddr,
    scope: u32,
    ports: Option<RangeInclusive<u16>>,
    next: &mut u16,
) -> io::Result<TcpListener> {
    let bind = |port| {
        let address = match local {
            IpAddr::V4(local) => SocketAddr::from((local, port)),
            IpAddr::V6(local) => SocketAddrV6::new(local, port, 0, scope).into(),
        };
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    let Some(ports) = ports else { return bind(0) };
    // Each transfer takes the next port: a late connection for the last one finds nobody, and the
    // server's side of the last connection is still in TIME_WAIT.
    let first = if ports.contains(next) { *next } else { *ports.start() };
    let mut result = Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        "the range of ports for active mode is empty",
    ));
    for port in (first..=*ports.end()).chain(*ports.start()..first) {
        result = bind(port);
        match &result {
            Ok(_) => {
                *next = port.checked_add(1).unwrap_or(0);
                break;
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(_) => break,
        }
    }
    result
}

#[cfg(test)]
mod tests;
