//! The handshake with a proxy: bytes in, bytes out

use std::fmt;
use std::io::{Read, Write};

use zeroize::Zeroizing;

use super::error::ProxyProblem;
use super::http::HttpConnect;
use super::settings::Proxy;
use super::socks5::{Parsed, Socks5};
use crate::socket::{Socket, is_passing};
use crate::transport::{Host, Interest};

/// The handshake with a proxy before a connection leads to the server
///
/// It is a state machine without I/O, also usable in your own dialers:
///
/// ```
/// use ftp_session::Host;
/// use ftp_session::proxy::{Handshake, HandshakeState, Proxy, ProxyServer};
///
/// let proxy = Proxy::Socks5 { server: ProxyServer::new("127.0.0.1", 1080), login: None };
/// let mut handshake = Handshake::new(&proxy, Host::Name("ftp.example.org"), 21)?;
/// assert_eq!(handshake.unsent(), [5, 1, 0]);
/// handshake.sent(3);
/// assert_eq!(handshake.receive(&[5, 0])?, HandshakeState::Pending);
/// handshake.sent(handshake.unsent().len());
/// let state = handshake.receive(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00220 ready\r\n")?;
/// assert_eq!(state, HandshakeState::Open);
/// assert_eq!(handshake.into_leftover(), b"220 ready\r\n");
/// # Ok::<(), ftp_session::proxy::ProxyProblem>(())
/// ```
pub struct Handshake {
    kind: Kind,
    state: HandshakeState,
    target: String,
    unsent: Zeroizing<Vec<u8>>,
    /// How many of `unsent` have been sent
    sent: usize,
    received: Vec<u8>,
}

enum Kind {
    Socks5(Socks5),
    HttpConnect(HttpConnect),
}

/// The progress of a handshake
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a failure is an error")]
pub enum HandshakeState {
    /// There are bytes to send, or to receive
    Pending,
    /// The connection leads to the server
    Open,
}

impl Handshake {
    /// Creates a handshake that asks a proxy to connect to this host and port
    ///
    /// # Errors
    ///
    /// [`InvalidHost`](ProxyProblem::InvalidHost) and [`InvalidLogin`](ProxyProblem::InvalidLogin);
    /// [`NoTunnel`](ProxyProblem::NoTunnel) for a proxy that is not a [tunnel](Proxy::is_tunnel).
    pub fn new(proxy: &Proxy, host: Host<'_>, port: u16) -> Result<Self, ProxyProblem> {
        if let Host::Name(name) = host {
            check_name(name)?;
        }
        let (kind, unsent) = match proxy {
            Proxy::Socks5 { login, .. } => {
                let (socks, first) = Socks5::new(login.as_ref(), host, port)?;
                (Kind::Socks5(socks), first)
            }
            Proxy::HttpConnect { login, .. } => {
                let (http, first) = HttpConnect::new(login.as_ref(), host, port)?;
                (Kind::HttpConnect(http), first)
            }
            Proxy::FtpUserAtHost { .. } | Proxy::FtpOpen { .. } => {
                return Err(ProxyProblem::NoTunnel);
            }
        };
        let (state, target) = (HandshakeState::Pending, format!("{host} port {port}"));
        Ok(Self { kind, state, target, unsent, sent: 0, received: Vec::new() })
    }

    /// Bytes to send to the proxy; report what was sent with [`Self::sent`]
    #[must_use]
    pub fn unsent(&self) -> &[u8] {
        &self.unsent[self.sent..]
    }

    /// Reports that this many bytes of [`Self::unsent`] have been sent
    pub fn sent(&mut self, count: usize) {
        self.sent = self.unsent.len().min(self.sent.saturating_add(count));
    }

