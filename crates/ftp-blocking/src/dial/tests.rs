use super::*;

#[test]
fn addresses_are_split() {
    let cases = [
        ("ftp.example.com", ("ftp.example.com", None)),
        ("ftp.example.com:2121", ("ftp.example.com", Some(2121))),
        ("192.0.2.1", ("192.0.2.1", None)),
        ("192.0.2.1:1", ("192.0.2.1", Some(1))),
        ("::1", ("::1", None)),
        ("fe80::1%eth0", ("fe80::1%eth0", None)),
        ("[::1]", ("::1", None)),
        ("[::1]:65535", ("::1", Some(65535))),
    ];
    for (text, expected) in cases {
        assert_eq!(split_address(text).unwrap(), expected);
    }
    for text in ["", ":21", "[]", "[::1", "[::1]x", "h:", "h:65536", "h:-1", "h:+1", "a b", "h\n"] {
        let result = split_address(text);
        // A port that is there and empty is a mistake, too.
        assert!(result.is_err(), "{text:?}: {result:?}");
    }
}
