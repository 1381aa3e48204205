//! Transfers: RETR, STOR, STOU, APPE, LIST, NLST, MLSD (RFC 959 section 4.1.3)
//!
//! ```text
//! TYPE ─▶ data connection (open) ─▶ REST ─▶ command ─▶ Joint ─▶ AwaitFinal ─▶ done
//!   └─ in a batch with EPSV or PASV, where that is allowed (batch.rs)
//!
//! Joint is a product of two machines that nothing keeps in order:
//!  control:  Asked ──1yz──▶ Granted ──2yz──▶ Over
//!  data:     Connecting | Listening ─▶ Open ─▶ Securing ─▶ Secured ─▶ Moving ─▶ Ended      (data.rs)
//!
//! (any, Open) under PROT P, command written     Action::SecureData, or behind the 1yz
//! (Granted | Over, Open | Secured)              Action::StartTransfer, once
//! (Over, Ended)                                 done
//! (Asked | Granted, Ended)                      close, await the final reply
//! (4yz | 5yz, any)                              close, fail; or once more, see `refused`
//! ```
//!
//! REST goes directly before its transfer command (Q51), and nothing ever goes behind that until
//! its final reply.

use alloc::boxed::Box;
use core::time::Duration;
use std::time::Instant;

use crate::claim::{OpId, Outcome, Transfer};
use crate::config::{DataMode, Truncation};
use crate::control::command::{Argument, Command, Verb};
use crate::control::fields;
use crate::control::reply::{Kind, Reply};
use crate::data::{DataState, End};
use crate::error::{ConnectionError, Error, ProtocolError};
use crate::event::{Action, Event};
use crate::listing::Format;
use crate::op::machine::{Context, Input, Step};
use crate::op::open::{Open, Opening, first_passive};
use crate::op::request::{Get, List, Put, PutMode};
use crate::op::set_type::SetType;
use crate::session::Batches;
use crate::session::{Carried, LateFinal, PassivePath, RestartMarker};
use crate::settle::Farewell;
use crate::terms::{DataFailure, Direction, Encoding, Phase, TlsSession, TransferType};
use crate::timer::Timer;
use crate::wire::Wire;

#[derive(Debug)]
pub(crate) struct TransferOp {
    verb: Verb,
    argument: Option<Argument>,
    kind: TransferKind,
    type_: TransferType,
    offset: u64,
    /// Size of the whole file that the caller named
    expected: Option<u64>,
    /// Size that the preliminary reply told
    hint: Option<u64>,
    /// Name that a reply to STOU told
    name: Option<alloc::vec::Vec<u8>>,
    /// What its data connection's handshake came to
    session: Option<TlsSession>,
    /// The first refusal for want of a TLS session
    refusal: Option<Reply>,
    /// Until when the rest is read, if nobody wants it
    discarded: Option<Instant>,
    stage: Stage,
}

/// What the bytes are, which decides what an early or missing end means
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TransferKind {
    Download,
    Listing,
    Upload,
}

#[derive(Debug)]
enum Stage {
    Type,
    /// TYPE and the first command of `Open` are out
    TypeAndOpen(Open),
    Open(Open),
    Rest,
    /// Both connections are live
    Joint(ControlSide),
    /// The data connection ended well and was closed; the final reply is due
    AwaitFinal {
        end: End,
        bytes: u64,
        control: ControlSide,
    },
}

#[derive(Debug)]
enum ControlSide {
    /// The command is out
    Asked,
    /// 1yz
    Granted,
    /// A 200 before any 1yz: final on some servers, noise before the 150 on others (Q67)
    Doubtful(Reply),
    /// 2yz while the data connection is still open
    Over(Reply),
}

impl TransferOp {
    pub(crate) fn get(get: Get) -> Result<Self, Error> {
        let op = Self::new(get.verb?, get.path?, TransferKind::Download, get.type_, get.offset);
        Ok(Self { expected: get.expected, ..op })
    }

    pub(crate) fn put(put: Put) -> Result<Self, Error> {
        let (verb, offset) = match put.mode {
            PutMode::Store(offset) => (Verb::STOR, offset),
            PutMode::Append => (Verb::APPE, 0),
            PutMode::Unique => (Verb::STOU, 0),
        };
        Ok(Self::new(verb, put.path?, TransferKind::Upload, put.type_, offset))
    }

