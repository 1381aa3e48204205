//! Secrets that were sent, and which replies are searched for them
//!
//! A server that repeats a command in its answer also repeats the password in it. Secrets are remembered for the whole
//! session, because in a batch the answer may come after others, some servers answer a login twice, and a later login
//! may be answered with the password of an earlier one.
//!
//! They are not masked in every reply: the client reads addresses, sizes and names from replies, and a password such as
//! `data` or `2121` must not change those. So once all logins are answered, only the replies are searched that servers
//! use to answer a login or to repeat a command they refuse; see [`may_repeat`].

use alloc::borrow::Cow;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::iter;

use memchr::memmem;

use super::command::{Command, MASK, Secret, Verb};
use super::reply::{Code, Reply, ReplyKind};
use super::telnet::IAC;

/// The number of secrets that are remembered; the oldest is forgotten for the next one
const MAX_KNOWN: usize = 16;

/// The length up to which a secret is masked only as a whole word: as part of one, it says nothing
const SHORT: usize = 3;

/// The secrets that a session has sent, or that a proxy has received, without duplicates
#[derive(Debug, Default)]
pub(crate) struct Secrets(VecDeque<Secret>);

impl Secrets {
    /// Remembers the secrets of a command; returns whether it has any
    pub(super) fn learn(&mut self, command: &Command<'_>) -> bool {
        let Some(concealed) = command.concealed() else { return false };
        // A server may repeat one word of `SITE PSWD old new`. A password or an account is one secret even if it
        // contains spaces.
        let words = match command.verb() {
            Verb::PASS | Verb::ACCT => &[][..],
            _ => concealed,
        };
        let secrets = iter::once(concealed).chain(words.split(u8::is_ascii_whitespace));
        secrets.for_each(|secret| self.remember(secret));
        true
    }

    /// Remembers a secret; one that is known becomes the latest
    pub(super) fn remember(&mut self, secret: &[u8]) {
        if secret.is_empty() {
            return;
        }
        if secret.contains(&IAC) {
            // A server may repeat it as it was sent.
            self.push(Secret::escaped(secret));
        }
        self.push(Secret::checked(secret));
    }

    fn push(&mut self, secret: Secret) {
        self.0.retain(|known| known.expose() != secret.expose());
        if self.0.len() == MAX_KNOWN {
            self.0.pop_front();
        }
        self.0.push_back(secret);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets and wipes all secrets
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns a text with every secret in it replaced by the mask; `None` if there is none
    pub(super) fn mask(&self, text: &[u8]) -> Option<Vec<u8>> {
        masked(text, self.0.iter().map(Secret::expose))
    }

    /// Returns the length of a text without the beginning of a secret at its end
    pub(super) fn len_without_beginning(&self, text: &[u8]) -> usize {
        let begun = |secret: &Secret| {
            let secret = secret.expose();
            (1..secret.len()).rev().find(|&length| text.ends_with(&secret[..length]))
        };
        text.len() - self.0.iter().filter_map(begun).max().unwrap_or(0)
    }
}

/// Replaces each of these secrets in a text by four stars, by the rule for replies: one of up to three bytes is
/// replaced only where it is a whole word
///
/// The client masks the replies that it returns. This is for the text of another peer that has received a secret, for
/// example a proxy.
#[must_use]
pub fn mask<'text>(text: &'text [u8], secrets: &[&[u8]]) -> Cow<'text, [u8]> {
    let secrets = secrets.iter().copied().filter(|secret| !secret.is_empty());
    masked(text, secrets).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Returns a text with these secrets replaced by the mask; `None` if none of them is in it
fn masked<'secret>(
    text: &[u8],
    secrets: impl Iterator<Item = &'secret [u8]> + Clone,
) -> Option<Vec<u8>> {
    // Few replies contain any.
    if !secrets.clone().any(|secret| memmem::find(text, secret).is_some()) {
        return None;
    }
    let longest_at = |start| longest_at(text, start, secrets.clone());
    let first = (0..text.len()).find(|&start| longest_at(start).is_some())?;
    let mut masked = text[..first].to_vec();
    // The end of the last secret found. Secrets may overlap.
    let mut hidden = first;
    for (start, byte) in text.iter().enumerate().skip(first) {
        if let Some(end) = longest_at(start) {
            if start >= hidden {
                masked.extend_from_slice(MASK.as_bytes());
            }
            hidden = hidden.max(end);
        }
        if start >= hidden {
            masked.push(*byte);
        }
    }
    Some(masked)
}

