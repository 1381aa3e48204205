//! Limits and leniencies of the reply parser

/// Limits and leniencies of a [`ReplyParser`](super::ReplyParser)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplyConfig {
    /// Maximum length of one line in bytes, without LF; default 65,536
    ///
    /// RFC 959 sets no limit. Servers write lines of about 100 bytes; the longest legitimate ones are MLST facts
    /// with a long path (4 KiB) and banners in a single line. ftplib gives up at 8 KiB, curl handles more than 16
    /// KiB.
    pub line: usize,

    /// Maximum length of a whole reply in bytes, its lines joined by LF; default 262,144
    ///
    /// This is enough for banners, HELP, and STAT of a directory with about 3,000 entries, as STAT's listing arrives
    /// in a reply. A longer reply is an error, because what follows could not be distinguished from the next reply.
    /// A parsed reply of several lines takes up to twice its size in memory.
    pub reply: usize,

    /// Which line ends a reply of several lines
    pub multiline_end: MultilineEnd,

    /// How NUL bytes are treated
    pub nul: NulPolicy,

    /// Whether Telnet sequences between replies are removed; default true
    ///
    /// According to RFC 959 section 2.3, the control connection is a Telnet connection, and ProFTPD answers Telnet
    /// options, between its replies. Within a reply, 0xFF (`ÿ` in Latin-1, `я` in Windows-1251) is text, and stays as it
    /// is: the RFC wants it doubled, which vsftpd does, and ProFTPD and Pure-FTPd do not.
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

/// Which line ends a reply of several lines
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MultilineEnd {
    /// The code of the first line, followed by SP or the end of the line (RFC 959 section 4.2)
    ///
    /// The default: the text of a reply may contain lines that begin with other numbers. If the reply ended
    /// there, the rest of it would be taken for the answer to the next command.
    #[default]
    SameCode,
    /// Any code from 100 to 599 followed by SP; the reply has the code of that last line
    ///
    /// For servers that end `226-` lines with a `426 ` line: glFTPd and similar servers, some
    /// mirrors. With [`Self::SameCode`], their reply never ends, and the wait for it times out.
    AnyCode,
}

/// How a NUL in a reply is treated
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NulPolicy {
    /// An error, as in curl
    ///
    /// The default: no text contains NUL, so the server is broken or the bytes are not FTP; and code
    /// that takes NUL for the end of a string would read another text than this crate.
    #[default]
    Refuse,
    /// It is dropped, also after CR: for servers that pad their lines, or end them with CR NUL LF
    Strip,
}
