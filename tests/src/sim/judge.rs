//! What a session may come to: no hang, no lie, no panic

use std::panic::{AssertUnwindSafe, catch_unwind};

use ftp_proto::{ConnectionError, DataFailure, Error, ProtocolError};

use super::session::FILE;
use super::{
    Broken, Case, ControlFault, DataFault, End, Fault, HandshakeFault, Place, Profile, ReplyFault,
    Session, Task, Way, faults_of,
};

/// The judgement on one session
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be
    Sound,
    /// Something never ended, or ended more than once
    Hang(String),
    /// Something was reported that is not so
    Lie(String),
}

/// What a run came to
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Sessions played
    pub cases: usize,
    /// Sessions that did not end
    pub hangs: usize,
    /// Sessions with a false report
    pub lies: usize,
    /// Sessions with a panic
    pub panics: usize,
    /// The first few that failed
    pub failures: Vec<String>,
}

/// Judges how a session came out
pub fn judge(case: Case, end: &End) -> Verdict {
    let Case { task, fault, .. } = case;
    if !end.bounded {
        return Verdict::Hang(format!("no end after {:?}", end.took));
    }
    if end.task.len() != 1 || end.probe.len() != 2 {
        return Verdict::Hang(format!("{} and {} ends", end.task.len(), end.probe.len()));
    }
    // An answer said twice can't be told from the next command's, if both may be refusals.
    let twice = task == Task::ReadMissing && matches!(fault, Fault::Reply(ReplyFault::Doubled, _));
    match &end.task[0] {
        Ok(()) if !is_done(case, end) => {
            return Verdict::Lie(format!("{task:?} reported done and is not"));
        }
        Ok(()) => {}
        Err(Error::Aborted) if task.aborts() => {}
        Err(Error::NoDirectory(_)) if task == Task::ReadMissing => {}
        // The next answer is that of CWD, which refuses what is not there.
        Err(Error::Permanent(_)) if twice => {}
        Err(error) if !explains(fault, error) => {
            return Verdict::Lie(format!("the wrong error: {error}"));
        }
        Err(error) => {
            let on_data = matches!(fault, Fault::Data(..) | Fault::DataTls(_) | Fault::Forgotten);
            if on_data && error.is_fatal() {
                return Verdict::Lie(format!("a data connection's failure was fatal: {error}"));
            }
        }
    }
    if end.dead || twice {
        return Verdict::Sound;
    }
    if let Some(error) = end.probe.iter().find_map(|result| result.as_ref().err()) {
        return Verdict::Lie(format!("says it is usable, but: {error}"));
    }
    if end.probe_received != FILE {
        return Verdict::Lie("usable, but its next download is wrong".into());
    }
    Verdict::Sound
}

/// Whether what was reported done has been done
fn is_done(case: Case, end: &End) -> bool {
    // A false reply of the right class can't be seen through where nothing else tells.
    let told_otherwise = matches!(case.fault, Fault::Reply(ReplyFault::Replaced(2 | 3), _));
    let holds = |name: &str, bytes: &[u8]| end.files.get(name).is_some_and(|file| file == bytes);
    match case.task {
        Task::Get | Task::AbortGet => end.received == FILE,
        Task::Resume => end.received == FILE[10..],
        Task::Put | Task::AbortPut => holds("new", FILE),
        Task::Unique => holds("unique.1", FILE),
        Task::Append => holds("g", &[b"old", FILE].concat()),
        Task::List | Task::AbortList | Task::Names | Task::Facts | Task::ReadDir => {
            end.received == b"f\r\ng\r\n"
        }
        Task::ReadInside => end.received == b"f\r\ng\r\n" && (end.here == "/" || told_otherwise),
        Task::ReadEmpty => end.received.is_empty() && (end.here == "/" || told_otherwise),
        Task::ReadMissing => told_otherwise,
        Task::Delete => !end.files.contains_key("g") || told_otherwise,
        Task::Rename => end.files.contains_key("h") || told_otherwise,
        Task::Quit => end.dead,
        Task::Size | Task::Mkdir | Task::Features | Task::Pwd => true,
    }
}

