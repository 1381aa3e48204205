//! A certificate authority, a rustls server and an unreliable pipe between it and the client, all in memory

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use ftp_tls::{Role, Stream, TlsConfig, TlsContext, TlsError, TlsVersion, Trust, server_name};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoClientAuth, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion, version};

pub(crate) const NAME: &str = "ftp.example.com";
pub(crate) const VERSIONS: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// A certificate authority
pub(crate) struct Ca(pub(crate) CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: Arc<KeyPair>,
}

pub(crate) static CA: LazyLock<Ca> = LazyLock::new(Ca::new);
pub(crate) static SERVER: LazyLock<Identity> = LazyLock::new(|| CA.server(&[NAME]));

impl Ca {
    pub(crate) fn new() -> Self {
        static SERIAL: AtomicUsize = AtomicUsize::new(0);
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        let name = format!("Authority {}", SERIAL.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn server(&self, names: &[&str]) -> Identity {
        self.issue(names, |_| {})
    }

    pub(crate) fn issue(
        &self,
        names: &[&str],
        adjust: impl FnOnce(&mut CertificateParams),
    ) -> Identity {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        adjust(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap().der().clone();
        Identity { certificate, key: Arc::new(key) }
    }
}

impl Identity {
    pub(crate) fn pem(&self) -> (String, String) {
        let body = self.certificate.as_ref();
        (pem("CERTIFICATE", body), self.key.serialize_pem())
    }

    /// Creates a server with this certificate, though the key may not match it
    pub(crate) fn unchecked_server(&self, version: TlsVersion) -> Server {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        let key = provider().key_provider.load_private_key(key).unwrap();
        let mut server = Server::new(version);
        let certified = CertifiedKey::new(vec![self.certificate.clone()], key);
        server.config.cert_resolver = Arc::new(Always(Arc::new(certified)));
        server
    }

    fn certified_key(&self) -> CertifiedKey {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
        CertifiedKey::from_der(vec![self.certificate.clone()], key, &provider()).unwrap()
    }
}

/// Formats PEM; base64 on a single line is accepted by parsers
fn pem(label: &str, der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = format!("-----BEGIN {label}-----\n");
    for group in der.chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, at| {
            bits << 8 | usize::from(group.get(at).copied().unwrap_or_default())
        });
        for at in 0..4 {
            text.push(if at <= group.len() {
                char::from(DIGITS[bits >> (18 - 6 * at) & 63])
            } else {
                '='
            });
        }
    }
    text + &format!("\n-----END {label}-----\n")
}

#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

pub(crate) fn versions(version: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    const ONLY_12: &[&SupportedProtocolVersion] = &[&version::TLS12];
    const ONLY_13: &[&SupportedProtocolVersion] = &[&version::TLS13];
    match version {
        TlsVersion::Tls12 => ONLY_12,
        _ => ONLY_13,
    }
}

/// A server's side of one FTP session: the state that its connections share
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) config: ServerConfig,
}

impl Server {
    pub(crate) fn new(version: TlsVersion) -> Self {
        Self::with(&SERVER, version, None)
    }

    pub(crate) fn with(identity: &Identity, version: TlsVersion, clients: Option<&Ca>) -> Self {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions(version))
            .unwrap();
        let builder = match clients {
            None => builder.with_client_cert_verifier(Arc::new(NoClientAuth)),
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                roots.add(ca.0.der().clone()).unwrap();
                let roots = Arc::new(roots);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let mut config =
            builder.with_cert_resolver(Arc::new(Always(Arc::new(identity.certified_key()))));
        config.ticketer = aws_lc_rs::Ticketer::new().unwrap();
        Self { config }
    }

    /// Accepts the next connection, and issues this many TLS 1.3 tickets
    pub(crate) fn accept(&self, tickets: usize) -> Peer {
        let mut config = self.config.clone();
        config.send_tls13_tickets = tickets;
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        Peer { connection, received: Vec::new(), closed: false, error: None }
    }
}

/// The server's end of one connection
pub(crate) struct Peer {
    pub(crate) connection: ServerConnection,
    pub(crate) received: Vec<u8>,
    /// Whether the client's close_notify has arrived
    pub(crate) closed: bool,
    pub(crate) error: Option<rustls::Error>,
}

