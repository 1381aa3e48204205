//! The deadline of calls, and their unfinished work, which the next call completes

use std::error::Error as _;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use ftp_blocking::ftp_tls::TlsVersion;
use ftp_blocking::{Client, ConnectionError, Error, Options, TlsPolicy};
use ftp_proto::{Error as FtpError, Phase};
use ftp_tests::flood::{Flood, Flooding};
use ftp_tests::scripted::{Peer, Server, accept};
use ftp_tests::tls::{Tls, trusting};

use crate::{at_once, config, login, login_with};

const LIMIT: Duration = Duration::from_millis(400);
const OFTEN: Duration = Duration::from_millis(50);

fn limited() -> Options {
    Options::new(config()).deadline(LIMIT)
}

#[track_caller]
fn is_overdue<T>(begun: Instant, result: Result<T, Error>) {
    let took = begun.elapsed();
    let Err(error) = result else { panic!("a deadline should have passed") };
    assert!(matches!(error, Error::Deadline { limit } if limit == LIMIT), "{error:?}");
    assert!(error.is_transient() && !error.is_fatal());
    assert!(took >= LIMIT && took < LIMIT + Duration::from_secs(1), "{took:?}");
}

/// Repeats a text until the client has closed, or for a second
fn go_on(s: &Peer, words: &[u8]) {
    for _ in 0..20 {
        if s.control().write_all(words).is_err() {
            return;
        }
        std::thread::sleep(OFTEN);
    }
}

#[test]
fn ends_although_the_server_goes_on_with_its_greeting() {
    for words in [&b"120 in a minute\r\n"[..], b"220-still here\r\n", b"2"] {
        let server = Server::start(move |s| go_on(s, words));
        let begun = Instant::now();
        is_overdue(begun, Client::connect(server.address().to_string(), limited()));
        server.join();
    }
}

#[test]
fn ends_although_preliminary_replies_go_on() {
    let server = Server::start(|s| {
        s.welcome();
        s.expect("SITE SLOW");
        go_on(s, b"150 working\r\n");
        s.reply("200 done at last");
        // The next command waits for the end of the unfinished request.
        s.exchange("PWD", "257 \"/\"");
        s.expect_close();
    });
    let mut ftp = login_with(&server, limited());
    let begun = Instant::now();
    is_overdue(begun, ftp.site("SLOW"));
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(ftp.pwd().unwrap(), b"/");
    drop(ftp);
    server.join();
}

#[test]
fn ends_although_a_file_trickles() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("RETR f", "150 here");
        while data.write_all(b"x").is_ok() {
            std::thread::sleep(OFTEN);
        }
        s.settle();
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut ftp = login_with(&server, limited());
    let begun = Instant::now();
    let mut bytes = Vec::new();
    is_overdue(begun, ftp.download_to("f", &mut bytes));
    assert!(bytes.len() >= 2);
    // Settling takes until the server has noticed, which is in the next call.
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

/// A transfer that is moved piece by piece has the deadline anew for each call
#[test]
fn bounds_each_call_on_a_download() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("RETR f", "150 here");
        for _ in 0..12 {
            data.write_all(b"x").unwrap();
            std::thread::sleep(OFTEN);
        }
        drop(data);
        s.reply("226 done");
        s.expect_close();
    });
    let mut ftp = login_with(&server, limited());
    let begun = Instant::now();
    let mut download = ftp.get("f").unwrap();
    let mut bytes = Vec::new();
    download.read_to_end(&mut bytes).unwrap();
    assert!(begun.elapsed() > LIMIT);
    assert_eq!(bytes, [b'x'; 12]);
    drop(download);
    drop(ftp);
    server.join();
}

