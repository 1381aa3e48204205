//! One TLS connection: rustls, its input, and the information that FTP needs

mod clear;

use std::fmt;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rustls::{AlertDescription, ClientConnection, Error as RustlsError, HandshakeKind, IoState};

use crate::TlsError;
use crate::allowance::{Allowance, RecordCounter};
use crate::context::{Role, Session, TlsContext};
use crate::inbox::{Front, Inbox};

/// How much plaintext is encrypted before it is passed to the socket
///
/// These are four full records in one system call, which is a third faster than one at a time. It is also the most
/// that a connection holds if the socket accepts nothing.
const WRITE_AHEAD: usize = 64 * 1024;

/// How much of a reply in clear text is waited for and reported; replies are usually far shorter
const MAX_REPLY_LINE: usize = 512;

pub(crate) struct Tls {
    connection: ClientConnection,
    inbox: Inbox,
    session: Arc<Session>,
    role: Role,
    phase: Phase,
    peer: Peer,
    /// Whether rustls may hold plaintext that has not been read
    plaintext: bool,
    /// Plaintext collected by `clear` that has not been read
    leftover: Vec<u8>,
    pub(crate) allowance: Allowance,
    records: RecordCounter,
    offer: Offer,
    unflushed: Unflushed,
}

/// What the byte stream may hold back of the records that it has accepted
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unflushed {
    Nothing,
    /// It has not been flushed since the last record
    Something,
    /// Flushing it blocked
    Blocked,
}

/// Whether the handshake offers to resume a session
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    Session,
    None,
}

#[derive(Debug)]
enum Phase {
    Handshaking,
    Open,
    /// close_notify has been sent, or will be with the next write
    Closing,
    Failed(TlsError),
}

/// What to do with the bytes in the inbox
#[derive(Clone, Copy, Debug)]
enum Portion {
    /// Wait for more
    Nothing,
    /// Pass this many bytes to rustls
    Feed(usize),
    /// Report an error, because they are clear text
    Refuse,
}

/// The state of the peer's side of the connection
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Open,
    /// close_notify has come
    Closed,
    /// The connection has ended without close_notify
    Gone,
}

impl Tls {
    pub(crate) fn new(
        context: &TlsContext,
        role: Role,
        allowance: Allowance,
    ) -> Result<Self, TlsError> {
        let config = Arc::clone(context.client_config());
        // This must be asked before the connection is created, which removes the session from the store.
        let offer = if context.can_resume() { Offer::Session } else { Offer::None };
        let mut connection = ClientConnection::new(config, context.server_name().clone())?;
        connection.set_buffer_limit(Some(WRITE_AHEAD));
        Ok(Self {
            connection,
            inbox: Inbox::new(role),
            session: Arc::clone(context.session()),
            role,
            phase: Phase::Handshaking,
            peer: Peer::Open,
            plaintext: false,
            leftover: Vec::new(),
            allowance,
            records: RecordCounter::default(),
            offer,
            unflushed: Unflushed::Nothing,
        })
    }

    pub(crate) fn connection(&self) -> &ClientConnection {
        &self.connection
    }

    pub(crate) fn handshake(&mut self, io: &mut (impl Read + Write)) -> io::Result<bool> {
        while matches!(self.phase, Phase::Handshaking) {
            if !self.connection.is_handshaking() {
                self.complete_handshake()?;
            } else if !self.send_and_flush(io)? || self.allowance.is_exhausted() {
                return Ok(false);
            } else if !self.feed(io)? {
                if self.peer == Peer::Gone {
                    return Err(self.fail(TlsError::ClosedInHandshake).into());
                }
                if !self.receive(io)? {
                    return Ok(false);
                }
            }
        }
        match &self.phase {
            Phase::Failed(error) => Err(error.clone().into()),
            _ => self.send_and_flush(io),
        }
    }

    /// Sends nothing if the certificate is not the right one, so with TLS 1.3 the server's handshake
    /// never completes
    fn complete_handshake(&mut self) -> Result<(), TlsError> {
        match self.session.handshake_complete(self.role, &self.connection) {
            Ok(()) => self.phase = Phase::Open,
            Err(error) => {
                while self.connection.wants_write() {
                    // A sink accepts everything.
                    let _ = self.connection.write_tls(&mut io::sink());
                }
                return Err(self.fail(error));
            }
        }
        Ok(())
    }

