//! The types of a rule: the [`Command`] that it receives and the [`Action`] that it returns

use std::net::SocketAddr;
use std::time::Duration;

/// A command that a client has sent, passed to the rule of [`Server::on_command`](crate::Server::on_command)
///
/// Bytes that are not UTF-8 are replaced by U+FFFD. Anything before the first ASCII letter, such as the Telnet Synch
/// that may precede ABOR, is removed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Command<'a> {
    /// The verb in upper case, such as `RETR`; `GREETING` when the session starts, before any command
    pub verb: &'a str,
    /// Everything after the verb and one space; empty if there is no space
    pub argument: &'a str,
    /// The number of the session, counted from 1 for each server
    pub session: usize,
    /// The number of the command, counted from 1 in each session; 0 for the greeting
    pub number: usize,
    /// The number of commands with this verb in this session, including this one
    pub in_session: usize,
    /// The number of commands with this verb in all sessions, including this one
    ///
    /// [`Server::forget_commands`](crate::Server::forget_commands) resets it to zero.
    pub in_all: usize,
    /// The client's address on the control connection
    pub client: SocketAddr,
}

/// The server's response to a command
///
/// [`serve`](Self::serve) executes the command. The methods that take `self` add faults to the transfer that the
/// command starts: RETR, STOR, APPE, STOU, LIST, NLST or MLSD. They have no effect on other commands, on actions other
/// than `serve`, or if the transfer can't start: if the file does not exist (550), for example, or no data connection
/// is opened (425).
#[derive(Clone, Debug)]
pub struct Action(pub(crate) Kind);

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Serve(Box<Faults>),
    Reply(String),
    Ignore,
    Close,
}

/// The faults of a transfer
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) data: Option<Vec<u8>>,
    pub(crate) from_start: bool,
    pub(crate) break_at: Option<usize>,
    pub(crate) reset: bool,
    pub(crate) slow: Option<(usize, Duration)>,
    pub(crate) pause: Duration,
    pub(crate) preliminary: Option<String>,
    pub(crate) end: End,
}

/// How a transfer ends on the control connection
#[derive(Clone, Debug, Default)]
pub(crate) enum End {
    /// 226, or 426 if the transfer was not complete
    #[default]
    Usual,
    Reply(String),
    Close,
}

impl Action {
    /// Executes the command and sends the usual reply
    #[must_use]
    pub fn serve() -> Self {
        Self(Kind::Serve(Box::default()))
    }

    /// Sends this reply without executing the command
    ///
    /// The server appends CRLF. Separate the lines of a multiline reply with `\r\n`. A reply that begins with 421 or
    /// 221 ends the session (RFC 959 section 4.2). A reply to USER or PASS that begins with 230 logs the session in.
    #[must_use]
    pub fn reply(reply: impl Into<String>) -> Self {
        Self(Kind::Reply(reply.into()))
    }

    /// Sends no reply and does not execute the command; the session continues
    #[must_use]
    pub const fn ignore() -> Self {
        Self(Kind::Ignore)
    }

    /// Closes the control connection without a reply and, under TLS, without close_notify
    #[must_use]
    pub const fn close() -> Self {
        Self(Kind::Close)
    }

    /// Sends these bytes instead of the file or listing, which need not exist
    ///
    /// After REST, RETR skips that number of these bytes, unless [`from_start`](Self::from_start) is set. Has no effect
    /// on uploads.
    #[must_use]
    pub fn data(self, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        self.with(|faults| faults.data = Some(bytes))
    }

    /// Ignores REST: starts the transfer at byte 0
    ///
    /// An upload then replaces the file. Has no effect on APPE.
    #[must_use]
    pub fn from_start(self) -> Self {
        self.with(|faults| faults.from_start = true)
    }

    /// Closes the data connection after this number of bytes, counted from the start of the transfer
    ///
    /// Under TLS the count is of plaintext bytes, and the connection is closed without close_notify. The final reply is
    /// 426, unless [`final_reply`](Self::final_reply) or [`then_close`](Self::then_close) is set.
    ///
    /// A download of at most this number of bytes is complete and ends with 226. An upload is broken off as soon as
    /// this number of bytes has arrived, even if no more would follow, and the file then contains these bytes. Its
    /// client may see a reset, because systems reset a connection that is closed with unread bytes.
    #[must_use]
    pub fn break_at(self, bytes: usize) -> Self {
        self.with(|faults| faults.break_at = Some(bytes))
    }

