//! The addresses of both ends of the control connection, and what follows from them for data connections

use core::net::SocketAddr;

/// Both ends of the control connection, for drivers
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by drivers")]
pub struct Endpoints {
    /// This end
    pub local: SocketAddr,
    /// Who chose this end's address
    pub source: SourceSelection,
    /// The other end: the server, or a proxy
    pub peer: SocketAddr,
}

/// Who chose the local address of the control connection
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there is nobody else")]
pub enum SourceSelection {
    /// The system
    System,
    /// The caller
    Caller,
}

impl Endpoints {
    /// Returns the address to bind a connection to `target` to: if this host has several addresses, the server expects
    /// the one from which the control connection comes
    ///
    /// `None` if the system chooses well by itself: for the same IPv4 address it chooses the same source again, and
    /// then it need not search for an unused port, which is slow if thousands have just been used. IPv6 hosts may
    /// change their addresses every hour.
    #[must_use]
    pub fn source_for(&self, target: SocketAddr) -> Option<SocketAddr> {
        let same = target.is_ipv4() && target.ip() == self.peer.ip();
        if same && self.source == SourceSelection::System
            || self.local.is_ipv4() != target.is_ipv4()
        {
            return None;
        }
        let mut source = self.local;
        source.set_port(0);
        Some(source)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};

    use super::*;

    fn source(local: &str, source: SourceSelection, target: &str) -> Option<String> {
        let peer = if local.starts_with('[') { "[2001:db8::9]:21" } else { "192.0.2.9:21" };
        let [local, peer, target] = [local, peer, target].map(|text| text.parse().unwrap());
        Endpoints { local, source, peer }.source_for(target).map(|source| source.to_string())
    }

    #[test]
    fn bound_where_the_system_may_choose_otherwise() {
        let mine = Some("192.0.2.1:0".into());
        assert_eq!(source("192.0.2.1:40000", SourceSelection::System, "192.0.2.9:5000"), None);
        assert_eq!(source("192.0.2.1:40000", SourceSelection::Caller, "192.0.2.9:5000"), mine);
        assert_eq!(source("192.0.2.1:40000", SourceSelection::System, "192.0.2.8:5000"), mine);
        assert_eq!(source("192.0.2.1:40000", SourceSelection::Caller, "[2001:db8::9]:5000"), None);
        let mine = Some("[2001:db8::1]:0".into());
        assert_eq!(
            source("[2001:db8::1]:40000", SourceSelection::System, "[2001:db8::9]:5000"),
            mine
        );
    }
}
