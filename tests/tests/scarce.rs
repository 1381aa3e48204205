//! A process without free descriptors: the cause is reported, and the session stays usable

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

use std::fs::File;
use std::time::Duration;

use ftp_blocking::{Config, Error, Options, TlsPolicy, ftp_proto};
use ftp_proto::DataFailure;
use ftp_tests::scripted::{Peer, Server, accept};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit, setrlimit};

/// Uses up all descriptors
fn exhaust() -> Vec<File> {
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    taken
}

#[track_caller]
fn is_exhausted(error: &Error) {
    let Error::Data { failure: DataFailure::Open, address, error: cause, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(Errno::from_io_error(cause), Some(Errno::MFILE), "{error:?}");
    assert!(address.is_some() && !error.is_fatal());
    assert!(error.to_string().contains("limit of open files"), "{error}");
}

fn config() -> Config {
    let mut config = Config::new(TlsPolicy::Plaintext);
    config.settle_quiet = Duration::from_millis(300);
    config.settle_timeout = Duration::from_secs(5);
    config
}

/// Answers EPSV or PASV
fn offer(s: &mut Peer, command: &[u8], listener: &ftp_tests::net::Listener) {
    let port = listener.local_addr().unwrap().port();
    match command {
        b"EPSV" => s.reply(&format!("229 (|||{port}|)")),
        b"PASV" => s.reply(&format!("227 (127,0,0,1,{},{})", port >> 8, port & 255)),
        other => panic!("{}", other.escape_ascii()),
    }
}

// This process has only one test, because it counts descriptors, and uses up all.
#[test]
fn descriptors_are_scarce() {
    a_canceller_takes_one_once_it_is_asked_for();
    none_is_left_for_the_data_connection();
}

fn a_canceller_takes_one_once_it_is_asked_for() {
    let open = || std::fs::read_dir("/dev/fd").unwrap().count();
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let before = open();
    let address = server.address().to_string();
    let options = Options::new(config());
    let mut ftp = ftp_blocking::Client::connect_and_login(&address, options, "u", "p").unwrap();
    // The client's, and the server's
    assert_eq!(open(), before + 2);
    let canceller = ftp.canceller().unwrap();
    assert_eq!(open(), before + 3);
    let another = ftp.canceller().unwrap();
    ftp.noop().unwrap();
    assert_eq!(open(), before + 3);
    drop(ftp);
    server.join();
    assert_eq!(open(), before - 1, "the listener is closed, too");
    drop((canceller, another));
}

fn none_is_left_for_the_data_connection() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(limit.current.unwrap_or(200).min(200));
    setrlimit(Resource::Nofile, limit).unwrap();

    // With an unproven and with a proven path: with the latter, the transfer's command is sent while connecting.
    for driver in ["blocking", "mio"] {
        for proven in [false, true] {
            let server = Server::start(move |s| {
                s.welcome();
                s.exchange("TYPE I", "200 binary");
                if proven {
                    s.send_file("RETR f", b"data");
                }
                let listener = ftp_tests::net::Listener::bind("127.0.0.1:0").unwrap();
                let mut line = s.command().unwrap();
                let taken = exhaust();
                while line != b"NOOP" {
                    // RETR must not be sent: a server would wait for a connection that never comes.
                    offer(s, &line, &listener);
                    line = s.command().unwrap();
                }
                drop(taken);
                s.reply("200 yes");
                let line = s.command().unwrap();
                offer(s, &line, &listener);
                let mut data = accept(&listener);
                s.exchange("RETR h", "150 here");
                std::io::Write::write_all(&mut data, b"data").unwrap();
                drop(data);
                s.reply("226 done");
                s.expect_close();
            });
            let address = server.address().to_string();
            let mut bytes = Vec::new();
            if driver == "blocking" {
                use ftp_blocking::Client;
                let options = Options::new(config());
                let mut ftp = Client::connect_and_login(&address, options, "u", "p").unwrap();
                if proven {
                    ftp.download_to("f", &mut Vec::new()).unwrap();
                }
                is_exhausted(&ftp.download_to("g", &mut Vec::new()).unwrap_err());
                ftp.noop().unwrap();
                ftp.download_to("h", &mut bytes).unwrap();
            } else {
                use ftp_tests::driver::{Client, Mio, Options};
                let options = Options::new(config());
                let ftp = Client::<Mio>::connect_and_login(&address, options, "u", "p");
                let mut ftp = ftp.unwrap();
                if proven {
                    ftp.download_to("f", &mut Vec::new()).unwrap();
                }
                is_exhausted(&ftp.download_to("g", &mut Vec::new()).unwrap_err());
                ftp.noop().unwrap();
                ftp.download_to("h", &mut bytes).unwrap();
            }
            assert_eq!(bytes, b"data");
            server.join();
        }
    }
}
