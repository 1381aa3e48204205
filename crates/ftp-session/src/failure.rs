//! The failure of a data connection: what this side knows about it, and what may help

use std::fmt;
use std::io;
use std::net::SocketAddr;

use ftp_proto::{DataFailure, OpId, Reply};
use rustix::io::Errno;

use crate::proxy::ProxyError;

/// A data connection that failed
#[derive(Debug)]
pub(crate) struct FailedData {
    /// The request that it served; `None` if it was one of the machine's own transfers
    pub(crate) op: Option<OpId>,
    pub(crate) failure: DataFailure,
    /// Where it was to connect to, or where this side listened; `None` if it was open, or if the shell dials
    pub(crate) address: Option<SocketAddr>,
    pub(crate) error: io::Error,
}

impl FailedData {
    /// Whether this failure is kept although there is a later one: if both have the same request and kind, or if the
    /// later one belongs to a transfer that the machine made itself before the request ended
    pub(crate) fn comes_before(&self, op: Option<OpId>, failure: DataFailure) -> bool {
        self.op == op && self.failure == failure || self.op.is_some() && op.is_none()
    }
}

/// The description of a failed data connection, from the fields of its error
pub(crate) struct Described<'a>(
    pub(crate) DataFailure,
    pub(crate) Option<SocketAddr>,
    pub(crate) Option<&'a Reply>,
    pub(crate) &'a io::Error,
);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(failure, address, reply, error) = *self;
        write!(f, "data connection failed: {failure}")?;
        match address {
            // The order named no port.
            Some(address) if address.port() == 0 => write!(f, " ({})", address.ip())?,
            Some(address) => write!(f, " ({} port {})", address.ip(), address.port())?,
            None => {}
        }
        let proxy = ProxyError::in_io(error);
        if let Some(proxy) = proxy {
            write!(f, " (to {} through the proxy {})", proxy.target(), proxy.proxy())?;
        }
        if let Some(reply) = reply {
            write!(f, "; the server said: {reply}")?;
        }
        // Other modes and ports don't help with a proxy's failure.
        if proxy.is_some() {
            return Ok(());
        }
        advice(failure, address, error).map_or(Ok(()), |advice| write!(f, "; {advice}"))
    }
}

/// Advice, as far as the system's error permits any
///
/// Without an address, the shell or its user has dialed, and there is no active mode.
fn advice(
    failure: DataFailure,
    address: Option<SocketAddr>,
    error: &io::Error,
) -> Option<&'static str> {
    use io::ErrorKind;
    if !matches!(failure, DataFailure::Open | DataFailure::NeverOpened) {
        return None;
    }
    let is = |errno| Errno::from_io_error(error) == Some(errno);
    #[cfg(unix)]
    let too_many = is(Errno::MFILE) || is(Errno::NFILE);
    #[cfg(not(unix))]
    let too_many = is(Errno::MFILE);
    Some(match error.kind() {
        _ if too_many => "close files, or raise the limit of open files",
        _ if is(Errno::NOBUFS) => "try again when the system has memory for connections",
        ErrorKind::TimedOut if failure == DataFailure::NeverOpened => {
            "a firewall or address translator may keep the server from connecting: try passive mode"
        }
        ErrorKind::ConnectionRefused
        | ErrorKind::TimedOut
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
            if address.is_some() =>
        {
            "a firewall may block the ports of the server's passive mode: try active mode"
        }
        ErrorKind::AddrInUse => "allow more ports for active mode",
        ErrorKind::AddrNotAvailable => "no local address or port is free",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn said(failure: DataFailure, error: io::Error) -> String {
        let address = Some(SocketAddr::from(([127, 0, 0, 1], 4000)));
        Described(failure, address, None, &error).to_string()
    }

    #[test]
    fn each_cause_has_its_remedy() {
        let of = |errno: Errno| io::Error::from_raw_os_error(errno.raw_os_error());
        let open = DataFailure::Open;
        for (error, remedy) in [
            (of(Errno::MFILE), "limit of open files"),
            (of(Errno::NOBUFS), "memory"),
            (of(Errno::CONNREFUSED), "active mode"),
            (of(Errno::HOSTUNREACH), "active mode"),
            (of(Errno::TIMEDOUT), "active mode"),
            (of(Errno::ADDRINUSE), "more ports"),
        ] {
            let text = said(open, error);
            assert!(text.contains("127.0.0.1 port 4000") && text.contains(remedy), "{text}");
        }
        let text = said(DataFailure::NeverOpened, io::ErrorKind::TimedOut.into());
        assert!(text.contains("passive mode"), "{text}");
        let dialed = Described(open, None, None, &of(Errno::TIMEDOUT)).to_string();
        assert!(!dialed.contains("mode"), "{dialed}");
        // The connection was open, so no port is to blame.
        let text = said(DataFailure::Broken, of(Errno::TIMEDOUT));
        assert!(!text.contains("mode"), "{text}");
    }
}
