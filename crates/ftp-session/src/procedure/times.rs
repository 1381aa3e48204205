//! Sets a file's modification time, with whatever command the server supports
//!
//! ```text
//! MFMT ─▶ MDTM time path ─▶ SITE UTIME path time time time UTC ─▶ SITE UTIME time path
//! ```
//!
//! A server that does not support the second form takes it for a query about a file whose name begins with digits.
//! `SITE UTIME` has two orders of arguments: Pure-FTPd takes only the first, ProFTPD's `mod_site_misc` takes both, and
//! others may take only the second. So if a success could mean something else, the time is read back. That proves that a
//! command works only if the file had another time before, so it is asked before the first ambiguous command. The session
//! remembers what was proven.

use ftp_proto::fields::{format_time, parse_time};
use ftp_proto::{Error as FtpError, Reply, Timestamp};

use super::Procedure;
use super::path::sendable;
use super::request::Request;
use super::work::Io;
use crate::error::Error;
use crate::learned::{Support, TimeCommand, TimeCommands};

impl Procedure<TimeCommand> {
    /// Sets a file's modification time, in UTC, with the first command that works; returns that command
    ///
    /// The time has a resolution of one second. Success means that the server has confirmed the time: if the reply may
    /// be about something else, or names another time, the time is read back first (MDTM). A server may confirm a time
    /// that its file system can't store: ext4, for example, stores 1901 to 2446, and a time outside of that becomes the
    /// nearest one. Later calls of the session start with the command that is proven to work, and skip those that the
    /// server does not support.
    ///
    /// It fails with [`Error::TimeNotSet`] if no command is known to have set it, otherwise with the server's refusal
    /// for this file.
    #[must_use]
    pub fn set_modified(path: impl AsRef<[u8]>, time: Timestamp) -> Self {
        let path = path.as_ref().to_vec();
        Self::new(|io| async move {
            if path.is_empty() {
                return Err(Error::InvalidRequest { problem: "the path is empty" });
            }
            // Raw commands contain it, too.
            let path = sendable(&path)?.as_bytes().to_vec();
            let known = io.recall().await;
            let mut setting = Setting { io, path, time, known, before: None };
            let result = setting.all().await;
            setting.io.remember(setting.known).await;
            result
        })
    }
}

struct Setting {
    io: Io,
    path: Vec<u8>,
    time: Timestamp,
    known: TimeCommands,
    /// Whether the file is known to have had another time before; `None` until it is asked
    before: Option<Before>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    OtherTime,
    /// It had that time already, or its time can't be read
    Unknown,
}

/// The result of trying a command
enum Attempt {
    /// The file has the time, and the command has set it
    Set,
    /// The file has the time, which it may have had before
    Unchanged,
    /// The server does not support it, or it does something else on this server
    Unknown(Option<Reply>),
    /// It was not understood, perhaps because of this file's name
    Refused(Reply),
}

impl Setting {
    async fn all(&mut self) -> Result<TimeCommand, Error> {
        let mut last = None;
        for command in self.known.candidates() {
            match self.attempt(command).await? {
                Attempt::Set => {
                    self.known.set(command, Support::Proven);
                    return Ok(command);
                }
                Attempt::Unchanged => return Ok(command),
                Attempt::Unknown(reply) => {
                    self.known.set(command, Support::Unknown);
                    last = reply.or(last);
                }
                Attempt::Refused(reply) => last = Some(reply),
            }
        }
        Err(Error::TimeNotSet { reply: last })
    }

