//! The server's output on the control connection with its faults, and how much of it has reached the client

use std::collections::VecDeque;
use std::time::Duration;

use super::session::Stray;
use super::{ControlFault, Deed, FOREIGN, Fault, Position, REFUSALS, ReplyFault, Said};

/// An output on the control connection
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Out {
    /// Bytes
    Bytes(Vec<u8>),
    /// A pause of this length
    Pause(Duration),
    /// The end of the connection
    End,
    /// A moment later, the entry of [`FOREIGN`] with this index, which answers no command
    StrayLater(u16),
}

/// The server's side of the control connection
#[derive(Debug)]
pub(super) struct Replies {
    pub(super) fault: Fault,
    /// Number of bytes that the server sent before any fault
    pub(super) bytes: usize,
    /// Total number of bytes sent to the client
    pub(super) queued: usize,
    /// Number of bytes that have reached the client
    pub(super) delivered: usize,
    /// The same before the last delivery
    pub(super) floor: usize,
    /// Number of commands that the client has written, plus one for the greeting
    pub(super) asked: usize,
    /// The positions at which final replies end that have not reached the client
    finals: VecDeque<usize>,
    /// Number of final replies that have reached the client
    answered: usize,
    /// Number of replies so far
    pub(super) replies: usize,
    pub(super) strays: Vec<Stray>,
    /// The position at which the 421 ends, and when it reached the client
    pub(super) closing: Option<(usize, Option<Duration>)>,
    pub(super) open: bool,
    pub(super) silent: bool,
}

impl Replies {
    pub(super) const fn new(fault: Fault) -> Self {
        Self {
            fault,
            bytes: 0,
            queued: 0,
            delivered: 0,
            floor: 0,
            asked: 1,
            finals: VecDeque::new(),
            answered: 0,
            replies: 0,
            strays: Vec::new(),
            closing: None,
            open: true,
            silent: false,
        }
    }

    /// Drops a fault that has not occurred by the end of the task, so that it does not affect the requests after it
    pub(super) fn spare_the_proof(&mut self) {
        use super::DataFault::{AbortedLater, RefusedLater};
        self.fault = match self.fault {
            Fault::Control(..) if self.silent => self.fault,
            Fault::Data(RefusedLater | AbortedLater, _) => self.fault,
            _ => Fault::None,
        };
    }

    /// Counts bytes that reach the client, before the client handles them
    pub(super) fn count(&mut self, bytes: usize, now: Duration) {
        self.floor = self.delivered;
        self.delivered += bytes;
        if let Some((end, at @ None)) = &mut self.closing {
            if *end <= self.delivered {
                *at = Some(now);
            }
        }
        // In order, since one read may contain a stray reply and the answers after it.
        for index in 0..self.strays.len() {
            let stray = self.strays[index];
            if stray.idle.is_none() && stray.end <= self.delivered {
                self.count_finals(stray.end);
                self.strays[index].idle = Some(self.answered >= self.asked);
                self.strays[index].at = Some(now);
            }
        }
        self.count_finals(self.delivered);
    }

    /// Counts the final replies that end at or before this position
    fn count_finals(&mut self, until: usize) {
        while self.finals.front().is_some_and(|end| *end <= until) {
            self.finals.pop_front();
            self.answered += 1;
        }
    }

    /// Sends a reply that answers no command
    pub(super) fn stray(&mut self, code: u16, text: &str, out: &mut Vec<Out>) {
        if !self.open || self.silent {
            return;
        }
        self.deliver_stray(code, format!("{code} {text}\r\n").into_bytes(), out);
    }

    fn deliver_stray(&mut self, code: u16, bytes: Vec<u8>, out: &mut Vec<Out>) {
        let begin = self.queued;
        self.deliver(bytes, out);
        self.strays.push(Stray { code, begin, end: self.queued, idle: None, at: None });
    }

