//! A budget whose answers are checked after each report, and what the tasks know of the host's logins
//!
//! The expectations are those of the budget's documentation: a refusal sets the ceiling to the number of sessions that
//! live, without halving; only sessions that are cut and data connections that fail in numbers halve it; nothing else
//! changes it.

use std::time::Duration;

use ftp_proto::{Reply, Time};
use ftp_session::{Admission, Budget, SessionEnd};

/// The longest time between two attempts while the server accepts no session at all
const LONGEST_BACK_OFF: Duration = Duration::from_secs(60);

/// Signs of overload within this time may count as one
const ONE_EVENT: Duration = Duration::from_secs(10);

/// Data connections that fail within this time are counted together
const DATA_WINDOW: Duration = Duration::from_secs(60);

/// Minimum number of failed data connections that may halve the ceiling
const DATA_FAILURES: usize = 3;

/// How long one attempt to log in may delay the next
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Which login a task uses
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// One that the server accepts
    Usual,
    /// Another one that it accepts
    Other,
    /// One that it does not accept
    Wrong,
}

/// What is known of a login
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Nothing,
    /// A task has begun to try it at this time
    Tried(Duration),
    /// This many sessions are logged in
    Accepted(usize),
    Refused,
}

/// A report to the budget
#[derive(Debug)]
pub(super) enum Report<'a> {
    Opened,
    Refused(&'a Reply),
    Failed,
    Ended(SessionEnd),
    DataFailed,
}

/// The budget and the logins of a host
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) budget: Budget,
    most: usize,
    live: usize,
    logins: [Known; 3],
    /// When sessions were last cut, and the last time that data connections have lowered the limit
    cut: Option<Duration>,
    data_failures: Vec<Duration>,
    /// Those among them that are no sign of the same event as the last one
    later_failures: Vec<Duration>,
    /// The first law that was broken
    pub(super) wrong: Option<String>,
}

impl Pool {
    pub(super) fn new(most: usize, at_once: usize) -> Self {
        Self {
            budget: Budget::new(most).at_once(at_once),
            most,
            live: 0,
            logins: [Known::Nothing; 3],
            cut: None,
            data_failures: Vec::new(),
            later_failures: Vec::new(),
            wrong: None,
        }
    }

    /// Notes a broken law unless this holds
    pub(super) fn law(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.wrong.is_none() {
            self.wrong = Some(what());
        }
    }

    /// Asks for one more session
    pub(super) fn admission(&mut self, now: Duration) -> Admission {
        let admission = self.budget.admission(Time::after_origin(now));
        let count = self.budget.count();
        self.law(admission != Admission::Later(None) || count > 0, || {
            "nothing but another session may begin one, and there is none".to_owned()
        });
        admission
    }

    /// Begins one more session
    pub(super) fn begin(&mut self, now: Duration) {
        self.budget.begin(Time::after_origin(now));
        let (count, most) = (self.budget.count(), self.most);
        self.law(count <= most, || format!("{count} sessions, above the maximum of {most}"));
    }

    pub(super) fn limit(&self, now: Duration) -> usize {
        self.budget.limit(Time::after_origin(now))
    }

