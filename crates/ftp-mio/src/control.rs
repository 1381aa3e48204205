//! The control connection: bytes in both directions, TLS on and off

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use ftp_proto::ControlEvent;
use ftp_tls::{Role, Stream};

use crate::session::{Control, Session};
use crate::socket::{Socket, is_passing, is_readable, stream};
use crate::time::later;

/// How long the server's close_notify is waited for at the end of TLS; some never send it (Q96)
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// Between tries to go on in clear while this side's close_notify can't be written
const WRITE_PATIENCE: Duration = Duration::from_millis(100);

/// Replies are small; more comes in the next round
const BUFFER: usize = 4 * 1024;

/// Reads of what the server said before it left; a refusal fits into one
const LAST_WORDS: usize = 16;

/// A control connection that is open
pub(crate) struct Link {
    pub(crate) stream: Stream<Socket>,
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

impl Link {
    pub(crate) fn new(socket: Socket) -> Self {
        Self { stream: stream(socket), phase: Phase::Open }
    }

    /// Nothing is read or written from here on
    pub(crate) const fn give_up(&mut self) {
        self.phase = Phase::Broken;
    }

    /// When the end of TLS is no longer waited for
    pub(crate) const fn patience(&self) -> Option<Instant> {
        match self.phase {
            Phase::Clearing { patience } => patience,
            Phase::Open | Phase::Securing | Phase::Broken => None,
        }
    }
}

impl Session {
    /// Goes on with whatever the control connection is busy with; true if the machine has learned
    /// something
    pub(crate) fn drive_control(&mut self, now: Instant) -> bool {
        let Control::Open(link) = &self.control else { return false };
        match link.phase {
            // What waits there was said before the next command, so it is read before that is written.
            Phase::Open => self.read_control(now) || self.transmit(now),
            Phase::Securing => self.drive_handshake(now),
            Phase::Clearing { .. } => self.drive_clear(now),
            Phase::Broken => false,
        }
    }

    /// Writes what the machine has to say
    fn transmit(&mut self, now: Instant) -> bool {
        let Control::Open(link) = &mut self.control else { return false };
        let mut moved = false;
        let result = loop {
            let Some(bytes) = self.proto.poll_transmit() else { break link.stream.flush() };
            match link.stream.write(bytes) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.proto.handle_transmit(now, written);
                    moved = true;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        match result {
            Err(error) if !is_passing(&error) => {
                // The server may have said why before it left.
                for _ in 0..LAST_WORDS {
                    if !self.read_control(now) {
                        break;
                    }
                }
                self.control_failed(error, now);
                true
            }
            _ => moved,
        }
    }

    /// Reads what the server has said, also if the poll has not told of it yet; true if the machine has learned
    /// something
    pub(crate) fn hear(&mut self, now: Instant) -> bool {
        match &mut self.control {
            Control::Open(link) if link.phase == Phase::Open => {
                link.stream.get_mut().ready.readable = true;
                self.read_control(now)
            }
            _ => false,
        }
    }

    /// Reads once
    fn read_control(&mut self, now: Instant) -> bool {
        // While a reply may put TLS on or take it off, nothing behind it is read.
        if !self.proto.wants_input() {
            return false;
        }
        let Control::Open(link) = &mut self.control else { return false };
        if !is_readable(&link.stream) {
            return false;
        }
        let mut buffer = [0; BUFFER];
        match link.stream.read(&mut buffer) {
            Ok(0) => self.proto.handle_control(now, ControlEvent::Closed),
            Ok(count) => {
                self.count_tickets();
                // What this ends comes out as an event.
                let _ = self.proto.handle_input(now, &buffer[..count]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Err(error) => self.control_failed(error, now),
        }
        true
    }

    /// Action: TLS on the control connection
    pub(crate) fn begin_secure_control(&mut self, now: Instant) {
        let Control::Open(link) = &mut self.control else { return };
        let secured = match &self.security.context {
            Some(context) => link.stream.secure(context, Role::Control),
            // Requests that lead here make one; none is made without.
            None => return self.control_failed(io::Error::other("TLS is not configured"), now),
        };
        link.phase = Phase::Securing;
        if let Err(error) = secured {
            self.control_failed(error.into(), now);
        }
    }

    fn drive_handshake(&mut self, now: Instant) -> bool {
        let Control::Open(link) = &mut self.control else { return false };
        match link.stream.handshake() {
            Ok(true) => {
                link.phase = Phase::Open;
                self.proto.handle_control(now, ControlEvent::Secured);
            }
            Ok(false) => return false,
            Err(error) => self.control_failed(error, now),
        }
        true
    }

    /// Action: the end of TLS on the control connection
    pub(crate) fn begin_clear_control(&mut self, now: Instant) {
        let Control::Open(link) = &mut self.control else { return };
        link.phase = Phase::Clearing { patience: later(now, CLOSE_PATIENCE) };
    }

    fn drive_clear(&mut self, now: Instant) -> bool {
        let Control::Open(link) = &mut self.control else { return false };
        let cleared = match link.stream.clear() {
            Ok(false) if link.patience().is_some_and(|until| until <= now) => {
                link.stream.clear_now().map(|()| true)
            }
            result => result,
        };
        match cleared {
            Ok(true) => {
                link.phase = Phase::Open;
                self.proto.handle_control(now, ControlEvent::Cleared);
            }
            Ok(false) => return false,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // Our own close_notify has not left yet; the machine's deadline is next.
                link.phase = Phase::Clearing { patience: later(now, WRITE_PATIENCE) };
                return false;
            }
            Err(error) => self.control_failed(error, now),
        }
        true
    }
}
