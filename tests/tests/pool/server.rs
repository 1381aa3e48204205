//! A server for many sessions at once, which counts them

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How the server treats its clients
#[derive(Clone, Debug)]
pub(crate) struct Manners {
    /// Sessions that it lets in
    pub(crate) limit: usize,
    /// Where it refuses further ones
    pub(crate) refuses: Refuses,
    /// How long a session may be idle before it gets a 421
    pub(crate) idle: Duration,
    /// The command at which a session ends, with this reply if there is one; each session once it has had this many
    pub(crate) ends: Option<(&'static str, usize, Option<&'static str>)>,
    /// How long each reply takes
    pub(crate) pause: Duration,
    /// What it says when it refuses
    pub(crate) refusal: &'static str,
    /// How long it counts a session that has ended
    pub(crate) lingers: Duration,
    /// The reply to one command; to this one there is none if it is empty
    pub(crate) answers: Option<(&'static str, &'static str)>,
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
        }
    }
}

/// What the server has seen
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) live: usize,
    pub(crate) most: usize,
    pub(crate) refused: usize,
    pub(crate) logins: usize,
    pub(crate) commands: HashMap<String, usize>,
}

impl Seen {
    pub(crate) fn count(&self, verb: &str) -> usize {
        self.commands.get(verb).copied().unwrap_or_default()
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
        let full = {
            let mut seen = self.seen.lock().unwrap();
            let full = seen.live >= manners.limit;
            if full {
                seen.refused += 1;
            } else {
                seen.live += 1;
                seen.most = seen.most.max(seen.live);
            }
            full
        };
        // What goes wrong is the client's end.
        let _ = self.talk(&stream, manners, full);
        if !full {
            drop(stream);
            std::thread::sleep(manners.lingers);
            self.seen.lock().unwrap().live -= 1;
        }
    }

    fn talk(&self, mut control: &TcpStream, manners: &Manners, full: bool) -> std::io::Result<()> {
        if full && manners.refuses == Refuses::AtOnce {
            return writeln!(control, "421 {}\r", manners.refusal);
        }
        writeln!(control, "220 ready\r")?;
        control.set_read_timeout(Some(manners.idle))?;
        let mut lines = BufReader::new(control).lines();
        let mut data: Option<TcpListener> = None;
        let mut directory = String::from("/home");
        let mut counts: HashMap<String, usize> = HashMap::new();
        loop {
            let line = match lines.next() {
                Some(Ok(line)) => line,
                Some(Err(_)) => return writeln!(control, "421 Timeout.\r"),
                None => return Ok(()),
            };
            let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
            // What precedes ABOR is for the Telnet layer.
            let verb = verb.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).to_owned();
            *self.seen.lock().unwrap().commands.entry(verb.clone()).or_default() += 1;
            let count = counts.entry(verb.clone()).or_default();
            *count += 1;
            std::thread::sleep(manners.pause);
            if let Some((at, after, reply)) = manners.ends {
                if at == verb && *count > after {
                    return match reply {
                        Some(reply) => writeln!(control, "{reply}\r"),
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
                    writeln!(control, "150 here it comes\r")?;
                    let Some(listener) = data.take() else { return Ok(()) };
                    let (mut stream, _) = listener.accept()?;
                    match stream.write_all(&content(argument)) {
                        Ok(()) => "226 done".to_owned(),
                        Err(_) => "426 broken off".to_owned(),
                    }
                }
                "STOR" => {
                    writeln!(control, "150 go\r")?;
                    let Some(listener) = data.take() else { return Ok(()) };
                    let (mut stream, _) = listener.accept()?;
                    std::io::copy(&mut stream, &mut std::io::sink())?;
                    "226 done".to_owned()
                }
                "ABOR" => "226 nothing to abort".to_owned(),
                "FEAT" => "500 what".to_owned(),
                "QUIT" => {
                    return writeln!(control, "221 goodbye\r");
                }
                _ => "200 fine".to_owned(),
            };
            writeln!(control, "{reply}\r")?;
        }
    }
}

/// The file of a name
pub(crate) fn content(name: &str) -> Vec<u8> {
    let length = if name == "big" { 8_000_000 } else { 1000 + name.len() };
    name.bytes().cycle().take(length).collect()
}
