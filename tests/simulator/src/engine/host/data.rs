//! Data connections on the server's host

use std::time::Duration;

use ftp_proto::DataFailure;

use super::super::net::{Handshake, Net, Plain, Timer};
use super::{Heard, Host, Layer};
use crate::{Answer, DataFault, Fault, Habit, HandshakeFault, MoveEnd, Way};

/// The current data connection
#[derive(Debug)]
pub(super) struct Data {
    pub(super) link: usize,
    pub(super) number: u32,
    layer: Layer,
    /// Bytes received before its transfer, or its TLS, began
    held: Vec<u8>,
    stage: Stage,
    /// Number of bytes of the upload received
    taken: usize,
    /// All of the download has been sent; the server has not noticed yet
    sent: bool,
}

/// The state of a data connection
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// TLS begins together with the transfer
    Unsecured,
    Securing,
    Open,
    /// Closed by the server, or never used again
    Over,
}

impl Host {
    /// Returns the fault of the task's data connection, which is the first one
    fn data_fault(&self, net: &Net) -> Option<(DataFault, usize)> {
        match (net.control.fault, &self.data) {
            (Fault::Data(DataFault::RefusedLater | DataFault::AbortedLater, _), _) => None,
            (Fault::Data(how, at), Some(data)) if data.number == 1 => Some((how, at)),
            _ => None,
        }
    }

    pub(super) fn take_data(&mut self, net: &mut Net, link: usize) {
        let number = net.link(link).number;
        if let (Fault::Data(DataFault::Refused, _), 1) = (net.control.fault, number) {
            return net.refuse(link);
        }
        net.open(link);
        self.adopt(net, link, number);
    }

    fn adopt(&mut self, net: &mut Net, link: usize, number: u32) {
        let stage = if self.case.way.is_tls() { Stage::Unsecured } else { Stage::Open };
        let (layer, held) = (Layer::Clear, Vec::new());
        self.data = Some(Data { link, number, layer, held, stage, taken: 0, sent: false });
        if stage == Stage::Unsecured {
            net.note_tls(link, Handshake::Begun);
        }
        if stage == Stage::Open {
            self.ready(net);
        } else {
            self.begin_on_data(net);
        }
    }

    /// Makes the server's end of a data connection, once its transfer has begun
    pub(super) fn connect(&mut self, net: &mut Net) {
        let refused = matches!(net.control.fault, Fault::Data(DataFault::Refused, _));
        if self.case.way != Way::Active || refused && net.number == 1 {
            return;
        }
        if let Some((link, _)) = self.caller.take().and_then(|to| net.call(to)) {
            let number = net.link(link).number;
            self.adopt(net, link, number);
        }
    }

    /// Handles that the data connection can carry the file
    fn ready(&mut self, net: &mut Net) {
        let Some(data) = &self.data else { return };
        if let (Some((DataFault::Silent, at)), true) =
            (self.data_fault(net), self.case.task.uploads())
        {
            net.limit(data.link, at);
        }
        let mut out = Vec::new();
        self.server.connected(&mut out);
        self.answer(net, out);
        if let Some(bytes) = self.pending.take() {
            self.send(net, &bytes);
        }
    }

    /// Begins the transfer on the data connection, with the TLS handshake, unless its command has not arrived yet
    pub(super) fn begin_on_data(&mut self, net: &mut Net) {
        if !self.server.is_moving() {
            return;
        }
        if let Some(data) = self.data.as_mut().filter(|data| data.stage == Stage::Open) {
            let held = std::mem::take(&mut data.held);
            if !held.is_empty() {
                self.hear_data(net, &held);
            }
        }
        let Some(data) = self.data.as_mut().filter(|data| data.stage == Stage::Unsecured) else {
            return;
        };
        let first = data.number == 1;
        match net.control.fault {
            Fault::DataTls(HandshakeFault::Failed) if first => {
                data.stage = Stage::Over;
                net.end(data.link, MoveEnd::Failed(DataFailure::Tls));
                net.close_there(data.link);
                let mut out = Vec::new();
                self.server.data_failed(&mut out);
                return self.answer(net, out);
            }
            Fault::DataTls(HandshakeFault::Silent) if first => {
                data.stage = Stage::Over;
                return;
            }
            _ => {}
        }
        let given = self.case.profile.tickets();
        let tickets = if self.server.is_taking() { given.upload } else { given.download };
        let forgetful = net.control.fault == Fault::Forgotten && first;
        data.layer = Layer::Tls(self.tls.server(tickets, forgetful));
        data.stage = Stage::Securing;
        let held = std::mem::take(&mut data.held);
        self.hear_data(net, &held);
    }

