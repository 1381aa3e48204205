//! Opening a data connection: EPSV and PASV, EPRT and PORT (RFC 959, RFC 2428)
//!
//! ```text
//! passive  EPSV ── 2yz ──▶ connect ──▶ ready
//!            └── 5yz, no port, can't connect ──▶ PASV ── 2yz ──▶ connect ──▶ ready
//! ahead    connect to a port announced before (prefetch.rs) ──▶ ready
//!            └── can't connect, or too old ──▶ passive
//! active   listen ──▶ PORT ── 2yz ──▶ ready (the server connects later)
//!                       └── 5yz ──▶ EPRT ── 2yz ──▶ ready
//! ```
//!
//! What a server refuses is remembered for the session, so these steps are taken only once. IPv6 has
//! only EPSV and EPRT. On IPv4, PORT is tried first, because network address translators rewrite it and few
//! know EPRT.

use alloc::format;
use core::net::{IpAddr, SocketAddr};

use crate::config::{DataMode, ForeignReplies, PassiveHost, PassiveOrder};
use crate::control::command::{Argument, Command, Verb};
use crate::control::fields::{self, PassiveAddress};
use crate::control::reply::{Code, Reply, ReplyKind};
use crate::data::{DataState, End};
use crate::error::{ConnectionError, Error, ProtocolError};
use crate::op::machine::{Context, Input, completion};
use crate::session::Batches;
use crate::session::{ActiveMemory, PassiveMemory, PassivePath};
use crate::terms::{DataEndpoint, DataFailure, DataHost, IpFamily};
use crate::time::Time;
use crate::timer::Timer;
use crate::wire::Wire;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    mode: DataMode,
    first: First,
    state: State,
}

/// What is known about the first passive command
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    Untried,
    /// Its port could not be reached, so the second command is tried
    Unreachable,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Start,
    /// The driver connects to a port that the server announced at this time, before this transfer
    Ahead(Time),
    /// EPSV or PASV has been sent
    Asking(Verb, Sent),
    /// The driver connects to the address in the reply to this command
    Connecting(Verb),
    /// The driver opens a port
    Binding,
    /// EPRT or PORT has been sent
    Announcing(Verb, SocketAddr),
}

/// How EPSV or PASV was sent
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Alone,
    /// Before the previous command was answered
    InBatch,
    /// Alone, after a refusal in a batch
    Again,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    Pending,
    /// Passive: connected, or still connecting after an earlier connection has worked. Active: the server knows where
    /// to connect.
    Ready,
}

impl Open {
    pub(crate) const fn new(mode: DataMode) -> Self {
        Self { mode, first: First::Untried, state: State::Start }
    }

    /// Connects to the port that was announced in advance, if there is one
    pub(crate) fn ahead(cx: &mut Context<'_>) -> Option<Self> {
        let longest = cx.wire.config.settle_quiet;
        let (port, since) = cx.wire.session.ahead.take_port(cx.now, longest)?;
        let host = DataHost::ControlPeer;
        cx.wire.open_data(cx.now, DataEndpoint::Connect { host, port });
        let (mode, first) = (DataMode::Passive, First::Untried);
        Some(Self { mode, first, state: State::Ahead(since) })
    }

    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Opening, Error> {
        match (input, self.state) {
            (Input::Start, State::Start) => match self.mode {
                DataMode::Passive => {
                    let verb = first_passive(cx);
                    let alone = cx.wire.control.expects_nothing();
                    self.ask(verb, if alone { Sent::Alone } else { Sent::InBatch }, cx);
                }
                DataMode::Active => {
                    self.state = State::Binding;
                    let ports = cx.wire.config.active_ports.clone();
                    let family = cx.wire.family;
                    cx.wire.open_data(cx.now, DataEndpoint::Listen { family, ports });
                }
            },
            (Input::Reply(reply), _) if reply.kind() == ReplyKind::Preliminary => {}
            (Input::Reply(reply), State::Asking(verb, sent)) => {
                return self.asked(verb, sent, reply, cx);
            }
            (Input::Reply(reply), State::Announcing(verb, address)) => {
                return self.announced(verb, address, reply, cx);
            }
            (Input::Data, State::Ahead(since)) => match cx.wire.data_state() {
                Some(DataState::Ended(_)) => self.ask_afresh(cx),
                Some(DataState::Connecting) | None => {}
                // A request carries no time, so the port's age is known only now: another session may have it by then.
                Some(_) if is_too_old(since, cx) => {
                    cx.wire.close_data();
                    self.ask(first_passive(cx), Sent::Alone, cx);
                }
                Some(_) => return Ok(Opening::Ready),
            },
            (Input::DataTimeout(_), State::Ahead(_)) => self.ask_afresh(cx),
            // Not earlier: if the driver can't even begin to connect, no transfer command must be sent.
            (Input::Performed, State::Connecting(_)) => return Ok(Opening::Ready),
            (Input::Data, State::Connecting(verb)) => match cx.wire.data_state() {
                Some(DataState::Ended(_)) => {
                    self.unreachable(verb, Error::data(DataFailure::Open), cx)?;
                }
                Some(DataState::Connecting) | None => {}
                Some(_) => {
                    cx.wire.session.path = PassivePath::Proven;
                    // Not before this command has worked: the first may have failed because of this host's network.
                    if self.first == First::Unreachable {
                        cx.wire.session.passive = only(verb);
                    }
                    return Ok(Opening::Ready);
                }
            },
            (Input::Data, State::Binding) => match cx.wire.data_state() {
                Some(DataState::Listening(address)) => self.announce(address, cx)?,
                Some(DataState::Ended(_)) => {
                    return Err(Error::data(DataFailure::Open));
                }
                _ => {}
            },
            (Input::Data, State::Announcing(..)) => {
                if let Some(DataState::Ended(end)) = cx.wire.data_state() {
                    return Err(ended_early(end));
                }
            }
            (Input::DataTimeout(phase), State::Connecting(verb)) => {
                self.unreachable(verb, Error::DataTimedOut(phase), cx)?;
            }
            (Input::DataTimeout(phase), _) => return Err(Error::DataTimedOut(phase)),
            _ => {}
        }
        Ok(Opening::Pending)
    }

