//! For shells on sockets of the operating system: a [`Transport`] of std's sockets, how sockets are made for
//! FTP, and the clock of listings
//!
//! The only part of this crate that makes system calls; sessions do not use it.

use std::io::{self, Read as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, SystemTime};

use ftp_proto::Timestamp;
use ftp_proto::listing::ListingParser;
use rustix::io::Errno;
use socket2::{Domain, SockRef, Socket, TcpKeepalive, Type};

use crate::transport::{Interest, Slot, Transport, Trigger};

/// Connections on std's sockets, which never block
///
/// For shells that wait with poll(2), select, or anything else that tells again of what has not been read
/// ([`Trigger::Level`]): before each wait they ask [`Session::sockets`](crate::Session::sockets). One a session.
#[derive(Debug, Default)]
pub struct Sockets {
    /// What the last wait has found for each slot's connection
    found: [Polled; Slot::ALL.len()],
}

/// What poll(2) says of a connection that is to open
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "poll(2) says no more")]
pub enum Polled {
    /// It was not polled, or nothing was found
    #[default]
    Nothing,
    /// It can be written, and neither has broken nor ended
    Writable,
    /// It has broken or ended
    Broken,
}

impl Sockets {
    /// Takes note of what a wait has found, which saves the question whether a connection is open
    ///
    /// Shells whose waits don't tell need not call it.
    pub fn polled(&mut self, slot: Slot, found: Polled) {
        self.found[slot as usize] = found;
    }
}

impl Transport for Sockets {
    type Stream = TcpStream;
    type Listener = TcpListener;

    const TRIGGER: Trigger = Trigger::Level;

    fn connect(
        &mut self,
        slot: Slot,
        to: SocketAddr,
        from: Option<SocketAddr>,
    ) -> io::Result<TcpStream> {
        self.polled(slot, Polled::Nothing);
        begin_connect(to, from)
    }

    fn connected(&mut self, slot: Slot, stream: &mut TcpStream) -> io::Result<Option<Interest>> {
        // Linux says of a connection that could not be opened that it has broken, so the question for the error, a
        // system call for each file, has an answer already.
        if !cfg!(target_os = "linux") || self.found[slot as usize] != Polled::Writable {
            match stream.take_error()? {
                Some(error) => return Err(error),
                None if cfg!(target_os = "linux") => {}
                // Writable without a peer: connected and lost at once.
                None => {
                    stream.peer_addr()?;
                }
            }
        }
        if slot.is_control() {
            stream.set_nodelay(true)?;
            keep_alive(stream);
        }
        Ok(None)
    }

    fn no_delay(&mut self, stream: &mut TcpStream) {
        // It only saves time.
        let _ = stream.set_nodelay(true);
    }

    fn local_addr(&self, stream: &TcpStream) -> io::Result<SocketAddr> {
        stream.local_addr()
    }

    fn listen(&mut self, _: Slot, on: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
        let listener = listen(on)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    fn accept(
        &mut self,
        _: Slot,
        listener: &mut TcpListener,
    ) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = listener.accept()?;
        stream.set_nonblocking(true)?;
        Ok((stream, peer))
    }

    fn shutdown(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        stream.shutdown(Shutdown::Write)
    }

    fn close(&mut self, _: TcpStream) {}

    fn close_listener(&mut self, _: TcpListener) {}
}

/// Gives a connected stream the mode that a session needs: it never blocks, and sends small writes at once
///
/// # Errors
///
/// Those of the system.
pub fn adopt(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)
}

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

/// Reads what the system has of a connection, without waiting: for runtimes that ask the system only when their poll has
/// said that there is something
///
/// # Errors
///
/// Those of the system; [`WouldBlock`](io::ErrorKind::WouldBlock) if there is nothing.
#[cfg(unix)]
pub fn read_now(socket: &impl std::os::fd::AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    (&*SockRef::from(socket)).read(buffer)
}

/// Reads what the system has of a connection, without waiting: for runtimes that ask the system only when their poll has
/// said that there is something
///
/// # Errors
///
/// Those of the system; [`WouldBlock`](io::ErrorKind::WouldBlock) if there is nothing.
#[cfg(windows)]
pub fn read_now(
    socket: &impl std::os::windows::io::AsSocket,
    buffer: &mut [u8],
) -> io::Result<usize> {
    (&*SockRef::from(socket)).read(buffer)
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
