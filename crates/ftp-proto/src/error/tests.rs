//! Compares the documentation's table "When to retry what" with the functions, for errors of every variant

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::{ConnectionError, Error, ProtocolError};
use crate::control::command::{ArgumentError, Verb};
use crate::control::reply::{Code, Reply, ReplyConfig, ReplyParser};
use crate::terms::{DataFailure, Phase};

fn reply(line: &str) -> Reply {
    let mut parser = ReplyParser::new(ReplyConfig::default());
    let line = [line.as_bytes(), b"\r\n"].concat();
    parser.parse(&line).expect("a reply").1.expect("a whole one")
}

/// An error of each row, in the table's order
fn samples() -> Vec<Error> {
    let of = |code: &str| reply(&alloc::format!("{code} so it is"));
    let truncated = |end: Option<ConnectionError>| Error::Truncated {
        received: 1,
        expected: Some(2),
        end: end.map(Box::new),
    };
    let unconfirmed = |cause| Error::Unconfirmed { bytes: 1, cause };
    let timed_out = || ConnectionError::TimedOut(Phase::Greeting);
    let resumption = |end: Option<ConnectionError>| Error::ResumptionRequired {
        reply: of("522"),
        end: end.map(Box::new),
    };
    let login_failed = |code| Error::LoginFailed(Box::new(Error::from_reply(of(code))));
    let address = core::net::IpAddr::from([127, 0, 0, 1]);
    alloc::vec![
        Error::Transient(of("450")),
        Error::Transient(of("430")),
        Error::Permanent(of("550")),
        Error::Permanent(of("530")),
        Error::Permanent(reply("550 f: No such file or directory")),
        Error::UnexpectedReply(of("200")),
        Error::InvalidReply(of("227")),
        Error::NoDirectory(of("550")),
        Error::UnreadableDirectory { line: (*b"ls: .: Permission denied").into() },
        Error::WorkingDirectoryLost(of("450")),
        Error::WorkingDirectoryLost(of("550")),
        login_failed("450"),
        login_failed("530"),
        login_failed("500"),
        Error::InvalidArgument(ArgumentError::Reserved),
        Error::TlsRequired(of("530")),
        Error::AccountRequired(of("332")),
        Error::GatewayRefused(of("450")),
        Error::GatewayRefused(of("430")),
        Error::GatewayRefused(of("550")),
        Error::NoSessionTicket,
        resumption(None),
        resumption(Some(ConnectionError::Eof)),
        Error::data(DataFailure::Open),
        Error::data(DataFailure::Tls),
        Error::DataTimedOut(Phase::Transfer),
        Error::ForeignPeer { expected: address, actual: address },
        truncated(None),
        truncated(Some(ConnectionError::Eof)),
        truncated(Some(timed_out())),
        Error::TooLong { received: 2, expected: 1 },
        unconfirmed(ConnectionError::Eof),
        unconfirmed(timed_out()),
        Error::Aborted,
        Error::ProtectedRemote,
        ConnectionError::Eof.into(),
        ConnectionError::LocallyClosed.into(),
        ConnectionError::ServiceClosing(of("421")).into(),
        ConnectionError::Crashed(of("500")).into(),
        ConnectionError::Refused(of("420")).into(),
        ConnectionError::Refused(of("550")).into(),
        ConnectionError::Refused(of("530")).into(),
        timed_out().into(),
        ConnectionError::TlsRefused(of("534")).into(),
        ConnectionError::from(ProtocolError::BytesDuringClear).into(),
    ]
}

