//! Directories with their parents

use super::file;
use super::model::{Model, Node, absolute};
use crate::error::Error;
use crate::procedure::Procedure;

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
    }
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
                }
                assert_eq!(model.tree["/home/file"], file(b"x"));
            },
        );
    }
    assert!(cases > 60, "{cases}");
}
