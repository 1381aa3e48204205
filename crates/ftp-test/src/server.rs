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

/// An FTP server with files in memory, for any number of sessions at the same time
///
/// It serves passive and active mode, resuming, listings (MLSD, MLST, LIST, NLST), directories, times, renaming, and TLS
/// if it has been given a certificate. It admits any user with any password. What goes wrong is said by a rule:
/// [`on_command`](Self::on_command). All settings can be changed at any time, and count from the next command on.
///
/// When it is dropped, it closes its listener and the control connections. If a rule has panicked, dropping panics, too,
/// so that a rule can assert something.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server without files on 127.0.0.1, on any free port
    ///
    /// # Panics
    ///
    /// If the system has no port left.
    #[must_use]
    pub fn start() -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST.into())
    }

    /// Starts a server with these files on 127.0.0.1; names are paths, and their directories are created
    ///
    /// # Panics
    ///
    /// If the system has no port left.
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

    /// Starts a server without files on an address of this machine, such as `::1`, on any free port
    ///
    /// # Panics
    ///
    /// If the machine does not have the address, or no port left.
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

    /// The address that it listens on
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A URL of a file here, with the scheme `ftp`; `path` is not encoded
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("ftp://{}/{}", self.address, path.trim_start_matches('/'))
    }

    /// Its files
    #[must_use]
    pub fn files(&self) -> &Files {
        &self.shared.files
    }

    /// Sets the rule that says what the server does with each command, and with the greeting
    ///
    /// The rule runs in the threads of sessions. It may wait (`std::thread::sleep`), which delays the reply, and it may
    /// assert something. The default is [`Action::serve`] for all commands.
    ///
    /// ```
    /// use ftp_test::{Action, Command, Server};
    ///
    /// let server = Server::with_files([("big.iso", vec![7; 100_000])]);
    /// server.on_command(|Command { verb, number, in_all, .. }| match verb {
    ///     "RETR" if in_all == 1 => Action::serve().break_at(4_711), // the first download of all
    ///     "SIZE" => Action::reply("213 99"),                        // a wrong size
    ///     "GREETING" => Action::reply("220 (vsFTPd 3.0.5)"),
    ///     _ if number == 20 => Action::reply("421 Enough."),        // the 20th command of each session
    ///     _ => Action::serve(),
    /// });
    /// ```
    pub fn on_command(&self, rule: impl Fn(Command<'_>) -> Action + Send + Sync + 'static) {
        self.shared.lock().rule = Arc::new(rule);
    }

    /// Has the server offer AUTH TLS and PROT P
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    pub fn set_tls(&self, tls: Tls) {
        self.shared.lock().tls = Some(tls);
    }

    /// Limits the number of sessions at the same time; there is no limit by default
    pub fn limit_sessions(&self, limit: Limit) {
        self.shared.lock().limit = limit;
    }

    /// Ends sessions that send no command for this time, with 421; [`PATIENCE`](crate::PATIENCE) by default
    ///
    /// It counts from the next session on. Zero is taken for a millisecond.
    pub fn set_idle_timeout(&self, timeout: Duration) {
        self.shared.lock().idle_timeout = timeout.max(Duration::from_millis(1));
    }

    /// Counts of its sessions
    #[must_use]
    pub fn sessions(&self) -> Sessions {
        self.shared.lock().sessions
    }

    /// The commands of all sessions in the order in which they came, verbs in capitals
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        let state = self.shared.lock();
        let commands = state.lines.iter().filter(|(_, is_reply, _)| !is_reply);
        commands.map(|(_, _, line)| line.clone()).collect()
    }

    /// How many commands of a verb came
    #[must_use]
    pub fn count(&self, verb: &str) -> usize {
        self.shared.lock().verbs.get(verb).copied().unwrap_or_default()
    }

    /// What was said on the control connections, to print when a test fails: lines such as `2 C: RETR a`, which is a
    /// command of the second session, and `2 S: 150 …`
    #[must_use]
    pub fn transcript(&self) -> String {
        let line = |(session, is_reply, line): &(usize, bool, String)| {
            format!("{session} {}: {line}\n", if *is_reply { 'S' } else { 'C' })
        };
        self.shared.lock().lines.iter().map(line).collect()
    }

    /// Forgets the commands so far, and their counts
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
        // The thread that accepts looks whether it is to stop when somebody has connected.
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
        // What breaks the connection is the client's end, and the test has the client.
        let _ = Session::start(socket, shared, stay).and_then(Session::run);
    }));
    let mut state = shared.lock();
    if let Err(panic) = result {
        state.panic.get_or_insert(panic);
    }
    // Only now, so that the test knows of a panic before its client knows of the end.
    if let Some(control) = state.controls.remove(&id) {
        let _ = control.shutdown(Shutdown::Both);
    }
}
