//! A small FTP server on mio: as many sessions as there are descriptors, one file, TLS on request

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;

use ftp_mio::ftp_tls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use ftp_mio::ftp_tls::rustls::{ServerConfig, ServerConnection};
use ftp_mio::mio::net::{TcpListener, TcpStream};
use ftp_mio::mio::{Events, Interest, Poll, Registry, Token};

/// The content of every file
pub(crate) fn content() -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let words = (0..crate::FILE / 8).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.collect()
}

/// Serves until its standard input ends; prints its port and its certificate in hexadecimal
pub(crate) fn serve() -> io::Result<()> {
    std::thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let key = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let certificate = key.cert.der().clone();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
    let tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], private)
        .unwrap();
    let mut listener = listen()?;
    println!("{}", listener.local_addr()?.port());
    println!("{}", key.cert.pem().replace('\n', "|"));
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, Token(0), Interest::READABLE)?;
    let mut server =
        Server { tls: Arc::new(tls), content: content(), peers: HashMap::new(), next: 1 };
    let mut events = Events::with_capacity(1024);
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == Token(0) {
                while let Ok((stream, _)) = listener.accept() {
                    server.welcome(stream, poll.registry())?;
                }
                continue;
            }
            let (index, place) = (event.token().0 / 3, event.token().0 % 3);
            let Some(mut peer) = server.peers.remove(&index) else { continue };
            if server.turn(index, place, &mut peer, poll.registry()).is_ok() {
                server.peers.insert(index, peer);
            }
        }
    }
}

fn listen() -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    socket.listen(4096)?;
    Ok(TcpListener::from_std(socket.into()))
}

struct Server {
    tls: Arc<ServerConfig>,
    content: Vec<u8>,
    peers: HashMap<usize, Peer>,
    next: usize,
}

struct Peer {
    control: Link,
    line: Vec<u8>,
    protected: bool,
    listener: Option<TcpListener>,
    data: Option<Link>,
    /// Position in the file being sent
    sending: Option<usize>,
}

/// A connection, in clear text or over TLS
struct Link {
    socket: TcpStream,
    tls: Option<Box<ServerConnection>>,
    out: Vec<u8>,
}

impl Link {
    fn new(socket: TcpStream) -> Self {
        Self { socket, tls: None, out: Vec::new() }
    }

