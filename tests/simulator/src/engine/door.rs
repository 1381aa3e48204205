//! The door of a server that limits its sessions: which connections, logins and transfers it admits

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use crate::seed::Seed;

/// How a server refuses what exceeds its limit
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// 421 in place of the greeting, in vsftpd's words, which state no number
    Greeting,
    /// 421 in place of the greeting, in Pure-FTPd's words, which state the limit
    GreetingStated,
    /// 530 to PASS without a number; the connection stays open
    Login,
    /// 530 to PASS, in ProFTPD's words, which state the limit; then the connection is closed
    LoginStated,
    /// The connection is accepted and closed
    Closes,
    /// As `Greeting`; and if the limit falls, 421 ends the sessions above it
    Cuts,
    /// Sessions are not limited, but data connections are: 425
    Data,
}

impl Refusal {
    /// All of them
    pub const ALL: [Self; 7] = [
        Self::Greeting,
        Self::GreetingStated,
        Self::Login,
        Self::LoginStated,
        Self::Closes,
        Self::Cuts,
        Self::Data,
    ];

    /// Whether the server says in words that it has too many sessions
    pub(super) const fn has_words(self) -> bool {
        !matches!(self, Self::Closes | Self::Data)
    }

    /// Whether the words contain the limit
    pub(super) const fn is_stated(self) -> bool {
        matches!(self, Self::GreetingStated | Self::LoginStated)
    }
}

/// How long a port is in use after a transfer has begun: until the connection has left TIME_WAIT, or less
const PORT_IN_USE: Duration = Duration::from_secs(3);

/// The longest time until the process of an ended session has exited, in milliseconds
const EXITS_WITHIN: usize = 80;

/// The server's count of its sessions, and the record of what it has refused
#[derive(Debug)]
pub(super) struct Counter {
    pub(super) refusal: Refusal,
    pub(super) limit: usize,
    seed: Seed,
    /// The sessions that it counts, and until when those that have ended
    sessions: BTreeMap<usize, Option<Duration>>,
    /// Until when the port of each data connection is in use
    ports: Vec<Duration>,
    /// When each session was begun
    pub(super) arrivals: Vec<Duration>,
    refused: BTreeSet<usize>,
    /// When each session was refused, for the first time
    pub(super) refusals: Vec<Duration>,
    /// When each data connection was refused
    pub(super) data_refusals: Vec<Duration>,
    /// The sessions in which the wrong password was sent
    pub(super) wrong_passwords: BTreeSet<usize>,
}

impl Counter {
    pub(super) const fn new(refusal: Refusal, limit: usize, seed: Seed) -> Self {
        Self {
            refusal,
            limit,
            seed,
            sessions: BTreeMap::new(),
            ports: Vec::new(),
            arrivals: Vec::new(),
            refused: BTreeSet::new(),
            refusals: Vec::new(),
            data_refusals: Vec::new(),
            wrong_passwords: BTreeSet::new(),
        }
    }

    /// Counts one more session, unless there are too many
    fn admits(&mut self, number: usize, now: Duration) -> bool {
        self.sessions.retain(|_, until| until.is_none_or(|until| until > now));
        if self.sessions.len() >= self.limit {
            // A client whose password was not answered in time sends it again.
            if self.refused.insert(number) {
                self.refusals.push(now);
            }
            return false;
        }
        self.sessions.insert(number, None);
        true
    }

    /// The sessions above the limit, those that were begun last
    pub(super) fn surplus(&self) -> Vec<usize> {
        let live = self.sessions.iter().filter(|(_, until)| until.is_none());
        live.map(|(number, _)| *number).skip(self.limit).collect()
    }

    fn is_admitted_at_greeting(&mut self, number: usize, now: Duration) -> bool {
        match self.refusal {
            Refusal::Login | Refusal::LoginStated | Refusal::Data => true,
            Refusal::Greeting | Refusal::GreetingStated | Refusal::Closes | Refusal::Cuts => {
                self.admits(number, now)
            }
        }
    }
}

/// The answer to a new connection
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Welcome {
    Admitted,
    Refused(u16, String),
    /// The connection is closed without a word
    Closed,
}

/// What follows a refusal
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Stays,
    Closes,
}

/// The door, for one session
#[derive(Debug)]
pub(super) struct Door {
    /// Identifies the session
    number: usize,
    counter: Rc<RefCell<Counter>>,
}

impl Door {
    pub(super) fn new(number: usize, counter: &Rc<RefCell<Counter>>) -> Self {
        Self { number, counter: Rc::clone(counter) }
    }

    /// Handles a new connection
    pub(super) fn greet(&self, now: Duration) -> Welcome {
        let mut counter = self.counter.borrow_mut();
        counter.arrivals.push(now);
        if counter.is_admitted_at_greeting(self.number, now) {
            return Welcome::Admitted;
        }
        match counter.refusal {
            Refusal::Closes => Welcome::Closed,
            Refusal::GreetingStated => {
                let text = format!("Too many connections ({}) from this IP", counter.limit);
                Welcome::Refused(421, text)
            }
            _ => {
                let text = "There are too many connections from your internet address.";
                Welcome::Refused(421, text.to_owned())
            }
        }
    }

    /// Returns the refusal of a command, if it is refused
    pub(super) fn refuses(&self, line: &str, now: Duration) -> Option<(u16, String, After)> {
        let mut counter = self.counter.borrow_mut();
        match line.split_once(' ')? {
            ("PASS", password) => {
                let stated = counter.refusal == Refusal::LoginStated;
                if (stated || counter.refusal == Refusal::Login)
                    && !counter.admits(self.number, now)
                {
                    let limit = counter.limit;
                    return Some(match stated {
                        true => (
                            530,
                            format!(
                                "Sorry, the maximum number of clients ({limit}) from your host \
                                 are already connected."
                            ),
                            After::Closes,
                        ),
                        false => (530, "Too many users, try again later.".into(), After::Stays),
                    });
                }
                (password == WRONG).then(|| {
                    counter.wrong_passwords.insert(self.number);
                    (530, "Login incorrect.".into(), After::Stays)
                })
            }
            ("RETR", _) if counter.refusal == Refusal::Data => {
                counter.ports.retain(|until| *until > now);
                if counter.ports.len() < counter.limit {
                    counter.ports.push(now + PORT_IN_USE);
                    return None;
                }
                counter.data_refusals.push(now);
                Some((425, "Can't open data connection.".into(), After::Stays))
            }
            _ => None,
        }
    }

    /// Handles the end of the session, whose process takes a moment to exit; returns whether the session was counted
    pub(super) fn leave(&self, now: Duration) -> bool {
        let mut counter = self.counter.borrow_mut();
        let exits = counter.seed.below(EXITS_WITHIN);
        if let Some(until @ None) = counter.sessions.get_mut(&self.number) {
            *until = Some(now + Duration::from_millis(exits as u64));
            return true;
        }
        false
    }
}

/// The password that the server does not accept
pub(super) const WRONG: &str = "wrong";
