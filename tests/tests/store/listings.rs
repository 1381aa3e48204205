//! Listings that are long or can't be parsed

use ftp_test::{Action, Server};
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, Result};

use crate::server::{start, start_with};
use crate::store;

/// A server that has a directory of each name, with these lines in each (MLSD)
fn server(lines: impl Into<Vec<u8>>) -> Server {
    let lines = lines.into();
    start_with(&[], move |command, _| match command.verb {
        "MLSD" => Some(Action::serve().data(lines.clone())),
        "CWD" => Some(Action::reply("250 there")),
        _ => None,
    })
}

async fn names(server: &Server) -> Result<Vec<String>> {
    let store = store(server);
    let listed = store.list(None).map_ok(|object| object.location.to_string());
    let mut names: Vec<String> = listed.try_collect().await?;
    names.sort_unstable();
    Ok(names)
}

/// Returns the peak memory of this thread while it counts the objects of a listing
fn peak(files: usize) -> u64 {
    let line = |file| format!("type=file;size={file};modify=20200101120000; f{file:07}\r\n");
    let server = server((0..files).map(line).collect::<String>());
    let counted = allocation_counter::measure(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut listed = store(&server).list(None);
            let (mut count, mut size) = (0, 0);
            while let Some(object) = listed.next().await {
                count += 1;
                size += object.unwrap().size;
            }
            assert_eq!((count, size), (files, (files * (files - 1) / 2) as u64));
        });
    });
    counted.bytes_max
}

#[test]
fn a_long_listing_takes_bounded_memory() {
    let (some, many) = (peak(30_000), peak(100_000));
    println!("{some} bytes for 30,000 files, {many} for 100,000");
    assert!(many < 16 << 20, "{many}");
    assert!(many < some + (1 << 20), "{some} {many}");
}

#[tokio::test]
async fn a_line_that_cannot_be_parsed_is_an_error() {
    let text = "type=file;size=1;modify=20200101120000; a\r\n\
                drwxr-xr-what is this\r\n\
                type=file;size=2;modify=20200101120000; b\r\n";
    let server = server(text);
    let error = names(&server).await.unwrap_err().to_string();
    assert!(error.contains("one line of the listing is not understood"), "{error}");
    let error = store(&server).list_with_delimiter(None).await.unwrap_err().to_string();
    assert!(error.contains("one line of the listing is not understood"), "{error}");
}

