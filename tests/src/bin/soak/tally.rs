//! The counts of all sessions together

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Longer than all deadlines of one call together, on a busy machine
pub(crate) const PATIENCE: Duration = Duration::from_secs(150);

#[derive(Debug, Default)]
struct Counts {
    transfers: u64,
    hangs: u64,
    wrong: Vec<String>,
    errors: BTreeMap<String, u64>,
    panics: u64,
}

/// The call that a session is making
#[derive(Clone, Debug)]
enum Call {
    None,
    Since(Instant, String),
    /// It was counted as a hang
    Hanging,
}

#[derive(Debug)]
pub(crate) struct Tally {
    counts: Mutex<Counts>,
    calls: Vec<Mutex<Call>>,
}

impl Tally {
    pub(crate) fn new(sessions: usize) -> Self {
        let calls = (0..sessions).map(|_| Mutex::new(Call::None)).collect();
        Self { counts: Mutex::default(), calls }
    }

    /// Records that a session begins a call that must return
    pub(crate) fn enter(&self, session: usize, what: impl Into<String>) {
        *self.calls[session].lock().unwrap() = Call::Since(Instant::now(), what.into());
    }

    pub(crate) fn leave(&self, session: usize) {
        let call = std::mem::replace(&mut *self.calls[session].lock().unwrap(), Call::None);
        if let Call::Since(since, what) = call {
            if since.elapsed() > PATIENCE {
                self.hangs(session, &what, since.elapsed());
            }
        }
    }

    /// Counts calls that have taken too long, each once
    pub(crate) fn look_for_hangs(&self) {
        for (session, call) in self.calls.iter().enumerate() {
            let mut call = call.lock().unwrap();
            if let Call::Since(since, what) = &*call {
                if since.elapsed() > PATIENCE {
                    self.hangs(session, what, since.elapsed());
                    *call = Call::Hanging;
                }
            }
        }
    }

    fn hangs(&self, session: usize, what: &str, since: Duration) {
        println!("hang: session {session}: {what} for {since:?}");
        self.counts.lock().unwrap().hangs += 1;
    }

    pub(crate) fn transfer(&self) {
        self.counts.lock().unwrap().transfers += 1;
    }

    /// Records a false result
    pub(crate) fn wrong(&self, what: String) {
        println!("wrong: {what}");
        self.counts.lock().unwrap().wrong.push(what);
    }

    /// Records an operation that failed with an error
    pub(crate) fn error(&self, what: String) {
        *self.counts.lock().unwrap().errors.entry(what).or_default() += 1;
    }

    pub(crate) fn panicked(&self) {
        self.counts.lock().unwrap().panics += 1;
    }

    /// Prints all counts
    pub(crate) fn report(&self, leaked: usize) -> ExitCode {
        let counts = self.counts.lock().unwrap();
        let mut errors: Vec<_> = counts.errors.iter().collect();
        errors.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (error, count) in errors.iter().take(40) {
            println!("{count:7} {error}");
        }
        let Counts { transfers, hangs, panics, .. } = *counts;
        if panics > 0 {
            println!("panics {panics}");
        }
        let wrong = counts.wrong.len();
        println!("transfers {transfers} wrong {wrong} hangs {hangs} leaked {leaked}");
        let is_sound = wrong == 0 && hangs == 0 && leaked == 0 && panics == 0 && transfers > 0;
        if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
