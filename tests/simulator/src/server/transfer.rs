//! Transfers of the modelled server

use std::time::Duration;

use super::{Answer, LISTING, Moving, Queued, Server, say};
use crate::{Early, Habit, Late, Next};

fn stray_finals(codes: &[u16], out: &mut Vec<Answer>) {
    for &code in codes {
        let text = if code == 226 { "ABOR must've succeeded" } else { "Transfer aborted" };
        out.push(Answer::Stray(code, text.to_owned()));
    }
}

impl Server {
    pub(super) fn transfer(&mut self, deed: usize, verb: &str, path: &str, out: &mut Vec<Answer>) {
        let late = std::mem::take(&mut self.late);
        let place = match self.habit {
            Habit::LateFinals { late, .. } => late,
            _ => Late::BeforeOpening,
        };
        let stray = |out: &mut Vec<Answer>| stray_finals(late, out);
        if place != Late::AfterOpening {
            stray(out);
        }
        let mut next = std::mem::replace(&mut self.next, Next::Whole);
        if let Habit::FinalEarly(end) = self.habit {
            next = end;
        }
        if let Next::Refused(code) = next {
            say(out, deed, code, "busy");
            if place == Late::AfterOpening {
                stray(out);
            }
            return;
        }
        if verb == "RETR" && self.offset > 0 && !self.refused_once {
            if let Habit::StickyRest(_) = self.habit {
                self.refused_once = true;
                return say(out, deed, 450, "busy, try again");
            }
        }
        if let Habit::FinalFirst(code) = self.habit {
            out.push(Answer::Stray(code, "Closing data connection".into()));
        }
        if matches!(verb, "STOR" | "APPE" | "STOU") {
            self.upload(deed, verb, path, next, out, &stray, place);
        } else {
            self.download(deed, verb, path, next, out, &stray, place);
        }
    }

    /// Accepts REST
    pub(super) fn restart(&mut self, deed: usize, offset: usize, out: &mut Vec<Answer>) {
        self.offset = offset;
        let late = matches!(self.habit, Habit::LateFinals { late: Late::AtRestart, .. });
        if late && offset > 0 && !self.late.is_empty() {
            stray_finals(std::mem::take(&mut self.late), out);
            out.push(Answer::Pause(Duration::from_secs(3)));
        }
        say(out, deed, 350, "restarting");
    }

