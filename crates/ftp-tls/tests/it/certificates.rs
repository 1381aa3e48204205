//! Which servers the client accepts

use std::io::Write;

use ftp_tls::{
    Alpn, Authorities, ConfigError, Pin, Role, TlsConfig, TlsError, TlsVersion, Trust, server_name,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
use rustls::AlertDescription;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use crate::common::*;

fn refusal(config: &TlsConfig, server: &Server) -> TlsError {
    let context = context(config);
    match connect(&context, Role::Control, server.accept(2), NONE) {
        // TLS 1.3 servers verify the client after the client's handshake is complete.
        Ok((mut stream, ..)) => tls_error(&read_some(&mut stream).unwrap_err()),
        Err(error) => tls_error(&error),
    }
}

#[test]
fn expired_and_not_yet_valid() {
    let old = CA.issue(&[NAME], |params| {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 3, 4);
    });
    let young = CA.issue(&[NAME], |params| {
        params.not_before = date_time_ymd(3001, 5, 6);
        params.not_after = date_time_ymd(3002, 1, 1);
    });
    for version in VERSIONS {
        let error = refusal(&config(version), &Server::with(&old, version, None));
        assert!(matches!(error, TlsError::CertificateExpired { not_after: Some(_) }));
        assert!(error.to_string().contains("expired on 2002-03-04"), "{error}");
        assert!(error.is_certificate());
        let error = refusal(&config(version), &Server::with(&young, version, None));
        assert!(matches!(error, TlsError::CertificateNotYetValid { not_before: Some(_) }));
        assert!(error.to_string().contains("before 3001-05-06"), "{error}");
    }
}

#[test]
fn unknown_issuer() {
    for version in VERSIONS {
        let stranger = Ca::new().server(&[NAME]);
        let server = Server::with(&stranger, version, None);
        assert_eq!(refusal(&config(version), &server), TlsError::UnknownIssuer);
        let mut peer = server.accept(0);
        let context = context(&config(version));
        let (mut stream, wire) = pipe(NONE);
        stream.secure(&context, Role::Control).unwrap();
        until(|| stream.handshake(), || peer.pump(&wire)).unwrap_err();
        // The server receives an alert.
        peer.pump(&wire);
        let alert = rustls::Error::AlertReceived(AlertDescription::UnknownCA);
        assert_eq!(peer.error, Some(alert));
    }
}

#[test]
fn a_wrong_name_is_reported_with_both_names() {
    let other = CA.server(&["www.example.net", "*.example.org"]);
    for version in VERSIONS {
        let error = refusal(&config(version), &Server::with(&other, version, None));
        let TlsError::NameMismatch { expected, presented } = &error else { panic!("{error:?}") };
        assert_eq!(expected, NAME);
        assert_eq!(presented, &["www.example.net", "*.example.org"]);
        let text = error.to_string();
        assert!(text.contains(NAME) && text.contains("www.example.net, *.example.org"), "{text}");
    }
}

#[test]
fn addresses_are_names_too() {
    let server = CA.server(&["127.0.0.1", "::1"]);
    let server = Server::with(&server, TlsVersion::Tls13, None);
    let config = config(TlsVersion::Tls13);
    for host in ["127.0.0.1", "::1", "[::1]"] {
        let context = ftp_tls::TlsContext::new(&config, server_name(host).unwrap());
        connect(&context, Role::Control, server.accept(0), NONE).unwrap();
    }
    let context = ftp_tls::TlsContext::new(&config, server_name("127.0.0.2").unwrap());
    let Err(error) = connect(&context, Role::Control, server.accept(0), NONE) else { panic!() };
    let text = tls_error(&error).to_string();
    assert!(text.contains("127.0.0.1") && text.contains("127.0.0.2"), "{text}");
}

#[test]
fn names() {
    assert_eq!(server_name("ftp.example.com.").unwrap().to_str(), "ftp.example.com");
    assert_eq!(server_name("fe80::1%eth0").unwrap().to_str(), "fe80::1");
    for bad in ["", "a b", "-", "ftp://x", "x:21", "[::1", "a\r\nb"] {
        let error = server_name(bad).unwrap_err();
        assert!(matches!(error, TlsError::InvalidServerName(_)), "{bad:?}");
        assert!(!error.to_string().contains(['\r', '\n']));
    }
}

