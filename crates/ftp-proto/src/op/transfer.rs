//! Transfers: RETR, STOR, STOU, APPE, LIST, NLST, MLSD (RFC 959 section 4.1.3)
//!
//! ```text
//! TYPE ─▶ data connection (open) ─▶ REST ─▶ command ─▶ Joint ─▶ AwaitFinal ─▶ done
//!   ├─ after REST 0, if it is TYPE A and an old marker may be set
//!   └─ in a batch with EPSV or PASV, if that is allowed (batch.rs)
//!
//! Joint (joint.rs, replies.rs) combines two state machines whose events come in any order:
//!  control:  Requested ──1yz──▶ Started ──2yz──▶ Answered
//!              │                   └──4yz, 5yz──▶ Refused: a download, of which more bytes may arrive
//!              └──2yz──▶ Held ──1yz──▶ Started: it belonged to another transfer
//!                          └─data ended, REST 0 ── 350 ──▶ done: it belonged to this one
//!  data:     Connecting | Listening ─▶ Open ─▶ Securing ─▶ Secured ─▶ Moving ─▶ Ended      (data.rs)
//!
//! (any, Open) under PROT P, command written        Action::SecureData, or after the 1yz
//! (Started | Answered | Refused, Open | Secured)   Action::StartTransfer, once
//! (Answered, Ended)                                done
//! (Requested | Started, Ended)                     close, await the final reply
//! (Refused, Ended or silent)                       close, fail
//! (4yz | 5yz otherwise, any)                       close, fail; or try again, see `refused` (outcome.rs)
//! ```
//!
//! REST is sent directly before its transfer command. The one exception is a REST 0 before TYPE A, which clears
//! an old marker. After the transfer command nothing is sent until its final reply has come, except EPSV for the
//! next transfer where the server is known to tolerate it (prefetch.rs).

mod control_side;
mod joint;
mod outcome;
mod prefetch;
mod replies;

pub(crate) use outcome::Missing;

use control_side::ControlSide;

use crate::config::DataMode;
use crate::control::command::{Argument, Command, Verb};
use crate::control::reply::{Reply, ReplyKind};
use crate::data::{DataState, End};
use crate::error::Error;
use crate::event::Action;
use crate::listing::Format;
use crate::op::features::is_unknown;
use crate::op::machine::{Context, Input, Interruption, Step};
use crate::op::open::{Open, Opening, ended_early, first_passive};
use crate::op::request::{Get, List, Put};
use crate::op::set_type::SetType;
use crate::prefetch::Ahead;
use crate::session::{Batches, PassivePath, RestartMarker};
use crate::terms::{Phase, TlsSession, TransferType};
use crate::timer::Timer;
use crate::wire::Wire;

#[derive(Debug)]
pub(crate) struct TransferOp {
    verb: Verb,
    argument: Option<Argument>,
    kind: TransferKind,
    type_: TransferType,
    offset: u64,
    /// Size of the whole file that the caller expects
    expected: Option<u64>,
    /// Size in the preliminary reply
    hint: Option<u64>,
    /// Name in a reply to STOU
    name: Option<alloc::vec::Vec<u8>>,
    /// The TLS session that its data connection uses
    session: Option<TlsSession>,
    /// The first refusal because of a TLS session that was not resumed
    refusal: Option<Reply>,
    stage: Stage,
}

/// The kind of data, which decides what an early or missing end means
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TransferKind {
    Download,
    Listing,
    Upload,
}

#[derive(Debug)]
enum Stage {
    /// `REST 0` has been sent before TYPE A
    ClearMarker,
    Type,
    /// TYPE and the first command of `Open` have been sent
    TypeAndOpen(Open),
    Open(Open),
    /// REST has been sent
    Rest,
    /// Both connections are in use
    Joint(ControlSide),
    /// The data connection has ended properly and was closed; the final reply is expected
    AwaitFinal {
        end: End,
        bytes: u64,
        control: ControlSide,
    },
    /// The transfer was refused because of its TLS session; it is tried again if the driver has a ticket for it
    AwaitTicket,
}

