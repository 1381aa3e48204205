use std::fmt;
use std::io::{self, Read, Write};

use rustls::pki_types::CertificateDer;
use rustls::{HandshakeKind, ProtocolVersion, SupportedCipherSuite};

use crate::allowance::Allowance;
use crate::tls::{Tls, is_gone};
use crate::{Role, TlsContext, TlsError};

/// How much [`Stream::drain`] throws away before it calls the peer's close endless: tickets take
/// a few hundred bytes each, and what was in flight when an upload was refused is little
const MAX_DRAINED: usize = 256 * 1024;

/// A control or data connection, in clear or over TLS
///
/// `S` is any byte stream, blocking or not: [`ErrorKind::WouldBlock`](io::ErrorKind::WouldBlock) is
/// passed on by `Read` and `Write`, and is `Ok(false)` of the other methods. These go on until they
/// are done or the stream would block, so a blocking stream should have a deadline within. Unix
/// reports a socket's read timeout as `WouldBlock` too.
///
/// Dropping it sends nothing. That is how an upload is aborted: without close_notify the server
/// can tell that the file is not complete (Q137).
pub struct Stream<S> {
    io: S,
    layer: Layer,
    /// What [`drain`](Self::drain) may still throw away
    drain_budget: usize,
    /// For the TLS that is put on later
    allowance: Allowance,
}

enum Layer {
    /// With what was received already when TLS ended, of which `taken` bytes have been read
    Plain {
        leftover: Vec<u8>,
        taken: usize,
    },
    Tls(Box<Tls>),
    /// We are in clear, but the peer's close_notify may still come
    Late(Box<Tls>),
}

const PLAIN: Layer = Layer::Plain { leftover: Vec::new(), taken: 0 };

impl<S> Stream<S> {
    /// A connection in clear
    pub fn new(io: S) -> Self {
        Self { io, layer: PLAIN, drain_budget: MAX_DRAINED, allowance: Allowance::UNLIMITED }
    }

    /// Puts TLS on top; the [`handshake`](Self::handshake) comes next
    ///
    /// A TLS 1.3 ticket is taken out of the stock now, and is spent whatever becomes of the connection.
    ///
    /// # Errors
    ///
    /// [`AlreadySecured`](TlsError::AlreadySecured), or [`PlaintextPending`](TlsError::PlaintextPending)
    /// if [`clear`](Self::clear) left bytes that nobody has read. Bytes that the caller has read and
    /// buffered are the caller's to look out for.
    pub fn secure(&mut self, context: &TlsContext, role: Role) -> Result<(), TlsError> {
        match &self.layer {
            Layer::Plain { leftover, taken } if *taken == leftover.len() => {}
            Layer::Plain { .. } | Layer::Late(_) => return Err(TlsError::PlaintextPending),
            Layer::Tls(_) => return Err(TlsError::AlreadySecured),
        }
        self.layer = Layer::Tls(Box::new(Tls::new(context, role, self.allowance)?));
        Ok(())
    }

