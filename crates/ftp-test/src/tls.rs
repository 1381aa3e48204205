//! TLS for both kinds of servers: certificates by an authority that exists only in this process (features `aws-lc-rs`
//! and `ring`)
//!
//! A client trusts them if it trusts [`ca_pem`]. Certificates that it must refuse come from [`Tls::with`].
//!
//! ```
//! use ftp_test::Server;
//! use ftp_test::tls::{Tls, ca_pem};
//!
//! let server = Server::with_files([("a", "content")]);
//! server.set_tls(Tls::new());
//! let path = std::env::temp_dir().join("ftp-test-ca.pem"); // for a client that reads authorities from a file
//! std::fs::write(&path, ca_pem())?;
//! # std::fs::remove_file(&path)?;
//! # Ok::<(), std::io::Error>(())
//! ```

use std::io::{self, BufReader, Read, Write};
use std::sync::{Arc, LazyLock};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
#[cfg(feature = "aws-lc-rs")]
use rustls::crypto::aws_lc_rs as provider;
#[cfg(not(feature = "aws-lc-rs"))]
use rustls::crypto::ring as provider;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use rustls::{HandshakeKind, RootCertStore, ServerConfig, ServerConnection, StreamOwned, version};
pub use {rcgen, rustls};

use crate::said::Said;
use crate::scripted::{Connection, Listener, Peer, accept, extended_passive};

/// The authority
static CA: LazyLock<CertifiedIssuer<'static, KeyPair>> = LazyLock::new(|| {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("the provider makes keys");
    CertifiedIssuer::self_signed(params, key).expect("the parameters are complete")
});

/// The certificate of the authority that has signed all others, as PEM: what a client has to trust
///
/// It is made anew in each process.
#[must_use]
pub fn ca_pem() -> String {
    CA.pem()
}

/// A certificate by the authority for these names or addresses, and its key, both as PEM; for a client too
///
/// `adjust` changes the certificate before it is signed.
///
/// # Panics
///
/// If `adjust` asks for a certificate that can't be made.
pub fn identity(names: &[&str], adjust: impl FnOnce(&mut CertificateParams)) -> (String, String) {
    let (params, key) = prepare(names, adjust);
    let certificate = params.signed_by(&key, &*CA).expect("the parameters can be signed");
    (certificate.pem(), key.serialize_pem())
}

fn prepare(
    names: &[&str],
    adjust: impl FnOnce(&mut CertificateParams),
) -> (CertificateParams, KeyPair) {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("names for a certificate");
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    adjust(&mut params);
    (params, KeyPair::generate().expect("the provider makes keys"))
}

/// Certificate and settings of a server: TLS 1.2 and 1.3, sessions that can be resumed
#[derive(Clone, Debug)]
pub struct Tls {
    config: ServerConfig,
}

impl Tls {
    /// With a certificate for `localhost` and 127.0.0.1
    #[must_use]
    pub fn new() -> Self {
        Self::with(|_| {}, Clients::Anybody)
    }

