use std::net::Ipv6Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rustls::client::{self, ResolvesClientCert};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, SignatureScheme};

use crate::store::SessionStore;
use crate::tickets::{TicketSupply, TlsStats};
use crate::{Resumption, TlsConfig, TlsError};

/// The kind of FTP connection that a [`Stream`](crate::Stream) is
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Commands and replies. Its TLS records are processed one at a time, so that TLS may end in the
    /// middle of the byte stream (CCC)
    Control,
    /// One file or listing
    Data,
}

/// The TLS of one control connection and of all its data connections
///
/// It contains what these connections must share so that the server recognizes them as one client's: the server's name,
/// the verifier, the client certificate, and a session store that no other control
/// connection uses. It also counts the available sessions, because a TLS 1.3 ticket can be used once: see
/// [`ticket_supply`](Self::ticket_supply).
///
/// Create a new one for each control connection, for example with [`renew`](Self::renew).
#[derive(Debug)]
pub struct TlsContext {
    base: TlsConfig,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
    session: Arc<Session>,
}

/// State that the streams of one context report to it
#[derive(Debug)]
pub(crate) struct Session {
    store: Arc<SessionStore>,
    /// `None` if data connections may show any certificate
    control_certificate: Option<Mutex<Option<CertificateDer<'static>>>>,
    certificate_demands: Arc<CertificateDemands>,
    resumption: Resumption,
    resumed: AtomicU64,
    full: AtomicU64,
    full_accepted: AtomicBool,
}

impl TlsContext {
    /// Creates a context for one control connection to the server called `server_name`
    ///
    /// The name is sent as SNI, and must be in the server's certificate, on the control connection
    /// and on the data connections, whatever address these connect to. See [`server_name`].
    #[must_use]
    pub fn new(config: &TlsConfig, server_name: ServerName<'static>) -> Self {
        let demands = Arc::new(CertificateDemands {
            inner: Arc::clone(&config.rustls.client_auth_cert_resolver),
            unmet: AtomicBool::new(false),
        });
        let session = Arc::new(Session {
            store: Arc::new(SessionStore::new(server_name.clone())),
            control_certificate: config.same_certificate_on_data.then(Mutex::default),
            certificate_demands: Arc::clone(&demands),
            resumption: config.resumption,
            resumed: AtomicU64::new(0),
            full: AtomicU64::new(0),
            full_accepted: AtomicBool::new(false),
        });
        let mut rustls = ClientConfig::clone(&config.rustls);
        rustls.resumption = match config.resumption {
            Resumption::Never => client::Resumption::disabled(),
            Resumption::Offered | Resumption::Consistent | Resumption::Required => {
                client::Resumption::store(Arc::clone(&session.store) as _)
            }
        };
        rustls.client_auth_cert_resolver = demands;
        // Early data can be replayed, and an FTP client has nothing to send before the server's Finished.
        rustls.enable_early_data = false;
        Self { base: config.clone(), name: server_name, config: Arc::new(rustls), session }
    }

    /// Creates a context for the next control connection to this server, without the old one's sessions,
    /// which the server would refuse
    ///
    /// What was learned from [`note_full_handshake_accepted`](Self::note_full_handshake_accepted) is kept.
    #[must_use]
    pub fn renew(&self) -> Self {
        let new = Self::new(&self.base, self.name.clone());
        let accepted = self.session.full_accepted.load(Ordering::Relaxed);
        new.session.full_accepted.store(accepted, Ordering::Relaxed);
        new
    }

    /// Returns the name that certificates must be for
    #[must_use]
    pub fn server_name(&self) -> &ServerName<'static> {
        &self.name
    }

    /// Returns the configuration of the connections, for a driver that does not use [`Stream`](crate::Stream)
    ///
    /// Use it only for connections to [`server_name`](Self::server_name): no sessions are kept for others.
    #[must_use]
    pub fn client_config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    /// Returns which sessions are available, and how many have been used
    #[must_use]
    pub fn stats(&self) -> TlsStats {
        TlsStats {
            resumed: self.session.resumed.load(Ordering::Relaxed),
            full: self.session.full.load(Ordering::Relaxed),
            ..self.session.store.stats()
        }
    }

    /// Whether the next connection can resume a session
    #[must_use]
    pub fn can_resume(&self) -> bool {
        let stats = self.session.store.stats();
        stats.tickets > 0 || stats.tls12_session
    }

    /// Returns what the available sessions are enough for: report it to the client of `ftp-proto`
    ///
    /// Call it before STOR, APPE or STOU is sent, and after whatever may have used up a session or brought one. Many
    /// servers refuse a data connection that does not resume the control connection's session, and by then ProFTPD has
    /// truncated the remote file. A TLS 1.3 ticket can be used once, and ProFTPD sends no new one with
    /// uploads. So if tickets (or a TLS 1.2 session) have been used up, or are more than 45 minutes old, so that the
    /// server may have forgotten them, new ones must be obtained first.
    ///
    /// Uploads are always [permitted](TicketSupply::permits_upload) if the server never sent any, if it is known to
    /// accept full handshakes, or if the [configuration](crate::TlsConfigBuilder::guard_uploads) says so. If you make a
    /// listing while it is [`Wanted`](TicketSupply::Wanted) and ask again, that changes.
    ///
    /// If this side [refuses](crate::Resumption) data connections without resumption, they are permitted if there is a
    /// fresh session; otherwise it is [`Exhausted`](TicketSupply::Exhausted), because the data connection of a listing
    /// could not provide a session that belongs to the control connection.
    pub fn ticket_supply(&self) -> TicketSupply {
        let stats = self.session.store.stats();
        match self.lack_of_tickets() {
            Some(lack) => lack,
            None if stats.tls12_session || stats.tickets > 1 => TicketSupply::Ample,
            None if stats.tickets == 1 => TicketSupply::Scarce,
            None => TicketSupply::Unneeded,
        }
    }

    /// Returns why an upload must not start, if there is a reason
    fn lack_of_tickets(&self) -> Option<TicketSupply> {
        if self.session.must_resume() {
            let fresh = self.session.store.has_fresh(Instant::now());
            return (!fresh).then_some(TicketSupply::Exhausted);
        }
        if !self.base.guard_uploads || self.session.full_accepted.load(Ordering::Relaxed) {
            return None;
        }
        self.session.store.lack(Instant::now())
    }

    /// Records that a transfer succeeded although its data connection's handshake was
    /// [not a resumption](crate::Stream::handshake_kind), so this server does not require it
    ///
    /// [`Stream`](crate::Stream) notices by itself when it receives data over such a connection;
    /// for an upload, only the final reply shows it.
    pub fn note_full_handshake_accepted(&self) {
        self.session.note_full_handshake_accepted();
    }

    #[cfg(test)]
    pub(crate) fn store(&self) -> &SessionStore {
        &self.session.store
    }

    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }
}

