//! TLS errors and their texts, and the ends of protected transfers

use std::io::{ErrorKind, Read};

use ftp_blocking::ftp_tls::{TlsError, TlsVersion, server_name};
use ftp_proto::Error as FtpError;
use ftp_tests::scripted::{Peer, Server};
use ftp_tests::tls::{Clients, Secured, Tls, identity, trusting};

use super::common::drop_a_download;
use crate::driver::{Client, Config, Error, Get, List, Listing, Options, TlsPolicy};
use crate::{at_once, code, serve};

const VERSIONS: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

fn explicit() -> Config {
    let mut config = crate::config();
    config.tls = TlsPolicy::Explicit;
    config
}

fn options(version: TlsVersion) -> Options {
    Options::new(explicit()).tls(trusting(version).build().unwrap())
}

fn refused(server: &Server, options: impl Into<Options>) -> Error {
    at_once(|| Client::connect(server.address().to_string(), options).unwrap_err())
}

fn login(server: &Server, options: Options) -> Client {
    crate::login_with(server, options)
}

/// Starts a server whose client closes during the handshake
fn spurned(tls: Tls) -> Server {
    serve(move |s| {
        tls.auth(s).try_handshake().unwrap_err();
    })
}

#[track_caller]
fn says(error: &Error, what: &[&str]) {
    let text = error.to_string();
    for word in what {
        assert!(text.contains(word), "{word:?} is missing in: {text}");
    }
}

#[test]
fn an_expired_certificate() {
    for version in VERSIONS {
        let expired = |params: &mut rcgen::CertificateParams| {
            params.not_before = rcgen::date_time_ymd(2019, 1, 1);
            params.not_after = rcgen::date_time_ymd(2020, 2, 3);
        };
        let server = spurned(Tls::with(expired, Clients::Anybody));
        let error = refused(&server, options(version));
        assert!(
            matches!(error, Error::Tls(TlsError::CertificateExpired { .. })) && error.is_fatal(),
            "{error:?}"
        );
        says(&error, &["expired", "2020-02-03", "renew"]);
        server.join();
    }
}

#[test]
fn an_unknown_issuer() {
    let server = spurned(Tls::new());
    // Mozilla's authorities.
    let error = refused(&server, explicit());
    assert!(matches!(error, Error::Tls(TlsError::UnknownIssuer)), "{error:?}");
    says(&error, &["authority that is not trusted", "pin"]);
    server.join();
}

#[test]
fn another_name() {
    for version in VERSIONS {
        let server = spurned(Tls::new());
        let name = server_name("ftp.example.org").unwrap();
        let error = refused(&server, options(version).tls_server_name(name));
        assert!(matches!(error, Error::Tls(TlsError::NameMismatch { .. })), "{error:?}");
        says(&error, &["ftp.example.org", "localhost", "127.0.0.1"]);
        server.join();
    }
}

#[test]
fn a_server_that_is_too_old() {
    // A ServerHello of TLS 1.0, and an alert that reports the same.
    let hello = [&[22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1][..], &[7; 32], &[0, 0, 47, 0]].concat();
    for answer in [hello, vec![21, 3, 1, 0, 2, 2, 70]] {
        let server = serve(move |s| {
            s.reply("220 ready");
            s.exchange("AUTH TLS", "234 go on");
            let mut hello = [0; 5];
            s.control().read_exact(&mut hello).unwrap();
            std::io::Write::write_all(&mut s.control(), &answer).unwrap();
            let _ = s.control().read_to_end(&mut Vec::new());
        });
        let error = refused(&server, options(TlsVersion::Tls12));
        assert!(matches!(error, Error::Tls(TlsError::ProtocolVersion)), "{error:?}");
        says(&error, &["TLS 1.0", "updated"]);
        server.join();
    }
}