impl Peer {
    /// Reads what the client has sent, and answers as TLS requires
    pub(crate) fn pump(&mut self, wire: &Wire) {
        let mut wire = wire.0.borrow_mut();
        while !wire.to_server.is_empty() && !self.closed && self.error.is_none() {
            let read = self.connection.read_tls(&mut wire.to_server).unwrap();
            match self.connection.process_new_packets() {
                Ok(state) => self.closed = state.peer_has_closed(),
                Err(error) => self.error = Some(error),
            }
            let _ = self.connection.reader().read_to_end(&mut self.received);
            assert!(read > 0 || self.closed);
        }
        while self.connection.wants_write() {
            self.connection.write_tls(&mut wire.to_client).unwrap();
        }
    }

    pub(crate) fn send(&mut self, wire: &Wire, mut plaintext: &[u8]) {
        while !plaintext.is_empty() {
            let written = self.connection.writer().write(plaintext).unwrap();
            plaintext = &plaintext[written..];
            self.pump(wire);
        }
    }

    pub(crate) fn close(&mut self, wire: &Wire) {
        self.connection.send_close_notify();
        self.pump(wire);
    }

    pub(crate) fn resumed(&self) -> bool {
        self.connection.handshake_kind() == Some(rustls::HandshakeKind::Resumed)
    }
}

#[derive(Clone, Default)]
pub(crate) struct Wire(Rc<RefCell<Queues>>);

#[derive(Default)]
struct Queues {
    to_server: VecDeque<u8>,
    to_client: VecDeque<u8>,
    /// The server has closed: end of file after the queued bytes
    hung_up: bool,
    /// Number of bytes that the client can still read before the connection breaks
    budget: Option<usize>,
    delivered: usize,
}

impl Wire {
    /// Sends bytes outside TLS
    pub(crate) fn inject(&self, bytes: &[u8]) {
        self.0.borrow_mut().to_client.extend(bytes);
    }

    pub(crate) fn hang_up(&self) {
        self.0.borrow_mut().hung_up = true;
    }

    /// Only this many bytes reach the client, then end of file
    pub(crate) fn cut_after(&self, bytes: usize) {
        self.0.borrow_mut().budget = Some(bytes);
    }

    pub(crate) fn delivered(&self) -> usize {
        self.0.borrow().delivered
    }

    pub(crate) fn take_to_server(&self) -> Vec<u8> {
        self.0.borrow_mut().to_server.drain(..).collect()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.0.borrow().to_client.len()
    }

    /// Changes a byte in flight to the client
    pub(crate) fn corrupt(&self, at: usize) {
        self.0.borrow_mut().to_client[at] ^= 0x40;
    }
}

/// The kinds of faults
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults {
    pub(crate) seed: u64,
    pub(crate) most: usize,
    /// One in this many calls does nothing; 0 means none
    pub(crate) block: u64,
}

pub(crate) const NONE: Faults = Faults { seed: 1, most: usize::MAX, block: 0 };
pub(crate) const BYTEWISE: Faults = Faults { seed: 7, most: 1, block: 3 };

/// The client's end: reads and writes are short, block and are interrupted, at random
pub(crate) struct FaultyPipe {
    wire: Wire,
    faults: Faults,
}

impl FaultyPipe {
    fn random(&mut self) -> u64 {
        let x = &mut self.faults.seed;
        *x ^= *x << 13;
        *x ^= *x >> 7;
        *x ^= *x << 17;
        *x >> 11
    }

    fn length(&mut self, wanted: usize) -> io::Result<usize> {
        if self.faults.block > 0 && self.random() % self.faults.block == 0 {
            let interrupted = self.random() % 4 == 0;
            let kind =
                if interrupted { io::ErrorKind::Interrupted } else { io::ErrorKind::WouldBlock };
            return Err(kind.into());
        }
        let most = wanted.min(self.faults.most);
        match self.faults.most {
            usize::MAX => Ok(most),
            _ => Ok(1 + (self.random() as usize) % most.max(1)),
        }
    }
}

impl Read for FaultyPipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        assert!(!buffer.is_empty(), "a read of nothing looks like the end");
        let length = self.length(buffer.len())?;
        let mut wire = self.wire.0.borrow_mut();
        let wire = &mut *wire;
        let most = length.min(wire.budget.unwrap_or(usize::MAX));
        let count = wire.to_client.read(&mut buffer[..most])?;
        wire.delivered += count;
        if let Some(budget) = &mut wire.budget {
            *budget -= count;
        }
        match count {
            0 if !wire.hung_up && wire.budget != Some(0) => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }
}

