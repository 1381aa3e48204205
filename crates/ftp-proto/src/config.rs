//! Settings of a session: security, data connections, deadlines, leniencies

use core::net::IpAddr;
use core::ops::RangeInclusive;
use core::time::Duration;

use crate::control::reply::ReplyConfig;
use crate::gateway::Gateway;

/// How a session is protected; there is no default for this setting
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth way to start an FTP session")]
pub enum TlsPolicy {
    /// AUTH TLS right after the greeting, before anything else (RFC 4217); if it is refused, the session
    /// ends with [`ConnectionError::TlsRefused`](crate::ConnectionError::TlsRefused)
    Explicit,
    /// TLS from the first byte, usually on port 990; PBSZ and PROT are still sent
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

/// Which passive command an IPv4 session tries first; IPv6 has only EPSV
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the commands are these two")]
pub enum PassiveOrder {
    /// EPSV, then PASV if EPSV is refused or its port can't be reached
    EpsvFirst,
    /// PASV, then EPSV if PASV is refused; for NATs that block the port that EPSV announced
    PasvFirst,
}

/// Which host of a 227 reply the data connection goes to
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "an address is followed or it is not")]
pub enum PassiveHost {
    /// The peer of the control connection, whatever the reply says (CVE-2020-8284,
    /// CVE-2021-4189)
    ControlPeer,
    /// The address in the reply, for site bouncers that need it
    ///
    /// Lets the server point this client at any host and port it can reach.
    TrustReply,
}

/// Which mechanisms AUTH may try (RFC 4217 section 4; older names from drafts)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthMechanism {
    /// `AUTH TLS` only
    Tls,
    /// `AUTH TLS`, then `AUTH TLS-C`, then `AUTH SSL`, for servers older than RFC 4217
    TlsThenLegacy,
}

/// When the TLS handshake of a data connection begins
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "it waits for the server's consent or it does not")]
pub enum DataHandshake {
    /// Together with the transfer's command: this saves a round trip, but a refused transfer has then used up a session
    /// ticket, and servers that insist on resumption may give no other
    WithCommand,
    /// After the preliminary reply, or after [`Config::settle_quiet`] if none comes: some servers may
    /// want the handshake first
    AfterPreliminary,
}

/// What it means if data ends without TLS's close_notify
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a ragged end is accepted or it is not")]
pub enum Truncation {
    /// An error, unless the size is known and matches: an attacker can cut off the stream
    Reject,
    /// The end of the file, for servers that never send close_notify, such as IIS
    Accept,
}

/// When the port of the next transfer is requested in advance, by EPSV during the running transfer; this saves a round
/// trip for each file
///
/// EPSV is sent together with the transfer's command, or as soon as its data connection is open, and answered together
/// with the transfer. RFC 959 does not provide for this, and servers differ: some answer after the transfer, some
/// refuse the command, and pyftpdlib drops the running transfer. So support can't be determined by trying. EPSV is only
/// sent in passive mode, where the request before was a transfer that ended as expected, and the next one either is
/// queued already and a transfer of the same type, or not yet known. After the first sign of trouble, it is not sent
/// again in this session, see [`Client::prefetch_failed`](crate::Client::prefetch_failed), nor in later
/// sessions of `ftp-session` whose options are clones of this one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Prefetch {
    /// Never
    Off,
    /// With servers whose greeting says that they are known to answer it after the transfer: vsftpd 3, in clear text
    /// and under TLS; ProFTPD for RETR and LIST in clear text
    Known,
    /// With every server; set it only for servers whose behaviour you know
    Always,
}

/// How the byte 0xFF is sent in an argument, where it is Telnet's IAC (RFC 854; RFC 959 section 2.3)
///
/// With the wrong form, a server understands the name of another file. So the client never finds out by trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Telnet {
    /// It is doubled, unless the greeting names vsftpd or Pure-FTPd, or the answer to USER is in their words, whatever
    /// the greeting. These take the bytes of a name as they are, so with doubled bytes names from their listings could
    /// not be used. A server that needs this too, but is not recognized, needs [`Self::Single`]
    ByServer,
    /// It is doubled, as the protocol requires and ProFTPD expects
    Doubled,
    /// It is sent unchanged
    Single,
}

/// How a reply is treated if its code belongs to a command other than the one it answers
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "such a reply is believed or it is not")]
pub enum ForeignReplies {
    /// The session ends with [`ProtocolError::ForeignReply`](crate::ProtocolError::ForeignReply)
    Reject,
    /// It is taken by its class (2yz: success), for servers that use codes of their own
    Accept,
}

