//! Measures what one session costs the others if its server floods it with TLS records that contain no data

use std::collections::HashMap;
use std::time::{Duration, Instant};

use ftp_mio::ftp_tls::TlsVersion;
use ftp_mio::manager::Key;
use ftp_mio::mio::{Events, Poll, Token};
use ftp_mio::{Config, Event, List, Moved, Options, Session, TlsPolicy};
use ftp_tests::flood::{FLOODS, Flood, Flooding};
use ftp_tests::scripted::Server;
use ftp_tests::tls::{Tls, trusting};
use rustix::time::{ClockId, clock_gettime};

use crate::{FILE, Harness, Loop};

/// When the server starts the flood
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// Instead of the reply to a command
    Control,
    /// Instead of a file
    Data,
    /// Instead of the rest of an aborted listing
    Listing,
    /// While the client waits for tickets after a complete upload
    Closing,
}

const MOMENTS: [Moment; 4] = [Moment::Control, Moment::Data, Moment::Listing, Moment::Closing];

/// Measures every flood at every moment
pub(crate) fn run(policy: TlsPolicy, count: usize) {
    println!(
        "{policy:?}: {count} sessions, one of them flooded. Throughput of the others, of that without"
    );
    println!(
        "the flood: by the clock, where the flood's making competes, and by processor time of this side"
    );
    println!("| flood | moment | worst turn, ms of processor | by the clock | by processor time |");
    println!("|---|---|---|---|---|");
    let harness = Harness::start();
    let mut all = Loop::new();
    let keys = all.log_in(count - 1, &harness, policy);
    // The first run is slower, because caches are cold.
    rate(&mut all, &keys);
    for moment in MOMENTS {
        for flood in FLOODS {
            // On the control connection these bytes are an endless reply, and the server of an upload has no bytes to
            // send.
            let has_bytes = matches!(flood, Flood::SingleBytes | Flood::KeyUpdates);
            if has_bytes && matches!(moment, Moment::Control | Moment::Closing) {
                continue;
            }
            let worst = worst_turn(moment, flood);
            let without = rate(&mut all, &keys);
            let with = flooded_rate(&mut all, &keys, moment, flood);
            let ms = worst.as_secs_f64() * 1e3;
            let (clock, processor) = (with.0 / without.0, with.1 / without.1);
            println!("| {flood:?} | {moment:?} | {ms:.2} | {clock:.2} | {processor:.2} |");
        }
    }
}

/// Bytes downloaded by all sessions per second of wall-clock time and per second of processor time
fn rate(all: &mut Loop, keys: &[Key]) -> (f64, f64) {
    let gets = keys.iter().map(|key| (*key, vec![all.manager.session(*key).unwrap().get("f")]));
    let jobs = gets.collect::<HashMap<_, _>>();
    let (begun, before) = (Instant::now(), processor_time());
    let bytes = all.download(jobs, false);
    assert_eq!(bytes, (keys.len() * FILE) as u64);
    let (clock, processor) = (begun.elapsed(), processor_time() - before);
    (bytes as f64 / clock.as_secs_f64(), bytes as f64 / processor.as_secs_f64())
}

fn flooded_rate(all: &mut Loop, keys: &[Key], moment: Moment, flood: Flood) -> (f64, f64) {
    let server = serve(moment, flood);
    let key = all.manager.connect(&[server.address()], options()).unwrap();
    begin(&mut all.manager.session(key).unwrap(), moment);
    let mut leaves = moment == Moment::Listing;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(500) {
        all.wait(Some(Duration::from_millis(10)));
        while let Some(ready) = all.manager.poll_ready() {
            let mut session = all.manager.session(ready).unwrap();
            go_on(&mut session, &mut leaves);
        }
    }
    let rate = rate(all, keys);
    all.manager.remove(key);
    server.join();
    rate
}

/// The longest processor time of one turn of the flooded session, during which the others wait
///
/// The measurement includes interruptions by the system, which are rare but longer than any turn. So the result is the
/// minimum of several samples: the cost of a turn appears in each of them.
fn worst_turn(moment: Moment, flood: Flood) -> Duration {
    (0..3).map(|_| worst_in_sample(moment, flood)).min().unwrap()
}

fn worst_in_sample(moment: Moment, flood: Flood) -> Duration {
    let server = serve(moment, flood);
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(8);
    let addresses = [server.address()];
    let mut session = Session::connect(poll.registry(), Token(0), &addresses, options()).unwrap();
    begin(&mut session, moment);
    let mut leaves = moment == Moment::Listing;
    let mut worst = Duration::ZERO;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(1) {
        let timeout = session.timeout(Instant::now()).unwrap_or(Duration::MAX);
        poll.poll(&mut events, Some(timeout.min(Duration::from_millis(10)))).unwrap();
        let before = processor_time();
        for event in &events {
            session.handle_event(event);
        }
        session.turn(poll.registry(), Instant::now());
        go_on(&mut session, &mut leaves);
        worst = worst.max(processor_time() - before);
    }
    drop(session);
    server.join();
    worst
}

fn options() -> Options {
    let mut config = Config::new(TlsPolicy::Explicit);
    config.pipeline = false;
    Options::new(config).tls(trusting(TlsVersion::Tls13).build().unwrap())
}

/// Makes the requests that lead to the flood
fn begin(session: &mut Session, moment: Moment) {
    session.login("u", "p");
    match moment {
        Moment::Control => drop(session.noop()),
        Moment::Data => drop(session.get("f")),
        Moment::Listing => drop(session.list(List::new(""))),
        Moment::Closing => drop(session.put("f")),
    }
}

/// Acts as the application after a turn
fn go_on(session: &mut Session, leaves: &mut bool) {
    while let Some(event) = session.poll_event() {
        if let Event::DataOpen { .. } = event {
            session.finish_upload();
        }
    }
    let mut buffer = [0; 64 * 1024];
    while let Moved::Bytes(_) = session.read_data(&mut buffer) {
        if *leaves {
            if let Some(op) = session.running_transfer() {
                session.abort(op);
            }
            *leaves = false;
        }
    }
}

fn serve(moment: Moment, flood: Flood) -> Server {
    Server::start(move |s| {
        let tls = Tls::new();
        let mut control = tls.welcome(s);
        let mut data = |command: &str, type_: &str| {
            control.exchange(type_, "200 fine");
            let listener = control.epsv();
            control.exchange(command, "150 go");
            let mut data = tls.accept(&listener);
            data.handshake();
            data
        };
        match moment {
            Moment::Control => {
                control.expect("NOOP");
                Flooding::new(control, flood).pour();
            }
            Moment::Data => Flooding::new(data("RETR f", "TYPE I"), flood).pour(),
            Moment::Listing => {
                let mut data = data("LIST", "TYPE A");
                data.send(b"one\r\ntwo\r\n");
                Flooding::new(data, flood).pour();
            }
            Moment::Closing => {
                let mut data = data("STOR f", "TYPE I");
                data.read_all();
                Flooding::new(data, flood).pour();
            }
        }
    })
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap())
}
