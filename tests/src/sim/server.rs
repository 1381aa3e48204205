//! A model of an FTP server as a machine: lines and news in, answers out

use std::collections::{BTreeMap, VecDeque};

use super::{Early, Profile};

/// What the server wants done
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A reply on the control connection
    Reply(u16, String),
    /// A data connection: made in active mode, else its TLS handshake taken up
    Connect,
    /// These bytes on the data connection, then its end
    Send(Vec<u8>),
    /// The end of the data connection
    Hang,
    /// The end of the control connection
    Close,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Moving {
    No,
    Down,
    Up {
        path: String,
        kept: Vec<u8>,
    },
    /// All sent; the final reply waits for the client to close
    Lingering,
}

/// The server
#[derive(Debug)]
pub struct Server {
    profile: Profile,
    /// Its files
    pub files: BTreeMap<String, Vec<u8>>,
    /// Its directories
    pub directories: Vec<String>,
    /// The working directory
    pub here: String,
    moving: Moving,
    /// Commands that wait for the end of the transfer
    waiting: VecDeque<String>,
    offset: usize,
    from: Option<String>,
    connected: bool,
}

impl Server {
    /// A server with these files
    pub fn new(profile: Profile, files: BTreeMap<String, Vec<u8>>) -> Self {
        Self {
            profile,
            files,
            directories: Vec::new(),
            here: "/".to_owned(),
            moving: Moving::No,
            waiting: VecDeque::new(),
            offset: 0,
            from: None,
            connected: false,
        }
    }

    /// The greeting
    pub fn greet(&self) -> Answer {
        Answer::Reply(220, "ready".into())
    }

    /// A data connection has been made
    pub fn connected(&mut self) {
        self.connected = true;
    }

    /// A line from the client
    pub fn line(&mut self, line: &str, out: &mut Vec<Answer>) {
        if self.moving != Moving::No {
            let abort = line.trim() == "ABOR";
            if abort && self.profile.reads_during_transfer() {
                self.moving = Moving::No;
                self.connected = false;
                out.push(Answer::Hang);
                reply(out, 426, "aborted");
                reply(out, 226, "ABOR done");
                return self.go_on(out);
            }
            self.waiting.push_back(line.to_owned());
            return;
        }
        self.command(line, out);
    }

    fn command(&mut self, line: &str, out: &mut Vec<Answer>) {
        let line = line.trim_end();
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        if !matches!(verb, "RETR" | "STOR" | "APPE" | "REST") {
            self.offset = 0;
        }
        match verb {
            "USER" => reply(out, 331, "password"),
            "PASS" => reply(out, 230, "in"),
            "AUTH" => reply(out, 234, "go"),
            "PBSZ" | "PROT" | "TYPE" | "NOOP" | "OPTS" | "PORT" | "EPRT" => reply(out, 200, "ok"),
            "SYST" => reply(out, 215, "UNIX Type: L8"),
            "PWD" => reply(out, 257, &format!("\"{}\" here", self.here)),
            "CWD" if argument == "missing" => reply(out, 550, "no such directory"),
            "CWD" => {
                self.here = argument.to_owned();
                reply(out, 250, "there");
            }
            "FEAT" => {
                let lines = "-Features:\r\n EPSV\r\n SIZE\r\n REST STREAM\r\n211 End";
                out.push(Answer::Reply(211, lines.into()));
            }
            "EPSV" => reply(out, 229, "open (|||5000|)"),
            "PASV" => reply(out, 227, "open (127,0,0,1,19,136)"),
            "REST" => {
                self.offset = argument.parse().unwrap_or(0);
                reply(out, 350, "restarting");
            }
            "SIZE" => match self.files.get(argument) {
                Some(file) => reply(out, 213, &file.len().to_string()),
                None => reply(out, 550, "no such file"),
            },
            "MDTM" => reply(out, 213, "20260102030405"),
            "MKD" => {
                self.directories.push(argument.to_owned());
                reply(out, 257, &format!("\"/{argument}\" made"));
            }
            "DELE" => match self.files.remove(argument) {
                Some(_) => reply(out, 250, "gone"),
                None => reply(out, 550, "no such file"),
            },
            "RNFR" => {
                self.from = Some(argument.to_owned());
                reply(out, 350, "to what?");
            }
            "RNTO" => match self.from.take().and_then(|from| self.files.remove(&from)) {
                Some(file) => {
                    self.files.insert(argument.to_owned(), file);
                    reply(out, 250, "renamed");
                }
                None => reply(out, 503, "RNFR first"),
            },
            "ABOR" => reply(out, self.profile.idle_abort(), "nothing to abort"),
            "RETR" | "LIST" | "NLST" | "MLSD" => self.download(verb, argument, out),
            "STOR" | "APPE" | "STOU" => self.upload(verb, argument, out),
            "QUIT" => {
                reply(out, 221, "bye");
                out.push(Answer::Close);
            }
            _ => reply(out, 500, "not understood"),
        }
    }

