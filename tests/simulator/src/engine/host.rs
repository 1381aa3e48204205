//! The server's host: its connections, their TLS, and the faults of data connections
//!
//! [`Server`] models the FTP server; this module carries its bytes.

mod data;
mod layer;

use std::net::SocketAddr;
use std::time::Duration;

use super::door::{After, Door, Welcome};
use super::net::{Handshake, Net, PORT, Plain, Segment, Timer};
use super::tls::Tls;
use crate::replies::Out;
use crate::{Answer, Case, FOREIGN, Fault, HandshakeFault, MoveEnd, REFUSALS, Server, Way};

use data::Data;
use layer::{Heard, Layer};

/// The host
#[derive(Debug)]
pub(super) struct Host {
    pub(super) server: Server,
    /// Decides which sessions are admitted; `None` if all are
    pub(super) door: Option<Door>,
    case: Case,
    tls: Tls,
    /// Number of commands that the server has read
    pub(super) commands: usize,
    control: Option<usize>,
    layer: Layer,
    /// Number of bytes of replies that TLS holds back until its handshake is done
    held: usize,
    line: Vec<u8>,
    data: Option<Data>,
    /// Data to send as soon as the data connection is established
    pending: Option<Vec<u8>>,
    /// The address on which the client listens
    caller: Option<SocketAddr>,
}

impl Host {
    pub(super) fn new(case: Case, tls: Tls) -> Self {
        Self {
            server: case.server(),
            door: None,
            case,
            tls,
            commands: 0,
            control: None,
            layer: Layer::Clear,
            held: 0,
            line: Vec::new(),
            data: None,
            pending: None,
            caller: None,
        }
    }

    /// Handles a segment that has arrived
    pub(super) fn hear(&mut self, net: &mut Net, link: usize, segment: Segment) {
        let is_data = self.data.as_ref().is_some_and(|data| data.link == link);
        match segment {
            Segment::Syn if net.link(link).to.port() == PORT => self.take_control(net, link),
            // Each EPSV and PASV opens another port: nothing listens any more where an earlier connection arrives late.
            Segment::Syn if net.link(link).number < net.number => net.refuse(link),
            Segment::Syn => self.take_data(net, link),
            Segment::Bytes(bytes, _) if self.control == Some(link) => {
                self.hear_control(net, &bytes);
            }
            Segment::End | Segment::Reset if self.control == Some(link) && self.door.is_some() => {
                self.end_control(net);
            }
            // The end of a connection does not concern the transfer for which the client has begun another one.
            _ if net.link(link).number < net.number => {}
            Segment::Bytes(bytes, _) if is_data => self.hear_data(net, &bytes),
            Segment::End if is_data => self.data_ends(net),
            Segment::Reset if is_data => self.data_breaks(net),
            _ => {}
        }
    }

    /// Handles an expired timer
    pub(super) fn due(&mut self, net: &mut Net, timer: Timer) {
        let mut out = Vec::new();
        let live = |number| self.data.as_ref().is_some_and(|data| data.number == number);
        match timer {
            Timer::AcceptTimeout(number) if number == net.number && !self.server.is_connected() => {
                self.pending = None;
                self.server.data_failed(&mut out);
            }
            Timer::Stray(index) => {
                let (code, text) = FOREIGN[usize::from(index)];
                self.stray(net, code, text);
            }
            Timer::AllSent(number) if live(number) => self.all_sent(&mut out),
            Timer::Broken(number) if live(number) => self.server.data_failed(&mut out),
            Timer::Swallowed(number) if live(number) => self.server.swallowed(&mut out),
            Timer::ControlEnd => self.end_control(net),
            _ => {}
        }
        self.answer(net, out);
    }

    /// Carries out the server's answers
    fn answer(&mut self, net: &mut Net, answers: Vec<Answer>) {
        for answer in answers {
            match answer {
                Answer::Reply(deed, code, text) => {
                    let mut out = Vec::new();
                    let deed = &mut self.server.deeds[deed];
                    net.control.reply(deed, code, &text, &mut out);
                    // Some servers give the same reply with other codes.
                    let begins = deed.verb == "AUTH"
                        && code == 234
                        && deed.said.last().is_some_and(|said| matches!(said.code, 200..400));
                    self.send_control(net, out);
                    if begins && matches!(self.layer, Layer::Clear) {
                        self.begin_control_tls(net);
                    }
                }
                Answer::Stray(code, text) => self.stray(net, code, &text),
                Answer::Pause(pause) => self.send_control(net, vec![Out::Pause(pause)]),
                Answer::Connect => {
                    let patience = net.now + Duration::from_secs(10);
                    net.due(patience, Timer::AcceptTimeout(net.number));
                    self.connect(net);
                }
                Answer::Send(bytes) => match &self.data {
                    Some(_) if self.server.is_connected() => self.send(net, &bytes),
                    _ => self.pending = Some(bytes),
                },
                Answer::Hang => {
                    self.pending = None;
                    self.hang(net);
                }
                Answer::Close => self.end_control(net),
            }
        }
        self.strike(net);
    }
}

/// The control connection
impl Host {
    fn begin_control_tls(&mut self, net: &mut Net) {
        self.layer = Layer::Tls(self.tls.server(self.case.profile.tickets().login, false));
        if let Some(link) = self.control {
            net.note_tls(link, Handshake::Begun);
        }
    }

