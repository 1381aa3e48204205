//! One file to standard output: `get URL`
//!
//! ```text
//! cargo run -p ftp-mio --example get -- ftp://ftp.example.org/pub/README
//! ```

mod common;

use std::error::Error;
use std::io::{self, Write};
use std::time::Instant;

use ftp_mio::mio::{Events, Poll, Token};
use ftp_mio::{Event, Moved, Session};

use common::Target;

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: get ftp://[USER:PASSWORD@]HOST[:PORT]/PATH")?;
    let target = Target::parse(&url)?;
    let mut out = io::stdout().lock();

    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(16);
    let mut ftp = Session::connect(poll.registry(), Token(0), &target.addresses, target.options)?;
    // Requests are queued: their results arrive as events.
    let login = ftp.login(&target.user, &target.password);
    let get = ftp.get(&target.path);
    ftp.quit();

    let mut buffer = vec![0; 128 * 1024];
    loop {
        poll.poll(&mut events, ftp.timeout(Instant::now()))?;
        for event in &events {
            ftp.handle_event(event);
        }
        ftp.turn(poll.registry(), Instant::now());
        while let Some(event) = ftp.poll_event() {
            match event {
                Event::Completed(mut done) => {
                    if let Some(result) = done.take(login) {
                        result?;
                    }
                    if let Some(result) = done.take(get) {
                        // Only now is the file known to be complete.
                        result?;
                        out.flush()?;
                    }
                }
                Event::Closed(_) => return Ok(()),
                _ => {}
            }
        }
        while let Moved::Bytes(count) = ftp.read_data(&mut buffer) {
            out.write_all(&buffer[..count])?;
        }
    }
}
