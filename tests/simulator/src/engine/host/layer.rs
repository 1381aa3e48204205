//! The server's side of a connection, with or without TLS

use std::io::{Read, Write};

use ftp_session::ftp_tls::rustls::{HandshakeKind, ServerConnection};

use super::super::net::Plain;

/// The layer that carries the bytes
#[derive(Debug)]
pub(super) enum Layer {
    /// Clear text
    Clear,
    /// TLS
    Tls(Box<ServerConnection>),
    /// TLS that has failed
    Broken,
}

/// The result of received bytes
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) plain: Vec<u8>,
    /// The handshake has just completed
    pub(super) secured: bool,
    /// The other side has sent close_notify, or bytes that are not TLS
    pub(super) closed: bool,
    /// Bytes to send
    pub(super) out: Vec<u8>,
}

impl Layer {
    pub(super) fn hear(&mut self, mut bytes: &[u8]) -> Heard {
        let tls = match self {
            Self::Clear => return Heard { plain: bytes.to_vec(), ..Heard::default() },
            Self::Broken => return Heard::default(),
            Self::Tls(tls) => tls,
        };
        let mut heard = Heard::default();
        let began = tls.is_handshaking();
        let mut is_sound = true;
        while !bytes.is_empty() && is_sound && !heard.closed {
            is_sound = tls.read_tls(&mut bytes).is_ok();
            match tls.process_new_packets() {
                Ok(state) => {
                    heard.closed |= state.peer_has_closed();
                    let before = heard.plain.len();
                    heard.plain.resize(before + state.plaintext_bytes_to_read(), 0);
                    let read = tls.reader().read_exact(&mut heard.plain[before..]);
                    read.unwrap();
                }
                Err(_) => is_sound = false,
            }
        }
        heard.secured = began && !tls.is_handshaking();
        heard.closed |= !is_sound;
        heard.out = unsent(tls);
        if !is_sound {
            *self = Self::Broken;
        }
        heard
    }

    /// Encrypts bytes as they are sent
    pub(super) fn seal(&mut self, bytes: &[u8]) -> (Vec<u8>, Plain) {
        match self {
            Self::Clear => (bytes.to_vec(), Plain::Each),
            Self::Tls(tls) => {
                tls.writer().write_all(bytes).unwrap();
                (unsent(tls), Plain::Whole(bytes.len()))
            }
            Self::Broken => (Vec::new(), Plain::Whole(0)),
        }
    }

    /// Returns the bytes that end the connection's direction
    pub(super) fn close(&mut self) -> Vec<u8> {
        match self {
            Self::Tls(tls) => {
                tls.send_close_notify();
                unsent(tls)
            }
            Self::Clear | Self::Broken => Vec::new(),
        }
    }

    /// Whether the client resumed a session
    pub(super) fn is_resumed(&self) -> bool {
        matches!(self, Self::Tls(tls) if tls.handshake_kind() == Some(HandshakeKind::Resumed))
    }
}

fn unsent(tls: &mut ServerConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while tls.wants_write() {
        tls.write_tls(&mut bytes).unwrap();
    }
    bytes
}