impl TransferOp {
    pub(crate) fn get(get: Get) -> Result<Self, Error> {
        let op = Self::new(get.verb?, get.path?, TransferKind::Download, get.type_, get.offset);
        Ok(Self { expected: get.expected, ..op })
    }

    pub(crate) fn put(put: Put) -> Result<Self, Error> {
        Ok(Self::new(put.verb?, put.path?, TransferKind::Upload, put.type_, put.offset))
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
            stage: Stage::Type,
        }
    }

    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match (&mut self.stage, input) {
            (Stage::Type, Input::Start) => return self.begin(cx),
            (Stage::ClearMarker, Input::Reply(reply)) if reply.kind() != ReplyKind::Preliminary => {
                // If it is refused, it is tried again under TYPE A.
                cx.wire.session.marker = cleared(cx.wire.session.marker, &reply);
                self.stage = Stage::Type;
                return self.set_type(cx);
            }
            (Stage::Type, Input::Reply(reply)) if reply.kind() != ReplyKind::Preliminary => {
                SetType(self.type_).replied(reply, cx)?;
                return self.open(cx);
            }
            (Stage::TypeAndOpen(open), Input::Reply(reply))
                if reply.kind() != ReplyKind::Preliminary =>
            {
                SetType(self.type_).replied(reply, cx)?;
                self.stage = Stage::Open(*open);
                cx.await_batch();
            }
            (Stage::Open(_), Input::Quiet) => {
                cx.wire.session.batches = Batches::Refused;
                cx.wire.control.set_uncertain();
                self.stage = Stage::Type;
                return Ok(Step::Again);
            }
            (Stage::Open(open), input) => match open.step(input, cx)? {
                Opening::Pending => {}
                Opening::Ready => {
                    // While the driver connects and the command is sent, the deadline of the connection still holds.
                    if cx.wire.data_state() != Some(DataState::Connecting) {
                        cx.wire.timers.stop(Timer::Data);
                    }
                    return self.restart_or_ask(cx);
                }
            },
            (Stage::Rest, Input::Reply(reply)) => return self.restarted(reply, cx),
            (Stage::Rest, Input::SendAgain) => return self.restart_or_ask(cx),
            (Stage::Joint(_), input) => return self.joint(input, cx),
            (Stage::AwaitFinal { .. }, input) => return self.await_final(input, cx),
            (Stage::AwaitTicket, Input::Tickets) => return self.tickets_reported(cx),
            (Stage::AwaitTicket, Input::Quiet) => return Err(self.without_ticket()),
            (Stage::Rest, Input::DataTimeout(phase)) => {
                cx.wire.session.path = PassivePath::Unproven;
                return Err(Error::DataTimedOut(phase));
            }
            // The data connection can end before the reply to REST: then the command would be pointless.
            (Stage::Rest, Input::Data) => {
                if let Some(DataState::Ended(end)) = cx.wire.data_state() {
                    return Err(ended_early(end));
                }
            }
            _ => {}
        }
        Ok(Step::Pending)
    }

    /// Returns the format of a listing's lines, if its command defines it; LIST has many formats
    pub(crate) fn listing_format(&self) -> Option<Format> {
        match self.verb {
            Verb::MLSD => Some(Format::Mlsx),
            Verb::NLST => Some(Format::Names),
            _ => None,
        }
    }

    /// Whether only the data connection's end is outstanding
    pub(crate) const fn final_reply_received(&self) -> bool {
        matches!(self.stage, Stage::Joint(ControlSide::Answered(..) | ControlSide::Refused(_)))
    }

    /// Whether the remote file would be lost if the data connection were refused
    pub(crate) fn is_upload(&self) -> bool {
        self.kind == TransferKind::Upload
    }

    pub(crate) fn is_listing(&self) -> bool {
        self.kind == TransferKind::Listing
    }

    /// Whether the server chooses the file's name
    fn is_unique(&self) -> bool {
        self.verb == Verb::STOU
    }

    /// Creates a listing that the client makes for its own purposes
    pub(crate) const fn unwanted(path: Option<Argument>) -> Self {
        Self::new(Verb::LIST, path, TransferKind::Listing, TransferType::Ascii, 0)
    }

    /// Whether bytes have passed on a data connection that has been closed already
    pub(crate) const fn moved(&self) -> bool {
        matches!(self.stage, Stage::AwaitFinal { bytes: 1.., .. })
    }

    /// Sends its EPSV before the command that precedes the transfer has been answered; returns false if it would begin
    /// with something else
    pub(crate) fn begin_ahead(&mut self, cx: &mut Context<'_>) -> bool {
        let has_port = matches!(cx.wire.session.ahead, Ahead::Port(..));
        cx.wire.config.data_mode == DataMode::Passive
            && cx.wire.session.type_ == Some(self.type_)
            && !has_port
            && cx.may_pipeline(first_passive(cx))
            && self.open(cx).is_ok()
    }

    /// Whether [`Self::begin_ahead`] has begun it
    pub(crate) const fn has_begun(&self) -> bool {
        matches!(self.stage, Stage::Open(_))
    }

    /// Whether its command has been sent, so that the transfer proves its final reply itself
    pub(crate) const fn is_asked(&self) -> bool {
        matches!(self.stage, Stage::Joint(_) | Stage::AwaitFinal { .. })
    }

    /// Whether it waits until the driver has carried out all orders
    pub(crate) const fn awaits_performance(&self, wire: &Wire) -> bool {
        matches!(self.stage, Stage::Open(open) if open.awaits_performance(wire))
    }

    /// Whether the reply to its REST with an offset is awaited
    pub(crate) const fn restarts(&self) -> bool {
        matches!(self.stage, Stage::Rest) && self.offset > 0
    }

    /// Whether it waits for a report about TLS session tickets
    pub(crate) const fn awaits_ticket(&self) -> bool {
        matches!(self.stage, Stage::AwaitTicket)
    }

    /// Aborts the transfer, and returns how it ends: before the command nothing was begun, after the final reply
    /// nothing is left to stop, and a listing is read to its end
    pub(crate) fn abort(&self, cx: &mut Context<'_>) -> Result<Step, Error> {
        match self.stage {
            Stage::Joint(ControlSide::Answered(..) | ControlSide::Refused(_)) => {
                Err(Error::Aborted)
            }
            Stage::Joint(_) | Stage::AwaitFinal { .. } if self.is_listing() => {
                self.discard(cx);
                Ok(Step::Pending)
            }
            Stage::Joint(_) | Stage::AwaitFinal { .. } => {
                Ok(Step::Interrupted(Error::Aborted, Interruption::Abort))
            }
            _ => Err(Error::Aborted),
        }
    }

    /// Reads and discards the rest of a listing for half of the time that settling may take, so that the other half
    /// is left to cut it off. If a listing is cut off, Pure-FTPd puts the rest of it before the next one
    fn discard(&self, cx: &mut Context<'_>) {
        if let Some(data) = &cx.wire.data {
            if data.state == DataState::Moving {
                cx.wire.actions.push_back(Action::Discard(data.id));
            }
        }
        let wait = cx.wire.config.settle_timeout / 2;
        cx.wire.timers.set_after(Timer::Discard, cx.now, wait, Phase::Transfer);
        cx.wire.start_settling(cx.now);
    }

    fn begin(&mut self, cx: &mut Context<'_>) -> Result<Step, Error> {
        let is_uncertain = cx.wire.session.marker != RestartMarker::Clear;
        let becomes_text =
            self.type_ == TransferType::Ascii && cx.wire.session.type_ != Some(self.type_);
        if is_uncertain && becomes_text && self.offset == 0 {
            self.stage = Stage::ClearMarker;
            cx.send(&Command::number(Verb::REST, 0));
            return Ok(Step::Pending);
        }
        self.set_type(cx)
    }

    fn set_type(&mut self, cx: &mut Context<'_>) -> Result<Step, Error> {
        if SetType(self.type_).start(cx) {
            return self.open(cx);
        }
        let passive = cx.wire.config.data_mode == DataMode::Passive;
        let has_port = matches!(cx.wire.session.ahead, Ahead::Port(..));
        if passive && !has_port && cx.may_pipeline(first_passive(cx)) {
            let mut open = Open::new(cx.wire.config.data_mode);
            open.step(Input::Start, cx)?;
            self.stage = Stage::TypeAndOpen(open);
        }
        Ok(Step::Pending)
    }

    fn open(&mut self, cx: &mut Context<'_>) -> Result<Step, Error> {
        let passive = cx.wire.config.data_mode == DataMode::Passive;
        if let Some(open) = passive.then(|| Open::ahead(cx)).flatten() {
            self.stage = Stage::Open(open);
            return Ok(Step::Pending);
        }
        let mut open = Open::new(cx.wire.config.data_mode);
        open.step(Input::Start, cx)?;
        self.stage = Stage::Open(open);
        Ok(Step::Pending)
    }

    fn restart_or_ask(&mut self, cx: &mut Context<'_>) -> Result<Step, Error> {
        // A marker from an earlier REST may still be set on the server: clear it.
        if self.offset > 0 || cx.wire.session.marker != RestartMarker::Clear {
            self.stage = Stage::Rest;
            if self.offset > 0 {
                // This holds from now on, whether the reply comes or not.
                cx.wire.session.marker = cx.wire.session.marker.asked();
            }
            cx.send(&Command::number(Verb::REST, self.offset));
            return Ok(Step::Pending);
        }
        self.ask(cx)
    }

    fn restarted(&mut self, reply: Reply, cx: &mut Context<'_>) -> Result<Step, Error> {
        let marker = &mut cx.wire.session.marker;
        *marker = match self.offset {
            0 => cleared(*marker, &reply),
            _ => marker.answered(reply.kind()),
        };
        match reply.kind() {
            ReplyKind::Preliminary => Ok(Step::Pending),
            _ if self.offset == 0 && *marker == RestartMarker::Clear => self.ask(cx),
            // RFC 959 has 350 here, and no server is known that accepts a position with a 2yz (Q53). One that only
            // ignores REST would send the file from its beginning.
            ReplyKind::Completion => Err(Error::UnexpectedReply(reply)),
            ReplyKind::Intermediate => self.ask(cx),
            // If a marker was to be cleared, it may still be set, and the beginning of the file would be missing.
            ReplyKind::Transient | ReplyKind::Permanent => Err(Error::from_reply(reply)),
        }
    }

    fn ask(&mut self, cx: &mut Context<'_>) -> Result<Step, Error> {
        cx.send(&match &self.argument {
            Some(argument) => Command::new(self.verb, argument),
            None => Command::bare(self.verb),
        });
        self.stage = Stage::Joint(ControlSide::Requested);
        if let Some(DataState::Listening(_)) = cx.wire.data_state() {
            let wait = cx.wire.config.data_connect_timeout;
            cx.wire.data_deadline(cx.now, wait, Phase::DataAccept);
        }
        self.settle(cx)
    }
}

/// Returns what is known of the server's restart marker after this reply to `REST 0`
fn cleared(marker: RestartMarker, reply: &Reply) -> RestartMarker {
    match (marker, reply.kind()) {
        (_, ReplyKind::Intermediate | ReplyKind::Completion) => RestartMarker::Clear,
        // The server does not know REST, and has not granted one.
        (RestartMarker::Asked, ReplyKind::Permanent) if is_unknown(reply) => RestartMarker::Clear,
        _ => marker,
    }
}