    fn download(&mut self, verb: &str, path: &str, out: &mut Vec<Answer>) {
        let offset = std::mem::take(&mut self.offset);
        let bytes = match (verb, self.files.get(path)) {
            ("RETR", Some(file)) => file[offset.min(file.len())..].to_vec(),
            ("RETR", None) => return reply(out, 550, "no such file"),
            _ if self.here == "empty" => Vec::new(),
            _ => self.files.keys().flat_map(|name| format!("{name}\r\n").into_bytes()).collect(),
        };
        let (code, text) = self.profile.opening(bytes.len());
        reply(out, code, &text);
        self.moving = Moving::Down;
        out.push(Answer::Connect);
        out.push(Answer::Send(bytes));
    }

    fn upload(&mut self, verb: &str, path: &str, out: &mut Vec<Answer>) {
        let path = if verb == "STOU" { "unique.1" } else { path };
        let offset = std::mem::take(&mut self.offset);
        let old = self.files.get(path).cloned().unwrap_or_default();
        let kept = if verb == "APPE" { old } else { old[..offset.min(old.len())].to_vec() };
        self.files.insert(path.to_owned(), kept.clone());
        let text = if verb == "STOU" { "FILE: unique.1" } else { "send" };
        reply(out, 150, text);
        out.push(Answer::Connect);
        self.moving = Moving::Up { path: path.to_owned(), kept };
    }

    /// Whether a transfer waits for its data connection to be made
    pub const fn is_connected(&self) -> bool {
        self.connected
    }

    /// All of a download has been sent and its connection closed
    pub fn sent(&mut self, out: &mut Vec<Answer>) {
        if self.moving == Moving::Down {
            if self.profile.final_waits_for_close() {
                self.moving = Moving::Lingering;
            } else {
                self.finish(226, "done", out);
            }
        }
    }

    /// Bytes of an upload
    pub fn receive(&mut self, bytes: &[u8]) {
        if let Moving::Up { path, kept } = &mut self.moving {
            kept.extend_from_slice(bytes);
            self.files.insert(path.clone(), kept.clone());
        }
    }

    /// The client has ended the data connection
    pub fn client_closed(&mut self, out: &mut Vec<Answer>) {
        match self.moving {
            Moving::Down => match self.profile.early_close() {
                Early::Final(code) => self.finish(code, "cut off", out),
                Early::OnlyPreliminary => {
                    reply(out, 150, "3.7 seconds (measured here)");
                    self.moving = Moving::No;
                    self.connected = false;
                    self.go_on(out);
                }
            },
            // An upload that ends early can't be told from one that ends.
            Moving::Up { .. } => {
                out.push(Answer::Hang);
                self.finish(226, "done", out);
            }
            Moving::Lingering => self.finish(226, "done", out),
            Moving::No => self.connected = false,
        }
    }

    /// The data connection has a TLS session of its own, which is not accepted
    pub fn spurned(&mut self, code: u16, out: &mut Vec<Answer>) {
        self.connected = false;
        if self.moving != Moving::No {
            self.finish(code, "session reuse required", out);
        }
    }

    /// Whether an upload is under way
    pub const fn is_taking(&self) -> bool {
        matches!(self.moving, Moving::Up { .. })
    }

    /// The data connection could not be made, or broke
    pub fn data_failed(&mut self, out: &mut Vec<Answer>) {
        self.connected = false;
        if self.moving != Moving::No {
            self.finish(426, "data connection failed", out);
        }
    }

    fn finish(&mut self, code: u16, text: &str, out: &mut Vec<Answer>) {
        self.moving = Moving::No;
        self.connected = false;
        reply(out, code, text);
        self.go_on(out);
    }

    fn go_on(&mut self, out: &mut Vec<Answer>) {
        while self.moving == Moving::No {
            let Some(line) = self.waiting.pop_front() else { return };
            self.command(&line, out);
        }
    }
}

fn reply(out: &mut Vec<Answer>, code: u16, text: &str) {
    out.push(Answer::Reply(code, text.to_owned()));
}
