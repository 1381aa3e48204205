//! HTTP's method CONNECT (RFC 9110 section 9.3.6), with the scheme Basic (RFC 7617)

use std::net::IpAddr;

use zeroize::Zeroizing;

use super::error::ProxyProblem;
use super::settings::ProxyLogin;
use super::socks5::Parsed;
use crate::transport::Host;

/// Maximum bytes of the heads of the answers
const LIMIT: usize = 16 * 1024;

/// Maximum characters kept of the text of a status
const REASON_LIMIT: usize = 200;

const NOT_HTTP: ProxyProblem = ProxyProblem::Malformed("its reply is not HTTP");

/// The answer to CONNECT
pub(super) struct HttpConnect {
    /// The login that was sent; it is masked in a refusal that repeats it
    login: Option<ProxyLogin>,
    /// Bytes of interim answers before the current one
    before: usize,
    head: Head,
}

/// How much of an answer's head has been read; each byte is examined once, in pieces of any size
enum Head {
    /// The first line has no end within this many bytes
    Status { searched: usize },
    /// A final or interim answer that is not a refusal; its empty line is searched from `searched` on
    Fields { code: u16, searched: usize },
}

impl HttpConnect {
    /// Creates the handshake, and the bytes to send
    pub(super) fn new(
        login: Option<&ProxyLogin>,
        host: Host<'_>,
        port: u16,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), ProxyProblem> {
        let authority = match host {
            Host::Address(IpAddr::V6(address)) => format!("[{address}]:{port}"),
            host => format!("{host}:{port}"),
        };
        let mut said =
            format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n").into_bytes();
        let mut whole = Zeroizing::new(Vec::new());
        if let Some(login) = login {
            check(login)?;
            let encoded = login.in_base64();
            // Allocated in full, because growing would leave copies of the password behind.
            whole.reserve_exact(said.len() + encoded.len() + 64);
            whole.append(&mut said);
            whole.extend_from_slice(b"Proxy-Authorization: Basic ");
            whole.extend_from_slice(encoded.as_bytes());
            whole.extend_from_slice(b"\r\n");
        }
        whole.append(&mut said);
        whole.extend_from_slice(b"\r\n");
        let (login, head) = (login.cloned(), Head::Status { searched: 0 });
        Ok((Self { login, before: 0, head }, whole))
    }

    /// Reads an answer from the start of the received bytes
    pub(super) fn parse(&mut self, input: &[u8]) -> Result<Parsed, ProxyProblem> {
        const BEGINNING: &[u8] = b"HTTP/1.";
        // A peer that does not speak HTTP may never send the end of a line.
        let compared = input.len().min(BEGINNING.len());
        if input[..compared] != BEGINNING[..compared] {
            return Err(NOT_HTTP);
        }
        if let Head::Status { searched } = self.head {
            match input[searched..].iter().position(|byte| *byte == b'\n') {
                Some(at) => self.status(&input[..searched + at])?,
                None => self.head = Head::Status { searched: input.len() },
            }
        }
        if let Head::Fields { code, searched } = &mut self.head {
            let code = *code;
            if let Some(used) =
                end_of_head(input, searched).filter(|used| self.before + used <= LIMIT)
            {
                if code >= 200 {
                    return Ok(Parsed::Open { used });
                }
                // This is an interim answer: the final one follows (RFC 9110 section 15.2).
                self.before += used;
                self.head = Head::Status { searched: 0 };
                return Ok(Parsed::Answer { used, say: Zeroizing::default() });
            }
        }
        if self.before + input.len() >= LIMIT {
            return Err(ProxyProblem::Malformed("its answer has more than 16 KiB"));
        }
        Ok(Parsed::Incomplete)
    }

    /// Reads the first line
    fn status(&mut self, line: &[u8]) -> Result<(), ProxyProblem> {
        let (code, reason) = status(line)?;
        match (code, &self.login) {
            (100 | 102..=299, _) => {
                self.head = Head::Fields { code, searched: line.len() };
                Ok(())
            }
            // Some proxies answer 401, which is meant for servers: tinyproxy does so for a wrong password.
            (401 | 407, None) => Err(ProxyProblem::LoginRequired),
            (401 | 407, Some(_)) => Err(ProxyProblem::LoginRefused),
            (status, None) => Err(ProxyProblem::Http { status, reason: printable(reason) }),
            (status, Some(login)) => {
                Err(ProxyProblem::Http { status, reason: printable(&login.mask(reason)) })
            }
        }
    }
}

/// Parses a status line without its line feed, `HTTP/1.1 200 Connected` (RFC 9112 section 4), into code and reason
fn status(line: &[u8]) -> Result<(u16, &[u8]), ProxyProblem> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    // Proxies answer with version 1.0 or 1.1.
    let [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0'..=b'9', b' ', digits @ ..] = line else {
        return Err(NOT_HTTP);
    };
    let (digits, reason) = digits.split_at_checked(3).ok_or(NOT_HTTP)?;
    if !digits.iter().all(u8::is_ascii_digit) || !matches!(reason, [] | [b' ', ..]) {
        return Err(NOT_HTTP);
    }
    let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    if code < 100 {
        return Err(NOT_HTTP);
    }
    Ok((code, reason))
}

/// The length of the head at the start, which ends with an empty line; if it has not ended, updates where to search
/// from
fn end_of_head(input: &[u8], searched: &mut usize) -> Option<usize> {
    while let Some(at) = input[*searched..].iter().position(|byte| *byte == b'\n') {
        let at = *searched + at;
        *searched = at;
        match &input[at + 1..] {
            [b'\n', ..] => return Some(at + 2),
            [b'\r', b'\n', ..] => return Some(at + 3),
            [] | [b'\r'] => return None,
            _ => *searched = at + 1,
        }
    }
    *searched = input.len();
    None
}

/// Checks that HTTP can send this login
fn check(login: &ProxyLogin) -> Result<(), ProxyProblem> {
    let (user, password) = (login.user(), login.password());
    if user.contains(&b':') {
        let text = "for HTTP, a user can't have a colon";
        return Err(ProxyProblem::InvalidLogin(text));
    }
    if user.iter().chain(password).any(u8::is_ascii_control) {
        let text = "for HTTP, user and password can't have control characters";
        return Err(ProxyProblem::InvalidLogin(text));
    }
    Ok(())
}

/// Makes a proxy's text fit to be shown
fn printable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text.trim_ascii());
    let text: String = text.chars().take(REASON_LIMIT).collect();
    text.escape_debug().take(REASON_LIMIT).collect()
}
