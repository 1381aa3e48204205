//! What the server says, on its way to the client, with the faults that befall it

use std::time::Duration;

use ftp_proto::DataEvent;

use super::session::{Stray, What};
use super::{Answer, ControlFault, FOREIGN, Fault, Place, REFUSALS, ReplyFault, Said, Session};

impl Session {
    pub(super) fn answer(&mut self, answers: Vec<Answer>) {
        for answer in answers {
            match answer {
                Answer::Reply(deed, code, text) => self.reply(deed, code, &text),
                Answer::Stray(code, text) => self.stray(code, &text),
                Answer::Connect => {
                    let patience = self.now + Duration::from_secs(10);
                    self.at(patience, What::AcceptTimeout(self.number));
                    self.connect();
                }
                Answer::Send(bytes) => match self.data {
                    Some((id, number)) if self.server.is_connected() => {
                        self.send(id, number, bytes);
                    }
                    _ => self.pending = Some(bytes),
                },
                Answer::Hang => {
                    self.pending = None;
                    if let Some((id, _)) = self.data {
                        self.later(2, What::Ends(id, DataEvent::Finished));
                    }
                }
                Answer::Close => self.later(1, What::ClientEof),
            }
        }
    }

    /// A reply that answers nothing
    pub(super) fn stray(&mut self, code: u16, text: &str) {
        if !self.control_open || self.silent {
            return;
        }
        self.deliver(format!("{code} {text}\r\n").into_bytes());
        self.strays.push(Stray { code, end: self.queued, idle: None });
    }

    pub(super) fn reply(&mut self, deed: usize, code: u16, text: &str) {
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
                    self.last[1] = self.now + Duration::from_secs(1000);
                    line
                }
            },
            Fault::Closing(place, at) if at == number => {
                close = true;
                match place {
                    Place::Before => {
                        let closing = b"421 closing\r\n".to_vec();
                        said.code = 0;
                        closing
                    }
                    Place::Between => {
                        // Half a line is a reply if its code is there, and half a text is its text.
                        if line.len() / 2 < 3 || text.contains('\n') {
                            said.code = 0;
                        }
                        [&line[..line.len() / 2], b"\r\n421 closing\r\n"].concat()
                    }
                    Place::After => [line.as_slice(), b"421 closing\r\n"].concat(),
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
        let open = self.control_open && !self.silent;
        self.deliver(bytes.clone());
        if open && !lost {
            let end = if close { queued - b"421 closing\r\n".len() } else { queued };
            said.end = (end <= self.queued).then_some(end);
            if said.end.is_some() && said.code / 100 != 1 {
                self.finals.push_back(end);
            }
        }
        self.server.deeds[deed].said.push(said);
        match stray {
            // The same line once more.
            Some((_, 0)) => {
                self.deliver(bytes);
                self.strays.push(Stray { code, end: self.queued, idle: None });
            }
            Some((index, 1)) => {
                let (code, text) = FOREIGN[usize::from(index)];
                self.stray(code, text);
            }
            Some((index, _)) => {
                let wait = Duration::from_millis(200 + self.seed.below(3000) as u64);
                self.at(self.now + wait, What::Stray(index));
            }
            None => {}
        }
        if close && self.control_open {
            self.closing = Some((self.queued, None));
            self.control_open = false;
            self.later(1, What::ClientEof);
        }
    }

    pub(super) fn deliver(&mut self, bytes: Vec<u8>) {
        if !self.control_open || self.silent {
            return;
        }
        let before = self.bytes;
        self.bytes += bytes.len();
        let mut bytes = bytes;
        if let Fault::Control(how, at) = self.fault {
            // The last place is behind everything.
            if (before..=self.bytes).contains(&at) && (at < self.bytes || at == before) {
                let place = at - before;
                match how {
                    ControlFault::Cut => {
                        bytes.truncate(place);
                        self.pieces(&bytes);
                        self.control_open = false;
                        return self.later(1, What::ClientEof);
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
        self.pieces(&bytes);
    }

    pub(super) fn pieces(&mut self, bytes: &[u8]) {
        self.queued += bytes.len();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(1 + self.seed.below(rest.len()));
            self.later(1, What::ToClient(piece.to_vec()));
            rest = tail;
        }
    }
}
