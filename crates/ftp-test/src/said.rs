//! A transcript of a control connection, for the panics of a script

use std::io::{self, BufRead, Read, Write};

/// The commands and replies of a control connection, in order
#[derive(Clone, Debug, Default)]
pub(crate) struct Said(String);

impl Said {
    /// Sends a reply
    #[track_caller]
    pub(crate) fn send(&mut self, to: &mut impl Write, line: &str) {
        let sent = to.write_all(format!("{line}\r\n").as_bytes()).and_then(|()| to.flush());
        if let Err(error) = sent {
            panic!("can't send {line:?}: {error}\n{}", self.report());
        }
        self.note('S', line);
    }

    /// Receives the next command; `None` at the end of the connection
    #[track_caller]
    pub(crate) fn receive(&mut self, from: &mut impl BufRead) -> Option<Vec<u8>> {
        let line = read_line(from).unwrap_or_else(|error| {
            panic!("waiting for a command: {error}\n{}", self.report());
        })?;
        self.note('C', &line.escape_ascii().to_string());
        Some(line)
    }

    /// Expects this command, or with `None` the end of the connection
    #[track_caller]
    pub(crate) fn expect(&mut self, from: &mut impl BufRead, command: Option<&str>) {
        let line = self.receive(from);
        if line.as_deref() != command.map(str::as_bytes) {
            let line = line.map(|line| line.escape_ascii().to_string());
            self.fail(line.as_deref(), command.unwrap_or("the end of the connection"));
        }
    }

    /// Panics with what was received, what was expected, and the transcript
    #[track_caller]
    pub(crate) fn fail(&self, came: Option<&str>, expected: &str) -> ! {
        let came = came.unwrap_or("the end of the connection");
        panic!("the script expects {expected}, and the client sent {came}\n{}", self.report());
    }

    fn note(&mut self, who: char, line: &str) {
        self.0 += &format!("  {who}: {line}\n");
    }

    fn report(&self) -> String {
        format!("so far (C: client, S: server):\n{}", self.0)
    }
}

/// Reads a line and returns it without its CRLF; `None` at the end of the connection
///
/// The reader's own timeout limits each read. A line that does not end with CRLF, or is longer than 64 KiB, is an
/// `InvalidData` error.
pub(crate) fn read_line(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    // No system has paths this long.
    reader.by_ref().take(1 << 16).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    let Some(command) = line.strip_suffix(b"\r\n") else {
        let text = format!("a line without CRLF: {}", line.escape_ascii());
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    };
    Ok(Some(command.to_vec()))
}
