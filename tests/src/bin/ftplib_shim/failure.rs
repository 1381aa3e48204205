//! Errors as the exceptions that a caller of ftplib expects

use std::error::Error as _;
use std::io;

use ftp_blocking::ftp_proto;
use ftp_blocking::{ConnectionError, Error, OwnedError};

/// The exception that a call ends with
#[derive(Debug)]
pub(crate) struct Failure {
    /// The name of the exception
    pub(crate) class: &'static str,
    /// The system's number of the error
    pub(crate) errno: Option<i32>,
    /// The server's reply, if that is what the exception is about; else the error's text
    pub(crate) text: Vec<u8>,
}

impl Failure {
    /// A call that can't be made
    pub(crate) fn misuse(text: &str) -> Self {
        Self { class: "ValueError", errno: None, text: text.as_bytes().to_vec() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let class = class(&error);
        let reply =
            error.reply().filter(|_| matches!(class, "error_temp" | "error_perm" | "error_reply"));
        let text = match reply {
            Some(reply) => reply.wire_text().to_vec(),
            None => described(&error).into_bytes(),
        };
        Self { class, errno: errno(&error), text }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match Error::in_io(&error) {
            Some(error) => error.duplicate().into(),
            None => Error::Io(error).into(),
        }
    }
}

impl From<OwnedError> for Failure {
    fn from(error: OwnedError) -> Self {
        error.into_parts().0.into()
    }
}

/// The classes of docs/ftplib.md
fn class(error: &Error) -> &'static str {
    let connection = match error {
        Error::Ftp(error) => error.connection_error(),
        _ => None,
    };
    match connection {
        Some(ConnectionError::Protocol(_)) => return "error_proto",
        Some(ConnectionError::Eof) => return "EOFError",
        _ => {}
    }
    if error.is_timeout() {
        return "TimeoutError";
    }
    if error.tls().is_some() {
        return "SSLError";
    }
    if let Some(reply) = error.reply() {
        return match reply.code().get() {
            400..500 => "error_temp",
            500..600 => "error_perm",
            _ => "error_reply",
        };
    }
    match error {
        Error::Ftp(ftp_proto::Error::InvalidArgument(_))
        | Error::InvalidOption { .. }
        | Error::InvalidAddress(_) => "ValueError",
        Error::Connect { .. } | Error::Io(_) | Error::Data { .. } | Error::Proxy(_) => "OSError",
        _ => "Error",
    }
}

fn errno(error: &Error) -> Option<i32> {
    match error {
        Error::Connect { error, .. } | Error::Io(error) | Error::Data { error, .. } => {
            error.raw_os_error()
        }
        _ => None,
    }
}

/// The error's text, with its causes
fn described(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
