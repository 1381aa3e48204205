//! The data connection as a state machine
//!
//! ```text
//! Connecting ─────────────▶ Open ─▶ Securing ─▶ Secured ─▶ Moving ─▶ Sent ─▶ Ended
//! Binding ─▶ Listening ─────▲  └────────────────────────────▲   └─────────────▲
//! ```
//!
//! It only records what happened. [`op::transfer`](crate::op) decides what follows from it and from the state of the
//! control connection. Progress and the end are valid in every state from `Open` on, because two TCP connections have
//! no common order.

use core::net::{IpAddr, SocketAddr};

use crate::event::DataEvent;
use crate::terms::{DataFailure, DataId, TlsSession};

#[derive(Debug)]
pub(crate) struct DataConnection {
    pub(crate) id: DataId,
    pub(crate) state: DataState,
    /// Whether it was ever established
    pub(crate) established: bool,
    /// Bytes reported so far
    pub(crate) bytes: u64,
    /// Known once the connection has been secured
    pub(crate) session: Option<TlsSession>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataState {
    /// Passive: the driver connects
    Connecting,
    /// Active: the driver binds a port
    Binding,
    /// Active: the driver waits for the server
    Listening(SocketAddr),
    /// Established
    Open,
    /// The TLS handshake has been ordered
    Securing,
    /// The TLS handshake is done
    Secured,
    /// The driver was told to move the bytes
    Moving,
    /// All of an upload has been sent, including its end
    Sent,
    /// The connection has ended
    Ended(End),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Finished,
    Truncated,
    Failed(DataFailure),
    /// A host other than the server connected
    Foreign {
        expected: IpAddr,
        actual: IpAddr,
    },
}

impl DataConnection {
    pub(crate) const fn new(id: DataId, state: DataState) -> Self {
        Self { id, state, established: false, bytes: 0, session: None }
    }

    /// Whether bytes passed, or may have passed without having been reported yet
    pub(crate) fn moved(&self) -> bool {
        self.bytes > 0 || matches!(self.state, DataState::Moving | DataState::Sent)
    }

    /// Records an event; returns false if the event is not valid in this state (a second `Connected`, any event
    /// after the end)
    pub(crate) fn record(&mut self, event: DataEvent, check_peer: bool) -> bool {
        use DataState::{
            Binding, Connecting, Ended, Listening, Moving, Open, Secured, Securing, Sent,
        };
        self.state = match (self.state, event) {
            (Ended(_), _) => return false,
            (_, DataEvent::Failed(failure)) => Ended(End::Failed(failure)),
            (Binding, DataEvent::Listening(address)) => Listening(address),
            (Connecting, DataEvent::Connected) => Open,
            (Listening(_), DataEvent::Accepted { peer, control_peer }) => {
                let (actual, expected) = (peer.to_canonical(), control_peer.to_canonical());
                if check_peer && actual != expected {
                    Ended(End::Foreign { expected, actual })
                } else {
                    Open
                }
            }
            (Securing, DataEvent::Secured(session)) => {
                self.session = Some(session);
                Secured
            }
            (Moving, DataEvent::Sent) => Sent,
            (Open | Securing | Secured | Moving, DataEvent::Progress(count @ 1..)) => {
                self.bytes = self.bytes.saturating_add(count);
                self.state
            }
            (Open | Securing | Secured | Moving, DataEvent::Paused) => self.state,
            (Open | Securing | Secured | Moving | Sent, DataEvent::Finished) => {
                Ended(End::Finished)
            }
            (Open | Securing | Secured | Moving | Sent, DataEvent::Truncated) => {
                Ended(End::Truncated)
            }
            _ => return false,
        };
        self.established |= self.state == Open;
        true
    }
}
