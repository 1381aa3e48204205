//! The control connection: bytes to write, expected replies, the TLS barrier
//!
//! [`Control`] counts replies. Every command sent is answered by one final reply (2yz to 5yz), in order; a
//! command that waits for its reply is in `expected`. A preliminary reply (1yz) does not count. The client knows what
//! each reply is for.

pub(crate) mod answers;
pub(crate) mod command;
pub(crate) mod effects;
pub(crate) mod escaped;
pub(crate) mod features;
pub mod fields;
pub(crate) mod reply;
pub(crate) mod secrets;
pub(crate) mod telnet;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::hint::black_box;

use command::{Command, Verb};
use effects::Effects;
use reply::{Code, Reply, ReplyConfig, ReplyError, ReplyParser};
use secrets::Secrets;

/// What forbids clear text on the control connection
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Barrier {
    /// Nothing: bytes may pass
    Down,
    /// TLS is being started: no byte may pass in clear text in either direction
    Securing,
    /// TLS is being ended
    Clearing,
}

/// A command whose final reply has not come yet
#[derive(Clone, Copy, Debug)]
struct Expected {
    verb: Verb,
    purpose: Purpose,
    /// Whether its answer may repeat a secret: its own, or one of an earlier login
    about_secrets: bool,
    /// Position after the command's last byte, counted over all bytes that were ever queued
    end: u64,
}

/// The purpose of a command
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Request,
    /// To show by its answer that everything before it has been answered
    Sentinel,
    /// EPSV for the next transfer, sent during the running one (prefetch.rs)
    Prefetch,
}

#[derive(Debug)]
pub(crate) struct Control {
    parser: ReplyParser,
    out: OutBuffer,
    expected: VecDeque<Expected>,
    certainty: Certainty,
    barrier: Barrier,
    telnet: bool,
    pub(crate) effects: Effects,
    /// The passwords and accounts that were sent, and those that a proxy has received
    secrets: Secrets,
}

/// Whether each expected reply will come
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    Certain,
    /// A command was sent again that the server may have received the first time
    Uncertain,
}

impl Control {
    pub(crate) fn new(config: ReplyConfig, telnet: bool, barrier: Barrier) -> Self {
        Self {
            parser: ReplyParser::new(config),
            out: OutBuffer::default(),
            expected: VecDeque::new(),
            certainty: Certainty::Certain,
            barrier,
            telnet,
            effects: Effects::default(),
            secrets: Secrets::default(),
        }
    }

    pub(crate) fn has_partial_reply(&self) -> bool {
        self.parser.is_partial()
    }

    /// From now on, sends 0xFF without doubling it
    pub(crate) const fn send_iac_single(&mut self) {
        self.telnet = false;
    }

    /// Queues a command and expects its reply from now on
    pub(crate) fn send(&mut self, command: &Command<'_>) {
        self.queue(command, Purpose::Request);
    }

    /// Queues a command whose answer will show that everything before it has been answered
    pub(crate) fn send_sentinel(&mut self, command: &Command<'_>) {
        self.queue(command, Purpose::Sentinel);
    }

    /// Queues a command that is answered before or after the command that is unanswered already
    pub(crate) fn send_prefetch(&mut self, command: &Command<'_>) {
        self.queue(command, Purpose::Prefetch);
    }

    /// Whether a command that was sent during a transfer is unanswered
    pub(crate) fn expects_prefetch(&self) -> bool {
        self.expected.iter().any(|expected| expected.purpose == Purpose::Prefetch)
    }

    /// Whether it comes next, because the transfer has been answered
    pub(crate) fn prefetch_is_first(&self) -> bool {
        self.expected.front().is_some_and(|expected| expected.purpose == Purpose::Prefetch)
    }

    /// Records the final reply to the command that was sent during a transfer
    pub(crate) fn prefetch_answered(&mut self) {
        self.expected.retain(|expected| expected.purpose != Purpose::Prefetch);
    }

    /// Remembers a secret that another peer has received
    pub(crate) fn remember_secret(&mut self, secret: &[u8]) {
        self.secrets.remember(secret);
    }

