//! Connections made by the caller

use std::future::Future;
use std::io;
use std::pin::Pin;

use ftp_session::{Channel, DialId};

use crate::io::Connection;

/// A connection that the dialer of [`Client::connect_with`](crate::Client::connect_with) is asked to make
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// The server, or its proxy: a name, or an address
    ///
    /// For a data connection it is the host that was given for the control connection, because the same route leads to
    /// the right host. A name with several addresses should lead to the same one each time.
    pub host: String,
    /// TCP port
    pub port: u16,
    /// What the connection is for
    pub channel: Channel,
}

type Made = io::Result<Box<dyn Connection>>;

pub(crate) type Making = Pin<Box<dyn Future<Output = Made> + Send>>;

/// The caller's function that makes connections
pub(crate) type Dialer = Box<dyn FnMut(Target) -> Making + Send>;

/// A pending connection of the caller's dialer
pub(crate) struct Dialing {
    pub(crate) id: DialId,
    pub(crate) made: Making,
}

/// Makes a dialer from a closure
pub(crate) fn dialer<D, F, C>(mut dial: D) -> Dialer
where
    D: FnMut(Target) -> F + Send + 'static,
    F: Future<Output = io::Result<C>> + Send + 'static,
    C: Connection + 'static,
{
    Box::new(move |target| making(dial(target)))
}

/// Boxes the future that the caller's closure has returned
pub(crate) fn making<F, C>(made: F) -> Making
where
    F: Future<Output = io::Result<C>> + Send + 'static,
    C: Connection + 'static,
{
    Box::pin(async move { Ok(Box::new(made.await?) as Box<dyn Connection>) })
}
