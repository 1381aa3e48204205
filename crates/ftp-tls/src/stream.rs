use std::fmt;
use std::io::{self, Read, Write};

use rustls::pki_types::CertificateDer;
use rustls::{HandshakeKind, ProtocolVersion, SupportedCipherSuite};

use crate::allowance::Allowance;
use crate::tls::{Tls, is_gone};
use crate::{Role, TlsContext, TlsError};

/// How many bytes [`Stream::drain`] discards before it returns an error: tickets take
/// a few hundred bytes each, and few bytes are in flight when an upload is refused
const MAX_DRAINED: usize = 256 * 1024;

/// A control or data connection, in clear text or over TLS
///
/// `S` is any byte stream, blocking or not. `Read` and `Write` pass
/// [`ErrorKind::WouldBlock`](io::ErrorKind::WouldBlock) on; other methods return `Ok(false)` for it. These continue
/// until they are done or the stream would block, so a blocking stream should have a timeout. On Unix, a socket's
/// read timeout is also reported as `WouldBlock`. The stream may hold bytes back until it is flushed, as a
/// [`BufWriter`](io::BufWriter) does: [`handshake`](Self::handshake), [`close_notify`](Self::close_notify) and
/// [`clear`](Self::clear) flush it, and are not done before that has succeeded.
///
/// Dropping it sends nothing. This is how an upload is aborted: without close_notify, the server
/// knows that the file is not complete.
pub struct Stream<S> {
    io: S,
    layer: Layer,
    /// The number of bytes that [`drain`](Self::drain) may still discard
    drain_budget: usize,
    /// The allowance for TLS that is started later
    allowance: Allowance,
}

enum Layer {
    /// Clear text, with the bytes that were received when TLS ended, of which `taken` have been read
    Plain {
        leftover: Vec<u8>,
        taken: usize,
    },
    Tls(Box<Tls>),
    /// Clear text on this side, but the peer's close_notify may still come
    Late(Box<Tls>),
}

const PLAIN: Layer = Layer::Plain { leftover: Vec::new(), taken: 0 };

impl<S> Stream<S> {
    /// Creates a connection in clear text
    pub fn new(io: S) -> Self {
        Self { io, layer: PLAIN, drain_budget: MAX_DRAINED, allowance: Allowance::UNLIMITED }
    }

    /// Starts TLS; call [`handshake`](Self::handshake) next
    ///
    /// A TLS 1.3 ticket is removed from the store now, and is used up whatever happens to the connection.
    ///
    /// # Errors
    ///
    /// [`AlreadySecured`](TlsError::AlreadySecured), or [`PlaintextPending`](TlsError::PlaintextPending)
    /// if [`clear`](Self::clear) left bytes that have not been read. If the caller has read and
    /// buffered bytes, checking them is up to the caller.
    pub fn secure(&mut self, context: &TlsContext, role: Role) -> Result<(), TlsError> {
        match &self.layer {
            Layer::Plain { leftover, taken } if *taken == leftover.len() => {}
            Layer::Plain { .. } | Layer::Late(_) => return Err(TlsError::PlaintextPending),
            Layer::Tls(_) => return Err(TlsError::AlreadySecured),
        }
        self.layer = Layer::Tls(Box::new(Tls::new(context, role, self.allowance)?));
        Ok(())
    }

    /// Switches to clear text, although the peer's close_notify has not come
    ///
    /// For servers that send none after CCC, when [`clear`](Self::clear) has returned `false` for
    /// long enough. If it comes later, it is removed from what is read.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if this side's close_notify has not been sent and flushed completely, or `clear` has not been
    /// called.
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

    /// Whether TLS has been started, even if the handshake is not complete
    #[must_use]
    pub fn is_secure(&self) -> bool {
        matches!(self.layer, Layer::Tls(_))
    }

    /// Whether to wait for the socket to become readable in order to continue
    ///
    /// This is a level. It is false if a read would have a result without the socket (see
    /// [`has_pending_input`](Self::has_pending_input)), and while the handshake must write first.
    #[must_use]
    pub fn wants_read(&self) -> bool {
        match &self.layer {
            Layer::Plain { leftover, taken } => *taken == leftover.len(),
            Layer::Tls(tls) => tls.wants_read(),
            Layer::Late(tls) => !tls.is_clear(),
        }
    }

    /// Whether to wait for the socket to become writable in order to send what has been accepted
    ///
    /// This is a level. When the socket is writable, call [`flush`](Write::flush), or the method that would have
    /// blocked.
    #[must_use]
    pub fn wants_write(&self) -> bool {
        self.tls().is_some_and(Tls::wants_write)
    }

    /// Whether a read may return something even if the socket has nothing
    ///
    /// This is a level, for drivers that are notified only once that a socket is readable: continue to read while
    /// this is true. It may be true although the next read would block, but not twice in a row.
    #[must_use]
    pub fn has_pending_input(&self) -> bool {
        match &self.layer {
            Layer::Plain { leftover, taken } => *taken < leftover.len(),
            Layer::Tls(tls) => tls.is_readable(),
            Layer::Late(tls) => tls.is_clear(),
        }
    }

