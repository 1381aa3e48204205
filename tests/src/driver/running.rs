//! Transfers of a [`Client`]: their bytes, lines or entries, and their results

use std::fmt;
use std::io::{self, Read, Write};

use ftp_proto::listing::OwnedEntry;
use ftp_proto::{Direction, Op, Reply, Transfer};
use ftp_session::system::listing_parser;
use ftp_session::{Entries as Reading, Error, Moved};

use super::{Client, Driver};

type Result<T> = std::result::Result<T, Error>;

/// A running transfer in either direction; dropping it aborts it
pub struct Running<'a, D: Driver> {
    client: &'a mut Client<D>,
    op: Op<Transfer>,
    end: Option<Result<Transfer>>,
    /// Bytes that were read but do not form a complete line yet
    ahead: Vec<u8>,
    line: Vec<u8>,
}

impl<'a, D: Driver> Running<'a, D> {
    /// Waits until bytes can move
    pub(super) fn start(
        client: &'a mut Client<D>,
        request: impl FnOnce(&mut ftp_proto::Client) -> Op<Transfer>,
    ) -> Result<Self> {
        let op = client.begin(request);
        let mut running = Self { client, op, end: None, ahead: Vec::new(), line: Vec::new() };
        while !running.is_over() && running.direction().is_none() {
            running.client.wait();
        }
        match running.end.take() {
            Some(Err(error)) => {
                running.end = Some(Err(error.duplicate()));
                Err(error)
            }
            end => {
                running.end = end;
                Ok(running)
            }
        }
    }

    fn direction(&self) -> Option<Direction> {
        self.client.driver.session().data_direction()
    }

    fn is_over(&mut self) -> bool {
        if self.end.is_none() {
            self.end = self.client.take(self.op);
        }
        self.end.is_some()
    }

    /// Returns the result, also after it has been returned before
    fn ended(&mut self) -> Option<Result<()>> {
        self.is_over();
        match self.end.as_ref()? {
            Ok(_) => Some(Ok(())),
            Err(error) => Some(Err(error.duplicate())),
        }
    }

    pub fn size_hint(&self) -> Option<u64> {
        self.client.size_hint
    }

    pub fn finish(mut self) -> Result<Transfer> {
        if self.direction() == Some(Direction::Upload) {
            let now = self.client.driver.now();
            self.client.driver.session_mut().finish_upload(now);
        }
        if self.direction() == Some(Direction::Download) {
            io::copy(&mut self, &mut io::sink())?;
        }
        while !self.is_over() {
            self.client.wait();
        }
        self.end.take().unwrap_or_else(|| Err(ftp_proto::Error::Aborted.into()))
    }

    pub fn abort(mut self) -> Result<Option<Reply>> {
        self.give_up()
    }

    fn give_up(&mut self) -> Result<Option<Reply>> {
        let runs = !self.is_over();
        if runs {
            self.client.driver.session_mut().abort(self.op.id());
            self.end = Some(Err(ftp_proto::Error::Aborted.into()));
            let _ = self.client.rest();
        }
        match self.client.driver.session().ended() {
            Some(error) => Err(error),
            None => Ok(self.client.abort_reply().filter(|_| runs).cloned()),
        }
    }

    pub fn next_line(&mut self) -> Result<Option<&[u8]>> {
        loop {
            if let Some(end) = self.ahead.iter().position(|byte| *byte == b'\n') {
                self.line = self.ahead.drain(..=end).take(end).collect();
                break;
            }
            let mut block = [0; 4096];
            match self.read(&mut block)? {
                0 if self.ahead.is_empty() => return Ok(None),
                0 => self.ahead.push(b'\n'),
                count => self.ahead.extend_from_slice(&block[..count]),
            }
            if self.ahead.len() > MAX_LINE {
                return Err(Error::LineTooLong { limit: MAX_LINE });
            }
        }
        Ok(Some(self.line.strip_suffix(b"\r").unwrap_or(&self.line)))
    }

    pub fn collect_lines(mut self) -> Result<Vec<Vec<u8>>> {
        let mut lines = Vec::new();
        while let Some(line) = self.next_line()? {
            lines.push(line.to_vec());
        }
        self.finish()?;
        Ok(lines)
    }
}

/// The same limit as in ftp-blocking
const MAX_LINE: usize = 1024 * 1024;

impl<D: Driver> Read for Running<'_, D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(end) = self.ended() {
                return Ok(end.map(|()| 0)?);
            }
            match self.client.driver.read_data(buffer) {
                Moved::Bytes(count) => return Ok(count),
                Moved::NotReady | Moved::Ended => self.client.wait(),
            }
        }
    }
}

impl<D: Driver> Write for Running<'_, D> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.ended() {
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(())) => return Err(io::ErrorKind::BrokenPipe.into()),
                None if bytes.is_empty() => return Ok(0),
                None => {}
            }
            match self.client.driver.write_data(bytes) {
                Moved::Bytes(count) => return Ok(count),
                Moved::NotReady | Moved::Ended => self.client.wait(),
            }
        }
    }

    /// Does nothing: the session's turns send buffered bytes
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<D: Driver> Drop for Running<'_, D> {
    fn drop(&mut self) {
        let _ = self.give_up();
    }
}

impl<D: Driver> fmt::Debug for Running<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("op", &self.op).finish_non_exhaustive()
    }
}

/// The entries of a directory, as they arrive
#[derive(Debug)]
pub struct Entries<'a, D: Driver> {
    running: Running<'a, D>,
    reading: Reading,
    failed: bool,
}

impl<'a, D: Driver> Entries<'a, D> {
    pub(super) fn new(running: Running<'a, D>) -> Self {
        Self { running, reading: Reading::with_parser(listing_parser()), failed: false }
    }

    pub fn unknown_lines(&self) -> u64 {
        self.reading.unknown_lines()
    }
}

impl<D: Driver> Iterator for Entries<'_, D> {
    type Item = Result<OwnedEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            match self.running.client.driver.next_entry(&mut self.reading) {
                Ok(Some(entry)) => return Some(Ok(entry)),
                Ok(None) => {}
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            }
            let last = match self.running.ended() {
                None => {
                    self.running.client.wait();
                    continue;
                }
                Some(Ok(())) => self.reading.last(),
                Some(Err(error)) => Err(error),
            };
            self.failed = last.is_err();
            return last.transpose();
        }
        None
    }
}