impl Write for FaultyPipe {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[io::IoSlice::new(buffer)])
    }

    fn write_vectored(&mut self, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let wanted = buffers.iter().map(|buffer| buffer.len()).sum();
        let length = self.length(wanted)?.min(wanted);
        let mut left = length;
        for buffer in buffers {
            let part = &buffer[..left.min(buffer.len())];
            self.wire.0.borrow_mut().to_server.extend(part);
            left -= part.len();
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn pipe(faults: Faults) -> (Stream<FaultyPipe>, Wire) {
    let wire = Wire::default();
    (Stream::new(FaultyPipe { wire: wire.clone(), faults }), wire)
}

pub(crate) fn config(version: TlsVersion) -> TlsConfig {
    TlsConfig::builder(Trust::OwnCa)
        .add_ca_pem(CA.pem())
        .min_version(version)
        .max_version(version)
        .crypto_provider(provider())
        .build()
        .unwrap()
}

pub(crate) fn context(config: &TlsConfig) -> TlsContext {
    TlsContext::new(config, server_name(NAME).unwrap())
}

/// Repeats `step` until it has a result, letting `other` act whenever it would block
pub(crate) fn drive<T>(
    mut step: impl FnMut() -> io::Result<Option<T>>,
    mut other: impl FnMut(),
) -> io::Result<T> {
    for _ in 0..10_000_000 {
        match step() {
            Ok(Some(done)) => return Ok(done),
            Ok(None) => other(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => other(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    panic!("no end");
}

/// As `drive`, for the methods that return whether they are done
pub(crate) fn until(step: impl FnMut() -> io::Result<bool>, other: impl FnMut()) -> io::Result<()> {
    let mut step = step;
    drive(|| Ok(step()?.then_some(())), other)
}

/// Creates a connection with its handshake done on both sides
pub(crate) fn connect(
    context: &TlsContext,
    role: Role,
    mut peer: Peer,
    faults: Faults,
) -> io::Result<(Stream<FaultyPipe>, Peer, Wire)> {
    let (mut stream, wire) = pipe(faults);
    stream.secure(context, role)?;
    until(|| stream.handshake(), || peer.pump(&wire))?;
    peer.pump(&wire);
    Ok((stream, peer, wire))
}

/// Creates the control connection, with one reply read so that the tickets have arrived
pub(crate) fn control(context: &TlsContext, peer: Peer) -> (Stream<FaultyPipe>, Peer, Wire) {
    let (mut stream, mut peer, wire) = connect(context, Role::Control, peer, NONE).unwrap();
    peer.send(&wire, b"200 PBSZ=0\r\n");
    assert_eq!(read_some(&mut stream).unwrap(), b"200 PBSZ=0\r\n");
    (stream, peer, wire)
}

pub(crate) fn read_some(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; 100_000];
    let count = stream.read(&mut buffer)?;
    buffer.truncate(count);
    Ok(buffer)
}

pub(crate) fn tls_error(error: &io::Error) -> TlsError {
    TlsError::in_io(error).unwrap_or_else(|| panic!("not a TlsError: {error:?}")).clone()
}

/// STOR: the client sends, half-closes, and drains if `drain` is set
pub(crate) fn upload(context: &TlsContext, peer: Peer, drain: bool) -> io::Result<Peer> {
    let (mut stream, mut peer, wire) = connect(context, Role::Data, peer, NONE)?;
    drive(|| stream.write_all(b"content").map(Some), || peer.pump(&wire))?;
    until(|| stream.close_notify(), || peer.pump(&wire))?;
    peer.pump(&wire);
    assert_eq!(peer.received, b"content");
    assert!(peer.closed);
    peer.close(&wire);
    if drain {
        until(|| stream.drain(), || panic!("the server has closed"))?;
    }
    Ok(peer)
}

/// RETR or NLST
pub(crate) fn download(context: &TlsContext, peer: Peer) -> io::Result<Peer> {
    let (mut stream, mut peer, wire) = connect(context, Role::Data, peer, NONE)?;
    peer.send(&wire, b"content");
    peer.close(&wire);
    assert_eq!(read_some(&mut stream)?, b"content");
    assert_eq!(read_some(&mut stream)?, b"");
    Ok(peer)
}

/// NLST with a server that refuses data connections that resume no session
pub(crate) fn refused(context: &TlsContext, peer: Peer) -> io::Result<Peer> {
    let (mut stream, mut peer, wire) = connect(context, Role::Data, peer, NONE)?;
    peer.close(&wire);
    wire.hang_up();
    until(|| stream.drain(), || panic!("the server has closed"))?;
    Ok(peer)
}
