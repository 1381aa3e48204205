//! The simulator: the same seed gives the same trace, and a broken client is found out

use std::time::Instant;

use ftp_proto::{Client, Config, ConnectionError, IpFamily, ProtocolError, TlsPolicy};
use ftp_tests::sim::{Broken, Fault, Profile, Session, Task, run_all};

#[test]
fn the_same_seed_gives_the_same_trace() {
    for profile in Profile::ALL {
        let play = |seed| Session::traced(profile, Task::Get, Fault::None, seed, Broken::No).trace;
        assert!(play(7).lines().count() > 20, "the trace is missing");
        assert_eq!(play(7), play(7));
        assert_ne!(play(7), play(8), "the seed decides nothing");
    }
}

#[test]
fn a_broken_client_is_found_out() {
    let run = |broken| run_all(1, &[Task::Get], &[Profile::Vsftpd], broken);
    assert!(run(Broken::Lies).lies > 0);
    assert!(run(Broken::Hangs).hangs > 0);
    assert!(run(Broken::Panics).panics > 0);
}

#[test]
fn every_fault_at_every_place_for_one_seed() {
    let tally = run_all(1, &[Task::Get, Task::List, Task::Rename], &Profile::ALL, Broken::No);
    println!("{} cases", tally.cases);
    assert!(tally.is_sound(), "{:#?}", tally);
}

#[test]
fn a_reply_that_comes_before_its_command_has_left_is_nobodys() {
    let now = Instant::now();
    let mut client = Client::new(Config::new(TlsPolicy::Plaintext), IpFamily::V4, now);
    client.handle_input(now, b"220 ready\r\n").expect("a greeting");
    let _noop = client.noop();
    assert!(client.poll_transmit().is_some(), "NOOP has not been written");
    let error = client.handle_input(now, b"200 early\r\n").expect_err("nobody asked");
    assert!(matches!(error, ConnectionError::Protocol(ProtocolError::UnsolicitedReply(_))));
}
