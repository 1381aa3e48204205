//! Sessions through a proxy: SOCKS5 and CONNECT, working and failing

use std::net::SocketAddr;
use std::time::Duration;

use ftp_proto::{DataMode, Time};
use ftp_session::ftp_tls::TlsVersion;
use ftp_session::proxy::{Proxy, ProxyLogin, ProxyProblem, ProxyServer};
use ftp_session::{Config, Error, Event, Host, Options, Session, TlsPolicy, ftp_proto};
use ftp_tests::tls::trusting;

use crate::relay::{Kind, Manner, Relay};
use crate::world::{Wire, World};
use crate::{file, read, whole_session};

const KINDS: [Kind; 2] = [Kind::Socks5, Kind::Connect];

fn proxy(kind: Kind, login: bool) -> Proxy {
    let server = ProxyServer::new("proxy.example", 1080);
    let login = login.then(|| ProxyLogin::new("me", "secret"));
    match kind {
        Kind::Socks5 => Proxy::Socks5 { server, login },
        Kind::Connect => Proxy::HttpConnect { server, login },
    }
}

fn options(kind: Kind, login: bool, host: &str) -> Options {
    let options = Options::new(Config::new(TlsPolicy::Plaintext));
    options.host(host).proxy(proxy(kind, login))
}

fn address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 80], 1080))
}

fn session(options: Options) -> impl FnOnce(Time) -> Session<Wire, ()> {
    move |now| Session::new(&[address()], options, now).unwrap()
}

fn through(kind: Kind, options: Options, portion: usize) -> World {
    let mut world = World::new(session(options), portion);
    world.relay = Some(Relay::new(kind, false));
    world
}

fn logged_in(kind: Kind) -> World {
    let mut world = through(kind, options(kind, false, "ftp.example.org"), 1 << 20);
    world.server.files.insert("f".into(), file());
    let login = world.session.request().login("u", "p");
    world.run(login).unwrap();
    world
}

#[test]
fn whole_sessions_pass_through_a_proxy() {
    for kind in KINDS {
        for login in [false, true] {
            for portion in [1, 100, 1 << 20] {
                let new = session(options(kind, login, "ftp.example.org"));
                let mut world = World::new(new, portion);
                world.relay = Some(Relay::new(kind, login));
                let world = whole_session(world);
                let asked = world.relay.unwrap().asked;
                let wanted: Vec<_> = [21, 5001, 5002, 5003, 5004, 5005, 5006]
                    .map(|port| format!("ftp.example.org:{port}"))
                    .into();
                assert_eq!(asked, wanted);
                // All connections were made to the proxy.
                assert!(world.net.connected.iter().all(|to| *to == address()));
                // In clear text, only this signals the end of an upload.
                assert_eq!(world.net.shut_down, 3);
            }
        }
    }
}

#[test]
fn tls_begins_after_the_handshake() {
    for kind in KINDS {
        for policy in [TlsPolicy::Explicit, TlsPolicy::Implicit] {
            for portion in [300, 1 << 20] {
                let options = Options::new(Config::new(policy))
                    .tls(trusting(TlsVersion::Tls13).build().unwrap())
                    .host("localhost")
                    .proxy(proxy(kind, true));
                let mut world = World::new(session(options), portion);
                world.server.implicit = policy == TlsPolicy::Implicit;
                world.relay = Some(Relay::new(kind, true));
                let world = whole_session(world);
                // Uploads end with close_notify alone: some proxies close both connections when one ends, though bytes
                // are still in flight.
                assert_eq!(world.net.shut_down, 0);
                let port = if policy == TlsPolicy::Implicit { 990 } else { 21 };
                assert_eq!(world.relay.unwrap().asked[0], format!("localhost:{port}"));
            }
        }
    }
}

#[test]
fn addresses_stay_addresses() {
    for kind in KINDS {
        let mut world = through(kind, options(kind, false, "2001:db8::9").port(2121), 1 << 20);
        world.server.files.insert("f".into(), file());
        let login = world.session.request().login("u", "p");
        world.run(login).unwrap();
        let get = world.session.request().get("f");
        world.run_with(get, |world| read(world, &mut Vec::new())).unwrap();
        let asked = &world.relay.as_ref().unwrap().asked;
        assert_eq!(asked, &["[2001:db8::9]:2121", "[2001:db8::9]:5001"]);
    }
}