    /// With a certificate that `adjust` changes before it is signed, such as one for another name or one that has
    /// expired, and for clients that must have a certificate
    ///
    /// # Panics
    ///
    /// If `adjust` asks for a certificate that can't be made.
    pub fn with(adjust: impl FnOnce(&mut CertificateParams), clients: Clients) -> Self {
        const COMPLETE: &str = "the settings are complete";
        let (params, key) = prepare(&["localhost", "127.0.0.1"], adjust);
        let certificate = params.signed_by(&key, &*CA).expect("the parameters can be signed");
        let provider = Arc::new(provider::default_provider());
        let verifier = match clients {
            Clients::Anybody => Arc::new(NoClientAuth) as _,
            Clients::Certified => {
                let mut roots = RootCertStore::empty();
                roots.add(CA.der().clone()).expect("the authority has a certificate");
                let roots = Arc::new(roots);
                WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
                    .build()
                    .expect(COMPLETE)
            }
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("the key is one");
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .expect(COMPLETE)
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect(COMPLETE);
        config.ticketer = provider::Ticketer::new().expect("the provider makes tickets");
        // So that a test can go on by hand where rustls does not misbehave.
        config.enable_secret_extraction = true;
        Self { config }
    }

    /// Gives this number of TLS 1.3 tickets with each handshake; 2 by default
    #[must_use]
    pub fn tickets(&self, count: usize) -> Self {
        let mut config = self.config.clone();
        config.send_tls13_tickets = count;
        Self { config }
    }

    /// The same server after it has forgotten all sessions
    ///
    /// # Panics
    ///
    /// If there is no randomness for new keys.
    #[must_use]
    pub fn forgetful(&self) -> Self {
        let mut config = self.config.clone();
        config.ticketer = provider::Ticketer::new().expect("the provider makes tickets");
        Self { config }
    }

    /// The server's side of a connection, without a socket
    ///
    /// # Panics
    ///
    /// Never, since the settings are complete.
    #[must_use]
    pub fn connection(&self) -> ServerConnection {
        ServerConnection::new(Arc::new(self.config.clone())).expect("the settings are complete")
    }

    pub(crate) fn stream<S: Read + Write>(&self, stream: S) -> StreamOwned<ServerConnection, S> {
        StreamOwned::new(self.connection(), stream)
    }

    fn secure<C: Connection>(&self, connection: C, said: Said) -> Secured<C> {
        Secured { stream: BufReader::new(self.stream(connection)), said }
    }

    /// Greets, expects AUTH TLS, PBSZ, PROT P, and lets the user `u` in with the password `p`; the control connection
    ///
    /// # Panics
    ///
    /// If the client does anything else.
    #[track_caller]
    #[must_use]
    pub fn welcome<C: Connection>(&self, peer: &mut Peer<C>) -> Secured<C> {
        let mut control = self.auth(peer);
        control.exchange("PBSZ 0", "200 fine");
        control.exchange("PROT P", "200 fine");
        control.exchange("USER u", "331 password, please");
        control.exchange("PASS p", "230 welcome");
        control
    }

    /// Greets and expects AUTH TLS; the control connection, whose handshake is still to come
    ///
    /// # Panics
    ///
    /// If the client does anything else.
    #[track_caller]
    #[must_use]
    pub fn auth<C: Connection>(&self, peer: &mut Peer<C>) -> Secured<C> {
        peer.reply("220 ready");
        peer.exchange("AUTH TLS", "234 go on");
        let control = peer.control().duplicate().expect("the control connection is open");
        self.secure(control, peer.said.clone())
    }

    /// The next data connection, whose handshake is still to come
    ///
    /// # Panics
    ///
    /// If nobody connects within [`PATIENCE`](crate::PATIENCE).
    #[track_caller]
    #[must_use]
    pub fn accept<L: Listener>(&self, listener: &L) -> Secured<L::Connection> {
        self.secure(accept(listener), Said::default())
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self::new()
    }
}

/// Which clients a server accepts
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing between")]
pub enum Clients {
    /// Those with and those without a certificate
    Anybody,
    /// Those with a certificate by the authority of [`identity`]
    Certified,
}

/// The server's end of a connection in TLS
///
/// The handshake is done with the first byte that is sent or received, if not before.
#[derive(Debug)]
pub struct Secured<C: Connection> {
    stream: BufReader<StreamOwned<ServerConnection, C>>,
    said: Said,
}

impl<C: Connection> Secured<C> {
    /// Does the handshake; whether the client resumed a session
    ///
    /// # Panics
    ///
    /// If it fails.
    #[track_caller]
    pub fn handshake(&mut self) -> bool {
        self.try_handshake().unwrap_or_else(|error| panic!("the handshake failed: {error}"))
    }

    /// Does the handshake, or fails at it; whether the client resumed a session
    ///
    /// # Errors
    ///
    /// Those of the connection and of TLS.
    pub fn try_handshake(&mut self) -> io::Result<bool> {
        let StreamOwned { conn, sock } = self.stream.get_mut();
        handshake(conn, sock)
    }

    /// Sends bytes
    ///
    /// # Panics
    ///
    /// If the client is gone.
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        let stream = self.stream.get_mut();
        stream.write_all(bytes).and_then(|()| stream.flush()).expect("the client takes the bytes");
    }

