//! Requests: each is queued, none fails when it is made, each completes exactly once

use core::net::SocketAddr;

use alloc::vec::Vec;

use super::{Client, Life, State};
use crate::claim::{Op, OpId, Owner, Transfer};
use crate::control::command::{Argument, ArgumentError, Secret, Verb, literal};
use crate::control::fields::{self, PassiveAddress};
use crate::control::reply::Reply;
use crate::error::{ConnectionError, Error};
use crate::op::features::FeaturesOp;
use crate::op::hash::Hash;
use crate::op::login::{Login, anonymous_defaults};
use crate::op::machine::{Context, Ended, Step};
use crate::op::quit::Quit;
use crate::op::read_dir::{ReadDir, ReadDirOp};
use crate::op::remote::{OtherServer, RemoteActive, RemotePassive, RemoteTransfer};
use crate::op::rename::Rename;
use crate::op::request::{Get, List, Put};
use crate::op::running::Running;
use crate::op::secure::{ClearControl, Protect, Scope, Secure};
use crate::op::simple::{Parameter, Simple, Want};
use crate::op::size_and_time::SizeAndTimeOp;
use crate::op::transfer::TransferOp;
use crate::plan::{Task, Work};
use crate::terms::TransferType;

/// Writes each request of the list as a method of the client
macro_rules! methods {
    ($(
        $(#[$group:meta])*
        impl {$(
            $(#[$meta:meta])*
            fn $name:ident($($argument:ident: $type:ty),*) -> $output:ty { $($operation:tt)* }
        )*}
    )*) => {$(
        $(#[$group])*
        impl Client {$(
            $(#[$meta])*
            pub fn $name(&mut self, $($argument: $type),*) -> Op<$output> {
                self.request({ $($operation)* })
            }
        )*}
    )*};
}

crate::requests!(methods);

/// Requests
///
/// A request made after the session has ended completes at once with the reason of the end.
impl Client {
    /// Puts the control connection into TLS: AUTH TLS, then PBSZ 0 and PROT P (RFC 4217)
    ///
    /// Under [`TlsPolicy::Explicit`](crate::TlsPolicy::Explicit), the client does this by itself after the greeting.
    /// What is secured already stays as it is.
    pub fn secure(&mut self) -> Op<()> {
        self.request(Ok(Running::Secure(Secure::requested(Scope::ControlAndData))))
    }

    /// Sends only AUTH TLS: data connections stay in clear text until [`Self::protect`]
    ///
    /// Returns the reply to AUTH; `None` if the connection was in TLS already, so nothing was sent.
    pub fn secure_control(&mut self) -> Op<Option<Reply>> {
        self.request(Ok(Running::Secure(Secure::requested(Scope::Control))))
    }

    /// Downloads a file: RETR, or another command whose result comes on a data connection
    pub fn get(&mut self, get: impl Into<Get>) -> Op<Transfer> {
        let transfer = TransferOp::get(get.into());
        self.request_transfer(transfer)
    }

    /// Uploads a file: STOR, APPE or STOU
    pub fn put(&mut self, put: impl Into<Put>) -> Op<Transfer> {
        let transfer = TransferOp::put(put.into());
        self.request_transfer(transfer)
    }

    /// Fetches a listing: LIST, NLST or MLSD
    pub fn list(&mut self, list: impl Into<List>) -> Op<Transfer> {
        let transfer = TransferOp::list(list.into());
        self.request_transfer(transfer)
    }

    /// Fetches the entries of a directory with the best command that the server has, MLSD or LIST:
    /// `read_dir("d")`, `read_dir(ReadDir::long("d"))`
    ///
    /// For an empty directory, the transfer has no bytes. A missing directory is [`Error::NoDirectory`]; any other
    /// refusal is reported with its reply. If the server shows that the user may not read the directory, that is an
    /// error, too: [`Error::UnreadableDirectory`] or [`Error::UnexpectedReply`]. While the bytes arrive,
    /// [`Self::listing_format`] returns their format.
    ///
    /// To list a directory with LIST, or one whose name a server would take for options or a pattern, the client
    /// enters it. It returns before the next request that depends on the working directory, so directories that are
    /// listed one after the other cost no returns. If the server refuses to let it return, such requests fail with
    /// [`Error::WorkingDirectoryLost`].
    pub fn read_dir(&mut self, directory: impl Into<ReadDir>) -> Op<Transfer> {
        self.request(ReadDirOp::new(directory.into()))
    }

    /// Makes the server listen for another server (PASV); first half of a copy between servers
    pub fn remote_passive(&mut self, type_: TransferType) -> Op<PassiveAddress> {
        self.request(Ok(Running::RemotePassive(RemotePassive::new(type_))))
    }

    /// Tells the server where another server listens; second half of a copy between servers
    pub fn remote_active(&mut self, address: SocketAddr, type_: TransferType) -> Op<Reply> {
        self.request(Ok(Running::RemoteActive(RemoteActive::new(address, type_))))
    }

    /// Sends RETR, whose bytes go to another server; [`Transfer::bytes`] is 0, because the client can't see them
    pub fn remote_get(&mut self, path: impl AsRef<[u8]>) -> Op<Transfer> {
        self.remote(Verb::RETR, path)
    }

    /// Sends STOR, whose bytes come from another server
    pub fn remote_put(&mut self, path: impl AsRef<[u8]>) -> Op<Transfer> {
        self.remote(Verb::STOR, path)
    }

    /// Ends the session politely (QUIT); returns `None` if the server closed the connection without a reply
    ///
    /// The wait for the reply ends after 10 seconds, or after
    /// [`Config::reply_timeout`](crate::Config::reply_timeout) if that is shorter.
    pub fn quit(&mut self) -> Op<Option<Reply>> {
        self.request(Ok(Running::Quit(Quit)))
    }

    /// Aborts a request, which completes with [`Error::Aborted`] at once; a request that has completed is not
    /// changed
    ///
    /// A queued request is never sent. A running transfer is stopped by ABOR. Of any other running command, the
    /// reply is dropped when it comes, whatever the command has done by then. A listing is
    /// [read to its end](crate::Action::Discard), and cut off only after half of
    /// [`Config::settle_timeout`](crate::Config::settle_timeout). A rename whose RNFR was sent is withdrawn by RNTO
    /// without a name, which a server may carry out instead of refusing it, if it takes the empty name for the
    /// working directory. A login and a change of the session's security run to their end. Requests made meanwhile wait
    /// until the session has settled. The server's reply to ABOR is [`Self::abort_reply`].
    ///
    /// As with every request, deadlines count from the next input. If a listing is read to its end, nothing is
    /// written, so there may be no report of a write as the next input: call [`Self::handle_timeout`] afterwards,
    /// which is harmless at any time.
    pub fn abort(&mut self, op: OpId) {
        let owner = Owner::User(op);
        self.wire.session.abort_reply = None;
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
                // It has failed already, and only waits for the server's explanation.
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
        // The reply that is dropped may have announced a new working directory.
        if !matches!(task.operation, Running::Transfer(_)) {
            self.wire.session.directory.may_have_changed();
        }
        self.apply(result, None);
    }

    /// Tells one half of a copy between servers what the other server has said
    pub(crate) fn note_other_server(&mut self, op: OpId, other: OtherServer) {
        let State::Running(Task { request, operation: Running::RemoteTransfer(half) }) =
            &mut self.state
        else {
            return;
        };
        if request.owner == Owner::User(op) {
            self.wire.timers.requested(self.now);
            let owner = request.owner;
            half.note_other(other, &mut Context { now: self.now, owner, wire: &mut self.wire });
        }
    }

    /// Removes a request from the queue; one that reads a directory may have entered it already
    fn abort_queued(&mut self, at: usize) {
        let Some(mut task) = self.queue.remove(at) else { return };
        if at == 0 {
            self.wire.session.directory.forget_refusal();
        }
        let owner = task.request.owner;
        task.request.abandon();
        self.complete(owner, Err(Error::Aborted));
        if task.operation.is_login() {
            self.refuse_queued(at, &Error::Aborted);
        }
        let result = Err(Error::Aborted);
        self.end(task.request, Ended { result, moved: false, answered: None });
    }

    /// Ends the session at once, without QUIT
    pub fn close(&mut self) {
        self.die(ConnectionError::LocallyClosed);
    }

    fn remote(&mut self, verb: Verb, path: impl AsRef<[u8]>) -> Op<Transfer> {
        let transfer = Argument::path(path).map(|path| RemoteTransfer::new(verb, path));
        self.request(transfer.map(Running::RemoteTransfer).map_err(Error::from))
    }

    /// Queues a transfer, in the box of an earlier one
    fn request_transfer(&mut self, transfer: Result<TransferOp, Error>) -> Op<Transfer> {
        let running = transfer.map(|transfer| match self.spare.take() {
            Some(mut spare) => {
                *spare = transfer;
                Running::Transfer(spare)
            }
            None => Running::from(transfer),
        });
        self.request(running)
    }

    /// Queues a request
    fn request<T>(&mut self, work: impl Work) -> Op<T> {
        let id = self.next_op;
        self.next_op = id.next();
        if let Life::Dead(error) = &self.life {
            let error = error.clone().into();
            self.complete(Owner::User(id), Err(error));
            return Op::new(id);
        }
        self.queue.push_back(work.task(Owner::User(id)));
        self.wire.timers.requested(self.now);
        self.pump();
        Op::new(id)
    }
}

fn login(user: &[u8], password: &[u8], account: Option<&[u8]>) -> Result<Running, Error> {
    let (user, password) = anonymous_defaults(user, password);
    let login = || -> Result<_, ArgumentError> {
        let account = account.map(Secret::new).transpose()?;
        Ok(Login::new(Argument::new(user)?, Secret::new(password)?, account))
    };
    Ok(login().map_or_else(Running::InvalidLogin, Running::Login))
}

/// Creates a command without an argument
// Inlined, a NOOP takes 1 % fewer instructions.
#[inline]
const fn bare(verb: Verb, want: Want) -> Result<Running, Error> {
    Ok(Running::Simple(Simple::new(verb, Parameter::None, want)))
}

fn with(verb: Verb, argument: impl AsRef<[u8]>, want: Want) -> Result<Running, Error> {
    let parameter = Parameter::Public(Argument::new(argument)?);
    Ok(Running::Simple(Simple::new(verb, parameter, want)))
}

/// Creates a command with a path
fn at(verb: Verb, path: impl AsRef<[u8]>, want: Want) -> Result<Running, Error> {
    let parameter = Parameter::Public(Argument::path(path)?);
    Ok(Running::Simple(Simple::new(verb, parameter, want)))
}

/// Creates a command with an argument; without one if the argument is empty
fn optional(verb: Verb, argument: impl AsRef<[u8]>) -> Result<Running, Error> {
    if argument.as_ref().is_empty() {
        return bare(verb, Want::Completion);
    }
    with(verb, argument, Want::Completion)
}

fn secret(verb: Verb, argument: impl AsRef<[u8]>) -> Result<Running, Error> {
    let parameter = Parameter::Secret(Secret::new(argument)?);
    Ok(Running::Simple(Simple::new(verb, parameter, Want::Completion)))
}

/// Joins words into one argument
fn words(words: &[&[u8]]) -> Vec<u8> {
    words.join(&b' ')
}

fn rename(from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Result<Running, Error> {
    Ok(Running::Rename(Rename::new(Argument::path(from)?, Argument::path(to)?)))
}

fn hash(path: impl AsRef<[u8]>) -> Result<Running, Error> {
    Ok(Running::Hash(Hash::new(Argument::path(path)?)))
}

fn size_and_mdtm(path: impl AsRef<[u8]>) -> Result<Running, Error> {
    Ok(Running::SizeAndTime(SizeAndTimeOp::new(Argument::path(path)?)))
}

fn raw(verb: &str, argument: &[u8]) -> Result<Running, Error> {
    let verb = Verb::new(verb)?;
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
        | Verb::REIN => return Err(ArgumentError::Reserved.into()),
        // Later transfers would be misread: as blocks or records, or only in part.
        _ if changes_transfers(verb, argument) => {
            return Err(ArgumentError::ChangesTransfers.into());
        }
        _ if argument.is_empty() => Parameter::None,
        _ if verb.is_secret() => Parameter::Secret(Secret::new(argument)?),
        _ => Parameter::Public(Argument::new(argument)?),
    };
    Ok(Running::Simple(Simple::new(verb, parameter, Want::Any)))
}

/// Whether a raw command would change how transfers are read: a mode other than stream, a
/// structure other than file (RFC 959 sections 3.1.2 and 3.4), a range (draft-bryan-ftp-range)
fn changes_transfers(verb: Verb, argument: &[u8]) -> bool {
    match verb.as_str() {
        "MODE" => !argument.trim_ascii().eq_ignore_ascii_case(b"S"),
        "STRU" => !argument.trim_ascii().eq_ignore_ascii_case(b"F"),
        // SSCN and CPSV swap the TLS roles of data connections.
        "RANG" | "SSCN" | "CPSV" => true,
        _ => false,
    }
}
