//! Tests procedures with a server and a local file in memory, without faults and with every fault at every step

mod model;

use super::{Descent, Procedure, RemoveOptions, ResumeOptions, Walk, WalkOptions, WalkStep};
use crate::error::{Error, Mismatch};
use crate::learned::TimeCommand;
use ftp_proto::{Get, Put};
use model::{Dialect, Model, Node, Sizes, time};

const REMOTE: &[u8] = b"0123456789";

fn file(bytes: &[u8]) -> Node {
    Node::File(bytes.to_vec(), time(0))
}

fn with_file(bytes: &[u8]) -> Model {
    Model::new(&[("/home", Node::Dir), ("/home/f", file(bytes))])
}

fn remote(model: &Model) -> Option<&[u8]> {
    match model.tree.get("/home/f") {
        Some(Node::File(bytes, _)) => Some(bytes),
        _ => None,
    }
}

/// Whatever goes wrong, the existing local bytes are kept, and a success means a whole file
#[test]
fn a_resumed_download_never_harms_the_local_file() {
    let mut cases = 0;
    for local in
        [None, Some(&b""[..]), Some(b"0123"), Some(REMOTE), Some(b"0x23"), Some(b"0123456789ab")]
    {
        for overlap in [0, 2, 64] {
            for (knows_size, ignores_offsets) in
                [(true, false), (true, true), (false, false), (false, true)]
            {
                // Only the size could show that the offset was ignored, and the machine checks that.
                if ignores_offsets && overlap == 0 {
                    continue;
                }
                let mut model = with_file(REMOTE);
                (model.knows_size, model.ignores_offsets) = (knows_size, ignores_offsets);
                model.local = local.map(<[u8]>::to_vec);
                let options = ResumeOptions::new().overlap(overlap);
                let procedure = || Procedure::resume_download("f", options);
                model.run_with_faults(procedure, |model, result| {
                    cases += 1;
                    let before = local.unwrap_or_default();
                    let after = model.local.as_deref().unwrap_or_default();
                    assert!(after.starts_with(before), "{before:?} {after:?} {result:?}");
                    // Nothing is compared, or only bytes that are equal.
                    let unseen = before == b"0x23" && overlap < 64
                        || before.len() > REMOTE.len() && overlap == 0;
                    if result.is_ok() && !unseen {
                        assert_eq!(after, REMOTE, "{:#?}", model.commands);
                    }
                    assert_eq!(remote(model), Some(REMOTE));
                });
            }
        }
    }
    assert!(cases > 1000, "{cases}");
}

/// Whatever goes wrong, the bytes before the offset are kept, and all bytes if the server has refused; a success means
/// a whole file
#[test]
fn a_download_into_a_file_replaces_it_from_the_offset_on() {
    let mut cases = 0;
    for local in [None, Some(&b""[..]), Some(b"0123"), Some(b"0123ab"), Some(b"0123456789ab")] {
        for offset in [0, 4] {
            let mut model = with_file(REMOTE);
            model.local = local.map(<[u8]>::to_vec);
            let procedure = || Procedure::download_file(Get::new("f").resume_at(offset));
            model.run_with_faults(procedure, |model, result| {
                cases += 1;
                let before = local.unwrap_or_default();
                let after = model.local.as_deref().unwrap_or_default();
                if before.len() < offset as usize {
                    assert!(result.is_err() && after == before, "{after:?}");
                    return;
                }
                assert!(after.starts_with(&before[..offset as usize]), "{after:?}");
                if result.is_ok() {
                    assert_eq!(after, REMOTE, "{:#?}", model.commands);
                }
                // RETR comes first.
                if model.fault == Some((0, model::Fault::Refusal)) {
                    assert_eq!(after, before);
                }
            });
        }
    }
    assert!(cases > 20, "{cases}");
}