    /// Takes bytes received from the proxy, in pieces of any size
    ///
    /// At most 16 KiB are kept, in addition to the last piece.
    ///
    /// # Errors
    ///
    /// A refusal by the proxy, or a violation of its protocol. The connection is then unusable.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<HandshakeState, ProxyProblem> {
        const EARLY: ProxyProblem = ProxyProblem::Malformed("it answered before it was asked");
        // HTTP may refuse a request before it has read it; SOCKS5 never sends anything unasked.
        if matches!(self.kind, Kind::Socks5(_)) && !bytes.is_empty() && !self.unsent().is_empty() {
            return Err(EARLY);
        }
        self.received.extend_from_slice(bytes);
        while self.state == HandshakeState::Pending {
            let parsed = match &mut self.kind {
                Kind::Socks5(socks) => socks.parse(&self.received)?,
                Kind::HttpConnect(http) => http.parse(&self.received)?,
            };
            let used = match parsed {
                Parsed::Incomplete => break,
                Parsed::Answer { used, say } => {
                    if !say.is_empty() {
                        if used < self.received.len() {
                            return Err(EARLY);
                        }
                        (self.unsent, self.sent) = (say, 0);
                    }
                    used
                }
                Parsed::Open { used } => {
                    self.state = HandshakeState::Open;
                    used
                }
            };
            self.received.drain(..used);
        }
        Ok(self.state)
    }

    /// Returns the bytes that arrived after the proxy's last answer: they come from the server
    #[must_use]
    pub fn into_leftover(self) -> Vec<u8> {
        match self.state {
            HandshakeState::Open => self.received,
            HandshakeState::Pending => Vec::new(),
        }
    }

    /// Host and port that the proxy is asked to connect to
    pub(crate) fn target(&self) -> &str {
        &self.target
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The unsent bytes may contain a password.
        f.debug_struct("Handshake")
            .field("target", &self.target)
            .field("state", &self.state)
            .field("unsent", &self.unsent().len())
            .field("received", &self.received.len())
            .finish_non_exhaustive()
    }
}

/// Refuses invalid names, which could be read as something else in a request
pub(super) fn check_name(name: &str) -> Result<(), ProxyProblem> {
    let fits = |byte: u8| byte.is_ascii_graphic() && !b":/?#[]@%\\\"<>".contains(&byte);
    let is_name = (1..=255).contains(&name.len()) && name.bytes().all(fits);
    is_name.then_some(()).ok_or(ProxyProblem::InvalidHost)
}

/// What to wait for on a connection to a proxy
pub(crate) fn waits_for(handshake: &Handshake) -> Interest {
    if handshake.unsent().is_empty() { Interest::READ } else { Interest::WRITE }
}

/// Advances a handshake as far as possible without waiting
///
/// Once it is open, the socket's next read returns the bytes that arrived after the proxy's last answer.
pub(crate) fn drive<S: Read + Write>(
    socket: &mut Socket<S>,
    handshake: &mut Handshake,
) -> Result<HandshakeState, ProxyProblem> {
    loop {
        let mut broken = None;
        while !handshake.unsent().is_empty() {
            match socket.write(handshake.unsent()) {
                Ok(count) => handshake.sent(count),
                Err(error) if is_passing(&error) => return Ok(HandshakeState::Pending),
                Err(error) => {
                    // The proxy may have sent the reason before it closed.
                    socket.ready.read = true;
                    broken = Some(ProxyProblem::broken(&error));
                    break;
                }
            }
        }
        let mut buffer = [0; 1024];
        match socket.read(&mut buffer) {
            Ok(0) => return Err(broken.unwrap_or(ProxyProblem::Closed)),
            Ok(count) => {
                let state = handshake.receive(&buffer[..count])?;
                if let Some(problem) = broken {
                    return Err(problem);
                }
                if state == HandshakeState::Open {
                    socket.keep(std::mem::take(&mut handshake.received));
                    return Ok(state);
                }
            }
            Err(error) if is_passing(&error) => {
                return broken.map_or(Ok(HandshakeState::Pending), Err);
            }
            Err(error) => {
                return Err(broken.unwrap_or_else(|| ProxyProblem::broken(&error)));
            }
        }
    }
}

#[cfg(test)]
mod tests;
