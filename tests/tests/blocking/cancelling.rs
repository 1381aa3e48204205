//! Sessions that are cancelled from another thread

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ftp_blocking::ftp_tls::TlsVersion;
use ftp_blocking::{Canceller, Client, DataMode, Error, Options, TlsPolicy};
use ftp_tests::scripted::{Peer, Server, accept};
use ftp_tests::tls::{Tls, trusting};

use crate::{at_once, config, connect, login, login_with, silent_port};

const MOMENT: Duration = Duration::from_millis(200);

/// Greets the client and runs the script; then sends nothing more, and expects the client to close
fn silent(play: impl FnOnce(&mut Peer) + Send + 'static) -> Server {
    Server::start(move |s| {
        s.welcome();
        play(s);
        s.expect_close();
    })
}

/// Makes a call while another thread waits a moment and cancels: the call ends at once, and the session too
#[track_caller]
fn is_cancelled<T>(
    server: Server,
    mut ftp: Client,
    call: impl FnOnce(&mut Client) -> Result<T, Error>,
) {
    let canceller = ftp.canceller().unwrap();
    let begun = Instant::now();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(MOMENT);
        canceller.cancel();
    });
    let result = call(&mut ftp).map(drop);
    let took = begun.elapsed();
    thread.join().unwrap();
    let error = result.unwrap_err();
    assert!(error.is_cancelled() && error.is_fatal() && !error.is_transient(), "{error:?}");
    // Far less than any deadline of the session, and enough for a busy machine.
    assert!(took >= MOMENT && took < Duration::from_secs(5), "{took:?}");
    is_over(&mut ftp);
    // Also while the client still exists.
    server.join();
    drop(ftp);
}

#[track_caller]
fn is_over(ftp: &mut Client) {
    assert!(!ftp.is_connected());
    let error = at_once(|| ftp.noop().unwrap_err());
    assert!(error.is_cancelled(), "{error:?}");
    let error = at_once(|| ftp.get("f").map(drop).unwrap_err());
    assert!(error.is_cancelled(), "{error:?}");
    assert!(ftp.canceller().unwrap_err().is_cancelled());
}

/// Connects while another thread waits a moment and cancels: connecting ends at once
#[track_caller]
fn is_cancelled_while_connecting(address: SocketAddr, options: impl Into<Options>) {
    let canceller = Canceller::new();
    let options = options.into().canceller(&canceller);
    let begun = Instant::now();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(MOMENT);
        canceller.cancel();
    });
    let error = Client::connect(address, options).map(drop).unwrap_err();
    let took = begun.elapsed();
    thread.join().unwrap();
    assert!(error.is_cancelled() && error.is_fatal() && !error.is_transient(), "{error:?}");
    // Far less than any deadline of the session, and enough for a busy machine.
    assert!(took >= MOMENT && took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn while_the_connection_is_to_open() {
    let (silent_address, _held) = silent_port();
    is_cancelled_while_connecting(silent_address, config());
}

#[test]
fn while_the_greeting_is_awaited() {
    let server = Server::start(Peer::expect_close);
    is_cancelled_while_connecting(server.address(), config());
    server.join();
}

#[test]
fn while_tls_of_a_new_connection_stalls() {
    let server = Server::start(|s| {
        s.reply("220 ready");
        s.exchange("AUTH TLS", "234 go on");
        s.control().read_to_end(&mut Vec::new()).unwrap();
    });
    let mut config = config();
    config.tls = TlsPolicy::Explicit;
    let options = Options::new(config).tls(trusting(TlsVersion::Tls13).build().unwrap());
    is_cancelled_while_connecting(server.address(), options);
    server.join();
}

#[test]
fn before_connecting() {
    let (silent_address, _held) = silent_port();
    let canceller = Canceller::new();
    canceller.cancel();
    let options = Options::new(config()).canceller(&canceller);
    let error = at_once(|| Client::connect(silent_address, options).map(drop).unwrap_err());
    assert!(error.is_cancelled(), "{error:?}");
}

#[test]
fn a_canceller_ends_all_sessions_that_have_it() {
    let servers = [silent(|_| {}), silent(|_| {})];
    let canceller = Canceller::new();
    let connect = |server| login_with(server, Options::new(config()).canceller(&canceller));
    let sessions = servers.each_ref().map(connect);
    canceller.cancel();
    for mut ftp in sessions {
        is_over(&mut ftp);
    }
    for server in servers {
        server.join();
    }
}

#[test]
fn a_canceller_can_go_anywhere() {
    fn anywhere<T: Clone + Send + Sync + 'static>() {}
    anywhere::<Canceller>();
}

#[test]
fn while_a_reply_is_awaited() {
    let server = silent(|s| s.expect("NOOP"));
    let ftp = login(&server);
    is_cancelled(server, ftp, Client::noop);
}

#[test]
fn while_a_download_stalls() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("RETR f", "150 here");
        data.write_all(b"some").unwrap();
        s.expect_close();
    });
    let ftp = login(&server);
    is_cancelled(server, ftp, |ftp| ftp.get("f")?.finish());
}

/// No wait occurs, because there is always something to read
#[test]
fn while_a_download_goes_on_and_on() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("RETR f", "150 here");
        while data.write_all(&[0; 65_536]).is_ok() {}
        s.expect_close();
    });
    let ftp = login(&server);
    is_cancelled(server, ftp, |ftp| ftp.download_to("f", &mut std::io::sink()));
}

