//! Batches: commands sent together, before the first has been answered
//!
//! A batch saves a round trip. It is safe if the second command means the same whatever the reply to the first is,
//! and does no harm if the first is refused. Nothing is sent after a transfer command (Pure-FTPd swallows what
//! comes during a transfer; `prefetch.rs` has the exception), AUTH or CCC (because of the barrier), PASS (the login
//! decides what the next command may be), REST (a transfer from the wrong position is worse than a round trip) or RNFR
//! (the name may not exist).
//!
//! Replies are counted as always. If the second command of a batch is refused, the operation sends it again alone.
//! If it is then accepted, the server does not support batches, and the session sends no more of them. The same
//! applies if the second command is not answered at all: some servers take everything that one read returns for a
//! single command. Counting can't show whether that reply is lost or late, so a sentinel settles it (settle.rs).
//! After AUTH, before the login, there is no sentinel: if a server ignores PROT in a batch,
//! [`Config::reply_timeout`](crate::Config::reply_timeout) ends the wait.

use crate::control::command::Verb;

/// Pairs of commands of which the second may be sent before the reply to the first; so TYPE, SIZE and MDTM go together
const PAIRS: [(Verb, Verb); 9] = [
    // The type of a transfer and the port of its connection are independent.
    (Verb::TYPE, Verb::EPSV),
    (Verb::TYPE, Verb::PASV),
    // A listing of the directory; if that does not exist, the port is not used.
    (Verb::CWD, Verb::EPSV),
    (Verb::CWD, Verb::PASV),
    // If TYPE is refused, the size is not used.
    (Verb::TYPE, Verb::SIZE),
    // Two questions about one file.
    (Verb::SIZE, Verb::MDTM),
    // PBSZ 0 is a formality whose answer is ignored (Q82).
    (Verb::PBSZ, Verb::PROT),
    // The login goes through the same TLS; a refusal of PROT ends the session either way.
    (Verb::PROT, Verb::USER),
    // If USER is enough, or refused, the reply to PASS is dropped (Q139).
    (Verb::USER, Verb::PASS),
];

/// Whether `second` may be sent before the answer to `first`
pub(crate) fn may_follow(first: Verb, second: Verb) -> bool {
    PAIRS.contains(&(first, second))
}
