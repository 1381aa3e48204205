//! Copies a file from one server to another without passing through this machine

use std::future::poll_fn;
use std::task::{Context, Poll, Waker, ready};

use ftp_proto::{CopySide, TransferType};
use ftp_session::{CopyError, Error, ServerCopy};

use crate::client::Client;
use crate::session::Session;

/// Copies a file from one server to another; the data passes directly between the two
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
/// The target connects to the host that the source's control connection goes to, whatever address the source
/// announces, unless the source's [`Config::passive_host`](crate::Config::passive_host) is `TrustReply`. Set that
/// if the source is reached through a proxy.
///
/// If the future is dropped, both servers are asked to stop, and each session settles within its next call; a part of
/// the file may be on the target. A server that reads no command during a transfer, such as vsftpd, goes on until it has
/// the whole file, and the session that settles meanwhile is over.
///
/// # Errors
///
/// Which server failed, and how.
#[doc(alias = "ftpcp")]
#[doc(alias = "FXP")]
pub async fn copy_between_servers(
    source: &mut Client,
    source_path: impl AsRef<[u8]>,
    target: &mut Client,
    target_path: impl AsRef<[u8]>,
    type_: TransferType,
) -> Result<(), CopyError> {
    let (source, target) = (&mut source.session, &mut target.session);
    for (side, session) in [(CopySide::Source, &mut *source), (CopySide::Target, &mut *target)] {
        session.begin().await;
        session.rest().await.map_err(|error| CopyError::new(side, error))?;
    }
    let copy = ServerCopy::start(&mut source.inner, source_path, target_path, type_);
    // A client is always connected, if only to a proxy.
    let Some(copy) = copy else {
        let error = std::io::ErrorKind::NotConnected.into();
        return Err(CopyError::new(CopySide::Source, Error::Io(error)));
    };
    let mut copying = Copying { copy, source, target };
    poll_fn(|context| copying.poll(context)).await
}

struct Copying<'a> {
    copy: ServerCopy,
    source: &'a mut Session,
    target: &'a mut Session,
}

impl Copying<'_> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), CopyError>> {
        let Self { copy, source, target } = self;
        loop {
            for session in [&mut *source, &mut *target] {
                session.now();
                ready!(session.poll_attend(context));
                session.advance(context);
            }
            let result = copy.handle_all(&mut source.inner, &mut target.inner);
            source.current = copy.current(CopySide::Source);
            target.current = copy.current(CopySide::Target);
            if let Some(result) = result {
                return Poll::Ready(result);
            }
            if source.inner.has_work() || target.inner.has_work() {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let timers = [source.poll_timer(context), target.poll_timer(context)];
            if timers.iter().all(Poll::is_pending) {
                return Poll::Pending;
            }
        }
    }
}

/// Sends ABOR to both servers, unless the copy has ended: until one knows, the other may wait for its bytes, and read
/// nothing
impl Drop for Copying<'_> {
    fn drop(&mut self) {
        let sessions = [&mut *self.source, &mut *self.target];
        if sessions.iter().all(|session| session.current.is_none()) {
            return;
        }
        self.copy.abort(&mut self.source.inner, &mut self.target.inner);
        for session in [&mut *self.source, &mut *self.target] {
            session.current = None;
            session.advance(&mut Context::from_waker(Waker::noop()));
        }
    }
}
