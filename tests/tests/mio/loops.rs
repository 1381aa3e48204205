//! Properties of a poll loop: readiness, pace, fairness, many sessions

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ftp_mio::manager::{Key, Manager};
use ftp_mio::mio::{Events, Poll, Token};
use ftp_mio::proxy::{Proxy, ProxyServer};
use ftp_mio::{ConnectionError, Error, Event, Moved, Options, Session};
use ftp_tests::scripted::{Server, accept};

use crate::config;

/// The application's loop around one session
struct Loop {
    poll: Poll,
    events: Events,
    ftp: Session,
    wakeups: usize,
}

impl Loop {
    fn connect(address: SocketAddr, options: impl Into<Options>) -> Self {
        let poll = Poll::new().unwrap();
        let ftp = Session::connect(poll.registry(), Token(3), &[address], options).unwrap();
        Self { poll, events: Events::with_capacity(16), ftp, wakeups: 0 }
    }

    fn turn(&mut self) {
        self.poll.poll(&mut self.events, self.ftp.timeout(Instant::now())).unwrap();
        self.wakeups += 1;
        for event in &self.events {
            assert!(self.ftp.handle_event(event));
        }
        self.ftp.turn(self.poll.registry(), Instant::now());
    }
}

#[test]
fn wakeups_are_in_proportion_to_the_work() {
    const SIZE: usize = 4 << 20;
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.send_file("RETR f", &vec![7; SIZE]);
        s.farewell();
    });
    let mut all = Loop::connect(server.address(), config());
    all.ftp.login("u", "p");
    let get = all.ftp.get("f");
    all.ftp.quit();
    let mut buffer = vec![0; 64 * 1024];
    let (mut bytes, mut reads) = (0, 0);
    loop {
        all.turn();
        while let Moved::Bytes(count) = all.ftp.read_data(&mut buffer) {
            bytes += count;
            reads += 1;
        }
        let mut closed = false;
        while let Some(event) = all.ftp.poll_event() {
            match event {
                Event::Completed(mut done) => {
                    if let Some(result) = done.take(get) {
                        assert_eq!(result.unwrap().bytes, SIZE as u64);
                    }
                }
                Event::Closed(_) => closed = true,
                _ => {}
            }
        }
        if closed {
            break;
        }
    }
    assert_eq!(bytes, SIZE);
    // The protocol has about a dozen steps, each of which may cause an event and a turn that was due; the data causes
    // at most one wake-up for each read that returned bytes.
    assert!(all.wakeups <= 60 + reads, "{} wake-ups, {reads} reads", all.wakeups);
    assert!(!all.ftp.has_work() && all.ftp.deadline().is_none());
    server.join();
}

#[test]
fn a_paused_reader_loses_nothing_and_is_not_woken() {
    const SIZE: usize = 8 << 20;
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.send_file("RETR f", &(0..SIZE).map(|i| (i / 7) as u8).collect::<Vec<_>>());
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut all = Loop::connect(server.address(), config());
    all.ftp.login("u", "p");
    let get = all.ftp.get("f");
    while !all.ftp.can_read() {
        all.turn();
    }
    // Unread bytes stay unread: there is no work, and no deadline before the server's silence counts.
    while all.ftp.has_work() {
        all.turn();
    }
    let quiet = Duration::from_millis(300);
    let begun = Instant::now();
    let mut woken = 0;
    while begun.elapsed() < quiet {
        all.poll.poll(&mut all.events, Some(quiet.saturating_sub(begun.elapsed()))).unwrap();
        woken += usize::from(!all.events.is_empty());
        for event in &all.events {
            all.ftp.handle_event(event);
        }
        all.ftp.turn(all.poll.registry(), Instant::now());
        assert!(!all.ftp.has_work());
    }
    // Bytes arrive until the buffers are full, which causes at most one event each.
    assert!(woken < 200, "{woken} wake-ups while nobody reads");
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 10_000];
    let transfer = 'whole: loop {
        while let Moved::Bytes(count) = all.ftp.read_data(&mut buffer) {
            bytes.extend_from_slice(&buffer[..count]);
        }
        while let Some(event) = all.ftp.poll_event() {
            if let Event::Completed(mut done) = event {
                if let Some(result) = done.take(get) {
                    break 'whole result.unwrap();
                }
            }
        }
        all.turn();
    };
    assert_eq!(transfer.bytes, SIZE as u64);
    assert!(bytes.iter().enumerate().all(|(i, byte)| *byte == (i / 7) as u8));
    let noop = all.ftp.noop();
    'answered: loop {
        all.turn();
        while let Some(event) = all.ftp.poll_event() {
            if let Event::Completed(mut done) = event {
                done.take(noop).unwrap().unwrap();
                break 'answered;
            }
        }
    }
    drop(all);
    server.join();
}