impl Session {
    /// Whether the next data connection is refused if it does not resume
    fn must_resume(&self) -> bool {
        match self.resumption {
            Resumption::Offered | Resumption::Never => false,
            Resumption::Consistent => self.resumed.load(Ordering::Relaxed) > 0,
            Resumption::Required => true,
        }
    }

    pub(crate) fn note_full_handshake_accepted(&self) {
        self.full_accepted.store(true, Ordering::Relaxed);
    }

    /// Returns the number of TLS 1.3 tickets received so far, on all connections
    pub(crate) fn tickets_received(&self) -> u64 {
        self.store.tickets_received()
    }

    /// Whether a server has asked for a client certificate while none is configured
    pub(crate) fn has_unmet_certificate_demand(&self) -> bool {
        self.certificate_demands.unmet.load(Ordering::Relaxed)
    }

    pub(crate) fn has_client_certificate(&self) -> bool {
        self.certificate_demands.has_certs()
    }

    /// Checks a connection once, when its handshake is complete
    ///
    /// # Errors
    ///
    /// [`TlsError::DataCertificateDiffers`], [`TlsError::NotResumed`]
    pub(crate) fn handshake_complete(
        &self,
        role: Role,
        connection: &ClientConnection,
    ) -> Result<(), TlsError> {
        if role == Role::Data {
            if connection.handshake_kind() == Some(HandshakeKind::Resumed) {
                self.resumed.fetch_add(1, Ordering::Relaxed);
            } else {
                self.full.fetch_add(1, Ordering::Relaxed);
                self.store.discard_tls12();
                if self.must_resume() {
                    return Err(TlsError::NotResumed);
                }
            }
        }
        self.certificate_demands.unmet.store(false, Ordering::Relaxed);
        let Some(expected) = &self.control_certificate else { return Ok(()) };
        // If a thread panicked while it held the lock, the value is still complete.
        let mut expected = expected.lock().unwrap_or_else(PoisonError::into_inner);
        let certificate = connection.peer_certificates().and_then(|chain| chain.first());
        match (role, &*expected) {
            (Role::Control, _) => *expected = certificate.cloned(),
            (Role::Data, Some(expected)) if Some(expected) != certificate => {
                return Err(TlsError::DataCertificateDiffers);
            }
            (Role::Data, _) => {}
        }
        Ok(())
    }
}

/// The configured client certificate, and whether a server asked for one when there was none
///
/// A TLS 1.2 server that requires a certificate only sends `handshake_failure`.
#[derive(Debug)]
struct CertificateDemands {
    inner: Arc<dyn ResolvesClientCert>,
    unmet: AtomicBool,
}

impl ResolvesClientCert for CertificateDemands {
    fn resolve(
        &self,
        root_hint_subjects: &[&[u8]],
        sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let found = self.inner.resolve(root_hint_subjects, sigschemes);
        if found.is_none() {
            self.unmet.store(true, Ordering::Relaxed);
        }
        found
    }

    fn only_raw_public_keys(&self) -> bool {
        self.inner.only_raw_public_keys()
    }

    fn has_certs(&self) -> bool {
        self.inner.has_certs()
    }
}

/// Returns the name of a server as TLS needs it, from the host part of a URL or from a user's input
///
/// Accepts host names (a final dot is dropped, because no certificate has it) and IP addresses, IPv6 with or
/// without brackets (its zone is dropped).
///
/// # Errors
///
/// [`TlsError::InvalidServerName`]
pub fn server_name(host: &str) -> Result<ServerName<'static>, TlsError> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    // The zone of a link-local address has a meaning only on this computer.
    let bare = match bare.split_once('%') {
        Some((address, _)) if address.parse::<Ipv6Addr>().is_ok() => address,
        _ => bare,
    };
    ServerName::try_from(bare.to_owned())
        .map_err(|_| TlsError::InvalidServerName(host.escape_debug().to_string()))
}
