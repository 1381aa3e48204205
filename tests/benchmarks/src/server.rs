//! A server that is never the bottleneck: sends and receives as fast as the system allows
//!
//! One thread per session. On the first port TLS is 1.3, on the next 1.2, both with AES-128-GCM. Names describe the
//! files: `s1048576` is a file of that many bytes, `f00000` one of 1 KiB, and a folder `tree5000` contains that many of
//! these. Uploads are discarded. The reply to PASV contains PUBLIC, the address that the server has for clients.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustix::fs::sendfile;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned, version};

use crate::Result;
use crate::client::provider;

/// Size of a small file in bytes
const SMALL: usize = 1024;

/// What begins a transfer whose size is not known
const OPENING: &str = "150 here it comes";

/// Bytes read or written at a time
const BLOCK: usize = 256 * 1024;

pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let [address, public, port, source, authority] = arguments else {
        return Err("server ADDRESS PUBLIC PORT SOURCE AUTHORITY".into());
    };
    let (address, port): (IpAddr, u16) = (address.parse()?, port.parse()?);
    let first = TcpListener::bind((address, port))?;
    let second = TcpListener::bind((address, port + 1))?;
    let shared = |tls| {
        let (source, host) = ((*source).to_owned(), public.replace('.', ","));
        Arc::new(Shared { tls, source, host })
    };
    let (chain, key) = certificate(public, authority)?;
    let tls12 = shared(config(&version::TLS12, chain.clone(), key.clone_key())?);
    let tls13 = shared(config(&version::TLS13, chain, key)?);
    println!("ready");
    thread::spawn(move || accept(&second, &tls12));
    accept(&first, &tls13);
    Ok(())
}

/// Creates the certificate for the address that clients use, and writes the authority to trust to a PEM file
fn certificate(
    public: &str,
    authority: &str,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, "Authority of the bare server");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    fs::write(authority, ca.pem())?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new([public.to_owned()])?.signed_by(&key, &ca)?;
    Ok((vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into()))
}

fn config(
    version: &'static rustls::SupportedProtocolVersion,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>> {
    let mut config = ServerConfig::builder_with_provider(provider().into())
        .with_protocol_versions(&[version])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(Arc::new(config))
}

struct Shared {
    tls: Arc<ServerConfig>,
    /// The path of a file with the bytes of large files
    source: String,
    /// The host that PASV names
    host: String,
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for socket in listener.incoming().flatten() {
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let session = Session::new(socket, &shared);
            // Clients that disconnect without QUIT are not an error.
            let _ = session.and_then(|mut session| session.serve());
        });
    }
}

/// A connection, in clear text or over TLS
enum Link {
    Clear(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Read for Link {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(_) => Ok(()),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

struct Session<'a> {
    shared: &'a Shared,
    control: Link,
    input: Vec<u8>,
    local: SocketAddr,
    protected: bool,
    folder: String,
    data: Option<TcpListener>,
}

/// The pause before the first reply to EPSV or PASV
///
/// curl 7.88 sleeps for a second if that reply arrives before it begins to wait, which would dominate the result for
/// large files. Small files come after the first one and are not delayed.
const PAUSE: Duration = Duration::from_millis(1);

impl<'a> Session<'a> {
    fn new(socket: TcpStream, shared: &'a Shared) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        let local = socket.local_addr()?;
        let control = Link::Clear(socket);
        let (folder, input) = (String::new(), Vec::new());
        Ok(Self { shared, control, input, local, protected: false, folder, data: None })
    }

    fn serve(&mut self) -> io::Result<()> {
        self.reply("220 ready")?;
        while let Some(line) = self.line()? {
            let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "USER" => self.reply("331 password, please")?,
                "PASS" => self.reply("230 welcome")?,
                "PBSZ" | "TYPE" | "NOOP" | "OPTS" => self.reply("200 fine")?,
                "SYST" => self.reply("215 UNIX Type: L8")?,
                "FEAT" => {
                    self.reply(
                        "211-features\r\n AUTH TLS\r\n EPSV\r\n PBSZ\r\n PROT\r\n SIZE\r\n211 end",
                    )?;
                }
                "PROT" => {
                    self.protected = argument == "P";
                    self.reply("200 fine")?;
                }
                "AUTH" => self.secure()?,
                "PWD" => {
                    let folder = self.folder.clone();
                    self.reply(&format!("257 \"/{folder}\" is it"))?;
                }
                "CWD" => {
                    argument.trim_matches('/').clone_into(&mut self.folder);
                    self.reply("250 there")?;
                }
                "SIZE" => match size(argument) {
                    Some(size) => self.reply(&format!("213 {size}"))?,
                    None => self.reply("550 no such file")?,
                },
                "EPSV" => {
                    let port = self.listen()?;
                    self.reply(&format!("229 go (|||{port}|)"))?;
                }
                "PASV" => {
                    let port = self.listen()?;
                    let host = &self.shared.host;
                    self.reply(&format!("227 go ({host},{},{})", port >> 8, port & 255))?;
                }
                "RETR" => match size(argument) {
                    Some(size) => {
                        let opening = format!("150 {argument} ({size} bytes)");
                        self.transfer(&opening, |link, shared| shared.send(link, size))?;
                    }
                    None => self.reply("550 no such file")?,
                },
                "STOR" => self.transfer(OPENING, |link, _| swallow(link))?,
                "LIST" | "NLST" => {
                    let path =
                        Some(argument).filter(|path| !path.is_empty() && !path.starts_with('-'));
                    let listing = listing(path.unwrap_or(&self.folder), verb);
                    self.transfer(OPENING, |link, _| link.write_all(listing.as_bytes()))?;
                }
                "QUIT" => {
                    self.reply("221 goodbye")?;
                    if let Link::Tls(stream) = &mut self.control {
                        stream.conn.send_close_notify();
                        stream.flush()?;
                    }
                    return Ok(());
                }
                _ => self.reply("500 what?")?,
            }
        }
        Ok(())
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(end) = self.input.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.input.drain(..=end).collect();
                return Ok(Some(String::from_utf8_lossy(line.trim_ascii_end()).into_owned()));
            }
            match self.control.read(&mut buffer)? {
                0 => return Ok(None),
                count => self.input.extend_from_slice(&buffer[..count]),
            }
        }
    }

    fn reply(&mut self, text: &str) -> io::Result<()> {
        self.control.write_all(format!("{text}\r\n").as_bytes())?;
        self.control.flush()
    }

    fn secure(&mut self) -> io::Result<()> {
        self.reply("234 go")?;
        if let Link::Clear(socket) = &self.control {
            let tls =
                ServerConnection::new(Arc::clone(&self.shared.tls)).map_err(io::Error::other)?;
            self.control = Link::Tls(Box::new(StreamOwned::new(tls, socket.try_clone()?)));
        }
        Ok(())
    }

    /// Listens on the same port for the whole session
    ///
    /// A new port each time would leave thousands behind that the system holds for a minute, and the next client would
    /// wait while the system looks for a free one.
    fn listen(&mut self) -> io::Result<u16> {
        let listener = match self.data.take() {
            Some(listener) => listener,
            None => {
                thread::sleep(PAUSE);
                TcpListener::bind((self.local.ip(), 0))?
            }
        };
        let port = listener.local_addr()?.port();
        self.data = Some(listener);
        Ok(port)
    }

    fn transfer(
        &mut self,
        opening: &str,
        work: impl FnOnce(&mut Link, &Shared) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(listener) = &self.data else {
            return self.reply("425 where to?");
        };
        let (socket, _) = listener.accept()?;
        socket.set_nodelay(true)?;
        self.reply(opening)?;
        let mut link = Link::Clear(socket.try_clone()?);
        if self.protected {
            let tls =
                ServerConnection::new(Arc::clone(&self.shared.tls)).map_err(io::Error::other)?;
            let mut stream = StreamOwned::new(tls, socket.try_clone()?);
            while stream.conn.is_handshaking() {
                stream.conn.complete_io(&mut stream.sock)?;
            }
            link = Link::Tls(Box::new(stream));
        }
        let worked = work(&mut link, self.shared);
        if let Link::Tls(stream) = &mut link {
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
        let _ = socket.shutdown(Shutdown::Write);
        drop(link);
        self.reply(if worked.is_ok() { "226 done" } else { "426 broken" })
    }
}

