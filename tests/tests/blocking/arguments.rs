//! Arguments that can't be sent

use ftp_blocking::{Client, Error, Get, Put, ReadDir, RemoveOptions, TransferType, WalkOptions};
use ftp_blocking::{copy_between_servers, ftp_proto};
use ftp_proto::Timestamp;
use ftp_tests::scripted::Server;

use crate::login;

fn serve() -> Server {
    Server::start(|s| {
        s.welcome();
        s.expect_close();
    })
}

#[track_caller]
fn refused<T>(result: Result<T, Error>) {
    let error = result.err();
    let is_refused = matches!(error, Some(Error::Ftp(ftp_proto::Error::InvalidArgument(_))));
    assert!(is_refused, "{error:?}");
}

/// The manual promises it, also for operations of several requests
#[test]
fn nothing_is_sent_of_an_operation_with_a_line_break_in_its_path() {
    let server = serve();
    let mut ftp = login(&server);
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("file");
    std::fs::write(&local, b"content").unwrap();
    let now = Timestamp::from_unix(0).unwrap();
    for path in ["a\nb", "a/\r\nDELE f", "a\0"] {
        refused(ftp.create_dir_all(path));
        refused(ftp.remove_dir_all(path));
        refused(ftp.remove_dir_all_with(path, RemoveOptions::new().keep_going()));
        refused(ftp.set_modified(path, now));
        refused(ftp.verify_file(path, &local));
        refused(ftp.resume_download(path, &local));
        refused(ftp.resume_upload(&local, path));
        refused(ftp.download_file(path, &local));
        refused(ftp.upload_file(path, &local));
        refused(ftp.read_dir(path).map(drop));
        refused(ftp.read_dir(ReadDir::all(path)).map(drop));
        for options in [WalkOptions::new(), WalkOptions::new().long(), WalkOptions::new().both()] {
            let found = ftp.walk(path, options).next().unwrap();
            refused(found.map_err(|error| error.error));
        }
        refused(ftp.get(path).map(drop));
        refused(ftp.get(Get::new(path).ascii().resume_at(1)).map(drop));
        refused(ftp.put(Put::new(path)).map(drop));
        refused(ftp.facts(path));
        refused(ftp.canonicalize(path));
        refused(ftp.hash(path));
        refused(ftp.size(path));
        refused(ftp.mdtm(path));
        refused(ftp.rename("f", path));
        refused(ftp.rename(path, "f"));
    }
    assert_eq!(std::fs::read(&local).unwrap(), b"content");
    ftp.close();
    server.join();
}

#[test]
fn nothing_is_sent_to_either_server_of_a_copy() {
    for (of, to) in [("a\nb", "c"), ("c", "a\nb")] {
        let servers = [serve(), serve()];
        let [mut source, mut target]: [Client; 2] = [login(&servers[0]), login(&servers[1])];
        let copied = copy_between_servers(&mut source, of, &mut target, to, TransferType::Image);
        let text = format!("{:?}", copied.unwrap_err());
        assert!(text.contains("InvalidArgument"), "{text}");
        source.close();
        target.close();
        servers.into_iter().for_each(Server::join);
    }
}
