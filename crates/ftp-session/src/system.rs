//! For shells on sockets of the operating system: a [`Transport`] of std's sockets, functions that make sockets for
//! FTP, and the clock for listings
//!
//! Only this part of the crate makes system calls; sessions do not use it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
#[cfg(unix)]
use std::os::fd::AsFd as AsSystemSocket;
#[cfg(windows)]
use std::os::windows::io::AsSocket as AsSystemSocket;
use std::time::{Duration, SystemTime};

use ftp_proto::Timestamp;
use ftp_proto::listing::ListingParser;
use rustix::io::Errno;
use socket2::{Domain, SockRef, Socket, TcpKeepalive, Type};

use crate::session::Session;
use crate::transport::{Interest, Slot, Transport, Trigger};

/// Connections on std's sockets, which never block
///
/// It is for shells that wait with poll(2), select, or anything else that reports unread bytes again
/// ([`Trigger::Level`]): before each wait they ask [`Session::sockets`](crate::Session::sockets). Use one for each
/// session.
#[derive(Debug, Default)]
pub struct Sockets {
    /// The result of the last wait for each slot's connection
    found: [Polled; Slot::ALL.len()],
}

/// The result of poll(2) for a connection that is opening
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "poll(2) says no more")]
pub enum Polled {
    /// It was not polled, or nothing was reported
    #[default]
    Nothing,
    /// It is writable, and has neither broken nor ended
    Writable,
    /// It has broken or ended
    Broken,
}

impl Sockets {
    /// Notes the result of a wait, which saves the query whether a connection is open
    ///
    /// Shells whose waits don't report this need not call it.
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
        // Linux reports a connection that could not be opened as broken. So the query for the error, a system call for
        // each file, is not needed.
        if !cfg!(target_os = "linux") || self.found[slot as usize] != Polled::Writable {
            match stream.take_error()? {
                Some(error) => return Err(error),
                None if cfg!(target_os = "linux") => {}
                // Elsewhere the socket may be writable without a peer: it was connected and lost at once.
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
        // Without it the connection is slower, but works.
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

    fn reset_on_close(&mut self, stream: &mut TcpStream) {
        reset_on_close(stream);
    }

    fn close(&mut self, _: TcpStream) {}

    fn close_listener(&mut self, _: TcpListener) {}
}

/// Sets a connected stream to the mode that a session needs: it never blocks, and sends small writes at once
///
/// # Errors
///
/// Errors of the system.
pub fn adopt(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)
}

/// Starts to connect to an address, from the local address `from` if given; the socket never blocks, and becomes
/// writable once connected
///
/// # Errors
///
/// Errors of the system.
pub fn begin_connect(to: SocketAddr, from: Option<SocketAddr>) -> io::Result<TcpStream> {
    let socket = new_socket(Domain::for_address(to))?;
    if let Some(from) = from {
        // Windows permits this as it is, and would also share a port that another program uses.
        if from.port() != 0 && cfg!(not(windows)) {
            // The connection of an earlier session may still occupy the port.
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

/// Creates a non-blocking socket; on systems that support it, with one call instead of three
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

/// Listens on an address, without blocking
///
/// # Errors
///
/// Errors of the system.
pub fn listen(on: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(on)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Reads what the system has received on a connection, without waiting: for runtimes that ask the system only after
/// their poll has reported readiness
///
/// # Errors
///
/// Errors of the system; [`WouldBlock`](io::ErrorKind::WouldBlock) if there is nothing.
pub fn read_now(socket: &impl AsSystemSocket, buffer: &mut [u8]) -> io::Result<usize> {
    (&*SockRef::from(socket)).read(buffer)
}

/// Makes the system probe a silent control connection, because address translators forget it during long transfers
pub fn keep_alive(socket: &impl AsSystemSocket) {
    const EVERY: Duration = Duration::from_secs(60);
    let keepalive = TcpKeepalive::new().with_time(EVERY);
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]
    let keepalive = keepalive.with_interval(EVERY);
    // This is optional; nothing depends on it.
    let _ = SockRef::from(socket).set_tcp_keepalive(&keepalive);
}

/// Makes the close of a connection reset it, even if everything that has arrived was read
pub fn reset_on_close(socket: &impl AsSystemSocket) {
    // Without it the connection ends in order, which most servers tolerate.
    let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
}

impl<S: Read + Write, L> Session<S, L> {
    /// A parser as [`listing_parser`] makes it, which also knows the server's
    /// [offset from UTC](crate::Reading::utc_offset)
    #[must_use]
    pub fn listing_parser(&self) -> ListingParser {
        self.reading().adjust(listing_parser())
    }
}

/// A parser for a listing that the server makes now: if a line omits the year, it is inferred from this machine's
/// clock
#[must_use]
pub fn listing_parser() -> ListingParser {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok();
    let now = now.and_then(|now| Timestamp::from_unix(now.as_secs().try_into().ok()?));
    now.map_or_else(ListingParser::new, |now| ListingParser::new().with_now(now))
}
