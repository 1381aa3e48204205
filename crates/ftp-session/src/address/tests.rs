use super::*;

fn parsed(address: impl IntoServerAddress) -> (String, Option<u16>) {
    let ServerAddress { host, port } = address.into_server_address().unwrap();
    (host, port)
}

#[test]
fn addresses_are_split() {
    for (text, host, port) in [
        ("ftp.example.com", "ftp.example.com", None),
        ("ftp.example.com:2121", "ftp.example.com", Some(2121)),
        ("192.0.2.1", "192.0.2.1", None),
        ("192.0.2.1:1", "192.0.2.1", Some(1)),
        ("::1", "::1", None),
        ("fe80::1%eth0", "fe80::1%eth0", None),
        ("[fe80::1%eth0]:21", "fe80::1%eth0", Some(21)),
        ("[::1]", "::1", None),
        ("[::1]:65535", "::1", Some(65535)),
    ] {
        assert_eq!(parsed(text), (host.to_owned(), port));
    }
    for text in [
        "", ":21", "[]", "[::1", "[::1]x", "::1]", "h:", "h:65536", "h:-1", "h:+1", "a b", "h\n",
        "h/x", "1:2:3", "[h:2]", "h]:21", "a\u{7f}",
    ] {
        let error = text.parse::<ServerAddress>().unwrap_err();
        // An empty port is also an error.
        assert!(matches!(error, AddressError::Malformed { .. }), "{text:?}: {error:?}");
        assert!(!error.to_string().contains(['\n', '\u{7f}']));
    }
}

#[test]
fn addresses_of_any_type() {
    let expected = ("::1".to_owned(), Some(2121));
    assert_eq!(parsed(("::1", 2121)), expected);
    assert_eq!(parsed(("[::1]", 2121)), expected);
    assert_eq!(parsed(("::1".to_owned(), 2121)), expected);
    assert_eq!(parsed((&"::1".to_owned(), 2121)), expected);
    assert_eq!(parsed("[::1]:2121".to_owned()), expected);
    assert_eq!(parsed("[::1]:2121".to_owned()), expected);
    assert_eq!(parsed((Ipv6Addr::LOCALHOST, 2121)), expected);
    assert_eq!(parsed(SocketAddr::from((Ipv6Addr::LOCALHOST, 2121))), expected);
    assert_eq!(parsed("::1".parse::<ServerAddress>().unwrap()), ("::1".to_owned(), None));
    assert_eq!(parsed(IpAddr::from(Ipv4Addr::LOCALHOST)), ("127.0.0.1".to_owned(), None));
    assert_eq!(parsed(Ipv4Addr::LOCALHOST), ("127.0.0.1".to_owned(), None));
    let v4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1);
    assert_eq!(parsed(v4), ("127.0.0.1".to_owned(), Some(1)));
    // A link-local address is invalid without its zone.
    let link = SocketAddrV6::new(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1), 21, 0, 3);
    assert_eq!(parsed(link), ("fe80::1%3".to_owned(), Some(21)));

    for host in ["a:b", "h:21", "[::1]:21", "", "h h"] {
        let result = (host, 21).into_server_address();
        assert!(matches!(result, Err(AddressError::Malformed { .. })), "{host}: {result:?}");
    }
}

#[test]
fn the_error_for_a_url_says_what_to_pass_instead() {
    for (text, words) in [
        ("ftp://ftp.example.org/pub/file", &["\"ftp.example.org\"", "login", "path"][..]),
        ("FTP://ftp.example.org:2121", &["\"ftp.example.org:2121\""]),
        ("ftps://u:sesame@ftp.example.org/x", &["\"ftp.example.org\"", "TlsPolicy::Implicit"]),
        ("ftpes://[::1]:21/", &["\"[::1]:21\"", "TlsPolicy::Explicit"]),
        ("ftp://", &["give the host"]),
        ("sftp://ftp.example.org", &["SFTP is a part of SSH"]),
        ("https://ftp.example.org", &["not one of FTP"]),
    ] {
        for result in [text.into_server_address(), (text, 21).into_server_address()] {
            let error = result.unwrap_err();
            assert!(matches!(error, AddressError::Url { .. }), "{error:?}");
            for word in words {
                assert!(error.to_string().contains(word), "{word} is missing in: {error}");
            }
            assert!(!format!("{error} {error:?}").contains("sesame"), "{error}");
        }
    }
    for text in ["user:sesame@ftp.example.org", "user:sesame@ftp.example.org:21"] {
        let error = text.parse::<ServerAddress>().unwrap_err();
        assert_eq!(error, AddressError::NamesUser);
        assert!(error.to_string().contains("login"), "{error}");
    }
}

#[test]
fn sources_of_either_family() {
    let [v4, v6] = ["192.0.2.1:21", "[2001:db8::1]:21"].map(|text| text.parse().unwrap());
    let from = |source: SourceAddress| (source.towards(v4), source.towards(v6));
    let address = |text: &str| Some(text.parse::<SocketAddr>().unwrap());
    assert_eq!(from(Ipv4Addr::LOCALHOST.into()), (address("127.0.0.1:0"), None));
    assert_eq!(from(IpAddr::from(Ipv6Addr::LOCALHOST).into()), (None, address("[::1]:0")));
    let any: SocketAddr = "0.0.0.0:20".parse().unwrap();
    assert_eq!(from(any.into()), (address("0.0.0.0:20"), address("[::]:20")));
    let any: SocketAddr = "[::]:20".parse().unwrap();
    assert_eq!(from(any.into()), (address("0.0.0.0:20"), address("[::]:20")));
}
