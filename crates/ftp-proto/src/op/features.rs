//! The server's features: FEAT (RFC 2389)
//!
//! ```text
//! FEAT ── 2yz ──────────────▶ done: features, remembered
//!      ── 500, 502, 504 ────▶ done: none, remembered
//!      ── other 4yz, 5yz ───▶ refused, not remembered: it was sent before the login
//! ```

use crate::claim::Outcome;
use crate::config::Prefetch;
use crate::control::command::{Command, Verb};
use crate::control::features::Features;
use crate::control::reply::Reply;
use crate::control::reply::ReplyKind;
use crate::error::Error;
use crate::op::machine::{Context, Input, Step};
use crate::server::Kind;

#[derive(Debug)]
pub(crate) struct FeaturesOp;

impl FeaturesOp {
    pub(crate) fn step(&self, input: Input, cx: &mut Context<'_>) -> Result<Step, Error> {
        match input {
            Input::Start => cx.send(&Command::bare(Verb::FEAT)),
            Input::Reply(reply) => {
                let features = match reply.kind() {
                    ReplyKind::Preliminary => return Ok(Step::Pending),
                    ReplyKind::Completion => match Features::parse(&reply) {
                        Some(features) => features,
                        None => return Err(Error::InvalidReply(reply)),
                    },
                    // The server is older than RFC 2389.
                    _ if is_unknown(&reply) => Features::default(),
                    _ => return Err(Error::from_reply(reply)),
                };
                let session = &mut cx.wire.session;
                if !session.kind.is_likely(Some(&features)) && session.kind != Kind::Other {
                    // The greeting names another server: one that may drop a transfer for EPSV.
                    session.kind = Kind::Other;
                    if cx.wire.config.prefetch == Prefetch::Known {
                        session.ahead.give_up();
                    }
                }
                session.features = Some(features.clone());
                return Ok(Step::Done(Outcome::Features(features)));
            }
            _ => {}
        }
        Ok(Step::Pending)
    }
}

/// Whether the server does not know the command, or does not implement it
pub(crate) fn is_unknown(reply: &Reply) -> bool {
    matches!(reply.code().get(), 500 | 502 | 504)
}
