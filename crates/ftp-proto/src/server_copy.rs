//! Copying a file from one server to another over a data connection between the two
//!
//! ```text
//! source: TYPE, PASV ─▶ address, checked ─▶ target: TYPE, PORT ─▶ STOR ── 1yz ─▶ source: RETR
//!                                                                 both final ─▶ done
//! ```
//!
//! See RFC 959 section 5.2 and ftplib's `ftpcp`. The source always listens, and data connections are
//! always in clear text.

use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

use crate::claim::{Op, OpId, Transfer};
use crate::client::Client;
use crate::config::PassiveHost;
use crate::control::command::Argument;
use crate::control::fields::PassiveAddress;
use crate::control::reply::Reply;
use crate::error::{ConnectionError, Error};
use crate::event::{Completion, Event};
use crate::terms::TransferType;

/// One of the two servers
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a copy has two ends")]
pub enum CopySide {
    /// The server that has the file
    Source,
    /// The server that receives the file
    Target,
}

/// Displays `source` or `target`
impl fmt::Display for CopySide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Target => "target",
        })
    }
}

/// A copy between servers that failed; `ftp-session` has an error of its own, which has more details
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("copying failed on the {side} server")]
#[non_exhaustive]
pub struct CopyError {
    /// Which server
    pub side: CopySide,
    /// What went wrong there
    #[source]
    pub error: Error,
}

/// A copy in progress: a state machine that uses two [`Client`]s
///
/// Pass it every [`Event`] of both clients. They must be idle when it starts, and have no other
/// requests until it ends.
#[derive(Debug)]
pub struct ServerCopy {
    source_path: Vec<u8>,
    target_path: Vec<u8>,
    type_: TransferType,
    source_peer: IpAddr,
    state: State,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one a copy, and copies are few")]
enum State {
    /// A path can't be sent: the request fails as any with this path, and the error is this server's
    Refused(Op<u64>, CopySide),
    Listening(Op<PassiveAddress>),
    Announcing(Op<Reply>),
    /// STOR has been sent; RETR is sent once STOR has been accepted
    Storing(Op<Transfer>),
    Moving {
        source: Half,
        target: Half,
    },
    Ended,
}

#[derive(Debug)]
enum Half {
    Running(Op<Transfer>),
    Done,
    Failed(Error),
}

impl ServerCopy {
    /// Starts the copy
    ///
    /// `source_peer` is the address of the source's control connection. The target connects to this address whatever
    /// the source's 227 says, unless the source's [`Config::passive_host`](crate::Config::passive_host) trusts the
    /// reply: otherwise a server could make another one connect to any port of any host (GHSA-w8c5-q2xf-gf7c).
    pub fn start(
        source: &mut Client,
        source_path: impl AsRef<[u8]>,
        source_peer: IpAddr,
        target_path: impl AsRef<[u8]>,
        type_: TransferType,
    ) -> Self {
        let (source_path, target_path) = (source_path.as_ref(), target_path.as_ref());
        let paths = [(CopySide::Source, source_path), (CopySide::Target, target_path)];
        // Otherwise the target's file would be emptied before the source's path is refused.
        let state = match paths.into_iter().find(|(_, path)| Argument::path(path).is_err()) {
            Some((side, path)) => State::Refused(source.size(path), side),
            None => State::Listening(source.remote_passive(type_)),
        };
        Self {
            source_path: source_path.to_vec(),
            target_path: target_path.to_vec(),
            type_,
            source_peer: source_peer.to_canonical(),
            state,
        }
    }

    /// The request of one side that is running, if any; to end the copy early, [abort](Client::abort) those of both
    /// sides
    #[must_use]
    pub const fn current(&self, side: CopySide) -> Option<OpId> {
        match (&self.state, side) {
            (State::Refused(op, _), CopySide::Source) => Some(op.id()),
            (State::Listening(op), CopySide::Source) => Some(op.id()),
            (State::Announcing(op), CopySide::Target) => Some(op.id()),
            (State::Storing(op), CopySide::Target)
            | (State::Moving { source: Half::Running(op), .. }, CopySide::Source)
            | (State::Moving { target: Half::Running(op), .. }, CopySide::Target) => Some(op.id()),
            _ => None,
        }
    }

    /// Takes an event of one of the two clients; returns `Some` once, when the copy has ended
    pub fn handle(
        &mut self,
        side: CopySide,
        event: &mut Event,
        source: &mut Client,
        target: &mut Client,
    ) -> Option<Result<(), CopyError>> {
        match event {
            Event::TransferStarted { op, .. } => {
                self.handle_started(side, *op, source);
                None
            }
            Event::Completed(done) => self.handle_completed(side, done, source, target),
            Event::Closed(error) => self.handle_closed(side, error.clone(), source, target),
            _ => None,
        }
    }

