//! One session of a server: commands and their replies

use std::collections::HashMap;
use std::io::{self, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use crate::connection::{Connection, accept_unless};
use crate::files::{Files, MODIFIED, Node, Nodes, is_time, normalized, obstacle, place};
use crate::rule::{Action, Command, Faults, Kind};
use crate::said::read_line;
use crate::scripted::{active_address, numbers};
use crate::state::{Shared, State, Stay};
use crate::wire::{Tls, Wire};

/// How the next data connection is opened
enum Data {
    None,
    Passive(TcpListener),
    Active(SocketAddr),
}

/// The source of a download, or the target of an upload
pub(crate) enum Source {
    /// A download of the file at this path
    File(String),
    Listing(Vec<u8>),
    /// Uploads to this path, by STOR, APPE and STOU
    Store(String),
    Append(String),
    Unique(String),
}

pub(crate) struct Session<'a> {
    control: Option<BufReader<Wire>>,
    pub(crate) shared: &'a Shared,
    stay: Stay<'a>,
    client: SocketAddr,
    logged_in: bool,
    directory: String,
    data: Data,
    /// Whether EPSV is the only command for data connections, after EPSV ALL (RFC 2428 section 4)
    only_epsv: bool,
    /// The TLS settings of data connections, after PROT P
    protection: Option<Tls>,
    /// The offset at which the next transfer starts (REST)
    pub(crate) marker: usize,
    renamed: Option<String>,
    number: usize,
    verbs: HashMap<String, usize>,
}

/// Whether the session continues
pub(crate) type Goes = io::Result<bool>;

const MISSING: &str = "550 No such file or directory.";

impl<'a> Session<'a> {
    pub(crate) fn start(socket: TcpStream, shared: &'a Shared, stay: Stay<'a>) -> io::Result<Self> {
        socket.set_read_timeout(Some(shared.lock().idle_timeout))?;
        let client = socket.peer_addr()?;
        Ok(Self {
            control: Some(BufReader::new(Wire::Clear(socket))),
            shared,
            stay,
            client,
            logged_in: false,
            directory: String::new(),
            data: Data::None,
            only_epsv: false,
            protection: None,
            marker: 0,
            renamed: None,
            number: 0,
            verbs: HashMap::new(),
        })
    }