/// Returns the variant's name; there is no catch-all arm, so that a new variant must get its row
fn variant(error: &Error) -> &'static str {
    match error {
        Error::Transient(_) => "`Transient`",
        Error::Permanent(_) => "`Permanent`",
        Error::UnexpectedReply(_) => "`UnexpectedReply`",
        Error::InvalidReply(_) => "`InvalidReply`",
        Error::NoDirectory(_) => "`NoDirectory`",
        Error::UnreadableDirectory { .. } => "`UnreadableDirectory`",
        Error::WorkingDirectoryLost(_) => "`WorkingDirectoryLost`",
        Error::LoginFailed(_) => "`LoginFailed`",
        Error::InvalidArgument(_) => "`InvalidArgument`",
        Error::TlsRequired(_) => "`TlsRequired`",
        Error::AccountRequired(_) => "`AccountRequired`",
        Error::GatewayRefused(_) => "`GatewayRefused`",
        Error::NoSessionTicket => "`NoSessionTicket`",
        Error::ResumptionRequired { .. } => "`ResumptionRequired`",
        Error::DataConnection { .. } => "`DataConnection`",
        Error::DataTimedOut(_) => "`DataTimedOut`",
        Error::ForeignPeer { .. } => "`ForeignPeer`",
        Error::Truncated { .. } => "`Truncated`",
        Error::TooLong { .. } => "`TooLong`",
        Error::Unconfirmed { .. } => "`Unconfirmed`",
        Error::Aborted => "`Aborted`",
        Error::ProtectedRemote => "`ProtectedRemote`",
        Error::Connection(error) => match error {
            ConnectionError::Eof => "`Connection`: `Eof`",
            ConnectionError::LocallyClosed => "`Connection`: `LocallyClosed`",
            ConnectionError::ServiceClosing(_) => "`Connection`: `ServiceClosing`",
            ConnectionError::Crashed(_) => "`Connection`: `Crashed`",
            ConnectionError::Refused(_) => "`Connection`: `Refused`",
            ConnectionError::TimedOut(_) => "`Connection`: `TimedOut`",
            ConnectionError::TlsRefused(_) => "`Connection`: `TlsRefused`",
            ConnectionError::Protocol(_) => "`Connection`: `Protocol`",
        },
    }
}

/// The rows of the table in the documentation, without its head
fn rows() -> Vec<Vec<&'static str>> {
    include_str!("../error.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("/// | "))
        .skip(1)
        .map(|line| line.trim_end_matches('|').split('|').map(str::trim).collect())
        .collect()
}

#[test]
fn the_table_of_retries_is_true() {
    let (rows, samples) = (rows(), samples());
    assert_eq!(rows.len(), samples.len(), "{rows:#?}");
    for (row, error) in rows.iter().zip(&samples) {
        assert_eq!(row.len(), 7, "{row:?}");
        assert!(row[0].starts_with(variant(error)), "{row:?} is not about {error:?}");
        let is = [
            error.is_transient(),
            error.is_fatal(),
            error.is_missing(),
            error.is_auth(),
            error.is_timeout(),
        ];
        let told: Vec<bool> = row[1..6].iter().map(|cell| *cell == "yes").collect();
        assert_eq!(told, is, "{row:?}: {error:?}");
        assert!(row[1..6].iter().all(|cell| matches!(*cell, "" | "yes")), "{row:?}");
        assert!(!row[6].is_empty(), "{row:?}");
    }
    for name in samples.iter().map(variant) {
        assert!(rows.iter().any(|row| row[0].starts_with(name)), "{name}");
    }
}

/// A row that names codes or a cause is about them
#[test]
fn the_samples_are_those_that_the_table_names() {
    for (row, error) in rows().iter().zip(&samples()) {
        let code = error
            .reply()
            .map_or_else(String::new, |reply| alloc::format!("{}", reply.code().get()));
        if let Some((_, codes)) = row[0]
            .split_once("`: ")
            .filter(|(_, codes)| codes.starts_with(|first: char| first.is_ascii_digit()))
        {
            assert!(codes.contains(&code), "{row:?}: {error:?}");
        }
        assert_eq!(row[0].contains("with `end`"), has_end(error), "{row:?}");
    }
}

fn has_end(error: &Error) -> bool {
    matches!(
        error,
        Error::Truncated { end: Some(_), .. } | Error::ResumptionRequired { end: Some(_), .. }
    )
}

/// Each cause is named once: by the error or by its source, not by both
#[test]
fn chains_of_causes_go_to_their_end() {
    use core::error::Error as _;

    let cause = ConnectionError::TimedOut(Phase::Reply(Verb::NOOP));
    for error in [
        Error::Unconfirmed { bytes: 1, cause: cause.clone() },
        Error::Truncated { received: 1, expected: None, end: Some(Box::new(cause.clone())) },
    ] {
        let source = error.source().expect("a cause");
        assert_eq!(alloc::format!("{source}"), alloc::format!("{cause}"));
        assert!(!alloc::format!("{error}").contains(&alloc::format!("{cause}")), "{error}");
    }
    let refused = Error::Permanent(reply("550 no"));
    assert!(refused.source().is_none());
    assert_eq!(refused.reply().map(Reply::code), Some(Code::FILE_UNAVAILABLE));
}