#[test]
fn the_first_address_that_answers_is_taken() {
    let gone = ftp_tests::net::Listener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (silent, _held) = crate::silent_port();
    for other in [gone, silent] {
        let server = Server::start(|s| {
            s.welcome();
            s.farewell();
        });
        let poll = Poll::new().unwrap();
        let addresses = [other, server.address()];
        let ftp = Session::connect(poll.registry(), Token(3), &addresses, config()).unwrap();
        let mut all = Loop { poll, events: Events::with_capacity(16), ftp, wakeups: 0 };
        // Requests may be made before the connection is open.
        let login = all.ftp.login("u", "p");
        all.ftp.quit();
        let (mut connected, mut result) = (None, None);
        'over: loop {
            all.turn();
            while let Some(event) = all.ftp.poll_event() {
                match event {
                    Event::Connected { peer } => connected = peer,
                    Event::Completed(mut done) => result = done.take(login).or(result),
                    Event::Closed(_) => break 'over,
                    _ => {}
                }
            }
        }
        assert_eq!(connected, Some(server.address()));
        result.unwrap().unwrap();
        assert!(all.wakeups < 40, "{} wake-ups", all.wakeups);
        server.join();
    }
}

/// Starts a server whose files never end
fn endless() -> (SocketAddr, mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        let (mut control, _) = listener.accept().unwrap();
        let say = |control: &mut TcpStream, line: &str| {
            control.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        };
        say(&mut control, "220 ready");
        let mut data_listener = None;
        let mut buffer = [0; 512];
        loop {
            let count = control.read(&mut buffer).unwrap();
            for line in buffer[..count].split(|byte| *byte == b'\n') {
                match &line[..line.len().min(4)] {
                    b"" => {}
                    b"PASS" => say(&mut control, "230 welcome"),
                    b"USER" => say(&mut control, "331 password"),
                    b"EPSV" => {
                        let listener = ftp_tests::net::Listener::bind("127.0.0.1:0").unwrap();
                        let port = listener.local_addr().unwrap().port();
                        say(&mut control, &format!("229 go (|||{port}|)"));
                        data_listener = Some(listener);
                    }
                    b"RETR" => {
                        say(&mut control, "150 here it comes, and comes");
                        let mut data = accept(data_listener.as_ref().unwrap());
                        while stopped.try_recv() != Err(mpsc::TryRecvError::Disconnected) {
                            if data.write_all(&[0; 65536]).is_err() {
                                break;
                            }
                        }
                        return;
                    }
                    _ => say(&mut control, "200 fine"),
                }
            }
        }
    });
    (address, stop)
}

#[test]
fn a_fast_download_does_not_starve_the_others() {
    const BUDGET: usize = 128 * 1024;
    let (fast, stop) = endless();
    let slow = Server::start(|s| {
        s.welcome();
        for _ in 0..20 {
            s.exchange("NOOP", "200 yes");
        }
        s.expect_close();
    });
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(16);
    let mut manager = Manager::new(Token(0));
    let options = Options::new(config()).allowance(BUDGET);
    let greedy = manager.connect(&[fast], options).unwrap();
    {
        let mut session = manager.session(greedy).unwrap();
        session.login("u", "p");
        session.get("f");
    }
    let modest = manager.connect(&[slow.address()], config()).unwrap();
    manager.session(modest).unwrap().login("u", "p");
    let mut buffer = vec![0; 64 * 1024];
    let (mut replies, mut most, mut total) = (0, 0, 0);
    while replies < 21 || total < 16 * BUDGET {
        poll.poll(&mut events, manager.timeout(Instant::now())).unwrap();
        for event in &events {
            manager.handle_event(event);
        }
        manager.turn(poll.registry(), Instant::now());
        while let Some(key) = manager.poll_ready() {
            let mut session = manager.session(key).unwrap();
            // Reads as much as possible, until it would block.
            let mut moved = 0;
            while let Moved::Bytes(count) = session.read_data(&mut buffer) {
                moved += count;
            }
            most = most.max(moved);
            total += moved;
            while let Some(event) = session.poll_event() {
                if let (Event::Completed(_), true) = (&event, key == modest) {
                    replies += 1;
                    if replies < 21 {
                        session.noop();
                    }
                }
            }
        }
    }
    assert!(most < BUDGET + buffer.len(), "{most} bytes in one turn");
    drop(manager);
    drop(stop);
    slow.join();
}