    pub(crate) fn run(mut self) -> io::Result<()> {
        let too_many_sessions = match &self.stay.refused {
            Some(limit) if !limit.at_login => Some(format!("421 {}", limit.text)),
            _ => None,
        };
        let mut goes_on = match (too_many_sessions, self.action("GREETING", "").0) {
            (Some(refusal), _) => self.reply(&refusal)?,
            (None, Kind::Serve(_)) => self.reply("220 ready")?,
            (None, Kind::Reply(reply)) => self.reply(&reply)?,
            (None, Kind::Ignore) => true,
            (None, Kind::Close) => false,
        };
        while goes_on {
            let line = match read_line(self.control()) {
                Ok(Some(line)) => String::from_utf8_lossy(&line).into_owned(),
                Ok(None) => break,
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    self.reply(&format!("500 {error}"))?;
                    continue;
                }
                Err(error) => {
                    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) {
                        self.reply("421 Timeout.")?;
                    }
                    return Err(error);
                }
            };
            // ABOR may be preceded by the Telnet Synch.
            let line = line.trim_start_matches(|letter: char| !letter.is_ascii_alphabetic());
            let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
            let verb = verb.to_ascii_uppercase();
            self.number += 1;
            goes_on = match self.action(&verb, argument).0 {
                Kind::Serve(faults) => self.command(&verb, argument, &faults)?,
                Kind::Reply(reply) => self.answer(&verb, &reply)?,
                Kind::Ignore => true,
                Kind::Close => false,
            };
        }
        self.stay.end();
        Ok(())
    }

    /// Records a command and returns the rule's action for it
    fn action(&mut self, verb: &str, argument: &str) -> Action {
        let in_session = self.verbs.entry(verb.to_owned()).or_default();
        *in_session += 1;
        let (rule, in_all) = {
            let state: &mut State = &mut self.shared.lock();
            let in_all = state.verbs.entry(verb.to_owned()).or_default();
            *in_all += 1;
            if self.number > 0 {
                let line =
                    if argument.is_empty() { verb.into() } else { format!("{verb} {argument}") };
                state.lines.push((self.stay.id, false, line));
            }
            (Arc::clone(&state.rule), *in_all)
        };
        // Call the rule without the lock, because it may block.
        rule(Command {
            verb,
            argument,
            session: self.stay.id,
            number: self.number,
            in_session: *in_session,
            in_all,
            client: self.client,
        })
    }

    fn control(&mut self) -> &mut BufReader<Wire> {
        self.control.as_mut().expect("it is only away while AUTH is answered")
    }

    /// Sends a reply; returns whether the session continues after it
    pub(crate) fn reply(&mut self, reply: &str) -> Goes {
        let goes_on = !reply.starts_with("421") && !reply.starts_with("221");
        if !goes_on {
            self.stay.end();
        }
        self.shared.lock().lines.push((self.stay.id, true, reply.to_owned()));
        let wire = self.control().get_mut();
        wire.write_all(format!("{reply}\r\n").as_bytes())?;
        wire.flush()?;
        if !goes_on {
            wire.end();
        }
        Ok(goes_on)
    }

    /// Sends a reply to a command; 230 to USER or PASS logs the session in
    fn answer(&mut self, verb: &str, reply: &str) -> Goes {
        if matches!(verb, "USER" | "PASS") && reply.starts_with("230") {
            self.logged_in = true;
            self.shared.lock().sessions.logins += 1;
        }
        self.reply(reply)
    }

    pub(crate) fn path(&self, argument: &str) -> String {
        match argument.strip_prefix('/') {
            Some(path) => normalized(path),
            None => normalized(&format!("{}/{argument}", self.directory)),
        }
    }

    pub(crate) fn files(&self) -> &'a Files {
        &self.shared.files
    }

    fn command(&mut self, verb: &str, argument: &str, faults: &Faults) -> Goes {
        let before_login = ["USER", "PASS", "AUTH", "PBSZ", "PROT", "FEAT", "SYST", "NOOP", "QUIT"];
        if !self.logged_in && !before_login.contains(&verb) {
            return self.reply("530 Please log in with USER and PASS.");
        }
        let path = self.path(argument);
        match verb {
            "USER" => self.reply("331 password, please"),
            "PASS" => {
                let reply = match &self.stay.refused {
                    Some(limit) => format!("530 {}", limit.text),
                    None => "230 welcome".to_owned(),
                };
                self.answer(verb, &reply)
            }
            "AUTH" => self.secure(),
            "PBSZ" => self.reply("200 fine"),
            "PROT" => self.protect(argument),
            "FEAT" => {
                let tls = if self.shared.lock().tls.is_some() {
                    " AUTH TLS\r\n PBSZ\r\n PROT\r\n"
                } else {
                    ""
                };
                self.reply(&format!(
                    "211-features\r\n{tls} EPRT\r\n EPSV\r\n MDTM\r\n MFMT\r\n MLST type*;size*;modify*;\r\n \
                     REST STREAM\r\n SIZE\r\n UTF8\r\n211 end"
                ))
            }
            "TYPE" | "NOOP" | "OPTS" | "MODE" | "STRU" | "ALLO" => self.reply("200 fine"),
            "SYST" => self.reply("215 UNIX Type: L8"),
            "ABOR" => self.reply("226 nothing to abort"),
            "QUIT" => self.reply("221 goodbye"),
            "PWD" => self.reply(&format!("257 \"/{}\"", self.directory.replace('"', "\"\""))),
            "CWD" => self.enter(path),
            "CDUP" => {
                self.enter(self.directory.rsplit_once('/').map_or("", |(up, _)| up).to_owned())
            }
            "PASV" | "PORT" | "EPRT" if self.only_epsv => {
                self.reply("501 After EPSV ALL there is only EPSV.")
            }
            "EPSV" if argument.eq_ignore_ascii_case("ALL") => {
                self.only_epsv = true;
                self.reply("200 fine")
            }
            "EPSV" | "PASV" => self.listen(verb),
            "PORT" | "EPRT" => match active_address(&format!("{verb} {argument}")) {
                Some(address) => {
                    self.data = Data::Active(address);
                    self.reply("200 fine")
                }
                None => self.reply("501 That is no address."),
            },
            "REST" => match argument.parse() {
                Ok(marker) => {
                    self.marker = marker;
                    self.reply(&format!("350 restart at {marker}"))
                }
                Err(_) => self.reply("501 That is no number."),
            },
            "RETR" => self.transfer(Source::File(path), faults),
            "STOR" => self.transfer(Source::Store(path), faults),
            "APPE" => self.transfer(Source::Append(path), faults),
            "STOU" => {
                let free =
                    |number: &u32| !self.files().contains(&self.path(&format!("unique-{number}")));
                let number = (1..).find(free).expect("there are more numbers than files");
                self.transfer(Source::Unique(self.path(&format!("unique-{number}"))), faults)
            }
            "MLSD" if !self.files().is_directory(&path) && faults.data.is_none() => {
                self.reply("550 No such directory.")
            }
            // An argument that starts with `-` is an option; it is ignored, and so is a path after it.
            "LIST" | "NLST" if argument.starts_with('-') => {
                self.list(verb, &self.directory.clone(), faults)
            }
            "MLSD" | "LIST" | "NLST" => self.list(verb, &path, faults),
            _ => {
                let reply = self.edit(verb, argument, path);
                self.reply(&reply)
            }
        }
    }

    fn secure(&mut self) -> Goes {
        let Some(tls) = self.shared.lock().tls.clone() else {
            return self.reply("502 There is no TLS here.");
        };
        self.reply("234 go on")?;
        let wire = self.control.take().map(BufReader::into_inner);
        let Some(Wire::Clear(socket)) = wire else { return Ok(false) };
        self.control = Some(BufReader::new(Wire::secure(socket, &tls)?));
        Ok(true)
    }

    fn protect(&mut self, level: &str) -> Goes {
        let tls = self.shared.lock().tls.clone();
        match level {
            "C" => self.protection = None,
            "P" if tls.is_some() => self.protection = tls,
            _ => return self.reply("536 There is no such protection here."),
        }
        self.reply("200 fine")
    }

    fn enter(&mut self, path: String) -> Goes {
        if !self.files().is_directory(&path) {
            return self.reply("550 No such directory.");
        }
        self.directory = path;
        self.reply("250 fine")
    }

    fn listen(&mut self, verb: &str) -> Goes {
        let ip = self.control().get_ref().socket().local_addr()?.ip();
        if verb == "PASV" && ip.is_ipv6() {
            return self.reply("425 PASV is for IPv4.");
        }
        let listener = TcpListener::bind((ip, 0))?;
        let address = listener.local_addr()?;
        self.data = Data::Passive(listener);
        match verb {
            "PASV" => self.reply(&format!("227 entering passive mode ({})", numbers(address))),
            _ => {
                self.reply(&format!("229 entering extended passive mode (|||{}|)", address.port()))
            }
        }
    }

    /// Opens the data connection of a transfer, without TLS; replies 425 and returns `None` if it can't
    pub(crate) fn open(&mut self) -> io::Result<Option<TcpStream>> {
        let opened = match std::mem::replace(&mut self.data, Data::None) {
            Data::None => {
                self.reply("425 Use PASV, EPSV, PORT or EPRT first.")?;
                return Ok(None);
            }
            Data::Passive(listener) => accept_unless(&listener, || self.shared.is_stopping()),
            Data::Active(address) => TcpStream::open(address),
        };
        match opened {
            Ok(data) => Ok(Some(data)),
            Err(error) => {
                self.reply(&format!("425 No data connection: {error}."))?;
                Ok(None)
            }
        }
    }

    /// Wraps a data connection in TLS if the client has sent PROT P
    pub(crate) fn protected(&self, data: TcpStream) -> io::Result<Wire> {
        match &self.protection {
            Some(tls) => Wire::secure(data, tls),
            None => Ok(Wire::Clear(data)),
        }
    }

    fn list(&mut self, verb: &str, path: &str, faults: &Faults) -> Goes {
        if faults.data.is_none() && !path.is_empty() && !self.files().contains(path) {
            return self.reply(MISSING);
        }
        let nodes = self.files().list(path);
        let lines = nodes.iter().map(|(name, node)| match verb {
            "NLST" => format!("{name}\r\n"),
            "LIST" => line(name, node),
            _ => format!("{} {name}\r\n", facts(node)),
        });
        self.transfer(Source::Listing(lines.collect::<String>().into_bytes()), faults)
    }

    /// Executes commands that return facts about files or change them; returns the reply
    fn edit(&mut self, verb: &str, argument: &str, path: String) -> String {
        let mut nodes = self.files().lock();
        let exists = nodes.contains_key(&path) || path.is_empty();
        match (verb, nodes.get_mut(&path)) {
            ("SIZE", Some(Node::File { bytes, .. })) => format!("213 {}", bytes.len()),
            ("MDTM", Some(Node::File { modified, .. })) => format!("213 {modified}"),
            ("MLST", node) if exists => {
                let facts = facts(node.as_deref().unwrap_or(&Node::Directory));
                format!("250-facts\r\n {facts} {argument}\r\n250 end")
            }
            ("MFMT", _) => {
                let (time, name) = argument.split_once(' ').unwrap_or_default();
                if !is_time(time) {
                    return "501 That is no time.".to_owned();
                }
                match nodes.get_mut(&self.path(name)) {
                    Some(Node::File { modified, .. }) => {
                        time.clone_into(modified);
                        format!("213 Modify={time}; {name}")
                    }
                    _ => MISSING.to_owned(),
                }
            }
            ("DELE", Some(Node::File { .. })) => {
                nodes.remove(&path);
                "250 deleted".to_owned()
            }
            ("MKD", _) if exists => "550 File exists.".to_owned(),
            ("MKD", _) => {
                if let Some(refusal) = obstacle(&nodes, &path) {
                    return refusal.to_owned();
                }
                let reply = format!("257 \"/{}\" created", path.replace('"', "\"\""));
                place(&mut nodes, path, Node::Directory);
                reply
            }
            ("RMD", Some(Node::Directory)) => {
                let inside = format!("{path}/");
                if nodes.keys().any(|other| other.starts_with(&inside)) {
                    return "550 Directory not empty.".to_owned();
                }
                nodes.remove(&path);
                "250 removed".to_owned()
            }
            ("RNFR", Some(_)) => {
                self.renamed = Some(path);
                "350 and now RNTO".to_owned()
            }
            ("RNTO", _) => {
                let Some(from) = self.renamed.take() else { return "503 RNFR first.".to_owned() };
                rename(&mut nodes, &from, &path).to_owned()
            }
            ("SIZE" | "MDTM" | "MLST" | "DELE" | "RMD" | "RNFR", _) => MISSING.to_owned(),
            _ => "502 There is no such command here.".to_owned(),
        }
    }
}

