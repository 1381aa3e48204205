//! Causes of errors that the machine does not know
//!
//! The machine knows that a connection failed; the session was told why. The machine's events are collected as soon as
//! there are any, because what is known may change.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use ftp_proto::{ConnectionError, DataFailure, OpId, Phase};
use ftp_tls::TlsError;

use super::Session;
use crate::data::DataState;
use crate::error::Error;
use crate::event::{Completion, Event};
use crate::failure::FailedData;
use crate::options::TraceHook;
use crate::proxy::ProxyProblem;
use crate::session_limit::is_full;

impl<S: Read + Write, L> Session<S, L> {
    /// Collects the machine's events
    #[inline]
    pub(super) fn collect(&mut self) {
        while let Some(event) = self.proto.poll_event() {
            self.note(event);
        }
    }

    fn note(&mut self, event: ftp_proto::Event) {
        use ftp_proto::Event as Proto;
        let event = match event {
            Proto::Greeting(reply) => {
                self.greeting = Some(reply.clone());
                Event::Greeting(reply)
            }
            Proto::TransferStarted { op, size_hint } => {
                self.size_hint = size_hint.map(|size| (op, size));
                Event::TransferStarted { op, size_hint }
            }
            Proto::Trace(line) => match &self.trace {
                Some(TraceHook(trace)) => return trace(&line),
                None => Event::Trace(line),
            },
            Proto::Completed(done) => {
                self.report();
                self.note_upload(&done);
                self.note_refusal(&done);
                let error = done.error();
                let explained = error.and_then(|error| self.explained(done.op(), error));
                self.data_failure.take_if(|known| known.op == Some(done.op()));
                Event::Completed(Completion::new(done, explained))
            }
            Proto::Closed(error) => {
                self.report();
                let error = self.explain_end(error.into());
                // What has ended for another reason can't be cancelled any more.
                self.cancelled.take_if(|flag| !flag.is_set());
                Event::Closed(error)
            }
            // Events that a newer core adds have no counterpart here.
            _ => return,
        };
        self.events.push_back(event);
    }

    /// Reports to later sessions with the same options what this one has found out about the server
    fn report(&mut self) {
        let Some(report) = &mut self.report else { return };
        report.batches(self.proto.batches());
        if self.proto.prefetch_failed() {
            report.prefetch_failed();
        }
    }

    /// Checks each refusal once, whether it is about the number of sessions or about a data connection
    fn note_refusal(&mut self, done: &ftp_proto::Completion) {
        let Some(error) = done.error() else { return };
        let reply = error.reply();
        if let Some(reply) = reply.filter(|reply| reply.code().get() == 530 && is_full(reply)) {
            self.refusal = Some(reply.clone());
        }
        let refused = matches!(error, ftp_proto::Error::Transient(_))
            && reply.is_some_and(|reply| reply.code().get() == 425);
        let failed = matches!(
            error,
            ftp_proto::Error::DataTimedOut(Phase::DataConnect | Phase::DataAccept)
                | ftp_proto::Error::DataConnection {
                    failure: DataFailure::Open | DataFailure::NeverOpened,
                    ..
                }
        );
        if refused || failed {
            self.data_failures = self.data_failures.saturating_add(1);
        }
    }

    /// The error of a request, if more is known about it than the machine knows
    fn explained(&mut self, op: OpId, error: &ftp_proto::Error) -> Option<Error> {
        if let Some(reason) = self.reason_of_end(error) {
            return Some(reason);
        }
        let known = match error {
            ftp_proto::Error::DataConnection { failure, .. } => {
                self.data_failure.take_if(|known| known.failure == *failure)
            }
            ftp_proto::Error::DataTimedOut(Phase::DataConnect | Phase::DataAccept) => {
                let unopened = |known: &mut FailedData| {
                    matches!(known.failure, DataFailure::Open | DataFailure::NeverOpened)
                };
                self.data_failure.take_if(unopened)
            }
            // The refused certificate says more than the server's reply that it had to give up.
            refusal if refusal.reply().is_some() && !refusal.is_fatal() => {
                let refused = |known: &mut FailedData| {
                    known.op == Some(op)
                        && TlsError::in_io(&known.error).is_some_and(TlsError::is_refusal)
                };
                self.data_failure.take_if(refused)
            }
            _ => None,
        };
        known.map(|known| data_error(known, error))
    }

    /// Whether an error comes from cancelling the session: either the session has ended because of it, or the shell
    /// has shut the connection down, and the session is about to end
    fn is_cancelled_by(&self, error: &ftp_proto::Error) -> bool {
        let end = error.connection_error();
        matches!(end, Some(ConnectionError::Eof | ConnectionError::LocallyClosed))
            && self.is_cancelled()
    }

    /// Why the session has ended, if that is known
    fn reason_of_end(&self, error: &ftp_proto::Error) -> Option<Error> {
        if self.is_cancelled_by(error) {
            return Some(Error::Cancelled);
        }
        match error {
            ftp_proto::Error::Connection(ConnectionError::Eof) => {
                self.failure.as_ref().map(Error::duplicate)
            }
            _ => None,
        }
    }

    pub(super) fn explain_end(&self, error: ftp_proto::Error) -> Error {
        self.reason_of_end(&error).unwrap_or(Error::Ftp(error))
    }

    /// Keeps the first cause: later failures of the same kind come from attempts to work around it
    pub(super) fn note_failure(
        &mut self,
        failure: DataFailure,
        address: Option<SocketAddr>,
        error: io::Error,
    ) {
        let op = self.proto.running_transfer();
        let known = self.data_failure.as_ref();
        if !known.is_some_and(|known| known.comes_before(op, failure)) {
            let error = self.without_login(error);
            self.data_failure = Some(FailedData { op, failure, address, error });
        }
    }

    /// Masks the proxy's login in an error that may contain text of the proxy
    pub(super) fn without_login(&self, error: io::Error) -> io::Error {
        match &self.via {
            Some(via) => via.without_login(error),
            None => error,
        }
    }

    /// Notes the address of a data connection that was not opened in time
    pub(super) fn note_unopened(&mut self) {
        let Some(data) = &self.data else { return };
        let error = io::ErrorKind::TimedOut.into();
        let (failure, address, error) = match &data.state {
            DataState::Connecting(_, _, route) => {
                let (address, error) = self.route_failed(route, error);
                (DataFailure::Open, address, error)
            }
            DataState::Tunneling(_, handshake) => {
                let Some(error) = self.proxy_error(ProxyProblem::TimedOut, handshake) else {
                    return;
                };
                (DataFailure::Open, None, error.into())
            }
            DataState::Listening(listener, _) => {
                (DataFailure::NeverOpened, Some(listener.address), error)
            }
            DataState::Dialing { host, port } => {
                let error = match self.data_handshake(*host, *port) {
                    Some(Ok(handshake)) => self.proxy_unreachable(error, handshake.target()),
                    Some(Err(_)) | None => error,
                };
                (DataFailure::Open, None, error)
            }
            _ => return,
        };
        self.note_failure(failure, address, error);
    }
}

/// The error of a data connection whose failure is known
///
/// If the machine's deadline passed there is no reply, and if this side refused a certificate, the server's reply does
/// not say so.
fn data_error(known: FailedData, error: &ftp_proto::Error) -> Error {
    Error::Data {
        failure: known.failure,
        address: known.address,
        reply: error.reply().cloned(),
        error: known.error,
    }
}