/// The next request begins at once, before the turn that closes the aborted request's data connection
#[test]
fn bytes_of_an_aborted_download_do_not_reach_the_next_one() {
    let (said, heard) = mpsc::channel();
    let server = Server::start(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.send_file("RETR f", &[1; 100_000]);
        said.send(()).unwrap();
        s.send_file("RETR g", &[2; 1000]);
        s.expect_close();
    });
    let mut all = Loop::connect(server.address(), config());
    all.ftp.login("u", "p");
    let aborted = all.ftp.get("f");
    while all.ftp.read_data(&mut [0; 10]) != Moved::Bytes(10) {
        all.turn();
    }
    // The final reply has arrived.
    heard.recv().unwrap();
    std::thread::sleep(Duration::from_millis(50));
    all.turn();
    all.ftp.abort(aborted.id());
    let get = all.ftp.get("g");
    assert_eq!(all.ftp.data_direction(), None);
    let mut bytes = Vec::new();
    let transfer = 'ended: loop {
        let mut buffer = [0; 300];
        while let Moved::Bytes(count) = all.ftp.read_data(&mut buffer) {
            bytes.extend_from_slice(&buffer[..count]);
        }
        while let Some(event) = all.ftp.poll_event() {
            if let Event::Completed(mut done) = event {
                if let Some(result) = done.take(get) {
                    break 'ended result.unwrap();
                }
            }
        }
        all.turn();
    };
    assert!(transfer.bytes == 1000 && bytes == [2; 1000], "{}", bytes.len());
    drop(all);
    server.join();
}

#[test]
fn an_upload_that_pauses_is_told_of_a_reset() {
    let (sent, received) = mpsc::channel();
    let server = Server::start(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let data = accept(&listener);
        s.exchange("STOR f", "150 send it");
        received.recv().unwrap();
        data.break_at_the_end();
        drop(data);
        // The server never explains the failure, and may keep the upload for the next data connection.
        s.exchange("REST 0", "350 restart at 0");
        let listener = s.epsv();
        drop(accept(&listener));
        s.exchange("REST 0", "350 restart at 0");
        s.expect_close();
    });
    let mut all = Loop::connect(server.address(), config());
    all.ftp.login("u", "p");
    let put = all.ftp.put("f");
    while !all.ftp.can_write() {
        all.turn();
    }
    assert_eq!(all.ftp.write_data(b"data"), Moved::Bytes(4));
    sent.send(()).unwrap();
    // The application writes nothing for longer than the server may be silent.
    let begun = Instant::now();
    let error = 'ended: loop {
        assert!(begun.elapsed() < Duration::from_secs(4), "nobody was told");
        all.turn();
        while let Some(event) = all.ftp.poll_event() {
            if let Event::Completed(mut done) = event {
                if let Some(result) = done.take(put) {
                    break 'ended result.unwrap_err();
                }
            }
        }
    };
    let broken = ftp_proto::DataFailure::Broken;
    assert!(matches!(&error, Error::Data { failure, .. } if *failure == broken), "{error:?}");
    // The server's last bytes are read, because closing with unread bytes would reset the connection.
    while !all.ftp.is_idle() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not settle");
        all.turn();
    }
    drop(all);
    server.join();
}

