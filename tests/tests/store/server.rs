//! A server with files in memory, which misbehaves as configured

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The server's behaviour; by default it is correct
#[derive(Clone, Debug, Default)]
pub(crate) struct Manners {
    /// Maximum number of sessions; 0 means no limit
    pub(crate) limit: usize,
    /// It refuses further sessions with 530 at the login, instead of with 421 at once
    pub(crate) refuses_at_login: bool,
    /// It refuses all sessions
    pub(crate) full: bool,
    /// How downloads end
    pub(crate) downloads: Downloads,
    /// Number of downloads that fail in this way; 0 means all
    pub(crate) failures: usize,
    /// A change to the file after a failed download
    pub(crate) then: Option<(&'static str, Change)>,
    /// The final reply of uploads, if not 226
    pub(crate) uploads: Option<&'static str>,
    /// The listing of each directory (MLSD), in place of its content
    pub(crate) listing: Option<Listing>,
    /// RNTO does not replace a file
    pub(crate) keeps_targets: bool,
    /// RNTO fails
    pub(crate) refuses_renames: bool,
    /// The delay of a reply
    pub(crate) pause: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Downloads {
    #[default]
    Well,
    /// With this reply after this many bytes; `None` means after all of them
    Reply(Option<usize>, &'static str),
    /// The control connection is closed after this many bytes; `None` means after all of them
    Drop(Option<usize>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// Other bytes, with the same size and time
    Bytes,
    /// Another time
    Time,
    Gone,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Listing {
    /// This many files
    Files(usize),
    Text(&'static str),
}

#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    time: &'static str,
}

/// What the server has observed
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    live: usize,
    pub(crate) most: usize,
    pub(crate) refused: usize,
    pub(crate) logins: usize,
    failed: usize,
    pub(crate) commands: HashMap<String, usize>,
    pub(crate) files: BTreeMap<String, File>,
}

impl Seen {
    pub(crate) fn count(&self, verb: &str) -> usize {
        self.commands.get(verb).copied().unwrap_or_default()
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.files.keys().map(String::as_str).collect()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    manners: Arc<Manners>,
    seen: Arc<Mutex<Seen>>,
}

/// One session
struct Session<'a> {
    server: &'a Server,
    control: &'a TcpStream,
    data: Option<TcpListener>,
    marker: usize,
    from: String,
    directory: String,
}

impl Server {
    pub(crate) fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::default();
        let server = Self { address, manners: Arc::new(manners), seen };
        let this = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (this, stream) = (this.clone(), stream.unwrap());
                std::thread::spawn(move || this.serve(&stream));
            }
        });
        server
    }

    pub(crate) fn with(self, name: &str, bytes: &[u8]) -> Self {
        let file = File { bytes: bytes.to_vec(), time: "20200101120000" };
        self.seen.lock().unwrap().files.insert(name.to_owned(), file);
        self
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    fn serve(&self, stream: &TcpStream) {
        stream.set_nodelay(true).unwrap();
        let full = {
            let mut seen = self.seen.lock().unwrap();
            let limit = self.manners.limit;
            let full = self.manners.full || (limit > 0 && seen.live >= limit);
            if full {
                seen.refused += 1;
            } else {
                seen.live += 1;
                seen.most = seen.most.max(seen.live);
            }
            full
        };
        let mut session = Session {
            server: self,
            control: stream,
            data: None,
            marker: 0,
            from: String::new(),
            directory: "/".to_owned(),
        };
        // Errors end the client's connection.
        let _ = session.talk(full);
        let _ = stream.shutdown(Shutdown::Both);
        if !full {
            self.seen.lock().unwrap().live -= 1;
        }
    }
}

type Done = std::io::Result<()>;

impl Session<'_> {
    fn reply(&mut self, text: &str) -> Done {
        std::thread::sleep(self.server.manners.pause);
        self.control.write_all(format!("{text}\r\n").as_bytes())
    }

