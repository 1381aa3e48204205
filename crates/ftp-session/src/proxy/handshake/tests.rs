//! Transcripts of handshakes: complete, byte by byte, and cut at any place

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::settings::{ProxyLogin, ProxyServer};
use super::*;

fn server() -> ProxyServer {
    ProxyServer::new("192.0.2.7", 1080)
}

fn login() -> ProxyLogin {
    ProxyLogin::new("me", "p:w")
}

fn socks(login: Option<ProxyLogin>) -> Proxy {
    Proxy::Socks5 { server: server(), login }
}

fn http(login: Option<ProxyLogin>) -> Proxy {
    Proxy::HttpConnect { server: server(), login }
}

const NAME: Host<'_> = Host::Name("ftp.example.org");
const V4: Host<'_> = Host::Address(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
const V6: Host<'_> = Host::Address(std::net::IpAddr::V6(Ipv6Addr::LOCALHOST));

const GREETING: &[u8] = b"220 ready\r\n";
const SOCKS_NAME: &[u8] = b"\x05\x01\x00\x03\x0fftp.example.org\x00\x15";
const SOCKS_V4: &[u8] = b"\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x15";
const SOCKS_V6: &[u8] = b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x15";
const SOCKS_OPEN: &[u8] = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00";

/// What the client sends, and what the proxy answers
type Script<'a> = &'a [(&'a [u8], &'a [u8])];

/// Plays a handshake in pieces of these sizes, repeated; the last answer and the greeting arrive together
fn play(
    proxy: &Proxy,
    host: Host<'_>,
    script: Script<'_>,
    sizes: &[usize],
) -> Result<Vec<u8>, ProxyProblem> {
    let mut handshake = Handshake::new(proxy, host, 21)?;
    let mut sizes = sizes.iter().cycle();
    let mut after = GREETING.to_vec();
    for (index, (said, answer)) in script.iter().enumerate() {
        assert_eq!(handshake.unsent().escape_ascii().to_string(), said.escape_ascii().to_string());
        handshake.sent(1);
        assert_eq!(handshake.unsent(), &said[1..]);
        handshake.sent(said.len());
        let mut bytes = answer.to_vec();
        if index + 1 == script.len() {
            bytes.append(&mut after);
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (portion, others) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
            rest = others;
            if handshake.receive(portion)? == HandshakeState::Open {
                let mut all = handshake.into_leftover();
                all.extend_from_slice(rest);
                return Ok(all);
            }
        }
    }
    panic!("{handshake:?} did not open");
}

/// Plays a handshake that succeeds, in pieces of many sizes
#[track_caller]
fn opens(proxy: &Proxy, host: Host<'_>, script: Script<'_>) {
    for sizes in [&[usize::MAX][..], &[1], &[2], &[1, 3, 2], &[5, 1], &[7, 11, 1, 2]] {
        assert_eq!(play(proxy, host, script, sizes).unwrap(), GREETING, "{sizes:?}");
    }
    // Pieces of pseudo-random sizes.
    let mut seed = 1_u32;
    for _ in 0..200 {
        let mut sizes = Vec::new();
        for _ in 0..16 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            sizes.push(1 + (seed >> 24) as usize % 9);
        }
        assert_eq!(play(proxy, host, script, &sizes).unwrap(), GREETING, "{sizes:?}");
    }
}

/// Plays a handshake that fails, in pieces of many sizes
#[track_caller]
fn fails(proxy: &Proxy, script: Script<'_>, problem: &ProxyProblem) {
    for sizes in [&[usize::MAX][..], &[1], &[2], &[3, 1]] {
        let result = play(proxy, NAME, script, sizes);
        assert_eq!(result.as_ref().unwrap_err(), problem, "{sizes:?}");
    }
}

