//! Client and server in memory, with virtual time and seeded choices: no sockets, no clocks
//!
//! [`Session`] plays one session: a client (the machine of `ftp-proto`), a model of a server ([`Server`]) with a
//! [`Profile`] and a [`Habit`], and one [`Fault`]. Every delay and every split is derived from the seed, so the same
//! seed gives the same trace to the byte. The server and the network record what really happened, and [`check`]
//! compares that with what the client reports.

#![expect(clippy::unwrap_used, reason = "a harness of tests: a panic is the report")]

mod api;
mod check;
mod control;
mod driver;
mod engine;
mod faults;
mod habit;
mod profile;
mod replies;
mod requests;
mod run;
// Compiled into both packages, so that neither depends on the other.
#[path = "../../src/seed.rs"]
mod seed;
mod server;
mod session;
mod task;

pub use check::{Class, Finding, check};
pub use engine::{
    BudgetCase, BudgetFailure, BudgetRun, BudgetTally, Caller, Course, EngineEnd, Refusal, Tls,
    play,
};
pub use faults::{
    ControlFault, DataFault, Extent, FOREIGN, Fault, HandshakeFault, Position, REFUSALS,
    ReplyFault, Side, Which, WireFault, faults_of, few_faults_of, wire_faults_of, words_of,
};
pub use habit::{Beside, Habit, Late, Next};
pub use profile::{Early, Profile, Tickets};
pub use run::{Failure, Over, Run, Set, Tally};
pub use seed::Seed;
pub use server::{Answer, Deed, Said, Server};
pub use session::{Ask, Broken, Case, End, Gone, Move, MoveEnd, OpEnd, Session, Stray};
pub use task::{Task, Way};
