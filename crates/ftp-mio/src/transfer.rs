//! The bytes of a transfer: straight between the socket and the caller, at the caller's pace

use ftp_proto::{Direction, OpId};
use ftp_session::Moved;

use crate::session::Session;

/// Moving data
///
/// Possible from [`Event::DataOpen`](crate::Event::DataOpen) to the transfer's
/// [`Event::Completed`](crate::Event::Completed). The pace is the caller's: if bytes are not read for a while
/// nothing is lost, and the server waits; only the server's own pauses are bounded by
/// [`Config::data_timeout`](crate::Config::data_timeout).
///
/// Between two turns a session moves about as much as its
/// [budget](crate::Options::budget) permits, and is `NotReady` beyond: so it is safe to call these
/// methods until they are, and one fast transfer leaves time for the others.
impl Session {
    /// Reads bytes of a download
    ///
    /// 64 KiB and more at a time cost the least. All bytes may have come although the transfer is not
    /// complete: only its completion says so.
    pub fn read_data(&mut self, buffer: &mut [u8]) -> Moved {
        let now = self.now();
        self.inner.read_data(buffer, now)
    }

    /// Writes bytes of an upload, which only [`Self::finish_upload`] completes
    ///
    /// Without it, if the upload is aborted, fails, or its session is dropped, what was sent before, or an
    /// empty file, stays on the server under the file's name, in place of what was there before; in clear
    /// text the server can't tell that it is not complete. Upload again, delete the file, or upload under
    /// another name and rename it afterwards.
    ///
    /// Write 64 KiB and more at a time. What is taken is on its way, no more: whether the server has
    /// the file is known when the transfer completes after `finish_upload`.
    pub fn write_data(&mut self, bytes: &[u8]) -> Moved {
        let now = self.now();
        self.inner.write_data(bytes, now)
    }

    /// Ends an upload: what is held back and the end of the file are sent, and the server's
    /// confirmation is awaited
    pub fn finish_upload(&mut self) {
        let now = self.now();
        self.inner.finish_upload(now);
    }

    /// Aborts a request, running or queued, which completes with
    /// [`Aborted`](ftp_proto::Error::Aborted) at once; the session settles afterwards
    ///
    /// Of an upload a part stays on the server, and may look complete: see [`Self::write_data`]. If the
    /// source of an upload fails, this is the call to make, and not [`Self::finish_upload`]. Of a
    /// request that has ended nothing happens. What the server says to it is [`Self::abort_reply`], once the session
    /// [is idle](Self::is_idle).
    pub fn abort(&mut self, op: OpId) {
        self.inner.abort(op);
    }

    /// The transfer that runs, queued ones left out
    #[must_use]
    pub fn running_transfer(&self) -> Option<OpId> {
        self.inner.client().running_transfer()
    }

    /// Which way data can move, if a transfer is that far
    #[must_use]
    pub fn data_direction(&self) -> Option<Direction> {
        self.inner.data_direction()
    }

    /// Whether [`Self::read_data`] probably has something to say
    ///
    /// A level, for applications that have stopped to read for a while: no event will tell them.
    #[must_use]
    pub fn can_read(&self) -> bool {
        self.inner.can_read()
    }

    /// Whether [`Self::write_data`] probably takes something
    #[must_use]
    pub fn can_write(&self) -> bool {
        self.inner.can_write()
    }
}