    /// Whether the operation continues as soon as the driver has begun to connect
    pub(crate) const fn awaits_performance(self, wire: &Wire) -> bool {
        matches!(self.state, State::Connecting(_)) && trusts_path(wire)
    }

    /// Asks for another port instead of the one announced in advance, for which no command has been sent yet
    fn ask_afresh(&mut self, cx: &mut Context<'_>) {
        cx.wire.close_data();
        cx.wire.session.ahead.give_up();
        cx.wire.session.path = PassivePath::Unproven;
        self.ask(first_passive(cx), Sent::Alone, cx);
    }

    fn ask(&mut self, verb: Verb, sent: Sent, cx: &mut Context<'_>) {
        self.state = State::Asking(verb, sent);
        cx.send(&Command::bare(verb));
    }

    fn asked(
        &mut self,
        verb: Verb,
        sent: Sent,
        reply: Reply,
        cx: &mut Context<'_>,
    ) -> Result<Opening, Error> {
        cx.wire.timers.stop(Timer::Quiet);
        let refused = matches!(reply.kind(), ReplyKind::Transient | ReplyKind::Permanent);
        if refused && sent == Sent::InBatch {
            self.ask(verb, Sent::Again, cx);
            return Ok(Opening::Pending);
        }
        if !refused && sent == Sent::Again {
            cx.wire.session.batches = Batches::Refused;
        }
        let lasting = reply.kind() == ReplyKind::Permanent;
        // A raw `EPSV ALL` may be answered with this code.
        if reply.code() == Code::READY && cx.wire.config.foreign_replies == ForeignReplies::Reject {
            let error = ProtocolError::ForeignReply { command: verb, reply };
            return Err(ConnectionError::from(error).into());
        }
        match passive_address(reply) {
            Ok(address) => {
                self.state = State::Connecting(verb);
                let host = match (cx.wire.config.passive_host, address.host) {
                    (PassiveHost::TrustReply, Some(host)) if !host.is_unspecified() => {
                        DataHost::Address(host)
                    }
                    _ => DataHost::ControlPeer,
                };
                cx.wire.open_data(cx.now, DataEndpoint::Connect { host, port: address.port });
                Ok(Opening::Pending)
            }
            Err(error) => {
                let error = self.with_first_failure(error);
                let other = other_passive(verb, cx).ok_or(error)?;
                if lasting {
                    cx.wire.session.passive = only(other);
                }
                self.ask(other, Sent::Alone, cx);
                Ok(Opening::Pending)
            }
        }
    }

    /// Handles a port that can't be reached: a NAT or firewall may support the other command
    fn unreachable(&mut self, verb: Verb, error: Error, cx: &mut Context<'_>) -> Result<(), Error> {
        cx.wire.close_data();
        if cx.wire.session.path == PassivePath::Proven {
            // It has worked with this command; the next transfer will find out again.
            cx.wire.session.path = PassivePath::Unproven;
            return Err(error);
        }
        let other = other_passive(verb, cx).ok_or(error)?;
        self.first = First::Unreachable;
        self.ask(other, Sent::Alone, cx);
        Ok(())
    }

