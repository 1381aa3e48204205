//! The control connection: bytes in both directions, TLS on and off

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ftp_proto::ControlEvent;
use ftp_tls::{Role, Stream};

use crate::clock::later;
use crate::session::Session;
use crate::wait::{ALLOWANCE, Interest};

/// How long the server's close_notify is waited for at the end of TLS; some never send it (Q96)
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// Between tries to go on in clear while this side's close_notify can't be written
const WRITE_PATIENCE: Duration = Duration::from_millis(100);

pub(crate) struct Control {
    stream: Stream<TcpStream>,
    phase: Phase,
}

/// What the stream is busy with
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Commands and replies
    Open,
    /// The TLS handshake
    Securing,
    /// The end of TLS; from then on without the server's close_notify
    Clearing { patience: Option<Instant> },
    /// Nothing: it broke, and the machine only waits for the end of a transfer that is confirmed already
    Broken,
}

impl Control {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream: Stream::new(stream), phase: Phase::Open }
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    pub(crate) fn stream(&self) -> &Stream<TcpStream> {
        &self.stream
    }

    /// When the end of TLS is no longer waited for
    pub(crate) fn patience(&self) -> Option<Instant> {
        match self.phase {
            Phase::Clearing { patience } => patience,
            Phase::Open | Phase::Securing | Phase::Broken => None,
        }
    }
}

impl Session {
    pub(crate) fn control_interest(&self) -> Interest {
        let Some(control) = &self.control else { return Interest::NONE };
        let stream = &control.stream;
        match control.phase {
            Phase::Open => Interest {
                read: self.proto.wants_input(),
                write: self.proto.poll_transmit().is_some() || stream.wants_write(),
            },
            Phase::Securing | Phase::Clearing { .. } => {
                Interest { read: stream.wants_read(), write: stream.wants_write() }
            }
            Phase::Broken => Interest::NONE,
        }
    }

    /// Whether TLS holds bytes that the socket will not announce
    pub(crate) fn has_unread_control(&self) -> bool {
        let Some(control) = &self.control else { return false };
        match control.phase {
            Phase::Open => self.proto.wants_input() && control.stream.has_pending_input(),
            Phase::Securing | Phase::Clearing { .. } => control.stream.is_exhausted(),
            Phase::Broken => false,
        }
    }

    /// Reads what the server has said while nobody waited for it
    pub(crate) fn hear(&mut self) {
        if self.control.as_ref().is_some_and(|control| control.phase == Phase::Open) {
            self.read_control();
        }
    }

    /// Writes what the machine has to say; true if it has been told of something new
    pub(crate) fn transmit(&mut self) -> bool {
        let Some(control) = &mut self.control else { return false };
        if control.phase != Phase::Open {
            return false;
        }
        let mut moved = false;
        let result = loop {
            let Some(bytes) = self.proto.poll_transmit() else { break control.stream.flush() };
            match control.stream.write(bytes) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.proto.handle_transmit(self.clock.now(), written);
                    moved = true;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        match result {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                // The server may have said why before it left.
                self.read_control();
                self.control_failed(error);
                true
            }
            _ => moved,
        }
    }

    /// Goes on with whatever the control connection is busy with
    pub(crate) fn control_ready(&mut self, ready: Interest) {
        let Some(control) = &self.control else { return };
        match control.phase {
            Phase::Open => {
                if ready.read || self.has_unread_control() {
                    self.read_control();
                }
                // What is to be written, `settle` writes.
            }
            Phase::Securing => {
                if !ready.is_none() || self.has_unread_control() {
                    self.secure_control();
                }
            }
            Phase::Clearing { patience } => {
                let expired = patience.is_some_and(|until| until <= Instant::now());
                if !ready.is_none() || expired || self.has_unread_control() {
                    self.clear_control();
                }
            }
            Phase::Broken => {}
        }
    }

    fn read_control(&mut self) {
        /// Replies are small; whoever sends so much at once is looked at between deadlines
        const MAX_READS: usize = 16;
        let mut buffer = [0; 4096];
        for _ in 0..MAX_READS {
            // A reply may have put the barrier up, or ended the session.
            if !self.proto.wants_input() {
                return;
            }
            let Some(control) = &mut self.control else { return };
            control.stream.set_allowance(ALLOWANCE);
            match control.stream.read(&mut buffer) {
                Ok(0) => {
                    self.proto.handle_control(self.clock.now(), ControlEvent::Closed);
                    return;
                }
                Ok(count) => {
                    // What this ends comes out as an event.
                    let _ = self.proto.handle_input(self.clock.now(), &buffer[..count]);
                    if count < buffer.len() && !self.has_unread_control() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => return self.control_failed(error),
            }
        }
    }

    /// Action: TLS on the control connection
    pub(crate) fn begin_secure_control(&mut self) {
        let Some(control) = &mut self.control else { return };
        let secured = match &self.security.context {
            Some(context) => control.stream.secure(context, Role::Control),
            // Requests that lead here make one; none is made without.
            None => return self.control_failed(io::Error::other("TLS is not configured")),
        };
        control.phase = Phase::Securing;
        match secured {
            Ok(()) => self.secure_control(),
            Err(error) => self.control_failed(error.into()),
        }
    }

    fn secure_control(&mut self) {
        let Some(control) = &mut self.control else { return };
        control.stream.set_allowance(ALLOWANCE);
        match control.stream.handshake() {
            Ok(true) => {
                control.phase = Phase::Open;
                self.proto.handle_control(self.clock.now(), ControlEvent::Secured);
            }
            Ok(false) => {}
            Err(error) => self.control_failed(error),
        }
    }

    /// Action: the end of TLS on the control connection
    pub(crate) fn begin_clear_control(&mut self) {
        let Some(control) = &mut self.control else { return };
        control.phase = Phase::Clearing { patience: later(Instant::now(), CLOSE_PATIENCE) };
        self.clear_control();
    }

    fn clear_control(&mut self) {
        let Some(control) = &mut self.control else { return };
        control.stream.set_allowance(ALLOWANCE);
        let cleared = match control.stream.clear() {
            Ok(false) if control.patience().is_some_and(|until| until <= Instant::now()) => {
                control.stream.clear_now().map(|()| true)
            }
            result => result,
        };
        match cleared {
            Ok(true) => {
                control.phase = Phase::Open;
                self.proto.handle_control(self.clock.now(), ControlEvent::Cleared);
            }
            Ok(false) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // Our own close_notify has not left yet; the machine's deadline is next.
                control.phase = Phase::Clearing { patience: later(Instant::now(), WRITE_PATIENCE) };
            }
            Err(error) => self.control_failed(error),
        }
    }

    /// The control connection broke: the session is over
    pub(crate) fn control_failed(&mut self, error: io::Error) {
        if self.control_failure.is_none() && !self.proto.is_dead() {
            self.control_failure = Some(error);
        }
        if let Some(control) = &mut self.control {
            control.phase = Phase::Broken;
        }
        self.proto.handle_control(self.clock.now(), ControlEvent::Closed);
    }
}
