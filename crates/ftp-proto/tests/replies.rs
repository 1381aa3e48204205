//! The grammar of replies, one behaviour per test; each input whole, byte by byte and split at random

mod support;

use ftp_proto::{
    Banner, Code, MultilineEnd, NulPolicy, Reply, ReplyConfig, ReplyError, ReplyKind, ReplyParser,
};
use proptest::prelude::*;
use support::{Fed, feed, feed_every_way};

fn parse(bytes: impl AsRef<[u8]>) -> Fed {
    feed_every_way(ReplyConfig::default(), bytes.as_ref())
}

/// Returns the only reply of well-formed bytes
fn one(bytes: impl AsRef<[u8]>) -> Reply {
    let fed = parse(bytes);
    assert_eq!((fed.replies.len(), &fed.error, fed.partial), (1, &None, false), "{fed:?}");
    fed.replies[0].clone()
}

fn error(bytes: impl AsRef<[u8]>) -> ReplyError {
    parse(bytes).error.expect("an error")
}

fn with(change: impl FnOnce(&mut ReplyConfig)) -> ReplyConfig {
    let mut config = ReplyConfig::default();
    change(&mut config);
    config
}

#[test]
fn a_single_line() {
    let reply = one("220 ready\r\n");
    assert_eq!((reply.code(), reply.kind()), (Code::READY, ReplyKind::Completion));
    assert_eq!(reply.text(), b"ready");
    assert_eq!(reply.wire_lines().collect::<Vec<_>>(), [b"220 ready"]);
    assert_eq!(reply.wire_text(), b"220 ready");
}

#[test]
fn several_replies_at_once() {
    let fed = parse("220 a\r\n331 b\r\n230-c\r\n230 d\r\n125");
    assert_eq!(fed.text(), ["220 a", "331 b", "230 c / d"]);
    assert!(fed.partial);
}

#[test]
fn bytes_after_a_reply_are_left_to_the_caller() {
    let mut parser = ReplyParser::new(ReplyConfig::default());
    let (consumed, reply) = parser.parse(b"234 go\r\n\r\n200 injected\r\n").unwrap();
    assert_eq!((consumed, reply.unwrap().code()), (8, Code::SECURITY_ACCEPTED));
    assert!(!parser.is_partial());
}

#[test]
fn the_kind_is_the_first_digit() {
    for (number, kind) in [
        (100, ReplyKind::Preliminary),
        (199, ReplyKind::Preliminary),
        (200, ReplyKind::Completion),
        (350, ReplyKind::Intermediate),
        (431, ReplyKind::Transient),
        (599, ReplyKind::Permanent),
    ] {
        assert_eq!(one(format!("{number} x\r\n")).kind(), kind);
    }
}

#[test]
fn unknown_codes_keep_their_number() {
    // Q12
    for number in [199, 299, 399, 433, 599] {
        let reply = one(format!("{number} x\r\n"));
        assert_eq!(reply.code().get(), number);
        assert_eq!(reply.code().to_string(), number.to_string());
    }
    assert_eq!((Code::new(99), Code::new(600)), (None, None));
}

#[test]
fn a_multi_line_reply_ends_at_its_own_code_and_a_space() {
    let reply = one("211-a\r\n 211 b\r\n212 c\r\n2110 d\r\n211x e\r\n211-f\r\n211 g\r\n");
    assert_eq!(reply.text(), b"a\n 211 b\n212 c\n2110 d\n211x e\nf\ng");
    assert_eq!(reply.lines().count(), 7);
}

#[test]
fn a_bare_code_is_a_reply_and_ends_one() {
    // Q2
    assert_eq!(one("226\r\n").text(), b"");
    assert_eq!(one("226 \r\n").text(), b"");
    assert_eq!(one("226-a\r\nb\r\n226\r\n").text(), b"a\nb\n");
    assert_eq!(one("226-\r\n226\r\n").text(), b"\n");
}

#[test]
fn anything_but_a_hyphen_after_the_code_ends_the_reply() {
    // Q2
    for (line, text) in [("220ready", "ready"), ("220\tready", "\tready"), ("220_", "_")] {
        assert_eq!(one(format!("{line}\r\n")).text(), text.as_bytes());
    }
}

#[test]
fn codes_are_taken_off_the_text_and_other_spaces_are_kept() {
    // Q3
    let reply = one("220-  one\r\n220-two\r\n   three\r\n220 \tfour\r\n");
    assert_eq!(reply.text(), b"  one\ntwo\n   three\n\tfour");
    assert_eq!(
        reply.wire_lines().collect::<Vec<_>>(),
        [&b"220-  one"[..], b"220-two", b"   three", b"220 \tfour"]
    );
    assert_eq!(reply.wire_text(), b"220-  one\n220-two\n   three\n220 \tfour");
}

