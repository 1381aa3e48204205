//! Runs the program against real servers, which `tests/run` starts
//!
//! Without servers, these tests check nothing; the test `coverage` of `ftp-tests` reports that.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

mod killed;
mod relay;
mod shell;
mod streams;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use servers::Server;
use tempfile::TempDir;

// Included by its path, since its crate needs a Unix system, and is not published, so it can't be a dependency.
#[path = "../../../../tests/src/servers.rs"]
#[expect(dead_code, unreachable_pub, reason = "the harness has it for other tests, too")]
mod servers;

/// A directory on a server for one test, and a local one
struct TestFolder {
    server: Server,
    scheme: &'static str,
    name: String,
    home: TempDir,
}

#[derive(Debug)]
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn places(what: &str) -> Vec<TestFolder> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let schemes = |server: Server| ["ftp", "ftpes"].map(|scheme| (server.clone(), scheme));
    let place = |(server, scheme): (Server, &'static str)| {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("cli-{what}-{}-{count}", std::process::id());
        TestFolder::new(server, scheme, name)
    };
    servers::all().into_iter().flat_map(schemes).map(place).collect()
}

impl TestFolder {
    fn new(server: Server, scheme: &'static str, name: String) -> Self {
        Self { server, scheme, name, home: tempfile::tempdir().unwrap() }
    }

    fn url(&self, path: &str) -> String {
        let Server { user, port, directory, .. } = &self.server;
        let directory = directory.trim_matches('/');
        let folder = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        format!("{}://{user}@127.0.0.1:{port}/%2F{folder}{}/{path}", self.scheme, self.name)
    }

    fn on_disk(&self) -> PathBuf {
        self.server.home.join(&self.name)
    }

    fn here(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let password = self.here("password");
        if !password.exists() {
            std::fs::write(&password, &self.server.password).unwrap();
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                // The program warns about a password file that other users can read.
                let permissions = std::fs::Permissions::from_mode(0o600);
                std::fs::set_permissions(&password, permissions).unwrap();
            }
        }
        // FTP_CLI_PROGRAM names another build, such as an optimised one.
        let program = std::env::var_os("FTP_CLI_PROGRAM");
        let program = program.unwrap_or_else(|| env!("CARGO_BIN_EXE_rftp").into());
        let mut command = Command::new(program);
        command.args(arguments).arg("--password-file").arg(password);
        command.arg("--no-netrc").arg("--timeout").arg("20").arg("--retry-delay").arg("0.2");
        command.current_dir(self.home.path()).stdin(Stdio::null());
        // Notes of uploads are not the developer's.
        command.env("XDG_STATE_HOME", self.here("state"));
        if self.scheme == "ftpes" {
            command.arg("--ca").arg(&self.server.ca_file);
        }
        command
    }

    fn rftp(&self, arguments: &[&str]) -> Run {
        run(&mut self.command(arguments))
    }

    #[track_caller]
    fn succeeds(&self, arguments: &[&str]) -> Run {
        let run = self.rftp(arguments);
        assert_eq!(run.code, Some(0), "{self}: {arguments:?}: {run:?}");
        run
    }
}

impl std::fmt::Display for TestFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.server.name, self.scheme)
    }
}

/// Deletes the directory on the server
impl Drop for TestFolder {
    fn drop(&mut self) {
        let _ = self.command(&["rm", "-r", &self.url("")]).output();
    }
}

fn run(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn bytes(length: usize, seed: u32) -> Vec<u8> {
    (0..length as u32).map(|at| ((at ^ seed).wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// Returns all files below a directory, with their contents
fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    try_tree(root).unwrap()
}

/// As [`tree`]; an error if a file disappears meanwhile
fn try_tree(root: &Path) -> std::io::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                let bytes = std::fs::read(&path)?;
                found.insert(path.strip_prefix(root).unwrap().to_owned(), bytes);
            }
        }
    }
    Ok(found)
}

fn make_tree(root: &Path, folders: u32, files: u32, large: usize) {
    for folder in 0..folders {
        let at = root.join(format!("d{}", folder % 3)).join(format!("e{folder}"));
        std::fs::create_dir_all(&at).unwrap();
        for file in 0..files {
            let content = bytes((file as usize * 997) % 9000, folder * 1000 + file);
            std::fs::write(at.join(format!("f{file}")), content).unwrap();
        }
    }
    std::fs::write(root.join("large"), bytes(large, 7)).unwrap();
    std::fs::write(root.join("two words [x] -l"), b"").unwrap();
    // A time in the past, so that a copy that does not keep it differs.
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    for path in tree(root).keys() {
        let file = std::fs::File::options().write(true).open(root.join(path)).unwrap();
        file.set_modified(old).unwrap();
    }
}