/// As made by `openssl req -x509`: a certificate authority's certificate used as the server's own
#[test]
fn self_signed_needs_a_pin() {
    let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let identity =
        Identity { certificate: certificate.der().clone(), key: std::sync::Arc::new(key) };
    let pin = Pin::of_public_key(&identity.certificate, &provider()).unwrap();
    for version in VERSIONS {
        let server = Server::with(&identity, version, None);
        let as_authority =
            TlsConfig::builder(Trust::OwnCa).add_ca_pem(certificate.pem()).build().unwrap();
        assert_eq!(refusal(&as_authority, &server), TlsError::CaUsedAsServer);

        let pinned = TlsConfig::builder(Trust::Pinned).pin(pin).build().unwrap();
        connect(&context(&pinned), Role::Control, server.accept(2), NONE).unwrap();
        // Another key, whatever name the certificate contains.
        let impostor = Server::new(version);
        let public_key = Pin::of_public_key(&SERVER.certificate, &provider()).unwrap();
        let certificate = Pin::of_certificate(&SERVER.certificate, &provider()).unwrap();
        let error = refusal(&pinned, &impostor);
        assert_eq!(error, TlsError::PinMismatch { public_key, certificate });
        for pin in [public_key, certificate] {
            assert!(error.to_string().contains(&pin.to_string()), "{error}");
        }
    }
}

#[test]
fn pins_restrict_trust() {
    let pin = Pin::of_public_key(&SERVER.certificate, &provider()).unwrap();
    let other = Pin::PublicKey([0; 32]);
    let builder = || TlsConfig::builder(Trust::OwnCa).add_ca_pem(CA.pem());
    for version in VERSIONS {
        let server = Server::new(version);
        let both = builder().pin(other).pin(pin).build().unwrap();
        connect(&context(&both), Role::Control, server.accept(2), NONE).unwrap();
        let wrong = builder().pin(other).build().unwrap();
        assert!(matches!(refusal(&wrong, &server), TlsError::PinMismatch { .. }));
        // A pinned key does not make an unknown issuer known.
        let stranger = TlsConfig::builder(Trust::OwnCa).add_ca_pem(Ca::new().pem());
        let stranger = stranger.pin(pin).build().unwrap();
        assert_eq!(refusal(&stranger, &server), TlsError::UnknownIssuer);
    }
}

/// As computed by `openssl x509 -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256`
#[test]
fn pin_is_the_digest_of_the_key() {
    use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256 as SUITE;
    let digest = SUITE.tls13().unwrap().common.hash_provider;
    let spki = rcgen::PublicKeyData::subject_public_key_info(&*SERVER.key);
    let pin = Pin::of_public_key(&SERVER.certificate, &provider()).unwrap();
    assert_eq!(pin.as_bytes(), digest.hash(&spki).as_ref());
    // As computed by `openssl x509 -fingerprint -sha256`.
    let pin = Pin::of_certificate(&SERVER.certificate, &provider()).unwrap();
    assert_eq!(pin.as_bytes(), digest.hash(&SERVER.certificate).as_ref());
}

/// A certificate can be pinned as well, alone or among keys
#[test]
fn certificates_can_be_pinned() {
    let pin = Pin::of_certificate(&SERVER.certificate, &provider()).unwrap();
    let twin = CA.issue(&[NAME], |_| {});
    for version in VERSIONS {
        let pinned = TlsConfig::builder(Trust::Pinned).pin(Pin::PublicKey([1; 32])).pin(pin);
        let pinned = pinned.build().unwrap();
        let context = context(&pinned);
        connect(&context, Role::Control, Server::new(version).accept(2), NONE).unwrap();
        let error = refusal(&pinned, &Server::with(&twin, version, None));
        assert!(matches!(error, TlsError::PinMismatch { .. }), "{error:?}");
    }
}

/// The digits of one kind given as the other: the error says so, instead of saying that the server has changed
#[test]
fn a_fingerprint_that_is_pinned_as_a_key() {
    let public_key = Pin::of_public_key(&SERVER.certificate, &provider()).unwrap();
    let certificate = Pin::of_certificate(&SERVER.certificate, &provider()).unwrap();
    for wrong in [Pin::PublicKey(*certificate.as_bytes()), Pin::Certificate(*public_key.as_bytes())]
    {
        let pinned = TlsConfig::builder(Trust::Pinned).pin(wrong).build().unwrap();
        let error = refusal(&pinned, &Server::new(TlsVersion::Tls13));
        assert_eq!(error, TlsError::PinOfOtherKind { public_key, certificate });
        assert!(error.is_certificate());
        assert!(error.to_string().contains("wrong kind"), "{error}");
    }
}