    /// Returns the error of the first command if its port can't be reached, as the refusal of the second explains less
    fn with_first_failure(&self, error: Error) -> Error {
        match (self.first, error) {
            (First::Unreachable, Error::Transient(reply) | Error::Permanent(reply)) => {
                Error::DataConnection { failure: DataFailure::Open, reply: Some(reply) }
            }
            (_, error) => error,
        }
    }

    fn announce(&mut self, bound: SocketAddr, cx: &mut Context<'_>) -> Result<(), Error> {
        let host = cx.wire.config.active_address.unwrap_or_else(|| bound.ip()).to_canonical();
        let address = SocketAddr::new(host, bound.port());
        let verb = match (host, cx.wire.session.active) {
            (IpAddr::V4(_), ActiveMemory::Untried) => Verb::PORT,
            _ => Verb::EPRT,
        };
        self.send_announcement(verb, address, cx)
    }

    fn send_announcement(
        &mut self,
        verb: Verb,
        address: SocketAddr,
        cx: &mut Context<'_>,
    ) -> Result<(), Error> {
        self.state = State::Announcing(verb, address);
        cx.send(&Command::new(verb, &announcement(verb, address)?));
        Ok(())
    }

    fn announced(
        &mut self,
        verb: Verb,
        address: SocketAddr,
        reply: Reply,
        cx: &mut Context<'_>,
    ) -> Result<Opening, Error> {
        if verb == Verb::PORT && reply.kind() == ReplyKind::Permanent {
            cx.wire.session.active = ActiveMemory::EprtOnly;
            self.send_announcement(Verb::EPRT, address, cx)?;
            return Ok(Opening::Pending);
        }
        completion(reply)?;
        Ok(Opening::Ready)
    }
}

/// Whether the port was announced so long ago that it is not used; connecting has its own time
fn is_too_old(since: Time, cx: &Context<'_>) -> bool {
    let longest = cx.wire.config.settle_quiet;
    cx.now.saturating_duration_since(since) > longest
}

/// Whether a transfer's command is sent while the driver still connects
const fn trusts_path(wire: &Wire) -> bool {
    wire.config.permits_batches() && matches!(wire.session.path, PassivePath::Proven)
}

/// Returns the address in a 2yz to PASV or EPSV, parsed by its content: some servers answer one like the other
pub(crate) fn passive_address(reply: Reply) -> Result<PassiveAddress, Error> {
    let reply = completion(reply)?;
    fields::parse_passive(&reply).ok_or(Error::InvalidReply(reply))
}

/// Returns the argument of PORT or EPRT for this address
pub(crate) fn announcement(verb: Verb, address: SocketAddr) -> Result<Argument, Error> {
    let port = address.port();
    let text = match (verb, address.ip()) {
        (Verb::PORT, IpAddr::V4(v4)) => {
            let [a, b, c, d] = v4.octets();
            format!("{a},{b},{c},{d},{},{}", port >> 8, port & 0xFF)
        }
        (_, IpAddr::V4(v4)) => format!("|1|{v4}|{port}|"),
        (_, IpAddr::V6(v6)) => format!("|2|{v6}|{port}|"),
    };
    Ok(Argument::new(text)?)
}

/// Returns the error for a data connection that ended while it was still being announced
pub(crate) const fn ended_early(end: End) -> Error {
    match end {
        End::Foreign { expected, actual } => Error::ForeignPeer { expected, actual },
        End::Failed(failure) => Error::data(failure),
        End::Finished | End::Truncated => Error::data(DataFailure::Broken),
    }
}

/// Returns the command that [`Open`] begins with in passive mode
pub(crate) fn first_passive(cx: &Context<'_>) -> Verb {
    match (cx.wire.family, cx.wire.session.passive, cx.wire.config.passive_order) {
        (IpFamily::V6, ..) | (_, PassiveMemory::EpsvOnly, _) => Verb::EPSV,
        (_, PassiveMemory::PasvOnly, _) => Verb::PASV,
        (_, PassiveMemory::Untried, PassiveOrder::EpsvFirst) => Verb::EPSV,
        (_, PassiveMemory::Untried, PassiveOrder::PasvFirst) => Verb::PASV,
    }
}

/// Returns the command to fall back to, unless it is known not to work or `verb` is already the fallback
fn other_passive(verb: Verb, cx: &Context<'_>) -> Option<Verb> {
    if cx.wire.family == IpFamily::V6 || cx.wire.session.passive != PassiveMemory::Untried {
        return None;
    }
    let (first, second) = match cx.wire.config.passive_order {
        PassiveOrder::EpsvFirst => (Verb::EPSV, Verb::PASV),
        PassiveOrder::PasvFirst => (Verb::PASV, Verb::EPSV),
    };
    (verb == first).then_some(second)
}

fn only(verb: Verb) -> PassiveMemory {
    if verb == Verb::PASV { PassiveMemory::PasvOnly } else { PassiveMemory::EpsvOnly }
}
