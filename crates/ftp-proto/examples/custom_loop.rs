//! A complete client on std sockets, without a driver crate: `custom_loop HOST:PORT PATH`
//!
//! Plain FTP, passive mode, one file to standard output. The blocks of the loop may be in any order.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "sockets and the clock, which the core has not, are what a driver is"
)]

use std::io::{self, ErrorKind::WouldBlock, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use ftp_proto::{
    Action, Client, Config, ControlEvent, DataEndpoint, DataEvent, DataFailure, DataHost, Event,
    IpFamily, Time, TlsPolicy,
};

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(server), Some(path)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: custom_loop HOST:PORT PATH"));
    };
    fetch(&server, &path, &mut io::stdout().lock()).map(|_| ())
}

/// Returns the number of bytes
fn fetch(server: &str, path: &str, sink: &mut impl Write) -> io::Result<u64> {
    let mut control = TcpStream::connect(server)?;
    let peer = control.peer_addr()?;
    control.set_nonblocking(true)?;
    let config = Config::new(TlsPolicy::Plaintext);
    let begun = Instant::now();
    let mut ftp = Client::new(config, IpFamily::of(&peer), Time::ZERO);
    ftp.login("anonymous", "guest@");
    let get = ftp.get(path); // queued: a claim on the result
    let mut data = None::<(_, TcpStream)>;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let now = Time::after_origin(begun.elapsed());

        // 1. Commands: write pending bytes, and report how many were written.
        if let Some(bytes) = ftp.poll_transmit() {
            match control.write(bytes) {
                Ok(count) => ftp.handle_transmit(now, count),
                Err(error) if error.kind() == WouldBlock => {}
                Err(error) => return Err(error),
            }
        }

        // 2. Replies. A real driver waits here for either socket until `poll_timeout`.
        match control.read(&mut buffer) {
            Ok(0) => ftp.handle_control(now, ControlEvent::Closed),
            Ok(count) => ftp.handle_input(now, &buffer[..count]).map_err(io::Error::other)?,
            Err(error) if error.kind() == WouldBlock => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(error) => return Err(error),
        }

        // 3. Data: the machine never sees the bytes, it only counts them.
        if let Some((id, socket)) = &mut data {
            match socket.read(&mut buffer) {
                Ok(0) => ftp.handle_data(now, *id, DataEvent::Finished),
                Ok(count) => {
                    sink.write_all(&buffer[..count])?;
                    ftp.handle_data(now, *id, DataEvent::Progress(count as u64));
                }
                Err(error) if error.kind() == WouldBlock => {}
                Err(_) => ftp.handle_data(now, *id, DataEvent::Failed(DataFailure::Broken)),
            }
        }

        // 4. Deadlines.
        if ftp.poll_timeout().is_some_and(|deadline| deadline <= now) {
            ftp.handle_timeout(now);
        }

        // 5. Orders to the driver.
        while let Some(action) = ftp.poll_action() {
            match action {
                Action::OpenData(id, DataEndpoint::Connect { host, port }) => {
                    let host: IpAddr = match host {
                        DataHost::ControlPeer => peer.ip(),
                        DataHost::Address(address) => address,
                    };
                    let event = match TcpStream::connect(SocketAddr::new(host, port)) {
                        Ok(socket) => {
                            socket.set_nonblocking(true)?;
                            data = Some((id, socket));
                            DataEvent::Connected
                        }
                        Err(_) => DataEvent::Failed(DataFailure::Open),
                    };
                    ftp.handle_data(now, id, event);
                }
                Action::CloseData(_) => data = None,
                Action::CloseControl | Action::StartTransfer { .. } | Action::Discard(_) => {}
                // Not used here: TLS, active mode.
                other => return Err(io::Error::other(format!("unexpected order: {other:?}"))),
            }
        }

        // 6. Events for the application.
        while let Some(event) = ftp.poll_event() {
            if let Event::Completed(mut done) = event {
                match (done.take(get), done.error()) {
                    (Some(result), _) => {
                        return result.map(|transfer| transfer.bytes).map_err(io::Error::other);
                    }
                    (None, Some(error)) => return Err(io::Error::other(error.clone())),
                    (None, None) => {}
                }
            }
        }
    }
}
