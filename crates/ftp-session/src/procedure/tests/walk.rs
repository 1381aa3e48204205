//! Walks

use ftp_proto::ReadDir;
use ftp_proto::listing::{EntryKind, ListingParser, ListingReader};

use super::links;
use super::model::Model;
use crate::procedure::{Descent, Directory, Procedure, Walk, WalkOptions, WalkStep};

fn walk(model: &mut Model, options: WalkOptions) -> Vec<(String, Descent)> {
    let mut walk = Walk::new("d", options);
    let mut found = Vec::new();
    loop {
        match walk.step() {
            WalkStep::Entry(one) => {
                found.push((String::from_utf8(one.path).unwrap(), one.descent));
            }
            WalkStep::Failed(failed) => {
                found.push((format!("! {}", failed.path.escape_ascii()), Descent::None));
            }
            WalkStep::Over => return found,
            WalkStep::Read(directory) => {
                let parser = ListingParser::new();
                let result = model.run(Procedure::read_dir(directory, parser));
                walk.listed(result);
            }
        }
        assert!(found.len() < 1000);
    }
}

#[test]
fn a_walk_finds_everything_once() {
    use Descent::{Entered, None};
    let walked = |options| {
        let found = walk(&mut links(), options);
        found.into_iter().map(|(path, descent)| format!("{path} {descent:?}")).collect::<Vec<_>>()
    };
    let line = |path: &str, descent: Descent| format!("{path} {descent:?}");
    let (one, out, itself) = (line("d/one", None), line("d/out", None), line("d/self", None));
    let (sub, empty, two) =
        (line("d/sub", Entered), line("d/sub/empty", Entered), line("d/sub/two", None));
    let first = [&one, &out, &itself, &sub, &empty, &two];
    assert_eq!(walked(WalkOptions::new()).iter().collect::<Vec<_>>(), first);
    let last = [&one, &out, &itself, &empty, &two, &sub];
    assert_eq!(walked(WalkOptions::new().contents_first()).iter().collect::<Vec<_>>(), last);
    let shallow = walked(WalkOptions::new().max_depth(1));
    assert_eq!(shallow.last().unwrap(), &line("d/sub", Descent::TooDeep));
    assert!(walked(WalkOptions::new().max_depth(0)).is_empty());
}

#[test]
fn a_walk_continues_after_a_directory_that_cannot_be_read() {
    for contents_first in [false, true] {
        let mut walk = match contents_first {
            false => Walk::new("d", WalkOptions::new()),
            true => Walk::new("d", WalkOptions::new().contents_first()),
        };
        let mut model = links();
        let (mut found, mut failed, mut listings) = (0, 0, 0);
        loop {
            match walk.step() {
                WalkStep::Entry(_) => found += 1,
                WalkStep::Failed(error) => {
                    assert_eq!(error.path, b"d/sub");
                    failed += 1;
                }
                WalkStep::Over => break,
                WalkStep::Read(directory) => {
                    let parser = ListingParser::new();
                    listings += 1;
                    // Step 0 was the first listing; step 1 is the second.
                    model.fault = (listings == 2).then_some((1, super::model::Fault::Refusal));
                    walk.listed(model.run(Procedure::read_dir(directory, parser)));
                }
            }
        }
        assert_eq!((found, failed, listings), (4, 1, 2));
    }
}

fn listed(lines: &[u8], unknown_lines: u64) -> Directory {
    let mut reader = ListingReader::new(ListingParser::new());
    reader.room()[..lines.len()].copy_from_slice(lines);
    reader.filled(lines.len());
    reader.end();
    let entries = std::iter::from_fn(|| reader.next_entry()).collect();
    Directory { entries, unknown_lines, ..Directory::default() }
}

/// The case of pyftpdlib, whose MLSD shows links as their targets
#[test]
fn a_loop_ends_a_walk() {
    let mut walk = Walk::new("", WalkOptions::new());
    let mut found = Vec::new();
    loop {
        match walk.step() {
            WalkStep::Entry(one) => found.push((one.path, one.descent)),
            WalkStep::Read(_) => {
                walk.listed(Ok(listed(b"type=dir;unique=1g2; again\r\ntype=file; f\r\n", 1)));
            }
            WalkStep::Over => break,
            WalkStep::Failed(error) => panic!("{error:?}"),
        }
    }
    let expected: [(&[u8], _); 4] = [
        (b"again", Descent::Entered),
        (b"again/again", Descent::Loop),
        (b"again/f", Descent::None),
        (b"f", Descent::None),
    ];
    assert!(found.iter().map(|(path, descent)| (&path[..], *descent)).eq(expected), "{found:?}");
    assert_eq!(walk.unknown_lines(), 2);
}

/// What pyftpdlib lists; it does not show `.sub` in LIST here, as other servers do not
#[test]
fn links_that_mlsd_shows_as_directories_are_not_entered() {
    let mlsd = b"type=dir; real\r\ntype=dir; link\r\ntype=file; f\r\ntype=dir; .sub\r\n";
    let list =
        b"drwxr-xr-x 2 u g 0 Jan 01 2020 real\r\nlrwxrwxrwx 1 u g 3 Jan 01 2020 link -> /etc\r\n\
        -rw-r--r-- 1 u g 7 Jan 01 2020 f\r\n";
    let mut walk = Walk::new("", WalkOptions::new().both());
    let (mut found, mut read) = (Vec::new(), Vec::new());
    loop {
        match walk.step() {
            WalkStep::Entry(one) => found.push((one.path, one.entry.kind(), one.descent)),
            WalkStep::Read(directory) => {
                let long = ReadDir::long(directory.path().unwrap_or_default());
                let by_list = format!("{directory:?}") == format!("{long:?}");
                walk.listed(Ok(match (read.len(), by_list) {
                    (0, _) => listed(mlsd, 0),
                    (1, _) => listed(list, 0),
                    _ => listed(b"type=file; x\r\n", 0),
                }));
                read.push(by_list);
            }
            WalkStep::Over => break,
            WalkStep::Failed(error) => panic!("{error:?}"),
        }
    }
    let expected: [(&[u8], _, _); 6] = [
        (b"real", EntryKind::Dir, Descent::Entered),
        (b"real/x", EntryKind::File, Descent::None),
        (b"link", EntryKind::Symlink, Descent::None),
        (b"f", EntryKind::File, Descent::None),
        (b".sub", EntryKind::Dir, Descent::Entered),
        (b".sub/x", EntryKind::File, Descent::None),
    ];
    let found: Vec<_> =
        found.iter().map(|(path, kind, descent)| (&path[..], *kind, *descent)).collect();
    assert_eq!(found, expected);
    // A directory without subdirectories is listed once.
    assert_eq!(read, [false, true, false, false]);
    // A server that lists with LIST is not asked twice.
    let mut walk = Walk::new("", WalkOptions::new().both());
    walk.step();
    walk.listed(Ok(listed(list, 0)));
    assert!(matches!(walk.step(), WalkStep::Entry(_)));
}