    pub(super) fn hear_data(&mut self, net: &mut Net, bytes: &[u8]) {
        let Some(data) = &mut self.data else { return };
        match data.stage {
            Stage::Unsecured => return data.held.extend(bytes),
            Stage::Over => return,
            // The system keeps what arrives before the transfer's command.
            Stage::Open if matches!(data.layer, Layer::Clear) && !self.server.is_moving() => {
                return data.held.extend(bytes);
            }
            Stage::Securing | Stage::Open => {}
        }
        let Heard { plain, secured, closed, out } = data.layer.hear(bytes);
        if !out.is_empty() {
            net.send(data.link, out, Plain::Whole(0));
        }
        if secured {
            self.secured(net);
        }
        if !plain.is_empty() {
            self.take(net, &plain);
        }
        if closed {
            self.client_ended(net);
        }
    }

    fn secured(&mut self, net: &mut Net) {
        let Some(data) = &mut self.data else { return };
        data.stage = Stage::Open;
        net.note_tls(data.link, Handshake::Done);
        let fresh = !data.layer.is_resumed();
        net.moves.entry(data.number).or_default().fresh = fresh;
        match self.case.profile.tickets().refusal {
            Some(code) if fresh => {
                data.stage = Stage::Over;
                self.pending = None;
                net.end(data.link, MoveEnd::Ragged);
                net.close_there(data.link);
                let mut out = Vec::new();
                self.server.spurned(code, &mut out);
                self.answer(net, out);
            }
            _ => self.ready(net),
        }
    }

    /// Handles bytes of an upload
    fn take(&mut self, net: &mut Net, bytes: &[u8]) {
        let most = match self.data_fault(net) {
            Some((DataFault::Silent, _)) | None => usize::MAX,
            Some((_, at)) => at,
        };
        let Some(data) = &mut self.data else { return };
        let passed = bytes.len().min(most.saturating_sub(data.taken));
        data.taken += passed;
        self.server.receive(&bytes[..passed]);
        self.strike(net);
    }

    /// Applies the fault of an upload once it has come this far
    pub(super) fn strike(&mut self, net: &mut Net) {
        let Some((how, at)) = self.data_fault(net) else { return };
        let Some(data) = &mut self.data else { return };
        let strikes = self.server.is_taking()
            && self.server.is_connected()
            && data.stage == Stage::Open
            && data.taken >= at;
        if !strikes {
            return;
        }
        match how {
            DataFault::Cut | DataFault::Reset | DataFault::Ragged => {
                data.stage = Stage::Over;
                let told = net.reset(data.link);
                // A server that reports everything as received is not noticed before the reset has arrived.
                if self.case.habit == Habit::Oblivious {
                    return net.due(told + Duration::from_micros(1), Timer::Broken(data.number));
                }
                let mut out = Vec::new();
                self.server.data_failed(&mut out);
                self.answer(net, out);
            }
            DataFault::CutAndGone => {
                data.stage = Stage::Over;
                let at = net.reset(data.link);
                gone_soon(net, at);
            }
            _ => {}
        }
    }

    /// Handles that the client has ended its side of the connection
    pub(super) fn data_ends(&mut self, net: &mut Net) {
        let Some(data) = &mut self.data else { return };
        match (&data.layer, data.stage) {
            // A server that uses TLS treats a file without close_notify as truncated (RFC 8446 section 6.1).
            (Layer::Tls(_), Stage::Open) if self.server.is_taking() => self.data_breaks(net),
            _ => self.client_ended(net),
        }
    }

