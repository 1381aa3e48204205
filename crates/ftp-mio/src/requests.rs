//! Requests: each is queued without waiting, and ends in one `Event::Completed`

use std::net::SocketAddr;

use ftp_proto::fields::PassiveAddress;
use ftp_proto::listing::Format;
use ftp_proto::{
    Config, ConnectionError, Get, List, Op, Put, ReadDir, Reply, Transfer, TransferType,
};
use ftp_session::Error;

use crate::session::Session;

/// TLS, and closing
impl Session {
    /// Secures a session that began in clear text: AUTH TLS, PBSZ 0, PROT P
    ///
    /// With [`TlsPolicy::Explicit`](crate::TlsPolicy::Explicit) the session does so on its own, before anything else.
    ///
    /// # Errors
    ///
    /// [`Error::TlsConfig`] and [`Error::Tls`] if the configuration is not usable; nothing is sent.
    pub fn secure(&mut self) -> Result<Op<()>, Error> {
        self.inner.prepare_tls()?;
        Ok(self.inner.request().secure())
    }

    /// Sends AUTH TLS alone: data connections stay in clear text until [`Self::protect`]
    ///
    /// The result is the reply to AUTH, or `None` if the connection uses TLS already and nothing was sent.
    ///
    /// # Errors
    ///
    /// As [`Self::secure`].
    pub fn secure_control(&mut self) -> Result<Op<Option<Reply>>, Error> {
        self.inner.prepare_tls()?;
        Ok(self.inner.request().secure_control())
    }

    /// Sends QUIT, which ends the session; the result is `None` if the server closed without a reply
    pub fn quit(&mut self) -> Op<Option<Reply>> {
        self.inner.request().quit()
    }

    /// Ends the session at once, without QUIT
    pub fn close(&mut self) {
        self.inner.request().close();
    }
}

/// Transfers; [`read_data`](Self::read_data) and the methods beside it move the bytes
impl Session {
    /// Downloads a file: `get("f")`, or `get(Get::new("f").resume_at(n).ascii())`
    pub fn get(&mut self, get: impl Into<Get>) -> Op<Transfer> {
        self.inner.request().get(get)
    }

    /// Uploads a file: `put("f")`, `put(Put::new("f").append())`, `put(Put::unique())`
    pub fn put(&mut self, put: impl Into<Put>) -> Op<Transfer> {
        self.inner.request().put(put)
    }

    /// Fetches a listing, as a download: `list("dir")` (LIST), `list(List::names(""))` (NLST),
    /// `list(List::facts(""))` (MLSD)
    pub fn list(&mut self, list: impl Into<List>) -> Op<Transfer> {
        self.inner.request().list(list)
    }

    /// Fetches the entries of a directory with the best command that the server has, MLSD or LIST;
    /// [`Entries`](crate::Entries) parses the data
    ///
    /// An empty directory is a transfer without data, a missing one fails with
    /// [`NoDirectory`](ftp_proto::Error::NoDirectory), a refusal with the server's reply. A listing that holds only
    /// the server's error message is reported by [`Entries::last`](crate::Entries::last). Directories of any name can
    /// be read: if LIST would take the name for options or a pattern, the session enters the directory, and returns
    /// before a request that depends on the working directory.
    pub fn read_dir(&mut self, directory: impl Into<ReadDir>) -> Op<Transfer> {
        self.inner.request().read_dir(directory)
    }

    /// Makes the server listen for another server; the first half of a copy between servers, see
    /// [`ServerCopy`](ftp_proto::ServerCopy)
    pub fn remote_passive(&mut self, type_: TransferType) -> Op<PassiveAddress> {
        self.inner.request().remote_passive(type_)
    }

    /// Tells the server where another one listens; the second half of a copy between servers
    pub fn remote_active(&mut self, address: SocketAddr, type_: TransferType) -> Op<Reply> {
        self.inner.request().remote_active(address, type_)
    }

    /// Sends RETR; the bytes go to another server
    pub fn remote_get(&mut self, path: impl AsRef<[u8]>) -> Op<Transfer> {
        self.inner.request().remote_get(path)
    }

    /// Sends STOR; the bytes come from another server
    pub fn remote_put(&mut self, path: impl AsRef<[u8]>) -> Op<Transfer> {
        self.inner.request().remote_put(path)
    }
}

/// Turns each request of the list into a method that returns an `Op`
macro_rules! methods {
    ($(
        $(#[$group:meta])*
        impl {$(
            $(#[$meta:meta])*
            fn $name:ident($($argument:ident: $type:ty),*) -> $output:ty { $($operation:tt)* }
        )*}
    )*) => {$(
        $(#[$group])*
        impl Session {$(
            $(#[$meta])*
            pub fn $name(&mut self, $($argument: $type),*) -> Op<$output> {
                self.inner.request().$name($($argument),*)
            }
        )*}
    )*};
}

ftp_proto::requests!(methods);

ftp_session::known!(Session, inner);

/// State
impl Session {
    /// The settings, for changes: they apply to whatever starts afterwards
    ///
    /// `tls`, `reply` and `telnet` are fixed when the session is made.
    pub fn config_mut(&mut self) -> &mut Config {
        self.inner.request().config_mut()
    }

    /// Whether the session is live, nothing runs or is queued, and no reply is expected
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.inner.client().is_idle()
    }

    /// The error that ended the session, if it is over, as the machine knows it;
    /// [`Event::Closed`](crate::Event::Closed) has more detail
    #[must_use]
    pub fn ended(&self) -> Option<&ConnectionError> {
        self.inner.client().error()
    }

    /// The format that [SYST](Self::system) suggests for the server's listings, if it was sent
    #[must_use]
    pub fn listing_hint(&self) -> Option<Format> {
        self.inner.client().listing_hint()
    }

    /// The format of the running listing, if its command determines it
    #[must_use]
    pub fn listing_format(&self) -> Option<Format> {
        self.inner.client().listing_format()
    }

    /// The server's first final reply to the ABOR of the last [abort](Self::abort); `None` until it has arrived, and
    /// if no ABOR was needed
    #[must_use]
    pub fn abort_reply(&self) -> Option<&Reply> {
        self.inner.client().abort_reply()
    }

    /// The remote address of the control connection, once it is open
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.inner.endpoints().map(|endpoints| endpoints.peer)
    }

    /// The local address of the control connection, once it is open
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.inner.endpoints().map(|endpoints| endpoints.local)
    }
}