    /// Replaces the secrets in a reply that repeats them, so that no error, event or trace shows them
    pub(crate) fn mask_secrets(&self, reply: &mut Reply) {
        if !self.secrets.is_empty() && self.may_repeat_secrets(reply) {
            if let Some(text) = self.secrets.mask(reply.text()) {
                *reply = Reply::new(reply.code(), &text);
            }
        }
    }

    /// Whether a reply is searched for secrets
    ///
    /// While a command with a secret is unanswered, any reply may be about it, even if the commands before it in a batch
    /// are unanswered, too. A reply that answers no command may also be about it.
    fn may_repeat_secrets(&self, reply: &Reply) -> bool {
        self.expected.is_empty()
            || self.expected.iter().any(|expected| expected.about_secrets)
            || secrets::may_repeat(reply)
    }

    fn queue(&mut self, command: &Command<'_>, purpose: Purpose) {
        let has_secrets = self.secrets.learn(command);
        self.effects.sent(command);
        self.out.push(command, self.telnet);
        let verb = command.verb();
        let about_secrets = has_secrets || is_of_login(verb);
        self.expected.push_back(Expected { verb, purpose, about_secrets, end: self.out.queued });
    }

    /// Parses `input` up to the end of a reply; returns the number of bytes consumed, and the reply if it is complete
    pub(crate) fn receive(&mut self, input: &[u8]) -> Result<(usize, Option<Reply>), ReplyError> {
        self.parser.parse(input).map_err(|error| error.without(&self.secrets))
    }

    #[inline]
    pub(crate) fn unsent(&self) -> Option<&[u8]> {
        let bytes = self.out.unsent();
        (!bytes.is_empty()).then_some(bytes)
    }

    pub(crate) fn written(&mut self, count: usize) {
        self.out.written(count);
    }

    /// Whether every command that waits for a reply has been written
    pub(crate) fn all_written(&self) -> bool {
        self.expected.back().is_none_or(|last| last.end <= self.out.sent)
    }

    /// Whether the command whose reply comes next has been written
    pub(crate) fn front_written(&self) -> bool {
        self.expected.front().is_none_or(|first| first.end <= self.out.sent)
    }

    /// Returns the command whose reply comes next
    pub(crate) fn front(&self) -> Option<Verb> {
        self.expected.front().map(|expected| expected.verb)
    }

    /// Returns the last command that has no reply yet
    pub(crate) fn back(&self) -> Option<Verb> {
        self.expected.back().map(|expected| expected.verb)
    }

    /// Returns the request that waits for its reply after the first command
    pub(crate) fn second(&self) -> Option<Verb> {
        let second = self.expected.get(1).filter(|second| second.purpose == Purpose::Request)?;
        Some(second.verb)
    }

    /// Whether another request waits for its reply after the first command
    pub(crate) fn expects_a_batch(&self) -> bool {
        self.second().is_some()
    }

    /// Records the final reply to the first command that waits for one
    pub(crate) fn reply_received(&mut self) {
        self.expected.pop_front();
    }

    /// Expects another final reply to this command of a transfer next, because the one that came was not its own
    pub(crate) fn expect_again(&mut self, verb: Verb) {
        let (purpose, about_secrets) = (Purpose::Request, false);
        self.expected.push_front(Expected { verb, purpose, about_secrets, end: self.out.sent });
    }

    /// Whether the next reply is expected to answer a sentinel
    pub(crate) fn front_is_sentinel(&self) -> bool {
        self.expected.front().is_some_and(|expected| expected.purpose == Purpose::Sentinel)
    }

    /// Whether a sentinel is unanswered
    pub(crate) fn owes_sentinel(&self) -> bool {
        self.sentinel().is_some()
    }

    /// Returns the last sentinel that is unanswered
    pub(crate) fn sentinel(&self) -> Option<Verb> {
        let is_sentinel = |expected: &&Expected| expected.purpose == Purpose::Sentinel;
        self.expected.iter().rev().find(is_sentinel).map(|expected| expected.verb)
    }

