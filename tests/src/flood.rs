//! TLS 1.3 records that cost a client work and contain little or no data
//!
//! A server can send them without end. They are encrypted by hand, because rustls never sends unnecessary records.

use std::io::{self, Write};

use ftp_blocking::ftp_tls::rustls::crypto::cipher::{
    MessageEncrypter, OutboundChunks, OutboundPlainMessage,
};
use ftp_blocking::ftp_tls::rustls::{
    ConnectionTrafficSecrets, ContentType, ProtocolVersion, ServerConnection, SupportedCipherSuite,
};

use crate::net::Stream;
use crate::tls::Secured;

/// The kind of records in a flood
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a test's own")]
pub enum Flood {
    /// Session tickets, as many as a record can hold
    Tickets,
    /// Session tickets, one per record
    SingleTickets,
    /// Records without content, and a ticket now and then
    Empty,
    /// Records of one byte
    SingleBytes,
    /// Key updates, each with one byte, because rustls limits the number of updates in a row
    KeyUpdates,
}

/// All kinds
pub const FLOODS: [Flood; 5] =
    [Flood::Tickets, Flood::SingleTickets, Flood::Empty, Flood::SingleBytes, Flood::KeyUpdates];

/// A server's connection that sends a flood
pub struct Flooding {
    socket: Stream,
    source: Source,
}

enum Source {
    Forge(Box<Forge>, Flood),
    Updates(Box<ServerConnection>),
}

impl Flooding {
    /// Sends nothing else from now on; the handshake has to be done
    #[must_use]
    pub fn new(secured: Secured, flood: Flood) -> Self {
        let (mut connection, socket) = secured.into_parts();
        connection.set_buffer_limit(None);
        let source = match flood {
            Flood::KeyUpdates => Source::Updates(Box::new(connection)),
            _ => Source::Forge(Box::new(Forge::new(connection)), flood),
        };
        Self { socket, source }
    }

    /// Encrypts at least this many bytes of records
    ///
    /// # Panics
    ///
    /// If TLS fails.
    pub fn forge(&mut self, bytes: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while out.len() < bytes {
            match &mut self.source {
                Source::Forge(forge, flood) => out.extend(forge.next(*flood)),
                Source::Updates(connection) => {
                    connection.refresh_traffic_keys().unwrap();
                    connection.writer().write_all(b"x").unwrap();
                    while connection.wants_write() {
                        connection.write_tls(&mut out).unwrap();
                    }
                }
            }
        }
        out
    }

    /// Sends bytes that [`Self::forge`] has made
    ///
    /// # Errors
    ///
    /// If the client has closed, or accepts nothing for as long as scripts wait.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)
    }

    /// Sends until the client closes
    pub fn pour(mut self) {
        loop {
            let bytes = self.forge(16 * 1024);
            if self.send(&bytes).is_err() {
                return;
            }
        }
    }
}

/// Encrypts records
struct Forge {
    encrypter: Box<dyn MessageEncrypter>,
    sequence: u64,
}

impl Forge {
    fn new(connection: ServerConnection) -> Self {
        let Some(SupportedCipherSuite::Tls13(suite)) = connection.negotiated_cipher_suite() else {
            panic!("TLS 1.3, with its handshake done")
        };
        let (sequence, secrets) = connection.dangerous_extract_secrets().unwrap().tx;
        let (ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv }) = secrets
        else {
            panic!("a cipher suite that is new")
        };
        let mut forge = Self { encrypter: suite.aead_alg.encrypter(key, iv), sequence: 0 };
        // Encrypters require all sequence numbers from the first one on.
        while forge.sequence < sequence {
            forge.record(ContentType::ApplicationData, b"");
        }
        forge
    }

    fn next(&mut self, flood: Flood) -> Vec<u8> {
        match flood {
            Flood::Tickets => {
                let count = 16_384 / ticket(0).len() as u32;
                let tickets: Vec<u8> = (0..count).flat_map(ticket).collect();
                self.record(ContentType::Handshake, &tickets)
            }
            Flood::SingleTickets => self.record(ContentType::Handshake, &ticket(7)),
            // Rustls takes 32 empty records in a row for an attack.
            Flood::Empty if self.sequence % 16 == 0 => self.next(Flood::SingleTickets),
            Flood::Empty => self.record(ContentType::ApplicationData, b""),
            Flood::SingleBytes | Flood::KeyUpdates => {
                self.record(ContentType::ApplicationData, b"x")
            }
        }
    }

    fn record(&mut self, typ: ContentType, payload: &[u8]) -> Vec<u8> {
        let message = OutboundPlainMessage {
            typ,
            version: ProtocolVersion::TLSv1_3,
            payload: OutboundChunks::Single(payload),
        };
        let record = self.encrypter.encrypt(message, self.sequence).unwrap();
        self.sequence += 1;
        record.encode()
    }
}

/// Returns the smallest valid NewSessionTicket (RFC 8446 section 4.6.1)
fn ticket(number: u32) -> Vec<u8> {
    let mut body = 7200_u32.to_be_bytes().to_vec();
    body.extend(number.to_be_bytes());
    body.extend([0, 0, 4]);
    body.extend(number.to_be_bytes());
    body.extend([0, 0]);
    let mut message = vec![4, 0, 0, body.len() as u8];
    message.extend(body);
    message
}

impl std::fmt::Debug for Flooding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flooding").field("socket", &self.socket).finish_non_exhaustive()
    }
}
