//! Errors as the user sees them, in one line: the file, the reason, the server, the remedy

use std::fmt;
use std::io;

use ftp_proto::{ConnectionError, Error as FtpError, ProtocolError};
use ftp_session::proxy::{ProxyError, ProxyProblem};
use ftp_session::{Error, Mismatch};
use ftp_tls::TlsError;

use crate::exit::Exit;

/// What the libraries advise their callers, and what the program's users can do instead
const ADVICE: [(&str, &str); 5] = [
    (
        "; a server that expects implicit TLS (usually on port 990) sends none: try TlsPolicy::Implicit",
        "; a server that expects TLS from the first byte (usually on port 990) sends none: try ftps://",
    ),
    (" (TlsPolicy::Implicit): try TlsPolicy::Explicit", ": try ftpes://"),
    ("; if such lines are expected, raise `ReplyConfig::line`", ""),
    ("; if such replies are expected, raise `ReplyConfig::reply`", ""),
    ("; if the server is known to pad its replies, use `NulPolicy::Strip`", ""),
];

/// Why something failed
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    subject: Option<String>,
    server: Option<String>,
    message: String,
    remedy: Option<&'static str>,
    cause: Option<Box<Error>>,
    retry: Retry,
}

/// Whether the operation may be tried again
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retry {
    /// If the cause is transient
    ByCause,
    Never,
    /// Only with the file's new version: it has changed on the server
    Another,
    /// Whatever the cause: the next attempt continues where this one ended
    Resuming,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            subject: None,
            server: None,
            message: message.into(),
            remedy: None,
            cause: None,
            retry: Retry::ByCause,
        }
    }

    /// An invalid command line, or an invalid file that it names
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted")
    }

    /// An error of the operating system about a local file or directory
    pub(crate) fn local(path: &std::path::Path, error: &io::Error) -> Self {
        Self::new(Exit::Local, error.to_string()).about(crate::show::path(path))
    }

    /// An error of a session with this server
    pub(crate) fn session(error: Error, server: &str) -> Self {
        let mut message = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            let inner_text = inner.to_string();
            // Transparent errors have the same text as their sources.
            if !message.contains(&inner_text) {
                message.push_str(": ");
                message.push_str(&inner_text);
            }
            source = inner.source();
        }
        for (advice, for_users) in ADVICE {
            message = message.replace(advice, for_users);
        }
        Self {
            exit: exit_of(&error),
            subject: None,
            server: Some(server).filter(|server| !server.is_empty()).map(str::to_owned),
            message,
            remedy: remedy_of(&error),
            cause: Some(Box::new(error)),
            retry: Retry::ByCause,
        }
    }

    /// Adds the file or directory, unless the failure has one already; an empty path is the working directory
    #[must_use]
    pub(crate) fn about(mut self, subject: impl fmt::Display) -> Self {
        self.subject.get_or_insert_with(|| match subject.to_string() {
            subject if subject.is_empty() => ".".to_owned(),
            subject => subject,
        });
        self
    }

    /// Adds the server, unless the failure has one already
    #[must_use]
    pub(crate) fn at(mut self, server: &str) -> Self {
        self.server.get_or_insert_with(|| server.to_owned());
        self
    }

    /// Adds to the reason what has become of the file
    #[must_use]
    pub(crate) fn adding(mut self, text: &str) -> Self {
        self.message.push_str("; ");
        self.message.push_str(text);
        self
    }

    /// Adds what the user can do
    #[must_use]
    pub(crate) const fn remedy(mut self, remedy: &'static str) -> Self {
        self.remedy = Some(remedy);
        self
    }

    /// Replaces the exit status
    #[must_use]
    pub(crate) const fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Rules out a retry, whatever the cause
    #[must_use]
    pub(crate) const fn for_good(mut self) -> Self {
        self.retry = Retry::Never;
        self
    }

    /// Permits a retry, whatever the cause, which continues where this attempt ended
    #[must_use]
    pub(crate) fn resuming(self) -> Self {
        Self { exit: Exit::Network, retry: Retry::Resuming, ..self }
    }

    /// Whether [`Self::for_good`] was called
    pub(crate) fn is_for_good(&self) -> bool {
        self.retry == Retry::Never
    }

    /// A file that changed on the server after its size was requested
    pub(crate) fn changed() -> Self {
        let message = "has changed on the server while it was fetched";
        let failure = Self::new(Exit::Network, message).remedy("fetch it when it is complete");
        Self { retry: Retry::Another, ..failure }
    }

    /// Whether the failure was made by [`Self::changed`]
    pub(crate) fn is_change(&self) -> bool {
        self.retry == Retry::Another
    }

    /// A failure to log in: any refusal is one of the login, whatever its code
    #[must_use]
    pub(crate) fn of_login(self) -> Self {
        match self.cause() {
            Some(Error::Ftp(FtpError::Permanent(_))) => Self { exit: Exit::Login, ..self },
            _ => self,
        }
    }

    /// Returns the program's exit status for this failure
    #[must_use]
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns the reason, without file, server and remedy
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns [`Self::message`] in one line, even if the server's reply has several, and escaped
    pub(crate) fn reason(&self) -> String {
        let lines = self.message.lines().map(str::trim).filter(|line| !line.is_empty());
        let lines: Vec<String> = lines.map(crate::show::text).collect();
        lines.join(" / ")
    }

    /// Returns the failure in one line, without the remedy
    pub(crate) fn statement(&self) -> String {
        let subject = self.subject.as_ref().map(|subject| format!("{subject}: "));
        let server = self.server.as_ref().map(|server| format!(" ({server})"));
        format!("{}{}{}", subject.unwrap_or_default(), self.reason(), server.unwrap_or_default())
    }

    /// Returns the file or directory that the failure is about
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    pub(crate) fn cause(&self) -> Option<&Error> {
        self.cause.as_deref()
    }

    /// Whether the same operation may succeed later
    pub(crate) fn is_transient(&self) -> bool {
        match (self.retry, &self.cause) {
            (Retry::Resuming, _) => true,
            (Retry::Never | Retry::Another, _) | (Retry::ByCause, None) => false,
            (Retry::ByCause, Some(error)) => {
                error.is_transient()
                    // All bytes were sent, but not acknowledged. The next attempt finds out whether they arrived.
                    || matches!(&**error, Error::Ftp(FtpError::Unconfirmed { .. }))
            }
        }
    }

    /// Whether the server has refused a session because there are too many, and another attempt may follow
    pub(crate) fn is_refused_session(&self) -> bool {
        self.retry == Retry::ByCause
            && self.cause().is_some_and(|cause| cause.too_many_sessions().is_some())
    }

    /// Whether the server reports that the file or directory does not exist
    pub(crate) fn is_missing(&self) -> bool {
        self.cause.as_ref().is_some_and(|error| error.is_missing())
    }

    /// Whether a transfer ended normally, but with more or fewer bytes than expected
    pub(crate) fn is_about_size(&self) -> bool {
        matches!(
            self.cause(),
            Some(
                Error::Ftp(FtpError::TooLong { .. } | FtpError::Truncated { end: None, .. })
                    | Error::Mismatch(Mismatch::Size { .. } | Mismatch::Shorter { .. })
            )
        )
    }

    /// Whether the error ended the session
    pub(crate) fn is_fatal(&self) -> bool {
        self.cause.as_ref().is_some_and(|error| error.is_fatal())
    }
}

