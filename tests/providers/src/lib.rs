//! Sessions of each driver, on any system: with each crypto provider, with none, and with the platform's certificate
//! verifier
//!
//! `.ci/features` runs these tests with each choice of features, and `.ci/windows` as Windows programs.

#![cfg(test)]

use std::error::Error;
use std::io;
use std::time::{Duration, Instant};

use ftp_blocking::ftp_tls::{TlsConfig, Trust};
use ftp_blocking::{Config, TlsPolicy};
use ftp_mio::mio::{Events, Poll, Token};
use ftp_mio::{Event, Moved, Options};
use ftp_test::Server;

/// More than one TLS record
const LENGTH: usize = 100_000;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn server() -> Server {
    Server::with_files([("pub/data", vec![7; LENGTH])])
}

/// Logs in, downloads and uploads, with each driver
fn sessions(server: &Server, options: &Options) -> Result {
    for session in [blocking, on_tokio, on_mio] {
        session(server, options)?;
        assert_eq!(server.files().get("pub/copy"), Some(vec![7; LENGTH]));
        server.files().remove("pub/copy");
    }
    Ok(())
}

fn blocking(server: &Server, options: &Options) -> Result {
    let mut ftp = ftp_blocking::Client::connect(server.address(), options.clone())?;
    ftp.login("anybody", "any password")?;
    let mut bytes = Vec::new();
    ftp.download_to("pub/data", &mut bytes)?;
    assert_eq!(bytes, [7; LENGTH]);
    ftp.upload_from("pub/copy", &mut &bytes[..])?;
    assert_eq!(ftp.names("pub")?.len(), 2);
    ftp.quit()?;
    Ok(())
}

fn on_tokio(server: &Server, options: &Options) -> Result {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut ftp = ftp_tokio::Client::connect(server.address(), options.clone()).await?;
        ftp.login("anybody", "any password").await?;
        let mut bytes = Vec::new();
        ftp.download_to("pub/data", &mut bytes).await?;
        assert_eq!(bytes, [7; LENGTH]);
        ftp.upload_from("pub/copy", &mut &bytes[..]).await?;
        assert_eq!(ftp.names("pub").await?.len(), 2);
        ftp.quit().await?;
        Ok(())
    })
}

fn on_mio(server: &Server, options: &Options) -> Result {
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(64));
    let addresses = [server.address()];
    let mut ftp =
        ftp_mio::Session::connect(poll.registry(), Token(0), &addresses, options.clone())?;
    let login = ftp.login("anybody", "any password");
    let get = ftp.get("pub/data");
    let put = ftp.put("pub/copy");
    let quit = ftp.quit();
    let (mut received, mut sent) = (0, 0);
    let mut buffer = [0; 8 * 1024];
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        poll.poll(&mut events, ftp.timeout(Instant::now()))?;
        for event in &events {
            ftp.handle_event(event);
        }
        ftp.turn(poll.registry(), Instant::now());
        while let Some(event) = ftp.poll_event() {
            match event {
                Event::Completed(mut done) => {
                    if let Some(result) = done.take(login) {
                        result?;
                    } else if let Some(result) = done.take(get) {
                        result?;
                        assert_eq!(received, LENGTH);
                    } else if let Some(result) = done.take(put) {
                        result?;
                    } else if let Some(result) = done.take(quit) {
                        result?;
                        return Ok(());
                    }
                }
                Event::Closed(error) => return Err(error.into()),
                _ => {}
            }
        }
        while let Moved::Bytes(count) = ftp.read_data(&mut buffer) {
            assert_eq!(buffer[..count], [7; LENGTH][..count]);
            received += count;
        }
        while let Moved::Bytes(count) = ftp.write_data(&[7; LENGTH][sent..]) {
            sent += count;
            if sent == LENGTH {
                ftp.finish_upload();
                break;
            }
        }
    }
    Err(io::Error::from(io::ErrorKind::TimedOut).into())
}

#[test]
fn clear_text_needs_no_provider() {
    sessions(&server(), &Options::new(Config::new(TlsPolicy::Plaintext))).unwrap();
}

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
#[test]
fn without_a_provider_tls_is_refused_with_the_reason() {
    use ftp_blocking::ftp_tls::ConfigError;

    let error = TlsConfig::builder(Trust::WebpkiRoots).build().unwrap_err();
    assert!(matches!(error, ConfigError::NoCryptoProvider), "{error}");

    // Nor is the session continued in clear text.
    for session in [blocking, on_tokio, on_mio] {
        let server = server();
        let error = session(&server, &Options::new(Config::new(TlsPolicy::Explicit))).unwrap_err();
        let reason = error.source().and_then(|source| source.downcast_ref());
        assert!(matches!(reason, Some(ConfigError::NoCryptoProvider)), "{error}");
        assert_eq!(server.count("USER"), 0, "{}", server.transcript());
    }
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tls {
    use ftp_blocking::ftp_tls::TlsVersion;
    use ftp_test::tls::{Tls, ca_pem};

    use super::*;

    fn secured() -> Server {
        let server = server();
        server.set_tls(Tls::new());
        server
    }

    fn options(tls: TlsConfig) -> Options {
        Options::new(Config::new(TlsPolicy::Explicit)).host("127.0.0.1").tls(tls)
    }

    #[test]
    fn a_session_over_each_version() {
        for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
            let server = secured();
            let tls = TlsConfig::builder(Trust::OwnCa).add_ca_pem(ca_pem());
            let tls = tls.min_version(version).max_version(version).build().unwrap();
            sessions(&server, &options(tls)).unwrap();
            assert_eq!(server.count("PROT"), 3, "{}", server.transcript());
        }
    }

    #[cfg(feature = "platform-verifier")]
    #[test]
    fn the_platforms_verifier_decides() {
        use ftp_blocking::ftp_tls::TlsError;

        let added = TlsConfig::builder(Trust::Platform).add_ca_pem(ca_pem()).build().unwrap();
        sessions(&secured(), &options(added)).unwrap();

        for session in [blocking, on_tokio, on_mio] {
            let server = secured();
            let alone = TlsConfig::builder(Trust::Platform).build().unwrap();
            let error = session(&server, &options(alone)).unwrap_err();
            let error =
                error.downcast_ref::<ftp_blocking::Error>().expect("an error of the session");
            assert_eq!(error.tls(), Some(&TlsError::UnknownIssuer), "{error}");
            assert_eq!(server.count("USER"), 0, "{}", server.transcript());
        }
    }
}