#[test]
fn clear_text_where_the_handshake_should_be() {
    let server = serve(|s| {
        s.reply("220 ready");
        s.exchange("AUTH TLS", "234 go on");
        s.control().read_exact(&mut [0; 5]).unwrap();
        s.reply("500 OOPS: cannot read the certificate");
        let _ = s.control().read_to_end(&mut Vec::new());
    });
    let error = refused(&server, options(TlsVersion::Tls13));
    assert!(matches!(error, Error::Tls(TlsError::PlaintextReply { .. })), "{error:?}");
    says(&error, &["500 OOPS: cannot read the certificate"]);
    server.join();
}

#[test]
fn clear_text_in_the_middle_of_a_session() {
    for version in VERSIONS {
        let server = serve(|s| {
            let mut control = Tls::new().welcome(s);
            control.expect("NOOP");
            control.send_in_clear(b"500 OOPS: child died\r\n");
            control.expect_close();
        });
        let mut ftp = login(&server, options(version));
        let error = at_once(|| ftp.noop().unwrap_err());
        assert!(error.is_fatal());
        assert!(matches!(error, Error::Tls(TlsError::NoLongerTls { .. })), "{error:?}");
        says(&error, &["500 OOPS: child died"]);
        // Later calls return the same error.
        says(&ftp.noop().unwrap_err(), &["500 OOPS: child died"]);
        drop(ftp);
        server.join();
    }
}

#[test]
fn clear_text_after_the_234_is_an_attack() {
    let server = serve(|s| {
        s.reply("220 ready");
        s.exchange("AUTH TLS", "234 go on\r\n230 you are in");
        s.expect_close();
    });
    let error = refused(&server, options(TlsVersion::Tls13));
    let Error::Ftp(ftp_proto::Error::Connection(error)) = error else { panic!("{error:?}") };
    assert!(
        matches!(
            error,
            ftp_proto::ConnectionError::Protocol(ftp_proto::ProtocolError::PlaintextAfterAuth)
        ),
        "{error:?}"
    );
    server.join();
}

#[test]
fn a_client_certificate_is_demanded() {
    for version in VERSIONS {
        let server = spurned_or_left(Tls::with(|_| {}, Clients::Certified));
        let error = refused(&server, options(version));
        assert!(matches!(error, Error::Tls(TlsError::ClientCertificateRequired)), "{error:?}");
        says(&error, &["client certificate", "configure"]);
        server.join();
    }
}

/// In TLS 1.3 the client learns of a missing certificate after its own handshake has completed
fn spurned_or_left(tls: Tls) -> Server {
    serve(move |s| {
        let mut control = tls.auth(s);
        control.try_handshake().unwrap_err();
        let _ = s.control().read_to_end(&mut Vec::new());
    })
}

#[test]
fn a_client_certificate_is_shown_on_both_connections() {
    for version in VERSIONS {
        let server = serve(|s| {
            let tls = Tls::with(|_| {}, Clients::Certified);
            let mut control = tls.welcome(s);
            control.exchange("TYPE I", "200 fine");
            // A connection that can't resume and must show its certificate again.
            download(&mut control, &tls.forgetful(), b"content", "226 done");
            control.expect_close();
        });
        let (chain, key) = identity(&["client"], |_| {});
        let tls = trusting(version).client_auth_pem(chain, key).build().unwrap();
        let mut ftp = login(&server, Options::new(explicit()).tls(tls));
        let mut bytes = Vec::new();
        ftp.download_to("f", &mut bytes).unwrap();
        assert_eq!(bytes, b"content");
        drop(ftp);
        server.join();
    }
}

/// Serves RETR f up to the data connection's handshake; returns whether that resumed a session
fn begin_download(control: &mut Secured, tls: &Tls) -> (Secured, bool) {
    let listener = control.epsv();
    control.exchange("RETR f", "150 here it comes");
    let mut data = tls.accept(&listener);
    let resumed = data.handshake();
    (data, resumed)
}

/// Serves RETR f; returns whether the handshake resumed a session
fn download(control: &mut Secured, tls: &Tls, bytes: &[u8], last: &str) -> bool {
    let (mut data, resumed) = begin_download(control, tls);
    data.send(bytes);
    data.close();
    control.reply(last);
    resumed
}

