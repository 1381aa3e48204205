//! A server for many sessions at once, which counts them

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ftp_tests::tls::Tls;
use ftp_tokio::ftp_tls::rustls::{ServerConnection, StreamOwned};

/// The behaviour of the server
#[derive(Clone, Debug)]
pub(crate) struct Manners {
    /// The maximum number of sessions
    pub(crate) limit: usize,
    /// Where it refuses further sessions
    pub(crate) refuses: Refuses,
    /// How long a session may be idle before it receives a 421
    pub(crate) idle: Duration,
    /// The command at which a session ends, after this many of them, with this reply if there is one
    pub(crate) ends: Option<(&'static str, usize, Option<&'static str>)>,
    /// The delay of each reply
    pub(crate) pause: Duration,
    /// The text of refusals
    pub(crate) refusal: &'static str,
    /// How long it counts an ended session
    pub(crate) lingers: Duration,
    /// The reply to one command; none is sent if it is empty
    pub(crate) answers: Option<(&'static str, &'static str)>,
    /// For AUTH TLS and PROT P
    pub(crate) tls: Option<Tls>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refuses {
    AtOnce,
    AtLogin,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            limit: usize::MAX,
            refuses: Refuses::AtOnce,
            idle: Duration::from_secs(20),
            ends: None,
            pause: Duration::ZERO,
            refusal: "There are too many connections from your internet address.",
            lingers: Duration::ZERO,
            answers: None,
            tls: None,
        }
    }
}

/// What the server has observed
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) live: usize,
    pub(crate) most: usize,
    pub(crate) refused: usize,
    pub(crate) logins: usize,
    pub(crate) commands: HashMap<String, usize>,
    /// Until when ended sessions are counted
    ghosts: Vec<Instant>,
}

impl Seen {
    pub(crate) fn count(&self, verb: &str) -> usize {
        self.commands.get(verb).copied().unwrap_or_default()
    }

    /// Handles a new session; whether it is accepted
    fn enter(&mut self, limit: usize) -> bool {
        self.ghosts.retain(|until| *until > Instant::now());
        let counted = self.live + self.ghosts.len();
        if counted >= limit {
            self.refused += 1;
            return false;
        }
        self.live += 1;
        self.most = self.most.max(counted + 1);
        true
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    pub(crate) fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let server = Self { address, seen };
        let this = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (this, manners) = (this.clone(), manners.clone());
                let stream = stream.unwrap();
                std::thread::spawn(move || this.serve(stream, &manners));
            }
        });
        server
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    fn serve(&self, stream: TcpStream, manners: &Manners) {
        stream.set_nodelay(true).unwrap();
        let is_in = self.seen.lock().unwrap().enter(manners.limit);
        let stay = is_in.then(|| Stay { server: self, lingers: manners.lingers });
        // Errors end the client's connection.
        let _ = self.talk(&stream, manners, stay);
    }

    fn talk(
        &self,
        socket: &TcpStream,
        manners: &Manners,
        stay: Option<Stay<'_>>,
    ) -> io::Result<()> {
        let full = stay.is_none();
        let mut control = Control::new(socket.try_clone()?);
        if full && manners.refuses == Refuses::AtOnce {
            return control.reply(&format!("421 {}", manners.refusal));
        }
        control.reply("220 ready")?;
        socket.set_read_timeout(Some(manners.idle))?;
        let mut data: Option<TcpListener> = None;
        let mut secured: Option<&Tls> = None;
        let mut directory = String::from("/home");
        let mut counts: HashMap<String, usize> = HashMap::new();
        loop {
            let line = match control.line() {
                Ok(line) if line.is_empty() => return Ok(()),
                Ok(line) => line,
                Err(_) => {
                    drop(stay);
                    return control.reply("421 Timeout.");
                }
            };
            let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
            // Bytes before ABOR belong to Telnet.
            let verb = verb.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).to_owned();
            *self.seen.lock().unwrap().commands.entry(verb.clone()).or_default() += 1;
            let count = counts.entry(verb.clone()).or_default();
            *count += 1;
            std::thread::sleep(manners.pause);
            if let Some((at, after, reply)) = manners.ends {
                if at == verb && *count > after {
                    drop(stay);
                    return match reply {
                        Some(reply) => control.reply(reply),
                        None => Ok(()),
                    };
                }
            }
            let reply = match verb.as_str() {
                at if manners.answers.is_some_and(|(verb, _)| verb == at) => {
                    match manners.answers {
                        Some((_, reply)) if !reply.is_empty() => reply.to_owned(),
                        _ => continue,
                    }
                }
                "AUTH" if manners.tls.is_some() => {
                    control.reply("234 go on")?;
                    control.secure(manners.tls.as_ref());
                    continue;
                }
                "PROT" => {
                    secured = manners.tls.as_ref();
                    "200 fine".to_owned()
                }
                "USER" => "331 password".to_owned(),
                "PASS" if full => format!("530 {}", manners.refusal),
                "PASS" if argument == "p" => {
                    self.seen.lock().unwrap().logins += 1;
                    "230 welcome".to_owned()
                }
                "PASS" => "530 Login incorrect.".to_owned(),
                "PWD" => format!("257 \"{directory}\""),
                "CWD" => {
                    argument.clone_into(&mut directory);
                    "250 there".to_owned()
                }
                "SIZE" => format!("213 {}", content(argument).len()),
                "EPSV" => {
                    let listener = TcpListener::bind("127.0.0.1:0")?;
                    let port = listener.local_addr()?.port();
                    data = Some(listener);
                    format!("229 ok (|||{port}|)")
                }
                "RETR" => {
                    control.reply("150 here it comes")?;
                    let Some(listener) = data.take() else { return Ok(()) };
                    let mut stream = Wire::new(listener.accept()?.0, secured);
                    match stream.write_all(&content(argument)).and_then(|()| stream.end()) {
                        Ok(()) => "226 done".to_owned(),
                        Err(_) => "426 broken off".to_owned(),
                    }
                }
                "STOR" => {
                    control.reply("150 go")?;
                    let Some(listener) = data.take() else { return Ok(()) };
                    let mut stream = Wire::new(listener.accept()?.0, secured);
                    io::copy(&mut stream, &mut io::sink())?;
                    "226 done".to_owned()
                }
                "ABOR" => "226 nothing to abort".to_owned(),
                "FEAT" => "500 what".to_owned(),
                "QUIT" => {
                    drop(stay);
                    return control.reply("221 goodbye");
                }
                _ => "200 fine".to_owned(),
            };
            control.reply(&reply)?;
        }
    }
}