/// Whatever goes wrong, a success means a whole file
#[test]
fn an_upload_from_a_file_is_whole_or_an_error() {
    let mut cases = 0;
    for (local, offset) in [(REMOTE, 0), (b"", 0), (b"012", 4)] {
        let mut model = with_file(b"0123");
        model.local = Some(local.to_vec());
        let procedure = || Procedure::upload_file(Put::new("f").resume_at(offset));
        model.run_with_faults(procedure, |model, result| {
            cases += 1;
            assert_eq!(model.local.as_deref(), Some(local));
            if local.len() < offset as usize {
                assert!(matches!(result, Err(Error::Local(_))) && model.commands.len() == 1);
            }
            if result.is_ok() {
                assert_eq!(remote(model), Some(local), "{:#?}", model.commands);
            }
        });
    }
    assert!(cases > 10, "{cases}");
}

#[test]
fn a_download_is_not_resumed_from_another_file() {
    let mut model = with_file(REMOTE);
    model.local = Some(b"0x23".to_vec());
    let error = model.run(Procedure::resume_download("f", ResumeOptions::new())).unwrap_err();
    assert!(matches!(error, Error::Mismatch(Mismatch::Content { from: 0, to: 4 })), "{error:?}");
    model.local = Some(b"0123456789ab".to_vec());
    let error = model.run(Procedure::resume_download("f", ResumeOptions::new())).unwrap_err();
    assert!(matches!(error, Error::Mismatch(Mismatch::Size { local: 12, remote: 10 })));
}

/// Whatever goes wrong, a success means a whole file, and a file of another origin is not touched
#[test]
fn a_resumed_upload_is_whole_or_an_error() {
    let mut cases = 0;
    for before in
        [None, Some(&b""[..]), Some(b"0123"), Some(REMOTE), Some(b"0x23"), Some(b"0123456789ab")]
    {
        let mut model = with_file(before.unwrap_or_default());
        if before.is_none() {
            model.tree.remove("/home/f");
        }
        model.local = Some(REMOTE.to_vec());
        let procedure = || Procedure::resume_upload("f", ResumeOptions::new());
        model.run_with_faults(procedure, |model, result| {
            cases += 1;
            assert_eq!(model.local.as_deref(), Some(REMOTE));
            let after = remote(model);
            if result.is_ok() {
                assert_eq!(after, Some(REMOTE), "{:#?}", model.commands);
            }
            // A refusal of SIZE does not mean that the file is missing.
            if matches!(before, Some(b"0x23" | b"0123456789ab")) {
                assert_eq!(after, before, "{:#?}", model.commands);
            }
        });
    }
    assert!(cases > 50, "{cases}");
}

/// A file counts as missing only if the server says so, or if a listing shows it
#[test]
fn a_refusal_of_size_does_not_mean_a_missing_file() {
    let upload = || Procedure::resume_upload("f", ResumeOptions::new());
    let mut model = Model::new(&[("/home", Node::Dir), ("/home/other", file(b"x"))]);
    model.local = Some(REMOTE.to_vec());
    model.sizes = Sizes::Vague;
    model.run(upload()).unwrap();
    assert_eq!(remote(&model), Some(REMOTE));

    for name in ["f", "F"] {
        let path = format!("/home/{name}");
        let mut model = Model::new(&[("/home", Node::Dir), (&path, file(b"theirs"))]);
        model.local = Some(REMOTE.to_vec());
        model.sizes = Sizes::Denied;
        let error = model.run(upload()).unwrap_err();
        assert_eq!(error.reply().unwrap().code().get(), 550);
        assert_eq!(model.tree.get(&path), Some(&file(b"theirs")));
    }
    // A listing may omit this name, so it proves nothing.
    let mut model = with_file(b"");
    model.local = Some(REMOTE.to_vec());
    model.sizes = Sizes::Denied;
    model.run(Procedure::resume_upload(".f", ResumeOptions::new())).unwrap_err();
    assert_eq!(model.tree.get("/home/.f"), None);
}

#[test]
fn a_proof_needs_both_sizes() {
    let mut model = with_file(REMOTE);
    model.local = Some(REMOTE.to_vec());
    model.run_with_faults(
        || Procedure::verify_file("f"),
        |model, result| {
            assert!(result.is_err() || model.fault.is_some_and(|(step, _)| step > 2));
        },
    );
    model.local = Some(REMOTE[1..].to_vec());
    let error = model.run(Procedure::verify_file("f")).unwrap_err();
    assert!(matches!(error, Error::Mismatch(Mismatch::Size { local: 9, remote: 10 })));
}

