//! TLS of the simulated servers and their clients: modelled, or rustls as it is used

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ftp_session::ftp_tls::TlsConfig;
use ftp_session::ftp_tls::rustls::crypto::aws_lc_rs;
use ftp_session::ftp_tls::rustls::pki_types::{PrivateKeyDer, UnixTime};
use ftp_session::ftp_tls::rustls::time_provider::TimeProvider;
use ftp_session::ftp_tls::rustls::{
    ClientConfig, RootCertStore, ServerConfig, ServerConnection, version,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_ED25519};

use super::crypto::{self, Ticketer};

/// How TLS is done
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// By rustls, over cryptography that is none
    Modelled,
    /// By rustls, over aws-lc
    Rustls,
}

/// Tickets that a server may give with a handshake
const MOST_TICKETS: usize = 2;

/// The time of day, which does not pass: the age of a ticket is part of what a client says with it
#[derive(Debug)]
struct Fixed;

impl TimeProvider for Fixed {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(1_750_000_000)))
    }
}

/// What all sessions of a process share
struct Shared {
    client: TlsConfig,
    /// By the number of tickets; with what the server knows of before, and without
    servers: Vec<[Arc<ServerConfig>; 2]>,
}

impl Tls {
    fn shared(self) -> &'static Shared {
        static MODELLED: LazyLock<Shared> = LazyLock::new(|| Shared::new(Tls::Modelled));
        static RUSTLS: LazyLock<Shared> = LazyLock::new(|| Shared::new(Tls::Rustls));
        match self {
            Self::Modelled => &MODELLED,
            Self::Rustls => &RUSTLS,
        }
    }

    /// Of the client
    pub(super) fn client(self) -> TlsConfig {
        self.shared().client.clone()
    }

    /// The server's side of a connection, which gives so many tickets
    pub(super) fn server(self, tickets: usize, forgetful: bool) -> Box<ServerConnection> {
        let config = &self.shared().servers[tickets][usize::from(forgetful)];
        Box::new(ServerConnection::new(Arc::clone(config)).unwrap())
    }
}

impl Shared {
    fn new(tls: Tls) -> Self {
        // Ed25519: keys and signatures of one length, so that the same seed splits records in the same places.
        let key = || KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.serial_number = Some(1.into());
        let authority = CertifiedIssuer::self_signed(params, key()).unwrap();
        let mut params = CertificateParams::new(vec!["ftp.example".into()]).unwrap();
        params.serial_number = Some(2.into());
        let server_key = key();
        let certificate = params.signed_by(&server_key, &authority).unwrap().der().clone();
        let provider = match tls {
            Tls::Modelled => crypto::provider(),
            Tls::Rustls => Arc::new(aws_lc_rs::default_provider()),
        };
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let client = ClientConfig::builder_with_details(Arc::clone(&provider), Arc::new(Fixed))
            .with_protocol_versions(&[&version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut config = ServerConfig::builder_with_details(provider, Arc::new(Fixed))
            .with_protocol_versions(&[&version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate],
                PrivateKeyDer::try_from(server_key.serialize_der()).unwrap(),
            )
            .unwrap();
        let mut servers = Vec::new();
        for tickets in 0..=MOST_TICKETS {
            config.send_tls13_tickets = tickets;
            servers.push([0, 1].map(|whose| {
                let mut config = config.clone();
                config.ticketer = Arc::new(Ticketer(whose));
                Arc::new(config)
            }));
        }
        Self { client: TlsConfig::from_rustls(client), servers }
    }
}