    fn talk(&mut self, full: bool) -> Done {
        const CROWDED: &str = "There are too many connections from your internet address.";
        if full && !self.server.manners.refuses_at_login {
            return self.reply(&format!("421 {CROWDED}"));
        }
        self.reply("220 ready")?;
        let lines = BufReader::new(self.control).lines();
        for line in lines {
            let line = line?;
            let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
            let verb = verb.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).to_owned();
            *self.server.seen.lock().unwrap().commands.entry(verb.clone()).or_default() += 1;
            match (verb.as_str(), argument) {
                ("USER", _) => self.reply("331 password")?,
                ("PASS", _) if full => self.reply(&format!("530 {CROWDED}"))?,
                ("PASS", "p") => {
                    self.server.seen.lock().unwrap().logins += 1;
                    self.reply("230 welcome")?;
                }
                ("PASS", _) => self.reply("530 Login incorrect.")?,
                ("FEAT", _) => self.reply("211-Features\r\n MLST type*;size*;\r\n211 End")?,
                ("EPSV", _) => {
                    let listener = TcpListener::bind("127.0.0.1:0")?;
                    let port = listener.local_addr()?.port();
                    self.data = Some(listener);
                    self.reply(&format!("229 ok (|||{port}|)"))?;
                }
                ("REST", at) => {
                    self.marker = at.parse().unwrap_or(0);
                    self.reply("350 there")?;
                }
                ("RETR", name) => self.retr(name)?,
                ("STOR", name) => self.stor(name)?,
                ("MLSD", _) => self.mlsd()?,
                ("PWD", _) => {
                    let text = format!("257 \"{}\"", self.directory);
                    self.reply(&text)?;
                }
                ("CWD", directory) => {
                    directory.clone_into(&mut self.directory);
                    self.reply("250 there")?;
                }
                ("QUIT", _) => return self.reply("221 goodbye"),
                (verb, argument) => {
                    let text = self.simple(verb, argument);
                    self.reply(&text)?;
                }
            }
        }
        Ok(())
    }

    /// Handles commands with one reply
    fn simple(&mut self, verb: &str, name: &str) -> String {
        const MISSING: &str = "550 No such file or directory.";
        let mut seen = self.server.seen.lock().unwrap();
        let file = seen.files.get(name).cloned();
        match (verb, file) {
            ("MLST", Some(file)) => {
                let (size, time) = (file.bytes.len(), file.time);
                format!("250-here\r\n type=file;size={size};modify={time}; {name}\r\n250 end")
            }
            ("SIZE", Some(file)) => format!("213 {}", file.bytes.len()),
            ("MDTM", Some(file)) => format!("213 {}", file.time),
            ("DELE", Some(_)) => {
                seen.files.remove(name);
                "250 gone".to_owned()
            }
            ("RNFR", Some(_)) => {
                name.clone_into(&mut self.from);
                "350 and now".to_owned()
            }
            ("RNTO", _) if self.server.manners.refuses_renames => "550 Not today.".to_owned(),
            ("RNTO", Some(_)) if self.server.manners.keeps_targets => "550 File exists.".to_owned(),
            ("RNTO", _) => {
                let Some(file) = seen.files.remove(&self.from) else { return MISSING.to_owned() };
                seen.files.insert(name.to_owned(), file);
                "250 renamed".to_owned()
            }
            ("MLST" | "SIZE" | "MDTM" | "DELE" | "RNFR", None) => MISSING.to_owned(),
            ("ABOR", _) => "226 nothing to abort".to_owned(),
            _ => "200 fine".to_owned(),
        }
    }

    fn accept(&mut self) -> std::io::Result<TcpStream> {
        let listener = self.data.take().ok_or(std::io::ErrorKind::NotConnected)?;
        Ok(listener.accept()?.0)
    }

    fn retr(&mut self, name: &str) -> Done {
        let marker = std::mem::take(&mut self.marker);
        let manners = &self.server.manners;
        let (bytes, how) = {
            let mut seen = self.server.seen.lock().unwrap();
            let bytes = match seen.files.get(name) {
                None => None,
                Some(file) if marker > file.bytes.len() => None,
                Some(file) => Some(file.bytes[marker..].to_vec()),
            };
            let fails = manners.failures == 0 || seen.failed < manners.failures;
            let how = if fails { manners.downloads } else { Downloads::Well };
            if !matches!(how, Downloads::Well) {
                seen.failed += 1;
                if let (Some((name, change)), true) = (manners.then, fails) {
                    if let Some(file) = seen.files.get_mut(name) {
                        match change {
                            Change::Bytes => file.bytes.iter_mut().for_each(|byte| *byte ^= 1),
                            Change::Time => file.time = "20200101120001",
                            Change::Gone => drop(seen.files.remove(name)),
                        }
                    }
                }
            }
            (bytes, how)
        };
        let Some(bytes) = bytes else { return self.reply("550 No such file or directory.") };
        let mut data = self.accept()?;
        self.reply("150 here it comes")?;
        let (count, end) = match how {
            Downloads::Well => (None, Some("226 done")),
            Downloads::Reply(count, reply) => (count, Some(reply)),
            Downloads::Drop(count) => (count, None),
        };
        let sent = data.write_all(&bytes[..count.unwrap_or(bytes.len()).min(bytes.len())]);
        drop(data);
        match (sent, end) {
            (Err(_), _) => self.reply("426 broken off"),
            (Ok(()), Some(end)) => self.reply(end),
            (Ok(()), None) => {
                // By then the client has read everything that has arrived.
                std::thread::sleep(Duration::from_millis(200));
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
        }
    }

    fn stor(&mut self, name: &str) -> Done {
        let mut data = self.accept()?;
        self.reply("150 go")?;
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes)?;
        let file = File { bytes, time: "20200101120000" };
        self.server.seen.lock().unwrap().files.insert(name.to_owned(), file);
        self.reply(self.server.manners.uploads.unwrap_or("226 done"))
    }

    fn mlsd(&mut self) -> Done {
        let data = self.accept()?;
        self.reply("150 here it comes")?;
        let mut data = std::io::BufWriter::with_capacity(64 << 10, data);
        match self.server.manners.listing {
            Some(Listing::Text(text)) => data.write_all(text.as_bytes())?,
            Some(Listing::Files(count)) => {
                for file in 0..count {
                    write!(data, "type=file;size={file};modify=20200101120000; f{file:07}\r\n")?;
                }
            }
            None => {
                let files = self.server.seen.lock().unwrap().files.clone();
                for (name, file) in files {
                    let (size, time) = (file.bytes.len(), file.time);
                    write!(data, "type=file;size={size};modify={time}; {name}\r\n")?;
                }
            }
        }
        data.flush()?;
        drop(data);
        self.reply("226 done")
    }
}