    /// Resets the data connection instead of closing it, unless the transfer completes
    ///
    /// Combine it with [`break_at`](Self::break_at). The client may lose bytes that it has not read yet.
    #[must_use]
    pub fn reset(self) -> Self {
        self.with(|faults| faults.reset = true)
    }

    /// After this number of bytes, sends or receives one byte at a time, with a pause before each
    ///
    /// A long pause makes the transfer stall. A pause ends early if the server is dropped, or if the client closes the
    /// data connection and the server has read everything that it sent. Unread bytes of an upload, or a close_notify
    /// under TLS, therefore let the pause run to its end.
    ///
    /// The server reads no commands during a transfer: ABOR is answered once the transfer has ended.
    #[must_use]
    pub fn slow_from(self, bytes: usize, pause: Duration) -> Self {
        self.with(|faults| faults.slow = Some((bytes, pause)))
    }

    /// Sends this preliminary reply instead of `150 here it comes`, or `150 FILE: NAME` for STOU
    ///
    /// Many servers state the file's size there: `150 Opening BINARY mode data connection for a (100000 bytes).`
    #[must_use]
    pub fn preliminary_reply(self, reply: impl Into<String>) -> Self {
        let reply = reply.into();
        self.with(|faults| faults.preliminary = Some(reply))
    }

    /// Delays the final reply by this time after the data connection has been closed
    ///
    /// The delay ends early if the server is dropped.
    #[must_use]
    pub fn pause(self, pause: Duration) -> Self {
        self.with(|faults| faults.pause = pause)
    }

    /// Sends this final reply, whether or not the transfer completed
    ///
    /// It replaces an earlier [`then_close`](Self::then_close). The session ends after 421 and 221.
    ///
    /// After [`break_at`](Self::break_at) and `226`, a client in clear text can detect the missing bytes only if it
    /// knows the file's size from SIZE, a listing or the [preliminary reply](Self::preliminary_reply).
    #[must_use]
    pub fn final_reply(self, reply: impl Into<String>) -> Self {
        let reply = reply.into();
        self.with(|faults| faults.end = End::Reply(reply))
    }

    /// Closes the control connection instead of sending the final reply
    ///
    /// It replaces an earlier [`final_reply`](Self::final_reply). Under TLS no close_notify is sent.
    #[must_use]
    pub fn then_close(self) -> Self {
        self.with(|faults| faults.end = End::Close)
    }

    fn with(mut self, change: impl FnOnce(&mut Faults)) -> Self {
        if let Kind::Serve(faults) = &mut self.0 {
            change(faults);
        }
        self
    }
}

/// A limit on the number of open sessions, for [`Server::limit_sessions`](crate::Server::limit_sessions)
#[derive(Clone, Debug)]
pub struct Limit {
    pub(crate) sessions: usize,
    pub(crate) at_login: bool,
    pub(crate) text: String,
    pub(crate) lingers: Duration,
}

impl Limit {
    /// Creates a limit: while this number of sessions is open, the server refuses further ones
    ///
    /// A refused session receives 421 instead of the greeting, whatever the rule returns for `GREETING`, and is closed.
    #[must_use]
    pub fn new(sessions: usize) -> Self {
        let text = "There are too many connections from your internet address.".to_owned();
        Self { sessions, at_login: false, text, lingers: Duration::ZERO }
    }

    /// Refuses sessions with 530 in reply to PASS, instead of 421
    ///
    /// Whether a session is refused is decided, and counted, when it connects. It does not count as open, and each of
    /// its PASS commands is refused.
    #[must_use]
    pub fn at_login(mut self) -> Self {
        self.at_login = true;
        self
    }

    /// Sets the text of the 421 or 530 reply
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// Counts each session for this time after its end
    ///
    /// Real servers do so if a process serves each session: it still counts until it has exited. The value that applies
    /// is that of the limit that is set when the session ends. The default is zero.
    #[must_use]
    pub const fn lingers(mut self, time: Duration) -> Self {
        self.lingers = time;
        self
    }
}
