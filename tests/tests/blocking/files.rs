//! Local files, and their content after errors

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use ftp_blocking::{CopyOptions, Error, Get, Mismatch, Put, ResumeOptions};
use ftp_tests::scripted::{Peer, Server, accept, read_all};
use tempfile::TempDir;

use crate::suite::downloads::retr;
use crate::{code, login};

const TEXT: &[u8] = b"0123456789";

/// Creates a folder with the file `f`
fn folder_with(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("f");
    std::fs::write(&local, bytes).unwrap();
    (folder, local)
}

/// Serves SIZE, then `RETR f` from this offset on
fn resumed_download(size: &'static str, offset: u64, bytes: &'static [u8]) -> Server {
    Server::start(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE f", size);
        let listener = s.epsv();
        let mut data = accept(&listener);
        if offset > 0 {
            s.exchange(&format!("REST {offset}"), "350 go on");
        }
        s.exchange("RETR f", "150 here");
        data.write_all(bytes).unwrap();
        drop(data);
        s.reply("226 done");
        s.expect_close();
    })
}

#[test]
fn resuming_a_file() {
    // The break is inside the compared part, at its edge, and after it; SIZE need not be known.
    for (overlap, offset) in [(64, 0), (4, 0), (3, 1), (0, 4)] {
        for size in ["213 10", "500 what?"] {
            let server = resumed_download(size, offset, &TEXT[offset as usize..]);
            let (_folder, local) = folder_with(&TEXT[..4]);
            let mut ftp = login(&server);
            let options = ResumeOptions::new().overlap(overlap);
            ftp.resume_download_with("f", &local, options).unwrap();
            assert_eq!(std::fs::read(&local).unwrap(), TEXT);
            drop(ftp);
            server.join();
        }
    }
}

#[test]
fn a_download_is_resumed_without_a_local_file() {
    let server = resumed_download("213 10", 0, TEXT);
    let (folder, _) = folder_with(b"");
    let mut ftp = login(&server);
    let local = folder.path().join("new");
    ftp.resume_download("f", &local).unwrap();
    assert_eq!(std::fs::read(&local).unwrap(), TEXT);
    drop(ftp);
    server.join();
}

#[test]
fn the_bytes_of_a_resumed_download_that_ends_early_are_kept() {
    let server = resumed_download("213 10", 2, b"23456");
    let (_folder, local) = folder_with(&TEXT[..4]);
    let mut ftp = login(&server);
    let options = ResumeOptions::new().overlap(2);
    let error = ftp.resume_download_with("f", &local, options).unwrap_err();
    assert!(matches!(error, Error::Ftp(ftp_proto::Error::Truncated { .. })), "{error:?}");
    assert_eq!(std::fs::read(&local).unwrap(), &TEXT[..7]);
    drop(ftp);
    server.join();
}

#[test]
fn a_download_is_not_resumed_from_a_shorter_file() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE f", "213 3");
        s.exchange("SIZE f", "500 what?");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("RETR f", "150 here");
        data.write_all(&TEXT[..3]).unwrap();
        drop(data);
        s.reply("226 done");
        s.expect_close();
    });
    let (_folder, local) = folder_with(&TEXT[..4]);
    let mut ftp = login(&server);
    for _ in 0..2 {
        match ftp.resume_download("f", &local).unwrap_err() {
            Error::Mismatch(found) => assert_eq!(found, Mismatch::Size { local: 4, remote: 3 }),
            other => panic!("{other:?}"),
        }
        assert_eq!(std::fs::read(&local).unwrap(), &TEXT[..4]);
    }
    drop(ftp);
    server.join();
}