/// Trust in an authority without checking the name, for servers behind addresses or other names
#[test]
fn any_name_of_an_authority() {
    let builder = || TlsConfig::builder(Trust::AnyName(Authorities::Own)).add_ca_pem(CA.pem());
    let any_name = builder().build().unwrap();
    let elsewhere = CA.server(&["elsewhere.example"]);
    let expired = CA.issue(&[NAME], |params| params.not_after = date_time_ymd(1999, 1, 1));
    let stranger = Ca::new().server(&[NAME]);
    for version in VERSIONS {
        let context = context(&any_name);
        let server = Server::with(&elsewhere, version, None);
        let _control = control(&context, server.accept(2));
        assert!(download(&context, server.accept(1)).unwrap().resumed());
        // Everything but the name is checked, on data connections too.
        let server = Server::with(&expired, version, None);
        let error = refusal(&any_name, &server);
        assert!(matches!(error, TlsError::CertificateExpired { .. }), "{error:?}");
        let server = Server::with(&stranger, version, None);
        assert_eq!(refusal(&any_name, &server), TlsError::UnknownIssuer);
        let thief =
            Identity { certificate: elsewhere.certificate.clone(), key: expired.key.clone() };
        assert!(matches!(
            refusal(&any_name, &thief.unchecked_server(version)),
            TlsError::Protocol(_) | TlsError::InvalidCertificate(_)
        ));
        let other = builder().pin(Pin::PublicKey([1; 32])).build().unwrap();
        let server = Server::with(&elsewhere, version, None);
        assert!(matches!(refusal(&other, &server), TlsError::PinMismatch { .. }));
    }
}

#[test]
fn dangerous_accepts_any_peer_that_has_the_key() {
    let anybody = TlsConfig::builder(Trust::DangerousAnyCertificate).build().unwrap();
    for version in VERSIONS {
        let expired = Ca::new().issue(&["elsewhere"], |params| {
            params.not_after = date_time_ymd(1999, 1, 1);
        });
        let server = Server::with(&expired, version, None);
        connect(&context(&anybody), Role::Control, server.accept(2), NONE).unwrap();
        // Another server's certificate without its key is still refused.
        let thief = Identity { certificate: SERVER.certificate.clone(), key: expired.key.clone() };
        assert!(matches!(
            refusal(&anybody, &thief.unchecked_server(version)),
            TlsError::Protocol(_) | TlsError::InvalidCertificate(_)
        ));
    }
}

#[test]
fn client_certificate() {
    let clients = Ca::new();
    let client = clients.issue(&["client"], |_| {});
    let (chain, key) = client.pem();
    for version in VERSIONS {
        let server = Server::with(&SERVER, version, Some(&clients));
        assert_eq!(refusal(&config(version), &server), TlsError::ClientCertificateRequired);

        let builder = || {
            TlsConfig::builder(Trust::OwnCa)
                .add_ca_pem(CA.pem())
                .client_auth_pem(chain.clone(), key.clone())
        };
        let context = context(&builder().build().unwrap());
        let (_stream, peer, _wire) = control(&context, server.accept(2));
        assert_eq!(peer.connection.peer_certificates().unwrap()[0], client.certificate);
        // The data connection resumes, so it has the same certificate (Q97).
        let peer = download(&context, server.accept(1)).unwrap();
        assert!(peer.resumed());
        assert_eq!(peer.connection.peer_certificates().unwrap()[0], client.certificate);
        // A full handshake presents the certificate again.
        let peer = download(&context.renew(), server.accept(1)).unwrap();
        assert!(!peer.resumed());
        assert_eq!(peer.connection.peer_certificates().unwrap()[0], client.certificate);

        let strict = Server::with(&SERVER, version, Some(&Ca::new()));
        let error = refusal(&builder().build().unwrap(), &strict);
        assert!(matches!(error, TlsError::ClientCertificateRefused(_)), "{error:?}");
    }
}

