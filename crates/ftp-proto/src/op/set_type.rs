//! Sets the type: TYPE (RFC 959 section 4.1.2), only if the server has another type or it is not known
//!
//! ```text
//! ─▶ known already ─────────────▶ done
//! ─▶ TYPE X sent ── 2yz ────────▶ done
//! ```

use crate::control::command::{Command, Verb};
use crate::control::reply::Reply;
use crate::error::Error;
use crate::op::machine::{Context, completion};
use crate::terms::TransferType;

#[derive(Clone, Copy, Debug)]
pub(crate) struct SetType(pub(crate) TransferType);

impl SetType {
    /// Sends TYPE unless the server has this type already; returns true if there is nothing to wait for
    pub(crate) fn start(self, cx: &mut Context<'_>) -> bool {
        if cx.wire.session.type_ == Some(self.0) {
            return true;
        }
        // Until the reply comes, either type may be set.
        cx.wire.session.type_ = None;
        let code = match self.0 {
            TransferType::Image => "I",
            TransferType::Ascii => "A",
        };
        cx.send(&Command::literal(Verb::TYPE, code));
        false
    }

    pub(crate) fn replied(self, reply: Reply, cx: &mut Context<'_>) -> Result<(), Error> {
        completion(reply)?;
        cx.wire.session.type_ = Some(self.0);
        Ok(())
    }
}
