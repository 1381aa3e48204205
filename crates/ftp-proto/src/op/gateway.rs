//! The commands that an FTP proxy needs before the login at the server
//!
//! ```text
//! USER ──┬── 331 ──▶ PASS ── 2yz, 3yz ──┬──▶ OPEN ── 2yz, 3yz ──▶ the server's login
//!        └── 2yz ───────────────────────┘
//! ```
//!
//! USER and PASS are omitted if the proxy needs no login, OPEN if USER names the server. Once done, this is not
//! repeated in the session: a later refusal concerns the server's login.

use crate::control::command::{Command, Verb};
use crate::control::reply::{Reply, ReplyKind};
use crate::error::Error;
use crate::gateway::{Gateway, GatewayForm};
use crate::op::machine::Context;
use crate::session::GatewayMemory;

/// The command that the next reply answers
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    User,
    Password,
    Open,
}

impl Entry {
    /// Begins, if the proxy needs any command
    pub(crate) fn begin(cx: &mut Context<'_>) -> Option<Self> {
        let gateway = cx.wire.config.gateway.clone()?;
        if cx.wire.session.gateway == GatewayMemory::Passed {
            return None;
        }
        match gateway.login() {
            Some((user, _)) => {
                cx.send(&Command::new(Verb::USER, user));
                Some(Self::User)
            }
            None => Self::open(&gateway, cx),
        }
    }

    /// Takes a reply that is not preliminary; returns `None` if the server's login is next
    pub(crate) fn answered(
        self,
        reply: Reply,
        cx: &mut Context<'_>,
    ) -> Result<Option<Self>, Error> {
        let Some(gateway) = cx.wire.config.gateway.clone() else { return Ok(None) };
        let wants_account = reply.code().get() == 332;
        match (self, reply.kind()) {
            (_, ReplyKind::Transient | ReplyKind::Permanent) => Err(Error::GatewayRefused(reply)),
            _ if wants_account => Err(Error::GatewayRefused(reply)),
            (Self::User, ReplyKind::Intermediate) => {
                if let Some((_, password)) = gateway.login() {
                    cx.send(&Command::secret(Verb::PASS, password));
                }
                Ok(Some(Self::Password))
            }
            (Self::User | Self::Password, _) => Ok(Self::open(&gateway, cx)),
            (Self::Open, _) => {
                cx.wire.session.gateway = GatewayMemory::Passed;
                Ok(None)
            }
        }
    }

    fn open(gateway: &Gateway, cx: &mut Context<'_>) -> Option<Self> {
        match gateway.form() {
            GatewayForm::Open => {
                cx.send(&Command::new(Verb::OPEN, gateway.target()));
                Some(Self::Open)
            }
            GatewayForm::UserAtHost => {
                cx.wire.session.gateway = GatewayMemory::Passed;
                None
            }
        }
    }
}
