//! A proxy between the session and the server, with configurable behaviour

use std::collections::BTreeMap;
use std::time::Duration;

use ftp_session::Slot;
use ftp_session::ftp_proto::Time;

/// Its protocol
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Socks5,
    Connect,
}

/// Its behaviour
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Works,
    /// It sends nothing
    Hangs,
    /// It closes the connection instead of answering
    Closes,
    /// It sends something else
    Garbage,
    /// It sends one byte a second, and never finishes
    Drips,
    Refuses,
    /// It connects, and sends this text and the login before the server's bytes
    Repeats(&'static str),
}

pub(crate) struct Relay {
    kind: Kind,
    /// Whether it requires the user `me` with the password `secret`
    login: bool,
    pub(crate) manner: Manner,
    /// The requested targets
    pub(crate) asked: Vec<String>,
    conns: BTreeMap<Slot, Conn>,
    /// When the next byte is sent
    next: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Methods,
    Login,
    Request,
    /// The following bytes are the server's
    Through,
    Over,
}

struct Conn {
    stage: Stage,
    received: Vec<u8>,
    out: Vec<u8>,
    dripping: Vec<u8>,
}

impl Relay {
    pub(crate) fn new(kind: Kind, login: bool) -> Self {
        let (asked, conns) = (Vec::new(), BTreeMap::new());
        Self { kind, login, manner: Manner::Works, asked, conns, next: None }
    }

    pub(crate) fn opened(&mut self, slot: Slot) {
        let stage = match self.kind {
            Kind::Socks5 => Stage::Methods,
            Kind::Connect => Stage::Request,
        };
        let conn = Conn { stage, received: Vec::new(), out: Vec::new(), dripping: Vec::new() };
        self.conns.insert(slot, conn);
    }

    /// Whether the bytes of this connection still belong to the proxy
    pub(crate) fn has(&self, slot: Slot) -> bool {
        self.conns.get(&slot).is_some_and(|conn| conn.stage != Stage::Through)
    }

    pub(crate) fn gone(&mut self, slot: Slot) {
        self.conns.remove(&slot);
    }

    /// Returns the proxy's output, which precedes the server's
    pub(crate) fn outgoing(&mut self, slot: Slot) -> Option<&mut Vec<u8>> {
        self.conns.get_mut(&slot).map(|conn| &mut conn.out).filter(|out| !out.is_empty())
    }

    pub(crate) fn is_closing(&self, slot: Slot) -> bool {
        self.conns.get(&slot).is_some_and(|conn| conn.stage == Stage::Over && conn.out.is_empty())
    }