fn tree() -> Model {
    Model::new(&[
        ("/home", Node::Dir),
        ("/home/there", Node::Dir),
        ("/home/there/deep", Node::Dir),
        ("/home/file", file(b"x")),
    ])
}

#[test]
fn directories_are_made_with_their_parents() {
    for (path, made) in [
        ("", 0),
        ("/", 0),
        ("there", 0),
        ("there/deep/", 0),
        ("new", 1),
        ("a/b/c/d", 4),
        ("there/deep/new", 1),
        ("there/a/b", 2),
        ("/x/y", 2),
    ] {
        let mut model = tree();
        assert_eq!(model.run(Procedure::create_dir_all(path)).unwrap(), made, "{path}");
        assert_eq!(model.tree[&absolute(path)], Node::Dir);
        assert_eq!(model.working_directory, "/home");
    }
}

fn absolute(path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("/home/{path}") };
    whole.trim_end_matches('/').to_owned()
}

/// The most frequent case costs the least
#[test]
fn few_round_trips_make_a_directory() {
    for (path, most) in [("new", 1), ("there/new", 1), ("there", 4), ("there/a/b", 5)] {
        let mut model = tree();
        model.run(Procedure::create_dir_all(path)).unwrap();
        assert!(model.commands.len() <= most, "{path}: {:#?}", model.commands);
    }
}

#[test]
fn a_file_in_the_way_of_a_directory_is_an_error_of_its_own() {
    for (path, at) in [("file", "file"), ("file/a/b", "file")] {
        let mut model = tree();
        match model.run(Procedure::create_dir_all(path)).unwrap_err() {
            Error::NotADirectory { path } => assert_eq!(path, at.as_bytes()),
            error => panic!("{error:?}"),
        }
        assert_eq!(model.working_directory, "/home");
    }
    let mut model = tree();
    model.stuck = vec!["/home/there/no"];
    let error = model.run(Procedure::create_dir_all("there/no/deeper")).unwrap_err();
    assert_eq!(error.reply().unwrap().code().get(), 550);
}

/// Regression: a parent that another client created in the meantime was taken for one that had been there before
#[test]
fn several_clients_make_the_same_directories() {
    for (meanwhile, made) in [
        (vec!["/home/a"], 2),
        (vec!["/home/a", "/home/a/b"], 1),
        (vec!["/home/a", "/home/a/b", "/home/a/b/c"], 0),
    ] {
        let mut model = tree();
        model.meanwhile = meanwhile;
        assert_eq!(model.run(Procedure::create_dir_all("a/b/c")).unwrap(), made);
        assert_eq!(model.tree["/home/a/b/c"], Node::Dir);
        assert_eq!(model.working_directory, "/home");
    }
}

#[test]
fn a_directory_reported_as_made_exists_whatever_fails() {
    let mut cases = 0;
    for path in ["there", "a/b/c", "there/deep/x/y", "file/x"] {
        tree().run_with_faults(
            || Procedure::create_dir_all(path),
            |model, result| {
                cases += 1;
                if result.is_ok() {
                    assert_eq!(model.tree.get(&absolute(path)), Some(&Node::Dir));
                    assert_eq!(model.working_directory, "/home");
                }
                assert_eq!(model.tree["/home/file"], file(b"x"));
            },
        );
    }
    assert!(cases > 60, "{cases}");
}

/// A tree with links to files that must not be removed
fn links() -> Model {
    Model::new(&[
        ("/home", Node::Dir),
        ("/home/d", Node::Dir),
        ("/home/d/one", file(b"1")),
        ("/home/d/out", Node::Link("/precious")),
        ("/home/d/self", Node::Link("/home/d")),
        ("/home/d/sub", Node::Dir),
        ("/home/d/sub/two", file(b"2")),
        ("/home/d/sub/empty", Node::Dir),
        ("/home/link", Node::Link("/precious")),
        ("/home/file", file(b"x")),
        ("/precious", Node::Dir),
        ("/precious/a", file(b"a")),
    ])
}

