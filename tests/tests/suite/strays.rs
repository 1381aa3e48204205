//! Unsolicited replies between two requests do not answer a command

use std::io::Read;
use std::time::Duration;

use ftp_blocking::ftp_tls::TlsVersion;
use ftp_proto::Error as FtpError;
use ftp_tests::net::pause;
use ftp_tests::scripted::Server;
use ftp_tests::tls::{Tls, trusting};

use crate::driver::ftp_proto::ProtocolError;
use crate::driver::{Client, ConnectionError, Error, Options, TlsPolicy};
use crate::{login, login_with, serve};

/// Long enough for the server's bytes to arrive
const A_MOMENT: Duration = Duration::from_millis(100);

#[track_caller]
fn is_nobodys(error: &Error, code: u16) {
    let Error::Ftp(FtpError::Connection(ConnectionError::Protocol(
        ProtocolError::UnsolicitedReply { reply, .. },
    ))) = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(reply.code().get(), code);
}

#[test]
fn a_late_reply_to_one_command_does_not_answer_the_next() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("NOOP", "200 yes");
        pause(A_MOMENT / 2);
        s.reply("250 deleted");
        // The command must not have been sent: its true reply would be lost.
        assert_eq!(s.command(), None);
    });
    let mut ftp = login(&server);
    ftp.noop().unwrap();
    pause(A_MOMENT);
    is_nobodys(&ftp.delete("f").unwrap_err(), 250);
    drop(ftp);
    server.join();
}

#[test]
fn under_tls() {
    let server = serve(|s| {
        let mut control = Tls::new().welcome(s);
        control.exchange("NOOP", "200 yes");
        pause(A_MOMENT / 2);
        control.reply("250 deleted");
        control.expect_close();
    });
    let mut ftp = secured(&server);
    ftp.noop().unwrap();
    pause(A_MOMENT);
    is_nobodys(&ftp.delete("f").unwrap_err(), 250);
    drop(ftp);
    server.join();
}

/// Bytes that arrive in clear text after the end of TLS are read before the next command is sent
#[test]
fn after_ccc() {
    let server = serve(|s| {
        let mut control = Tls::new().welcome(s);
        control.exchange("CCC", "200 going");
        control.close_tls();
        s.reply("250 deleted");
        let mut rest = Vec::new();
        s.control().read_to_end(&mut rest).unwrap();
        // The client's close_notify, but no command.
        assert!(!rest.windows(4).any(|word| word == b"DELE"), "{}", rest.escape_ascii());
    });
    let mut ftp = secured(&server);
    assert_eq!(ftp.clear_control().unwrap().unwrap().wire_text(), b"200 going");
    pause(A_MOMENT);
    is_nobodys(&ftp.delete("f").unwrap_err(), 250);
    drop(ftp);
    server.join();
}

/// The reason for the end of the session is the server's reply, though it closed before the next command
#[test]
fn a_421_between_requests() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("NOOP", "200 yes");
        s.reply("421 idle for too long");
    });
    let mut ftp = login(&server);
    ftp.noop().unwrap();
    pause(A_MOMENT);
    let error = ftp.noop().unwrap_err();
    assert!(
        matches!(
            &error,
            Error::Ftp(FtpError::Connection(ConnectionError::ServiceClosing(reply)))
                if reply.code().get() == 421
        ),
        "{error:?}"
    );
    drop(ftp);
    server.join();
}

fn secured(server: &Server) -> Client {
    let mut config = crate::config();
    config.tls = TlsPolicy::Explicit;
    login_with(server, Options::new(config).tls(trusting(TlsVersion::Tls13).build().unwrap()))
}
