//! Texts of errors that only their crates can create, from calls that fail

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use ftp_blocking::{
    Client, Config, CopySide, DataMode, Error, IntoServerAddress, Options, TlsPolicy,
};
use ftp_object_store::FtpStore;
use ftp_object_store::object_store::{ObjectStoreExt, path::Path};
use ftp_proto::{ConnectionError, LocalRules, TakenNames};
use ftp_session::procedure::WalkOptions;
use ftp_session::proxy::{Proxy, ProxyServer};
use ftp_session::{CopyError, Removal};
use ftp_test::{Action, Command, Server};

use super::Texts;

/// A server that is never reached
const SERVER: &str = "192.0.2.1:21";

/// A type of errors that is no enum, or whose text is not that of its variants; and texts of it
pub(super) struct Type {
    pub(super) name: &'static str,
    pub(super) texts: Texts,
}

fn connect(
    server: impl IntoServerAddress,
    adjust: impl FnOnce(Options) -> Options,
) -> Result<Client, Error> {
    let mut ftp = Client::connect(server, adjust(Options::new(Config::new(TlsPolicy::Plaintext))))?;
    ftp.login("u", "p")?;
    Ok(ftp)
}

/// Listens, and answers the first connection with these bytes
fn answers(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let _ = std::io::Read::read(&mut stream, &mut [0; 512])?;
        stream.write_all(bytes)?;
        stream.shutdown(std::net::Shutdown::Write)?;
        std::io::copy(&mut stream, &mut std::io::sink())
    });
    address
}

fn proxies() -> Texts {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a listener").local_addr().expect("one");
    let through = |proxy: SocketAddr| {
        let proxy = ProxyServer::new("127.0.0.1", proxy.port());
        let proxy = Proxy::HttpConnect { server: proxy, login: None };
        connect(SERVER, |options| options.proxy(proxy)).expect_err("no proxy")
    };
    vec![
        ("not there", Box::new(through(closed))),
        ("refuses", Box::new(through(answers(b"HTTP/1.1 403 Forbidden\r\n\r\n")))),
        ("ends", Box::new(through(answers(b"")))),
        ("speaks something else", Box::new(through(answers(b"220 FTP here\r\n")))),
    ]
}

fn names() -> Texts {
    let mut taken = TakenNames::new(LocalRules::Windows);
    taken.take("README").expect("the first");
    vec![
        ("leads elsewhere", Box::new(LocalRules::Unix.check("..").expect_err("no name"))),
        (
            "not shown as it is",
            Box::new(LocalRules::Unix.check(b"a\x1b[2J\xff").expect_err("no name")),
        ),
        ("taken", Box::new(taken.take("readme").expect_err("taken"))),
    ]
}

fn copies() -> Texts {
    let lost = || Error::from(ftp_proto::Error::Connection(ConnectionError::Eof));
    vec![
        ("source", Box::new(CopyError::new(CopySide::Source, lost()))),
        ("target", Box::new(CopyError::new(CopySide::Target, lost()))),
    ]
}

fn trees() -> Texts {
    let mut removal = Removal::default();
    (removal.files, removal.directories, removal.left_count) = (7, 2, 1);
    let server = Server::with_files([("top/closed/f", "x"), ("top/f", "y")]);
    server.on_command(|Command { verb, argument, .. }| match (verb, argument) {
        ("MLSD" | "LIST" | "CWD" | "DELE", path) if path.contains("closed") => {
            Action::reply("550 permission denied")
        }
        _ => Action::serve(),
    });
    let mut ftp = connect(server.address(), |options| options).expect("a session");
    let skipped = ftp
        .walk("top", WalkOptions::default())
        .filter_map(Result::err)
        .next()
        .expect("a directory is skipped");
    let left = ftp.remove_dir_all("top").expect_err("something is left");
    vec![
        ("walk", Box::new(skipped)),
        ("removal, without its cause", Box::new(Error::NotRemoved(Box::new(removal)))),
        ("removal", Box::new(left)),
    ]
}

fn files() -> Texts {
    let server = Server::with_files([("f", "x")]);
    let mut ftp = connect(server.address(), |options| options).expect("a session");
    let missing = ftp.download_file("f", "/nowhere/f").expect_err("no such directory");
    vec![("a local directory that is missing", Box::new(missing))]
}

fn stores() -> Texts {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("one");
    let server = Server::with_files([("pub/f", "x")]);
    server.on_command(|Command { verb, .. }| match verb {
        "RETR" => Action::reply("550 permission denied"),
        _ => Action::serve(),
    });
    let builder = || FtpStore::builder().url(server.url("pub")).login("u", "p");
    let store = builder().build().expect("a store");
    let denied = runtime.block_on(async { store.get(&Path::from("f")).await }).expect_err("denied");
    let gone = runtime.block_on(async { store.get(&Path::from("g")).await }).expect_err("missing");
    vec![
        ("refused", Box::new(denied)),
        ("missing", Box::new(gone)),
        ("no URL", Box::new(FtpStore::builder().build().expect_err("no URL"))),
        (
            "no password",
            Box::new(
                FtpStore::builder().url("ftp://me@127.0.0.1/").build().expect_err("no password"),
            ),
        ),
    ]
}

fn modes() -> Texts {
    let mut config = Config::new(TlsPolicy::Plaintext);
    config.data_mode = DataMode::Active;
    let proxy = Proxy::Socks5 { server: ProxyServer::new("127.0.0.1", 1080), login: None };
    let error = Client::connect(SERVER, Options::new(config).proxy(proxy)).expect_err("refused");
    vec![("active mode", Box::new(error))]
}

pub(super) fn all() -> Vec<Type> {
    let of = |name, texts| Type { name, texts };
    vec![
        of("ftp_proto::NameError", names()),
        of("ftp_session::CopyError", copies()),
        of("ftp_session::proxy::ProxyError", proxies()),
        of("ftp_session::proxy::ProxyError, before a connection", modes()),
        of("ftp_session::procedure::WalkError, ftp_session::Removal", trees()),
        of("ftp_session::Error::Local, with its file", files()),
        of("ftp_object_store::StoreError, and errors of its builder", stores()),
    ]
}
