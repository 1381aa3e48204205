//! Causes of errors that the machine does not know
//!
//! The machine knows that a connection failed; the session was told why. The machine's events are collected as soon as
//! there are any, because what is known may change.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use ftp_proto::{ConnectionError, DataFailure, OpId, Phase};
use ftp_tls::TlsError;

use super::{Failure, Session};
use crate::data::{DataState, Route};
use crate::error::{Error, again};
use crate::event::{Cause, Completion, Event, explain};
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
                let cause = done.error().cloned();
                let cause = cause.and_then(|error| self.cause(Some(done.op()), &error));
                self.data_failure.take_if(|known| known.op == Some(done.op()));
                Event::Completed(Completion::new(done, cause))
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

    /// The cause of an error, if it is known
    fn cause(&mut self, op: Option<OpId>, error: &ftp_proto::Error) -> Option<Cause> {
        if self.is_cancelled_by(error) {
            return Some(Cause::Cancelled);
        }
        match error {
            ftp_proto::Error::Connection(_) => self.cause_of_end(error),
            ftp_proto::Error::DataConnection { failure, .. } => {
                let of_this = |known: &mut FailedData| known.failure == *failure;
                self.data_failure.take_if(of_this).map(Cause::Data)
            }
            ftp_proto::Error::DataTimedOut(Phase::DataConnect | Phase::DataAccept) => {
                let unopened = |known: &mut FailedData| {
                    matches!(known.failure, DataFailure::Open | DataFailure::NeverOpened)
                };
                self.data_failure.take_if(unopened).map(Cause::Data)
            }
            // The refused certificate says more than the server's reply that it had to give up.
            refusal if refusal.reply().is_some() && !refusal.is_fatal() => {
                let refused = |known: &mut FailedData| {
                    known.op == op
                        && TlsError::in_io(&known.error).is_some_and(TlsError::is_refusal)
                };
                self.data_failure.take_if(refused).map(Cause::Data)
            }
            _ => None,
        }
    }

    /// Whether an error comes from cancelling the session: either the session has ended because of it, or the shell
    /// has shut the connection down, and the session is about to end
    fn is_cancelled_by(&self, error: &ftp_proto::Error) -> bool {
        let end = error.connection_error();
        matches!(end, Some(ConnectionError::Eof | ConnectionError::LocallyClosed))
            && self.is_cancelled()
    }

    fn cause_of_end(&self, error: &ftp_proto::Error) -> Option<Cause> {
        if self.is_cancelled_by(error) {
            return Some(Cause::Cancelled);
        }
        let ftp_proto::Error::Connection(ConnectionError::Eof) = error else { return None };
        Some(match self.failure.as_ref()? {
            Failure::Connect(target, error) => Cause::Connect(target.clone(), again(error)),
            Failure::Proxy(error) => Cause::Proxy(error.clone()),
            Failure::Control(error) => Cause::Control(again(error)),
        })
    }

    pub(super) fn explain_end(&self, error: ftp_proto::Error) -> Error {
        let cause = self.cause_of_end(&error);
        explain(error, cause)
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
            self.data_failure = Some(FailedData { op, failure, address, error });
        }
    }

    /// Notes the address of a data connection that was not opened in time
    pub(super) fn note_unopened(&mut self) {
        let (failure, address) = match self.data.as_ref().map(|data| &data.state) {
            Some(DataState::Connecting(_, _, Route::Direct(address))) => {
                (DataFailure::Open, Some(*address))
            }
            Some(DataState::Connecting(_, _, Route::Proxy(handshake))) => {
                let error = io::ErrorKind::TimedOut.into();
                let error = self.proxy_unreachable(error, handshake.target());
                return self.note_failure(DataFailure::Open, None, error);
            }
            Some(DataState::Tunneling(_, handshake)) => {
                let Some(error) = self.proxy_error(ProxyProblem::TimedOut, handshake) else {
                    return;
                };
                return self.note_failure(DataFailure::Open, None, error.into());
            }
            Some(DataState::Listening(listener, _)) => {
                (DataFailure::NeverOpened, Some(listener.address))
            }
            Some(DataState::Dialing { host, port }) => match self.data_handshake(*host, *port) {
                Some(Ok(handshake)) => {
                    let error = io::ErrorKind::TimedOut.into();
                    let error = self.proxy_unreachable(error, handshake.target());
                    return self.note_failure(DataFailure::Open, None, error);
                }
                Some(Err(_)) | None => (DataFailure::Open, None),
            },
            _ => return,
        };
        self.note_failure(failure, address, io::ErrorKind::TimedOut.into());
    }
}
