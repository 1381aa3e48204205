//! What a session needs of the world: connections that never wait

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::ops::BitOr;

use ftp_proto::Time;

/// The place of a connection in its session; a connection keeps it as long as it lives
///
/// A shell that registers sockets with a poll can take `first + slot as usize` for the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "shells keep something for each")]
pub enum Slot {
    /// The control connection, or one attempt to open it
    Control,
    /// The control connection, if the second of two attempts to open it was the first to succeed
    ControlRival,
    /// A data connection or the listener for one
    Data,
    /// The next data connection, while the last one, in the slot `Data`, still waits for tickets; and the
    /// other way round
    NextData,
}

impl Slot {
    /// All slots in their order
    pub const ALL: [Self; 4] = [Self::Control, Self::ControlRival, Self::Data, Self::NextData];

    /// Whether it is one of the control connection's
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Control | Self::ControlRival)
    }
}

/// What a connection is waited for, or is ready for
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a connection is read and written, no more")]
pub struct Interest {
    /// To be read; of a listener, to accept
    pub read: bool,
    /// To be written
    pub write: bool,
}

impl Interest {
    /// Nothing
    pub const NONE: Self = Self { read: false, write: false };
    /// Reading
    pub const READ: Self = Self { read: true, write: false };
    /// Writing
    pub const WRITE: Self = Self { read: false, write: true };
    /// Both
    pub const BOTH: Self = Self { read: true, write: true };

    /// Whether there is nothing to wait for
    #[must_use]
    pub const fn is_none(self) -> bool {
        !self.read && !self.write
    }

    /// What is left of it without another
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self { read: self.read && !other.read, write: self.write && !other.write }
    }

    /// Whether the two have something in common
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.read && other.read || self.write && other.write
    }
}

impl BitOr for Interest {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self { read: self.read || other.read, write: self.write || other.write }
    }
}

/// How a shell learns that a connection is ready
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are two ways")]
pub enum Trigger {
    /// It asks before each wait (poll(2), select): what has not been read is told again
    Level,
    /// It is told once (epoll, kqueue, wakers): a session goes on reading until a read would block
    Edge,
}

/// Connections as one system has them; nothing here ever waits
///
/// It is lent to each call of [`Session::turn`](crate::Session::turn), so that what it needs, such as a
/// registry, can stay the application's.
///
/// Streams say [`WouldBlock`](io::ErrorKind::WouldBlock) where they would wait. A session reads or writes a
/// stream only if its shell has said that this is [possible](crate::Session::ready), and until it would
/// block.
pub trait Transport {
    /// A connection
    type Stream: Read + Write;
    /// A socket that waits for connections
    type Listener;

    /// How the shell learns of readiness
    const TRIGGER: Trigger;

    /// Begins to connect to an address, from another if there is one
    ///
    /// # Errors
    ///
    /// Those of the system. Other attempts may follow.
    fn connect(
        &mut self,
        slot: Slot,
        to: SocketAddr,
        from: Option<SocketAddr>,
    ) -> io::Result<Self::Stream>;

    /// Looks whether a connection is open: `None` if it is, else what to wait for
    ///
    /// Called when the stream is ready for what it has been waited for, at first for writing. The place to
    /// set what a connection of this slot should have, such as keep-alives.
    ///
    /// # Errors
    ///
    /// Why it could not be opened.
    fn connected(&mut self, slot: Slot, stream: &mut Self::Stream) -> io::Result<Option<Interest>>;

    /// Has what is written to an open data connection leave at once, however little it is (`TCP_NODELAY`)
    ///
    /// Called before uploads and TLS handshakes alone: a download writes nothing, and the system call is saved. On
    /// TCP, control connections need the same, which is [`Self::connected`]'s to do.
    fn no_delay(&mut self, stream: &mut Self::Stream) {
        let _ = stream;
    }

    /// This end of an open connection
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn local_addr(&self, stream: &Self::Stream) -> io::Result<SocketAddr>;

    /// Listens on an address, whose port 0 means any; gives the address with the port
    ///
    /// # Errors
    ///
    /// Those of the system; after [`AddrInUse`](io::ErrorKind::AddrInUse) the next port of a range is tried.
    fn listen(&mut self, slot: Slot, on: SocketAddr) -> io::Result<(Self::Listener, SocketAddr)>;

    /// Takes a connection that has come; gives it with its other end
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if none has come, and those of the system.
    fn accept(
        &mut self,
        slot: Slot,
        listener: &mut Self::Listener,
    ) -> io::Result<(Self::Stream, SocketAddr)>;

    /// Ends the write side, after which the other end reads an end
    ///
    /// # Errors
    ///
    /// Those of the system; after [`WouldBlock`](io::ErrorKind::WouldBlock) it is called again.
    fn shutdown(&mut self, stream: &mut Self::Stream) -> io::Result<()>;

    /// Closes a connection
    fn close(&mut self, stream: Self::Stream);

    /// Closes a listener
    fn close_listener(&mut self, listener: Self::Listener);
}

/// A host to connect to
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a host has a name or an address")]
pub enum Host<'a> {
    /// A name, for a proxy or the shell to resolve
    Name(&'a str),
    /// An address
    Address(IpAddr),
}

impl<'a> Host<'a> {
    /// An address, if the text is one
    #[must_use]
    pub fn new(host: &'a str) -> Self {
        host.parse().map_or(Self::Name(host), Self::Address)
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => fmt::Display::fmt(address, f),
        }
    }
}

/// A connection that the shell is to make, see [`Session::dial_request`](crate::Session::dial_request)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DialRequest<'a> {
    /// Which connection it becomes
    pub slot: Slot,
    /// Where it leads; for a data connection to the server, the host that the session was made with, since
    /// what leads there leads to the right host
    pub host: Host<'a>,
    /// TCP port
    pub port: u16,
    /// When it has taken too long; `None`: never
    pub deadline: Option<Time>,
}

/// A connection or listener of a session, lent to its shell
///
/// Of sockets it has the descriptor (`AsFd`, on Windows `AsSocket`), for whatever waits for it.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "there are these two")]
pub enum Lent<'a, S, L> {
    /// A connection, open or not
    Stream(&'a S),
    /// A listener in active mode
    Listener(&'a L),
}

#[cfg(unix)]
impl<S: std::os::fd::AsFd, L: std::os::fd::AsFd> std::os::fd::AsFd for Lent<'_, S, L> {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Self::Stream(stream) => stream.as_fd(),
            Self::Listener(listener) => listener.as_fd(),
        }
    }
}

#[cfg(windows)]
impl<S, L> std::os::windows::io::AsSocket for Lent<'_, S, L>
where
    S: std::os::windows::io::AsSocket,
    L: std::os::windows::io::AsSocket,
{
    fn as_socket(&self) -> std::os::windows::io::BorrowedSocket<'_> {
        match self {
            Self::Stream(stream) => stream.as_socket(),
            Self::Listener(listener) => listener.as_socket(),
        }
    }
}
