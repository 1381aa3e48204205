//! A whole FTPS session over std's sockets and `polling`, which uses epoll, kqueue or IOCP
//!
//! The sockets are registered anew for each wait. A shell with many sessions registers each connection once, in a
//! `Transport` of its own. In version 3 of `polling` registering is `unsafe`, because a socket must be deleted before
//! it is closed; the rest is the same there.
//!
//! ```text
//! cargo run -p ftp-tests --example polling -- [HOST[:PORT] USER PASSWORD DOWNLOAD UPLOAD [CA-FILE]]
//! ```

use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Instant;

use ftp_session::{Interest, Op, Origin, Output, Session, Slot, system::Sockets};
use ftp_tests::embedded::{Brought, CONTENT, Result, Target};
use polling::{Event, Poller};

struct Ftp(Session<TcpStream, TcpListener>, Origin, Poller);

/// Runs until the request ends
fn run<T: Output>(op: Op<T>, ftp: &mut Ftp, into: &mut Vec<u8>, mut from: &[u8]) -> Result<T> {
    let Ftp(session, clock, poller) = ftp;
    loop {
        let result = session.advance(op, &mut Sockets::default(), into, &mut from, clock.now());
        if let Some(result) = result {
            return Ok(result?);
        }
        let (mut sockets, mut events) = (Vec::new(), Vec::new());
        for (slot, socket, Interest { read, write }) in session.sockets() {
            let event = Event { key: slot as usize, readable: read, writable: write };
            poller.add(socket.as_fd().as_raw_fd(), event)?;
            sockets.push(socket.as_fd().as_raw_fd());
        }
        poller.wait(&mut events, session.timeout(clock.now()))?;
        for socket in sockets {
            poller.delete(socket)?;
        }
        for event in events {
            let ready = Interest { read: event.readable, write: event.writable };
            session.ready(Slot::ALL[event.key], ready);
        }
    }
}

pub fn session(target: &Target) -> Result<Brought> {
    let clock = Origin::new(Instant::now());
    let session = Session::new(&target.addresses, target.options.clone(), clock.now())?;
    let (mut ftp, mut brought) = (Ftp(session, clock, Poller::new()?), Brought::default());
    ftp.0.start();
    run(ftp.0.request().login(&target.user, &target.password), &mut ftp, &mut vec![], b"")?;
    run(ftp.0.request().list(""), &mut ftp, &mut brought.listing, b"")?;
    run(ftp.0.request().get(&target.download), &mut ftp, &mut brought.file, b"")?;
    run(ftp.0.request().put(&target.upload), &mut ftp, &mut vec![], CONTENT)?;
    run(ftp.0.request().quit(), &mut ftp, &mut vec![], b"")?;
    Ok(brought)
}

fn main() -> Result<()> {
    Target::visit(session)
}
