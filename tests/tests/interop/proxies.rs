//! Every server through every real proxy: microsocks for SOCKS5, tinyproxy for CONNECT, each with and without a login

use crate::driver::{Client, DataMode, Error};
use ftp_session::proxy::{ProxyLogin, ProxyProblem, ProxyServer};
use ftp_tests::servers::{RealProxy, Server, proxies};

use crate::{Way, on_each_server};

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
        for proxy in proxies() {
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
    for proxy in proxies() {
        let Some(server) = ftp_tests::servers::all().into_iter().next() else { return };
        let way = Way {
            server,
            ip: "127.0.0.1",
            mode: DataMode::Passive,
            security: crate::Security::Clear,
        };
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
