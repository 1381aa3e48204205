//! One session of `ftp-session` with a task, and its user

use std::time::Duration;

use ftp_proto::{Direction, OpId, Time};
use ftp_session::{Error, Event, Moved};

use super::net::Timer;
use super::procedure;
use super::shell::{Shell, Waited};
use super::tls::Tls;
use crate::requests::{Progress, Requests};
use crate::session::{FILE, OTHER};
use crate::{Ask, Broken, Case, DataFault, End, Fault, Habit, Task};

/// The result of a session
#[derive(Debug)]
pub struct EngineEnd {
    /// The same as for sessions of the core
    pub end: End,
    /// An error that is wrong in every case
    pub wrong: Option<String>,
    /// A checksum of everything that has crossed the network, and when; 0 for the core, which has no network
    pub digest: u64,
}

impl From<End> for EngineEnd {
    fn from(end: End) -> Self {
        Self { end, wrong: None, digest: 0 }
    }
}

/// Plays a session to its end
#[must_use]
pub fn play(case: Case, tls: Tls, broken: Broken, traced: bool) -> EngineEnd {
    if case.task.is_procedure() {
        return procedure::play(case, tls, broken, traced);
    }
    let mut shell = Shell::new(case, tls, broken, traced);
    let requests = Requests::new(case, broken, shell.session.request());
    let mut play = Play {
        shell,
        case,
        requests,
        current: None,
        written: 0,
        pause: Pause::None,
        aborted: false,
        wrong: None,
        number: 0,
    };
    play.go()
}

/// Whether the user of an upload waits before ending it
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    None,
    Waits,
    Over,
}

struct Play {
    shell: Shell,
    case: Case,
    requests: Requests,
    /// The transfer whose bytes are moved
    current: Option<OpId>,
    /// Number of bytes of the upload that were accepted
    written: usize,
    pause: Pause,
    aborted: bool,
    wrong: Option<String>,
    /// Number of data connections before the last turn
    number: u32,
}

impl Play {
    fn go(&mut self) -> EngineEnd {
        loop {
            self.number = self.shell.net.borrow().number;
            self.shell.turn();
            self.hear_news();
            self.move_data();
            self.hear_news();
            let session = &self.shell.session;
            if self.requests.is_complete() && (session.client().is_dead() || session.is_idle()) {
                return self.end(true);
            }
            match self.shell.wait() {
                Waited::Fine => {}
                Waited::Due(Timer::Resume) => self.pause = Pause::Over,
                Waited::Due(_) => {
                    if let Some(next) =
                        self.requests.next.filter(|_| !self.requests.has_ended(Ask::Get))
                    {
                        self.aborted = true;
                        self.shell.session.abort(next);
                    }
                }
                Waited::Stuck => return self.end(false),
                Waited::Spins => {
                    self.wrong = Some("turns without waiting".to_owned());
                    return self.end(false);
                }
            }
        }
    }

    fn hear_news(&mut self) {
        while let Some(event) = self.shell.session.poll_event() {
            self.shell.note(|| format!("event {event:?}"));
            let mut done = match event {
                Event::DataOpen { op, .. } => {
                    self.current = Some(op);
                    self.written = 0;
                    self.pause = Pause::None;
                    continue;
                }
                Event::Completed(done) => done,
                _ => continue,
            };
            self.current.take_if(|current| *current == done.op());
            let result = done.error().map_or(Ok(()), |error| Err(error.clone()));
            let error = done.take_error();
            let size = self.requests.size();
            let value = size.and_then(|size| done.take(size)).and_then(Result::ok);
            let net = self.shell.net.borrow();
            let progress = Progress {
                server: &self.shell.host.server,
                control: &net.control,
                commands: self.shell.host.commands,
                number: self.number,
                now: net.now,
                dead: self.shell.session.client().is_dead(),
                tls_failed: matches!(error, Some(Error::Tls(_))),
            };
            let proof_is_due = self.requests.ended(done.op(), result, value, &progress);
            drop(net);
            if proof_is_due {
                self.requests.probe(self.shell.session.request());
                let mut net = self.shell.net.borrow_mut();
                net.note_wires();
                net.control.spare_the_proof();
                if let Fault::Data(how @ (DataFault::RefusedLater | DataFault::AbortedLater), _) =
                    net.control.fault
                {
                    net.next = Some(how);
                }
            }
        }
    }

    /// Acts as the user
    fn move_data(&mut self) {
        let now = self.shell.now();
        loop {
            let moved = match self.shell.session.data_direction() {
                Some(Direction::Download) => self.receive(now),
                Some(Direction::Upload) => self.send(now),
                None => return,
            };
            if !moved {
                return;
            }
        }
    }

    fn receive(&mut self, now: Time) -> bool {
        let mut buffer = [0; 64];
        let buffer = &mut buffer[..self.shell.manner.portion];
        let Moved::Bytes(count) = self.shell.session.read_data(buffer, now) else { return false };
        if self.current.is_none() {
            self.wrong = Some("bytes of no request that runs".to_owned());
        }
        let mut net = self.shell.net.borrow_mut();
        let number = net.number;
        net.received.entry(number).or_default().extend_from_slice(&buffer[..count]);
        net.moves.entry(number).or_default().bytes += count;
        drop(net);
        let gives_up = matches!(self.case.task, Task::AbortGet | Task::AbortList);
        if gives_up && self.current == Some(self.requests.op) {
            self.shell.session.abort(self.requests.op);
            // Nothing more arrives after this.
            self.current = None;
        }
        true
    }

    fn send(&mut self, now: Time) -> bool {
        let is_task = self.current == Some(self.requests.op);
        let file = if is_task { FILE } else { OTHER };
        let rest = &file[self.written..];
        if rest.is_empty() {
            if is_task && self.case.task == Task::AbortPut {
                self.shell.session.abort(self.requests.op);
                return false;
            }
            // The server's early reply arrives before the end is sent.
            if let (Habit::FinalEarly(_), Pause::None) = (self.case.habit, self.pause) {
                self.pause = Pause::Waits;
                let mut net = self.shell.net.borrow_mut();
                let later = net.now + Duration::from_secs(1);
                net.due(later, Timer::Resume);
            }
            if self.pause != Pause::Waits {
                self.shell.session.finish_upload(now);
            }
            return false;
        }
        let portion = &rest[..rest.len().min(self.shell.manner.portion)];
        let Moved::Bytes(count) = self.shell.session.write_data(portion, now) else { return false };
        if self.current.is_none() {
            self.wrong = Some("bytes are taken for no request that runs".to_owned());
        }
        self.written += count;
        let mut net = self.shell.net.borrow_mut();
        let number = net.number;
        net.moves.entry(number).or_default().bytes += count;
        true
    }

    fn end(&mut self, bounded: bool) -> EngineEnd {
        self.shell.extent = self.requests.extent;
        let mut end = self.shell.end(bounded);
        end.ops = std::mem::take(&mut self.requests.ops);
        end.aborted = self.aborted;
        let digest = self.shell.net.borrow().digest;
        EngineEnd { end, wrong: self.wrong.take(), digest }
    }
}
