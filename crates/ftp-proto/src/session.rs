//! What the server has granted so far, and what the client has learned about it

use crate::control::command::Argument;
use crate::control::features::Features;
use crate::control::reply::{Reply, ReplyKind};
use crate::directory::Directory;
use crate::listing::Format;
use crate::prefetch::Ahead;
use crate::server::{Iac, Kind};
use crate::terms::{Protection, TransferType};

/// Whether the control connection is in TLS
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ControlSecurity {
    Clear,
    Secured,
    /// In clear text again (CCC) after a protected login (RFC 4217 section 5)
    ClearedAgain,
}

/// Which passive command is worth trying
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PassiveMemory {
    /// Nothing is known yet
    #[default]
    Untried,
    /// EPSV was refused, or its port could not be reached: try only PASV
    PasvOnly,
    /// PASV was refused: try only EPSV
    EpsvOnly,
}

/// Whether the server's data ports are reachable
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PassivePath {
    /// No connection has been established yet, or the last attempt failed
    #[default]
    Unproven,
    /// The last connection was established, so the next transfer's command need not wait for its connection
    Proven,
}

/// Which active command is worth trying
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ActiveMemory {
    /// Nothing is known yet
    #[default]
    Untried,
    /// PORT was refused: try only EPRT
    EprtOnly,
}

/// Whether MLSD is worth trying
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mlsd {
    /// If the answer to FEAT lists it
    #[default]
    AsListed,
    /// The server does not know it, whatever FEAT lists
    Unknown,
}

/// Whether the last listing was read to its end
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LastListing {
    /// Yes, or there was none
    #[default]
    Whole,
    /// No: Pure-FTPd still has the rest, and sends it before the next one
    Cut,
}

/// What a session has found out about batches: commands sent together, before the first has been answered
/// ([`Config::pipeline`](crate::Config::pipeline))
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Batches {
    /// Nothing yet
    #[default]
    Untried,
    /// The login was one, and accepted
    Work,
    /// A command was refused or not answered in a batch, but accepted alone, so this session sends no more of them
    Refused,
    /// The server closed the connection, or fell silent, when the session's first batch had been sent
    EndSessions,
}

impl Batches {
    /// Whether batches may be sent: they work, or have not been tried
    #[must_use]
    pub const fn may_be_sent(self) -> bool {
        matches!(self, Self::Untried | Self::Work)
    }
}

/// The server's restart marker, as far as the client knows
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RestartMarker {
    /// The next transfer starts at the file's first byte
    #[default]
    Clear,
    /// A REST was sent while it was clear, and its reply is not known: a refused command has no effect (RFC 959
    /// section 4.2)
    Asked,
    /// A REST was granted, and it is not certain that a transfer has used it
    Uncertain,
}

impl RestartMarker {
    /// Returns the state after a REST with an offset has been sent
    pub(crate) const fn asked(self) -> Self {
        match self {
            Self::Clear => Self::Asked,
            Self::Asked | Self::Uncertain => Self::Uncertain,
        }
    }

    /// Returns the state after the reply to REST
    pub(crate) const fn answered(self, reply: ReplyKind) -> Self {
        match (self, reply) {
            (_, ReplyKind::Preliminary) => self,
            (Self::Asked, ReplyKind::Transient | ReplyKind::Permanent) => Self::Clear,
            (Self::Clear, _) => Self::Clear,
            (Self::Asked | Self::Uncertain, _) => Self::Uncertain,
        }
    }
}

/// The final replies of earlier transfers that may still come
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Late {
    /// None: the last operation was not a transfer
    #[default]
    None,
    /// The last operation was a transfer and was answered; some servers answer it a second time
    Echo,
    /// After an abort, this many final replies are missing, although the sentinel was answered. Most servers never
    /// send them, some send them from another thread, and some send one too many. So even with 0, replies must be
    /// proven until the final reply of another transfer has been.
    Due(u8),
}

impl Late {
    /// Whether an aborted transfer may still be answered
    pub(crate) const fn is_due(self) -> bool {
        matches!(self, Self::Due(_))
    }

    /// Returns the state after one of them has come
    pub(crate) const fn less_one(self) -> Self {
        match self {
            Self::Due(count) => Self::Due(count.saturating_sub(1)),
            Self::None | Self::Echo => self,
        }
    }

    /// Returns the state with this many more missing replies
    pub(crate) const fn and_due(self, more: u8) -> Self {
        match (self, more) {
            (Self::Due(count), _) => Self::Due(count.saturating_add(more)),
            (Self::None | Self::Echo, 0) => Self::Echo,
            (Self::None | Self::Echo, _) => Self::Due(more),
        }
    }

    /// Returns the state after the reply to a command other than a transfer has been proven: from now on, missing
    /// replies are expected only where a transfer ends, not after each command
    pub(crate) const fn proven(self) -> Self {
        match self {
            Self::Due(1..) => Self::Due(0),
            Self::None | Self::Echo | Self::Due(0) => Self::None,
        }
    }
}