#[test]
fn another_code_ends_a_reply_only_on_request() {
    // Q1
    let bytes = "226-done\r\n226-almost\r\n426 not done\r\n";
    let strict = parse(bytes);
    assert!(strict.replies.is_empty() && strict.partial);

    let lenient = with(|config| config.multiline_end = MultilineEnd::AnyCode);
    let fed = feed_every_way(lenient, bytes.as_bytes());
    assert_eq!(fed.replies, [Reply::new(Code::TRANSFER_ABORTED, b"done\nalmost\nnot done")]);
    // Neither an indented number nor an invalid code.
    let fed = feed_every_way(lenient, b"226-a\r\n 426 b\r\n999 c\r\n426\r\n426-d\r\n226 e\r\n");
    assert_eq!(fed.text(), ["226 a /  426 b / 999 c / 426 / 426-d / e"]);
}

#[test]
fn a_line_feed_ends_a_line_and_carriage_returns_before_it_are_dropped() {
    // Q4
    for end in ["\n", "\r\n", "\r\r\n", "\r\r\r\n"] {
        assert_eq!(one(format!("220-a{end}b{end}220 c{end}")).text(), b"a\nb\nc");
        assert_eq!(one(format!("226{end}")).text(), b"");
    }
    assert_eq!(one("257 \"a\rb\"\r\n").text(), b"\"a\rb\"");
}

#[test]
fn empty_lines_between_replies_are_skipped() {
    assert_eq!(parse("\r\n\n220 a\r\n\r\n\r\n230 b\r\n\r\n").text(), ["220 a", "230 b"]);
    assert!(!parse("220 a\r\n\r\n").partial);
    assert_eq!(one("220-a\r\n\r\n220 b\r\n").text(), b"a\n\nb");
}

#[test]
fn nul_is_refused_or_dropped() {
    // Q4
    assert_eq!(error("230 logged\0in\r\n"), ReplyError::Nul);
    let strip = with(|config| config.nul = NulPolicy::Strip);
    let fed = feed_every_way(strip, b"\x00230-a\r\0\n\0b\0\r\n230 c\r\n\0\0");
    assert_eq!(fed.text(), ["230 a / b / c"]);
    assert!(!fed.partial);
}

#[test]
fn telnet_sequences_between_replies_are_removed() {
    // Q5: WILL, WONT, DO, DONT with an option (one of which is LF), two-byte commands, SB … SE
    let fed = parse(
        b"\xFF\xFB\x0A\xFF\xFC\x00\xFF\xFD\x18\xFF\xFE\x01220 a\r\n\
          \xFF\xF1\xFF\xFA\x18\x01\xFF\xFFx\xFF\xF0220 b\r\n",
    );
    assert_eq!(fed.text(), ["220 a", "220 b"]);
    assert!(parse(b"220 a\r\n\xFF").partial);
}

/// Regression: the bytes after it were lost in the names of ProFTPD and Pure-FTPd, which do not double it
#[test]
fn an_iac_within_a_reply_is_text() {
    // Q5. A line that begins with the Cyrillic letter ya, in Windows-1251, and one that ends with LF alone
    let text = b"220-a\r\n\xFF\xF0\xEA\xE8\xE9\r\n\xFF\xFB\n220 b\r\n";
    assert_eq!(one(text).text(), b"a\n\xFF\xF0\xEA\xE8\xE9\n\xFF\xFB\nb");
    for path in [&b"\xFF\xFBx"[..], b"\xFF\xFF", b"\xFF\xF5\xF2\xE0", b"\xFF\xFAz", b"a\xFF"] {
        let reply = [b"257 \"", path, b"\"\r\n"].concat();
        assert_eq!(one(&reply).text(), [b"\"", path, b"\""].concat());
    }
    assert_eq!(one(b"257 \"\xFFtes\xFF\"\r\n").text(), b"\"\xFFtes\xFF\"");
    assert_eq!(one(b"250 \xFF\r\n").text(), b"\xFF");
    assert_eq!(one(b"250 \xFF\n").text(), b"\xFF");
    assert_eq!(error(b"250 \xFF\0\n"), ReplyError::Nul);
    let raw = with(|config| config.telnet = false);
    let fed = feed_every_way(raw, b"250 \xFF\xFF\xFB\r\n");
    assert_eq!(fed.replies[0].text(), b"\xFF\xFF\xFB");
}

#[test]
fn a_subnegotiation_without_end_ends_with_its_line() {
    assert_eq!(parse(b"250 a\r\n\xFF\xFAno end\r\n226 b\r\n").text(), ["250 a", "226 b"]);
}