#[test]
fn socks_without_a_login() {
    let bound: [&[u8]; 3] = [
        SOCKS_OPEN,
        b"\x05\x00\x00\x03\x03abc\x12\x34",
        b"\x05\x00\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x12\x34",
    ];
    for reply in bound {
        for (host, request) in [(NAME, SOCKS_NAME), (V4, SOCKS_V4), (V6, SOCKS_V6)] {
            opens(&socks(None), host, &[(b"\x05\x01\x00", b"\x05\x00"), (request, reply)]);
        }
    }
    // A name in the reply may be empty.
    let reply = b"\x05\x00\x00\x03\x00\x12\x34";
    opens(&socks(None), NAME, &[(b"\x05\x01\x00", b"\x05\x00"), (SOCKS_NAME, reply)]);
}

#[test]
fn socks_with_a_login() {
    let methods = b"\x05\x02\x00\x02";
    let said = b"\x01\x02me\x03p:w";
    for status in [b"\x01\x00", b"\x05\x00"] {
        opens(
            &socks(Some(login())),
            NAME,
            &[(methods, b"\x05\x02"), (said, status), (SOCKS_NAME, SOCKS_OPEN)],
        );
    }
    // The proxy needs no login, so it does not learn the password.
    let script: Script<'_> = &[(methods, b"\x05\x00"), (SOCKS_NAME, SOCKS_OPEN)];
    opens(&socks(Some(login())), NAME, script);
    fails(
        &socks(Some(login())),
        &[(methods, b"\x05\x02"), (said, b"\x01\x01")],
        &ProxyProblem::LoginRefused,
    );
    fails(&socks(Some(login())), &[(methods, b"\x05\xff")], &ProxyProblem::LoginRequired);
    fails(&socks(None), &[(b"\x05\x01\x00", b"\x05\xff")], &ProxyProblem::LoginRequired);
    for chosen in [b"\x05\x02", b"\x05\x01", b"\x05\x80"] {
        let problem = ProxyProblem::Malformed("it chose a method that was not offered");
        fails(&socks(None), &[(b"\x05\x01\x00", chosen)], &problem);
    }
}

#[test]
fn logins_have_limits() {
    let of = |user: usize, password: usize| {
        let login = ProxyLogin::new(vec![b'u'; user], vec![b'p'; password]);
        Handshake::new(&socks(Some(login)), NAME, 21).map(drop)
    };
    for (user, password) in [(1, 1), (255, 255)] {
        of(user, password).unwrap();
    }
    for (user, password) in [(0, 1), (1, 0), (256, 1), (1, 256)] {
        let error = of(user, password).unwrap_err();
        assert!(matches!(error, ProxyProblem::InvalidLogin(_)), "{error:?}");
    }
    for (user, password) in [("a:b", "p"), ("a\r\nX: y", "p"), ("a", "p\n"), ("a\0", "p")] {
        let login = ProxyLogin::new(user, password);
        let error = Handshake::new(&http(Some(login)), NAME, 21).unwrap_err();
        assert!(matches!(error, ProxyProblem::InvalidLogin(_)), "{error:?}");
    }
}

#[test]
fn each_socks_reply_has_its_error() {
    for reply in 1..=255 {
        // The rest of a refusal may be missing, and its address may have an unknown type.
        let answers: [&[u8]; 3] =
            [&[5, reply], &[5, reply, 0, 1, 0, 0, 0, 0, 0, 0], &[5, reply, 0, 9, 0]];
        for answer in answers {
            let script: Script<'_> = &[(b"\x05\x01\x00", b"\x05\x00"), (SOCKS_NAME, answer)];
            fails(&socks(None), script, &ProxyProblem::Socks(reply));
        }
    }
    let kind = |reply| ProxyProblem::Socks(reply).kind();
    assert_eq!(kind(2), io::ErrorKind::PermissionDenied);
    assert_eq!(kind(3), io::ErrorKind::NetworkUnreachable);
    assert_eq!(kind(4), io::ErrorKind::HostUnreachable);
    assert_eq!(kind(5), io::ErrorKind::ConnectionRefused);
    assert_eq!(ProxyProblem::Socks(5).to_string(), "connection refused (SOCKS5 reply 5)");
    assert_eq!(ProxyProblem::Socks(99).to_string(), "unknown failure (SOCKS5 reply 99)");
}

