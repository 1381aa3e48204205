//! Modification times

use super::model::{Dialect, Model, Node, time};
use super::with_file;
use crate::error::Error;
use crate::learned::TimeCommand;
use crate::procedure::Procedure;

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
        (Dialect::MdtmSets, TimeCommand::Mdtm, 4, 1),
        (Dialect::UtimeUtc, TimeCommand::UtimeUtc, 6, 1),
        (Dialect::Utime, TimeCommand::Utime, 7, 1),
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
    for dialect in [
        Dialect::None,
        Dialect::Yes,
        Dialect::Superfluous,
        Dialect::MdtmAsks,
        Dialect::Mute,
        Dialect::MfmtReports,
    ] {
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
    for requests in [6, 0] {
        model.commands.clear();
        model.run(Procedure::set_modified("f", time(WHEN))).unwrap_err();
        assert_eq!(model.commands.len() - 2, requests, "{:#?}", model.commands);
    }
}

/// Reading the time back proves nothing there
#[test]
fn a_file_that_had_the_time_before_proves_no_command() {
    for dialect in [Dialect::None, Dialect::Yes, Dialect::MdtmAsks, Dialect::MfmtReports] {
        for difference in [0, 1] {
            let mut model = with_file(b"x");
            model.dialect = dialect;
            model.tree.insert("/home/g".into(), Node::File(b"x".to_vec(), time(WHEN + difference)));
            model.run(Procedure::set_modified("g", time(WHEN))).unwrap();
            let result = model.run(Procedure::set_modified("f", time(WHEN)));
            assert!(matches!(result, Err(Error::TimeNotSet { .. })), "{dialect:?} {result:?}");
            assert_eq!(modified(&model), 0);
        }
    }
    // A command that works is proven by the next file.
    for (dialect, requests) in [(Dialect::MdtmSets, [4, 3, 1]), (Dialect::UtimeUtc, [4, 5, 1])] {
        let mut model = with_file(b"x");
        model.dialect = dialect;
        model.tree.insert("/home/g".into(), Node::File(b"x".to_vec(), time(WHEN)));
        for (path, requests) in ["g", "f", "f"].into_iter().zip(requests) {
            model.commands.clear();
            model.run(Procedure::set_modified(path, time(WHEN))).unwrap();
            assert_eq!(model.commands.len() - 2, requests, "{dialect:?} {:#?}", model.commands);
            assert!(path == "g" || modified(&model) == WHEN);
        }
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
        Dialect::MfmtReports,
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