#[test]
fn a_download_is_not_resumed_from_another_file() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE f", "213 10");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("REST 1", "350 go on, or not");
        s.exchange("RETR f", "150 here");
        // REST is ignored (Q53).
        data.write_all(TEXT).unwrap();
        s.settle();
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let (_folder, local) = folder_with(&TEXT[..4]);
    let mut ftp = login(&server);
    let options = ResumeOptions::new().overlap(3);
    match ftp.resume_download_with("f", &local, options).unwrap_err() {
        Error::Mismatch(found) => assert_eq!(found, Mismatch::Content { from: 1, to: 4 }),
        other => panic!("{other:?}"),
    }
    assert_eq!(std::fs::read(&local).unwrap(), &TEXT[..4]);
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn an_ignored_offset_is_noticed_even_if_all_bytes_are_equal() {
    let server = resumed_download("213 10", 2, b"0000000000");
    let (_folder, local) = folder_with(b"0000");
    let mut ftp = login(&server);
    let options = ResumeOptions::new().overlap(2);
    let error = ftp.resume_download_with("f", &local, options).unwrap_err();
    assert!(matches!(error, Error::Ftp(ftp_proto::Error::TooLong { .. })), "{error:?}");
    assert_eq!(std::fs::read(&local).unwrap(), b"0000");
    drop(ftp);
    server.join();
}

#[test]
fn a_refused_download_leaves_the_local_file_alone() {
    let server = retr(|s, data| {
        s.reply("550 no such file");
        drop(data);
        s.expect_close();
    });
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("f");
    std::fs::write(&local, b"precious").unwrap();
    let mut ftp = login(&server);
    assert_eq!(code(&ftp.download_file("f", &local).unwrap_err()), 550);
    assert_eq!(std::fs::read(&local).unwrap(), b"precious");
    drop(ftp);
    server.join();
}

#[test]
fn resuming_a_local_file() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        // The existing part is compared, and the missing part appended.
        s.exchange("SIZE f", "213 4");
        s.send_file("RETR f", b"0123");
        assert_eq!(s.receive_file("APPE f"), b"456789");
        s.exchange("SIZE f", "213 10");
        // The remote file does not exist.
        s.exchange("SIZE f", "550 no such file");
        assert_eq!(s.receive_file("STOR f"), b"0123456789");
        s.exchange("SIZE f", "213 10");
        // It does not exist, and the server stores too little of it.
        s.exchange("SIZE f", "550 no such file");
        assert_eq!(s.receive_file("STOR f"), b"0123456789");
        s.exchange("SIZE f", "213 9");
        // The remote file is too long.
        s.exchange("SIZE f", "213 11");
        // The remote file has other content.
        s.exchange("SIZE f", "213 4");
        s.send_file("RETR f", b"01X3");
        // Nothing is compared, and the file becomes too long.
        s.exchange("SIZE f", "213 4");
        assert_eq!(s.receive_file("APPE f"), b"456789");
        s.exchange("SIZE f", "213 14");
        assert_eq!(s.receive_file("STOR f"), b"0123456789");
        s.expect_close();
    });
    let (folder, local) = folder_with(TEXT);
    let mut ftp = login(&server);
    ftp.resume_upload(&local, "f").unwrap();
    ftp.resume_upload(&local, "f").unwrap();
    let none = ResumeOptions::new().overlap(0);
    for (options, expected) in [
        (ResumeOptions::new(), Mismatch::Size { local: 10, remote: 9 }),
        (ResumeOptions::new(), Mismatch::Size { local: 10, remote: 11 }),
        (ResumeOptions::new(), Mismatch::Content { from: 0, to: 4 }),
        (none, Mismatch::Size { local: 10, remote: 14 }),
    ] {
        match ftp.resume_upload_with(&local, "f", options).unwrap_err() {
            Error::Mismatch(found) => assert_eq!(found, expected),
            other => panic!("{other:?}"),
        }
    }
    ftp.upload_file("f", &local).unwrap();
    // Nothing is sent for a local file that does not exist.
    assert!(matches!(ftp.upload_file("f", folder.path().join("g")).unwrap_err(), Error::Local(_)));
    drop(ftp);
    server.join();
}

