//! EPSV during a running transfer: how each server treats it, and that every result is true
//!
//! These tests prove the list of [`Prefetch::Known`] (Q143 to Q145).

use std::sync::{Arc, Mutex};

use crate::driver::{Client, Prefetch, TraceDirection};
use crate::way::{ADDRESSES, MODES, SECURITIES, run};
use crate::{Security, Way};

/// A line of the control connection
type Line = (TraceDirection, String);

/// Runs the test with every server, without TLS and with both versions of it, over IPv4 in passive mode
#[track_caller]
fn passively(test: impl Fn(&Way)) {
    run(test, &ADDRESSES[..1], &MODES[..1], &SECURITIES[..3]);
}

/// Returns the content of the file with this number: from nothing to more than a socket's buffer holds
fn content(number: usize) -> Vec<u8> {
    let size = [0, 1, 1024, 100_000, 3_000_000][number % 5];
    (0..size).map(|at| (at * 7 + number) as u8).collect()
}

/// Returns a session, and the lines of its control connection
fn enter(way: &Way, prefetch: Prefetch) -> (Client, std::path::PathBuf, Arc<Mutex<Vec<Line>>>) {
    let mut config = way.config();
    (config.prefetch, config.trace) = (prefetch, true);
    let lines = Arc::new(Mutex::new(Vec::new()));
    let options = way.options(config).trace({
        let lines = lines.clone();
        move |trace| {
            let text = String::from_utf8_lossy(trace.line()).into_owned();
            lines.lock().unwrap().push((trace.direction(), text));
        }
    });
    let (ftp, _, local) = way.enter_by(way.login_with(options));
    (ftp, local, lines)
}

/// Returns how often EPSV was sent while the final reply of a transfer was expected
fn during_transfers(lines: &[Line]) -> usize {
    let (mut runs, mut count) = (false, 0);
    for (direction, line) in lines {
        let verb = line.split([' ', '\r']).next().unwrap();
        match direction {
            TraceDirection::Sent if verb == "EPSV" => count += usize::from(runs),
            TraceDirection::Sent => {
                runs = matches!(verb, "RETR" | "STOR" | "APPE" | "LIST" | "NLST" | "MLSD");
            }
            _ => runs &= line.starts_with('1'),
        }
    }
    count
}

/// Runs uploads, downloads and listings, each of which completes or fails; returns how often EPSV was sent during a
/// transfer, the number of failures, and whether the session gave up prefetching
fn series(way: &Way, prefetch: Prefetch) -> (usize, usize, bool) {
    let (mut ftp, local, lines) = enter(way, prefetch);
    let mut failures = 0;
    for number in 0..10 {
        let name = format!("f{number}");
        match ftp.upload_from(&*name, &mut &content(number)[..]) {
            Ok(_) => {
                assert!(std::fs::read(local.join(&name)).unwrap() == content(number), "{name}");
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
    let beside = during_transfers(&lines.lock().unwrap());
    (beside, failures, failed)
}

#[test]
fn known_servers_support_it() {
    passively(|way| {
        let (beside, failures, failed) = series(way, Prefetch::Known);
        println!("{}: EPSV during {beside} transfers, {failures} failures", way.name());
        assert_eq!(failures, 0);
        match (&*way.server.name, way.security) {
            ("vsftpd", _) => assert!(beside > 15 && !failed, "{beside}"),
            ("proftpd", Security::Clear) => assert!(beside > 5, "{beside}"),
            _ => assert_eq!((beside, failed), (0, false)),
        }
    });
}

/// With servers that are not on the list, at most one transfer fails, which is reported, and the session goes on without
#[test]
fn every_failure_caused_by_it_is_reported() {
    passively(|way| {
        let (beside, failures, failed) = series(way, Prefetch::Always);
        println!(
            "{}: EPSV during {beside} transfers, {failures} failures, given up: {failed}",
            way.name()
        );
        if way.server.name != "pyftpdlib" {
            assert_eq!(failures, 0);
        }
        // Each failure is the last.
        assert!(failures <= 1 && (failures == 0 || failed), "{failures}");
    });
}

/// If a download is aborted while the reply to EPSV is expected, the next file is complete
#[test]
fn an_abort_during_it_harms_nothing() {
    passively(|way| {
        for prefetch in [Prefetch::Known, Prefetch::Always] {
            // It drops the running transfer, as the test above shows.
            if prefetch == Prefetch::Always && way.server.name == "pyftpdlib" {
                continue;
            }
            let (mut ftp, _, _) = enter(way, prefetch);
            for number in [3, 4] {
                ftp.upload_from(format!("f{number}"), &mut &content(number)[..]).unwrap();
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