/// Returns where the longest secret ends that begins at `start`; `None` if none begins there
fn longest_at<'secret>(
    text: &[u8],
    start: usize,
    secrets: impl Iterator<Item = &'secret [u8]>,
) -> Option<usize> {
    let is_alphanumeric = |at: usize| text.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let follows_one = start.checked_sub(1).is_some_and(is_alphanumeric);
    let ends = secrets.filter_map(|secret| {
        let end = start + secret.len();
        let is_word = !follows_one && !is_alphanumeric(end);
        let counts = secret.len() > SHORT || is_word;
        (text[start..].starts_with(secret) && counts).then_some(end)
    });
    ends.max()
}

/// Whether a reply may repeat a secret although no command with one is unanswered
///
/// These are the replies about logins (x3z, RFC 959 section 4.2.1), for example a second answer to PASS, and refusals,
/// which may repeat a command line that the server has answered before or counted as another one. A refusal about a file
/// (x5z) names that file instead. Other replies contain what the client asked for.
pub(super) fn may_repeat(reply: &Reply) -> bool {
    let is_refusal = matches!(reply.kind(), ReplyKind::Transient | ReplyKind::Permanent);
    match group(reply.code()) {
        3 => true,
        5 => false,
        _ => is_refusal,
    }
}

/// The second digit, which says what a reply is about
const fn group(code: Code) -> u16 {
    code.get() / 10 % 10
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;
    use crate::control::command::Argument;

    fn masked(secrets: &[&str], text: &str) -> String {
        let bytes: Vec<&[u8]> = secrets.iter().map(|secret| secret.as_bytes()).collect();
        let at_once = mask(text.as_bytes(), &bytes).into_owned();
        let mut known = Secrets::default();
        for secret in secrets {
            let secret = Secret::new(secret).unwrap();
            assert!(known.learn(&Command::secret(Verb::PASS, &secret)));
        }
        let masked = known.mask(text.as_bytes()).unwrap_or_else(|| text.into());
        if secrets.len() <= MAX_KNOWN {
            assert_eq!(at_once, masked);
        }
        String::from_utf8(masked).unwrap()
    }

    #[test]
    fn several_secrets() {
        assert_eq!(masked(&["hunter2", "hunter22"], "hunter22 hunter2 hunter"), "**** **** hunter");
        assert_eq!(masked(&["hunter22", "hunter2"], "a:hunter22"), "a:****");
        assert_eq!(masked(&["abcde", "defgh"], "xabcdefghx"), "x****x");
        assert_eq!(masked(&["aaaa"], "aaaaa b"), "**** b");
        assert_eq!(masked(&["abcd"], "abcdabcd"), "********");
        assert_eq!(masked(&[""], "nothing"), "nothing");
    }

    #[test]
    fn short_secrets_are_words() {
        assert_eq!(masked(&["a"], "a bad password: a."), "**** bad password: ****.");
        assert_eq!(masked(&["no"], "nobody noted no"), "nobody noted ****");
    }

    #[test]
    fn the_oldest_is_forgotten() {
        let secrets: Vec<String> =
            (0..=MAX_KNOWN).map(|index| alloc::format!("secret-{index:02}")).collect();
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        assert_eq!(masked(&secrets, "secret-00 secret-01 secret-16"), "secret-00 **** ****");
        // A secret that is used again is not the oldest any more.
        let again = [&secrets[..MAX_KNOWN], &[secrets[0], secrets[MAX_KNOWN]]].concat();
        assert_eq!(masked(&again, "secret-00 secret-01 secret-16"), "**** secret-01 ****");
    }

    #[test]
    fn passwords_in_other_commands() {
        let learned = |verb: &str, argument: &str, text: &str| {
            let mut known = Secrets::default();
            let argument = Argument::new(argument).unwrap();
            known.learn(&Command::new(Verb::new(verb).unwrap(), &argument));
            known.mask(text.as_bytes()).map(|masked| String::from_utf8(masked).unwrap())
        };
        let text = "PSWD older newer: newer is too short";
        let hidden = "PSWD ****: **** is too short";
        assert_eq!(learned("SITE", "PSWD older newer", text).as_deref(), Some(hidden));
        assert_eq!(learned("SITE", " pswd  older newer", "older").as_deref(), Some("****"));
        assert_eq!(learned("CPWD", "older newer", text).as_deref(), Some(hidden));
        assert_eq!(
            learned("PASS", "two words", "two words: words").as_deref(),
            Some("****: words")
        );
        assert_eq!(learned("SITE", "CHMOD 644 file", "CHMOD 644 file"), None);
        assert_eq!(learned("RETR", "file", "file"), None);
    }
}
