//! A server that follows a script of expected commands and their replies
//!
//! The script is a closure that runs in its own thread. If the client does anything that the script does not expect,
//! the script panics with a transcript of the control connection, and [`Server::join`] resumes the panic in the test.
//! A script that has ended reads no more, but it panics if more has been received in clear text than it has read, such
//! as a command that was sent together with the last expected one. End it with [`Peer::serve_quit`] or
//! [`Peer::expect_close`] to check everything that the client sends.
//!
//! Each read, each write and each wait for a connection is limited to [`PATIENCE`]; a timeout is a panic, too.
//!
//! ```
//! use ftp_test::ScriptedServer;
//! # use std::io::{BufRead, BufReader, Write};
//! # use std::net::TcpStream;
//!
//! let server = ScriptedServer::start(|peer| {
//!     peer.reply("220 ready");
//!     peer.exchange("NOOP", "200 fine");
//!     peer.serve_quit(); // QUIT, 221, then the client closes
//! });
//!
//! let client = TcpStream::connect(server.address())?;
//! let mut replies = BufReader::new(client.try_clone()?).lines();
//! assert_eq!(replies.next().unwrap()?, "220 ready");
//! (&client).write_all(b"NOOP\r\n")?;
//! assert_eq!(replies.next().unwrap()?, "200 fine");
//! (&client).write_all(b"QUIT\r\n")?;
//! assert_eq!(replies.next().unwrap()?, "221 goodbye");
//! drop((client, replies));
//! server.join();
//! # Ok::<(), std::io::Error>(())
//! ```

use std::io::{BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr};

pub use crate::connection::{Connection, Listener, PATIENCE, prepare};
use crate::said::Said;

/// A scripted server for one control connection; see the [module](self)
///
/// Dropping it joins it like [`join`](Self::join), unless the thread is panicking already. In that case a panic of the
/// script appears only in the output of the test.
///
/// `C` is `TcpStream` in [`ScriptedServer`](crate::ScriptedServer). It can be a connection of a simulated network
/// instead.
#[derive(Debug)]
pub struct Server<C: Connection> {
    address: SocketAddr,
    thread: Option<C::Thread>,
}

impl<C: Connection> Server<C> {
    /// Starts a server on a free port of 127.0.0.1; it accepts one control connection and runs the script
    ///
    /// # Panics
    ///
    /// Panics if no port is free.
    pub fn start(script: impl FnOnce(&mut Peer<C>) + Send + 'static) -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST.into(), script)
    }

    /// Starts a server on a free port of this local address; it accepts one control connection and runs the script
    ///
    /// # Panics
    ///
    /// Panics if the machine does not have the address, or no port is free.
    pub fn start_on(ip: IpAddr, script: impl FnOnce(&mut Peer<C>) + Send + 'static) -> Self {
        let listener = listen::<C>(ip);
        let address = listener.address().expect("a listener has an address");
        let thread = C::start(move || {
            let mut peer = Peer::new(accept(&listener));
            script(&mut peer);
            peer.expect_no_more();
        });
        Self { address, thread: Some(thread) }
    }

    /// Returns the address that the server listens on
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the script has ended
    ///
    /// # Panics
    ///
    /// Panics if the script panicked, with the same payload.
    pub fn join(mut self) {
        self.finish();
    }

    fn finish(&mut self) {
        if let Some(Err(panic)) = self.thread.take().map(C::join) {
            std::panic::resume_unwind(panic);
        }
    }
}

impl<C: Connection> Drop for Server<C> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.finish();
        }
    }
}

/// The server's end of a control connection without TLS
#[derive(Debug)]
pub struct Peer<C> {
    control: BufReader<C>,
    pub(crate) said: Said,
}

impl<C: Connection> Peer<C> {
    fn new(control: C) -> Self {
        Self { control: BufReader::new(control), said: Said::default() }
    }

    /// Returns the control connection, to close it or to use it directly
    #[must_use]
    pub fn control(&self) -> &C {
        self.control.get_ref()
    }

