//! TLS on the control connection and the protection of data connections (RFC 4217)
//!
//! ```text
//! Secure        AUTH ── 2yz ──▶ barrier, pause, handshake ──▶ PBSZ 0 ── any ──▶ PROT P ── 2yz ──▶ done
//! Protect       (PBSZ 0 ── any ──▶) PROT P or C ── 2yz ──▶ done
//! ClearControl  CCC ── 2yz ──▶ barrier, close_notify ──▶ done
//! ```
//!
//! In a batch ([`batch`](super::batch)), PBSZ and PROT are sent together. If a login comes next, the client sends its
//! USER and PASS after them.

use crate::claim::Outcome;
use crate::config::AuthMechanism;
use crate::control::Barrier;
use crate::control::command::{Command, Verb};
use crate::control::reply::{Reply, ReplyKind};
use crate::error::{ConnectionError, Error};
use crate::op::machine::{Context, Input, Step, completion};
use crate::session::Batches;
use crate::session::ControlSecurity;
use crate::terms::{Phase, Protection};
use crate::timer::Timer;

/// AUTH, and the commands that must follow it
#[derive(Debug)]
pub(crate) struct Secure {
    scope: Scope,
    demand: Demand,
    /// The reply that accepted AUTH
    granted: Option<Reply>,
    state: State,
}

/// What a refusal means
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    /// The request fails, and the session continues in clear text
    Request,
    /// The session ends, because the policy allows no clear text
    Policy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Only AUTH, as ftplib's `auth()`
    Control,
    /// AUTH, PBSZ, PROT P
    ControlAndData,
}

#[derive(Debug)]
enum State {
    /// AUTH with this mechanism has been sent
    Auth(Mechanism),
    /// AUTH was accepted; the server gets time to hand its side to TLS
    Pause,
    Handshake,
    Protect(Protect),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mechanism {
    Tls,
    TlsC,
    Ssl,
}

impl Mechanism {
    const fn argument(self) -> &'static str {
        match self {
            Self::Tls => "TLS",
            Self::TlsC => "TLS-C",
            Self::Ssl => "SSL",
        }
    }

    const fn next(self, allowed: AuthMechanism) -> Option<Self> {
        match (allowed, self) {
            (AuthMechanism::TlsThenLegacy, Self::Tls) => Some(Self::TlsC),
            (AuthMechanism::TlsThenLegacy, Self::TlsC) => Some(Self::Ssl),
            _ => None,
        }
    }
}

impl Secure {
    /// Creates the operation for a request of the application
    pub(crate) const fn requested(scope: Scope) -> Self {
        let state = State::Auth(Mechanism::Tls);
        Self { scope, demand: Demand::Request, granted: None, state }
    }

    /// Creates the operation for [`TlsPolicy`](crate::TlsPolicy)
    pub(crate) const fn demanded() -> Self {
        let state = State::Auth(Mechanism::Tls);
        Self { scope: Scope::ControlAndData, demand: Demand::Policy, granted: None, state }
    }

    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        self.go_on(input, cx).map_err(|error| match (self.demand, error) {
            (
                Demand::Policy,
                Error::Transient(reply) | Error::Permanent(reply) | Error::UnexpectedReply(reply),
            ) => Error::Connection(ConnectionError::TlsRefused(reply)),
            (_, error) => error,
        })
    }

    fn go_on(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match (input, &mut self.state) {
            (Input::Start, State::Auth(mechanism)) => {
                if cx.wire.session.control == ControlSecurity::Secured {
                    return self.secured(cx);
                }
                cx.send(&Command::literal(Verb::AUTH, mechanism.argument()));
            }
            (Input::Reply(reply), State::Auth(mechanism)) => match reply.kind() {
                ReplyKind::Preliminary => {}
                // 334 means the same in RFC 2228; old servers use it for TLS (Q78).
                ReplyKind::Completion | ReplyKind::Intermediate => {
                    self.granted = Some(reply);
                    self.pause(cx);
                }
                ReplyKind::Transient | ReplyKind::Permanent => {
                    match mechanism.next(cx.wire.config.auth) {
                        Some(next) => {
                            *mechanism = next;
                            cx.send(&Command::literal(Verb::AUTH, next.argument()));
                        }
                        None => return Err(Error::from_reply(reply)),
                    }
                }
            },
            (Input::Quiet, State::Pause) => self.shake_hands(cx),
            (Input::Secured, State::Handshake) => {
                cx.wire.session.control = ControlSecurity::Secured;
                cx.wire.session.forget_clear_text();
                // After a new TLS handshake, data connections are not protected (Q81).
                cx.wire.session.protection = Protection::Clear;
                return self.secured(cx);
            }
            // It may begin again, after the replies to a batch have come.
            (input, State::Protect(protect)) => return protect.step(input, cx).map(done),
            _ => {}
        }
        Ok(Step::Pending)
    }

    fn pause(&mut self, cx: &mut Context<'_>) {
        let pause = cx.wire.config.auth_pause;
        if pause.is_zero() {
            return self.shake_hands(cx);
        }
        self.state = State::Pause;
        cx.wire.raise_barrier();
        cx.wire.timers.set_after(Timer::Quiet, cx.now, pause, Phase::ControlTls);
    }

    fn shake_hands(&mut self, cx: &mut Context<'_>) {
        self.state = State::Handshake;
        cx.wire.secure_control(cx.now);
    }

    fn secured(&mut self, cx: &mut Context<'_>) -> Result<Step, Error> {
        if self.scope == Scope::Control {
            return Ok(Step::Done(Outcome::MaybeReply(self.granted.take())));
        }
        let mut protect = Protect::new(Protection::Private);
        let step = protect.step(Input::Start, cx);
        self.state = State::Protect(protect);
        step.map(done)
    }
}

