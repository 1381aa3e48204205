//! Bytes wait until the user knows whose they are

use std::convert::Infallible;
use std::time::Duration;

use ftp_session::{
    Config, Event, Moved, Op, OpId, Output, Pipe, Pipes, Session, Slot, Time, TlsPolicy, ftp_proto,
};
use ftp_tests::memory::Server;

/// A session with a server in the same memory, in clear text
struct Ftp {
    session: Session<Pipe, Infallible>,
    pipes: Pipes<Slot>,
    server: Server,
    now: Time,
}

impl Ftp {
    fn new() -> Self {
        let now = Time::ZERO;
        let config = Config::new(TlsPolicy::Plaintext);
        let mut session = Session::dialed_by_shell("localhost", 21, config, now).unwrap();
        session.start();
        session.request().login("u", "p");
        let mut server = Server::new();
        for (name, byte) in [("a", b'a'), ("b", b'b')] {
            server.files.insert(name.into(), vec![byte; 20_000]);
        }
        Self { session, pipes: Pipes::new(), server, now }
    }

    fn get_both(&mut self) -> [Op<ftp_proto::Transfer>; 2] {
        ["a", "b"].map(|name| self.session.request().get(name))
    }

    fn turn(&mut self) {
        self.session.turn(&mut self.pipes, self.now);
    }

    /// Carries the bytes of all connections
    fn carry(&mut self) {
        let Self { session, pipes, server, now } = self;
        if let Some(id) = session.dial_request().map(|request| request.id) {
            session.dialed(id, Ok((pipes.add(id.slot(), id.slot()), None)), *now);
        }
        pipes.for_each(session, |slot, pipe| server.carry(*slot, pipe));
        session.ready_all();
        *now += Duration::from_millis(500);
    }

    fn read(&mut self, bytes: &mut Vec<u8>) {
        let mut buffer = [0; 3000];
        while let Moved::Bytes(count) = self.session.read_data(&mut buffer, self.now) {
            bytes.extend_from_slice(&buffer[..count]);
        }
    }
}

/// What makes the application use the file of the second transfer
#[derive(Clone, Copy, Debug, PartialEq)]
enum Switch {
    AtTheCompletion,
    WhenDataIsOpen,
}

#[test]
fn bytes_of_the_next_download_do_not_get_into_the_file_of_the_one_before() {
    for switch in [Switch::AtTheCompletion, Switch::WhenDataIsOpen] {
        for reads_first in [true, false] {
            let mut ftp = Ftp::new();
            let ops = ftp.get_both();
            let (mut files, mut current, mut ended) = ([Vec::new(), Vec::new()], 0, 0);
            while ended < 2 {
                ftp.turn();
                if reads_first {
                    ftp.read(&mut files[current]);
                }
                let mut was_opened = false;
                while let Some(event) = ftp.session.poll_event() {
                    match event {
                        Event::DataOpen { op, .. } => {
                            was_opened = true;
                            if switch == Switch::WhenDataIsOpen {
                                current = usize::from(op == ops[1].id());
                            }
                        }
                        Event::Completed(done) if done.op() == ops[ended].id() => {
                            assert!(done.error().is_none(), "{done:?}");
                            ended += 1;
                            if switch == Switch::AtTheCompletion {
                                current = ended.min(1);
                            }
                        }
                        _ => {}
                    }
                }
                if was_opened {
                    assert!(ftp.session.has_work(), "a loop that reads first must get a turn");
                    assert!(ftp.session.data_direction().is_some());
                }
                if !reads_first {
                    ftp.read(&mut files[current]);
                }
                ftp.carry();
            }
            let expected = [vec![b'a'; 20_000], vec![b'b'; 20_000]];
            let lengths = files.each_ref().map(Vec::len);
            assert!(files == expected, "{switch:?}, reads first: {reads_first}: {lengths:?}");
        }
    }
}

#[test]
fn bytes_written_for_one_upload_do_not_get_into_the_next() {
    let mut ftp = Ftp::new();
    let ops = ["c", "d"].map(|name| ftp.session.request().put(name));
    let contents = [vec![b'c'; 10_000], Vec::new()];
    let (mut current, mut sent) = (0, 0);
    while current < 2 {
        ftp.turn();
        // Whatever is not sent yet, and the end again and again, as long as nothing says that the upload is over.
        while let Moved::Bytes(count) = ftp.session.write_data(&contents[current][sent..], ftp.now)
        {
            sent += count;
        }
        if sent == contents[current].len() {
            ftp.session.finish_upload(ftp.now);
        }
        while let Some(event) = ftp.session.poll_event() {
            match event {
                Event::Completed(done) if done.op() == ops[current].id() => {
                    assert!(done.error().is_none(), "{done:?}");
                    (current, sent) = (current + 1, 0);
                }
                // The first upload is asked to end once more before this, and the second must not.
                Event::DataOpen { op, .. } => assert_eq!(op, ops[current].id()),
                _ => {}
            }
        }
        ftp.carry();
    }
    for (name, content) in ["c", "d"].into_iter().zip(&contents) {
        assert!(ftp.server.files.get(name) == Some(content), "{name}");
    }
}

