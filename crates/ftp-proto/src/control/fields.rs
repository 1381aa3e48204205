//! Fields of well-known replies
//!
//! Functions from a reply's text ([`Reply::text`]) to a value. They look at the text only: which
//! codes to trust with which field is the caller's affair. None of them fails in another way than
//! by returning `None`, and none allocates more than the text is long.

mod hash;
mod passive;
mod path;
mod size;
#[cfg(test)]
mod tests;
mod time;

pub use hash::{FileHash, HashAlgorithm, parse_hash};
pub use passive::{Epsv, PassiveAddress, parse_227, parse_229, parse_passive};
pub use path::{parse_257, parse_stou};
pub use size::{parse_size, parse_size_hint, parse_size_hint_for};
pub use time::{format_time, parse_time};

#[cfg(doc)]
use super::reply::Reply;

/// The number that `digits` are, `None` if there are none, others than digits, or too many
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| match digit {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// How many digits `text` begins with
fn leading_digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}