/// Whether transfers are announced by a preliminary reply (1yz)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Preliminary {
    /// Yes, as in RFC 959 section 5.4
    #[default]
    Expected,
    /// A transfer's first reply was proven to be its final one: this server sends no 1yz
    Absent,
}

/// Whether a keep-alive is worth sending
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum KeepAlive {
    #[default]
    Untried,
    /// The server refused NOOP
    Refused,
}

/// How many session tickets the driver has for protected data connections, in terms of what they are enough for
///
/// `TlsContext::ticket_supply` of `ftp-tls` returns a type with the same variants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "part of the driver's duty")]
pub enum TicketSupply {
    /// There is none, and none is needed: the server has never issued any, or is known to work without
    #[default]
    Unneeded,
    /// There are enough that one may be lost to a transfer that the server refuses
    Ample,
    /// None may be lost: the handshake of a data connection waits for the preliminary reply
    Scarce,
    /// There is none, though the server may insist on one. So the client makes a listing before the next transfer,
    /// which obtains some tickets. If there is still none, an upload fails, because the remote file would be lost.
    ///
    /// The listing is the client's own ([`Client::running_transfer`](crate::Client::running_transfer) is `None`):
    /// the driver reads its data connection to the end and discards the bytes.
    Wanted,
    /// There is none, and no way to get one: uploads fail with
    /// [`Error::NoSessionTicket`](crate::Error::NoSessionTicket)
    Exhausted,
}

/// The number of listings made to obtain a ticket: one of the file uploaded last, one of the directory
pub(crate) const MAX_TICKET_LISTINGS: u8 = 2;

/// Everything that a session knows about its server
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) control: ControlSecurity,
    pub(crate) protection: Protection,
    pub(crate) type_: Option<TransferType>,
    pub(crate) features: Option<Features>,
    pub(crate) mlsd: Mlsd,
    /// The format of the server's listings according to SYST, if it was sent
    pub(crate) system: Option<Format>,
    pub(crate) directory: Directory,
    pub(crate) passive: PassiveMemory,
    pub(crate) path: PassivePath,
    pub(crate) listing: LastListing,
    pub(crate) active: ActiveMemory,
    pub(crate) batches: Batches,
    /// What the greeting says that the server is
    pub(crate) kind: Kind,
    pub(crate) iac: Iac,
    pub(crate) ahead: Ahead,
    pub(crate) marker: RestartMarker,
    pub(crate) late: Late,
    pub(crate) preliminary: Preliminary,
    pub(crate) keep_alive: KeepAlive,
    pub(crate) gateway: GatewayMemory,
    pub(crate) tickets: TicketSupply,
    /// Consecutive listings made to obtain a ticket
    pub(crate) ticket_listings: u8,
    /// The file uploaded last: a listing of it is short
    pub(crate) uploaded: Option<Argument>,
    /// A greeting that was a 230: no login is needed
    pub(crate) admitted: Option<Reply>,
    /// The first final reply to the ABOR of the last abort
    pub(crate) abort_reply: Option<Reply>,
}

/// Whether the FTP proxy has received all commands that it needs before the server's login
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GatewayMemory {
    Before,
    Passed,
}

impl Session {
    pub(crate) const fn new() -> Self {
        Self {
            control: ControlSecurity::Clear,
            protection: Protection::Clear,
            type_: None,
            features: None,
            mlsd: Mlsd::AsListed,
            system: None,
            directory: Directory::Unknown,
            passive: PassiveMemory::Untried,
            path: PassivePath::Unproven,
            listing: LastListing::Whole,
            active: ActiveMemory::Untried,
            batches: Batches::Untried,
            kind: Kind::Other,
            iac: Iac::Unknown,
            ahead: Ahead::Cold,
            marker: RestartMarker::Clear,
            late: Late::None,
            preliminary: Preliminary::Expected,
            keep_alive: KeepAlive::Untried,
            gateway: GatewayMemory::Before,
            tickets: TicketSupply::Ample,
            ticket_listings: 0,
            uploaded: None,
            admitted: None,
            abort_reply: None,
        }
    }

    /// Forgets what was learned in clear text, because an attacker may have sent it
    pub(crate) fn forget_clear_text(&mut self) {
        self.admitted = None;
        self.features = None;
        self.mlsd = Mlsd::AsListed;
        self.system = None;
        self.directory = Directory::Unknown;
        self.type_ = None;
        self.passive = PassiveMemory::Untried;
        self.path = PassivePath::Unproven;
        self.active = ActiveMemory::Untried;
        self.batches = Batches::Untried;
    }

    /// Forgets what a login may have changed
    pub(crate) fn forget_login(&mut self) {
        self.features = None;
        self.mlsd = Mlsd::AsListed;
        self.directory.may_have_changed();
        self.type_ = None;
    }
}
