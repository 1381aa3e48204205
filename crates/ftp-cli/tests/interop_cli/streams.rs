//! Files that are read as streams while another process rewrites them, and the answers of real servers to HASH

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use crate::{TestFolder, bytes, places};

/// More than the buffers between a server and standard output hold
const SIZE: usize = 64 * 1024 * 1024;

/// Writes the file of this name, with a time in the past
fn write(place: &TestFolder, name: &str, content: &[u8]) {
    let path = place.on_disk().join(name);
    std::fs::write(&path, content).unwrap();
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
}

/// Reads standard output of the program; calls `change` after the first mebibyte
fn read(
    place: &TestFolder,
    arguments: &[&str],
    change: impl FnOnce(),
) -> (Option<i32>, Vec<u8>, String) {
    let mut command = place.command(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut content = vec![0; 1024 * 1024];
    stdout.read_exact(&mut content).unwrap();
    change();
    stdout.read_to_end(&mut content).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), content, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Replaces the second half of a file without changing its size
fn rewrite(path: &Path) {
    let mut file = std::fs::File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(SIZE as u64 / 2)).unwrap();
    file.write_all(&vec![7; SIZE / 2]).unwrap();
}

#[test]
fn a_file_that_is_rewritten_while_it_is_written_out_is_reported() {
    let content = bytes(SIZE, 3);
    for place in places("streams") {
        place.succeeds(&["mkdir", "-p", &place.url("")]);
        let (url, path) = (place.url("file"), place.on_disk().join("file"));
        write(&place, "file", &content);
        for arguments in [&["cat"][..], &["cat", "--range", "10-"], &["get", "-o", "-"]] {
            let arguments = [arguments, &[&url]].concat();
            let (code, found, stderr) = read(&place, &arguments, || {});
            assert_eq!((code, &*stderr), (Some(0), ""), "{place} {arguments:?}");
            let from = if arguments.contains(&"10-") { 10 } else { 0 };
            assert!(found == content[from..], "{place} {arguments:?}");
        }
        let (code, found, stderr) = read(&place, &["cat", &url], || rewrite(&path));
        assert_eq!(code, Some(4), "{place}: {stderr}");
        assert!(stderr.contains("file: has changed"), "{place}: {stderr}");
        assert_eq!(found.len(), SIZE, "{place}");
        write(&place, "file", &content);
        // Some servers confirm the shorter file, others say that they could not read it. With sendfile, bytes on the way
        // may become zeros.
        let shorten = || {
            std::fs::File::options().write(true).open(&path).unwrap().set_len(1000).unwrap();
        };
        let (code, found, stderr) = read(&place, &["cat", &url], shorten);
        assert_eq!(code, Some(4), "{place}: {stderr}");
        assert!(found.len() < SIZE, "{place}");
    }
}

/// The range in the answer of ProFTPD ends at the size, not at the last byte
#[test]
fn answers_to_hash_are_understood() {
    for place in places("hashes") {
        place.succeeds(&["mkdir", "-p", &place.url("")]);
        let offers = place.succeeds(&["info", &place.url("")]).stdout.contains("HASH");
        assert_eq!(offers, place.server.name == "proftpd", "{place}");
        if !offers {
            continue;
        }
        for size in [1, 2, 3_000_000] {
            write(&place, "file", &bytes(size, 5));
            let there = place.succeeds(&["hash", "--algo", "sha256", &place.url("file")]);
            let here = place.succeeds(&["hash", "--download", "sha256", &place.url("file")]);
            assert_eq!(there.stdout, here.stdout, "{place} {size}");
        }
    }
}
