//! What goes wrong, and where

use super::Way;

/// The control connection, behind a byte of what the server sends
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlFault {
    /// Closed
    Cut,
    /// No further byte, ever
    Silent,
    /// Bytes that are no reply, then the rest as if nothing had been
    Garbage,
}

/// The data connection, behind a byte of the file
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataFault {
    /// Never opened
    Refused,
    /// Closed in order, but too early
    Cut,
    /// No further byte, no end
    Silent,
    /// Reset
    Reset,
}

/// A TLS handshake
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeFault {
    /// It fails
    Failed,
    /// It never ends
    Silent,
}

/// A reply
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyFault {
    /// Another reply of this class instead
    Replaced(u16),
    /// Twice
    Doubled,
    /// Not at all
    Dropped,
    /// Behind any deadline
    Delayed,
}

/// Where 421 goes
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Instead of the reply
    Before,
    /// Into the middle of its line
    Between,
    /// Behind it
    After,
}

/// One fault in a session
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// None
    None,
    /// Behind so many bytes from the server
    Control(ControlFault, usize),
    /// Behind so many bytes of data
    Data(DataFault, usize),
    /// The control connection's handshake
    ControlTls(HandshakeFault),
    /// The first data connection's handshake
    DataTls(HandshakeFault),
    /// The server has forgotten the sessions by the time of the first data connection
    Forgotten,
    /// At the reply of this number
    Reply(ReplyFault, usize),
    /// 421 at the reply of this number, then the end of the connection
    Closing(Place, usize),
}

/// Every fault there can be in a session of so many bytes, replies and data bytes
pub fn faults_of(way: Way, bytes: usize, replies: usize, data: Option<usize>) -> Vec<Fault> {
    let mut all = vec![Fault::None];
    if way == Way::Tls {
        for how in [HandshakeFault::Failed, HandshakeFault::Silent] {
            all.push(Fault::ControlTls(how));
            if data.is_some() {
                all.push(Fault::DataTls(how));
            }
        }
        if data.is_some() {
            all.push(Fault::Forgotten);
        }
    }
    for at in 0..=bytes {
        for how in [ControlFault::Cut, ControlFault::Silent, ControlFault::Garbage] {
            all.push(Fault::Control(how, at));
        }
    }
    if let Some(data) = data {
        all.push(Fault::Data(DataFault::Refused, 0));
        for at in 0..=data {
            for how in [DataFault::Cut, DataFault::Silent, DataFault::Reset] {
                all.push(Fault::Data(how, at));
            }
        }
    }
    for number in 0..replies {
        for how in (1..=6).map(ReplyFault::Replaced).chain([
            ReplyFault::Doubled,
            ReplyFault::Dropped,
            ReplyFault::Delayed,
        ]) {
            all.push(Fault::Reply(how, number));
        }
        for place in [Place::Before, Place::Between, Place::After] {
            all.push(Fault::Closing(place, number));
        }
    }
    all
}
