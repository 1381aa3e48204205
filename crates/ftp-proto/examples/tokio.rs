//! The core in an async runtime, with all waits in one `select!`: `tokio HOST:PORT PATH`
//!
//! Plain FTP, passive mode, one file to standard output. The branches of `select!` are levels of the machine, and reads
//! and writes that lose nothing when they are dropped, so it does not matter which of them completes first.

#![expect(
    clippy::disallowed_methods,
    reason = "the clock, which the core has not, is a driver's business"
)]

use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Instant;

use ftp_proto::{
    Action, Client, Config, ControlEvent, DataEndpoint, DataEvent, DataFailure, DataHost, DataId,
    Event, IpFamily, Time, TlsPolicy,
};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep_until;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(server), Some(path)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: tokio HOST:PORT PATH"));
    };
    fetch(&server, &path, &mut tokio::io::stdout()).await.map(|_| ())
}

type Connecting = Pin<Box<dyn Future<Output = io::Result<TcpStream>>>>;

enum Data {
    None,
    Connecting(DataId, Connecting),
    Open(DataId, TcpStream),
}

impl Data {
    /// Returns the next event of the data connection; never completes if there is none
    async fn next(&mut self, buffer: &mut [u8]) -> (DataId, DataEvent) {
        match self {
            Self::None => pending().await,
            Self::Connecting(id, connecting) => {
                let (id, result) = (*id, connecting.await);
                match result {
                    Ok(socket) => {
                        *self = Self::Open(id, socket);
                        (id, DataEvent::Connected)
                    }
                    Err(_) => {
                        *self = Self::None;
                        (id, DataEvent::Failed(DataFailure::Open))
                    }
                }
            }
            Self::Open(id, socket) => match socket.read(buffer).await {
                Ok(0) => (*id, DataEvent::Finished),
                Ok(count) => (*id, DataEvent::Progress(count as u64)),
                Err(_) => (*id, DataEvent::Failed(DataFailure::Broken)),
            },
        }
    }
}

/// Returns the number of bytes
async fn fetch(server: &str, path: &str, sink: &mut (impl AsyncWrite + Unpin)) -> io::Result<u64> {
    let mut control = TcpStream::connect(server).await?;
    let peer = control.peer_addr()?;
    let (mut reader, mut writer) = control.split();
    // The origin of the machine's times.
    let begun = Instant::now();
    let now = || Time::after_origin(begun.elapsed());
    let config = Config::new(TlsPolicy::Plaintext);
    let mut ftp = Client::new(config, IpFamily::of(&peer), now());
    ftp.login("anonymous", "guest@");
    let get = ftp.get(path);
    let mut data = Data::None;
    let (mut replies, mut buffer) = ([0; 4096], vec![0; 64 * 1024]);
    loop {
        while let Some(action) = ftp.poll_action() {
            match action {
                Action::OpenData(id, DataEndpoint::Connect { host, port }) => {
                    let ip = match host {
                        DataHost::ControlPeer => peer.ip(),
                        DataHost::Address(address) => address,
                    };
                    let connecting = TcpStream::connect(SocketAddr::new(ip, port));
                    data = Data::Connecting(id, Box::pin(connecting));
                }
                Action::CloseData(_) => data = Data::None,
                Action::CloseControl | Action::StartTransfer { .. } | Action::Discard(_) => {}
                // Not used here: TLS, active mode.
                other => return Err(io::Error::other(format!("unexpected order: {other:?}"))),
            }
        }
        while let Some(event) = ftp.poll_event() {
            if let Event::Completed(mut done) = event {
                match (done.take(get), done.error()) {
                    (Some(result), _) => {
                        sink.flush().await?;
                        return result.map(|transfer| transfer.bytes).map_err(io::Error::other);
                    }
                    (None, Some(error)) => return Err(io::Error::other(error.clone())),
                    (None, None) => {}
                }
            }
        }

        let transmit = ftp.poll_transmit();
        // A deadline that the clock can't represent is never reached.
        let deadline = ftp.poll_timeout().and_then(|at| begun.checked_add(at.since_origin()));
        tokio::select! {
            written = writer.write(transmit.unwrap_or_default()), if transmit.is_some() => {
                ftp.handle_transmit(now(), written?);
            }
            count = reader.read(&mut replies), if ftp.wants_input() => match count? {
                0 => ftp.handle_control(now(), ControlEvent::Closed),
                count => {
                    // An error that ends the session is also reported as an event.
                    let _ = ftp.handle_input(now(), &replies[..count]);
                }
            },
            (id, event) = data.next(&mut buffer) => {
                if let DataEvent::Progress(count) = event {
                    sink.write_all(&buffer[..count as usize]).await?;
                }
                if matches!(event, DataEvent::Finished | DataEvent::Failed(_)) {
                    // At its end a socket stays readable for ever.
                    data = Data::None;
                }
                ftp.handle_data(now(), id, event);
            }
            () = sleep_until(deadline.unwrap_or_else(Instant::now).into()), if deadline.is_some() => {
                ftp.handle_timeout(now());
            }
        }
    }
}