    /// Does the same as [`Self::handle`] for [`Event::TransferStarted`], for drivers with events of their own
    pub fn handle_started(&mut self, side: CopySide, op: OpId, source: &mut Client) {
        if let State::Storing(store) = self.state {
            if side == CopySide::Target && op == store.id() {
                let retrieve = source.remote_get(&self.source_path);
                self.state =
                    State::Moving { source: Half::Running(retrieve), target: Half::Running(store) };
            }
        }
    }

    /// Does the same as [`Self::handle`] for [`Event::Completed`], for drivers with events of their own
    pub fn handle_completed(
        &mut self,
        side: CopySide,
        done: &mut Completion,
        source: &mut Client,
        target: &mut Client,
    ) -> Option<Result<(), CopyError>> {
        match (&mut self.state, side) {
            (State::Refused(op, refused), CopySide::Source) => {
                let (error, refused) = (done.take(*op)?.err()?, *refused);
                self.end(refused, error)
            }
            (State::Listening(op), CopySide::Source) => match done.take(*op)? {
                Ok(address) => {
                    let host = match (source.config().passive_host, address.host) {
                        (PassiveHost::TrustReply, Some(host)) => host,
                        _ => self.source_peer,
                    };
                    let address = SocketAddr::new(host, address.port);
                    self.state = State::Announcing(target.remote_active(address, self.type_));
                    None
                }
                Err(error) => self.end(side, error),
            },
            (State::Announcing(op), CopySide::Target) => match done.take(*op)? {
                // The target comes first, as in ftplib: it must connect before the source has data.
                Ok(_) => {
                    self.state = State::Storing(target.remote_put(&self.target_path));
                    None
                }
                Err(error) => self.end(side, error),
            },
            (State::Storing(op), CopySide::Target) => match done.take(*op)? {
                // Without a 1yz, the target has taken nothing, whatever it says.
                Ok(transfer) => self.end(side, Error::UnexpectedReply(transfer.reply)),
                Err(error) => self.end(side, error),
            },
            (State::Moving { source: from, target: to }, _) => {
                let (half, other, other_client) = match side {
                    CopySide::Source => (from, to, target),
                    CopySide::Target => (to, from, source),
                };
                let Half::Running(op) = half else { return None };
                match done.take(*op)? {
                    Ok(_) => {
                        *half = Half::Done;
                        if let Half::Running(other) = other {
                            other_client.other_half_is_done(other.id());
                        }
                    }
                    Err(error) => {
                        *half = Half::Failed(error);
                        // The other end may wait for data that will never come.
                        if let Half::Running(other) = other {
                            other_client.abort(other.id());
                        }
                    }
                }
                self.both_ended()
            }
            _ => None,
        }
    }

    /// Does the same as [`Self::handle`] for [`Event::Closed`], for drivers with events of their own
    pub fn handle_closed(
        &mut self,
        side: CopySide,
        error: ConnectionError,
        source: &mut Client,
        target: &mut Client,
    ) -> Option<Result<(), CopyError>> {
        // What the other server does alone is in vain, and STOR would empty a file on the target.
        match (&self.state, side) {
            (State::Listening(op), CopySide::Target) => source.abort(op.id()),
            (State::Announcing(op), CopySide::Source) => target.abort(op.id()),
            (State::Storing(op), CopySide::Source) => target.abort(op.id()),
            // If this side had a request, its end came before.
            _ => return None,
        }
        self.end(side, error.into())
    }

    fn both_ended(&mut self) -> Option<Result<(), CopyError>> {
        let State::Moving { source, target } = &self.state else { return None };
        let result = match (source, target) {
            (Half::Running(_), _) | (_, Half::Running(_)) => return None,
            (Half::Done, Half::Done) => Ok(()),
            // An abort that followed the other end's failure is not the reason.
            (Half::Failed(error), Half::Done | Half::Failed(Error::Aborted)) => {
                Err(CopyError { side: CopySide::Source, error: error.clone() })
            }
            (_, Half::Failed(error)) => {
                Err(CopyError { side: CopySide::Target, error: error.clone() })
            }
        };
        self.state = State::Ended;
        Some(result)
    }

    fn end(&mut self, side: CopySide, error: Error) -> Option<Result<(), CopyError>> {
        self.state = State::Ended;
        Some(Err(CopyError { side, error }))
    }
}
