//! TLS for scripted servers: an authority, certificates, and the server's side of both connections

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::{Arc, LazyLock};

use ftp_blocking::ftp_tls::rustls::crypto::aws_lc_rs;
use ftp_blocking::ftp_tls::rustls::pki_types::PrivateKeyDer;
use ftp_blocking::ftp_tls::rustls::server::{NoClientAuth, WebPkiClientVerifier};
use ftp_blocking::ftp_tls::rustls::{
    HandshakeKind, RootCertStore, ServerConfig, ServerConnection, StreamOwned, version,
};
use ftp_blocking::ftp_tls::{TlsConfig, TlsConfigBuilder, TlsVersion, Trust};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};

use crate::flood::{Flood, Flooding};
use crate::net::{Listener, Stream};
use crate::scripted::{Peer, accept};

/// The authority trusted by clients of [`trusting`]
static CA: LazyLock<CertifiedIssuer<'static, KeyPair>> = LazyLock::new(|| {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
});

/// Returns the configuration of a client that trusts the authority and supports only this version
///
/// # Panics
///
/// If the authority can't be created.
pub fn trusting(version: TlsVersion) -> TlsConfigBuilder {
    TlsConfig::builder(Trust::OwnCa).add_ca_pem(CA.pem()).min_version(version).max_version(version)
}

/// Returns a certificate issued by the authority and its key, both as PEM; also for clients
///
/// # Panics
///
/// If `adjust` makes the certificate invalid.
pub fn identity(names: &[&str], adjust: impl FnOnce(&mut CertificateParams)) -> (String, String) {
    let (params, key) = prepare(names, adjust);
    (params.signed_by(&key, &*CA).unwrap().pem(), key.serialize_pem())
}

fn prepare(
    names: &[&str],
    adjust: impl FnOnce(&mut CertificateParams),
) -> (CertificateParams, KeyPair) {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    adjust(&mut params);
    (params, KeyPair::generate().unwrap())
}

/// The configuration that a server's connections share
#[derive(Clone, Debug)]
pub struct Tls {
    config: ServerConfig,
}

impl Tls {
    /// Creates the configuration for 127.0.0.1 and localhost, with both versions
    #[must_use]
    pub fn new() -> Self {
        Self::with(|_| {}, Clients::Anybody)
    }

    /// Creates a configuration with another certificate, or for clients with certificates
    ///
    /// # Panics
    ///
    /// If `adjust` makes the certificate invalid.
    pub fn with(adjust: impl FnOnce(&mut CertificateParams), clients: Clients) -> Self {
        let (params, key) = prepare(&["localhost", "127.0.0.1"], adjust);
        let certificate = params.signed_by(&key, &*CA).unwrap().der().clone();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = match clients {
            Clients::Anybody => Arc::new(NoClientAuth) as _,
            Clients::Certified => {
                let mut roots = RootCertStore::empty();
                roots.add(CA.der().clone()).unwrap();
                let roots = Arc::new(roots);
                WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
                    .build()
                    .unwrap()
            }
        };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![certificate],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        config.ticketer = aws_lc_rs::Ticketer::new().unwrap();
        config.enable_secret_extraction = true;
        Self { config }
    }

    /// Makes the server send this many TLS 1.3 tickets with each handshake
    #[must_use]
    pub fn tickets(&self, count: usize) -> Self {
        let mut config = self.config.clone();
        config.send_tls13_tickets = count;
        Self { config }
    }

    /// Makes the server forget all earlier sessions
    #[must_use]
    pub fn forgetful(&self) -> Self {
        let mut config = self.config.clone();
        config.ticketer = aws_lc_rs::Ticketer::new().unwrap();
        Self { config }
    }

    /// Creates the server's side of a connection, without a socket
    ///
    /// # Panics
    ///
    /// If the configuration is incomplete, which it never is.
    #[must_use]
    pub fn connection(&self) -> ServerConnection {
        ServerConnection::new(Arc::new(self.config.clone())).unwrap()
    }

    fn secure(&self, socket: Stream) -> Secured {
        Secured { stream: BufReader::new(StreamOwned::new(self.connection(), socket)) }
    }

    /// Serves AUTH TLS, PBSZ, PROT P and a login; returns the control connection
    ///
    /// # Panics
    ///
    /// If something else arrives.
    #[track_caller]
    #[must_use]
    pub fn welcome(&self, peer: &mut Peer) -> Secured {
        let mut control = self.auth(peer);
        control.exchange("PBSZ 0", "200 fine");
        control.exchange("PROT P", "200 fine");
        control.exchange("USER u", "331 password, please");
        control.exchange("PASS p", "230 welcome");
        control
    }

    /// Greets the client and serves AUTH TLS; returns the control connection
    #[track_caller]
    #[must_use]
    pub fn auth(&self, peer: &mut Peer) -> Secured {
        peer.reply("220 ready");
        peer.exchange("AUTH TLS", "234 go on");
        self.secure(peer.control().try_clone().unwrap())
    }

