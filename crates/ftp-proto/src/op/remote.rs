//! One half of a copy between two servers, whose data connection bypasses this client (RFC 959
//! section 5.2)
//!
//! ```text
//! RemotePassive   (TYPE ─▶) PASV or EPSV ── 2yz ──▶ done: where that server listens
//! RemoteActive    (TYPE ─▶) PORT or EPRT ── 2yz ──▶ done
//! RemoteTransfer  RETR or STOR ── 1yz ──▶ ── 2yz ──▶ done
//! ```
//!
//! [`ServerCopy`](crate::ServerCopy) combines both halves.

use core::net::SocketAddr;

use crate::claim::{Outcome, Owner, Transfer};
use crate::control::command::{Argument, Command, Verb};
use crate::control::reply::ReplyKind;
use crate::error::Error;
use crate::event::Event;
use crate::op::machine::{Context, Input, Interruption, Step, completion};
use crate::op::open::{announcement, passive_address};
use crate::op::set_type::SetType;
use crate::terms::{IpFamily, Phase, TransferType};
use crate::timer::Timer;

#[derive(Clone, Copy, Debug)]
enum State {
    Type,
    Command,
}

/// Makes the server listen for another one
#[derive(Debug)]
pub(crate) struct RemotePassive {
    type_: TransferType,
    state: State,
}

impl RemotePassive {
    pub(crate) const fn new(type_: TransferType) -> Self {
        Self { type_, state: State::Type }
    }

    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match (input, self.state) {
            (Input::Start, _) => {
                refuse_protected(cx)?;
                if SetType(self.type_).start(cx) {
                    self.ask(cx);
                }
            }
            (Input::Reply(reply), _) if reply.kind() == ReplyKind::Preliminary => {}
            (Input::Reply(reply), State::Type) => {
                SetType(self.type_).replied(reply, cx)?;
                self.ask(cx);
            }
            (Input::Reply(reply), State::Command) => {
                return Ok(Step::Done(Outcome::Passive(passive_address(reply)?)));
            }
            _ => {}
        }
        Ok(Step::Pending)
    }

    fn ask(&mut self, cx: &mut Context<'_>) {
        self.state = State::Command;
        // The reply to PASV contains an address: if the server has several, the one that the other can reach.
        let verb = match cx.wire.family {
            IpFamily::V4 => Verb::PASV,
            IpFamily::V6 => Verb::EPSV,
        };
        cx.send(&Command::bare(verb));
    }
}

/// Tells the server where another one listens
#[derive(Debug)]
pub(crate) struct RemoteActive {
    address: SocketAddr,
    type_: TransferType,
    state: State,
}

impl RemoteActive {
    pub(crate) const fn new(address: SocketAddr, type_: TransferType) -> Self {
        Self { address, type_, state: State::Type }
    }

    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match (input, self.state) {
            (Input::Start, _) => {
                refuse_protected(cx)?;
                if SetType(self.type_).start(cx) {
                    self.announce(cx)?;
                }
            }
            (Input::Reply(reply), _) if reply.kind() == ReplyKind::Preliminary => {}
            (Input::Reply(reply), State::Type) => {
                SetType(self.type_).replied(reply, cx)?;
                self.announce(cx)?;
            }
            (Input::Reply(reply), State::Command) => {
                return Ok(Step::Done(Outcome::Reply(completion(reply)?)));
            }
            _ => {}
        }
        Ok(Step::Pending)
    }

    fn announce(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.state = State::Command;
        let address = SocketAddr::new(self.address.ip().to_canonical(), self.address.port());
        let verb = if address.is_ipv4() { Verb::PORT } else { Verb::EPRT };
        cx.send(&Command::new(verb, &announcement(verb, address)?));
        Ok(())
    }
}

/// RETR or STOR whose bytes pass between the servers
#[derive(Debug)]
pub(crate) struct RemoteTransfer {
    verb: Verb,
    path: Argument,
    other: OtherServer,
}

/// What the other server of a copy has said
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OtherServer {
    Moving,
    /// All data has been transferred, so only the reply of this server is missing
    Done,
    /// The data connection is closed; this server may say why
    Failed,
}

impl RemoteTransfer {
    pub(crate) const fn new(verb: Verb, path: Argument) -> Self {
        Self { verb, path, other: OtherServer::Moving }
    }

    /// Notes what the other server has said: this one now has as long as after any transfer or failure
    pub(crate) fn note_other(&mut self, other: OtherServer, cx: &mut Context<'_>) {
        self.other = other;
        if other == OtherServer::Failed || cx.wire.timers.phase(Timer::Data).is_some() {
            self.await_end(cx);
        }
    }

    /// Sets the deadline for the final reply
    fn await_end(&self, cx: &mut Context<'_>) {
        let config = &cx.wire.config;
        let (wait, phase) = match self.other {
            OtherServer::Moving => (config.remote_transfer_timeout, Phase::RemoteTransfer),
            OtherServer::Done => (config.final_reply_timeout, Phase::FinalReply),
            OtherServer::Failed => (config.settle_quiet, Phase::RemoteTransfer),
        };
        cx.wire.data_deadline(cx.now, wait, phase);
    }

    pub(crate) fn step(&self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match input {
            Input::Start => cx.send(&Command::new(self.verb, &self.path)),
            Input::Reply(reply) if reply.kind() == ReplyKind::Preliminary => {
                cx.wire.stop_reply_timers();
                if cx.wire.timers.phase(Timer::Data).is_none() {
                    self.await_end(cx);
                    if let Owner::User(op) = cx.owner {
                        cx.wire.events.push_back(Event::TransferStarted { op, size_hint: None });
                    }
                }
            }
            Input::Reply(reply) => {
                let reply = completion(reply)?;
                // The client has not seen the bytes.
                return Ok(Step::Done(Outcome::Transfer(Transfer { bytes: 0, reply, name: None })));
            }
            Input::DataTimeout(phase) => {
                let error = match self.other {
                    OtherServer::Failed => Error::Aborted,
                    OtherServer::Moving | OtherServer::Done => Error::DataTimedOut(phase),
                };
                return Ok(Step::Interrupted(error, Interruption::Abort));
            }
            _ => {}
        }
        Ok(Step::Pending)
    }
}

fn refuse_protected(cx: &Context<'_>) -> Result<(), Error> {
    if cx.wire.protects_data() { Err(Error::ProtectedRemote) } else { Ok(()) }
}
