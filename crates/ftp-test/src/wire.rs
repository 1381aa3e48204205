//! A connection of a [`Server`](crate::Server), in clear text or in TLS

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// The TLS settings of a server; without a TLS feature there are none
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
#[derive(Clone, Debug)]
pub(crate) enum Tls {}
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub(crate) use crate::tls::Tls;

#[derive(Debug)]
pub(crate) enum Wire {
    Clear(TcpStream),
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    Secure(Box<rustls::StreamOwned<rustls::ServerConnection, TcpStream>>),
}

impl Wire {
    /// Wraps the socket in TLS and completes the handshake
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    pub(crate) fn secure(socket: TcpStream, tls: &Tls) -> io::Result<Self> {
        let mut stream = Box::new(tls.stream(socket));
        crate::tls::handshake(&mut stream.conn, &mut stream.sock)?;
        Ok(Self::Secure(stream))
    }

    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    pub(crate) fn secure(_: TcpStream, tls: &Tls) -> io::Result<Self> {
        match *tls {}
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        match self {
            Self::Clear(socket) => socket,
            #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
            Self::Secure(stream) => &stream.sock,
        }
    }

    /// Sends close_notify under TLS; in clear text, closing the socket marks the end
    #[cfg_attr(
        not(any(feature = "aws-lc-rs", feature = "ring")),
        expect(clippy::needless_pass_by_ref_mut, reason = "TLS changes its state")
    )]
    pub(crate) fn end(&mut self) {
        match self {
            Self::Clear(_) => {}
            #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
            Self::Secure(stream) => crate::tls::close_notify(&mut stream.conn, &mut stream.sock),
        }
    }

    /// Makes dropping the connection send a reset
    pub(crate) fn reset(&self) -> io::Result<()> {
        socket2::SockRef::from(self.socket()).set_linger(Some(Duration::ZERO))
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(socket) => socket.read(buffer),
            #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
            Self::Secure(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(socket) => socket.write(bytes),
            #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
            Self::Secure(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(socket) => socket.flush(),
            #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
            Self::Secure(stream) => stream.flush(),
        }
    }
}
