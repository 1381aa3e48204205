//! An FTP server on loopback that follows a script: expected commands and their replies
//!
//! The script is a closure that runs in its own thread. It panics at the first unexpected event, and [`Server::join`]
//! propagates the panic. Nothing waits longer than [`PATIENCE`].

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr};

pub use crate::net::PATIENCE;
use crate::net::{Listener, Stream, Thread};

/// A scripted server
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    thread: Thread,
}

impl Server {
    /// Starts a server for one control connection on 127.0.0.1
    pub fn start(script: impl FnOnce(&mut Peer) + Send + 'static) -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST.into(), script)
    }

    /// Starts a server for one control connection on this address
    ///
    /// # Panics
    ///
    /// If this host does not have the address.
    pub fn start_on(ip: IpAddr, script: impl FnOnce(&mut Peer) + Send + 'static) -> Self {
        let listener = Listener::bind((ip, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let thread = Thread::start(move || {
            let stream = accept(&listener);
            script(&mut Peer::new(stream));
        });
        Self { address, thread }
    }

    /// Returns the address on which it listens
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the end of the script
    ///
    /// # Panics
    ///
    /// If the script panicked.
    pub fn join(self) {
        self.thread.join();
    }
}

/// The server's end of a control connection
#[derive(Debug)]
pub struct Peer {
    control: BufReader<Stream>,
}

impl Peer {
    fn new(stream: Stream) -> Self {
        Self { control: BufReader::new(stream) }
    }

    /// Returns the control connection
    #[must_use]
    pub fn control(&self) -> &Stream {
        self.control.get_ref()
    }

    /// Returns the server's address
    ///
    /// # Panics
    ///
    /// If the connection is closed.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.control().local_addr().unwrap().ip()
    }

    /// Sends a line and CRLF
    ///
    /// # Panics
    ///
    /// If the client has closed.
    pub fn reply(&self, line: &str) {
        self.control().write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }

    /// Returns the next command without its line ending; `None` if the client has closed
    ///
    /// # Panics
    ///
    /// If none arrives in time.
    pub fn command(&mut self) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        let count = self.control.read_until(b'\n', &mut line).expect("waiting for a command");
        (count > 0).then(|| line.strip_suffix(b"\r\n").expect("CRLF").to_vec())
    }

    /// Expects a command
    ///
    /// # Panics
    ///
    /// If another one arrives, or none in time.
    #[track_caller]
    pub fn expect(&mut self, command: &str) {
        let got = self.command().map(|line| line.escape_ascii().to_string());
        assert_eq!(got.as_deref(), Some(&*command.as_bytes().escape_ascii().to_string()));
    }

    /// Expects a command and answers it
    #[track_caller]
    pub fn exchange(&mut self, command: &str, reply: &str) {
        self.expect(command);
        self.reply(reply);
    }

    /// Expects the client to close
    ///
    /// # Panics
    ///
    /// If it sends something.
    #[track_caller]
    pub fn expect_close(&mut self) {
        let got = self.command().map(|line| line.escape_ascii().to_string());
        assert_eq!(got, None);
    }

    /// Greets the client and accepts any login
    #[track_caller]
    pub fn welcome(&mut self) {
        self.reply("220 ready");
        self.exchange("USER u", "331 password, please");
        self.exchange("PASS p", "230 welcome");
    }

    /// Expects EPSV and listens
    ///
    /// # Panics
    ///
    /// If something else arrives.
    #[track_caller]
    pub fn epsv(&mut self) -> Listener {
        self.expect("EPSV");
        let listener = Listener::bind((self.ip(), 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        self.reply(&format!("229 entering extended passive mode (|||{port}|)"));
        listener
    }

    /// Expects PORT or EPRT and answers 200; returns the address on which the client listens
    ///
    /// # Panics
    ///
    /// If something else arrives.
    #[track_caller]
    pub fn active(&mut self) -> SocketAddr {
        let line = String::from_utf8(self.command().expect("PORT or EPRT")).unwrap();
        self.reply("200 fine");
        if let Some(numbers) = line.strip_prefix("PORT ") {
            let n: Vec<u8> = numbers.split(',').map(|number| number.parse().unwrap()).collect();
            let port = u16::from_be_bytes([n[4], n[5]]);
            return SocketAddr::from(([n[0], n[1], n[2], n[3]], port));
        }
        let parts: Vec<&str> = line.strip_prefix("EPRT ").expect(&line).split('|').collect();
        SocketAddr::new(parts[2].parse().unwrap(), parts[3].parse().unwrap())
    }

    /// Serves a download: TYPE I the first time, EPSV, `command`, the bytes, 226
    #[track_caller]
    pub fn send_file(&mut self, command: &str, bytes: &[u8]) {
        let listener = self.epsv();
        let mut data = accept(&listener);
        self.exchange(command, "150 here it comes");
        data.write_all(bytes).unwrap();
        drop(data);
        self.reply("226 done");
    }

    /// Serves an upload: EPSV, `command`, the bytes, 226
    #[track_caller]
    pub fn receive_file(&mut self, command: &str) -> Vec<u8> {
        let listener = self.epsv();
        let mut data = accept(&listener);
        self.exchange(command, "150 send it");
        let bytes = read_all(&mut data);
        drop(data);
        self.reply("226 done");
        bytes
    }

    /// Answers the commands that settle an interrupted transfer: `426` and `226` to ABOR, `350` to `REST 0`
    #[track_caller]
    pub fn settle(&mut self) {
        self.expect("ABOR");
        self.reply("426 transfer aborted");
        self.reply("226 abort successful");
        self.exchange("REST 0", "350 restart at 0");
    }

    /// Expects QUIT, answers it and closes
    #[track_caller]
    pub fn farewell(&mut self) {
        self.exchange("QUIT", "221 goodbye");
        let _ = self.control().shutdown(Shutdown::Write);
        self.expect_close();
    }
}

/// Accepts a connection within [`PATIENCE`]
///
/// # Panics
///
/// If nobody connects.
#[must_use]
pub fn accept(listener: &Listener) -> Stream {
    listener.accept()
}

/// Connects, as a server in active mode does
///
/// # Panics
///
/// If nothing listens.
#[must_use]
pub fn connect(address: SocketAddr) -> Stream {
    Stream::connect(address).unwrap()
}

/// Reads to the end
///
/// # Panics
///
/// If the connection breaks, or nothing arrives in time.
pub fn read_all(stream: &mut Stream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}
