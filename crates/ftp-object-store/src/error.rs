//! Errors: what happened, to which file, on which server

use std::error::Error as StdError;
use std::sync::atomic::{AtomicUsize, Ordering};

use ftp_tokio::{Error as FtpError, PoolError, Reply};
use object_store::path::Path;

/// The name of this kind of store in [`object_store::Error::Generic`]
pub(crate) const STORE: &str = "FTP";

/// The source of every [`object_store::Error`] that this store returns because of a server
///
/// It names the file and the server, and never a password.
///
/// ```
/// use std::error::Error as _;
/// use ftp_object_store::StoreError;
///
/// fn code(error: &object_store::Error) -> Option<u16> {
///     let error = error.source()?.downcast_ref::<StoreError>()?;
///     Some(error.reply()?.code().get())
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[error("can't {action} {path} on {server}: {cause}{}", held(*.uploads))]
pub struct StoreError {
    action: &'static str,
    path: String,
    server: String,
    #[source]
    cause: Cause,
    /// The number of multipart uploads that held a session, if no session became free
    uploads: usize,
}

/// Says why no session may have become free
fn held(uploads: usize) -> String {
    match uploads {
        0 => String::new(),
        1 => "; a multipart upload of this store holds a session until it is completed".to_owned(),
        _ => format!(
            "; {uploads} multipart uploads of this store hold a session each until they are completed"
        ),
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    #[error("{}", with_sources(.0))]
    Pool(PoolError),
    /// The refusal of a file under its temporary name, which the caller does not know
    #[error("{}, for the temporary name {}", with_sources(.error), .name)]
    Temporary { error: PoolError, name: String },
    #[error("{0}")]
    Text(String),
}

/// Returns the text of an error and of its sources: those who use a store often print the outermost error alone
pub(crate) fn with_sources(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

impl From<PoolError> for Cause {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
    }
}

impl From<FtpError> for Cause {
    fn from(error: FtpError) -> Self {
        Self::Pool(PoolError::Session(error))
    }
}

impl From<&str> for Cause {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cause {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Cause {
    fn session(&self) -> Option<&FtpError> {
        match self {
            Self::Pool(error) | Self::Temporary { error, .. } => error.session(),
            Self::Text(_) => None,
        }
    }
}

impl StoreError {
    /// The server's reply, if that is the cause
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        self.cause.session()?.reply()
    }

    /// Why no session was available, or why it failed, if that is the cause
    #[must_use]
    pub const fn pool_error(&self) -> Option<&PoolError> {
        match &self.cause {
            Cause::Pool(error) | Cause::Temporary { error, .. } => Some(error),
            Cause::Text(_) => None,
        }
    }
}

/// The action, file and server that an error message names
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) action: &'static str,
    pub(crate) location: &'a Path,
    /// The new name, if that is what the action is about
    pub(crate) to: Option<&'a Path>,
    pub(crate) server: &'a str,
    /// The number of multipart uploads that hold a session
    pub(crate) uploads: &'a AtomicUsize,
}

impl<'a> Subject<'a> {
    /// Also names the new name of the file
    pub(crate) const fn to(self, to: &'a Path) -> Self {
        Self { to: Some(to), ..self }
    }

    fn source(self, cause: impl Into<Cause>) -> Box<dyn StdError + Send + Sync> {
        // An empty path is the root.
        let path = match self.to {
            Some(to) => format!("/{} to /{to}", self.location),
            None => format!("/{}", self.location),
        };
        let (action, server, cause) = (self.action, self.server.to_owned(), cause.into());
        let uploads = match cause {
            Cause::Pool(PoolError::TimedOut { .. }) => self.uploads.load(Ordering::Relaxed),
            Cause::Pool(_) | Cause::Temporary { .. } | Cause::Text(_) => 0,
        };
        Box::new(StoreError { action, path, server, cause, uploads })
    }

    pub(crate) fn generic(self, cause: impl Into<Cause>) -> object_store::Error {
        object_store::Error::Generic { store: STORE, source: self.source(cause) }
    }

