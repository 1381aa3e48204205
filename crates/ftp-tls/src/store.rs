//! The stored TLS sessions of one control connection
//!
//! rustls takes a session out of a [`ClientSessionStore`] when a connection is
//! created, and puts new ones in as they arrive. Its own store keeps them, but does not tell how
//! many there are; FTP must know that before an upload starts.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

use crate::tickets::{TicketSupply, TlsStats};

/// Maximum number of TLS 1.3 tickets kept; when it is exceeded, the oldest is dropped
///
/// OpenSSL's servers send two with a full handshake, and at best replace each used one. FileZilla Server adds one
/// with every PASV, and then only the newest is needed. Each ticket contains its own copy of the certificate
/// chain, about 4 KiB, so more tickets would cost an idle session more memory than the rest of TLS.
const MAX_TICKETS: usize = 4;

/// The age at which the server may have forgotten a session, which rustls can't always know: by default, GnuTLS
/// forgets it after an hour, OpenSSL after two (vsftpd configures a week, ProFTPD four hours). If the limit is too
/// low, that costs one small listing; if it is too high, it can cost a remote file.
const STALE_AFTER: Duration = Duration::from_secs(45 * 60);

pub(crate) struct SessionStore {
    /// The only name whose sessions are kept; rustls may use the same configuration for others
    name: ServerName<'static>,
    state: Mutex<StoreState>,
}

#[derive(Default)]
struct StoreState {
    kx_hint: Option<NamedGroup>,
    /// Tickets with their time of arrival, oldest first
    tickets: VecDeque<(Instant, Tls13ClientSessionValue)>,
    tickets_received: u64,
    /// The session, with the time of the latest handshake that created or resumed it
    tls12: Option<(Instant, Tls12ClientSessionValue)>,
    has_had_tls12: bool,
    /// Number of connections begun without a fresh ticket since the last ticket arrived
    without_ticket: u32,
}

impl SessionStore {
    pub(crate) fn new(name: ServerName<'static>) -> Self {
        Self { name, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, StoreState> {
        // No method panics in the middle of a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the statistics that the store knows
    pub(crate) fn stats(&self) -> TlsStats {
        let state = self.state();
        TlsStats {
            tickets: state.tickets.len(),
            tickets_received: state.tickets_received,
            tls12_session: state.tls12.is_some(),
            ..TlsStats::default()
        }
    }

    pub(crate) fn tickets_received(&self) -> u64 {
        self.state().tickets_received
    }

    /// Drops the TLS 1.2 session after a full handshake of a data connection, which has replaced the control
    /// connection's stored session: it is useless, because ProFTPD accepts only the control connection's
    pub(crate) fn discard_tls12(&self) {
        self.state().tls12 = None;
    }

    /// Whether there is a session that the server has probably not forgotten at `now`
    pub(crate) fn has_fresh(&self, now: Instant) -> bool {
        self.state().has_fresh(now)
    }

    /// Returns why an upload must not start at `now` if the server requires resumption; `None` if it may
    pub(crate) fn lack(&self, now: Instant) -> Option<TicketSupply> {
        let state = self.state();
        let has_had_any = state.has_had_tls12 || state.tickets_received > 0;
        match state.has_fresh(now) {
            // A server that never sent a session can't require one.
            _ if !has_had_any => None,
            true => None,
            // A lost TLS 1.2 session can't be restored, see `discard_tls12`.
            false if state.tls12.is_none() && state.tickets_received == 0 => {
                Some(TicketSupply::Exhausted)
            }
            // A listing brings new tickets, or shows that the server sends none; with TLS 1.2 it
            // shows whether the server still knows the session.
            false if state.without_ticket == 0 => Some(TicketSupply::Wanted),
            false => Some(TicketSupply::Exhausted),
        }
    }
}

impl StoreState {
    fn has_fresh(&self, now: Instant) -> bool {
        let fresh = |since: Instant| now.saturating_duration_since(since) < STALE_AFTER;
        let ticket = self.tickets.back().is_some_and(|(since, _)| fresh(*since));
        ticket || self.tls12.as_ref().is_some_and(|(since, _)| fresh(*since))
    }
}

impl ClientSessionStore for SessionStore {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        if name == self.name {
            self.state().kx_hint = Some(group);
        }
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.state().kx_hint.filter(|_| *name == self.name)
    }

    fn set_tls12_session(&self, name: ServerName<'static>, session: Tls12ClientSessionValue) {
        if name == self.name {
            let mut state = self.state();
            state.tls12 = Some((Instant::now(), session));
            state.has_had_tls12 = true;
            state.without_ticket = 0;
        }
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        let state = self.state();
        let (_, session) = state.tls12.as_ref().filter(|_| *name == self.name)?;
        Some(session.clone())
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        if *name == self.name {
            self.state().tls12 = None;
        }
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        if name == self.name {
            let mut state = self.state();
            if state.tickets.len() == MAX_TICKETS {
                state.tickets.pop_front();
            }
            state.tickets.push_back((Instant::now(), ticket));
            state.tickets_received += 1;
            state.without_ticket = 0;
        }
    }

    /// Takes the newest ticket: FileZilla Server sends a new one before each data connection, and the newest
    /// is valid longest
    ///
    /// rustls calls this whenever a connection is created, so this is also the place to notice a connection
    /// that begins without a ticket.
    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        if *name != self.name {
            return None;
        }
        let mut state = self.state();
        if !state.has_fresh(Instant::now()) {
            state.without_ticket = state.without_ticket.saturating_add(1);
        }
        state.tickets.pop_back().map(|(_, ticket)| ticket)
    }
}

impl fmt::Debug for SessionStore {
    /// Omits the secrets
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionStore").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::sync::Arc;

