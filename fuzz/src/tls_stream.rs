//! `ftp_tls::Stream` with a server controlled by the input
//!
//! The first byte chooses TLS version and role. It also chooses whether a real handshake is made, after which the rest
//! is carried out as operations, or whether the rest is what the server sends. Nothing may panic or run for ever; the
//! client reads what the server sent, unless other bytes were injected; a TLS error is permanent.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use ftp_tls::rustls::crypto::ring;
use ftp_tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use ftp_tls::rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion, version};
use ftp_tls::{Role, Stream, TlsConfig, TlsContext, TlsError, Trust, server_name};

/// Runs one input
///
/// # Panics
///
/// If a property does not hold.
pub fn tls_stream(data: &[u8]) {
    let Some((&flags, rest)) = data.split_first() else { return };
    let server = &SERVERS[usize::from(flags & 1)];
    let role = if flags & 2 == 0 { Role::Control } else { Role::Data };
    let wire = Wire::default();
    let mut stream = Stream::new(End { wire: Rc::clone(&wire), chunk: usize::MAX });
    let context = TlsContext::new(&CLIENT, server_name("a.example").expect("a name"));
    stream.secure(&context, role).expect("it is in clear");
    if flags & 4 == 0 {
        raw(stream, &wire, rest);
    } else {
        let server = ServerConnection::new(Arc::clone(server)).expect("a good configuration");
        Session::new(stream, wire, server, context, role).run(rest);
    }
}

/// Sends the server's bytes unchanged, in chunks
fn raw(mut stream: Stream<End>, wire: &Rc<RefCell<Queues>>, bytes: &[u8]) {
    let chunk = bytes.first().map_or(1, |first| usize::from(*first) + 1);
    for part in bytes.chunks(chunk) {
        wire.borrow_mut().to_client.extend(part);
        if let Err(error) = stream.handshake() {
            if let Some(first) = TlsError::in_io(&error) {
                let again = stream.handshake().expect_err("an error stays");
                assert_eq!(TlsError::in_io(&again), Some(first));
            }
        }
    }
    wire.borrow_mut().hung_up = true;
    assert!(stream.handshake().is_err(), "nobody guesses a Finished");
    assert!(stream.read(&mut [0; 10]).is_err());
    let _ = stream.drain();
    let _ = stream.clear();
}

struct Session {
    stream: Stream<End>,
    wire: Wire,
    server: ServerConnection,
    context: TlsContext,
    sent: Vec<u8>,
    received: Vec<u8>,
    written: Vec<u8>,
    arrived: Vec<u8>,
    is_control: bool,
    /// The client has sent close_notify
    closing: bool,
    /// The server has sent close_notify
    closed: bool,
    /// Bytes that are not the server's TLS have been sent, or the client has discarded some
    interfered: bool,
}

impl Session {
    fn new(
        stream: Stream<End>,
        wire: Wire,
        server: ServerConnection,
        context: TlsContext,
        role: Role,
    ) -> Self {
        let mut session = Self {
            stream,
            wire,
            server,
            context,
            sent: Vec::new(),
            received: Vec::new(),
            written: Vec::new(),
            arrived: Vec::new(),
            is_control: role == Role::Control,
            closing: false,
            closed: false,
            interfered: false,
        };
        for _ in 0..5 {
            session.stream.handshake().expect("two honest sides");
            session.pump();
        }
        assert!(session.stream.handshake().expect("two honest sides"));
        session
    }

    fn run(mut self, operations: &[u8]) {
        let mut bytes = operations.iter().copied();
        // Each operation is one byte; most take the next byte as argument.
        for _ in 0..500 {
            let Some(operation) = bytes.next() else { break };
            let argument = bytes.next().unwrap_or_default();
            self.operate(operation % 14, argument, &mut bytes);
            self.check();
        }
        self.wire.borrow_mut().hung_up = true;
        self.stream.get_mut().chunk = usize::MAX;
        let end = loop {
            match self.read(1000) {
                Ok(0) => break Ok(()),
                Ok(_) => self.check(),
                Err(error) => break Err(error),
            }
        };
        self.check();
        if !self.interfered && end.is_ok() {
            assert_eq!(self.received, self.sent, "a clean end, but something is missing");
        }
    }

