//! A hundred transfers in a row on one control connection: no refusal, no damaged file
//!
//! The servers differ in what they demand (vsftpd and ProFTPD refuse a data connection that does not
//! resume the control connection's session) and in what they give (tickets that serve once, sessions
//! that serve for ever, nothing at all). The table that is printed tells how it went.

use crate::driver::{Client, Put};

use crate::{Way, securely};

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
            // Refusals in between, too: they cost tickets.
            assert!(ftp.get("missing").is_err());
            step([Kind::Store, Kind::Retrieve, Kind::List][round % 3], round, ftp);
        }
    }
}

fn run(way: &Way, kind: Kind) {
    let (mut ftp, _, local) = way.enter();
    ftp.upload_from(Put::new("file"), &mut &content(50)[..]).unwrap();
    let before = ftp.tls_inventory().unwrap();
    for round in 0..ROUNDS {
        step(kind, round, &mut ftp);
    }
    let after = ftp.tls_inventory().unwrap();
    let kind_name = format!("{kind:?}");
    println!(
        "{:55} {ROUNDS} x {kind_name:10}: {:3} resumed, {:3} full",
        way.name(),
        after.resumed - before.resumed,
        after.full - before.full,
    );
    ftp.quit().unwrap();
    for round in 0..ROUNDS {
        if let Ok(bytes) = std::fs::read(local.join(format!("f{round}"))) {
            assert!(bytes == content(round), "f{round} is damaged");
        } else {
            assert!(!matches!(kind, Kind::Store), "f{round} is missing");
        }
    }
}

#[test]
fn a_hundred_uploads() {
    securely(|way| run(way, Kind::Store));
}

#[test]
fn a_hundred_downloads() {
    securely(|way| run(way, Kind::Retrieve));
}

#[test]
fn a_hundred_listings() {
    securely(|way| run(way, Kind::List));
}

#[test]
fn a_hundred_of_all() {
    securely(|way| run(way, Kind::Mixed));
}
