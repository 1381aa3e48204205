//! The bytes of a transfer move straight between the connection and its user, at the user's pace

use std::io::{self, Read, Write};

use ftp_proto::{DataEvent, Direction, Op, Output, Time};
use ftp_tls::Stream;

use super::{Session, Work};
use crate::data::{Attempt, Data, DataState, Stage, TransferState, UploadStage};
use crate::error::Error;
use crate::socket::{Socket, is_passing, is_readable};
use crate::transport::{Slot, Transport};

/// Bytes that [`Session::read_data_into`] requests at a time
const AT_A_TIME: usize = 64 * 1024;

/// The result of an attempt to move bytes
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "bytes move now, later, or no more")]
pub enum Moved {
    /// This many bytes were moved, at least one
    Bytes(usize),
    /// None now: the connection must become ready, or others get their turn ([`Session::has_work`])
    NotReady,
    /// No more bytes: [`Event::Completed`](crate::Event::Completed) reports how the transfer ended
    Ended,
}

impl Moved {
    /// The number of bytes that were moved, if any were
    #[must_use]
    pub const fn bytes(self) -> Option<usize> {
        match self {
            Self::Bytes(count) => Some(count),
            Self::NotReady | Self::Ended => None,
        }
    }
}

/// Moving data
///
/// Data can move from [`Event::DataOpen`](crate::Event::DataOpen) until the transfer's
/// [`Event::Completed`](crate::Event::Completed). Both are events that you have taken: a transfer's bytes are held back
/// until its `DataOpen` was returned, or until [`completed`](Self::completed) was asked for its result. So take the
/// events first and then move data, and no bytes get into the file of the transfer before.
///
/// The user sets the pace: if bytes are not read for a while nothing is lost, and the server waits. Only the server's
/// own pauses are bounded, by [`Config::data_timeout`](ftp_proto::Config::data_timeout).
///
/// Between two turns a session moves about as much as its [allowance](crate::Options::allowance) permits, and is
/// `NotReady` beyond that. So it is safe to call these methods until they return that, and one fast transfer leaves
/// time for the others.
impl<S: Read + Write, L> Session<S, L> {
    /// Reads bytes of a download
    ///
    /// Reads of 64 KiB or more cost the least. All bytes may have arrived although the transfer is not complete: only
    /// its completion says so.
    pub fn read_data(&mut self, buffer: &mut [u8], now: Time) -> Moved {
        if let Some(not_now) = self.not_now(Direction::Download) {
            return not_now;
        }
        loop {
            let Some((id, stream, TransferState::Download(text))) = self.moving_current() else {
                return Moved::Ended;
            };
            if buffer.is_empty() {
                return Moved::NotReady;
            }
            if let Some(text) = text {
                match text.take(buffer) {
                    0 => {}
                    count => return Moved::Bytes(count),
                }
            }
            let room = match text {
                Some(text) => text.room(),
                None => &mut *buffer,
            };
            match stream.read(room) {
                Ok(0) => {
                    let rest = text.as_mut().map_or(0, |text| text.finish(buffer));
                    self.over(id, DataEvent::Finished, now);
                    return if rest > 0 { Moved::Bytes(rest) } else { Moved::Ended };
                }
                Ok(count) => {
                    let is_text = text.is_some();
                    if let Some(text) = text {
                        text.received(count);
                    }
                    self.attempt = Attempt::Moved;
                    self.credit = self.credit.saturating_sub(count);
                    self.proto.handle_data(now, id, DataEvent::Progress(count as u64));
                    if !is_text {
                        return Moved::Bytes(count);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if stream.is_exhausted() {
                        self.attempt = Attempt::Refuted;
                        self.work = Work::Left;
                    } else {
                        self.attempt = self.attempt.blocked();
                    }
                    return Moved::NotReady;
                }
                Err(error) => {
                    self.data_broke(id, error, now);
                    return Moved::Ended;
                }
            }
        }
    }

    /// Appends all received bytes of a download to a buffer; between two turns about as many as the
    /// [allowance](crate::Options::allowance) permits
    ///
    /// If no download has got that far, nothing happens, so a loop can call it after each turn.
    pub fn read_data_into(&mut self, bytes: &mut Vec<u8>, now: Time) {
        while self.data_direction() == Some(Direction::Download) {
            let length = bytes.len();
            bytes.resize(length + AT_A_TIME, 0);
            let count = self.read_data(&mut bytes[length..], now).bytes().unwrap_or(0);
            bytes.truncate(length + count);
            if count == 0 {
                break;
            }
        }
    }

    /// Writes bytes of an upload, which are removed from the slice, and [ends](Self::finish_upload) the upload after
    /// the last one
    ///
    /// If no upload has got that far, nothing happens, so a loop can call it after each turn.
    pub fn write_data_from(&mut self, bytes: &mut &[u8], now: Time) {
        while self.data_direction() == Some(Direction::Upload) {
            if bytes.is_empty() {
                return self.finish_upload(now);
            }
            let Moved::Bytes(count) = self.write_data(bytes, now) else { return };
            *bytes = &bytes[count..];
        }
    }

    /// Runs one round for a caller that waits for one request after another: takes a [turn](Self::turn), moves the
    /// bytes of this request, if it is a transfer, [read](Self::read_data_into) into one buffer or
    /// [written](Self::write_data_from) from the other, and returns the [result](Self::completed) of the request, if it
    /// has ended
    pub fn advance<T, O>(
        &mut self,
        op: Op<O>,
        transport: &mut T,
        into: &mut Vec<u8>,
        from: &mut &[u8],
        now: Time,
    ) -> Option<Result<O, Error>>
    where
        T: Transport<Stream = S, Listener = L>,
        O: Output,
    {
        self.turn(transport, now);
        self.await_data(op.id());
        self.read_data_into(into, now);
        self.write_data_from(from, now);
        self.completed(op)
    }

    /// Makes the next [`Self::read_data`] read the connection even if it was not reported as ready: for shells that
    /// read before they wait
    pub fn look_for_data(&mut self) {
        if let Some((_, stream, _)) = self.moving_current() {
            stream.get_mut().ready.read = true;
        }
    }

    /// Writes bytes of an upload, which only [`Self::finish_upload`] completes
    ///
    /// If the upload is aborted or fails, or its session is dropped, the bytes sent so far, or an empty file, stay on
    /// the server under the file's name, replacing what was there before; in clear text the server can't tell that the
    /// file is incomplete. Upload again, delete the file, or upload under another name and rename it afterwards.
    ///
    /// Write 64 KiB or more at a time. Accepted bytes are on their way, no more: only the completion after
    /// `finish_upload` says whether the server has the file.
    pub fn write_data(&mut self, bytes: &[u8], now: Time) -> Moved {
        if let Some(not_now) = self.not_now(Direction::Upload) {
            return not_now;
        }
        let Some((id, stream, transfer)) = self.moving_current() else { return Moved::Ended };
        let TransferState::Upload(UploadStage::Writing(_), text) = transfer else {
            return Moved::Ended;
        };
        if bytes.is_empty() {
            return Moved::NotReady;
        }
        let (taken, sent) = match text {
            None => {
                let result = stream.write(bytes);
                (result.as_ref().copied().unwrap_or(0), result)
            }
            Some(text) => match text.send(stream) {
                Ok(before) => {
                    let taken = text.take(bytes);
                    (taken, text.send(stream).map(|count| before + count))
                }
                Err(error) => (0, Err(error)),
            },
        };
        match sent {
            Err(error) if !is_passing(&error) => {
                self.data_broke(id, error, now);
                return Moved::Ended;
            }
            sent => self.moved(id, sent, now),
        };
        self.credit = self.credit.saturating_sub(taken);
        if taken == 0 {
            self.attempt = self.attempt.blocked();
            return Moved::NotReady;
        }
        self.attempt = Attempt::Moved;
        Moved::Bytes(taken)
    }

    /// Ends an upload: sends the bytes that are held back and the end of the file, and awaits the server's
    /// confirmation
    pub fn finish_upload(&mut self, now: Time) {
        if let Some((id, _, TransferState::Upload(stage @ UploadStage::Writing(_), _))) =
            self.moving_current()
        {
            *stage = UploadStage::Ending;
            // Any pause before this was the user's: the server's time starts here.
            self.proto.handle_data(now, id, DataEvent::Paused);
        }
        self.work = Work::Left;
    }

    /// The direction in which data can move, if a transfer has got that far
    #[must_use]
    pub fn data_direction(&self) -> Option<Direction> {
        match self.moving_now()? {
            (_, TransferState::Download(_)) => Some(Direction::Download),
            (_, TransferState::Upload(UploadStage::Writing(_), _)) => Some(Direction::Upload),
            (_, TransferState::Upload(..) | TransferState::TicketListing) => None,
        }
    }

    /// Whether [`Self::read_data`] probably returns something
    ///
    /// This is level-triggered, for users that have stopped reading for a while: no event will tell them.
    #[must_use]
    pub fn can_read(&self) -> bool {
        match self.moving_now() {
            Some((stream, TransferState::Download(text))) => {
                is_readable(stream) || text.as_ref().is_some_and(|text| !text.is_empty())
            }
            _ => false,
        }
    }

    /// Whether [`Self::write_data`] probably accepts bytes
    #[must_use]
    pub fn can_write(&self) -> bool {
        match self.moving_now() {
            Some((stream, TransferState::Upload(UploadStage::Writing(_), _))) => {
                stream.get_ref().ready.write
            }
            _ => false,
        }
    }

    /// Whether the next turns must still send bytes that [`Self::write_data`] has accepted
    #[must_use]
    pub fn holds_back(&self) -> bool {
        match self.moving_now() {
            Some((stream, TransferState::Upload(_, text))) => {
                stream.wants_write() || text.as_ref().is_some_and(|text| !text.is_empty())
            }
            _ => false,
        }
    }

    /// The slot of the data connection whose bytes can move
    #[must_use]
    pub fn data_slot(&self) -> Option<Slot> {
        self.moving_now().map(|(stream, _)| stream.get_ref().slot)
    }

    fn moving_now(&self) -> Option<(&Stream<Socket<S>>, &TransferState)> {
        match &self.data {
            Some(Data { state: DataState::Connected(stream, Stage::Moving(transfer)), .. })
                if self.carries_current() =>
            {
                Some((stream, transfer))
            }
            _ => None,
        }
    }

    /// Why no data can be moved in this direction before the next turn, if that is so
    fn not_now(&mut self, direction: Direction) -> Option<Moved> {
        if self.work == Work::Released {
            self.work = Work::None;
        }
        if self.holds_data() {
            return Some(Moved::NotReady);
        }
        if self.credit > 0 {
            return None;
        }
        if self.data_direction() != Some(direction) {
            return Some(Moved::Ended);
        }
        self.work = Work::Left;
        Some(Moved::NotReady)
    }
}
