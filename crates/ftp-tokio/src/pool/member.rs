//! A session of the pool: how it is opened, checked and settled

use std::time::Duration;

use ftp_proto::{Config, ConnectionError, Effect, Endpoints, Protection, Reply};
use ftp_session::{Error, Reading, SessionEnd};
use tokio::time::Instant;

use super::site::Site;
use crate::client::Client;
use crate::session::Session;

pub(super) struct Member {
    pub(super) client: Client,
    pub(super) site: Site,
    opened: Instant,
    /// The login directory, if the server reports it
    home: Option<Vec<u8>>,
    config: Config,
    reading: Reading,
    /// Identifies the session: a caller may have put another client in its place
    endpoints: Option<Endpoints>,
    /// The number of failed data connections reported to the budget
    data_failures: u32,
}

/// What to do with a session that is not in use
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MemberState {
    /// It can be leased
    Clean,
    /// It can be leased once its unfinished requests are settled
    Settle,
    /// It was changed, or must not be used any longer
    Close,
    Dead(SessionEnd),
}

/// Why a session could not be opened, with the server's reply if there are too many sessions
pub(super) struct Unopened {
    pub(super) error: Error,
    pub(super) refusal: Option<Reply>,
}

impl From<Error> for Unopened {
    fn from(error: Error) -> Self {
        Self { error, refusal: None }
    }
}

impl Member {
    /// Connects and logs in
    pub(super) async fn log_in(site: &Site) -> Result<Self, Unopened> {
        let address = (site.host(), site.port());
        let mut session = Session::connect(address, site.options(), site.dialer()).await?;
        let request = session.inner.request();
        let op = match site.acct() {
            Some(account) => request.login_with_account(site.user(), site.password(), account),
            None => request.login(site.user(), site.password()),
        };
        if let Err(error) = session.run(op).await {
            return Err(Unopened { error, refusal: refusal(&session) });
        }
        let client = Client { session };
        Ok(Self {
            opened: Instant::now(),
            site: site.clone(),
            home: None,
            config: client.config().clone(),
            reading: *client.session.inner.reading(),
            endpoints: client.session.inner.endpoints(),
            data_failures: 0,
            client,
        })
    }

    /// Does what the site requires after the login
    pub(super) async fn prepare(&mut self) -> Result<(), Error> {
        let client = &mut self.client;
        if self.site.wants_clear_data() && client.is_secure() {
            client.protect(Protection::Clear).await?;
        }
        if self.site.wants_clear_control() {
            client.clear_control().await?;
        }
        match client.pwd().await {
            Err(error) if error.is_fatal() => return Err(error),
            // An empty path would lead nowhere.
            home => self.home = home.ok().filter(|home| !home.is_empty()),
        }
        self.client.session.inner.request().clear_effects();
        Ok(())
    }

    pub(super) fn is_older_than(&self, age: Duration) -> bool {
        self.opened.elapsed() > age
    }

    /// The number of data connections that failed since the last call
    pub(super) fn take_data_failures(&mut self) -> u32 {
        let failures = self.client.session.inner.data_failures();
        failures.saturating_sub(std::mem::replace(&mut self.data_failures, failures))
    }

    /// Checks the session without a round trip: bytes that are waiting are its end, or a 421
    pub(super) fn look(&mut self) -> MemberState {
        self.client.session.look();
        let proto = self.client.session.inner.client();
        if let Some(error) = proto.error() {
            return MemberState::Dead(SessionEnd::of(error));
        }
        let effects = proto.effects();
        let kept = effects.has(Effect::Directory) && self.home.is_none();
        if effects.has(Effect::Settings) || kept || !self.is_itself() {
            return MemberState::Close;
        }
        if effects.has(Effect::Directory) || !self.client.session.is_settled() {
            return MemberState::Settle;
        }
        // Settling has not ended it, so the caller has sent RNFR itself. And a part of a reply is the beginning of a 421,
        // or would be taken for that of an answer.
        if effects.has(Effect::Rename) || proto.has_partial_reply() {
            return MemberState::Close;
        }
        MemberState::Clean
    }

    /// Whether the session still is the one that was opened for the site, with the same protection
    fn is_itself(&self) -> bool {
        let site = &self.site;
        let secure = self.client.is_secure();
        let protected = self.client.protection() == Protection::Private;
        let was_secure = self.config.tls != ftp_proto::TlsPolicy::Plaintext;
        self.client.session.inner.endpoints() == self.endpoints
            && secure == (was_secure && !site.wants_clear_control())
            && protected == (was_secure && !site.wants_clear_data())
    }

    /// Aborts unfinished requests, and returns to the login directory
    pub(super) async fn settle(&mut self) -> Result<(), Error> {
        self.client.session.begin().await;
        self.client.session.rest().await?;
        if self.client.session.inner.client().effects().has(Effect::Directory) {
            if let Some(home) = &self.home {
                let reply = self.client.cwd(home).await?;
                // The next task must not work elsewhere, whatever the server has answered.
                if self.client.pwd().await? != *home {
                    return Err(ftp_proto::Error::WorkingDirectoryLost(reply).into());
                }
            }
            self.client.session.inner.request().clear_effects();
        }
        Ok(())
    }

    /// Restores the settings that a caller may have changed on the client side
    pub(super) fn reset(&mut self) {
        let request = self.client.session.inner.request();
        request.config_mut().clone_from(&self.config);
        request.clear_effects();
        *self.client.session.inner.reading_mut() = self.reading;
    }

    /// Whether the session ended before the server began anything for the task that has it
    pub(super) fn ended_untouched(&self) -> bool {
        let proto = self.client.session.inner.client();
        let effects = proto.effects();
        match proto.error() {
            // In place of the first answer, a 421 refuses whatever was asked.
            Some(ConnectionError::ServiceClosing(_)) => effects.replies() <= 1,
            // A command may have been carried out without an answer.
            Some(ConnectionError::Eof) => {
                let changes = effects.has(Effect::Files) || effects.has(Effect::Settings);
                effects.replies() == 0 && !changes
            }
            _ => false,
        }
    }
}

/// The reply with which the server says that it has too many sessions
fn refusal(session: &Session) -> Option<Reply> {
    let inner = &session.inner;
    let closing = match inner.client().error() {
        // During a login the 421 can't be about idleness.
        Some(ConnectionError::ServiceClosing(reply)) => Some(reply),
        _ => None,
    };
    inner.too_many_sessions().or(closing).cloned()
}
