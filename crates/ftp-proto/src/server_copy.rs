//! Copying a file from one server to another over a data connection between the two
//!
//! ```text
//! source: SIZE (or MDTM) ─▶ TYPE, PASV ─▶ address, checked ─▶ target: TYPE, PORT ─▶ STOR ── 1yz ─▶ source: RETR
//!                                                                                  both final ─▶ done
//! ```
//!
//! See RFC 959 section 5.2 and ftplib's `ftpcp`. The source always listens, and data connections are
//! always in clear text. STOR empties the target's file before RETR is sent, so the source is asked first whether it has
//! the file.

use alloc::vec::Vec;
use core::cmp::Ordering;
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
use crate::op::remote::OtherServer;
use crate::terms::TransferType;
use crate::timestamp::Timestamp;

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
enum State {
    /// The target's path can't be sent in a command. This request has that path, too, so it fails without being sent, and
    /// its error is the one to return
    Refused(Op<u64>),
    /// The source is asked for the file's size
    Looking(Op<u64>),
    /// SIZE was refused with this error, perhaps for all files
    Doubting(Op<Timestamp>, Error),
    Listening(Op<PassiveAddress>),
    Announcing(Op<Reply>),
    /// STOR has been sent; RETR is sent once STOR has been accepted
    Storing(Op<Transfer>),
    Moving {
        source: Half,
        target: Half,
        first_failed: Option<CopySide>,
    },
    Ended,
}

#[derive(Debug)]
enum Half {
    Running(Op<Transfer>),
    Done,
    /// The source has refused RETR with this error. It still listens for the target, which may wait for the bytes and
    /// read nothing: this request closes that port
    Withdrawing(Op<PassiveAddress>, Error),
    Failed(Error),
}

impl Half {
    const fn current(&self) -> Option<OpId> {
        match self {
            Self::Running(op) => Some(op.id()),
            Self::Withdrawing(op, _) => Some(op.id()),
            Self::Done | Self::Failed(_) => None,
        }
    }

