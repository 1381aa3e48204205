use std::net::{Ipv4Addr, Ipv6Addr};

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

#[test]
fn families_take_turns() {
    let v6 = |n: u16| SocketAddr::from((Ipv6Addr::from_bits(n.into()), 21));
    let v4 = |n: u8| SocketAddr::from((Ipv4Addr::new(192, 0, 2, n), 21));
    let given = [v6(1), v6(2), v6(3), v4(1), v4(2)];
    assert_eq!(interleave(&given), [v6(1), v4(1), v6(2), v4(2), v6(3)]);
    assert_eq!(interleave(&[v4(1), v4(2)]), [v4(1), v4(2)]);
    assert_eq!(interleave(&[]), []);
}

#[test]
fn the_next_address_is_tried_when_one_fails_or_keeps_silent() {
    let open = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let addresses = [closed, open.local_addr().unwrap()];
    let stream = race(&addresses, None, Duration::from_secs(5)).unwrap();
    assert_eq!(stream.peer_addr().unwrap(), addresses[1]);

    let error = race(&[closed, closed], None, Duration::from_secs(5)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(error.to_string().matches("127.0.0.1:").count(), 2);
    let error = race(&[], None, Duration::from_secs(5)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn ports_of_a_range() {
    let local = Ipv4Addr::LOCALHOST.into();
    let mut next = 0;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let result = listen(local, 0, Some(port..=port), &mut next);
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    #[expect(clippy::reversed_empty_ranges, reason = "what a caller may hand over")]
    let result = listen(local, 0, Some(2..=1), &mut next);
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    assert!(listen(local, 0, None, &mut next).is_ok());
}
