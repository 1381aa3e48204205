//! Parses bytes from the control connection into replies

use core::{fmt, mem};

use memchr::memchr2;

use super::{
    Banner, Bytes, Code, Excerpt, MultilineEnd, NulPolicy, Reply, ReplyConfig, ReplyError,
};
use crate::control::escaped::Escaped;
use crate::control::telnet::{Decoded, Decoder, IAC};

/// An incremental parser for the bytes of a control connection
///
/// The results, including errors, do not depend on how the bytes are split. The grammar:
///
/// - LF ends a line; CRs before it belong to the line ending.
/// - A reply begins with three digits from 100 to 599. If `-` follows, it has several lines and ends as
///   [`MultilineEnd`] says; otherwise this is its only line.
/// - Empty lines between replies are skipped: an extra line ending after a reply is a frequent mistake of simple
///   servers, and vsftpd ignores the same mistake in commands. Other lines without a code are an error: an HTTP or
///   SSH server is better reported at once than after a time-out.
///
/// After an error, the parser must not be used again, except for [`Self::reset`].
///
/// ```
/// use ftp_proto::{Code, ReplyConfig, ReplyParser};
///
/// let mut parser = ReplyParser::new(ReplyConfig::default());
/// assert_eq!(parser.parse(b"230-Welcome\r\n230 Logg")?, (21, None));
/// let (consumed, reply) = parser.parse(b"ed in\r\n215 UNIX\r\n")?;
/// let reply = reply.expect("its last line has ended");
/// assert_eq!((consumed, reply.code()), (7, Code::LOGGED_IN));
/// assert_eq!(reply.text(), b"Welcome\nLogged in");
/// # Ok::<(), ftp_proto::ReplyError>(())
/// ```
#[derive(Clone)]
pub struct ReplyParser {
    config: ReplyConfig,
    telnet: Decoder,
    position: Position,
    /// The lines of the reply so far, joined by LF, and the part of the next one that has come
    bytes: Bytes,
    /// The index in `bytes` where the current line begins
    line: usize,
}

/// The position of the current line in the connection
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// It is the first line that is not empty, in which other protocols are recognized
    Opening,
    /// It begins a reply
    Between,
    /// It belongs to a reply opened with this code
    Inside(Code),
}

impl ReplyParser {
    /// Creates a parser for the start of a connection
    #[must_use]
    pub fn new(config: ReplyConfig) -> Self {
        Self {
            config,
            telnet: Decoder::default(),
            position: Position::Opening,
            bytes: Bytes::new(),
            line: 0,
        }
    }

