//! EPSV during a transfer, which a server refuses: later sessions with the same options do not send it

use ftp_blocking::{Client, Options, Prefetch};
use ftp_session::Options as SessionOptions;
use ftp_test::{Action, Command, Server};

use crate::config;

/// Downloads a file three times; returns how often EPSV was sent after RETR, and before the next RETR
fn epsv_during_transfers(server: &Server, options: Options) -> Vec<usize> {
    let before = server.commands().len();
    let mut ftp = Client::connect_and_login(server.address(), options, "u", "p").unwrap();
    for _ in 0..3 {
        let mut bytes = Vec::new();
        ftp.download_to("f", &mut bytes).unwrap();
        assert_eq!(bytes.len(), 5000);
    }
    ftp.quit().unwrap();
    let commands = server.commands();
    let verbs: Vec<&str> =
        commands[before..].iter().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    verbs
        .split(|verb| *verb == "RETR")
        .map(|between| between.iter().filter(|verb| **verb == "EPSV").count())
        .collect()
}

#[test]
fn later_sessions_know_of_a_refusal() {
    let server = || {
        let server = Server::with_files([("f", vec![7; 5000])]);
        server.on_command(|Command { verb, in_all, .. }| match (verb, in_all) {
            ("EPSV", 3) => Action::reply("500 not now"),
            _ => Action::serve(),
        });
        server
    };
    let (first, second) = (server(), server());
    let mut config = config();
    (config.prefetch, config.pipeline) = (Prefetch::Always, true);
    let options = SessionOptions::new(config);
    let session = |server| epsv_during_transfers(server, options.clone().into());
    // The numbers of EPSV before the first RETR, between two, and after the last. In the first session, the third EPSV is
    // sent during the second transfer and refused, so a fourth precedes the third RETR.
    assert_eq!(session(&first), [1, 1, 2, 0]);
    assert_eq!(session(&first), [1, 1, 1, 0]);
    // Nothing is known of another server.
    assert_eq!(session(&second), [1, 1, 2, 0]);
}

/// vsftpd's process exits if it finds no port (Q148): that may be because of the EPSV that was sent along
#[test]
fn later_sessions_know_of_a_process_that_has_exited() {
    let server = Server::with_files([("f", vec![7; 5000])]);
    server.on_command(|Command { verb, in_all, .. }| match (verb, in_all) {
        ("EPSV", 3) => Action::reply("500 OOPS: vsf_sysutil_bind"),
        _ => Action::serve(),
    });
    let mut config = config();
    (config.prefetch, config.pipeline) = (Prefetch::Always, true);
    let options = SessionOptions::new(config);
    let mut ftp = Client::connect_and_login(server.address(), options.clone(), "u", "p").unwrap();
    for _ in 0..2 {
        let mut bytes = Vec::new();
        ftp.download_to("f", &mut bytes).unwrap();
        assert_eq!(bytes.len(), 5000);
    }
    let error = ftp.download_to("f", &mut Vec::new()).unwrap_err();
    assert!(error.is_fatal() && error.is_transient(), "{error:?}");
    assert!(error.to_string().contains("500 OOPS"), "{error}");
    assert!(ftp.prefetch_failed());
    assert_eq!(epsv_during_transfers(&server, options.into()), [1, 1, 1, 0]);
}

/// A greeting says what an administrator has written into it; FEAT shows that this is not vsftpd, which has no MLST
#[test]
fn features_that_contradict_the_greeting_are_heeded() {
    let server = Server::start();
    server.on_command(|Command { verb, .. }| match verb {
        "GREETING" => Action::reply("220 (vsFTPd 3.0.3)"),
        _ => Action::serve(),
    });
    let mut config = config();
    (config.prefetch, config.pipeline) = (Prefetch::Known, true);
    let options = SessionOptions::new(config);
    let session =
        || Client::connect_and_login(server.address(), options.clone(), "u", "p").unwrap();
    let mut ftp = session();
    assert!(!ftp.prefetch_failed());
    assert!(ftp.query_features().unwrap().has("MLST"));
    assert!(ftp.prefetch_failed());
    ftp.quit().unwrap();
    let mut ftp = session();
    assert_eq!(ftp.config().prefetch, Prefetch::Off);
    ftp.quit().unwrap();
}
