//! EPSV beside a running transfer: what each server makes of it, and that nothing false is reported whatever it does
//!
//! The list of [`Prefetch::Known`] is proven here, on the servers themselves (server-quirks Q143 to Q145).

use std::sync::{Arc, Mutex};

use ftp_blocking::ftp_tls::TlsVersion;

use crate::driver::{Client, Prefetch};
use crate::{Security, Way, everywhere};

/// Of the file of this number: from nothing to more than a socket's buffer holds
fn content(number: usize) -> Vec<u8> {
    let size = [0, 1, 1024, 100_000, 3_000_000][number % 5];
    (0..size).map(|at| (at * 7 + number) as u8).collect()
}

/// A session, and the commands that it has sent
fn enter(way: &Way, prefetch: Prefetch) -> (Client, std::path::PathBuf, Arc<Mutex<Vec<String>>>) {
    let mut config = way.config();
    config.prefetch = prefetch;
    let sent = Arc::new(Mutex::new(Vec::new()));
    let (ftp, _, local) = way.enter_traced(config, sent.clone());
    (ftp, local, sent)
}

/// How often EPSV was sent directly after a transfer's command
fn beside(sent: &Mutex<Vec<String>>) -> usize {
    let sent = sent.lock().unwrap();
    let transfers = ["RETR", "STOR", "APPE", "LIST", "NLST", "MLSD"];
    sent.windows(2)
        .filter(|pair| pair[1] == "EPSV" && transfers.iter().any(|verb| pair[0].starts_with(verb)))
        .count()
}

/// Files up, down, listings: each is whole, or its error is told
fn series(way: &Way, prefetch: Prefetch) -> (usize, usize, bool) {
    let (mut ftp, local, sent) = enter(way, prefetch);
    let mut failures = 0;
    for number in 0..10 {
        let name = format!("f{number}");
        match ftp.upload_from(&*name, &mut &content(number)[..]) {
            Ok(_) => {
                assert!(std::fs::read(local.join(&name)).unwrap() == content(number), "{name}")
            }
            Err(error) => {
                println!("{} {name} up: {error}", way.name());
                failures += 1;
                std::fs::write(local.join(&name), content(number)).unwrap();
            }
        }
    }
    for number in 0..10 {
        let (name, mut back) = (format!("f{number}"), Vec::new());
        match ftp.download_to(&*name, &mut back) {
            Ok(_) => assert!(back == content(number), "{name}: {} bytes", back.len()),
            Err(error) => {
                println!("{} {name} down: {error}", way.name());
                failures += 1;
            }
        }
        if number % 3 == 2 {
            assert!(ftp.get("missing").is_err());
        }
    }
    for _ in 0..4 {
        match ftp.list("").and_then(|list| list.collect_lines()) {
            Ok(lines) => assert_eq!(lines.iter().filter(|line| line.contains(&b'f')).count(), 10),
            Err(error) => {
                println!("{} list: {error}", way.name());
                failures += 1;
            }
        }
    }
    assert_eq!(ftp.size("f3").unwrap(), content(3).len() as u64);
    let failed = ftp.prefetch_failed();
    ftp.quit().unwrap();
    (beside(&sent), failures, failed)
}

#[test]
fn known_servers_bear_it() {
    everywhere(|way| {
        let (beside, failures, failed) = series(way, Prefetch::Known);
        println!("{}: EPSV beside {beside} transfers, {failures} failures", way.name());
        assert_eq!(failures, 0);
        let passive = way.mode == crate::driver::DataMode::Passive;
        match (&*way.server.name, way.security) {
            ("vsftpd", _) if passive => assert!(beside > 15 && !failed, "{beside}"),
            ("proftpd", Security::Clear) if passive => assert!(beside > 5, "{beside}"),
            _ => assert_eq!((beside, failed), (0, false)),
        }
    });
}

/// What is not on the list is told as it was, and the session goes on without
#[test]
fn whatever_a_server_makes_of_it_is_told() {
    everywhere(|way| {
        let (beside, failures, failed) = series(way, Prefetch::Always);
        println!(
            "{}: EPSV beside {beside} transfers, {failures} failures, given up: {failed}",
            way.name()
        );
        if way.server.name != "pyftpdlib" {
            assert_eq!(failures, 0);
        }
        // Each failure is the last.
        assert!(failures <= 1 && (failures == 0 || failed), "{failures}");
    });
}

/// The versions of TLS are named, because Q143 was found out with 1.2 alone
#[test]
fn vsftpd_bears_it_with_both_versions_of_tls() {
    let mut versions = Vec::new();
    let seen = Mutex::new(&mut versions);
    everywhere(|way| {
        if let ("vsftpd", Security::Explicit(version)) = (&*way.server.name, way.security) {
            if way.mode == crate::driver::DataMode::Passive {
                let (beside, failures, failed) = series(way, Prefetch::Always);
                assert!(beside > 15 && failures == 0 && !failed, "{beside} {failures}");
                seen.lock().unwrap().push(version);
            }
        }
    });
    if !ftp_tests::servers::all().is_empty() {
        assert!(versions.contains(&TlsVersion::Tls12) && versions.contains(&TlsVersion::Tls13));
    }
}

/// A download that is given up half-way, with EPSV owed: the next file is whole
#[test]
fn an_abort_beside_it_harms_nothing() {
    everywhere(|way| {
        for prefetch in [Prefetch::Known, Prefetch::Always] {
            let (mut ftp, _, _) = enter(way, prefetch);
            for number in [3, 4] {
                ftp.upload_from(format!("f{number}"), &mut &content(number)[..]).unwrap();
            }
            if prefetch == Prefetch::Always && way.server.name == "pyftpdlib" {
                continue;
            }
            for _ in 0..3 {
                let mut back = Vec::new();
                ftp.download_to("f3", &mut back).unwrap();
                assert!(back == content(3));
                let mut download = ftp.get("f4").unwrap();
                let mut some = [0; 1000];
                std::io::Read::read_exact(&mut download, &mut some).unwrap();
                drop(download);
            }
            let mut back = Vec::new();
            ftp.download_to("f4", &mut back).unwrap();
            assert!(back == content(4));
            ftp.quit().unwrap();
        }
    });
}
