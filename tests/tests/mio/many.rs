//! Many sessions: failures of some, refusals of further ones, servers after a proxy

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use ftp_mio::manager::{Key, Manager};
use ftp_mio::mio::{Events, Poll, Token};
use ftp_mio::proxy::{Proxy, ProxyServer};
use ftp_mio::{ConnectionError, Error, Event, Moved, Options};
use ftp_tests::scripted::Server;

use crate::config;

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

/// Regression: a session whose requests were made at once counted as open only after its whole work
#[test]
fn sessions_that_open_one_after_another_work_at_the_same_time() {
    const COUNT: usize = 3;
    let server = ftp_test::Server::start();
    server.files().put("f", [1; 20]);
    server.on_command(|command| match command.verb {
        "RETR" => ftp_test::Action::serve().slow_from(0, Duration::from_millis(50)),
        _ => ftp_test::Action::serve(),
    });
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(64);
    let mut manager = Manager::new(Token(0)).open_at_once(1);
    for _ in 0..COUNT {
        let key = manager.connect(&[server.address()], config()).unwrap();
        let mut session = manager.session(key).unwrap();
        session.login("u", "p");
        session.get("f");
        session.quit();
    }
    let (mut buffer, mut received) = ([0; 64], 0);
    while !manager.is_empty() {
        poll.poll(&mut events, manager.timeout(Instant::now())).unwrap();
        for event in &events {
            manager.handle_event(event);
        }
        manager.turn(poll.registry(), Instant::now());
        while let Some(key) = manager.poll_ready() {
            let mut session = manager.session(key).unwrap();
            while let Moved::Bytes(count) = session.read_data(&mut buffer) {
                received += count;
            }
            let mut is_closed = false;
            while let Some(event) = session.poll_event() {
                is_closed |= matches!(event, Event::Closed(_));
            }
            drop(session);
            if is_closed {
                manager.remove(key);
            }
        }
    }
    assert_eq!((received, server.sessions().most), (COUNT * 20, COUNT));
}
