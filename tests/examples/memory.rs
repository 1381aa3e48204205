//! A whole FTPS session with a server in the same memory, in simulated time
//!
//! The session's connections are pipes, whose bytes the shell carries. Each direction takes half a second of simulated
//! time, so the program does not wait.
//!
//! ```text
//! cargo run -p ftp-tests --example memory
//! ```

use std::convert::Infallible;
use std::time::Duration;

use ftp_session::{Op, Output, Pipe, Pipes, Session, Slot, Time};
use ftp_tests::embedded::{Brought, CONTENT, Result};
use ftp_tests::memory::Server;

struct Ftp<'a>(Session<Pipe, Infallible>, Pipes<Slot>, &'a mut Server, Time);

/// Runs until the request ends
fn run<T: Output>(op: Op<T>, ftp: &mut Ftp<'_>, into: &mut Vec<u8>, mut from: &[u8]) -> Result<T> {
    let Ftp(session, pipes, server, now) = ftp;
    loop {
        if let Some(result) = session.advance(op, pipes, into, &mut from, *now) {
            return Ok(result?);
        }
        if let Some(id) = session.dial_request().map(|request| request.id) {
            session.dialed(id, Ok((pipes.add(id.slot(), id.slot()), None)), *now);
        }
        pipes.for_each(session, |slot, pipe| server.carry(*slot, pipe));
        session.ready_all();
        *now += Duration::from_millis(500);
    }
}

pub fn session(server: &mut Server) -> Result<Brought> {
    let session = Session::dialed_by_shell("localhost", 21, Server::options(), Time::ZERO)?;
    let (mut ftp, mut brought) =
        (Ftp(session, Pipes::new(), server, Time::ZERO), Brought::default());
    ftp.0.start();
    run(ftp.0.request().login("u", "p"), &mut ftp, &mut vec![], b"")?;
    run(ftp.0.request().list(""), &mut ftp, &mut brought.listing, b"")?;
    run(ftp.0.request().get("file"), &mut ftp, &mut brought.file, b"")?;
    run(ftp.0.request().put("new file"), &mut ftp, &mut vec![], CONTENT)?;
    run(ftp.0.request().quit(), &mut ftp, &mut vec![], b"")?;
    println!("{:?} of simulated time", ftp.3.since_origin());
    Ok(brought)
}

fn main() -> Result<()> {
    session(&mut Server::with_file())?.print();
    Ok(())
}