    async fn attempt(&mut self, command: TimeCommand) -> Result<Attempt, Error> {
        // Most servers' reply to MFMT is proof enough.
        if command != TimeCommand::Mfmt && self.known.support(command) != Support::Proven {
            self.look_before().await?;
        }
        match self.io.reply(self.request(command)).await {
            Ok(reply) if reply.code().get() == 202 => Ok(Attempt::Unknown(Some(reply))),
            Ok(reply) if self.is_plain(command, &reply) => Ok(Attempt::Set),
            Ok(reply) => self.read_back(reply).await,
            Err(Error::Ftp(FtpError::Permanent(reply))) => match reply.code().get() {
                500 | 502 | 504 => Ok(Attempt::Unknown(Some(reply))),
                501 => Ok(Attempt::Refused(reply)),
                // Only MFMT's refusal is certain to be about setting this file's time.
                _ if command == TimeCommand::Mfmt => Err(FtpError::Permanent(reply).into()),
                _ => self.read_back(reply).await,
            },
            Err(error) => Err(error),
        }
    }

    fn request(&self, command: TimeCommand) -> Request {
        let (path, time) = (&self.path[..], format_time(self.time));
        // After the seconds comes a fraction, which not all servers understand.
        let time = &time.as_bytes()[..time.len().min(14)];
        match command {
            TimeCommand::Mfmt => Request::Mfmt(path.to_vec(), self.seconds()),
            TimeCommand::Mdtm => Request::SetMdtm([time, b" ", path].concat()),
            TimeCommand::UtimeUtc => Request::SiteUtime(path.to_vec(), self.time),
            TimeCommand::Utime => Request::Site([b"UTIME ", time, b" ", path].concat()),
        }
    }

    fn seconds(&self) -> Timestamp {
        self.time.with_nanosecond(0).unwrap_or(self.time)
    }

    /// Whether a success can only mean that the time was set
    fn is_plain(&self, command: TimeCommand, reply: &Reply) -> bool {
        let proven = self.known.support(command) == Support::Proven;
        match command {
            TimeCommand::Mfmt => {
                (proven || reply.code().get() == 213) && !self.names_other_time(reply)
            }
            // If the reply is a time, MDTM was taken for a query.
            TimeCommand::Mdtm => proven && parse_time(reply.text()).is_none(),
            TimeCommand::UtimeUtc | TimeCommand::Utime => proven,
        }
    }

    /// Whether a reply such as `213 Modify=20200102030405; path` names another time
    fn names_other_time(&self, reply: &Reply) -> bool {
        const FACT: &[u8] = b"modify=";
        // The path comes after the first space.
        let words = reply.text().split(|byte| *byte == b' ').next().unwrap_or_default();
        words.split(|byte| *byte == b';').any(|fact| {
            let value = match fact.split_at_checked(FACT.len()) {
                Some((name, value)) if name.eq_ignore_ascii_case(FACT) => value,
                _ => fact,
            };
            parse_time(value).is_some_and(|time| !self.is_wanted(time))
        })
    }

    /// Whether a file with this time needs no other; some file systems have a resolution of two seconds
    const fn is_wanted(&self, time: Timestamp) -> bool {
        time.to_unix().abs_diff(self.time.to_unix()) <= 1
    }

    /// Finds out whether the file has another time, unless that is known
    async fn look_before(&mut self) -> Result<(), Error> {
        if self.before.is_none() {
            self.before = Some(match self.io.mdtm(&self.path).await {
                Ok(time) if !self.is_wanted(time) => Before::OtherTime,
                Err(error) if error.is_fatal() || error.is_missing() => return Err(error),
                Ok(_) | Err(_) => Before::Unknown,
            });
        }
        Ok(())
    }

    /// Reads the time back after a refusal or an ambiguous success
    async fn read_back(&mut self, said: Reply) -> Result<Attempt, Error> {
        match self.io.mdtm(&self.path).await {
            Ok(time) if self.is_wanted(time) => Ok(match self.before {
                Some(Before::OtherTime) => Attempt::Set,
                Some(Before::Unknown) | None => Attempt::Unchanged,
            }),
            Ok(_) => {
                self.before = Some(Before::OtherTime);
                Ok(Attempt::Unknown(Some(said)))
            }
            Err(error) if error.is_fatal() || error.is_missing() => Err(error),
            Err(_) => Ok(Attempt::Refused(said)),
        }
    }
}
