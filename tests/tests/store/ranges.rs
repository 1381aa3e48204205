//! Ranges of a file that is replaced while they are read

use std::ops::Range;
use std::time::Duration;

use ftp_test::{Action, Command, Files, Server};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::server::{start, start_with};
use crate::{builder, content, store};

const SIZE: usize = 3_000_000;
const RANGES: [Range<u64>; 2] = [100..110, 2_900_000..2_900_010];

/// Another version: longer, with another time
fn replace(files: &Files) {
    files.put("f", vec![b'n'; SIZE + 1000]);
    files.set_modified("f", "20250101000000");
}

/// A download whose connection breaks after five bytes
fn breaking() -> Action {
    Action::serve().break_at(5).pause(Duration::from_millis(200)).then_close()
}

/// The server keeps times to itself
fn without_times(command: Command<'_>) -> Option<Action> {
    let facts = format!("250-\r\n type=file;size={SIZE}; f\r\n250 end");
    match command.verb {
        "MLST" => Some(Action::reply(facts)),
        "MDTM" => Some(Action::reply("550 no")),
        _ => None,
    }
}

fn check(server: &Server, parts: &[impl AsRef<[u8]>]) {
    let all = server.files().get("f").unwrap();
    for (range, part) in RANGES.iter().zip(parts) {
        assert!(part.as_ref() == &all[range.start as usize..range.end as usize]);
    }
}

#[tokio::test]
async fn a_file_that_is_replaced_between_two_ranges_is_an_error() {
    for sessions in [1, 8] {
        let server = start_with(&[("f", &content(SIZE))], |command, files| {
            if (command.verb, command.in_all) == ("RETR", 2) {
                replace(files);
            }
            None
        });
        let store = builder(&server).max_sessions(sessions).build().unwrap();
        let error = store.get_ranges(&Path::from("f"), &RANGES).await.unwrap_err().to_string();
        assert!(error.contains("the file changed while it was read"), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_is_replaced_before_a_second_attempt_is_an_error() {
    for ranges in [&RANGES[..], &RANGES[1..]] {
        let last = ranges.len();
        let server = start_with(&[("f", &content(SIZE))], move |command, files| {
            let number = command.in_all;
            if (command.verb, command.session) == ("GREETING", 2) {
                replace(files);
            }
            (command.verb == "RETR" && number == last).then(breaking)
        });
        let store = builder(&server).max_sessions(1).build().unwrap();
        let error = store.get_ranges(&Path::from("f"), ranges).await.unwrap_err().to_string();
        assert!(error.contains("the file changed while it was read"), "{error}");
        assert_eq!((server.count("MLST"), server.count("RETR")), (2, last));
    }
}

/// Also if no byte of it has been returned yet
#[tokio::test]
async fn a_short_read_of_a_file_that_is_replaced_before_a_second_attempt_is_an_error() {
    let server = start_with(&[("f", &content(SIZE))], |command, files| {
        if (command.verb, command.session) == ("GREETING", 2) {
            replace(files);
        }
        (command.verb == "RETR" && command.in_all == 1).then(breaking)
    });
    let store = builder(&server).max_sessions(1).build().unwrap();
    let error = store.get_range(&Path::from("f"), RANGES[1].clone()).await.unwrap_err().to_string();
    assert!(error.contains("the file changed while it was read"), "{error}");
}

#[tokio::test]
async fn ranges_get_no_second_attempt_if_the_server_tells_no_times() {
    let server = start_with(&[("f", &content(SIZE))], |command, _| match command.verb {
        "RETR" if command.in_all % 2 == 1 => Some(breaking()),
        _ => without_times(command),
    });
    let f = Path::from("f");
    store(&server).get_ranges(&f, std::slice::from_ref(&(100..200_000))).await.unwrap_err();
    assert_eq!(server.count("RETR"), 1);
    server.forget_commands();
    store(&server).get_range(&f, 100..200_000).await.unwrap_err();
    assert_eq!(server.count("RETR"), 1);
}

#[tokio::test]
async fn one_request_after_the_last_range_shows_that_the_file_is_the_same() {
    let server = start(&[("f", &content(SIZE))]);
    let (store, f) = (builder(&server).max_sessions(1).build().unwrap(), Path::from("f"));
    check(&server, &store.get_ranges(&f, &RANGES).await.unwrap());
    assert_eq!((server.count("MLST"), server.count("RETR")), (2, 2));
    // A single short range has nothing to be mixed with.
    server.forget_commands();
    check(&server, &store.get_ranges(&f, &RANGES[..1]).await.unwrap());
    assert_eq!((server.count("MLST"), server.count("RETR")), (1, 1));
    // A long one up to the end of the file is checked as get checks it.
    server.forget_commands();
    let end = 1_000_000..SIZE as u64;
    let parts = store.get_ranges(&f, std::slice::from_ref(&end)).await.unwrap();
    assert_eq!(parts[0].len(), SIZE - 1_000_000);
    assert_eq!((server.count("MLST"), server.count("RETR")), (2, 1));
}

/// `object_store` makes room for all of it at once
#[tokio::test]
async fn a_size_that_no_file_has_is_an_error() {
    for (size, is_believed) in [(u64::MAX, false), (1 << 63, false), ((1 << 63) - 1, true)] {
        let server = start_with(&[("f", b"x")], move |command, _| match command.verb {
            "MLST" => Some(Action::reply(format!("250-\r\n type=file;size={size}; f\r\n250 end"))),
            _ => None,
        });
        let read = store(&server).get(&Path::from("f")).await;
        match is_believed {
            true => assert_eq!(read.unwrap().meta.size, size),
            false => {
                let error = read.unwrap_err().to_string();
                assert!(error.contains(&format!("a size of {size} bytes")), "{error}");
            }
        }
    }
}
