//! Data connections that are protected while the control connection is not

use ftp_blocking::ftp_tls::{TlsError, TlsVersion};
use ftp_tests::scripted::Peer;
use ftp_tests::tls::{Secured, Tls, trusting};

use crate::driver::Options;
use crate::driver::ftp_proto::Protection;
use crate::{config, login_with, serve};

/// Starts a transfer for the command, up to the data connection's handshake
fn transfer(s: &mut Peer, tls: &Tls, command: &str) -> Secured {
    let listener = s.epsv();
    s.exchange(command, "150 go on");
    let mut data = tls.accept(&listener);
    data.handshake();
    data
}

/// RFC 2228 leaves it to the server to refuse PROT without AUTH, and ftplib's users may rely on servers that do not
#[test]
fn data_is_protected_without_auth() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let server = serve(|s| {
            let tls = Tls::new();
            s.welcome();
            s.exchange("PBSZ 0", "200 fine");
            s.exchange("PROT P", "200 fine");
            s.exchange("TYPE I", "200 fine");
            let mut data = transfer(s, &tls, "RETR f");
            data.send(b"content");
            data.close();
            s.reply("226 done");
            let mut data = transfer(s, &tls, "STOR f");
            assert_eq!(data.read_all(), b"content");
            data.close();
            s.reply("226 done");
            s.expect_close();
        });
        let mut ftp =
            login_with(&server, Options::new(config()).tls(trusting(version).build().unwrap()));
        ftp.protect(Protection::Private).unwrap();
        let mut bytes = Vec::new();
        ftp.download_to("f", &mut bytes).unwrap();
        assert_eq!(bytes, b"content");
        ftp.upload_from("f", &mut &bytes[..]).unwrap();
        assert!(!ftp.is_secure());
        drop(ftp);
        server.join();
    }
}

/// The certificate is checked as it is on a secured session
#[test]
fn a_certificate_of_an_unknown_issuer_is_refused_without_auth() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("PBSZ 0", "200 fine");
        s.exchange("PROT P", "200 fine");
        s.exchange("TYPE I", "200 fine");
        let listener = s.epsv();
        s.exchange("RETR f", "150 go on");
        Tls::new().accept(&listener).try_handshake().unwrap_err();
        s.reply("425 can't build data connection");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    // Mozilla's authorities.
    let mut ftp = login_with(&server, Options::new(config()));
    ftp.protect(Protection::Private).unwrap();
    let error = ftp.download_to("f", &mut Vec::new()).unwrap_err();
    assert!(matches!(error.tls(), Some(TlsError::UnknownIssuer)), "{error:?}");
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}