fn outside_is_intact(model: &Model) -> bool {
    ["/precious/a", "/home/file", "/home/link"].iter().all(|path| model.tree.contains_key(*path))
}

#[test]
fn a_tree_is_removed_and_what_its_links_point_to_is_not() {
    for path in ["d", "/home/d", "./d/"] {
        let mut model = links();
        let removal = model.run(Procedure::remove_dir_all(path, RemoveOptions::new())).unwrap();
        assert_eq!((removal.files, removal.directories, removal.left_count), (4, 3, 0));
        assert!(model.tree.keys().all(|path| !path.starts_with("/home/d")));
        assert!(outside_is_intact(&model));
    }
}

#[test]
fn some_paths_are_never_removed() {
    for path in ["", "/", "//", ".", "./", "..", "../x", "d/..", "/home/../precious"] {
        let mut model = links();
        let result = model.run(Procedure::remove_dir_all(path, RemoveOptions::new()));
        assert!(matches!(result, Err(Error::Local(_))), "{path}");
        assert!(model.commands.is_empty() && model.tree == links().tree);
        assert!(matches!(RemoveOptions::new().check(path), Err(Error::Local(_))), "{path}");
    }
    for (path, plain) in [("d", "d"), ("//d/", "/d"), ("./d/.//e", "d/e"), ("..d", "..d")] {
        assert_eq!(RemoveOptions::new().check(path).unwrap(), plain.as_bytes());
    }
    for path in ["link", "file"] {
        let mut model = links();
        let result = model.run(Procedure::remove_dir_all(path, RemoveOptions::new()));
        assert!(matches!(result, Err(Error::NotADirectory { .. })), "{path}");
        assert_eq!(model.tree, links().tree);
    }
    let result = links().run(Procedure::remove_dir_all("missing", RemoveOptions::new()));
    assert!(result.unwrap_err().is_missing());
}

#[test]
fn items_that_cannot_be_removed_are_reported() {
    for (options, files) in [(RemoveOptions::new(), 0), (RemoveOptions::new().keep_going(), 3)] {
        let mut model = links();
        model.stuck = vec!["/home/d/one", "/home/d/sub/empty"];
        let error = model.run(Procedure::remove_dir_all("d", options)).unwrap_err();
        let Error::NotRemoved(removal) = &error else { panic!("{error:?}") };
        let left: Vec<_> =
            removal.left.iter().map(|left| left.path.escape_ascii().to_string()).collect();
        match files {
            0 => assert_eq!(left, ["d/one"]),
            _ => assert_eq!(left, ["d/one", "d/sub/empty"]),
        }
        assert_eq!((removal.files, removal.left_count), (files, left.len() as u64));
        assert!(error.to_string().contains("d/one"), "{error}");
        assert!(outside_is_intact(&model));
    }
}

#[test]
fn hidden_files_are_found_before_a_directory_is_left() {
    let mut model = links();
    model.hides_dots = true;
    model.tree.insert("/home/d/sub/.git".into(), Node::Dir);
    model.tree.insert("/home/d/sub/.git/.x".into(), file(b"x"));
    model.tree.insert("/home/d/.out".into(), Node::Link("/precious"));
    model.run(Procedure::remove_dir_all("d", RemoveOptions::new())).unwrap();
    assert!(outside_is_intact(&model) && !model.tree.contains_key("/home/d"));
    assert_eq!(model.working_directory, "/home");
}

#[test]
fn a_tree_reported_as_removed_is_gone_whatever_fails() {
    let mut cases = 0;
    for options in [RemoveOptions::new(), RemoveOptions::new().keep_going()] {
        links().run_with_faults(
            || Procedure::remove_dir_all("d", options),
            |model, result| {
                cases += 1;
                assert!(outside_is_intact(model), "{:#?}", model.commands);
                if result.is_ok() {
                    assert!(!model.tree.contains_key("/home/d"), "{:#?}", model.commands);
                }
            },
        );
    }
    assert!(cases > 80, "{cases}");
}

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
                    model.fault = (listings == 2).then_some((1, model::Fault::Refusal));
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
                walk.listed(Ok(super::Directory { entries: entries(), unknown_lines: 1 }));
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

