//! A session of which the test has a handle of each data connection

use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use ftp_tokio::{Channel, Target};

use crate::Way;
use crate::driver::Client;

type Streams = Arc<Mutex<Vec<TcpStream>>>;

/// Connects; the data connections are added to the list
pub(crate) fn connect(way: &Way) -> (Client, Streams) {
    let streams = Streams::default();
    let held = streams.clone();
    let dial = move |Target { host, port, channel, .. }: Target| {
        let held = held.clone();
        async move {
            let stream = tokio::net::TcpStream::connect((host, port)).await?.into_std()?;
            if channel == Channel::Data {
                held.lock().unwrap().push(stream.try_clone()?);
            }
            tokio::net::TcpStream::from_std(stream)
        }
    };
    (Client::connect_with(way.address(), way.options(way.config()), dial).unwrap(), streams)
}
