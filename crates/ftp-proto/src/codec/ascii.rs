//! TYPE A: CRLF on the network, LF for the user (RFC 959 section 3.1.1.1)

use memchr::memchr;

use super::{Codec, Progress};

/// Decodes text from the network: CRLF becomes LF
///
/// A CR before any other byte, and one at the end of the data, is unchanged, so text that was sent with other line
/// endings arrives unharmed. CR NUL, Telnet's form of a bare CR, is unchanged, too: no FTP server is known to send
/// it, and files that contain it should arrive as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AsciiDecoder {
    pending: Pending,
}

/// Encodes text for the network: LF becomes CRLF
///
/// An LF after a CR is unchanged, as in ftplib's `storlines`, so text with either
/// line ending, or both, can be sent. A bare CR is unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AsciiEncoder {
    last: Previous,
}

/// What a decoder holds back
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pending {
    #[default]
    Nothing,
    /// A CR, until the next byte is known
    CarriageReturn,
}

/// The last byte that an encoder has processed
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Previous {
    #[default]
    Other,
    CarriageReturn,
}

impl AsciiDecoder {
    /// Creates a decoder for the start of the data
    #[must_use]
    pub const fn new() -> Self {
        Self { pending: Pending::Nothing }
    }
}

impl AsciiEncoder {
    /// Creates an encoder for the start of the data
    #[must_use]
    pub const fn new() -> Self {
        Self { last: Previous::Other }
    }
}

impl Codec for AsciiDecoder {
    fn process(&mut self, input: &[u8], output: &mut [u8]) -> Progress {
        let (mut consumed, mut produced) = (0, 0);
        while consumed < input.len() && produced < output.len() {
            if self.pending == Pending::CarriageReturn {
                self.pending = Pending::Nothing;
                if input[consumed] != b'\n' {
                    output[produced] = b'\r';
                    produced += 1;
                    continue;
                }
            }
            match input[consumed..] {
                [b'\r', b'\n', ..] => {
                    output[produced] = b'\n';
                    consumed += 2;
                    produced += 1;
                }
                [b'\r', ..] => {
                    self.pending = Pending::CarriageReturn;
                    consumed += 1;
                }
                ref rest => {
                    let copied = copy_until(b'\r', rest, &mut output[produced..]);
                    consumed += copied;
                    produced += copied;
                }
            }
        }
        Progress { consumed, produced }
    }

    fn finish(&mut self, output: &mut [u8]) -> Progress {
        match (self.pending, output.first_mut()) {
            (Pending::CarriageReturn, Some(first)) => {
                *first = b'\r';
                self.pending = Pending::Nothing;
                Progress { consumed: 0, produced: 1 }
            }
            _ => Progress { consumed: 0, produced: 0 },
        }
    }
}

impl Codec for AsciiEncoder {
    fn process(&mut self, input: &[u8], output: &mut [u8]) -> Progress {
        let (mut consumed, mut produced) = (0, 0);
        while consumed < input.len() && produced < output.len() {
            if input[consumed] != b'\n' {
                let copied = copy_until(b'\n', &input[consumed..], &mut output[produced..]);
                consumed += copied;
                produced += copied;
                self.last = match input[consumed - 1] {
                    b'\r' => Previous::CarriageReturn,
                    _ => Previous::Other,
                };
                continue;
            }
            // The CR and the LF are written one at a time, because the output may end between them.
            match self.last {
                Previous::Other => {
                    output[produced] = b'\r';
                    self.last = Previous::CarriageReturn;
                }
                Previous::CarriageReturn => {
                    output[produced] = b'\n';
                    self.last = Previous::Other;
                    consumed += 1;
                }
            }
            produced += 1;
        }
        Progress { consumed, produced }
    }

    fn finish(&mut self, _output: &mut [u8]) -> Progress {
        Progress { consumed: 0, produced: 0 }
    }
}

/// Copies the bytes before `stop`, or as many of them as there is room for
///
/// It searches only as many bytes as it can copy, so a small output does not make each byte
/// more expensive.
fn copy_until(stop: u8, from: &[u8], to: &mut [u8]) -> usize {
    let from = &from[..from.len().min(to.len())];
    let run = memchr(stop, from).unwrap_or(from.len());
    to[..run].copy_from_slice(&from[..run]);
    run
}

#[cfg(test)]
mod tests;