    pub(crate) fn read(
        &mut self,
        io: &mut (impl Read + Write),
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if matches!(self.phase, Phase::Handshaking) && !self.handshake(io)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if self.wants_write() {
            // The peer may wait for the end of the handshake, or for an answer. If this fails, so will the next write.
            let _ = self.send_and_flush(io);
        }
        if !self.leftover.is_empty() {
            let count = buffer.len().min(self.leftover.len());
            buffer[..count].copy_from_slice(&self.leftover[..count]);
            self.leftover.drain(..count);
            return Ok(count);
        }
        let mut done = 0;
        loop {
            if self.plaintext {
                done += self.take_plaintext(&mut buffer[done..])?;
                if done == buffer.len() {
                    break;
                }
            }
            if self.allowance.is_exhausted() {
                if done > 0 {
                    break;
                }
                return Err(io::ErrorKind::WouldBlock.into());
            }
            // A failure is kept, and reported after the plaintext that came before it.
            match self.feed(io) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(_) if self.plaintext => continue,
                Err(_) if done > 0 => break,
                Err(error) => return Err(error.into()),
            }
            if done > 0 {
                break;
            }
            match self.peer {
                Peer::Closed => return Ok(0),
                Peer::Gone => return Err(TlsError::Truncated.into()),
                Peer::Open => {}
            }
            if !self.receive(io)? {
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
        if self.role == Role::Data
            && self.connection.handshake_kind() != Some(HandshakeKind::Resumed)
        {
            self.session.note_full_handshake_accepted();
        }
        Ok(done)
    }

    /// Fills `buffer`, or sets `plaintext` to false
    fn take_plaintext(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self.connection.reader().read(buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        self.plaintext = count == buffer.len();
        Ok(count)
    }

    pub(crate) fn write(
        &mut self,
        io: &mut (impl Read + Write),
        buffer: &[u8],
    ) -> io::Result<usize> {
        if matches!(self.phase, Phase::Handshaking) && !self.handshake(io)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        match &self.phase {
            Phase::Handshaking | Phase::Open => {}
            Phase::Closing => return Err(TlsError::WriteClosed.into()),
            Phase::Failed(error) => return Err(error.clone().into()),
        }
        if !self.send(io)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = self.connection.writer().write(buffer)?;
        // What the socket does not accept now is sent by the next write, flush or close_notify.
        self.send(io)?;
        Ok(count)
    }

    /// Sends what rustls has to send; returns false if the socket does not accept it all
    ///
    /// A stream with a buffer may hold it back until it is flushed.
    fn send(&mut self, io: &mut impl Write) -> io::Result<bool> {
        while self.connection.wants_write() {
            match self.connection.write_tls(io) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) if self.unflushed == Unflushed::Nothing => {
                    self.unflushed = Unflushed::Something;
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// As [`Self::send`], and flushes the stream if it may hold back any of it
    ///
    /// This is for messages that the peer must have before the connection can go on.
    fn send_and_flush(&mut self, io: &mut impl Write) -> io::Result<bool> {
        Ok(self.send(io)? && (self.unflushed == Unflushed::Nothing || self.flush_stream(io)?))
    }

    /// As [`Self::send`], and flushes the stream
    pub(crate) fn flush(&mut self, io: &mut impl Write) -> io::Result<bool> {
        Ok(self.send(io)? && self.flush_stream(io)?)
    }

    fn flush_stream(&mut self, io: &mut impl Write) -> io::Result<bool> {
        loop {
            match io.flush() {
                Ok(()) => {
                    self.unflushed = Unflushed::Nothing;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.unflushed = Unflushed::Blocked;
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn close_notify(&mut self, io: &mut impl Write) -> io::Result<bool> {
        match self.phase {
            // If it sent an alert, nothing else can be sent.
            Phase::Failed(_) => return Ok(true),
            Phase::Closing => {}
            Phase::Handshaking | Phase::Open => {
                self.connection.send_close_notify();
                self.phase = Phase::Closing;
            }
        }
        self.send_and_flush(io)
    }

    /// Processes what arrives and discards the plaintext until the peer's end; returns false if there is
    /// no more for now, and an error when `budget` bytes are used up
    pub(crate) fn drain(
        &mut self,
        io: &mut (impl Read + Write),
        budget: &mut usize,
    ) -> io::Result<bool> {
        loop {
            while self.plaintext {
                self.take_plaintext(&mut [0; 1024])?;
            }
            if self.allowance.is_exhausted() {
                return Ok(false);
            }
            if self.feed(io)? {
                continue;
            }
            if self.peer != Peer::Open {
                return Ok(true);
            }
            let before = self.inbox.bytes().len();
            match self.receive(io) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) if is_gone(&error) => {
                    self.peer = Peer::Gone;
                    return Ok(true);
                }
                Err(error) => return Err(error),
            }
            *budget = budget
                .checked_sub(self.inbox.bytes().len() - before)
                .ok_or_else(|| self.fail(TlsError::EndlessClose))?;
        }
    }

    /// Whether a read would probably have a result without the socket
    pub(crate) fn is_readable(&self) -> bool {
        self.plaintext
            || !self.leftover.is_empty()
            || self.peer != Peer::Open
            || matches!(self.phase, Phase::Failed(_))
            || !matches!(self.portion(), Portion::Nothing)
    }

    /// Whether the connection waits for the peer
    pub(crate) fn wants_read(&self) -> bool {
        let our_turn = matches!(self.phase, Phase::Handshaking) && self.wants_write();
        !our_turn && !self.is_readable()
    }

    /// Whether the connection waits for the socket to accept more
    pub(crate) fn wants_write(&self) -> bool {
        self.connection.wants_write() || self.unflushed == Unflushed::Blocked
    }

    /// Decides what to do with the bytes in the inbox
    fn portion(&self) -> Portion {
        let bytes = self.inbox.bytes();
        match (self.role, self.inbox.front()) {
            (_, _) if bytes.is_empty() || self.peer == Peer::Closed => Portion::Nothing,
            // rustls may already have the beginning of a record, so the first byte may be any.
            (Role::Data, _) => Portion::Feed(bytes.len()),
            (Role::Control, Front::Record(length)) => Portion::Feed(length),
            (Role::Control, Front::Incomplete) => Portion::Nothing,
            (Role::Control, Front::Foreign) => {
                // It may be a reply: then wait for its text.
                let is_complete = !bytes[0].is_ascii_digit()
                    || bytes.len() >= MAX_REPLY_LINE
                    || memchr::memchr(b'\n', bytes).is_some()
                    || self.peer == Peer::Gone;
                if is_complete { Portion::Refuse } else { Portion::Nothing }
            }
        }
    }

    /// Passes a portion of the inbox to rustls; returns false if there is none
    ///
    /// The plaintext must have been taken out before. The response of rustls, such as an alert or the answer to a key
    /// update, is sent and flushed as far as the socket accepts it.
    fn feed(&mut self, io: &mut impl Write) -> Result<bool, TlsError> {
        if let Phase::Failed(error) = &self.phase {
            return Err(error.clone());
        }
        let length = match self.portion() {
            Portion::Nothing => return Ok(false),
            Portion::Feed(length) => length,
            Portion::Refuse => {
                let error = match reply_line(self.inbox.bytes()) {
                    reply if !self.connection.is_handshaking() => TlsError::NoLongerTls { reply },
                    Some(line) => TlsError::PlaintextReply { line },
                    None => TlsError::NotTls,
                };
                return Err(self.fail(error));
            }
        };
        let mut portion = &self.inbox.bytes()[..length];
        let mut result = Ok(());
        // Bulk data alternates with its plaintext, a record is processed as a whole.
        while !portion.is_empty() {
            if let Err(error) = self.connection.read_tls(&mut portion) {
                // The buffer of rustls is full, because a handshake message is too long.
                result = Err(RustlsError::General(error.to_string()));
                break;
            }
            if self.role == Role::Data {
                break;
            }
        }
        let consumed = length - portion.len();
        let records = self.records.count(&self.inbox.bytes()[..consumed]);
        self.inbox.consume(consumed);
        let tickets = self.session.tickets_received();
        let result = result.and_then(|()| self.process());
        let tickets = self.session.tickets_received().saturating_sub(tickets);
        self.allowance.charge(consumed, records, tickets);
        // The last flight waits until `complete_handshake` has checked the certificate.
        if !matches!(self.phase, Phase::Handshaking) || self.connection.is_handshaking() {
            // If this fails, so will the next read or write that needs the socket.
            let _ = self.send_and_flush(io);
        }
        match result {
            Ok(state) => {
                self.plaintext = state.plaintext_bytes_to_read() > 0;
                if state.peer_has_closed() {
                    self.peer = Peer::Closed;
                }
                Ok(true)
            }
            Err(error) => {
                self.plaintext = true;
                Err(self.fail(self.explain(error.into())))
            }
        }
    }

    fn process(&mut self) -> Result<IoState, RustlsError> {
        if cfg!(debug_assertions) && matches!(self.phase, Phase::Closing) {
            // With debug assertions, rustls 0.23 panics if it has to send an alert after this side's
            // close_notify (rustls#959), so a peer could cause a panic. Without them, it just sends the alert.
            let connection = AssertUnwindSafe(|| self.connection.process_new_packets());
            return catch_unwind(connection).unwrap_or_else(|_| {
                Err(RustlsError::General("bad record after close_notify".into()))
            });
        }
        self.connection.process_new_packets()
    }

    /// Reads the socket once; returns false if it has nothing. At its end, `peer` is set
    fn receive(&mut self, io: &mut impl Read) -> io::Result<bool> {
        loop {
            match self.inbox.fill(io) {
                Ok(0) => self.peer = Peer::Gone,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
            return Ok(true);
        }
    }

    fn fail(&mut self, error: TlsError) -> TlsError {
        self.phase = Phase::Failed(error.clone());
        error
    }

    /// Whether the handshake offered to resume a session and has not completed
    fn has_offered_without_success(&self) -> bool {
        self.role == Role::Data && self.offer == Offer::Session && self.connection.is_handshaking()
    }

    /// Makes an error more specific than rustls can, using the state of the connection
    fn explain(&self, error: TlsError) -> TlsError {
        use AlertDescription as A;
        match error {
            TlsError::NotTls if !self.connection.is_handshaking() => {
                TlsError::NoLongerTls { reply: None }
            }
            // OpenSSL's servers without a session-id context, for example, send no other alert.
            TlsError::Alert(alert @ A::InternalError) if self.has_offered_without_success() => {
                TlsError::ResumptionFailed(alert)
            }
            TlsError::Alert(
                alert @ (A::HandshakeFailure
                | A::NoCertificate
                | A::BadCertificate
                | A::UnsupportedCertificate
                | A::CertificateRevoked
                | A::CertificateExpired
                | A::CertificateUnknown
                | A::UnknownCA
                | A::AccessDenied),
            ) => {
                if self.session.has_unmet_certificate_demand() {
                    TlsError::ClientCertificateRequired
                } else if self.session.has_client_certificate() && alert != A::HandshakeFailure {
                    TlsError::ClientCertificateRefused(alert)
                } else {
                    error
                }
            }
            other => other,
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("role", &self.role)
            .field("phase", &self.phase)
            .field("peer", &self.peer)
            .field("version", &self.connection.protocol_version())
            .field("kind", &self.connection.handshake_kind())
            .finish_non_exhaustive()
    }
}

/// Returns the first line if it is a reply's: three digits, and a space, hyphen or line ending
fn reply_line(bytes: &[u8]) -> Option<String> {
    let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
    let line = bytes[..end.min(MAX_REPLY_LINE)].trim_ascii_end();
    let (code, rest) = line.split_at_checked(3)?;
    let is_reply =
        code.iter().all(u8::is_ascii_digit) && matches!(rest.first(), None | Some(b' ' | b'-'));
    is_reply.then(|| line.escape_ascii().to_string())
}

/// Whether the error means that nothing more will come; a peer may cause it by closing
/// while bytes from this side are unread
pub(crate) fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(
        error.kind(),
        K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe | K::NotConnected
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reply_lines() {
        assert_eq!(reply_line(b"500 OOPS: priv_sock\r\nmore"), Some("500 OOPS: priv_sock".into()));
        assert_eq!(reply_line(b"220-hi"), Some("220-hi".into()));
        assert_eq!(reply_line(b"421\r\n"), Some("421".into()));
        assert_eq!(reply_line(b"220 \xff\x1b\n"), Some("220 \\xff\\x1b".into()));
        for not in [&b""[..], b"22", b"2200 x", b"GET / HTTP/1.1", b"1234567"] {
            assert_eq!(reply_line(not), None, "{not:?}");
        }
    }
}
