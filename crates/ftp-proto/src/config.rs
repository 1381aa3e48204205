//! What the application decides: security, data connections, deadlines, leniencies

use core::net::IpAddr;
use core::ops::RangeInclusive;
use core::time::Duration;

use crate::control::reply::ReplyConfig;
use crate::gateway::Gateway;

/// How a session is protected; the one choice without a default
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth way to start an FTP session")]
pub enum TlsPolicy {
    /// AUTH TLS right after the greeting, before anything else (RFC 4217); refused, the session
    /// ends with [`ConnectionError::TlsRefused`](crate::ConnectionError::TlsRefused)
    Explicit,
    /// TLS from the first byte, usually port 990; PBSZ and PROT are sent all the same (Q98)
    Implicit,
    /// Clear text; [`Client::secure`](crate::Client::secure) can upgrade later
    Plaintext,
}

/// Who opens the data connection
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 959 has these two")]
pub enum DataMode {
    /// The client: EPSV, PASV
    Passive,
    /// The server: EPRT, PORT
    Active,
}

/// Which passive command an IPv4 session tries first; IPv6 has EPSV alone
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the commands are these two")]
pub enum PassiveOrder {
    /// EPSV, then PASV where EPSV is refused or its port can't be reached (Q62)
    EpsvFirst,
    /// PASV, then EPSV where PASV is refused (Q64); for NATs that drop what EPSV promised
    PasvFirst,
}

/// Which host of a 227 the data connection goes to
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "an address is followed or it is not")]
pub enum PassiveHost {
    /// The peer of the control connection, whatever the reply says (CVE-2020-8284,
    /// CVE-2021-4189)
    ControlPeer,
    /// The address in the reply, for site bouncers that need it (Q76)
    ///
    /// Lets the server point this client at any host and port it can reach.
    TrustReply,
}

/// Which mechanisms AUTH may try (RFC 4217 section 4; older names from drafts)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthMechanism {
    /// `AUTH TLS` alone
    Tls,
    /// `AUTH TLS`, then `AUTH TLS-C`, then `AUTH SSL`, for servers older than RFC 4217 (Q78)
    TlsThenLegacy,
}

/// When the TLS handshake of a data connection begins
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "it waits for the server's consent or it does not")]
pub enum DataHandshake {
    /// With the transfer's command: a round trip less, but a refused transfer has used up a session
    /// ticket, and servers that insist on resumption may give no other (Q86)
    WithCommand,
    /// Behind the preliminary reply; without one, after [`Config::settle_quiet`]: some servers may
    /// want the handshake first
    AfterPreliminary,
}

/// What an end of data without TLS's close_notify means
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a ragged end is accepted or it is not")]
pub enum Truncation {
    /// An error, unless the size is known and matches: an attacker can cut the stream
    Reject,
    /// The end of the file, for servers that never send close_notify (IIS, Q93)
    Accept,
}

/// What becomes of the byte 0xFF in an argument, which is Telnet's IAC (RFC 854; RFC 959 section 3.1)
///
/// A server that takes the wrong form for a name means another file, so neither is tried to see whether it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Telnet {
    /// It is doubled, unless the greeting names vsftpd or Pure-FTPd, which take a name's bytes as they are; names from
    /// their listings could not be used otherwise. A server that hides what it is needs [`Self::Single`]
    ByServer,
    /// It is doubled, as the protocol has it, and ProFTPD knows
    Doubled,
    /// It is sent as it is
    Single,
}

/// What becomes of a reply whose code belongs to another command than the one it came for
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "such a reply is believed or it is not")]
pub enum ForeignReplies {
    /// The session ends with [`ProtocolError::ForeignReply`](crate::ProtocolError::ForeignReply)
    Reject,
    /// It is taken by its class (2yz: done), for servers that use codes of their own
    Accept,
}

