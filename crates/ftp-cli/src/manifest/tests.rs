use super::*;

const MD5: &str = "9a0364b9e99bb480dd25e1f0284c8555";

fn one(text: &str) -> Entry {
    let mut entries = parse(text).unwrap();
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.remove(0)
}

#[test]
fn urls_with_sizes_hashes_and_names() {
    let entry = one("# comment\n\nftp://h/a b\n");
    assert_eq!(
        (&*entry.sources[0], entry.size, entry.hash, entry.name),
        ("ftp://h/a b", None, None, None)
    );
    let entry = one(&format!("ftp://h/a\t7\tmd5:{MD5}\tnew name\r\n"));
    assert_eq!((entry.size, entry.name.as_deref()), (Some(7), Some("new name")));
    assert_eq!(entry.hash.unwrap().to_string(), MD5);
    let entry = one("ftp://h/a\t\t\tname");
    assert_eq!((entry.size, entry.hash, entry.name.as_deref()), (None, None, Some("name")));
    assert_eq!(
        one("ftp://h/a\t-\tSHA-1:0123456789012345678901234567890123456789").hash.unwrap().algorithm,
        HashAlgorithm::Sha1
    );
}

#[test]
fn files_of_md5sum_and_similar_programs() {
    let sha256 = "0".repeat(64);
    for (line, name) in [
        (format!("{MD5}  name"), "name"),
        (format!("{MD5} *two words"), "two words"),
        // The format of NCBI's lists.
        (format!("{MD5}  ./name.gz"), "name.gz"),
        (format!("{sha256}  d/name"), "d/name"),
        (format!("\\{MD5}  a\\nb\\\\c"), "a\nb\\c"),
        (format!("MD5 (name (1)) = {MD5}"), "name (1)"),
        (format!("SHA256 (name) = {sha256}"), "name"),
    ] {
        let entry = one(&line);
        assert_eq!((&*entry.sources[0], entry.name.as_deref()), (name, Some(name)), "{line}");
        assert!(entry.hash.is_some(), "{line}");
    }
}

#[test]
fn names_that_only_look_like_hashes() {
    for name in ["deadbeef  a", "photo (1) = a", "SHA512 (a)", "0123456789 a", "a:b@c", "d/a:b@c"] {
        let entry = one(name);
        assert_eq!((&*entry.sources[0], entry.name, entry.hash), (name, None, None));
    }
    assert_eq!(local_name(&one("./d/a"), None), b"d/a");
}

#[test]
fn metalinks() {
    let text = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
        <metalink xmlns="urn:ietf:params:xml:ns:metalink">
          <published>2009-05-15T12:23:23Z</published>
          <file name="example.ext">
            <size>14471447</size>
            <hash type="md5">{MD5}</hash>
            <hash type="sha-256">{}</hash>
            <hash type="other">00</hash>
            <pieces length="1048576" type="sha-512"><hash>ff</hash></pieces>
            <url location="de" priority="1">ftp://ftp.example.com/a&amp;b.ext</url>
            <url>http://example.com/example.ext</url>
            <url>ftps://other.example.com/example.ext</url>
          </file>
        </metalink>"#,
        "1".repeat(64)
    );
    let entry = one(&text);
    assert_eq!(
        entry.sources,
        ["ftp://ftp.example.com/a&b.ext", "ftps://other.example.com/example.ext"]
    );
    assert_eq!((entry.name.as_deref(), entry.size), (Some("example.ext"), Some(14_471_447)));
    assert_eq!(entry.hash.unwrap().algorithm, HashAlgorithm::Sha256);
    for text in [
        "<metalink><file name='a'></file></metalink>",
        "<a><b></a>",
        "<metalink><file/></metalink>x<",
    ] {
        let result = parse(text);
        assert!(result.is_err() || result.unwrap().is_empty(), "{text}");
    }
}

#[test]
fn mistakes_are_reported_with_their_line() {
    for (text, line) in [
        ("ftp://h/a\nftp://h/b\tmany", 2),
        ("ftp://h/a\t1\tmd5", 1),
        ("ftp://h/a\t1\tmd5:00", 1),
        ("ftp://h/a\t1\tcrc:00", 1),
        ("ftp://h/a\t1\t\tb\tc", 1),
        // Hashes that were cut off or mistyped must not be taken for names.
        (&format!("a\nSHA512 (a) = {MD5}"), 2),
        ("SHA512 (a) = b", 1),
        (&format!("BLAKE2b (a) = {MD5}"), 1),
        (&format!("{}  a", &MD5[..30]), 1),
        (&format!("{} *a", &MD5[..31]), 1),
        (&format!("\\{MD5}  a\\tb"), 1),
        ("a\nftp//me:secret@h/a", 2),
        ("me:secret@h/a", 1),
    ] {
        assert_eq!(parse(text).unwrap_err().line, line, "{text}");
    }
}
