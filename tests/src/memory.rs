//! A server in memory, in clear text and over TLS: bytes in, bytes out

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};

use ftp_session::ftp_tls::TlsVersion;
use ftp_session::ftp_tls::rustls::ServerConnection;
use ftp_session::{Config, Options, Pipe, Slot, TlsPolicy};
use sha2::{Digest, Sha256};

use crate::embedded::{file, listing};
use crate::tls::{Tls, trusting};

/// A server with one client
#[derive(Debug)]
pub struct Server {
    tls: Tls,
    conns: BTreeMap<Slot, Conn>,
    /// Files by name
    pub files: BTreeMap<String, Vec<u8>>,
    /// A directory that LIST shows in the root; it has the same files
    pub directory: Option<&'static str>,
    is_inside: bool,
    /// The commands received, in order
    pub commands: Vec<String>,
    /// Stops responding when this command arrives
    pub mute: Option<&'static str>,
    /// Stops responding in the middle of the next file
    pub stall: bool,
    /// Port of the last EPSV
    pub port: u16,
    private: bool,
    deleted: BTreeSet<String>,
    /// TLS from the first byte
    pub implicit: bool,
    /// Announces that it computes hashes
    pub hashes: bool,
    /// What REST has said directly before
    offset: usize,
    transfer: Option<Transfer>,
}

#[derive(Clone, Debug)]
enum Transfer {
    Send(Vec<u8>),
    Store(String),
    Append(String),
}

/// The server's side of a connection
#[derive(Debug)]
struct Conn {
    tls: Option<ServerConnection>,
    /// Bytes received, decrypted
    received: Vec<u8>,
    out: Vec<u8>,
    /// The client has ended its side
    ended: bool,
    /// The server ends its side once everything has been sent
    closing: bool,
    /// This side has ended TLS, and the other side is about to
    clearing: bool,
}

impl Conn {
    fn new(tls: Option<ServerConnection>) -> Self {
        let (received, out) = (Vec::new(), Vec::new());
        Self { tls, received, out, ended: false, closing: false, clearing: false }
    }

    fn say(&mut self, bytes: &[u8]) {
        match &mut self.tls {
            None => self.out.extend_from_slice(bytes),
            Some(tls) => tls.writer().write_all(bytes).unwrap(),
        }
    }

    fn close(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
        self.closing = true;
    }