#[test]
fn a_final_reply_reported_before_the_reset_of_its_upload_is_not_accepted() {
    let (all_sent, sent) = mpsc::channel();
    let server = Server::start(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("STOR f", "150 send it");
        sent.recv().unwrap();
        data.read_exact(&mut [0; 20_000]).unwrap();
        data.break_at_the_end();
        drop(data);
        s.reply("226 done");
        s.expect_close();
    });
    let mut all = Loop::connect(server.address(), config());
    all.ftp.login("u", "p");
    let put = all.ftp.put("f");
    while !all.ftp.can_write() {
        all.turn();
    }
    // The socket's buffers hold all of it.
    assert_eq!(all.ftp.write_data(&[7; 50_000]), Moved::Bytes(50_000));
    all.ftp.finish_upload();
    while all.ftp.has_work() {
        all.turn();
    }
    all_sent.send(()).unwrap();
    let result = 'ended: loop {
        all.poll.poll(&mut all.events, all.ftp.timeout(Instant::now())).unwrap();
        // A poll returns as many events as fit, in any order: the data connection's event is handled later.
        for event in all.events.iter().filter(|event| event.token() == Token(3)) {
            all.ftp.handle_event(event);
        }
        all.ftp.turn(all.poll.registry(), Instant::now());
        while let Some(event) = all.ftp.poll_event() {
            if let Event::Completed(mut done) = event {
                if let Some(result) = done.take(put) {
                    break 'ended result;
                }
            }
        }
    };
    let broken = ftp_proto::DataFailure::Broken;
    assert!(
        matches!(&result, Err(Error::Data { failure, .. }) if *failure == broken),
        "{result:?}"
    );
    drop(all);
    server.join();
}

/// What a server does to a session
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Healthy,
    Reset,
    Silent,
    Garbage,
    Hangs,
}

/// Greets any number of sessions on one thread and treats each according to its number
///
/// Returns the connections that are still open at the end.
fn crowd(count: usize) -> (SocketAddr, std::thread::JoinHandle<Vec<TcpStream>>) {
    // All connect at once, and std's listeners have a shorter queue.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(4096).unwrap();
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let mut held = Vec::new();
        let mut healthy = Vec::new();
        for _ in 0..count {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            stream.write_all(b"220 ready\r\n").unwrap();
            // The user name says what the server does to the session.
            let mut line = [0; 64];
            let count = stream.read(&mut line).unwrap();
            let line = String::from_utf8_lossy(&line[..count]).into_owned();
            if line.contains("Healthy") {
                stream.write_all(b"230 welcome\r\n").unwrap();
                healthy.push(stream);
            } else if line.contains("Reset") {
                // Closing with unread bytes makes the system reset the connection.
                let socket = socket2::SockRef::from(&stream);
                socket.set_linger(Some(Duration::ZERO)).unwrap();
            } else if line.contains("Garbage") {
                let _ = stream.write_all(&[0xFF, 0, b'\n', 0x80, b'\r', b'\n', 7]);
            } else if line.contains("Hangs") {
                let _ = stream.write_all(b"331-this reply has no end");
                held.push(stream);
            } else {
                held.push(stream);
            }
        }
        for stream in &mut healthy {
            let mut line = [0; 64];
            let count = stream.read(&mut line).unwrap();
            assert_eq!(&line[..count], b"NOOP\r\n");
            stream.write_all(b"200 yes\r\n").unwrap();
        }
        held.extend(healthy);
        held
    });
    (address, thread)
}