#[test]
fn data_connection_shows_the_control_connections_certificate() {
    // Another valid certificate for the same name.
    let twin = CA.server(&[NAME]);
    for version in VERSIONS {
        let server = Server::new(version);
        let other = Server::with(&twin, version, None);
        for required in [true, false] {
            let context = context(&config(version).same_certificate_on_data(required));
            let _control = control(&context, server.accept(1));
            match connect(&context, Role::Data, other.accept(1), NONE) {
                Ok(_) => assert!(!required),
                Err(error) => {
                    assert!(required);
                    assert_eq!(tls_error(&error), TlsError::DataCertificateDiffers);
                }
            }
            let (mut stream, wire) = pipe(NONE);
            stream.secure(&context, Role::Data).unwrap();
            let mut peer = other.accept(1);
            let result = until(|| stream.handshake(), || peer.pump(&wire));
            assert_eq!(result.is_err(), required);
            stream.flush().unwrap();
            peer.pump(&wire);
            if version == TlsVersion::Tls13 {
                assert_eq!(peer.connection.is_handshaking(), required);
            }
            // The right one is still accepted, resumed or not.
            for _ in 0..3 {
                connect(&context, Role::Data, server.accept(0), NONE).unwrap();
            }
            assert!(context.stats().full > 0 || version == TlsVersion::Tls12);
        }
    }
}

#[test]
fn alpn_on_request_on_both_channels() {
    for version in VERSIONS {
        for (alpn, expected) in [(Alpn::None, None), (Alpn::Ftp, Some(&b"ftp"[..]))] {
            let config = TlsConfig::builder(Trust::OwnCa)
                .add_ca_pem(CA.pem())
                .alpn(alpn)
                .min_version(version)
                .max_version(version)
                .build()
                .unwrap();
            let context = context(&config);
            let mut server = Server::new(version);
            server.config.alpn_protocols = vec![b"ftp".to_vec()];
            for role in [Role::Control, Role::Data] {
                let (stream, ..) = connect(&context, role, server.accept(2), NONE).unwrap();
                assert_eq!(stream.alpn_protocol(), expected);
            }
            server.config.alpn_protocols = vec![b"http/1.1".to_vec()];
            match alpn {
                Alpn::Ftp => {
                    assert_eq!(refusal(&config, &server), TlsError::NoApplicationProtocol);
                }
                _ => drop(connect(&context, Role::Data, server.accept(2), NONE).unwrap()),
            }
        }
    }
}

#[test]
fn versions_are_limited() {
    for (version, other) in
        [(TlsVersion::Tls12, TlsVersion::Tls13), (TlsVersion::Tls13, TlsVersion::Tls12)]
    {
        assert_eq!(refusal(&config(version), &Server::new(other)), TlsError::ProtocolVersion);
    }
}

#[test]
fn whole_rustls_config() {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CA.0.der().clone()).unwrap();
    let mut rustls = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    rustls.alpn_protocols = vec![b"ftp".to_vec()];
    // Omitted by contract: every control connection has its own.
    rustls.resumption = rustls::client::Resumption::disabled();
    let context = context(&TlsConfig::from(rustls));
    assert_eq!(context.client_config().alpn_protocols, [b"ftp"]);
    let server = Server::new(TlsVersion::Tls13);
    let _control = control(&context, server.accept(2));
    assert!(download(&context, server.accept(1)).unwrap().resumed());
}

#[test]
fn errors_of_bad_configurations_name_the_problem() {
    let own = || TlsConfig::builder(Trust::OwnCa);
    let (chain, key) = SERVER.pem();
    let (_, other_key) = CA.server(&["x"]).pem();
    let broken = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
    let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let missing = std::env::temp_dir().join("no such file, surely");
    let pin = Pin::PublicKey([1; 32]);

    macro_rules! refused {
        ($builder:expr, $error:pat) => {
            let error = $builder.build().unwrap_err();
            assert!(matches!(error, $error), "{error:?}");
            assert!(!error.to_string().contains(key.trim()));
        };
    }
    refused!(own(), ConfigError::NoAuthority);
    refused!(TlsConfig::builder(Trust::AnyName(Authorities::Own)), ConfigError::NoAuthority);
    // The text must not name a setting that the caller has not chosen.
    assert!(!ConfigError::NoAuthority.to_string().contains("Trust::"));
    assert!(!ConfigError::NoTrust.to_string().contains("Trust::"));
    refused!(own().add_ca_pem("no PEM"), ConfigError::NoCertificate { .. });
    refused!(own().add_ca_pem(key.clone()), ConfigError::NoCertificate { .. });
    refused!(own().add_ca_pem(broken), ConfigError::Pem { .. });
    refused!(own().add_ca_pem(junk), ConfigError::Unusable { .. });
    refused!(own().add_ca_file(&missing), ConfigError::Read { .. });
    let own = || own().add_ca_pem(CA.pem());
    refused!(own().client_auth_pem(chain.clone(), chain.clone()), ConfigError::NoPrivateKey);
    refused!(own().client_auth_pem(key.clone(), key.clone()), ConfigError::NoCertificate { .. });
    refused!(own().client_auth_pem(chain.clone(), encrypted), ConfigError::EncryptedPrivateKey);
    refused!(own().client_auth_pem(chain.clone(), other_key), ConfigError::Unusable { .. });
    refused!(own().client_auth_files(&missing, &missing), ConfigError::Read { .. });
    refused!(
        own().min_version(TlsVersion::Tls13).max_version(TlsVersion::Tls12),
        ConfigError::NoVersion
    );
    refused!(TlsConfig::builder(Trust::Pinned), ConfigError::NoPin);
    refused!(
        TlsConfig::builder(Trust::Pinned).pin(pin).add_ca_pem(CA.pem()),
        ConfigError::UselessAuthority
    );
    refused!(
        TlsConfig::builder(Trust::DangerousAnyCertificate).add_ca_pem(CA.pem()),
        ConfigError::UselessAuthority
    );
    let secretive = format!("{:?}", own().client_auth_pem(chain.clone(), key.clone()));
    assert!(!secretive.contains("45, 45, 45") && !secretive.contains("PRIVATE"));
    let parsed = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let built = own().client_auth_pem(chain, key).build().unwrap();
    let der = parsed.secret_der();
    let numbers = format!("{:?}", &der[der.len() - 16..]);
    assert!(!format!("{built:?}").contains(numbers.trim_matches(['[', ']'])));
}