    fn operate(&mut self, operation: u8, argument: u8, more: &mut impl Iterator<Item = u8>) {
        let size = usize::from(argument);
        match operation {
            // A server that has closed sends nothing more.
            0 | 1 | 12 if self.closed => {}
            // rustls 0.23 asserts that it sends no alert after its close_notify (rustls#959). The library handles that,
            // but libFuzzer aborts first.
            3 if self.closing => {}
            7 | 9 if self.interfered => {}
            2 if self.closing => {
                let clear = more.by_ref().take(size).map(|byte| byte | 0x80);
                if self.is_control {
                    self.wire.borrow_mut().to_client.extend(clear);
                    self.interfered = true;
                }
            }
            0 | 1 => {
                // Small replies, or up to three records.
                let length = if operation == 0 { size } else { size * 200 };
                let from = self.sent.len();
                let plaintext: Vec<u8> = (from..from + length).map(|at| at as u8).collect();
                if self.server.writer().write_all(&plaintext).is_ok() {
                    self.sent.extend(plaintext);
                }
                self.pump();
            }
            2 => {
                let clear: Vec<u8> = more.by_ref().take(size).collect();
                self.interfered |= !clear.is_empty();
                self.wire.borrow_mut().to_client.extend(clear);
            }
            3 => {
                if let Some(byte) = self.wire.borrow_mut().to_client.get_mut(size) {
                    *byte ^= 1 << (size % 8);
                    self.interfered = true;
                }
            }
            4 | 5 => drop(self.read(if operation == 4 { size } else { size * 400 })),
            6 => {
                let plaintext = vec![argument; size * 300];
                if let Ok(count) = self.stream.write(&plaintext) {
                    assert!(count <= plaintext.len());
                    if self.stream.is_secure() {
                        self.written.extend(&plaintext[..count]);
                    }
                }
                let _ = self.stream.flush();
                self.pump();
            }
            7 => {
                self.closing = true;
                let _ = self.stream.close_notify();
            }
            8 => {
                self.interfered = true;
                let _ = self.stream.drain();
            }
            9 => {
                self.closing = true;
                let _ = self.stream.clear();
            }
            10 => {
                self.interfered |= self.stream.clear_now().is_ok();
            }
            11 => {
                self.closed = true;
                self.server.send_close_notify();
                self.pump();
            }
            12 => {
                let _ = self.server.refresh_traffic_keys();
                self.pump();
            }
            _ => {
                self.stream.get_mut().chunk = size.max(1);
                if self.stream.secure(&self.context, Role::Control).is_ok() {
                    // The connection was in clear text: this is a second handshake, which the server does not answer.
                    self.interfered = true;
                }
            }
        }
    }

    fn read(&mut self, size: usize) -> io::Result<usize> {
        let mut buffer = vec![0; size];
        let count = self.stream.read(&mut buffer)?;
        self.received.extend_from_slice(&buffer[..count]);
        Ok(count)
    }

    /// Lets the server receive what has arrived, and send
    fn pump(&mut self) {
        let mut wire = self.wire.borrow_mut();
        while !wire.to_server.is_empty() {
            let read = self.server.read_tls(&mut wire.to_server);
            let processed = self.server.process_new_packets();
            let _ = self.server.reader().read_to_end(&mut self.arrived);
            if !matches!(read, Ok(1..)) || processed.is_err() {
                wire.to_server.clear();
            }
        }
        while self.server.wants_write() {
            let _ = self.server.write_tls(&mut wire.to_client);
        }
    }

    fn check(&self) {
        if !self.interfered {
            assert!(self.sent.starts_with(&self.received), "not what the server has sent");
        }
        assert!(self.written.starts_with(&self.arrived), "not what the client has sent");
        assert!(self.context.stats().tickets <= 4);
        let stream = &self.stream;
        assert!(!(stream.wants_read() && stream.has_pending_input()), "waiting with input in hand");
    }
}

type Wire = Rc<RefCell<Queues>>;

#[derive(Default)]
struct Queues {
    to_server: VecDeque<u8>,
    to_client: VecDeque<u8>,
    hung_up: bool,
}

/// The client's end, which moves a limited number of bytes at a time
struct End {
    wire: Wire,
    chunk: usize,
}

impl Read for End {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut wire = self.wire.borrow_mut();
        let most = buffer.len().min(self.chunk);
        match wire.to_client.read(&mut buffer[..most])? {
            0 if !wire.hung_up => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }
}

impl Write for End {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.chunk);
        self.wire.borrow_mut().to_server.extend(&buffer[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

static CLIENT: LazyLock<TlsConfig> = LazyLock::new(|| {
    TlsConfig::builder(Trust::DangerousAnyCertificate)
        .crypto_provider(Arc::new(ring::default_provider()))
        .build()
        .expect("nothing can be wrong with it")
});

static SERVERS: LazyLock<[Arc<ServerConfig>; 2]> = LazyLock::new(|| {
    let key = rcgen::KeyPair::generate().expect("enough randomness");
    let params = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).expect("a good name");
    let certificate = params.self_signed(&key).expect("its own key").der().clone();
    let config = |versions: &[&'static SupportedProtocolVersion]| {
        let certificate: CertificateDer<'static> = certificate.clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("PKCS #8");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("versions that it knows")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("they belong together");
        Arc::new(config)
    };
    [config(&[&version::TLS12]), config(&[&version::TLS13])]
});
