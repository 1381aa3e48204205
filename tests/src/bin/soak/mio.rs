//! Sessions with the mio driver

/// ftp-mio, with one client per event loop
mod driver {
    pub(crate) use ftp_blocking::{Config, DataMode, Error, Get, Put, TlsPolicy, ftp_tls};
    pub(crate) use ftp_tests::driver::{Mio, Options};

    pub(crate) type Client = ftp_tests::driver::Client<Mio>;
}

#[path = "session.rs"]
pub(crate) mod session;
