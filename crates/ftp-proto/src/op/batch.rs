//! Batches: commands sent together, before the first has been answered
//!
//! A batch saves a round trip. It is safe where the second command means the same whatever the
//! first is answered, and harms nothing if the first is refused. Nothing is ever sent behind a
//! transfer command (Pure-FTPd eats what comes during a transfer), behind AUTH or CCC (the barrier),
//! behind PASS (the login decides what the next command may be), REST (a transfer from the wrong
//! place is worse than a round trip) or RNFR (a name that does not exist).
//!
//! Replies are counted as always. An operation whose second command was refused in a batch sends it
//! once more alone: if that helps, the server takes no batches, and the session sends none any more.
//! Nor does it where the second command is not answered at all: some servers take whatever one read
//! brings for one command. Whether that answer was lost or is late can't be told by counting, so a
//! sentinel settles it (settle.rs). Behind AUTH, before the login, there is no sentinel: a server that
//! swallows PROT in a batch runs into [`Config::reply_timeout`](crate::Config::reply_timeout).

use crate::control::command::Verb;

/// What may be sent before the answer to what
const PAIRS: [(Verb, Verb); 5] = [
    // The type of a transfer and the port of its connection have nothing to do with each other.
    (Verb::TYPE, Verb::EPSV),
    (Verb::TYPE, Verb::PASV),
    // PBSZ 0 is a formality whose answer is ignored (Q82).
    (Verb::PBSZ, Verb::PROT),
    // The login goes through the same TLS; a refusal of PROT ends the session either way.
    (Verb::PROT, Verb::USER),
    // Where USER is enough, or refused, the answer to PASS is dropped (Q139).
    (Verb::USER, Verb::PASS),
];

/// Whether `second` may be sent before the answer to `first`
pub(crate) fn may_follow(first: Verb, second: Verb) -> bool {
    PAIRS.contains(&(first, second))
}
