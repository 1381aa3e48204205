//! A server with files in memory

use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::files::Files;
use crate::rule::{Action, Command, Limit};
use crate::session::Session;
use crate::state::{Sessions, Shared, Stay};
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
use crate::tls::Tls;

/// A server with files in memory and any number of concurrent sessions
///
/// It supports passive and active mode, resumption (REST), listings (MLSD, MLST, LIST, NLST), directories, modification
/// times (MDTM, MFMT), renaming and, after `set_tls`, explicit TLS. It accepts any user with any password. A rule
/// selects the commands that fail, and how: see [`on_command`](Self::on_command). All settings can be changed while it
/// runs; each method says what a change applies to.
///
/// It differs from most servers in four ways:
///
/// - The preliminary reply is sent after the data connection has been opened. In passive mode the client must
///   therefore connect without waiting for it.
/// - Commands that arrive during a transfer, ABOR among them, are read after it.
/// - TYPE, MODE, STRU, OPTS and ALLO are accepted and have no effect; no line ends are converted.
/// - `.` and `..` are not resolved (CDUP works), and STOR, MKD and RNTO create missing parent directories.
///
/// Dropping it closes the listener and the control connections. If a rule has panicked, the drop panics with the same
/// payload, unless the thread is panicking already: a rule can contain assertions.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server without files on a free port of 127.0.0.1
    ///
    /// # Panics
    ///
    /// Panics if no port is free.
    #[must_use]
    pub fn start() -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST.into())
    }

    /// Starts a server with these files on a free port of 127.0.0.1
    ///
    /// The names are paths; their parent directories are created.
    ///
    /// # Panics
    ///
    /// Panics if no port is free.
    #[must_use]
    pub fn with_files<N: AsRef<str>, B: Into<Vec<u8>>>(
        files: impl IntoIterator<Item = (N, B)>,
    ) -> Self {
        let server = Self::start();
        for (name, bytes) in files {
            server.files().put(name.as_ref(), bytes);
        }
        server
    }

    /// Starts a server without files on a free port of this local address, such as `::1`
    ///
    /// # Panics
    ///
    /// Panics if the machine does not have the address, or no port is free.
    #[must_use]
    pub fn start_on(ip: IpAddr) -> Self {
        let listener = TcpListener::bind((ip, 0))
            .unwrap_or_else(|error| panic!("can't listen on {ip}: {error}"));
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::<Shared>::default();
        let accepting = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                if accepting.is_stopping() {
                    return;
                }
                let shared = Arc::clone(&accepting);
                thread::spawn(move || serve(socket, &shared));
            }
        });
        Self { address, shared, thread: Some(thread) }
    }

    /// Returns the address that the server listens on
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the `ftp` URL of a file on this server; `path` is not percent-encoded
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("ftp://{}/{}", self.address, path.trim_start_matches('/'))
    }

    /// Returns the server's files, for reading and changing
    ///
    /// Changes apply at once.
    #[must_use]
    pub fn files(&self) -> &Files {
        &self.shared.files
    }

    /// Sets the rule that selects the [`Action`] for the greeting and for each command
    ///
    /// It applies from the next command on. The default is [`Action::serve`] for all commands.
    ///
    /// The rule runs in the threads of the sessions. It may block (`std::thread::sleep`), which delays the reply, and
    /// it may panic: its session then ends, other sessions continue, and dropping the server resumes the first panic.
    ///
    /// ```
    /// use ftp_test::{Action, Command, Server};
    ///
    /// let server = Server::with_files([("big.iso", vec![7; 100_000])]);
    /// server.on_command(|Command { verb, number, in_all, .. }| match verb {
    ///     "RETR" if in_all == 1 => Action::serve().break_at(4_711), // the first download of any session
    ///     "SIZE" => Action::reply("213 99"),                        // a wrong size
    ///     "GREETING" => Action::reply("220 (vsFTPd 3.0.5)"),
    ///     _ if number == 20 => Action::reply("421 Enough."),        // the 20th command of each session
    ///     _ => Action::serve(),
    /// });
    /// ```
    pub fn on_command(&self, rule: impl Fn(Command<'_>) -> Action + Send + Sync + 'static) {
        self.shared.lock().rule = Arc::new(rule);
    }

    /// Makes the server offer explicit TLS: AUTH TLS and PROT P
    ///
    /// TLS is offered, not required. It applies to the next AUTH and PROT: a session keeps the settings that were in
    /// force when it sent these commands.
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    pub fn set_tls(&self, tls: Tls) {
        self.shared.lock().tls = Some(tls);
    }

    /// Limits the number of open sessions; there is no limit by default
    ///
    /// It applies to sessions that connect from now on, and counts those that are open already.
    pub fn limit_sessions(&self, limit: Limit) {
        self.shared.lock().limit = limit;
    }

    /// Sets how long a session may send nothing before it is ended with 421; [`PATIENCE`](crate::PATIENCE) by default
    ///
    /// It applies to sessions that connect from now on. Any byte restarts the time. Zero means one millisecond. It also
    /// limits each read of the TLS handshake on the control connection; after that timeout no reply is sent.
    pub fn set_idle_timeout(&self, timeout: Duration) {
        self.shared.lock().idle_timeout = timeout.max(Duration::from_millis(1));
    }

    /// Returns the numbers of open and refused sessions, and of logins
    #[must_use]
    pub fn sessions(&self) -> Sessions {
        self.shared.lock().sessions
    }

    /// Returns the commands of all sessions in the order of arrival, with verbs in upper case
    ///
    /// Lines that do not end with CRLF, which are answered with 500, are not included.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        let state = self.shared.lock();
        let commands = state.lines.iter().filter(|(_, is_reply, _)| !is_reply);
        commands.map(|(_, _, line)| line.clone()).collect()
    }

    /// Returns the number of commands with this verb, given in upper case
    ///
    /// For `GREETING` it is the number of sessions.
    #[must_use]
    pub fn count(&self, verb: &str) -> usize {
        self.shared.lock().verbs.get(verb).copied().unwrap_or_default()
    }

    /// Returns the commands and replies of all control connections, to print when a test fails
    ///
    /// Each line starts with the number of the session: `2 C: RETR a` is a command of the second session, and
    /// `2 S: 150 …` a reply to it.
    #[must_use]
    pub fn transcript(&self) -> String {
        let line = |(session, is_reply, line): &(usize, bool, String)| {
            format!("{session} {}: {line}\n", if *is_reply { 'S' } else { 'C' })
        };
        self.shared.lock().lines.iter().map(line).collect()
    }

    /// Clears the commands, the replies, and the counts of [`count`](Self::count) and [`Command::in_all`]
    pub fn forget_commands(&self) {
        let mut state = self.shared.lock();
        state.lines.clear();
        state.verbs.clear();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let panic = {
            let mut state = self.shared.lock();
            state.stopping = true;
            for control in state.controls.values() {
                let _ = control.shutdown(Shutdown::Both);
            }
            state.panic.take()
        };
        // The accepting thread checks the flag only after a connection, so make one.
        let woken = TcpStream::connect_timeout(&self.address, Duration::from_secs(1)).is_ok();
        if let (true, Some(thread)) = (woken, self.thread.take()) {
            let _ = thread.join();
        }
        if let (Some(panic), false) = (panic, thread::panicking()) {
            resume_unwind(panic);
        }
    }
}

/// Serves one session
fn serve(socket: TcpStream, shared: &Shared) {
    let Some(stay) = Stay::new(shared, &socket) else { return };
    let id = stay.id;
    let result = catch_unwind(AssertUnwindSafe(|| {
        // An I/O error ends the session. It needs no report: the test sees it at the client.
        let _ = Session::start(socket, shared, stay).and_then(Session::run);
    }));
    let mut state = shared.lock();
    if let Err(panic) = result {
        state.panic.get_or_insert(panic);
    }
    // The panic must be recorded before the client sees the end: the test may then drop the server at once.
    if let Some(control) = state.controls.remove(&id) {
        let _ = control.shutdown(Shutdown::Both);
    }
}