    /// Returns the server's IP address on the control connection
    ///
    /// # Panics
    ///
    /// Panics if the connection is closed.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.control().local_address().expect("the control connection is open").ip()
    }

    /// Sends a reply, or any other line, and appends CRLF
    ///
    /// # Panics
    ///
    /// Panics if the connection is closed, or the client does not read within [`PATIENCE`].
    #[track_caller]
    pub fn reply(&mut self, line: &str) {
        self.said.send(self.control.get_mut(), line);
    }

    /// Receives the next command, without its CRLF; returns `None` if the client has closed the connection
    ///
    /// # Panics
    ///
    /// Panics if nothing arrives within [`PATIENCE`], the connection is reset, or a line does not end with CRLF or is
    /// longer than 64 KiB.
    #[track_caller]
    pub fn command(&mut self) -> Option<Vec<u8>> {
        self.said.receive(&mut self.control)
    }

    /// Expects this command, with its argument
    ///
    /// # Panics
    ///
    /// Panics if the client sends anything else, or nothing within [`PATIENCE`].
    #[track_caller]
    pub fn expect(&mut self, command: &str) {
        self.said.expect(&mut self.control, Some(command));
    }

    /// Expects this command, with its argument, and sends the reply
    ///
    /// # Panics
    ///
    /// Panics if the client sends anything else, or nothing within [`PATIENCE`].
    #[track_caller]
    pub fn exchange(&mut self, command: &str, reply: &str) {
        self.expect(command);
        self.reply(reply);
    }

    /// Expects the client to close the connection
    ///
    /// # Panics
    ///
    /// Panics if the client sends anything, resets the connection, or does not close it within [`PATIENCE`].
    #[track_caller]
    pub fn expect_close(&mut self) {
        self.said.expect(&mut self.control, None);
    }

    /// Expects that nothing has been received that the script has not read
    fn expect_no_more(&self) {
        match self.control.buffer() {
            [] => {}
            more => self.said.fail(Some(&more.escape_ascii().to_string()), "no more"),
        }
    }

    /// Sends the greeting, and expects and accepts a login as user `u` with password `p`
    ///
    /// # Panics
    ///
    /// Panics if the client does anything else.
    #[track_caller]
    pub fn welcome(&mut self) {
        self.reply("220 ready");
        self.exchange("USER u", "331 password, please");
        self.exchange("PASS p", "230 welcome");
    }

    /// Expects EPSV, replies 229, and returns the listener for the data connection; pass it to [`accept`]
    ///
    /// # Panics
    ///
    /// Panics if the client sends anything else, or nothing within [`PATIENCE`].
    #[track_caller]
    pub fn epsv(&mut self) -> C::Listener {
        self.expect("EPSV");
        let (listener, reply) = extended_passive::<C>(self.ip());
        self.reply(&reply);
        listener
    }

    /// Expects PASV, replies 227, and returns the listener for the data connection; pass it to [`accept`]
    ///
    /// # Panics
    ///
    /// Panics if the client sends anything else, or nothing within [`PATIENCE`], or if the control connection uses
    /// IPv6.
    #[track_caller]
    pub fn pasv(&mut self) -> C::Listener {
        self.expect("PASV");
        let listener = listen::<C>(self.ip());
        let address = listener.address().expect("a listener has an address");
        self.reply(&format!("227 entering passive mode ({})", numbers(address)));
        listener
    }

    /// Expects PORT or EPRT, replies 200, and returns the address on which the client listens; pass it to [`connect`]
    ///
    /// # Panics
    ///
    /// Panics if the client sends anything else, or nothing within [`PATIENCE`].
    #[track_caller]
    pub fn active(&mut self) -> SocketAddr {
        let line = self.command().map(|line| String::from_utf8_lossy(&line).into_owned());
        let address = line.as_deref().and_then(active_address);
        let Some(address) = address else { self.said.fail(line.as_deref(), "PORT or EPRT") };
        self.reply("200 fine");
        address
    }

    /// Serves a whole download: expects EPSV, the data connection and `command`, then sends 150, the bytes and 226
    ///
    /// # Panics
    ///
    /// Panics if the client does anything else, such as waiting for 150 before it opens the data connection.
    #[track_caller]
    pub fn send_file(&mut self, command: &str, bytes: &[u8]) {
        let listener = self.epsv();
        let mut data = accept(&listener);
        self.exchange(command, "150 here it comes");
        data.write_all(bytes).expect("the client takes the bytes");
        drop(data);
        self.reply("226 done");
    }

    /// Serves a whole upload: expects EPSV, the data connection and `command`, sends 150, receives the bytes up to the
    /// end of the connection, sends 226, and returns the bytes
    ///
    /// # Panics
    ///
    /// Panics if the client does anything else, such as waiting for 150 before it opens the data connection.
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

    /// Expects what `ftp-proto` sends after an aborted transfer: ABOR, to which it replies 426 and 226, and `REST 0`,
    /// to which it replies 350
    ///
    /// # Panics
    ///
    /// Panics if the client does anything else.
    #[track_caller]
    pub fn settle(&mut self) {
        self.expect("ABOR");
        self.reply("426 transfer aborted");
        self.reply("226 abort successful");
        self.exchange("REST 0", "350 restart at 0");
    }

    /// Expects QUIT, replies 221, shuts down the sending direction, and expects the client to close the connection
    ///
    /// # Panics
    ///
    /// Panics if the client does anything else.
    #[track_caller]
    pub fn serve_quit(&mut self) {
        self.exchange("QUIT", "221 goodbye");
        // This fails if the client has already closed the connection.
        let _ = self.control().end(Shutdown::Write);
        self.expect_close();
    }
}

