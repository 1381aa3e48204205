//! A small FTP server on loopback, with files in memory and whatever habits a test gives it

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Nothing waits longer
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const TIME: &str = "20240229123456";

#[derive(Clone, Debug)]
pub(crate) enum Node {
    File(Vec<u8>, String),
    Dir,
}

/// What a test makes of a command
pub(crate) enum Habit {
    /// What a server does
    Usual,
    /// This reply instead
    Reply(&'static str),
    /// The control connection ends
    Gone,
    /// A download or listing of these bytes
    Data(Vec<u8>),
    /// A download breaks off after so many bytes, and the control connection too; an upload likewise
    Cut(usize),
    /// A download goes on slowly after so many bytes
    Slow(usize),
    /// A download from the first byte on, whatever REST has said
    FromStart,
}

type Habits = dyn Fn(&str, &str) -> Habit + Send + Sync;

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    files: Mutex<BTreeMap<String, Node>>,
    log: Mutex<Vec<String>>,
    peers: Mutex<Vec<IpAddr>>,
    habits: Mutex<Arc<Habits>>,
    sessions: AtomicUsize,
    most_sessions: AtomicUsize,
    limit: AtomicUsize,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            files: Mutex::default(),
            log: Mutex::default(),
            peers: Mutex::default(),
            habits: Mutex::new(Arc::new(|_: &str, _: &str| Habit::Usual)),
            sessions: AtomicUsize::new(0),
            most_sessions: AtomicUsize::new(0),
            limit: AtomicUsize::new(usize::MAX),
        });
        let server = Self { port, shared: Arc::clone(&shared) };
        // It ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    let living = shared.sessions.fetch_add(1, Ordering::SeqCst) + 1;
                    if living > shared.limit.load(Ordering::SeqCst) {
                        shared.log.lock().unwrap().push("REFUSED".into());
                        let _ = (&stream).write_all(b"421 Too many connections, sorry\r\n");
                    } else {
                        shared.most_sessions.fetch_max(living, Ordering::SeqCst);
                        // A client that goes is no matter here.
                        let _ = Session::new(stream, &shared).run();
                    }
                    shared.sessions.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("ftp://127.0.0.1:{}/{path}", self.port)
    }

    pub(crate) fn file(&self, path: &str, bytes: &[u8]) {
        let mut files = self.shared.files.lock().unwrap();
        for (at, _) in path.match_indices('/') {
            files.entry(path[..at].to_owned()).or_insert(Node::Dir);
        }
        files.insert(path.to_owned(), Node::File(bytes.to_vec(), TIME.into()));
    }

    pub(crate) fn set_time(&self, path: &str, new: &str) {
        if let Some(Node::File(_, time)) = self.shared.files.lock().unwrap().get_mut(path) {
            *time = new.to_owned();
        }
    }

    pub(crate) fn content(&self, path: &str) -> Option<Vec<u8>> {
        match self.shared.files.lock().unwrap().get(path) {
            Some(Node::File(bytes, _)) => Some(bytes.clone()),
            _ => None,
        }
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.shared.files.lock().unwrap().contains_key(path)
    }

    pub(crate) fn habits(&self, habits: impl Fn(&str, &str) -> Habit + Send + Sync + 'static) {
        *self.shared.habits.lock().unwrap() = Arc::new(habits);
    }

    /// At most so many sessions
    pub(crate) fn limit(&self, sessions: usize) {
        self.shared.limit.store(sessions, Ordering::SeqCst);
    }

    pub(crate) fn most_sessions(&self) -> usize {
        self.shared.most_sessions.load(Ordering::SeqCst)
    }

    /// The commands so far
    pub(crate) fn log(&self) -> Vec<String> {
        self.shared.log.lock().unwrap().clone()
    }

    /// Where the sessions so far came from
    pub(crate) fn peers(&self) -> Vec<IpAddr> {
        self.shared.peers.lock().unwrap().clone()
    }

    pub(crate) fn forget_log(&self) {
        self.shared.log.lock().unwrap().clear();
    }

    /// How many commands of a verb came
    pub(crate) fn count(&self, verb: &str) -> usize {
        self.log().iter().filter(|line| line.split(' ').next() == Some(verb)).count()
    }
}

struct Session<'a> {
    control: BufReader<TcpStream>,
    shared: &'a Shared,
    directory: String,
    listener: Option<TcpListener>,
    offset: usize,
    from: Option<String>,
}

type Result<T> = std::io::Result<T>;

impl<'a> Session<'a> {
    fn new(control: TcpStream, shared: &'a Shared) -> Self {
        control.set_read_timeout(Some(PATIENCE)).unwrap();
        control.set_write_timeout(Some(PATIENCE)).unwrap();
        control.set_nodelay(true).unwrap();
        let control = BufReader::new(control);
        Self { control, shared, directory: String::new(), listener: None, offset: 0, from: None }
    }