#[test]
fn ends_although_a_listing_trickles() {
    for line_by_line in [false, true] {
        let server = Server::start(|s| {
            s.welcome();
            s.exchange("TYPE A", "200 text");
            let listener = s.epsv();
            let mut data = accept(&listener);
            s.exchange("NLST", "150 here");
            // A file without an end.
            while data.write_all(b"x").is_ok() {
                std::thread::sleep(OFTEN);
            }
            while s.command().is_some() {}
        });
        let mut ftp = login_with(&server, limited());
        if line_by_line {
            let mut listing = ftp.list(ftp_blocking::List::names("")).unwrap();
            is_overdue(Instant::now(), listing.next_line().map(drop));
        } else {
            is_overdue(Instant::now(), ftp.names(""));
        }
        drop(ftp);
        server.join();
    }
}

#[test]
fn ends_although_an_upload_is_never_confirmed() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("STOR f", "150 send it");
        let _ = data.read_to_end(&mut Vec::new());
        drop(data);
        go_on(s, b"150 scanning\r\n");
        while s.command().is_some() {}
    });
    let mut ftp = login_with(&server, limited());
    is_overdue(Instant::now(), ftp.upload_from("f", &mut &b"content"[..]));
    drop(ftp);
    server.join();
}

#[test]
fn ends_although_records_go_on() {
    for flood in [Flood::Tickets, Flood::Empty] {
        let server = Server::start(move |s| {
            let mut control = Tls::new().welcome(s);
            control.expect("NOOP");
            Flooding::new(control, flood).pour();
        });
        let mut config = config();
        config.tls = TlsPolicy::Explicit;
        let tls = trusting(TlsVersion::Tls13).build().unwrap();
        let mut ftp = login_with(&server, Options::new(config).tls(tls).deadline(LIMIT));
        is_overdue(Instant::now(), ftp.noop());
        drop(ftp);
        server.join();
    }
}

#[test]
fn ends_although_quit_goes_unanswered() {
    let server = Server::start(|s| {
        s.welcome();
        s.expect("QUIT");
        go_on(s, b"150 wait\r\n");
    });
    let mut ftp = login_with(&server, limited());
    is_overdue(Instant::now(), ftp.quit());
    server.join();
}

/// A directory's listing takes several commands; the deadline may expire before the last one
#[test]
fn a_listing_that_begins_after_its_call_has_ended_is_abandoned() {
    let server = Server::start(|s| {
        s.welcome();
        let mut pause = LIMIT * 2;
        loop {
            let line = String::from_utf8(s.command().unwrap()).unwrap();
            std::thread::sleep(std::mem::take(&mut pause));
            match &*line {
                "TYPE A" => s.reply("200 text"),
                "EPSV" => {
                    let listener = ftp_tests::net::Listener::bind((s.ip(), 0)).unwrap();
                    let port = listener.local_addr().unwrap().port();
                    s.reply(&format!("229 (|||{port}|)"));
                    let mut data = accept(&listener);
                    let command = s.command().unwrap();
                    assert!(command.starts_with(b"LIST") || command.starts_with(b"MLSD"));
                    s.reply("150 here");
                    data.write_all(b"some lines\r\n").unwrap();
                    drop(data);
                    s.reply("226 done");
                }
                "ABOR" => s.reply("226 nothing to abort"),
                "REST 0" => s.reply("350 go on"),
                "NOOP" => break s.reply("200 yes"),
                "PWD" => s.reply("257 \"/\""),
                "CWD d" | "CWD /" | "CDUP" => s.reply("250 there"),
                _ => s.reply("502 what?"),
            }
        }
        s.expect_close();
    });
    let mut options = config();
    options.settle_timeout = Duration::from_secs(3);
    let mut ftp = login_with(&server, Options::new(options).deadline(LIMIT));
    let begun = Instant::now();
    let result = ftp.read_dir(ftp_blocking::ReadDir::long("d")).map(drop);
    is_overdue(begun, result);
    std::thread::sleep(LIMIT * 2);
    // The unfinished request is completed first.
    let answered = (0..5).find_map(|_| ftp.noop().ok());
    assert!(answered.is_some() && ftp.is_connected());
    drop(ftp);
    server.join();
}

