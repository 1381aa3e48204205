//! A server and a local file in memory, which answer a procedure's orders, and fail when told to

use std::collections::BTreeMap;
use std::io;

use ftp_proto::listing::ListingReader;
use ftp_proto::{Code, ConnectionError, Error as FtpError, ReadDir, Reply, Timestamp, Transfer};

use crate::error::Error;
use crate::learned::TimeCommands;
use crate::procedure::Procedure;
use crate::procedure::request::{Request, Value};
use crate::procedure::work::{Access, Answer, Begin, Directory, Order, Sink, Step};

/// An entry of the server's tree
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Dir,
    File(Vec<u8>, Timestamp),
    Link(&'static str),
}

/// The faults
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server refuses, or the local file fails
    Refusal,
    /// The session ends, before or after the server has carried out the request
    EndBefore,
    EndAfter,
}

/// How the server sets times
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Mfmt,
    /// MFMT does nothing, and its reply names the time that the file has
    MfmtReports,
    /// vsftpd: `213 File modification time set.`
    MdtmSets,
    /// Pure-FTPd
    UtimeUtc,
    /// ProFTPD's mod_site_misc
    Utime,
    /// No command sets a time
    None,
    /// Answers yes to everything, and does nothing
    Yes,
    /// Answers 202 to everything, which means that nothing was done
    Superfluous,
    /// MDTM only queries, and files may have any name
    MdtmAsks,
    /// Sets times, but does not report any
    Mute,
}

/// How SIZE answers, if it is supported
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sizes {
    Reported,
    /// For a missing file it says only that there is no size, as vsftpd does
    Vague,
    /// It refuses the size of every file
    Denied,
}

/// How PWD answers
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pwd {
    /// With the path of the directory
    Resolved,
    /// With the path that was sent to CWD, even if it leads through links, as pyftpdlib does
    AsSent,
    Refused,
}

/// The listings of a model, where they are worse than those of most servers
#[derive(Clone, Debug, Default)]
pub(super) struct Listings {
    /// Whether LIST omits names that begin with a dot, unless given `-a`
    pub(super) hides_dots: bool,
    /// Whether LIST has no option `-a`
    pub(super) no_options: bool,
    /// Names that LIST always omits
    pub(super) omits: Vec<&'static str>,
    /// Whether LIST shows names in upper case
    pub(super) in_upper_case: bool,
    /// Whether LIST shows no kinds
    pub(super) without_kinds: bool,
    /// Whether LIST shows links as what they point to
    pub(super) follow_links: bool,
    /// Directories that LIST refuses
    pub(super) closed: Vec<&'static str>,
}

/// The path from the root; the working directory is `/home`
pub(super) fn absolute(path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("/home/{path}") };
    whole.trim_end_matches('/').to_owned()
}

#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) tree: BTreeMap<String, Node>,
    pub(super) local: Option<Vec<u8>>,
    pub(super) dialect: Dialect,
    pub(super) knows_size: bool,
    pub(super) sizes: Sizes,
    pub(super) ignores_offsets: bool,
    /// Whether `~` in a path is the root
    pub(super) tilde_is_root: bool,
    /// Whether the server stores one byte less than it received
    pub(super) loses_a_byte: bool,
    /// Whether a file that was uploaded is taken away at once
    pub(super) takes_away: bool,
    /// Whether another program appends to the local file before the server confirms a download
    pub(super) local_grows: bool,
    pub(super) listings: Listings,
    pub(super) pwd: Pwd,
    /// Whether the refusal of RMD says that something is no directory
    pub(super) gives_reasons: bool,
    /// Paths that can't be removed
    pub(super) stuck: Vec<&'static str>,
    /// Directories that another client creates when MKD is refused for the first time
    pub(super) meanwhile: Vec<&'static str>,
    pub(super) commands: Vec<String>,
    pub(super) known: TimeCommands,
    pub(super) fault: Option<(usize, Fault)>,
    steps: usize,
    over: bool,
    running: Option<Running>,
}

#[derive(Clone, Debug)]
enum Running {
    Download { bytes: Vec<u8>, at: usize },
    Upload { path: String, bytes: Vec<u8> },
}