    /// Records the answer to a sentinel, if a reply with this code can only be that, and removes the sentinels
    /// before it
    pub(crate) fn sentinel_received(&mut self, code: Code) -> bool {
        let verb = match code {
            Code::ACTION_PENDING => Verb::REST,
            Code::PATHNAME => Verb::PWD,
            _ => return false,
        };
        let is_it =
            |expected: &Expected| expected.purpose == Purpose::Sentinel && expected.verb == verb;
        let Some(index) = self.expected.iter().position(is_it) else { return false };
        // A sentinel that was sent before this one was refused or ignored.
        self.drop_sentinels_before(index + 1);
        true
    }

    /// Stops waiting for answers to the sentinels before the last one, because they were refused or ignored
    pub(crate) fn drop_earlier_sentinels(&mut self) {
        let is_sentinel = |expected: &Expected| expected.purpose == Purpose::Sentinel;
        if let Some(last) = self.expected.iter().rposition(is_sentinel) {
            self.drop_sentinels_before(last);
        }
    }

    /// Stops waiting for answers to sentinels, because all were refused
    pub(crate) fn drop_sentinels(&mut self) {
        self.drop_sentinels_before(self.expected.len());
    }

    fn drop_sentinels_before(&mut self, end: usize) {
        let mut place = 0;
        self.expected.retain(|expected| {
            place += 1;
            place > end || expected.purpose != Purpose::Sentinel
        });
    }

    /// Records that fewer replies than expected may come
    pub(crate) fn set_uncertain(&mut self) {
        self.certainty = Certainty::Uncertain;
    }

    pub(crate) fn is_uncertain(&self) -> bool {
        self.certainty == Certainty::Uncertain
    }

    /// Stops waiting for any reply, because a sentinel has settled them, or the session has ended
    pub(crate) fn expect_nothing(&mut self) {
        self.expected.clear();
        self.certainty = Certainty::Certain;
    }

    pub(crate) fn expects_nothing(&self) -> bool {
        self.expected.is_empty()
    }

    pub(crate) const fn barrier(&self) -> Barrier {
        self.barrier
    }

    pub(crate) fn set_barrier(&mut self, barrier: Barrier) {
        self.barrier = barrier;
    }

    /// Ends the connection: nothing is sent or expected any more, and secrets are wiped
    pub(crate) fn shut(&mut self) {
        self.out.wipe();
        self.secrets.clear();
        self.expect_nothing();
        self.barrier = Barrier::Down;
    }
}

/// Whether a command belongs to a login, also at an FTP proxy
fn is_of_login(verb: Verb) -> bool {
    matches!(verb, Verb::USER | Verb::PASS | Verb::ACCT | Verb::OPEN)
}

/// Bytes to write, which the driver reads, writes and reports as written
#[derive(Default)]
struct OutBuffer {
    bytes: Vec<u8>,
    start: usize,
    /// Total number of bytes queued (`queued`), and of bytes reported as written (`sent`)
    queued: u64,
    sent: u64,
}

impl OutBuffer {
    #[inline]
    fn unsent(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    fn push(&mut self, command: &Command<'_>, telnet: bool) {
        // Growing in place would leave a copy of a queued password in freed memory.
        let needed = command.max_encoded_len();
        if self.bytes.capacity() - self.bytes.len() < needed {
            let mut grown = Vec::with_capacity((self.unsent().len() + needed).max(256));
            grown.extend_from_slice(self.unsent());
            self.bytes.fill(0);
            black_box(&self.bytes);
            self.bytes = grown;
            self.start = 0;
        }
        let before = self.bytes.len();
        command.encode(&mut self.bytes, telnet);
        self.queued += (self.bytes.len() - before) as u64;
    }

    fn written(&mut self, count: usize) {
        let count = count.min(self.unsent().len());
        self.start += count;
        self.sent += count as u64;
        if self.start == self.bytes.len() {
            self.wipe();
        }
    }

    /// Clears the buffer, passwords included
    fn wipe(&mut self) {
        self.bytes.fill(0);
        black_box(&self.bytes);
        self.bytes.clear();
        self.start = 0;
    }
}

/// Never shows the bytes, which may contain a password
impl core::fmt::Debug for OutBuffer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "OutBuffer({} bytes)", self.unsent().len())
    }
}
