//! Runs random operations on real servers that are killed and restarted: `tests/run --with cargo run --release -p
//! ftp-tests --bin soak -- --minutes M [--sessions N] [--seed N] [--no-kills] [--server NAME] [--driver blocking|mio]`
//!
//! Each of 200 sessions does random operations in a directory of its own on one of the servers that `tests/run` has
//! started: half of them with the blocking driver, half with the mio driver. Every reported success is checked: uploads
//! byte by byte against the file on the server's disk, downloads against what was uploaded, listings against the names
//! that exist. At random times a server and its sessions' processes are killed, and restarted later. The last line is
//!
//! ```text
//! transfers N wrong N hangs N leaked N
//! ```
//!
//! `wrong` counts false results, `hangs` calls that took longer than all their deadlines together, `leaked` the
//! descriptors and threads left at the end. Unless all three are 0, the program fails.

#![expect(clippy::unwrap_used, reason = "a harness of tests: a panic is the report")]
#![expect(clippy::duplicate_mod, reason = "the same sessions, once with each driver")]

mod blocking;
mod content;
mod killer;
mod mio;
mod tally;

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ftp_tests::servers::{self, Server};
use rustix::process::{Resource, getrlimit, setrlimit};

use content::Random;
use killer::Killer;
use tally::Tally;

/// One session's share of the work
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) number: usize,
    pub(crate) server: Server,
    pub(crate) seed: u64,
    pub(crate) until: Instant,
    pub(crate) tally: Arc<Tally>,
}

struct Arguments {
    minutes: f64,
    sessions: usize,
    seed: u64,
    kills: bool,
    /// Only servers whose name begins with this, and only this driver
    server: String,
    driver: String,
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!(
            "usage: soak --minutes M [--sessions N] [--seed N] [--no-kills] [--server NAME] [--driver blocking|mio]"
        );
        return ExitCode::from(2);
    };
    let mut servers = servers::all();
    servers.retain(|server| server.name.starts_with(&arguments.server));
    assert!(!servers.is_empty(), "no servers: start this with `tests/run --with`");
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();

    let tally = Arc::new(Tally::new(arguments.sessions));
    let until = Instant::now() + Duration::from_secs_f64(arguments.minutes * 60.0);
    let before = resources();
    println!("seed {} sessions {}", arguments.seed, arguments.sessions);
    let mut threads = Vec::new();
    for number in 0..arguments.sessions {
        let job = Job {
            number,
            server: servers[number % servers.len()].clone(),
            seed: arguments.seed.wrapping_add(number as u64),
            until,
            tally: Arc::clone(&tally),
        };
        let thread = thread::Builder::new().name(format!("session {number}"));
        // Each server has sessions of both drivers.
        let run = match (&*arguments.driver, number / servers.len() % 2) {
            ("blocking", _) | ("", 0) => blocking::session::run,
            _ => mio::session::run,
        };
        threads.push(thread.spawn(move || run(&job)).unwrap());
    }
    let mut killer = Killer::new(Random::new(arguments.seed ^ 0xDEAD));
    while Instant::now() < until {
        thread::sleep(Duration::from_millis(500));
        tally.look_for_hangs();
        if arguments.kills {
            killer.perhaps(&servers);
        }
    }
    killer.revive();
    let all_ended = wait_for(&threads, &tally);
    if all_ended {
        for thread in threads {
            // A panic counts as a wrong result.
            if thread.join().is_err() {
                tally.panicked();
            }
        }
        // The system takes a moment to remove an ended thread.
        thread::sleep(Duration::from_millis(200));
    }
    let leaked = if all_ended { resources().saturating_sub(before) } else { 0 };
    println!("kills {}", killer.kills);
    tally.report(leaked)
}

/// Waits for the sessions to end; false if one hangs
fn wait_for(threads: &[thread::JoinHandle<()>], tally: &Tally) -> bool {
    let begun = Instant::now();
    while threads.iter().any(|thread| !thread.is_finished()) {
        thread::sleep(Duration::from_millis(50));
        tally.look_for_hangs();
        if begun.elapsed() > tally::PATIENCE * 2 {
            return false;
        }
    }
    true
}

/// Number of descriptors and threads of this process
fn resources() -> usize {
    let count = |directory| std::fs::read_dir(directory).map_or(0, Iterator::count);
    count("/proc/self/fd") + count("/proc/self/task")
}

fn arguments() -> Option<Arguments> {
    let seed = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    let mut found = Arguments {
        minutes: 0.0,
        sessions: 200,
        seed,
        kills: true,
        server: String::new(),
        driver: String::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match &*argument {
            "--minutes" => found.minutes = arguments.next()?.parse().ok()?,
            "--sessions" => found.sessions = arguments.next()?.parse().ok()?,
            "--seed" => found.seed = arguments.next()?.parse().ok()?,
            "--no-kills" => found.kills = false,
            "--server" => found.server = arguments.next()?,
            "--driver" => found.driver = arguments.next()?,
            _ => return None,
        }
    }
    (found.minutes > 0.0).then_some(found)
}