    /// Reports to the budget, and compares its limit before and after
    pub(super) fn report(&mut self, report: &Report<'_>, now: Duration) {
        let time = Time::after_origin(now);
        let (before, live) = (self.limit(now), self.live);
        match report {
            Report::Opened => {
                self.live += 1;
                self.budget.opened(time);
            }
            Report::Refused(reply) => self.budget.refused(reply, time),
            Report::Failed => self.budget.failed(time),
            Report::Ended(end) => {
                self.live -= 1;
                self.budget.ended(*end, time);
            }
            Report::DataFailed => {
                self.data_failures.retain(|at| now < *at + DATA_WINDOW);
                self.data_failures.push(now);
                self.later_failures.retain(|at| now < *at + DATA_WINDOW);
                if self.cut.is_none_or(|at| now >= at + ONE_EVENT) {
                    self.later_failures.push(now);
                }
                self.budget.data_failed(time);
            }
        }
        let (limit, others) = (self.limit(now), self.budget.count());
        let half = (live / 2).max(1);
        match report {
            Report::Refused(_) if others == 0 => {
                let wait = match self.budget.admission(time) {
                    Admission::Later(Some(then)) => then - time,
                    Admission::Now | Admission::Later(None) => Duration::ZERO,
                };
                let holds = wait > Duration::ZERO && wait <= LONGEST_BACK_OFF;
                self.law(holds, || format!("the only session is refused, next after {wait:?}"));
            }
            Report::Refused(_) => {
                let range = before.min(live.max(1))..=before.min(others);
                self.law(range.contains(&limit), || {
                    format!("a refusal beside {live} of {others} makes {limit} of {before}")
                });
            }
            Report::Ended(SessionEnd::Cut) => {
                let again = self.cut.is_some_and(|at| now < at + ONE_EVENT);
                let range = before.min(half)..=if again { before } else { before.min(half) };
                self.law(range.contains(&limit), || {
                    format!("the end of one of {live} by 421 makes {limit} of {before}")
                });
                if !again {
                    self.cut = Some(now);
                }
            }
            Report::DataFailed => {
                let failures = self.data_failures.len();
                let many = live.max(DATA_FAILURES);
                let range = match self.later_failures.len() {
                    _ if failures < DATA_FAILURES => before..=before,
                    // The time in which they are counted begins with one of them: with the first one that is too many,
                    // it may just have begun.
                    later if later >= 2 * many => 0..=before.min(half),
                    _ => before.min(half)..=before,
                };
                self.law(range.contains(&limit), || {
                    format!("{failures} failed data connections of {live} make {limit} of {before}")
                });
                if limit < before {
                    self.cut = Some(now);
                    self.data_failures.clear();
                    self.later_failures.clear();
                }
            }
            Report::Opened | Report::Failed | Report::Ended(_) => {
                // A number that the server has stated, but does not keep, is forgotten.
                let raised = matches!(report, Report::Opened) && limit > before;
                self.law(limit == before || raised, || {
                    format!("{report:?} makes {limit} of {before}")
                });
            }
        }
    }
}

/// The logins: an unknown one is tried by one task at a time, and a refused one not again
impl Pool {
    /// Until when no other task may try this login
    pub(super) fn tried_until(&self, login: Login, now: Duration) -> Option<Duration> {
        match self.logins[login as usize] {
            Known::Tried(begun) => Some(begun + LOGIN_TIMEOUT).filter(|until| *until > now),
            Known::Nothing | Known::Accepted(_) | Known::Refused => None,
        }
    }

    pub(super) fn is_refused(&self, login: Login) -> bool {
        self.logins[login as usize] == Known::Refused
    }

    pub(super) fn tries(&mut self, login: Login, now: Duration) {
        let known = &mut self.logins[login as usize];
        if !matches!(known, Known::Accepted(_)) {
            *known = Known::Tried(now);
        }
    }

    pub(super) fn accepts(&mut self, login: Login) {
        let known = &mut self.logins[login as usize];
        *known = match *known {
            Known::Accepted(sessions) => Known::Accepted(sessions + 1),
            _ => Known::Accepted(1),
        };
    }

    pub(super) fn refuses(&mut self, login: Login) {
        self.logins[login as usize] = Known::Refused;
    }

    /// Notes that an attempt has shown nothing about the login
    pub(super) fn gave_up(&mut self, login: Login) {
        let known = &mut self.logins[login as usize];
        if matches!(known, Known::Tried(_)) {
            *known = Known::Nothing;
        }
    }

    pub(super) fn ended(&mut self, login: Login) {
        let known = &mut self.logins[login as usize];
        *known = match *known {
            Known::Accepted(sessions) if sessions > 1 => Known::Accepted(sessions - 1),
            Known::Accepted(_) => Known::Nothing,
            other => other,
        };
    }
}