/// Settings of a session; most defaults are documented with their reasons
///
/// There is no `Default`: security is the constructor's argument. A time of [`Duration::MAX`] means never. Zero makes
/// no sense for any wait, and the drivers refuse it; only [`Self::auth_pause`] may be zero.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How the session is protected; there is no default
    pub tls: TlsPolicy,
    /// Which mechanisms AUTH may try; [`AuthMechanism::Tls`]: every server in use since 2005 knows it
    pub auth: AuthMechanism,
    /// Pause between the 234 to AUTH and the TLS handshake; zero, which means none: servers should not need one
    ///
    /// Some servers (libunftp) send the reply first and hand the connection to TLS a moment later. They
    /// read what arrives in between as a command, and the session ends with `500` in clear text. For them,
    /// 50 ms are enough.
    pub auth_pause: Duration,
    /// Who opens data connections; [`DataMode::Passive`]: it passes through NATs and firewalls on the client's side
    #[doc(alias = "passiveserver")]
    pub data_mode: DataMode,
    /// Whether EPSV or PASV is tried first; [`PassiveOrder::EpsvFirst`]: it needs no address, so it works across
    /// NAT, and if it fails, the session remembers that
    #[doc(alias = "makepasv")]
    pub passive_order: PassiveOrder,
    /// Which host of a 227 reply is connected to; [`PassiveHost::ControlPeer`]: it is the safe one
    #[doc(alias = "trust_server_pasv_ipv4_address")]
    pub passive_host: PassiveHost,
    /// The FTP proxy that is given the server's name in the login; `None`: the control connection leads to the server
    ///
    /// TLS would end at the proxy.
    pub gateway: Option<Gateway>,
    /// Ports to listen on in active mode; `None`: the system chooses, on most systems at random
    #[doc(alias = "makeport")]
    pub active_ports: Option<RangeInclusive<u16>>,
    /// Address announced by EPRT and PORT; `None`: the local address of the control connection,
    /// which is right unless there is a NAT in between
    #[doc(alias = "sendport")]
    #[doc(alias = "sendeprt")]
    pub active_address: Option<IpAddr>,
    /// Whether active mode refuses a data connection from a host other than the control
    /// connection's peer; `true`: otherwise anybody could connect
    pub check_active_peer: bool,
    /// When the TLS handshake of a data connection begins; [`DataHandshake::WithCommand`]: it is faster. If a driver
    /// reports that session tickets are [scarce](crate::Client::set_ticket_supply), the handshake waits for the
    /// preliminary reply in any case
    pub data_handshake: DataHandshake,
    /// Whether data may end without close_notify; [`Truncation::Reject`]: an attacker can cut off the stream
    pub truncation: Truncation,
    /// How a reply to another command is treated; [`ForeignReplies::Reject`]: replies and commands
    /// no longer match, and the next reply would be taken for the wrong command
    pub foreign_replies: ForeignReplies,
    /// Limits and leniencies of the reply parser
    pub reply: ReplyConfig,
    /// Whether commands that don't depend on one another are sent together, and a transfer's command is
    /// sent before its data connection is open, once one has opened; `true`: vsftpd, ProFTPD, Pure-FTPd and
    /// pyftpdlib accept both
    ///
    /// This takes two round trips instead of four for a file, one fewer for the login, and one for size and time
    /// together. With `false`, each command waits for the reply to the one before it. If a server refuses a command in a
    /// batch but accepts it alone, the session sends no more batches, see [`Client::batches`](crate::Client::batches),
    /// nor do later sessions of `ftp-session` whose options are clones of this one's. In a batch, the password is sent
    /// without waiting for the reply to USER.
    ///
    /// With a [`gateway`](Self::gateway), each command waits in any case: Debian's `ftp-proxy` refuses PASS while it
    /// connects to the server, and answers commands that it does not know before it passes on replies to earlier ones.
    pub pipeline: bool,
    /// Whether the next transfer's port is requested while a transfer runs; [`Prefetch::Known`]: it saves a round trip
    /// for each further file, and EPSV is sent only to servers that are known to answer it after the transfer
    ///
    /// It needs [`Self::pipeline`]. A port that is not used within [`Self::settle_quiet`] is forgotten.
    pub prefetch: Prefetch,
    /// Whether 0xFF is doubled in arguments; [`Telnet::ByServer`]: servers differ. It matters only for names with the
    /// byte 0xFF, which never occurs in UTF-8
    pub telnet: Telnet,
    /// Whether [`Event::Trace`](crate::Event::Trace) is emitted; `false`: it allocates per line
    #[doc(alias = "sanitize")]
    pub trace: bool,

    /// Distinguishes the client's requests from those of other clients: a claim on one of them gets nothing from another;
    /// 0: a program with one client needs none, and the core keeps no global counter
    ///
    /// Set it if you drive several [`Client`](crate::Client)s yourself, and use numbers below 2³¹. A session of
    /// `ftp-session`, and so of every driver, keeps such a number. If it is 0 or larger, the session takes one that no
    /// other session of the process has; so a copy of a session's settings can be used for another session.
    pub client_number: u32,

    /// Longest silence before the greeting, renewed by each 120; 60 s: servers that look up names are slow here
    pub greeting_timeout: Duration,
    /// Longest silence after a command was written, renewed by each preliminary reply; 60 s, as in curl: after
    /// a longer silence, the connection is dead
    pub reply_timeout: Duration,
    /// Total time for a command or the greeting, which no preliminary reply renews; 10 min: longer than
    /// any server needs that is still working on it
    ///
    /// Transfers, whose bytes show that they are alive, are bounded by [`Self::data_timeout`] and
    /// [`Self::final_reply_timeout`], hashes by [`Self::hash_timeout`], and copies between servers by
    /// [`Self::remote_transfer_timeout`].
    pub command_timeout: Duration,
    /// How long the second reply of a batch is awaited after the first one; 10 s: longer than the pause that servers
    /// make before they refuse a password, so that no password is sent twice. When the time is over, the command is
    /// sent again alone. At most three quarters of [`Self::reply_timeout`] are used, because that ends the session
    pub batch_timeout: Duration,
    /// Wait for a TLS handshake, on either channel; 30 s: several round trips on the worst links
    pub tls_timeout: Duration,
    /// Wait for a data connection to open or to be accepted; 20 s: a blocked port should be
    /// noticed while the fallback can still help
    pub data_connect_timeout: Duration,
    /// Longest silence on an open data connection; 60 s: after that, a transfer has stalled
    pub data_timeout: Duration,
    /// Total wait for the final reply after all data has been transferred; 300 s: virus scanners and object
    /// stores do their work at this point
    pub final_reply_timeout: Duration,
    /// Wait for the hash of a file, which the server must read completely; 1 h: 50 GB at 15 MB/s
    pub hash_timeout: Duration,
    /// Wait for the end of a transfer between two servers, whose progress the client can't see; 24 h: 1 TB at 12 MB/s.
    /// Once one of them has confirmed it, the other has [`Self::final_reply_timeout`]
    pub remote_transfer_timeout: Duration,
    /// Total time allowed to settle a transfer that was cut off or aborted, including everything until the
    /// session is ready for the next request; 30 s: after that, the connection is given up
    ///
    /// Settling has up to three steps, each of which waits for [`Self::settle_quiet`], or for a quarter of this time if
    /// that is shorter.
    pub settle_timeout: Duration,
    /// Silence after which settling takes its next step; 2 s: longer than any round trip, and it is only waited for
    /// on servers that send no reply to an aborted transfer; also the silence after which no more bytes of a refused
    /// download or listing are waited for. At most a quarter of [`Self::settle_timeout`] and of
    /// [`Self::reply_timeout`] is used, because those end the session
    pub settle_quiet: Duration,
    /// Idle time after which a NOOP is sent, repeatedly; `None`: the application knows whether to stay connected
    ///
    /// For drivers whose loop runs while nothing is requested, such as `ftp-mio`; `ftp-blocking` refuses it. After a
    /// server has refused NOOP, no more are sent. Some servers still end idle sessions, because they count from the
    /// last transfer.
    pub keep_alive: Option<Duration>,
}

impl Config {
    /// Creates settings with the given protection and defaults for everything else
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
            prefetch: Prefetch::Known,
            telnet: Telnet::ByServer,
            trace: false,
            client_number: 0,
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

    /// Whether a command may be sent before the last one has been answered, as far as the settings tell
    pub(crate) const fn permits_batches(&self) -> bool {
        self.pipeline && self.gateway.is_none()
    }

    /// How long settling waits in silence before its next step: [`Self::settle_quiet`], but at most a quarter of the
    /// deadlines that end the session
    pub(crate) fn quiet(&self) -> Duration {
        self.settle_quiet.min(self.settle_timeout.min(self.reply_timeout) / 4)
    }
}