/// Returns the value of a key in the summary
fn summary(run: &Run, key: &str) -> u64 {
    let line = run.stdout.lines().last().unwrap_or_default();
    let summary: serde_json::Value = serde_json::from_str(line).unwrap();
    summary[key].as_u64().unwrap()
}

#[test]
fn files_are_uploaded_and_downloaded() {
    for place in places("files") {
        std::fs::write(place.here("file"), bytes(3_000_000, 1)).unwrap();
        place.succeeds(&["put", "file", &place.url("new/"), "--mkdir"]);
        assert_eq!(std::fs::read(place.on_disk().join("new/file")).unwrap(), bytes(3_000_000, 1));
        assert!(!place.on_disk().join("new/file.part").exists());
        place.succeeds(&["get", &place.url("new/file"), "-o", "back", "--verify"]);
        assert_eq!(std::fs::read(place.here("back")).unwrap(), bytes(3_000_000, 1));
        // A part without a state file is not resumed, and does not spoil the file.
        std::fs::write(place.here("back.part"), &bytes(3_000_000, 1)[..2_000_000]).unwrap();
        place.succeeds(&["get", &place.url("new/file"), "-o", "back"]);
        assert_eq!(std::fs::read(place.here("back")).unwrap(), bytes(3_000_000, 1));
        place.succeeds(&["mv", &place.url("new/file"), &place.url("new/moved")]);
        place.succeeds(&["stat", &place.url("new/moved")]);
        let listed = place.succeeds(&["ls", &place.url("new/")]);
        assert_eq!(listed.stdout, "moved\n", "{place}");
        place.succeeds(&["rm", &place.url("new/moved")]);
        place.succeeds(&["info", &place.url("")]);
    }
}

#[test]
fn what_exists_is_kept() {
    for place in places("exists") {
        let names = ["a", "b", "c", "d", "e", ".hidden", "two words"];
        for name in names {
            std::fs::write(place.here(name), name).unwrap();
        }
        let url = place.url("new/deep/");
        let mut arguments = vec!["put", "--no-clobber", "--json", "--mkdir"];
        arguments.extend(names);
        arguments.push(&url);
        let run = place.succeeds(&arguments);
        assert_eq!((summary(&run, "files"), summary(&run, "skipped")), (7, 0), "{place}: {run:?}");
        // None of them is replaced, and neither is a directory.
        std::fs::create_dir(place.on_disk().join("new/deep/f")).unwrap();
        for name in names.into_iter().chain(["f"]) {
            std::fs::write(place.here(name), "another").unwrap();
        }
        arguments.insert(4, "f");
        let run = place.succeeds(&arguments);
        assert_eq!((summary(&run, "files"), summary(&run, "skipped")), (0, 8), "{place}: {run:?}");
        for name in names {
            let there = std::fs::read(place.on_disk().join("new/deep").join(name)).unwrap();
            assert_eq!(there, name.as_bytes(), "{place}");
        }
        place.succeeds(&["touch", &place.url("new/deep/touched")]);
        assert_eq!(
            std::fs::read(place.on_disk().join("new/deep/touched")).unwrap(),
            b"",
            "{place}"
        );
        let file = place.url("new/deep/a");
        let arguments = ["get", "--only-newer", "--json", "-o", "back", &file];
        for (files, kept) in [(1, 0), (0, 1)] {
            let run = place.succeeds(&arguments);
            assert_eq!((summary(&run, "files"), summary(&run, "kept")), (files, kept), "{place}");
        }
    }
}

/// Returns the number of received bytes, from a state file
fn pieces_noted(state: &Path) -> u64 {
    let Ok(text) = std::fs::read_to_string(state) else { return 0 };
    let state: serde_json::Value = serde_json::from_str(&text).unwrap();
    let pieces = state["pieces"].as_array().map(Vec::as_slice).unwrap_or_default();
    pieces.iter().map(|piece| piece[1].as_u64().unwrap() - piece[0].as_u64().unwrap()).sum()
}

