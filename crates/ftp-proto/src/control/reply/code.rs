//! Reply codes

use core::fmt;

/// The three digits that begin a reply, 100 to 599
///
/// Servers use codes that no RFC lists, so this is a number with names for
/// the known ones and not an enum. The next step nearly always depends only on [`Self::kind`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

/// The meaning of the first digit of a [`Code`] (RFC 959 section 4.2)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a first digit other than 1 to 5 is no reply")]
pub enum ReplyKind {
    /// 1yz: the action has begun, another reply follows
    Preliminary,
    /// 2yz: success
    Completion,
    /// 3yz: accepted, another command must follow
    Intermediate,
    /// 4yz: refused for now; the same command may succeed later
    Transient,
    /// 5yz: refused
    Permanent,
}

impl Code {
    /// Returns the code with this number; `None` outside 100 to 599
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        match number {
            100..=599 => Some(Self(number)),
            _ => None,
        }
    }

    /// Returns the number
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Returns the meaning of the first digit
    #[must_use]
    pub const fn kind(self) -> ReplyKind {
        match self.0 {
            ..=199 => ReplyKind::Preliminary,
            200..=299 => ReplyKind::Completion,
            300..=399 => ReplyKind::Intermediate,
            400..=499 => ReplyKind::Transient,
            500.. => ReplyKind::Permanent,
        }
    }

    /// Returns the number in ASCII
    pub(super) const fn digits(self) -> [u8; 3] {
        let number = self.0;
        // Each remainder is below 10.
        [
            b'0' + (number / 100 % 10) as u8,
            b'0' + (number / 10 % 10) as u8,
            b'0' + (number % 10) as u8,
        ]
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])+ $name:ident = $number:literal;)+) => {
        impl Code {
            $($(#[$doc])+ pub const $name: Self = Self($number);)+
        }
    };
}

codes! {
    /// 110, restart marker (RFC 959)
    RESTART_MARKER = 110;
    /// 120, service ready in some minutes (RFC 959)
    READY_LATER = 120;
    /// 125, data connection already open, transfer starting (RFC 959)
    TRANSFER_STARTING = 125;
    /// 150, about to open the data connection (RFC 959)
    OPENING_DATA = 150;
    /// 200, command okay (RFC 959)
    OKAY = 200;
    /// 202, superfluous at this site (RFC 959)
    SUPERFLUOUS = 202;
    /// 211, system status; the answer to FEAT (RFC 959, RFC 2389)
    SYSTEM_STATUS = 211;
    /// 212, directory status (RFC 959)
    DIRECTORY_STATUS = 212;
    /// 213, file status; the answer to SIZE and MDTM (RFC 959, RFC 3659)
    FILE_STATUS = 213;
    /// 214, help (RFC 959)
    HELP = 214;
    /// 215, name of the system (RFC 959)
    SYSTEM_NAME = 215;
    /// 220, ready for a new user (RFC 959)
    READY = 220;
    /// 221, closing the control connection (RFC 959)
    CLOSING = 221;
    /// 225, data connection open, no transfer in progress (RFC 959)
    DATA_OPEN = 225;
    /// 226, closing the data connection, transfer done (RFC 959)
    TRANSFER_DONE = 226;
    /// 227, entering passive mode (RFC 959)
    PASSIVE = 227;
    /// 228, entering long passive mode (RFC 1639)
    LONG_PASSIVE = 228;
    /// 229, entering extended passive mode (RFC 2428)
    EXTENDED_PASSIVE = 229;
    /// 230, logged in (RFC 959)
    LOGGED_IN = 230;
    /// 232, logged in by the security exchange (RFC 2228)
    LOGGED_IN_BY_SECURITY = 232;
    /// 234, security exchange complete: TLS may start (RFC 2228, RFC 4217)
    SECURITY_ACCEPTED = 234;
    /// 250, file action okay, completed (RFC 959)
    ACTION_DONE = 250;
    /// 257, pathname created, or the current directory (RFC 959)
    PATHNAME = 257;
    /// 331, password needed (RFC 959)
    NEED_PASSWORD = 331;
    /// 332, account needed (RFC 959)
    NEED_ACCOUNT = 332;
    /// 334, security mechanism accepted, data needed (RFC 2228)
    NEED_SECURITY_DATA = 334;
    /// 350, file action pending further information (RFC 959)
    ACTION_PENDING = 350;
    /// 421, service not available, closing the control connection (RFC 959)
    SERVICE_CLOSING = 421;
    /// 425, the data connection cannot be opened (RFC 959)
    NO_DATA_CONNECTION = 425;
    /// 426, connection closed, transfer aborted (RFC 959)
    TRANSFER_ABORTED = 426;
    /// 431, some security resource is unavailable (RFC 2228)
    SECURITY_UNAVAILABLE = 431;
    /// 450, file action not taken: file unavailable (RFC 959)
    FILE_BUSY = 450;
    /// 451, action aborted: local error (RFC 959)
    LOCAL_ERROR = 451;
    /// 452, action not taken: no space (RFC 959)
    NO_SPACE = 452;
    /// 500, command not recognized (RFC 959)
    UNRECOGNIZED = 500;
    /// 501, syntax error in the argument (RFC 959)
    BAD_ARGUMENT = 501;
    /// 502, command not implemented (RFC 959)
    NOT_IMPLEMENTED = 502;
    /// 503, bad sequence of commands (RFC 959)
    BAD_SEQUENCE = 503;
    /// 504, not implemented for that argument (RFC 959)
    ARGUMENT_NOT_IMPLEMENTED = 504;
    /// 522, network protocol not supported (RFC 2428); TLS session not reused (vsftpd)
    PROTOCOL_NOT_SUPPORTED = 522;
    /// 530, not logged in (RFC 959)
    NOT_LOGGED_IN = 530;
    /// 532, account needed for storing (RFC 959)
    ACCOUNT_FOR_STORING = 532;
    /// 533, protection level denied by policy (RFC 2228)
    PROTECTION_DENIED = 533;
    /// 534, request denied by policy (RFC 2228)
    POLICY_DENIED = 534;
    /// 535, security check failed (RFC 2228)
    SECURITY_FAILED = 535;
    /// 536, protection level not supported (RFC 2228)
    PROTECTION_NOT_SUPPORTED = 536;
    /// 550, action not taken: file unavailable (RFC 959)
    FILE_UNAVAILABLE = 550;
    /// 551, action aborted: page type unknown (RFC 959)
    PAGE_TYPE_UNKNOWN = 551;
    /// 552, action aborted: storage allocation exceeded (RFC 959)
    ALLOCATION_EXCEEDED = 552;
    /// 553, action not taken: file name not allowed (RFC 959)
    NAME_NOT_ALLOWED = 553;
    /// 554, invalid REST parameter (RFC 3659)
    BAD_RESTART = 554;
    /// 555, TYPE or STRU does not fit the file (RFC 3659)
    TYPE_MISMATCH = 555;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
