//! Measures how many sessions ftp-mio and ftp-tokio carry on one thread: `tests/scale`
//!
//! The server is a separate process, so that memory and processor time are the client's alone. Prints a table; the
//! first error ends the run.

#![expect(clippy::unwrap_used, reason = "a measurement: a panic is the report")]

mod floods;
mod server;
mod tasks;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use ftp_mio::ftp_tls::{TlsConfig, Trust, server_name};
use ftp_mio::manager::{Key, Manager};
use ftp_mio::mio::{Events, Poll, Token};
use ftp_mio::{Config, Event, Moved, Op, Options, TlsPolicy, Transfer};
use sha2::{Digest, Sha256};

/// Bytes in a file
pub(crate) const FILE: usize = 1 << 20;

/// Number of sessions that connect at the same time
pub(crate) const WINDOW: usize = 200;

/// How long idle sessions are observed
pub(crate) const PAUSE: Duration = Duration::from_secs(5);

pub(crate) struct Harness {
    child: Child,
    pub(crate) address: SocketAddr,
    certificate: String,
}

impl Harness {
    fn start() -> Self {
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new(program)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port: u16 = lines.next().unwrap().unwrap().parse().unwrap();
        let certificate = lines.next().unwrap().unwrap().replace('|', "\n");
        Self { child, address: ([127, 0, 0, 1], port).into(), certificate }
    }

