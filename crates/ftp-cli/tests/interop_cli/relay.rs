//! A relay for control connections without TLS, which records commands and replies

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The relay: tests use its port instead of the server's; data connections go to the server directly
pub(crate) struct Relay {
    pub(crate) port: u16,
    log: Arc<Mutex<Vec<Sent>>>,
    replies: Arc<Mutex<Vec<String>>>,
}

/// A command that a client has sent
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// The number of the control connection, counted from 0
    pub(crate) session: usize,
    pub(crate) command: String,
}

impl Relay {
    /// Starts a relay to this port of 127.0.0.1, which runs until the process ends
    pub(crate) fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let log = Arc::<Mutex<Vec<Sent>>>::default();
        let replies = Arc::<Mutex<Vec<String>>>::default();
        let shared = (Arc::clone(&log), Arc::clone(&replies));
        std::thread::spawn(move || {
            for (session, client) in listener.incoming().enumerate() {
                let (log, replies) = shared.clone();
                std::thread::spawn(move || relay(session, client.unwrap(), server, &log, replies));
            }
        });
        Self { port, log, replies }
    }

    /// Returns the commands since the last call, and forgets the replies
    pub(crate) fn take(&self) -> Vec<Sent> {
        self.replies.lock().unwrap().clear();
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    /// Returns the reply lines since the last call of [`Self::take`]
    pub(crate) fn replies(&self) -> Vec<String> {
        self.replies.lock().unwrap().clone()
    }
}

fn relay(
    session: usize,
    mut client: TcpStream,
    port: u16,
    log: &Mutex<Vec<Sent>>,
    told: Arc<Mutex<Vec<String>>>,
) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)) else { return };
    for stream in [&client, &server] {
        stream.set_nodelay(true).unwrap();
    }
    let commands = client.try_clone().unwrap();
    let mut replies = BufReader::new(server.try_clone().unwrap());
    std::thread::spawn(move || {
        let mut line = Vec::new();
        while let Ok(1..) = replies.read_until(b'\n', &mut line) {
            told.lock().unwrap().push(String::from_utf8_lossy(&line).trim_end().to_owned());
            if client.write_all(&line).is_err() {
                break;
            }
            line.clear();
        }
        let _ = client.shutdown(Shutdown::Both);
    });
    let mut commands = BufReader::new(commands);
    let mut line = Vec::new();
    while let Ok(1..) = commands.read_until(b'\n', &mut line) {
        let command = String::from_utf8_lossy(&line).trim_end().to_owned();
        log.lock().unwrap().push(Sent { session, command });
        if server.write_all(&line).is_err() {
            break;
        }
        line.clear();
    }
    let _ = server.shutdown(Shutdown::Both);
}
