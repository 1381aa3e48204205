//! Files that are read as streams, to standard output or for a hash: what was read must be one version of the file

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ftp_test::{Action, Command, Server};

use crate::robust::{FEATURES, rewrites, versions};
use crate::{Home, bytes};

const SOON: [&str; 2] = ["--retry-delay", "0.02"];

/// All commands that read a file as a stream
const READERS: [&[&str]; 6] = [
    &["cat"],
    &["get", "-o", "-"],
    &["cat", "--range", "100-"],
    &["cat", "--range", "-2500000"],
    &["cat", "--range", "0-2500000"],
    &["hash", "--download", "sha256"],
];

fn read(home: &Home, reader: &[&str], url: &str) -> crate::Run {
    home.rftp(&[reader, &SOON, &[url]].concat())
}

/// Only its time shows it, because the number of bytes is as expected
#[test]
fn a_file_that_is_rewritten_in_place_is_reported() {
    for (features, reader) in FEATURES.iter().flat_map(|features| READERS.map(|r| (*features, r))) {
        let (server, home) = (Server::start(), Home::new());
        let rewrite = rewrites(&server, 50);
        server.on_command(move |command| match command.verb {
            "FEAT" => Action::reply(features),
            _ => rewrite(&command).unwrap_or_else(Action::serve),
        });
        let run = read(&home, reader, &server.url("pub/file"));
        assert_eq!(run.code, Some(4), "{reader:?}: {}", run.stderr);
        let place = format!("({})", server.address());
        for text in ["pub/file: has changed", &place, "; fetch it again"] {
            assert!(run.stderr.contains(text), "{reader:?}: {text}: {}", run.stderr);
        }
        assert_eq!(run.stderr.lines().count(), 1, "{reader:?}: {}", run.stderr);
        let is_hash = reader[0] == "hash";
        assert!(!is_hash || run.stdout.is_empty(), "a hash of two versions: {}", run.stdout);
    }
}

/// What was written can't be taken back, so it is not written again either
#[test]
fn a_file_of_another_length_is_reported() {
    for (length, sent, code, message) in [
        // A file that is replaced, and one that the server sends in part.
        (Some(2_000_000), 2_000_000, 4, "has changed"),
        (Some(4_000_000), 4_000_000, 4, "has changed"),
        (Some(10), 10, 4, "has changed"),
        (None, 2_000_000, 4, "cut off after"),
        (None, 20, 4, "cut off after"),
        (None, 4_000_000, 7, "instead of the expected"),
    ] {
        for reader in [READERS[0], READERS[1], READERS[2]] {
            let probes = usize::from(reader.contains(&"--range"));
            if probes > 0 && sent < 100 {
                // The range begins after the end.
                continue;
            }
            let (server, home) = (Server::start(), Home::new());
            server.files().put("file", bytes(3_000_000));
            let (files, downloads) = (server.files().clone(), AtomicUsize::new(0));
            server.on_command(move |Command { verb, .. }| {
                if verb != "RETR" || downloads.fetch_add(1, Ordering::SeqCst) != probes {
                    return Action::serve();
                }
                if let Some(length) = length {
                    files.put("file", bytes(length));
                }
                Action::serve().data(bytes(sent))
            });
            let run = read(&home, reader, &server.url("file"));
            assert_eq!(run.code, Some(code), "{reader:?} {length:?}: {}", run.stderr);
            assert!(run.stderr.contains(message), "{reader:?} {length:?}: {}", run.stderr);
            assert_eq!(server.count("RETR"), 1 + probes, "{reader:?}: {}", server.transcript());
        }
    }
}

#[test]
fn a_stream_that_is_cut_is_not_begun_again() {
    for reader in [READERS[0], READERS[1]] {
        let (server, home) = (Server::start(), Home::new());
        server.files().put("file", bytes(3_000_000));
        server.on_command(|Command { verb, .. }| match verb {
            "RETR" => Action::serve().break_at(2_000_000).then_close(),
            _ => Action::serve(),
        });
        let run = read(&home, reader, &server.url("file"));
        assert_eq!(run.code, Some(4), "{reader:?}: {}", run.stderr);
        assert_eq!(server.count("RETR"), 1, "{reader:?}: {}", server.transcript());
    }
}

