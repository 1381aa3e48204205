//! Paths that can't be sent

use ftp_proto::Error as FtpError;

use super::model::{Model, time};
use super::{REMOTE, links, with_file};
use crate::error::Error;
use crate::procedure::{Procedure, RemoveOptions, ResumeOptions};

fn refuses<T>(mut model: Model, path: &[u8], procedure: Procedure<T>) {
    let (tree, local) = (model.tree.clone(), model.local.clone());
    let error = model.run(procedure).err();
    assert!(
        matches!(error, Some(Error::Ftp(FtpError::InvalidArgument(_)))),
        "{}: {error:?}",
        path.escape_ascii()
    );
    assert_eq!(model.commands, [""; 0], "{}", path.escape_ascii());
    assert_eq!((model.tree, model.local), (tree, local), "{}", path.escape_ascii());
}

/// Regression: `remove_dir_all` listed the parent, `create_dir_all` made the parent, `resume_upload` listed it
#[test]
fn nothing_is_done_with_a_path_that_can_not_be_sent() {
    let endless = [b'a'; 5000];
    for path in [&b"a\nb"[..], b"d/a\r\nDELE f", b"\0", b"new/\r", &endless] {
        refuses(links(), path, Procedure::create_dir_all(path));
        refuses(links(), path, Procedure::remove_dir_all(path, RemoveOptions::new()));
        refuses(links(), path, Procedure::set_modified(path, time(0)));
        for local in [None, Some(REMOTE.to_vec())] {
            let model = || {
                let mut model = with_file(REMOTE);
                model.local = local.clone();
                model
            };
            let options = ResumeOptions::new();
            refuses(model(), path, Procedure::resume_download(path, options));
            refuses(model(), path, Procedure::resume_upload(path, options));
            refuses(model(), path, Procedure::verify_file(path));
        }
    }
}
