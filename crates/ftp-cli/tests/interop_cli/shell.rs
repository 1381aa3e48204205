//! `shell`, `mirror --state` and `-j auto`

use std::io::Write as _;
use std::process::Stdio;

use super::{Run, bytes, make_tree, places, summary, tree};

#[test]
fn a_shell_does_everything_over_one_session() {
    for place in places("shell") {
        place.succeeds(&["mkdir", "-p", &place.url("")]);
        std::fs::write(place.here("large"), bytes(2_000_000, 5)).unwrap();
        for name in ["a.csv", "b.csv", "two words"] {
            std::fs::write(place.here(name), name).unwrap();
        }
        let lines = "mkdir d\ncd d\nmput *.csv\nput large 'two words'\ncd ..\nls d\n\
                     mv d/a.csv 'd/a a.csv'\nget -o back d/large\nrm d/large\ncat d/b.csv\n\
                     mget 'd/*.csv' -O got\nrm none\nrm -r d\nls\n";
        let mut command = place.command(&["shell", &place.url("")]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let run = Run {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        // `rm none` fails, and nothing else.
        assert_eq!((run.code, run.stderr.lines().count()), (Some(8), 1), "{place}: {run:?}");
        // Servers list in any order.
        let lines: Vec<&str> = run.stdout.lines().collect();
        for name in ["a.csv", "b.csv", "large", "two words"] {
            assert!(lines.contains(&name), "{place}: {name}: {run:?}");
        }
        assert!(std::fs::read(place.here("back")).unwrap() == bytes(2_000_000, 5), "{place}");
        let got = tree(&place.here("got"));
        let names: Vec<_> = got.keys().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(names, ["a a.csv", "b.csv"], "{place}");
        assert!(!place.on_disk().join("d").exists(), "{place}");
    }
}

#[test]
fn what_was_mirrored_does_not_come_again() {
    for place in places("state") {
        let source = place.here("source");
        make_tree(&source, 3, 5, 100_000);
        place.succeeds(&["mkdir", "-p", &place.url("")]);
        let url = place.url("tree");
        let up = ["mirror", "--state", "up", "-j", "auto", "source", &url, "--json"];
        let down = ["mirror", "--state", "down", "-j", "auto", &url, "target", "--json"];
        let count = tree(&source).len() as u64;
        for arguments in [up, down] {
            let first = place.succeeds(&arguments);
            assert_eq!(summary(&first, "files"), count, "{place}: {first:?}");
        }
        assert_eq!(tree(&place.here("target")), tree(&source), "{place}");
        // What has come was taken away, and one file has changed.
        std::fs::remove_dir_all(place.here("target")).unwrap();
        std::fs::write(source.join("large"), "changed").unwrap();
        for arguments in [up, down] {
            let second = place.succeeds(&arguments);
            let counts = (summary(&second, "files"), summary(&second, "kept"));
            assert_eq!(counts, (1, count - 1), "{place}: {second:?}");
        }
        assert_eq!(std::fs::read(place.here("target/large")).unwrap(), b"changed", "{place}");
    }
}
