//! The control connection: bytes in both directions, and TLS on and off

use std::io::{self, Read, Write};
use std::time::Duration;

use ftp_proto::{ControlEvent, Time};
use ftp_tls::Role;

use super::Session;
use crate::error::Error;
use crate::link::{Control, Link, LinkPhase};
use crate::socket::{interest_of_tls, is_passing, is_readable};
use crate::time::{has_passed, later};
use crate::transport::{Interest, Transport, Trigger};

/// How long the server's close_notify is waited for at the end of TLS; some never send it
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The delay between attempts to continue in clear text while this side's close_notify can't be written
const WRITE_TIMEOUT: Duration = Duration::from_millis(100);

/// Size in bytes of the buffer for one read, which is cleared each time. Replies are small; the next round reads the
/// rest of a longer one
const BUFFER: usize = 1024;

/// How often to read what the server sent before it closed; a refusal fits into one read
const LAST_WORDS: usize = 16;

impl<S: Read + Write, L> Session<S, L> {
    /// What to wait for on the control connection
    pub(super) fn interest_in(&self, link: &Link<S>) -> Interest {
        let stream = &link.stream;
        match link.phase {
            LinkPhase::Open => Interest {
                read: self.proto.wants_input(),
                write: self.proto.poll_transmit().is_some() || stream.wants_write(),
            },
            LinkPhase::Securing | LinkPhase::Clearing { .. } => interest_of_tls(stream),
            LinkPhase::Broken => Interest::NONE,
        }
    }

    /// Advances whatever the control connection is doing; returns true if the machine has learned something
    pub(super) fn drive_control(&mut self, trigger: Trigger, now: Time) -> bool {
        let Control::Open(link) = &self.control else { return false };
        match link.phase {
            // Bytes that are waiting were sent before the next command, so they are read before it is written.
            LinkPhase::Open => {
                self.read_control(trigger, now)
                    || !self.has_unread_replies() && self.transmit(trigger, now)
            }
            LinkPhase::Securing => self.drive_handshake(now),
            LinkPhase::Clearing { .. } => self.drive_clear(now),
            LinkPhase::Broken => false,
        }
    }

    /// Whether the allowance of this turn was used up by bytes that have been received; the next turn continues
    fn has_unread_replies(&self) -> bool {
        matches!(&self.control, Control::Open(link) if link.stream.is_exhausted())
    }

    /// Writes the machine's output
    fn transmit(&mut self, trigger: Trigger, now: Time) -> bool {
        let Control::Open(link) = &mut self.control else { return false };
        let mut moved = false;
        let result = loop {
            let Some(bytes) = self.proto.poll_transmit() else { break link.stream.flush() };
            match link.stream.write(bytes) {
                Ok(written) => {
                    self.proto.handle_transmit(now, written);
                    moved = true;
                }
                Err(error) => break Err(error),
            }
        };
        match result {
            Err(error) if !is_passing(&error) => {
                // The server may have sent the reason before it closed.
                link.stream.get_mut().ready.read = true;
                for _ in 0..LAST_WORDS {
                    if !self.read_control(trigger, now) {
                        break;
                    }
                }
                self.control_lost(error, now);
                true
            }
            _ => moved,
        }
    }

    /// Reads what the server has sent, even if the shell has not reported it yet; returns true if the machine has
    /// learned something
    pub(super) fn read_replies_now<T: Transport<Stream = S>>(
        &mut self,
        transport: &mut T,
        now: Time,
    ) -> bool {
        match &mut self.control {
            Control::Open(link) if link.phase == LinkPhase::Open => {
                let socket = link.stream.get_mut();
                socket.ready.read = true;
                transport.look(socket.io_mut());
                self.read_control(T::TRIGGER, now)
            }
            _ => false,
        }
    }

    /// Reads once
    fn read_control(&mut self, trigger: Trigger, now: Time) -> bool {
        // While a reply may switch TLS on or off, nothing after it is read.
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
                // Another read would find nothing, or readiness is reported again.
                if trigger == Trigger::Level && count < BUFFER {
                    link.stream.get_mut().ready.read = false;
                }
                self.count_tickets();
                // If this ends something, an event reports it.
                let _ = self.proto.handle_input(now, &buffer[..count]);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Err(error) => self.control_lost(error, now),
        }
        true
    }

    /// Action: switches TLS on for the control connection
    pub(super) fn begin_secure_control(&mut self, now: Time) {
        let Control::Open(link) = &mut self.control else { return };
        let secured = match &self.security.context {
            Some(context) => link.stream.secure(context, Role::Control),
            // Requests that lead here prepare TLS first, and fail if they can't.
            None => return self.control_lost(io::Error::other("TLS is not configured"), now),
        };
        link.phase = LinkPhase::Securing;
        if let Err(error) = secured {
            self.control_lost(error.into(), now);
        }
    }

    fn drive_handshake(&mut self, now: Time) -> bool {
        let Control::Open(link) = &mut self.control else { return false };
        match link.stream.handshake() {
            Ok(true) => {
                link.phase = LinkPhase::Open;
                self.proto.handle_control(now, ControlEvent::Secured);
            }
            Ok(false) => return false,
            Err(error) => self.control_lost(error, now),
        }
        true
    }

    /// Action: switches TLS off on the control connection
    pub(super) fn begin_clear_control(&mut self, now: Time) {
        let Control::Open(link) = &mut self.control else { return };
        link.phase = LinkPhase::Clearing { close_deadline: later(now, CLOSE_TIMEOUT) };
    }

    fn drive_clear(&mut self, now: Time) -> bool {
        let Control::Open(link) = &mut self.control else { return false };
        let cleared = match link.stream.clear() {
            Ok(false) if has_passed(link.close_deadline(), now) => {
                link.stream.clear_now().map(|()| true)
            }
            result => result,
        };
        match cleared {
            Ok(true) => {
                link.phase = LinkPhase::Open;
                self.proto.handle_control(now, ControlEvent::Cleared);
            }
            Ok(false) => return false,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // This side's close_notify could not be written yet; after that, the machine's deadline decides.
                link.phase = LinkPhase::Clearing { close_deadline: later(now, WRITE_TIMEOUT) };
                return false;
            }
            Err(error) => self.control_lost(error, now),
        }
        true
    }

    /// Ends the session because the control connection broke, or because the shell can't continue with it, for example
    /// because its wait failed
    pub fn control_lost(&mut self, error: io::Error, now: Time) {
        if let Control::Open(link) = &mut self.control {
            link.phase = LinkPhase::Broken;
        }
        let error = self.without_login(error);
        self.fail(Error::control(error), now);
    }

    pub(super) fn fail(&mut self, failure: Error, now: Time) {
        if self.failure.is_none() && !self.proto.is_dead() {
            self.failure = Some(failure);
        }
        self.proto.handle_control(now, ControlEvent::Closed);
    }
}
