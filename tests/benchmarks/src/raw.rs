//! The limits: programs that implement only as much of FTP as it takes to start the data connection
//!
//! In clear text 256 KiB are read and written at a time; with `sendfile` the system sends the files. Under TLS 256 KiB
//! of ciphertext are read and 64 KiB of plaintext are written at a time: `rustls::Stream` would read 4 KiB.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use ftp_session::Buffer;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::Result;
use crate::client::{At, Task, host, local, remote};
use crate::server::send_file;

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// With `kernel`, files are sent without being copied into this process.
pub(crate) fn run(at: &At<'_>, task: &Task<'_>, kernel: bool) -> Result<()> {
    if let Task::Login { count, fresh } = *task {
        return log_in_again(at, count, fresh);
    }
    let mut control = Control::log_in(at, config(at)?)?;
    control.say("TYPE I", '2')?;
    let mut block = Buffer::new(256 * 1024);
    match *task {
        Task::Files { folder, count, into, sessions: 1 } => {
            for number in 0..count {
                let mut file = File::create(local(into, number))?;
                control.download(&remote(folder, number), &mut file, &mut block)?;
            }
        }
        Task::Down { path, file: Some(file) } => {
            control.download(path, &mut File::create(file)?, &mut block)?;
        }
        Task::Down { path, file: None } => control.download(path, &mut io::sink(), &mut block)?,
        Task::Again { path, count } => {
            for _ in 0..count {
                control.download(path, &mut io::sink(), &mut block)?;
            }
        }
        Task::Up { file, path } => {
            let mut data = control.open(&format!("STOR {path}"))?;
            let mut file = File::open(file)?;
            match &mut data {
                Data::Clear(socket) if kernel => {
                    send_file(socket, &file, u64::MAX)?;
                }
                Data::Clear(socket) => copy(&mut file, socket, &mut block)?,
                Data::Tls(stream) => {
                    copy(&mut file, stream, &mut block[..64 * 1024])?;
                    stream.conn.send_close_notify();
                    stream.flush()?;
                    stream.sock.shutdown(Shutdown::Write)?;
                    // Unread tickets would reset the connection.
                    while stream.sock.read(&mut block)? > 0 {}
                }
            }
            drop(data);
            control.expect('2')?;
        }
        _ => return Err("there is no limit to that".into()),
    }
    // Real servers take time for this, too.
    control.say("QUIT", '2')?;
    Ok(())
}

/// With `fresh`, no TLS session of an earlier connection is resumed
fn log_in_again(at: &At<'_>, count: usize, fresh: bool) -> Result<()> {
    let mut tls = config(at)?;
    for _ in 0..count {
        if fresh {
            tls = config(at)?;
        }
        Control::log_in(at, tls.clone())?.say("QUIT", '2')?;
    }
    Ok(())
}

fn config(at: &At<'_>) -> Result<Option<Arc<ClientConfig>>> {
    at.tls.map(|tls| Ok(Arc::new(tls.config()?))).transpose()
}

fn copy(from: &mut impl Read, to: &mut impl Write, block: &mut [u8]) -> Result<()> {
    loop {
        match from.read(block)? {
            0 => return Ok(()),
            count => to.write_all(&block[..count])?,
        }
    }
}

/// As `copy`, with large reads from the socket
fn decrypt(stream: &mut Tls, to: &mut impl Write, block: &mut [u8]) -> Result<()> {
    let mut plain = vec![0; block.len()];
    loop {
        let count = stream.sock.read(block)?;
        if count == 0 {
            return Err("the end without close_notify".into());
        }
        let mut rest = &block[..count];
        while !rest.is_empty() {
            stream.conn.read_tls(&mut rest)?;
            let state = stream.conn.process_new_packets()?;
            if state.plaintext_bytes_to_read() > 0 {
                let count = stream.conn.reader().read(&mut plain)?;
                to.write_all(&plain[..count])?;
            }
            if state.peer_has_closed() {
                return Ok(());
            }
        }
    }
}

enum Data {
    Clear(TcpStream),
    Tls(Box<Tls>),
}

struct Control<'a> {
    at: &'a At<'a>,
    tls: Option<Arc<ClientConfig>>,
    stream: BufReader<Box<dyn ReadWrite>>,
}

trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

impl<'a> Control<'a> {
    fn log_in(at: &'a At<'a>, tls: Option<Arc<ClientConfig>>) -> Result<Self> {
        let socket = TcpStream::connect(at.address)?;
        socket.set_nodelay(true)?;
        let stream: Box<dyn ReadWrite> = Box::new(socket.try_clone()?);
        let mut control = Self { at, tls: None, stream: BufReader::new(stream) };
        control.expect('2')?;
        if let Some(config) = tls {
            control.say("AUTH TLS", '2')?;
            control.tls = Some(Arc::clone(&config));
            control.stream = BufReader::new(Box::new(secure(config, at, socket)?));
            control.say("PBSZ 0", '2')?;
            control.say("PROT P", '2')?;
        }
        control.say(&format!("USER {}", at.user), '3')?;
        control.say(&format!("PASS {}", at.password), '2')?;
        Ok(control)
    }

    fn download(&mut self, path: &str, to: &mut impl Write, block: &mut [u8]) -> Result<()> {
        let mut data = self.open(&format!("RETR {path}"))?;
        match &mut data {
            Data::Clear(socket) => copy(socket, to, block)?,
            Data::Tls(stream) => decrypt(stream, to, block)?,
        }
        drop(data);
        self.expect('2')?;
        Ok(())
    }

    fn open(&mut self, command: &str) -> Result<Data> {
        let reply = self.say("EPSV", '2')?;
        let port = reply.rsplit('|').nth(1).ok_or("no port")?.parse::<u16>()?;
        let socket = TcpStream::connect((host(self.at.address), port))?;
        self.say(command, '1')?;
        Ok(match &self.tls {
            None => Data::Clear(socket),
            Some(config) => {
                let mut stream = secure(Arc::clone(config), self.at, socket)?;
                while stream.conn.is_handshaking() {
                    stream.conn.complete_io(&mut stream.sock)?;
                }
                Data::Tls(Box::new(stream))
            }
        })
    }

    fn say(&mut self, command: &str, class: char) -> Result<String> {
        self.stream.get_mut().write_all(format!("{command}\r\n").as_bytes())?;
        self.expect(class)
    }

    fn expect(&mut self, class: char) -> Result<String> {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            if line.is_empty() {
                return Err("the server has gone".into());
            }
            // The last line of a reply: three digits and a space.
            if line.as_bytes().get(3) == Some(&b' ') && line.as_bytes()[0].is_ascii_digit() {
                return if line.starts_with(class) { Ok(line) } else { Err(line.into()) };
            }
        }
    }
}

fn secure(config: Arc<ClientConfig>, at: &At<'_>, socket: TcpStream) -> Result<Tls> {
    let name = ServerName::try_from(host(at.address).to_owned())?;
    Ok(StreamOwned::new(ClientConnection::new(config, name)?, socket))
}