    fn client_ended(&mut self, net: &mut Net) {
        let fault = self.data_fault(net);
        let Some(data) = &mut self.data else { return };
        // The connection has broken. The server takes that for the end once the client knows it.
        if data.stage == Stage::Over && self.case.habit == Habit::Oblivious {
            return;
        }
        if let (Some((DataFault::Silent, _)), true) = (fault, self.server.is_taking()) {
            return;
        }
        if let (Some((DataFault::Swallowed, _)), true) = (fault, self.server.is_taking()) {
            if let Layer::Tls(_) = data.layer {
                // The server knows that it has received no close_notify.
                return self.data_breaks(net);
            }
            let told = net.reset(data.link);
            return net.due(told + Duration::from_micros(1), Timer::Swallowed(data.number));
        }
        // Data that was to be sent on it is dropped with it.
        self.pending = None;
        let mut out = Vec::new();
        if std::mem::take(&mut data.sent) {
            self.server.sent(&mut out);
        }
        self.server.client_closed(&mut out);
        self.answer(net, out);
    }

    /// Handles that the server notices the end of a download
    pub(super) fn all_sent(&mut self, out: &mut Vec<Answer>) {
        if self.data.as_mut().is_some_and(|data| std::mem::take(&mut data.sent)) {
            self.server.sent(out);
        }
    }

    /// Handles that the data connection has broken
    pub(super) fn data_breaks(&mut self, net: &mut Net) {
        let Some(data) = &mut self.data else { return };
        data.stage = Stage::Over;
        net.reset(data.link);
        self.pending = None;
        let mut out = Vec::new();
        self.server.data_failed(&mut out);
        self.answer(net, out);
    }

    /// Ends the data connection on the server's side
    pub(super) fn hang(&mut self, net: &mut Net) {
        if let Some(data) = self.data.as_mut().filter(|data| data.stage != Stage::Over) {
            data.stage = Stage::Over;
            finish(net, data);
        }
    }

    /// Sends a file, as far as its fault permits, and what follows it
    pub(super) fn send(&mut self, net: &mut Net, bytes: &[u8]) {
        let (mut rest, fault) = match self.data_fault(net) {
            Some((how, at)) => (&bytes[..at.min(bytes.len())], Some(how)),
            None => (bytes, None),
        };
        let Some(data) = self.data.as_mut().filter(|data| data.stage == Stage::Open) else {
            return;
        };
        if let Habit::FinalEarly(_) = self.case.habit {
            // The server's early reply arrives before the first byte.
            net.pause(data.link, net.now + Duration::from_secs(1));
        }
        while !rest.is_empty() {
            let (chunk, tail) = rest.split_at(1 + net.seed.below(rest.len()));
            let (sealed, plain) = data.layer.seal(chunk);
            net.send(data.link, sealed, plain);
            rest = tail;
        }
        let mut out = Vec::new();
        let (link, number) = (data.link, data.number);
        match fault {
            None => {
                finish(net, data);
                data.sent = true;
                let soon = net.now + Duration::from_micros(100 + net.seed.below(40_000) as u64);
                net.due(soon, Timer::AllSent(number));
            }
            Some(DataFault::Cut) => {
                finish(net, data);
                self.server.data_failed(&mut out);
            }
            Some(DataFault::Reset) => {
                net.reset(link);
                self.server.data_failed(&mut out);
            }
            Some(DataFault::Ragged) => {
                net.end(link, MoveEnd::Ragged);
                self.server.data_failed(&mut out);
            }
            Some(DataFault::CutAndGone) => {
                let at = finish(net, data);
                gone_soon(net, at);
            }
            // This fault is only of uploads.
            Some(DataFault::Swallowed) => {
                net.reset(link);
                self.server.swallowed(&mut out);
            }
            // The other faults affect connections that never carry anything.
            Some(_) => {}
        }
        self.answer(net, out);
    }
}

/// Ends a connection in order; returns when the client receives the end
fn finish(net: &mut Net, data: &mut Data) -> Duration {
    let notify = data.layer.close();
    if !notify.is_empty() {
        net.send(data.link, notify, Plain::Whole(0));
        net.promise(data.link, MoveEnd::Finished);
    }
    let end = if let (Layer::Clear, Stage::Unsecured) = (&data.layer, data.stage) {
        MoveEnd::Ragged
    } else {
        MoveEnd::Finished
    };
    net.end(data.link, end)
}

/// Ends the control connection shortly after the data connection
fn gone_soon(net: &mut Net, after: Duration) {
    net.control.open = false;
    net.due(after + Duration::from_millis(200), Timer::ControlEnd);
}