    /// Encrypts what is to be sent
    fn encrypt(&mut self) {
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() {
                tls.write_tls(&mut self.out).unwrap();
            }
        }
    }

    /// Ends this side's TLS; the connection goes on in clear text
    fn clear(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            self.encrypt();
            self.clearing = true;
        }
    }

    fn hear(&mut self, mut bytes: &[u8]) {
        let Some(tls) = &mut self.tls else { return self.received.extend_from_slice(bytes) };
        while !bytes.is_empty() {
            tls.read_tls(&mut bytes).unwrap();
            let state = tls.process_new_packets().unwrap();
            if self.clearing && state.peer_has_closed() {
                // The client's close_notify is a write of its own.
                assert!(bytes.is_empty());
                self.tls = None;
                self.clearing = false;
                return;
            }
            self.ended |= state.peer_has_closed();
            let mut plain = vec![0; state.plaintext_bytes_to_read()];
            tls.reader().read_exact(&mut plain).unwrap();
            self.received.extend_from_slice(&plain);
        }
    }

    fn line(&mut self) -> Option<String> {
        let end = self.received.windows(2).position(|pair| pair == b"\r\n")?;
        let line = self.received.drain(..end + 2).take(end).collect();
        Some(String::from_utf8(line).unwrap())
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl Server {
    /// Creates a server without files, which uses clear text until the client sends AUTH
    pub fn new() -> Self {
        Self {
            tls: Tls::new(),
            conns: BTreeMap::new(),
            files: BTreeMap::new(),
            directory: None,
            is_inside: false,
            commands: Vec::new(),
            mute: None,
            stall: false,
            port: 5000,
            private: false,
            deleted: BTreeSet::new(),
            implicit: false,
            hashes: false,
            offset: 0,
            transfer: None,
        }
    }

    /// Creates a server with a file to download, as the examples expect
    pub fn with_file() -> Self {
        let mut server = Self::new();
        server.files.insert("file".into(), file());
        server
    }

    /// Returns options for a session that trusts this server
    pub fn options() -> Options {
        let tls = trusting(TlsVersion::Tls13).build().unwrap();
        Options::new(Config::new(TlsPolicy::Explicit)).tls(tls)
    }

    /// Records that the client has connected
    pub fn opened(&mut self, slot: Slot) {
        if slot.is_control() {
            let tls = self.implicit.then(|| self.tls.connection());
            self.conns.insert(slot, Conn::new(tls));
            self.reply("220 ready");
        } else {
            let tls = self.private.then(|| self.tls.connection());
            self.conns.insert(slot, Conn::new(tls));
        }
        self.go_on();
    }

    /// As [`Self::opened`], for a connection that may already be known
    pub fn opened_once(&mut self, slot: Slot) {
        if !self.has(slot) {
            self.opened(slot);
        }
    }

    /// Returns the bytes to send in this slot
    pub fn outgoing(&mut self, slot: Slot) -> &mut Vec<u8> {
        let conn = self.conns.get_mut(&slot).unwrap();
        conn.encrypt();
        &mut conn.out
    }

    /// Whether this side ends once everything has been sent
    pub fn is_closing(&self, slot: Slot) -> bool {
        self.conns.get(&slot).is_some_and(|conn| conn.closing && conn.out.is_empty())
    }

    /// Whether there is a connection in this slot
    pub fn has(&self, slot: Slot) -> bool {
        self.conns.contains_key(&slot)
    }

    /// Handles bytes from the client
    pub fn received(&mut self, slot: Slot, bytes: &[u8]) {
        if let Some(conn) = self.conns.get_mut(&slot) {
            conn.hear(bytes);
        }
        self.go_on();
    }

    /// Records that the client has ended its side, or closed the connection
    pub fn ended(&mut self, slot: Slot) {
        if let Some(conn) = self.conns.get_mut(&slot) {
            conn.ended = true;
        }
        self.go_on();
    }

    /// Records that the client has closed the connection
    pub fn gone(&mut self, slot: Slot) {
        self.ended(slot);
        self.conns.remove(&slot);
    }

    /// Moves all available bytes between the client's end of a connection and this server's
    pub fn carry(&mut self, slot: Slot, pipe: &mut Pipe) {
        self.opened_once(slot);
        let sent = pipe.unsent().len();
        self.received(slot, pipe.unsent());
        pipe.sent(sent);
        if pipe.is_closed() {
            return self.gone(slot);
        }
        if pipe.is_finished() {
            self.ended(slot);
        }
        let bytes = self.outgoing(slot);
        let received = pipe.receive(bytes);
        bytes.drain(..received);
        if self.is_closing(slot) {
            pipe.receive_end();
        }
    }

    fn control(&mut self) -> Option<&mut Conn> {
        self.conns.iter_mut().find(|(slot, _)| slot.is_control()).map(|(_, conn)| conn)
    }

    fn reply(&mut self, line: &str) {
        if let Some(control) = self.control() {
            control.say(format!("{line}\r\n").as_bytes());
        }
    }

    fn go_on(&mut self) {
        while let Some(line) = self.control().and_then(Conn::line) {
            self.commands.push(line.clone());
            let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
            if self.mute == Some(verb) {
                continue;
            }
            self.obey(verb, argument);
        }
        self.transfer();
    }

    fn obey(&mut self, verb: &str, argument: &str) {
        let offset = std::mem::take(&mut self.offset);
        match verb {
            "AUTH" => {
                self.reply("234 go on");
                let tls = self.tls.connection();
                self.control().unwrap().tls = Some(tls);
            }
            "CCC" => {
                self.reply("200 fine");
                self.control().unwrap().clear();
            }
            "PROT" => {
                self.private = argument == "P";
                self.reply("200 fine");
            }
            "USER" => self.reply("331 password, please"),
            "PASS" => self.reply("230 welcome"),
            "EPSV" => {
                self.port += 1;
                self.reply(&format!("229 go (|||{}|)", self.port));
            }
            "LIST" => {
                let mut lines = listing(&self.files);
                if let (Some(name), false) = (self.directory, self.is_inside) {
                    let line = format!("drwxr-xr-x 2 u g 4096 Mar 10 2024 {name}\r\n");
                    lines.extend_from_slice(line.as_bytes());
                }
                self.transfer = Some(Transfer::Send(lines));
                self.reply("150 here it comes");
            }
            "NLST" => {
                let names: String = self.files.keys().map(|name| format!("{name}\r\n")).collect();
                self.transfer = Some(Transfer::Send(names.into()));
                self.reply("150 here they come");
            }
            "RETR" => {
                let file = self.files[argument][offset..].to_vec();
                self.transfer = Some(Transfer::Send(file));
                self.reply("150 here it comes");
            }
            "STOR" => {
                self.transfer = Some(Transfer::Store(argument.to_owned()));
                self.reply("150 send it");
            }
            "APPE" => {
                self.transfer = Some(Transfer::Append(argument.to_owned()));
                self.reply("150 send it");
            }
            "SIZE" => match self.files.get(argument) {
                Some(file) => self.reply(&format!("213 {}", file.len())),
                None => self.reply("550 no such file"),
            },
            "FEAT" if self.hashes => self.reply("211-Features:\r\n XSHA256\r\n211 End"),
            "XSHA256" => {
                let hash = Sha256::digest(&self.files[argument]);
                self.reply(&format!("250 {hash:x}"));
            }
            "MDTM" => self.reply("213 20240229120000"),
            "MLST" => {
                let size = self.files[argument].len();
                self.reply(&format!("250-Here\r\n type=file;size={size}; {argument}\r\n250 End"));
            }
            "STAT" => {
                let lines = String::from_utf8(listing(&self.files)).unwrap();
                self.reply(&format!("213-Status:\r\n{lines}213 End"));
            }
            "MFMT" => {
                let (time, name) = argument.split_once(' ').unwrap();
                self.reply(&format!("213 Modify={time}; {name}"));
            }
            "DELE" => {
                self.deleted.insert(argument.to_owned());
                self.reply("250 deleted");
            }
            // Every directory has all files, until as many are deleted.
            "RMD" if self.deleted.len() < self.files.len() => self.reply("550 not empty"),
            "MKD" => self.reply(&format!("257 \"{argument}\" made")),
            "CWD" => {
                self.is_inside = argument != "/";
                self.reply("250 fine");
            }
            "PASV" => self.reply("502 not here"),
            "ABOR" => {
                if self.transfer.take().is_some() {
                    self.reply("426 aborted");
                }
                self.reply("226 nothing to abort");
            }
            "REST" => {
                self.offset = argument.parse().unwrap();
                self.reply("350 restart");
            }
            "PWD" => self.reply("257 \"/\""),
            "QUIT" => {
                self.reply("221 bye");
                self.control().unwrap().close();
            }
            _ => self.reply("200 fine"),
        }
    }

    fn transfer(&mut self) {
        let data = self.conns.iter_mut().filter(|(slot, conn)| !slot.is_control() && !conn.closing);
        let Some((_, conn)) = data.last() else { return };
        match &self.transfer {
            Some(Transfer::Send(file)) => {
                // TLS accepts little plaintext before the end of its handshake.
                let ready = conn.tls.as_ref().is_none_or(|tls| !tls.is_handshaking());
                if !ready {
                    return;
                }
                if let Some(tls) = &mut conn.tls {
                    tls.set_buffer_limit(None);
                }
                if self.stall {
                    conn.say(&file[..file.len() / 2]);
                    self.transfer = None;
                    return;
                }
                conn.say(file);
                conn.close();
            }
            Some(Transfer::Store(name)) if conn.ended => {
                self.files.insert(name.clone(), std::mem::take(&mut conn.received));
                conn.close();
            }
            Some(Transfer::Append(name)) if conn.ended => {
                self.files.entry(name.clone()).or_default().append(&mut conn.received);
                conn.close();
            }
            _ => return,
        }
        self.transfer = None;
        self.reply("226 done");
    }
}