    /// Limits the work of receiving over TLS from now on, in bytes of ciphertext
    ///
    /// Each record costs 4 KiB in addition to its bytes, and each session ticket 8 KiB, so that messages without
    /// plaintext (tickets, key updates, empty records) are charged for the work they cause. When the allowance is
    /// used up, methods that receive report that the stream would block. If [`is_exhausted`](Self::is_exhausted) is
    /// then true, set the allowance again and continue without waiting for the socket. A step that costs more than
    /// is left (at most one record, or 4 KiB) is completed, and the difference is subtracted from the next
    /// allowance.
    ///
    /// There is no limit unless this is called, which suits blocking streams: for their callers, `WouldBlock` means
    /// that a timeout has passed. Writing is not charged.
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
    /// This is a level, which holds until the next allowance. It is always false in clear text.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        match &self.layer {
            Layer::Plain { .. } => false,
            Layer::Tls(tls) | Layer::Late(tls) => tls.allowance.is_exhausted(),
        }
    }

    /// Returns whether the handshake resumed a session; `None` in clear text, and until it is known
    #[must_use]
    pub fn handshake_kind(&self) -> Option<HandshakeKind> {
        self.tls()?.connection().handshake_kind()
    }

    /// Returns the negotiated TLS version; `None` in clear text, and until it is known
    #[must_use]
    pub fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.tls()?.connection().protocol_version()
    }

    /// Returns the negotiated cipher suite; `None` in clear text, and until it is known
    #[must_use]
    pub fn cipher_suite(&self) -> Option<SupportedCipherSuite> {
        self.tls()?.connection().negotiated_cipher_suite()
    }

    /// Returns the negotiated application protocol; `None` in clear text, and if there is none
    #[must_use]
    pub fn alpn_protocol(&self) -> Option<&[u8]> {
        self.tls()?.connection().alpn_protocol()
    }

    /// Returns the server's certificate chain, its own first; for a resumed session, the original one
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

    /// Returns the underlying byte stream
    #[must_use]
    pub fn get_ref(&self) -> &S {
        &self.io
    }

    /// Returns the underlying byte stream; reading from or writing to it breaks TLS
    #[must_use]
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.io
    }

    /// Returns the underlying byte stream; what was received and not read is lost
    #[must_use]
    pub fn into_inner(self) -> S {
        self.io
    }
}

impl<S: Read + Write> Stream<S> {
    /// Continues the TLS handshake; returns `false` if the stream would block
    ///
    /// After the handshake is complete, it returns `true`, unless something waits to be sent.
    ///
    /// # Errors
    ///
    /// Those of the underlying stream, and [`TlsError`]s: [`TlsError::in_io`]. A [`TlsError`] is final:
    /// every later call returns it again.
    pub fn handshake(&mut self) -> io::Result<bool> {
        match &mut self.layer {
            Layer::Tls(tls) => tls.handshake(&mut self.io),
            Layer::Plain { .. } | Layer::Late(_) => Ok(true),
        }
    }

    /// Closes the write side; returns `false` if the stream would block
    ///
    /// Sends what is pending and then, once, the TLS close_notify; servers treat an upload without
    /// it as incomplete. In clear text, it does nothing. When it has returned `true` after an upload, shut down
    /// the socket's write side, [`drain`](Self::drain), and close.
    ///
    /// # Errors
    ///
    /// Those of the underlying stream.
    pub fn close_notify(&mut self) -> io::Result<bool> {
        match &mut self.layer {
            Layer::Tls(tls) => tls.close_notify(&mut self.io),
            Layer::Plain { .. } | Layer::Late(_) => Ok(true),
        }
    }

    /// Receives and discards bytes until the peer closes, too; returns `false` if the stream would block
    ///
    /// Call it after an upload: this receives the server's TLS 1.3 tickets, and closing a socket with unread
    /// bytes resets the connection, which may cut off the end of the upload. Not every server closes soon, so
    /// stop at a deadline: only tickets are lost then. It makes no difference whether the peer sends close_notify.
    ///
    /// # Errors
    ///
    /// Those of the underlying stream, except errors that say that the peer is gone; [`TlsError`]s,
    /// including [`EndlessClose`](TlsError::EndlessClose) after 256 KiB.
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

    /// Ends TLS (CCC, RFC 4217 section 12.3); returns `false` if the stream would block
    ///
    /// For [`Role::Control`], after the `200` to CCC has been read. It sends close_notify, and waits for the
    /// server's, or for the first byte in clear text from servers that send none. If a server sends neither,
    /// use [`clear_now`](Self::clear_now). Once it returns `true`, the stream is in clear text, and what the server
    /// has sent after its close_notify is read as usual.
    ///
    /// # Errors
    ///
    /// Those of the underlying stream, and [`TlsError`]s; [`Truncated`](TlsError::Truncated) if the
    /// connection ends. `Unsupported` for [`Role::Data`].
    pub fn clear(&mut self) -> io::Result<bool> {
        let Layer::Tls(tls) = &mut self.layer else { return Ok(true) };
        if !tls.clear(&mut self.io)? {
            return Ok(false);
        }
        self.settle();
        Ok(true)
    }

    /// Ends TLS, and keeps only the bytes that it leaves
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

/// Over TLS, what has been received is returned before the socket is read again. 0 means that the server sent
/// close_notify: a connection that ends without it is an [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) that
/// contains [`TlsError::Truncated`]
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

/// Over TLS, at most 64 KiB are accepted at a time, and what has been accepted may not have been
/// sent completely: [`flush`](Write::flush) and [`close_notify`](Stream::close_notify) send the rest
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
            return match tls.flush(&mut self.io)? {
                true => Ok(()),
                false => Err(io::ErrorKind::WouldBlock.into()),
            };
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
