//! Operations that the client retries by itself

use ftp_blocking::ftp_tls::{TlsConfig, TlsVersion, Trust};

use crate::driver::Client;
use crate::{Security, securely};

/// Without precautions ProFTPD refuses a listing when the tickets are used up, and issues new ones: the second attempt
/// succeeds, and the caller does not notice
#[test]
fn a_refused_listing_is_tried_again() {
    securely(|way| {
        let mut options = way.options(way.config());
        if let Security::Explicit(version) = way.security {
            let tls = TlsConfig::builder(Trust::OwnCa)
                .add_ca_file(&way.server.ca_file)
                .max_version(version)
                .guard_uploads(false);
            options = options.tls(tls.build().unwrap());
        }
        let mut ftp = Client::connect(way.address(), options).unwrap();
        ftp.login(&way.server.user, &way.server.password).unwrap();
        ftp.cwd(&way.server.directory).unwrap();
        // These use up the two tickets of the login.
        for _ in 0..2 {
            ftp.upload_from("again", &mut &b"content"[..]).unwrap();
        }
        assert!(ftp.names("").unwrap().iter().any(|name| name == b"again"));
        let mut back = Vec::new();
        ftp.download_to("again", &mut back).unwrap();
        assert_eq!(back, b"content");
        ftp.delete("again").unwrap();
        let stats = ftp.tls_stats().unwrap();
        let refuses =
            way.server.name == "proftpd" && way.security == Security::Explicit(TlsVersion::Tls13);
        if refuses {
            assert_eq!((stats.resumed, stats.full), (4, 1), "{stats:?}");
        }
        ftp.quit().unwrap();
    });
}
