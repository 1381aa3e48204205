//! Sessions with each crypto provider, with none, and with the platform's certificate verifier
//!
//! `.ci/features` runs these tests with each choice of features.

#![cfg(test)]

use ftp_blocking::ftp_tls::{TlsConfig, Trust};
use ftp_blocking::{Client, Config, Options, TlsPolicy};
use ftp_test::Server;

/// More than one TLS record
const LENGTH: usize = 100_000;

fn server() -> Server {
    Server::with_files([("pub/data", vec![7; LENGTH])])
}

/// Logs in, downloads, uploads and lists
fn session(server: &Server, options: Options) -> Result<(), ftp_blocking::Error> {
    let mut ftp = Client::connect(server.address(), options)?;
    ftp.login("anybody", "any password")?;
    let mut bytes = Vec::new();
    ftp.download_to("pub/data", &mut bytes)?;
    assert_eq!(bytes, [7; LENGTH]);
    ftp.upload_from("pub/copy", &mut &bytes[..])?;
    assert_eq!(ftp.names("pub")?.len(), 2);
    ftp.quit()?;
    assert_eq!(server.files().get("pub/copy").as_deref(), Some(&bytes[..]));
    Ok(())
}

#[test]
fn clear_text_needs_no_provider() {
    session(&server(), Options::new(Config::new(TlsPolicy::Plaintext))).unwrap();
}

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
#[test]
fn without_a_provider_tls_is_refused_with_the_reason() {
    use std::error::Error as _;

    use ftp_blocking::ftp_tls::ConfigError;

    let error = TlsConfig::builder(Trust::WebpkiRoots).build().unwrap_err();
    assert!(matches!(error, ConfigError::NoCryptoProvider), "{error}");

    // Nor is the session continued in clear text.
    let server = server();
    let error = session(&server, Options::new(Config::new(TlsPolicy::Explicit))).unwrap_err();
    let reason = error.source().and_then(|source| source.downcast_ref());
    assert!(matches!(reason, Some(ConfigError::NoCryptoProvider)), "{error}");
    assert_eq!(server.count("USER"), 0, "{}", server.transcript());
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tls {
    #[cfg(feature = "platform-verifier")]
    use ftp_blocking::ftp_tls::TlsError;
    use ftp_blocking::ftp_tls::TlsVersion;
    use ftp_test::tls::{Tls, ca_pem};

    use super::*;

    fn secured() -> Server {
        let server = server();
        server.set_tls(Tls::new());
        server
    }

    fn options(tls: TlsConfig) -> Options {
        Options::new(Config::new(TlsPolicy::Explicit)).tls(tls)
    }

    #[test]
    fn a_session_over_each_version() {
        for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
            let server = secured();
            let tls = TlsConfig::builder(Trust::OwnCa).add_ca_pem(ca_pem());
            let tls = tls.min_version(version).max_version(version).build().unwrap();
            session(&server, options(tls)).unwrap();
            assert_eq!(server.count("PROT"), 1, "{}", server.transcript());
        }
    }

    #[cfg(feature = "platform-verifier")]
    #[test]
    fn the_platforms_verifier_decides() {
        let added = TlsConfig::builder(Trust::Platform).add_ca_pem(ca_pem()).build().unwrap();
        session(&secured(), options(added)).unwrap();

        let server = secured();
        let alone = TlsConfig::builder(Trust::Platform).build().unwrap();
        let error = session(&server, options(alone)).unwrap_err();
        assert_eq!(error.tls(), Some(&TlsError::UnknownIssuer), "{error}");
        assert_eq!(server.count("USER"), 0, "{}", server.transcript());
    }
}