#[test]
fn failing_sessions_do_not_disturb_others() {
    const COUNT: usize = 1000;
    let fate = |index: usize| match index % 25 {
        0 => Fate::Reset,
        1 => Fate::Silent,
        2 => Fate::Garbage,
        3 => Fate::Hangs,
        _ => Fate::Healthy,
    };
    let (address, server) = crowd(COUNT);
    let mut config = config();
    config.reply_timeout = Duration::from_secs(2);
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(256);
    // The server accepts one session at a time.
    let mut manager = Manager::new(Token(0));
    let mut fates: std::collections::HashMap<Key, Fate> = std::collections::HashMap::new();
    for index in 0..COUNT {
        let key = manager.connect(&[address], config.clone()).unwrap();
        let fate = fate(index);
        manager.session(key).unwrap().login(format!("{fate:?}"), "p");
        if fate == Fate::Healthy {
            manager.session(key).unwrap().noop();
        }
        fates.insert(key, fate);
    }
    let (mut answered, mut dead) = (0, 0);
    while answered + dead < COUNT {
        poll.poll(&mut events, manager.timeout(Instant::now())).unwrap();
        for event in &events {
            manager.handle_event(event);
        }
        manager.turn(poll.registry(), Instant::now());
        while let Some(key) = manager.poll_ready() {
            let fate = fates[&key];
            let mut completions = 0;
            let mut closed = None;
            let mut session = manager.session(key).unwrap();
            while let Some(event) = session.poll_event() {
                match event {
                    Event::Completed(done) => {
                        completions += 1;
                        assert_eq!(done.error().is_none(), fate == Fate::Healthy, "{done:?}");
                    }
                    Event::Closed(error) => closed = Some(error),
                    _ => {}
                }
            }
            let idle = session.is_idle();
            drop(session);
            match (fate, closed) {
                (Fate::Healthy, None) => answered += usize::from(completions > 0 && idle),
                (Fate::Healthy, Some(error)) => panic!("a healthy session has ended: {error}"),
                (_, None) => {}
                (fate, Some(error)) => {
                    check(fate, &error);
                    dead += 1;
                    assert!(manager.remove(key));
                }
            }
        }
    }
    assert_eq!((answered, dead), (COUNT / 25 * 21, COUNT / 25 * 4));
    drop(server.join().unwrap());
}

fn check(fate: Fate, error: &Error) {
    use ftp_mio::ftp_proto::Error as Ftp;
    let timed_out = matches!(error, Error::Ftp(Ftp::Connection(ConnectionError::TimedOut(_))));
    match fate {
        Fate::Silent | Fate::Hangs => assert!(timed_out, "{fate:?}: {error:?}"),
        Fate::Garbage | Fate::Reset => assert!(error.is_fatal() && !timed_out, "{fate:?}"),
        Fate::Healthy => unreachable!("a healthy session has ended"),
    }
}