/// Serves STOR f
fn upload(control: &mut Secured, tls: &Tls) -> (bool, Vec<u8>) {
    let listener = control.epsv();
    control.exchange("STOR f", "150 send it");
    let mut data = tls.accept(&listener);
    let resumed = data.handshake();
    let bytes = data.read_all();
    data.close();
    control.reply("226 done");
    (resumed, bytes)
}

#[test]
fn an_empty_upload_does_its_handshake_and_close_notify() {
    for version in VERSIONS {
        let server = serve(|s| {
            let tls = Tls::new();
            let mut control = tls.welcome(s);
            control.exchange("TYPE I", "200 fine");
            assert_eq!(upload(&mut control, &tls), (true, Vec::new()));
            control.expect_close();
        });
        let mut ftp = login(&server, options(version));
        assert_eq!(ftp.upload_from("f", &mut &b""[..]).unwrap().bytes, 0);
        drop(ftp);
        server.join();
    }
}

#[test]
fn an_end_without_close_notify_is_a_truncation_unless_the_size_is_known() {
    for version in VERSIONS {
        let server = serve(|s| {
            let tls = Tls::new();
            let mut control = tls.welcome(s);
            control.exchange("TYPE I", "200 fine");
            for _ in 0..2 {
                let (mut data, _) = begin_download(&mut control, &tls);
                data.send(b"content");
                drop(data);
                control.reply("226 done");
            }
            control.expect_close();
        });
        let mut ftp = login(&server, options(version));
        let error = ftp.download_to("f", &mut Vec::new()).unwrap_err();
        assert!(
            matches!(error, Error::Ftp(ftp_proto::Error::Truncated { received: 7, .. })),
            "{error:?}"
        );
        let whole = ftp.download_to(Get::new("f").expect_size(7), &mut Vec::new()).unwrap();
        assert_eq!(whole.bytes, 7);
        drop(ftp);
        server.join();
    }
}

/// ProFTPD ends the session if the client ends the data connection of a download in order (Q150)
#[test]
fn a_dropped_download_is_reset_even_if_everything_was_read() {
    for version in VERSIONS {
        let server = serve(|s| {
            let tls = Tls::new();
            let mut control = tls.welcome(s);
            control.exchange("TYPE I", "200 fine");
            let (mut data, _) = begin_download(&mut control, &tls);
            data.send(&[0; 1000]);
            control.expect("ABOR");
            let (_, mut socket) = data.into_parts();
            let end = socket.read_to_end(&mut Vec::new()).map_err(|error| error.kind());
            assert_eq!(end, Err(ErrorKind::ConnectionReset));
            control.reply("426 cut off");
            control.reply("226 aborted");
            control.exchange("REST 0", "350 at 0");
            control.exchange("NOOP", "200 yes");
            control.expect_close();
        });
        drop_a_download(login(&server, options(version)));
        server.join();
    }
}

/// Most servers end an idle session like this: the result is the same as in clear text, because nothing can be
/// truncated
#[test]
fn a_control_connection_that_ends_without_close_notify_has_ended() {
    let ends = |error: &Error| {
        assert_eq!(error.to_string(), "the server closed the control connection");
        assert!(error.is_fatal() && error.is_transient() && !error.is_timeout(), "{error:?}");
    };
    for version in VERSIONS {
        for while_waiting in [false, true] {
            let server = serve(move |s| {
                let mut control = Tls::new().welcome(s);
                if while_waiting {
                    control.expect("NOOP");
                }
            });
            let mut ftp = login(&server, options(version));
            if !while_waiting {
                server.join();
                let error = ftp.noop().unwrap_err();
                ends(&error);
                assert_eq!(error.tls(), Some(&TlsError::Truncated));
                continue;
            }
            let error = ftp.noop().unwrap_err();
            ends(&error);
            assert_eq!(error.tls(), Some(&TlsError::Truncated));
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert!(source.contains("close_notify"), "{source}");
            server.join();
        }
    }
    let server = serve(|s| s.welcome());
    let mut ftp = crate::login(&server);
    server.join();
    ends(&ftp.noop().unwrap_err());
}

