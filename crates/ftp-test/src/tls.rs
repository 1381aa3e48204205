//! TLS for both kinds of servers, with a certificate authority that exists only in this process (features `aws-lc-rs`
//! and `ring`)
//!
//! A client must trust the authority's certificate, [`ca_pem`]. [`Tls::with`] creates certificates that a client must
//! reject.
//!
//! ```
//! use ftp_test::Server;
//! use ftp_test::tls::{Tls, ca_pem};
//!
//! let server = Server::with_files([("a", "content")]);
//! server.set_tls(Tls::new());
//! let path = std::env::temp_dir().join("ftp-test-ca.pem"); // for clients that read CA certificates from a file
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

/// The certificate authority
static CA: LazyLock<CertifiedIssuer<'static, KeyPair>> = LazyLock::new(|| {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("the provider makes keys");
    CertifiedIssuer::self_signed(params, key).expect("the parameters are complete")
});

/// Returns the CA certificate that signs all others, as PEM; a client must trust it
///
/// Each process generates its own.
#[must_use]
pub fn ca_pem() -> String {
    CA.pem()
}

/// Creates a certificate for these DNS names or IP addresses, and returns it and its private key, both as PEM
///
/// The certificate is signed by the authority and valid for servers and clients. `adjust` changes its parameters before
/// it is signed.
///
/// # Panics
///
/// Panics if a name is not ASCII, or the parameters that `adjust` sets can't be signed.
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

/// The certificate and TLS settings of a server: TLS 1.2 and 1.3, with session resumption
#[derive(Clone, Debug)]
pub struct Tls {
    config: ServerConfig,
}

impl Tls {
    /// Creates settings with a certificate for `localhost` and 127.0.0.1, for clients with or without a certificate
    #[must_use]
    pub fn new() -> Self {
        Self::with(|_| {}, Clients::Anybody)
    }

    /// Creates settings with a changed certificate, such as an expired one, or with client certificates required
    ///
    /// `adjust` changes the parameters of the certificate of [`new`](Self::new) before it is signed.
    ///
    /// # Panics
    ///
    /// Panics if the parameters that `adjust` sets can't be signed.
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
        // A test can then take the keys and write records that rustls itself would never send.
        config.enable_secret_extraction = true;
        Self { config }
    }

    /// Returns settings that send this number of TLS 1.3 tickets after each handshake; the default is 2
    ///
    /// TLS 1.2 is not affected.
    #[must_use]
    pub fn tickets(&self, count: usize) -> Self {
        let mut config = self.config.clone();
        config.send_tls13_tickets = count;
        Self { config }
    }

    /// Returns the same settings with a new ticket key: tickets issued earlier are no longer accepted
    ///
    /// # Panics
    ///
    /// Panics if the system provides no randomness for the key.
    #[must_use]
    pub fn forgetful(&self) -> Self {
        let mut config = self.config.clone();
        config.ticketer = provider::Ticketer::new().expect("the provider makes tickets");
        Self { config }
    }

    /// Creates the server's side of a TLS connection, without a socket
    ///
    /// # Panics
    ///
    /// Never, because the settings are complete.
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

    /// Sends the greeting, expects AUTH TLS, PBSZ, PROT P and a login as user `u` with password `p`, and returns the
    /// secured control connection
    ///
    /// # Panics
    ///
    /// Panics if the client does anything else, or the handshake fails.
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

    /// Sends the greeting, expects AUTH TLS, and returns the control connection before its handshake
    ///
    /// # Panics
    ///
    /// Panics if the client does anything else.
    #[track_caller]
    #[must_use]
    pub fn auth<C: Connection>(&self, peer: &mut Peer<C>) -> Secured<C> {
        peer.reply("220 ready");
        peer.exchange("AUTH TLS", "234 go on");
        let control = peer.control().duplicate().expect("the control connection is open");
        self.secure(control, peer.said.clone())
    }

    /// Accepts the next data connection, and returns it before its handshake
    ///
    /// # Panics
    ///
    /// Panics if the client does not connect within [`PATIENCE`](crate::PATIENCE).
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

/// Whether clients need a certificate
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing between")]
pub enum Clients {
    /// No client certificate is requested
    Anybody,
    /// A certificate signed by the authority is required; [`identity`] creates one
    Certified,
}

/// The server's end of a TLS connection
///
/// The first send or receive performs the handshake, unless [`handshake`](Self::handshake) has done so. If the
/// connection is dropped, it ends without close_notify.
#[derive(Debug)]
pub struct Secured<C: Connection> {
    stream: BufReader<StreamOwned<ServerConnection, C>>,
    said: Said,
}

impl<C: Connection> Secured<C> {
    /// Performs the handshake; returns whether the client resumed a session
    ///
    /// # Panics
    ///
    /// Panics if the handshake fails.
    #[track_caller]
    pub fn handshake(&mut self) -> bool {
        self.try_handshake().unwrap_or_else(|error| panic!("the handshake failed: {error}"))
    }

    /// Performs the handshake; returns whether the client resumed a session, or why the handshake failed
    ///
    /// # Errors
    ///
    /// Errors of the connection and of TLS.
    pub fn try_handshake(&mut self) -> io::Result<bool> {
        let StreamOwned { conn, sock } = self.stream.get_mut();
        handshake(conn, sock)
    }

