//! A request ends as soon as a real server has answered it, with success or with a refusal: the client must not go on
//! listening for further replies

use std::fmt::Debug;
use std::time::{Duration, Instant};

use crate::driver::ftp_tls::TlsVersion;
use crate::driver::{Client, Get, Put};
use crate::way::{ADDRESSES, MODES, run};
use crate::{Security, Way};

/// How long the client listens where it can't know whether another reply is still to come
const QUIET: Duration = Duration::from_secs(90);

/// The most that a request may take: less than [`QUIET`], and enough on a busy machine
const MOST: Duration = Duration::from_secs(45);

const SECURITIES: [Security; 3] =
    [Security::Clear, Security::Explicit(TlsVersion::Tls12), Security::Explicit(TlsVersion::Tls13)];

#[track_caller]
fn ends<T: Debug, E: Debug>(what: &str, begun: Instant, result: Result<T, E>, is_fine: bool) {
    let took = begun.elapsed();
    assert!(took < MOST, "{what}: {took:?}");
    assert_eq!(result.is_ok(), is_fine, "{what}: {result:?}");
}

/// Downloads, uploads and listings that succeed and that fail, in turns: what one request leaves behind may delay the
/// next
fn ask_for_all(ftp: &mut Client) {
    let mut bytes = Vec::new();
    let now = Instant::now;
    for round in 0..2 {
        ends("put", now(), ftp.upload_from("file", &mut &b"content"[..]), true);
        ends("get missing", now(), ftp.download_to("missing", &mut bytes), false);
        ends("get", now(), ftp.download_to("file", &mut bytes), true);
        ends("get missing again", now(), ftp.download_to("missing", &mut bytes), false);
        ends("get missing once more", now(), ftp.download_to("missing", &mut bytes), false);
        ends("size missing", now(), ftp.size("missing"), false);
        ends("put nowhere", now(), ftp.upload_from("no/such", &mut &b"x"[..]), false);
        ends("append", now(), ftp.upload_from(Put::new("log").append(), &mut &b"x"[..]), true);
        ends("put over a directory", now(), ftp.upload_from("folder", &mut &b"x"[..]), false);
        ends("list", now(), ftp.names(""), true);
        let begun = now();
        let lines = ftp.list("folder").and_then(|listing| listing.collect_lines());
        ends("list a directory", begun, lines, true);
        ends("get a part", now(), ftp.download_to(Get::new("file").resume_at(3), &mut bytes), true);
        ends("get lines", now(), ftp.get_lines("file", |_| {}), true);
        ends("get missing lines", now(), ftp.get_lines("missing", |_| {}), false);
        ends("delete", now(), ftp.delete("file"), true);
        ends("get what is deleted", now(), ftp.download_to("file", &mut bytes), false);
        ends("put empty", now(), ftp.upload_from(format!("empty{round}"), &mut &b""[..]), true);
        ends("get empty", now(), ftp.download_to("empty0", &mut bytes), true);
    }
}

#[test]
fn requests_end_with_their_answers() {
    let test = |way: &Way| {
        let mut config = way.config();
        config.settle_quiet = QUIET;
        config.settle_timeout = 2 * QUIET;
        let (mut ftp, ..) = way.enter_with(config);
        ftp.mkdir("folder").unwrap();
        ask_for_all(&mut ftp);
        let begun = Instant::now();
        ends("quit", begun, ftp.quit(), true);
    };
    run(test, &ADDRESSES[..1], &MODES, &SECURITIES);
}