#[test]
fn a_refusal_ends_the_wait_for_the_data_handshake() {
    for version in VERSIONS {
        let server = serve(|s| {
            let tls = Tls::new();
            let mut control = tls.welcome(s);
            control.exchange("TYPE I", "200 fine");
            let listener = control.epsv();
            // The connection is open, but the server does no handshake.
            let data = tls.accept(&listener);
            control.exchange("RETR f", "550 no such file");
            assert!(download(&mut control, &tls, b"content", "226 done"));
            drop(data);
            control.expect_close();
        });
        let mut ftp = login(&server, options(version));
        assert_eq!(code(&at_once(|| ftp.get("f").map(drop).unwrap_err())), 550);
        ftp.download_to("f", &mut Vec::new()).unwrap();
        drop(ftp);
        server.join();
    }
}

#[test]
fn a_refused_certificate_of_a_data_connection_is_not_hidden_by_the_servers_reply() {
    for version in VERSIONS {
        for refusal in ["425 can't build data connection", "550 handshake failed"] {
            let server = serve(move |s| {
                let mut control = Tls::new().welcome(s);
                control.exchange("TYPE I", "200 fine");
                let listener = control.epsv();
                control.exchange("RETR f", "150 here it comes");
                let expired = |params: &mut rcgen::CertificateParams| {
                    params.not_before = rcgen::date_time_ymd(2019, 1, 1);
                    params.not_after = rcgen::date_time_ymd(2020, 2, 3);
                };
                let mut data = Tls::with(expired, Clients::Anybody).accept(&listener);
                data.try_handshake().unwrap_err();
                drop(data);
                control.reply(refusal);
                control.exchange("NOOP", "200 yes");
                control.expect_close();
            });
            let mut ftp = login(&server, options(version));
            let error = at_once(|| ftp.download_to("f", &mut Vec::new()).unwrap_err());
            assert!(
                matches!(error.tls(), Some(TlsError::CertificateExpired { .. })),
                "{refusal}: {error:?}"
            );
            assert!(!error.is_transient() && !error.is_fatal(), "{refusal}: {error:?}");
            assert_eq!(code(&error).to_string(), refusal[..3]);
            ftp.noop().unwrap();
            drop(ftp);
            server.join();
        }
    }
}

/// Starts a server that requires resumption, and has forgotten the session
fn forgetful(s: &mut Peer, refusal: &str, tickets: usize) -> (Secured, Tls) {
    // One ticket, so that none is left after the first transfer.
    let tls = Tls::new().tickets(1);
    let mut control = tls.welcome(s);
    control.exchange("TYPE I", "200 fine");
    let tls = tls.forgetful().tickets(tickets);
    assert!(!download(&mut control, &tls, b"", refusal));
    (control, tls)
}

#[test]
fn a_download_is_tried_again_if_a_ticket_came_with_the_refusal() {
    for refusal in ["425 session reuse, please", "522 session reuse, please"] {
        let server = serve(move |s| {
            let (mut control, tls) = forgetful(s, refusal, 2);
            assert!(download(&mut control, &tls, b"content", "226 done"));
            control.expect_close();
        });
        let mut ftp = login(&server, options(TlsVersion::Tls13));
        let mut bytes = Vec::new();
        let transfer = at_once(|| ftp.download_to("f", &mut bytes).unwrap());
        assert_eq!((transfer.bytes, &bytes[..]), (7, &b"content"[..]));
        drop(ftp);
        server.join();
    }
}