    fn reply(&self, text: &str) -> Result<()> {
        self.control.get_ref().write_all(format!("{text}\r\n").as_bytes())
    }

    fn habit(&self, verb: &str, argument: &str) -> Habit {
        // Not under the lock: a habit may take its time.
        let habits = Arc::clone(&self.shared.habits.lock().unwrap());
        habits(verb, argument)
    }

    fn path(&self, argument: &str) -> String {
        let whole = match argument.strip_prefix('/') {
            Some(path) => path.to_owned(),
            None => format!("{}/{argument}", self.directory),
        };
        whole.split('/').filter(|name| !name.is_empty()).collect::<Vec<_>>().join("/")
    }

    fn run(mut self) -> Result<()> {
        let peer = self.control.get_ref().peer_addr()?.ip();
        self.shared.peers.lock().unwrap().push(peer);
        match self.habit("GREETING", "") {
            Habit::Reply(text) => self.reply(text)?,
            Habit::Gone => return Ok(()),
            _ => self.reply("220 ready")?,
        }
        loop {
            let mut line = Vec::new();
            if self.control.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            // The Synch of Telnet may come before ABOR.
            let line = line.trim_start_matches(|letter: char| !letter.is_ascii_alphabetic());
            self.shared.log.lock().unwrap().push(line.to_owned());
            let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
            match self.habit(verb, argument) {
                Habit::Reply(text) => self.reply(text)?,
                Habit::Gone => return Ok(()),
                Habit::Usual => {
                    if self.command(verb, argument)? {
                        return Ok(());
                    }
                }
                Habit::Data(bytes) => self.send(&bytes, None)?,
                Habit::FromStart => {
                    self.offset = 0;
                    self.send_file(argument, None)?;
                }
                Habit::Slow(fast) => self.send_file(argument, Some((fast, true)))?,
                Habit::Cut(most) if matches!(verb, "STOR" | "APPE") => {
                    return self.receive(verb, argument, Some(most));
                }
                Habit::Cut(most) => return self.send_file(argument, Some((most, false))),
            }
        }
    }

