//! The session's part of the TLS resumption policy for FTP: it counts tickets, and waits for them
//!
//! The machine decides what follows from their number: see [`TicketSupply`].

use std::io::{Read, Write};

use ftp_proto::{Direction, Protection, TicketSupply, Time};
use ftp_tls::TicketSupply as Tls;
use ftp_tls::rustls::HandshakeKind;

use super::Session;
use crate::data::Linger;
use crate::link::Control;
use crate::transport::Transport;

impl<S: Read + Write, L> Session<S, L> {
    /// Tells the machine how many tickets there are, before it may need one
    pub(super) fn count_tickets(&mut self) {
        let Some(context) = &self.security.context else { return };
        // More tickets may still arrive on a connection that is being closed.
        if self.proto.protection() != Protection::Private || self.linger.is_some() {
            return;
        }
        let supply = match context.ticket_supply() {
            Tls::Unneeded => TicketSupply::Unneeded,
            Tls::Ample => TicketSupply::Ample,
            Tls::Scarce => TicketSupply::Scarce,
            Tls::Wanted => TicketSupply::Wanted,
            Tls::Exhausted => TicketSupply::Exhausted,
        };
        self.proto.set_ticket_supply(supply);
    }

    /// Learns from an upload that was confirmed although its handshake was a full one: the server does not insist on
    /// resumption
    pub(super) fn note_upload(&mut self, done: &ftp_proto::Completion) {
        let Some(upload) = self.last_upload.take_if(|upload| upload.op == done.op()) else {
            return;
        };
        if done.error().is_none()
            && upload.handshake.is_some_and(|kind| kind != HandshakeKind::Resumed)
        {
            if let Some(context) = &self.security.context {
                context.note_full_handshake_accepted();
            }
        }
    }

    /// Reads what still arrives on a closed data connection: tickets, even if the server has refused the transfer.
    /// Waits briefly for them if there are no others
    pub(super) fn drive_linger(
        &mut self,
        transport: &mut impl Transport<Stream = S>,
        now: Time,
    ) -> bool {
        let Some(Linger { stream, until, direction }) = &mut self.linger else { return false };
        if stream.is_secure() {
            transport.look(stream.get_mut().io_mut());
            let ended = match stream.handshake() {
                Ok(true) => !matches!(stream.drain(), Ok(false)),
                Ok(false) => false,
                Err(_) => true,
            };
            let has_tickets = self.security.context.as_ref().is_none_or(|context| {
                context.can_resume() || context.stats().tickets_received == 0
            });
            let open = matches!(self.control, Control::Open(_));
            let waits = until.is_none_or(|until| until > now);
            if !ended && !has_tickets && waits && open {
                return false;
            }
            // If this side closes an upload early, it sends no close_notify, so that the server can tell that the file
            // is incomplete. After a download, close_notify is only a courtesy to the server.
            if *direction == Some(Direction::Download) {
                let _ = stream.close_notify();
            }
        }
        if let Some(linger) = self.linger.take() {
            transport.close(linger.stream.into_inner().into_io());
        }
        true
    }
}
