//! The bytes of a transfer move straight between the socket and the caller, at the caller's pace

use ftp_proto::{Direction, OpId};
use ftp_session::Moved;

use crate::session::Session;

/// Moving data
///
/// Data can move from [`Event::DataOpen`](crate::Event::DataOpen) until the transfer's
/// [`Event::Completed`](crate::Event::Completed). Both are events that you have taken: a transfer's bytes are held back
/// until [`Self::poll_event`] has returned its `DataOpen`. So take the events first and then move data, and no bytes
/// get into the file of the transfer before.
///
/// The caller sets the pace: if you don't read for a while nothing is lost, and the server waits. Only the server's own
/// pauses are bounded, by [`Config::data_timeout`](crate::Config::data_timeout).
///
/// Between two turns a session moves about as much as its [allowance](crate::Options::allowance) permits, and is
/// `NotReady` beyond that. So it is safe to call these methods until they return that, and one fast transfer leaves
/// time for the others.
impl Session {
    /// Reads bytes of a download
    ///
    /// Reads of 64 KiB or more cost the least. All bytes may have arrived although the transfer is not complete: only
    /// its completion says so.
    pub fn read_data(&mut self, buffer: &mut [u8]) -> Moved {
        let now = self.now();
        self.inner.read_data(buffer, now)
    }

    /// Writes bytes of an upload, which only [`Self::finish_upload`] completes
    ///
    /// If the upload is aborted or fails, or its session is dropped, the bytes sent so far, or an empty file, stay on
    /// the server under the file's name, replacing what was there before; in clear text the server can't tell that the
    /// file is incomplete. Upload again, delete the file, or upload under another name and rename it afterwards.
    ///
    /// Write 64 KiB or more at a time. Accepted bytes are on their way, no more: only the completion after
    /// `finish_upload` says whether the server has the file.
    pub fn write_data(&mut self, bytes: &[u8]) -> Moved {
        let now = self.now();
        self.inner.write_data(bytes, now)
    }

    /// Ends an upload: sends the bytes that are held back and the end of the file, and awaits the server's
    /// confirmation
    pub fn finish_upload(&mut self) {
        let now = self.now();
        self.inner.finish_upload(now);
    }

    /// Aborts a request, running or queued, which completes with [`Aborted`](ftp_proto::Error::Aborted) at once; the
    /// session settles afterwards
    ///
    /// A part of an upload stays on the server, and may look complete: see [`Self::write_data`]. If the source of an
    /// upload fails, call this, and not [`Self::finish_upload`]. If the request has already ended, nothing happens.
    /// [`Self::abort_reply`] returns the server's reply, once the session
    /// [is idle](Self::is_idle).
    pub fn abort(&mut self, op: OpId) {
        self.inner.abort(op);
    }

    /// The running transfer; queued ones don't count
    #[must_use]
    pub fn running_transfer(&self) -> Option<OpId> {
        self.inner.client().running_transfer()
    }

    /// The direction in which data can move, if a transfer has got that far
    #[must_use]
    pub fn data_direction(&self) -> Option<Direction> {
        self.inner.data_direction()
    }

    /// Whether [`Self::read_data`] probably returns something
    ///
    /// This is level-triggered, for applications that have stopped reading for a while: no event will tell them.
    #[must_use]
    pub fn can_read(&self) -> bool {
        self.inner.can_read()
    }

    /// Whether [`Self::write_data`] probably accepts bytes
    #[must_use]
    pub fn can_write(&self) -> bool {
        self.inner.can_write()
    }
}