#[test]
fn what_is_not_socks() {
    let problem = ProxyProblem::Malformed("its reply is not SOCKS5");
    for answer in [&b"\x04\x5a"[..], b"HTTP/1.0 400 Bad Request\r\n\r\n", b"220 ready", b"\0\0"] {
        fails(&socks(None), &[(b"\x05\x01\x00", answer)], &problem);
        let second: Script<'_> = &[(b"\x05\x01\x00", b"\x05\x00"), (SOCKS_NAME, answer)];
        fails(&socks(None), second, &problem);
    }
    let problem = ProxyProblem::Malformed("its reply contains an address of unknown type");
    let reply: Script<'_> = &[(b"\x05\x01\x00", b"\x05\x00"), (SOCKS_NAME, b"\x05\0\0\x02\0\0\0")];
    fails(&socks(None), reply, &problem);
    // An answer to a request that was not sent yet.
    let mut handshake = Handshake::new(&socks(None), NAME, 21).unwrap();
    handshake.sent(3);
    let early = [b"\x05\x00", SOCKS_OPEN].concat();
    let error = handshake.receive(&early).unwrap_err();
    assert_eq!(error, ProxyProblem::Malformed("it answered before it was asked"));
    let mut handshake = Handshake::new(&socks(None), NAME, 21).unwrap();
    handshake.sent(3);
    handshake.receive(b"\x05\x00").unwrap();
    assert_eq!(handshake.receive(SOCKS_OPEN).unwrap_err(), error);
}

const CONNECT: &[u8] = b"CONNECT ftp.example.org:21 HTTP/1.1\r\nHost: ftp.example.org:21\r\n\r\n";

#[test]
fn connect_is_answered() {
    for answer in [
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.0 200 OK\r\nProxy-Agent: x\r\nVia: 1.1 y\r\n\r\n",
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.1 299 \r\n\r\n",
        // A length has no meaning here (RFC 9110 section 9.3.6), and LF alone may end a line.
        "HTTP/1.1 200 OK\nContent-Length: 9\n\n",
        "HTTP/1.1 200 OK\r\nA: b\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        opens(&http(None), NAME, &[(CONNECT, answer.as_bytes())]);
    }
    let ok: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";
    let v4 = b"CONNECT 192.0.2.1:21 HTTP/1.1\r\nHost: 192.0.2.1:21\r\n\r\n";
    opens(&http(None), V4, &[(v4, ok)]);
    let v6 = b"CONNECT [::1]:21 HTTP/1.1\r\nHost: [::1]:21\r\n\r\n";
    opens(&http(None), V6, &[(v6, ok)]);
    // `me:p:w`
    let with_login = b"CONNECT ftp.example.org:21 HTTP/1.1\r\nHost: ftp.example.org:21\r\n\
        Proxy-Authorization: Basic bWU6cDp3\r\n\r\n";
    opens(&http(Some(login())), NAME, &[(with_login, ok)]);
}

#[test]
fn connect_is_refused() {
    let refused = |status, reason: &str| ProxyProblem::Http { status, reason: reason.into() };
    for (answer, problem) in [
        ("HTTP/1.1 403 Forbidden\r\n", refused(403, "Forbidden")),
        ("HTTP/1.0 302 Found\r\nLocation: http://login/\r\n", refused(302, "Found")),
        ("HTTP/1.1 503 \x1b[2J\u{202e}up\r\n", refused(503, "\\u{1b}[2J\\u{202e}up")),
        ("HTTP/1.1 502\n", refused(502, "")),
        ("HTTP/1.1 101 Switching Protocols\r\n", refused(101, "Switching Protocols")),
        ("HTTP/1.1 407 Proxy Authentication Required\r\n", ProxyProblem::LoginRequired),
    ] {
        fails(&http(None), &[(CONNECT, answer.as_bytes())], &problem);
    }
    let mut handshake = Handshake::new(&http(Some(login())), NAME, 21).unwrap();
    let error = handshake.receive(b"HTTP/1.1 407 No\r\n").unwrap_err();
    assert_eq!(error, ProxyProblem::LoginRefused);
    let mut handshake = Handshake::new(&http(Some(login())), NAME, 21).unwrap();
    // tinyproxy answers this to a wrong password.
    let error = handshake.receive(b"HTTP/1.0 401 Unauthorized\r\n").unwrap_err();
    assert_eq!(error, ProxyProblem::LoginRefused);
    let mut handshake = Handshake::new(&http(None), NAME, 21).unwrap();
    let long = format!("HTTP/1.1 500 {}\r\n", "\u{7}x".repeat(5000));
    let ProxyProblem::Http { reason, .. } = handshake.receive(long.as_bytes()).unwrap_err() else {
        panic!("another problem")
    };
    assert_eq!(reason.chars().count(), 200);
}

