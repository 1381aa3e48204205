//! A whole FTPS session on io_uring, whose reads and writes complete later: the session works on pipes
//!
//! ```text
//! cargo run -p ftp-tests --example io_uring -- [HOST[:PORT] USER PASSWORD DOWNLOAD UPLOAD [CA-FILE]]
//! ```

use std::convert::Infallible;
use std::time::{Duration, Instant};

use compio::io::{AsyncRead, AsyncWrite};
use compio::{BufResult, net::TcpStream, runtime::Runtime, time::timeout};
use ftp_session::{DialRequest, Op, Operation, Origin, Output, Pipe, PipeId, Pipes, Session};
use ftp_tests::embedded::{Brought, CONTENT, Result, Target};
use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};

type UnderWay = FuturesUnordered<LocalBoxFuture<'static, (PipeId, BufResult<usize, Operation>)>>;
struct Ftp(Session<Pipe, Infallible>, Origin, Pipes<TcpStream>, UnderWay);

/// Runs until the request ends
async fn run<T: Output>(
    op: Op<T>,
    ftp: &mut Ftp,
    into: &mut Vec<u8>,
    mut from: &[u8],
) -> Result<T> {
    let Ftp(session, clock, pipes, under_way) = ftp;
    loop {
        if let Some(result) = session.advance(op, pipes, into, &mut from, clock.now()) {
            return Ok(result?);
        }
        if let Some(DialRequest { id, host, port, .. }) = session.dial_request() {
            let socket = TcpStream::connect((host.to_string(), port)).await;
            let dialed = socket.map(|socket| (pipes.add(id.slot(), socket), None));
            session.dialed(id, dialed, clock.now());
        }
        while let Some((id, socket, operation)) = pipes.next_operation(session) {
            let done = perform(socket.clone(), operation).map(move |done| (id, done));
            under_way.push(done.boxed_local());
        }
        let limit = session.timeout(clock.now()).unwrap_or(Duration::from_secs(60));
        if let Ok(Some((id, BufResult(result, done)))) = timeout(limit, under_way.next()).await {
            pipes.done(session, id, done, result);
        }
        session.ready_all();
    }
}

async fn perform(mut socket: TcpStream, operation: Operation) -> BufResult<usize, Operation> {
    match operation {
        Operation::Read(buffer) => socket.read(buffer).await.map_buffer(Operation::Read),
        Operation::Write(bytes) => socket.write(bytes).await.map_buffer(Operation::Write),
        Operation::Shutdown => BufResult(socket.shutdown().await.map(|()| 0), operation),
    }
}

pub async fn session(target: &Target) -> Result<Brought> {
    let clock = Origin::new(Instant::now());
    let session =
        Session::dialed_by_shell(&target.host, target.port, target.options.clone(), clock.now())?;
    let (mut ftp, mut brought) =
        (Ftp(session, clock, Pipes::new(), UnderWay::new()), Brought::default());
    ftp.0.start();
    run(ftp.0.request().login(&target.user, &target.password), &mut ftp, &mut vec![], b"").await?;
    run(ftp.0.request().list(""), &mut ftp, &mut brought.listing, b"").await?;
    run(ftp.0.request().get(&target.download), &mut ftp, &mut brought.file, b"").await?;
    run(ftp.0.request().put(&target.upload), &mut ftp, &mut vec![], CONTENT).await?;
    run(ftp.0.request().quit(), &mut ftp, &mut vec![], b"").await?;
    Ok(brought)
}

fn main() -> Result<()> {
    Target::visit(|target| Runtime::new()?.block_on(session(target)))
}
