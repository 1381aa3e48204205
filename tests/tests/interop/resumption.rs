//! A hundred transfers in a row on one control connection: no refusal, no damaged file
//!
//! The servers differ in what they require (vsftpd and ProFTPD refuse a data connection that does not resume the
//! control connection's session) and in what they issue (tickets that can be used once, sessions that can be used any
//! number of times, nothing at all). The test prints a table of the results.

use ftp_blocking::ftp_tls::TlsVersion;
use ftp_tests::servers::Server;

use crate::driver::{Client, Put};
use crate::{Security, Way, securely};

const ROUNDS: usize = 100;

#[derive(Clone, Copy, Debug)]
enum Kind {
    Store,
    Retrieve,
    List,
    Mixed,
}

fn content(round: usize) -> Vec<u8> {
    vec![b'a' + (round % 26) as u8; round * 37]
}

fn step(kind: Kind, round: usize, ftp: &mut Client) {
    match kind {
        Kind::Store => {
            let name = format!("f{round}");
            ftp.upload_from(&*name, &mut &content(round)[..]).unwrap();
        }
        Kind::Retrieve => {
            let mut back = Vec::new();
            ftp.download_to("file", &mut back).unwrap();
            assert_eq!(back, content(50));
        }
        Kind::List => {
            let lines = ftp.list("").unwrap().collect_lines().unwrap();
            assert!(lines.iter().any(|line| line.ends_with(b" file")));
        }
        Kind::Mixed => {
            // Refused transfers in between use up tickets, too.
            assert!(ftp.get("missing").is_err());
            step([Kind::Store, Kind::Retrieve, Kind::List][round % 3], round, ftp);
        }
    }
}

fn run(way: &Way, kind: Kind) {
    let (mut ftp, _, local) = way.enter();
    ftp.upload_from(Put::new("file"), &mut &content(50)[..]).unwrap();
    let before = ftp.tls_stats().unwrap();
    for round in 0..ROUNDS {
        step(kind, round, &mut ftp);
    }
    let after = ftp.tls_stats().unwrap();
    let (resumed, full) = (after.resumed - before.resumed, after.full - before.full);
    let Security::Explicit(version) = way.security else { panic!("{way:?}") };
    let kind_name = format!("{kind:?}");
    let Server { name, version: release, .. } = &way.server;
    println!("| {name:9} | {release:7} | {version:?} | {kind_name:8} | {resumed:7} | {full:4} |");
    ftp.quit().unwrap();
    assert!(resumed + full >= ROUNDS as u64, "data connections in clear");
    match (&**name, version) {
        // Its tickets can't be used for data connections, and it requires none.
        ("pureftpd", TlsVersion::Tls13) => {}
        // It issues none with uploads: the full handshakes are those of listings that obtain tickets.
        ("proftpd", TlsVersion::Tls13) => assert!(resumed >= ROUNDS as u64, "{resumed}"),
        _ => assert_eq!(full, 0),
    }
    for round in 0..ROUNDS {
        if let Ok(bytes) = std::fs::read(local.join(format!("f{round}"))) {
            assert!(bytes == content(round), "f{round} is damaged");
        } else {
            assert!(!matches!(kind, Kind::Store), "f{round} is missing");
        }
    }
}

/// A row of the table, which `--nocapture` shows
#[test]
fn a_hundred_of_each() {
    println!("| server    | version | TLS   | 100 x    | resumed | full |");
    println!("|-----------|---------|-------|----------|---------|------|");
    securely(|way| {
        for kind in [Kind::Store, Kind::Retrieve, Kind::List, Kind::Mixed] {
            run(way, kind);
        }
    });
}