    /// Reads everything that has arrived; `None` at the end
    fn read(&mut self, into: &mut Vec<u8>) -> io::Result<Option<()>> {
        let mut buffer = [0; 4096];
        loop {
            let result = match &mut self.tls {
                None => self.socket.read(&mut buffer),
                Some(tls) => tls.read_tls(&mut self.socket).and_then(|count| {
                    tls.process_new_packets().map_err(io::Error::other)?;
                    while let Ok(count) = tls.reader().read(&mut buffer) {
                        if count == 0 {
                            break;
                        }
                        into.extend_from_slice(&buffer[..count]);
                    }
                    Ok(count)
                }),
            };
            match result {
                Ok(0) => return Ok(None),
                Ok(count) if self.tls.is_none() => into.extend_from_slice(&buffer[..count]),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Some(())),
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends pending bytes; true if none are left
    fn flush(&mut self) -> io::Result<bool> {
        let Self { socket, tls, out } = self;
        let result = match tls {
            None => {
                let mut sent = 0;
                let result = loop {
                    if sent == out.len() {
                        break Ok(());
                    }
                    match socket.write(&out[sent..]) {
                        Ok(count) => sent += count,
                        Err(error) => break Err(error),
                    }
                };
                out.drain(..sent);
                result
            }
            Some(tls) => {
                if !tls.is_handshaking() {
                    tls.writer().write_all(out)?;
                    out.clear();
                }
                loop {
                    if !tls.wants_write() {
                        break Ok(());
                    }
                    if let Err(error) = tls.write_tls(socket) {
                        break Err(error);
                    }
                }
            }
        };
        match result {
            Ok(()) => Ok(self.out.is_empty()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Server {
    fn welcome(&mut self, mut socket: TcpStream, registry: &Registry) -> io::Result<()> {
        let index = self.next;
        self.next += 1;
        socket.set_nodelay(true)?;
        registry.register(
            &mut socket,
            Token(index * 3),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        let mut control = Link::new(socket);
        control.out.extend_from_slice(b"220 ready\r\n");
        control.flush()?;
        let peer = Peer {
            control,
            line: Vec::new(),
            protected: false,
            listener: None,
            data: None,
            sending: None,
        };
        self.peers.insert(index, peer);
        Ok(())
    }

    fn turn(
        &self,
        index: usize,
        place: usize,
        peer: &mut Peer,
        registry: &Registry,
    ) -> io::Result<()> {
        if place == 0 {
            let open = peer.control.read(&mut peer.line)?;
            while let Some(end) = peer.line.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = peer.line.drain(..=end).collect();
                self.command(index, line.trim_ascii_end(), peer, registry)?;
            }
            if open.is_none() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if peer.line.is_empty() {
                peer.line = Vec::new();
            }
        }
        if let Some(listener) = &peer.listener {
            if let Ok((mut socket, _)) = listener.accept() {
                let token = Token(index * 3 + 2);
                registry.register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
                let mut data = Link::new(socket);
                if peer.protected {
                    let tls = ServerConnection::new(Arc::clone(&self.tls));
                    data.tls = Some(Box::new(tls.map_err(io::Error::other)?));
                }
                peer.data = Some(data);
                peer.listener = None;
            }
        }
        self.send(peer)?;
        peer.control.flush()?;
        Ok(())
    }

    fn send(&self, peer: &mut Peer) -> io::Result<()> {
        let (Some(data), Some(position)) = (&mut peer.data, &mut peer.sending) else {
            return Ok(());
        };
        if data.tls.is_some() {
            data.read(&mut Vec::new())?;
        }
        while data.flush()? && !data.tls.as_ref().is_some_and(|tls| tls.is_handshaking()) {
            if *position == self.content.len() {
                if let Some(tls) = &mut data.tls {
                    tls.send_close_notify();
                    tls.write_tls(&mut data.socket)?;
                }
                let _ = data.socket.shutdown(Shutdown::Write);
                peer.data = None;
                peer.sending = None;
                peer.control.out.extend_from_slice(b"226 done\r\n");
                return Ok(());
            }
            let end = self.content.len().min(*position + 32 * 1024);
            data.out.extend_from_slice(&self.content[*position..end]);
            *position = end;
        }
        Ok(())
    }

    fn command(
        &self,
        index: usize,
        line: &[u8],
        peer: &mut Peer,
        registry: &Registry,
    ) -> io::Result<()> {
        let verb = line.split(|byte| *byte == b' ').next().unwrap_or_default();
        let reply = match verb {
            b"USER" => "331 password, please",
            b"PASS" => "230 welcome",
            b"TYPE" | b"NOOP" | b"PBSZ" => "200 fine",
            b"PROT" => {
                peer.protected = line.ends_with(b"P");
                "200 fine"
            }
            b"AUTH" => {
                peer.control.out.extend_from_slice(b"234 go\r\n");
                peer.control.flush()?;
                let tls = ServerConnection::new(Arc::clone(&self.tls));
                peer.control.tls = Some(Box::new(tls.map_err(io::Error::other)?));
                return Ok(());
            }
            b"EPSV" => {
                let mut listener = listen()?;
                let port = listener.local_addr()?.port();
                registry.register(&mut listener, Token(index * 3 + 1), Interest::READABLE)?;
                peer.listener = Some(listener);
                let reply = format!("229 go (|||{port}|)\r\n");
                peer.control.out.extend_from_slice(reply.as_bytes());
                return Ok(());
            }
            b"RETR" => {
                peer.sending = Some(0);
                "150 here it comes"
            }
            b"QUIT" => "221 goodbye",
            _ => "500 what?",
        };
        peer.control.out.extend_from_slice(reply.as_bytes());
        peer.control.out.extend_from_slice(b"\r\n");
        Ok(())
    }
}