    /// Sends a reply to a command
    pub(super) fn reply(&mut self, deed: &mut Deed, code: u16, text: &str, out: &mut Vec<Out>) {
        let number = self.replies;
        self.replies += 1;
        let separator = if text.starts_with('-') { "" } else { " " };
        let line = format!("{code}{separator}{text}\r\n").into_bytes();
        let mut said = Said { code, text: text.to_owned(), honest: true, end: None };
        let mut close = false;
        let mut stray = None;
        let instead = |said: &mut Said, code: u16, text: &str| {
            *said = Said { code, text: text.to_owned(), honest: false, end: None };
            format!("{code} {text}\r\n").into_bytes()
        };
        let bytes = match self.fault {
            Fault::Reply(how, at) if at == number => match how {
                ReplyFault::Replaced(class) => instead(&mut said, class * 100 + 99, "instead"),
                ReplyFault::Foreign(index) => {
                    let (code, text) = FOREIGN[usize::from(index)];
                    instead(&mut said, code, text)
                }
                ReplyFault::Refusal(index) => {
                    let (code, text) = REFUSALS[usize::from(index)];
                    instead(&mut said, code, text)
                }
                ReplyFault::Doubled => {
                    stray = Some((code, 0));
                    line
                }
                ReplyFault::Dropped => Vec::new(),
                ReplyFault::Delayed => {
                    out.push(Out::Pause(Duration::from_secs(1000)));
                    line
                }
            },
            Fault::Closing(place, at) if at == number => {
                close = true;
                match place {
                    Position::Before => {
                        let closing = b"421 closing\r\n".to_vec();
                        said.code = 0;
                        closing
                    }
                    Position::Between => {
                        // Half a line is a reply if it contains the whole code, with half of the text.
                        if line.len() / 2 < 3 || text.contains('\n') {
                            said.code = 0;
                        }
                        [&line[..line.len() / 2], b"\r\n421 closing\r\n"].concat()
                    }
                    Position::After => [line.as_slice(), b"421 closing\r\n"].concat(),
                }
            }
            Fault::Stray(index, at, later) if at == number => {
                stray = Some((u16::from(index), 1 + usize::from(later)));
                line
            }
            _ => line,
        };
        let lost = bytes.is_empty() || said.code == 0;
        let queued = self.queued + bytes.len();
        let open = self.open && !self.silent;
        self.deliver(bytes.clone(), out);
        if open && !lost {
            let end = if close { queued - b"421 closing\r\n".len() } else { queued };
            said.end = (end <= self.queued).then_some(end);
            if said.end.is_some() && said.code / 100 != 1 {
                self.finals.push_back(end);
            }
        }
        deed.said.push(said);
        match stray {
            // The same line again.
            Some((_, 0)) => self.deliver_stray(code, bytes, out),
            Some((index, 1)) => {
                let (code, text) = FOREIGN[usize::from(index)];
                self.stray(code, text, out);
            }
            Some((index, _)) => {
                out.push(Out::StrayLater(index));
            }
            None => {}
        }
        if close && self.open {
            self.closing = Some((self.queued, None));
            self.open = false;
            out.push(Out::End);
        }
    }

    fn deliver(&mut self, bytes: Vec<u8>, out: &mut Vec<Out>) {
        if !self.open || self.silent {
            return;
        }
        let before = self.bytes;
        self.bytes += bytes.len();
        let mut bytes = bytes;
        if let Fault::Control(how, at) = self.fault {
            // The last place is after the last byte.
            if (before..=self.bytes).contains(&at) && (at < self.bytes || at == before) {
                let place = at - before;
                match how {
                    ControlFault::Cut => {
                        bytes.truncate(place);
                        self.say(bytes, out);
                        self.open = false;
                        return out.push(Out::End);
                    }
                    ControlFault::Silent => {
                        bytes.truncate(place);
                        self.silent = true;
                    }
                    ControlFault::Garbage => {
                        bytes.splice(place..place, *b"\x01\xFF?\r\n");
                        self.fault = Fault::None;
                    }
                }
            }
        }
        self.say(bytes, out);
    }

    fn say(&mut self, bytes: Vec<u8>, out: &mut Vec<Out>) {
        self.queued += bytes.len();
        out.push(Out::Bytes(bytes));
    }
}
