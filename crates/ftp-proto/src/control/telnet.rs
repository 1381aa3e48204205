//! Telnet's IAC on the control connection (RFC 854, RFC 959 section 2.3)
//!
//! A modern client has no options to negotiate, so requests of a server are dropped and never
//! answered: an answer would precede the next command. ProFTPD, the only server known to send them, does so between
//! replies. Within a reply 0xFF is text: most servers do not double it, and decoding a name that is not doubled yields
//! another name.

use alloc::vec::Vec;

use memchr::memchr_iter;

/// Interpret As Command, the byte that begins every Telnet sequence
pub(crate) const IAC: u8 = 0xFF;

const SE: u8 = 0xF0;
const SB: u8 = 0xFA;
const WILL: u8 = 0xFB;
const DONT: u8 = 0xFE;

/// The position of the input in a Telnet sequence
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Decoder {
    /// In text
    #[default]
    Text,
    /// After an IAC
    Command,
    /// After WILL, WONT, DO or DONT: the option's number follows
    Option,
    /// In a subnegotiation
    Subnegotiation,
    /// After an IAC in a subnegotiation
    SubnegotiationCommand,
}

/// What a byte after an IAC means
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decoded {
    /// Part of a sequence, not text
    Nothing,
    /// The IAC was a byte of text, and so is this byte
    Literal,
    /// The IAC was dropped with its sequence, and this byte is text
    Text,
}

impl Decoder {
    /// Takes a byte while not in [`Decoder::Text`]
    pub(crate) fn step(&mut self, byte: u8) -> Decoded {
        match (*self, byte) {
            (Self::Text, _) => Decoded::Text,
            (Self::Command, WILL..=DONT) => {
                *self = Self::Option;
                Decoded::Nothing
            }
            (Self::Command, SB) => {
                *self = Self::Subnegotiation;
                Decoded::Nothing
            }
            (Self::Command, SE..WILL) => {
                *self = Self::Text;
                Decoded::Nothing
            }
            (Self::Command, _) => {
                *self = Self::Text;
                Decoded::Literal
            }
            (Self::Option, _) => {
                *self = Self::Text;
                Decoded::Nothing
            }
            // No FTP server is known to negotiate with parameters. But a name in Latin-1 may contain
            // FF FA, and must not swallow everything that follows: so the end of a line ends it, too.
            (Self::Subnegotiation | Self::SubnegotiationCommand, b'\n') => {
                *self = Self::Text;
                Decoded::Text
            }
            (Self::Subnegotiation, IAC) => {
                *self = Self::SubnegotiationCommand;
                Decoded::Nothing
            }
            (Self::SubnegotiationCommand, SE) => {
                *self = Self::Text;
                Decoded::Nothing
            }
            (Self::Subnegotiation | Self::SubnegotiationCommand, _) => {
                *self = Self::Subnegotiation;
                Decoded::Nothing
            }
        }
    }
}

/// Returns `text` with one 0xFF instead of two in a row
pub(crate) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut single = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        single.push(byte);
        if byte == IAC {
            bytes.next_if_eq(&IAC);
        }
    }
    single
}

/// Whether every run of 0xFF has an even length, and there is one: then they may be doubled
pub(crate) fn may_be_escaped(text: &[u8]) -> bool {
    let runs = text.chunk_by(|a, b| (*a == IAC) == (*b == IAC));
    let mut runs = runs.filter(|run| run[0] == IAC).peekable();
    runs.peek().is_some() && runs.all(|run| run.len() % 2 == 0)
}

/// Appends `text` with each 0xFF doubled
pub(crate) fn escape(text: &[u8], out: &mut Vec<u8>) {
    let mut start = 0;
    for at in memchr_iter(IAC, text) {
        out.extend_from_slice(&text[start..=at]);
        out.push(IAC);
        start = at + 1;
    }
    out.extend_from_slice(&text[start..]);
}
