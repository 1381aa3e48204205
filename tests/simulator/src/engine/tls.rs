//! TLS of the simulated servers and their clients: with modelled cryptography, or rustls with real cryptography

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ftp_session::ftp_tls::TlsConfig;
use ftp_session::ftp_tls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use ftp_session::ftp_tls::rustls::time_provider::TimeProvider;
use ftp_session::ftp_tls::rustls::{
    ClientConfig, RootCertStore, ServerConfig, ServerConnection, version,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::crypto::{self, Ticketer};
use super::seeded;

/// The cryptography of TLS
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// rustls without cryptography
    Modelled,
    /// rustls with aws-lc, whose random numbers are seeded
    Rustls,
}

/// Maximum number of tickets that a server issues with a handshake
const MOST_TICKETS: usize = 2;

/// A constant time of day: a client sends the age of a ticket together with the ticket
#[derive(Debug)]
struct Fixed;

impl TimeProvider for Fixed {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(1_750_000_000)))
    }
}

/// State shared by all sessions of a process
struct Shared {
    client: TlsConfig,
    /// By number of tickets: with the state of earlier sessions, and without
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

    /// Returns the client's configuration
    pub(super) fn client(self) -> TlsConfig {
        self.shared().client.clone()
    }

    /// Returns the server's side of a connection that issues this many tickets
    pub(super) fn server(self, tickets: usize, forgetful: bool) -> Box<ServerConnection> {
        let config = &self.shared().servers[tickets][usize::from(forgetful)];
        Box::new(ServerConnection::new(Arc::clone(config)).unwrap())
    }
}

impl Shared {
    fn new(tls: Tls) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.serial_number = Some(1.into());
        let authority = CertifiedIssuer::self_signed(params, key(1)).unwrap();
        let mut params = CertificateParams::new(vec!["ftp.example".into()]).unwrap();
        params.serial_number = Some(2.into());
        let server_key = key(2);
        let certificate = params.signed_by(&server_key, &authority).unwrap().der().clone();
        let provider = match tls {
            Tls::Modelled => crypto::provider(),
            Tls::Rustls => seeded::provider(),
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

/// A key with a constant secret: Ed25519, whose signatures contain no random number
fn key(secret: u8) -> KeyPair {
    // RFC 8410 section 7, with a secret of 32 bytes
    const BEFORE_THE_SECRET: [u8; 16] =
        [0x30, 0x2E, 2, 1, 0, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let der = [BEFORE_THE_SECRET.as_slice(), &[secret; 32]].concat();
    KeyPair::try_from(&PrivatePkcs8KeyDer::from(der)).unwrap()
}