#[test]
fn what_is_not_http() {
    for answer in [
        &b"220 ready\r\n"[..],
        b"\x05\xff",
        b"HTTP/2 200 OK\r\n",
        b"HTTP/1.1 20 OK\r\n",
        b"HTTP/1.1 2000 OK\r\n",
        b"HTTP/1.1 099 OK\r\n",
        b"HTTP/1.1  200 OK\r\n",
        b"HTTP/1.1\n",
        b"\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        let problem = ProxyProblem::Malformed("its reply is not HTTP");
        fails(&http(None), &[(CONNECT, answer)], &problem);
    }
}

#[test]
fn an_answer_has_a_limit() {
    let problem = ProxyProblem::Malformed("its answer has more than 16 KiB");
    let line = "HTTP/1.1 200 OK\r\n";
    let endless = [
        line.to_owned() + &"A: b\r\n".repeat(4000),
        "HTTP/1.1 200 ".to_owned() + &"x".repeat(20_000),
    ];
    for answer in &endless {
        for portion in [100, 1 << 20] {
            let mut handshake = Handshake::new(&http(None), NAME, 21).unwrap();
            let mut portions = answer.as_bytes().chunks(portion);
            let error = portions.find_map(|bytes| handshake.receive(bytes).err()).unwrap();
            assert_eq!(error, problem);
            assert!(handshake.received.len() <= 16 * 1024 + portion.min(answer.len()));
        }
    }
    // Interim answers without end.
    let mut handshake = Handshake::new(&http(None), NAME, 21).unwrap();
    let mut interim = (0..2000).map(|_| handshake.receive(b"HTTP/1.1 100 Go on\r\n\r\n"));
    assert_eq!(interim.find_map(Result::err).unwrap(), problem);
    // A head of nearly that length is accepted, and the bytes after it are the server's.
    let head = format!("{line}A: {}\r\n\r\n", "b".repeat(16_000));
    opens(&http(None), NAME, &[(CONNECT, head.as_bytes())]);
}

#[test]
fn names_are_names() {
    for proxy in [socks(None), http(None)] {
        for name in ["", " ", "a b", "a\r\nX: y", "a:1", "fe80::1%eth0", "ü.example", "a/b", "u@h"]
        {
            let error = Handshake::new(&proxy, Host::Name(name), 21).unwrap_err();
            assert_eq!(error, ProxyProblem::InvalidHost, "{name:?}");
        }
        let (longest, longer) = ("a".repeat(255), "a".repeat(256));
        Handshake::new(&proxy, Host::Name(&longest), 21).unwrap();
        assert!(Handshake::new(&proxy, Host::Name(&longer), 21).is_err());
        Handshake::new(&proxy, Host::Name("a_b-c.xn--d-1fa.example."), 21).unwrap();
    }
    let ftp = Proxy::FtpOpen { server: server(), login: None };
    assert_eq!(Handshake::new(&ftp, NAME, 21).unwrap_err(), ProxyProblem::NoTunnel);
}

#[test]
fn secrets_are_not_shown() {
    for proxy in [socks(Some(login())), http(Some(login()))] {
        let mut handshake = Handshake::new(&proxy, NAME, 21).unwrap();
        handshake.sent(999);
        let _ = handshake.receive(b"\x05\x02");
        let shown = format!("{proxy:?} {handshake:?}");
        assert!(!shown.contains("p:w") && !shown.contains("bWU6cDp3"), "{shown}");
    }
}

