//! Requests: each queues, none waits, each ends in one `Event::Completed`

use std::net::SocketAddr;

use ftp_proto::fields::PassiveAddress;
use ftp_proto::listing::Format;
use ftp_proto::{
    Config, ConnectionError, Get, List, Op, Put, ReadDir, Reply, Transfer, TransferType,
};
use ftp_session::Error;

use crate::session::Session;

/// TLS, and the end
impl Session {
    /// Puts a session that began in clear text into TLS: AUTH TLS, PBSZ 0, PROT P
    ///
    /// With [`TlsPolicy::Explicit`](crate::TlsPolicy::Explicit) it does so by itself, first of all.
    ///
    /// # Errors
    ///
    /// [`Error::TlsConfig`] and [`Error::Tls`] if the configuration is not usable; nothing is sent.
    pub fn secure(&mut self) -> Result<Op<()>, Error> {
        self.inner.prepare_tls()?;
        Ok(self.inner.request().secure())
    }

    /// AUTH TLS alone: data connections stay in clear text until [`Self::protect`]
    ///
    /// The result is the reply to AUTH; `None` if the connection is in TLS already, and nothing was sent.
    ///
    /// # Errors
    ///
    /// As [`Self::secure`].
    pub fn secure_control(&mut self) -> Result<Op<Option<Reply>>, Error> {
        self.inner.prepare_tls()?;
        Ok(self.inner.request().secure_control())
    }

    /// Says goodbye (QUIT), then the session is over; `None` if the server just went
    pub fn quit(&mut self) -> Op<Option<Reply>> {
        self.inner.request().quit()
    }

    /// Ends the session at once, without a word
    pub fn close(&mut self) {
        self.inner.request().close();
    }
}

/// Transfers; what follows is in [`read_data`](Self::read_data) and its neighbours
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

    /// Fetches the entries of a directory by the best command that the server has, MLSD or LIST; what
    /// comes is read by [`Entries`](crate::Entries)
    ///
    /// An empty directory is a transfer without a byte, a missing one
    /// [`NoDirectory`](ftp_proto::Error::NoDirectory), a refusal the server's reply. A listing that holds only
    /// the server's own error is told by [`Entries::last`](crate::Entries::last). Directories with any name
    /// can be read: those that LIST would take for options or patterns are entered, and left again before
    /// the request completes.
    pub fn read_dir(&mut self, directory: impl Into<ReadDir>) -> Op<Transfer> {
        self.inner.request().read_dir(directory)
    }

    /// Has the server listen for another one; first half of a copy between servers, see
    /// [`ServerCopy`](ftp_proto::ServerCopy)
    pub fn remote_passive(&mut self, type_: TransferType) -> Op<PassiveAddress> {
        self.inner.request().remote_passive(type_)
    }

    /// Tells the server where another one listens; second half of a copy between servers
    pub fn remote_active(&mut self, address: SocketAddr, type_: TransferType) -> Op<Reply> {
        self.inner.request().remote_active(address, type_)
    }

    /// RETR whose bytes go to another server
    pub fn remote_get(&mut self, path: impl AsRef<[u8]>) -> Op<Transfer> {
        self.inner.request().remote_get(path)
    }

    /// STOR whose bytes come from another server
    pub fn remote_put(&mut self, path: impl AsRef<[u8]>) -> Op<Transfer> {
        self.inner.request().remote_put(path)
    }
}

/// Writes the requests of the list as methods that return claims on their results
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

ftp_session::known!(Session, session => session.inner);

/// What is known
impl Session {
    /// The settings, to change: they hold for what starts from here on
    ///
    /// `tls`, `reply` and `telnet` are fixed when the session is made.
    pub fn config_mut(&mut self) -> &mut Config {
        self.inner.request().config_mut()
    }

    /// Whether the session is live, nothing runs, nothing is queued and nothing is owed
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.inner.client().is_idle()
    }

    /// Whether the session is over, and why as far as the machine knows;
    /// [`Event::Closed`](crate::Event::Closed) knows more
    #[must_use]
    pub fn ended(&self) -> Option<&ConnectionError> {
        self.inner.client().error()
    }

    /// What [SYST](Self::system), if it was asked, says of the server's listings
    #[must_use]
    pub fn listing_hint(&self) -> Option<Format> {
        self.inner.client().listing_hint()
    }

    /// How the running listing is to be read, as far as its command tells
    #[must_use]
    pub fn listing_format(&self) -> Option<Format> {
        self.inner.client().listing_format()
    }

    /// The server's first final reply to the ABOR of the last [abort](Self::abort); `None` before it has come, and if no
    /// ABOR was needed
    #[must_use]
    pub fn abort_reply(&self) -> Option<&Reply> {
        self.inner.client().abort_reply()
    }

    /// Other end of the control connection, once it is open
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.inner.ends().map(|ends| ends.peer)
    }

    /// This end of the control connection, once it is open
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.inner.ends().map(|ends| ends.local)
    }
}
