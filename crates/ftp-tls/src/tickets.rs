//! What is known of a control connection's TLS sessions: how many there are, and what they are enough for

/// What is known about the sessions of one [`TlsContext`](crate::TlsContext)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsStats {
    /// Available TLS 1.3 tickets; each can be used for one connection
    pub tickets: usize,
    /// TLS 1.3 tickets received so far, on all connections
    pub tickets_received: u64,
    /// Whether there is a TLS 1.2 session, which can be used for any number of connections
    pub tls12_session: bool,
    /// Data connections whose handshake resumed a session
    pub resumed: u64,
    /// Data connections whose handshake was a full one
    pub full: u64,
}

/// What the available sessions are enough for; returned by
/// [`TlsContext::ticket_supply`](crate::TlsContext::ticket_supply)
///
/// The type of the same name in `ftp-proto`, which its client wants to be told, has the same variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum TicketSupply {
    /// There is none, and none is needed: the server has never sent any, or is known to accept full handshakes
    Unneeded,
    /// A data connection may begin its handshake before the server has agreed to the transfer: if it refuses, a ticket
    /// is lost, but there are others, or there is a TLS 1.2 session, which is not used up
    Ample,
    /// The last ticket: the handshake waits until the server has agreed to the transfer, because with servers that
    /// require resumption, there may be no way to get another
    Scarce,
    /// Do not start an upload. First make a small listing (NLST of one name is enough), read its data connection to the
    /// end and then [drain](crate::Stream::drain) it, then ask again
    ///
    /// Even a listing that the server refuses for lack of resumption may bring tickets: two with ProFTPD.
    Wanted,
    /// Do not start an upload; log in on a new control connection, with
    /// [`TlsContext::renew`](crate::TlsContext::renew)
    Exhausted,
}

impl TicketSupply {
    /// Whether STOR, APPE or STOU may be sent
    #[must_use]
    pub const fn permits_upload(self) -> bool {
        matches!(self, Self::Unneeded | Self::Ample | Self::Scarce)
    }
}
