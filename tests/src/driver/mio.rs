//! ftp-mio, with one poll per session

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ftp_mio::mio::net::{TcpListener, TcpStream};
use ftp_mio::mio::{Events, Poll, Token};
use ftp_mio::{Error, Moved, Options};
use ftp_proto::Time;
use ftp_session::Session;

use super::Driver;

/// A session of ftp-mio
#[derive(Debug)]
pub struct Mio {
    ftp: ftp_mio::Session,
    poll: Poll,
    ready: Events,
}

impl Driver for Mio {
    type Stream = TcpStream;
    type Listener = TcpListener;

    fn open(addresses: &[SocketAddr], options: Options) -> Result<Self, Error> {
        let ftp = ftp_mio::Session::new(Token(7), addresses, options)?;
        let poll = Poll::new().map_err(Error::Local)?;
        Ok(Self { ftp, poll, ready: Events::with_capacity(8) })
    }

    fn session(&self) -> &Session<TcpStream, TcpListener> {
        self.ftp.engine()
    }

    fn session_mut(&mut self) -> &mut Session<TcpStream, TcpListener> {
        self.ftp.engine_mut()
    }

    fn now(&self) -> Time {
        self.ftp.now()
    }

    fn wait(drivers: &mut [&mut Self]) {
        // Each has its own poll, so several are polled in turn.
        let at_most = (drivers.len() > 1).then_some(Duration::from_millis(5));
        for driver in drivers {
            let timeout = driver.ftp.timeout(Instant::now());
            let timeout = at_most.map_or(timeout, |most| Some(timeout.unwrap_or(most).min(most)));
            driver.poll.poll(&mut driver.ready, timeout).unwrap();
            for event in &driver.ready {
                assert!(driver.ftp.handle_event(event));
            }
            driver.ftp.turn(driver.poll.registry(), Instant::now());
        }
    }

    fn read_data(&mut self, buffer: &mut [u8]) -> Moved {
        self.ftp.read_data(buffer)
    }

    fn write_data(&mut self, bytes: &[u8]) -> Moved {
        self.ftp.write_data(bytes)
    }
}