/// `FILE: REASON (SERVER); REMEDY`
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.statement())?;
        match self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

fn exit_of(error: &Error) -> Exit {
    if error.tls().is_some() {
        return Exit::Tls;
    }
    if error.is_auth() {
        return Exit::Login;
    }
    if let Some(proxy) = error.proxy().filter(|_| !error.is_transient()) {
        return exit_of_proxy(proxy.problem());
    }
    match error {
        Error::InvalidAddress(_) | Error::InvalidOption { .. } | Error::InvalidRequest { .. } => {
            Exit::Usage
        }
        Error::TlsConfig(_) | Error::Tls(_) => Exit::Tls,
        Error::Local(_) => Exit::Local,
        Error::Cancelled => Exit::Interrupted,
        Error::Mismatch(_) => Exit::Verification,
        Error::Connect { .. }
        | Error::Proxy(_)
        | Error::Io(_)
        | Error::Data { .. }
        | Error::Deadline { .. } => Exit::Network,
        Error::Ftp(error) => exit_of_ftp(error),
        Error::ListingTooLong { .. } | Error::LineTooLong { .. } => Exit::Protocol,
        _ => Exit::Refused,
    }
}

/// The exit status for a problem that the same command would have again
fn exit_of_proxy(problem: &ProxyProblem) -> Exit {
    match problem {
        ProxyProblem::InvalidHost
        | ProxyProblem::InvalidLogin(_)
        | ProxyProblem::ActiveMode
        | ProxyProblem::NoTunnel
        | ProxyProblem::Tls => Exit::Usage,
        ProxyProblem::Malformed(_) => Exit::Protocol,
        _ => Exit::Refused,
    }
}

