//! What the server says, on its way to the client, with the faults that befall it

use std::time::Duration;

use ftp_proto::DataEvent;

use super::session::What;
use super::{Answer, ControlFault, Fault, Place, ReplyFault, Session};

impl Session {
    pub(super) fn answer(&mut self, answers: Vec<Answer>) {
        for answer in answers {
            match answer {
                Answer::Reply(code, text) => self.reply(code, &text),
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
                    if let Some((id, _)) = self.data {
                        self.later(2, What::Ends(id, DataEvent::Finished));
                    }
                }
                Answer::Close => self.later(1, What::ClientEof),
            }
        }
    }

    pub(super) fn reply(&mut self, code: u16, text: &str) {
        let number = self.replies;
        self.replies += 1;
        let separator = if text.starts_with('-') { "" } else { " " };
        let line = format!("{code}{separator}{text}\r\n").into_bytes();
        let mut close = false;
        let bytes = match self.fault {
            Fault::Reply(how, at) if at == number => match how {
                ReplyFault::Replaced(class) => format!("{class}99 instead\r\n").into_bytes(),
                ReplyFault::Doubled => [line.as_slice(), &line].concat(),
                ReplyFault::Dropped => Vec::new(),
                ReplyFault::Delayed => {
                    self.last[1] = self.now + Duration::from_secs(1000);
                    line
                }
            },
            Fault::Closing(place, at) if at == number => {
                close = true;
                match place {
                    Place::Before => b"421 closing\r\n".to_vec(),
                    Place::Between => [&line[..line.len() / 2], b"\r\n421 closing\r\n"].concat(),
                    Place::After => [line.as_slice(), b"421 closing\r\n"].concat(),
                }
            }
            _ => line,
        };
        self.deliver(bytes);
        if close && self.control_open {
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
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(1 + self.seed.below(rest.len()));
            self.later(1, What::ToClient(piece.to_vec()));
            rest = tail;
        }
    }
}