const WHEN: i64 = 1_700_000_000;

fn modified(model: &Model) -> i64 {
    match &model.tree["/home/f"] {
        Node::File(_, time) => time.to_unix(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn times_are_set_by_whatever_the_server_has() {
    for (dialect, command, first, later) in [
        (Dialect::Mfmt, TimeCommand::Mfmt, 1, 1),
        (Dialect::MdtmSets, TimeCommand::Mdtm, 3, 1),
        (Dialect::UtimeUtc, TimeCommand::UtimeUtc, 5, 1),
        (Dialect::Utime, TimeCommand::Utime, 6, 1),
    ] {
        let mut model = with_file(b"x");
        model.dialect = dialect;
        for (seconds, most) in [(WHEN, first), (WHEN + 100, later)] {
            model.commands.clear();
            let procedure = Procedure::set_modified("f", time(seconds));
            assert_eq!(model.run(procedure).unwrap(), command);
            assert_eq!(modified(&model), seconds);
            // Two of the commands only recall and remember.
            assert_eq!(model.commands.len() - 2, most, "{:#?}", model.commands);
        }
    }
}

#[test]
fn a_time_that_was_not_set_is_never_a_success() {
    for dialect in
        [Dialect::None, Dialect::Yes, Dialect::Superfluous, Dialect::MdtmAsks, Dialect::Mute]
    {
        let mut model = with_file(b"x");
        model.dialect = dialect;
        let error = model.run(Procedure::set_modified("f", time(WHEN))).unwrap_err();
        assert!(matches!(error, Error::TimeNotSet { reply: Some(_) }), "{dialect:?} {error:?}");
        assert_eq!(modified(&model), 0);
    }
    // A command that worked before does nothing now.
    let mut model = with_file(b"x");
    model.run(Procedure::set_modified("f", time(7))).unwrap();
    model.dialect = Dialect::Superfluous;
    model.run(Procedure::set_modified("f", time(WHEN))).unwrap_err();
    assert_eq!(modified(&model), 7);
    // Commands that are known not to work are not sent again.
    let mut model = with_file(b"x");
    model.dialect = Dialect::None;
    for requests in [5, 0] {
        model.commands.clear();
        model.run(Procedure::set_modified("f", time(WHEN))).unwrap_err();
        assert_eq!(model.commands.len() - 2, requests, "{:#?}", model.commands);
    }
}

#[test]
fn a_time_is_set_or_an_error_is_reported_whatever_fails() {
    let mut cases = 0;
    for dialect in [
        Dialect::Mfmt,
        Dialect::MdtmSets,
        Dialect::UtimeUtc,
        Dialect::Utime,
        Dialect::Yes,
        Dialect::MdtmAsks,
    ] {
        let mut model = with_file(b"x");
        model.dialect = dialect;
        model.run_with_faults(
            || Procedure::set_modified("f", time(WHEN)),
            |model, result| {
                cases += 1;
                if result.is_ok() {
                    assert_eq!(modified(model), WHEN, "{dialect:?} {:#?}", model.commands);
                }
            },
        );
    }
    assert!(cases > 60, "{cases}");
}

#[test]
fn a_missing_file_does_not_mean_an_unknown_command() {
    for dialect in [Dialect::Mfmt, Dialect::MdtmSets, Dialect::UtimeUtc] {
        let mut model = with_file(b"x");
        model.dialect = dialect;
        let error = model.run(Procedure::set_modified("g", time(WHEN))).unwrap_err();
        assert!(error.is_missing(), "{dialect:?} {error:?}");
        // The command is not taken for one that the server does not support.
        model.run(Procedure::set_modified("f", time(WHEN))).unwrap();
        assert_eq!(modified(&model), WHEN);
    }
}
