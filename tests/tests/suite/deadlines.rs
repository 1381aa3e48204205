//! Silence at every point: each wait ends, and the error names what the client waited for

use std::io::Write;
use std::time::Duration;

use crate::driver::ftp_proto::{self, DataFailure, Phase};
use crate::driver::{Client, Config, ConnectionError, DataMode, Error, Options, ReadDir};
use ftp_tests::net::{now, pause};
use ftp_tests::scripted::{Peer, accept};

use crate::{at_once, config, login_with, serve, silent_port};

const SHORT: Duration = Duration::from_millis(200);

fn phase(error: &Error) -> Phase {
    assert!(error.is_timeout(), "{error:?}");
    match error {
        Error::Ftp(
            ftp_proto::Error::DataTimedOut(phase)
            | ftp_proto::Error::Connection(ConnectionError::TimedOut(phase))
            | ftp_proto::Error::Unconfirmed { cause: ConnectionError::TimedOut(phase), .. },
        ) => *phase,
        Error::Data { failure: DataFailure::Open, .. } => Phase::DataConnect,
        Error::Data { failure: DataFailure::NeverOpened, .. } => Phase::DataAccept,
        other => panic!("{other:?}"),
    }
}

/// Returns the client's result with a server that runs a script and then stays silent
fn silence<T>(
    adjust: impl FnOnce(&mut Config),
    play: impl FnOnce(&mut Peer) + Send + 'static,
    run: impl FnOnce(&mut Client) -> Result<T, Error>,
) -> Error {
    let server = serve(move |s| {
        s.welcome();
        play(s);
        // Whatever else the client sends.
        while s.command().is_some() {}
    });
    let mut config = config();
    adjust(&mut config);
    let mut ftp = login_with(&server, config);
    let error = at_once(|| run(&mut ftp).err().expect("silence"));
    drop(ftp);
    server.join();
    error
}

#[test]
fn instead_of_a_greeting() {
    let server = serve(|s| s.expect_close());
    let mut config = config();
    config.greeting_timeout = SHORT;
    let error = at_once(|| Client::connect(server.address().to_string(), config).unwrap_err());
    assert_eq!(phase(&error), Phase::Greeting);
    server.join();
}

#[test]
fn instead_of_a_reply() {
    let error = silence(|config| config.reply_timeout = SHORT, |s| s.expect("NOOP"), Client::noop);
    assert!(error.is_fatal());
    assert_eq!(error.to_string(), "timed out waiting for the reply to NOOP");
}

#[test]
fn instead_of_a_data_connection() {
    let (silent, _held) = silent_port();
    let error = silence(
        |config| config.data_connect_timeout = SHORT,
        move |s| {
            s.exchange("TYPE I", "200 binary");
            s.exchange("EPSV", &format!("229 (|||{}|)", silent.port()));
            s.exchange(
                "PASV",
                &format!("227 (127,0,0,1,{},{})", silent.port() >> 8, silent.port() & 255),
            );
        },
        |ftp| ftp.get("f").map(drop),
    );
    assert_eq!(phase(&error), Phase::DataConnect);
    assert!(!error.is_fatal());
}

#[test]
fn instead_of_the_server_in_active_mode() {
    let error = silence(
        |config| {
            config.data_mode = DataMode::Active;
            config.data_connect_timeout = SHORT;
        },
        |s| {
            s.exchange("TYPE I", "200 binary");
            s.active();
            s.exchange("RETR f", "150 here");
            s.settle();
            s.exchange("NOOP", "200 yes");
        },
        |ftp| {
            let error = ftp.get("f").map(drop);
            ftp.noop()?;
            error
        },
    );
    assert_eq!(phase(&error), Phase::DataAccept);
    assert!(!error.is_fatal());
}

#[test]
fn instead_of_a_preliminary_reply() {
    let error = silence(
        |config| config.reply_timeout = SHORT,
        |s| {
            s.exchange("TYPE I", "200 binary");
            let listener = s.epsv();
            let _data = accept(&listener);
            s.expect("RETR f");
            s.expect_close();
        },
        |ftp| ftp.get("f").map(drop),
    );
    assert!(error.is_fatal());
    assert_eq!(error.to_string(), "timed out waiting for the reply to RETR");
}

#[test]
fn instead_of_data() {
    let error = silence(
        |config| config.data_timeout = SHORT,
        |s| {
            s.exchange("TYPE I", "200 binary");
            let listener = s.epsv();
            let mut data = accept(&listener);
            s.exchange("RETR f", "150 here");
            data.write_all(b"some").unwrap();
            s.settle();
            s.exchange("NOOP", "200 yes");
        },
        |ftp| {
            let error = ftp.get("f")?.finish();
            ftp.noop()?;
            error
        },
    );
    assert_eq!(phase(&error), Phase::Transfer);
}

