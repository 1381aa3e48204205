//! Failures that only sockets show: resets, single bytes, interrupted handshakes, other certificates

use std::io::{Read, Write};

use ftp_blocking::ftp_tls::{TlsError, TlsVersion};
use ftp_tests::scripted::{Peer, accept};
use ftp_tests::tls::{Clients, Tls, trusting};

use crate::driver::{Client, Error, Options, TlsPolicy};
use crate::{at_once, code, config, login, serve};

/// Makes the connection end with a reset when the script ends
fn reset_at_the_end(peer: &Peer) {
    peer.control().break_at_the_end();
}

fn download(client: &mut Client) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    client.download_to("f", &mut bytes)?;
    Ok(bytes)
}

#[test]
fn the_control_connection_is_reset_at_every_phase() {
    let exchanges = [
        ("USER u", "331 password?"),
        ("PASS p", "230 welcome"),
        ("TYPE I", "200 fine"),
        ("EPSV", "229 go (|||1|)"),
    ];
    for phase in 0..=exchanges.len() {
        for late in [false, true] {
            let server = serve(move |s| {
                reset_at_the_end(s);
                if phase == 0 && !late {
                    return;
                }
                s.reply("220 ready");
                for (command, reply) in &exchanges[..phase.saturating_sub(1)] {
                    s.exchange(command, reply);
                }
                if phase > 0 {
                    let (command, reply) = exchanges[phase - 1];
                    s.expect(command);
                    if late {
                        s.reply(reply);
                    }
                }
            });
            let error = at_once(|| {
                let mut ftp = Client::connect(server.address().to_string(), config())?;
                ftp.login("u", "p")?;
                download(&mut ftp)
            })
            .unwrap_err();
            // Nothing listens on the port of the last 229 any more: the client may notice that first.
            let on_data = matches!(error, Error::Data { .. }) && phase == exchanges.len();
            assert!(error.is_fatal() || on_data, "phase {phase}: {error:?}");
            server.join();
        }
    }
}

#[test]
fn the_control_connection_is_reset_during_a_transfer() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 fine");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("RETR f", "150 here");
        data.write_all(b"content").unwrap();
        reset_at_the_end(s);
    });
    let mut ftp = login(&server);
    let error = at_once(|| download(&mut ftp)).unwrap_err();
    assert!(error.is_fatal(), "{error:?}");
    server.join();
}

#[test]
fn replies_come_in_single_bytes() {
    let server = serve(|s| {
        let trickle = |s: &Peer, text: &str| {
            text.bytes().for_each(|byte| s.control().write_all(&[byte]).unwrap());
        };
        trickle(s, "220-hello\r\n220 ready\r\n");
        s.expect("USER u");
        trickle(s, "331 password?\r\n");
        s.expect("PASS p");
        trickle(s, "230 welcome\r\n");
        s.exchange("TYPE I", "200 fine");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.expect("RETR f");
        trickle(s, "150 here (7 bytes)\r\n");
        b"content".iter().for_each(|byte| data.write_all(&[*byte]).unwrap());
        drop(data);
        trickle(s, "226-done\r\n226 really\r\n");
        s.expect_close();
    });
    let mut ftp = login(&server);
    assert_eq!(download(&mut ftp).unwrap(), b"content");
    drop(ftp);
    server.join();
}

/// A name with a line ending is repeated in a reply: the lines after it answer no command
#[test]
fn a_name_splits_a_reply() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 fine");
        let listener = s.epsv();
        let data = accept(&listener);
        s.exchange("RETR f", "550 a\r\n226 done: no such file");
        drop(data);
        s.exchange("NOOP", "200 yes");
        s.exchange("PWD", "257 \"/a\"\r\n257 \"/b\"");
        let _ = s.command();
    });
    let mut ftp = login(&server);
    assert_eq!(code(&download(&mut ftp).unwrap_err()), 550);
    ftp.noop().unwrap();
    // The second half may be noticed together with the first, or by the next request.
    let error = ftp.pwd().and_then(|_| ftp.noop()).and_then(|_| ftp.noop()).unwrap_err();
    assert!(error.is_fatal(), "{error:?}");
    drop(ftp);
    server.join();
}

