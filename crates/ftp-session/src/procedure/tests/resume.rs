//! Transfers of local files

use ftp_proto::{Get, Put};

use super::model::{Model, Node, Sizes};
use super::{REMOTE, file, remote, with_file};
use crate::error::{Error, Mismatch};
use crate::procedure::{Procedure, ResumeOptions};

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
                if model.fault == Some((0, super::model::Fault::Refusal)) {
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
fn a_text_is_not_continued_at_an_offset() {
    for offset in [0, 4] {
        let (get, put) = (Get::new("f").ascii(), Put::new("f").ascii());
        for procedure in [
            Procedure::download_file(get.resume_at(offset)),
            Procedure::upload_file(put.resume_at(offset)),
        ] {
            let mut model = with_file(REMOTE);
            model.local = Some(REMOTE.to_vec());
            let result = model.run(procedure);
            if offset == 0 {
                result.unwrap();
            } else {
                assert!(matches!(result, Err(Error::InvalidRequest { .. })), "{result:?}");
                assert_eq!(model.commands, [] as [String; 0]);
            }
        }
    }
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

/// Without SIZE, the end of the server's file is known only if some of the compared bytes arrive
#[test]
fn a_size_that_is_not_known_is_not_reported() {
    for (overlap, expected) in [
        (12, Mismatch::Size { local: 12, remote: 10 }),
        (3, Mismatch::Size { local: 12, remote: 10 }),
        (2, Mismatch::Shorter { local: 12, most: 10 }),
        (1, Mismatch::Shorter { local: 12, most: 11 }),
    ] {
        let mut model = with_file(REMOTE);
        model.knows_size = false;
        model.local = Some(b"0123456789ab".to_vec());
        let options = ResumeOptions::new().overlap(overlap);
        match model.run(Procedure::resume_download("f", options)) {
            Err(Error::Mismatch(found)) => assert_eq!(found, expected),
            other => panic!("{other:?}"),
        }
        assert_eq!(model.local.as_deref(), Some(&b"0123456789ab"[..]));
    }
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

#[test]
fn an_upload_of_which_the_server_loses_a_byte_is_no_success() {
    for before in [None, Some(&b""[..]), Some(b"0123")] {
        for options in [ResumeOptions::new(), ResumeOptions::new().verify()] {
            let mut model = with_file(before.unwrap_or_default());
            if before.is_none() {
                model.tree.remove("/home/f");
            }
            model.local = Some(REMOTE.to_vec());
            model.loses_a_byte = true;
            let error = model.run(Procedure::resume_upload("f", options)).unwrap_err();
            let expected = Mismatch::Size { local: 10, remote: 9 };
            assert!(
                matches!(&error, Error::Mismatch(found) if *found == expected),
                "{before:?}: {error:?}"
            );
        }
    }
}

#[test]
fn an_upload_that_the_server_takes_away_is_a_success() {
    let mut model = with_file(b"");
    model.tree.remove("/home/f");
    model.local = Some(REMOTE.to_vec());
    model.takes_away = true;
    model.run(Procedure::resume_upload("f", ResumeOptions::new())).unwrap();
}

#[test]
fn a_resumed_download_whose_file_another_program_extends_is_no_success() {
    for before in [None, Some(&b""[..]), Some(b"0123"), Some(REMOTE)] {
        let mut model = with_file(REMOTE);
        model.local = before.map(<[u8]>::to_vec);
        model.local_grows = true;
        let error = model.run(Procedure::resume_download("f", ResumeOptions::new())).unwrap_err();
        assert!(matches!(error, Error::Local(_)), "{before:?}: {error:?}");
    }
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
    // This one shows such names.
    model.tree.insert("/home/.other".to_owned(), file(b"x"));
    model.run(Procedure::resume_upload(".f", ResumeOptions::new())).unwrap();
    assert_eq!(model.tree.get("/home/.f"), Some(&file(REMOTE)));
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
