//! Removed trees

use super::model::{Model, Node};
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
