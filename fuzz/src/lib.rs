//! What each fuzz target does with its bytes, as plain functions
//!
//! The targets call these, and so does `tests/replay.rs` with the committed corpus: a case that
//! once failed is checked by an ordinary `cargo test`.

mod ascii;
mod command;
mod fields;
mod listing;
mod reply;
mod tls_stream;

pub use ascii::ascii;
pub use command::command;
pub use fields::fields;
pub use listing::listing;
pub use reply::reply;
pub use tls_stream::tls_stream;

/// Cuts bytes into pieces of one length, which is 1 to 256
fn pieces(bytes: &[u8], length: u8) -> impl Iterator<Item = &[u8]> {
    bytes.chunks(usize::from(length) + 1)
}
