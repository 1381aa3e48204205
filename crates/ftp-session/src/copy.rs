//! Copies a file from one server to another without passing through this machine

use std::io::{Read, Write};

use ftp_proto::{CopySide, OpId, TransferType};

use crate::error::Error;
use crate::event::Event;
use crate::questions::questions;
use crate::session::Session;

/// A copy between servers that failed
#[derive(Debug, thiserror::Error)]
#[error("copying failed on the {side} server")]
#[non_exhaustive]
pub struct CopyError {
    /// Which server
    pub side: CopySide,
    /// What went wrong there
    #[source]
    pub error: Error,
}

impl CopyError {
    /// Creates the error of one server's failure
    #[must_use]
    pub const fn new(side: CopySide, error: Error) -> Self {
        Self { side, error }
    }
}

questions! { impl CopyError, |this| &this.error }

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
    inner: ftp_proto::ServerCopy,
    /// Errors of which the sessions know more than the machine does
    explained: Vec<(CopySide, Error)>,
}

impl ServerCopy {
    /// Starts the copy; `None` if the source is not connected, or its address is unknown: its connection has none, or
    /// leads to a name through a proxy
    ///
    /// The target connects to the host that the source's control connection goes to, whatever address the source
    /// announces, unless the source's [`Config::passive_host`](ftp_proto::Config::passive_host) says otherwise.
    pub fn start<S: Read + Write, L>(
        source: &mut Session<S, L>,
        source_path: impl AsRef<[u8]>,
        target_path: impl AsRef<[u8]>,
        type_: TransferType,
    ) -> Option<Self> {
        let peer = source.server_ip()?;
        let proto = source.request();
        let inner = ftp_proto::ServerCopy::start(proto, source_path, peer, target_path, type_);
        Some(Self { inner, explained: Vec::new() })
    }

    /// Handles an event of one of the two sessions; `Some` once, when both sides have ended
    ///
    /// # Errors
    ///
    /// Which server failed, and how. If one side was interrupted it may still be settling; it has settled once it [is
    /// idle](Session::is_idle).
    pub fn handle<S: Read + Write, L>(
        &mut self,
        side: CopySide,
        event: &mut Event,
        source: &mut Session<S, L>,
        target: &mut Session<S, L>,
    ) -> Option<Result<(), CopyError>> {
        let (source, target) = (source.request(), target.request());
        let ended = match event {
            Event::TransferStarted { op, .. } => {
                self.inner.handle_started(side, *op, source);
                None
            }
            Event::Completed(done) => {
                self.explained.extend(done.explained.take().map(|error| (side, error)));
                self.inner.handle_completed(side, &mut done.inner, source, target)
            }
            Event::Closed(error) => {
                self.explained.push((side, error.duplicate()));
                let client = match side {
                    CopySide::Source => &*source,
                    CopySide::Target => &*target,
                };
                let cause = client.error()?.clone();
                self.inner.handle_closed(side, cause, source, target)
            }
            _ => None,
        };
        Some(ended?.map_err(|failed| {
            let mut explained = std::mem::take(&mut self.explained).into_iter();
            let explained = explained.find(|(side, _)| *side == failed.side);
            let error = explained.map_or(Error::Ftp(failed.error), |(_, error)| error);
            CopyError::new(failed.side, error)
        }))
    }

    /// [Handles](Self::handle) the events that both sessions have, for shells that need none of them
    ///
    /// # Errors
    ///
    /// As [`Self::handle`].
    pub fn handle_all<S: Read + Write, L>(
        &mut self,
        source: &mut Session<S, L>,
        target: &mut Session<S, L>,
    ) -> Option<Result<(), CopyError>> {
        let mut result = None;
        loop {
            // An event of one side may have caused one of the other.
            let (side, mut event) = match source.poll_event() {
                Some(event) => (CopySide::Source, event),
                None => match target.poll_event() {
                    Some(event) => (CopySide::Target, event),
                    None => return result,
                },
            };
            let ended = self.handle(side, &mut event, source, target);
            result = result.or(ended);
        }
    }

    /// Ends the copy early; [`Self::handle`] returns its error once both sides have ended
    ///
    /// A server that reads no command during a transfer, such as vsftpd, goes on until it has the whole file. Its session
    /// ends after [`Config::settle_timeout`](ftp_proto::Config::settle_timeout).
    pub fn abort<S: Read + Write, L>(
        &self,
        source: &mut Session<S, L>,
        target: &mut Session<S, L>,
    ) {
        self.inner.abort(source.request(), target.request());
    }

    /// The request of one side that is running, if any
    #[must_use]
    pub const fn current(&self, side: CopySide) -> Option<OpId> {
        self.inner.current(side)
    }
}
