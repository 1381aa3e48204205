//! A server that follows a script: what it expects, what it answers
//!
//! The script is a closure that runs in a thread of its own. If the client does anything else than the script expects,
//! the script panics, and [`Server::join`] passes the panic on to the test, with everything that was said before.
//! No wait takes longer than [`PATIENCE`].
//!
//! ```
//! use ftp_test::ScriptedServer;
//! # use std::io::{BufRead, BufReader, Write};
//! # use std::net::TcpStream;
//!
//! let server = ScriptedServer::start(|peer| {
//!     peer.reply("220 ready");
//!     peer.exchange("NOOP", "200 fine");
//!     peer.farewell(); // QUIT, 221, and the client closes
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
/// If it is dropped without [`join`](Self::join), it is joined all the same, unless the test has failed already. Then
/// its own panic, if there is one, is in the output of the test.
///
/// `C` is a `TcpStream` in [`ScriptedServer`](crate::ScriptedServer), and can be a connection of a network of your own.
#[derive(Debug)]
pub struct Server<C: Connection> {
    address: SocketAddr,
    thread: Option<C::Thread>,
}

impl<C: Connection> Server<C> {
    /// Serves one control connection on 127.0.0.1, on any free port
    ///
    /// # Panics
    ///
    /// If the system has no port left.
    pub fn start(script: impl FnOnce(&mut Peer<C>) + Send + 'static) -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST.into(), script)
    }

    /// Serves one control connection on this address of the machine, on any free port
    ///
    /// # Panics
    ///
    /// If the machine does not have the address, or no port left.
    pub fn start_on(ip: IpAddr, script: impl FnOnce(&mut Peer<C>) + Send + 'static) -> Self {
        let listener = listen::<C>(ip);
        let address = listener.address().expect("a listener has an address");
        let thread = C::start(move || script(&mut Peer::new(accept(&listener))));
        Self { address, thread: Some(thread) }
    }

    /// The address that it listens on
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the end of the script
    ///
    /// # Panics
    ///
    /// If the script did.
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

/// The server's end of a control connection in clear text
#[derive(Debug)]
pub struct Peer<C> {
    control: BufReader<C>,
    pub(crate) said: Said,
}

impl<C: Connection> Peer<C> {
    fn new(control: C) -> Self {
        Self { control: BufReader::new(control), said: Said::default() }
    }

    /// The control connection
    #[must_use]
    pub fn control(&self) -> &C {
        self.control.get_ref()
    }

    /// The server's address
    ///
    /// # Panics
    ///
    /// If the connection is gone.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.control().local_address().expect("the control connection is open").ip()
    }

    /// Sends a line; CRLF is added
    ///
    /// # Panics
    ///
    /// If the client is gone.
    #[track_caller]
    pub fn reply(&mut self, line: &str) {
        self.said.send(self.control.get_mut(), line);
    }

    /// The next command, without its CRLF; `None` if the client has closed
    ///
    /// # Panics
    ///
    /// If nothing comes within [`PATIENCE`], or a line that does not end with CRLF.
    #[track_caller]
    pub fn command(&mut self) -> Option<Vec<u8>> {
        self.said.receive(&mut self.control)
    }

    /// Expects a command
    ///
    /// # Panics
    ///
    /// If another comes, or none within [`PATIENCE`].
    #[track_caller]
    pub fn expect(&mut self, command: &str) {
        self.said.expect(&mut self.control, Some(command));
    }

    /// Expects a command and answers it
    ///
    /// # Panics
    ///
    /// If another comes, or none within [`PATIENCE`].
    #[track_caller]
    pub fn exchange(&mut self, command: &str, reply: &str) {
        self.expect(command);
        self.reply(reply);
    }

    /// Expects the client to close
    ///
    /// # Panics
    ///
    /// If it sends something, or has not closed within [`PATIENCE`].
    #[track_caller]
    pub fn expect_close(&mut self) {
        self.said.expect(&mut self.control, None);
    }

    /// Greets, and lets the user `u` in with the password `p`
    ///
    /// # Panics
    ///
    /// If the client does anything else.
    #[track_caller]
    pub fn welcome(&mut self) {
        self.reply("220 ready");
        self.exchange("USER u", "331 password, please");
        self.exchange("PASS p", "230 welcome");
    }

    /// Expects EPSV and listens for the data connection, which [`accept`] returns
    ///
    /// # Panics
    ///
    /// If something else comes.
    #[track_caller]
    pub fn epsv(&mut self) -> C::Listener {
        self.expect("EPSV");
        let (listener, reply) = extended_passive::<C>(self.ip());
        self.reply(&reply);
        listener
    }