    /// Whether the session is over
    fn command(&mut self, verb: &str, argument: &str) -> Result<bool> {
        let path = self.path(argument);
        match verb {
            "USER" => self.reply("331 password, please")?,
            "PASS" => self.reply("230 welcome")?,
            "FEAT" => self.reply("211-features\r\n MLST type*;size*;modify*;\r\n REST STREAM\r\n SIZE\r\n MDTM\r\n MFMT\r\n UTF8\r\n211 end")?,
            "TYPE" | "NOOP" | "OPTS" | "MODE" | "STRU" => self.reply("200 fine")?,
            "SYST" => self.reply("215 UNIX Type: L8")?,
            "PWD" => self.reply(&format!("257 \"/{}\"", self.directory))?,
            "ABOR" => self.reply("226 nothing to abort")?,
            "QUIT" => {
                self.reply("221 bye")?;
                return Ok(true);
            }
            "EPSV" => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                let port = listener.local_addr()?.port();
                self.listener = Some(listener);
                self.reply(&format!("229 entering extended passive mode (|||{port}|)"))?;
            }
            "REST" => {
                self.offset = argument.parse().unwrap_or(0);
                self.reply("350 restarting")?;
            }
            "CWD" | "CDUP" => match path.is_empty() || self.is_dir(&path) {
                true => {
                    self.directory = path;
                    self.reply("250 fine")?;
                }
                false => self.reply("550 No such directory")?,
            },
            "MLSD" | "LIST" => self.list(verb, &path)?,
            "RETR" => self.send_file(argument, None)?,
            "STOR" | "APPE" => self.receive(verb, argument, None)?,
            "STOU" => self.receive(verb, "unique-1", None)?,
            _ => self.edit(verb, argument, path)?,
        }
        Ok(false)
    }

    fn is_dir(&self, path: &str) -> bool {
        matches!(self.shared.files.lock().unwrap().get(path), Some(Node::Dir))
    }

    fn edit(&mut self, verb: &str, argument: &str, path: String) -> Result<()> {
        let mut files = self.shared.files.lock().unwrap();
        let missing = "550 No such file or directory".to_owned();
        let reply = match verb {
            "SIZE" => match files.get(&path) {
                Some(Node::File(bytes, _)) => format!("213 {}", bytes.len()),
                _ => missing,
            },
            "MDTM" => match files.get(&path) {
                Some(Node::File(_, time)) => format!("213 {time}"),
                _ => missing,
            },
            "MFMT" => {
                let (new, name) = argument.split_once(' ').unwrap_or_default();
                let path = self.path(name);
                match files.get_mut(&path) {
                    Some(Node::File(_, time)) => {
                        *time = new.to_owned();
                        format!("213 Modify={new}; {name}")
                    }
                    _ => missing,
                }
            }
            "DELE" => match files.get(&path) {
                Some(Node::File(..)) => {
                    files.remove(&path);
                    "250 gone".into()
                }
                _ => missing,
            },
            "MKD" => match files.insert(path.clone(), Node::Dir) {
                None => format!("257 \"/{path}\" made"),
                Some(old) => {
                    files.insert(path, old);
                    "550 File exists".into()
                }
            },
            "RMD" => {
                let below = format!("{path}/");
                match files.keys().any(|other| other.starts_with(&below)) {
                    true => "550 Directory not empty".into(),
                    false => files.remove(&path).map_or(missing, |_| "250 gone".into()),
                }
            }
            "RNFR" => match files.contains_key(&path) {
                true => {
                    self.from = Some(path);
                    "350 and now RNTO".into()
                }
                false => missing,
            },
            "RNTO" => match self.from.take().and_then(|from| files.remove(&from)) {
                Some(node) => {
                    files.insert(path, node);
                    "250 renamed".into()
                }
                None => missing,
            },
            _ => "502 not here".into(),
        };
        drop(files);
        self.reply(&reply)
    }

    fn list(&mut self, verb: &str, path: &str) -> Result<()> {
        let files = self.shared.files.lock().unwrap();
        if !path.is_empty() && !matches!(files.get(path), Some(Node::Dir)) {
            drop(files);
            return self.reply("550 No such directory");
        }
        let start = if path.is_empty() { String::new() } else { format!("{path}/") };
        let mut lines = String::new();
        for (name, node) in files.iter() {
            let Some(name) = name.strip_prefix(&start).filter(|name| !name.contains('/')) else {
                continue;
            };
            lines += &match node {
                Node::File(bytes, _) if verb == "LIST" => {
                    format!("-rw-r--r-- 1 ftp ftp {} Feb 29 2024 {name}\r\n", bytes.len())
                }
                Node::Dir if verb == "LIST" => {
                    format!("drwxr-xr-x 2 ftp ftp 4096 Feb 29 2024 {name}\r\n")
                }
                Node::File(bytes, time) => {
                    format!("type=file;size={};modify={time}; {name}\r\n", bytes.len())
                }
                Node::Dir => format!("type=dir;modify={TIME}; {name}\r\n"),
            };
        }
        drop(files);
        self.send(lines.as_bytes(), None)
    }

    fn send_file(&mut self, argument: &str, end: Option<(usize, bool)>) -> Result<()> {
        let path = self.path(argument);
        let offset = std::mem::take(&mut self.offset);
        let bytes = match self.shared.files.lock().unwrap().get(&path) {
            Some(Node::File(bytes, _)) => bytes.get(offset..).unwrap_or_default().to_vec(),
            _ => Vec::new(),
        };
        if !matches!(self.shared.files.lock().unwrap().get(&path), Some(Node::File(..))) {
            return self.reply("550 No such file or directory");
        }
        self.send(&bytes, end)
    }

    fn data(&mut self) -> Result<TcpStream> {
        let listener = self.listener.take().expect("EPSV comes first");
        let (data, _) = listener.accept()?;
        data.set_read_timeout(Some(PATIENCE))?;
        data.set_write_timeout(Some(PATIENCE))?;
        Ok(data)
    }

    fn send(&mut self, bytes: &[u8], end: Option<(usize, bool)>) -> Result<()> {
        let mut data = self.data()?;
        self.reply("150 here it comes")?;
        let fast = end.map_or(bytes.len(), |(most, _)| most.min(bytes.len()));
        let mut sent = data.write_all(&bytes[..fast]);
        if let Some((_, true)) = end {
            for byte in bytes[fast..].chunks(1) {
                thread::sleep(Duration::from_millis(50));
                sent = sent.and_then(|()| data.write_all(byte));
                if sent.is_err() {
                    break;
                }
            }
        } else if end.is_some() {
            return Ok(());
        }
        drop(data);
        self.reply(if sent.is_ok() { "226 done" } else { "426 broken" })
    }

    fn receive(&mut self, verb: &str, argument: &str, most: Option<usize>) -> Result<()> {
        let path = self.path(argument);
        let offset = std::mem::take(&mut self.offset);
        let mut data = self.data()?;
        self.reply(if verb == "STOU" { "150 FILE: unique-1" } else { "150 send it" })?;
        let mut bytes = Vec::new();
        match most {
            None => data.read_to_end(&mut bytes)?,
            Some(most) => (&mut data).take(most as u64).read_to_end(&mut bytes)?,
        };
        drop(data);
        let mut files = self.shared.files.lock().unwrap();
        let mut whole = match files.get(&path) {
            Some(Node::File(old, _)) if verb == "APPE" => old.clone(),
            Some(Node::File(old, _)) => old[..offset.min(old.len())].to_vec(),
            _ => Vec::new(),
        };
        whole.extend_from_slice(&bytes);
        files.insert(path, Node::File(whole, TIME.into()));
        drop(files);
        self.reply("226 done")
    }
}