    /// Parses `input` up to the end of the next reply
    ///
    /// Returns how many bytes were consumed, and the reply if it is complete. No byte after the
    /// LF that ends the reply is consumed, so what follows a `234` is left to the caller. Without a
    /// reply, all of `input` has been consumed.
    ///
    /// # Errors
    ///
    /// A [`ReplyError`] if the bytes can't be a reply or exceed a limit. The parser can't be used
    /// afterwards.
    pub fn parse(&mut self, input: &[u8]) -> Result<(usize, Option<Reply>), ReplyError> {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            if self.telnet != Decoder::Text {
                match self.telnet.step(byte) {
                    Decoded::Nothing => at += 1,
                    Decoded::Literal => self.push(&[IAC])?,
                    Decoded::Text => {}
                }
                continue;
            }
            if byte == IAC && self.config.telnet && self.is_between_replies() {
                self.telnet = Decoder::Command;
                at += 1;
                continue;
            }
            let rest = &input[at..];
            let Some(run) = memchr2(b'\n', 0, rest) else {
                self.push(rest)?;
                break;
            };
            self.push(&rest[..run])?;
            at += run + 1;
            match rest[run] {
                b'\n' => {
                    if let Some(reply) = self.end_line()? {
                        return Ok((at, Some(reply)));
                    }
                }
                _ => match self.config.nul {
                    NulPolicy::Refuse => return Err(ReplyError::Nul),
                    NulPolicy::Strip => {}
                },
            }
        }
        Ok((input.len(), None))
    }

    /// Whether a part of a reply, or of what may become one, has been read
    #[must_use]
    pub fn is_partial(&self) -> bool {
        !self.bytes.is_empty() || self.telnet != Decoder::Text
    }

    /// Discards everything read so far: what follows is the start of a connection
    ///
    /// Call it when TLS starts or ends, and the bytes come from another layer.
    pub fn reset(&mut self) {
        *self = Self::new(self.config);
    }

    /// Whether no byte of the next reply has come
    fn is_between_replies(&self) -> bool {
        !matches!(self.position, Position::Inside(_)) && self.bytes.is_empty()
    }

    /// Adds bytes to the current line
    fn push(&mut self, run: &[u8]) -> Result<(), ReplyError> {
        let length = self.bytes.len() - self.line;
        if self.position == Position::Opening {
            self.refuse_tls(run)?;
        }
        let limit = self.config.line;
        if run.len() > limit.saturating_sub(length) {
            return Err(ReplyError::LineTooLong { limit });
        }
        self.bytes.extend_from_slice(run);
        Ok(())
    }

    /// Returns an error if the first two bytes of a connection begin a TLS record
    ///
    /// TLS bytes may never contain an LF, so this can't wait for the end of the line.
    fn refuse_tls(&self, run: &[u8]) -> Result<(), ReplyError> {
        const ALERT: u8 = 0x15;
        const HANDSHAKE: u8 = 0x16;
        const MAJOR_VERSION: u8 = 0x03;
        match (self.bytes.as_slice(), run) {
            ([first @ (ALERT | HANDSHAKE), MAJOR_VERSION, ..], _)
            | ([first @ (ALERT | HANDSHAKE)], [MAJOR_VERSION, ..])
            | ([], [first @ (ALERT | HANDSHAKE), MAJOR_VERSION, ..]) => Err(ReplyError::NotFtp {
                protocol: Banner::Tls,
                // No more bytes: how many there are depends on how the input was split.
                line: Excerpt::new(&[*first, MAJOR_VERSION]),
            }),
            _ => Ok(()),
        }
    }

    /// Processes the line before an LF
    fn end_line(&mut self) -> Result<Option<Reply>, ReplyError> {
        // Remove the CRs, but nothing before this line: the previous line ends with LF.
        while self.bytes.last() == Some(&b'\r') {
            self.bytes.pop();
        }
        if self.bytes.len() > self.config.reply {
            return Err(ReplyError::ReplyTooLong { limit: self.config.reply });
        }
        let line = &self.bytes[self.line..];
        match self.position {
            Position::Opening | Position::Between if line.is_empty() => Ok(None),
            Position::Opening => {
                refuse_banner(line)?;
                self.begin()
            }
            Position::Between => self.begin(),
            Position::Inside(opened) => {
                match last_line_code(self.config.multiline_end, opened, line) {
                    Some(code) => {
                        let lines = mem::take(&mut self.bytes);
                        self.line = 0;
                        self.position = Position::Between;
                        Ok(Some(Reply::multi_line(opened, code, &lines)))
                    }
                    None => {
                        self.continue_reply(opened);
                        Ok(None)
                    }
                }
            }
        }
    }

    /// Processes the first line of a reply
    fn begin(&mut self) -> Result<Option<Reply>, ReplyError> {
        let code = match leading_number(&self.bytes) {
            Some(number @ 600..=699) => return Err(ReplyError::Protected(number)),
            number => number.and_then(Code::new),
        };
        let Some(code) = code else {
            return Err(ReplyError::NotAReply { line: Excerpt::new(&self.bytes) });
        };
        if self.bytes.get(3) == Some(&b'-') {
            self.continue_reply(code);
            return Ok(None);
        }
        self.position = Position::Between;
        Ok(Some(Reply::single_line(code, mem::take(&mut self.bytes))))
    }

    fn continue_reply(&mut self, opened: Code) {
        self.bytes.push(b'\n');
        self.line = self.bytes.len();
        self.position = Position::Inside(opened);
    }
}

impl fmt::Debug for ReplyParser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { config, telnet, position, bytes, line: _ } = self;
        f.debug_struct("ReplyParser")
            .field("config", config)
            .field("telnet", telnet)
            .field("position", position)
            .field("bytes", &Escaped(bytes))
            .finish_non_exhaustive()
    }
}

/// Returns the number that the first three digits form
fn leading_number(line: &[u8]) -> Option<u16> {
    let digits: &[u8; 3] = line.first_chunk()?;
    digits.iter().try_fold(0, |number, digit| match digit {
        b'0'..=b'9' => Some(number * 10 + u16::from(digit - b'0')),
        _ => None,
    })
}

/// Returns the reply's code, if this line ends a reply of several lines
fn last_line_code(end: MultilineEnd, opened: Code, line: &[u8]) -> Option<Code> {
    let code = leading_number(line).and_then(Code::new)?;
    match (line.get(3), end) {
        (Some(b' ') | None, _) if code == opened => Some(code),
        (Some(b' '), MultilineEnd::AnyCode) => Some(code),
        _ => None,
    }
}

/// Returns an error if the first line of a connection belongs to another protocol
fn refuse_banner(line: &[u8]) -> Result<(), ReplyError> {
    let starts = |start: &[u8]| {
        line.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    };
    let protocol = if starts(b"SSH-") {
        Banner::Ssh
    } else if starts(b"HTTP/") || starts(b"<!DOCTYPE") || starts(b"<html") {
        Banner::Http
    } else if starts(b"+OK") || starts(b"-ERR") {
        Banner::Pop3
    } else if starts(b"* OK") || starts(b"* PREAUTH") || starts(b"* BYE") {
        Banner::Imap
    } else if starts(b"220") && greets_as_smtp(line) {
        Banner::Smtp
    } else {
        return Ok(());
    };
    Err(ReplyError::NotFtp { protocol, line: Excerpt::new(line) })
}

/// Whether a 220 contains SMTP as a separate word and does not contain FTP
///
/// It must be a separate word, because an FTP server's host may be called `smtp.example.com`.
fn greets_as_smtp(line: &[u8]) -> bool {
    let names_smtp = line
        .split(|byte| *byte == b' ')
        .any(|word| word.eq_ignore_ascii_case(b"SMTP") || word.eq_ignore_ascii_case(b"ESMTP"));
    let names_ftp = line.windows(3).any(|window| window.eq_ignore_ascii_case(b"FTP"));
    names_smtp && !names_ftp
}
