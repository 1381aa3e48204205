//! The same servers and faults for `ftp-session`: a whole session with its shell, on a simulated network
//!
//! The [network](net) carries bytes, late and in pieces. The [host](host) is the server's end of it, with TLS. The
//! [shell] behaves in one of the [manners](manner) of real shells. What really happened is recorded where it happens,
//! and compared with what the session reports, by the same code as for the core.
//!
//! In the runs of [budget], many such sessions meet one server that limits their number.

mod budget;
mod crypto;
mod door;
mod host;
mod manner;
mod net;
mod play;
mod procedure;
mod seeded;
mod shell;
mod tls;

pub use budget::{BudgetCase, BudgetFailure, BudgetRun, BudgetTally, Caller, Course};
pub use door::Refusal;
pub use play::{EngineEnd, play};
pub use tls::Tls;