    /// Accepts the next data connection, without its handshake
    #[must_use]
    pub fn accept(&self, listener: &Listener) -> Secured {
        self.secure(accept(listener))
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self::new()
    }
}

/// The clients that a server accepts
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a test's own")]
pub enum Clients {
    /// With or without a certificate
    Anybody,
    /// Only with a certificate of the authority
    Certified,
}

/// The server's side of a TLS connection
#[derive(Debug)]
pub struct Secured {
    stream: BufReader<StreamOwned<ServerConnection, Stream>>,
}

impl Secured {
    /// Does the handshake; returns whether the client resumed a session
    ///
    /// # Panics
    ///
    /// If it fails.
    #[track_caller]
    pub fn handshake(&mut self) -> bool {
        let result = self.try_handshake();
        result.unwrap()
    }

    /// Tries the handshake
    ///
    /// # Errors
    ///
    /// Those of the connection and of TLS.
    pub fn try_handshake(&mut self) -> std::io::Result<bool> {
        let StreamOwned { conn, sock } = self.stream.get_mut();
        while conn.is_handshaking() {
            conn.complete_io(sock)?;
        }
        conn.flush_into(sock)?;
        Ok(conn.handshake_kind() == Some(HandshakeKind::Resumed))
    }

    /// Sends bytes
    ///
    /// # Panics
    ///
    /// If the client has closed.
    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
        self.stream.get_mut().flush().unwrap();
    }

    /// Sends bytes in clear text
    ///
    /// # Panics
    ///
    /// If the client has closed.
    pub fn send_in_clear(&mut self, bytes: &[u8]) {
        self.stream.get_mut().sock.write_all(bytes).unwrap();
    }

    /// Turns the connection into one that only sends a flood; the handshake must be done
    #[must_use]
    pub fn flood(self, flood: Flood) -> Flooding {
        let StreamOwned { conn, sock } = self.stream.into_inner();
        Flooding::new(conn, sock, flood)
    }

    /// Reads until the client's close_notify
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn read_all(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).expect("close_notify at the end");
        bytes
    }

    /// Sends close_notify and keeps the connection
    #[must_use]
    pub fn end(mut self) -> Self {
        self.close_tls();
        self
    }

    /// Sends close_notify; the connection is in clear text from then on
    pub fn close_tls(&mut self) {
        let StreamOwned { conn, sock } = self.stream.get_mut();
        conn.send_close_notify();
        // A client that has already closed needs no close_notify.
        let _ = conn.flush_into(sock);
    }

    /// Sends close_notify and closes
    pub fn close(mut self) {
        self.close_tls();
    }

    /// Sends a reply and CRLF
    pub fn reply(&mut self, line: &str) {
        self.send(format!("{line}\r\n").as_bytes());
    }

    /// Returns the next command
    ///
    /// # Panics
    ///
    /// If none arrives in time.
    #[track_caller]
    pub fn command(&mut self) -> String {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).expect("waiting for a command");
        line.strip_suffix(b"\r\n").unwrap_or(&line).escape_ascii().to_string()
    }

    /// Expects a command
    ///
    /// # Panics
    ///
    /// If another one arrives, or none in time.
    #[track_caller]
    pub fn expect(&mut self, command: &str) {
        assert_eq!(self.command(), command);
    }

    /// Expects a command and answers it
    #[track_caller]
    pub fn exchange(&mut self, command: &str, reply: &str) {
        self.expect(command);
        self.reply(reply);
    }

    /// Expects the client to close, with or without close_notify
    ///
    /// # Panics
    ///
    /// If it sends something.
    #[track_caller]
    pub fn expect_close(&mut self) {
        let mut rest = Vec::new();
        // A dropped client may not have sent close_notify.
        let _ = self.stream.read_to_end(&mut rest);
        assert_eq!(rest.escape_ascii().to_string(), "");
    }

    /// Expects EPSV and listens
    ///
    /// # Panics
    ///
    /// If something else arrives.
    #[track_caller]
    pub fn epsv(&mut self) -> Listener {
        self.expect("EPSV");
        let ip = self.stream.get_ref().sock.local_addr().unwrap().ip();
        let listener = Listener::bind((ip, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        self.reply(&format!("229 entering extended passive mode (|||{port}|)"));
        listener
    }
}

/// A replacement for rustls' `complete_io`, which does not flush after the handshake
trait Flush {
    fn flush_into(&mut self, socket: &mut Stream) -> std::io::Result<()>;
}

impl Flush for ServerConnection {
    fn flush_into(&mut self, socket: &mut Stream) -> std::io::Result<()> {
        while self.wants_write() {
            self.write_tls(socket)?;
        }
        Ok(())
    }
}