#[test]
fn a_long_line_is_an_error() {
    // Q10
    let config = with(|config| config.line = 20);
    let long = ReplyError::LineTooLong { limit: 20 };
    let fit = feed_every_way(config, b"220 5678901234567890\n");
    assert_eq!((fit.error, fit.replies.len()), (None, 1));
    assert_eq!(feed_every_way(config, b"220 56789012345678901\n").error, Some(long.clone()));
    assert_eq!(feed_every_way(config, b"220-a\r\n6789012345678901234567890").error, Some(long));
}

#[test]
fn the_limit_of_a_line_is_not_that_of_the_reply() {
    // 20 bytes and a CR.
    let config = with(|config| config.line = 21);
    let reply = [b"220-5678901234567890\r\n".repeat(9).as_slice(), b"220 end\r\n"].concat();
    let fed = feed_every_way(config, &reply);
    assert_eq!((fed.error, fed.replies.len()), (None, 1));
}

#[test]
fn a_long_reply_is_an_error() {
    // Q10
    let config = with(|config| config.reply = 40);
    let fit =
        feed_every_way(config, &[b"211-678901\n".repeat(3).as_slice(), b"211 789\n"].concat());
    assert_eq!((fit.error, fit.replies.len()), (None, 1));
    let long = ReplyError::ReplyTooLong { limit: 40 };
    assert_eq!(feed_every_way(config, &b"211-678901\n".repeat(4)).error, Some(long.clone()));
    // Empty lines count, or they could be endless.
    let empty = [b"211-\n".as_slice(), &b"\n".repeat(100)].concat();
    assert_eq!(feed_every_way(config, &empty).error, Some(long));
}

#[test]
fn long_banners_of_real_servers_fit() {
    // Q10
    let banner = format!("220-{}\r\n{}220 end\r\n", "a".repeat(20_000), "220-b\r\n".repeat(2_000));
    let fed = feed(ReplyConfig::default(), [banner.as_bytes()]);
    assert_eq!(fed.replies[0].lines().count(), 2002);
}

#[test]
fn lines_without_a_code_are_not_replies() {
    for line in ["hello", "22 a", "2x0 a", " 220 a", "099 a", "777 a", "-220 a"] {
        let ReplyError::NotAReply { line: excerpt } = error(format!("{line}\r\n")) else {
            panic!("{line}");
        };
        assert_eq!(excerpt.as_bytes(), line.as_bytes());
        let later = error(format!("220 ok\r\n{line}\r\n"));
        assert!(matches!(later, ReplyError::NotAReply { .. }), "{later}");
    }
}