#[test]
fn a_listing_is_tried_again_once() {
    let server = serve(|s| {
        let tls = Tls::new();
        let mut control = tls.welcome(s);
        control.exchange("TYPE A", "200 fine");
        for _ in 0..2 {
            // It resumes nothing, however often the client tries.
            let listener = control.epsv();
            control.exchange("NLST", "150 here it comes");
            let mut data = tls.forgetful().tickets(2).accept(&listener);
            assert!(!data.handshake());
            data.close();
            control.reply("425 session reuse, please");
        }
        control.exchange("NOOP", "200 still here");
        control.expect_close();
    });
    let mut ftp = login(&server, options(TlsVersion::Tls13));
    let listing = ftp.list(List::names("")).and_then(Listing::collect_lines);
    let error = listing.unwrap_err();
    assert!(
        matches!(error, Error::Ftp(FtpError::ResumptionRequired { .. })) && !error.is_fatal(),
        "{error:?}"
    );
    assert_eq!(code(&error), 425);
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn session_reuse_is_required_but_impossible() {
    // TLS 1.2 has one session, which data connections can't replace.
    for (version, refusal) in
        [(TlsVersion::Tls12, "522 session reuse, please"), (TlsVersion::Tls13, "425 no")]
    {
        let server = serve(move |s| {
            let (mut control, _) = forgetful(s, refusal, 0);
            control.exchange("NOOP", "200 still here");
            control.expect_close();
        });
        let mut ftp = login(&server, options(version));
        let error = ftp.download_to("f", &mut Vec::new());
        let Err(error) = error else { panic!("{error:?}") };
        assert!(matches!(error, Error::Ftp(FtpError::ResumptionRequired { .. })), "{error:?}");
        says(&error, &["resume", "TLS 1.2", &refusal[..3]]);
        ftp.noop().unwrap();
        drop(ftp);
        server.join();
    }
}

#[test]
fn an_upload_never_begins_without_a_ticket() {
    let server = serve(|s| {
        let tls = Tls::new().tickets(1);
        let mut control = tls.welcome(s);
        control.exchange("TYPE I", "200 fine");
        // The upload issues no ticket, as with ProFTPD.
        let none = tls.tickets(0);
        assert_eq!(upload(&mut control, &none), (true, b"one".to_vec()));
        // A listing of the uploaded file, which obtains tickets.
        control.exchange("TYPE A", "200 fine");
        let listener = control.epsv();
        control.exchange("LIST f", "150 here it comes");
        let mut data = tls.accept(&listener);
        assert!(!data.handshake());
        data.close();
        control.reply("425 session reuse, please");
        control.exchange("TYPE I", "200 fine");
        assert_eq!(upload(&mut control, &none), (true, b"two".to_vec()));
        // A listing that obtains none: nothing is sent after it.
        control.exchange("TYPE A", "200 fine");
        let listener = control.epsv();
        control.exchange("LIST f", "150 here it comes");
        let mut data = none.accept(&listener);
        assert!(!data.handshake());
        data.close();
        control.reply("425 session reuse, please");
        control.exchange("NOOP", "200 still here");
        control.expect_close();
    });
    let mut ftp = login(&server, options(TlsVersion::Tls13));
    ftp.upload_from("f", &mut &b"one"[..]).unwrap();
    ftp.upload_from("f", &mut &b"two"[..]).unwrap();
    let error = ftp.upload_from("f", &mut &b"three"[..]).unwrap_err();
    assert!(matches!(error, Error::Ftp(FtpError::NoSessionTicket)) && !error.is_fatal());
    says(&error, &["new connection", "TLS 1.2"]);
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn an_upload_that_went_well_without_resumption_ends_the_precautions() {
    let server = serve(|s| {
        let tls = Tls::new().tickets(1);
        let mut control = tls.welcome(s);
        control.exchange("TYPE I", "200 fine");
        let forgetful = tls.forgetful().tickets(0);
        for _ in 0..3 {
            assert_eq!(upload(&mut control, &forgetful), (false, b"content".to_vec()));
        }
        control.expect_close();
    });
    let mut ftp = login(&server, options(TlsVersion::Tls13));
    for _ in 0..3 {
        ftp.upload_from("f", &mut &b"content"[..]).unwrap();
    }
    drop(ftp);
    server.join();
}