    fn options(&self, policy: TlsPolicy) -> Options {
        let options = Options::new(Config::new(policy));
        if policy == TlsPolicy::Plaintext {
            return options;
        }
        let tls = TlsConfig::builder(Trust::OwnCa).add_ca_pem(self.certificate.as_bytes());
        options.tls(tls.build().unwrap()).tls_server_name(server_name("localhost").unwrap())
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        // The child ends when its standard input ends.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The event loop that all measurements share
struct Loop {
    poll: Poll,
    events: Events,
    manager: Manager,
    wakeups: u64,
}

impl Loop {
    fn new() -> Self {
        Self {
            poll: Poll::new().unwrap(),
            events: Events::with_capacity(1024),
            manager: Manager::new(Token(0)),
            wakeups: 0,
        }
    }

    fn wait(&mut self, longest: Option<Duration>) {
        let timeout = self.manager.timeout(Instant::now());
        let timeout = match (timeout, longest) {
            (Some(timeout), Some(longest)) => Some(timeout.min(longest)),
            (timeout, longest) => timeout.or(longest),
        };
        self.poll.poll(&mut self.events, timeout).unwrap();
        self.wakeups += 1;
        for event in &self.events {
            self.manager.handle_event(event);
        }
        self.manager.turn(self.poll.registry(), Instant::now());
    }

    /// Connects and logs in; returns the sessions once all are idle
    fn log_in(&mut self, count: usize, harness: &Harness, policy: TlsPolicy) -> Vec<Key> {
        let options = harness.options(policy);
        let (mut keys, mut logins) = (Vec::new(), HashMap::new());
        while keys.len() < count || !logins.is_empty() {
            while keys.len() < count && logins.len() < WINDOW {
                let key = self.manager.connect(&[harness.address], options.clone()).unwrap();
                let login = self.manager.session(key).unwrap().login("u", "p");
                logins.insert(key, login);
                keys.push(key);
            }
            self.wait(None);
            while let Some(key) = self.manager.poll_ready() {
                let mut session = self.manager.session(key).unwrap();
                while let Some(event) = session.poll_event() {
                    match event {
                        Event::Completed(mut done) => {
                            done.take(logins.remove(&key).unwrap()).unwrap().unwrap();
                        }
                        Event::Closed(error) => panic!("{error}"),
                        _ => {}
                    }
                }
            }
        }
        keys
    }

    /// Runs transfers, one after another in each session; returns the number of bytes
    fn download(&mut self, mut jobs: HashMap<Key, Vec<Op<Transfer>>>, hash: bool) -> u64 {
        let expected = Sha256::digest(server::content());
        let mut hashes: HashMap<Key, Sha256> = HashMap::new();
        let mut buffer = vec![0; 128 * 1024];
        let mut total = 0;
        while !jobs.is_empty() {
            self.wait(None);
            while let Some(key) = self.manager.poll_ready() {
                let mut session = self.manager.session(key).unwrap();
                let wanted = jobs.contains_key(&key);
                while let Moved::Bytes(count) = session.read_data(&mut buffer) {
                    if !wanted {
                        continue;
                    }
                    total += count as u64;
                    if hash {
                        hashes.entry(key).or_default().update(&buffer[..count]);
                    }
                }
                while let Some(event) = session.poll_event() {
                    match event {
                        Event::Completed(mut done) => {
                            let Some(waiting) = jobs.get_mut(&key) else { continue };
                            let transfer = done.take(waiting.remove(0)).unwrap().unwrap();
                            assert_eq!(transfer.bytes, FILE as u64);
                            if waiting.is_empty() {
                                jobs.remove(&key);
                            }
                            if hash {
                                let hash = hashes.remove(&key).unwrap().finalize();
                                assert_eq!(hash, expected, "a file is not right");
                            }
                        }
                        Event::Closed(error) if jobs.contains_key(&key) => panic!("{error}"),
                        _ => {}
                    }
                }
            }
        }
        total
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let measure = match arguments[..] {
        ["serve"] => {
            server::serve().unwrap();
            return ExitCode::SUCCESS;
        }
        ["idle", ..] => idle,
        ["load", ..] => load,
        ["tasks-idle", ..] => tasks::idle,
        ["tasks-load", ..] => tasks::load,
        ["hold", ..] => hold,
        ["tasks-hold", ..] => tasks::hold,
        ["floods", ..] => floods::run,
        _ => return usage(),
    };
    let policy = match arguments.get(1) {
        Some(&"plain") => TlsPolicy::Plaintext,
        Some(&"tls") => TlsPolicy::Explicit,
        _ => return usage(),
    };
    match (arguments.len(), arguments.get(2).and_then(|count| count.parse().ok())) {
        (3, Some(count @ 1..)) => measure(policy, count),
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: scale idle|load|tasks-idle|tasks-load|hold|tasks-hold|floods plain|tls SESSIONS"
    );
    ExitCode::from(2)
}

/// Measures memory and processor time of idle sessions, and of a NOOP on each
fn idle(policy: TlsPolicy, count: usize) {
    let harness = Harness::start();
    let mut all = Loop::new();
    // One-time costs of the first session are not counted for the others.
    all.log_in(1, &harness, policy);
    let before = status("VmRSS:");
    let begun = Instant::now();
    let keys = all.log_in(count, &harness, policy);
    let seconds = begun.elapsed().as_secs_f64();
    println!("{policy:?}: {count} sessions logged in, one thread, {seconds:.1} s");
    let after = status("VmRSS:");
    println!("  resident memory per session: {} bytes", (after - before) / count as u64);
    println!("  size of the session itself: {} bytes", size_of::<ftp_mio::Session>());

    let (ticks, wakeups, begun) = (cpu(), all.wakeups, Instant::now());
    while begun.elapsed() < PAUSE {
        all.wait(Some(PAUSE.saturating_sub(begun.elapsed())));
    }
    println!(
        "  idle for {} s: {} ms of processor time, {} wake-ups",
        PAUSE.as_secs(),
        (cpu() - ticks) * 10,
        all.wakeups - wakeups
    );

    let (begun, ticks, wakeups) = (Instant::now(), cpu(), all.wakeups);
    let mut noops: HashMap<_, _> =
        keys.iter().map(|key| (*key, all.manager.session(*key).unwrap().noop())).collect();
    while !noops.is_empty() {
        all.wait(None);
        while let Some(key) = all.manager.poll_ready() {
            while let Some(event) = all.manager.session(key).unwrap().poll_event() {
                if let Event::Completed(mut done) = event {
                    done.take(noops.remove(&key).unwrap()).unwrap().unwrap();
                }
            }
        }
    }
    println!(
        "  {count} NOOPs answered in {:.0} ms, {} ms of processor time, {} wake-ups",
        begun.elapsed().as_secs_f64() * 1e3,
        (cpu() - ticks) * 10,
        all.wakeups - wakeups
    );
}

/// Keeps idle sessions, for `tests/bench --plot memory`, which compares them with those of other clients
fn hold(policy: TlsPolicy, count: usize) {
    let harness = Harness::start();
    let mut all = Loop::new();
    all.log_in(count, &harness, policy);
    wait_for_end();
}

/// Reports that all sessions are there, and waits until the standard input ends
pub(crate) fn wait_for_end() {
    println!("ready");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// Measures one download per session, all at once, against the same files one after another
fn load(policy: TlsPolicy, count: usize) {
    let harness = Harness::start();
    let rate = |bytes: u64, begun: Instant| bytes as f64 / begun.elapsed().as_secs_f64() / 1e6;

    let mut all = Loop::new();
    let keys = all.log_in(count, &harness, policy);
    for hash in [true, false] {
        let get = |key: &Key, all: &mut Loop| vec![all.manager.session(*key).unwrap().get("f")];
        let jobs = keys.iter().map(|key| (*key, get(key, &mut all))).collect();
        let (begun, ticks, wakeups) = (Instant::now(), cpu(), all.wakeups);
        let bytes = all.download(jobs, hash);
        assert_eq!(bytes, (count * FILE) as u64);
        println!(
            "{policy:?}: {count} sessions at once, {}: {:.0} MB/s, {} ms of processor time, {} wake-ups",
            if hash { "every file right by SHA-256" } else { "not hashed" },
            rate(bytes, begun),
            (cpu() - ticks) * 10,
            all.wakeups - wakeups
        );
    }
    drop(all);

    let mut one = Loop::new();
    let key = one.log_in(1, &harness, policy)[0];
    let gets = (0..count).map(|_| one.manager.session(key).unwrap().get("f")).collect();
    let (begun, ticks) = (Instant::now(), cpu());
    let bytes = one.download(HashMap::from([(key, gets)]), false);
    println!(
        "{policy:?}: 1 session, {count} files in a row: {:.0} MB/s, {} ms of processor time",
        rate(bytes, begun),
        (cpu() - ticks) * 10
    );
    curl(&harness, policy, count, rate);
}

/// Runs one curl per file, eight at a time
fn curl(harness: &Harness, policy: TlsPolicy, count: usize, rate: impl Fn(u64, Instant) -> f64) {
    let url = format!("ftp://u:p@{}/f", harness.address);
    let mut command = format!("seq {count} | xargs -P 8 -I _ curl -sS -o /dev/null ");
    if policy != TlsPolicy::Plaintext {
        command.push_str("--ssl-reqd -k ");
    }
    command.push_str(&url);
    if Command::new("curl").arg("-V").stdout(Stdio::null()).status().is_err() {
        println!("{policy:?}: curl is not installed");
        return;
    }
    let begun = Instant::now();
    let status = Command::new("sh").arg("-c").arg(&command).status().unwrap();
    assert!(status.success());
    println!(
        "{policy:?}: one curl for each of {count} files, 8 at a time: {:.0} MB/s",
        rate((count * FILE) as u64, begun)
    );
}

/// Returns a value from /proc/self/status, in bytes
pub(crate) fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

/// Processor time used so far, in hundredths of a second
pub(crate) fn cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
