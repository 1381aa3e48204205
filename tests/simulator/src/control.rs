//! The server's bytes on the control connection, on their way to the client

use std::time::Duration;

use ftp_proto::DataEvent;

use super::replies::Out;
use super::session::What;
use super::{Answer, Session};

impl Session {
    pub(super) fn answer(&mut self, answers: Vec<Answer>) {
        for answer in answers {
            match answer {
                Answer::Reply(deed, code, text) => {
                    let mut out = Vec::new();
                    let deed = &mut self.server.deeds[deed];
                    self.control.reply(deed, code, &text, &mut out);
                    self.send_control(out);
                }
                Answer::Stray(code, text) => self.stray(code, &text),
                Answer::Pause(pause) => self.send_control(vec![Out::Pause(pause)]),
                Answer::Connect => {
                    self.served = self.number;
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

    /// Sends a reply that answers no command
    pub(super) fn stray(&mut self, code: u16, text: &str) {
        let mut out = Vec::new();
        self.control.stray(code, text, &mut out);
        self.send_control(out);
    }

    fn send_control(&mut self, out: Vec<Out>) {
        for out in out {
            match out {
                Out::Bytes(bytes) => self.pieces(&bytes),
                Out::Pause(pause) => self.last[1] = self.now + pause,
                Out::End => self.later(1, What::ClientEof),
                Out::StrayLater(index) => {
                    let wait = Duration::from_millis(200 + self.seed.below(3000) as u64);
                    self.at(self.now + wait, What::Stray(index));
                }
            }
        }
    }

    fn pieces(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(1 + self.seed.below(rest.len()));
            self.later(1, What::ToClient(piece.to_vec()));
            rest = tail;
        }
    }
}