/// Some proxies repeat the header, or the login in it, in the text of a refusal
#[test]
fn a_refusal_does_not_show_the_login() {
    let refused = |password: &[u8], text: &[u8]| {
        let login = ProxyLogin::new("pu", password);
        let mut handshake = Handshake::new(&http(Some(login)), NAME, 21).unwrap();
        let answer = [b"HTTP/1.1 403 ", text, b"\r\n"].concat();
        match handshake.receive(&answer) {
            Err(ProxyProblem::Http { status: 403, reason }) => reason,
            other => panic!("{other:?}"),
        }
    };
    let password = b"proxysecret";
    assert_eq!(refused(password, b"no access for pu:proxysecret"), "no access for pu:****");
    // `pu:proxysecret` in Base64, with and without padding.
    assert_eq!(refused(password, b"bad Basic cHU6cHJveHlzZWNyZXQ="), "bad Basic ****=");
    assert_eq!(refused(password, b"bad: cHU6cHJveHlzZWNyZXQ"), "bad: ****");
    // The text is cut within the password.
    let long = [&[b'x'; 195][..], b" proxysecret"].concat();
    assert_eq!(refused(password, &long), format!("{} ****", "x".repeat(195)));
    // Bytes that are shown in another way.
    assert_eq!(refused(b"p\xe4ss\\", b"no p\xe4ss\\."), "no ****.");
    // As in replies of FTP servers, a short password is masked as a whole word only.
    assert_eq!(refused(b"no", b"nobody, no"), "nobody, ****");
    assert_eq!(refused(b"", b"Forbidden"), "Forbidden");
}

/// A connection that returns these bytes, and then ends or would block
struct Fake {
    input: Vec<u8>,
    ends: bool,
}

impl Read for Fake {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() && !self.ends {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = self.input.as_slice().read(buffer)?;
        self.input.drain(..count);
        Ok(count)
    }
}

impl Write for Fake {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_end_at_any_place_is_an_error() {
    let answers: [(Proxy, &[&[u8]]); 3] = [
        (socks(None), &[b"\x05\x00", SOCKS_OPEN]),
        (socks(Some(login())), &[b"\x05\x02", b"\x01\x00", SOCKS_OPEN]),
        (http(None), &[b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n"]),
    ];
    for (proxy, answers) in answers {
        let all = answers.concat();
        for cut in 0..all.len() {
            let mut handshake = Handshake::new(&proxy, NAME, 21).unwrap();
            let mut socket =
                Socket::new(crate::Slot::Control, Fake { input: Vec::new(), ends: false });
            let mut left = cut;
            for answer in answers {
                let part = &answer[..answer.len().min(left)];
                left -= part.len();
                socket.io_mut().input.extend_from_slice(part);
                socket.ready = Interest::BOTH;
                assert_eq!(drive(&mut socket, &mut handshake), Ok(HandshakeState::Pending));
            }
            socket.io_mut().ends = true;
            socket.ready = Interest::BOTH;
            assert_eq!(drive(&mut socket, &mut handshake), Err(ProxyProblem::Closed), "{cut}");
        }
    }
}

#[test]
fn bytes_after_the_proxys_answer_are_read_first() {
    let mut handshake = Handshake::new(&http(None), NAME, 21).unwrap();
    let input = [b"HTTP/1.1 200 OK\r\n\r\n", GREETING].concat();
    let mut socket = Socket::new(crate::Slot::Control, Fake { input, ends: false });
    socket.ready = Interest::BOTH;
    assert_eq!(drive(&mut socket, &mut handshake), Ok(HandshakeState::Open));
    socket.ready = Interest::NONE;
    assert!(socket.is_readable());
    let mut buffer = [0; 4];
    let mut read = Vec::new();
    while let Ok(count) = socket.read(&mut buffer) {
        read.extend_from_slice(&buffer[..count]);
    }
    assert_eq!(read, GREETING);
    assert!(!socket.is_readable());
}