#[test]
fn never_is_never() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE A", "200 text");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("LIST", "150 here");
        data.write_all(b"one\r\n").unwrap();
        std::thread::sleep(OFTEN);
        drop(data);
        s.reply("226 done");
        s.serve_quit();
    });
    let mut config = config();
    for wait in [
        &mut config.greeting_timeout,
        &mut config.reply_timeout,
        &mut config.tls_timeout,
        &mut config.data_connect_timeout,
        &mut config.data_timeout,
        &mut config.final_reply_timeout,
    ] {
        *wait = Duration::MAX;
    }
    let options = Options::new(config).connect_timeout(Duration::MAX).deadline(Duration::MAX);
    let mut ftp = login_with(&server, options);
    assert_eq!(ftp.list("").unwrap().collect_lines().unwrap(), [b"one"]);
    ftp.quit().unwrap();
    server.join();
}

/// The error of a stalled transfer is returned at the deadline, though the server does not answer ABOR either
#[test]
fn a_stalled_transfer_fails_at_its_deadline() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let _data = accept(&listener);
        s.exchange("RETR f", "150 here");
        s.expect("ABOR");
        while s.command().is_some() {}
    });
    let mut config = config();
    config.data_timeout = Duration::from_millis(200);
    config.settle_timeout = Duration::from_secs(3);
    let mut ftp = login_with(&server, config);
    let begun = Instant::now();
    let error = ftp.get("f").and_then(|download| download.finish()).unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(matches!(error, Error::Ftp(FtpError::DataTimedOut(Phase::Transfer))), "{error:?}");
    assert!(!error.is_fatal());
    // The next call learns whether the server settles, with a deadline of its own.
    let begun = Instant::now();
    let error = ftp.noop().unwrap_err();
    assert!(begun.elapsed() > Duration::from_millis(2500), "{:?}", begun.elapsed());
    let phase = FtpError::from(ConnectionError::TimedOut(Phase::Settle));
    assert!(matches!(&error, Error::Ftp(error) if *error == phase), "{error:?}");
    drop(ftp);
    server.join();
}

/// However long the caller pauses after the request, a reply that arrived during the pause was in time
#[test]
fn a_pause_after_a_stalled_transfer_does_not_count_for_the_server() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let _data = accept(&listener);
        s.exchange("RETR f", "150 here");
        s.settle();
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut config = config();
    config.data_timeout = Duration::from_millis(200);
    config.settle_timeout = Duration::from_millis(600);
    let mut ftp = login_with(&server, config);
    ftp.get("f").and_then(|download| download.finish()).unwrap_err();
    std::thread::sleep(Duration::from_secs(1));
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

/// Tickets that may still arrive do not delay the final reply for the caller
#[test]
fn the_end_of_a_transfer_does_not_wait_for_tickets() {
    let end = || {
        let server = Server::start(|s| {
            let tls = Tls::new();
            let mut control = tls.tickets(1).welcome(s);
            control.exchange("TYPE I", "200 fine");
            let listener = control.epsv();
            control.exchange("RETR f", "150 here (7 bytes)");
            // The data connection brings no new ticket and stays open.
            let mut data = tls.tickets(0).accept(&listener);
            assert!(data.handshake());
            data.send(b"content");
            control.reply("226 done");
            let _open = data.end();
            control.expect_close();
        });
        let mut config = config();
        config.tls = TlsPolicy::Explicit;
        let tls = trusting(TlsVersion::Tls13).build().unwrap();
        let mut ftp = login_with(&server, Options::new(config).tls(tls));
        let mut download = ftp.get("f").unwrap();
        download.read_exact(&mut [0; 7]).unwrap();
        let begun = Instant::now();
        download.finish().unwrap();
        let end = begun.elapsed();
        drop(ftp);
        server.join();
        end
    };
    let ends = [end(), end(), end()];
    // The minimum, because the machine may have been busy.
    assert!(ends.iter().min().unwrap() < &Duration::from_millis(200), "{ends:?}");
}