#[test]
fn errors_quote_little_and_escape_it() {
    let text = error(format!("\x1b[2J\"{}\r\n", "é".repeat(1000))).to_string();
    assert!(text.contains(r#""\x1b[2J\"\xc3"#) && text.contains("…"), "{text}");
    assert!(text.len() < 600, "{text}");
}

#[test]
fn protected_replies_are_named() {
    // Q12
    assert_eq!(error("631 c2VjcmV0\r\n"), ReplyError::Protected(631));
    assert_eq!(error("632-c2VjcmV0\r\n"), ReplyError::Protected(632));
}

#[test]
fn other_protocols_are_recognised() {
    // Q14
    for (banner, line) in [
        (Banner::Ssh, "SSH-2.0-OpenSSH_9.2"),
        (Banner::Http, "HTTP/1.1 400 Bad Request"),
        (Banner::Http, "<!doctype html>"),
        (Banner::Http, "<html><head>"),
        (Banner::Smtp, "220 mail.example.com ESMTP Postfix"),
        (Banner::Smtp, "220-mx.example.com smtp ready"),
        (Banner::Pop3, "+OK ready"),
        (Banner::Imap, "* OK [CAPABILITY IMAP4rev1] ready"),
        (Banner::Imap, "* BYE too many"),
    ] {
        let ReplyError::NotFtp { protocol, line: excerpt } = error(format!("\r\n{line}\r\n"))
        else {
            panic!("{line}");
        };
        assert_eq!((protocol, excerpt.as_bytes()), (banner, line.as_bytes()));
    }
}

#[test]
fn ftp_servers_are_not_mistaken_for_other_protocols() {
    for line in [
        "220 smtp.example.com ready",
        "220 mail.example.com FTP and ESMTP gateway",
        "200 SSH-2.0 is elsewhere",
        "421 ESMTP",
    ] {
        assert_eq!(one(format!("{line}\r\n")).to_string(), line);
    }
    // Only the first line of a connection counts.
    assert_eq!(parse("220 hello\r\n220 ESMTP\r\n").text(), ["220 hello", "220 ESMTP"]);
    let fed = parse("220-hello\r\nSSH-2.0-x\r\n220 ESMTP\r\n220 ESMTP\r\n");
    assert_eq!(fed.text(), ["220 hello / SSH-2.0-x / ESMTP", "220 ESMTP"]);
}

#[test]
fn tls_is_recognised_without_a_line_end() {
    // Q14
    for record in [&b"\x16\x03\x01\x00\xA5\x01\x00"[..], b"\x15\x03\x03\x00\x02\x02\x28"] {
        let ReplyError::NotFtp { protocol: Banner::Tls, line } = error(record) else {
            panic!("{record:?}");
        };
        assert_eq!(line.as_bytes(), &record[..2]);
    }
    assert!(matches!(error(b"\x16\x04\n"), ReplyError::NotAReply { .. }));
    assert!(parse(b"\x16").partial);
    assert!(error(b"\x16\x03").to_string().contains("implicit TLS"));
    // Only at the start of a connection: later the peer has shown that it uses FTP.
    assert!(matches!(error(b"220 ready\r\n\x16\x03\x01\r\n"), ReplyError::NotAReply { .. }));
}

#[test]
fn reset_forgets_what_was_read() {
    let mut parser = ReplyParser::new(ReplyConfig::default());
    parser.parse(b"220 a\r\n").unwrap();
    parser.parse(b"211-half\r\n and a h").unwrap();
    assert!(parser.is_partial());
    parser.reset();
    assert!(!parser.is_partial());
    let (_, reply) = parser.parse(b"200 b\r\n").unwrap();
    assert_eq!(reply, Some(Reply::new(Code::OKAY, b"b")));
    // TLS that began or ended unnoticed is recognized after a reset.
    parser.reset();
    assert!(matches!(parser.parse(b"\x15\x03"), Err(ReplyError::NotFtp { .. })));
}

#[test]
fn replies_made_by_hand_equal_those_parsed() {
    for text in ["", "a", "a\nb", "\n", "a\n\nb", "211-a\n211 b\nc", " a\n "] {
        let made = Reply::new(Code::SYSTEM_STATUS, text.as_bytes());
        assert_eq!(made.text(), text.as_bytes());
        let wire: Vec<u8> = made.wire_lines().flat_map(|line| [line, b"\r\n"].concat()).collect();
        assert_eq!(one(wire), made);
    }
    assert_ne!(Reply::new(Code::OKAY, b"a"), Reply::new(Code::OKAY, b"b"));
    assert_ne!(Reply::new(Code::OKAY, b"a"), Reply::new(Code::HELP, b"a"));
}

#[test]
fn replies_are_shown_as_text() {
    let reply = one(b"550-caf\xE9:\r\n550 No such file\r\n");
    assert_eq!(reply.to_string(), r"550 caf\xe9: / No such file");
    assert_eq!(format!("{reply:?}"), r#"Reply(550 "caf\xe9:\nNo such file")"#);
    assert_eq!(format!("{:?}", reply.lines()), r#"["caf\xe9:", "No such file"]"#);
}

#[test]
fn a_reply_is_small() {
    assert!(size_of::<Reply>() <= 112, "{}", size_of::<Reply>());
}

fn select(pieces: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(pieces).prop_map(<[u8]>::to_vec)
}

/// Bytes that are significant to the grammar
fn control_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        2 => select(&[b"220", b"226-", b"226 ", b"426 ", b"631 ", b"-", b" "]),
        2 => select(&[b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"]),
        1 => select(&[b"\0", b"\xFF", b"\xFF\xFB", b"\xFF\xFA", b"\xFF\xF0"]),
        1 => select(&[b"\x16\x03", b"SSH-", b"ESMTP"]),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn splits_make_no_difference(
        bytes in control_bytes(),
        line in 8..64_usize,
        reply in 8..128_usize,
        any_code: bool,
        strip: bool,
        telnet: bool,
    ) {
        let config = with(|config| {
            config.line = line;
            config.reply = reply;
            config.telnet = telnet;
            if any_code { config.multiline_end = MultilineEnd::AnyCode; }
            if strip { config.nul = NulPolicy::Strip; }
        });
        let fed = feed_every_way(config, &bytes);
        for reply in &fed.replies {
            prop_assert!(reply.text().len() <= config.reply);
            prop_assert!(!reply.text().contains(&0));
        }
    }

    #[test]
    fn replies_survive_the_wire(
        number in 100..=599_u16,
        text in "[ -~]{0,100}(\n[ -~]{0,100}){0,5}",
    ) {
        // A 220 that mentions SMTP belongs to another protocol.
        let made = Reply::new(Code::new(number).unwrap(), text.as_bytes());
        let wire: Vec<u8> = made.wire_lines().flat_map(|line| [line, b"\r\n"].concat()).collect();
        prop_assert_eq!(&feed(ReplyConfig::default(), [&wire[..]]).replies[..], &[made]);
    }
}
