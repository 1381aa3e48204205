//! What a session needs from its environment: connections that never wait

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::ops::BitOr;

use ftp_proto::{DataId, Time};

/// Identifies a connection within its session; a connection keeps its slot as long as it lives
///
/// A shell that registers sockets with a poll can use `first + slot as usize` as the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "shells keep something for each")]
pub enum Slot {
    /// The control connection, or one attempt to open it
    Control,
    /// The control connection, if the second of two attempts to open it succeeded first
    SecondControl,
    /// A data connection or the listener for one
    Data,
    /// The next data connection, while the last one, in the slot `Data`, still waits for tickets; or the other way
    /// round
    NextData,
}

impl Slot {
    /// All slots in order
    pub const ALL: [Self; 4] = [Self::Control, Self::SecondControl, Self::Data, Self::NextData];

    /// Whether this slot belongs to the control connection
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Control | Self::SecondControl)
    }

    /// What the connection in this slot is for
    #[must_use]
    pub const fn channel(self) -> Channel {
        if self.is_control() { Channel::Control } else { Channel::Data }
    }
}

/// One of FTP's two kinds of connection
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "FTP has two")]
pub enum Channel {
    /// Commands and replies
    Control,
    /// One file or listing
    Data,
}

/// What to wait for on a connection, or what it is ready for
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a connection is read and written, no more")]
pub struct Interest {
    /// Reading; for a listener, accepting
    pub read: bool,
    /// Writing
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

    /// What remains without `other`
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self { read: self.read && !other.read, write: self.write && !other.write }
    }

    /// Whether the two overlap
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
    /// The shell asks before each wait (poll(2), select): unread bytes are reported again
    Level,
    /// Readiness is reported once (epoll, kqueue, wakers): a session reads until a read would block
    Edge,
}

/// The connections of one system; nothing here ever waits
///
/// It is lent to each call of [`Session::turn`](crate::Session::turn), so that what it uses, such as a registry, can
/// remain the application's.
///
/// Streams return [`WouldBlock`](io::ErrorKind::WouldBlock) where they would wait. A session reads or writes a stream
/// only after its shell has reported it [ready](crate::Session::ready), and until it would block.
pub trait Transport {
    /// A connection
    type Stream: Read + Write;
    /// A socket that accepts connections
    type Listener;

    /// How the shell learns of readiness
    const TRIGGER: Trigger;

    /// Starts to connect to an address, from the local address `from` if given
    ///
    /// # Errors
    ///
    /// Errors of the system. Other attempts may follow.
    fn connect(
        &mut self,
        slot: Slot,
        to: SocketAddr,
        from: Option<SocketAddr>,
    ) -> io::Result<Self::Stream>;

    /// Checks whether a connection is open: `None` if it is, otherwise what to wait for
    ///
    /// It is called when the stream is ready for what was waited for, at first for writing. Set here what a connection
    /// of this slot should have, such as keep-alives.
    ///
    /// # Errors
    ///
    /// Why it could not be opened.
    fn connected(&mut self, slot: Slot, stream: &mut Self::Stream) -> io::Result<Option<Interest>>;

    /// Makes bytes written to an open data connection leave at once, however few they are (`TCP_NODELAY`)
    ///
    /// It is called only before uploads and TLS handshakes: a download writes nothing, so the system call is saved. On
    /// TCP, control connections need the same, which [`Self::connected`] must do.
    fn no_delay(&mut self, stream: &mut Self::Stream) {
        let _ = stream;
    }

    /// Makes the next reads of a connection ask the system, until one would block
    ///
    /// The session calls it where it must know everything that has arrived so far: during TLS handshakes of data
    /// connections, before it ends an upload, since a final reply that is there already can't be about the end, and
    /// before it accepts a final reply that the data connection may contradict. Only shells whose reads consult a
    /// record of readiness need it, such as those on an async runtime.
    fn look(&mut self, stream: &mut Self::Stream) {
        let _ = stream;
    }

    /// The local address of an open connection
    ///
    /// # Errors
    ///
    /// Errors of the system.
    fn local_addr(&self, stream: &Self::Stream) -> io::Result<SocketAddr>;

    /// Listens on an address, where port 0 means any port; returns the address with the actual port
    ///
    /// # Errors
    ///
    /// Errors of the system; after [`AddrInUse`](io::ErrorKind::AddrInUse) the next port of a range is tried.
    fn listen(&mut self, slot: Slot, on: SocketAddr) -> io::Result<(Self::Listener, SocketAddr)>;

    /// Accepts a connection; returns it with its remote address
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is none, and errors of the system.
    fn accept(
        &mut self,
        slot: Slot,
        listener: &mut Self::Listener,
    ) -> io::Result<(Self::Stream, SocketAddr)>;

    /// Closes the write side, so that the other side reads the end
    ///
    /// # Errors
    ///
    /// Errors of the system; after [`WouldBlock`](io::ErrorKind::WouldBlock) it is called again.
    fn shutdown(&mut self, stream: &mut Self::Stream) -> io::Result<()>;

    /// Makes the close that follows reset the connection (on TCP, `SO_LINGER` of zero), so that the server stops sending
    ///
    /// It is called before a download under TLS is closed whose rest nobody wants. Without it the server learns of the
    /// close by an end or by a reset, depending on whether everything that has arrived so far was read. ProFTPD 1.3.8
    /// ends the whole session if it is an end.
    fn reset_on_close(&mut self, stream: &mut Self::Stream) {
        let _ = stream;
    }

    /// Closes a connection
    fn close(&mut self, stream: Self::Stream);

    /// Closes a listener
    fn close_listener(&mut self, listener: Self::Listener);
}

/// A [`Transport`] whose connections and listeners have these types
pub(crate) trait TransportOf<S, L>: Transport<Stream = S, Listener = L> {}

impl<T: Transport> TransportOf<T::Stream, T::Listener> for T {}

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
    /// Parses a host: an address if the text is one, otherwise a name
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

/// Identifies a connection that the shell must make, so that a late answer does not become another connection
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DialId {
    pub(crate) slot: Slot,
    /// `None` for a control connection
    pub(crate) data: Option<DataId>,
}

impl DialId {
    /// The slot of the connection
    #[must_use]
    pub const fn slot(self) -> Slot {
        self.slot
    }
}

/// A connection that the shell must make, see [`Session::dial_request`](crate::Session::dial_request)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DialRequest<'a> {
    /// Which connection it is
    pub id: DialId,
    /// The host to connect to; for a data connection to the server, the host that the session was created with,
    /// because the same route leads to the right host
    pub host: Host<'a>,
    /// TCP port
    pub port: u16,
    /// The deadline of the attempt, `None` if it has none: the first turn after it gives the attempt up; an answer that
    /// comes before that turn still counts
    pub deadline: Option<Time>,
}

/// A connection or listener of a session, borrowed by its shell for a wait
///
/// For sockets it provides the descriptor (`AsFd`, on Windows `AsSocket`), for any wait function.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "there are these two")]
pub enum SocketRef<'a, S, L> {
    /// A connection, open or not
    Stream(&'a S),
    /// A listener in active mode
    Listener(&'a L),
}

#[cfg(unix)]
impl<S: std::os::fd::AsFd, L: std::os::fd::AsFd> std::os::fd::AsFd for SocketRef<'_, S, L> {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Self::Stream(stream) => stream.as_fd(),
            Self::Listener(listener) => listener.as_fd(),
        }
    }
}

#[cfg(windows)]
impl<S, L> std::os::windows::io::AsSocket for SocketRef<'_, S, L>
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