#[test]
fn a_227_names_a_port_of_other_services() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 fine");
        s.exchange("EPSV", "500 what?");
        // There is no FTP server at that address; the server's own address is used.
        s.exchange("PASV", "227 go (10,0,0,1,0,1)");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let error = at_once(|| download(&mut ftp)).unwrap_err();
    assert!(matches!(error, Error::Data { .. }) && !error.is_fatal(), "{error:?}");
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

/// Bytes that a server sends instead of a handshake, before it closes
const BREAKS: [&[u8]; 6] = [
    b"",
    // A fatal alert: handshake_failure.
    b"\x15\x03\x03\x00\x02\x02\x28",
    // The header of a record, and nothing more.
    b"\x16\x03\x03\x00\x7A",
    // A truncated ServerHello.
    b"\x16\x03\x03\x00\x7A\x02\x00\x00\x76\x03\x03\x00\x01\x02",
    // A record longer than the maximum.
    b"\x16\x03\x03\xFF\xFF\x02\x00",
    b"\x80\x00\x00\x00",
];

fn explicit() -> Options {
    let mut config = config();
    config.tls = TlsPolicy::Explicit;
    Options::new(config).tls(trusting(TlsVersion::Tls13).build().unwrap())
}

#[test]
fn the_handshake_of_the_control_connection_is_interrupted() {
    for bytes in BREAKS {
        for reset in [false, true] {
            let server = serve(move |s| {
                s.reply("220 ready");
                s.exchange("AUTH TLS", "234 go on");
                s.control().read_exact(&mut [0; 5]).unwrap();
                s.control().write_all(bytes).unwrap();
                if reset {
                    reset_at_the_end(s);
                }
            });
            let result = at_once(|| Client::connect(server.address().to_string(), explicit()));
            let error = result.unwrap_err();
            assert!(error.is_fatal(), "{:?}: {error:?}", bytes.escape_ascii().to_string());
            server.join();
        }
    }
}

#[test]
fn the_handshake_of_a_data_connection_is_interrupted() {
    for bytes in BREAKS {
        let server = serve(move |s| {
            let mut control = Tls::new().welcome(s);
            control.exchange("TYPE I", "200 fine");
            let listener = control.epsv();
            let mut data = accept(&listener);
            control.exchange("RETR f", "150 here");
            data.read_exact(&mut [0; 5]).unwrap();
            data.write_all(bytes).unwrap();
            drop(data);
            control.reply("425 no TLS, no data");
            // If the client notices the break before the 150, it sends a sentinel.
            if control.command() == "REST 0" {
                control.reply("350 go on");
                control.expect("NOOP");
            }
            control.reply("200 yes");
            control.expect_close();
        });
        let mut ftp = Client::connect(server.address().to_string(), explicit()).unwrap();
        ftp.login("u", "p").unwrap();
        let error = at_once(|| download(&mut ftp)).unwrap_err();
        assert!(!error.is_fatal(), "{:?}: {error:?}", bytes.escape_ascii().to_string());
        ftp.noop().unwrap();
        drop(ftp);
        server.join();
    }
}

/// The data connection's certificate is verified like the control connection's
#[test]
fn the_certificate_of_the_data_connection_is_another() {
    let server = serve(|s| {
        let mut control = Tls::new().tickets(0).welcome(s);
        control.exchange("TYPE I", "200 fine");
        let listener = control.epsv();
        control.exchange("RETR f", "150 here");
        let other = Tls::with(|params| params.subject_alt_names.clear(), Clients::Anybody);
        other.accept(&listener).try_handshake().unwrap_err();
        control.reply("425 no TLS, no data");
        control.exchange("NOOP", "200 yes");
        control.expect_close();
    });
    let mut ftp = Client::connect(server.address().to_string(), explicit()).unwrap();
    ftp.login("u", "p").unwrap();
    let error = at_once(|| download(&mut ftp)).unwrap_err();
    // The error names the certificate's problem, not the server's later failure, so that callers do not retry.
    assert!(matches!(error.tls(), Some(TlsError::NameMismatch { .. })), "{error:?}");
    assert!(!error.is_fatal() && !error.is_transient());
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}
