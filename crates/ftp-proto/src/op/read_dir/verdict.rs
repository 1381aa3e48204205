//! What the end of a listing, and its replies, say of a directory: it is empty, missing, closed, or only partly listed

use crate::claim::{Outcome, Transfer};
use crate::control::command::Verb;
use crate::control::reply::{Code, Reply, ReplyKind};
use crate::error::Error;
use crate::listing::{beginning, parse_mlst};
use crate::op::features::is_unknown;
use crate::op::machine::Ended;

/// How a listing ended
#[derive(Debug)]
pub(super) enum Listed {
    /// The server does not know the command
    Unknown,
    /// The listing command itself was refused before any byte came
    Refused(Reply),
    Final(Result<Outcome, Error>),
}

/// Tells how a listing by this command has ended
pub(super) fn inspect(verb: Verb, ended: Ended) -> Listed {
    let refused = !ended.moved && ended.answered == Some(verb);
    match ended.result {
        Err(Error::Permanent(reply)) if refused && verb != Verb::LIST && is_unknown(&reply) => {
            Listed::Unknown
        }
        Err(Error::Permanent(reply) | Error::Transient(reply)) if refused => Listed::Refused(reply),
        Ok(Outcome::Transfer(transfer)) if is_incomplete(&transfer) => {
            Listed::Final(Err(Error::UnexpectedReply(transfer.reply)))
        }
        result => Listed::Final(result),
    }
}

/// Whether the server reports with success that it has not listed everything
fn is_incomplete(transfer: &Transfer) -> bool {
    // vsftpd: `226 Transfer done (but failed to open directory).` Pure-FTPd: `226-Sorry, we were unable to read [.]`
    let is_unread =
        || transfer.bytes == 0 && transfer.reply.contains(&["failed to open", "unable to read"]);
    // Pure-FTPd, beyond the limit of its option -L: `226 Output truncated to 10000 matches`
    transfer.reply.contains(&["truncated"]) || is_unread()
}

/// Returns the result of an empty listing: an error if the reply to MLST says that the user may not read the directory
pub(super) fn examined(reply: &Reply, held: Outcome) -> Result<Outcome, Error> {
    match parse_mlst(reply) {
        Some(entry) if entry.is_closed() => {
            Err(Error::UnreadableDirectory { line: beginning(entry.raw) })
        }
        _ => Ok(held),
    }
}

/// Returns the result of a refused listing of a directory that exists: some servers refuse to list an empty one
pub(super) fn refused_inside(reply: Reply) -> Result<Outcome, Error> {
    if reports_empty(&reply) {
        return Ok(Outcome::Transfer(Transfer { bytes: 0, reply, name: None }));
    }
    Err(Error::from_reply(reply))
}

/// Whether the refusal to list a directory that exists says that the directory is empty
pub(super) fn reports_empty(reply: &Reply) -> bool {
    const EMPTY: [&str; 6] =
        ["no files", "no such file", "not found", "empty", "no members", "no data sets"];
    // What is not found may also be the listing program: `550 /bin/ls: not found`. A failure does not
    // mean that the directory is empty: `450 No files: disk error`.
    const PROGRAM: [&str; 3] = ["bin/", "ls:", "command"];
    const FAILS: [&str; 4] = ["error", "fail", "disk", "i/o"];
    // RFC 959 section 5.4 has 450 for LIST and NLST, RFC 3659 section 7.2.1 has 550 for MLSD. Any other
    // refusal is about something else: the data connection, the disk, the server.
    matches!(reply.code().get(), 450 | 550)
        && reply.contains(&EMPTY)
        && !reply.contains(&PROGRAM)
        && !reply.contains(&FAILS)
        && !denies(reply)
}

/// Whether the refusal to list a directory may have come because it did not exist yet
pub(super) fn may_have_been_missing(reply: &Reply) -> bool {
    match reply.code().get() {
        550 => !reply.contains(&["not a dir", "not dir"]),
        // pyftpdlib
        501 => reply.contains(&["no such directory"]),
        _ => false,
    }
}

/// Whether the refusal to enter a directory says that it does not exist; other codes are about the login or
/// the command
pub(super) fn is_missing(reply: &Reply) -> bool {
    reply.code() == Code::FILE_UNAVAILABLE && !denies(reply)
}

/// Whether a refusal says that something exists but is forbidden for this user
pub(super) fn denies(reply: &Reply) -> bool {
    debug_assert!(matches!(reply.kind(), ReplyKind::Transient | ReplyKind::Permanent));
    reply.denies()
}
