//! For shells on sockets of the operating system: how they are made for FTP, and the clock of listings
//!
//! The only part of this crate that makes system calls; sessions do not use it.

mod tcp;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, SystemTime};

use ftp_proto::Timestamp;
use ftp_proto::listing::ListingParser;
use rustix::io::Errno;
use socket2::{Domain, SockRef, Socket, TcpKeepalive, Type};

pub use tcp::{Found, Tcp, adopt};

/// Starts to connect to an address, from another if there is one; the socket never waits, and is to become
/// writable
///
/// # Errors
///
/// Those of the system.
pub fn begin_connect(to: SocketAddr, from: Option<SocketAddr>) -> io::Result<TcpStream> {
    let socket = new_socket(Domain::for_address(to))?;
    if let Some(from) = from {
        if from.port() != 0 {
            // The last session's connection may still linger on the port.
            socket.set_reuse_address(true)?;
        }
        socket.bind(&from.into())?;
    }
    match socket.connect(&to.into()) {
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

/// Listens on an address, never waiting
///
/// # Errors
///
/// Those of the system.
pub fn listen(on: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(on)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Has the system probe a silent control connection: address translators forget it during long transfers
#[cfg(unix)]
pub fn keep_alive(socket: &impl std::os::fd::AsFd) {
    probe(&SockRef::from(socket));
}

/// Has the system probe a silent control connection: address translators forget it during long transfers
#[cfg(windows)]
pub fn keep_alive(socket: &impl std::os::windows::io::AsSocket) {
    probe(&SockRef::from(socket));
}

fn probe(socket: &SockRef<'_>) {
    const EVERY: Duration = Duration::from_secs(60);
    let keepalive = TcpKeepalive::new().with_time(EVERY);
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
    let keepalive = keepalive.with_interval(EVERY);
    // A favour of the system; nothing depends on it.
    let _ = socket.set_tcp_keepalive(&keepalive);
}

/// For a listing that the server makes now: years that lines leave out follow from this machine's clock
#[must_use]
pub fn listing_parser() -> ListingParser {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok();
    let now = now.and_then(|now| Timestamp::from_unix(now.as_secs().try_into().ok()?));
    now.map_or_else(ListingParser::new, |now| ListingParser::new().with_now(now))
}