#[test]
fn instead_of_reading() {
    let error = silence(
        |config| config.data_timeout = SHORT,
        |s| {
            s.exchange("TYPE I", "200 binary");
            let listener = s.epsv();
            let _data = accept(&listener);
            s.exchange("STOR f", "150 send it");
            s.settle();
            s.exchange("NOOP", "200 yes");
        },
        |ftp| {
            let error = ftp.upload_from("f", &mut std::io::repeat(0));
            ftp.noop()?;
            error
        },
    );
    assert_eq!(phase(&error), Phase::Transfer);
}

#[test]
fn instead_of_the_final_reply() {
    let error = silence(
        |config| config.final_reply_timeout = SHORT,
        |s| {
            s.exchange("TYPE I", "200 binary");
            let listener = s.epsv();
            let mut data = accept(&listener);
            s.exchange("RETR f", "150 here");
            data.write_all(b"all of it").unwrap();
        },
        |ftp| ftp.get("f")?.finish(),
    );
    assert_eq!(phase(&error), Phase::FinalReply);
    assert!(error.is_fatal());
    assert!(matches!(error, Error::Ftp(ftp_proto::Error::Unconfirmed { bytes: 9, .. })));
}

#[test]
fn instead_of_an_answer_to_an_abort() {
    let error = silence(
        |config| {
            config.settle_timeout = Duration::from_millis(800);
            config.settle_quiet = SHORT;
        },
        |s| {
            s.exchange("TYPE I", "200 binary");
            let listener = s.epsv();
            let _data = accept(&listener);
            s.exchange("RETR f", "150 here");
            s.expect("ABOR");
            s.expect("REST 0");
            s.expect("PWD");
        },
        |ftp| ftp.get("f")?.abort().map(drop),
    );
    assert_eq!(phase(&error), Phase::Settle);
    assert!(error.is_fatal());
}

/// The time limit is shorter than the usual silence before the next step of settling, which is taken all the same
#[test]
fn a_short_time_limit_is_enough_to_settle() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let _data = accept(&listener);
        s.exchange("STOR f", "150 go");
        s.expect("ABOR");
        s.exchange("REST 0", "350 restarting at 0");
        s.exchange("NOOP", "200 fine");
        s.expect_close();
    });
    let mut config = config();
    config.settle_quiet = Duration::from_secs(2);
    let options = Options::new(config).timeout(Duration::from_secs(2));
    let mut ftp = login_with(&server, options);
    let mut upload = ftp.put("f").unwrap();
    upload.write_all(b"a part").unwrap();
    drop(upload);
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn a_slow_reader_is_not_a_silent_server() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.send_file("RETR f", &[1; 100_000]);
        s.expect_close();
    });
    let mut config = config();
    config.data_timeout = SHORT;
    let mut ftp = login_with(&server, config);
    let download = ftp.get("f").unwrap();
    pause(SHORT * 3);
    assert_eq!(download.finish().unwrap().bytes, 100_000);
    drop(ftp);
    server.join();
}

#[test]
fn a_slow_writer_is_not_a_silent_server() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        assert_eq!(s.receive_file("STOR f").len(), 10);
        s.expect_close();
    });
    let mut config = config();
    config.data_timeout = SHORT;
    let mut ftp = login_with(&server, config);
    let mut upload = ftp.put("f").unwrap();
    upload.write_all(&[1; 5]).unwrap();
    pause(SHORT * 3);
    upload.write_all(&[1; 5]).unwrap();
    pause(SHORT * 3);
    upload.finish().unwrap();
    drop(ftp);
    server.join();
}

/// A dropped listing that never ends is first read on, then aborted: one deadline covers both
#[test]
fn a_dropped_listing_costs_one_deadline() {
    const SETTLE: Duration = Duration::from_secs(2);
    for is_answered in [false, true] {
        let server = serve(move |s| {
            s.welcome();
            s.exchange("PWD", "257 \"/\"");
            s.exchange("CWD d", "250 entered");
            s.exchange("TYPE A", "200 text");
            let listener = s.epsv();
            let mut data = accept(&listener);
            s.exchange("LIST", "150 here");
            data.write_all(b"-rw-r--r-- 1 u g 1 Jan  1  2020 f\r\n").unwrap();
            s.expect("ABOR");
            if is_answered {
                s.reply("226 aborted");
                s.expect("REST 0");
            }
            while s.command().is_some() {}
        });
        let mut config = config();
        config.settle_timeout = SETTLE;
        let mut ftp = login_with(&server, config);
        let mut entries = ftp.read_dir(ReadDir::long("d")).unwrap();
        assert_eq!(entries.next().unwrap().unwrap().name(), b"f");
        let begun = now();
        drop(entries);
        let error = ftp.noop().unwrap_err();
        let took = now() - begun;
        assert_eq!(phase(&error), Phase::Settle, "{is_answered}");
        assert!(took > SETTLE - SHORT && took < SETTLE + SHORT * 3, "{is_answered}: {took:?}");
        drop(ftp);
        server.join();
    }
}
