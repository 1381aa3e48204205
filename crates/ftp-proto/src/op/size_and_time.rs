//! Size and time of a file: SIZE and MDTM (RFC 3659 sections 4 and 3), in one round trip if that is allowed
//!
//! ```text
//! (TYPE I ──▶) SIZE ──▶ MDTM ── answered or refused ──▶ done
//!   └────────────┴─ in a batch (batch.rs): no command waits for the reply to the one before
//! ```
//!
//! If the server answers that it does not know a command of a batch, that command and those after it are sent again, one
//! by one.
//!
//! In TYPE A, servers count what they would send as text, so without TYPE I the size is not known.

use crate::claim::{Outcome, SizeAndTime};
use crate::control::command::{Argument, Command, Verb};
use crate::control::fields;
use crate::control::reply::{Reply, ReplyKind};
use crate::error::Error;
use crate::op::machine::{Context, Input, Step, completion};
use crate::op::set_type::SetType;
use crate::session::Batches;
use crate::terms::TransferType;
use crate::timer::Timer;

const BINARY: SetType = SetType(TransferType::Image);

#[derive(Debug)]
pub(crate) struct SizeAndTimeOp {
    path: Argument,
    found: SizeAndTime,
    /// The question whose reply comes next
    turn: Question,
    /// The question that is asked next; `None` after the last
    next: Option<Question>,
    manner: Manner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Type,
    Size,
    Time,
}

/// How the questions are asked, which decides what a refusal of one means
#[derive(Clone, Copy, Debug)]
enum Manner {
    OneByOne,
    /// Together; with the first question that was refused as unknown, perhaps only because it was in a batch
    Batch(Option<Question>),
    /// One by one, from the one that was refused so
    Again(Question),
}

impl Question {
    const fn verb(self) -> Verb {
        match self {
            Self::Type => Verb::TYPE,
            Self::Size => Verb::SIZE,
            Self::Time => Verb::MDTM,
        }
    }

    const fn next(self) -> Option<Self> {
        match self {
            Self::Type => Some(Self::Size),
            Self::Size => Some(Self::Time),
            Self::Time => None,
        }
    }
}

impl SizeAndTimeOp {
    pub(crate) const fn new(path: Argument) -> Self {
        let found = SizeAndTime { size: None, modified: None };
        Self { path, found, turn: Question::Type, next: None, manner: Manner::OneByOne }
    }

    pub(crate) fn step(&mut self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match input {
            Input::Start => {
                self.found = SizeAndTime { size: None, modified: None };
                self.manner = Manner::OneByOne;
                self.begin(Question::Type, cx);
            }
            Input::Quiet => {
                cx.wire.session.batches = Batches::Refused;
                cx.wire.control.set_uncertain();
                return Ok(Step::Again);
            }
            Input::Reply(reply) if reply.kind() != ReplyKind::Preliminary => {
                return Ok(self.answered(reply, cx));
            }
            _ => {}
        }
        Ok(Step::Pending)
    }

    /// Asks this question, and those after it that need not wait for its reply
    fn begin(&mut self, question: Question, cx: &mut Context<'_>) {
        self.turn = question;
        self.next = Some(question);
        self.ask(cx);
    }

    /// Asks the next question, and those after it that need not wait for its reply
    fn ask(&mut self, cx: &mut Context<'_>) {
        while let Some(question) = self.next {
            let is_alone = self.turn == question;
            let may_follow =
                !matches!(self.manner, Manner::Again(_)) && cx.may_pipeline(question.verb());
            if !is_alone && !may_follow {
                return;
            }
            self.next = question.next();
            match question {
                Question::Type if BINARY.start(cx) => self.turn = Question::Size,
                Question::Type => {}
                Question::Size => cx.send(&Command::new(Verb::SIZE, &self.path)),
                Question::Time => cx.send(&Command::new(Verb::MDTM, &self.path)),
            }
            if !is_alone && matches!(self.manner, Manner::OneByOne) {
                self.manner = Manner::Batch(None);
            }
        }
    }

    fn answered(&mut self, reply: Reply, cx: &mut Context<'_>) -> Step {
        cx.wire.timers.stop(Timer::Quiet);
        let question = self.turn;
        let is_unknown = matches!(reply.code().get(), 500..=504);
        match &mut self.manner {
            Manner::Batch(first @ None) if is_unknown => *first = Some(question),
            // The server knows the command, but not in a batch.
            Manner::Again(first) if *first == question && !is_unknown => {
                cx.wire.session.batches = Batches::Refused;
            }
            _ => {}
        }
        self.take(question, reply, cx);
        match (question.next(), self.manner) {
            (Some(next), _) => {
                let is_sent = self.next != Some(next);
                self.turn = next;
                self.ask(cx);
                if is_sent {
                    cx.await_batch();
                }
            }
            (None, Manner::Batch(Some(first))) => {
                self.manner = Manner::Again(first);
                self.begin(first, cx);
            }
            (None, _) => return Step::Done(Outcome::SizeAndTime(self.found)),
        }
        Step::Pending
    }

    /// Takes the final reply to a question; a refusal leaves what was found unchanged
    fn take(&mut self, question: Question, reply: Reply, cx: &mut Context<'_>) {
        if question == Question::Type {
            // Without TYPE I, the size is not used, and the time does not depend on it.
            let _ = BINARY.replied(reply, cx);
            return;
        }
        let is_binary = cx.wire.session.type_ == Some(TransferType::Image);
        let Ok(reply) = completion(reply) else { return };
        match question {
            Question::Size if is_binary => self.found.size = fields::parse_size(reply.text()),
            Question::Time => self.found.modified = fields::parse_time(reply.text()),
            Question::Type | Question::Size => {}
        }
    }
}