    /// In clear from now on, though the peer's close_notify has not come
    ///
    /// For servers that send none after CCC (Q96), once [`clear`](Self::clear) has said `false` for
    /// long enough. Should it come later, it is taken out of what is read.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if our own has not been sent completely, or `clear` has not been called.
    pub fn clear_now(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.layer, PLAIN) {
            Layer::Tls(tls) if tls.awaits_close() => self.layer = Layer::Late(tls),
            other @ Layer::Tls(_) => {
                self.layer = other;
                return Err(io::ErrorKind::WouldBlock.into());
            }
            other => self.layer = other,
        }
        Ok(())
    }

    /// Whether TLS is on top, complete or not
    #[must_use]
    pub fn is_secure(&self) -> bool {
        matches!(self.layer, Layer::Tls(_))
    }

    /// Whether to wait for the socket to become readable, in order to get on
    ///
    /// A level. False if a read would have a result without the socket: see
    /// [`has_pending_input`](Self::has_pending_input), and while the handshake has to write first.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        match &self.layer {
            Layer::Plain { leftover, taken } => *taken == leftover.len(),
            Layer::Tls(tls) => tls.wants_read(),
            Layer::Late(tls) => !tls.is_clear(),
        }
    }

    /// Whether to wait for the socket to become writable, in order to send what has been accepted
    ///
    /// A level. Serve it with [`flush`](Write::flush), or with whatever method said that it would block.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        self.tls().is_some_and(|tls| tls.connection().wants_write())
    }

    /// Whether a read may have something to return though the socket has nothing
    ///
    /// A level, for drivers that are told only once that a socket is readable: go on reading while
    /// this is true. It may be true although the next read would block, but not twice in a row.
    #[must_use]
    pub fn has_pending_input(&self) -> bool {
        match &self.layer {
            Layer::Plain { leftover, taken } => *taken < leftover.len(),
            Layer::Tls(tls) => tls.is_readable(),
            Layer::Late(tls) => tls.is_clear(),
        }
    }

    /// Bounds the work that receiving over TLS does from now on, in bytes of ciphertext
    ///
    /// Each record costs 4 KiB on top of its bytes and each session ticket 8 KiB, so that messages without
    /// plaintext (tickets, key updates, empty records) are charged for what they cost. When the allowance
    /// is used up, methods that receive say that the stream would block, and
    /// [`is_exhausted`](Self::is_exhausted) tells the difference: then set the allowance again and go on,
    /// without waiting for the socket. A step that costs more than is left (at most one record, or 4 KiB)
    /// is completed, and the difference is subtracted from the next allowance.
    ///
    /// There is no limit unless this is called, which suits blocking streams: to their callers
    /// `WouldBlock` means that a time-out has passed. Writing is not charged.
    pub fn set_allowance(&mut self, bytes: usize) {
        match &mut self.layer {
            Layer::Plain { .. } => {
                self.allowance = Allowance::UNLIMITED;
                self.allowance.grant(bytes);
            }
            Layer::Tls(tls) | Layer::Late(tls) => tls.allowance.grant(bytes),
        }
    }

    /// Whether the [allowance](Self::set_allowance) is used up, so that more may be received at once
    ///
    /// A level, until the next allowance. Always false in clear.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        match &self.layer {
            Layer::Plain { .. } => false,
            Layer::Tls(tls) | Layer::Late(tls) => tls.allowance.is_exhausted(),
        }
    }

    /// Whether the handshake resumed a session; `None` in clear, and until it is known
    #[must_use]
    pub fn handshake_kind(&self) -> Option<HandshakeKind> {
        self.tls()?.connection().handshake_kind()
    }

    /// The TLS version agreed upon; `None` in clear, and until it is known
    #[must_use]
    pub fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.tls()?.connection().protocol_version()
    }

    /// The cipher suite agreed upon; `None` in clear, and until it is known
    #[must_use]
    pub fn cipher_suite(&self) -> Option<SupportedCipherSuite> {
        self.tls()?.connection().negotiated_cipher_suite()
    }

    /// The application protocol agreed upon; `None` in clear, and if there is none
    #[must_use]
    pub fn alpn_protocol(&self) -> Option<&[u8]> {
        self.tls()?.connection().alpn_protocol()
    }

    /// The server's certificate chain, its own first; of a resumed session the original one
    #[must_use]
    pub fn peer_certificates(&self) -> Option<&[CertificateDer<'static>]> {
        self.tls()?.connection().peer_certificates()
    }

    fn tls(&self) -> Option<&Tls> {
        match &self.layer {
            Layer::Tls(tls) => Some(tls),
            Layer::Plain { .. } | Layer::Late(_) => None,
        }
    }

    /// The byte stream below
    #[must_use]
    pub fn get_ref(&self) -> &S {
        &self.io
    }

    /// The byte stream below; reading from or writing to it breaks TLS
    #[must_use]
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.io
    }

    /// The byte stream below; what was received and not read is lost
    #[must_use]
    pub fn into_inner(self) -> S {
        self.io
    }
}

impl<S: Read + Write> Stream<S> {
    /// Goes on with the TLS handshake; `false` if the stream would block
    ///
    /// Once complete it stays `true`, unless something waits to be sent.
    ///
    /// # Errors
    ///
    /// Those of the stream below, and [`TlsError`]s: [`TlsError::in_io`]. A [`TlsError`] is final,
    /// every later call returns it again.
    pub fn handshake(&mut self) -> io::Result<bool> {
        match &mut self.layer {
            Layer::Tls(tls) => tls.handshake(&mut self.io),
            Layer::Plain { .. } | Layer::Late(_) => Ok(true),
        }
    }

    /// Ends the write side; `false` if the stream would block
    ///
    /// Sends what is pending and then, once, the TLS close_notify; servers take an upload without
    /// for incomplete (Q93). In clear it does nothing. What follows an upload: shut the socket's
    /// write side down, [`drain`](Self::drain), close.
    ///
    /// # Errors
    ///
    /// Those of the stream below.
    pub fn close_notify(&mut self) -> io::Result<bool> {
        match &mut self.layer {
            Layer::Tls(tls) => tls.close_notify(&mut self.io),
            Layer::Plain { .. } | Layer::Late(_) => Ok(true),
        }
    }

