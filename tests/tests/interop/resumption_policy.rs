//! Each setting of resumption with servers that require it, that permit it, and that issue nothing to resume

use ftp_proto::Error as FtpError;
use ftp_tests::servers::Server;

use crate::driver::ftp_tls::{Resumption, TlsConfig, TlsError, TlsVersion, Trust};
use crate::driver::{Client, Error, Options};
use crate::{Security, Way, securely};

fn login(way: &Way, server: &Server, resumption: Resumption) -> Client {
    let Security::Explicit(version) = way.security else { panic!("{way:?}") };
    let tls = TlsConfig::builder(Trust::OwnCa)
        .add_ca_file(&server.ca_file)
        .min_version(version)
        .max_version(version)
        .resumption(resumption);
    let options = Options::new(way.config()).tls(tls.build().unwrap());
    let address = format!("127.0.0.1:{}", server.port);
    let (user, password) = (&server.user, &server.password);
    let mut ftp = Client::connect_and_login(&address, options, user, password).unwrap();
    ftp.cwd(&server.directory).unwrap();
    ftp
}

/// Uploads, downloads and lists so often that TLS 1.3 tickets run out unless they are renewed
fn transfers(ftp: &mut Client, name: &str) -> Result<(), Error> {
    for _ in 0..3 {
        ftp.upload_from(name, &mut &b"content"[..])?;
        for _ in 0..2 {
            let mut back = Vec::new();
            ftp.download_to(name, &mut back)?;
            assert_eq!(back, b"content");
        }
        ftp.list("")?.collect_lines()?;
    }
    Ok(())
}

fn both(way: &Way) -> impl Iterator<Item = Server> {
    [Some(way.server.clone()), way.server.without_session_reuse()].into_iter().flatten()
}

/// Whether all data connections to this server can resume
fn resumes(server: &Server, version: TlsVersion) -> bool {
    // Pure-FTPd's tickets of TLS 1.3 can't be used; ProFTPD issues none with uploads, so they run out.
    version == TlsVersion::Tls12 || !matches!(&*server.name, "pureftpd" | "proftpd")
}

#[test]
fn required_is_kept_or_refused() {
    securely(|way| {
        let Security::Explicit(version) = way.security else { panic!("{way:?}") };
        for server in both(way) {
            let name = format!("required-{}", std::process::id());
            let mut ftp = login(way, &server, Resumption::Required);
            let result = transfers(&mut ftp, &name);
            let stats = ftp.tls_stats().unwrap();
            println!("{} port {} {version:?}: {result:?} {stats:?}", server.name, server.port);
            if resumes(&server, version) {
                result.unwrap();
                assert_eq!(stats.full, 0);
            } else {
                let error = result.unwrap_err();
                let stopped = matches!(error, Error::Ftp(FtpError::NoSessionTicket))
                    || error.tls() == Some(&TlsError::NotResumed);
                assert!(stopped && !error.is_fatal(), "{error:?}");
                // The session is still usable, and without the requirement it works.
                ftp.noop().unwrap();
            }
            let mut ftp = login(way, &server, Resumption::Offered);
            transfers(&mut ftp, &name).unwrap();
            ftp.delete(&name).unwrap();
            ftp.quit().unwrap();
        }
    });
}

#[test]
fn never_is_accepted_or_refused() {
    securely(|way| {
        for server in both(way) {
            let name = format!("never-{}", std::process::id());
            let mut ftp = login(way, &server, Resumption::Never);
            let demanded =
                server.port == way.server.port && matches!(&*server.name, "vsftpd" | "proftpd");
            let result = transfers(&mut ftp, &name);
            let stats = ftp.tls_stats().unwrap();
            assert_eq!((stats.resumed, stats.tickets_received), (0, 0));
            if demanded {
                let error = result.unwrap_err();
                // vsftpd's 522 and ProFTPD's 425 may arrive before the handshake has ended on the client's side; then
                // they are ordinary refusals.
                let refused = matches!(error, Error::Ftp(FtpError::ResumptionRequired { .. }));
                let code = error.reply().map(|reply| reply.code().get());
                assert!(refused || matches!(code, Some(425 | 522)), "{error:?}");
            } else {
                result.unwrap();
                assert!(stats.full >= 12, "{stats:?}");
            }
            // vsftpd has ended the session.
            drop(ftp);
            let mut ftp = login(way, &server, Resumption::Offered);
            ftp.delete(&name).unwrap();
            ftp.quit().unwrap();
        }
    });
}
