use ftp_proto::{MultilineEnd, NulPolicy, Reply, ReplyConfig, ReplyError, ReplyParser};

use crate::pieces;

/// Splits make no difference, limits hold, and nothing after a reply is read
///
/// Byte 0: leniencies. Bytes 1 and 2: limits. Byte 3: length of the pieces. The rest: input.
pub fn reply(data: &[u8]) {
    let Some((&[flags, line, reply, length], input)) = data.split_first_chunk() else { return };
    let mut config = ReplyConfig::default();
    config.telnet = flags & 1 == 0;
    if flags & 2 != 0 {
        config.multiline_end = MultilineEnd::AnyCode;
    }
    if flags & 4 != 0 {
        config.nul = NulPolicy::Strip;
    }
    if flags & 8 != 0 {
        config.line = 8 + usize::from(line);
        config.reply = 8 + usize::from(reply);
    }
    let whole = parse(config, [input]);
    assert_eq!(parse(config, pieces(input, 0)), whole);
    assert_eq!(parse(config, pieces(input, length)), whole);
    if let Some(error) = &whole.error {
        assert!(error.to_string().len() < 1000);
    }
}

/// The output of a parser
#[derive(Debug, Default, PartialEq)]
struct Parsed {
    replies: Vec<Reply>,
    /// The lines of all replies as received, which `Reply`'s equality ignores
    wire_lines: Vec<Vec<u8>>,
    error: Option<ReplyError>,
}

fn parse<'a>(config: ReplyConfig, pieces: impl IntoIterator<Item = &'a [u8]>) -> Parsed {
    let mut parser = ReplyParser::new(config);
    let mut parsed = Parsed::default();
    for mut piece in pieces {
        while !piece.is_empty() {
            match parser.parse(piece) {
                Ok((consumed, Some(reply))) => {
                    assert_eq!(piece[consumed - 1], b'\n');
                    assert!(!parser.is_partial());
                    check(&reply, config);
                    parsed.wire_lines.extend(reply.wire_lines().map(<[u8]>::to_vec));
                    parsed.replies.push(reply);
                    piece = &piece[consumed..];
                }
                Ok((consumed, None)) => {
                    assert_eq!(consumed, piece.len());
                    break;
                }
                Err(error) => {
                    parsed.error = Some(error);
                    return parsed;
                }
            }
        }
    }
    parsed
}

fn check(reply: &Reply, config: ReplyConfig) {
    assert!((100..=599).contains(&reply.code().get()));
    assert!(reply.text().len() <= config.reply);
    assert!(!reply.text().contains(&0));
    assert!(reply.lines().all(|line| line.len() <= config.line));
    let last = reply.wire_lines().next_back().expect("a reply has a line");
    assert!(last.starts_with(reply.code().to_string().as_bytes()));
    assert_eq!(Reply::new(reply.code(), reply.text()), *reply);
    assert!(!reply.to_string().contains(char::is_control));
}
