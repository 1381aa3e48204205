//! The same servers and faults over `ftp-session`: a whole session with its shell, on a simulated network
//!
//! The [network](net) carries bytes, late and in pieces; the [host](host) is the server's end of it, with TLS; the
//! [shell] waits in one of the [manners](manner) that shells have. What really happened is noted where it
//! happens, and the judge of the core's simulator compares it with what the session reports.

mod crypto;
mod errand;
mod host;
mod manner;
mod net;
mod play;
mod shell;
mod tls;

pub use play::{EngineEnd, play};
pub use tls::Tls;
