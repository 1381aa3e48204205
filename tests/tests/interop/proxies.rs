//! Every server through every real proxy: microsocks for SOCKS5, tinyproxy for CONNECT, each with and without a login, and
//! ftp-proxy, which speaks FTP

use std::io::Read as _;

use crate::driver::{Client, Config, DataMode, Error, Options, TlsPolicy};
use ftp_session::proxy::{ProxyLogin, ProxyProblem, ProxyServer};
use ftp_tests::servers::{RealProxy, Server, proxies};

use crate::way::{ADDRESSES, MODES, run};
use crate::{Security, Way, on_each_server};

fn tunnels() -> impl Iterator<Item = RealProxy> {
    proxies().into_iter().filter(|proxy| proxy.proxy.is_tunnel())
}

/// Returns the proxies that speak FTP; fails if `tests/run` has started others only
fn ftp_proxies() -> Vec<RealProxy> {
    let (tunnels, found): (Vec<_>, Vec<_>) =
        proxies().into_iter().partition(|proxy| proxy.proxy.is_tunnel());
    assert_eq!(tunnels.is_empty(), found.is_empty());
    found
}

/// Logs in through a proxy, to a host name that the proxy resolves
fn through(way: &Way, proxy: &RealProxy) -> Client {
    let Server { user, password, .. } = &way.server;
    let address = way.address().replace("127.0.0.1", "localhost");
    let options = way.options(way.config()).proxy(proxy.proxy.clone());
    Client::connect_and_login(&address, options, user, password).unwrap()
}

#[test]
fn files_and_listings_pass_through_proxies() {
    on_each_server(|way| {
        let (mut direct, remote, local) = way.enter();
        for proxy in tunnels() {
            println!("  through {} ({:?})", proxy.name, proxy.proxy);
            let mut ftp = through(way, &proxy);
            ftp.cwd(&remote).unwrap();
            // More than all buffers on the path hold.
            let content: Vec<u8> = (0..3_000_000_u32).map(|i| (i / 5) as u8).collect();
            for name in ["one", "two"] {
                ftp.upload_from(name, &mut content.as_slice()).unwrap();
                let stored = std::fs::read(local.join(name)).unwrap();
                assert!(stored == content, "{} bytes are stored", stored.len());
                let mut back = Vec::new();
                ftp.download_to(name, &mut back).unwrap();
                assert!(back == content, "{} bytes", back.len());
            }
            let mut names = ftp.names("").unwrap();
            // Pure-FTPd lists the directory itself, too.
            names.retain(|name| !name.starts_with(b"."));
            names.sort();
            assert_eq!(names, [b"one", b"two"]);
            for name in ["one", "two"] {
                ftp.delete(name).unwrap();
            }
            assert!(matches!(ftp.download_to("one", &mut Vec::new()), Err(Error::Ftp(_))));
            ftp.quit().unwrap();
        }
        direct.quit().unwrap();
    });
}

