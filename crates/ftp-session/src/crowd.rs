//! Refusals that are about the number of sessions

use ftp_proto::Reply;

/// Whether the server has said that there are too many sessions
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crowded {
    No,
    Yes,
}

/// Whether a refusal's text is about the number of connections
///
/// 530 mostly means a wrong password, and 421 an idle session; the rest is in the words.
pub(crate) fn is_full(reply: &Reply) -> bool {
    speaks_of_crowds(reply.text())
}

fn speaks_of_crowds(text: &[u8]) -> bool {
    const WORDS: [&[u8]; 6] = [
        b"too many",
        b"maximum",
        b"max clients",
        b"connection limit",
        b"number of connections",
        b"no more connections",
    ];
    let text = text.to_ascii_lowercase();
    WORDS.iter().any(|words| text.windows(words.len()).any(|window| window == *words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crowds_are_told_from_other_refusals() {
        let crowded = [
            "There are too many connected users, please try later.",
            "Too many connections (8) from this IP",
            "Sorry, the maximum number of clients (5) for this user are already connected.",
            "Maximum login limit has been reached.",
        ];
        let others = ["Login incorrect.", "Timeout.", "Idle timeout (300 seconds)", ""];
        assert!(crowded.iter().all(|text| speaks_of_crowds(text.as_bytes())));
        assert!(!others.iter().any(|text| speaks_of_crowds(text.as_bytes())));
    }
}
