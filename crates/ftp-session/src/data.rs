//! The data connection: what it is busy with

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ftp_proto::{DataHost, DataId, Direction, Time};
use ftp_tls::Stream;

use crate::proxy::{Handshake, waits_for};
use crate::socket::{Listener, Socket};
use crate::text::{TextIn, TextOut};
use crate::transport::{Interest, Lent, Slot};

pub(crate) struct Data<S, L> {
    pub(crate) id: DataId,
    pub(crate) slot: Slot,
    pub(crate) state: DataState<S, L>,
}

pub(crate) enum DataState<S, L> {
    /// Passive: the shell connects
    Dialing {
        host: DataHost,
        port: u16,
    },
    /// Passive: not open yet, and waited for this
    Connecting(Socket<S>, Interest, Way),
    /// Passive: a proxy is asked to connect further
    Tunneling(Socket<S>, Box<Handshake>),
    /// Active: the server has not come yet, though perhaps somebody else
    Listening(Listener<L>, Option<IpAddr>),
    /// Open, and the machine's next order is due
    Open(Stream<Socket<S>>),
    /// To be secured as soon as a ticket has come, or none will
    AwaitingTicket(Stream<Socket<S>>),
    Securing(Stream<Socket<S>>),
    Moving(Stream<Socket<S>>, Course),
    /// The machine knows that it is over, and will have it closed
    Over(Stream<Socket<S>>, Option<Direction>),
}

/// Where a data connection leads
pub(crate) enum Way {
    /// To this address
    Direct(SocketAddr),
    /// To a proxy, which is asked to connect further
    Proxy(Box<Handshake>),
}

/// Which way the bytes flow, and how far they are
pub(crate) enum Course {
    Download(Option<Box<TextIn>>),
    /// A listing whose bytes nobody wants, only the tickets that come with it
    Harvest,
    Upload(UploadStage, Option<Box<TextOut>>),
}

/// How far an upload is
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadStage {
    /// The user writes
    Writing(ServerEnd),
    /// The user has no more: what is held back and the end are sent
    Ending,
    /// Reads until the server has closed: TLS tickets come here, and closing before what the
    /// server sends is read would reset the connection, which may cost the file its end
    Draining {
        /// Set when the final reply has come
        until: Option<Time>,
    },
}

/// What is known of the server's side of an upload's data connection
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerEnd {
    Open,
    /// Nothing more comes from there
    Closed,
}

/// What the user's last attempt to move bytes met, which tells a pause of the user from one of the server
///
/// Readiness alone does not: a shell may say "ready" where nothing is, before each turn even, and records of TLS
/// need not hold a byte of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// Bytes have moved, or there was none yet
    Moved,
    /// No byte could move
    Blocked,
    /// As [`Self::Blocked`], but the connection was said to be ready when the deadline came: the user's next attempt
    /// decides
    Due,
    /// That was in vain, too: whatever is said of the connection, the server makes the pause
    Refuted,
}

impl Attempt {
    /// After an attempt at which no byte moved
    pub(crate) const fn blocked(self) -> Self {
        match self {
            Self::Moved | Self::Blocked => Self::Blocked,
            Self::Due | Self::Refuted => Self::Refuted,
        }
    }
}

/// A data connection that is closed but for the tickets that may come on it
pub(crate) struct Linger<S> {
    pub(crate) stream: Stream<Socket<S>>,
    pub(crate) until: Option<Time>,
    pub(crate) direction: Option<Direction>,
}

impl<S> Linger<S> {
    /// What the connection is to be waited for
    ///
    /// What is not sent yet comes first: until then nothing is read, and a shell that is told of bytes
    /// again and again would not wait at all.
    pub(crate) fn interest(&self) -> Interest {
        if self.stream.wants_write() { Interest::WRITE } else { Interest::READ }
    }
}

impl<S, L> Data<S, L> {
    pub(crate) const fn new(id: DataId, slot: Slot, state: DataState<S, L>) -> Self {
        Self { id, slot, state }
    }

    /// Where it is noted what the connection or listener is ready for
    pub(crate) fn readiness(&mut self) -> Option<&mut Interest> {
        Some(match &mut self.state {
            DataState::Dialing { .. } => return None,
            DataState::Connecting(socket, ..) | DataState::Tunneling(socket, _) => {
                &mut socket.ready
            }
            DataState::Listening(listener, _) => &mut listener.ready,
            DataState::Open(stream)
            | DataState::AwaitingTicket(stream)
            | DataState::Securing(stream)
            | DataState::Moving(stream, _)
            | DataState::Over(stream, _) => &mut stream.get_mut().ready,
        })
    }