/// The final reply has arrived and the server has closed, but the data has not ended
#[test]
fn while_data_is_awaited_without_a_control_connection() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("RETR f", "150 here");
        data.write_all(b"some").unwrap();
        s.reply("226 done");
        s.control().shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(data.read_to_end(&mut Vec::new()).unwrap(), 0);
    });
    let ftp = login(&server);
    is_cancelled(server, ftp, |ftp| ftp.get("f")?.finish());
}

#[test]
fn while_an_upload_stalls() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let _data = accept(&listener);
        s.exchange("STOR f", "150 send it");
        s.expect_close();
    });
    let ftp = login(&server);
    is_cancelled(server, ftp, |ftp| ftp.upload_from("f", &mut std::io::repeat(0)));
}

#[test]
fn while_a_final_reply_is_awaited() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("STOR f", "150 send it");
        data.read_to_end(&mut Vec::new()).unwrap();
        drop(data);
        s.expect_close();
    });
    let ftp = login(&server);
    is_cancelled(server, ftp, |ftp| ftp.upload_from("f", &mut &b"text"[..]));
}

#[test]
fn while_a_data_connection_is_to_open() {
    let (silent_address, _held) = silent_port();
    let server = silent(move |s| {
        s.exchange("TYPE I", "200 binary");
        s.exchange("EPSV", &format!("229 (|||{}|)", silent_address.port()));
    });
    let ftp = login(&server);
    is_cancelled(server, ftp, |ftp| ftp.get("f").map(drop));
}

#[test]
fn while_the_server_is_to_connect() {
    let server = silent(|s| {
        s.exchange("TYPE I", "200 binary");
        s.active();
        s.exchange("RETR f", "150 here");
    });
    let mut config = config();
    config.data_mode = DataMode::Active;
    let ftp = login_with(&server, config);
    is_cancelled(server, ftp, |ftp| ftp.get("f").map(drop));
}

#[test]
fn while_a_handshake_stalls() {
    let server = Server::start(|s| {
        s.reply("220 ready");
        s.exchange("AUTH TLS", "234 go on");
        s.control().read_to_end(&mut Vec::new()).unwrap();
    });
    let tls = trusting(TlsVersion::Tls13).build().unwrap();
    let options = Options::new(config()).tls(tls);
    let ftp = Client::connect(server.address().to_string(), options).unwrap();
    is_cancelled(server, ftp, Client::secure);
}

#[test]
fn while_a_handshake_of_a_data_connection_stalls() {
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let tls = Tls::new();
        let server = Server::start(move |s| {
            let mut s = tls.welcome(s);
            s.exchange("TYPE I", "200 binary");
            let listener = s.epsv();
            let mut data = accept(&listener);
            s.exchange("RETR f", "150 here");
            data.read_to_end(&mut Vec::new()).unwrap();
        });
        let mut config = config();
        config.tls = TlsPolicy::Explicit;
        let options = Options::new(config).tls(trusting(version).build().unwrap());
        let ftp = login_with(&server, options);
        is_cancelled(server, ftp, |ftp| ftp.get("f").map(drop));
    }
}

#[test]
fn while_an_abort_is_settled() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let _data = accept(&listener);
        s.exchange("RETR f", "150 here");
        s.expect("ABOR");
        while s.command().is_some() {}
    });
    let ftp = login(&server);
    is_cancelled(server, ftp, |ftp| ftp.get("f")?.abort());
}

#[test]
fn between_calls() {
    let server = silent(|_| {});
    let mut ftp = login(&server);
    let canceller = ftp.canceller().unwrap();
    assert!(ftp.is_connected());
    canceller.cancel();
    is_over(&mut ftp);
    canceller.cancel();
    server.join();
}

#[test]
fn between_reads() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("RETR f", "150 here");
        data.write_all(&[0; 100_000]).unwrap();
        s.expect_close();
    });
    let mut ftp = login(&server);
    let canceller = ftp.canceller().unwrap();
    let mut download = ftp.get("f").unwrap();
    download.read_exact(&mut [0; 10]).unwrap();
    canceller.cancel();
    let error = download.read(&mut [0; 10]).unwrap_err();
    assert!(Error::in_io(&error).unwrap().is_cancelled());
    at_once(|| drop(download));
    is_over(&mut ftp);
    server.join();
}

/// Its duplicate of the descriptor would otherwise keep the connection open
#[test]
fn a_canceller_does_not_keep_the_connection_open() {
    let server = silent(|_| {});
    let mut ftp = login(&server);
    let canceller = ftp.canceller().unwrap();
    drop(ftp);
    server.join();
    canceller.cancel();

    let server = silent(|s| s.exchange("QUIT", "221 bye"));
    let mut ftp = login(&server);
    let canceller = ftp.canceller().unwrap();
    ftp.quit().unwrap();
    server.join();
    canceller.cancel();
    assert!(!ftp.noop().unwrap_err().is_cancelled());
}

#[test]
fn a_session_that_has_ended_has_no_canceller() {
    let server = Server::start(|s| s.reply("220 ready"));
    let mut ftp = connect(&server);
    server.join();
    ftp.noop().unwrap_err();
    let error = ftp.canceller().unwrap_err();
    assert!(error.is_fatal() && !error.is_cancelled(), "{error:?}");
}
