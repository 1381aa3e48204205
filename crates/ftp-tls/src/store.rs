//! One control connection's stock of TLS sessions
//!
//! rustls offers a session by taking it out of a [`ClientSessionStore`] when a connection is
//! created, and puts new ones in as they arrive. Its own store keeps them, but does not tell how
//! many; FTP has to know before an upload starts (Q84, Q86, Q140).

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

use crate::context::{Inventory, UploadPermit};

/// How many TLS 1.3 tickets are kept: beyond this the oldest is dropped
///
/// OpenSSL's servers give two with a full handshake and replace each used one at best. FileZilla
/// Server adds one with every PASV (Q85), and then the newest is all one needs. Each ticket
/// carries its own copy of the certificate chain, some 4 KiB, so more would cost an idle session
/// more memory than the rest of TLS does.
const MAX_TICKETS: usize = 4;

/// The age from which a session may have been forgotten by the server, which rustls cannot know:
/// ProFTPD's session cache forgets after 30 minutes unless told otherwise (`TLSSessionCache`), and
/// OpenSSL after two hours. Thinking so too early costs one small listing, too late a remote file.
const STALE_AFTER: Duration = Duration::from_secs(20 * 60);

pub(crate) struct SessionStore {
    /// The only name whose sessions are kept; rustls may be used for another with the same config
    name: ServerName<'static>,
    stock: Mutex<Stock>,
}

#[derive(Default)]
struct Stock {
    kx_hint: Option<NamedGroup>,
    /// Oldest first, with the time of arrival
    tickets: VecDeque<(Instant, Tls13ClientSessionValue)>,
    tickets_received: u64,
    /// With the time of the latest handshake that made or resumed it
    tls12: Option<(Instant, Tls12ClientSessionValue)>,
    has_had_tls12: bool,
    /// Connections begun without a fresh ticket since the last one arrived
    dry_runs: u32,
}

impl SessionStore {
    pub(crate) fn new(name: ServerName<'static>) -> Self {
        Self { name, stock: Mutex::default() }
    }

    fn stock(&self) -> MutexGuard<'_, Stock> {
        // No method panics half-way through a change.
        self.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The part of the inventory that the store knows
    pub(crate) fn inventory(&self) -> Inventory {
        let stock = self.stock();
        Inventory {
            tickets: stock.tickets.len(),
            tickets_received: stock.tickets_received,
            tls12_session: stock.tls12.is_some(),
            ..Inventory::default()
        }
    }

    /// What an upload may do at `now`, if the server insists on resumption
    pub(crate) fn upload_permit(&self, now: Instant) -> UploadPermit {
        let stock = self.stock();
        let has_had_any = stock.has_had_tls12 || stock.tickets_received > 0;
        match stock.has_fresh(now) {
            // Who never gave a session cannot ask for one.
            _ if !has_had_any => UploadPermit::Go,
            true => UploadPermit::Go,
            // A listing brings new tickets, or shows that there are none to be had. For TLS 1.2 it
            // shows whether the session is still known, but a lost one does not come back: the
            // session of a full handshake on a data connection is not the control connection's.
            false if stock.tls12.is_none() && stock.tickets_received == 0 => {
                UploadPermit::Reconnect
            }
            false if stock.dry_runs == 0 => UploadPermit::Harvest,
            false => UploadPermit::Reconnect,
        }
    }
}

impl Stock {
    fn has_fresh(&self, now: Instant) -> bool {
        let fresh = |since: Instant| now.saturating_duration_since(since) < STALE_AFTER;
        let ticket = self.tickets.back().is_some_and(|(since, _)| fresh(*since));
        ticket || self.tls12.as_ref().is_some_and(|(since, _)| fresh(*since))
    }
}

impl ClientSessionStore for SessionStore {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        if name == self.name {
            self.stock().kx_hint = Some(group);
        }
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.stock().kx_hint.filter(|_| *name == self.name)
    }

    fn set_tls12_session(&self, name: ServerName<'static>, session: Tls12ClientSessionValue) {
        if name == self.name {
            let mut stock = self.stock();
            stock.tls12 = Some((Instant::now(), session));
            stock.has_had_tls12 = true;
            stock.dry_runs = 0;
        }
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        let stock = self.stock();
        let (_, session) = stock.tls12.as_ref().filter(|_| *name == self.name)?;
        Some(session.clone())
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        if *name == self.name {
            self.stock().tls12 = None;
        }
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        if name == self.name {
            let mut stock = self.stock();
            if stock.tickets.len() == MAX_TICKETS {
                stock.tickets.pop_front();
            }
            stock.tickets.push_back((Instant::now(), ticket));
            stock.tickets_received += 1;
            stock.dry_runs = 0;
        }
    }

    /// The newest first: FileZilla Server renews before each data connection (Q85), and of several
    /// the newest lives longest (Q88)
    ///
    /// rustls calls this whenever a connection is created, so it is also the place to notice one
    /// that begins without.
    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        if *name != self.name {
            return None;
        }
        let mut stock = self.stock();
        if !stock.has_fresh(Instant::now()) {
            stock.dry_runs = stock.dry_runs.saturating_add(1);
        }
        stock.tickets.pop_back().map(|(_, ticket)| ticket)
    }
}

impl fmt::Debug for SessionStore {
    /// Leaves the secrets out
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionStore").field("name", &self.name).finish_non_exhaustive()
    }
}
