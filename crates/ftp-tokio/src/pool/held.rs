//! A session in use, and a permit to open one: each returns to the pool exactly once, at the latest when it is dropped

use std::sync::Arc;

use ftp_proto::Reply;
use ftp_session::{Error, SessionEnd};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::error::PoolError;
use super::events::CloseReason;
use super::host::{Attempt, EndedWhile};
use super::line::{Idle, Turn};
use super::member::{Member, MemberState};
use super::reaper;
use super::shared::Shared;
use super::site::{HostKey, Site};

/// A session in use, which the budget counts
pub(super) struct Held {
    shared: Arc<Shared>,
    /// `None` once it was returned, which consumes this value
    member: Option<Box<Member>>,
}

impl Held {
    const fn new(shared: Arc<Shared>, member: Box<Member>) -> Self {
        Self { shared, member: Some(member) }
    }

    pub(super) fn member(&self) -> &Member {
        match &self.member {
            Some(member) => member,
            None => unreachable!("the session is taken only from one that is consumed"),
        }
    }

    pub(super) fn member_mut(&mut self) -> &mut Member {
        match &mut self.member {
            Some(member) => member,
            None => unreachable!("the session is taken only from one that is consumed"),
        }
    }

    /// Returns the session after use
    pub(super) fn give_back(mut self) {
        let failures = self.member_mut().take_data_failures();
        if failures > 0 {
            let key = self.member().site.key().clone();
            self.shared.change(&key, |host, now| host.data_failed(failures, now));
        }
        match self.member_mut().look() {
            MemberState::Clean => self.keep(),
            MemberState::Settle => {
                // Without a runtime nothing can settle it, so it is closed.
                let Ok(runtime) = Handle::try_current() else { return };
                runtime.spawn(async move {
                    if self.member_mut().settle().await.is_err() {
                        return self.discard(CloseReason::Unsettled);
                    }
                    match self.member_mut().look() {
                        MemberState::Clean => self.keep(),
                        MemberState::Settle | MemberState::Close | MemberState::Dead(_) => {
                            self.discard(CloseReason::Changed);
                        }
                    }
                });
            }
            MemberState::Close | MemberState::Dead(_) => self.discard(CloseReason::Changed),
        }
    }

    /// Hands the session to the next task in line, or keeps it idle
    fn keep(mut self) {
        if let Some(mut member) = self.member.take() {
            member.reset();
            self.shared.keep(member);
            reaper::start(&self.shared);
        }
    }

    /// Takes the session out of use: one that is over has ended; any other is closed with QUIT
    pub(super) fn discard(mut self, reason: CloseReason) {
        match self.member_mut().look() {
            MemberState::Dead(end) => self.end(end, CloseReason::Over(end)),
            MemberState::Clean | MemberState::Settle | MemberState::Close => {
                if let Some(member) = self.member.take() {
                    let key = member.site.key().clone();
                    self.shared.change(&key, |host, _| host.close_later(member, reason));
                }
            }
        }
    }

    /// Reports that the session is over
    pub(super) fn end(mut self, end: SessionEnd, reason: CloseReason) {
        if let Some(member) = self.member.take() {
            self.shared.ended(member, end, EndedWhile::InUse, reason);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(member) = self.member.take() {
            self.shared.ended(member, SessionEnd::Broken, EndedWhile::InUse, CloseReason::Dropped);
        }
    }
}

/// A permit to open a session; dropping it reports the result of the attempt
pub(super) struct Permit {
    shared: Arc<Shared>,
    site: Site,
    attempt: Attempt,
}

impl Permit {
    /// The session is open, and counts from now on
    pub(super) fn opened(mut self, member: Member) -> Held {
        self.attempt = Attempt::Opened;
        Held::new(Arc::clone(&self.shared), Box::new(member))
    }

    /// The server has too many sessions
    pub(super) fn refused(mut self, reply: Reply, error: Error) {
        self.attempt = Attempt::Refused(reply, error);
    }

    /// The session could not be opened
    pub(super) fn failed(mut self, error: Error) {
        self.attempt = Attempt::Failed(error);
    }

    /// The login was refused: no other task may try it
    pub(super) fn rejected(mut self, error: Error) {
        self.attempt = Attempt::Rejected(error, self.shared.settings.login_memory);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let attempt = std::mem::replace(&mut self.attempt, Attempt::GivenUp);
        let site = &self.site;
        self.shared.change(site.key(), |host, now| host.attempted(site, attempt, now));
    }
}

/// What a task in line receives
pub(super) enum Grant {
    /// A session, and since when it was idle
    Session(Held, Instant),
    Open(Box<Permit>),
}

/// A place in line, which dropping it gives up
pub(super) struct Ticket {
    shared: Arc<Shared>,
    key: HostKey,
    number: u64,
    notify: Arc<Notify>,
}

impl Ticket {
    pub(super) fn new(shared: &Arc<Shared>, site: &Site) -> Result<Self, PoolError> {
        let notify = Arc::new(Notify::new());
        let number = shared.enter(site, None, &notify)?;
        Ok(Self { shared: Arc::clone(shared), key: site.key().clone(), number, notify })
    }

    /// Returns to the same place in line
    pub(super) fn again(&self, site: &Site) -> Result<(), PoolError> {
        self.shared.enter(site, Some(self.number), &self.notify).map(drop)
    }

    /// Why the last attempt to open a session failed, even if it was another task's
    pub(super) fn last_error(&self) -> Option<Error> {
        self.shared.change(&self.key, |host, _| host.last_error()).flatten()
    }

    /// Waits until the task's turn has come; `None` if the deadline passes first
    pub(super) async fn called(
        &self,
        deadline: Option<Instant>,
    ) -> Result<Option<Grant>, PoolError> {
        loop {
            let look = match self.shared.turn(&self.key, self.number) {
                Ok(turn) => return self.grant(turn).map(Some),
                Err(look) => look,
            };
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Ok(None);
            }
            let notified = self.notify.notified();
            let Some(until) = look.into_iter().chain(deadline).min() else {
                notified.await;
                continue;
            };
            if timeout_at(until, notified).await.is_err() && look.is_some_and(|look| look <= until)
            {
                self.shared.change(&self.key, |host, _| host.line.has_looked(self.number));
            }
        }
    }

    fn grant(&self, turn: Turn) -> Result<Grant, PoolError> {
        let shared = Arc::clone(&self.shared);
        match turn {
            Turn::Session(Idle { member, since }) => {
                Ok(Grant::Session(Held::new(shared, member), since))
            }
            Turn::Open(site) => {
                let permit = Permit { shared, site, attempt: Attempt::GivenUp };
                Ok(Grant::Open(Box::new(permit)))
            }
            Turn::Rejected(error) => Err(error.into()),
            Turn::Closed => Err(PoolError::Closed),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.shared.change(&self.key, |host, now| host.leave(self.number, now));
    }
}