    /// Sends bytes past TLS
    ///
    /// # Panics
    ///
    /// If the client is gone.
    #[track_caller]
    pub fn send_in_clear(&mut self, bytes: &[u8]) {
        self.stream.get_mut().sock.write_all(bytes).expect("the client takes the bytes");
    }

    /// The connection and its TLS, to go on by hand
    #[must_use]
    pub fn into_parts(self) -> (ServerConnection, C) {
        let StreamOwned { conn, sock } = self.stream.into_inner();
        (conn, sock)
    }

    /// Reads up to the client's close_notify
    ///
    /// # Panics
    ///
    /// If the connection ends without it.
    #[track_caller]
    pub fn read_all(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).expect("close_notify at the end");
        bytes
    }

    /// Sends close_notify, and keeps the connection
    #[must_use]
    pub fn end(mut self) -> Self {
        self.close_tls();
        self
    }

    /// Sends close_notify; after it the connection is in clear text
    pub fn close_tls(&mut self) {
        let StreamOwned { conn, sock } = self.stream.get_mut();
        close_notify(conn, sock);
    }

    /// Sends close_notify and closes; a dropped connection ends without it
    pub fn close(mut self) {
        self.close_tls();
    }

    /// Sends a reply; CRLF is added
    ///
    /// # Panics
    ///
    /// If the client is gone.
    #[track_caller]
    pub fn reply(&mut self, line: &str) {
        self.said.send(self.stream.get_mut(), line);
    }

    /// The next command, without its CRLF; empty if the client has sent close_notify
    ///
    /// # Panics
    ///
    /// If none comes within [`PATIENCE`](crate::PATIENCE).
    #[track_caller]
    pub fn command(&mut self) -> String {
        let line = self.said.receive(&mut self.stream).unwrap_or_default();
        line.escape_ascii().to_string()
    }

    /// Expects a command
    ///
    /// # Panics
    ///
    /// If another comes, or none within [`PATIENCE`](crate::PATIENCE).
    #[track_caller]
    pub fn expect(&mut self, command: &str) {
        self.said.expect(&mut self.stream, Some(command));
    }

    /// Expects a command and answers it
    ///
    /// # Panics
    ///
    /// If another comes, or none within [`PATIENCE`](crate::PATIENCE).
    #[track_caller]
    pub fn exchange(&mut self, command: &str, reply: &str) {
        self.expect(command);
        self.reply(reply);
    }

    /// Expects the client to go, with or without close_notify
    ///
    /// # Panics
    ///
    /// If it sends something.
    #[track_caller]
    pub fn expect_close(&mut self) {
        let mut rest = Vec::new();
        // A client that was dropped may have sent no close_notify.
        let _ = self.stream.read_to_end(&mut rest);
        if !rest.is_empty() {
            self.said.fail(Some(&rest.escape_ascii().to_string()), "the end of the connection");
        }
    }

    /// Expects EPSV and listens for the data connection, which [`Tls::accept`] returns
    ///
    /// # Panics
    ///
    /// If something else comes.
    #[track_caller]
    pub fn epsv(&mut self) -> C::Listener {
        self.expect("EPSV");
        let address = self.stream.get_ref().sock.local_address();
        let ip = address.expect("the control connection is open").ip();
        let (listener, reply) = extended_passive::<C>(ip);
        self.reply(&reply);
        listener
    }
}

/// Does a handshake to its end; whether the client resumed a session
pub(crate) fn handshake(
    connection: &mut ServerConnection,
    socket: &mut (impl Read + Write),
) -> io::Result<bool> {
    while connection.is_handshaking() {
        connection.complete_io(socket)?;
    }
    flush(connection, socket)?;
    Ok(connection.handshake_kind() == Some(HandshakeKind::Resumed))
}

/// Sends close_notify, if the client is still there to hear it
pub(crate) fn close_notify(connection: &mut ServerConnection, socket: &mut impl Write) {
    connection.send_close_notify();
    let _ = flush(connection, socket);
}

/// What rustls' `complete_io` does not do once the handshake is over
fn flush(connection: &mut ServerConnection, socket: &mut impl Write) -> io::Result<()> {
    while connection.wants_write() {
        connection.write_tls(socket)?;
    }
    Ok(())
}
