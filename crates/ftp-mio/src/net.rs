//! Connections on mio: each is registered once, edge-triggered, for both reading and writing

use std::io;
use std::net::{Shutdown, SocketAddr};

use ftp_session::{Interest, Slot, Transport, Trigger, system};
use mio::net::{TcpListener, TcpStream};
use mio::{Registry, Token};

/// A session's connections, on the application's registry
pub(crate) struct Net<'a> {
    pub(crate) registry: &'a Registry,
    /// The token of the first slot
    pub(crate) first: Token,
}

impl Net<'_> {
    const fn token(&self, slot: Slot) -> Token {
        Token(self.first.0 + slot as usize)
    }

    fn register(&self, slot: Slot, stream: &mut TcpStream) -> io::Result<()> {
        let both = mio::Interest::READABLE | mio::Interest::WRITABLE;
        self.registry.register(stream, self.token(slot), both)
    }
}

impl Transport for Net<'_> {
    type Stream = TcpStream;
    type Listener = TcpListener;

    const TRIGGER: Trigger = Trigger::Edge;

    fn connect(
        &mut self,
        slot: Slot,
        to: SocketAddr,
        from: Option<SocketAddr>,
    ) -> io::Result<TcpStream> {
        let mut stream = TcpStream::from_std(system::begin_connect(to, from)?);
        self.register(slot, &mut stream)?;
        Ok(stream)
    }

    fn connected(&mut self, slot: Slot, stream: &mut TcpStream) -> io::Result<Option<Interest>> {
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => {}
            // mio may report events spuriously.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                return Ok(Some(Interest::WRITE));
            }
            Err(error) => return Err(error),
        }
        if slot.is_control() {
            stream.set_nodelay(true)?;
            system::keep_alive(stream);
        }
        Ok(None)
    }

    fn no_delay(&mut self, stream: &mut TcpStream) {
        // Without it the connection is slower, but works.
        let _ = stream.set_nodelay(true);
    }

    fn local_addr(&self, stream: &TcpStream) -> io::Result<SocketAddr> {
        stream.local_addr()
    }

    fn listen(&mut self, slot: Slot, on: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
        let listener = system::listen(on)?;
        let address = listener.local_addr()?;
        let mut listener = TcpListener::from_std(listener);
        self.registry.register(&mut listener, self.token(slot), mio::Interest::READABLE)?;
        Ok((listener, address))
    }

    fn accept(
        &mut self,
        slot: Slot,
        listener: &mut TcpListener,
    ) -> io::Result<(TcpStream, SocketAddr)> {
        let (mut stream, peer) = listener.accept()?;
        self.register(slot, &mut stream)?;
        Ok((stream, peer))
    }

    fn shutdown(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        stream.shutdown(Shutdown::Write)
    }

    fn reset_on_close(&mut self, stream: &mut TcpStream) {
        system::reset_on_close(stream);
    }

    fn close(&mut self, mut stream: TcpStream) {
        // The stream is closed next, which also deregisters it if this fails.
        let _ = self.registry.deregister(&mut stream);
    }

    fn close_listener(&mut self, mut listener: TcpListener) {
        // As for a stream.
        let _ = self.registry.deregister(&mut listener);
    }
}
