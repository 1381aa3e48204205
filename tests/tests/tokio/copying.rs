//! Copies between servers, dropped at every poll: afterwards both sessions are usable

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ftp_tests::polls::polled;
use ftp_tokio::{Client, Config, TlsPolicy, TransferType, copy_between_servers};

use super::dropping::file;

/// The file as the target has it
type Stored = Arc<Mutex<Vec<u8>>>;

/// A server that copies from and to anybody, with one control connection
struct Host {
    control: BufReader<TcpStream>,
    data: Data,
    stored: Stored,
}

/// The data connection of the next transfer
enum Data {
    None,
    Passive(TcpListener),
    Active(SocketAddr),
}

impl Host {
    fn start(stored: &Stored) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stored = Arc::clone(stored);
        let thread = thread::spawn(move || {
            let control = BufReader::new(listener.accept().unwrap().0);
            Self { control, data: Data::None, stored }.serve();
        });
        (address, thread)
    }

    /// Serves until the client closes; replies are for nobody then
    fn serve(mut self) {
        self.reply("220 ready");
        let mut line = String::new();
        while self.control.read_line(&mut line).is_ok_and(|count| count > 0) {
            self.obey(line.trim_end());
            line.clear();
        }
    }

    fn reply(&self, line: &str) {
        let _ = self.control.get_ref().write_all(format!("{line}\r\n").as_bytes());
    }

    fn obey(&mut self, line: &str) {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "PASV" => {
                let port = self.listen();
                self.reply(&format!("227 (127,0,0,1,{},{})", port >> 8, port & 255));
            }
            "EPSV" => {
                let port = self.listen();
                self.reply(&format!("229 go (|||{port}|)"));
            }
            "PORT" => {
                let n: Vec<u8> = argument.split(',').map(|n| n.parse().unwrap()).collect();
                let port = u16::from_be_bytes([n[4], n[5]]);
                self.data = Data::Active((Ipv4Addr::LOCALHOST, port).into());
                self.reply("200 fine");
            }
            "RETR" | "STOR" => {
                self.reply("150 go");
                let moved = self.open().and_then(|stream| match verb {
                    "RETR" => (&stream).write_all(&file(1)).ok(),
                    _ => self.store(&stream),
                });
                self.reply(if moved.is_some() { "226 done" } else { "426 aborted" });
            }
            "USER" => self.reply("331 password, please"),
            "PASS" => self.reply("230 welcome"),
            "ABOR" => self.reply("226 nothing to abort"),
            "REST" => self.reply("350 restart"),
            "PWD" => self.reply("257 \"/\""),
            _ => self.reply("200 fine"),
        }
    }

    fn listen(&mut self) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        self.data = Data::Passive(listener);
        port
    }

    /// `None` if the connection can't be made, or if the next command comes before it
    fn open(&mut self) -> Option<TcpStream> {
        match std::mem::replace(&mut self.data, Data::None) {
            Data::None => None,
            Data::Active(address) => TcpStream::connect(address).ok(),
            Data::Passive(listener) => {
                let (stream, _) = self.before_a_command(|| listener.accept())?;
                stream.set_nonblocking(false).unwrap();
                Some(stream)
            }
        }
    }

    /// Stores what arrives; `None` if the next command comes before its end
    fn store(&self, mut stream: &TcpStream) -> Option<()> {
        stream.set_nonblocking(true).unwrap();
        self.stored.lock().unwrap().clear();
        loop {
            let mut buffer = [0; 1_000];
            match self.before_a_command(|| stream.read(&mut buffer))? {
                0 => return Some(()),
                count => self.stored.lock().unwrap().extend_from_slice(&buffer[..count]),
            }
        }
    }

    fn before_a_command<T>(&self, mut attempt: impl FnMut() -> io::Result<T>) -> Option<T> {
        loop {
            match attempt() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return result.ok(),
            }
            let control = self.control.get_ref();
            control.set_nonblocking(true).unwrap();
            let peeked = control.peek(&mut [0]);
            control.set_nonblocking(false).unwrap();
            if peeked.is_ok() || !self.control.buffer().is_empty() {
                return None;
            }
            thread::sleep(Duration::from_micros(100));
        }
    }
}

async fn log_in(address: SocketAddr) -> Client {
    let config = Config::new(TlsPolicy::Plaintext);
    Client::connect_and_login(address, config, "u", "p").await.unwrap()
}

/// Checks that the session is usable and that its next download has the right bytes
async fn prove(client: &mut Client, at: &str) {
    let mut bytes = Vec::new();
    client.noop().await.unwrap_or_else(|error| panic!("{at}: {error}"));
    client.download_to("a", &mut bytes).await.unwrap_or_else(|error| panic!("{at}: {error}"));
    assert!(bytes == file(1), "{at}: wrong bytes");
}

#[tokio::test]
async fn copies_can_be_dropped_at_every_poll() {
    for polls in 0.. {
        let stored = Stored::default();
        let [(from, from_thread), (to, to_thread)] = [(); 2].map(|()| Host::start(&stored));
        let (mut source, mut target) = (log_in(from).await, log_in(to).await);
        let copy = copy_between_servers(&mut source, "a", &mut target, "b", TransferType::Image);
        let done = polled(copy, polls).await;
        if let Some(result) = &done {
            result.as_ref().unwrap();
            assert!(*stored.lock().unwrap() == file(1));
        }
        // Each on its own: neither may need the other to settle.
        prove(&mut source, &format!("source, dropped at poll {polls}")).await;
        prove(&mut target, &format!("target, dropped at poll {polls}")).await;
        drop((source, target));
        from_thread.join().unwrap();
        to_thread.join().unwrap();
        if done.is_some() {
            println!("copy: {polls} polls");
            assert!(polls > 5, "{polls}");
            return;
        }
    }
}
