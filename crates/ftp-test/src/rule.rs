//! What a test makes of a command: [`Command`] and [`Action`]

use std::net::SocketAddr;
use std::time::Duration;

/// A command that a client has sent, as a rule sees it ([`Server::on_command`](crate::Server::on_command))
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Command<'a> {
    /// The verb in capitals: `RETR`; `GREETING` before the first command of a session
    pub verb: &'a str,
    /// What follows it, without the blank between them
    pub argument: &'a str,
    /// The session's number among those of the server, from 1
    pub session: usize,
    /// The command's number in its session, from 1; 0 is the greeting
    pub number: usize,
    /// How many commands of this verb the session has sent, with this one
    pub in_session: usize,
    /// How many commands of this verb the server has received in all sessions, with this one
    pub in_all: usize,
    /// The client's end of the control connection
    pub client: SocketAddr,
}

/// What a server does with a command
///
/// [`serve`](Self::serve) does what a server without faults does, and its further methods add faults to the transfer
/// that the command starts: RETR, STOR, APPE, STOU, LIST, NLST or MLSD. For a command without a transfer they change
/// nothing.
#[derive(Clone, Debug)]
pub struct Action(pub(crate) Kind);

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Serve(Box<Faults>),
    Reply(String),
    Ignore,
    Close,
}

/// What is wrong with a transfer
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
    /// Does what the command says
    #[must_use]
    pub fn serve() -> Self {
        Self(Kind::Serve(Box::default()))
    }

    /// Sends this reply instead, and does nothing
    ///
    /// CRLF is added. Lines of a reply with several are separated by `\r\n`. After 421 the session ends, as RFC 959
    /// section 5.4 says.
    #[must_use]
    pub fn reply(reply: impl Into<String>) -> Self {
        Self(Kind::Reply(reply.into()))
    }

    /// Does nothing, and never answers
    #[must_use]
    pub const fn ignore() -> Self {
        Self(Kind::Ignore)
    }

    /// Closes the control connection without a reply
    #[must_use]
    pub const fn close() -> Self {
        Self(Kind::Close)
    }

    /// Sends these bytes instead of the file or the listing, whether or not there is one of this name
    #[must_use]
    pub fn data(self, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        self.with(|faults| faults.data = Some(bytes))
    }

    /// Begins at byte 0, although the client has sent REST
    #[must_use]
    pub fn from_start(self) -> Self {
        self.with(|faults| faults.from_start = true)
    }

    /// Closes the data connection after this number of bytes, counted from where the transfer begins
    ///
    /// Under TLS it ends without close_notify. The final reply is `426`, unless
    /// [`final_reply`](Self::final_reply) says otherwise. A transfer that has no more bytes is complete.
    #[must_use]
    pub fn break_at(self, bytes: usize) -> Self {
        self.with(|faults| faults.break_at = Some(bytes))
    }

    /// Where the transfer breaks, resets the connection instead of closing it
    ///
    /// The client may lose bytes that it has not read yet.
    #[must_use]
    pub fn reset(self) -> Self {
        self.with(|faults| faults.reset = true)
    }

    /// After this number of bytes sends or takes one byte at a time, each after a pause
    ///
    /// With a long pause it is a server that stalls. The pauses end when the client closes the data connection or the
    /// server is dropped.
    #[must_use]
    pub fn slow_from(self, bytes: usize, pause: Duration) -> Self {
        self.with(|faults| faults.slow = Some((bytes, pause)))
    }

    /// Begins the transfer with this reply instead of `150 here it comes`
    ///
    /// Many servers say a file's size there: `150 Opening BINARY mode data connection for a (100000 bytes).`
    #[must_use]
    pub fn preliminary_reply(self, reply: impl Into<String>) -> Self {
        let reply = reply.into();
        self.with(|faults| faults.preliminary = Some(reply))
    }

    /// Waits between the end of the data and the final reply
    #[must_use]
    pub fn pause(self, pause: Duration) -> Self {
        self.with(|faults| faults.pause = pause)
    }

    /// Ends the transfer with this reply, whatever has become of it
    ///
    /// With [`break_at`](Self::break_at) and `226` a client can only notice that something is missing if it knows the
    /// file's size, from SIZE, a listing or the [preliminary reply](Self::preliminary_reply).
    #[must_use]
    pub fn final_reply(self, reply: impl Into<String>) -> Self {
        let reply = reply.into();
        self.with(|faults| faults.end = End::Reply(reply))
    }

    /// Closes the control connection instead of sending the final reply
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

/// How many sessions a server admits ([`Server::limit_sessions`](crate::Server::limit_sessions))
#[derive(Clone, Debug)]
pub struct Limit {
    pub(crate) sessions: usize,
    pub(crate) at_login: bool,
    pub(crate) text: String,
    pub(crate) lingers: Duration,
}

impl Limit {
    /// Admits this number of sessions at the same time, and refuses others with 421 in place of the greeting
    #[must_use]
    pub fn new(sessions: usize) -> Self {
        let text = "There are too many connections from your internet address.".to_owned();
        Self { sessions, at_login: false, text, lingers: Duration::ZERO }
    }

    /// Refuses with 530 to PASS instead
    #[must_use]
    pub fn at_login(mut self) -> Self {
        self.at_login = true;
        self
    }

    /// The words of the refusal
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// Counts a session for this time after its end, as servers do until a process has ended
    #[must_use]
    pub const fn lingers(mut self, time: Duration) -> Self {
        self.lingers = time;
        self
    }
}