/// An attempt that has written nothing is followed by another one, which is about the version of that time
#[test]
fn a_retry_takes_the_present_version() {
    let [_, new, _] = versions();
    for reader in [READERS[0], READERS[1]] {
        let (server, home) = (Server::start(), Home::new());
        server.files().put("file", "of another length");
        let (files, downloads) = (server.files().clone(), AtomicUsize::new(0));
        let other = new.clone();
        server.on_command(move |Command { verb, .. }| match verb {
            "RETR" if downloads.fetch_add(1, Ordering::SeqCst) == 0 => {
                files.put("file", other.clone());
                files.set_modified("file", "20250101000000");
                Action::close()
            }
            _ => Action::serve(),
        });
        let run = read(&home, reader, &server.url("file"));
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{reader:?}");
        assert!(run.stdout == String::from_utf8_lossy(&new), "{reader:?}");
        assert_eq!(server.count("RETR"), 2, "{reader:?}: {}", server.transcript());
    }
}

/// Only a file of 1 MiB or more, or one that is read slowly, takes long enough to be rewritten during its transfer
#[test]
fn nothing_is_asked_after_a_small_file() {
    for (size, after) in [(1_048_575, 0), (1_048_576, 1)] {
        for reader in [READERS[0], READERS[1], READERS[5]] {
            let (server, home) = (Server::start(), Home::new());
            server.files().put("file", bytes(size));
            let run = read(&home, reader, &server.url("file"));
            assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{reader:?}");
            let commands = server.commands();
            let retr = commands.iter().position(|line| line.starts_with("RETR")).unwrap();
            let counts = [&commands[..retr], &commands[retr..]]
                .map(|part| part.iter().filter(|line| line.starts_with("MLST")).count());
            assert_eq!(counts, [1, after], "{reader:?} {size}: {commands:?}");
        }
    }
}

/// The server has to wait for whoever reads standard output, and the file may be rewritten meanwhile
#[test]
fn a_small_file_that_is_rewritten_while_it_is_read_slowly_is_reported() {
    for reader in [READERS[0], READERS[1]] {
        let (server, home) = (Server::start(), Home::new());
        server.files().put("file", bytes(1000));
        let files = server.files().clone();
        server.on_command(move |Command { verb, .. }| {
            if verb != "RETR" {
                return Action::serve();
            }
            files.set_modified("file", "20250101000000");
            Action::serve().slow_from(999, Duration::from_millis(1100))
        });
        let run = read(&home, reader, &server.url("file"));
        assert_eq!(run.code, Some(4), "{reader:?}: {}", run.stderr);
        assert!(run.stderr.contains("file: has changed"), "{reader:?}: {}", run.stderr);
    }
}

/// A server that tells neither size nor time does not make a file unreadable
#[test]
fn a_file_whose_version_is_unknown_is_written() {
    for reader in [READERS[0], READERS[1], READERS[5]] {
        let (server, home) = (Server::start(), Home::new());
        server.files().put("file", bytes(2_000_000));
        server.on_command(|Command { verb, .. }| match verb {
            "FEAT" | "MLST" | "SIZE" | "MDTM" => Action::reply("502 not here"),
            _ => Action::serve(),
        });
        let run = read(&home, reader, &server.url("file"));
        assert_eq!((run.code, &*run.stderr), (Some(0), ""), "{reader:?}");
    }
}

/// The size that a server reports is that of the file, and a text has another one
#[test]
fn texts_are_of_one_version_too() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", "one\r\ntwo\r\n");
    let url = format!("{};type=a", server.url("file"));
    let run = home.rftp(&["cat", &url]);
    assert_eq!((run.code, &*run.stdout, &*run.stderr), (Some(0), "one\ntwo\n", ""));
    let rewrite = rewrites(&server, 50);
    server.on_command(move |command| rewrite(&command).unwrap_or_else(Action::serve));
    let run = home.rftp(&["cat", &format!("{};type=a", server.url("pub/file"))]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(run.stderr.contains("pub/file: has changed"), "{}", run.stderr);
}

