//! Reads that the server ends, or whose connection breaks

use std::time::Duration;

use ftp_test::{Action, Command, Files, Server};
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt, Result};

use crate::server::{all, first, start, start_with};
use crate::{builder, content, store};

/// Sizes of files: read before `get` returns, and read as a stream
const SIZES: [usize; 2] = [100_000, 4_000_000];

/// A download that ends after so many bytes, if that is not `None`, and with this reply
fn ending(count: Option<usize>, reply: &str) -> Action {
    Action::serve().break_at(count.unwrap_or(usize::MAX)).final_reply(reply)
}

/// A download after whose last byte, or after so many, the control connection is closed
fn dropping(count: Option<usize>) -> Action {
    // The client has read everything by then.
    let pause = Duration::from_millis(200);
    Action::serve().break_at(count.unwrap_or(usize::MAX)).pause(pause).then_close()
}

async fn read(server: &Server, resumptions: u8) -> Result<Vec<u8>> {
    let store = builder(server).resumptions(resumptions).build().unwrap();
    let result = store.get(&Path::from("f")).await?;
    Ok(result.bytes().await?.to_vec())
}

/// Even if all bytes have arrived: only the final reply confirms that they are complete
#[tokio::test]
async fn a_file_truncated_by_the_server_is_an_error() {
    for size in SIZES {
        for count in [None, Some(size / 2), Some(0)] {
            for reply in ["426 broken off", "451 disk error"] {
                for resumptions in [0, 1] {
                    let rule = all("RETR", ending(count, reply));
                    let server = start_with(&[("f", &content(size))], rule);
                    let error = read(&server, resumptions).await.unwrap_err().to_string();
                    assert!(error.contains(reply), "{size} {count:?}: {error}");
                    assert!(error.contains("can't read /f on ftp://u@127.0.0.1"), "{error}");
                    assert_eq!(server.count("RETR"), 1);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_short_file_is_an_error() {
    for size in SIZES {
        for resumptions in [0, 1] {
            let rule = all("RETR", ending(Some(size / 2), "226 done"));
            let server = start_with(&[("f", &content(size))], rule);
            let error = read(&server, resumptions).await.unwrap_err().to_string();
            assert!(error.contains("cut off after"), "{error}");
        }
    }
}

/// Also if the read was continued: the numbers are those of the file, not of its rest
#[tokio::test]
async fn the_numbers_of_a_short_file_are_those_of_the_file() {
    let size = SIZES[1];
    let server = start_with(&[("f", &content(size))], move |command, _| match command.verb {
        "RETR" if command.in_all == 1 => Some(ending(Some(size - 7), "226 done")),
        // The last 4096 bytes are compared.
        "RETR" => Some(ending(Some(4096), "226 done")),
        _ => None,
    });
    let error = read(&server, 1).await.unwrap_err().to_string();
    assert!(error.contains("cut off after 3999993 bytes of 4000000"), "{error}");
}

#[tokio::test]
async fn a_dropped_control_connection_does_not_end_a_file() {
    for size in SIZES {
        for count in [None, Some(size / 2), Some(0)] {
            let rule = all("RETR", dropping(count));
            let server = start_with(&[("f", &content(size))], rule);
            read(&server, 0).await.unwrap_err();
            read(&server, 1).await.unwrap_err();
        }
    }
}

#[tokio::test]
async fn a_read_is_resumed_once_after_its_connection_broke() {
    for size in SIZES {
        for count in [None, Some(size / 2), Some(0)] {
            let rule = first(1, "RETR", dropping(count));
            let server = start_with(&[("f", &content(size))], rule);
            assert!(read(&server, 1).await.unwrap() == content(size), "{size} {count:?}");
            assert_eq!(server.count("RETR"), 2);

            let rule = first(2, "RETR", dropping(count));
            let server = start_with(&[("f", &content(size))], rule);
            read(&server, 1).await.unwrap_err();
            assert_eq!(server.count("RETR"), 2);
        }
    }
}

/// Even if size and time are the same
#[tokio::test]
async fn a_read_is_not_resumed_in_another_file() {
    type Change = fn(&Files);
    let other_bytes = |files: &Files| {
        let bytes = files.get("f").unwrap();
        files.put("f", bytes.iter().map(|byte| byte ^ 1).collect::<Vec<_>>());
    };
    let other_time = |files: &Files| files.set_modified("f", "20200101120001");
    let gone = |files: &Files| files.remove("f");
    let changes: [(Change, &str); 3] = [
        (other_bytes, "the file changed"),
        (other_time, "the file changed"),
        (gone, "disappeared"),
    ];
    for (change, word) in changes {
        let size = SIZES[1];
        let broken = first(1, "RETR", dropping(Some(size / 2)));
        let rule = move |command: Command<'_>, files: &Files| {
            if (command.verb, command.session) == ("GREETING", 2) {
                change(files);
            }
            broken(command, files)
        };
        let server = start_with(&[("f", &content(size))], rule);
        let error = read(&server, 1).await.unwrap_err().to_string();
        assert!(error.contains(word), "{word}: {error}");
    }
}

/// Some servers send a mixture of two versions if a file is rewritten in place meanwhile
#[tokio::test]
async fn a_file_of_the_same_size_that_is_rewritten_while_it_is_read_is_an_error() {
    let server = start_with(&[("f", &content(SIZES[1]))], |command, files| {
        if command.verb == "RETR" {
            files.set_modified("f", "20200101120001");
        }
        None
    });
    let read_bytes = read(&server, 1).await.map(|bytes| bytes.len());
    let error = read_bytes.unwrap_err().to_string();
    assert!(error.contains("the file changed while it was read"), "{error}");
    // If it is deleted meanwhile, what was read is complete nevertheless.
    let server = start_with(&[("f", &content(SIZES[1]))], |command, _| {
        (command.verb == "MLST" && command.in_all > 1).then(|| Action::reply("550 No such file."))
    });
    assert!(read(&server, 1).await.unwrap() == content(SIZES[1]));
    assert_eq!(server.count("MLST"), 2);
    // A small file is sent at once.
    let server = start(&[("f", &content(SIZES[0]))]);
    read(&server, 1).await.unwrap();
    assert_eq!(server.count("MLST"), 1);
}

#[tokio::test]
async fn ranges_that_are_near_each_other_are_one() {
    let server = start(&[("f", &content(SIZES[1]))]);
    let store = builder(&server).coalesce(1000).build().unwrap();
    let ranges = [2_000_000..2_000_010, 0..10, 500..600, 1_500..1_600];
    let parts = store.get_ranges(&Path::from("f"), &ranges).await.unwrap();
    for (range, part) in ranges.iter().zip(parts) {
        assert!(part == content(SIZES[1])[range.start as usize..range.end as usize]);
    }
    assert_eq!(server.count("RETR"), 2);
    // Size and time are asked for before and after.
    assert_eq!((server.count("MLST"), server.count("SIZE")), (2, 0));
}

#[tokio::test]
async fn a_range_that_breaks_is_fetched_again() {
    for size in SIZES {
        let rule = first(1, "RETR", dropping(Some(100)));
        let server = start_with(&[("f", &content(size))], rule);
        let ranges = [1000..60_000, 0..10];
        let parts = store(&server).get_ranges(&Path::from("f"), &ranges).await.unwrap();
        assert!(parts[0] == content(size)[1000..60_000]);
    }
}

/// A file of known size has all bytes of a range within it, whatever the final reply says
#[tokio::test]
async fn a_range_that_is_cut_short_is_an_error() {
    for size in SIZES {
        for (count, resumptions) in [(500, 0), (500, 1), (0, 0), (0, 1)] {
            let rule = all("RETR", ending(Some(count), "226 done"));
            let server = start_with(&[("f", &content(size))], rule);
            let store = builder(&server).resumptions(resumptions).build().unwrap();
            let f = Path::from("f");
            let error = match store.get_range(&f, 1000..3000).await {
                Ok(bytes) => panic!("{count}: {} bytes", bytes.len()),
                Err(error) => error.to_string(),
            };
            let words = match resumptions {
                0 => format!("cut off after {count} bytes of 2000"),
                _ => format!("the file ended at byte {}, before byte 3000", 1000 + count),
            };
            assert!(error.contains(&words) && error.contains("can't read /f on ftp://"), "{error}");
            let error = store.get_ranges(&f, &[1000..3000, 10..20]).await.unwrap_err().to_string();
            assert!(error.contains(&format!("after {count} bytes of ")), "{count}: {error}");
        }
    }
}

#[tokio::test]
async fn a_range_that_is_cut_short_once_is_read_again() {
    let server = start_with(&[("f", &content(SIZES[0]))], |command, _| {
        let first = command.verb == "RETR" && command.in_all % 2 == 1;
        first.then(|| ending(Some(500), "226 done"))
    });
    let (store, f) = (store(&server), Path::from("f"));
    let expected = content(SIZES[0])[1000..3000].to_vec();
    assert!(store.get_range(&f, 1000..3000).await.unwrap() == expected);
    let parts = store.get_ranges(&f, std::slice::from_ref(&(1000..3000))).await.unwrap();
    assert!(parts[0] == expected);
}

/// The end of a range is limited by the size of the file that the server states, not by what arrives
#[tokio::test]
async fn a_range_may_end_after_the_file_but_not_begin_there() {
    let size = SIZES[0] as u64;
    for refused in [false, true] {
        let server = start_with(&[("f", &content(SIZES[0]))], move |command, _| {
            let beyond = command.verb == "REST"
                && command.argument.parse::<u64>().is_ok_and(|start| start >= size);
            (refused && beyond).then(|| Action::reply("550 Invalid restart marker."))
        });
        let (store, f) = (store(&server), Path::from("f"));
        let end = content(SIZES[0])[SIZES[0] - 10..].to_vec();
        assert!(store.get_range(&f, size - 10..size + 10).await.unwrap() == end);
        let across = store.get_ranges(&f, std::slice::from_ref(&(size - 10..size + 10))).await;
        assert!(across.unwrap()[0] == end);
        for start in [size, size + 1000] {
            let error = store.get_range(&f, start..start + 10).await.unwrap_err();
            assert!(matches!(error, object_store::Error::Generic { .. }), "{error}");
            let after = std::slice::from_ref(&(start..start + 10)).to_vec();
            let error = store.get_ranges(&f, &after).await.unwrap_err();
            assert!(matches!(error, object_store::Error::Generic { .. }), "{error}");
            assert!(error.to_string().contains(&format!("no byte {start}")), "{error}");
        }
    }
}

/// vsftpd takes a position of 2^53 or more for the beginning of the file, and ProFTPD one of 2^63
#[tokio::test]
async fn no_range_is_invented_after_the_end() {
    for size in SIZES {
        let server = start_with(&[("f", &content(size))], |command, _| match command.verb {
            "REST" => Some(Action::reply("350 Restart position accepted (0).")),
            "RETR" => Some(Action::serve().from_start()),
            _ => None,
        });
        let (store, f, size) = (store(&server), Path::from("f"), size as u64);
        for start in [size, size + 1, 1 << 40, 1 << 60, u64::MAX - 27] {
            let ranges = [0..10, start..start + 27];
            let error = store.get_ranges(&f, &ranges).await.unwrap_err().to_string();
            assert!(error.contains(&format!("no byte {start}")), "{error}");
        }
        // However much arrives, no more than the file has.
        let all = 0..size + 1000;
        let all = store.get_ranges(&f, std::slice::from_ref(&all)).await.unwrap();
        assert_eq!(all[0].len() as u64, size);
    }
}

/// Each further byte would be another reason to wait
#[tokio::test]
async fn the_first_byte_after_the_end_is_an_error() {
    let size = SIZES[1];
    let server = start_with(&[("f", &content(size))], move |command, _| {
        let longer = [content(size), vec![0; 100]].concat();
        let slowly = Action::serve().data(longer).slow_from(size, Duration::from_secs(1));
        (command.verb == "RETR").then_some(slowly)
    });
    let reading = tokio::time::timeout(Duration::from_secs(20), read(&server, 0));
    let error = reading.await.expect("an end").map(|bytes| bytes.len()).unwrap_err().to_string();
    assert!(error.contains("instead of the expected 4000000"), "{error}");
}

#[tokio::test]
async fn an_empty_file_is_empty() {
    let server = start(&[("f", b"")]);
    assert_eq!(read(&server, 0).await.unwrap(), b"");
    // The server has said so.
    assert_eq!(server.count("RETR"), 1);
    let suffix = GetOptions::new().with_range(Some(object_store::GetRange::Suffix(10)));
    let result = store(&server).get_opts(&Path::from("f"), suffix).await.unwrap();
    assert_eq!(result.bytes().await.unwrap(), "");
}

/// The pieces are large enough to be worth a message
#[tokio::test]
async fn pieces_are_of_reasonable_size() {
    let server = start(&[("f", &content(SIZES[1]))]);
    let stream = store(&server).get(&Path::from("f")).await.unwrap().into_stream();
    let pieces: Vec<_> = stream.try_collect().await.unwrap();
    let largest = pieces.iter().map(bytes_of).max().unwrap();
    assert!((SIZES[1] >> 17..200).contains(&pieces.len()), "{} pieces", pieces.len());
    assert!(largest <= 128 << 10, "{largest}");
}

fn bytes_of(piece: impl AsRef<[u8]>) -> usize {
    piece.as_ref().len()
}
