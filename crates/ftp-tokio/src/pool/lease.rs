//! A session that a task has for a while

use std::borrow::{Borrow, BorrowMut};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ftp_proto::{Get, List, Put, ReadDir};
use ftp_session::{Error, Holder};

use super::held::Held;
use super::member::Member;
use super::site::Site;
use crate::client::Client;
use crate::listing::{Entries, Listing};
use crate::transfer::{Download, Upload};

/// A [`Client`] of a [`Pool`](super::Pool); dropping it returns the session to the pool
///
/// Unfinished requests are settled in the background; a session that is over, or that has been changed, is closed:
/// [see there](super#when-a-lease-is-dropped).
pub struct Lease {
    held: Option<Held>,
    use_: Use,
    /// Receives how the session has ended
    untouched: Option<Arc<Untouched>>,
}

/// Whether the session was over, when its lease was dropped, before the server had begun anything
#[derive(Debug, Default)]
pub(super) struct Untouched(AtomicBool);

impl Untouched {
    pub(super) fn is_untouched(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Whether a session was used before
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    First,
    Again,
}

impl Lease {
    pub(super) const fn new(held: Held, use_: Use) -> Self {
        Self { held: Some(held), use_, untouched: None }
    }

    pub(super) fn into_held(mut self) -> Option<Held> {
        self.held.take()
    }

    fn held(&self) -> &Held {
        match &self.held {
            Some(held) => held,
            None => unreachable!("the session is taken only from a lease that is given up"),
        }
    }

    pub(super) fn member_mut(&mut self) -> &mut Member {
        match &mut self.held {
            Some(held) => held.member_mut(),
            None => unreachable!("the session is taken only from a lease that is given up"),
        }
    }

    /// The site of the session; an associated function, so that it does not hide [`Client::site`]
    #[must_use]
    pub fn site(this: &Self) -> &Site {
        &this.held().member().site
    }

    /// Whether the session was used before; otherwise it was opened for this lease
    #[must_use]
    pub fn is_reused(this: &Self) -> bool {
        this.use_ == Use::Again
    }

    pub(super) fn observed(mut self, untouched: &Arc<Untouched>) -> Self {
        self.untouched = Some(Arc::clone(untouched));
        self
    }

    /// As [`Client::get`], but the download owns the lease, so it is `'static`
    ///
    /// # Errors
    ///
    /// As [`Client::get`]; the session has been returned to the pool.
    pub async fn into_get(mut self, get: impl Into<Get>) -> Result<Download<Self>, Error> {
        let op = self.session.begin().await.get(get);
        Download::start(self, op).await
    }

    /// As [`Client::put`], but the upload owns the lease, so it is `'static`
    ///
    /// # Errors
    ///
    /// As [`Client::put`]; the session has been returned to the pool.
    pub async fn into_put(mut self, put: impl Into<Put>) -> Result<Upload<Self>, Error> {
        let op = self.session.begin().await.put(put);
        Upload::start(self, op).await
    }

    /// As [`Client::list`], but the listing owns the lease, so it is `'static`
    ///
    /// # Errors
    ///
    /// As [`Client::list`]; the session has been returned to the pool.
    pub async fn into_list(mut self, list: impl Into<List>) -> Result<Listing<Self>, Error> {
        let op = self.session.begin().await.list(list);
        Listing::start(self, op).await
    }

    /// As [`Client::read_dir`], but the entries own the lease, so they are `'static`
    ///
    /// # Errors
    ///
    /// As [`Client::read_dir`]; the session has been returned to the pool.
    pub async fn into_read_dir(
        mut self,
        directory: impl Into<ReadDir>,
    ) -> Result<Entries<Self>, Error> {
        let op = self.session.begin().await.read_dir(directory);
        Entries::start(self, op).await
    }
}

impl Deref for Lease {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.held().member().client
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.member_mut().client
    }
}

impl Borrow<Client> for Lease {
    fn borrow(&self) -> &Client {
        self
    }
}

impl BorrowMut<Client> for Lease {
    fn borrow_mut(&mut self) -> &mut Client {
        self
    }
}

/// A transfer returns the lease if it succeeds, and drops it if it fails
impl Holder<Client> for Lease {
    type Done<T> = (T, Self);
    type Error = Error;

    fn done<T>(lease: Self, value: T) -> (T, Self) {
        (value, lease)
    }

    fn failed(_: Self, error: Error, _: bool) -> Error {
        error
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            if let Some(Untouched(untouched)) = self.untouched.as_deref() {
                untouched.store(held.member().ended_untouched(), Ordering::Release);
            }
            held.give_back();
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("site", Self::site(self)).field("client", &**self).finish()
    }
}
