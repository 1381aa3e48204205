//! Compares what the client reports with what the server and the network did: there must be no hang and no false report
//!
//! A success is checked only against the server's record: the bytes, the files, and a final reply that reached the
//! client. An error must be of the class that the record implies, and contain a code that was sent.

mod class;
mod codes;
mod expected;
mod facts;
mod simple;
mod transfer;

use ftp_proto::Error;

use self::facts::Facts;
use super::{Ask, Case, End, OpEnd, Task};

pub use class::Class;

/// The result of the comparison for one session
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Everything is as it should be
    Correct,
    /// A request never ended, or ended more than once
    Hang(String),
    /// Something false was reported
    FalseReport(String),
}

/// Checks the result of a session
pub fn check(case: Case, end: &End) -> Finding {
    if !end.bounded {
        return Finding::Hang(format!("no end after {:?}", end.took));
    }
    let requests = 7 + usize::from(case.task.follows_a_listing());
    if end.ops.len() != requests || end.ops.iter().any(|op| op.results.len() != 1) {
        return Finding::Hang("not every request ended once".into());
    }
    let mut dead = false;
    // Whether a reply that came too early was taken for the final reply of a download: what arrives together has no
    // order between the two connections. The true one then answers the next command.
    let mut shifted = false;
    for (index, op) in end.ops.iter().enumerate() {
        let result = &op.results[0];
        if dead {
            match result {
                Err(Error::Connection(_)) => continue,
                // It failed with the login, before the end of the session that arrived in the same read.
                Err(Error::LoginFailed(reason)) => {
                    match not_withheld(&end.ops[..index], reason, &Facts::new(case, end, index)) {
                        None if end.ops[index - 1].at == op.at => continue,
                        why => {
                            let why = why.unwrap_or("the session ended before");
                            return Finding::FalseReport(format!(
                                "{:?}: not sent, but {why}",
                                op.ask
                            ));
                        }
                    }
                }
                // QUIT has done its work, even if the server ended the session first.
                Ok(()) if op.ask == Ask::Task && case.task == Task::Quit => continue,
                _ => {
                    return Finding::FalseReport(format!("{:?} after the end: {result:?}", op.ask));
                }
            }
        }
        dead = op.dead;
        if shifted {
            continue;
        }
        let facts = Facts::new(case, end, index);
        shifted = facts.has_early_final_with_its_data();
        if shifted && matches!(Class::of(result), Class::Done | Class::Truncated) {
            continue;
        }
        if let (true, Err(error)) = (facts.must_succeed(), result) {
            return Finding::FalseReport(format!(
                "{:?}: nothing went wrong, and it failed: {error}",
                op.ask
            ));
        }
        if let Err(Error::LoginFailed(reason)) = result {
            match not_withheld(&end.ops[..index], reason, &facts) {
                Some(why) => {
                    return Finding::FalseReport(format!("{:?}: not sent, but {why}", op.ask));
                }
                None => continue,
            }
        }
        let mut may = facts.expected();
        may.sort_unstable();
        may.dedup();
        let class = match Class::of(result) {
            Class::Lost if op.tls_failed => Class::TlsFailed,
            class => class,
        };
        if !may.contains(&class) {
            let what = match result {
                Ok(()) if !facts.downloads() && !facts.uploads() || facts.is_whole() => {
                    "reported done".to_owned()
                }
                Ok(()) => "reported done, and is not whole".to_owned(),
                Err(error) => format!("the wrong error: {error}"),
            };
            return Finding::FalseReport(format!(
                "{:?}: {class:?} ({what}) instead of {may:?}",
                op.ask
            ));
        }
        if facts.is_elsewhere() {
            return Finding::FalseReport(format!("{:?}: in another directory", op.ask));
        }
        if let (Ask::Size, Ok(()), Some(value)) = (op.ask, result, op.value) {
            let excused = end.strays.iter().any(|stray| stray.idle != Some(true));
            if value != 7 && !excused {
                return Finding::FalseReport(format!("SIZE says {value} of seven bytes"));
            }
        }
        if let Some(cause) = facts.wrong_cause(result) {
            return Finding::FalseReport(format!("{:?}: the wrong cause: {cause}", op.ask));
        }
        if let Err(error) = result {
            if op.dead && !error.is_fatal() && facts.cause().is_none() && !facts.misled() {
                return Finding::FalseReport(format!("{:?}: over, but not fatal: {error}", op.ask));
            }
        }
    }
    Finding::Correct
}

/// Returns what is false about a request that was not sent because the login had failed for this reason
fn not_withheld(earlier: &[OpEnd], reason: &Error, facts: &Facts<'_>) -> Option<&'static str> {
    let login = earlier.iter().rev().find(|op| op.ask == Ask::Login);
    match login.map(|login| &login.results[0]) {
        _ if facts.main.is_some() => Some("its command reached the server"),
        Some(Err(failed)) if failed == reason => None,
        _ => Some("the login did not fail so"),
    }
}
