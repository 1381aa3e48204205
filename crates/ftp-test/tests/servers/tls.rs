//! TLS with both servers, and a client that verifies certificates

use ftp_blocking::ftp_tls::{TlsConfig, Trust};
use ftp_blocking::{Client, Config, Error, Options, TlsPolicy};
use ftp_test::tls::rcgen::{self, CertificateParams};
use ftp_test::tls::{Clients, Tls, ca_pem, identity};
use ftp_test::{Action, Command, ScriptedServer, Server};

fn options() -> Options {
    let tls = TlsConfig::builder(Trust::OwnCa).add_ca_pem(ca_pem()).build().unwrap();
    Options::new(Config::new(TlsPolicy::Explicit)).tls(tls)
}

#[test]
fn a_session_and_its_transfers_are_protected() {
    let server = Server::with_files([("a", "content")]);
    server.set_tls(Tls::new());
    let mut ftp = Client::connect(server.address(), options()).unwrap();
    ftp.login("u", "p").unwrap();
    let mut bytes = Vec::new();
    ftp.download_to("a", &mut bytes).unwrap();
    ftp.upload_from("b", &mut &b"stored"[..]).unwrap();
    ftp.quit().unwrap();
    assert_eq!((&bytes[..], server.files().get("b").unwrap()), (&b"content"[..], b"stored".into()));
    assert_eq!((server.count("AUTH"), server.count("PROT")), (1, 1));
}

/// The data ends without close_notify, although the final reply reports success
#[test]
fn a_transfer_that_breaks_off_has_no_close_notify() {
    let server = Server::with_files([("a", vec![7; 100_000])]);
    server.set_tls(Tls::new());
    server.on_command(|Command { verb, .. }| match verb {
        "RETR" => Action::serve().break_at(4_711).final_reply("226 done"),
        "SIZE" => Action::reply("502 not here"),
        _ => Action::serve(),
    });
    let mut ftp = Client::connect(server.address(), options()).unwrap();
    ftp.login("u", "p").unwrap();
    let mut bytes = Vec::new();
    let error = ftp.download_to("a", &mut bytes).unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(bytes.len(), 4_711);
}

#[test]
fn certificates_are_as_wrong_as_asked_for() {
    let server = Server::start();
    let past = |params: &mut CertificateParams| {
        params.not_after = rcgen::date_time_ymd(2020, 2, 3);
    };
    server.set_tls(Tls::with(past, Clients::Anybody));
    let error = Client::connect(server.address(), options()).unwrap_err();
    assert!(matches!(error, Error::Tls { .. } | Error::Ftp(_)), "{error:?}");
    assert!(error.to_string().contains("expired"), "{error}");

    server.set_tls(Tls::with(|_| {}, Clients::Certified));
    let login = |options: Options| {
        Client::connect(server.address(), options).and_then(|mut ftp| ftp.login("u", "p").map(drop))
    };
    login(options()).unwrap_err();
    let (chain, key) = identity(&["client"], |_| {});
    let tls = TlsConfig::builder(Trust::OwnCa).add_ca_pem(ca_pem()).client_auth_pem(chain, key);
    login(options().tls(tls.build().unwrap())).unwrap();
}

#[test]
fn a_script_is_played_in_tls() {
    let server = ScriptedServer::start(|peer| {
        let mut control = Tls::new().welcome(peer);
        control.exchange("SIZE a", "213 7");
        control.exchange("QUIT", "221 goodbye");
        control.close();
    });
    let mut ftp = Client::connect(server.address(), options()).unwrap();
    ftp.login("u", "p").unwrap();
    assert_eq!(ftp.command("SIZE", "a").unwrap().code().get(), 213);
    ftp.quit().unwrap();
    server.join();
}