/// Whether the error is one that the fault can lead to
fn explains(fault: Fault, error: &Error) -> bool {
    use ConnectionError as C;
    use Error as E;
    use ReplyFault::{Delayed, Doubled, Dropped, Replaced};
    let fatal = match error {
        E::Connection(cause) | E::Unconfirmed { cause, .. } => Some(cause),
        _ => None,
    };
    match fault {
        Fault::None => false,
        Fault::Control(ControlFault::Cut, _) => matches!(fatal, Some(C::Eof)),
        Fault::Control(ControlFault::Silent, _) | Fault::Reply(Dropped | Delayed, _) => {
            // An answer that is missing in a batch makes the next one its own.
            matches!(fatal, Some(C::TimedOut(_) | C::TlsRefused(_)))
                || matches!(error, E::DataTimedOut(_))
        }
        // Whatever refuses CWD says that there is no such directory.
        Fault::Reply(Replaced(5), _) if matches!(error, E::NoDirectory(_)) => true,
        // In the midst of a text it is a part of it, or makes another reply of the rest.
        Fault::Control(ControlFault::Garbage, _) => {
            matches!(fatal, Some(C::Protocol(_) | C::TimedOut(_)))
                || matches!(error, E::InvalidReply(_) | E::Permanent(_))
        }
        Fault::Data(DataFault::Silent, _) => matches!(error, E::DataTimedOut(_)),
        Fault::Data(..) => {
            matches!(error, E::DataConnection { .. } | E::Truncated { .. } | E::Transient(_))
        }
        Fault::ControlTls(HandshakeFault::Failed) => matches!(fatal, Some(C::Eof)),
        Fault::ControlTls(HandshakeFault::Silent) => matches!(fatal, Some(C::TimedOut(_))),
        Fault::DataTls(HandshakeFault::Failed) => {
            matches!(error, E::DataConnection { failure: DataFailure::Tls, .. } | E::Transient(_))
        }
        Fault::DataTls(HandshakeFault::Silent) => {
            matches!(error, E::DataTimedOut(_) | E::Transient(_))
        }
        Fault::Forgotten => matches!(error, E::ResumptionRequired { end: None, .. }),
        Fault::Reply(Replaced(1), _) => {
            matches!(fatal, Some(C::TimedOut(_) | C::TlsRefused(_)))
                || matches!(error, E::DataTimedOut(_))
        }
        Fault::Reply(Replaced(2), _) => matches!(error, E::InvalidReply(_)),
        Fault::Reply(Replaced(3), _) => {
            matches!(fatal, Some(C::Protocol(_) | C::TlsRefused(_)))
                || matches!(error, E::UnexpectedReply(_))
        }
        Fault::Reply(Replaced(4 | 5), _) => {
            matches!(fatal, Some(C::Refused(_) | C::TlsRefused(_)))
                || matches!(error, E::Transient(_) | E::Permanent(_))
        }
        Fault::Reply(Replaced(_), _) => matches!(fatal, Some(C::Protocol(_))),
        Fault::Reply(Doubled, _) => {
            matches!(fatal, Some(C::Protocol(_)))
                || matches!(error, E::UnexpectedReply(_) | E::InvalidReply(_))
        }
        Fault::Closing(place, _) => match (fatal, error) {
            (Some(C::ServiceClosing(_)), _) => true,
            (Some(C::Protocol(error)), _) => *error == ProtocolError::PlaintextAfterAuth,
            // Behind a 234 nobody reads it; half a line may be a reply, with half a 421 behind it.
            (Some(C::Eof), _) => place != Place::Before,
            (None, E::InvalidReply(_)) => place == Place::Between,
            _ => false,
        },
    }
}

/// Plays every fault at every place, for every operation, every kind of server and of connection
pub fn run_all(
    seeds: u64,
    tasks: &[Task],
    profiles: &[Profile],
    ways: &[Way],
    broken: Broken,
) -> Tally {
    let mut tally = Tally::default();
    for (&profile, &way) in profiles.iter().flat_map(|p| ways.iter().map(move |way| (p, way))) {
        for &task in tasks {
            for seed in 1..=seeds {
                let clean = Case { profile, way, task, fault: Fault::None, seed };
                let end = Session::play(clean, Broken::No);
                let data = task.transfers().then_some(FILE.len());
                for fault in faults_of(way, end.bytes, end.replies, data) {
                    tally.play(Case { fault, ..clean }, broken);
                }
            }
        }
    }
    tally
}

impl Tally {
    fn play(&mut self, case: Case, broken: Broken) {
        self.cases += 1;
        let play = || Session::play(case, broken);
        let (count, what) = match catch_unwind(AssertUnwindSafe(play)) {
            Err(_) => (&mut self.panics, "panic".to_owned()),
            Ok(end) => match judge(case, &end) {
                Verdict::Sound => return,
                Verdict::Hang(what) => (&mut self.hangs, format!("hang: {what}")),
                Verdict::Lie(what) => (&mut self.lies, format!("lie: {what}")),
            },
        };
        *count += 1;
        if self.failures.len() < 50 {
            self.failures.push(format!("{case:?}: {what}"));
        }
    }

    /// Whether nothing failed
    pub const fn is_sound(&self) -> bool {
        self.hangs == 0 && self.lies == 0 && self.panics == 0
    }
}
