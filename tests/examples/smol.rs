//! A whole FTPS session over std's sockets in `async` functions, here on `smol`
//!
//! Nothing is lost if a future is dropped while it waits: the next one continues.
//!
//! ```text
//! cargo run -p ftp-tests --example smol -- [HOST[:PORT] USER PASSWORD DOWNLOAD UPLOAD [CA-FILE]]
//! ```

use std::future::{Future, poll_fn};
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use ftp_session::{Interest, Op, Origin, Output, Session, system::Sockets};
use ftp_tests::embedded::{Brought, CONTENT, Result, Target};
use smol::{Async, Timer};

struct Ftp(Session<TcpStream, TcpListener>, Origin);

/// Runs until the request ends
async fn run<T: Output>(
    op: Op<T>,
    ftp: &mut Ftp,
    into: &mut Vec<u8>,
    mut from: &[u8],
) -> Result<T> {
    let Ftp(session, clock) = ftp;
    loop {
        let result = session.advance(op, &mut Sockets::default(), into, &mut from, clock.now());
        if let Some(result) = result {
            return Ok(result?);
        }
        let mut timer = session.timeout(clock.now()).map_or_else(Timer::never, Timer::after);
        let mut sockets = Vec::new();
        for (_, socket, interest) in session.sockets() {
            sockets.push((Async::new_nonblocking(socket)?, interest));
        }
        poll_fn(|context| {
            let mut wake = Pin::new(&mut timer).poll(context).is_ready();
            for (socket, Interest { read, write }) in &sockets {
                wake |= *read && socket.poll_readable(context).is_ready();
                wake |= *write && socket.poll_writable(context).is_ready();
            }
            if wake { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        drop(sockets);
        session.ready_all();
    }
}

pub async fn session(target: &Target) -> Result<Brought> {
    let clock = Origin::new(Instant::now());
    let session = Session::new(&target.addresses, target.options.clone(), clock.now())?;
    let (mut ftp, mut brought) = (Ftp(session, clock), Brought::default());
    ftp.0.start();
    run(ftp.0.request().login(&target.user, &target.password), &mut ftp, &mut vec![], b"").await?;
    run(ftp.0.request().list(""), &mut ftp, &mut brought.listing, b"").await?;
    run(ftp.0.request().get(&target.download), &mut ftp, &mut brought.file, b"").await?;
    run(ftp.0.request().put(&target.upload), &mut ftp, &mut vec![], CONTENT).await?;
    run(ftp.0.request().quit(), &mut ftp, &mut vec![], b"").await?;
    Ok(brought)
}

fn main() -> Result<()> {
    Target::visit(|target| smol::block_on(session(target)))
}
