//! The faults, and the places where they occur

use super::{Habit, Next, OpEnd, Way};

/// A fault of the control connection, after some byte from the server
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ControlFault {
    /// The connection is closed
    Cut,
    /// No further byte ever arrives
    Silent,
    /// Bytes that are not a reply arrive, then the rest unchanged
    Garbage,
}

/// A fault of the data connection, after some byte of the file
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataFault {
    /// It is never opened
    Refused,
    /// It is closed in order, but too early
    Cut,
    /// No further byte arrives, and no end
    Silent,
    /// It is reset
    Reset,
    /// Under TLS, it is closed without close_notify
    Ragged,
    /// It is closed too early, and 0.2 s later the control connection too, as when a port forwarder stops
    CutAndGone,
    /// An upload: the client has written all of it, the server has received this much, and resets before its 226
    Swallowed,
    /// The data connection of the download after the task is never opened
    RefusedLater,
    /// The data connection of the download after the task is slow, and the download is aborted before it opens
    AbortedLater,
}

/// A fault of a TLS handshake
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HandshakeFault {
    /// It fails
    Failed,
    /// It never ends
    Silent,
}

/// A fault of a reply
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplyFault {
    /// Another reply of this class is sent instead
    Replaced(u16),
    /// It is sent twice
    Doubled,
    /// It is not sent
    Dropped,
    /// It is sent after every deadline
    Delayed,
    /// The reply of another command, with this index in [`FOREIGN`], is sent instead
    Foreign(u8),
    /// The refusal with this index in [`REFUSALS`] is sent instead
    Refusal(u8),
}

/// A reply to each command, as some servers send it: RFC 959 section 5.4, RFC 2228, 2389, 2428, 3659
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

/// Refusals whose words a client might misunderstand
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

/// A fault of the network, after some byte of a connection, those of TLS included
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WireFault {
    /// Both ends see an orderly end
    Cut,
    /// Both ends see a reset
    Reset,
    /// Nothing more passes in either direction, and neither end is told
    Silent,
}

/// The sender of the bytes
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The server
    Server,
    /// The client
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

/// Where a 421 is sent
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Position {
    /// Instead of the reply
    Before,
    /// In the middle of the reply's line
    Between,
    /// After the reply
    After,
}

/// The fault of a session
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// No fault
    None,
    /// After this many bytes from the server
    Control(ControlFault, usize),
    /// After this many bytes of data
    Data(DataFault, usize),
    /// In the control connection's handshake
    ControlTls(HandshakeFault),
    /// In the first data connection's handshake
    DataTls(HandshakeFault),
    /// The server has forgotten the TLS sessions by the time of the first data connection
    Forgotten,
    /// At the reply with this number
    Reply(ReplyFault, usize),
    /// The command with this number is not carried out, but refused with this entry of [`REFUSALS`]
    Refused(u8, usize),
    /// The entry of [`FOREIGN`] that answers no command is sent after the reply with this number: at once, or later
    Stray(u8, usize, bool),
    /// 421 at the reply with this number, then the end of the connection
    Closing(Position, usize),
    /// The network fails after this many bytes of one side of a connection; only for sessions of `ftp-session`
    Wire(WireFault, Which, Side, usize),
}

impl Fault {
    /// Whether it occurs after this request, which is a listing, or may do so
    pub(super) fn follows(self, op: &OpEnd) -> bool {
        // One final reply to each command, the greeting, and the preliminary reply to the listing.
        let replies = op.deeds + 2;
        match self {
            Self::Control(_, bytes) => bytes >= op.delivered,
            Self::Reply(_, number) | Self::Closing(_, number) | Self::Stray(_, number, _) => {
                number >= replies
            }
            Self::Refused(_, number) => number >= op.deeds,
            Self::Data(..) | Self::DataTls(_) | Self::Forgotten => false,
            Self::None | Self::ControlTls(_) | Self::Wire(..) => true,
        }
    }

    /// Returns its name without its place
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

/// The length of a session without faults
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// Number of bytes from the server
    pub bytes: usize,
    /// Number of replies
    pub replies: usize,
    /// Number of commands
    pub commands: usize,
    /// Number of bytes of data, if there is a data connection
    pub data: Option<usize>,
    /// Number of bytes on the wire, for both sides of the control connection and of the first data connection
    pub wires: [[usize; 2]; 2],
}

/// Returns every fault at every place of a session
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
        for place in [Position::Before, Position::Between, Position::After] {
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

/// Returns the faults of the network: after every byte of short connections, and at a limited number of places of long
/// ones
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

/// Returns the misleading replies: each reply of another command, refusals, and replies to no command
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

/// Returns the faults to combine with a habit: fewer places, since the habit shows at all of them
pub fn few_faults_of(habit: Habit, way: Way, extent: Extent) -> Vec<Fault> {
    let mut all = vec![Fault::None];
    // The fault is the next transfer, which the server causes itself.
    if let Habit::LateFinals { next, .. } = habit {
        if !matches!(next, Next::Whole | Next::Cut(451)) {
            return all;
        }
    }
    data_faults(way, extent, 5, &mut all);
    // A server that refuses a command and carries it out all the same, and sends more about it later, can't be
    // understood.
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
        for place in [Position::Before, Position::After] {
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
