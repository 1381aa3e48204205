//! What goes wrong, and where

use super::{Habit, Next, Way};

/// The control connection, behind a byte of what the server sends
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ControlFault {
    /// Closed
    Cut,
    /// No further byte, ever
    Silent,
    /// Bytes that are no reply, then the rest as if nothing had been
    Garbage,
}

/// The data connection, behind a byte of the file
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataFault {
    /// Never opened
    Refused,
    /// Closed in order, but too early
    Cut,
    /// No further byte, no end
    Silent,
    /// Reset
    Reset,
    /// TLS: closed without close_notify
    Ragged,
    /// Closed too early, and 0.2 s later the control connection, too: a forwarder that stopped
    CutAndGone,
    /// An upload: all of it was written, the server has taken so much, and resets before its 226
    Swallowed,
    /// The connection of the download after the task is never opened
    RefusedLater,
    /// The connection of the download after the task is slow, and the download is given up before
    AbortedLater,
}

/// A TLS handshake
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HandshakeFault {
    /// It fails
    Failed,
    /// It never ends
    Silent,
}

/// A reply
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplyFault {
    /// Another reply of this class instead
    Replaced(u16),
    /// Twice
    Doubled,
    /// Not at all
    Dropped,
    /// Behind any deadline
    Delayed,
    /// Another command's: that of this number in [`FOREIGN`]
    Foreign(u8),
    /// A refusal: that of this number in [`REFUSALS`]
    Refusal(u8),
}

/// Replies as they answer each command somewhere: RFC 959 section 5.4, RFC 2228, 2389, 2428, 3659
pub const FOREIGN: [(u16, &str); 26] = [
    (200, "TYPE is now 8-bit binary"),
    (202, "Command superfluous at this site"),
    (211, "FTP server status: logged in"),
    (212, "Directory status"),
    (213, "300000"),
    (213, "20260102030405"),
    (214, "Help message"),
    (215, "UNIX Type: L8"),
    (220, "Service ready for new user"),
    (221, "Goodbye"),
    (225, "ABOR command successful"),
    (226, "Transfer complete"),
    (227, "Entering Passive Mode (127,0,0,1,19,137)"),
    (229, "Entering Extended Passive Mode (|||5001|)"),
    (230, "User logged in"),
    (232, "User logged in, authorized by security data exchange"),
    (234, "AUTH TLS OK"),
    (250, "Requested file action okay"),
    (257, "\"/elsewhere\" is the current directory"),
    (331, "Password required"),
    (332, "Need account for login"),
    (334, "ADAT=bG9nIGlu"),
    (350, "Restarting at 0"),
    (110, "MARK 17 = 42"),
    (125, "Data connection already open; transfer starting"),
    (150, "File status okay"),
];

/// Refusals whose words a client might take for another meaning than they have
pub const REFUSALS: [(u16, &str); 12] = [
    (550, "/bin/ls: No such file or directory"),
    (451, "/bin/ls: not found"),
    (426, "Data connection: volume not found"),
    (425, "No data connection: host not found"),
    (450, "LIST: Resource temporarily unavailable"),
    (500, "Command not found"),
    (502, "Command not implemented"),
    (530, "Not logged in: user not found"),
    (530, "Not authorized without TLS"),
    (550, "Permission denied"),
    (552, "Quota file not found"),
    (553, "No files allowed here"),
];

/// The bytes of a connection, as they travel, those of TLS included
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WireFault {
    /// Both ends are told of an end
    Cut,
    /// Both ends are told of a break
    Reset,
    /// Nothing passes any more, in either direction, and nobody is told
    Silent,
}

/// Whose bytes
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The server's, on their way to the client
    Server,
    /// The client's
    Client,
}

/// Which connection
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// The control connection
    Control,
    /// The first data connection
    Data,
}

/// Where 421 goes
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Instead of the reply
    Before,
    /// Into the middle of its line
    Between,
    /// Behind it
    After,
}

/// One fault in a session
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// The command of this number is not carried out but refused, with that of [`REFUSALS`]
    Refused(u8, usize),
    /// A reply of [`FOREIGN`] that answers nothing, after the reply of this number: at once, or later
    Stray(u8, usize, bool),
    /// 421 at the reply of this number, then the end of the connection
    Closing(Place, usize),
    /// The network fails behind so many bytes of this side of a connection, in sessions of `ftp-session` alone
    Wire(WireFault, Which, Side, usize),
}

impl Fault {
    /// Its name without its place
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Control(how, _) => format!("Control {how:?}"),
            Self::Data(how, _) => format!("Data {how:?}"),
            Self::ControlTls(how) => format!("ControlTls {how:?}"),
            Self::DataTls(how) => format!("DataTls {how:?}"),
            Self::Reply(ReplyFault::Foreign(index), _) => {
                format!("Reply Foreign {}", FOREIGN[usize::from(index)].0)
            }
            Self::Reply(ReplyFault::Refusal(_), _) => "Reply Refusal".to_owned(),
            Self::Reply(how, _) => format!("Reply {how:?}"),
            Self::Wire(how, which, side, _) => format!("Wire {how:?} {which:?} {side:?}"),
            Self::Closing(place, _) => format!("Closing {place:?}"),
            Self::Refused(..) => "Refused".to_owned(),
            Self::Stray(_, _, false) => "Stray at once".to_owned(),
            Self::Stray(_, _, true) => "Stray later".to_owned(),
            Self::None | Self::Forgotten => format!("{self:?}"),
        }
    }
}

