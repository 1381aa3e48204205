use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use super::*;
use crate::control::reply::{Code, Reply};
use crate::{Features, Timestamp};

#[test]
fn addresses_in_227() {
    let address = (Ipv4Addr::new(10, 0, 0, 1), 4 * 256 + 5);
    for text in [
        "Entering Passive Mode (10,0,0,1,4,5)",
        "Entering Passive Mode (10,0,0,1,4,5).",
        "Entering Passive Mode (10,0,0,1,4,5",
        "Entering Passive Mode ( 10, 0, 0, 1, 4, 5 )",
        "Entering Passive Mode (10 ,0 ,0 , 1, 4, 5)",
        "Entering Passive Mode. 10,0,0,1,4,5",
        "=10,0,0,1,4,5",
        "10,0,0,1,4,5",
        "Mode 2 (server 3) (10,0,0,1,4,5)",
        "1,2,3 then 10,0,0,1,4,5 then 6",
        "2,2,2,2,2,2 is not meant (10,0,0,1,4,5)",
        "(1,2,3,4,5,6,7) 10,0,0,1,4,5",
        "line one\n(10,0,0,1,4,5)",
    ] {
        assert_eq!(parse_227(text.as_bytes()), Some(address), "{text}");
    }
}

#[test]
fn bad_addresses_in_227() {
    for text in [
        "",
        "Entering Passive Mode",
        ") what (",
        "(10,0,0,1,4)",
        "(10,0,0,1,4,5,6)",
        "(10,0,0,1,0,0)",
        "(256,0,0,1,4,5)",
        "(10,0,0,1,4,256)",
        "(1216,256,2,127,127,127)",
        "(99999999999999999999999,0,0,1,4,5)",
        "(300,0,0,1,4,5) 10,0,0,1,4,5",
        "(10.0.0.1.4.5)",
        "(10,,0,1,4,5)",
        "(|||1234|)",
    ] {
        assert_eq!(parse_227(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn ports_in_229() {
    for text in [
        "Entering Extended Passive Mode (|||2121|)",
        "Entering Extended Passive Mode (|||2121|).",
        "Entering Extended Passive Mode (|||2121|",
        "Entering Extended Passive Mode |||2121|",
        "(!!!2121!)",
        "($$$2121$)",
        "(xxx2121x)",
        "(|||02121|)",
        "mode (ha-ha) (|||2121|) (|||7|)",
        "(|||) (|||2121|)",
    ] {
        assert_eq!(parse_229(text.as_bytes()), Some(Epsv { host: None, port: 2121 }), "{text}");
    }
    assert_eq!(parse_229(b"(|||65535|)").map(|epsv| epsv.port), Some(65535));
}

#[test]
fn hosts_in_229() {
    for (text, host) in [
        ("(|1|192.0.2.7|2121|)", Some("192.0.2.7")),
        ("(|2|2001:db8::1|2121|)", Some("2001:db8::1")),
        ("(|2|2001:0db8:1111:2222:3333:4444:255.255.255.255|2121|)", None),
        ("(||localhost|2121|)", None),
    ] {
        let epsv = parse_229(text.as_bytes()).unwrap();
        assert_eq!(epsv.port, 2121);
        if let Some(host) = host {
            assert_eq!(epsv.host.unwrap().to_string(), host);
        }
    }
}

#[test]
fn bad_ports_in_229() {
    for text in [
        "",
        "Entering Extended Passive Mode",
        ") what (",
        "(",
        "(2121)",
        "(||||)",
        "(|||2121)",
        "(|||2121",
        "(||2121|)",
        "(|!!2121!)",
        "(|||0|)",
        "(|||65536|)",
        "(|||99999999999999999999|)",
        "(|||-1|)",
        "(|||+21|)",
        "(|||21 |)",
        "(6666666)",
        "(   2121 )",
        "(|x||2121|)",
        "(10,0,0,1,4,5)",
    ] {
        assert_eq!(parse_229(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn passive_replies_are_read_by_content() {
    for (code, text, port, has_host) in [
        (Code::PASSIVE, "ok (10,0,0,1,4,5)", 1029, true),
        (Code::PASSIVE, "ok (|||2121|)", 2121, false),
        (Code::EXTENDED_PASSIVE, "ok (|||2121|)", 2121, false),
        (Code::EXTENDED_PASSIVE, "ok (10,0,0,1,4,5)", 1029, true),
        (Code::OKAY, "ok (10,0,0,1,4,5)", 1029, true),
        // Where both could be read, the code decides.
        (Code::EXTENDED_PASSIVE, "PASV would be 10,0,0,1,4,5 (|||2121|)", 2121, false),
        (Code::PASSIVE, "10,0,0,1,4,5, and EPSV would be (|||2121|)", 1029, true),
    ] {
        let address = parse_passive(&Reply::new(code, text.as_bytes())).unwrap();
        assert_eq!((address.port, address.host.is_some()), (port, has_host), "{code} {text}");
    }
    assert_eq!(parse_passive(&Reply::new(Code::PASSIVE, b"ok")), None);
}

#[test]
fn paths_in_257() {
    for (text, path) in [
        (r#""/""#, "/"),
        (r#""""#, ""),
        (r#""/a b" is the current directory"#, "/a b"),
        (r#""/a""b" created"#, r#"/a"b"#),
        (r#""""""#, r#"""#),
        (r#""/""""""#, r#"/"""#),
        (r#""/a" "comment""#, "/a"),
        (r#""/a", as "you" know"#, "/a"),
        (r#"your directory is "/a"."#, "/a"),
        (r#""/my"dir" is current"#, r#"/my"dir"#),
        (r#""/dir"" is your current location"#, r#"/dir""#),
        (r#""/a""dir"" is your current location"#, r#"/a""dir""#),
        (r#""/a""b" is your current location"#, r#"/a""b"#),
        (r#""/12" disk" is your current location"#, r#"/12" disk"#),
        (r#""/3" x 5" disks" is your current location"#, r#"/3" x 5" disks"#),
        (r#""3" x 5" disks" : The directory was successfully created"#, r#"3" x 5" disks"#),
        (r#""/12" disk""#, r#"/12" disk"#),
        (r#""/my"dir"s" is current"#, r#"/my"dir"s"#),
        ("PWD = /a b", "/a b"),
        ("Current directory = DISK:[USER]", "DISK:[USER]"),
        ("/a b", "/a b"),
        ("/a is current directory.", "/a"),
        ("root is the current directory", "root"),
        ("C:\\dir", "C:\\dir"),
        ("DISK$A:[USER.X]", "DISK$A:[USER.X]"),
        (r#""'USER.'" is the working directory"#, "'USER.'"),
        ("'USER.' is current", "'USER.'"),
        ("first line\n\"/a\" is current", "/a"),
    ] {
        let parsed = parse_257(text.as_bytes());
        assert_eq!(parsed.as_deref(), Some(path.as_bytes()), "{text}");
    }
    assert_eq!(parse_257(b"\"/\xE9\xFF\""), Some(b"/\xE9\xFF".to_vec()));
}

#[test]
fn bad_paths_in_257() {
    for text in [
        "",
        "okay",
        "directory created",
        "\"/a",
        "\"",
        "\"/a\"\"",
        "\"/a\"\"b c",
        "\"/\r\"",
        "\"/\x1b[2J\"",
        "/a\0",
    ] {
        assert_eq!(parse_257(text.as_bytes()), None, "{text:?}");
    }
}

#[test]
fn sizes_in_213() {
    for (text, size) in [
        ("0", Some(0)),
        ("12345", Some(12345)),
        (" 12345  ", Some(12345)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("file: 213, Size =51", Some(51)),
        ("a.txt 1234 bytes", Some(1234)),
        ("-1", None),
        ("size -1", None),
        ("+5", None),
        ("1.5", None),
        ("1,234,567", None),
        ("0x10", None),
        ("12 345", None),
        ("size 1 234 567", None),
        ("12 34", None),
        ("report 2024 12345", Some(12345)),
        ("5abc", None),
        ("/a/77", None),
        ("C:\\77", None),
        ("77 of\nseveral", None),
        ("", None),
        ("unknown", None),
    ] {
        assert_eq!(parse_size(text.as_bytes()), size, "{text}");
    }
}

#[test]
fn sizes_in_150() {
    for (text, size) in [
        ("Opening BINARY mode data connection for f (14 bytes).", Some(14)),
        ("Opening BINARY mode data connection for 'f' (1 byte)", Some(1)),
        ("Opening data connection for f (10.0.0.1,4005) (545 Bytes)", Some(545)),
        ("Opening data connection for f(7) (3 octets).", Some(3)),
        ("Accepted\nOpening (9 bytes)\n", Some(9)),
        ("Opening BINARY mode data connection for f", None),
        ("Opening data connection for 5 bytes", None),
        ("Opening data connection for f(5)", None),
        ("Opening data connection for (5 bytes) f", None),
        ("Opening data connection for f () size?", None),
        ("Opening data connection for f (-5 bytes)", None),
        ("Opening data connection for f (1.5 bytes)", None),
        ("Opening data connection for f (bytes)", None),
        ("Opening data connection for f ( bytes)", None),
        ("Opening data connection for f (99999999999999999999 bytes)", None),
        ("12.3 kbytes to download", None),
        ("f (12 kbytes)", None),
        (")5 bytes(", None),
        // The replies of vsftpd, ProFTPD, Pure-FTPd and IIS.
        ("Opening BINARY mode data connection for 1g.bin (1073741824 bytes).", Some(1 << 30)),
        ("Opening BINARY mode data connection for   two lead.txt (1 bytes)", Some(1)),
        ("Accepted data connection\n12.3 kbytes to download", None),
        ("Opening BINARY mode data connection.", None),
        ("Binary data connection for 161 () (51 bytes).", Some(51)),
        ("Opening data connection for f (14 bytes) .\r", Some(14)),
        // A name in quotes, or what follows the parenthesis, is not the end of a size.
        ("Opening BINARY mode data connection for \"/data (1000 bytes)\"", None),
        ("Opening BINARY mode data connection for \"/data (1000 bytes)\".", None),
        ("Opening BINARY mode data connection for '/data (1000 bytes)'", None),
        ("Opening BINARY mode data connection for <data (1000 bytes)>", None),
        ("Opening BINARY mode data connection for data (1000 bytes)~", None),
        ("Opening BINARY mode data connection for \"/data (1000 bytes)\" (5 bytes)", Some(5)),
    ] {
        assert_eq!(parse_size_hint(text.as_bytes()), size, "{text}");
        assert_eq!(parse_size_hint_for(text.as_bytes(), b"/data"), size, "{text}");
    }
}

#[test]
fn a_size_in_150_is_not_taken_from_the_files_own_name() {
    for (text, name, size) in [
        ("Opening data connection for data (1000 bytes)", "data (1000 bytes)", None),
        ("Opening data connection for /d/data (1000 bytes).", "data (1000 bytes)", None),
        ("Opening data connection for data (1000 bytes).", "/d/data (1000 bytes)", None),
        ("Opening data connection for DATA (1000 BYTES)", "data (1000 bytes)", None),
        ("Accepted\nSending data (1000 bytes).", "data (1000 bytes).", None),
        ("Opening data connection for data (1000 bytes) (5 bytes).", "data (1000 bytes)", Some(5)),
        ("Sending data (7 bytes) (7 bytes)", "data (7 bytes)", Some(7)),
        ("Sending (7 bytes)", "(7 bytes)", None),
        ("Sending (7 bytes) (7 bytes)", "(7 bytes)", Some(7)),
        ("Sending \"data (7 bytes)\" (5 bytes)", "data (7 bytes)", Some(5)),
        ("Sending data (7 bytes).txt (5 bytes)", "data (7 bytes).txt", Some(5)),
        ("Sending data (7 bytes).txt", "data (7 bytes).txt", None),
        ("Sending f (5 bytes)", "", Some(5)),
    ] {
        assert_eq!(parse_size_hint_for(text.as_bytes(), name.as_bytes()), size, "{text}");
    }
}

#[test]
fn times_in_213() {
    for (text, time) in [
        ("20260131120000", Some("2026-01-31T12:00:00")),
        ("20260131120000.25", Some("2026-01-31T12:00:00.250")),
        ("20260131120000.123456789987", Some("2026-01-31T12:00:00.123456789")),
        ("20260131120000.", Some("2026-01-31T12:00:00")),
        ("20260131120000 UTC", Some("2026-01-31T12:00:00")),
        ("20260131120000\u{e9}", Some("2026-01-31T12:00:00")),
        ("modified 20260131120000.5 ago", Some("2026-01-31T12:00:00.500")),
        ("f2 20260131120000", Some("2026-01-31T12:00:00")),
        ("19120131120000", Some("1912-01-31T12:00:00")),
        ("19120131120000.5", Some("1912-01-31T12:00:00.500")),
        ("191000229120000", Some("2000-02-29T12:00:00")),
        ("191260131120000", Some("2026-01-31T12:00:00")),
        ("20161231235960", Some("2016-12-31T23:59:60")),
        ("2026013112000", None),
        ("20260231120000", None),
        ("20260132120000", None),
        ("20260131240000", None),
        ("20260131126000", None),
        ("20260131120061", None),
        ("00000131120000", None),
        ("2026-01-31 12:00:00", None),
        ("2026013a120000", None),
        ("", None),
        ("no such file", None),
    ] {
        let parsed = parse_time(text.as_bytes()).map(|time| time.to_string());
        assert_eq!(parsed.as_deref(), time, "{text}");
    }
}

#[test]
fn times_are_written_as_they_are_read() {
    let time = Timestamp::new(2026, 1, 31, 2, 3, 4).unwrap();
    for (nanosecond, text) in
        [(0, "20260131020304"), (250_000_000, "20260131020304.25"), (1, "20260131020304.000000001")]
    {
        let time = time.with_nanosecond(nanosecond).unwrap();
        assert_eq!(format_time(time), text);
        assert_eq!(parse_time(text.as_bytes()), Some(time));
    }
}

#[test]
fn names_in_answers_to_stou() {
    for (text, name) in [
        ("FILE: ftp3BMpjx", "ftp3BMpjx"),
        ("file: a b ", "a b"),
        ("FILE: pureftpd.6b00\nAccepted data connection", "pureftpd.6b00"),
        ("Opening ASCII mode data connection for FILE: x", "x"),
        ("Transfer complete (unique file name:a (1)).", "a (1)"),
        ("Transfer complete. Unique file name: x.1", "x.1"),
        ("Stored as \"/in/a\"\"b\"", "/in/a\"b"),
        ("29525649-c0c3-438f-8264-bda74e3700ab", "29525649-c0c3-438f-8264-bda74e3700ab"),
    ] {
        let parsed = parse_stou(text.as_bytes());
        assert_eq!(parsed.as_deref(), Some(name.as_bytes()), "{text}");
    }
    for text in ["", "Ok", "Transfer complete", "Opening data connection for a1", "FILE: ", "\"a"] {
        assert_eq!(parse_stou(text.as_bytes()), None, "{text}");
    }
}

fn features(text: &str) -> Features {
    Features::parse(&Reply::new(Code::SYSTEM_STATUS, text.as_bytes())).unwrap()
}

#[test]
fn features_in_211() {
    let features = features(
        "Features:\n mdtm\n\tREST  Stream \n \nMLST size*;Type*;\n AUTH SSL\n AUTH TLS\nEnd",
    );
    assert_eq!(
        features.iter().collect::<Vec<_>>(),
        [
            (&b"MDTM"[..], &b""[..]),
            (b"REST", b"Stream"),
            (b"MLST", b"size*;Type*;"),
            (b"AUTH", b"SSL"),
            (b"AUTH", b"TLS"),
        ]
    );
    assert!(features.has("mdtm") && features.has("MDTM") && !features.has("SIZE"));
    assert_eq!(features.parameters("rest"), Some(&b"Stream"[..]));
    assert_eq!(features.parameters("MDTM"), Some(&b""[..]));
    assert_eq!(features.mlst(), Some(&b"size*;Type*;"[..]));
    assert!(features.rest_stream() && features.auth_tls() && !features.utf8());
    assert_eq!(format!("{features:?}").matches('"').count(), 10);
}

#[test]
fn features_that_have_a_name_of_their_own() {
    let utf8 = features("Features:\n UTF8\n REST\nEnd");
    assert!(utf8.utf8());
    // RFC 3659 section 5.4: without STREAM it is the REST of RFC 959, for other modes.
    assert!(!utf8.rest_stream() && !utf8.auth_tls());
    assert_eq!(utf8.mlst(), None);
}

#[test]
fn features_whose_lines_end_in_a_dot() {
    let features =
        features("Extensions supported\n PBSZ.\n PROT.\n REST STREAM.\n MDTM\nEnd of list.");
    assert!(features.has("PBSZ") && features.has("PROT") && features.has("MDTM"));
    assert_eq!(features.parameters("REST"), Some(&b"STREAM"[..]));
    assert!(!features.has("PBSZ."));
}

#[test]
fn no_features() {
    for text in ["No features", "Features:\nEnd"] {
        assert_eq!(features(text).iter().count(), 0);
    }
    assert_eq!(Features::parse(&Reply::new(Code::UNRECOGNIZED, b"?\n UTF8\nEnd")), None);
}

#[test]
fn forms_of_auth() {
    for (line, tls) in [
        ("AUTH TLS", true),
        ("auth tls", true),
        ("AUTH TLS;TLS-C;SSL;", true),
        ("AUTH SSL;TLS-P;TLS-C", true),
        ("AUTH SSL, TLS", true),
        ("AUTH SSL TLS", true),
        ("AUTH SSL", false),
        ("AUTH TLS-P", false),
        ("AUTH", false),
        ("XAUTH TLS", false),
    ] {
        assert_eq!(features(&format!("Features:\n {line}\nEnd")).auth_tls(), tls, "{line}");
    }
}

#[test]
fn hashes() {
    use HashAlgorithm::{Crc32, Md5, Sha1};
    let md5 = "15986aaa2edb1a5148af59d63d59e281";
    let upper = md5.to_ascii_uppercase();
    for (text, algorithm, hash) in [
        (format!("MD5 0-49 {md5} name"), Md5, Some(md5)),
        (format!("Computing MD5 digest\n{upper}"), Md5, Some(md5)),
        (format!("name with blanks {upper}"), Md5, Some(md5)),
        (format!("{md5}\nsomething else"), Md5, None),
        (format!("{md5}0"), Md5, None),
        (md5.into(), Sha1, None),
        ("CRC32 0-5000 92C5AAD6 dg.bin".into(), Crc32, Some("92c5aad6")),
        (" 92C5AAD6 ".into(), Crc32, Some("92c5aad6")),
        ("AAD6".into(), Crc32, Some("0000aad6")),
        ("0".into(), Crc32, Some("00000000")),
        ("fad name AAD6".into(), Crc32, None),
        ("192C5AAD6".into(), Crc32, None),
        ("".into(), Crc32, None),
    ] {
        let found = parse_hash(text.as_bytes(), algorithm);
        assert!(found.as_ref().is_none_or(|found| found.value.len() == algorithm.size()));
        assert_eq!(found.map(|found| found.to_string()).as_deref(), hash, "{text}");
    }
    let listed = features("Features:\n HASH CRC32;SHA-1*;sha-256\nEnd");
    let offered = HashAlgorithm::ALL.map(|algorithm| listed.hashes(algorithm));
    assert_eq!(offered, [true, false, true, false, true]);
}

/// draft-bryan-ftp-hash section 3.1: `SHA-256 0-49 6029… name`
#[test]
fn answers_to_hash_are_about_this_file() {
    let digits = "15986aaa2edb1a5148af59d63d59e281";
    for (before, after, path, is_it) in [
        ("MD5 0-49 ", " name", "name", true),
        ("md5 0-49 ", " name", "name", true),
        ("MD5 0-49 ", " /home/u/a b", "d/a b", true),
        ("MD5 0-49 ", " C:\\home\\a", "a", true),
        ("MD5 0-49 ", " a ", "a ", true),
        ("MD5 0-49 ", " /home/ a", "d/ a", true),
        ("MD5 0-0 ", "", "name", true),
        ("MD5 ", "", "name", true),
        ("", "", "name", true),
        ("Computing MD5 digest\nMD5 0-49 ", " name", "name", true),
        ("MD4 0-49 ", " name", "name", false),
        ("MD4 ", " name", "name", false),
        ("SHA-1 0-49 ", " name", "name", false),
        ("MD5 1-49 ", " name", "name", false),
        ("MD5 25-49 ", "", "name", false),
        ("MD5 0-49 ", " eman", "name", false),
        ("MD5 0-49 ", " a b", "b", false),
        ("MD5 0-49 0123456789abcdef0123456789abcdef ", "", "name", false),
    ] {
        let text = format!("{before}{digits}{after}");
        let found = parse_hash_of(text.as_bytes(), HashAlgorithm::Md5, path.as_bytes(), None);
        let found = found.map(|found| found.to_string());
        assert_eq!(found.as_deref(), is_it.then_some(digits), "{text}");
    }
    let text = format!("SHA-256 0-1 {digits}{digits} f");
    assert!(parse_hash_of(text.as_bytes(), HashAlgorithm::Sha256, b"f", None).is_some());
    let text = format!("SHA3-256 0-1 {digits}{digits} f");
    assert_eq!(parse_hash_of(text.as_bytes(), HashAlgorithm::Sha256, b"f", None), None);
}

/// The end of draft-bryan-ftp-hash section 3.1 is the last byte; mod_digest of ProFTPD sends the size
#[test]
fn answers_to_hash_are_about_the_whole_file() {
    let digits = "15986aaa2edb1a5148af59d63d59e281";
    for (range, size, is_it) in [
        ("0-49", Some(50), true),
        ("0-50", Some(50), true),
        ("0-48", Some(50), false),
        ("0-51", Some(50), false),
        ("0-0", Some(50), false),
        ("0-49", Some(5_000_000_000), false),
        ("0-4999999999", Some(5_000_000_000), true),
        ("1-49", Some(50), false),
        ("0-0", Some(0), true),
        ("0-1", Some(0), false),
        ("0-0", Some(1), true),
        ("0-1", Some(1), true),
        ("0-18446744073709551615", Some(0), false),
        ("0-18446744073709551614", Some(u64::MAX), true),
        ("0-48", None, true),
        ("1-49", None, false),
    ] {
        for after in ["", " f"] {
            let text = format!("MD5 {range} {digits}{after}");
            let found = parse_hash_of(text.as_bytes(), HashAlgorithm::Md5, b"f", size);
            assert_eq!(found.is_some(), is_it, "{text} of {size:?}");
        }
    }
    // FileZilla Server sends no range.
    for text in [format!("MD5 {digits} f"), digits.into()] {
        assert!(parse_hash_of(text.as_bytes(), HashAlgorithm::Md5, b"f", Some(50)).is_some());
    }
}

#[test]
fn no_field_panics() {
    let pieces: [&[u8]; 12] =
        [b"(", b")", b",", b"|", b"1", b"9999", b"\"", b" ", b"\n", b".", b"(a", b"FILE:"];
    for one in pieces {
        for two in pieces {
            let text = [one, two].concat().repeat(4_000);
            let reply = Reply::new(Code::SYSTEM_STATUS, &text);
            let _ = (parse_227(&text), parse_229(&text), parse_passive(&reply), parse_257(&text));
            let _ = (parse_size(&text), parse_size_hint(&text), parse_time(&text));
            let _ = (parse_size_hint_for(&text, &text), parse_size_hint_for(&text, b"(5 bytes)"));
            let _ = (parse_stou(&text), Features::parse(&reply));
            let _ = HashAlgorithm::ALL.map(|algorithm| parse_hash(&text, algorithm));
            let _ =
                HashAlgorithm::ALL.map(|algorithm| parse_hash_of(&text, algorithm, &text, Some(1)));
        }
    }
}
