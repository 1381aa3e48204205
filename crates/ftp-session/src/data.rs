//! The data connection and its state

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ftp_proto::{DataHost, DataId, Direction, Time};
use ftp_tls::Stream;

use crate::proxy::{Handshake, waits_for};
use crate::socket::{Listener, Socket, interest_of_tls};
use crate::text::{TextIn, TextOut};
use crate::transport::{Interest, Slot, SocketRef};

pub(crate) struct Data<S, L> {
    pub(crate) id: DataId,
    pub(crate) slot: Slot,
    pub(crate) state: DataState<S, L>,
}

pub(crate) enum DataState<S, L> {
    /// Passive: the shell is connecting
    Dialing { host: DataHost, port: u16 },
    /// Passive: not open yet; waits for this readiness
    Connecting(Socket<S>, Interest, Route),
    /// Passive: the handshake with a proxy
    Tunneling(Socket<S>, Box<Handshake>),
    /// Active: the server has not connected yet, though another host may have
    Listening(Listener<L>, Option<IpAddr>),
    /// It has been opened
    Connected(Stream<Socket<S>>, Stage),
}

/// What an opened data connection is doing
pub(crate) enum Stage {
    /// Nothing: the machine gives the next order
    Open,
    /// To be secured as soon as a ticket has arrived, or none will
    AwaitingTicket,
    Securing,
    Moving(TransferState),
    /// The machine knows that it is over, and will close it
    Over(Option<Direction>),
}

/// Where a data connection goes
pub(crate) enum Route {
    /// Directly to this address
    Direct(SocketAddr),
    /// To a proxy, which connects to the server
    Proxy(Box<Handshake>),
}

/// The direction and progress of a transfer
pub(crate) enum TransferState {
    Download(Option<Box<TextIn>>),
    /// A listing that is only read for the tickets that arrive with it
    TicketListing,
    Upload(UploadStage, Option<Box<TextOut>>),
}

impl TransferState {
    pub(crate) const fn direction(&self) -> Direction {
        match self {
            Self::Download(_) | Self::TicketListing => Direction::Download,
            Self::Upload(..) => Direction::Upload,
        }
    }
}

/// The progress of an upload
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadStage {
    /// The user is writing
    Writing(ServerEnd),
    /// The user has finished: the bytes that are held back and the end of the file are being sent
    Ending,
    /// Reads until the server has closed: TLS tickets arrive here, and closing before the server's bytes are read
    /// would reset the connection, which may lose the end of the file
    Draining {
        /// Set when the final reply has arrived
        until: Option<Time>,
    },
}

/// The state of the server's side of an upload's data connection
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerEnd {
    Open,
    /// The server sends nothing more
    Closed,
}

/// The result of the user's last attempt to move bytes, which distinguishes a pause of the user from one of the server
///
/// Readiness alone is not enough: a shell may report readiness when there is none, even before each turn, and TLS
/// records need not contain a byte of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// Bytes have moved, or there was no attempt yet
    Moved,
    /// No byte could move
    Blocked,
    /// As [`Self::Blocked`], but the connection was reported ready when the deadline passed: the user's next attempt
    /// decides
    Due,
    /// That attempt moved nothing either, so the server is pausing, even if the connection is reported as ready
    Refuted,
}

impl Attempt {
    /// The state after an attempt that moved no byte
    pub(crate) const fn blocked(self) -> Self {
        match self {
            Self::Moved | Self::Blocked => Self::Blocked,
            Self::Due | Self::Refuted => Self::Refuted,
        }
    }
}

/// A data connection that is closed except for tickets that may still arrive on it
pub(crate) struct Linger<S> {
    pub(crate) stream: Stream<Socket<S>>,
    pub(crate) until: Option<Time>,
    pub(crate) direction: Option<Direction>,
}

impl<S> Linger<S> {
    /// What to wait for on the connection
    pub(crate) fn interest(&self) -> Interest {
        interest_of_tls(&self.stream)
    }
}

impl<S, L> DataState<S, L> {
    /// The state of a connection to the server that has just been opened
    pub(crate) fn open(socket: Socket<S>) -> Self {
        Self::Connected(socket.into_stream(), Stage::Open)
    }
}

impl<S, L> Data<S, L> {
    pub(crate) const fn new(id: DataId, slot: Slot, state: DataState<S, L>) -> Self {
        Self { id, slot, state }
    }