#[test]
fn errors_contain_nothing_of_a_key_that_is_not_pem() {
    let (chain, key) = SERVER.pem();
    // On Windows, its lines end with CRLF.
    let key = key.replace("\r\n", "\n");
    let lines: Vec<&str> = key.lines().filter(|line| !line.starts_with("-----")).collect();
    let cut = key.split("-----END").next().unwrap().to_owned();
    for input in
        [key.replace('\n', " "), key.trim().replace('\n', "\\n"), key.replace("--\n", "\n"), cut]
    {
        let client = TlsConfig::builder(Trust::DangerousAnyCertificate);
        let as_key = client.client_auth_pem(chain.clone(), input.clone()).build().unwrap_err();
        // A file may contain both.
        let as_authority = TlsConfig::builder(Trust::OwnCa).add_ca_pem(input).build().unwrap_err();
        for error in [as_key, as_authority] {
            assert!(matches!(error, ConfigError::Pem { .. }), "{error:?}");
            assert!(std::error::Error::source(&error).is_none());
            let shown = format!("{error} {error:?}");
            assert!(shown.contains("line breaks"), "{shown}");
            for line in &lines {
                let numbers = format!("{:?}", line.as_bytes());
                assert!(!shown.contains(line), "{shown}");
                assert!(!shown.contains(numbers.trim_matches(['[', ']'])), "{shown}");
            }
        }
    }
}

#[test]
fn files_work_as_well() {
    let directory = std::env::temp_dir().join(format!("ftp-tls-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let (chain, key) = SERVER.pem();
    let both = directory.join("both.pem");
    std::fs::write(&both, chain + &key).unwrap();
    let ca = directory.join("ca.pem");
    std::fs::write(&ca, CA.pem()).unwrap();
    let config =
        TlsConfig::builder(Trust::OwnCa).add_ca_file(&ca).client_auth_files(&both, &both).build();
    std::fs::remove_dir_all(&directory).unwrap();
    let server = Server::with(&SERVER, TlsVersion::Tls13, Some(&CA));
    control(&context(&config.unwrap()), server.accept(2));
}

#[cfg(feature = "webpki-roots")]
#[test]
fn own_authorities_are_added_to_webpki_roots() {
    let server = Server::new(TlsVersion::Tls13);
    let alone = TlsConfig::builder(Trust::WebpkiRoots).build().unwrap();
    assert_eq!(refusal(&alone, &server), TlsError::UnknownIssuer);
    let more = TlsConfig::builder(Trust::WebpkiRoots).add_ca_pem(CA.pem()).build().unwrap();
    connect(&context(&more), Role::Control, server.accept(2), NONE).unwrap();
}

#[cfg(feature = "platform-verifier")]
#[test]
fn own_authorities_are_added_to_the_platforms() {
    let server = Server::new(TlsVersion::Tls13);
    let more = TlsConfig::builder(Trust::Platform).add_ca_pem(CA.pem()).build().unwrap();
    connect(&context(&more), Role::Control, server.accept(2), NONE).unwrap();
    let stranger = Server::with(&Ca::new().server(&[NAME]), TlsVersion::Tls13, None);
    assert_eq!(refusal(&more, &stranger), TlsError::UnknownIssuer);
}