impl Shared {
    fn send(&self, link: &mut Link, size: u64) -> io::Result<()> {
        if size <= SMALL as u64 {
            return link.write_all(&[b'x'; SMALL][..size as usize]);
        }
        match link {
            Link::Clear(socket) => {
                let file = File::open(&self.source)?;
                let mut left = size;
                while left > 0 {
                    left -= send_file(socket, &file, left)?;
                }
            }
            Link::Tls(stream) => {
                let mut block = vec![0; 64 * 1024];
                File::open(&self.source)?.read_exact(&mut block)?;
                let mut left = size;
                while left > 0 {
                    let count = block.len().min(left as usize);
                    stream.write_all(&block[..count])?;
                    left -= count as u64;
                }
            }
        }
        Ok(())
    }
}

/// Sends at most `most` bytes of a file, without copying them into this process
///
/// `io::copy` does not do that: from files to sockets it reads and writes 8 KiB at a time.
pub(crate) fn send_file(socket: &TcpStream, file: &File, most: u64) -> io::Result<u64> {
    let mut sent = 0;
    while sent < most {
        let chunk = usize::try_from(most - sent).unwrap_or(usize::MAX).min(1 << 30);
        if sendfile(socket, file, Some(&mut sent), chunk)? == 0 {
            break;
        }
    }
    Ok(sent)
}

/// Reads to the end
fn swallow(link: &mut Link) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    match link {
        Link::Clear(socket) => while socket.read(&mut block)? > 0 {},
        Link::Tls(stream) => {
            // rustls by itself would read 4 KiB at a time from the socket.
            let mut plain = vec![0; BLOCK];
            loop {
                let count = stream.sock.read(&mut block)?;
                if count == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let mut rest = &block[..count];
                while !rest.is_empty() {
                    stream.conn.read_tls(&mut rest)?;
                    let state = stream.conn.process_new_packets().map_err(io::Error::other)?;
                    if state.plaintext_bytes_to_read() > 0 {
                        let _ = stream.conn.reader().read(&mut plain)?;
                    }
                    if state.peer_has_closed() {
                        return Ok(());
                    }
                }
            }
        }
    }
    Ok(())
}

/// Returns the size of a file, by its name
fn size(path: &str) -> Option<u64> {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.split_at_checked(1)? {
        ("s", digits) => digits.parse().ok(),
        ("f", digits) => digits.parse::<u64>().ok().map(|_| SMALL as u64),
        _ => None,
    }
}

/// Returns the content of a folder, by its name
fn listing(path: &str, verb: &str) -> String {
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    let count = name.strip_prefix("tree").and_then(|digits| digits.parse().ok()).unwrap_or(0);
    let line = |number| match verb {
        "NLST" => format!("{}\r\n", crate::client::name(number)),
        _ => {
            let name = crate::client::name(number);
            format!("-rw-r--r--   1 ftp      ftp          {SMALL} Jan 01  2020 {name}\r\n")
        }
    };
    (0..count).map(line).collect()
}
