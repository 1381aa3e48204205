//! The control connection: how it is made, and its state

use ftp_proto::{Endpoints, Time};
use ftp_tls::Stream;

use crate::proxy::Handshake;
use crate::race::Race;
use crate::socket::Socket;

pub(crate) enum Control<S> {
    /// Waits for the start
    Idle(Box<Race<S>>),
    Connecting(Box<Race<S>>),
    /// The shell makes it, starting at the first turn after the start
    Dialing {
        begun: Begun,
        deadline: Option<Time>,
    },
    /// The handshake with a proxy
    Tunneling(Box<Tunneling<S>>),
    Open(Link<S>),
    Closed,
}

/// A connection to a proxy that will become the control connection
pub(crate) struct Tunneling<S> {
    pub(crate) socket: Socket<S>,
    /// Both addresses of the connection to the proxy, if it has addresses
    pub(crate) endpoints: Option<Endpoints>,
    pub(crate) handshake: Handshake,
    /// Bounds the whole handshake; received bytes do not extend it
    pub(crate) deadline: Option<Time>,
}

/// Whether the shell has been asked to dial
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    No,
    Yes,
}

/// An open control connection
pub(crate) struct Link<S> {
    pub(crate) stream: Stream<Socket<S>>,
    pub(crate) phase: LinkPhase,
}

/// What the stream is used for
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkPhase {
    /// Commands and replies
    Open,
    /// The TLS handshake
    Securing,
    /// TLS is being closed; `close_deadline` is the time until which the server's close_notify is waited for
    Clearing { close_deadline: Option<Time> },
    /// Nothing: the connection broke, and the machine only waits for the end of a transfer that is already confirmed
    Broken,
}

impl<S> Link<S> {
    pub(crate) fn new(socket: Socket<S>) -> Self {
        Self { stream: socket.into_stream(), phase: LinkPhase::Open }
    }

    /// Until when the end of TLS is waited for
    pub(crate) const fn close_deadline(&self) -> Option<Time> {
        match self.phase {
            LinkPhase::Clearing { close_deadline } => close_deadline,
            LinkPhase::Open | LinkPhase::Securing | LinkPhase::Broken => None,
        }
    }
}
