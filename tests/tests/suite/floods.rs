//! Servers whose TLS sends records without end that contain no data: tickets, empty records, single bytes, key updates
//!
//! No wait becomes longer because of them, and the other connection is still read.

use std::io::Write;
use std::time::Duration;

use ftp_blocking::ftp_tls::TlsVersion;
use ftp_proto::{Error as FtpError, Phase};
use ftp_tests::flood::{Flood, Flooding};
use ftp_tests::scripted::accept;
use ftp_tests::tls::{Secured, Tls, trusting};

use crate::driver::{Config, ConnectionError, Error, Options, TlsPolicy};
use crate::{at_once, code, login_with, serve};

const SHORT: Duration = Duration::from_millis(300);

/// The floods without a byte for the caller
const BARREN: [Flood; 3] = [Flood::Tickets, Flood::SingleTickets, Flood::Empty];

fn options(adjust: impl FnOnce(&mut Config)) -> Options {
    let mut config = crate::config();
    config.tls = TlsPolicy::Explicit;
    adjust(&mut config);
    Options::new(config).tls(trusting(TlsVersion::Tls13).build().unwrap())
}

/// Serves ABOR and the commands after it
fn settle(control: &mut Secured) {
    control.expect("ABOR");
    control.reply("426 transfer aborted");
    control.reply("226 abort successful");
    control.exchange("REST 0", "350 restart at 0");
}

#[test]
fn instead_of_a_reply() {
    for flood in BARREN {
        let server = serve(move |s| {
            let mut control = Tls::new().welcome(s);
            control.expect("NOOP");
            Flooding::new(control, flood).pour();
        });
        let mut ftp = login_with(&server, options(|config| config.reply_timeout = SHORT));
        let error = at_once(|| ftp.noop()).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Ftp(FtpError::Connection(ConnectionError::TimedOut(Phase::Reply(_))))
            ),
            "{flood:?}: {error:?}"
        );
        drop(ftp);
        server.join();
    }
}

/// The content of the records is part of a reply, whose length is limited
#[test]
fn as_an_endless_reply() {
    for flood in [Flood::SingleBytes, Flood::KeyUpdates] {
        let server = serve(move |s| {
            let mut control = Tls::new().welcome(s);
            control.expect("NOOP");
            Flooding::new(control, flood).pour();
        });
        let mut ftp = login_with(&server, options(|config| config.reply_timeout = SHORT));
        let error = at_once(|| ftp.noop()).unwrap_err();
        assert!(error.is_fatal(), "{flood:?}: {error:?}");
        drop(ftp);
        server.join();
    }
}

#[test]
fn instead_of_a_file() {
    for flood in BARREN {
        let server = serve(move |s| {
            let tls = Tls::new();
            let mut control = tls.welcome(s);
            control.exchange("TYPE I", "200 fine");
            let listener = control.epsv();
            control.exchange("RETR f", "150 here");
            let mut data = tls.accept(&listener);
            data.handshake();
            Flooding::new(data, flood).pour();
            settle(&mut control);
            control.exchange("NOOP", "200 yes");
            control.expect_close();
        });
        let mut ftp = login_with(&server, options(|config| config.data_timeout = SHORT));
        let error = at_once(|| ftp.get("f").and_then(|download| download.finish())).unwrap_err();
        assert!(
            matches!(error, Error::Ftp(FtpError::DataTimedOut(Phase::Transfer))),
            "{flood:?}: {error:?}"
        );
        ftp.noop().unwrap();
        drop(ftp);
        server.join();
    }
}

/// The control connection is read while data arrives without end
#[test]
fn a_refusal_ends_a_flooded_download() {
    for flood in BARREN {
        let server = serve(move |s| {
            let tls = Tls::new();
            let mut control = tls.welcome(s);
            control.exchange("TYPE I", "200 fine");
            let listener = control.epsv();
            control.exchange("RETR f", "150 here");
            let mut data = tls.accept(&listener);
            data.handshake();
            let mut data = Flooding::new(data, flood);
            let some = data.forge(200_000);
            data.send(&some).unwrap();
            control.reply("451 disk on fire");
            data.pour();
            control.exchange("NOOP", "200 yes");
            control.expect_close();
        });
        let mut ftp = login_with(&server, options(|_| {}));
        let error = at_once(|| ftp.get("f").and_then(|download| download.finish())).unwrap_err();
        assert_eq!(code(&error), 451, "{flood:?}");
        ftp.noop().unwrap();
        drop(ftp);
        server.join();
    }
}

