//! 227 and 229 replies: where to open the data connection

use core::net::{IpAddr, Ipv4Addr};
use core::str;

use memchr::memchr_iter;

use super::{leading_digits, number};
use crate::control::reply::{Code, Reply};

/// The fields of an answer to EPSV (RFC 2428 section 3)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the five fields of the RFC, three of them empty")]
pub struct Epsv {
    /// An address, which the RFC forbids but some servers send
    pub host: Option<IpAddr>,
    /// Port, 1 to 65535
    pub port: u16,
}

/// An address for a data connection, as the server sent it
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an address and a port")]
pub struct PassiveAddress {
    /// The address, which is often wrong behind NAT, and is a trap if an attacker sent it
    ///
    /// Connect to the peer of the control connection instead (CVE-2020-8284).
    pub host: Option<IpAddr>,
    /// Port, 1 to 65535
    pub port: u16,
}

/// Returns the address in an answer to PASV, `227 Entering Passive Mode (h1,h2,h3,h4,p1,p2)`
///
/// The RFC defines only the six numbers, not the form around them: those in parentheses are used if there are any,
/// else the first six numbers joined by commas. A number above 255, port 0, and five or
/// seven numbers are refused.
#[must_use]
#[doc(alias = "parse227")]
pub fn parse_227(text: &[u8]) -> Option<(Ipv4Addr, u16)> {
    let in_parentheses = memchr_iter(b'(', text).find_map(|at| comma_run(&text[at + 1..]).six);
    // The first six numbers decide, whether they are valid or not: anything else would be a guess.
    let six = match in_parentheses {
        Some(six) => six,
        None => first_six(text)?,
    };
    let [a, b, c, d, high, low] = six.map(|number| u8::try_from(number).ok());
    let port = u16::from_be_bytes([high?, low?]);
    (port != 0).then_some((Ipv4Addr::new(a?, b?, c?, d?), port))
}

/// Returns the first sequence of exactly six numbers
fn first_six(mut text: &[u8]) -> Option<[u64; 6]> {
    loop {
        text = &text[text.iter().position(u8::is_ascii_digit)?..];
        let run = comma_run(text);
        if run.six.is_some() {
            return run.six;
        }
        text = &text[run.length..];
    }
}

/// Numbers joined by commas
struct CommaRun {
    length: usize,
    /// The numbers, if there are exactly six; `u64::MAX` replaces one that is too big
    six: Option<[u64; 6]>,
}

/// Parses the numbers joined by commas at the start of `text`, with or without spaces around the commas
fn comma_run(text: &[u8]) -> CommaRun {
    let spaces = |at: usize| text[at..].iter().take_while(|byte| **byte == b' ').count();
    let mut six = [0; 6];
    let (mut count, mut length, mut at) = (0, 0, spaces(0));
    loop {
        let digits = leading_digits(&text[at..]);
        if digits == 0 {
            break;
        }
        if let Some(slot) = six.get_mut(count) {
            *slot = number(&text[at..at + digits]).unwrap_or(u64::MAX);
        }
        count += 1;
        length = at + digits;
        at = length + spaces(length);
        if text.get(at) != Some(&b',') {
            break;
        }
        at += 1;
        at += spaces(at);
    }
    CommaRun { length, six: (count == six.len()).then_some(six) }
}

/// Returns the port in an answer to EPSV, `229 Entering Extended Passive Mode (|||port|)`
///
/// Instead of `|`, any byte but a digit is accepted if it is in all four places (a server that
/// writes EBCDIC sends `!`). The closing parenthesis may be missing; with `|`, both may be missing. Ports 0 and
/// above 65535 are refused.
#[must_use]
#[doc(alias = "parse229")]
pub fn parse_229(text: &[u8]) -> Option<Epsv> {
    let in_parentheses = memchr_iter(b'(', text).find_map(|at| delimited(&text[at + 1..]));
    in_parentheses.or_else(|| memchr_iter(b'|', text).find_map(|at| delimited(&text[at..])))
}

/// Parses `<d>[protocol]<d>[host]<d>port<d>` at the start of `text`
fn delimited(text: &[u8]) -> Option<Epsv> {
    /// Room for an IPv6 address with an IPv4 tail, a port and the delimiters
    const LONGEST: usize = 64;
    let text = text.get(..LONGEST).unwrap_or(text);
    let (&delimiter, rest) = text.split_first()?;
    if delimiter.is_ascii_digit() || delimiter.is_ascii_whitespace() {
        return None;
    }
    let mut fields = rest.split(|byte| *byte == delimiter);
    let (protocol, host, port) = (fields.next()?, fields.next()?, fields.next()?);
    // The last delimiter exists if another field follows, even an empty one.
    fields.next()?;
    if leading_digits(protocol) < protocol.len() {
        return None;
    }
    let host = str::from_utf8(host).ok().and_then(|host| host.parse().ok());
    let port = u16::try_from(number(port)?).ok().filter(|port| *port != 0)?;
    Some(Epsv { host, port })
}

/// Returns the address in an answer to PASV or EPSV, in either form
///
/// Some servers answer one command as if it were the other. The code only decides which form is
/// tried first.
#[must_use]
pub fn parse_passive(reply: &Reply) -> Option<PassiveAddress> {
    let text = reply.text();
    let short =
        || parse_227(text).map(|(host, port)| PassiveAddress { host: Some(host.into()), port });
    let extended = || parse_229(text).map(|Epsv { host, port }| PassiveAddress { host, port });
    match reply.code() {
        Code::EXTENDED_PASSIVE => extended().or_else(short),
        _ => short().or_else(extended),
    }
}