#[test]
fn files_are_compared_by_size_and_hash() {
    const CRC: &str = "a684c7c6";
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE f", "213 9");
        // With a server without hashes, the size is compared.
        s.exchange("SIZE f", "213 10");
        s.exchange("FEAT", "211 nothing");
        s.exchange("SIZE f", "213 10");
        // FEAT is sent only once, unless something may have changed the answer.
        s.exchange("OPTS UTF8 OFF", "200 as you like");
        s.exchange("SIZE f", "213 10");
        s.expect("FEAT");
        s.reply("211-Features:");
        s.reply(" XCRC");
        s.reply("211 End");
        s.exchange("XCRC f", &format!("250 {}", CRC.to_uppercase()));
        s.exchange("SIZE f", "213 10");
        s.exchange("XCRC f", "250 a684c7c7");
        s.expect_close();
    });
    let (_folder, local) = folder_with(TEXT);
    let mut ftp = login(&server);
    let error = ftp.verify_file("f", &local).unwrap_err();
    assert!(matches!(error, Error::Mismatch(Mismatch::Size { local: 10, remote: 9 })), "{error:?}");
    assert!(!error.is_fatal());
    for _ in 0..2 {
        let proof = ftp.verify_file("f", &local).unwrap();
        assert_eq!((proof.size, proof.hash), (10, None));
    }
    ftp.command("OPTS", "UTF8 OFF").unwrap();
    let proof = ftp.verify_file("f", &local).unwrap();
    assert_eq!(proof.hash.unwrap().to_string(), CRC);
    let error = ftp.verify_file("f", &local).unwrap_err();
    let text = "local and remote file differ: CRC32 is a684c7c6 here, a684c7c7 on the server";
    assert_eq!(error.to_string(), text);
    drop(ftp);
    server.join();
}

/// Serves an upload that the client aborts after an event; returns what it has sent until then
fn aborted_upload(
    login: impl FnOnce(&mut Peer) + Send + 'static,
    command: &'static str,
    happens: impl FnOnce() + Send + 'static,
) -> (Server, Receiver<Vec<u8>>) {
    let (sender, received) = channel();
    let server = Server::start(move |s| {
        s.welcome();
        login(s);
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.expect(command);
        happens();
        s.reply("150 send it");
        s.expect("ABOR");
        sender.send(read_all(&mut data)).unwrap();
        // In clear text, a server that has seen the end of the connection takes it for the end of the file.
        s.reply("226 stored");
        s.reply("226 nothing to abort");
        s.exchange("REST 0", "350 restart at 0");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    (server, received)
}

#[test]
fn a_source_of_lines_that_fails_does_not_complete_the_file() {
    /// A source of lines that ends with a read error
    struct Disk(usize);
    impl Read for Disk {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.min(buffer.len());
            self.0 -= count;
            buffer[..count].fill(b'\n');
            match count {
                0 => Err(io::Error::new(io::ErrorKind::StorageFull, "bad sector")),
                count => Ok(count),
            }
        }
    }
    // Less and more than is buffered before it is sent.
    for lines in [0, 3, 100_000] {
        let ascii = |s: &mut Peer| s.exchange("TYPE A", "200 ascii");
        let (server, received) = aborted_upload(ascii, "STOR f", || {});
        let mut ftp = login(&server);
        let source = BufReader::new(Disk(lines)).split(b'\n');
        let error = ftp.try_put_lines("f", source).unwrap_err();
        let Error::Local(cause) = &error else { panic!("{error:?}") };
        assert_eq!((cause.kind(), &*cause.to_string()), (io::ErrorKind::StorageFull, "bad sector"));
        assert!(received.recv().unwrap().len() <= 2 * lines);
        ftp.noop().unwrap();
        drop(ftp);
        server.join();
    }
}

#[test]
fn lines_of_a_source_that_may_fail_and_does_not() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE A", "200 ascii");
        assert_eq!(s.receive_file("STOR f"), b"one\r\n\r\ntwo\r\n");
        s.expect_close();
    });
    let mut ftp = login(&server);
    assert_eq!(ftp.try_put_lines("f", (&b"one\n\ntwo"[..]).lines()).unwrap().bytes, 12);
    drop(ftp);
    server.join();
}