fn exit_of_ftp(error: &FtpError) -> Exit {
    match error {
        // A server that takes the 230 back: whether its 530 answers the next command depends on the time alone.
        FtpError::Connection(ConnectionError::Protocol(ProtocolError::UnsolicitedReply {
            reply,
            ..
        })) if reply.code().get() == 530 => Exit::Login,
        FtpError::LoginFailed(error) => exit_of_ftp(error),
        FtpError::InvalidArgument(_) => Exit::Usage,
        FtpError::TlsRequired(_)
        | FtpError::NoSessionTicket
        | FtpError::ResumptionRequired { .. }
        | FtpError::Connection(ConnectionError::TlsRefused(_)) => Exit::Tls,
        FtpError::UnexpectedReply(_)
        | FtpError::InvalidReply(_)
        | FtpError::UnreadableDirectory { .. }
        | FtpError::TooLong { .. }
        | FtpError::Connection(ConnectionError::Protocol(_)) => Exit::Protocol,
        FtpError::Permanent(_) | FtpError::NoDirectory(_) | FtpError::GatewayRefused(_) => {
            Exit::Refused
        }
        FtpError::WorkingDirectoryLost(_) if !error.is_transient() => Exit::Refused,
        FtpError::Connection(ConnectionError::Refused(_)) if !error.is_transient() => Exit::Refused,
        _ => Exit::Network,
    }
}

fn remedy_of(error: &Error) -> Option<&'static str> {
    if matches!(error.tls(), Some(TlsError::ClientCertificateRequired)) {
        return Some("--cert FILE and --key FILE name them");
    }
    if error.tls().is_some() {
        return Some(
            "--ca FILE trusts another authority, --insecure accepts any certificate and anybody in between",
        );
    }
    match error.proxy().map(ProxyError::problem) {
        Some(ProxyProblem::LoginRequired) => {
            return Some("name the user in the URL of --proxy, and give its password in netrc");
        }
        Some(ProxyProblem::LoginRefused) => {
            return Some("netrc has the password, in the entry for the proxy's host");
        }
        _ => {}
    }
    if error.is_auth() {
        return Some("give --user and --password-file, or an entry in netrc");
    }
    match error {
        Error::Connect { .. } => Some("check host, port and network"),
        Error::Mismatch(Mismatch::Content { .. }) => Some("remove the incomplete copy"),
        Error::Ftp(error) => match error {
            FtpError::TlsRequired(_) => Some("use ftpes:// in the URL"),
            FtpError::Connection(ConnectionError::TlsRefused(_)) => Some(
                "ftps:// is TLS from the first byte; ftp:// is without TLS, and can be read by others",
            ),
            FtpError::Transient(_) => Some("try again later"),
            FtpError::Permanent(_) | FtpError::NoDirectory(_) if error.is_missing() => {
                Some("`rftp ls` shows what is there")
            }
            _ => None,
        },
        _ => None,
    }
}
