//! A whole FTPS session over std's sockets and poll(2)
//!
//! ```text
//! cargo run -p ftp-tests --example poll -- [HOST[:PORT] USER PASSWORD DOWNLOAD UPLOAD [CA-FILE]]
//! ```

use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use ftp_session::{Op, Origin, Output, Session, system::Sockets};
use ftp_tests::embedded::{Brought, CONTENT, Result, Target};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

struct Ftp(Session<TcpStream, TcpListener>, Origin);

/// Runs until the request ends
fn run<T: Output>(op: Op<T>, ftp: &mut Ftp, into: &mut Vec<u8>, mut from: &[u8]) -> Result<T> {
    let Ftp(session, clock) = ftp;
    loop {
        let result = session.advance(op, &mut Sockets::default(), into, &mut from, clock.now());
        if let Some(result) = result {
            return Ok(result?);
        }
        let sockets: Vec<_> = session.sockets().collect();
        let entries = sockets.iter().map(|(_, socket, interest)| {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::IN, interest.read);
            flags.set(PollFlags::OUT, interest.write);
            PollFd::new(socket, flags)
        });
        let timeout = session.timeout(clock.now()).map(Timespec::try_from).transpose()?;
        poll(&mut entries.collect::<Vec<_>>(), timeout.as_ref())?;
        session.ready_all();
    }
}

pub fn session(target: &Target) -> Result<Brought> {
    let clock = Origin::new(Instant::now());
    let session = Session::new(&target.addresses, target.options.clone(), clock.now())?;
    let (mut ftp, mut brought) = (Ftp(session, clock), Brought::default());
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
