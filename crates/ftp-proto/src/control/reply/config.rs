//! Limits and leniencies of the reply parser

/// Limits and leniencies of a [`ReplyParser`](super::ReplyParser)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplyConfig {
    /// Greatest length of one line in bytes, without LF; default 65,536
    ///
    /// RFC 959 sets no limit. Servers write lines of some 100 bytes; the longest honest ones are
    /// MLST facts with a long path (4 KiB) and banners pasted in one line. ftplib gives up at
    /// 8 KiB, curl copes with more than 16 KiB (server-quirks Q10).
    pub line: usize,

    /// Greatest length of a whole reply in bytes, its lines joined by LF; default 262,144
    ///
    /// Room for banners, HELP and STAT of a directory with some 3,000 entries: STAT's listing
    /// arrives as a reply. A reply that passes this is an error, since what follows could not be
    /// told from the next reply. A parsed reply of several lines takes up to twice its size.
    pub reply: usize,

    /// Which line ends a reply of several lines
    pub multiline_end: MultilineEnd,

    /// What to do about NUL bytes
    pub nul: NulPolicy,

    /// Whether Telnet sequences are taken out of replies; default true
    ///
    /// RFC 959 section 3.1 makes the control connection a Telnet connection: a byte 0xFF of text
    /// is sent twice, and ProFTPD answers Telnet options (server-quirks Q5). UTF-8 never
    /// holds 0xFF, so this matters only for single-byte character sets, and there is one server
    /// for it to be wrong with: one that writes 0xFF (`ÿ` of Latin-1, `я` of Windows-1251) but
    /// once. A single 0xFF before a byte below 0xF0 is kept as it is in any case.
    pub telnet: bool,
}

impl Default for ReplyConfig {
    fn default() -> Self {
        Self {
            line: 64 * 1024,
            reply: 256 * 1024,
            multiline_end: MultilineEnd::default(),
            nul: NulPolicy::default(),
            telnet: true,
        }
    }
}

/// Which line ends a reply of several lines (server-quirks Q1)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MultilineEnd {
    /// The code of the first line, followed by SP or the end of the line (RFC 959 section 4.2)
    ///
    /// The default: the text of a reply may hold lines that begin with other numbers, and ending
    /// there would make the rest of it the answer to the next command.
    #[default]
    SameCode,
    /// Any code from 100 to 599 followed by SP; the reply has the code of that last line
    ///
    /// For servers that end `226-` lines with a `426 ` line: glFTPd and its relatives, some
    /// mirrors. With [`Self::SameCode`] their reply never ends and the wait for it times out.
    AnyCode,
}

/// What to do about a NUL in a reply (server-quirks Q4)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NulPolicy {
    /// An error, as in curl
    ///
    /// The default: no text holds NUL, so the server is broken or the bytes are not FTP, and code
    /// behind us that takes NUL for an end would read another text than we did.
    #[default]
    Refuse,
    /// Dropped, also behind CR: for servers that pad their lines, or end them as CR NUL LF
    Strip,
}
