//! Removed trees

use super::model::{Listings, Model, Node, Pwd};
use super::{file, links};
use crate::error::Error;
use crate::procedure::{Procedure, RemoveOptions};

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

/// Apache FtpServer takes `~` for the root, wherever it is in a path
#[test]
fn a_name_that_leads_to_the_root_is_not_entered() {
    for tilde_is_root in [true, false] {
        let mut model = links();
        model.tilde_is_root = tilde_is_root;
        model.tree.insert("/home/d/~".to_owned(), Node::Dir);
        model.tree.insert("/home/d/~/x".to_owned(), file(b"x"));
        let result = model.run(Procedure::remove_dir_all("d", RemoveOptions::new().keep_going()));
        assert_eq!(result.is_ok(), !tilde_is_root, "{result:?}");
        assert!(outside_is_intact(&model));
        assert_eq!(model.tree.contains_key("/home/d/~/x"), tilde_is_root);
    }
}

#[test]
fn some_paths_are_never_removed() {
    for path in ["", "/", "//", ".", "./", "..", "../x", "d/..", "/home/../precious"] {
        let mut model = links();
        let result = model.run(Procedure::remove_dir_all(path, RemoveOptions::new()));
        assert!(matches!(result, Err(Error::InvalidRequest { .. })), "{path}");
        assert!(model.commands.is_empty() && model.tree == links().tree);
        assert!(
            matches!(RemoveOptions::new().check(path), Err(Error::InvalidRequest { .. })),
            "{path}"
        );
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
    model.listings.hides_dots = true;
    model.tree.insert("/home/d/sub/.git".into(), Node::Dir);
    model.tree.insert("/home/d/sub/.git/.x".into(), file(b"x"));
    model.tree.insert("/home/d/.out".into(), Node::Link("/precious"));
    model.run(Procedure::remove_dir_all("d", RemoveOptions::new())).unwrap();
    assert!(outside_is_intact(&model) && !model.tree.contains_key("/home/d"));
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

/// Links and their targets, with listings that do not show that they are links
fn disguises() -> Vec<(&'static str, &'static str, Listings)> {
    let plain = Listings::default;
    vec![
        (".link", "/precious", Listings { hides_dots: true, ..plain() }),
        (".link", "/precious", Listings { hides_dots: true, no_options: true, ..plain() }),
        // ProFTPD omits links to `.` and `..`.
        ("d/up", "/home", Listings { omits: vec!["up"], ..plain() }),
        ("d/dot", "/home/d", Listings { omits: vec!["dot"], ..plain() }),
        ("link", "/precious", Listings { closed: vec!["/home"], ..plain() }),
        ("/home/d/sub/link", "/precious", Listings { closed: vec!["/home/d/sub"], ..plain() }),
        ("/link", "/precious", Listings { closed: vec![""], ..plain() }),
        ("d/link", "/precious/link", Listings { closed: vec!["/home/d"], ..plain() }),
        ("link", "/precious", Listings { without_kinds: true, ..plain() }),
        // The names differ in case.
        ("link", "/precious", Listings { in_upper_case: true, ..plain() }),
    ]
}

fn with_node(path: &str, node: Node, listings: Listings, pwd: Pwd) -> Model {
    let mut model = links();
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/home/{path}") };
    model.tree.insert("/precious/link".into(), Node::Dir);
    model.tree.insert("/precious/link/a".into(), file(b"a"));
    if node == Node::Dir {
        model.tree.insert(format!("{path}/inner"), file(b"i"));
    }
    model.tree.insert(path, node);
    (model.listings, model.pwd) = (listings, pwd);
    model
}

#[test]
fn a_link_that_the_listing_does_not_show_is_not_entered() {
    for (path, target, listings) in disguises() {
        for pwd in [Pwd::Resolved, Pwd::Refused] {
            let before = with_node(path, Node::Link(target), listings.clone(), pwd);
            let mut model = before.clone();
            let error =
                model.run(Procedure::remove_dir_all(path, RemoveOptions::new())).unwrap_err();
            match &error {
                Error::NotADirectory { .. } if listings.hides_dots && !listings.no_options => {}
                Error::MayBeLink { working_directory, .. } => {
                    assert_eq!(working_directory.is_some(), pwd == Pwd::Resolved, "{error}");
                }
                _ => panic!("{path} {listings:?} {pwd:?} {error:?}"),
            }
            assert!(model.tree == before.tree, "{path} {:#?}", model.commands);
            before.run_with_faults(
                || Procedure::remove_dir_all(path, RemoveOptions::new().keep_going()),
                |model, _| assert!(model.tree == before.tree, "{path} {:#?}", model.commands),
            );
        }
    }
}

/// PWD says nothing there, so RMD's refusal and the other name must
#[test]
fn a_link_is_not_entered_where_pwd_repeats_what_was_sent() {
    for (path, target, listings) in disguises() {
        let mut before = with_node(path, Node::Link(target), listings.clone(), Pwd::AsSent);
        before.gives_reasons = true;
        let mut model = before.clone();
        model.run(Procedure::remove_dir_all(path, RemoveOptions::new())).unwrap_err();
        assert!(model.tree == before.tree, "{path} {:#?}", model.commands);
        before.gives_reasons = false;
        if listings.in_upper_case || listings.hides_dots && !listings.no_options {
            let mut model = before.clone();
            model.run(Procedure::remove_dir_all(path, RemoveOptions::new())).unwrap_err();
            assert!(model.tree == before.tree, "{path} {:#?}", model.commands);
        }
    }
    let listings = Listings { follow_links: true, ..Listings::default() };
    let mut model = with_node("link", Node::Link("/precious"), listings, Pwd::AsSent);
    model.gives_reasons = true;
    let error = model.run(Procedure::remove_dir_all("link", RemoveOptions::new())).unwrap_err();
    assert!(matches!(error, Error::NotADirectory { .. }), "{error:?}");
    assert!(outside_is_intact(&model));
}

#[test]
fn a_directory_that_the_listing_does_not_show_is_removed_if_pwd_proves_it() {
    for (path, _, listings) in disguises() {
        // It is listed, too, when its contents are removed.
        if listings.without_kinds || listings.in_upper_case {
            continue;
        }
        let before = with_node(path, Node::Dir, listings.clone(), Pwd::Resolved);
        let mut model = before.clone();
        let result = model.run(Procedure::remove_dir_all(path, RemoveOptions::new()));
        assert!(result.is_ok(), "{path} {listings:?} {result:?} {:#?}", model.commands);
        assert_eq!(model.tree.len() + 2, before.tree.len());
        // Without PWD, the directory that `-a` shows is the only one that is known.
        let mut model = before.clone();
        model.pwd = Pwd::Refused;
        let result = model.run(Procedure::remove_dir_all(path, RemoveOptions::new()));
        match listings.hides_dots && !listings.no_options {
            true => assert!(result.is_ok(), "{result:?}"),
            false => {
                assert!(matches!(result, Err(Error::MayBeLink { .. })), "{path} {result:?}");
                assert!(model.tree == before.tree);
            }
        }
    }
}

/// The cost of the proof is paid only where it is needed
#[test]
fn a_directory_that_the_listing_shows_takes_no_further_round_trips() {
    let mut model = links();
    model.run(Procedure::remove_dir_all("d", RemoveOptions::new())).unwrap();
    let proofs = model
        .commands
        .iter()
        .filter(|command| ["Canonicalize", "All"].iter().any(|request| command.contains(request)));
    assert_eq!(proofs.count(), 0, "{:#?}", model.commands);
}

#[test]
fn an_item_of_unknown_kind_in_a_tree_is_not_entered() {
    let mut model = links();
    model.listings.without_kinds = true;
    model.stuck = vec!["/home/d/out"];
    let options = RemoveOptions::new().keep_going();
    let error = model.run(Procedure::remove_dir_all("d", options)).unwrap_err();
    let Error::NotRemoved(removal) = &error else { panic!("{error:?}") };
    let left: Vec<_> = removal.left.iter().map(|left| &*left.path).collect();
    assert_eq!(left, [&b"d/out"[..], b"d/sub"]);
    assert!(removal.left.iter().all(|left| matches!(left.error, Error::MayBeLink { .. })));
    assert!(outside_is_intact(&model) && model.tree.contains_key("/home/d/sub/two"));
}

/// RMD's refusal says of a link in a tree, shown as a directory, that it is none
#[test]
fn a_link_in_a_tree_that_is_shown_as_a_directory_is_not_entered() {
    let mut model = links();
    model.listings.follow_links = true;
    model.gives_reasons = true;
    model.stuck = vec!["/home/d/out", "/home/d/self"];
    let options = RemoveOptions::new().keep_going();
    model.run(Procedure::remove_dir_all("d", options)).unwrap_err();
    assert!(outside_is_intact(&model) && model.tree.contains_key("/home/d/out"));
}
