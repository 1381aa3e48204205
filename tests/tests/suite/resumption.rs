//! Data connections that must resume the control connection's TLS session

use ftp_blocking::ftp_tls::{Resumption, TlsError, TlsVersion};
use ftp_proto::Error as FtpError;
use ftp_tests::scripted::Server;
use ftp_tests::tls::{Tls, trusting};

use crate::driver::{Client, Error, Options, TlsPolicy};
use crate::{at_once, code, serve};

fn login(server: &Server, version: TlsVersion) -> Client {
    let mut config = crate::config();
    config.tls = TlsPolicy::Explicit;
    let tls = trusting(version).resumption(Resumption::Required).build().unwrap();
    crate::login_with(server, Options::new(config).tls(tls))
}

/// Whatever the server replies about the lost connection, the error names the cause and a remedy
#[test]
fn a_download_that_does_not_resume_is_refused() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        for refusal in ["425 can't build data connection", "550 handshake failed"] {
            let server = serve(move |s| {
                let tls = Tls::new();
                let mut control = tls.welcome(s);
                control.exchange("TYPE I", "200 fine");
                let listener = control.epsv();
                control.exchange("RETR f", "150 here it comes");
                let mut data = tls.forgetful().accept(&listener);
                // In TLS 1.2 the server's Finished comes last: by then the server's part of the handshake is complete.
                assert_eq!(data.try_handshake().is_err(), version == TlsVersion::Tls13);
                drop(data);
                control.reply(refusal);
                control.exchange("NOOP", "200 yes");
                control.expect_close();
            });
            let mut ftp = login(&server, version);
            let mut bytes = Vec::new();
            let error = at_once(|| ftp.download_to("f", &mut bytes).unwrap_err());
            assert_eq!(error.tls(), Some(&TlsError::NotResumed), "{refusal}: {error:?}");
            assert!(bytes.is_empty() && !error.is_fatal(), "{refusal}: {error:?}");
            assert_eq!(code(&error).to_string(), refusal[..3]);
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert!(cause.contains("log in on a new connection"), "{cause}");
            ftp.noop().unwrap();
            drop(ftp);
            server.join();
        }
    }
}

/// The upload is not even begun: a server may have truncated the file by then
#[test]
fn an_upload_without_a_session_to_resume_is_not_begun() {
    let server = serve(move |s| {
        let mut control = Tls::new().tickets(0).welcome(s);
        control.exchange("NOOP", "200 yes");
        control.expect_close();
    });
    let mut ftp = login(&server, TlsVersion::Tls13);
    let error = at_once(|| ftp.upload_from("f", &mut &b"content"[..]).unwrap_err());
    assert!(matches!(error, Error::Ftp(FtpError::NoSessionTicket)), "{error:?}");
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}
