//! Connections on sockets that never block

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use ftp_session::{Interest, Slot, Transport, Trigger, system};

/// The connections of a session; they are waited for with poll(2)
pub(crate) struct Net;

impl Transport for Net {
    type Stream = TcpStream;
    type Listener = TcpListener;

    const TRIGGER: Trigger = Trigger::Level;

    fn connect(
        &mut self,
        _: Slot,
        to: SocketAddr,
        from: Option<SocketAddr>,
    ) -> io::Result<TcpStream> {
        system::begin_connect(to, from)
    }

    fn connected(&mut self, slot: Slot, stream: &mut TcpStream) -> io::Result<Option<Interest>> {
        match stream.take_error()? {
            Some(error) => return Err(error),
            // Linux has told why, if there is no connection.
            None if cfg!(target_os = "linux") => {}
            // Writable without a peer: connected and lost at once.
            None => {
                stream.peer_addr()?;
            }
        }
        if slot.is_control() {
            system::keep_alive(stream);
        }
        Ok(None)
    }

    fn local_addr(&self, stream: &TcpStream) -> io::Result<SocketAddr> {
        stream.local_addr()
    }

    fn listen(&mut self, _: Slot, on: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
        let listener = system::listen(on)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    fn accept(
        &mut self,
        _: Slot,
        listener: &mut TcpListener,
    ) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = listener.accept()?;
        adopt(&stream)?;
        Ok((stream, peer))
    }

    fn shutdown(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        stream.shutdown(Shutdown::Write)
    }

    fn close(&mut self, _: TcpStream) {}

    fn close_listener(&mut self, _: TcpListener) {}
}

/// The mode that a session needs, whoever made the stream
pub(crate) fn adopt(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)
}
