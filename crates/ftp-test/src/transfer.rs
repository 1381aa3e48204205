//! Transfers and their faults

use std::io::{self, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use crate::files::{MODIFIED, Node, obstacle, place};
use crate::rule::{End, Faults};
use crate::session::{Goes, Session, Source};
use crate::state::Shared;
use crate::wire::Wire;

/// How much of the data was transferred
enum Moved {
    All,
    Part,
}

impl Session<'_> {
    pub(crate) fn transfer(&mut self, source: Source, faults: &Faults) -> Goes {
        let marker = std::mem::take(&mut self.marker);
        let marker = if faults.from_start { 0 } else { marker };
        let bytes = match &source {
            Source::File(path) => match faults.data.clone().or_else(|| self.files().get(path)) {
                Some(bytes) if marker <= bytes.len() => bytes[marker..].to_vec(),
                Some(_) => return self.reply("550 The file is shorter than that."),
                None => return self.reply("550 No such file or directory."),
            },
            Source::Listing(lines) => faults.data.as_ref().unwrap_or(lines).clone(),
            Source::Store(path) | Source::Append(path) | Source::Unique(path) => {
                let appends = matches!(source, Source::Append(_));
                if let Some(refusal) = self.refusal(path, if appends { 0 } else { marker }) {
                    return self.reply(refusal);
                }
                Vec::new()
            }
        };
        let Some(socket) = self.open()? else { return Ok(true) };
        self.reply(&match (&faults.preliminary, &source) {
            (Some(reply), _) => reply.clone(),
            // RFC 1123 section 4.1.2.9
            (None, Source::Unique(path)) => {
                format!("150 FILE: {}", path.rsplit('/').next().unwrap_or(path))
            }
            _ => "150 here it comes".to_owned(),
        })?;
        let moved = match self.protected(socket) {
            Err(error) => Err(error),
            Ok(mut data) => match source {
                Source::File(_) | Source::Listing(_) => {
                    send(&mut data, &bytes, faults, self.shared)
                }
                Source::Store(path) | Source::Unique(path) => {
                    self.receive(data, path, Some(marker), faults)
                }
                Source::Append(path) => self.receive(data, path, None, faults),
            },
        };
        wait(faults.pause, || self.shared.is_stopping());
        match (&faults.end, moved) {
            (End::Close, _) => Ok(false),
            (End::Reply(reply), _) => self.reply(reply),
            (End::Usual, Ok(Moved::All)) => self.reply("226 done"),
            (End::Usual, Ok(Moved::Part)) => self.reply("426 The transfer is broken off."),
            (End::Usual, Err(error)) => self.reply(&format!("426 The transfer broke: {error}.")),
        }
    }

    /// Returns the refusal of an upload to this path that begins at this offset
    fn refusal(&self, path: &str, marker: usize) -> Option<&'static str> {
        let nodes = self.files().lock();
        let length = match nodes.get(path) {
            Some(Node::Directory) => return Some("550 Is a directory."),
            Some(Node::File { bytes, .. }) => bytes.len(),
            None => 0,
        };
        if marker > length {
            return Some("554 The file is shorter than that.");
        }
        obstacle(&nodes, path)
    }

    /// Receives data and stores it after the first `marker` bytes of the file; `None` appends it
    fn receive(
        &self,
        mut data: Wire,
        path: String,
        marker: Option<usize>,
        faults: &Faults,
    ) -> io::Result<Moved> {
        let mut bytes = Vec::new();
        let moved = take(&mut data, &mut bytes, faults, self.shared);
        let mut whole = self.files().get(&path).unwrap_or_default();
        whole.truncate(marker.unwrap_or(usize::MAX));
        whole.extend_from_slice(&bytes);
        // Store the file before the client can see the end: the test may then read it at once.
        let file = Node::File { bytes: whole, modified: MODIFIED.to_owned() };
        place(&mut self.files().lock(), path, file);
        finish(&mut data, faults, moved)
    }
}

fn send(data: &mut Wire, bytes: &[u8], faults: &Faults, shared: &Shared) -> io::Result<Moved> {
    let end = faults.break_at.map_or(bytes.len(), |most| most.min(bytes.len()));
    let fast = faults.slow.map_or(end, |(fast, _)| fast.min(end));
    let sent = || {
        data.write_all(&bytes[..fast])?;
        data.flush()?;
        for byte in &bytes[fast..end] {
            if pause(data, faults, shared)? {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            data.write_all(&[*byte])?;
            data.flush()?;
        }
        Ok(if end < bytes.len() { Moved::Part } else { Moved::All })
    };
    let moved = { sent }();
    finish(data, faults, moved)
}

fn take(
    data: &mut Wire,
    bytes: &mut Vec<u8>,
    faults: &Faults,
    shared: &Shared,
) -> io::Result<Moved> {
    let most = faults.break_at.unwrap_or(usize::MAX);
    let fast = faults.slow.map_or(most, |(fast, _)| fast.min(most));
    data.take(fast as u64).read_to_end(bytes)?;
    while bytes.len() >= fast && bytes.len() < most {
        // Whether the pause ended early is not needed: the read reports the end of the connection.
        pause(data, faults, shared)?;
        if data.take(1).read_to_end(bytes)? == 0 {
            break;
        }
    }
    Ok(if bytes.len() < most { Moved::All } else { Moved::Part })
}

/// Prepares the data connection for its end: close_notify, a reset, or neither
fn finish(data: &mut Wire, faults: &Faults, moved: io::Result<Moved>) -> io::Result<Moved> {
    match moved {
        Ok(Moved::All) => data.end(),
        _ if faults.reset => data.reset()?,
        _ => {}
    }
    moved
}

/// Pauses before a byte; returns whether the pause ended early
///
/// It does if the client has closed the connection and nothing is left to read, or if the server is being dropped.
fn pause(data: &Wire, faults: &Faults, shared: &Shared) -> io::Result<bool> {
    let (_, pause) = faults.slow.unwrap_or_default();
    let socket = data.socket();
    socket.set_nonblocking(true)?;
    let gone = wait(pause, || matches!(socket.peek(&mut [0]), Ok(0)) || shared.is_stopping());
    socket.set_nonblocking(false)?;
    Ok(gone)
}

/// Waits for `time`, or until `over` returns true; returns whether it did
fn wait(time: Duration, mut over: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while let Some(left) = time.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) {
        if over() {
            return true;
        }
        thread::sleep(left.min(Duration::from_millis(10)));
    }
    false
}
