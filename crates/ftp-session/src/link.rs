//! The control connection: how it comes to be, and what it is busy with

use ftp_proto::Time;
use ftp_tls::Stream;

use crate::race::Race;
use crate::socket::Socket;

pub(crate) enum Control<S> {
    /// Waits for the start
    Idle(Box<Race<S>>),
    Connecting(Box<Race<S>>),
    /// The shell makes it, from the first turn after the start on
    Dialing {
        begun: Begun,
        deadline: Option<Time>,
    },
    Open(Link<S>),
    Closed,
}

/// Whether the shell has been asked to dial
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    No,
    Yes,
}

/// A control connection that is open
pub(crate) struct Link<S> {
    pub(crate) stream: Stream<Socket<S>>,
    pub(crate) phase: LinkPhase,
}

/// What the stream is busy with
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkPhase {
    /// Commands and replies
    Open,
    /// The TLS handshake
    Securing,
    /// The end of TLS; after the deadline without the server's close_notify
    Clearing { patience: Option<Time> },
    /// Nothing: it broke, and the machine only waits for the end of a transfer that is confirmed already
    Broken,
}

impl<S> Link<S> {
    pub(crate) fn new(socket: Socket<S>) -> Self {
        Self { stream: socket.into_stream(), phase: LinkPhase::Open }
    }

    /// When the end of TLS is no longer waited for
    pub(crate) const fn patience(&self) -> Option<Time> {
        match self.phase {
            LinkPhase::Clearing { patience } => patience,
            LinkPhase::Open | LinkPhase::Securing | LinkPhase::Broken => None,
        }
    }
}
