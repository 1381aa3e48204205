//! Requests: each queues, none fails, each completes exactly once

use core::net::SocketAddr;

use alloc::vec::Vec;

use super::{Client, Life, State};
use crate::claim::{Op, OpId, Owner, Transfer};
use crate::control::command::{Argument, ArgumentError, Secret, Verb};
use crate::control::features::Features;
use crate::control::fields::{self, FileHash, PassiveAddress};
use crate::control::reply::Reply;
use crate::error::{ConnectionError, Error};
use crate::op::features::FeaturesOp;
use crate::op::hash::Hash;
use crate::op::login::{Login, anonymous_defaults};
use crate::op::machine::{Context, Ended, Step};
use crate::op::quit::Quit;
use crate::op::read_dir::{ReadDir, ReadDirOp};
use crate::op::remote::{RemoteActive, RemotePassive, RemoteTransfer};
use crate::op::rename::Rename;
use crate::op::request::{Get, List, Put};
use crate::op::running::Running;
use crate::op::secure::{ClearControl, Protect, Scope, Secure};
use crate::op::simple::{Parameter, Simple, Want};
use crate::op::transfer::TransferOp;
use crate::plan::Task;
use crate::terms::{Protection, TransferType};
use crate::timestamp::Timestamp;

/// Requests
///
/// Made after the session's end, a request completes at once with the reason of the end.
impl Client {
    /// Puts the control connection into TLS: AUTH TLS, then PBSZ 0 and PROT P (RFC 4217)
    ///
    /// Under [`TlsPolicy::Explicit`](crate::TlsPolicy::Explicit) the client does this by itself
    /// after the greeting. What is secured already is left as it is.
    pub fn secure(&mut self) -> Op<()> {
        self.request(Ok(Running::Secure(Secure::requested(Scope::ControlAndData))))
    }

    /// AUTH TLS alone: data connections stay in clear until [`Self::protect`]
    pub fn secure_control(&mut self) -> Op<()> {
        self.request(Ok(Running::Secure(Secure::requested(Scope::Control))))
    }

    /// Sets the protection of data connections: PBSZ 0 and PROT P, or PROT C
    pub fn protect(&mut self, level: Protection) -> Op<()> {
        self.request(Ok(Running::Protect(Protect::new(level))))
    }

    /// Takes the control connection out of TLS: CCC; in clear already, nothing is sent
    pub fn clear_control(&mut self) -> Op<()> {
        self.request(Ok(Running::ClearControl(ClearControl)))
    }