/// A session that the server counts, until a moment after its end
///
/// That moment begins before the client can know of the end, as with a server process that ends after its 221.
struct Stay<'a> {
    server: &'a Server,
    lingers: Duration,
}

impl Drop for Stay<'_> {
    fn drop(&mut self) {
        let mut seen = self.server.seen.lock().unwrap();
        seen.live -= 1;
        seen.ghosts.push(Instant::now() + self.lingers);
    }
}

/// A connection, with or without TLS
enum Wire {
    Clear(TcpStream),
    Secure(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Wire {
    fn new(stream: TcpStream, tls: Option<&Tls>) -> Self {
        match tls {
            Some(tls) => Self::Secure(Box::new(StreamOwned::new(tls.connection(), stream))),
            None => Self::Clear(stream),
        }
    }

    /// Ends the server's direction
    fn end(&mut self) -> io::Result<()> {
        if let Self::Secure(stream) = self {
            stream.conn.send_close_notify();
        }
        self.flush()
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.read(buffer),
            Self::Secure(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.write(bytes),
            Self::Secure(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(stream) => stream.flush(),
            Self::Secure(stream) => stream.flush(),
        }
    }
}

/// The server's side of a control connection
struct Control(Option<BufReader<Wire>>);

impl Control {
    fn new(stream: TcpStream) -> Self {
        Self(Some(BufReader::new(Wire::Clear(stream))))
    }

    fn wire(&mut self) -> &mut BufReader<Wire> {
        self.0.as_mut().unwrap()
    }

    /// Switches to TLS
    fn secure(&mut self, tls: Option<&Tls>) {
        let wire = self.0.take().unwrap().into_inner();
        let Wire::Clear(stream) = wire else { panic!("AUTH in TLS") };
        self.0 = Some(BufReader::new(Wire::new(stream, tls)));
    }

    fn reply(&mut self, reply: &str) -> io::Result<()> {
        let wire = self.wire().get_mut();
        wire.write_all(format!("{reply}\r\n").as_bytes())?;
        wire.flush()
    }

    /// Returns the next command; empty at the end
    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.wire().read_until(b'\n', &mut line)?;
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

/// Returns the content of the file with this name
pub(crate) fn content(name: &str) -> Vec<u8> {
    let length = if name == "big" { 8_000_000 } else { 1000 + name.len() };
    let mut bytes = name.repeat(length / name.len() + 1).into_bytes();
    bytes.truncate(length);
    bytes
}
