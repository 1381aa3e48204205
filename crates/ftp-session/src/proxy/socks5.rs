//! SOCKS version 5 (RFC 1928), with user and password (RFC 1929)
//!
//! ```text
//! methods ──▶ method ── none ─────────────────────────────▶ CONNECT ──▶ reply ── 0 ──▶ open
//!               └── user and password ──▶ login ──▶ status ────┘
//! ```

use std::net::IpAddr;

use zeroize::Zeroizing;

use super::error::ProxyProblem;
use super::settings::ProxyLogin;
use crate::transport::Host;

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xFF;

/// What the proxy's next bytes answer
pub(super) enum Socks5 {
    /// The offered methods; with the login to send, and the request that follows
    Method { login: Option<Zeroizing<Vec<u8>>>, request: Vec<u8> },
    /// The login, with the request that follows
    Login { request: Vec<u8> },
    /// The request
    Request,
}

/// The result of parsing the proxy's bytes
pub(super) enum Parsed {
    /// More bytes are needed
    Incomplete,
    /// `used` bytes were an answer; send `say` next
    Answer { used: usize, say: Zeroizing<Vec<u8>> },
    /// `used` bytes were the last answer: the connection leads to the server
    Open { used: usize },
}

impl Socks5 {
    /// Creates the handshake, and the first bytes to send
    pub(super) fn new(
        login: Option<&ProxyLogin>,
        host: Host<'_>,
        port: u16,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), ProxyProblem> {
        let login = login.map(say_login).transpose()?;
        let request = say_request(host, port)?;
        let first = match login {
            None => vec![VERSION, 1, NO_LOGIN],
            Some(_) => vec![VERSION, 2, NO_LOGIN, USER_AND_PASSWORD],
        };
        Ok((Self::Method { login, request }, Zeroizing::new(first)))
    }

    /// Reads an answer from the start of the received bytes
    pub(super) fn parse(&mut self, input: &[u8]) -> Result<Parsed, ProxyProblem> {
        let say = match self {
            Self::Method { login, request } => {
                check_version(input)?;
                let [_, method, ..] = *input else { return Ok(Parsed::Incomplete) };
                let request = std::mem::take(request);
                match (method, login.take()) {
                    (NO_LOGIN, _) => {
                        *self = Self::Request;
                        Zeroizing::new(request)
                    }
                    (USER_AND_PASSWORD, Some(login)) => {
                        *self = Self::Login { request };
                        login
                    }
                    (NO_METHOD, _) => return Err(ProxyProblem::LoginRequired),
                    _ => {
                        return Err(ProxyProblem::Malformed(
                            "it chose a method that was not offered",
                        ));
                    }
                }
            }
            Self::Login { request } => {
                // Some proxies write the version of SOCKS here instead of the login's, so it is ignored.
                let [_, status, ..] = *input else { return Ok(Parsed::Incomplete) };
                if status != 0 {
                    return Err(ProxyProblem::LoginRefused);
                }
                let request = std::mem::take(request);
                *self = Self::Request;
                Zeroizing::new(request)
            }
            Self::Request => return parse_reply(input),
        };
        Ok(Parsed::Answer { used: 2, say })
    }
}

fn check_version(input: &[u8]) -> Result<(), ProxyProblem> {
    match input.first() {
        None | Some(&VERSION) => Ok(()),
        Some(_) => Err(ProxyProblem::Malformed("its reply is not SOCKS5")),
    }
}

/// Parses the reply to the request; its address is ignored
fn parse_reply(input: &[u8]) -> Result<Parsed, ProxyProblem> {
    check_version(input)?;
    let [_, reply, ..] = *input else { return Ok(Parsed::Incomplete) };
    // The rest of a refusal may never arrive.
    if reply != 0 {
        return Err(ProxyProblem::Socks(reply));
    }
    let [_, _, _, kind, ..] = *input else { return Ok(Parsed::Incomplete) };
    let length = match kind {
        1 => 4,
        3 => match input.get(4) {
            Some(length) => 1 + usize::from(*length),
            None => return Ok(Parsed::Incomplete),
        },
        4 => 16,
        _ => return Err(ProxyProblem::Malformed("its reply contains an address of unknown type")),
    };
    let used = 4 + length + 2;
    Ok(if input.len() < used { Parsed::Incomplete } else { Parsed::Open { used } })
}

fn say_login(login: &ProxyLogin) -> Result<Zeroizing<Vec<u8>>, ProxyProblem> {
    let (user, password) = (login.user(), login.password());
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).ok().filter(|length| *length > 0);
    let (Some(user_length), Some(password_length)) = (length(user), length(password)) else {
        let text = "for SOCKS5, user and password must have 1 to 255 bytes each";
        return Err(ProxyProblem::InvalidLogin(text));
    };
    // Allocated in full, because growing would leave copies of the password behind.
    let mut said = Zeroizing::new(Vec::with_capacity(3 + user.len() + password.len()));
    said.extend_from_slice(&[1, user_length]);
    said.extend_from_slice(user);
    said.push(password_length);
    said.extend_from_slice(password);
    Ok(said)
}

fn say_request(host: Host<'_>, port: u16) -> Result<Vec<u8>, ProxyProblem> {
    let mut said = vec![VERSION, 1, 0];
    match host {
        Host::Address(IpAddr::V4(address)) => {
            said.push(1);
            said.extend_from_slice(&address.octets());
        }
        Host::Address(IpAddr::V6(address)) => {
            said.push(4);
            said.extend_from_slice(&address.octets());
        }
        Host::Name(name) => {
            let length = u8::try_from(name.len()).map_err(|_| ProxyProblem::InvalidHost)?;
            said.extend_from_slice(&[3, length]);
            said.extend_from_slice(name.as_bytes());
        }
    }
    said.extend_from_slice(&port.to_be_bytes());
    Ok(said)
}