    /// Sends bytes
    ///
    /// # Panics
    ///
    /// Panics if the connection is closed, or the client does not read within [`PATIENCE`](crate::PATIENCE).
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        let stream = self.stream.get_mut();
        stream.write_all(bytes).and_then(|()| stream.flush()).expect("the client takes the bytes");
    }

    /// Sends bytes on the connection below TLS, without encryption
    ///
    /// # Panics
    ///
    /// Panics if the connection is closed, or the client does not read within [`PATIENCE`](crate::PATIENCE).
    #[track_caller]
    pub fn send_in_clear(&mut self, bytes: &[u8]) {
        self.stream.get_mut().sock.write_all(bytes).expect("the client takes the bytes");
    }

    /// Returns the TLS state and the connection, for tests that continue on their own
    ///
    /// Bytes that were received together with the last command, but not read, are discarded.
    #[must_use]
    pub fn into_parts(self) -> (ServerConnection, C) {
        let StreamOwned { conn, sock } = self.stream.into_inner();
        (conn, sock)
    }

    /// Reads everything up to the client's close_notify
    ///
    /// # Panics
    ///
    /// Panics if the connection ends without close_notify, or nothing arrives within [`PATIENCE`](crate::PATIENCE).
    #[track_caller]
    pub fn read_all(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).expect("close_notify at the end");
        bytes
    }

    /// Sends close_notify and returns the connection, which stays open
    #[must_use]
    pub fn end(mut self) -> Self {
        self.close_tls();
        self
    }

    /// Sends close_notify; afterwards the connection can be used in clear text, for example after CCC
    ///
    /// Send with [`send_in_clear`](Self::send_in_clear), or with the [`Peer`] of the control connection.
    pub fn close_tls(&mut self) {
        let StreamOwned { conn, sock } = self.stream.get_mut();
        close_notify(conn, sock);
    }

    /// Sends close_notify and drops the connection
    ///
    /// This closes a data connection. A control connection stays open until its [`Peer`] is dropped, too.
    pub fn close(mut self) {
        self.close_tls();
    }

    /// Sends a reply, or any other line, and appends CRLF
    ///
    /// # Panics
    ///
    /// Panics if the connection is closed, or the client does not read within [`PATIENCE`](crate::PATIENCE).
    #[track_caller]
    pub fn reply(&mut self, line: &str) {
        self.said.send(self.stream.get_mut(), line);
    }

    /// Receives the next command, without its CRLF; returns an empty string if the client has sent close_notify
    ///
    /// Quotes, backslashes and bytes that are not printable ASCII are escaped, as by `escape_ascii` of slices.
    ///
    /// # Panics
    ///
    /// Panics if nothing arrives within [`PATIENCE`](crate::PATIENCE), the connection ends without close_notify, or a
    /// line does not end with CRLF or is longer than 64 KiB.
    #[track_caller]
    pub fn command(&mut self) -> String {
        let line = self.said.receive(&mut self.stream).unwrap_or_default();
        line.escape_ascii().to_string()
    }

    /// Expects this command, with its argument
    ///
    /// # Panics
    ///
    /// Panics if the client sends anything else, or nothing within [`PATIENCE`](crate::PATIENCE).
    #[track_caller]
    pub fn expect(&mut self, command: &str) {
        self.said.expect(&mut self.stream, Some(command));
    }

    /// Expects this command, with its argument, and sends the reply
    ///
    /// # Panics
    ///
    /// Panics if the client sends anything else, or nothing within [`PATIENCE`](crate::PATIENCE).
    #[track_caller]
    pub fn exchange(&mut self, command: &str, reply: &str) {
        self.expect(command);
        self.reply(reply);
    }

    /// Waits until the client closes the connection, with or without close_notify, and expects no more data
    ///
    /// A client that sends nothing and does not close is accepted, too, after [`PATIENCE`](crate::PATIENCE).
    ///
    /// # Panics
    ///
    /// Panics if the client sends anything.
    #[track_caller]
    pub fn expect_close(&mut self) {
        let mut rest = Vec::new();
        // A client that was dropped may have sent no close_notify, which is an error here.
        let _ = self.stream.read_to_end(&mut rest);
        if !rest.is_empty() {
            self.said.fail(Some(&rest.escape_ascii().to_string()), "the end of the connection");
        }
    }

    /// Expects EPSV, replies 229, and returns the listener for the data connection; pass it to [`Tls::accept`]
    ///
    /// # Panics
    ///
    /// Panics if the client sends anything else, or nothing within [`PATIENCE`](crate::PATIENCE).
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

/// Completes a handshake; returns whether the client resumed a session
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

/// Sends close_notify; ignores an error, which means that the client has already closed the connection
pub(crate) fn close_notify(connection: &mut ServerConnection, socket: &mut impl Write) {
    connection.send_close_notify();
    let _ = flush(connection, socket);
}

/// Writes all pending TLS records, which rustls' `complete_io` no longer does once the handshake is over
fn flush(connection: &mut ServerConnection, socket: &mut impl Write) -> io::Result<()> {
    while connection.wants_write() {
        connection.write_tls(socket)?;
    }
    Ok(())
}