    pub(crate) fn list(list: List) -> Result<Self, Error> {
        let kind = TransferKind::Listing;
        Ok(Self::new(list.verb, list.path?, kind, TransferType::Ascii, 0))
    }

    const fn new(
        verb: Verb,
        argument: Option<Argument>,
        kind: TransferKind,
        type_: TransferType,
        offset: u64,
    ) -> Self {
        Self {
            verb,
            argument,
            kind,
            type_,
            offset,
            expected: None,
            hint: None,
            name: None,
            session: None,
            refusal: None,
            discarded: None,
            stage: Stage::Type,
        }
    }

    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match (&mut self.stage, input) {
            (Stage::Type, Input::Start) => return self.begin(cx),
            (Stage::Type, Input::Reply(reply)) if reply.kind() != Kind::Preliminary => {
                SetType(self.type_).replied(reply, cx)?;
                return self.open(cx);
            }
            (Stage::TypeAndOpen(open), Input::Reply(reply))
                if reply.kind() != Kind::Preliminary =>
            {
                SetType(self.type_).replied(reply, cx)?;
                self.stage = Stage::Open(*open);
                cx.await_batch();
            }
            (Stage::Open(open), Input::Quiet) if open.in_batch() => {
                cx.wire.session.batches = Batches::Refused;
                self.stage = Stage::Type;
                return Ok(Step::Again);
            }
            (Stage::Open(open), input) => match open.step(input, cx)? {
                Opening::Pending => {}
                Opening::Ready => {
                    // Connecting in company with the command has its deadline all the same.
                    if cx.wire.data_state() != Some(DataState::Connecting) {
                        cx.wire.timers.stop(Timer::Data);
                    }
                    return self.restart_or_ask(cx);
                }
            },
            (Stage::Rest, Input::Reply(reply)) => return self.restarted(reply, cx),
            (Stage::Joint(_), input) => return self.joint(input, cx),
            (Stage::AwaitFinal { .. }, input) => return self.await_final(input, cx),
            (Stage::Rest, Input::DataTimeout(phase)) => {
                cx.wire.session.path = PassivePath::Unproven;
                return Err(Error::DataTimedOut(phase));
            }
            // The data connection can end while REST is answered: the command would be in vain.
            (Stage::Rest, Input::Data) => {
                if let Some(DataState::Ended(end)) = cx.wire.data_state() {
                    return Err(crate::op::open::ended_early(end));
                }
            }
            _ => {}
        }
        Ok(Step::Pending)
    }

    /// What the application is told if the session dies now
    pub(crate) fn dies_with(&self, cause: ConnectionError) -> Error {
        match self.stage {
            Stage::AwaitFinal { end: End::Finished, bytes, .. } => {
                Error::Unconfirmed { bytes, cause }
            }
            _ => match &self.refusal {
                // vsftpd says so and leaves.
                Some(reply) => {
                    let end = Some(Box::new(cause));
                    Error::ResumptionRequired { reply: reply.clone(), end }
                }
                None => Error::Connection(cause),
            },
        }
    }

    /// How the lines of a listing look, as far as its command tells: LIST has many ways
    pub(crate) fn listing_format(&self) -> Option<Format> {
        match self.verb {
            Verb::MLSD => Some(Format::Mlsx),
            Verb::NLST => Some(Format::Names),
            _ => None,
        }
    }

    /// Whether only the data connection's end is outstanding
    pub(crate) const fn final_reply_came(&self) -> bool {
        matches!(self.stage, Stage::Joint(ControlSide::Over(_)))
    }

    /// Whether the remote file would be lost if the data connection were refused (Q140)
    pub(crate) fn risks_a_file(&self) -> bool {
        self.kind == TransferKind::Upload
    }

    /// Whether it is a listing that somebody wants, or wanted
    pub(crate) fn is_wanted_listing(&self, op: Option<OpId>) -> bool {
        self.kind == TransferKind::Listing && (op.is_some() || self.discarded.is_some())
    }

    /// A listing that is made for the sake of its data connection
    pub(crate) const fn harvest(path: Option<Argument>) -> Self {
        Self::new(Verb::LIST, path, TransferKind::Listing, TransferType::Ascii, 0)
    }

    /// Whether the server has begun it
    pub(crate) const fn has_begun(&self) -> bool {
        matches!(
            self.stage,
            Stage::AwaitFinal { .. }
                | Stage::Joint(
                    ControlSide::Granted | ControlSide::Doubtful(_) | ControlSide::Over(_)
                )
        )
    }

    /// What aborting comes to: before the command nothing was begun, after the final reply
    /// nothing is left to stop
    pub(crate) fn abort(&self) -> Result<Step, Error> {
        match self.stage {
            Stage::Type
            | Stage::TypeAndOpen(_)
            | Stage::Open(_)
            | Stage::Rest
            | Stage::Joint(ControlSide::Over(_)) => Err(Error::Aborted),
            Stage::Joint(_) | Stage::AwaitFinal { .. } => {
                Ok(Step::Cut(Error::Aborted, Farewell::Abort))
            }
        }
    }

    /// A listing that is aborted is read to its end by the client itself, as long as that takes less than
    /// settling may; `false` if it is to be cut off
    ///
    /// Where a listing is cut off, Pure-FTPd puts what it still had of it before the next one.
    pub(crate) fn discard(&mut self, now: Instant, wire: &mut Wire) -> bool {
        let runs = match self.stage {
            Stage::Joint(ControlSide::Over(_)) => false,
            Stage::Joint(_) | Stage::AwaitFinal { .. } => true,
            _ => false,
        };
        if self.kind != TransferKind::Listing || !runs {
            return false;
        }
        let wait = wire.config.settle_timeout;
        self.discarded = Some(now + wait);
        if let Some(data) = &wire.data {
            if data.state == DataState::Moving {
                wire.actions.push_back(Action::Discard(data.id));
            }
            wire.data_deadline(now, wait, Phase::Transfer);
        } else {
            wire.timers.set_after(Timer::Reply, now, wait, Phase::FinalReply);
        }
        true
    }

    /// How long bytes may be missing
    fn data_wait(&self, cx: &Context<'_>) -> Duration {
        let wait = cx.wire.config.data_timeout;
        self.discarded.map_or(wait, |until| wait.min(until.saturating_duration_since(cx.now)))
    }

    fn begin(&mut self, cx: &mut Context<'_>) -> Result<Step, Error> {
        cx.wire.session.carried = Carried::Nothing;
        if SetType(self.type_).start(cx) {
            return self.open(cx);
        }
        let passive = cx.wire.config.data_mode == DataMode::Passive;
        if passive && cx.may_send_behind(first_passive(cx)) {
            let mut open = Open::new();
            open.step(Input::Start, cx)?;
            self.stage = Stage::TypeAndOpen(open);
        }
        Ok(Step::Pending)
    }

    fn open(&mut self, cx: &mut Context<'_>) -> Result<Step, Error> {
        let mut open = Open::new();
        open.step(Input::Start, cx)?;
        self.stage = Stage::Open(open);
        Ok(Step::Pending)
    }

    fn restart_or_ask(&mut self, cx: &mut Context<'_>) -> Result<Step, Error> {
        if self.offset > 0 || cx.wire.session.marker == RestartMarker::Doubtful {
            // An earlier marker may still stand on the server: clear it (Q50).
            self.stage = Stage::Rest;
            cx.send(&Command::number(Verb::REST, self.offset));
            return Ok(Step::Pending);
        }
        self.ask(cx)
    }

    fn restarted(&mut self, reply: Reply, cx: &mut Context<'_>) -> Result<Step, Error> {
        match reply.kind() {
            Kind::Preliminary => Ok(Step::Pending),
            // Refusing to clear a marker means that there is none.
            _ if self.offset == 0 => {
                cx.wire.session.marker = RestartMarker::Clear;
                self.ask(cx)
            }
            Kind::Intermediate | Kind::Completion => {
                cx.wire.session.marker = RestartMarker::Doubtful;
                self.ask(cx)
            }
            Kind::Transient | Kind::Permanent => Err(Error::from_reply(reply)),
        }
    }

    fn ask(&mut self, cx: &mut Context<'_>) -> Result<Step, Error> {
        cx.send(&match &self.argument {
            Some(argument) => Command::new(self.verb, argument),
            None => Command::bare(self.verb),
        });
        self.stage = Stage::Joint(ControlSide::Asked);
        if let Some(DataState::Listening(_)) = cx.wire.data_state() {
            let wait = cx.wire.config.data_connect_timeout;
            cx.wire.data_deadline(cx.now, wait, Phase::DataAccept);
        }
        self.settle(cx)
    }

    fn joint(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match input {
            Input::Reply(reply) if answers_another(&reply) => return Err(out_of_step(reply)),
            Input::Reply(reply) if refuses(&reply) => {
                let bytes = cx.wire.data.as_ref().map_or(0, |data| data.bytes);
                return self.refused(reply, bytes);
            }
            Input::Reply(reply) => self.replied(reply, cx),
            Input::Data => self.data_moved(cx),
            Input::DataTimeout(phase) => {
                if phase == Phase::DataConnect {
                    cx.wire.session.path = PassivePath::Unproven;
                }
                return self.give_up(Error::DataTimedOut(phase), Farewell::Abort);
            }
            Input::Quiet => match &self.stage {
                Stage::Joint(ControlSide::Over(reply)) => return self.never_opened(reply.clone()),
                // It may be waiting for the handshake.
                Stage::Joint(_) if cx.wire.data_state() == Some(DataState::Open) => {
                    cx.wire.secure_data(cx.now);
                }
                _ => {}
            },
            _ => {}
        }
        self.settle(cx)
    }

    /// The server says no: because of TLS, if the data connection has a session of its own
    fn refused(&mut self, reply: Reply, bytes: u64) -> Result<Step, Error> {
        // vsftpd says 522, ProFTPD, FileZilla Server and others 425, which means otherwise that there
        // is no data connection: but there was one.
        if !matches!(reply.code().get(), 425 | 522) || self.session != Some(TlsSession::New) {
            return Err(Error::from_reply(reply));
        }
        if self.kind == TransferKind::Upload || bytes > 0 || self.refusal.is_some() {
            return Err(Error::ResumptionRequired { reply, end: None });
        }
        self.refusal = Some(reply);
        self.stage = Stage::Type;
        self.hint = None;
        Ok(Step::Retry)
    }

    /// There is no ticket for another try
    pub(crate) fn gives_up(self) -> Error {
        match self.refusal {
            Some(reply) => Error::ResumptionRequired { reply, end: None },
            // Only refused transfers are asked.
            None => Error::Aborted,
        }
    }

    fn replied(&mut self, reply: Reply, cx: &mut Context<'_>) {
        let Stage::Joint(control) = &mut self.stage else { return };
        match reply.kind() {
            Kind::Preliminary => {
                if !matches!(control, ControlSide::Granted) {
                    *control = ControlSide::Granted;
                    self.granted(&reply, cx);
                }
                // From here on the data connection is what moves.
                cx.wire.timers.stop(Timer::Reply);
            }
            Kind::Completion => {
                let first = matches!(control, ControlSide::Asked);
                if first && reply.code().get() == 200 {
                    cx.wire.control.owe_again(self.verb);
                    cx.wire.timers.stop(Timer::Reply);
                    *control = ControlSide::Doubtful(reply);
                } else {
                    self.note_name(&reply);
                    self.stage = Stage::Joint(ControlSide::Over(reply));
                    if let Some(DataState::Listening(_)) = cx.wire.data_state() {
                        // The server's connection may be on its way, or never have been made.
                        let wait = cx.wire.config.settle_quiet;
                        cx.wire.timers.set_after(Timer::Quiet, cx.now, wait, Phase::DataAccept);
                    }
                }
                if cx.wire.timers.phase(Timer::Data).is_none() {
                    let wait = cx.wire.config.data_timeout;
                    cx.wire.data_deadline(cx.now, wait, Phase::Transfer);
                }
            }
            // Dealt with before.
            Kind::Intermediate | Kind::Transient | Kind::Permanent => {}
        }
    }

    fn granted(&mut self, reply: &Reply, cx: &mut Context<'_>) {
        self.hint = fields::parse_size_hint(reply.text());
        self.note_name(reply);
        if let Some(op) = cx.op {
            let size_hint = self.hint;
            cx.wire.events.push_back(Event::TransferStarted { op, size_hint });
        }
        if let Some(DataState::Listening(_)) = cx.wire.data_state() {
            let wait = cx.wire.config.data_connect_timeout;
            cx.wire.data_deadline(cx.now, wait, Phase::DataAccept);
        }
    }

    fn note_name(&mut self, reply: &Reply) {
        if self.verb == Verb::STOU && self.name.is_none() {
            self.name = fields::parse_stou(reply.text());
        }
    }

    fn data_moved(&mut self, cx: &mut Context<'_>) {
        let Some(data) = &cx.wire.data else { return };
        self.session = data.session;
        match data.state {
            DataState::Open | DataState::Secured => {
                cx.wire.timers.stop(Timer::Quiet);
                let wait = self.data_wait(cx);
                cx.wire.data_deadline(cx.now, wait, Phase::Transfer);
            }
            DataState::Moving => {
                // Bytes are as good as a 1yz that never came (Q67).
                if data.bytes > 0 {
                    cx.wire.timers.stop(Timer::Reply);
                }
                let wait = self.data_wait(cx);
                cx.wire.data_deadline(cx.now, wait, Phase::Transfer);
            }
            _ => {}
        }
    }

    /// Looks at both connections and does what their joint state asks for
    fn settle(&mut self, cx: &mut Context<'_>) -> Result<Step, Error> {
        let Stage::Joint(control) = &self.stage else { return Ok(Step::Pending) };
        let Some(state) = cx.wire.data_state() else { return Ok(Step::Pending) };
        let protects = cx.wire.protects_data();
        let may_move = !matches!(control, ControlSide::Asked);
        match state {
            // Not before the server can read the command: it answers no ClientHello sooner.
            DataState::Open if protects && cx.wire.control.all_written() => {
                let wait = cx.wire.config.settle_quiet;
                if may_move || !cx.wire.handshake_waits() {
                    cx.wire.timers.stop(Timer::Quiet);
                    cx.wire.secure_data(cx.now);
                } else if cx.wire.timers.phase(Timer::Quiet).is_none() {
                    cx.wire.timers.set_after(Timer::Quiet, cx.now, wait, Phase::Reply(self.verb));
                }
            }
            DataState::Open if protects => {}
            DataState::Open | DataState::Secured if may_move => {
                cx.wire.start_transfer(cx.now, self.direction(), self.encoding());
            }
            DataState::Ended(end) => return self.data_ended(end, cx),
            _ => {}
        }
        Ok(Step::Pending)
    }

    fn data_ended(&mut self, end: End, cx: &mut Context<'_>) -> Result<Step, Error> {
        match end {
            End::Finished | End::Truncated => {}
            End::Failed(failure) => {
                if failure == DataFailure::Open {
                    cx.wire.session.path = PassivePath::Unproven;
                }
                return self.give_up(Error::DataConnection(failure), Farewell::Listen);
            }
            End::Foreign { expected, actual } => {
                return self.give_up(Error::ForeignPeer { expected, actual }, Farewell::Abort);
            }
        }
        let Stage::Joint(control) = core::mem::replace(&mut self.stage, Stage::Type) else {
            return Ok(Step::Pending);
        };
        // Closed at once: ProFTPD keeps its 226 back until then (Q135).
        let bytes = cx.wire.close_data().map_or(0, |data| data.bytes);
        match control {
            ControlSide::Over(reply) => self.finish(end, bytes, reply, cx),
            control => {
                let wait = match self.discarded {
                    Some(_) => cx.wire.config.settle_timeout,
                    None => cx.wire.config.final_reply_timeout,
                };
                let timers = &mut cx.wire.timers;
                timers.set_after(Timer::Reply, cx.now, wait, Phase::FinalReply);
                if let ControlSide::Doubtful(_) = control {
                    let wait = cx.wire.config.settle_quiet;
                    timers.set_after(Timer::Quiet, cx.now, wait, Phase::FinalReply);
                }
                self.stage = Stage::AwaitFinal { end, bytes, control };
                Ok(Step::Pending)
            }
        }
    }

    fn await_final(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        let Stage::AwaitFinal { end, bytes, control } = &mut self.stage else {
            return Ok(Step::Pending);
        };
        let (end, bytes) = (*end, *bytes);
        match input {
            Input::Reply(reply) if answers_another(&reply) => return Err(out_of_step(reply)),
            Input::Reply(reply) if refuses(&reply) => return self.refused(reply, bytes),
            Input::Reply(reply) => match reply.kind() {
                Kind::Preliminary => {
                    if !matches!(control, ControlSide::Granted) {
                        *control = ControlSide::Granted;
                        cx.wire.timers.stop(Timer::Quiet);
                        self.granted(&reply, cx);
                    }
                    let wait = cx.wire.config.final_reply_timeout;
                    cx.wire.timers.set_after(Timer::Reply, cx.now, wait, Phase::FinalReply);
                }
                Kind::Completion => {
                    self.note_name(&reply);
                    return self.finish(end, bytes, reply, cx);
                }
                // Dealt with before.
                Kind::Intermediate | Kind::Transient | Kind::Permanent => {}
            },
            Input::Quiet => {
                // Nothing came behind the 200: it was the final reply.
                if let ControlSide::Doubtful(reply) = control {
                    let reply = reply.clone();
                    cx.wire.control.forgive();
                    return self.finish(end, bytes, reply, cx);
                }
            }
            _ => {}
        }
        Ok(Step::Pending)
    }

    /// Both sides are through: is it what was promised?
    fn finish(
        &mut self,
        end: End,
        bytes: u64,
        reply: Reply,
        cx: &mut Context<'_>,
    ) -> Result<Step, Error> {
        cx.wire.session.marker = RestartMarker::Clear;
        cx.wire.session.late = LateFinal::No;
        if self.kind != TransferKind::Upload {
            self.check_size(end, bytes, cx)?;
        }
        if self.kind == TransferKind::Upload {
            let name = || self.name.as_ref().and_then(|name| Argument::new(name).ok());
            cx.wire.session.uploaded = self.argument.clone().or_else(name);
        }
        let name = self.name.take();
        Ok(Step::Done(Outcome::Transfer(Transfer { bytes, reply, name })))
    }

    fn check_size(&self, end: End, received: u64, cx: &Context<'_>) -> Result<(), Error> {
        // Under TYPE A the bytes on the wire are not those of the file.
        let counts = self.kind == TransferKind::Download && self.type_ == TransferType::Image;
        let expected = self.expected.map(|size| size.saturating_sub(self.offset));
        if let Some(expected) = expected.filter(|_| counts) {
            return match received {
                n if n < expected => Err(Error::Truncated { received, expected: Some(expected) }),
                n if n > expected => Err(Error::TooLong { received, expected }),
                _ => Ok(()),
            };
        }
        // Some servers tell the size of the whole file, some that of the rest; a file may grow
        // meanwhile, so only too few bytes are an error.
        let hint = self.hint.filter(|_| counts);
        let least = hint.map(|hint| hint.saturating_sub(self.offset));
        match (end, least) {
            (_, Some(least)) if received < least => {
                Err(Error::Truncated { received, expected: Some(least) })
            }
            (End::Truncated, _) if cx.wire.config.truncation == Truncation::Accept => Ok(()),
            (End::Truncated, _) if hint == Some(received) || least == Some(received) => Ok(()),
            (End::Truncated, _) => Err(Error::Truncated { received, expected: least }),
            _ => Ok(()),
        }
    }

    /// 226 without a data connection in active mode: how some say "nothing to list" (Q74)
    fn never_opened(&self, reply: Reply) -> Result<Step, Error> {
        match self.kind {
            TransferKind::Listing => {
                let transfer = Transfer { bytes: 0, reply, name: None };
                Ok(Step::Done(Outcome::Transfer(transfer)))
            }
            TransferKind::Download | TransferKind::Upload => {
                Err(Error::DataConnection(DataFailure::NeverOpened))
            }
        }
    }

    /// The transfer can't go on; the server is settled with unless its final reply has come
    fn give_up(&self, error: Error, farewell: Farewell) -> Result<Step, Error> {
        match self.stage {
            Stage::Joint(ControlSide::Over(_)) => Err(error),
            Stage::Joint(ControlSide::Asked) if farewell == Farewell::Listen => {
                Ok(Step::Cut(error, Farewell::ListenEarly))
            }
            _ => Ok(Step::Cut(error, farewell)),
        }
    }

    const fn direction(&self) -> Direction {
        match self.kind {
            TransferKind::Upload => Direction::Upload,
            TransferKind::Download | TransferKind::Listing => Direction::Download,
        }
    }

    const fn encoding(&self) -> Encoding {
        match (self.kind, self.type_) {
            (TransferKind::Download | TransferKind::Upload, TransferType::Ascii) => Encoding::Ascii,
            _ => Encoding::Image,
        }
    }
}

fn refuses(reply: &Reply) -> bool {
    matches!(reply.kind(), Kind::Intermediate | Kind::Transient | Kind::Permanent)
}

/// Whether a reply can't be a transfer's: an answer to QUIT, PASV, EPSV, a login, AUTH, PWD or REST
fn answers_another(reply: &Reply) -> bool {
    matches!(reply.code().get(), 221 | 227..=230 | 234 | 257 | 331 | 334 | 350)
}

/// Replies and commands no longer belong together, and the next one would be believed
const fn out_of_step(reply: Reply) -> Error {
    Error::Connection(ConnectionError::Protocol(ProtocolError::UnsolicitedReply(reply)))
}