/// On the connection of a complete upload, on which the client waits for tickets
#[test]
fn after_an_upload() {
    for flood in BARREN {
        let server = serve(move |s| {
            let tls = Tls::new();
            let mut control = tls.welcome(s);
            control.exchange("TYPE I", "200 fine");
            let listener = control.epsv();
            control.exchange("STOR f", "150 send it");
            let mut data = tls.accept(&listener);
            data.handshake();
            assert_eq!(data.read_all(), b"content");
            control.reply("226 done");
            Flooding::new(data, flood).pour();
            control.exchange("NOOP", "200 yes");
            control.expect_close();
        });
        let mut ftp = login_with(&server, options(|_| {}));
        at_once(|| ftp.upload_from("f", &mut &b"content"[..])).unwrap();
        ftp.noop().unwrap();
        drop(ftp);
        server.join();
    }
}

/// An aborted listing is read to its end, for as long as settling may take
#[test]
fn after_a_listing_was_left() {
    for flood in [Flood::Tickets, Flood::SingleBytes, Flood::KeyUpdates] {
        let server = serve(move |s| {
            let tls = Tls::new();
            let mut control = tls.welcome(s);
            control.exchange("TYPE A", "200 fine");
            let listener = control.epsv();
            control.exchange("LIST", "150 here");
            let mut data = tls.accept(&listener);
            data.handshake();
            data.send(b"one\r\ntwo\r\n");
            Flooding::new(data, flood).pour();
        });
        let mut ftp = login_with(
            &server,
            options(|config| {
                config.settle_timeout = SHORT * 2;
                config.settle_quiet = SHORT;
                config.data_timeout = SHORT;
            }),
        );
        let mut listing = ftp.list("").unwrap();
        assert_eq!(listing.next_line().unwrap(), Some(&b"one"[..]));
        at_once(|| drop(listing));
        drop(ftp);
        server.join();
    }
}

/// After CCC, when only the server's close_notify is expected
#[test]
fn instead_of_the_end_of_tls() {
    for flood in BARREN {
        let server = serve(move |s| {
            let mut control = Tls::new().welcome(s);
            control.exchange("CCC", "200 going");
            Flooding::new(control, flood).pour();
        });
        let mut ftp = login_with(&server, options(|config| config.tls_timeout = SHORT));
        let error = at_once(|| ftp.clear_control()).unwrap_err();
        assert!(error.is_fatal(), "{flood:?}: {error:?}");
        drop(ftp);
        server.join();
    }
}

/// Many small records are slow, but no error
#[test]
fn a_file_in_single_bytes_arrives() {
    let server = serve(move |s| {
        let tls = Tls::new();
        let mut control = tls.welcome(s);
        control.exchange("TYPE I", "200 fine");
        let listener = control.epsv();
        control.exchange("RETR f", "150 here (3000 bytes)");
        let mut data = tls.accept(&listener);
        data.handshake();
        let mut data = Flooding::new(data, Flood::SingleBytes);
        let mut bytes = Vec::new();
        for _ in 0..3000 {
            bytes.extend(data.forge(1));
        }
        data.send(&bytes).unwrap();
        drop(data);
        control.reply("226 done");
        control.expect_close();
    });
    let mut ftp = login_with(&server, options(|_| {}));
    let mut bytes = Vec::new();
    ftp.download_to("f", &mut bytes).unwrap();
    assert!(bytes.len() == 3000 && bytes.iter().all(|byte| *byte == b'x'));
    drop(ftp);
    server.join();
}

/// In clear text, too: endless lines are not a reply
#[test]
fn preliminary_replies_do_not_extend_the_deadline_of_the_data_connection() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let data = accept(&listener);
        s.exchange("RETR f", "150 here");
        let mut control = s.control().try_clone().unwrap();
        while control.write_all(&b"150 still here\r\n".repeat(1000)).is_ok() {}
        drop(data);
    });
    let mut config = crate::config();
    config.data_timeout = SHORT;
    let mut ftp = login_with(&server, config);
    let error = at_once(|| ftp.get("f").and_then(|download| download.finish())).unwrap_err();
    assert!(matches!(error, Error::Ftp(FtpError::DataTimedOut(Phase::Transfer))), "{error:?}");
    drop(ftp);
    server.join();
}
