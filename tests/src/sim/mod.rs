//! Client and server in memory, with virtual time and seeded choice: no sockets, no clocks
//!
//! [`Session`] plays one session: a client (the machine of `ftp-proto`), a model of a server
//! ([`Server`]) after a [`Profile`], and one [`Fault`]. Every delay and every split comes from the
//! seed, so that the same seed gives the same trace, to the byte.

mod control;
mod driver;
mod faults;
mod judge;
mod profile;
mod server;
mod session;
mod task;

pub use faults::{ControlFault, DataFault, Fault, HandshakeFault, Place, ReplyFault, faults_of};
pub use judge::{Tally, Verdict, judge, run_all};
pub use profile::{Early, Profile, Tickets};
pub use server::{Answer, Server};
pub use session::{Broken, Case, End, Session};
pub use task::{Task, Way};
