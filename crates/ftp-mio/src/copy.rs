//! Copies a file from one server to another without passing through this machine

use ftp_proto::{CopySide, TransferType};
use ftp_session::{CopyError, Event};

use crate::session::Session;

/// A copy between servers in progress; the data passes directly between the two
///
/// The source listens and the target connects to it. So the target must be able to reach the source, and both servers
/// must permit it: most refuse data connections to and from third parties. Data connections must be unprotected,
/// because both servers would act as the TLS server.
///
/// STOR empties an existing file on the target. So the source is first asked for the file's size: if it does not have the
/// file, the target's stays as it was. After a later failure, the target may have a part of the file.
///
/// The bytes are not seen here: that the copy is complete is what both servers say. Compare the sizes on both to be sure,
/// unless the type is ASCII, in which they may differ.
///
/// Pass it every [`Event`] of both sessions. They must be idle when it starts and have no other requests until it
/// ends.
#[derive(Debug)]
pub struct ServerCopy {
    inner: ftp_session::ServerCopy,
}

impl ServerCopy {
    /// Starts the copy; `None` if the source is not connected
    ///
    /// The target connects to the host that the source's control connection goes to, whatever address the source
    /// announces, unless the source's [`Config::passive_host`](ftp_proto::Config::passive_host) is `TrustReply`. Set
    /// that if the source is reached through a proxy.
    pub fn start(
        source: &mut Session,
        source_path: impl AsRef<[u8]>,
        target_path: impl AsRef<[u8]>,
        type_: TransferType,
    ) -> Option<Self> {
        let source = &mut source.inner;
        let inner = ftp_session::ServerCopy::start(source, source_path, target_path, type_)?;
        Some(Self { inner })
    }

    /// Handles an event of one of the two sessions; `Some` once, when both sides have ended
    ///
    /// # Errors
    ///
    /// Which server failed, and how. If one side was interrupted it may still be settling; it has settled once it [is
    /// idle](Session::is_idle).
    pub fn handle(
        &mut self,
        side: CopySide,
        event: &mut Event,
        source: &mut Session,
        target: &mut Session,
    ) -> Option<Result<(), CopyError>> {
        self.inner.handle(side, event, &mut source.inner, &mut target.inner)
    }

    /// Ends the copy early; [`Self::handle`] returns its error once both sides have ended
    ///
    /// A server that reads no command during a transfer, such as vsftpd, goes on until it has the whole file. Its session
    /// ends after [`Config::settle_timeout`](ftp_proto::Config::settle_timeout).
    pub fn abort(&self, source: &mut Session, target: &mut Session) {
        self.inner.abort(&mut source.inner, &mut target.inner);
    }
}