/// Replaces the result: the operation has several replies, and none of them is its result
fn done(step: Step) -> Step {
    match step {
        Step::Done(_) => Step::Done(Outcome::Unit(())),
        step => step,
    }
}

/// PBSZ 0 and PROT
#[derive(Debug)]
pub(crate) struct Protect {
    level: Protection,
    state: ProtectState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProtectState {
    BufferSize,
    /// PBSZ and PROT have been sent in a batch
    Both,
    /// PROT has been sent in a batch, and the reply to PBSZ has come
    LevelOfBatch,
    /// PROT was refused in a batch, and is sent again alone
    LevelAgain,
    /// PROT has been sent
    Level,
}

impl Protect {
    pub(crate) const fn new(level: Protection) -> Self {
        // PBSZ must precede PROT P; PROT C needs none, and ftplib sends none.
        let state = match level {
            Protection::Private => ProtectState::BufferSize,
            Protection::Clear => ProtectState::Level,
        };
        Self { level, state }
    }

    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match (input, self.state) {
            (Input::Start, ProtectState::BufferSize) => {
                cx.send(&Command::literal(Verb::PBSZ, "0"));
                if cx.may_pipeline(Verb::PROT) {
                    self.state = ProtectState::Both;
                    self.send_level(cx);
                }
            }
            (Input::Start, _) => self.send_level(cx),
            (Input::Reply(reply), _) if reply.kind() == ReplyKind::Preliminary => {}
            (Input::Reply(_), ProtectState::BufferSize) => {
                // Some servers refuse PBSZ but accept PROT (Q82).
                self.state = ProtectState::Level;
                self.send_level(cx);
            }
            (Input::Reply(_), ProtectState::Both) => self.state = ProtectState::LevelOfBatch,
            (Input::Reply(reply), ProtectState::LevelOfBatch)
                if matches!(reply.kind(), ReplyKind::Transient | ReplyKind::Permanent) =>
            {
                self.state = ProtectState::LevelAgain;
                cx.wire.session.batches = Batches::Refused;
                return Ok(Step::Again);
            }
            (
                Input::Reply(reply),
                ProtectState::LevelOfBatch | ProtectState::LevelAgain | ProtectState::Level,
            ) => {
                if let (ProtectState::LevelAgain, ReplyKind::Transient | ReplyKind::Permanent) =
                    (self.state, reply.kind())
                {
                    // The server did not refuse PROT because of the batch.
                    cx.wire.session.batches = Batches::Untried;
                }
                let reply = completion(reply)?;
                cx.wire.session.protection = self.level;
                return Ok(Step::Done(Outcome::Reply(reply)));
            }
            _ => {}
        }
        Ok(Step::Pending)
    }

    fn send_level(&self, cx: &mut Context<'_>) {
        let code = match self.level {
            Protection::Private => "P",
            Protection::Clear => "C",
        };
        cx.send(&Command::literal(Verb::PROT, code));
    }
}

/// CCC: returns the control connection to clear text
#[derive(Debug)]
pub(crate) struct ClearControl {
    /// The reply that accepted CCC
    granted: Option<Reply>,
}

impl ClearControl {
    pub(crate) const fn new() -> Self {
        Self { granted: None }
    }

    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match input {
            // The connection is in clear text already, so there is nothing to do.
            Input::Start if cx.wire.session.control != ControlSecurity::Secured => {
                return Ok(Step::Done(Outcome::MaybeReply(None)));
            }
            Input::Start => cx.send(&Command::bare(Verb::CCC)),
            Input::Reply(reply) if reply.kind() != ReplyKind::Preliminary => {
                self.granted = Some(completion(reply)?);
                cx.wire.clear_control(cx.now);
            }
            Input::Cleared => {
                cx.wire.control.set_barrier(Barrier::Down);
                cx.wire.session.control = ControlSecurity::ClearedAgain;
                return Ok(Step::Done(Outcome::MaybeReply(self.granted.take())));
            }
            _ => {}
        }
        Ok(Step::Pending)
    }
}
