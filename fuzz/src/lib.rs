//! The code of each fuzz target, as plain functions
//!
//! The targets call these functions, and so does `tests/replay.rs` with the committed corpus: an input that once failed
//! is checked by an ordinary `cargo test`.

mod ascii;
mod client;
mod command;
mod fields;
// Shared with the tests; it depends on nothing but the machine.
#[path = "../../tests/src/laws.rs"]
#[expect(dead_code, reason = "a test of the core performs single acts")]
mod laws;
mod listing;
mod netrc;
// Only the parser: the whole command-line program would take minutes to build.
#[path = "../../crates/ftp-cli/src/netrc.rs"]
#[expect(dead_code, reason = "the command line also looks for the file")]
mod netrc_file;
mod proxy;
mod reply;
mod tls_stream;

pub use ascii::ascii;
pub use client::client;
pub use command::command;
pub use fields::fields;
pub use listing::listing;
pub use netrc::netrc;
pub use proxy::proxy;
pub use reply::reply;
pub use tls_stream::tls_stream;

/// Splits bytes into pieces of equal length, from 1 to 256
fn pieces(bytes: &[u8], length: u8) -> impl Iterator<Item = &[u8]> {
    bytes.chunks(usize::from(length) + 1)
}