    /// Whether a turn has nothing to do for it: the machine gives the next order, the user moves the bytes, or the
    /// shell is connecting
    pub(crate) const fn is_at_rest(&self) -> bool {
        match &self.state {
            DataState::Dialing { .. } => true,
            DataState::Connecting(..) | DataState::Tunneling(..) | DataState::Listening(..) => {
                false
            }
            DataState::Connected(_, stage) => match stage {
                Stage::Open | Stage::Moving(TransferState::Download(_)) | Stage::Over(_) => true,
                Stage::AwaitingTicket
                | Stage::Securing
                | Stage::Moving(TransferState::TicketListing | TransferState::Upload(..)) => false,
            },
        }
    }

    /// The stream that moves bytes, or soon will
    pub(crate) fn stream(&mut self) -> Option<&mut Stream<Socket<S>>> {
        match &mut self.state {
            DataState::Dialing { .. }
            | DataState::Connecting(..)
            | DataState::Tunneling(..)
            | DataState::Listening(..) => None,
            DataState::Connected(stream, _) => Some(stream),
        }
    }

    /// The connection, open or not
    pub(crate) fn socket_mut(&mut self) -> Option<&mut Socket<S>> {
        match &mut self.state {
            DataState::Dialing { .. } | DataState::Listening(..) => None,
            DataState::Connecting(socket, ..) | DataState::Tunneling(socket, _) => Some(socket),
            DataState::Connected(stream, _) => Some(stream.get_mut()),
        }
    }

    /// The connection or listener for the shell's wait, with what to wait for on it
    pub(crate) fn socket_ref(&self) -> Option<(Slot, SocketRef<'_, S, L>, Interest)> {
        let socket_ref = match &self.state {
            DataState::Dialing { .. } => return None,
            DataState::Listening(listener, _) => SocketRef::Listener(&listener.io),
            DataState::Connecting(socket, ..) | DataState::Tunneling(socket, _) => {
                SocketRef::Stream(socket.io())
            }
            DataState::Connected(stream, _) => SocketRef::Stream(stream.get_ref().io()),
        };
        Some((self.slot, socket_ref, self.interest()))
    }

    /// Until when the end of an upload is waited for
    pub(crate) const fn close_deadline(&self) -> Option<Time> {
        match self.state {
            DataState::Connected(
                _,
                Stage::Moving(TransferState::Upload(UploadStage::Draining { until }, _)),
            ) => until,
            _ => None,
        }
    }

    /// What to wait for on the connection or listener
    ///
    /// This excludes what it is ready for already: then it is the user's turn.
    fn interest(&self) -> Interest {
        match &self.state {
            DataState::Dialing { .. } => Interest::NONE,
            DataState::Connecting(_, interest, _) => *interest,
            DataState::Tunneling(_, handshake) => waits_for(handshake),
            DataState::Listening(..) => Interest::READ,
            DataState::Connected(_, Stage::Open | Stage::AwaitingTicket | Stage::Over(_)) => {
                Interest::NONE
            }
            DataState::Connected(stream, Stage::Securing) => interest_of_tls(stream),
            DataState::Connected(stream, Stage::Moving(transfer)) => {
                let ready = stream.get_ref().ready;
                let wants = match transfer {
                    TransferState::Download(_) | TransferState::TicketListing => Interest::READ,
                    TransferState::Upload(UploadStage::Writing(ServerEnd::Open), _) => {
                        Interest::BOTH
                    }
                    TransferState::Upload(UploadStage::Writing(ServerEnd::Closed), _) => {
                        Interest::WRITE
                    }
                    TransferState::Upload(UploadStage::Ending, _) => Interest::WRITE,
                    TransferState::Upload(UploadStage::Draining { .. }, _) => Interest::READ,
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
            DataState::Connected(_, stage) => match stage {
                Stage::Open => "open",
                Stage::AwaitingTicket => "awaiting a ticket",
                Stage::Securing => "securing",
                Stage::Moving(TransferState::Download(_)) => "download",
                Stage::Moving(TransferState::Upload(..)) => "upload",
                Stage::Moving(TransferState::TicketListing) => "ticket listing",
                Stage::Over(_) => "over",
            },
        };
        write!(f, "{:?} {state}", self.id)
    }
}
