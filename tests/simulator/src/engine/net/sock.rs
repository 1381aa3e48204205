//! The client's ends of connections, as the session uses them

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;

use ftp_proto::DataFailure;
use ftp_session::{Interest, Slot, Transport, Trigger};

use super::Shared;
use crate::MoveEnd;

/// The client's end of a connection
#[derive(Debug)]
pub(in super::super) struct Sock {
    net: Shared,
    pub(in super::super) link: usize,
}

impl Sock {
    pub(in super::super) fn new(net: &Shared, link: usize) -> Self {
        Self { net: Rc::clone(net), link }
    }

    /// Returns the result of the attempt to connect; `None` while it is pending
    pub(in super::super) fn outcome(&self) -> Option<io::Result<()>> {
        let mut net = self.net.borrow_mut();
        let link = net.link(self.link);
        if link.refused {
            net.note_end(self.link, MoveEnd::Failed(DataFailure::Open));
            return Some(Err(io::ErrorKind::ConnectionRefused.into()));
        }
        link.open.then_some(Ok(()))
    }
}

impl Read for Sock {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut net = self.net.borrow_mut();
        let result = net.read(self.link, buffer);
        net.note(|| format!("  read {} {result:?}", self.link));
        result
    }
}

impl Write for Sock {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut net = self.net.borrow_mut();
        let result = net.write(self.link, bytes);
        net.note(|| format!("  write {} {} {result:?}", self.link, bytes.len()));
        result
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The client's listener
#[derive(Debug)]
pub(in super::super) struct Listening;

/// The network for a shell that asks before each wait
#[derive(Debug)]
pub(in super::super) struct Level(pub(in super::super) Shared);

/// The network for a shell that is told once
#[derive(Debug)]
pub(in super::super) struct Edge(pub(in super::super) Shared);

macro_rules! transport {
    ($name:ident) => {
        impl Transport for $name {
            type Stream = Sock;
            type Listener = Listening;

            const TRIGGER: Trigger = Trigger::$name;

            fn connect(
                &mut self,
                slot: Slot,
                to: SocketAddr,
                _: Option<SocketAddr>,
            ) -> io::Result<Sock> {
                let link = self.0.borrow_mut().connect(slot, to)?;
                Ok(Sock::new(&self.0, link))
            }

            fn connected(&mut self, _: Slot, sock: &mut Sock) -> io::Result<Option<Interest>> {
                match sock.outcome() {
                    None => Ok(Some(Interest::WRITE)),
                    Some(result) => result.map(|()| None),
                }
            }

            fn local_addr(&self, sock: &Sock) -> io::Result<SocketAddr> {
                Ok(super::local(sock.link))
            }

            fn listen(
                &mut self,
                slot: Slot,
                on: SocketAddr,
            ) -> io::Result<(Listening, SocketAddr)> {
                Ok((Listening, self.0.borrow_mut().listen(slot, on)))
            }

            fn accept(&mut self, slot: Slot, _: &mut Listening) -> io::Result<(Sock, SocketAddr)> {
                let mut net = self.0.borrow_mut();
                let link = net.accept().ok_or(io::ErrorKind::WouldBlock)?;
                net.opened_by_server(link, slot);
                Ok((Sock::new(&self.0, link), SocketAddr::new(super::THERE, 20)))
            }

            fn shutdown(&mut self, sock: &mut Sock) -> io::Result<()> {
                self.0.borrow_mut().shut_down(sock.link);
                Ok(())
            }

            fn reset_on_close(&mut self, sock: &mut Sock) {
                self.0.borrow_mut().reset_on_close(sock.link);
            }

            fn close(&mut self, sock: Sock) {
                self.0.borrow_mut().close(sock.link);
            }

            fn close_listener(&mut self, _: Listening) {
                self.0.borrow_mut().stop_listening();
            }
        }
    };
}

transport!(Level);
transport!(Edge);