fn ended(mut world: World) -> (Error, Duration) {
    while world.go() {}
    let elapsed = world.elapsed();
    match world.events.pop_back() {
        Some(Event::Closed(error)) => (error, elapsed),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_proxy_that_does_not_serve_the_control_connection() {
    let timeout = Duration::from_secs(30);
    for kind in KINDS {
        for manner in
            [Manner::Hangs, Manner::Closes, Manner::Garbage, Manner::Drips, Manner::Refuses]
        {
            let mut world = through(kind, options(kind, false, "ftp.example.org"), 1 << 20);
            world.relay.as_mut().unwrap().manner = manner;
            let (error, elapsed) = ended(world);
            let Error::Proxy(proxy) = &error else { panic!("{error:?}") };
            assert_eq!(proxy.proxy(), "proxy.example port 1080");
            assert_eq!(proxy.target(), "ftp.example.org port 21");
            assert!(error.is_fatal());
            let waited = matches!(manner, Manner::Hangs | Manner::Drips);
            let wanted = if waited { timeout } else { Duration::ZERO };
            assert_eq!(elapsed, wanted, "{kind:?} {manner:?}");
            assert_eq!(error.is_timeout(), waited);
            match (manner, proxy.problem()) {
                (Manner::Hangs | Manner::Drips, ProxyProblem::TimedOut)
                | (Manner::Closes, ProxyProblem::Closed)
                | (Manner::Garbage, ProxyProblem::Malformed(_)) => {
                    let text = "the proxy proxy.example port 1080 did not connect to ftp.example.org port 21: ";
                    assert!(error.to_string().starts_with(text), "{error}");
                }
                (Manner::Refuses, ProxyProblem::Socks(5)) => assert_eq!(
                    error.to_string(),
                    "the proxy proxy.example port 1080 refused to connect to ftp.example.org port 21: \
                     connection refused (SOCKS5 reply 5)"
                ),
                (Manner::Refuses, ProxyProblem::Http { status: 502, .. }) => assert_eq!(
                    error.to_string(),
                    "the proxy proxy.example port 1080 refused to connect to ftp.example.org port 21: \
                     HTTP status 502 Connection \\u{1b}[1mrefused"
                ),
                (manner, problem) => panic!("{kind:?} {manner:?}: {problem:?}"),
            }
        }
    }
}

/// A web server that repeats each request does, and so may a proxy for debugging
#[test]
fn a_login_that_the_proxy_repeats_after_its_answer_is_masked() {
    for kind in KINDS {
        for policy in [TlsPolicy::Plaintext, TlsPolicy::Implicit] {
            for text in ["", "220 your request: ", "530 no: ", "HTTP/1.0 400 "] {
                let mut config = Config::new(policy);
                config.trace = true;
                let options = Options::new(config)
                    .tls(trusting(TlsVersion::Tls13).build().unwrap())
                    .host("localhost")
                    .proxy(proxy(kind, true));
                let mut world = World::new(session(options), 1 << 20);
                world.relay = Some(Relay::new(kind, true));
                world.relay.as_mut().unwrap().manner = Manner::Repeats(text);
                let mut shown = String::new();
                while world.go() {}
                for event in &world.events {
                    shown += &format!("{event:?} ");
                    if let Event::Closed(error) = event {
                        shown += &error.to_string();
                    }
                }
                let context = format!("{kind:?} {policy:?} {text:?}: {shown}");
                assert!(!shown.contains("secret") && !shown.contains("bWU6c2VjcmV0"), "{context}");
                let is_reply = text.starts_with(|first: char| first.is_ascii_digit());
                let shows_text = policy == TlsPolicy::Plaintext || is_reply;
                assert_eq!(shown.contains("Basic ****, ****"), shows_text, "{context}");
            }
        }
    }
}

#[test]
fn a_missing_proxy() {
    let options = options(Kind::Socks5, false, "ftp.example.org");
    let mut world = World::new(session(options), 1 << 20);
    world.net.silent = vec![address()];
    let (error, elapsed) = ended(world);
    assert_eq!(elapsed, Duration::from_secs(30));
    assert!(error.is_timeout() && error.is_transient());
    assert_eq!(
        error.to_string(),
        "could not connect to the proxy proxy.example port 1080: timed out"
    );
}

#[test]
fn a_proxy_that_requires_another_login() {
    for kind in KINDS {
        for (login, problem) in
            [(false, ProxyProblem::LoginRequired), (true, ProxyProblem::LoginRefused)]
        {
            let mut options = options(kind, false, "ftp.example.org");
            if login {
                let (server, login) =
                    (ProxyServer::new("p", 1), Some(ProxyLogin::new("me", "Secret")));
                options = options.proxy(match kind {
                    Kind::Socks5 => Proxy::Socks5 { server, login },
                    Kind::Connect => Proxy::HttpConnect { server, login },
                });
            }
            let mut world = World::new(session(options), 1 << 20);
            world.relay = Some(Relay::new(kind, true));
            let (error, _) = ended(world);
            assert_eq!(error.proxy().unwrap().problem(), &problem, "{kind:?}");
            assert!(error.is_auth() && !error.is_transient());
            assert!(!format!("{error:?} {error}").contains("ecret"));
        }
    }
}

#[test]
fn a_proxy_that_does_not_serve_a_data_connection() {
    for kind in KINDS {
        for manner in
            [Manner::Hangs, Manner::Closes, Manner::Garbage, Manner::Drips, Manner::Refuses]
        {
            let mut world = logged_in(kind);
            world.relay.as_mut().unwrap().manner = manner;
            let (get, begun) = (world.session.request().get("f"), world.now);
            let error = world.run(get).unwrap_err();
            let Error::Data { address: None, .. } = &error else { panic!("{error:?}") };
            let proxy = error.proxy().unwrap();
            assert_eq!(proxy.proxy(), "proxy.example port 1080");
            assert_eq!(proxy.target(), "ftp.example.org port 5001");
            let text = error.to_string();
            assert!(
                text.contains("(to ftp.example.org port 5001 through the proxy proxy.example"),
                "{text}"
            );
            assert!(!text.contains("mode"), "advice that does not fit: {text}");
            let waited = matches!(manner, Manner::Hangs | Manner::Drips);
            assert_eq!(error.is_timeout(), waited, "{manner:?} {error:?}");
            let most = Config::new(TlsPolicy::Plaintext).data_connect_timeout;
            assert!(world.now - begun <= most, "{manner:?}: {:?}", world.now - begun);
            // The session continues, and the proxy works again.
            world.relay.as_mut().unwrap().manner = Manner::Works;
            let (get, mut bytes) = (world.session.request().get("f"), Vec::new());
            world.run_with(get, |world| read(world, &mut bytes)).unwrap();
            assert!(bytes == file());
        }
    }
}

#[test]
fn an_aborted_handshake_leaves_a_usable_session() {
    for kind in KINDS {
        let mut world = logged_in(kind);
        world.relay.as_mut().unwrap().manner = Manner::Hangs;
        let get = world.session.request().get("f");
        for _ in 0..20 {
            world.step();
        }
        world.session.abort(get.id());
        assert!(matches!(world.run(get), Err(Error::Ftp(ftp_proto::Error::Aborted))));
        world.relay.as_mut().unwrap().manner = Manner::Works;
        let (get, mut bytes) = (world.session.request().get("f"), Vec::new());
        world.run_with(get, |world| read(world, &mut bytes)).unwrap();
        assert!(bytes == file());
    }
}

#[test]
fn active_mode_is_refused() {
    for kind in KINDS {
        let mut config = Config::new(TlsPolicy::Plaintext);
        config.data_mode = DataMode::Active;
        let options = Options::new(config).host("ftp.example.org").proxy(proxy(kind, false));
        let made = Session::<Wire, ()>::new(&[address()], options, Time::ZERO);
        let Err(Error::Proxy(error)) = made else { panic!("{made:?}") };
        assert_eq!(error.problem(), &ProxyProblem::ActiveMode);

        // If it is chosen later, it is refused before the server receives a command.
        let mut world = logged_in(kind);
        world.session.request().config_mut().data_mode = DataMode::Active;
        let get = world.session.request().get("f");
        let error = world.run(get).unwrap_err();
        assert_eq!(error.proxy().unwrap().problem(), &ProxyProblem::ActiveMode);
        let told = |verb: &str| world.server.commands.iter().any(|line| line.starts_with(verb));
        assert!(!told("PORT") && !told("EPRT") && !told("RETR"), "{:?}", world.server.commands);
        assert!(world.net.listeners.is_empty());
    }
}

#[test]
fn a_proxy_needs_a_valid_host_name() {
    for kind in KINDS {
        for host in [None, Some("a\r\nUSER x"), Some("ü.example"), Some("")] {
            let mut options =
                Options::new(Config::new(TlsPolicy::Plaintext)).proxy(proxy(kind, false));
            if let Some(host) = host {
                options = options.host(host);
            }
            let made = Session::<Wire, ()>::new(&[address()], options, Time::ZERO);
            let Err(Error::Proxy(error)) = made else { panic!("{made:?}") };
            assert_eq!(error.problem(), &ProxyProblem::InvalidHost);
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }
}

#[test]
fn a_shell_that_dials_dials_the_proxy() {
    for kind in KINDS {
        let options = options(kind, false, "elsewhere");
        let new = |now| Session::dialed_by_shell("ftp.example.org", 2121, options, now).unwrap();
        let mut world = World::new(new, 1 << 20);
        world.relay = Some(Relay::new(kind, false));
        world.server.files.insert("f".into(), file());
        world.step();
        let dial = |world: &mut World| {
            let Some(request) = world.session.dial_request() else { return };
            assert_eq!(request.host, Host::Name("proxy.example"));
            assert_eq!(request.port, 1080);
            let id = request.id;
            let wire = world.net.wire(id.slot());
            world.session.dialed(id, Ok((wire, None)), world.now);
        };
        let login = world.session.request().login("u", "p");
        world.run_with(login, dial).unwrap();
        for _ in 0..3 {
            let (get, mut bytes) = (world.session.request().get("f"), Vec::new());
            world
                .run_with(get, |world| {
                    dial(world);
                    read(world, &mut bytes);
                })
                .unwrap();
            assert!(bytes == file());
        }
        let asked = &world.relay.as_ref().unwrap().asked;
        assert_eq!(asked[..2], ["ftp.example.org:2121", "ftp.example.org:5001"]);

        // If the dialer fails, the proxy was not reached.
        let get = world.session.request().get("f");
        let error = world
            .run_with(get, |world| {
                if let Some(id) = world.session.dial_request().map(|request| request.id) {
                    let refused = std::io::ErrorKind::ConnectionRefused.into();
                    world.session.dialed(id, Err(refused), world.now);
                }
            })
            .unwrap_err();
        let text = error.proxy().unwrap().to_string();
        assert_eq!(
            text,
            "could not connect to the proxy proxy.example port 1080: connection refused"
        );
    }
}

fn ftp_form(open: bool, login: Option<ProxyLogin>) -> Options {
    let server = ProxyServer::new("proxy.example", 21);
    let proxy = match open {
        true => Proxy::FtpOpen { server, login },
        false => Proxy::FtpUserAtHost { server, login },
    };
    Options::new(Config::new(TlsPolicy::Plaintext)).host("ftp.example.org").proxy(proxy)
}

#[test]
fn ftp_proxies_receive_the_server() {
    for (open, login, wanted) in [
        (false, false, &["USER u@ftp.example.org:2121", "PASS p"][..]),
        (false, true, &["USER me", "PASS secret", "USER u@ftp.example.org:2121", "PASS p"]),
        (true, false, &["OPEN ftp.example.org:2121", "USER u", "PASS p"]),
        (true, true, &["USER me", "PASS secret", "OPEN ftp.example.org:2121", "USER u", "PASS p"]),
    ] {
        let login = login.then(|| ProxyLogin::new("me", "secret"));
        let options = ftp_form(open, login).port(2121);
        let shown = format!("{options:?}");
        let world = whole_session(World::new(session(options), 1 << 20));
        assert_eq!(world.server.commands[..wanted.len()], *wanted);
        // Data connections are made to the proxy.
        let (control, data) = world.net.connected.split_first().unwrap();
        assert_eq!(*control, address());
        assert!(data.iter().all(|to| to.ip() == address().ip() && to.port() > 5000));
        assert!(!shown.contains("secret"), "{shown}");
    }
}

#[test]
fn tls_does_not_end_at_a_proxy_that_speaks_ftp() {
    for open in [false, true] {
        let mut options = ftp_form(open, None);
        options.config_mut().tls = TlsPolicy::Explicit;
        let made = Session::<Wire, ()>::new(&[address()], options, Time::ZERO);
        let Err(Error::Proxy(error)) = made else { panic!("{made:?}") };
        assert_eq!(error.problem(), &ProxyProblem::Tls);
        // Also later.
        let mut world = World::new(session(ftp_form(open, None)), 1 << 20);
        let Err(Error::Proxy(error)) = world.session.prepare_tls() else { panic!("TLS") };
        assert_eq!(error.problem(), &ProxyProblem::Tls);
    }
}

#[test]
fn a_missing_ftp_proxy() {
    let mut world = World::new(session(ftp_form(true, None)), 1 << 20);
    world.net.silent = vec![address()];
    let (error, _) = ended(world);
    let text = "could not connect to the proxy proxy.example port 21: timed out";
    assert_eq!(error.to_string(), text);
    for login in [ProxyLogin::new("a\nb", "c"), ProxyLogin::new("a", "b\r")] {
        let options = ftp_form(false, Some(login));
        let made = Session::<Wire, ()>::new(&[address()], options, Time::ZERO);
        let Err(Error::Proxy(error)) = made else { panic!("{made:?}") };
        assert!(matches!(error.problem(), ProxyProblem::InvalidLogin(_)));
    }
}
