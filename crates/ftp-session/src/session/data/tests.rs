use ftp_proto::{Config, Time, TlsPolicy};

use super::*;
use crate::pipe::Pipe;
use crate::transport::{Interest, Trigger};

/// Connections that open immediately and lead nowhere
struct Nowhere;

impl Transport for Nowhere {
    type Stream = Pipe;
    type Listener = ();

    const TRIGGER: Trigger = Trigger::Edge;

    fn connect(&mut self, _: Slot, _: SocketAddr, _: Option<SocketAddr>) -> io::Result<Pipe> {
        Ok(Pipe::new())
    }

    fn connected(&mut self, _: Slot, _: &mut Pipe) -> io::Result<Option<Interest>> {
        Ok(None)
    }

    fn local_addr(&self, _: &Pipe) -> io::Result<SocketAddr> {
        Ok(SocketAddr::from(([192, 0, 2, 1], 40_000)))
    }

    fn listen(&mut self, _: Slot, on: SocketAddr) -> io::Result<((), SocketAddr)> {
        Ok(((), on))
    }

    fn accept(&mut self, _: Slot, (): &mut ()) -> io::Result<(Pipe, SocketAddr)> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn shutdown(&mut self, pipe: &mut Pipe) -> io::Result<()> {
        pipe.shut_down();
        Ok(())
    }

    fn close(&mut self, _: Pipe) {}

    fn close_listener(&mut self, (): ()) {}
}

/// A session whose data connection is being opened
fn connecting(now: Time) -> (Session<Pipe, ()>, DataId) {
    let server = SocketAddr::from(([192, 0, 2, 9], 21));
    let mut config = Config::new(TlsPolicy::Plaintext);
    config.pipeline = false;
    let mut session = Session::<Pipe, ()>::new(&[server], config, now).unwrap();
    session.start();
    session.request().login("u", "p");
    session.request().get("f");
    session.turn(&mut Nowhere, now);
    session.ready(Slot::Control, Interest::BOTH);
    let replies = ["220 ready", "331 password", "230 welcome", "200 binary", "229 (|||5000|)"];
    let mut sent = Vec::new();
    for reply in replies {
        let pipe = session.stream_mut(Slot::Control).unwrap();
        let line = format!("{reply}\r\n");
        assert_eq!(pipe.receive(line.as_bytes()), line.len());
        session.ready(Slot::Control, Interest::BOTH);
        session.turn(&mut Nowhere, now);
        let pipe = session.stream_mut(Slot::Control).unwrap();
        sent = pipe.unsent().to_vec();
        pipe.sent(sent.len());
    }
    assert_eq!(sent, b"");
    let Some(Data { id, state: DataState::Connecting(..), .. }) = session.data else {
        panic!("{:?}", session.data)
    };
    (session, id)
}

/// An order that comes too early closes the data connection, and the machine is told
#[test]
fn an_order_that_does_not_fit_is_reported() {
    type Order = fn(&mut Session<Pipe, ()>, DataId, Time);
    let orders: [Order; 2] = [Session::begin_secure_data, |session, id, now| {
        session.start_transfer(id, None, Direction::Download, Encoding::Image, now);
    }];
    for order in orders {
        let now = Time::ZERO;
        let (mut session, id) = connecting(now);
        order(&mut session, id, now);
        let known = session.data_failure.take();
        assert!(known.is_some_and(|known| known.failure == DataFailure::Broken));
        session.turn(&mut Nowhere, now);
        assert!(session.data.is_none());
        // The same follows after any connection that could not be opened.
        assert_eq!(session.stream_mut(Slot::Control).unwrap().unsent(), b"PASV\r\n");
    }
}