/// Renames a file or directory; returns the reply
fn rename(nodes: &mut Nodes, from: &str, to: &str) -> &'static str {
    const RENAMED: &str = "250 renamed";
    let inside = format!("{from}/");
    match (nodes.get(from), nodes.get(to)) {
        (None, _) => return MISSING,
        _ if from == to => return RENAMED,
        (_, Some(Node::Directory)) => return "550 Is a directory.",
        (Some(Node::Directory), Some(Node::File { .. })) => return "550 Not a directory.",
        _ => {}
    }
    if let Some(refusal) = obstacle(nodes, to) {
        return refusal;
    }
    if to.starts_with(&inside) {
        return "550 A directory can't be moved into itself.";
    }
    let moves = |old: &String| old == from || old.starts_with(&inside);
    let moved: Vec<String> = nodes.keys().filter(|old| moves(old)).cloned().collect();
    for old in moved {
        let node = nodes.remove(&old).expect("the key was just there");
        place(nodes, format!("{to}{}", &old[from.len()..]), node);
    }
    RENAMED
}

/// Returns the facts of a file or directory for MLSD and MLST (RFC 3659 section 7)
fn facts(node: &Node) -> String {
    match node {
        Node::File { bytes, modified } => {
            format!("type=file;size={};modify={modified};", bytes.len())
        }
        Node::Directory => format!("type=dir;modify={MODIFIED};"),
    }
}

/// Returns a line of LIST in the format of `ls -l`
fn line(name: &str, node: &Node) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (mode, links, size, modified) = match node {
        Node::File { bytes, modified } => ("-rw-r--r--", 1, bytes.len(), modified.as_str()),
        Node::Directory => ("drwxr-xr-x", 2, 4096, MODIFIED),
    };
    let part = |range| modified.get(range).unwrap_or("01");
    let month = part(4..6).parse().ok().and_then(|month: usize| MONTHS.get(month.wrapping_sub(1)));
    let (year, month, day) = (part(0..4), month.unwrap_or(&"Jan"), part(6..8));
    format!("{mode} {links} ftp ftp {size} {month} {day} {year} {name}\r\n")
}