    /// Where bytes flow, or may before long
    pub(crate) fn stream(&mut self) -> Option<&mut Stream<Socket<S>>> {
        match &mut self.state {
            DataState::Dialing { .. }
            | DataState::Connecting(..)
            | DataState::Tunneling(..)
            | DataState::Listening(..) => None,
            DataState::Open(stream)
            | DataState::AwaitingTicket(stream)
            | DataState::Securing(stream)
            | DataState::Moving(stream, _)
            | DataState::Over(stream, _) => Some(stream),
        }
    }

    /// The connection, open or not
    pub(crate) fn socket_mut(&mut self) -> Option<&mut Socket<S>> {
        match &mut self.state {
            DataState::Dialing { .. } | DataState::Listening(..) => None,
            DataState::Connecting(socket, ..) | DataState::Tunneling(socket, _) => Some(socket),
            DataState::Open(stream)
            | DataState::AwaitingTicket(stream)
            | DataState::Securing(stream)
            | DataState::Moving(stream, _)
            | DataState::Over(stream, _) => Some(stream.get_mut()),
        }
    }

    /// The connection or listener, lent to the shell, with what it is to be waited for
    pub(crate) fn lent(&self) -> Option<(Slot, Lent<'_, S, L>, Interest)> {
        let lent = match &self.state {
            DataState::Dialing { .. } => return None,
            DataState::Listening(listener, _) => Lent::Listener(&listener.io),
            DataState::Connecting(socket, ..) | DataState::Tunneling(socket, _) => {
                Lent::Stream(socket.io())
            }
            DataState::Open(stream)
            | DataState::AwaitingTicket(stream)
            | DataState::Securing(stream)
            | DataState::Moving(stream, _)
            | DataState::Over(stream, _) => Lent::Stream(stream.get_ref().io()),
        };
        Some((self.slot, lent, self.interest()))
    }

    /// When the end of an upload is no longer waited for
    pub(crate) const fn patience(&self) -> Option<Time> {
        match self.state {
            DataState::Moving(_, Course::Upload(UploadStage::Draining { until }, _)) => until,
            _ => None,
        }
    }

    /// What the connection or listener is to be waited for
    ///
    /// Not what it is ready for already: then it is the user's turn.
    fn interest(&self) -> Interest {
        match &self.state {
            DataState::Dialing { .. }
            | DataState::Open(_)
            | DataState::AwaitingTicket(_)
            | DataState::Over(..) => Interest::NONE,
            DataState::Connecting(_, interest, _) => *interest,
            DataState::Tunneling(_, handshake) => waits_for(handshake),
            DataState::Listening(..) => Interest::READ,
            DataState::Securing(stream) => {
                Interest { read: stream.wants_read(), write: stream.wants_write() }
            }
            DataState::Moving(stream, course) => {
                let ready = stream.get_ref().ready;
                let wants = match course {
                    Course::Download(_) | Course::Harvest => Interest::READ,
                    Course::Upload(UploadStage::Writing(ServerEnd::Open), _) => Interest::BOTH,
                    Course::Upload(UploadStage::Writing(ServerEnd::Closed), _) => Interest::WRITE,
                    Course::Upload(UploadStage::Ending, _) => Interest::WRITE,
                    Course::Upload(UploadStage::Draining { .. }, _) => Interest::READ,
                };
                Interest {
                    read: wants.read && !ready.read,
                    write: (wants.write || stream.wants_write()) && !ready.write,
                }
            }
        }
    }
}

impl<S, L> fmt::Debug for Data<S, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            DataState::Dialing { .. } => "dialing",
            DataState::Connecting(..) => "connecting",
            DataState::Tunneling(..) => "tunneling",
            DataState::Listening(..) => "listening",
            DataState::Open(_) => "open",
            DataState::AwaitingTicket(_) => "awaiting a ticket",
            DataState::Securing(_) => "securing",
            DataState::Moving(_, Course::Download(_)) => "download",
            DataState::Moving(_, Course::Upload(..)) => "upload",
            DataState::Moving(_, Course::Harvest) => "harvest",
            DataState::Over(..) => "over",
        };
        write!(f, "{:?} {state}", self.id)
    }
}
