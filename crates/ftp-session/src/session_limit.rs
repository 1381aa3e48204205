//! Recognizes refusals that are about the number of sessions

use ftp_proto::Reply;

/// Whether a refusal is about the number of connections
///
/// 530 mostly means a wrong password, and 421 an idle session; only the text tells.
pub(crate) fn is_full(reply: &Reply) -> bool {
    const WORDS: [&[u8]; 6] = [
        b"too many",
        b"maximum",
        b"max clients",
        b"connection limit",
        b"number of connections",
        b"no more connections",
    ];
    // "Too many" of these is not about sessions.
    const OTHERS: [&[u8]; 2] = [b"attempts", b"failures"];
    let text = reply.text().to_ascii_lowercase();
    contains_any(&text, &WORDS) && !contains_any(&text, &OTHERS)
}

/// The number of sessions that such a refusal permits, if it states one
///
/// It is the only number in the text that is neither a part of an address nor a waiting time.
pub(crate) fn stated_limit(reply: &Reply) -> Option<usize> {
    let mut found = None;
    let words = reply.text().split(u8::is_ascii_whitespace);
    let mut words = words.filter(|word| !word.is_empty()).peekable();
    while let Some(word) = words.next() {
        // The colons at the start of an IPv6 address are not stripped.
        let is_edge = |byte: &u8| byte.is_ascii_punctuation() && !word.starts_with(b":");
        let start = word.iter().position(|byte| !is_edge(byte)).unwrap_or(word.len());
        let end = word.iter().rposition(|byte| !is_edge(byte)).map_or(start, |at| at + 1);
        let word = &word[start..end];
        // "5/5" means 5 of 5.
        let mut numbers = word.split(|byte| *byte == b'/').map(number);
        let Some(Some(count)) = numbers.next() else { continue };
        if numbers.any(|number| number != Some(count)) {
            return None;
        }
        let unit = words.peek().map(|unit| unit.to_ascii_lowercase()).unwrap_or_default();
        let units: [&[u8]; 4] = [b"sec", b"min", b"hour", b"time"];
        if units.iter().any(|other| unit.starts_with(other)) {
            continue;
        }
        if found.is_some_and(|found| found != count) {
            return None;
        }
        found = Some(count);
    }
    found.filter(|count| *count > 0)
}

/// Whether a 421 is about an idle session, which the server ends because of its idleness
pub(crate) fn is_idle_timeout(reply: &Reply) -> bool {
    const WORDS: [&[u8]; 5] = [b"idle", b"timeout", b"time-out", b"timed out", b"inactiv"];
    contains_any(&reply.text().to_ascii_lowercase(), &WORDS)
}

/// Whether vsftpd's process has exited because it found no free passive port: `500 OOPS: vsf_sysutil_bind`
pub(crate) fn is_about_ports(reply: &Reply) -> bool {
    const WORDS: [&[u8]; 2] = [b"bind", b"listen"];
    contains_any(&reply.text().to_ascii_lowercase(), &WORDS)
}

fn contains_any(text: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|words| text.windows(words.len()).any(|window| window == *words))
}

fn number(word: &[u8]) -> Option<usize> {
    // `parse` also accepts a sign, and numbers larger than any server's limit.
    let is_number = (1..=5).contains(&word.len()) && word.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(word).ok().filter(|_| is_number)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use ftp_proto::Code;

    use super::*;

    fn refusal(text: &str) -> Reply {
        Reply::new(Code::SERVICE_CLOSING, text.as_bytes())
    }

    #[test]
    fn refusals_about_the_number_of_sessions_are_recognized() {
        let crowded = [
            "There are too many connected users, please try later.",
            "Too many connections (8) from this IP",
            "Sorry, the maximum number of clients (5) for this user are already connected.",
            "Maximum login limit has been reached.",
        ];
        let others = [
            "Login incorrect.",
            "Timeout.",
            "Idle timeout (300 seconds)",
            "Too many login attempts",
            "Maximum number of failures reached",
            "",
        ];
        assert!(crowded.iter().all(|text| is_full(&refusal(text))));
        assert!(!others.iter().any(|text| is_full(&refusal(text))));
    }

    #[test]
    fn servers_state_their_limits() {
        let stated = [
            ("Too many connections (8) from this IP", 8),
            ("8 users (the maximum) are already logged in, sorry", 8),
            ("Sorry, the maximum number of clients (5) for this user are already connected.", 5),
            ("Sorry, the maximum number of users is logged in (10/10).", 10),
            ("Too many connections from 192.168.0.7: 3.", 3),
            ("Too many users (limit 50), try again in 60 seconds", 50),
        ];
        for (text, limit) in stated {
            assert_eq!(stated_limit(&refusal(text)), Some(limit), "{text}");
        }
        let silent = [
            "There are too many connections from your internet address.",
            "Too many connections from 192.168.0.7",
            "Too many connections from ::1",
            "Too many users, try again in 60 seconds",
            "Too many users: 3 of 5",
            "Too many connections (0)",
            "Maximum of 1234567 reached",
        ];
        for text in silent {
            assert_eq!(stated_limit(&refusal(text)), None, "{text}");
        }
    }
}