#[test]
fn a_server_that_refuses_further_sessions_gets_no_more() {
    const COUNT: usize = 12;
    const LIMIT: usize = 3;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Three sessions at a time; the fourth is refused for that reason.
    let server = std::thread::spawn(move || {
        let inside = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let mut threads = Vec::new();
        let (mut welcomed, mut refused) = (0, 0);
        while welcomed < COUNT {
            let (mut stream, _) = listener.accept().unwrap();
            let count = inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            if count >= LIMIT {
                inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                stream.write_all(b"421 Too many connections (3) from this IP\r\n").unwrap();
                refused += 1;
                continue;
            }
            welcomed += 1;
            let inside = std::sync::Arc::clone(&inside);
            threads.push(std::thread::spawn(move || {
                stream.write_all(b"220 ready\r\n").unwrap();
                for reply in ["230 welcome", "221 goodbye"] {
                    let mut line = [0; 64];
                    assert!(stream.read(&mut line).unwrap() > 0);
                    if reply.starts_with("221") {
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                    stream.write_all(format!("{reply}\r\n").as_bytes()).unwrap();
                }
            }));
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        refused
    });
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(64);
    let mut manager = Manager::new(Token(10));
    let add = |manager: &mut Manager| {
        let key = manager.connect(&[address], config()).unwrap();
        let mut session = manager.session(key).unwrap();
        session.login("u", "p");
        session.quit();
    };
    (0..COUNT).for_each(|_| add(&mut manager));
    while !manager.is_empty() {
        poll.poll(&mut events, manager.timeout(Instant::now())).unwrap();
        for event in &events {
            assert!(manager.handle_event(event));
        }
        manager.turn(poll.registry(), Instant::now());
        while let Some(key) = manager.poll_ready() {
            let mut session = manager.session(key).unwrap();
            let mut closed = None;
            while let Some(event) = session.poll_event() {
                if let Event::Closed(error) = event {
                    closed = Some(error);
                }
            }
            drop(session);
            let Some(error) = closed else { continue };
            manager.remove(key);
            // A refused session gets in line again.
            if error.reply().is_some_and(|reply| reply.code().get() == 421) {
                add(&mut manager);
            }
        }
    }
    // All attempts in progress when the first refusal came may have been refused, and hardly more.
    let refused = server.join().unwrap();
    assert!((1..=2 * COUNT).contains(&refused), "{refused} refusals");
}

/// A reply's text is searched once, not whenever something arrives
#[test]
fn a_long_refusal_costs_nothing_later() {
    const BYTES: usize = 2000;
    let server = Server::start(|s| {
        s.welcome();
        s.expect("CWD d");
        let line = "no, not today, and not tomorrow either; ask again next week. ".repeat(3);
        for _ in 0..1300 {
            s.reply(&format!("530-{line}"));
        }
        s.reply("530 no");
        s.expect("NOOP");
        s.control().write_all(b"200 ").unwrap();
        for _ in 0..BYTES {
            s.control().write_all(b"x").unwrap();
            std::thread::sleep(Duration::from_micros(100));
        }
        s.reply("");
        s.expect_close();
    });
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(16);
    let mut manager = Manager::new(Token(0));
    let key = manager.connect(&[server.address()], config()).unwrap();
    let mut session = manager.session(key).unwrap();
    session.login("u", "p");
    session.cwd("d");
    let noop = session.noop();
    drop(session);
    let (mut turns, mut count) = (Duration::ZERO, 0);
    'answered: loop {
        poll.poll(&mut events, manager.timeout(Instant::now())).unwrap();
        for event in &events {
            manager.handle_event(event);
        }
        let refused = manager.session(key).unwrap().last_reply().map(|reply| reply.code().get());
        let begun = Instant::now();
        manager.turn(poll.registry(), Instant::now());
        if refused == Some(530) {
            turns += begun.elapsed();
            count += 1;
        }
        while let Some(key) = manager.poll_ready() {
            while let Some(event) = manager.session(key).unwrap().poll_event() {
                if let Event::Completed(mut done) = event {
                    if done.take(noop).is_some_and(|result| result.is_ok()) {
                        break 'answered;
                    }
                }
            }
        }
    }
    // Searching 250 KB of text takes milliseconds; handling a byte takes microseconds.
    let each = turns / count;
    assert!(count > 50 && each < Duration::from_millis(1), "{count} turns of {each:?}");
    drop(manager);
    server.join();
}

#[test]
fn servers_after_one_proxy_have_limits_of_their_own() {
    let mut manager = Manager::new(Token(0)).limit_per_server(1);
    let proxy = SocketAddr::from(([127, 0, 0, 1], 1));
    let mut connect = |host: &str, port| {
        let server = ProxyServer::new("127.0.0.1", 1);
        let options = Options::new(config()).host(host).port(port);
        let options = options.proxy(Proxy::Socks5 { server, login: None });
        manager.connect(&[proxy], options).unwrap()
    };
    let keys = [connect("one", 21), connect("two", 21), connect("one", 2121), connect("one", 21)];
    assert_eq!(keys.map(|key| manager.is_waiting(key)), [false, false, false, true]);
    assert!(manager.remove(keys[0]));
    assert!(!manager.is_waiting(keys[3]));
}

/// A queued request can be aborted while the running one continues
#[test]
fn a_queued_request_is_aborted_by_its_id() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("NOOP", "200 first");
        s.exchange("SYST", "215 UNIX");
        s.expect_close();
    });
    let mut all = Loop::connect(server.address(), config());
    all.ftp.login("u", "p");
    all.ftp.noop();
    let queued = all.ftp.delete("f");
    let last = all.ftp.system();
    all.ftp.abort(queued.id());
    let mut aborted = false;
    'ended: loop {
        while let Some(event) = all.ftp.poll_event() {
            let Event::Completed(mut done) = event else { continue };
            if let Some(result) = done.take(queued) {
                let error = result.unwrap_err();
                assert!(matches!(error, Error::Ftp(ftp_proto::Error::Aborted)), "{error:?}");
                aborted = true;
            } else if let Some(result) = done.take(last) {
                result.unwrap();
                break 'ended;
            }
        }
        all.turn();
    }
    assert!(aborted);
    drop(all);
    server.join();
}