#[test]
fn what_proxies_refuse() {
    for proxy in tunnels() {
        let Some(server) = ftp_tests::servers::all().into_iter().next() else { return };
        let way =
            Way { server, ip: "127.0.0.1", mode: DataMode::Passive, security: Security::Clear };
        let connect = |address: &str, proxy| {
            let options = way.options(way.config()).proxy(proxy);
            match Client::connect(address, options).map(drop).unwrap_err() {
                Error::Proxy(error) => error,
                other => panic!("{other:?}"),
            }
        };
        if proxy.wants_login() {
            let error = connect(&way.address(), proxy.with_login(None));
            assert_eq!(error.problem(), &ProxyProblem::LoginRequired);
            let wrong = ProxyLogin::new("proxyuser", "wrong");
            let error = connect(&way.address(), proxy.with_login(Some(wrong)));
            assert_eq!(error.problem(), &ProxyProblem::LoginRefused);
        }
        // Nothing listens there.
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = connect(&closed.to_string(), proxy.proxy.clone());
        println!("{error}");
        assert!(
            matches!(
                error.problem(),
                ProxyProblem::Socks(5) | ProxyProblem::Http { status: 500.., .. }
            ),
            "{error}"
        );
        let error = connect("name.invalid:21", proxy.proxy.clone());
        println!("{error}");
        assert!(
            matches!(
                error.problem(),
                ProxyProblem::Socks(1..=4) | ProxyProblem::Http { status: 500.., .. }
            ),
            "{error}"
        );
        // The proxy itself does not exist.
        let mut dead = proxy.proxy.clone();
        let nowhere = ProxyServer::new(closed.ip().to_string(), closed.port());
        match &mut dead {
            ftp_session::proxy::Proxy::Socks5 { server, .. }
            | ftp_session::proxy::Proxy::HttpConnect { server, .. } => *server = nowhere,
            _ => panic!("another kind"),
        }
        let error = connect("ftp.example.org:21", dead);
        let text = format!("could not connect to the proxy 127.0.0.1 port {}", closed.port());
        assert!(error.to_string().starts_with(&text), "{error}");
    }
}

/// In clear text, since TLS would end at the proxy; it answers commands that it does not know before earlier ones
#[test]
fn a_session_passes_through_an_ftp_proxy() {
    run(
        |way| {
            let (mut direct, remote, local) = way.enter();
            for proxy in ftp_proxies() {
                let mut ftp = through(way, &proxy);
                ftp.cwd(&remote).unwrap();
                let content: Vec<u8> = (0..3_000_000_u32).map(|i| (i / 5) as u8).collect();
                for name in ["one", "two words"] {
                    ftp.upload_from(name, &mut content.as_slice()).unwrap();
                    assert!(std::fs::read(local.join(name)).unwrap() == content);
                }
                for round in 0..3 {
                    let mut back = Vec::new();
                    ftp.download_to("two words", &mut back).unwrap();
                    assert!(back == content, "{} bytes", back.len());
                    assert_eq!(ftp.size("one").unwrap(), 3_000_000);
                    ftp.mdtm("one").unwrap();
                    assert!(ftp.download_to("none", &mut Vec::new()).is_err());
                    // If PASV arrives together with the end of this data connection, the proxy closes the new port.
                    ftp.noop().unwrap();
                    let mut download = ftp.get("one").unwrap();
                    download.read_exact(&mut vec![0; 100_000 * round]).unwrap();
                    download.abort().unwrap();
                    assert_eq!(ftp.size("two words").unwrap(), 3_000_000);
                }
                let names: Vec<_> = ftp.read_dir("").unwrap().map(|one| one.unwrap()).collect();
                assert!(names.iter().any(|entry| entry.name() == b"two words"));
                ftp.quit().unwrap();
            }
            direct.quit().unwrap();
        },
        &ADDRESSES[..1],
        &MODES,
        &[Security::Clear],
    );
}

#[test]
fn what_an_ftp_proxy_refuses() {
    for proxy in ftp_proxies() {
        let connect = |address: &str, user: &str, password: &str| {
            let config = Config::new(TlsPolicy::Plaintext);
            let options = Options::new(config).proxy(proxy.proxy.clone());
            Client::connect_and_login(address, options, user, password).map(drop).unwrap_err()
        };
        for Server { name, port, .. } in ftp_tests::servers::all() {
            // vsftpd knows anonymous users only, and accepts any password of theirs.
            let error = connect(&format!("127.0.0.1:{port}"), "tester", "wrong");
            assert!(error.is_auth(), "{name}: {error}");
        }
        // Nothing listens there: the proxy closes the connection.
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = connect(&closed.to_string(), "u", "p");
        assert!(error.is_fatal(), "{error}");
        let error = connect("name.invalid:21", "u", "p");
        assert!(error.is_auth() || error.is_fatal(), "{error}");
    }
}
