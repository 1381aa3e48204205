//! A model of an FTP server as a state machine: lines and events in, answers out
//!
//! It records what it really did ([`Deed`]), which the client's reports are compared with.

mod transfer;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::{Beside, Habit, Next, Profile};

/// An output of the server
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A reply to the command with this number
    Reply(usize, u16, String),
    /// A reply that answers no command
    Stray(u16, String),
    /// Let this time pass before the next reply
    Pause(Duration),
    /// Make a data connection: connect in active mode, otherwise begin its TLS handshake
    Connect,
    /// Send these bytes on the data connection, then end it
    Send(Vec<u8>),
    /// End the data connection
    Hang,
    /// End the control connection
    Close,
}

/// A reply as it was sent
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its code
    pub code: u16,
    /// Its text
    pub text: String,
    /// Whether the server meant it, so that it is not the result of a fault
    pub honest: bool,
    /// The position of its end among all bytes to the client; `None` if it was lost
    pub end: Option<usize>,
}

/// A command, and what the server did with it
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// The command's verb
    pub verb: String,
    /// Its argument
    pub argument: String,
    /// The working directory when it came
    pub here: String,
    /// The replies to it
    pub said: Vec<Said>,
    /// Number of bytes to send on the data connection, for a download
    pub due: usize,
    /// The size in the preliminary reply, if there was one
    pub announced: Option<usize>,
    /// The restart marker that was in force
    pub offset: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Moving {
    No,
    Down {
        final_code: u16,
    },
    Up {
        path: String,
        kept: Vec<u8>,
        final_code: u16,
    },
    /// All of it has been sent; the final reply waits for the client to close
    Lingering {
        final_code: u16,
    },
}

/// A transfer that pyftpdlib keeps until a data connection is made
#[derive(Clone, Debug, PartialEq, Eq)]
struct Queued {
    /// The command's number; `usize::MAX` once ABOR has ended it for the client
    deed: usize,
    moving: Moving,
    bytes: Vec<u8>,
}

/// The server
#[derive(Debug)]
pub struct Server {
    profile: Profile,
    habit: Habit,
    /// Its files
    pub files: BTreeMap<String, Vec<u8>>,
    /// Its directories
    pub directories: Vec<String>,
    /// The working directory
    pub here: String,
    /// All commands so far
    pub deeds: Vec<Deed>,
    moving: Moving,
    /// The number of the command whose transfer is running
    mover: usize,
    /// Commands that wait for the end of the transfer
    waiting: VecDeque<String>,
    offset: usize,
    from: Option<String>,
    connected: bool,
    /// Final replies that are still to come for an aborted transfer
    late: &'static [u16],
    /// The fate of the next transfer
    next: Next,
    /// The transfer that uses the next data connection
    queued: Option<Queued>,
    /// The data connection was made, has nothing to carry, and is used by the next transfer
    refused_once: bool,
    /// The preliminary reply that comes after the final one
    opening: Option<(u16, String)>,
}

impl Server {
    /// Creates a server with these files
    pub fn new(profile: Profile, habit: Habit, files: BTreeMap<String, Vec<u8>>) -> Self {
        Self {
            profile,
            habit,
            files,
            directories: Vec::new(),
            here: HOME.to_owned(),
            deeds: Vec::new(),
            moving: Moving::No,
            mover: 0,
            waiting: VecDeque::new(),
            offset: 0,
            from: None,
            connected: false,
            late: &[],
            next: Next::Whole,
            queued: None,
            refused_once: false,
            opening: None,
        }
    }

    /// Sends the greeting, which is recorded as the answer to an empty verb
    pub fn greet(&mut self, out: &mut Vec<Answer>) {
        let deed = self.enter("", "");
        match self.habit {
            Habit::SlowGreeting => out.push(Answer::Reply(deed, 120, "in 1 minutes".into())),
            Habit::TwoGreetings => {
                out.push(Answer::Reply(deed, 220, "welcome\r\n220 ready".into()));
                return;
            }
            _ => {}
        }
        out.push(Answer::Reply(deed, 220, "ready".into()));
    }

    fn enter(&mut self, verb: &str, argument: &str) -> usize {
        self.deeds.push(Deed {
            verb: verb.to_owned(),
            argument: argument.to_owned(),
            here: self.here.clone(),
            said: Vec::new(),
            due: 0,
            announced: None,
            offset: 0,
        });
        self.deeds.len() - 1
    }