    fn take_control(&mut self, net: &mut Net, link: usize) {
        if self.control.is_some() {
            return net.refuse(link);
        }
        self.control = Some(link);
        net.open(link);
        if self.case.way == Way::Implicit {
            self.begin_control_tls(net);
        } else {
            self.greet(net);
        }
    }

    fn greet(&mut self, net: &mut Net) {
        let mut out = Vec::new();
        match self.door.as_ref().map_or(Welcome::Admitted, |door| door.greet(net.now)) {
            Welcome::Admitted => self.server.greet(&mut out),
            Welcome::Refused(code, text) => {
                self.server.refuse("", code, &text, &mut out);
                out.push(Answer::Close);
            }
            Welcome::Closed => out.push(Answer::Close),
        }
        self.answer(net, out);
    }

    /// Ends the session with 421
    pub(super) fn cut(&mut self, net: &mut Net, text: &str) {
        self.stray(net, 421, text);
        self.end_control(net);
    }

    fn hear_control(&mut self, net: &mut Net, bytes: &[u8]) {
        if let (Layer::Tls(_), Fault::ControlTls(how)) = (&self.layer, self.case.fault) {
            return match how {
                HandshakeFault::Failed => self.end_control(net),
                HandshakeFault::Silent => {}
            };
        }
        let Heard { plain, secured, closed, out } = self.layer.hear(bytes);
        if let (false, Some(link)) = (out.is_empty(), self.control) {
            let held = if secured { std::mem::take(&mut self.held) } else { 0 };
            net.send(link, out, Plain::Whole(held));
        }
        if secured && self.case.way == Way::Implicit {
            self.greet(net);
        }
        self.line.extend(plain);
        while let Some(end) = self.line.windows(2).position(|pair| pair == b"\r\n") {
            let line: Vec<u8> = self.line.drain(..end + 2).collect();
            let line = String::from_utf8_lossy(&line[..end]).into_owned();
            if net.control.open {
                self.obey(net, &line);
            }
        }
        if closed {
            self.end_control(net);
        }
    }

    fn obey(&mut self, net: &mut Net, line: &str) {
        let mut out = Vec::new();
        let number = self.commands;
        self.commands += 1;
        if let Some(argument) = line.strip_prefix("PORT ").or_else(|| line.strip_prefix("EPRT ")) {
            self.caller = address(argument);
        }
        let refused = self.door.as_ref().and_then(|door| door.refuses(line, net.now));
        if let Some((code, text, after)) = refused.filter(|_| !self.server.is_moving()) {
            self.server.refuse(line, code, &text, &mut out);
            out.extend((after == After::Closes).then_some(Answer::Close));
            return self.answer(net, out);
        }
        match net.control.fault {
            // A command that waits for the end of a transfer is carried out or refused after that end.
            Fault::Refused(index, at) if at == number && !self.server.is_moving() => {
                let (code, text) = REFUSALS[usize::from(index)];
                self.server.refuse(line, code, text, &mut out);
            }
            _ => {
                // A server that opens another port closes the connection made to the one before.
                if matches!(line.trim(), "EPSV" | "PASV") && !self.server.is_moving() {
                    self.data = None;
                }
                self.server.line(line, &mut out);
            }
        }
        self.answer(net, out);
        self.begin_on_data(net);
    }

    fn stray(&mut self, net: &mut Net, code: u16, text: &str) {
        let mut out = Vec::new();
        net.control.stray(code, text, &mut out);
        self.send_control(net, out);
    }

    fn send_control(&mut self, net: &mut Net, out: Vec<Out>) {
        let Some(link) = self.control else { return };
        for out in out {
            match out {
                Out::Bytes(bytes) => {
                    let mut rest = bytes.as_slice();
                    while !rest.is_empty() {
                        let (piece, tail) = rest.split_at(1 + net.seed.below(rest.len()));
                        let (sealed, plain) = self.layer.seal(piece);
                        // During its handshake, TLS holds it back.
                        if sealed.is_empty() {
                            self.held += piece.len();
                        } else {
                            net.send(link, sealed, plain);
                        }
                        rest = tail;
                    }
                }
                Out::Pause(pause) => net.pause(link, net.now + pause),
                Out::End => self.end_control(net),
                Out::StrayLater(index) => {
                    let wait = Duration::from_millis(200 + net.seed.below(3000) as u64);
                    net.due(net.now + wait, Timer::Stray(index));
                }
            }
        }
    }

    fn end_control(&mut self, net: &mut Net) {
        net.control.open = false;
        if let Some(door) = &self.door {
            door.leave(net.now);
        }
        if let Some(link) = self.control {
            let notify = self.layer.close();
            if !notify.is_empty() {
                net.send(link, notify, Plain::Whole(0));
                net.promise(link, MoveEnd::Finished);
            }
            net.end(link, MoveEnd::Finished);
        }
    }
}

/// Parses the argument of PORT (RFC 959 section 4.1.2) or EPRT (RFC 2428 section 2)
fn address(argument: &str) -> Option<SocketAddr> {
    if let Some(rest) = argument.strip_prefix("|1|") {
        let (ip, port) = rest.strip_suffix('|')?.split_once('|')?;
        return Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?));
    }
    let fields: Vec<u8> = argument.split(',').map_while(|field| field.parse().ok()).collect();
    let &[a, b, c, d, high, low] = fields.as_slice() else { return None };
    Some(SocketAddr::from(([a, b, c, d], u16::from_be_bytes([high, low]))))
}
