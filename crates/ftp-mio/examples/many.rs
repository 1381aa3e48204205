//! The same file N times at once, on one thread: `many N URL`
//!
//! ```text
//! cargo run --release -p ftp-mio --example many -- 1000 ftp://127.0.0.1:2121/file
//! ```
//!
//! Each of N sessions fetches the file and checks its length. Prints one line of JSON: sessions,
//! bytes, seconds, errors, and the peak of resident memory per session in bytes (Linux).

mod common;

use std::collections::HashMap;
use std::error::Error;
use std::time::Instant;

use ftp_mio::manager::{Key, Manager};
use ftp_mio::mio::{Events, Poll, Token};
use ftp_mio::{Event, Moved, Op, Transfer};

use common::Target;

/// The requests of a session
struct Job {
    size: Op<u64>,
    get: Op<Transfer>,
    expected: Option<u64>,
    received: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: many N ftp://[USER:PASSWORD@]HOST[:PORT]/PATH";
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().ok_or(usage)?.parse()?;
    let target = Target::parse(&arguments.next().ok_or(usage)?)?;

    let before = memory("VmRSS");
    let begun = Instant::now();
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut manager = Manager::new(Token(0));
    let mut jobs = HashMap::new();
    for _ in 0..count {
        let key = manager.connect(&target.addresses, target.options.clone())?;
        if let Some(mut ftp) = manager.session(key) {
            ftp.login(&target.user, &target.password);
            let (size, get) = (ftp.size(&target.path), ftp.get(&target.path));
            ftp.quit();
            jobs.insert(key, Job { size, get, expected: None, received: 0 });
        }
    }

    let (mut bytes, mut errors) = (0, 0);
    // Shared by all sessions, because the content is discarded.
    let mut buffer = vec![0; 128 * 1024];
    while !jobs.is_empty() {
        poll.poll(&mut events, manager.timeout(Instant::now()))?;
        for event in &events {
            manager.handle_event(event);
        }
        manager.turn(poll.registry(), Instant::now());
        while let Some(key) = manager.poll_ready() {
            let Some(job) = jobs.get_mut(&key) else { continue };
            if let Some(result) = serve(&mut manager, key, job, &mut buffer) {
                bytes += job.received;
                if let Err(error) = result {
                    eprintln!("{error}");
                    errors += 1;
                }
                jobs.remove(&key);
                manager.remove(key);
            }
        }
    }

    let seconds = begun.elapsed().as_secs_f64();
    let peak = memory("VmHWM").saturating_sub(before) / count.max(1) as u64;
    println!(
        "{{\"sessions\": {count}, \"bytes\": {bytes}, \"seconds\": {seconds:.3}, \
         \"errors\": {errors}, \"peak_bytes_per_session\": {peak}}}"
    );
    Ok(())
}

/// Handles the events of a session; `Some` when it has ended
fn serve(
    manager: &mut Manager,
    key: Key,
    job: &mut Job,
    buffer: &mut [u8],
) -> Option<Result<(), Box<dyn Error>>> {
    let mut ftp = manager.session(key)?;
    while let Some(event) = ftp.poll_event() {
        match event {
            Event::Completed(mut done) => {
                // Not every server supports SIZE.
                if let Some(Ok(size)) = done.take(job.size) {
                    job.expected = Some(size);
                }
                match done.take(job.get) {
                    Some(Ok(_)) if job.expected.is_some_and(|size| size != job.received) => {
                        return Some(Err(format!("{} bytes came", job.received).into()));
                    }
                    Some(Err(error)) => return Some(Err(error.into())),
                    Some(Ok(_)) | None => {}
                }
            }
            // After QUIT, unless the transfer has failed.
            Event::Closed(_) => return Some(Ok(())),
            _ => {}
        }
    }
    while let Moved::Bytes(count) = ftp.read_data(buffer) {
        job.received += count as u64;
    }
    None
}

/// Returns a value from /proc/self/status, in bytes; 0 if it does not exist
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