/// How long a session without faults is
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// Bytes from the server
    pub bytes: usize,
    /// Replies
    pub replies: usize,
    /// Commands
    pub commands: usize,
    /// Bytes of data, where there is a data connection
    pub data: Option<usize>,
    /// Bytes on the wire, of both sides of the control and of the first data connection
    pub wires: [[usize; 2]; 2],
}

/// Every fault there can be at any place of a session
pub fn faults_of(way: Way, extent: Extent) -> Vec<Fault> {
    let mut all = vec![Fault::None];
    if way.is_tls() {
        for how in [HandshakeFault::Failed, HandshakeFault::Silent] {
            all.push(Fault::ControlTls(how));
            if extent.data.is_some() {
                all.push(Fault::DataTls(how));
            }
        }
        if extent.data.is_some() {
            all.push(Fault::Forgotten);
        }
    }
    for at in 0..=extent.bytes {
        for how in [ControlFault::Cut, ControlFault::Silent, ControlFault::Garbage] {
            all.push(Fault::Control(how, at));
        }
    }
    data_faults(way, extent, 1, &mut all);
    for number in 0..extent.replies {
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

fn data_faults(way: Way, extent: Extent, step: usize, all: &mut Vec<Fault>) {
    let Some(data) = extent.data else { return };
    for how in [DataFault::Refused, DataFault::RefusedLater, DataFault::AbortedLater] {
        all.push(Fault::Data(how, 0));
    }
    for at in (0..=data).step_by(step).chain([data]) {
        for how in [
            DataFault::Cut,
            DataFault::Silent,
            DataFault::Reset,
            DataFault::CutAndGone,
            DataFault::Swallowed,
        ] {
            all.push(Fault::Data(how, at));
        }
        if way.is_tls() {
            all.push(Fault::Data(DataFault::Ragged, at));
        }
    }
}

/// The network fails: behind every byte of short ways, and at most at so many places of each
pub fn wire_faults_of(extent: Extent) -> Vec<Fault> {
    const PLACES: usize = 100;
    let mut all = Vec::new();
    for (which, bytes) in [Which::Control, Which::Data].into_iter().zip(extent.wires) {
        for (side, bytes) in [Side::Server, Side::Client].into_iter().zip(bytes) {
            for at in (0..=bytes).step_by(bytes / PLACES + 1) {
                for how in [WireFault::Cut, WireFault::Reset, WireFault::Silent] {
                    all.push(Fault::Wire(how, which, side, at));
                }
            }
        }
    }
    all
}

/// Words that mean something else: every command's reply for each, refusals, strays
pub fn words_of(extent: Extent) -> Vec<Fault> {
    let mut all = Vec::new();
    for number in 0..extent.replies {
        for index in 0..FOREIGN.len() as u8 {
            all.push(Fault::Reply(ReplyFault::Foreign(index), number));
            for later in [false, true] {
                all.push(Fault::Stray(index, number, later));
            }
        }
        for index in 0..REFUSALS.len() as u8 {
            all.push(Fault::Reply(ReplyFault::Refusal(index), number));
        }
    }
    for number in 0..extent.commands {
        for index in 0..REFUSALS.len() as u8 {
            all.push(Fault::Refused(index, number));
        }
    }
    all
}

/// What goes wrong on top of a habit: fewer places, since the habit shows wherever it is
pub fn few_faults_of(habit: Habit, way: Way, extent: Extent) -> Vec<Fault> {
    let mut all = vec![Fault::None];
    // What goes wrong is the next transfer, and the server's own doing.
    if let Habit::LateFinals { next, .. } = habit {
        if !matches!(next, Next::Whole | Next::Cut(451)) {
            return all;
        }
    }
    data_faults(way, extent, 5, &mut all);
    // A server that refuses in words what it does in deed, and says more of it later, can't be understood.
    if habit.strays() {
        for number in 0..extent.commands {
            all.extend([1, 2, 5].map(|index| Fault::Refused(index, number)));
        }
    }
    for number in 0..extent.replies {
        if !habit.strays() {
            for how in [
                ReplyFault::Replaced(4),
                ReplyFault::Replaced(5),
                ReplyFault::Dropped,
                ReplyFault::Refusal(1),
                ReplyFault::Refusal(2),
            ] {
                all.push(Fault::Reply(how, number));
            }
        }
        for place in [Place::Before, Place::After] {
            all.push(Fault::Closing(place, number));
        }
    }
    for at in (0..=extent.bytes).step_by(7) {
        for how in [ControlFault::Cut, ControlFault::Silent] {
            all.push(Fault::Control(how, at));
        }
    }
    all
}