    pub(crate) fn not_found(self, cause: impl Into<Cause>) -> object_store::Error {
        let source = self.source(cause);
        object_store::Error::NotFound { path: self.location.to_string(), source }
    }

    pub(crate) fn denied(self, cause: impl Into<Cause>) -> object_store::Error {
        let source = self.source(cause);
        object_store::Error::PermissionDenied { path: self.location.to_string(), source }
    }

    pub(crate) fn exists(self, cause: impl Into<Cause>) -> object_store::Error {
        let source = self.source(cause);
        object_store::Error::AlreadyExists { path: self.location.to_string(), source }
    }

    /// Chooses the kind of error from the server's reply: not found, denied, not authenticated, or none of these
    pub(crate) fn error(self, error: impl Into<Cause>) -> object_store::Error {
        let cause = error.into();
        let Some(error) = cause.session() else { return self.generic(cause) };
        if error.is_missing() {
            return self.not_found(cause);
        }
        // A 530 may also be about the number of sessions.
        if error.is_auth() && error.too_many_sessions().is_none() {
            let source = self.source(cause);
            return object_store::Error::Unauthenticated {
                path: self.location.to_string(),
                source,
            };
        }
        if !error.is_fatal() && error.reply().is_some_and(denies) {
            return self.denied(cause);
        }
        self.generic(cause)
    }

    /// The error of a refused write: 550 and 553 mostly mean that this user lacks permission
    pub(crate) fn refused(self, error: FtpError) -> object_store::Error {
        match is_refusal_of_file(&error) {
            true => self.denied(error),
            false => self.error(error),
        }
    }

    /// As [`Self::refused`], of an upload under this temporary name
    pub(crate) fn refused_temporary(self, error: FtpError, path: &[u8]) -> object_store::Error {
        if !is_refused_by_server(&error) {
            return self.refused(error);
        }
        let of_file = is_refusal_of_file(&error);
        let (error, name) = (PoolError::Session(error), path.escape_ascii().to_string());
        let cause = Cause::Temporary { error, name };
        if of_file { self.denied(cause) } else { self.error(cause) }
    }
}

/// Whether the code of a refusal is about the file: 550, 553
pub(crate) fn is_refusal_of_file(error: &FtpError) -> bool {
    let code = error.reply().map(|reply| reply.code().get());
    matches!(code, Some(550 | 553)) && is_refusal(error)
}

/// Whether the text of a refusal says that this user lacks permission
fn denies(reply: &Reply) -> bool {
    const WORDS: [&str; 7] = [
        "denied",
        "permission",
        "not permitted",
        "not allowed",
        "privileges",
        "forbidden",
        "read-only",
    ];
    let text = String::from_utf8_lossy(reply.text()).to_lowercase();
    (500..600).contains(&reply.code().get()) && WORDS.iter().any(|word| text.contains(word))
}

/// Whether this is a permanent refusal, which another command may explain
pub(crate) fn is_refusal(error: &FtpError) -> bool {
    matches!(error, FtpError::Ftp(ftp_tokio::ftp_proto::Error::Permanent(_))) && !error.is_auth()
}

/// Whether the server has refused, permanently or not: Pure-FTPd answers 451 if a directory is missing
pub(crate) fn is_refused_by_server(error: &FtpError) -> bool {
    error.reply().is_some() && !error.is_fatal() && !error.is_auth()
}

/// Whether the server does not know the command
pub(crate) fn is_unknown_command(error: &FtpError) -> bool {
    let code = error.reply().map(|reply| reply.code().get());
    matches!(code, Some(500 | 501 | 502 | 504)) && is_refusal(error)
}

/// Whether the connection broke, so that a new one may help, as opposed to a refusal or failure of the server
pub(crate) fn broke(error: &FtpError) -> bool {
    let refused = error.reply().is_some() && !error.is_fatal();
    !refused && error.is_transient() && !error.is_auth() || is_unconfirmed(error)
}

fn is_unconfirmed(error: &FtpError) -> bool {
    matches!(error, FtpError::Ftp(ftp_tokio::ftp_proto::Error::Unconfirmed { .. }))
}