    /// Handles that a data connection has been made
    pub fn connected(&mut self, out: &mut Vec<Answer>) {
        self.connected = true;
        let Some(Queued { deed, moving, bytes }) = self.queued.take() else { return };
        if let Moving::Down { .. } = moving {
            out.push(Answer::Send(bytes));
        }
        self.moving = moving;
        self.mover = deed;
    }

    /// Handles a line from the client
    pub fn line(&mut self, line: &str, out: &mut Vec<Answer>) {
        if self.moving == Moving::No {
            return self.command(line, out);
        }
        if let (Habit::Beside(how), "EPSV") = (self.habit, line.trim()) {
            return self.beside(how, line, out);
        }
        let abort = line.trim() == "ABOR";
        if abort && self.habit == Habit::Queue {
            let deed = self.enter("ABOR", "");
            out.push(Answer::Hang);
            self.moving = Moving::No;
            self.connected = false;
            self.speak(self.mover, out, 426, "Transfer aborted via ABOR.");
            say(out, deed, 226, "ABOR command successful.");
            return self.go_on(out);
        }
        if abort && self.leaves_finals() {
            out.push(Answer::Hang);
            self.leave_finals();
            self.command(line, out);
            return self.go_on(out);
        }
        if abort && self.profile.reads_during_transfer() {
            let deed = self.enter("ABOR", "");
            self.moving = Moving::No;
            self.connected = false;
            out.push(Answer::Hang);
            self.speak(self.mover, out, 426, "aborted");
            say(out, deed, 226, "ABOR done");
            return self.go_on(out);
        }
        // pyftpdlib continues to read, and the queued transfer has the connection: the new transfer gets nothing.
        if self.mover == usize::MAX && self.habit == Habit::Queue {
            return self.overtaken(line, out);
        }
        self.waiting.push_back(line.to_owned());
    }

    /// Handles EPSV while a transfer runs
    fn beside(&mut self, how: Beside, line: &str, out: &mut Vec<Answer>) {
        match how {
            Beside::Lost => {}
            Beside::Refused(code) => {
                self.refuse(line, code, "EPSV: data transfer in progress", out);
            }
            Beside::AtOnce => self.command(line, out),
            Beside::Expires => self.waiting.push_back("EPSV beside".to_owned()),
            Beside::Drops | Beside::Cuts | Beside::Aborts => {
                out.push(Answer::Hang);
                self.moving = Moving::No;
                self.connected = false;
                if how != Beside::Drops {
                    self.speak(self.mover, out, 426, "aborted");
                }
                if how == Beside::Aborts {
                    self.refuse(line, 226, "ABOR command successful.", out);
                } else {
                    self.command(line, out);
                }
                self.go_on(out);
            }
        }
    }

    /// Handles a command while the connection carries the queued transfer
    fn overtaken(&mut self, line: &str, out: &mut Vec<Answer>) {
        let line = line.trim_end();
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        if !matches!(verb, "RETR" | "STOR" | "APPE" | "STOU" | "LIST" | "NLST" | "MLSD") {
            return self.command(line, out);
        }
        let deed = self.enter(verb, argument);
        if matches!(verb, "STOR" | "APPE") {
            self.files.entry(argument.to_owned()).or_default();
        } else if verb == "RETR" {
            self.deeds[deed].due = self.files.get(argument).map_or(0, Vec::len);
        }
        say(out, deed, 125, "Data connection already open. Transfer starting.");
    }

    const fn leaves_finals(&self) -> bool {
        matches!(self.habit, Habit::LateFinals { .. })
    }

    fn leave_finals(&mut self) {
        if let Habit::LateFinals { finals, next, .. } = self.habit {
            self.moving = Moving::No;
            self.connected = false;
            self.late = finals;
            self.next = next;
        }
    }

    /// Refuses a command without carrying it out, because of a fault
    pub fn refuse(&mut self, line: &str, code: u16, text: &str, out: &mut Vec<Answer>) {
        let line = line.trim_end();
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        let deed = self.enter(verb, argument);
        say(out, deed, code, text);
    }