    use rcgen::{CertificateParams, KeyPair};
    use rustls::crypto::aws_lc_rs;
    use rustls::pki_types::PrivateKeyDer;
    use rustls::{ServerConfig, ServerConnection, version};

    use super::*;
    use crate::{Role, Stream, TlsConfig, TlsContext, TlsVersion, Trust, server_name};

    /// Returns a context whose control connection has been secured
    fn with_session(version: TlsVersion) -> TlsContext {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let config = TlsConfig::builder(Trust::DangerousAnyCertificate);
        let config = config.crypto_provider(Arc::new(aws_lc_rs::default_provider())).build();
        let context = TlsContext::new(&config.unwrap(), server_name("a.example").unwrap());

        let versions = match version {
            TlsVersion::Tls12 => [&version::TLS12],
            TlsVersion::Tls13 => [&version::TLS13],
        };
        let server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            );
        let mut server = ServerConnection::new(Arc::new(server.unwrap())).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let here = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut there, _) = listener.accept().unwrap();
        let peer = std::thread::spawn(move || {
            while server.is_handshaking() || server.wants_write() {
                server.complete_io(&mut there).unwrap();
            }
            server.send_close_notify();
            server.complete_io(&mut there).unwrap();
        });
        let mut control = Stream::new(here);
        control.secure(&context, Role::Control).unwrap();
        assert!(control.handshake().unwrap());
        assert!(control.drain().unwrap());
        peer.join().unwrap();
        assert!(context.can_resume());
        context
    }

    #[test]
    fn old_sessions_are_not_relied_on() {
        for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
            let context = with_session(version);
            let store = context.store();
            let lack = |age| store.lack(Instant::now() + age);
            assert_eq!(lack(Duration::ZERO), None);
            assert_eq!(lack(STALE_AFTER - Duration::from_secs(60)), None);
            assert_eq!(lack(STALE_AFTER), Some(TicketSupply::Wanted));
            // A listing has been made, but brought no ticket.
            store.state().without_ticket = 1;
            assert_eq!(lack(STALE_AFTER), Some(TicketSupply::Exhausted));
            assert_eq!(lack(Duration::ZERO), None);
        }
    }

    #[test]
    fn other_names_find_nothing() {
        let other = server_name("b.example").unwrap();
        let context = with_session(TlsVersion::Tls13);
        let store = context.store();
        let before = store.stats();
        assert!(store.take_tls13_ticket(&other).is_none());
        assert!(store.kx_hint(&other).is_none());
        assert_eq!(store.stats(), before);
        let ticket = store.take_tls13_ticket(&store.name).unwrap();
        store.insert_tls13_ticket(other.clone(), ticket);
        assert_eq!(store.stats().tickets_received, before.tickets_received);

        let context = with_session(TlsVersion::Tls12);
        let store = context.store();
        assert!(store.tls12_session(&other).is_none());
        store.remove_tls12_session(&other);
        let session = store.tls12_session(&store.name).unwrap();
        store.remove_tls12_session(&store.name);
        store.set_tls12_session(other, session);
        assert!(!store.stats().tls12_session);
        assert_eq!(store.lack(Instant::now()), Some(TicketSupply::Exhausted));
    }
}
