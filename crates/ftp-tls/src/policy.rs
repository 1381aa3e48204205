//! FTP's session-resumption policy, as decisions: drivers carry them out

use rustls::HandshakeKind;

use crate::TlsContext;
use crate::context::UploadPermit;

/// Which way the bytes of a transfer go
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum TransferKind {
    /// RETR and listings: refused for want of a session they do no harm
    Download,
    /// STOR, APPE, STOU: refused for want of a session they may cost the remote file (Q140)
    Upload,
}

/// What a driver has to do now for a transfer that it is about to start; from [`Preparation::next`]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a further duty has to break the build of drivers")]
pub enum Prepare {
    /// Start the transfer
    Start {
        /// Whether the data connection's handshake may begin before the server has agreed to the
        /// transfer, as [`TlsContext::can_spare_ticket`] says
        eager_handshake: bool,
    },
    /// First make a listing (LIST: ProFTPD answers an NLST of nothing before it opens a data
    /// connection), of the file uploaded last at the first time, because that is short, and of the
    /// working directory at the second; then ask again, whatever came of it
    Harvest,
    /// Do not start it: fail with [`TlsError::NoSessionTicket`](crate::TlsError::NoSessionTicket),
    /// or log in anew with [`TlsContext::renew`]
    Refuse,
}

/// The way to one transfer over a protected data connection
///
/// ```
/// # use ftp_tls::{Prepare, Preparation, TlsContext, TlsError, TransferKind};
/// # struct Driver { context: TlsContext }
/// # impl Driver {
/// #     fn set_ticket_supply(&mut self, _: bool) {}
/// #     fn list_something_small(&mut self) {}
/// fn before_transfer(&mut self, kind: TransferKind) -> Result<(), TlsError> {
///     let mut preparation = Preparation::new(kind);
///     loop {
///         match preparation.next(&self.context) {
///             Prepare::Start { eager_handshake } => {
///                 self.set_ticket_supply(eager_handshake);
///                 return Ok(());
///             }
///             Prepare::Harvest => self.list_something_small(),
///             Prepare::Refuse => return Err(TlsError::NoSessionTicket),
///         }
///     }
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Preparation {
    kind: TransferKind,
    harvests: u8,
}

impl Preparation {
    /// Of the file uploaded last, and of the working directory: more of the same is no use
    const MAX_HARVESTS: u8 = 2;

    /// For a transfer of this kind
    #[must_use]
    pub const fn new(kind: TransferKind) -> Self {
        Self { kind, harvests: 0 }
    }

    /// What to do now; after at most two harvests the end of the ladder
    ///
    /// [`Prepare::Refuse`] is for uploads alone: a download is worth the try.
    pub fn next(&mut self, context: &TlsContext) -> Prepare {
        let start = Prepare::Start { eager_handshake: context.can_spare_ticket() };
        match context.upload_permit() {
            UploadPermit::Go => start,
            UploadPermit::Harvest if self.harvests < Self::MAX_HARVESTS => {
                self.harvests += 1;
                Prepare::Harvest
            }
            UploadPermit::Harvest | UploadPermit::Reconnect => match self.kind {
                TransferKind::Download => start,
                TransferKind::Upload => Prepare::Refuse,
            },
        }
    }
}

/// What the refusal of a transfer is about; from [`TlsContext::judge_refusal`]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a further duty has to break the build of drivers")]
pub enum Refusal {
    /// Not about TLS sessions, as far as can be told
    Other,
    /// The server demands that data connections resume the control connection's session (Q84), and
    /// this one did not. `retry`: there is a ticket now, so a download or listing of which nothing has
    /// arrived yet is worth one more try, if the control connection is still there
    ResumptionRequired {
        /// Whether the next handshake can resume
        retry: bool,
    },
}

impl TlsContext {
    /// What a reply of 4yz or 5yz to a transfer means, whose data connection's handshake went like
    /// that; `None` if it did not get so far
    ///
    /// vsftpd says 522, ProFTPD, FileZilla Server and others 425, which means otherwise that there is
    /// no data connection: but there was one, since its handshake was done. Ask when the data
    /// connection has been [drained](crate::Stream::drain), for tickets may have come on it.
    pub fn judge_refusal(&self, code: u16, handshake: Option<HandshakeKind>) -> Refusal {
        match (code, handshake) {
            (425 | 522, Some(HandshakeKind::Full | HandshakeKind::FullWithHelloRetryRequest)) => {
                Refusal::ResumptionRequired { retry: self.can_resume() }
            }
            _ => Refusal::Other,
        }
    }
}