#[test]
fn names_have_a_limit() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE A", "200 text");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("NLST", "150 here");
        let names = [&[b'n'; 8_000][..], b"\r\n"].concat();
        while data.write_all(&names).is_ok() {}
        while let Some(command) = s.command() {
            match &command[..] {
                b"ABOR" => s.reply("226 aborted"),
                b"REST 0" => s.reply("350 fine"),
                _ => s.reply("200 yes"),
            }
        }
    });
    let mut config = config();
    config.settle_timeout = Duration::from_secs(1);
    let mut ftp = login_with(&server, config);
    let error = ftp.names("").unwrap_err();
    assert!(
        matches!(error, Error::ListingTooLong { limit } if limit == 64 << 20) && !error.is_fatal(),
        "{error:?}"
    );
    drop(ftp);
    server.join();
}

/// A server whose file is shorter or longer than its announced size
#[test]
fn a_resumed_download_takes_no_more_than_there_is() {
    for beginning in [None, Some(&b"abc"[..])] {
        let server = Server::start(move |s| {
            s.welcome();
            s.exchange("TYPE I", "200 binary");
            s.exchange("SIZE f", "213 7");
            let listener = s.epsv();
            let mut data = accept(&listener);
            s.exchange("RETR f", "150 here");
            data.write_all(b"abcdefg").unwrap();
            let mut sent = 0;
            while sent < 40_000_000 && data.write_all(&[b'h'; 10_000]).is_ok() {
                sent += 10_000;
            }
            drop(data);
            assert!(sent < 40_000_000);
            s.settle();
            s.exchange("NOOP", "200 yes");
            s.expect_close();
        });
        let directory = std::env::temp_dir().join(format!("ftp-calls-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let local = directory.join("f");
        if let Some(beginning) = beginning {
            std::fs::write(&local, beginning).unwrap();
        }
        let mut ftp = login(&server);
        let error = at_once(|| ftp.resume_download("f", &local)).unwrap_err();
        assert!(matches!(error, Error::Ftp(FtpError::TooLong { .. })), "{error:?}");
        assert!(std::fs::metadata(&local).unwrap().len() <= 7);
        ftp.noop().unwrap();
        drop(ftp);
        server.join();
        std::fs::remove_dir_all(&directory).unwrap();
    }
}

/// Each error describes its own part, and its source the rest
#[test]
fn the_chain_of_causes_says_everything_once() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = Client::connect(closed.to_string(), config()).unwrap_err();
    let source = error.source().expect("what the system said");
    assert!(source.downcast_ref::<std::io::Error>().is_some());
    assert!(!error.to_string().contains(&source.to_string()), "{error}: {source}");
}

/// An explicit call aborts what an earlier call has left unfinished
#[test]
fn an_unfinished_request_is_aborted_and_the_reply_returned() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let data = accept(&listener);
        s.exchange("RETR f", "150 go");
        s.expect("ABOR");
        drop(data);
        s.reply("426 cut off");
        s.reply("226 aborted");
        s.exchange("REST 0", "350 at 0");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut ftp = login(&server);
    assert_eq!(ftp.abort().unwrap(), None, "nothing runs, so nothing is sent");
    std::mem::forget(ftp.get("f").unwrap());
    assert_eq!(ftp.abort().unwrap().unwrap().wire_text(), b"426 cut off");
    assert_eq!(ftp.abort().unwrap(), None);
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

/// An idle client of this driver could not send it: the setting is refused or cleared, and no NOOP precedes a request
#[test]
fn no_keep_alive_between_calls() {
    let mut settings = config();
    settings.keep_alive = Some(Duration::from_millis(1));
    let error = Client::connect("127.0.0.1:1", settings).unwrap_err();
    assert!(matches!(error, Error::InvalidOption { option: "keep_alive", .. }), "{error:?}");
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("SYST", "215 UNIX");
        s.exchange("NOOP", "200 by the caller");
        s.expect_close();
    });
    let mut ftp = login(&server);
    ftp.config_mut().keep_alive = Some(Duration::from_millis(1));
    std::thread::sleep(Duration::from_millis(20));
    ftp.system().unwrap();
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}
