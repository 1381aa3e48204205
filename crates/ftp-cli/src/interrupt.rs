//! Handles Ctrl-C and similar signals: the sessions end, and incomplete files are kept to be resumed

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ftp_blocking::Canceller;

use crate::failure::Failure;

/// How long an interrupted run may take to end by itself
const PATIENCE: Duration = Duration::from_secs(3);

/// Records an interruption of the run, and ends its sessions
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    set: AtomicBool,
    /// Whether the program only waits for input, so that it can end at once
    is_idle: AtomicBool,
    sessions: Mutex<Sessions>,
    changed: Condvar,
    /// The terminal's settings before line editing
    #[cfg(unix)]
    terminal: Mutex<Option<rustix::termios::Termios>>,
}

#[derive(Debug, Default)]
struct Sessions {
    next: u64,
    cancellers: BTreeMap<u64, Canceller>,
}

/// Registers a session to be ended by an interruption, until this is dropped
#[derive(Debug)]
pub(crate) struct Registered {
    shared: Arc<Shared>,
    id: u64,
}

/// Says that the run was interrupted, unless standard error takes nothing, such as a pipe that nobody reads
fn tell() {
    let told = std::thread::spawn(|| crate::output::message("interrupted"));
    let begun = Instant::now();
    while !told.is_finished() && begun.elapsed() < Duration::from_millis(200) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl Interrupt {
    /// Installs the handler for SIGINT, SIGTERM and SIGHUP, or their equivalents on this system
    pub(crate) fn install(&self) {
        let interrupt = self.clone();
        // If this fails, the system ends the program at once, which leaves the same files.
        let _ = ctrlc::set_handler(move || {
            interrupt.set();
            // Some calls can't be cancelled, such as a host name lookup, so the process does not wait for them.
            if !interrupt.0.is_idle.load(Ordering::SeqCst) {
                std::thread::sleep(PATIENCE);
                tell();
            }
            #[cfg(unix)]
            interrupt.restore_terminal();
            std::process::exit(i32::from(crate::exit::Exit::Interrupted.code()));
        });
    }

    /// Remembers how the terminal is, since a signal may end the program while a line is edited
    #[cfg(unix)]
    pub(crate) fn save_terminal(&self) {
        let terminal = rustix::termios::tcgetattr(std::io::stdin()).ok();
        *self.0.terminal.lock().unwrap_or_else(PoisonError::into_inner) = terminal;
    }

    #[cfg(unix)]
    fn restore_terminal(&self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Some(terminal) = &*self.0.terminal.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, terminal);
        }
    }

    /// Records the interruption, and ends all sessions
    pub(crate) fn set(&self) {
        self.0.set.store(true, Ordering::SeqCst);
        let sessions = self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        for canceller in sessions.cancellers.values() {
            canceller.cancel();
        }
        drop(sessions);
        self.0.changed.notify_all();
    }

    /// Sets whether an interruption may end the program at once
    pub(crate) fn set_idle(&self, is_idle: bool) {
        self.0.is_idle.store(is_idle, Ordering::SeqCst);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.set.load(Ordering::SeqCst)
    }

    /// Returns an error if the run was interrupted
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self.is_set() {
            true => Err(Failure::interrupted()),
            false => Ok(()),
        }
    }

    /// Waits for this time; returns an error as soon as the run is interrupted
    pub(crate) fn sleep(&self, time: Duration) -> Result<(), Failure> {
        let sessions = self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.changed.wait_timeout_while(sessions, time, |_| !self.is_set());
        drop(waited);
        self.check()
    }

    /// Registers a session that an interruption ends; after an interruption, it is ended at once
    pub(crate) fn register(&self, canceller: Canceller) -> Registered {
        let mut sessions = self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let id = sessions.next;
        sessions.next += 1;
        if self.is_set() {
            canceller.cancel();
        }
        sessions.cancellers.insert(id, canceller);
        Registered { shared: Arc::clone(&self.0), id }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut sessions = self.shared.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.cancellers.remove(&self.id);
    }
}
