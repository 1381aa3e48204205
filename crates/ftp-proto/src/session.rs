//! What the server has granted so far, and what was learned about it

use crate::control::command::Argument;
use crate::control::features::Features;
use crate::control::reply::Reply;
use crate::listing::Format;
use crate::terms::{Protection, TransferType};

/// Whether the control connection is in TLS
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ControlSecurity {
    Clear,
    Secured,
    /// CCC: in clear again, after a login that was protected (RFC 4217 section 6)
    ClearedAgain,
}

/// Which passive command is worth trying
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PassiveMemory {
    /// Nothing learned
    #[default]
    Untried,
    /// EPSV refused, or its port could not be reached: PASV only
    PasvOnly,
    /// PASV refused: EPSV only
    EpsvOnly,
}

/// Whether the way to the server's data ports is open
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PassivePath {
    /// No connection has come about yet, or the last did not
    #[default]
    Unproven,
    /// The last connection came about: the next will, so that its command need not wait for it
    Proven,
}

/// Which active command is worth trying
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ActiveMemory {
    /// Nothing learned
    #[default]
    Untried,
    /// PORT refused: EPRT only
    EprtOnly,
}

/// Whether MLSD is worth trying
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mlsd {
    /// If FEAT tells so
    #[default]
    AsTold,
    /// The server does not know it, whatever it lists
    Unknown,
}

/// Whether the last listing came to its end
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LastListing {
    /// Yes, or there was none
    #[default]
    Whole,
    /// No: Pure-FTPd has the rest still, and puts it before the next one
    Cut,
}

/// What is known of a server's way with batches
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Batches {
    /// Nothing speaks against them
    #[default]
    Trusted,
    /// A command was refused in one, and taken alone
    Refused,
}

/// The server's restart marker as far as this side knows
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RestartMarker {
    /// Nothing stands between the next transfer and the file's first byte
    #[default]
    Clear,
    /// A REST was granted and no transfer has used it up for certain (Q50)
    Doubtful,
}

/// Final replies of earlier transfers that may still come
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Late {
    /// None: the last operation was not a transfer
    #[default]
    None,
    /// The last operation was a transfer and was answered: some servers answer it once more
    Echo,
    /// After an abort this many final replies are missing, though the sentinel was answered: most
    /// servers never send them, some send them from another thread, and one more than they should. So
    /// even 0 is in doubt until the final reply of another transfer has been proven.
    Due(u8),
}

impl Late {
    /// Whether the final reply of a transfer is in doubt
    pub(crate) const fn is_due(self) -> bool {
        matches!(self, Self::Due(_))
    }

    /// One of them has come
    pub(crate) const fn less_one(self) -> Self {
        match self {
            Self::Due(count) => Self::Due(count.saturating_sub(1)),
            Self::None | Self::Echo => self,
        }
    }

    /// So many more are missing
    pub(crate) const fn and_due(self, more: u8) -> Self {
        match (self, more) {
            (Self::Due(count), _) => Self::Due(count.saturating_add(more)),
            (Self::None | Self::Echo, 0) => Self::Echo,
            (Self::None | Self::Echo, _) => Self::Due(more),
        }
    }

    /// The reply to a command that is no transfer has been proven: what is still missing is not to be
    /// feared at each command any more, only where a transfer ends
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
    /// As RFC 959 section 5.4 has it
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
    /// The server refuses NOOP
    Refused,
}

/// How many session tickets the driver has for protected data connections, in terms of what may be
/// done with them
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "part of the driver's duty")]
pub enum TicketSupply {
    /// There is none, and none is wanted: the server has never given any, or is known to do without
    #[default]
    Unneeded,
    /// One may be risked on a transfer that the server may refuse
    Ample,
    /// None may be risked: the handshake of a data connection waits for the preliminary reply
    Scarce,
    /// There is none, though the server may insist on one: the next transfer first has a listing made,
    /// which brings some; without any an upload fails, as the remote file would be lost (Q140)
    ///
    /// The listing is the client's own ([`Client::running_transfer`](crate::Client::running_transfer)
    /// is `None`): the driver reads its data connection to the end and throws the bytes away.
    Wanted,
    /// There is none and none to be had: uploads fail with
    /// [`Error::NoSessionTicket`](crate::Error::NoSessionTicket)
    Exhausted,
}

/// How many listings are made for the sake of a ticket: of the file uploaded last, and of the
/// directory
pub(crate) const HARVESTS: u8 = 2;

/// Everything that a session knows of its server
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) control: ControlSecurity,
    pub(crate) protection: Protection,
    pub(crate) type_: Option<TransferType>,
    pub(crate) features: Option<Features>,
    pub(crate) mlsd: Mlsd,
    /// What SYST told of the server's listings, if it was asked
    pub(crate) system: Option<Format>,
    /// The working directory, as long as nothing may have changed it
    pub(crate) directory: Option<Argument>,
    pub(crate) passive: PassiveMemory,
    pub(crate) path: PassivePath,
    pub(crate) listing: LastListing,
    pub(crate) active: ActiveMemory,
    pub(crate) batches: Batches,
    pub(crate) marker: RestartMarker,
    pub(crate) late: Late,
    pub(crate) preliminary: Preliminary,
    pub(crate) keep_alive: KeepAlive,
    pub(crate) gateway: GatewayMemory,
    pub(crate) tickets: TicketSupply,
    /// Listings made in a row for the sake of a ticket
    pub(crate) harvests: u8,
    /// The file uploaded last: a listing of it is short
    pub(crate) uploaded: Option<Argument>,
    /// A greeting that was a 230: no login is needed (Q17)
    pub(crate) admitted: Option<Reply>,
    /// The first final reply to the ABOR of the last abort
    pub(crate) abort_reply: Option<Reply>,
}

/// Whether an FTP proxy has heard all that it wants before the server's login
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
            mlsd: Mlsd::AsTold,
            system: None,
            directory: None,
            passive: PassiveMemory::Untried,
            path: PassivePath::Unproven,
            listing: LastListing::Whole,
            active: ActiveMemory::Untried,
            batches: Batches::Trusted,
            marker: RestartMarker::Clear,
            late: Late::None,
            preliminary: Preliminary::Expected,
            keep_alive: KeepAlive::Untried,
            gateway: GatewayMemory::Before,
            tickets: TicketSupply::Ample,
            harvests: 0,
            uploaded: None,
            admitted: None,
            abort_reply: None,
        }
    }

    /// Forgets what was said in clear text: an attacker may have said it
    pub(crate) fn forget_clear_text(&mut self) {
        self.admitted = None;
        self.features = None;
        self.mlsd = Mlsd::AsTold;
        self.system = None;
        self.directory = None;
        self.type_ = None;
        self.passive = PassiveMemory::Untried;
        self.path = PassivePath::Unproven;
        self.active = ActiveMemory::Untried;
        self.batches = Batches::Trusted;
    }

    /// Forgets what a login may have changed (Q18, Q19)
    pub(crate) fn forget_login(&mut self) {
        self.features = None;
        self.mlsd = Mlsd::AsTold;
        self.directory = None;
        self.type_ = None;
    }
}