    /// Receives and throws away until the peer closes, too; `false` if the stream would block
    ///
    /// For after an upload: the server's TLS 1.3 tickets arrive here (Q86), and a socket closed with
    /// something unread resets the connection, which may cost the upload its end (Q94). Not every
    /// server closes soon, so stop at a deadline: nothing is lost then but tickets. It makes no
    /// difference whether the peer sends close_notify.
    ///
    /// # Errors
    ///
    /// Those of the stream below, except those that say that the peer is gone; [`TlsError`]s,
    /// [`EndlessClose`](TlsError::EndlessClose) after 256 KiB.
    pub fn drain(&mut self) -> io::Result<bool> {
        match &mut self.layer {
            Layer::Tls(tls) => tls.drain(&mut self.io, &mut self.drain_budget),
            Layer::Plain { .. } | Layer::Late(_) => loop {
                let count = match self.read(&mut [0; 4096]) {
                    Ok(0) => return Ok(true),
                    Ok(count) => count,
                    Err(error) => match error.kind() {
                        io::ErrorKind::Interrupted => continue,
                        io::ErrorKind::WouldBlock => return Ok(false),
                        _ if is_gone(&error) => return Ok(true),
                        _ => return Err(error),
                    },
                };
                self.drain_budget =
                    self.drain_budget.checked_sub(count).ok_or(TlsError::EndlessClose)?;
            },
        }
    }

    /// Takes TLS down (CCC, RFC 4217 section 12.3); `false` if the stream would block
    ///
    /// For [`Role::Control`], after the `200` to CCC has been read. Sends close_notify, and waits
    /// for the server's, or for the first byte in clear from servers that send none (Q96). From
    /// those that send neither, [`clear_now`](Self::clear_now) is the way out. Once it is `true` the
    /// stream is in clear, and what the server has sent behind its close_notify is read as usual.
    ///
    /// # Errors
    ///
    /// Those of the stream below, and [`TlsError`]s; [`Truncated`](TlsError::Truncated) if the
    /// connection ends. `Unsupported` for [`Role::Data`].
    pub fn clear(&mut self) -> io::Result<bool> {
        let Layer::Tls(tls) = &mut self.layer else { return Ok(true) };
        if !tls.clear(&mut self.io)? {
            return Ok(false);
        }
        self.settle();
        Ok(true)
    }

    /// TLS is over: only what it leaves behind remains
    fn settle(&mut self) {
        self.layer = match std::mem::replace(&mut self.layer, PLAIN) {
            Layer::Tls(tls) | Layer::Late(tls) => {
                Layer::Plain { leftover: tls.into_leftover(), taken: 0 }
            }
            plain => plain,
        };
    }
}

impl<S> From<S> for Stream<S> {
    fn from(io: S) -> Self {
        Self::new(io)
    }
}

/// Over TLS, what has been received is returned before the socket is asked for more, and 0 means that
/// the server said so: a connection that just ends is an [`UnexpectedEof`](io::ErrorKind::UnexpectedEof)
/// with [`TlsError::Truncated`] within
///
/// Buffers of 64 KiB or more are filled with several records at once.
impl<S: Read + Write> Read for Stream<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Layer::Late(tls) = &mut self.layer {
            if !tls.await_clear(&mut self.io)? {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.settle();
        }
        match &mut self.layer {
            Layer::Plain { leftover, taken } if *taken < leftover.len() => {
                let count = (&leftover[*taken..]).read(buffer)?;
                *taken += count;
                if *taken == leftover.len() {
                    self.layer = PLAIN;
                }
                Ok(count)
            }
            Layer::Plain { .. } => self.io.read(buffer),
            Layer::Tls(tls) | Layer::Late(tls) => tls.read(&mut self.io, buffer),
        }
    }
}

/// Over TLS, at most 64 KiB are taken at a time, and all that has been taken may not have been
/// sent: [`flush`](Write::flush) or [`close_notify`](Stream::close_notify) see to it
impl<S: Read + Write> Write for Stream<S> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match &mut self.layer {
            Layer::Plain { .. } | Layer::Late(_) => self.io.write(buffer),
            Layer::Tls(tls) => tls.write(&mut self.io, buffer),
        }
    }

    fn write_vectored(&mut self, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
        match &mut self.layer {
            Layer::Plain { .. } | Layer::Late(_) => self.io.write_vectored(buffers),
            Layer::Tls(tls) => {
                let first = buffers.iter().find(|buffer| !buffer.is_empty());
                tls.write(&mut self.io, first.map_or(&[], |buffer| &buffer[..]))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Layer::Tls(tls) = &mut self.layer {
            if !tls.send(&mut self.io)? {
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
        self.io.flush()
    }
}

impl<S: fmt::Debug> fmt::Debug for Stream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layer: &dyn fmt::Debug = match &self.layer {
            Layer::Plain { .. } => &"clear",
            Layer::Tls(tls) => tls,
            Layer::Late(_) => &"clear, close_notify outstanding",
        };
        f.debug_struct("Stream").field("io", &self.io).field("layer", layer).finish_non_exhaustive()
    }
}