/// Settings of a session: public fields, each default with its reason
///
/// There is no `Default`: security is the constructor's argument. A time of [`Duration::MAX`] means never.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How the session is protected
    pub tls: TlsPolicy,
    /// What AUTH may try; [`AuthMechanism::Tls`]: everything in use since 2005 knows it
    pub auth: AuthMechanism,
    /// Pause between the server's consent to AUTH and the TLS handshake; none: a server has no
    /// reason to need one
    ///
    /// Some servers answer first and hand the connection to TLS a moment later; what arrives in
    /// between they read as a command, and the session ends with `500` in clear (libunftp). 50 ms
    /// are enough for them.
    pub auth_pause: Duration,
    /// Who opens data connections; [`DataMode::Passive`]: it passes NATs and firewalls of clients
    #[doc(alias = "passiveserver")]
    pub data_mode: DataMode,
    /// EPSV or PASV first; [`PassiveOrder::EpsvFirst`]: it needs no address, so it works behind
    /// NAT, and what it can't do is learned once per session
    #[doc(alias = "makepasv")]
    pub passive_order: PassiveOrder,
    /// Which host of a 227 is connected to; [`PassiveHost::ControlPeer`]: the safe one
    #[doc(alias = "trust_server_pasv_ipv4_address")]
    pub passive_host: PassiveHost,
    /// The FTP proxy that each login names the server to; `None`: the control connection leads to the server
    ///
    /// TLS would end at the proxy.
    pub gateway: Option<Gateway>,
    /// Ports to listen on in active mode; `None`: the system chooses
    #[doc(alias = "makeport")]
    pub active_ports: Option<RangeInclusive<u16>>,
    /// Address announced by EPRT and PORT; `None`: the local address of the control connection,
    /// which is right unless a NAT stands between
    #[doc(alias = "sendport")]
    #[doc(alias = "sendeprt")]
    pub active_address: Option<IpAddr>,
    /// Whether a data connection from another host than the control peer's is refused in active
    /// mode; `true`: anybody could connect otherwise (Q65)
    pub check_active_peer: bool,
    /// When the TLS handshake of a data connection begins; [`DataHandshake::WithCommand`]: the
    /// quicker. When a driver says that session tickets are
    /// [scarce](crate::Client::set_ticket_supply) it waits in any case
    pub data_handshake: DataHandshake,
    /// An end of data without close_notify; [`Truncation::Reject`]
    pub truncation: Truncation,
    /// What becomes of a reply that answers another command; [`ForeignReplies::Reject`]: replies and
    /// commands no longer belong together, and the next reply would be believed
    pub foreign_replies: ForeignReplies,
    /// Limits and leniencies of the reply parser
    pub reply: ReplyConfig,
    /// Whether commands that don't depend on one another are sent together, and a transfer's command
    /// together with the connect once one has worked; `true`: vsftpd, ProFTPD, Pure-FTPd and
    /// pyftpdlib take both
    ///
    /// A file costs two round trips then instead of four, and the login one less. Off, each
    /// command waits for the answer to the one before it. A server that refuses a command in
    /// company and takes it alone is not asked so again in the session. The password goes out
    /// without waiting for the answer to USER.
    pub pipeline: bool,
    /// Whether 0xFF is doubled in arguments; [`Telnet::ByServer`]. Only names with the byte 0xFF see a difference, which
    /// is never one of UTF-8
    pub telnet: Telnet,
    /// Whether [`Event::Trace`](crate::Event::Trace) is emitted; `false`: it allocates per line
    #[doc(alias = "sanitize")]
    pub trace: bool,

    /// Silence before the greeting, renewed by each 120; 60 s: servers that look up names are slow here
    pub greeting_timeout: Duration,
    /// Silence after a command was written, renewed by each preliminary reply; 60 s, as curl: a
    /// longer silence is a dead connection
    pub reply_timeout: Duration,
    /// Whole time for a command or the greeting, which no preliminary reply renews; 10 min: longer than
    /// any server needs that still works on it
    ///
    /// Transfers, whose bytes show that they are alive, are bounded by [`Self::data_timeout`] and
    /// [`Self::final_reply_timeout`], hashes by [`Self::hash_timeout`], and copies between servers by
    /// [`Self::remote_transfer_timeout`].
    pub command_timeout: Duration,
    /// Wait for the second reply to a batch after the first; 10 s: above the pause that servers make
    /// before they refuse a password, so that none is given twice. Then the command is sent again
    /// alone
    pub batch_timeout: Duration,
    /// Wait for a TLS handshake, on either channel; 30 s: several round trips on the worst links
    pub tls_timeout: Duration,
    /// Wait for a data connection to open or to be accepted; 20 s: a blocked port should be
    /// found out while the fallback can still help
    pub data_connect_timeout: Duration,
    /// Silence on an open data connection; 60 s without a single byte is a stalled transfer
    pub data_timeout: Duration,
    /// Whole wait for the final reply once all data has passed; 300 s: virus scanners and object
    /// stores work here
    pub final_reply_timeout: Duration,
    /// Wait for the hash of a file, which the server reads whole first; 1 h: 50 GB at 15 MB/s
    pub hash_timeout: Duration,
    /// Wait for the end of a transfer between two servers, whose progress nobody sees; 24 h
    pub remote_transfer_timeout: Duration,
    /// Whole time allowed to settle a transfer that was cut off or aborted, with all that it takes until the
    /// session is ready for the next request; 30 s: then the connection is given up
    pub settle_timeout: Duration,
    /// Silence after which settling takes its next step; 2 s: above any round trip, and paid only
    /// on servers that answer an aborted transfer with nothing (Q136)
    pub settle_quiet: Duration,
    /// Idle time after which a NOOP is sent, again and again; `None`: the application knows whether it wants to stay
    ///
    /// For drivers whose loop runs while nothing is requested, such as `ftp-mio`; `ftp-blocking` refuses it. Once a server
    /// has refused NOOP, no more are sent. Some servers end idle sessions all the same, since their timer counts from the
    /// last transfer.
    pub keep_alive: Option<Duration>,
}

impl Config {
    /// The defaults under the given protection
    #[must_use]
    pub fn new(tls: TlsPolicy) -> Self {
        Self {
            tls,
            auth: AuthMechanism::Tls,
            auth_pause: Duration::ZERO,
            data_mode: DataMode::Passive,
            passive_order: PassiveOrder::EpsvFirst,
            passive_host: PassiveHost::ControlPeer,
            gateway: None,
            active_ports: None,
            active_address: None,
            check_active_peer: true,
            data_handshake: DataHandshake::WithCommand,
            truncation: Truncation::Reject,
            foreign_replies: ForeignReplies::Reject,
            reply: ReplyConfig::default(),
            pipeline: true,
            telnet: Telnet::ByServer,
            trace: false,
            greeting_timeout: Duration::from_secs(60),
            reply_timeout: Duration::from_secs(60),
            command_timeout: Duration::from_secs(600),
            batch_timeout: Duration::from_secs(10),
            tls_timeout: Duration::from_secs(30),
            data_connect_timeout: Duration::from_secs(20),
            data_timeout: Duration::from_secs(60),
            final_reply_timeout: Duration::from_secs(300),
            hash_timeout: Duration::from_secs(60 * 60),
            remote_transfer_timeout: Duration::from_secs(24 * 60 * 60),
            settle_timeout: Duration::from_secs(30),
            settle_quiet: Duration::from_secs(2),
            keep_alive: None,
        }
    }
}