    fn command(&mut self, line: &str, out: &mut Vec<Answer>) {
        let line = line.trim_end();
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        let deed = self.enter(verb, argument);
        let sticky = matches!(self.habit, Habit::StickyRest(_));
        if !sticky && !matches!(verb, "RETR" | "STOR" | "APPE" | "REST") {
            self.offset = 0;
        }
        // The connection made to the port before is closed.
        if matches!(verb, "EPSV" | "PASV") && self.moving == Moving::No {
            self.connected = false;
        }
        match verb {
            "USER" => say(out, deed, 331, "password"),
            "PASS" => match self.habit {
                Habit::BadPassword(code) => say(out, deed, code, "Login incorrect."),
                Habit::BadPasswordAndClose(code) => {
                    say(out, deed, code, "Login incorrect.");
                    out.push(Answer::Close);
                }
                _ => say(out, deed, 230, "in"),
            },
            "AUTH" => say(out, deed, 234, "go"),
            "PBSZ" | "PROT" | "OPTS" | "NOOP" => say(out, deed, 200, "ok"),
            _ if matches!(self.habit, Habit::BadPassword(_)) && verb != "QUIT" => {
                say(out, deed, 530, "Please login with USER and PASS.");
            }
            "TYPE" | "PORT" | "EPRT" => say(out, deed, 200, "ok"),
            "SYST" => say(out, deed, 215, "UNIX Type: L8"),
            "PWD" => say(out, deed, 257, &format!("\"{}\" here", self.here)),
            "CWD" if argument == "missing" => say(out, deed, 550, "no such directory"),
            "CWD" => {
                self.here = argument.to_owned();
                say(out, deed, 250, "there");
            }
            "FEAT" => {
                let lines = "-Features:\r\n EPSV\r\n SIZE\r\n REST STREAM\r\n211 End";
                say(out, deed, 211, lines);
            }
            "EPSV" if argument == "beside" => say(out, deed, 229, "open (|||6000|)"),
            "EPSV" => say(out, deed, 229, "open (|||5000|)"),
            "PASV" => say(out, deed, 227, "open (127,0,0,1,19,136)"),
            "REST" => match (self.habit, argument) {
                (Habit::StickyRest(code) | Habit::NoRestZero(code), "0") => {
                    say(out, deed, code, "not restarting");
                }
                _ => self.restart(deed, argument.parse().unwrap_or(0), out),
            },
            "SIZE" => match self.files.get(argument) {
                Some(file) => say(out, deed, 213, &file.len().to_string()),
                None => say(out, deed, 550, "no such file"),
            },
            "MDTM" => say(out, deed, 213, "20260102030405"),
            "MKD" => {
                self.directories.push(argument.to_owned());
                say(out, deed, 257, &format!("\"/{argument}\" made"));
            }
            "DELE" => match self.files.remove(argument) {
                Some(_) => say(out, deed, 250, "gone"),
                None => say(out, deed, 550, "no such file"),
            },
            "RNFR" => {
                self.from = Some(argument.to_owned());
                say(out, deed, 350, "to what?");
            }
            "RNTO" => match self.from.take().and_then(|from| self.files.remove(&from)) {
                Some(file) => {
                    self.files.insert(argument.to_owned(), file);
                    say(out, deed, 250, "renamed");
                }
                None => say(out, deed, 503, "RNFR first"),
            },
            "ABOR" => {
                // Only the listener is closed: a queued transfer remains.
                if let Some(queued) = &mut self.queued {
                    queued.deed = usize::MAX;
                }
                let code = match self.habit {
                    Habit::LateFinals { abort, .. } => abort,
                    Habit::Queue => 225,
                    _ => self.profile.idle_abort(),
                };
                say(out, deed, code, "ABOR command successful.");
            }
            "RETR" | "LIST" | "NLST" | "MLSD" | "STOR" | "APPE" | "STOU" => {
                self.transfer(deed, verb, argument, out);
            }
            "QUIT" => {
                say(out, deed, 221, "bye");
                out.push(Answer::Close);
            }
            _ => say(out, deed, 500, "not understood"),
        }
    }
}

/// The working directory after the login
pub(super) const HOME: &str = "/";
/// The content of every directory except the empty one
pub(super) const LISTING: &[u8] = b"f\r\ng\r\n";

fn say(out: &mut Vec<Answer>, deed: usize, code: u16, text: &str) {
    out.push(Answer::Reply(deed, code, text.to_owned()));
}
