//! Making connections, without waiting for them

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6, TcpListener};
use std::ops::RangeInclusive;
use std::time::Duration;

use mio::net::TcpStream;
use rustix::io::Errno;
use socket2::{Domain, SockRef, Socket, TcpKeepalive, Type};

/// Starts to connect; [`end_connect`] when the socket has become writable
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
    Ok(TcpStream::from_std(socket.into()))
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

/// What became of [`begin_connect`]; `false` if nothing yet
pub(crate) fn end_connect(socket: &TcpStream) -> io::Result<bool> {
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    match socket.peer_addr() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

/// Has the system probe a silent control connection: NATs forget it during long transfers
pub(crate) fn keep_alive(socket: &TcpStream) {
    const EVERY: Duration = Duration::from_secs(60);
    let keepalive = TcpKeepalive::new().with_time(EVERY);
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
    let keepalive = keepalive.with_interval(EVERY);
    // A favour of the system; nothing depends on it.
    let _ = SockRef::from(socket).set_tcp_keepalive(&keepalive);
}

/// Listens on the first port of the range, from `*next` on, that is free
pub(crate) fn listen(
    local: SocketAddr,
    ports: Option<RangeInclusive<u16>>,
    next: &mut u16,
) -> io::Result<mio::net::TcpListener> {
    let bind = |port| {
        let address = match local {
            SocketAddr::V4(local) => SocketAddr::from((IpAddr::V4(*local.ip()), port)),
            SocketAddr::V6(local) => {
                SocketAddrV6::new(*local.ip(), port, 0, local.scope_id()).into()
            }
        };
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(mio::net::TcpListener::from_std(listener))
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