/// Another program shortens the local file, before or after the last bytes were written to it
#[test]
fn a_local_file_that_becomes_shorter_does_not_complete_a_resumed_download() {
    for written in [false, true] {
        let (_folder, local) = folder_with(&TEXT[..4]);
        let file = std::fs::OpenOptions::new().write(true).open(&local).unwrap();
        let server = Server::start(move |s| {
            s.welcome();
            s.exchange("TYPE I", "200 binary");
            s.exchange("SIZE f", "213 10");
            let listener = s.epsv();
            let mut data = accept(&listener);
            s.exchange("REST 4", "350 go on");
            // The local file is opened before the command is sent.
            s.exchange("RETR f", "150 here");
            if written {
                data.write_all(&TEXT[4..]).unwrap();
                drop(data);
                while file.metadata().unwrap().len() < 10 {
                    std::thread::yield_now();
                }
                // The length is checked once more directly after the write.
                std::thread::sleep(Duration::from_millis(100));
                file.set_len(2).unwrap();
                s.reply("226 done");
            } else {
                file.set_len(2).unwrap();
                data.write_all(&TEXT[4..]).unwrap();
                s.settle();
            }
            s.exchange("NOOP", "200 yes");
            s.expect_close();
        });
        let mut ftp = login(&server);
        let none = ResumeOptions::new().overlap(0);
        let error = ftp.resume_download_with("f", &local, none).unwrap_err();
        let Error::Local(cause) = &error else { panic!("{error:?}") };
        assert_eq!(cause.kind(), io::ErrorKind::InvalidData, "{error}");
        assert_eq!(std::fs::read(&local).unwrap(), &TEXT[..2]);
        ftp.noop().unwrap();
        drop(ftp);
        server.join();
    }
}

/// A device has no length that could be compared
#[test]
#[cfg(unix)]
fn a_download_into_a_device_is_not_taken_for_one_into_a_file_that_was_shortened() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE f", "213 1000000");
        s.send_file("RETR f", &[7; 1_000_000]);
        s.expect_close();
    });
    let mut ftp = login(&server);
    assert_eq!(ftp.resume_download("f", "/dev/null").unwrap().bytes, 1_000_000);
    drop(ftp);
    server.join();
}