/// These options are about a file, which would be removed if it differed
#[test]
fn a_stream_can_not_be_verified_afterwards() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", "content");
    let run = home.rftp(&["get", "-o", "-", "--verify", &server.url("file")]);
    assert_eq!((run.code, &*run.stdout), (Some(2), ""), "{run:?}");
    assert!(run.stderr.contains("--verify") && run.stderr.contains("write to a file"), "{run:?}");
}

#[test]
fn a_range_to_the_largest_number_is_the_whole_file() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(1000));
    let run = home.rftp(&["cat", "--range=0-18446744073709551615", &server.url("file")]);
    assert_eq!((run.code, run.stdout.is_empty()), (Some(0), false), "{run:?}");
}

/// The size tells that the range is empty
#[test]
fn a_range_after_the_end_needs_no_download() {
    for (features, verb) in [("MLST size*;modify*;type*;", "MLST"), ("SIZE", "SIZE")] {
        for range in ["1000-", "1001-", "1001-2000"] {
            let (server, home) = (Server::start(), Home::new());
            server.files().put("file", bytes(1000));
            server.on_command(move |Command { verb, .. }| match verb {
                "FEAT" => Action::reply(format!("211-features\r\n {features}\r\n EPSV\r\n211 end")),
                _ => Action::serve(),
            });
            let run = home.rftp(&["cat", "--range", range, &server.url("file")]);
            assert_eq!((run.code, &*run.stdout, &*run.stderr), (Some(0), "", ""), "{range}");
            assert_eq!(server.count("RETR"), 0, "{range}: {}", server.transcript());
            assert_eq!(server.count(verb), 1, "{range}: {}", server.transcript());
        }
    }
}

/// The numbers are those of the file, not of the part that was to be sent
#[test]
fn a_part_that_is_cut_off_counts_from_the_start_of_the_file() {
    for arguments in [&["cat", "--range", "1000-"][..], &["get"]] {
        let (server, home) = (Server::start(), Home::new());
        server.files().put("file", bytes(3_000_000));
        let url = server.url("file");
        if arguments[0] == "get" {
            // An earlier run has got half of it.
            server.on_command(|Command { verb, .. }| match verb {
                "RETR" => Action::serve().break_at(1_500_000).then_close(),
                _ => Action::serve(),
            });
            assert_eq!(home.rftp(&["get", "--retries", "0", &url]).code, Some(4));
            assert_eq!(home.names(""), ["file.part", "file.part.state"]);
        }
        let probes = usize::from(arguments[0] == "cat");
        let downloads = AtomicUsize::new(0);
        server.on_command(move |Command { verb, .. }| match verb {
            "RETR" if downloads.fetch_add(1, Ordering::SeqCst) == probes => {
                Action::serve().data(bytes(2_000_000))
            }
            _ => Action::serve(),
        });
        let run = home.rftp(&[arguments, &["--retries", "0", &url]].concat());
        assert_eq!(run.code, Some(4), "{arguments:?}: {}", run.stderr);
        let message = "cut off after 2000000 bytes of 3000000";
        assert!(run.stderr.contains(message), "{arguments:?}: {}", run.stderr);
    }
}

/// The standard library reports success for writes to such an output
#[cfg(unix)]
#[test]
fn an_output_that_can_not_be_written_to_is_reported() {
    let (server, home) = (Server::start(), Home::new());
    server.files().put("file", bytes(1000));
    home.write("input", b"");
    let (url, folder) = (server.url("file"), server.url(""));
    for arguments in [
        &["cat", &url][..],
        &["get", "-o", "-", &url],
        &["get", &url],
        &["ls", &folder],
        &["info", &folder],
    ] {
        let mut command = home.command(arguments);
        command.stdout(std::fs::File::open(home.path("input")).unwrap());
        let output = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let output = output.wait_with_output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{errors}");
        assert!(errors.contains("standard output: "), "{errors}");
    }
}