    const fn error(&self) -> Option<&Error> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Running(_) | Self::Done | Self::Withdrawing(..) => None,
        }
    }
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
        let is_sendable = |path| Argument::path(path).is_ok();
        let state = match is_sendable(source_path) && !is_sendable(target_path) {
            true => State::Refused(source.size(target_path)),
            false => State::Looking(source.size(source_path)),
        };
        Self {
            source_path: source_path.to_vec(),
            target_path: target_path.to_vec(),
            type_,
            source_peer: source_peer.to_canonical(),
            state,
        }
    }

    /// Ends the copy early; [`Self::handle`] returns its error once both sides have ended
    pub fn abort(&self, source: &mut Client, target: &mut Client) {
        if let Some(op) = self.current(CopySide::Source) {
            source.abort(op);
        }
        if let Some(op) = self.current(CopySide::Target) {
            target.abort(op);
        }
        // RETR has not been sent, and the target may wait for the source's bytes: another PASV closes that port.
        if matches!(self.state, State::Storing(_)) {
            let _ = source.remote_passive(self.type_);
        }
    }

    /// The request of one side that is running, if any
    #[must_use]
    pub const fn current(&self, side: CopySide) -> Option<OpId> {
        match (&self.state, side) {
            (State::Refused(op) | State::Looking(op), CopySide::Source) => Some(op.id()),
            (State::Doubting(op, _), CopySide::Source) => Some(op.id()),
            (State::Listening(op), CopySide::Source) => Some(op.id()),
            (State::Announcing(op), CopySide::Target) => Some(op.id()),
            (State::Storing(op), CopySide::Target) => Some(op.id()),
            (State::Moving { source, .. }, CopySide::Source) => source.current(),
            (State::Moving { target, .. }, CopySide::Target) => target.current(),
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
                let (source, target) = (Half::Running(retrieve), Half::Running(store));
                self.state = State::Moving { source, target, first_failed: None };
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
            (State::Refused(op), CopySide::Source) => {
                let error = done.take(*op)?.err()?;
                self.end(CopySide::Target, error)
            }
            (State::Looking(op), CopySide::Source) => match done.take(*op)? {
                Err(error) if is_about_the_file(&error) => {
                    self.state = State::Doubting(source.mdtm(&self.source_path), error);
                    None
                }
                Err(error) if !says_nothing(&error) => self.end(side, error),
                Ok(_) | Err(_) => self.listen(source),
            },
            (State::Doubting(op, refusal), CopySide::Source) => match done.take(*op)? {
                Ok(_) => self.listen(source),
                Err(error) if error.is_fatal() || error == Error::Aborted => self.end(side, error),
                Err(_) => {
                    let refusal = refusal.clone();
                    self.end(side, refusal)
                }
            },
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
            (State::Moving { .. }, _) => {
                self.half_ended(side, done, source, target);
                self.both_ended()
            }
            _ => None,
        }
    }

    fn listen(&mut self, source: &mut Client) -> Option<Result<(), CopyError>> {
        self.state = State::Listening(source.remote_passive(self.type_));
        None
    }

    /// Takes the end of a request while the bytes move
    fn half_ended(
        &mut self,
        side: CopySide,
        done: &mut Completion,
        source: &mut Client,
        target: &mut Client,
    ) {
        let State::Moving { source: from, target: to, first_failed } = &mut self.state else {
            return;
        };
        let (half, other, client, other_client) = match side {
            CopySide::Source => (from, to, source, target),
            CopySide::Target => (to, from, target, source),
        };
        let ended = match half {
            Half::Running(op) => done.take(*op),
            Half::Withdrawing(op, error) => done.take(*op).map(|_| Err(error.clone())),
            Half::Done | Half::Failed(_) => None,
        };
        let Some(ended) = ended else { return };
        let waits = match other {
            Half::Running(other) => Some(other.id()),
            _ => None,
        };
        *half = match (ended, waits) {
            (Ok(_), Some(other)) => {
                other_client.note_other_server(other, OtherServer::Done);
                Half::Done
            }
            (Ok(_), None) => Half::Done,
            (Err(error), None) => Half::Failed(error),
            // The reason may be the other server's, whose reply is on its way.
            (Err(error @ Error::Transient(_)), Some(other)) => {
                other_client.note_other_server(other, OtherServer::Failed);
                Half::Failed(error)
            }
            // The other end may wait for data that will never come.
            (Err(error), Some(other)) => {
                other_client.abort(other);
                match side {
                    CopySide::Source if !error.is_fatal() && error != Error::Aborted => {
                        Half::Withdrawing(client.remote_passive(self.type_), error)
                    }
                    _ => Half::Failed(error),
                }
            }
        };
        if matches!(half, Half::Withdrawing(..) | Half::Failed(_)) {
            first_failed.get_or_insert(side);
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
            (State::Refused(op) | State::Looking(op), CopySide::Target) => source.abort(op.id()),
            (State::Doubting(op, _), CopySide::Target) => source.abort(op.id()),
            (State::Listening(op), CopySide::Target) => source.abort(op.id()),
            (State::Announcing(op), CopySide::Source) => target.abort(op.id()),
            (State::Storing(op), CopySide::Source) => target.abort(op.id()),
            // If this side had a request, its end came before.
            _ => return None,
        }
        self.end(side, error.into())
    }

    /// Returns the result once no request runs; if both have failed, the error that says more about the reason
    fn both_ended(&mut self) -> Option<Result<(), CopyError>> {
        let State::Moving { source, target, first_failed } = &self.state else { return None };
        if [source, target].iter().any(|half| half.current().is_some()) {
            return None;
        }
        let failed = match (source.error(), target.error()) {
            (None, None) => None,
            (Some(error), None) => Some((CopySide::Source, error)),
            (None, Some(error)) => Some((CopySide::Target, error)),
            (Some(one), Some(other)) => match (weight(one).cmp(&weight(other)), first_failed) {
                (Ordering::Less, _) | (Ordering::Equal, Some(CopySide::Target)) => {
                    Some((CopySide::Target, other))
                }
                _ => Some((CopySide::Source, one)),
            },
        };
        let failed = failed.map(|(side, error)| CopyError { side, error: error.clone() });
        self.state = State::Ended;
        Some(failed.map_or(Ok(()), Err))
    }

    fn end(&mut self, side: CopySide, error: Error) -> Option<Result<(), CopyError>> {
        self.state = State::Ended;
        Some(Err(CopyError { side, error }))
    }
}

/// Whether a refusal of SIZE means that the file is missing or may not be read, unless the server refuses SIZE of all
/// files in this way
fn is_about_the_file(error: &Error) -> bool {
    let code = error.reply().map(|reply| reply.code().get());
    matches!(error, Error::Permanent(_) | Error::Transient(_))
        && matches!(code, Some(450 | 550 | 551 | 553))
}

/// Whether the server does not know SIZE, or has answered it with something else
fn says_nothing(error: &Error) -> bool {
    match error {
        Error::Permanent(reply) => matches!(reply.code().get(), 500..=504),
        Error::InvalidReply(_) => true,
        _ => false,
    }
}

/// How much the error of one server says about the reason
const fn weight(error: &Error) -> u8 {
    match error {
        Error::Aborted => 0,
        // Usually 425 or 426, because the other server has closed the data connection.
        Error::Transient(_) => 1,
        _ => 2,
    }
}
