use ftp_session::Host;
use ftp_session::proxy::{Handshake, HandshakeState, Proxy, ProxyLogin, ProxyProblem, ProxyServer};

/// No answers of a proxy make a handshake panic, exceed its buffer limit, or lose the bytes that follow them
///
/// The first byte chooses proxy and login, the second how the others are split.
pub fn proxy(data: &[u8]) {
    let [choice, cut, answers @ ..] = data else { return };
    let login = (choice & 2 != 0).then(|| ProxyLogin::new("me", "secret"));
    let server = ProxyServer::new("192.0.2.7", 1080);
    let proxy = match choice & 1 {
        0 => Proxy::Socks5 { server, login },
        _ => Proxy::HttpConnect { server, login },
    };
    let pieces = play(&proxy, crate::pieces(answers, *cut));
    let single = play(&proxy, answers.chunks(1));
    // There is one answer, so the split changes nothing. With SOCKS5 an answer may arrive too early.
    if let Proxy::HttpConnect { .. } = proxy {
        assert_eq!(pieces, single);
    }
    for after in [pieces, single].into_iter().flatten().flatten() {
        assert!(answers.ends_with(&after));
    }
}

/// Returns the bytes that follow the handshake; `None` if it does not end
fn play<'a>(
    proxy: &Proxy,
    mut pieces: impl Iterator<Item = &'a [u8]>,
) -> Result<Option<Vec<u8>>, ProxyProblem> {
    let host = Host::Name("ftp.example.org");
    let mut handshake = Handshake::new(proxy, host, 21).expect("a host that is fine");
    let mut heard = 0;
    for piece in pieces.by_ref() {
        handshake.sent(handshake.unsent().len());
        heard += piece.len();
        if handshake.receive(piece)? == HandshakeState::Open {
            let mut after = handshake.into_leftover();
            after.extend(pieces.flatten());
            return Ok(Some(after));
        }
        assert!(heard <= 16 * 1024 + 256, "{heard} bytes without an end");
    }
    Ok(None)
}
