//! A session of which the test has a handle of each data connection

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ftp_blocking::{Channel, Client, Dialer, Host, Target};

use crate::Way;

type Streams = Arc<Mutex<Vec<TcpStream>>>;

#[derive(Debug)]
struct Held(Streams);

impl Dialer for Held {
    fn connect(&mut self, target: Target<'_>, timeout: Duration) -> io::Result<TcpStream> {
        let address = match target.host {
            Host::Address(ip) => (ip, target.port).into(),
            Host::Name(name) => (name, target.port).to_socket_addrs()?.next().unwrap(),
        };
        let stream = TcpStream::connect_timeout(&address, timeout)?;
        if target.channel == Channel::Data {
            self.0.lock().unwrap().push(stream.try_clone()?);
        }
        Ok(stream)
    }
}

/// Connects; the data connections are added to the list
pub(crate) fn connect(way: &Way) -> (Client, Streams) {
    let streams = Streams::default();
    let options = way.options(way.config()).dialer(Held(streams.clone()));
    (Client::connect(way.address(), options).unwrap(), streams)
}
