//! Transfers of a procedure: moves bytes between the session and the buffer, and collects entries of a directory

use std::io::{Read, Write};

use ftp_proto::Time;

use super::work::{self, Answer, Sink};
use super::{Collecting, MAX_DIRECTORY, Procedure, Progress, Stage};
use crate::buffer::Buffer;
use crate::error::Error;
use crate::session::{Moved, Session};

impl<T> Procedure<T> {
    /// Advances a transfer
    pub(super) fn go_on<S: Read + Write, L>(
        &mut self,
        stage: Stage,
        session: &mut Session<S, L>,
        now: Time,
    ) -> Progress {
        let stage = match stage {
            Stage::Listing(collecting) => return self.collect(collecting, session, now),
            stage => stage,
        };
        if let Some(result) = self.ended.take() {
            self.transfer = None;
            let answer = match stage {
                Stage::Aborting => Answer::Done,
                _ => Answer::Ended(result),
            };
            return Progress::Moved(Stage::Ready(Some(answer)));
        }
        match stage {
            Stage::Beginning if session.data_direction().is_some() => {
                Progress::Moved(Stage::Ready(Some(Answer::Begun)))
            }
            Stage::Receiving { most, sink } => {
                self.grow(self.transfer.and_then(|op| session.size_hint(op.id())));
                let most = usize::try_from(most).unwrap_or(usize::MAX).min(self.buffer.len());
                let Moved::Bytes(received) = session.read_data(&mut self.buffer[..most], now)
                else {
                    return Progress::Waits(stage);
                };
                self.filled = received;
                Progress::Moved(match sink {
                    Sink::Write(at) => Stage::Writing { at, received },
                    Sink::Compare(at) => Stage::Comparing { at, received, compared: 0 },
                    Sink::Nowhere => Stage::Ready(Some(Answer::Moved(received as u64))),
                })
            }
            Stage::Sending { read, sent } if sent == read => {
                self.moved += read as u64;
                Progress::Moved(Stage::Ready(Some(Answer::Moved(read as u64))))
            }
            Stage::Sending { read, sent } => {
                match session.write_data(&self.buffer[sent..read], now) {
                    Moved::Bytes(count) => {
                        Progress::Moved(Stage::Sending { read, sent: sent + count })
                    }
                    Moved::NotReady | Moved::Ended => Progress::Waits(stage),
                }
            }
            _ => Progress::Waits(stage),
        }
    }

    /// Collects the entries of a directory
    fn collect<S: Read + Write, L>(
        &mut self,
        mut collecting: Box<Collecting>,
        session: &mut Session<S, L>,
        now: Time,
    ) -> Progress {
        let listed = |result| Progress::Moved(Stage::Ready(Some(Answer::Listed(result))));
        let Collecting { op, entries, directory, held } = &mut *collecting;
        loop {
            let ended = self.ended.is_some();
            let entry = match ended {
                true => entries.last(),
                false => Ok(entries.next(session, now)),
            };
            match entry {
                Ok(Some(entry)) => {
                    *held += work::held(&entry);
                    directory.entries.push(entry);
                }
                Ok(None) if !ended => {
                    return Progress::Waits(Stage::Listing(collecting));
                }
                Ok(None) => {
                    directory.unknown_lines = entries.unknown_lines();
                    let ended = self.ended.take();
                    self.transfer = None;
                    return match ended {
                        Some(Err(error)) => listed(Err(error)),
                        _ => listed(Ok(std::mem::take(directory))),
                    };
                }
                Err(error) => {
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
