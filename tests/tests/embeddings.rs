//! The embedding examples: each runs a whole FTPS session, and is short

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

use std::io::Write;
use std::path::Path;

use ftp_tests::embedded::{Brought, CONTENT, Embedded, Result, Target};
use ftp_tests::memory::Server;

/// An example as a module, whose `main` is not called
macro_rules! example {
    ($name:ident, $path:literal) => {
        #[allow(dead_code, unreachable_pub, reason = "it is a program of its own")]
        #[path = $path]
        mod $name;
    };
}

example!(memory, "../examples/memory.rs");
example!(poll, "../examples/poll.rs");
#[cfg(unix)]
example!(polling_, "../examples/polling.rs");
#[cfg(target_os = "linux")]
example!(io_uring, "../examples/io_uring.rs");
example!(smol_, "../examples/smol.rs");

/// Runs a session with a server on loopback, and checks all transferred bytes
fn check(session: impl FnOnce(&Target) -> Result<Brought>) {
    let (server, target) = Embedded::start();
    let Brought { listing, file } = session(&target).unwrap();
    assert_eq!(listing, LISTING);
    assert!(Some(file) == server.file("file"));
    assert_eq!(server.file("new file").as_deref(), Some(CONTENT));
    server.join();
}

const LISTING: &[u8] = b"-rw-r--r-- 1 ftp ftp 3000000 Feb 29 2024 file\r\n";

#[test]
fn over_sockets_and_poll() {
    check(poll::session);
}

#[test]
#[cfg(unix)]
fn over_sockets_and_polling() {
    check(polling_::session);
}

#[test]
fn over_sockets_and_smol() {
    check(|target| smol::block_on(smol_::session(target)));
}

#[test]
#[cfg(target_os = "linux")]
fn over_io_uring() {
    match compio::runtime::Runtime::new() {
        Ok(runtime) => check(|target| runtime.block_on(io_uring::session(target))),
        // Sandboxes and containers may forbid io_uring; an unread report would hide everything else.
        Err(error) => {
            let error = format!(
                "!!! NOT TESTED: the embedding on io_uring, which this system has not: {error}"
            );
            // Bypasses the harness, which captures the output of successful tests.
            let _ = writeln!(std::io::stderr().lock(), "\n{error}\n");
        }
    }
}

#[test]
fn in_memory_under_simulated_time() {
    let mut server = Server::with_file();
    let Brought { listing, file } = memory::session(&mut server).unwrap();
    assert_eq!(listing, LISTING);
    assert!(file == server.files["file"]);
    assert_eq!(server.files["new file"], CONTENT);
}

/// Counts the lines that are neither blank nor comments
fn code_lines(text: &str) -> usize {
    let lines = text.lines().map(str::trim_start);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[test]
fn examples_are_short() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("fn main()") && !text.contains("unsafe {"), "{path:?}");
        seen.push((code_lines(&text), path));
    }
    assert!(seen.len() >= 5, "{seen:?}");
    let page = include_str!("../../crates/ftp-session/src/lib.rs");
    for (lines, path) in &seen {
        assert!(*lines <= 60, "{path:?} has {lines} lines");
        let name = path.file_name().unwrap().to_str().unwrap();
        let row = page.lines().find(|line| line.contains(&format!("| `tests/examples/{name}` |")));
        let row = row.unwrap_or_else(|| panic!("the documentation leads nobody to {name}"));
        assert!(row.ends_with(&format!("| {lines} |")), "{lines} lines: {row}");
    }
    let poll = seen.iter().find(|(_, path)| path.ends_with("poll.rs")).unwrap();
    assert!(poll.0 <= 40, "the simplest over sockets has {} lines", poll.0);
}

#[test]
fn blank_lines_and_comments_are_not_code() {
    assert_eq!(code_lines("//! a\n\nuse b;\n    /// c\n    fn d() {}\n"), 2);
}