    /// Returns when it sends something by itself
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.next.filter(|_| self.conns.values().any(|conn| !conn.dripping.is_empty()))
    }

    /// Sends the next single byte, if it is due
    pub(crate) fn drip(&mut self, now: Time) {
        if self.next.is_none_or(|next| next <= now) {
            self.next = Some(now + Duration::from_secs(1));
            for conn in self.conns.values_mut().filter(|conn| !conn.dripping.is_empty()) {
                conn.out.push(conn.dripping.remove(0));
            }
        }
    }

    /// Handles bytes from the client; true as soon as the connection leads to the server
    pub(crate) fn received(&mut self, slot: Slot, bytes: &[u8]) -> bool {
        let Some(conn) = self.conns.get_mut(&slot) else { return false };
        conn.received.extend_from_slice(bytes);
        loop {
            let (used, answer, next) = match (self.kind, conn.stage) {
                (_, Stage::Through | Stage::Over) => return false,
                (Kind::Connect, _) => match connect(&conn.received, self.login) {
                    None => return false,
                    Some(Ok((target, used))) => {
                        self.asked.push(target);
                        (used, b"HTTP/1.0 200 Connected\r\nVia: x\r\n\r\n".to_vec(), Stage::Through)
                    }
                    Some(Err(used)) => (used, b"HTTP/1.0 407 Login\r\n".to_vec(), Stage::Over),
                },
                (Kind::Socks5, stage) => match socks(stage, &conn.received, self.login) {
                    None => return false,
                    Some((used, answer, next, target)) => {
                        self.asked.extend(target);
                        (used, answer, next)
                    }
                },
            };
            conn.received.drain(..used);
            if next != Stage::Through {
                conn.out.extend_from_slice(&answer);
                conn.stage = next;
                continue;
            }
            let refusal: &[u8] = match self.kind {
                Kind::Socks5 => b"\x05\x05\x00\x01\0\0\0\0\0\0",
                Kind::Connect => b"HTTP/1.1 502 Connection \x1b[1mrefused\r\nX: y\r\n\r\n",
            };
            let slow: &[u8] = match self.kind {
                Kind::Socks5 => b"\x05\x00\x00\x03\xff",
                Kind::Connect => b"HTTP/1.1 200 OK\r\n",
            };
            conn.stage = Stage::Over;
            match self.manner {
                Manner::Works => {
                    conn.out.extend_from_slice(&answer);
                    conn.stage = Stage::Through;
                    return true;
                }
                Manner::Repeats(text) => {
                    let login = "Proxy-Authorization: Basic bWU6c2VjcmV0, secret";
                    conn.out.extend_from_slice(&answer);
                    conn.out.extend_from_slice(format!("{text}{login}\r\n").as_bytes());
                    conn.stage = Stage::Through;
                    return true;
                }
                Manner::Hangs => conn.stage = Stage::Request,
                Manner::Closes => {}
                Manner::Garbage => conn.out.extend_from_slice(b"220 Welcome\r\n"),
                Manner::Drips => {
                    conn.dripping = [slow, &[b'x'; 9000]].concat();
                    conn.stage = Stage::Request;
                }
                Manner::Refuses => conn.out.extend_from_slice(refusal),
            }
            return false;
        }
    }
}

/// Parses a request; returns its target and length, or an error if the login is wrong
fn connect(received: &[u8], login: bool) -> Option<Result<(String, usize), usize>> {
    let end = received.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(received[..end].to_vec()).unwrap();
    let target = head.strip_prefix("CONNECT ").unwrap().split_once(' ').unwrap().0;
    assert!(head.contains(&format!("\r\nHost: {target}\r\n")), "{head}");
    // `me:secret`
    let authorized = head.contains("\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n");
    Some(if login && !authorized { Err(end) } else { Ok((target.to_owned(), end)) })
}

type Answer = (usize, Vec<u8>, Stage, Option<String>);

fn socks(stage: Stage, received: &[u8], login: bool) -> Option<Answer> {
    match stage {
        Stage::Methods => {
            let count = usize::from(*received.get(1)?);
            let methods = received.get(2..2 + count)?;
            let wanted = if login { 2 } else { 0 };
            if !methods.contains(&wanted) {
                return Some((2 + count, vec![5, 0xFF], Stage::Over, None));
            }
            let next = if login { Stage::Login } else { Stage::Request };
            Some((2 + count, vec![5, wanted], next, None))
        }
        Stage::Login => {
            let said = b"\x01\x02me\x06secret";
            let came = received.get(..said.len())?;
            let (status, next) = if came == said { (0, Stage::Request) } else { (1, Stage::Over) };
            Some((said.len(), vec![1, status], next, None))
        }
        _ => {
            let (host, used) = match received.get(3)? {
                1 => (format!("{:?}", received.get(4..8)?), 8),
                3 => {
                    let end = 5 + usize::from(*received.get(4)?);
                    (String::from_utf8(received.get(5..end)?.to_vec()).unwrap(), end)
                }
                4 => {
                    let bytes: [u8; 16] = received.get(4..20)?.try_into().unwrap();
                    (format!("[{}]", std::net::Ipv6Addr::from(bytes)), 20)
                }
                other => panic!("no type of address: {other}"),
            };
            let port = received.get(used..used + 2)?;
            let target = format!("{host}:{}", u16::from_be_bytes([port[0], port[1]]));
            let answer = vec![5, 0, 0, 1, 0, 0, 0, 0, 0, 0];
            Some((used + 2, answer, Stage::Through, Some(target)))
        }
    }
}