    /// Logs in: USER, and PASS where the server asks for it
    ///
    /// An empty `user` is `anonymous`, whose password is by default `anonymous@`.
    ///
    /// Besides a refusal this can end in [`Error::TlsRequired`] and
    /// [`Error::AccountRequired`].
    pub fn login(&mut self, user: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> Op<Reply> {
        let login = new_login(user.as_ref(), password.as_ref(), None);
        self.request(login)
    }

    /// Logs in to a server that asks for an account: USER, PASS and ACCT in the order it wants
    pub fn login_with_account(
        &mut self,
        user: impl AsRef<[u8]>,
        password: impl AsRef<[u8]>,
        account: impl AsRef<[u8]>,
    ) -> Op<Reply> {
        let login = new_login(user.as_ref(), password.as_ref(), Some(account.as_ref()));
        self.request(login)
    }

    /// Gives an account (ACCT), for servers that ask for one after the login (332, 532)
    pub fn account(&mut self, account: impl AsRef<[u8]>) -> Op<Reply> {
        let parameter = Secret::new(account).map(Parameter::Secret);
        self.simple(Verb::ACCT, parameter, Want::Completion)
    }

    /// Downloads a file: RETR, or another command that answers on a data connection
    pub fn get(&mut self, get: impl Into<Get>) -> Op<Transfer> {
        let transfer = TransferOp::get(get.into());
        self.request(transfer.map(Running::Transfer))
    }

    /// Uploads a file: STOR, APPE or STOU
    pub fn put(&mut self, put: impl Into<Put>) -> Op<Transfer> {
        let transfer = TransferOp::put(put.into());
        self.request(transfer.map(Running::Transfer))
    }

    /// Fetches a listing: LIST, NLST or MLSD
    pub fn list(&mut self, list: impl Into<List>) -> Op<Transfer> {
        let transfer = TransferOp::list(list.into());
        self.request(transfer.map(Running::Transfer))
    }

    /// Fetches the entries of a directory by the best command that the server has, MLSD or LIST:
    /// `read_dir("d")`, `read_dir(ReadDir::long("d"))`
    ///
    /// An empty directory is a transfer without a byte, a missing one [`Error::NoDirectory`], and
    /// a refusal the server's reply. A directory whose name LIST would take for options or a pattern
    /// is entered, listed and left again; so is one of which nothing comes, for proof that it exists.
    /// How the bytes are to be read is told by [`Self::listing_format`] while they come.
    ///
    /// If the way back is refused, the request ends in that refusal, and the working directory is the
    /// one that was to be listed.
    pub fn read_dir(&mut self, directory: impl Into<ReadDir>) -> Op<Transfer> {
        self.enqueue(|owner| match ReadDirOp::new(directory.into()) {
            Ok(read_dir) => Task::directory(owner, read_dir),
            Err(error) => Task::new(owner, Running::Invalid(error)),
        })
    }

    /// Changes the working directory (CWD)
    pub fn cwd(&mut self, path: impl AsRef<[u8]>) -> Op<Reply> {
        self.with(Verb::CWD, path, Want::Completion)
    }

    /// Changes to the parent directory: CDUP, or `CWD ..` where that is not known (Q32)
    pub fn cdup(&mut self) -> Op<Reply> {
        self.request(Ok(Running::Simple(Simple::parent())))
    }

    /// The working directory (PWD), as the server writes it
    pub fn pwd(&mut self) -> Op<Vec<u8>> {
        self.simple(Verb::PWD, Ok(Parameter::None), Want::Path)
    }

    /// Makes a directory (MKD); `None` if the server does not tell its path
    pub fn mkdir(&mut self, path: impl AsRef<[u8]>) -> Op<Option<Vec<u8>>> {
        self.with(Verb::MKD, path, Want::MadePath)
    }

    /// Removes an empty directory (RMD)
    pub fn rmdir(&mut self, path: impl AsRef<[u8]>) -> Op<Reply> {
        self.with(Verb::RMD, path, Want::Completion)
    }

    /// Deletes a file (DELE)
    pub fn delete(&mut self, path: impl AsRef<[u8]>) -> Op<Reply> {
        self.with(Verb::DELE, path, Want::Completion)
    }

    /// Renames or moves a file or directory (RNFR, RNTO)
    pub fn rename(&mut self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Op<Reply> {
        let rename = Argument::new(from)
            .and_then(|from| Argument::new(to).map(|to| Rename::new(from, to)))
            .map(Running::Rename);
        self.request(rename.map_err(Error::from))
    }

    /// Size of a file in bytes (SIZE, RFC 3659 section 4), asked under TYPE I
    pub fn size(&mut self, path: impl AsRef<[u8]>) -> Op<u64> {
        self.with(Verb::SIZE, path, Want::Size)
    }

    /// Hash of a file's bytes as the server computes it: the strongest that FEAT offers, by XSHA256 and
    /// its kin or by HASH; `None` if it offers none
    ///
    /// Takes as long as the server needs to read the file:
    /// [`Config::hash_timeout`](crate::Config::hash_timeout).
    pub fn hash(&mut self, path: impl AsRef<[u8]>) -> Op<Option<FileHash>> {
        let hash = Argument::new(path).map(|path| Running::Hash(Hash::new(path)));
        self.request(hash.map_err(Error::from))
    }

    /// Time of a file's last modification (MDTM, RFC 3659 section 3), UTC on servers that follow
    /// the RFC
    pub fn mdtm(&mut self, path: impl AsRef<[u8]>) -> Op<Timestamp> {
        self.with(Verb::MDTM, path, Want::Time)
    }

    /// Sets the time of a file's last modification (MFMT, draft-somers-ftp-mfxx), UTC
    pub fn set_mdtm(&mut self, path: impl AsRef<[u8]>, time: Timestamp) -> Op<Reply> {
        let mut argument = fields::format_time(time).into_bytes();
        argument.push(b' ');
        argument.extend_from_slice(path.as_ref());
        self.with(Verb::MFMT, argument, Want::Completion)
    }

    /// Facts about one file or directory (MLST, RFC 3659 section 7); empty: the working directory
    ///
    /// The facts are in the reply's text; `listing::mlsx` reads them.
    pub fn mlst(&mut self, path: impl AsRef<[u8]>) -> Op<Reply> {
        self.optional(Verb::MLST, path, Want::Completion)
    }

    /// What the server can do (FEAT, RFC 2389); an empty set where it does not know FEAT
    pub fn query_features(&mut self) -> Op<Features> {
        self.request(Ok(Running::Features(FeaturesOp)))
    }

    /// Asks for UTF-8 names: `OPTS UTF8 ON` (RFC 2640 has no such command, many servers do)
    ///
    /// Send it after the login (Q19); a refusal (Q27) means nothing on servers that speak UTF-8
    /// anyway.
    pub fn utf8(&mut self) -> Op<Reply> {
        self.with(Verb::OPTS, "UTF8 ON", Want::Completion)
    }

    /// Sets options of a command (OPTS, RFC 2389 section 4), such as `MLST type;size;`
    pub fn opts(&mut self, options: impl AsRef<[u8]>) -> Op<Reply> {
        self.with(Verb::OPTS, options, Want::Completion)
    }

    /// Does nothing (NOOP): a sign of life
    pub fn noop(&mut self) -> Op<Reply> {
        self.simple(Verb::NOOP, Ok(Parameter::None), Want::Completion)
    }

    /// Kind of the server's system (SYST)
    pub fn system(&mut self) -> Op<Reply> {
        self.simple(Verb::SYST, Ok(Parameter::None), Want::Completion)
    }

    /// Help (HELP), on a command or, empty, in general
    pub fn help(&mut self, topic: impl AsRef<[u8]>) -> Op<Reply> {
        self.optional(Verb::HELP, topic, Want::Completion)
    }

    /// Status (STAT): of the session, if `path` is empty; else a listing in the reply's text
    pub fn stat(&mut self, path: impl AsRef<[u8]>) -> Op<Reply> {
        self.optional(Verb::STAT, path, Want::Completion)
    }

    /// A command of this server's own (SITE)
    pub fn site(&mut self, command: impl AsRef<[u8]>) -> Op<Reply> {
        self.with(Verb::SITE, command, Want::Completion)
    }

    /// Any command with one final reply of 2yz or 3yz; an empty argument sends the verb alone
    ///
    /// Commands that open data connections, end the session or change its protection have their
    /// own requests and are refused here with [`Error::InvalidArgument`]: the client could not
    /// keep account of them.
    pub fn command(&mut self, verb: &str, argument: impl AsRef<[u8]>) -> Op<Reply> {
        let argument = argument.as_ref();
        let simple = Verb::new(verb).and_then(|verb| {
            let parameter = match verb {
                Verb::RETR
                | Verb::STOR
                | Verb::STOU
                | Verb::APPE
                | Verb::LIST
                | Verb::NLST
                | Verb::MLSD
                | Verb::ABOR
                | Verb::QUIT
                | Verb::AUTH
                | Verb::CCC
                | Verb::PROT
                | Verb::REIN => return Err(ArgumentError::Reserved),
                // Later transfers would be read wrongly: in blocks or records, or only in part.
                _ if changes_transfers(verb, argument) => {
                    return Err(ArgumentError::ChangesTransfers);
                }
                _ if argument.is_empty() => Parameter::None,
                _ if verb.is_secret() => Parameter::Secret(Secret::new(argument)?),
                _ => Parameter::Public(Argument::new(argument)?),
            };
            Ok(Running::Simple(Simple::new(verb, parameter, Want::Any)))
        });
        self.request(simple.map_err(Error::from))
    }

    /// Has the server listen for another one; first half of a copy between servers
    pub fn remote_passive(&mut self, type_: TransferType) -> Op<PassiveAddress> {
        self.request(Ok(Running::RemotePassive(RemotePassive::new(type_))))
    }

    /// Tells the server where another one listens; second half of a copy between servers
    pub fn remote_active(&mut self, address: SocketAddr, type_: TransferType) -> Op<Reply> {
        self.request(Ok(Running::RemoteActive(RemoteActive::new(address, type_))))
    }

    /// RETR whose bytes go to another server; [`Transfer::bytes`] is 0, nobody here sees them
    pub fn remote_get(&mut self, path: impl AsRef<[u8]>) -> Op<Transfer> {
        self.remote(Verb::RETR, path)
    }

    /// STOR whose bytes come from another server
    pub fn remote_put(&mut self, path: impl AsRef<[u8]>) -> Op<Transfer> {
        self.remote(Verb::STOR, path)
    }

    /// Says goodbye (QUIT), then the session is over; `None` if the server just went
    pub fn quit(&mut self) -> Op<Option<Reply>> {
        self.request(Ok(Running::Quit(Quit)))
    }

    /// Aborts a request, which completes with [`Error::Aborted`] at once; one that has completed is left
    /// as it is
    ///
    /// A queued request is never sent. What runs is stopped: a transfer by ABOR, a command by dropping
    /// its reply when it comes, whatever it has done by then. A listing is
    /// [read to its end](crate::Action::Discard), and cut off only after half of
    /// [`Config::settle_timeout`](crate::Config::settle_timeout); a directory that was entered is left
    /// again. A login and a change of the session's security go on to their end. Requests made
    /// meanwhile wait until the session has settled.
    ///
    /// As with every request, deadlines count from the next input. Where a listing is read to its end nothing
    /// is written whose report would be one: call [`Self::handle_timeout`] afterwards, which is harmless at
    /// any time.
    pub fn abort(&mut self, op: OpId) {
        let owner = Owner::User(op);
        self.wire.timers.requested(self.now);
        if self.ahead.as_ref().is_some_and(|task| task.request.owner == owner) {
            if let Some(task) = &mut self.ahead {
                task.request.abandon();
            }
            return self.complete(owner, Err(Error::Aborted));
        }
        match &mut self.state {
            State::Running(task) if task.request.owner == owner => {
                task.request.abandon();
                self.complete(owner, Err(Error::Aborted));
                self.abort_running();
                return self.pump();
            }
            State::Settling(settling)
                if settling.waiting().is_some_and(|request| request.owner == owner) =>
            {
                // It has failed already, and only waits for an explanation.
                let failed = settling.take_failed();
                return self.fail(failed);
            }
            _ => {}
        }
        if let Some(at) = self.queue.iter().position(|task| task.request.owner == owner) {
            self.abort_queued(at);
            self.pump();
        }
    }

    fn abort_running(&mut self) {
        let State::Running(task) = &mut self.state else { return };
        let owner = task.request.owner;
        let mut cx = Context { now: self.now, owner, wire: &mut self.wire };
        let result = task.operation.abort(&mut cx);
        if let Ok(Step::Pending) = result {
            return;
        }
        // The reply that is dropped may have told of another directory.
        if !matches!(task.operation, Running::Transfer(_)) {
            self.wire.session.directory = None;
        }
        self.apply(result, None);
    }

    /// Takes a request from the queue; one that reads a directory may have entered it
    fn abort_queued(&mut self, at: usize) {
        let Some(mut task) = self.queue.remove(at) else { return };
        let owner = task.request.owner;
        task.request.abandon();
        self.complete(owner, Err(Error::Aborted));
        let result = Err(Error::Aborted);
        self.end(task.request, Ended { result, moved: false, answered: None });
    }

    /// Ends the session at once, without QUIT
    pub fn close(&mut self) {
        self.die(ConnectionError::LocallyClosed);
    }

    fn with<T>(&mut self, verb: Verb, argument: impl AsRef<[u8]>, want: Want) -> Op<T> {
        self.simple(verb, Argument::new(argument).map(Parameter::Public), want)
    }

    /// An empty argument sends the verb alone
    fn optional<T>(&mut self, verb: Verb, argument: impl AsRef<[u8]>, want: Want) -> Op<T> {
        if argument.as_ref().is_empty() {
            return self.simple(verb, Ok(Parameter::None), want);
        }
        self.with(verb, argument, want)
    }

    fn simple<T>(
        &mut self,
        verb: Verb,
        parameter: Result<Parameter, ArgumentError>,
        want: Want,
    ) -> Op<T> {
        let simple = parameter.map(|parameter| Simple::new(verb, parameter, want));
        self.request(simple.map(Running::Simple).map_err(Error::from))
    }

    fn remote(&mut self, verb: Verb, path: impl AsRef<[u8]>) -> Op<Transfer> {
        let transfer = Argument::new(path).map(|path| RemoteTransfer::new(verb, path));
        self.request(transfer.map(Running::RemoteTransfer).map_err(Error::from))
    }

    /// Queues a request; what can't be sent fails in its turn, so that results keep their order
    fn request<T>(&mut self, running: Result<Running, Error>) -> Op<T> {
        let running = running.unwrap_or_else(Running::Invalid);
        self.enqueue(|owner| Task::new(owner, running))
    }

    fn enqueue<T>(&mut self, task: impl FnOnce(Owner) -> Task) -> Op<T> {
        let id = OpId(self.next_op);
        self.next_op += 1;
        if let Life::Dead(error) = &self.life {
            let error = error.clone().into();
            self.complete(Owner::User(id), Err(error));
            return Op::new(id);
        }
        self.queue.push_back(task(Owner::User(id)));
        self.wire.timers.requested(self.now);
        self.pump();
        Op::new(id)
    }
}

fn new_login(user: &[u8], password: &[u8], account: Option<&[u8]>) -> Result<Running, Error> {
    let (user, password) = anonymous_defaults(user, password);
    let account = account.map(Secret::new).transpose()?;
    Ok(Running::Login(Login::new(Argument::new(user)?, Secret::new(password)?, account)))
}

/// Whether a raw command would change how transfers are to be read: another mode than stream, another
/// structure than file (RFC 959 sections 3.1.2 and 3.4), a range (draft-bryan-ftp-range)
fn changes_transfers(verb: Verb, argument: &[u8]) -> bool {
    match verb.as_str() {
        "MODE" => !argument.trim_ascii().eq_ignore_ascii_case(b"S"),
        "STRU" => !argument.trim_ascii().eq_ignore_ascii_case(b"F"),
        // The latter two turn the TLS roles of data connections round.
        "RANG" | "SSCN" | "CPSV" => true,
        _ => false,
    }
}
