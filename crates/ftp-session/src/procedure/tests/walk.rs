//! Walks

use super::links;
use super::model::Model;
use crate::procedure::{Descent, Procedure, Walk, WalkOptions, WalkStep};

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
                let parser = ftp_proto::listing::ListingParser::new();
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
                    let parser = ftp_proto::listing::ListingParser::new();
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

/// The case of pyftpdlib, whose MLSD shows links as their targets
#[test]
fn a_loop_ends_a_walk() {
    let entries = || {
        let line = b"type=dir;unique=1g2; again\r\ntype=file; f\r\n";
        let mut reader =
            ftp_proto::listing::ListingReader::new(ftp_proto::listing::ListingParser::new());
        reader.room()[..line.len()].copy_from_slice(line);
        reader.filled(line.len());
        reader.end();
        std::iter::from_fn(|| reader.next_entry()).collect()
    };
    let mut walk = Walk::new("", WalkOptions::new());
    let mut found = Vec::new();
    loop {
        match walk.step() {
            WalkStep::Entry(one) => found.push((one.path, one.descent)),
            WalkStep::Read(_) => {
                walk.listed(Ok(crate::procedure::Directory {
                    entries: entries(),
                    unknown_lines: 1,
                }));
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
