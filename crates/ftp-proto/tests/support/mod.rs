//! Feeds bytes to the reply parser in pieces

use ftp_proto::{Reply, ReplyConfig, ReplyError, ReplyParser};

/// The output of a parser
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fed {
    pub(crate) replies: Vec<Reply>,
    /// The lines of each reply as received, which `Reply`'s equality ignores
    pub(crate) wire_lines: Vec<Vec<Vec<u8>>>,
    pub(crate) error: Option<ReplyError>,
    pub(crate) partial: bool,
}

impl Fed {
    /// Replies as text, to compare with literals
    pub(crate) fn text(&self) -> Vec<String> {
        self.replies.iter().map(Reply::to_string).collect()
    }
}

/// Feeds pieces one after another, up to the first error
pub(crate) fn feed<'a>(config: ReplyConfig, pieces: impl IntoIterator<Item = &'a [u8]>) -> Fed {
    let mut parser = ReplyParser::new(config);
    let mut fed = Fed::default();
    for mut piece in pieces {
        while !piece.is_empty() {
            let (consumed, reply) = match parser.parse(piece) {
                Ok(parsed) => parsed,
                Err(error) => {
                    fed.error = Some(error);
                    return fed;
                }
            };
            match reply {
                Some(reply) => {
                    assert_eq!(piece[consumed - 1], b'\n', "a reply ends with its line");
                    assert!(!parser.is_partial(), "nothing is kept after a reply");
                    fed.wire_lines.push(reply.wire_lines().map(<[u8]>::to_vec).collect());
                    fed.replies.push(reply);
                }
                None => assert_eq!(consumed, piece.len(), "without a reply all is read"),
            }
            piece = &piece[consumed..];
        }
    }
    fed.partial = parser.is_partial();
    fed
}

/// Feeds the bytes whole, byte by byte, split in two at each place, and split at random
///
/// The results must be equal.
pub(crate) fn feed_every_way(config: ReplyConfig, bytes: &[u8]) -> Fed {
    let whole = feed(config, [bytes]);
    assert_eq!(feed(config, bytes.chunks(1)), whole, "byte-wise: {}", bytes.escape_ascii());
    for at in 0..bytes.len().min(200) {
        let (one, two) = bytes.split_at(at);
        assert_eq!(feed(config, [one, two]), whole, "cut at {at}: {}", bytes.escape_ascii());
    }
    let mut random = Random(bytes.len() as u64 + 1);
    for _ in 0..16 {
        let mut rest = bytes;
        let longest = 1 + random.below(rest.len().clamp(1, 40));
        let pieces: Vec<_> = std::iter::from_fn(|| {
            let (piece, after) = rest.split_at(rest.len().min(1 + random.below(longest)));
            rest = after;
            (!piece.is_empty()).then_some(piece)
        })
        .collect();
        assert_eq!(feed(config, pieces), whole, "at random: {}", bytes.escape_ascii());
    }
    whole
}

/// Xorshift: the same splits in every run
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