    /// Expects PASV and listens for the data connection, which [`accept`] returns
    ///
    /// # Panics
    ///
    /// If something else comes, or the connection is not one of IPv4.
    #[track_caller]
    pub fn pasv(&mut self) -> C::Listener {
        self.expect("PASV");
        let listener = listen::<C>(self.ip());
        let address = listener.address().expect("a listener has an address");
        self.reply(&format!("227 entering passive mode ({})", numbers(address)));
        listener
    }

    /// Expects PORT or EPRT and answers with 200; the address where the client listens
    ///
    /// # Panics
    ///
    /// If something else comes.
    #[track_caller]
    pub fn active(&mut self) -> SocketAddr {
        let line = self.command().map(|line| String::from_utf8_lossy(&line).into_owned());
        let address = line.as_deref().and_then(active_address);
        let Some(address) = address else { self.said.fail(line.as_deref(), "PORT or EPRT") };
        self.reply("200 fine");
        address
    }

    /// Plays a download: EPSV, `command`, the bytes, 226
    ///
    /// # Panics
    ///
    /// If the client does anything else.
    #[track_caller]
    pub fn send_file(&mut self, command: &str, bytes: &[u8]) {
        let listener = self.epsv();
        let mut data = accept(&listener);
        self.exchange(command, "150 here it comes");
        data.write_all(bytes).expect("the client takes the bytes");
        drop(data);
        self.reply("226 done");
    }

    /// Plays an upload: EPSV, `command`, the bytes, 226; returns the bytes
    ///
    /// # Panics
    ///
    /// If the client does anything else.
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

    /// Answers what `ftp-proto` sends after an aborted transfer: `426` and `226` to ABOR, `350` to `REST 0`
    ///
    /// # Panics
    ///
    /// If the client does anything else.
    #[track_caller]
    pub fn settle(&mut self) {
        self.expect("ABOR");
        self.reply("426 transfer aborted");
        self.reply("226 abort successful");
        self.exchange("REST 0", "350 restart at 0");
    }

    /// Expects QUIT, answers 221, and expects the client to close
    ///
    /// # Panics
    ///
    /// If the client does anything else.
    #[track_caller]
    pub fn farewell(&mut self) {
        self.exchange("QUIT", "221 goodbye");
        // It fails if the client has closed already.
        let _ = self.control().end(Shutdown::Write);
        self.expect_close();
    }
}

#[track_caller]
fn listen<C: Connection>(ip: IpAddr) -> C::Listener {
    C::Listener::listen((ip, 0).into()).unwrap_or_else(|error| panic!("listening on {ip}: {error}"))
}

/// A listener, and the reply to EPSV that names it
#[track_caller]
pub(crate) fn extended_passive<C: Connection>(ip: IpAddr) -> (C::Listener, String) {
    let listener = listen::<C>(ip);
    let port = listener.address().expect("a listener has an address").port();
    (listener, format!("229 entering extended passive mode (|||{port}|)"))
}

/// An address as PASV and PORT write it: `127,0,0,1,195,80`
pub(crate) fn numbers(address: SocketAddr) -> String {
    let IpAddr::V4(ip) = address.ip() else { panic!("PASV is for IPv4, and not for {address}") };
    let ([a, b, c, d], [high, low]) = (ip.octets(), address.port().to_be_bytes());
    format!("{a},{b},{c},{d},{high},{low}")
}

/// The address in a PORT or EPRT command
pub(crate) fn active_address(line: &str) -> Option<SocketAddr> {
    if let Some(numbers) = line.strip_prefix("PORT ") {
        let numbers: Vec<u8> = numbers.split(',').map_while(|n| n.parse().ok()).collect();
        let &[a, b, c, d, high, low] = &numbers[..] else { return None };
        return Some(SocketAddr::from(([a, b, c, d], u16::from_be_bytes([high, low]))));
    }
    let mut fields = line.strip_prefix("EPRT ")?.split('|').skip(2);
    Some(SocketAddr::new(fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// The next connection that a client opens, within [`PATIENCE`]
///
/// # Panics
///
/// If none comes.
#[must_use]
#[track_caller]
pub fn accept<L: Listener>(listener: &L) -> L::Connection {
    listener.next().unwrap_or_else(|error| panic!("waiting for a connection: {error}"))
}

/// A connection to a client that listens, as a server opens it in active mode
///
/// # Panics
///
/// If nobody listens there.
#[must_use]
#[track_caller]
pub fn connect<C: Connection>(address: SocketAddr) -> C {
    C::open(address).unwrap_or_else(|error| panic!("connecting to {address}: {error}"))
}

/// Everything up to the end of a connection
///
/// # Panics
///
/// If the connection breaks, or nothing comes within [`PATIENCE`].
#[track_caller]
pub fn read_all(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the client ends the connection");
    bytes
}
