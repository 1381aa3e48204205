//! Protection by TLS, and switching it on and off

use crate::driver::ftp_tls::{TlsConfig, TlsError, TlsVersion, Trust};
use crate::driver::{Client, Config, Error, Options, Protection, TlsPolicy};

use crate::{Security, Way, on_each_server, securely};

fn round_trip(ftp: &mut Client) {
    for round in 0..2 {
        ftp.upload_from("f", &mut &b"content"[..]).unwrap();
        let mut back = Vec::new();
        ftp.download_to("f", &mut back).unwrap();
        assert_eq!(back, b"content", "{round}");
    }
}

fn trusting(way: &Way, config: Config) -> Options {
    let tls = TlsConfig::builder(Trust::OwnCa).add_ca_file(&way.server.ca_file);
    Options::new(config).tls(tls.build().unwrap())
}

#[test]
fn everything_is_protected_by_default() {
    securely(|way| {
        let (mut ftp, ..) = way.enter();
        assert!(ftp.is_secure());
        assert_eq!(ftp.protection(), Protection::Private);
        let tls = ftp.tls().unwrap();
        let version = format!("{:?}", tls.protocol_version().unwrap());
        let wanted = if way.security == Security::Explicit(TlsVersion::Tls12) { "2" } else { "3" };
        assert!(version.ends_with(wanted), "{version}");
        round_trip(&mut ftp);
        let stats = ftp.tls_stats().unwrap();
        assert!(stats.resumed + stats.full >= 4, "{stats:?}");
        ftp.quit().unwrap();
    });
}

#[test]
fn data_in_clear_and_back() {
    securely(|way| {
        let (mut ftp, ..) = way.enter();
        for level in [Protection::Clear, Protection::Private, Protection::Clear] {
            ftp.protect(level).unwrap();
            assert_eq!(ftp.protection(), level);
            round_trip(&mut ftp);
        }
        ftp.quit().unwrap();
    });
}

/// As in ftplib: login in clear text, then `auth()`, then `prot_p()`
#[test]
fn tls_on_a_session_that_began_in_clear() {
    on_each_server(|way| {
        if way.security != Security::Clear {
            return;
        }
        let options = trusting(way, Config::new(TlsPolicy::Plaintext));
        let mut ftp = Client::connect(way.address(), options).unwrap();
        ftp.secure_control().unwrap();
        assert!(ftp.is_secure());
        assert_eq!(ftp.protection(), Protection::Clear);
        ftp.login(&way.server.user, &way.server.password).unwrap();
        let folder = way.enter().1;
        ftp.cwd(&folder).unwrap();
        round_trip(&mut ftp);
        assert_eq!(ftp.protect(Protection::Private).unwrap().code().get(), 200);
        round_trip(&mut ftp);
        ftp.quit().unwrap();
    });
}

/// As ftplib allows: login, `auth()`, `prot_p()`; most servers reply that it is too late, some require a new login
#[test]
fn tls_after_the_login() {
    on_each_server(|way| {
        if way.security != Security::Clear {
            return;
        }
        let options = trusting(way, Config::new(TlsPolicy::Plaintext));
        let mut ftp = Client::connect(way.address(), options).unwrap();
        ftp.login(&way.server.user, &way.server.password).unwrap();
        let folder = way.enter().1;
        match ftp.secure_control() {
            Ok(reply) => {
                assert_eq!(reply.unwrap().code().get(), 234);
                assert!(ftp.is_secure());
                println!("{}: AUTH TLS after the login", way.server.name);
                // Some require a new login.
                let _ = ftp.login(&way.server.user, &way.server.password);
                ftp.protect(Protection::Private).unwrap();
                assert_eq!(ftp.protection(), Protection::Private);
            }
            Err(error) => {
                println!("{}: AUTH TLS after the login: {error}", way.server.name);
                assert!(error.reply().is_some() && !error.is_fatal(), "{error}");
                assert!(!ftp.is_secure());
            }
        }
        ftp.cwd(&folder).unwrap();
        round_trip(&mut ftp);
        ftp.quit().unwrap();
    });
}

#[test]
fn the_control_connection_in_clear_again() {
    securely(|way| {
        let (mut ftp, ..) = way.enter();
        match ftp.clear_control() {
            Ok(reply) => {
                assert_eq!(reply.unwrap().code().get(), 200);
                assert!(!ftp.is_secure());
                ftp.pwd().unwrap();
                round_trip(&mut ftp);
                println!("{}: CCC, and files after it", way.server.name);
            }
            // Not every server supports CCC; then the refusal is reported, and the session continues.
            Err(error) => {
                println!("{}: CCC: {error}", way.server.name);
                assert!(error.reply().is_some() && !error.is_fatal(), "{error}");
                assert!(ftp.is_secure());
                round_trip(&mut ftp);
            }
        }
        ftp.quit().unwrap();
    });
}

#[test]
fn unknown_issuers_are_not_trusted() {
    on_each_server(|way| {
        if way.security == Security::Clear {
            return;
        }
        // Mozilla's authorities did not sign this certificate.
        let error = Client::connect(way.address(), way.config()).unwrap_err();
        assert!(matches!(error, Error::Tls(TlsError::UnknownIssuer)), "{error}");
        assert!(error.to_string().contains("authority that is not trusted"), "{error}");
        // The certificate is for localhost and its addresses, not for other names of this host.
        let name = crate::driver::ftp_tls::server_name("ftp.example.org").unwrap();
        let options = trusting(way, way.config()).tls_server_name(name);
        let error = Client::connect(way.address(), options).unwrap_err();
        assert!(matches!(error, Error::Tls(TlsError::NameMismatch { .. })), "{error}");
        let text = error.to_string();
        assert!(text.contains("ftp.example.org") && text.contains("localhost"), "{text}");
    });
}
