//! Servers that do not support batches: later sessions with the same options send them none

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ftp_blocking::{Client, Options};
use ftp_session::Options as SessionOptions;

use crate::config;

/// What a server does when one read returns several commands
#[derive(Clone, Copy)]
enum Habit {
    Closes,
    AnswersTheFirst,
}

/// A server with these habits, which counts the batches that it receives
struct Server {
    address: SocketAddr,
    batches: Arc<AtomicUsize>,
}

impl Server {
    fn start(habit: Habit) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let batches = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&batches);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                session(stream.unwrap(), habit, &seen);
            }
        });
        Self { address, batches }
    }

    fn batches(&self) -> usize {
        self.batches.load(Ordering::SeqCst)
    }

    fn login(&self, options: &SessionOptions) -> Result<Client, ftp_session::Error> {
        Client::connect_and_login(self.address, Options::from(options.clone()), "u", "p")
    }
}

fn session(stream: TcpStream, habit: Habit, batches: &AtomicUsize) {
    let mut out = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    out.write_all(b"220 ready\r\n").unwrap();
    while reader.read_line(&mut line).is_ok_and(|count| count > 0) {
        let rest = reader.buffer().len();
        if rest > 0 {
            batches.fetch_add(1, Ordering::SeqCst);
            match habit {
                Habit::Closes => return,
                Habit::AnswersTheFirst => reader.consume(rest),
            }
        }
        let reply = match line.split([' ', '\r']).next() {
            Some("USER") => "331 password",
            Some("PASS") => "230 welcome",
            Some("SIZE") => "213 5",
            Some("REST") => "350 at 0",
            Some("QUIT") => "221 bye",
            _ => "200 done",
        };
        // The client may have given up.
        let _ = out.write_all(format!("{reply}\r\n").as_bytes());
        line.clear();
    }
}

fn options() -> SessionOptions {
    let mut config = config();
    config.pipeline = true;
    config.batch_timeout = Duration::from_millis(300);
    SessionOptions::new(config)
}

#[test]
fn a_server_that_closes_the_connection_gets_no_further_batch() {
    let (server, other) = (Server::start(Habit::Closes), Server::start(Habit::Closes));
    let options = options();
    let error = server.login(&options).unwrap_err();
    assert!(error.is_fatal() && error.is_transient(), "{error}");
    let mut ftp = server.login(&options).unwrap();
    assert_eq!(ftp.size("f").unwrap(), 5);
    ftp.quit().unwrap();
    assert_eq!(server.batches(), 1);
    // Nothing is known of another server, nor with other options.
    assert!(other.login(&options).is_err());
    assert!(server.login(&self::options()).is_err());
}

/// The password is sent again after a wait, in the first session only
#[test]
fn a_server_that_answers_only_the_first_command_gets_no_further_batch() {
    let server = Server::start(Habit::AnswersTheFirst);
    let options = options();
    for _ in 0..3 {
        let mut ftp = server.login(&options).unwrap();
        assert_eq!(ftp.size("f").unwrap(), 5);
        ftp.quit().unwrap();
        assert_eq!(server.batches(), 1);
    }
}

/// A session that ends in the middle of a batch, as sessions do, is no sign: another one's batch was answered
#[test]
fn a_server_that_has_answered_a_batch_is_not_suspected() {
    let server = ftp_test::Server::with_files([("f", "12345")]);
    let options = options();
    let login =
        || Client::connect_and_login(server.address(), Options::from(options.clone()), "u", "p");
    let mut ftp = login().unwrap();
    assert!(ftp.config().pipeline);
    ftp.quit().unwrap();
    server.on_command(|command| match command.verb {
        "USER" => ftp_test::Action::close(),
        _ => ftp_test::Action::serve(),
    });
    assert!(login().unwrap_err().is_fatal());
    server.on_command(|_| ftp_test::Action::serve());
    let mut ftp = login().unwrap();
    assert!(ftp.config().pipeline);
    ftp.quit().unwrap();
}
