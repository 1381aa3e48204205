//! A minimal client, so that the servers are tested with more than the clients of this project

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub(crate) struct Raw(BufReader<TcpStream>);

impl Raw {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(BufReader::new(socket))
    }

    pub(crate) fn login(address: SocketAddr) -> Self {
        let mut raw = Self::connect(address);
        raw.reply();
        raw.say("USER u");
        raw.say("PASS p");
        raw
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    /// Returns the next reply with all its lines; empty at the end of the connection
    pub(crate) fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let start = reply.len();
            let count = self.0.read_line(&mut reply).unwrap_or(0);
            let is_last = |line: &str| {
                line.as_bytes().get(3) == Some(&b' ') && line.as_bytes()[0].is_ascii_digit()
            };
            if count == 0 || is_last(&reply[start..]) {
                return reply.trim_end().to_owned();
            }
        }
    }

    pub(crate) fn say(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n").as_bytes());
        self.reply()
    }

    /// Opens a data connection by PASV
    pub(crate) fn passive(&mut self) -> TcpStream {
        let reply = self.say("PASV");
        let numbers = reply.split(['(', ')']).nth(1).unwrap_or_else(|| panic!("{reply}"));
        let numbers: Vec<u8> = numbers.split(',').map(|n| n.parse().unwrap()).collect();
        let port = u16::from_be_bytes([numbers[4], numbers[5]]);
        let ip = [numbers[0], numbers[1], numbers[2], numbers[3]];
        TcpStream::connect(SocketAddr::from((ip, port))).unwrap()
    }

    /// Downloads a file or listing; returns its bytes and the final reply
    pub(crate) fn fetch(&mut self, command: &str) -> (std::io::Result<Vec<u8>>, String) {
        let mut data = self.passive();
        let preliminary = self.say(command);
        assert!(preliminary.starts_with("150"), "{preliminary}");
        let mut bytes = Vec::new();
        let result = data.read_to_end(&mut bytes);
        (result.map(|_| bytes), self.reply())
    }

    pub(crate) fn store(&mut self, command: &str, bytes: &[u8]) -> String {
        let mut data = self.passive();
        let preliminary = self.say(command);
        assert!(preliminary.starts_with("150"), "{preliminary}");
        // This fails if the server breaks off the transfer.
        let _ = data.write_all(bytes);
        drop(data);
        self.reply()
    }
}