/// In MLSD, where every line has an ending
#[tokio::test]
async fn a_line_that_is_cut_off_is_called_that() {
    let error = names(&server("type=file;size=1; a\r\ntype=file;size=2; b")).await.unwrap_err();
    assert!(error.to_string().contains("the last one has no ending"), "{error}");
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_an_error() {
    let text = "type=file;size=1;modify=20200101120000; ../../etc/passwd\r\n";
    let error = names(&server(text)).await.unwrap_err().to_string();
    assert!(error.contains("leads out of its directory"), "{error}");
}

#[tokio::test]
async fn names_that_a_path_cannot_hold() {
    let text = "type=file;size=1; back\\slash\r\n\
                type=file;size=1; line%0Abreak\r\n\
                type=file;size=1; caf%E9\r\n\
                type=OS.unix=socket;size=0; socket\r\n\
                type=file;size=1; .ftp-store-0123456789abcdef.tmp\r\n";
    let server = server(text);
    assert_eq!(names(&server).await.unwrap(), ["back\\slash"]);
    let store = store(&server);
    store.list_with_delimiter(None).await.unwrap();
    let skipped = store.skipped();
    // Two whose names are the encoding of other names, and one special file.
    assert_eq!((skipped.names, skipped.special), (2, 1), "{skipped:?}");
}

/// Links that servers follow in listings have the facts of their targets
#[tokio::test]
async fn a_link_to_a_parent_directory_is_not_followed_for_ever() {
    let text = "type=dir;unique=1; loop\r\ntype=file;size=1;unique=2; f\r\n";
    let server = server(text);
    assert_eq!(names(&server).await.unwrap(), ["f", "loop/f"]);
}

#[tokio::test]
async fn endless_directories_are_an_error() {
    let server = server("type=dir; d\r\n");
    let error = names(&server).await.unwrap_err().to_string();
    assert!(error.contains("more than 64 nested directories"), "{error}");
}

#[tokio::test]
async fn only_names_after_an_offset_are_listed() {
    let server = start(&[("a", b"1"), ("b", b"2"), ("c", b"3")]);
    let listed = store(&server).list_with_offset(None, &Path::from("a"));
    let mut names: Vec<_> = listed.map_ok(|one| one.location).try_collect().await.unwrap();
    names.sort_unstable();
    assert_eq!(names, [Path::from("b"), Path::from("c")]);
}

/// A server without MLSD that has this listing
fn server_of_lines(files: &[(&str, &[u8])], lines: &str) -> Server {
    let lines = lines.to_owned();
    start_with(files, move |command, _| match command.verb {
        "MLSD" | "MLST" => Some(Action::reply("500 unknown")),
        "FEAT" => Some(Action::reply("211 none")),
        "LIST" if command.argument.is_empty() => Some(Action::serve().data(lines.clone())),
        "SIZE" if command.argument == "pipe" => Some(Action::reply("550 Could not get file size.")),
        _ => None,
    })
}

/// vsftpd refuses SIZE of a pipe as it does for any other error
#[tokio::test]
async fn a_pipe_is_no_object() {
    let pipe = "prw-r--r-- 1 1000 1000 0 Jan 01 2026 pipe\r\n";
    let server = server_of_lines(&[], pipe);
    assert_eq!(names(&server).await.unwrap(), [""; 0]);
    let error = store(&server).head(&Path::from("pipe")).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

/// The line of a file as `ls -l` writes it, without its end
fn line(name: &str, size: usize) -> String {
    format!("-rw-r--r-- 1 u g {size} Jan 02 2021 {name}")
}

/// Cut off in its last line, and confirmed with 226
#[tokio::test]
async fn a_name_that_is_cut_off_is_no_object() {
    let lines = "type=file;size=1; a\r\ntype=file;size=1; b\r\ntype=file;size=1; lon";
    names(&server(lines)).await.unwrap_err();
    names(&server("type=file;size=1; lon")).await.unwrap_err();

    let files: [(&str, &[u8]); 2] = [("a", b"1"), ("long", b"1")];
    for last in [line("lon", 1), "drwxr-xr-x 1 u g 5 Jan 02 2021 lon".to_owned()] {
        let lines = format!("{}\r\n{last}", line("a", 1));
        let server = server_of_lines(&files, &lines);
        let error = names(&server).await.unwrap_err().to_string();
        assert!(error.contains("lon"), "{error}");
        let error = store(&server).list_with_delimiter(None).await.unwrap_err().to_string();
        assert!(error.contains("lon"), "{error}");
    }
    // Another object has the name that is left.
    let lines = format!("{}\r\n{}", line("a", 1), line("a", 1));
    names(&server_of_lines(&[("a", b"1"), ("ab", b"1")], &lines)).await.unwrap_err();
    let lines = line("a", 22);
    names(&server_of_lines(&[("a", b"1"), ("ab", b"22 bytes")], &lines)).await.unwrap_err();
}

/// Some servers end no listing with a line ending
#[tokio::test]
async fn a_last_line_that_only_lacks_its_ending_is_an_object() {
    let lines = format!("{}\r\n{}", line("a", 1), line("long", 3));
    let server = server_of_lines(&[("a", b"1"), ("long", b"abc")], &lines);
    assert_eq!(names(&server).await.unwrap(), ["a", "long"]);
    let server = server_of_lines(&[("d/f", b"1")], "drwxr-xr-x 1 u g 5 Jan 02 2021 d");
    let listed = store(&server).list_with_delimiter(None).await.unwrap();
    assert_eq!(listed.common_prefixes, [Path::from("d")]);
}

/// A listing has columns or bare names
#[tokio::test]
async fn a_line_that_is_no_entry_is_no_object() {
    for text in ["?rw-r--r-- ? ? ? ? ? b", "Could not read the index", "nonsense", "a b\r\nc d"] {
        let lines = format!("{text}\r\n{}\r\n", line("a", 1));
        // A server that has a size for everything.
        let server = start_with(&[("a", b"1")], move |command, _| match command.verb {
            "MLSD" | "MLST" => Some(Action::reply("500 unknown")),
            "FEAT" => Some(Action::reply("211 none")),
            "LIST" => Some(Action::serve().data(lines.clone())),
            "SIZE" => Some(Action::reply("213 1")),
            _ => None,
        });
        let error = names(&server).await.unwrap_err().to_string();
        assert!(error.contains("not understood"), "{text}: {error}");
    }
    // A text instead of a listing is no empty directory.
    let server = server_of_lines(&[], "The disk is on fire\r\n");
    let error = names(&server).await.unwrap_err().to_string();
    assert!(error.contains("The disk is on fire"), "{error}");
}

#[tokio::test]
async fn bare_names_are_files_and_directories() {
    let server = start_with(&[("a b", b"1"), ("d/f", b"22")], |command, files| {
        let lines = match (command.verb, command.argument) {
            ("MLSD" | "MLST", _) => return Some(Action::reply("500 unknown")),
            ("FEAT", _) => return Some(Action::reply("211 none")),
            ("LIST", "") if command.in_all == 1 => "a b\r\nd\r\n",
            ("LIST", _) => "f\r\n",
            ("SIZE", path) if !files.contains(path) => return None,
            _ => return None,
        };
        Some(Action::serve().data(lines))
    });
    let found = names(&server).await;
    assert_eq!(found.unwrap(), ["a b", "d/f"]);
}

#[tokio::test]
async fn an_object_is_listed_once() {
    let text = "type=file;size=1; a\r\ntype=file;size=2; b\r\ntype=file;size=1; a\r\n";
    assert_eq!(names(&server(text)).await.unwrap(), ["a", "b"]);
    let text = "type=dir; d\r\ntype=dir; d\r\n";
    let listed = store(&server(text)).list_with_delimiter(None).await.unwrap();
    assert_eq!(listed.common_prefixes, [Path::from("d")]);
}

/// A server on which a directory can't be entered, and which shows it in the listing of its parent this often
fn server_with_a_closed_directory(shown: usize, refusal: &'static str) -> Server {
    start_with(&[("f", b"1")], move |command, _| match command.verb {
        "CWD" | "MLSD" if command.argument.contains("d") => Some(Action::reply(refusal)),
        "MLSD" => {
            let directory = if command.in_all <= shown { "type=dir; d\r\n" } else { "" };
            let lines = format!("type=file;size=1; f\r\n{directory}");
            Some(Action::serve().data(lines))
        }
        _ => None,
    })
}

const REFUSALS: [&str; 2] = ["550 Failed to change directory.", "550 No such file or directory."];

#[tokio::test]
async fn a_directory_that_is_deleted_meanwhile_is_left_out() {
    for refusal in REFUSALS {
        let server = server_with_a_closed_directory(1, refusal);
        assert_eq!(names(&server).await.unwrap(), ["f"], "{refusal}");
    }
}

#[tokio::test]
async fn a_directory_that_may_not_be_read_is_an_error() {
    for refusal in REFUSALS {
        let server = server_with_a_closed_directory(usize::MAX, refusal);
        let error = names(&server).await.unwrap_err();
        assert!(matches!(error, Error::PermissionDenied { .. }), "{refusal}: {error}");
    }
}

/// vsftpd answers the same if a file is missing, and if its directory may not be entered
#[tokio::test]
async fn a_file_in_a_directory_that_may_not_be_entered_is_not_missing() {
    for refusal in ["550 Failed to change directory.", "550 Permission denied."] {
        let server = start_with(&[("d/f", b"1"), ("e/f", b"2")], move |command, _| {
            match (command.verb, command.argument) {
                ("MLST" | "MLSD", _) => Some(Action::reply("500 Unknown command.")),
                ("FEAT", _) => Some(Action::reply("211 none")),
                ("CWD", "d") => Some(Action::reply(refusal)),
                ("SIZE", _) => Some(Action::reply("550 Could not get file size.")),
                ("RETR" | "RNFR" | "DELE", "d/f" | "x/f") => Some(Action::reply("550 Failed.")),
                ("CWD", "x") => Some(Action::reply("550 Failed to change directory.")),
                _ => None,
            }
        });
        let store = store(&server);
        for (path, exists) in [("d/f", true), ("x/f", false)] {
            let path = &Path::from(path);
            let get_ranges = store.get_ranges(path, &[0..1, 0..1]).await.map(drop);
            let results = [
                ("head", store.head(path).await.map(drop)),
                ("get", store.get(path).await.map(drop)),
                ("get_ranges", get_ranges),
                ("delete", store.delete(path).await),
                ("rename", store.rename(path, &Path::from("g")).await),
                ("copy", store.copy(path, &Path::from("g")).await),
            ];
            for (what, result) in results {
                let error = result.unwrap_err();
                match exists {
                    true => assert!(
                        matches!(error, Error::PermissionDenied { .. }),
                        "{what}: {error:?}"
                    ),
                    false => assert!(matches!(error, Error::NotFound { .. }), "{what}: {error:?}"),
                }
            }
        }
    }
}