/// Runs as callers do that wait for one result after another, with one file at a time
#[test]
fn a_caller_that_waits_for_one_download_does_not_get_the_bytes_of_the_next() {
    for reads_first in [true, false] {
        let mut ftp = Ftp::new();
        let files = ftp.get_both().map(|op| {
            let mut bytes = Vec::new();
            loop {
                ftp.turn();
                if reads_first {
                    ftp.session.read_data_into(&mut bytes, ftp.now);
                }
                if let Some(result) = ftp.session.completed(op) {
                    assert_eq!(result.unwrap().bytes, 20_000);
                    break bytes;
                }
                if !reads_first {
                    ftp.session.read_data_into(&mut bytes, ftp.now);
                }
                ftp.carry();
            }
        });
        assert!(files == [vec![b'a'; 20_000], vec![b'b'; 20_000]], "reads first: {reads_first}");
    }
}

/// Requests that are made together, of which each is waited for with a file of its own
#[test]
fn one_round_moves_the_bytes_of_its_own_request_only() {
    fn run<T: Output>(ftp: &mut Ftp, op: Op<T>) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let Ftp { session, pipes, now, .. } = ftp;
            if let Some(result) = session.advance(op, pipes, &mut bytes, &mut &b""[..], *now) {
                assert!(result.is_ok());
                return bytes;
            }
            ftp.carry();
        }
    }
    let mut ftp = Ftp::new();
    let noop = ftp.session.request().noop();
    let [first, second] = ftp.get_both();
    assert!(run(&mut ftp, noop).is_empty());
    assert!(run(&mut ftp, first) == [b'a'; 20_000]);
    assert!(run(&mut ftp, second) == [b'b'; 20_000]);
}

#[test]
fn an_application_that_takes_no_events_for_long_is_not_the_servers_fault() {
    let mut ftp = Ftp::new();
    let [first, _] = ftp.get_both();
    // Two and a half minutes of simulated time, more than the server may be silent.
    for _ in 0..300 {
        ftp.turn();
        assert_eq!(ftp.session.data_direction(), None);
        assert!(!ftp.session.can_read());
        ftp.carry();
    }
    let mut opened: Option<OpId> = None;
    while let Some(event) = ftp.session.poll_event() {
        if let Event::DataOpen { op, .. } = event {
            opened = Some(op);
        }
    }
    assert!(opened == Some(first.id()), "{opened:?}");
    let mut bytes = Vec::new();
    loop {
        ftp.turn();
        ftp.read(&mut bytes);
        if let Some(result) = ftp.session.completed(first) {
            assert_eq!(result.unwrap().bytes, 20_000);
            break;
        }
        ftp.carry();
    }
    assert!(bytes == [b'a'; 20_000]);
}

/// One request is waited for while the transfer before it is not over: that transfer waits, until it is asked for again
#[test]
fn a_running_transfer_waits_while_another_request_is_waited_for() {
    fn run<T: Output>(
        ftp: &mut Ftp,
        op: Op<T>,
        into: &mut Vec<u8>,
        from: &mut &[u8],
        rounds: usize,
    ) -> Option<T> {
        for _ in 0..rounds {
            let Ftp { session, pipes, now, .. } = ftp;
            if let Some(result) = session.advance(op, pipes, into, from, *now) {
                return Some(result.unwrap());
            }
            ftp.carry();
        }
        None
    }
    let mut ftp = Ftp::new();
    let [first, second] = ftp.get_both();
    let (mut a, mut b) = (Vec::new(), Vec::new());
    while a.is_empty() {
        ftp.turn();
        assert!(ftp.session.completed(first).is_none());
        let mut buffer = [0; 3000];
        if let Moved::Bytes(count) = ftp.session.read_data(&mut buffer, ftp.now) {
            a.extend_from_slice(&buffer[..count]);
        }
        ftp.carry();
    }
    assert!(run(&mut ftp, second, &mut b, &mut &b""[..], 50).is_none());
    assert!(b.is_empty(), "{} bytes of another file", b.len());
    assert!(run(&mut ftp, first, &mut a, &mut &b""[..], 50).is_some());
    assert!(run(&mut ftp, second, &mut b, &mut &b""[..], 50).is_some());
    assert!(a == [b'a'; 20_000] && b == [b'b'; 20_000], "{} and {} bytes", a.len(), b.len());

    let put = ftp.session.request().put("c");
    let noop = ftp.session.request().noop();
    let content = vec![b'c'; 10_000];
    let mut sent = 0;
    while sent == 0 {
        ftp.turn();
        assert!(ftp.session.completed(put).is_none());
        if let Moved::Bytes(count) = ftp.session.write_data(&content[..3000], ftp.now) {
            sent = count;
        }
        ftp.carry();
    }
    // Nothing to send for this request, which must not be taken for the end of the file.
    assert!(run(&mut ftp, noop, &mut b, &mut &b""[..], 50).is_none());
    assert!(run(&mut ftp, put, &mut b, &mut &content[sent..], 50).is_some());
    assert!(run(&mut ftp, noop, &mut b, &mut &b""[..], 50).is_some());
    assert!(ftp.server.files.get("c") == Some(&content));
}