pub(super) fn time(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds).unwrap()
}

fn reply(code: u16, text: &str) -> Reply {
    Reply::new(Code::new(code).unwrap(), text.as_bytes())
}

fn refusal(code: u16, text: &str) -> Error {
    FtpError::Permanent(reply(code, text)).into()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

impl Model {
    pub(super) fn new(tree: &[(&str, Node)]) -> Self {
        let mut nodes: BTreeMap<_, _> =
            tree.iter().map(|(path, node)| ((*path).to_owned(), node.clone())).collect();
        nodes.insert(String::new(), Node::Dir);
        Self {
            tree: nodes,
            local: None,
            dialect: Dialect::Mfmt,
            knows_size: true,
            sizes: Sizes::Reported,
            ignores_offsets: false,
            tilde_is_root: false,
            loses_a_byte: false,
            takes_away: false,
            local_grows: false,
            listings: Listings::default(),
            pwd: Pwd::Resolved,
            gives_reasons: false,
            stuck: Vec::new(),
            meanwhile: Vec::new(),
            commands: Vec::new(),
            known: TimeCommands::default(),
            fault: None,
            steps: 0,
            over: false,
            running: None,
        }
    }

    /// Runs a procedure to its end
    pub(super) fn run<T>(&mut self, mut procedure: Procedure<T>) -> Result<T, Error> {
        let mut answer = None;
        for _ in 0..10_000 {
            match procedure.work.step(answer) {
                Step::Done(result) => {
                    assert!(self.running.is_none(), "a transfer is left");
                    return result;
                }
                Step::Order(order) => answer = Some(self.answer(order)),
            }
        }
        panic!("it does not end");
    }

    /// Runs a procedure with each fault at each step, until a fault comes too late to matter
    pub(super) fn run_with_faults<T>(
        &self,
        procedure: impl Fn() -> Procedure<T>,
        mut check: impl FnMut(&Self, Result<T, Error>),
    ) {
        for fault in [Fault::Refusal, Fault::EndBefore, Fault::EndAfter] {
            for step in 0.. {
                let mut model = self.clone();
                model.fault = Some((step, fault));
                let result = model.run(procedure());
                let unharmed = model.steps <= step;
                check(&model, result);
                if unharmed {
                    break;
                }
            }
        }
    }

    fn answer(&mut self, order: Order) -> Answer {
        self.commands.push(format!("{order:?}"));
        let fault = self.fault.filter(|(step, _)| *step == self.steps).map(|(_, fault)| fault);
        self.steps += 1;
        let end = || Error::from(ConnectionError::Eof);
        self.over |= fault == Some(Fault::EndBefore);
        let refused = fault == Some(Fault::Refusal);
        if self.over || refused {
            let error = || if refused { refusal(550, "no, not this time") } else { end() };
            match &order {
                Order::Request(_) => return Answer::Value(Err(error())),
                Order::List(_) => return Answer::Listed(Err(error())),
                Order::Begin(_) | Order::Receive(..) | Order::Finish => {
                    self.running = None;
                    return Answer::Ended(Err(error()));
                }
                Order::Send(_) => {
                    self.running = None;
                    return Answer::Ended(Err(error()));
                }
                Order::Open(_) | Order::SetLength(_) | Order::HashLocal(_) if refused => {
                    return Answer::Failed(io::ErrorKind::StorageFull.into());
                }
                _ => {}
            }
        }
        let answer = self.perform(order);
        if fault == Some(Fault::EndAfter) {
            self.over = true;
            return match answer {
                Answer::Value(_) => Answer::Value(Err(end())),
                Answer::Listed(_) => Answer::Listed(Err(end())),
                Answer::Ended(_) => Answer::Ended(Err(end())),
                answer => answer,
            };
        }
        answer
    }

    fn perform(&mut self, order: Order) -> Answer {
        match order {
            Order::Request(request) => Answer::Value(self.request(request)),
            Order::List(listing) => Answer::Listed(self.list(&listing)),
            Order::Begin(begin) => self.begin(&begin),
            Order::Receive(most, sink) => self.receive(most, sink),
            Order::Send(from) => self.send(from),
            Order::Finish => match self.running.take() {
                Some(Running::Upload { path, mut bytes }) => {
                    if self.loses_a_byte {
                        bytes.pop();
                    }
                    if !self.takes_away {
                        self.tree.insert(path, Node::File(bytes, time(0)));
                    }
                    Self::ended()
                }
                other => panic!("{other:?}"),
            },
            Order::Abort => {
                self.running = None;
                Answer::Done
            }
            Order::Open(Access::Create) => {
                assert_eq!(self.local.replace(Vec::new()), None);
                Answer::Opened(Some(0))
            }
            Order::Open(Access::Replace) => {
                self.local = Some(Vec::new());
                Answer::Opened(Some(0))
            }
            Order::Open(access) => match (&self.local, access) {
                (None, Access::Read) => Answer::Failed(io::ErrorKind::NotFound.into()),
                (local, _) => Answer::Opened(local.as_ref().map(|bytes| bytes.len() as u64)),
            },
            Order::SetLength(length) => {
                self.local.as_mut().unwrap().truncate(length as usize);
                Answer::Done
            }
            Order::HashLocal(_) => Answer::Hashed(None),
            Order::Recall => Answer::Known(self.known),
            Order::Remember(known) => {
                self.known = known;
                Answer::Done
            }
        }
    }

    fn ended() -> Answer {
        Answer::Ended(Ok(Transfer::new(0, reply(226, "done"))))
    }

    /// The path in the tree; follows links on the way, and the last one only if `follow` is set
    fn resolve(&self, path: &str, follow: bool) -> String {
        let whole = absolute(path);
        let mut resolved = String::new();
        let parts: Vec<_> = whole.split('/').filter(|part| !part.is_empty()).collect();
        for (at, part) in parts.iter().enumerate() {
            resolved = match *part {
                "~" if self.tilde_is_root => String::new(),
                part => format!("{resolved}/{part}"),
            };
            if at + 1 < parts.len() || follow {
                if let Some(Node::Link(target)) = self.tree.get(&resolved) {
                    resolved = (*target).to_owned();
                }
            }
        }
        resolved
    }

    fn node(&self, path: Vec<u8>, follow: bool) -> (String, Option<&Node>) {
        let path = self.resolve(&text(path), follow);
        let node = self.tree.get(&path);
        (path, node)
    }

    fn inside<'a>(&'a self, directory: &str) -> impl Iterator<Item = (&'a str, &'a Node)> {
        let prefix = format!("{directory}/");
        self.tree.iter().filter_map(move |(path, node)| {
            let name = path.strip_prefix(&prefix)?;
            (!name.contains('/') && !name.is_empty()).then_some((name, node))
        })
    }

    fn is_stuck(&self, path: &str) -> bool {
        self.stuck.contains(&path)
    }

    fn request(&mut self, request: Request) -> Result<Value, Error> {
        let done = |code, text: &str| Ok(Value::Reply(reply(code, text)));
        match request {
            Request::Size(path) => match self.node(path, true).1 {
                _ if !self.knows_size => Err(refusal(500, "what?")),
                _ if self.sizes == Sizes::Denied => Err(refusal(550, "Permission denied.")),
                Some(Node::File(bytes, _)) => Ok(Value::Number(bytes.len() as u64)),
                _ if self.sizes == Sizes::Vague => Err(refusal(550, "Could not get file size.")),
                _ => Err(refusal(550, "no such file")),
            },
            Request::Hash(_) => Ok(Value::Hash(None)),
            Request::Canonicalize(sent) => match self.node(sent.clone(), true) {
                _ if self.pwd == Pwd::Refused => Err(refusal(502, "not here")),
                (path, Some(Node::Dir)) => {
                    let path = match (self.pwd, text(sent)) {
                        (Pwd::AsSent, sent) => absolute(&sent),
                        _ => path,
                    };
                    let path = if path.is_empty() { "/" } else { &path };
                    Ok(Value::Path(path.as_bytes().to_vec()))
                }
                _ => Err(refusal(550, "no such directory")),
            },
            Request::Mkdir(path) => {
                let (path, node) = self.node(path, false);
                let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
                if node.is_some()
                    || self.tree.get(parent) != Some(&Node::Dir)
                    || self.is_stuck(&path)
                {
                    let created = self.meanwhile.drain(..).map(|path| (path.to_owned(), Node::Dir));
                    self.tree.extend(created);
                    return Err(refusal(550, "can't make it"));
                }
                self.tree.insert(path, Node::Dir);
                Ok(Value::MaybePath(None))
            }
            Request::Rmdir(path) => {
                let (path, node) = self.node(path, false);
                let removable = node == Some(&Node::Dir) && self.inside(&path).next().is_none();
                if !removable || self.is_stuck(&path) {
                    let is_directory = node == Some(&Node::Dir);
                    return Err(match self.gives_reasons && !is_directory {
                        true => refusal(550, "it: Not a directory"),
                        false => refusal(550, "can't remove it"),
                    });
                }
                self.tree.remove(&path);
                done(250, "removed")
            }
            Request::Delete(path) => match self.node(path, false) {
                (path, Some(Node::File(..) | Node::Link(_))) if !self.is_stuck(&path) => {
                    self.tree.remove(&path);
                    done(250, "deleted")
                }
                _ => Err(refusal(550, "can't delete it")),
            },
            Request::Mdtm(path) => match (self.dialect, self.node(path, true).1) {
                (Dialect::Mute, _) => Err(refusal(502, "not here")),
                (_, Some(Node::File(_, time))) => Ok(Value::Time(*time)),
                _ => Err(refusal(550, "no such file")),
            },
            Request::Mfmt(path, time) => match self.dialect {
                Dialect::Mfmt => self.set_time(path, time, 213),
                Dialect::MfmtReports => done(213, "modify=19700101000000;size=1; Modify=x; f"),
                _ => self.otherwise(500),
            },
            Request::SetMdtm(argument) => match self.dialect {
                Dialect::MdtmSets => {
                    let (time, path) = argument.split_at(14);
                    self.set_time(path[1..].to_vec(), parse(time), 213)
                }
                Dialect::MdtmAsks => done(213, "20200101000000"),
                Dialect::Mute => done(200, "whatever"),
                _ => self.otherwise(550),
            },
            Request::SiteUtime(path, time) => match self.dialect {
                // It takes whole seconds only.
                Dialect::UtimeUtc => self.set_time(path, time.with_nanosecond(0).unwrap(), 200),
                _ => self.otherwise(500),
            },
            Request::Site(command) => {
                let arguments = command.strip_prefix(b"UTIME ").unwrap();
                match self.dialect {
                    Dialect::Utime => {
                        self.set_time(arguments[15..].to_vec(), parse(&arguments[..14]), 200)
                    }
                    _ => self.otherwise(500),
                }
            }
        }
    }

    fn otherwise(&self, code: u16) -> Result<Value, Error> {
        match self.dialect {
            Dialect::Yes => Ok(Value::Reply(reply(200, "yes"))),
            Dialect::Superfluous => Ok(Value::Reply(reply(202, "superfluous"))),
            _ => Err(refusal(code, "what?")),
        }
    }

    fn set_time(&mut self, path: Vec<u8>, time: Timestamp, code: u16) -> Result<Value, Error> {
        let path = self.resolve(&text(path), true);
        match self.tree.get_mut(&path) {
            Some(Node::File(_, modified)) => {
                *modified = time;
                Ok(Value::Reply(reply(code, "File modification time set.")))
            }
            _ => Err(refusal(550, "no such file")),
        }
    }

    fn list(&self, directory: &ReadDir) -> Result<Directory, Error> {
        let path = path_of(directory.path());
        let is_all = format!("{directory:?}") == format!("{:?}", ReadDir::all(&path));
        let all = is_all && !self.listings.no_options;
        let path = self.resolve(&path, true);
        if self.listings.closed.contains(&&*path) {
            return Err(refusal(550, "permission denied"));
        }
        if self.tree.get(&path) != Some(&Node::Dir) {
            return Err(FtpError::NoDirectory(reply(550, "no such directory")).into());
        }
        let mut lines = Vec::new();
        for (name, node) in self.inside(&path) {
            let is_hidden = name.starts_with('.') && self.listings.hides_dots && !all;
            if is_hidden || self.listings.omits.contains(&name) {
                continue;
            }
            let name = match self.listings.in_upper_case {
                true => name.to_uppercase(),
                false => name.to_owned(),
            };
            let (kind, target) = match node {
                _ if self.listings.without_kinds => ('?', String::new()),
                Node::Link(_) if self.listings.follow_links => ('d', String::new()),
                Node::Dir => ('d', String::new()),
                Node::File(..) => ('-', String::new()),
                Node::Link(target) => ('l', format!(" -> {target}")),
            };
            let line = format!("{kind}rwxr-xr-x 1 u g 3 Mar 10 2024 {name}{target}\r\n");
            lines.extend_from_slice(line.as_bytes());
        }
        let mut reader = ListingReader::new(ftp_proto::listing::ListingParser::new());
        reader.room()[..lines.len()].copy_from_slice(&lines);
        reader.filled(lines.len());
        reader.end();
        let entries = std::iter::from_fn(|| reader.next_entry()).collect();
        let may_lack_dot_names = reader.may_lack_dot_names();
        Ok(Directory { entries, unknown_lines: 0, may_lack_dot_names })
    }

    fn begin(&mut self, begin: &Begin) -> Answer {
        match begin {
            Begin::Get(get) => {
                let path = self.resolve(&path_of(get.path()), true);
                let Some(Node::File(bytes, _)) = self.tree.get(&path) else {
                    return Answer::Ended(Err(refusal(550, "no such file")));
                };
                let offset = if self.ignores_offsets { 0 } else { get.offset() as usize };
                let at = offset.min(bytes.len());
                self.running = Some(Running::Download { bytes: bytes.clone(), at });
            }
            Begin::Put(put) => {
                let path = self.resolve(&path_of(put.path()), true);
                let appends = format!("{put:?}").contains("APPE");
                let bytes = match self.tree.get(&path) {
                    Some(Node::File(bytes, _)) if appends => bytes.clone(),
                    _ => Vec::new(),
                };
                self.running = Some(Running::Upload { path, bytes });
            }
        }
        Answer::Begun
    }

    fn receive(&mut self, most: u64, sink: Sink) -> Answer {
        let Some(Running::Download { bytes, at }) = &mut self.running else {
            panic!("no download")
        };
        let rest = &bytes[*at..];
        // Few bytes at a time, so that there is more than one step.
        let count = rest.len().min(3).min(usize::try_from(most).unwrap_or(usize::MAX));
        let block = rest[..count].to_vec();
        *at += count;
        if count == 0 {
            self.running = None;
            if self.local_grows {
                self.local.as_mut().unwrap().push(b'x');
            }
            return Self::ended();
        }
        match sink {
            Sink::Nowhere => {}
            Sink::Write(at) => {
                let local = self.local.as_mut().unwrap();
                assert_eq!(local.len() as u64, at, "not at the end");
                local.extend_from_slice(&block);
            }
            Sink::Compare(at) => {
                let local = &self.local.as_ref().unwrap()[at as usize..];
                if !local.starts_with(&block) {
                    return Answer::Different;
                }
            }
        }
        Answer::Moved(count as u64)
    }

    fn send(&mut self, from: u64) -> Answer {
        let local = &self.local.as_ref().unwrap()[from as usize..];
        let block = &local[..local.len().min(3)];
        let Some(Running::Upload { bytes, .. }) = &mut self.running else { panic!("no upload") };
        bytes.extend_from_slice(block);
        Answer::Moved(block.len() as u64)
    }
}

fn path_of(path: Option<&[u8]>) -> String {
    text(path.unwrap_or_default().to_vec())
}

fn parse(time: &[u8]) -> Timestamp {
    ftp_proto::fields::parse_time(time).unwrap()
}
