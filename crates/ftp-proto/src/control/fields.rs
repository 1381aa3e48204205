//! Parsers for the fields of well-known replies
//!
//! These functions convert a reply's text ([`Reply::text`]) to a value. They look at the text only: the caller
//! decides which codes to trust with which field. If a field can't be parsed, they return `None`. They allocate at
//! most as many bytes as the text has.

mod hash;
mod passive;
mod path;
mod size;
#[cfg(test)]
mod tests;
mod time;

pub use hash::{FileHash, HashAlgorithm, parse_hash, parse_hash_of};
pub use passive::{Epsv, PassiveAddress, parse_227, parse_229, parse_passive};
pub(crate) use path::path_and_proof;
pub use path::{parse_257, parse_stou};
pub use size::{parse_size, parse_size_hint, parse_size_hint_for};
pub use time::{format_time, parse_time};

#[cfg(doc)]
use super::reply::Reply;

/// Returns the number that `digits` represent; `None` if they are empty, contain other characters, or exceed `u64`
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| match digit {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// Counts the digits at the beginning of `text`
fn leading_digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}
