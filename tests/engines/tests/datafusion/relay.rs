//! A SOCKS5 proxy that counts the bytes from the server

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

#[derive(Debug)]
pub struct Relay {
    pub port: u16,
    bytes: Arc<AtomicU64>,
}

impl Relay {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let bytes = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&bytes);
        thread::spawn(move || {
            for client in listener.incoming() {
                let counted = Arc::clone(&counted);
                // Errors end the client's connection.
                thread::spawn(move || client.and_then(|client| serve(client, &counted)));
            }
        });
        Self { port, bytes }
    }

    /// Returns the number of bytes that servers have sent, on all connections
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// Serves RFC 1928 without a login, for addresses and names of this host
fn serve(mut client: TcpStream, counted: &AtomicU64) -> std::io::Result<()> {
    let mut take = |count: usize| {
        let mut bytes = vec![0; count];
        client.read_exact(&mut bytes).map(|()| bytes)
    };
    let methods = take(2)?[1];
    take(methods.into())?;
    (&client).write_all(&[5, 0])?;
    let take = |count: usize| {
        let mut bytes = vec![0; count];
        (&client).read_exact(&mut bytes).map(|()| bytes)
    };
    let kind = take(4)?[3];
    let length = if kind == 3 { take(1)?[0].into() } else { 4 };
    take(length)?;
    let port = take(2)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, u16::from_be_bytes([port[0], port[1]])));
    let server = TcpStream::connect(address)?;
    (&client).write_all(&[5, 0, 0, 1, 127, 0, 0, 1, port[0], port[1]])?;
    let (up, down) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || pass(&client, &server, &AtomicU64::new(0)));
    pass(&down, &up, counted);
    Ok(())
}

fn pass(mut from: &TcpStream, mut to: &TcpStream, counted: &AtomicU64) {
    let mut block = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut block) {
        counted.fetch_add(count as u64, Ordering::Relaxed);
        if to.write_all(&block[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
