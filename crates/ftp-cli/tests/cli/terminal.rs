//! `shell` at a terminal: lines are edited, and remembered for the next shell

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ftp_test::Server;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use crate::Home;

const UP: &str = "\x1b[A";
const BACKSPACE: &str = "\x7f";
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";

/// A shell in a terminal
struct Terminal {
    child: Child,
    keyboard: File,
    /// The side of the program
    line: File,
    screen: Arc<Mutex<String>>,
    /// Length of what the screen had shown when the last keys were pressed
    seen: usize,
}

impl Terminal {
    fn start(home: &Home, server: &Server) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let line = File::options().read(true).write(true).open(name).unwrap();
        let side = || line.try_clone().unwrap();
        let mut command = home.command(&["shell", "--progress", "none", &server.url("")]);
        command.env("TERM", "xterm").stdin(side()).stdout(side()).stderr(side());
        let child = command.spawn().unwrap();
        let keyboard = File::from(master);
        let screen = Arc::new(Mutex::new(String::new()));
        let (mut from, to) = (keyboard.try_clone().unwrap(), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut block = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut block) {
                to.lock().unwrap().push_str(&String::from_utf8_lossy(&block[..count]));
            }
        });
        let terminal = Self { child, keyboard, line, screen, seen: 0 };
        terminal.prompt();
        terminal
    }

    /// Waits for the next prompt
    fn prompt(&self) {
        let begun = Instant::now();
        while !self.has_prompt() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", self.screen.lock().unwrap());
            sleep(Duration::from_millis(5));
        }
        // The terminal is set up by then, and the keys are not read by the system's line editing.
        sleep(Duration::from_millis(50));
    }

    /// Whether a prompt has come since the last keys were pressed: each key draws the line again, without a line end
    fn has_prompt(&self) -> bool {
        let screen = self.screen.lock().unwrap();
        let shown = &screen[self.seen..];
        let last = match self.seen {
            0 => Some(shown),
            _ => shown.rsplit_once('\n').map(|(_, last)| last),
        };
        let is_edited = !tcgetattr(&self.line).unwrap().local_modes.contains(LocalModes::ICANON);
        is_edited && last.is_some_and(|last| last.contains("/> "))
    }

    fn press(&mut self, keys: &[&str]) {
        self.seen = self.screen.lock().unwrap().len();
        self.keyboard.write_all(keys.concat().as_bytes()).unwrap();
    }

    /// Types a line, and waits for the next prompt
    fn enter(&mut self, keys: &[&str]) {
        self.press(&[keys, &["\r"]].concat());
        self.prompt();
    }

    fn end(mut self) -> ExitStatus {
        self.press(&[CTRL_D]);
        self.child.wait().unwrap()
    }
}

#[test]
fn lines_are_edited_and_remembered() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", b"1");
    let mut terminal = Terminal::start(&home, &server);
    terminal.enter(&["lx", BACKSPACE, "s"]);
    assert_eq!(server.count("MLSD"), 1, "{:?}", terminal.screen);
    terminal.enter(&[UP]);
    assert_eq!(server.count("MLSD"), 2, "{:?}", terminal.screen);
    // Ctrl-C discards a line, and does not end the shell.
    terminal.press(&["rm file", CTRL_C]);
    terminal.prompt();
    terminal.enter(&["cat ftp://me:secret@127.0.0.1/file"]);
    terminal.enter(&[" pwd"]);
    assert_eq!(terminal.end().code(), Some(0));
    assert!(server.files().contains("file"));

    let history = home.path(".local/state/rftp/history");
    assert_eq!(std::fs::read_to_string(&history).unwrap(), "ls\n");
    assert_eq!(history.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let mut terminal = Terminal::start(&home, &server);
    terminal.enter(&[UP]);
    assert_eq!(server.count("MLSD"), 3, "{:?}", terminal.screen);
    assert_eq!(terminal.end().code(), Some(0));
    assert_eq!(std::fs::read_to_string(&history).unwrap(), "ls\n");
}

/// Regression: the lines of a pasted text became one command, here `rm` of both files
#[test]
fn pasted_lines_are_commands_of_their_own() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("one", b"1");
    server.files().put("two", b"2");
    let mut terminal = Terminal::start(&home, &server);
    // A terminal marks pasted text so.
    terminal.press(&["\x1b[200~rm one\rls two\x1b[201~\r"]);
    let begun = Instant::now();
    while server.count("MLSD") + server.count("MLST") + server.count("LIST") == 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", terminal.screen);
        sleep(Duration::from_millis(5));
    }
    terminal.prompt();
    assert_eq!(terminal.end().code(), Some(0));
    assert_eq!(["one", "two"].map(|name| server.files().contains(name)), [false, true]);
}

/// A terminal that shows nothing of what is typed would be left behind
#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let (server, home) = (Server::start(), Home::new());
    let mut terminal = Terminal::start(&home, &server);
    let modes = |line: &File| tcgetattr(line).unwrap().local_modes;
    assert!(!modes(&terminal.line).contains(LocalModes::ICANON), "a line is being edited");
    kill_process(Pid::from_child(&terminal.child), Signal::TERM).unwrap();
    assert_eq!(terminal.child.wait().unwrap().code(), Some(130));
    assert!(modes(&terminal.line).contains(LocalModes::ICANON | LocalModes::ECHO));
}

/// Without a place for the history, the shell works all the same
#[test]
fn a_history_that_cannot_be_written_is_no_failure() {
    let (server, home) = (Server::start(), Home::new());
    home.write(".local", b"not a directory");
    let mut terminal = Terminal::start(&home, &server);
    terminal.enter(&["ls"]);
    terminal.enter(&[UP]);
    assert_eq!(server.count("MLSD"), 2, "{:?}", terminal.screen);
    assert_eq!(terminal.end().code(), Some(0));
}
