//! "Make TYPE be X": TYPE (RFC 959 section 4.1.2), only where the server stands otherwise
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
    /// Sends TYPE unless the server is known to be there: true if there is nothing to wait for
    pub(crate) fn start(self, cx: &mut Context<'_>) -> bool {
        if cx.wire.session.type_ == Some(self.0) {
            return true;
        }
        // Until the reply, either may hold.
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
