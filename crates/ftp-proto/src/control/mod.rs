//! The control connection: bytes to write, replies owed, the TLS barrier
//!
//! [`Control`] counts. Every command that goes out owes one final reply (2yz to 5yz), in order;
//! preliminary ones (1yz) pay nothing. Who waits for the reply is the client's business.

pub(crate) mod answers;
pub(crate) mod command;
pub(crate) mod effects;
pub(crate) mod escaped;
pub(crate) mod features;
pub mod fields;
pub(crate) mod reply;
pub(crate) mod telnet;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::hint::black_box;

use command::{Command, Verb};
use effects::Effects;
use reply::{Code, Reply, ReplyConfig, ReplyError, ReplyParser};

/// What stands between the control connection and the next byte
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Barrier {
    /// Nothing
    Down,
    /// TLS is being set up: not a byte in either direction (Q79)
    Securing,
    /// TLS is being taken down
    Clearing,
}

/// A command whose final reply has not come yet
#[derive(Clone, Copy, Debug)]
struct Owed {
    verb: Verb,
    purpose: Purpose,
    /// Position behind the command's last byte in all that was ever queued
    end: u64,
}

/// What a command is sent for
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Request,
    /// Its answer shows that everything before it has been answered
    Sentinel,
}

#[derive(Debug)]
pub(crate) struct Control {
    parser: ReplyParser,
    out: OutBuffer,
    owed: VecDeque<Owed>,
    account: Account,
    barrier: Barrier,
    telnet: bool,
    pub(crate) effects: Effects,
}

/// Whether as many replies are to come as are owed
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Account {
    Certain,
    /// A command was sent again that may have been heard the first time
    Doubtful,
}

impl Control {
    pub(crate) fn new(config: ReplyConfig, telnet: bool, barrier: Barrier) -> Self {
        Self {
            parser: ReplyParser::new(config),
            out: OutBuffer::default(),
            owed: VecDeque::new(),
            account: Account::Certain,
            barrier,
            telnet,
            effects: Effects::default(),
        }
    }

    /// From now on 0xFF is sent as it is
    pub(crate) const fn send_iac_single(&mut self) {
        self.telnet = false;
    }

    /// Queues a command; its reply is owed from now on
    pub(crate) fn send(&mut self, command: &Command<'_>) {
        self.queue(command, Purpose::Request);
    }

    /// Queues a command whose answer is to show that everything before it has been answered
    pub(crate) fn send_sentinel(&mut self, command: &Command<'_>) {
        self.queue(command, Purpose::Sentinel);
    }

    fn queue(&mut self, command: &Command<'_>, purpose: Purpose) {
        self.effects.sent(command);
        self.out.push(command, self.telnet);
        self.owed.push_back(Owed { verb: command.verb(), purpose, end: self.out.queued });
    }

    /// Takes what it can from `input`: the bytes consumed, and a reply if one became complete
    pub(crate) fn receive(&mut self, input: &[u8]) -> Result<(usize, Option<Reply>), ReplyError> {
        self.parser.parse(input)
    }

    pub(crate) fn unsent(&self) -> Option<&[u8]> {
        let bytes = self.out.unsent();
        (!bytes.is_empty()).then_some(bytes)
    }

    pub(crate) fn written(&mut self, count: usize) {
        self.out.written(count);
    }

    /// Whether every command owed a reply has been written out
    pub(crate) fn all_written(&self) -> bool {
        self.owed.back().is_none_or(|last| last.end <= self.out.sent)
    }

    /// Whether the command whose reply comes next has been written out
    pub(crate) fn front_written(&self) -> bool {
        self.owed.front().is_none_or(|first| first.end <= self.out.sent)
    }

    /// The command whose reply comes next
    pub(crate) fn front(&self) -> Option<Verb> {
        self.owed.front().map(|owed| owed.verb)
    }

    /// The last command that has no answer yet
    pub(crate) fn back(&self) -> Option<Verb> {
        self.owed.back().map(|owed| owed.verb)
    }

    /// A final reply has come for the front command
    pub(crate) fn pay(&mut self) {
        self.owed.pop_front();
    }

    /// What came was not the final reply after all: one is still owed, and it is next
    pub(crate) fn owe_again(&mut self, verb: Verb) {
        self.owed.push_front(Owed { verb, purpose: Purpose::Request, end: self.out.sent });
    }

    /// Whether the reply that comes next is a sentinel's
    pub(crate) fn front_is_sentinel(&self) -> bool {
        self.owed.front().is_some_and(|owed| owed.purpose == Purpose::Sentinel)
    }

    /// Takes a sentinel from what is owed, and those before it, if a reply of this code can only be its
    /// answer
    pub(crate) fn pay_sentinel(&mut self, code: Code) -> bool {
        let verb = match code {
            Code::ACTION_PENDING => Verb::REST,
            Code::PATHNAME => Verb::PWD,
            _ => return false,
        };
        let is_it = |owed: &Owed| owed.purpose == Purpose::Sentinel && owed.verb == verb;
        let Some(index) = self.owed.iter().position(is_it) else { return false };
        // One that was sent before it was refused or swallowed.
        let mut place = 0;
        self.owed.retain(|owed| {
            place += 1;
            place > index + 1 || owed.purpose != Purpose::Sentinel
        });
        true
    }

    /// Takes all sentinels from what is owed: they were refused
    pub(crate) fn drop_sentinels(&mut self) {
        self.owed.retain(|owed| owed.purpose != Purpose::Sentinel);
    }

    /// From here on there may be fewer replies to come than are owed
    pub(crate) fn doubt(&mut self) {
        self.account = Account::Doubtful;
    }

    pub(crate) fn in_doubt(&self) -> bool {
        self.account == Account::Doubtful
    }

    /// Nobody waits for anything any more: settled by a sentinel, or the end
    pub(crate) fn forgive(&mut self) {
        self.owed.clear();
        self.account = Account::Certain;
    }

    pub(crate) fn owes_nothing(&self) -> bool {
        self.owed.is_empty()
    }

    pub(crate) const fn barrier(&self) -> Barrier {
        self.barrier
    }

    pub(crate) fn set_barrier(&mut self, barrier: Barrier) {
        self.barrier = barrier;
    }

    /// The end: nothing is sent, nothing is owed, secrets are wiped
    pub(crate) fn shut(&mut self) {
        self.out.wipe();
        self.forgive();
        self.barrier = Barrier::Down;
    }
}

/// Bytes to write; a level that the driver looks at, writes from and reports on
#[derive(Default)]
struct OutBuffer {
    bytes: Vec<u8>,
    start: usize,
    /// Bytes ever queued and ever reported written
    queued: u64,
    sent: u64,
}

impl OutBuffer {
    fn unsent(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    fn push(&mut self, command: &Command<'_>, telnet: bool) {
        // Growing in place would leave a copy of a queued password behind in freed memory.
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

/// Never the bytes: a password may be among them
impl core::fmt::Debug for OutBuffer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "OutBuffer({} bytes)", self.unsent().len())
    }
}
