//! Returns to clear text in the middle of the byte stream (CCC, RFC 4217 section 12.3)
//!
//! ```text
//!  Open ──clear──▶ our close_notify ──the peer's, or a byte in clear──▶ clear
//!                        └──clear_now──▶ clear, but the peer's is taken out if it comes
//! ```

use std::io::{self, BufRead, Read, Write};

use super::{Peer, Phase, Tls, Unflushed};
use crate::inbox::Front;
use crate::{Role, TlsError};

/// How many bytes may arrive between this side's close_notify and the server's when TLS is ended (CCC):
/// more than any reply
const MAX_LEFTOVER: usize = 64 * 1024;

impl Tls {
    /// Ends TLS on both sides; returns false if the peer's close_notify, or clear text, has not come yet
    pub(crate) fn clear(&mut self, io: &mut (impl Read + Write)) -> io::Result<bool> {
        if self.role == Role::Data {
            // rustls may have swallowed bytes of clear text.
            return Err(io::ErrorKind::Unsupported.into());
        }
        if matches!(self.phase, Phase::Handshaking) && !self.handshake(io)? {
            return Ok(false);
        }
        if let Phase::Failed(error) = &self.phase {
            return Err(error.clone().into());
        }
        if !self.close_notify(io)? || !self.await_clear(io)? {
            return Ok(false);
        }
        match self.peer {
            Peer::Gone => Err(self.fail(TlsError::Truncated).into()),
            Peer::Open | Peer::Closed => Ok(true),
        }
    }

    /// Processes records until the peer's close_notify, clear text, or end; returns false if there is no more for now
    pub(crate) fn await_clear(&mut self, io: &mut (impl Read + Write)) -> io::Result<bool> {
        loop {
            self.collect_plaintext()?;
            if self.peer == Peer::Closed || self.inbox.front() == Front::Foreign {
                return Ok(true);
            }
            if self.allowance.is_exhausted() {
                return Ok(false);
            }
            if self.feed(io)? {
                continue;
            }
            if self.peer == Peer::Gone {
                return Ok(true);
            }
            if !self.receive(io)? {
                return Ok(false);
            }
        }
    }

    fn collect_plaintext(&mut self) -> Result<(), TlsError> {
        while self.plaintext {
            let mut reader = self.connection.reader();
            // Errors are `WouldBlock`, because no end was reported to rustls.
            let chunk = reader.fill_buf().unwrap_or_default();
            let count = chunk.len();
            self.leftover.extend_from_slice(chunk);
            reader.consume(count);
            self.plaintext = count > 0;
            if self.leftover.len() > MAX_LEFTOVER {
                return Err(self.fail(TlsError::EndlessClose));
            }
        }
        Ok(())
    }

    /// Returns the bytes that came before TLS ended, and those in clear text after it
    pub(crate) fn into_leftover(mut self) -> Vec<u8> {
        self.leftover.extend_from_slice(self.inbox.bytes());
        self.leftover
    }

    /// Whether this side's close_notify has been sent and the peer's is awaited
    pub(crate) fn awaits_close(&self) -> bool {
        self.role == Role::Control
            && matches!(self.phase, Phase::Closing)
            && !self.connection.wants_write()
            && self.unflushed == Unflushed::Nothing
    }

    /// Whether TLS is known to have ended on the peer's side
    pub(crate) fn is_clear(&self) -> bool {
        self.peer != Peer::Open || self.inbox.front() == Front::Foreign
    }
}
