//! Connections on std's sockets, which never block

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use super::{begin_connect, keep_alive};
use crate::transport::{Interest, Slot, Transport, Trigger};

/// A session's connections on std's sockets, for shells that wait with poll(2) or its like
///
/// Before each wait such a shell asks [`Session::sockets`](crate::Session::sockets), and afterwards tells
/// [`Session::ready`](crate::Session::ready), and [`Self::found`], what there was.
#[derive(Debug, Default)]
pub struct Tcp {
    /// What the last wait has found for each slot's connection
    found: [Found; Slot::ALL.len()],
}

/// What a wait has found out about a connection
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "poll(2) tells no more")]
pub enum Found {
    /// Nothing
    #[default]
    Nothing,
    /// It can be written, and neither has broken nor ended
    Writable,
    /// It has broken or ended
    Broken,
}

impl Tcp {
    /// Takes note of what a wait has found out, which saves a system call for each connection
    pub const fn found(&mut self, slot: Slot, found: Found) {
        self.found[slot as usize] = found;
    }
}

impl Transport for Tcp {
    type Stream = TcpStream;
    type Listener = TcpListener;

    const TRIGGER: Trigger = Trigger::Level;

    fn connect(
        &mut self,
        slot: Slot,
        to: SocketAddr,
        from: Option<SocketAddr>,
    ) -> io::Result<TcpStream> {
        self.found(slot, Found::Nothing);
        begin_connect(to, from)
    }

    fn connected(&mut self, slot: Slot, stream: &mut TcpStream) -> io::Result<Option<Interest>> {
        // Linux says of a connection that could not be opened that it has broken, so the question for the error, a
        // system call for each file, has an answer already.
        if !cfg!(target_os = "linux") || self.found[slot as usize] != Found::Writable {
            match stream.take_error()? {
                Some(error) => return Err(error),
                None if cfg!(target_os = "linux") => {}
                // Writable without a peer: connected and lost at once.
                None => {
                    stream.peer_addr()?;
                }
            }
        }
        if slot.is_control() {
            stream.set_nodelay(true)?;
            keep_alive(stream);
        }
        Ok(None)
    }

    fn no_delay(&mut self, stream: &mut TcpStream) {
        // It only saves time.
        let _ = stream.set_nodelay(true);
    }

    fn local_addr(&self, stream: &TcpStream) -> io::Result<SocketAddr> {
        stream.local_addr()
    }

    fn listen(&mut self, _: Slot, on: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
        let listener = super::listen(on)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    fn accept(
        &mut self,
        _: Slot,
        listener: &mut TcpListener,
    ) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = listener.accept()?;
        stream.set_nonblocking(true)?;
        Ok((stream, peer))
    }

    fn shutdown(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        stream.shutdown(Shutdown::Write)
    }

    fn close(&mut self, _: TcpStream) {}

    fn close_listener(&mut self, _: TcpListener) {}
}

/// Puts a stream that the session has not made into the mode that it needs
///
/// # Errors
///
/// Those of the system.
pub fn adopt(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)
}