#[track_caller]
fn listen<C: Connection>(ip: IpAddr) -> C::Listener {
    C::Listener::listen((ip, 0).into()).unwrap_or_else(|error| panic!("listening on {ip}: {error}"))
}

/// Starts a listener, and returns it with the reply to EPSV that contains its port
#[track_caller]
pub(crate) fn extended_passive<C: Connection>(ip: IpAddr) -> (C::Listener, String) {
    let listener = listen::<C>(ip);
    let port = listener.address().expect("a listener has an address").port();
    (listener, format!("229 entering extended passive mode (|||{port}|)"))
}

/// Returns an address in the format of PASV and PORT: `127,0,0,1,195,80`
pub(crate) fn numbers(address: SocketAddr) -> String {
    let IpAddr::V4(ip) = address.ip() else { panic!("PASV is for IPv4, and not for {address}") };
    let ([a, b, c, d], [high, low]) = (ip.octets(), address.port().to_be_bytes());
    format!("{a},{b},{c},{d},{high},{low}")
}

/// Returns the address in a PORT or EPRT command; `None` if it is malformed
pub(crate) fn active_address(line: &str) -> Option<SocketAddr> {
    if let Some(numbers) = line.strip_prefix("PORT ") {
        let numbers: Vec<u8> = numbers.split(',').map_while(|n| n.parse().ok()).collect();
        let &[a, b, c, d, high, low] = &numbers[..] else { return None };
        return Some(SocketAddr::from(([a, b, c, d], u16::from_be_bytes([high, low]))));
    }
    let mut fields = line.strip_prefix("EPRT ")?.split('|').skip(2);
    Some(SocketAddr::new(fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// Accepts the next connection
///
/// # Panics
///
/// Panics if the client does not connect within [`PATIENCE`].
#[must_use]
#[track_caller]
pub fn accept<L: Listener>(listener: &L) -> L::Connection {
    listener.next().unwrap_or_else(|error| panic!("waiting for a connection: {error}"))
}

/// Connects to a client that listens, as a server does in active mode
///
/// # Panics
///
/// Panics if the connection is refused, or not established within [`PATIENCE`].
#[must_use]
#[track_caller]
pub fn connect<C: Connection>(address: SocketAddr) -> C {
    C::open(address).unwrap_or_else(|error| panic!("connecting to {address}: {error}"))
}

/// Reads everything up to the end of a connection
///
/// # Panics
///
/// Panics if a read fails: if the connection is reset, or nothing arrives within [`PATIENCE`].
#[track_caller]
pub fn read_all(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the client ends the connection");
    bytes
}