/// A line ending is one byte in the local file and two on the network, so the same byte has two offsets
#[test]
fn a_text_is_not_continued_at_an_offset_of_a_local_file() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let (_folder, local) = folder_with(b"one\ntwo\n");
    let mut ftp = login(&server);
    let get = Get::new("f").ascii().resume_at(4);
    let put = Put::new("f").ascii().resume_at(4);
    for result in [ftp.download_file(get, &local), ftp.upload_file(put, &local)] {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::InvalidRequest { .. }) && !error.is_fatal(), "{error:?}");
        assert!(error.to_string().contains("transfer the whole text"), "{error}");
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);
    }
    assert_eq!(std::fs::read(&local).unwrap(), b"one\ntwo\n");
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn a_file_that_becomes_shorter_does_not_complete_the_upload() {
    for (size, command, left) in [("550 no such file", "STOR f", 3), ("213 2", "APPE f", 1)] {
        let (_folder, local) = folder_with(TEXT);
        let file = std::fs::OpenOptions::new().write(true).open(&local).unwrap();
        let ask = move |s: &mut Peer| {
            s.exchange("TYPE I", "200 binary");
            s.exchange("SIZE f", size);
        };
        // The file is opened before the command is sent.
        let (server, received) = aborted_upload(ask, command, move || file.set_len(3).unwrap());
        let mut ftp = login(&server);
        let none = ResumeOptions::new().overlap(0);
        let error = ftp.resume_upload_with(&local, "f", none).unwrap_err();
        let Error::Local(cause) = &error else { panic!("{error:?}") };
        assert_eq!(cause.kind(), io::ErrorKind::UnexpectedEof);
        assert!(error.to_string().contains("bytes 3 to 10 are gone"), "{error}");
        assert_eq!(received.recv().unwrap().len(), left);
        ftp.noop().unwrap();
        drop(ftp);
        server.join();
    }
    let (_folder, local) = folder_with(TEXT);
    let file = std::fs::OpenOptions::new().write(true).open(&local).unwrap();
    let image = |s: &mut Peer| s.exchange("TYPE I", "200 binary");
    let (server, _received) = aborted_upload(image, "STOR f", move || file.set_len(0).unwrap());
    let mut ftp = login(&server);
    let error = ftp.upload_file("f", &local).unwrap_err();
    assert!(matches!(&error, Error::Local(cause) if cause.kind() == io::ErrorKind::UnexpectedEof));
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn the_error_of_another_sessions_download_is_not_an_error_of_this_session() {
    let (begin, begun) = channel();
    let source = retr(move |s, mut data| {
        s.reply("150 here");
        begun.recv().unwrap();
        data.write_all(b"half").unwrap();
        drop(data);
        s.reply("426 disk broken");
        s.expect_close();
    });
    let image = |s: &mut Peer| s.exchange("TYPE I", "200 binary");
    let (target, _received) = aborted_upload(image, "STOR f", move || begin.send(()).unwrap());
    let mut from = login(&source);
    let mut to = login(&target);
    let mut download = from.get("f").unwrap();
    let error = to.upload_from("f", &mut download).unwrap_err();
    let Error::Local(cause) = &error else { panic!("{error:?}") };
    assert_eq!(code(Error::in_io(cause).unwrap()), 426);
    assert!(error.reply().is_none() && !error.is_transient());
    to.noop().unwrap();
    drop(download);
    drop((from, to));
    source.join();
    target.join();
}

#[test]
fn an_error_of_another_sessions_upload_is_not_an_error_of_this_session() {
    /// An upload whose server closes the connection
    struct Other;
    impl Write for Other {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            let eof = ftp_proto::Error::from(ftp_proto::ConnectionError::Eof);
            Err(Error::from(eof).into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let server = retr(|s, mut data| {
        s.reply("150 here");
        data.write_all(b"data").unwrap();
        s.settle();
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let error = ftp.download_to("f", &mut Other).unwrap_err();
    let Error::Local(cause) = &error else { panic!("{error:?}") };
    assert!(Error::in_io(cause).unwrap().is_fatal() && !error.is_fatal());
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn lines_have_the_limit_that_was_set() {
    let line = format!("{}\r\n", "x".repeat(8193));
    let server = Server::start(move |s| {
        s.welcome();
        s.exchange("TYPE A", "200 text");
        // The first file never ends, so the client has to abort it.
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("RETR f", "150 here it comes");
        data.write_all(line.as_bytes()).unwrap();
        s.settle();
        for _ in 0..2 {
            s.send_file("RETR f", line.as_bytes());
        }
        s.expect_close();
    });
    let mut ftp = login(&server);
    let limit = |result| match result {
        Err(Error::LineTooLong { limit }) => Some(limit),
        result => result.map(|_: ftp_proto::Transfer| None).unwrap(),
    };
    assert_eq!(limit(ftp.get_lines("f", |_| {})), Some(8192));
    ftp.set_line_limit(8193);
    let mut length = 0;
    assert_eq!(limit(ftp.get_lines("f", |line| length = line.len())), None);
    assert_eq!(length, 8193);
    ftp.set_line_limit(usize::MAX);
    assert_eq!(limit(ftp.get_lines("f", |_| {})), None);
    drop(ftp);
    server.join();
}

/// The text names the file and the reason
#[test]
fn errors_of_local_files_name_them() {
    let missing = std::env::temp_dir().join("no such directory, surely").join("f");
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.expect_close();
    });
    let mut ftp = login(&server);
    ftp.command("TYPE", "I").unwrap();
    let errors = [
        ftp.upload_file("f", &missing).unwrap_err(),
        ftp.resume_upload(&missing, "f").unwrap_err(),
    ];
    for error in errors {
        let Error::Local(inner) = &error else { panic!("{error:?}") };
        assert_eq!(inner.kind(), io::ErrorKind::NotFound);
        for error in [&error, &error.duplicate()] {
            let text = error.to_string();
            assert!(
                text.contains("no such directory, surely") && text.contains("(os error"),
                "{text}"
            );
            assert!(std::error::Error::source(error).is_none(), "the text says everything: {text}");
        }
    }
    drop(ftp);
    server.join();
}

#[test]
fn progress_and_block_size() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.send_file("RETR f", &[1; 1000]);
        s.expect_close();
    });
    let mut ftp = login(&server);
    let mut seen = Vec::new();
    let mut report = |bytes| seen.push(bytes);
    let options = CopyOptions::new().block_size(100).progress(&mut report);
    ftp.get("f").unwrap().copy_to(&mut io::sink(), options).unwrap();
    assert!(seen.len() >= 10 && seen.is_sorted());
    assert_eq!(seen.last(), Some(&1000));
    drop(ftp);
    server.join();
}
