//! Proxies between a session and its server
//!
//! A [`Proxy`] is set with [`Options::proxy`](crate::Options::proxy). Two kinds carry any connection: SOCKS5 (RFC
//! 1928) and HTTP's CONNECT (RFC 9110 section 9.3.6). Each connection, the control connection and every data
//! connection of passive mode, begins with a [`Handshake`], which asks the proxy to connect to the server; after it
//! the bytes belong to FTP. The proxy resolves the server's name.
//!
//! The other two are servers that speak FTP themselves and take the name of the real server in the login: to the
//! session they are the server.

mod error;
mod handshake;
mod http;
mod settings;
mod socks5;
mod via;

pub use error::{ProxyError, ProxyProblem};
pub use handshake::{Handshake, HandshakeState};
pub use settings::{Proxy, ProxyLogin, ProxyServer};

pub(crate) use handshake::{drive, waits_for};
pub(crate) use via::Via;
