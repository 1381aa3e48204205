//! Properties of a poll loop: readiness, pace, fairness, many sessions

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ftp_mio::manager::Manager;
use ftp_mio::mio::{Events, Poll, Token};
use ftp_mio::{Error, Event, Moved, Options, Session};
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

impl Loop {
    /// Takes turns until a transfer's data can be moved
    fn until_open(&mut self) {
        loop {
            self.turn();
            while let Some(event) = self.ftp.poll_event() {
                if let Event::DataOpen { .. } = event {
                    return;
                }
            }
        }
    }
}

#[test]
fn wakeups_are_in_proportion_to_the_work() {
    const SIZE: usize = 4 << 20;
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.send_file("RETR f", &vec![7; SIZE]);
        s.serve_quit();
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
    all.until_open();
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
            s.serve_quit();
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
    all.until_open();
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

/// The application looks for data before it takes the events which say that the next transfer has begun
#[test]
fn bytes_wait_until_the_application_knows_whose_they_are() {
    let (said, heard) = mpsc::channel();
    let server = Server::start(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.send_file("RETR f", &[1; 1000]);
        let listener = s.epsv();
        s.exchange("RETR g", "150 here it comes");
        let mut data = accept(&listener);
        data.write_all(&[2; 1000]).unwrap();
        drop(data);
        said.send(()).unwrap();
        s.reply("226 complete");
        s.expect_close();
    });
    let mut all = Loop::connect(server.address(), config());
    all.ftp.login("u", "p");
    let ops = ["f", "g"].map(|name| all.ftp.get(name));
    all.until_open();
    let mut files = [Vec::new(), Vec::new()];
    let turn = |all: &mut Loop, bytes: &mut Vec<u8>| {
        let timeout = all.ftp.timeout(Instant::now()).unwrap_or(Duration::MAX);
        let timeout = timeout.min(Duration::from_millis(10));
        all.poll.poll(&mut all.events, Some(timeout)).unwrap();
        for event in &all.events {
            all.ftp.handle_event(event);
        }
        all.ftp.turn(all.poll.registry(), Instant::now());
        let mut buffer = [0; 300];
        while let Moved::Bytes(count) = all.ftp.read_data(&mut buffer) {
            bytes.extend_from_slice(&buffer[..count]);
        }
    };
    while heard.try_recv().is_err() {
        turn(&mut all, &mut files[0]);
    }
    for _ in 0..10 {
        turn(&mut all, &mut files[0]);
    }
    let (mut current, mut ended) = (0, 0);
    while ended < 2 {
        turn(&mut all, &mut files[current]);
        while let Some(event) = all.ftp.poll_event() {
            match event {
                Event::DataOpen { op, .. } => current = usize::from(op == ops[1].id()),
                Event::Completed(mut done) => {
                    ended += usize::from(ops.iter().any(|op| done.take(*op).is_some()));
                }
                _ => {}
            }
        }
    }
    assert!(files == [[1; 1000], [2; 1000]], "{:?}", files.each_ref().map(Vec::len));
    drop(all);
    server.join();
}

#[test]
fn an_upload_that_pauses_notices_a_reset() {
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
    all.until_open();
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
    all.until_open();
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
