//! Bytes from the control connection into replies

use core::{fmt, mem};

use memchr::{memchr2, memchr3};

use super::{
    Banner, Bytes, Code, Excerpt, MultilineEnd, NulPolicy, Reply, ReplyConfig, ReplyError,
};
use crate::control::escaped::Escaped;
use crate::control::telnet::{Decoded, Decoder, IAC};

/// An incremental parser for the bytes of a control connection
///
/// How the bytes are split makes no difference to what comes out, errors included. The grammar:
///
/// - LF ends a line, CRs before it belong to the line's end (server-quirks Q4).
/// - A reply begins with three digits from 100 to 599. If `-` follows, it has several lines and
///   ends as [`MultilineEnd`] says; if anything else does, or nothing, this is its only line (Q2).
/// - Empty lines between replies are skipped: an extra line end behind a reply is a frequent slip
///   of simple servers, and vsftpd overlooks the same slip in commands. Other lines without a code
///   are an error: an HTTP or SSH server is better told at once than after a time-out.
///
/// After an error the parser must not be used any more, except through [`Self::reset`].
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
    /// The lines of the reply so far, joined by LF, and what there is of the next one
    bytes: Bytes,
    /// Where in `bytes` the line being read begins
    line: usize,
}

/// Where in the connection the line being read stands
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    /// It is the first one that is not empty: here another protocol is recognised
    Opening,
    /// It begins a reply
    Between,
    /// It belongs to a reply opened with this code
    Inside(Code),
}

impl ReplyParser {
    /// A parser at the start of a connection
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

    /// Reads `input` up to the end of the next reply
    ///
    /// Returns how much of it was read, and the reply if its end was there. Nothing behind the
    /// LF that ends the reply is read, so what follows a `234` is still the caller's. Without a
    /// reply all of `input` has been read.
    ///
    /// # Errors
    ///
    /// A [`ReplyError`] if the bytes cannot be a reply or pass a limit. The parser is of no use
    /// afterwards.
    pub fn parse(&mut self, input: &[u8]) -> Result<(usize, Option<Reply>), ReplyError> {
        let mut at = 0;
        while let Some(&byte) = input.get(at) {
            if self.telnet != Decoder::Text {
                match self.telnet.step(byte) {
                    Decoded::Nothing => at += 1,
                    Decoded::Escaped => {
                        self.push(&[IAC])?;
                        at += 1;
                    }
                    Decoded::Literal => self.push(&[IAC])?,
                    Decoded::Text => {}
                }
                continue;
            }
            let rest = &input[at..];
            let Some(run) = self.find_special(rest) else {
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
                IAC => self.telnet = Decoder::Command,
                _ => match self.config.nul {
                    NulPolicy::Refuse => return Err(ReplyError::Nul),
                    NulPolicy::Strip => {}
                },
            }
        }
        Ok((input.len(), None))
    }

    /// Whether a reply, or what may become one, has been read in part
    #[must_use]
    pub fn is_partial(&self) -> bool {
        !self.bytes.is_empty() || self.telnet != Decoder::Text
    }

    /// Forgets everything read so far: what follows is the start of a connection
    ///
    /// For the moment when TLS starts or ends, and the bytes come from another layer.
    pub fn reset(&mut self) {
        *self = Self::new(self.config);
    }

    /// The next LF, NUL or, if these are decoded, Telnet sequence
    fn find_special(&self, input: &[u8]) -> Option<usize> {
        match self.config.telnet {
            true => memchr3(b'\n', 0, IAC, input),
            false => memchr2(b'\n', 0, input),
        }
    }

    /// Adds to the line being read
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

    /// Looks for a TLS record in the first two bytes of a connection
    ///
    /// Bytes of TLS need not hold an LF ever, so this cannot wait for the line's end.
    fn refuse_tls(&self, run: &[u8]) -> Result<(), ReplyError> {
        const ALERT: u8 = 0x15;
        const HANDSHAKE: u8 = 0x16;
        const MAJOR_VERSION: u8 = 0x03;
        let mut start = self.bytes.iter().chain(run);
        match (start.next(), start.next()) {
            (Some(&(ALERT | HANDSHAKE)), Some(&MAJOR_VERSION)) => Err(ReplyError::NotFtp {
                protocol: Banner::Tls,
                // Not more: how much there is depends on how the input was split.
                line: Excerpt::new(&[self.bytes.first().copied().unwrap_or(run[0]), MAJOR_VERSION]),
            }),
            _ => Ok(()),
        }
    }

    /// Takes the line before an LF
    fn end_line(&mut self) -> Result<Option<Reply>, ReplyError> {
        // It ends at the LF of the line before, if not sooner.
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

    /// Takes the first line of a reply
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

/// The number that three leading digits make
fn leading_number(line: &[u8]) -> Option<u16> {
    let digits: &[u8; 3] = line.first_chunk()?;
    digits.iter().try_fold(0, |number, digit| match digit {
        b'0'..=b'9' => Some(number * 10 + u16::from(digit - b'0')),
        _ => None,
    })
}

/// The reply's code, if this line ends a reply of several lines
fn last_line_code(end: MultilineEnd, opened: Code, line: &[u8]) -> Option<Code> {
    let code = leading_number(line).and_then(Code::new)?;
    match (line.get(3), end) {
        (Some(b' ') | None, _) if code == opened => Some(code),
        (Some(b' '), MultilineEnd::AnyCode) => Some(code),
        _ => None,
    }
}

/// Looks for other protocols in the first line of a connection
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

/// Whether a 220 names SMTP as a word of its own and FTP not at all
///
/// A word of its own, because an FTP server's host may be called `smtp.example.com`.
fn greets_as_smtp(line: &[u8]) -> bool {
    let names_smtp = line
        .split(|byte| *byte == b' ')
        .any(|word| word.eq_ignore_ascii_case(b"SMTP") || word.eq_ignore_ascii_case(b"ESMTP"));
    let names_ftp = line.windows(3).any(|window| window.eq_ignore_ascii_case(b"FTP"));
    names_smtp && !names_ftp
}