    pub(super) fn open(&mut self, deed: usize, code: u16, text: &str, out: &mut Vec<Answer>) {
        match self.habit {
            Habit::NoOpening => return,
            Habit::OpeningLast => {
                self.opening = Some((code, text.to_owned()));
                return;
            }
            Habit::TwoOpenings => {
                say(out, deed, 150, text);
                return say(out, deed, 125, "Transfer starting");
            }
            _ => {}
        }
        say(out, deed, code, text);
        if let Habit::FinalEarly(_) = self.habit {
            let up = matches!(&*self.deeds[deed].verb, "STOR" | "APPE" | "STOU");
            out.push(Answer::Stray(if up { 226 } else { 200 }, "Accepted".into()));
        }
        if self.habit == Habit::Markers {
            say(out, deed, 110, "MARK 17 = 42");
            say(out, deed, 110, "MARK 226 = 45");
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one place calls it")]
    pub(super) fn download(
        &mut self,
        deed: usize,
        verb: &str,
        path: &str,
        next: Next,
        out: &mut Vec<Answer>,
        stray: &dyn Fn(&mut Vec<Answer>),
        late: Late,
    ) {
        let offset = std::mem::take(&mut self.offset);
        let mut bytes = match (verb, self.files.get(path)) {
            ("RETR", Some(file)) => file[offset.min(file.len())..].to_vec(),
            ("RETR", None) => return say(out, deed, 550, "no such file"),
            _ if self.here == "empty" => Vec::new(),
            _ => LISTING.to_vec(),
        };
        let whole = if verb == "RETR" { bytes.len() + offset } else { 0 };
        let (code, text, announced) = match self.habit {
            Habit::SizeInName if verb == "RETR" => {
                (150, format!("Opening data connection for {path}"), None)
            }
            _ if verb == "RETR" => self.profile.opening(path, bytes.len(), whole),
            _ => {
                (self.profile.opening("", 0, 0).0, "Here comes the directory listing.".into(), None)
            }
        };
        self.deeds[deed].due = bytes.len();
        self.deeds[deed].announced =
            announced.filter(|_| !matches!(self.habit, Habit::NoOpening | Habit::Queue));
        self.deeds[deed].offset = offset;
        if self.habit == Habit::Queue {
            let moving = Moving::Down { final_code: 226 };
            return self.queue(Queued { deed, moving, bytes }, out);
        }
        self.open(deed, code, &text, out);
        if late == Late::AfterOpening {
            stray(out);
        }
        let final_code = match next {
            Next::Cut(code) => {
                bytes.truncate(bytes.len() / 2);
                code
            }
            _ => 226,
        };
        self.moving = Moving::Down { final_code };
        self.mover = deed;
        out.push(Answer::Connect);
        out.push(Answer::Send(bytes));
    }

    #[expect(clippy::too_many_arguments, reason = "one place calls it")]
    pub(super) fn upload(
        &mut self,
        deed: usize,
        verb: &str,
        path: &str,
        next: Next,
        out: &mut Vec<Answer>,
        stray: &dyn Fn(&mut Vec<Answer>),
        late: Late,
    ) {
        let path = if verb == "STOU" { "unique.1" } else { path };
        let offset = std::mem::take(&mut self.offset);
        let old = self.files.get(path).cloned().unwrap_or_default();
        let kept = if verb == "APPE" { old } else { old[..offset.min(old.len())].to_vec() };
        self.files.insert(path.to_owned(), kept.clone());
        let text = if verb == "STOU" { "FILE: unique.1" } else { "send" };
        self.deeds[deed].offset = offset;
        if self.habit == Habit::Queue {
            let moving = Moving::Up { path: path.to_owned(), kept, final_code: 226 };
            return self.queue(Queued { deed, moving, bytes: Vec::new() }, out);
        }
        self.open(deed, 150, text, out);
        if late == Late::AfterOpening {
            stray(out);
        }
        out.push(Answer::Connect);
        let final_code = if let Next::Cut(code) = next { code } else { 226 };
        self.moving = Moving::Up { path: path.to_owned(), kept, final_code };
        self.mover = deed;
    }

    /// Begins a transfer as pyftpdlib does: at once if there is a connection, otherwise with the next one
    pub(super) fn queue(&mut self, queued: Queued, out: &mut Vec<Answer>) {
        let up = matches!(queued.moving, Moving::Up { .. });
        let unique = up && self.deeds[queued.deed].verb == "STOU";
        let (code, text) = match (self.connected, unique) {
            (_, true) => (150, "FILE: unique.1"),
            (true, _) => (125, "Data connection already open. Transfer starting."),
            (false, _) => (150, "File status okay. About to open data connection."),
        };
        say(out, queued.deed, code, text);
        self.queued = Some(queued);
        if self.connected {
            self.connected(out);
        } else {
            out.push(Answer::Connect);
        }
    }

    /// Whether the running transfer has its data connection
    pub const fn is_connected(&self) -> bool {
        self.connected
    }

    /// Whether a transfer is running
    pub fn is_moving(&self) -> bool {
        self.moving != Moving::No
    }

    /// Handles that all of a download has been sent and its connection is closed
    pub fn sent(&mut self, out: &mut Vec<Answer>) {
        if let Moving::Down { final_code } = self.moving {
            // A client that waits for the first reply to its command, as ftplib does, closes only after it. If that is the
            // final one, such a server could not be used.
            let has_begun = !matches!(self.habit, Habit::NoOpening | Habit::OpeningLast);
            let waits = self.profile.final_waits_for_close() && has_begun;
            if waits {
                self.moving = Moving::Lingering { final_code };
            } else {
                self.finish(final_code, "done", out);
            }
        }
    }

    /// Handles bytes of an upload
    pub fn receive(&mut self, bytes: &[u8]) {
        if let Moving::Up { path, kept, final_code } = &mut self.moving {
            // The disk is full: half of it is stored.
            let taken = if *final_code == 226 { bytes.len() } else { bytes.len() / 2 };
            kept.extend_from_slice(&bytes[..taken]);
            self.files.insert(path.clone(), kept.clone());
        }
    }

    /// Handles that the client has ended the data connection
    pub fn client_closed(&mut self, out: &mut Vec<Answer>) {
        match self.moving {
            Moving::Down { .. } if self.leaves_finals() => {
                self.leave_finals();
                self.go_on(out);
            }
            Moving::Down { .. } => match self.profile.early_close() {
                Early::Final(code) => self.finish(code, "cut off", out),
                Early::OnlyPreliminary => {
                    self.speak(self.mover, out, 150, "3.7 seconds (measured here)");
                    self.moving = Moving::No;
                    self.connected = false;
                    self.go_on(out);
                }
            },
            // An upload that ends early can't be distinguished from a complete one.
            Moving::Up { final_code, .. } => {
                out.push(Answer::Hang);
                self.finish(final_code, "done", out);
            }
            Moving::Lingering { final_code } => self.finish(final_code, "done", out),
            Moving::No => self.connected = false,
        }
    }

    /// Handles a data connection whose TLS session was not resumed, which the server refuses
    pub fn spurned(&mut self, code: u16, out: &mut Vec<Answer>) {
        self.connected = false;
        if self.moving != Moving::No {
            self.finish(code, "session reuse required", out);
        }
    }

    /// Whether an upload is running
    pub const fn is_taking(&self) -> bool {
        matches!(self.moving, Moving::Up { .. })
    }

    /// Handles a data connection that could not be made, or that broke
    pub fn data_failed(&mut self, out: &mut Vec<Answer>) {
        let oblivious =
            matches!(self.habit, Habit::Oblivious | Habit::SizeInName) && self.connected;
        self.connected = false;
        if self.moving != Moving::No {
            self.finish(if oblivious { 226 } else { 426 }, "data connection failed", out);
        }
    }

    /// Handles a data connection that failed without the server noticing
    pub fn swallowed(&mut self, out: &mut Vec<Answer>) {
        self.connected = false;
        if self.moving != Moving::No {
            self.finish(226, "done", out);
        }
    }

    pub(super) fn finish(&mut self, code: u16, text: &str, out: &mut Vec<Answer>) {
        self.moving = Moving::No;
        self.connected = false;
        self.speak(self.mover, out, code, text);
        if let Some((code, text)) = self.opening.take() {
            self.speak(self.mover, out, code, &text);
        }
        if self.habit == Habit::TwoFinals {
            out.push(Answer::Stray(226, "Transfer complete, once more".into()));
        }
        self.go_on(out);
    }

    /// Answers a command, or sends a reply about a transfer for which no command waits any more
    pub(super) fn speak(&self, deed: usize, out: &mut Vec<Answer>, code: u16, text: &str) {
        if deed == usize::MAX {
            out.push(Answer::Stray(code, text.to_owned()));
        } else {
            say(out, deed, code, text);
        }
    }

    pub(super) fn go_on(&mut self, out: &mut Vec<Answer>) {
        while self.moving == Moving::No {
            let Some(line) = self.waiting.pop_front() else { return };
            self.command(&line, out);
        }
    }
}
