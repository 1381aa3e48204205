//! Sites that differ in one field never get each other's sessions

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use ftp_session::proxy::{Proxy, ProxyLogin, ProxyServer};
use ftp_test::tls::identity;
use ftp_test::{Action, Server};
use ftp_tests::tls::{Tls, trusting};
use ftp_tokio::ftp_tls::{Resumption, TlsConfig, TlsVersion};
use ftp_tokio::{Config, Lease, Options, Pool, Protection, Site, TlsPolicy, Truncation};

/// A server of which every session says who it is, with a proxy's commands
fn server(name: &'static str) -> Server {
    let server = crate::server::start();
    server.set_tls(Tls::new());
    server.on_command(move |command| match command.verb {
        "HELP" => Action::reply(format!("214 {name} {}", command.session)),
        "OPEN" => Action::reply("220 ready"),
        _ => Action::serve(),
    });
    server
}

/// Starts a proxy for SOCKS5, with a login or without, and for HTTP CONNECT
fn relay() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || introduce(client));
        }
    });
    port
}

fn take(client: &mut TcpStream, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    client.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Connects a client with the target that it requests
fn introduce(mut client: TcpStream) -> io::Result<()> {
    let first = take(&mut client, 1)?[0];
    let (address, answer) = match first {
        5 => by_socks(&mut client)?,
        _ => by_http(&mut client, first)?,
    };
    let target = TcpStream::connect(address)?;
    client.write_all(answer)?;
    let (mut from, mut to) = (client.try_clone()?, target.try_clone()?);
    thread::spawn(move || io::copy(&mut from, &mut to));
    io::copy(&mut &target, &mut client).map(drop)
}

fn by_socks(client: &mut TcpStream) -> io::Result<(SocketAddr, &'static [u8])> {
    let methods = take(client, 1)?[0];
    let with_login = take(client, methods.into())?.contains(&2);
    client.write_all(&[5, if with_login { 2 } else { 0 }])?;
    if with_login {
        let user = take(client, 2)?[1];
        take(client, user.into())?;
        let password = take(client, 1)?[0];
        take(client, password.into())?;
        client.write_all(&[1, 0])?;
    }
    assert_eq!(take(client, 4)?, [5, 1, 0, 1], "an IPv4 address");
    let to = take(client, 6)?;
    let address = ([to[0], to[1], to[2], to[3]], u16::from_be_bytes([to[4], to[5]]));
    Ok((address.into(), &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
}

fn by_http(client: &mut TcpStream, first: u8) -> io::Result<(SocketAddr, &'static [u8])> {
    let mut head = vec![first];
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(take(client, 1)?);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.split(' ').nth(1).unwrap();
    Ok((target.parse().unwrap(), b"HTTP/1.1 200 OK\r\n\r\n"))
}

fn tls() -> TlsConfig {
    trusting(TlsVersion::Tls13).build().unwrap()
}

/// The same authority, and a certificate of the client's
fn certified(name: &str) -> TlsConfig {
    let (chain, key) = identity(&[name], |_| ());
    trusting(TlsVersion::Tls13).client_auth_pem(chain, key).build().unwrap()
}

/// Sites that differ from the first in one field each, or from the one in clear text
fn sites(server: &Server, other: &Server, proxies: [u16; 2]) -> Vec<Site> {
    let shared = tls();
    let options = || Options::new(Config::new(TlsPolicy::Explicit)).tls(shared.clone());
    let configured = |change: fn(&mut Config)| {
        let mut options = options();
        change(options.config_mut());
        options
    };
    // An FTP proxy can't be used with TLS.
    let clear = || configured(|config| config.tls = TlsPolicy::Plaintext);
    let at = |address: String, options: Options| {
        Site::new(&*address, options).unwrap().login("user", "secret")
    };
    let here = server.address();
    let site = |options: Options| at(here.to_string(), options);
    let login = |user: &str| Some(ProxyLogin::new(user, "secret"));
    let socks = |port: u16, login: Option<ProxyLogin>| {
        let server = ProxyServer::new("127.0.0.1", port);
        site(options().proxy(Proxy::Socks5 { server, login }))
    };
    let http = |login: Option<ProxyLogin>| {
        let server = ProxyServer::new("127.0.0.1", proxies[0]);
        site(options().proxy(Proxy::HttpConnect { server, login }))
    };
    // The server is a proxy, too: it takes any user, and OPEN.
    let by_ftp = || ProxyServer::new("127.0.0.1", here.port());
    let local = |address: &str| address.parse::<SocketAddr>().unwrap();
    let base = site(options());
    let dial = move |_| tokio::net::TcpStream::connect(here);
    vec![
        base.clone(),
        at(format!("localhost:{}", here.port()), options()),
        at(other.address().to_string(), options()),
        base.clone().login("other", "secret"),
        base.clone().login("user", "other"),
        base.clone().account("account"),
        base.clone().account("other"),
        base.clone().protection(Protection::Clear),
        base.clone().connect_with(dial),
        base.connect_with(dial),
        site(clear()),
        site(configured(|config| config.truncation = Truncation::Accept)),
        site(configured(|config| config.reply_timeout = Duration::from_secs(9))),
        site(options().tls(tls())),
        site(options().tls(certified("one"))),
        site(options().tls(certified("other"))),
        site(options().tls(shared.clone().guard_uploads(false))),
        site(options().tls(shared.clone().same_certificate_on_data(false))),
        site(options().tls(shared.clone().resumption(Resumption::Consistent))),
        site(options().tls_server_name("localhost".try_into().unwrap())),
        site(options().source_address(local("127.0.0.1:0"))),
        site(options().source_address(local("127.0.0.2:0"))),
        site(options().connect_timeout(Duration::from_secs(9))),
        socks(proxies[0], None),
        socks(proxies[1], None),
        socks(proxies[0], login("one")),
        socks(proxies[0], login("other")),
        http(None),
        http(login("one")),
        site(clear().proxy(Proxy::FtpUserAtHost { server: by_ftp(), login: None })),
        site(clear().proxy(Proxy::FtpOpen { server: by_ftp(), login: None })),
        site(clear().proxy(Proxy::FtpOpen { server: by_ftp(), login: login("one") })),
    ]
}

async fn identity_of(lease: &mut Lease) -> String {
    String::from_utf8(lease.help("").await.unwrap().text().to_vec()).unwrap()
}

/// While a session of every other site is idle, each site gets its own
#[tokio::test]
async fn a_session_is_given_to_its_own_site_alone() {
    let (one, other) = (server("one"), server("other"));
    let sites = sites(&one, &other, [relay(), relay()]);
    let pool = Pool::builder().sessions_per_host(sites.len()).build();
    let mut sessions = Vec::new();
    for (number, site) in sites.iter().enumerate() {
        let lease = pool.lease(site).await;
        let mut lease = lease.unwrap_or_else(|error| panic!("{number}: {error}"));
        assert!(!Lease::is_reused(&lease), "{number}: another site's session");
        sessions.push(identity_of(&mut lease).await);
    }
    let distinct: HashSet<_> = sessions.iter().collect();
    assert_eq!(distinct.len(), sites.len());
    for (number, site) in sites.iter().enumerate().rev() {
        let mut lease = pool.lease(site).await.unwrap();
        assert!(Lease::is_reused(&lease), "{number}: a new session");
        assert_eq!(identity_of(&mut lease).await, sessions[number], "{number}");
    }
    assert_eq!(one.sessions().open + other.sessions().open, sites.len());
}
