//! Uploads: send what the user has written, then the end, then wait for the server

use std::io::{self, Read, Write};
use std::time::Duration;

use ftp_proto::{DataEvent, DataFailure, Time};
use ftp_tls::{Stream, TlsError};

use super::{Moved, Session};
use crate::data::{ServerEnd, TransferState, UploadStage};
use crate::socket::{Socket, is_passing, is_readable, repeated};
use crate::text::TextOut;
use crate::time::{has_passed, later};
use crate::transport::{Transport, TransportOf};

/// How long to wait for late tickets after the final reply of an upload
const LINGER: Duration = Duration::from_secs(2);

impl<S: Read + Write, L> Session<S, L> {
    /// Advances an upload; returns true if the machine has learned something
    pub(super) fn drive_upload(
        &mut self,
        transport: &mut impl TransportOf<S, L>,
        now: Time,
    ) -> bool {
        if let Some((_, _, TransferState::Upload(UploadStage::Ending, _))) = self.moving() {
            // A final reply that is waiting can't be about the end, which is not sent yet.
            if self.read_replies_now(transport, now) {
                return true;
            }
        }
        let final_reply_received = self.proto.final_reply_received();
        let end = if self.is_tunneled() { End::CloseNotify } else { End::HalfClose };
        let Some((id, stream, TransferState::Upload(stage, text))) = self.moving() else {
            return false;
        };
        match stage {
            UploadStage::Writing(server) => {
                if *server == ServerEnd::Open && is_readable(stream) {
                    match read_unexpected(stream) {
                        Ok(Moved::NotReady) => {}
                        Ok(Moved::Bytes(_)) => return self.over(id, UNEXPECTED, now),
                        Ok(Moved::Ended) => *server = ServerEnd::Closed,
                        // The server has closed its sending side; the next write shows whether it still receives.
                        Err(error) if TlsError::in_io(&error).is_some() => {
                            *server = ServerEnd::Closed;
                        }
                        Err(error) => return self.data_broke(id, error, now),
                    }
                }
                let sent = send_text(stream, text).and_then(|count| match stream.flush() {
                    Err(error) if !is_passing(&error) => Err(error),
                    _ => Ok(count),
                });
                self.moved(id, sent, now)
            }
            UploadStage::Ending => {
                let sent = send_text(stream, text);
                let all_sent = text.as_ref().is_none_or(|text| text.is_empty());
                let ended = match &sent {
                    Ok(_) if all_sent => end_upload(stream, end, transport),
                    _ => Ok(false),
                };
                if let Ok(true) = ended {
                    // Everything, including the end, was passed to the system: from now on the server's close is
                    // awaited.
                    *stage = UploadStage::Draining { until: None };
                }
                let moved = self.moved(id, sent, now);
                match ended {
                    Ok(true) => {
                        self.proto.handle_data(now, id, DataEvent::Sent);
                        true
                    }
                    Ok(false) => moved,
                    Err(error) => self.moved(id, Err(error), now),
                }
            }
            UploadStage::Draining { until } => {
                let secure = stream.is_secure();
                let drained = if secure {
                    match stream.drain() {
                        Ok(drained) => drained,
                        // Everything was sent. A server that closes without reading our close_notify resets the
                        // connection. A server that misses it knows that the file is incomplete, and says so.
                        Err(error) if is_passing(&error) => false,
                        Err(_) => return self.over(id, DataEvent::Truncated, now),
                    }
                } else {
                    // The final reply is believed only if the connection has not broken, which the shell may not have
                    // reported yet.
                    if final_reply_received {
                        stream.get_mut().ready.read = true;
                        transport.look(stream.get_mut().io_mut());
                    }
                    match read_unexpected(stream) {
                        Ok(Moved::NotReady) => false,
                        Ok(Moved::Bytes(_)) => return self.over(id, UNEXPECTED, now),
                        Ok(Moved::Ended) => true,
                        // Bytes are lost, whatever the final reply says: in clear text the server
                        // can't tell a broken upload from a complete one.
                        Err(error) => return self.data_broke(id, error, now),
                    }
                };
                if final_reply_received && until.is_none() {
                    *until = later(now, LINGER);
                }
                let waited = final_reply_received && !secure || has_passed(*until, now);
                (drained || waited) && self.over(id, DataEvent::Finished, now)
            }
        }
    }
}

/// The server has sent bytes on an upload's connection
const UNEXPECTED: DataEvent = DataEvent::Failed(DataFailure::UnexpectedData);

/// Reads an upload's connection, on which the server should send nothing
fn read_unexpected<S: Read + Write>(stream: &mut Stream<Socket<S>>) -> io::Result<Moved> {
    match stream.read(&mut [0; 256]) {
        Ok(0) => Ok(Moved::Ended),
        Ok(count) => Ok(Moved::Bytes(count)),
        Err(error) if is_passing(&error) => Ok(Moved::NotReady),
        Err(error) => Err(error),
    }
}

/// Sends text that is held back, as far as the connection accepts it; returns how many bytes
fn send_text<S: Read + Write>(
    stream: &mut Stream<Socket<S>>,
    text: &mut Option<Box<TextOut>>,
) -> io::Result<usize> {
    text.as_mut().map_or(Ok(0), |text| text.send(stream))
}

/// How an upload ends under TLS; in clear text there is only the half-close
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// close_notify, then half-close
    HalfClose,
    /// close_notify alone, which servers accept as the end (RFC 8446 section 6.1)
    ///
    /// Some proxies close both connections when one ends. The bytes that the server has sent, such as TLS tickets, are
    /// then unread, so the system resets the connection to the server. The rest of the file is lost there, and some
    /// servers still report it as complete.
    CloseNotify,
}

/// Signals an upload's end; false if the connection would block
fn end_upload<S: Read + Write>(
    stream: &mut Stream<Socket<S>>,
    end: End,
    transport: &mut impl Transport<Stream = S>,
) -> io::Result<bool> {
    if !stream.close_notify()? {
        return Ok(false);
    }
    if end == End::CloseNotify && stream.is_secure() {
        return Ok(true);
    }
    match repeated(|| transport.shutdown(stream.get_mut().io_mut())) {
        Ok(()) => Ok(true),
        Err(error) if is_passing(&error) => Ok(false),
        Err(error) => Err(error),
    }
}
