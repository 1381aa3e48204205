//! Local files that another program changes during a transfer

use std::fs::OpenOptions;
use std::io::{self, Write};

use crate::driver::Error;
use crate::{login, serve};
use ftp_tests::scripted::accept;

/// Another program appends to the local file while the download is under way
#[test]
fn a_local_file_that_becomes_longer_does_not_complete_its_download() {
    for (resumes, before) in [(false, None), (true, None), (true, Some(b"01"))] {
        let folder = tempfile::tempdir().unwrap();
        let local = folder.path().join("f");
        if let Some(bytes) = before {
            std::fs::write(&local, bytes).unwrap();
        }
        let path = local.clone();
        let server = serve(move |s| {
            s.welcome();
            s.exchange("TYPE I", "200 binary");
            if resumes {
                s.exchange("SIZE f", "213 10");
            }
            let listener = s.epsv();
            let mut data = accept(&listener);
            s.exchange("RETR f", "150 here");
            data.write_all(b"01234").unwrap();
            while std::fs::metadata(&path).map_or(0, |file| file.len()) < 5 {
                std::thread::yield_now();
            }
            OpenOptions::new().append(true).open(&path).unwrap().write_all(b"other").unwrap();
            // The client may have closed the connection already.
            let _ = data.write_all(b"56789");
            drop(data);
            s.reply("226 done");
            // Whether the client aborts the transfer depends on when it sees the other bytes.
            while let Some(command) = s.command() {
                match &*command {
                    b"ABOR" => s.reply("226 nothing to abort"),
                    b"REST 0" => s.reply("350 restart at 0"),
                    _ => s.reply("200 yes"),
                }
            }
        });
        let mut ftp = login(&server);
        let result = match resumes {
            false => ftp.download_file("f", &local),
            true => ftp.resume_download("f", &local),
        };
        let error = result.unwrap_err();
        let Error::Local(cause) = &error else { panic!("{error:?}") };
        assert_eq!(cause.kind(), io::ErrorKind::InvalidData, "{error}");
        assert_eq!(std::fs::read(&local).unwrap(), b"01234other");
        ftp.noop().unwrap();
        drop(ftp);
        server.join();
    }
}