#[test]
fn segments_of_one_file_are_joined() {
    let content = bytes(30_000_000, 3);
    for place in places("segments") {
        std::fs::write(place.here("file"), &content).unwrap();
        place.succeeds(&["put", "file", &place.url("new/"), "--mkdir"]);
        let url = place.url("new/file");
        let arguments = ["get", "--segments", "4", "--limit-rate", "30M", &url, "-o", "back"];
        let run = place.succeeds(&arguments);
        let is_alone = run.stderr.contains("one session") || run.stderr.contains("allows");
        assert!(!is_alone, "{place}: {run:?}");
        assert!(std::fs::read(place.here("back")).unwrap() == content, "{place}");
        std::fs::remove_file(place.here("back")).unwrap();
        // The next run resumes a download that was killed.
        let mut child = place.command(&arguments).stdout(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while pieces_noted(&place.here("back.part.state")) < 2_000_000 {
            assert!(begun.elapsed() < Duration::from_secs(60), "{place}: nothing is noted");
            std::thread::sleep(Duration::from_millis(10));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let run = place.succeeds(&["get", "--json", "--segments", "4", &url, "-o", "back"]);
        assert!(std::fs::read(place.here("back")).unwrap() == content, "{place}");
        assert!(summary(&run, "bytes") < 30_000_000, "{place}: {run:?}");
        assert!(!place.here("back.part").exists() && !place.here("back.part.state").exists());
    }
}

/// All of these servers send the end of the new content after the start of the old one
#[test]
fn a_file_that_is_rewritten_in_place_is_fetched_again() {
    let [old, new] = [1, 2].map(|seed| bytes(24_000_000, seed));
    for place in places("rewritten") {
        std::fs::write(place.here("file"), &old).unwrap();
        for command in ["get", "mirror"] {
            place.succeeds(&["put", "--mkdir", "file", &place.url("in/")]);
            let file = std::fs::File::options().write(true).open(place.on_disk().join("in/file"));
            let mut file = file.unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
            let (url, target) = match command {
                "get" => (place.url("in/file"), "-Oget"),
                _ => (place.url("in"), "mirror"),
            };
            let arguments = [command, "--json", "--limit-rate", "24M", &url, target];
            let child = place.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
            let part = place.here(command).join("file.part");
            let begun = Instant::now();
            while part.metadata().map_or(0, |part| part.len()) < 2_000_000 {
                assert!(begun.elapsed() < Duration::from_secs(60), "{place}: nothing comes");
                std::thread::sleep(Duration::from_millis(10));
            }
            file.write_all(&new).unwrap();
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{place} {command}");
            let content = std::fs::read(place.here(command).join("file")).unwrap();
            assert!(content == new, "{place} {command}: {}", pattern(&content, &old, &new));
            assert!(!part.exists(), "{place} {command}");
        }
    }
}

/// Returns which megabytes of a content are old, new, or neither
fn pattern(content: &[u8], old: &[u8], new: &[u8]) -> String {
    let parts = content.chunks(1_000_000).zip(old.chunks(1_000_000)).zip(new.chunks(1_000_000));
    let sign = |((part, old), new): ((&[u8], &[u8]), &[u8])| match part {
        _ if part == old => 'o',
        _ if part == new => 'n',
        _ => '?',
    };
    parts.map(sign).collect()
}

/// Servers report a link's target in different ways, or not at all
#[test]
#[cfg(unix)]
fn links_are_followed_and_loops_end() {
    use std::os::unix::fs::symlink;
    for place in places("links") {
        place.succeeds(&["mkdir", "-p", &place.url("tree/data/")]);
        for (name, content) in [("file", "file"), ("data/inside", "inside")] {
            std::fs::write(place.here("local"), content).unwrap();
            place.succeeds(&["put", "local", &place.url(&format!("tree/{name}"))]);
        }
        let tree = place.on_disk().join("tree");
        symlink("file", tree.join("link")).unwrap();
        symlink("data", tree.join("folder")).unwrap();
        let url = place.url("tree");
        place.succeeds(&["mirror", &url, "plain"]);
        let names = |folder: &str| -> Vec<PathBuf> {
            self::tree(&place.here(folder)).into_keys().collect()
        };
        // pyftpdlib lists the targets of links, so that a client can't see that they are links.
        let shows_links = place.server.name != "pyftpdlib";
        let is_left_out = names("plain") == ["data/inside", "file"].map(PathBuf::from);
        assert_eq!(is_left_out, shows_links, "{place}");
        place.succeeds(&["mirror", "--follow", &url, "followed"]);
        let all = ["data/inside", "file", "folder/inside", "link"].map(PathBuf::from);
        assert_eq!(names("followed"), all, "{place}");
        place.succeeds(&["verify", "--follow", &url, "followed"]);
        symlink("..", tree.join("data/up")).unwrap();
        let run = place.rftp(&["mirror", "--follow", &url, "looped"]);
        assert!(run.code.is_some(), "{place}: {run:?}");
        assert_eq!(
            std::fs::read(place.here("looped/folder/inside")).unwrap(),
            b"inside",
            "{place}"
        );
        let count = self::tree(&place.here("looped")).len();
        assert!(count < 1000, "{place}: {count}");
        for link in ["link", "folder", "data/up"] {
            std::fs::remove_file(tree.join(link)).unwrap();
        }
    }
}

/// pyftpdlib shows links as directories in MLSD; LIST of the other servers omits names that begin with a dot
#[test]
#[cfg(unix)]
fn nothing_behind_links_of_the_target_is_changed() {
    use std::os::unix::fs::symlink;
    for place in places("target") {
        std::fs::write(place.here("file"), "1").unwrap();
        for path in ["precious/sub/file", "up/real/old", "up/.hidden/old", "up/both/kept"] {
            place.succeeds(&["put", "--mkdir", "file", &place.url(path)]);
        }
        let up = place.on_disk().join("up");
        for (path, target) in [
            ("link", "../precious"),
            (".link", "../precious"),
            ("real/in", "../../precious"),
            ("both/out", "../../precious"),
        ] {
            symlink(target, up.join(path)).unwrap();
        }
        let url = place.url("up");
        let preview = place.succeeds(&["rm", "-r", "-n", &url]);
        assert!(preview.stdout.contains("/up/link\n"), "{place}: {preview:?}");
        for unwanted in ["/link/", "/real/in/", "/out/"] {
            assert!(!preview.stdout.contains(unwanted), "{place}: {preview:?}");
        }
        let preview = place.succeeds(&["rm", "-r", "-n", &place.url("up/link")]);
        assert!(!preview.stdout.contains("sub"), "{place}: {preview:?}");
        // A directory of the source, in whose place the target has a link
        std::fs::create_dir_all(place.here("source/link")).unwrap();
        std::fs::create_dir_all(place.here("source/both")).unwrap();
        for path in ["source/link/new", "source/both/kept", "source/both/new"] {
            std::fs::write(place.here(path), "1").unwrap();
        }
        let run = place.rftp(&["mirror", "--delete", "source", &url]);
        assert_eq!(run.code, Some(3), "{place}: {run:?}");
        assert!(run.stderr.contains("link: the target has a symbolic link"), "{place}: {run:?}");
        assert!(up.join("both/new").exists() && up.join("real/old").exists(), "{place}: {run:?}");
        std::fs::remove_dir_all(place.here("source/link")).unwrap();
        place.succeeds(&["mirror", "--delete", "source", &url]);
        let left: Vec<PathBuf> = tree(&up).into_keys().collect();
        // vsftpd has no MLSD, and LIST does not show what begins with a dot.
        let is_hidden = |path: &Path| path.starts_with(".link") || path.starts_with(".hidden");
        let (hidden, shown): (Vec<_>, Vec<_>) = left.iter().partition(|path| is_hidden(path));
        assert_eq!(shown, [Path::new("both/kept"), Path::new("both/new")], "{place}");
        assert!(hidden.is_empty() || place.server.name == "vsftpd", "{place}: {hidden:?}");
        let precious = tree(&place.on_disk().join("precious"));
        assert_eq!(precious.into_keys().collect::<Vec<_>>(), [Path::new("sub/file")], "{place}");
    }
}

#[test]
fn directories_are_compared_and_permissions_kept() {
    for place in places("verify") {
        make_tree(&place.here("source"), 3, 5, 100_000);
        let url = place.url("tree");
        place.succeeds(&["mirror", "--preserve", "mode", "source", &url]);
        place.succeeds(&["verify", "source", &url]);
        place.succeeds(&["verify", &url, "source"]);
        place.succeeds(&["mirror", "--preserve", "mode", &url, "copy"]);
        std::fs::write(place.here("copy/large"), b"other").unwrap();
        let run = place.rftp(&["verify", &url, "copy"]);
        assert_eq!(run.code, Some(9), "{place}: {run:?}");
        assert!(run.stderr.contains("large: differs"), "{place}: {run:?}");
        let end = place.succeeds(&["cat", "--range", "-1000", &place.url("tree/large")]);
        let wanted = String::from_utf8_lossy(&bytes(100_000, 7)[99_000..]).into_owned();
        assert!(end.stdout == wanted, "{place}");
    }
}

#[test]
fn trees_are_uploaded_and_downloaded_once() {
    for place in places("mirror") {
        let source = place.here("source");
        make_tree(&source, 6, 10, 2_000_000);
        place.succeeds(&["mkdir", "-p", &place.url("")]);
        place.succeeds(&["mirror", "source", &place.url("tree"), "-j4"]);
        assert_eq!(tree(&place.on_disk().join("tree")), tree(&source), "{place}");
        let again = place.succeeds(&["mirror", "source", &place.url("tree"), "-j4", "--json"]);
        assert_eq!(
            (summary(&again, "files"), summary(&again, "kept")),
            (0, 62),
            "{place}: {again:?}"
        );
        place.succeeds(&["mirror", &place.url("tree/"), "target", "-j4"]);
        assert_eq!(tree(&place.here("target")), tree(&source), "{place}");
        let again = place.succeeds(&["mirror", &place.url("tree/"), "target", "-j4", "--json"]);
        assert_eq!(
            (summary(&again, "files"), summary(&again, "kept")),
            (0, 62),
            "{place}: {again:?}"
        );
        // Compared by the server's hashes, if it has any.
        let again = place.succeeds(&[
            "mirror",
            &place.url("tree/"),
            "target",
            "--compare",
            "hash",
            "--json",
        ]);
        assert_eq!(
            (summary(&again, "files"), summary(&again, "kept")),
            (0, 62),
            "{place}: {again:?}"
        );
        // Files that were deleted locally are deleted on the server.
        std::fs::remove_dir_all(source.join("d1")).unwrap();
        place.succeeds(&["mirror", "source", &place.url("tree"), "--delete"]);
        assert_eq!(tree(&place.on_disk().join("tree")), tree(&source), "{place}");
    }
}

#[test]
fn refusals_have_their_codes() {
    for place in places("codes") {
        place.succeeds(&["mkdir", "-p", &place.url("")]);
        let missing = place.rftp(&["get", &place.url("none")]);
        assert_eq!(missing.code, Some(8), "{place}: {missing:?}");
        let missing = place.rftp(&["mirror", &place.url("none/"), "target"]);
        assert_eq!(missing.code, Some(8), "{place}: {missing:?}");
        let url = place.url("").replace(&format!("{}@", place.server.user), "nobody-here@");
        let refused = place.rftp(&["get", &format!("{url}file")]);
        assert_eq!(refused.code, Some(6), "{place}: {refused:?}");
        if place.scheme == "ftpes" {
            let mut command = Command::new(env!("CARGO_BIN_EXE_rftp"));
            command.args(["get", "--no-netrc", &place.url("file")]).current_dir(place.home.path());
            let distrusted = run(&mut command);
            assert_eq!(distrusted.code, Some(5), "{place}: {distrusted:?}");
            assert!(distrusted.stderr.contains("--ca"), "{place}: {distrusted:?}");
        }
    }
}

/// vsftpd with six passive ports: it ends sessions for which it finds none (Q148)
#[test]
fn a_server_with_few_passive_ports_loses_no_file() {
    for server in servers::with_few_ports() {
        let place = TestFolder::new(server, "ftp", format!("cli-narrow-{}", std::process::id()));
        make_tree(&place.on_disk(), 10, 60, 1000);
        let run = place.succeeds(&["mirror", &place.url(""), "target", "-j8", "--trace"]);
        assert!(tree(&place.here("target")) == tree(&place.on_disk()), "{run:?}");
        let ended = run.stderr.lines().filter(|line| line.contains("500 OOPS")).count();
        println!("{place}: {ended} sessions were ended");
        assert!(ended > 0, "the case that this test is for did not occur");
    }
}

/// vsftpd with `max_per_ip=4`, and the default of eight threads
#[test]
fn a_server_that_lets_in_four_refuses_one_at_most() {
    for server in servers::limited_to_four() {
        let mut place = TestFolder::new(server, "ftp", format!("cli-four-{}", std::process::id()));
        make_tree(&place.on_disk(), 10, 30, 100_000);
        let relay = relay::Relay::start(place.server.port);
        place.server.port = relay.port;
        let run = place.succeeds(&["mirror", &place.url(""), "target", "--limit-rate", "1M"]);
        assert!(tree(&place.here("target")) == tree(&place.on_disk()), "{run:?}");
        let refused = relay.replies().iter().filter(|reply| reply.starts_with("421")).count();
        let sessions = relay.take().iter().map(|sent| sent.session).max().unwrap() + 1;
        println!("{place}: {sessions} sessions, {refused} refused");
        assert!(refused <= 1, "{refused} of {sessions} sessions were refused");
        // At most one session more: the one that was refused.
        assert!(sessions <= 5, "{sessions}");
    }
}
