//! Transfers of a procedure: moves bytes between the session and the buffer, and collects entries of a directory

use std::io::{Read, Write};

use ftp_proto::Time;

use super::work::{self, Answer, Sink};
use super::{Collecting, MAX_DIRECTORY, Procedure, Stage};
use crate::buffer::Buffer;
use crate::error::Error;
use crate::session::Session;

impl<T> Procedure<T> {
    /// Advances a transfer; returns its next stage, `None` if it waits
    pub(super) fn go_on<S: Read + Write, L>(
        &mut self,
        session: &mut Session<S, L>,
        now: Time,
    ) -> Option<Stage> {
        if let Stage::Listing(_) = self.stage {
            return self.collect(session, now);
        }
        if let Some(result) = self.ended.take() {
            self.transfer = None;
            let answer = match self.stage {
                Stage::Aborting => Answer::Done,
                _ => Answer::Ended(result),
            };
            return Some(Stage::Ready(Some(answer)));
        }
        match self.stage {
            Stage::Beginning => session.data_direction().map(|_| Stage::Ready(Some(Answer::Begun))),
            Stage::Receiving { most, sink } => {
                self.grow(self.transfer.and_then(|op| session.size_hint(op.id())));
                let most = usize::try_from(most).unwrap_or(usize::MAX).min(self.buffer.len());
                let received = session.read_data(&mut self.buffer[..most], now).bytes()?;
                self.filled = received;
                Some(match sink {
                    Sink::Write(at) => Stage::Writing { at, received },
                    Sink::Compare(at) => Stage::Comparing { at, received, compared: 0 },
                    Sink::Nowhere => Stage::Ready(Some(Answer::Moved(received as u64))),
                })
            }
            Stage::Sending { read, sent } if sent == read => {
                self.moved += read as u64;
                Some(Stage::Ready(Some(Answer::Moved(read as u64))))
            }
            Stage::Sending { read, sent } => {
                let count = session.write_data(&self.buffer[sent..read], now).bytes()?;
                Some(Stage::Sending { read, sent: sent + count })
            }
            _ => None,
        }
    }

    /// Collects the entries of a directory
    fn collect<S: Read + Write, L>(
        &mut self,
        session: &mut Session<S, L>,
        now: Time,
    ) -> Option<Stage> {
        let Stage::Listing(collecting) = &mut self.stage else { return None };
        let listed = |result| Some(Stage::Ready(Some(Answer::Listed(result))));
        let Collecting { op, entries, directory, held } = &mut **collecting;
        loop {
            let ended = self.ended.is_some();
            let entry = match ended {
                true => entries.last(),
                false => entries.next(session, now),
            };
            match entry {
                Ok(Some(entry)) => {
                    *held += work::held(&entry);
                    directory.entries.push(entry);
                }
                Ok(None) if !ended => return None,
                Ok(None) => {
                    directory.unknown_lines = entries.unknown_lines();
                    directory.may_lack_dot_names = entries.may_lack_dot_names();
                    let ended = self.ended.take();
                    self.transfer = None;
                    return match ended {
                        Some(Err(error)) => listed(Err(error)),
                        _ => listed(Ok(std::mem::take(directory))),
                    };
                }
                Err(error) => {
                    if !ended {
                        session.abort(op.id());
                    }
                    // If the transfer failed, its error explains this one.
                    let ended = self.ended.take().and_then(Result::err);
                    self.transfer = None;
                    return listed(Err(ended.unwrap_or(error)));
                }
            }
            if *held > MAX_DIRECTORY && self.ended.is_none() {
                session.abort(op.id());
                self.transfer = None;
                return listed(Err(Error::ListingTooLong { limit: MAX_DIRECTORY }));
            }
        }
    }

    /// Makes room for the next block: blocks grow as long as they are filled. `expected`: the number of bytes, if known
    pub(super) fn grow(&mut self, expected: Option<u64>) {
        if self.buffer.is_empty() {
            self.buffer = Buffer::first(expected, self.block_size);
        }
        self.buffer.grow(self.filled, self.block_size);
    }
}
