//! What calls leave behind that have failed, reached their deadline, or whose transfer was forgotten

use std::io::{Read, Write};
use std::time::Duration;

use ftp_blocking::ftp_tls::TlsVersion;
use ftp_blocking::{Error, List, Options, ReadDir, TlsPolicy};
use ftp_tests::net::Listener;
use ftp_tests::scripted::{Server, accept, obey, read_all};
use ftp_tests::tls::{Tls, trusting};

use crate::{at_once, config, login, login_with};

/// The deadline of a call
const LIMIT: Duration = Duration::from_secs(1);

/// As with other calls: nothing runs between two of them
#[test]
fn a_pause_after_a_stalled_transfer_does_not_count_for_a_procedure() {
    for first in [false, true] {
        let server = Server::start(|s| {
            s.welcome();
            s.exchange("TYPE I", "200 binary");
            let listener = s.epsv();
            let _data = accept(&listener);
            s.exchange("RETR f", "150 here");
            s.settle();
            obey(s);
        });
        let mut config = config();
        config.data_timeout = Duration::from_millis(200);
        config.settle_timeout = Duration::from_secs(2);
        let mut ftp = login_with(&server, config);
        ftp.get("f").and_then(|download| download.finish()).unwrap_err();
        std::thread::sleep(Duration::from_secs(3));
        if first {
            ftp.remove_dir_all("").unwrap_err();
        }
        ftp.create_dir_all("d").unwrap();
        drop(ftp);
        server.join();
    }
}

/// A call that ends at its deadline, at each stage of a download; the next transfer gets its own bytes and size
#[test]
fn deadlines_at_each_stage_of_a_download() {
    // At the same time, because they wait.
    std::thread::scope(|scope| {
        for stage in 0..6 {
            for procedure in [false, true] {
                scope.spawn(move || deadline_at(stage, procedure));
            }
        }
    });
}

/// The server pauses at this stage; a procedure that fails before its first request may come next
fn deadline_at(stage: usize, procedure: bool) {
    let server = Server::start(move |s| {
        s.welcome();
        let mut paused = false;
        let mut pause = |at: usize| {
            if at == stage && !std::mem::replace(&mut paused, true) {
                std::thread::sleep(LIMIT + LIMIT / 2);
            }
        };
        let mut old = None;
        let mut is_first = true;
        let mut listener = None;
        while let Some(command) = s.command() {
            let command = String::from_utf8(command).unwrap();
            match &*command {
                "TYPE I" => {
                    if is_first {
                        pause(0);
                    }
                    s.reply("200 binary");
                }
                "EPSV" => {
                    if is_first {
                        pause(1);
                    }
                    let new = Listener::bind((s.ip(), 0)).unwrap();
                    let port = new.local_addr().unwrap().port();
                    s.reply(&format!("229 (|||{port}|)"));
                    listener = Some(new);
                }
                "RETR old" => {
                    is_first = false;
                    pause(2);
                    s.reply("150 old (31337 bytes)");
                    let listener = listener.take().unwrap();
                    let mut data = accept(&listener);
                    pause(3);
                    let _ = data.write_all(&[b'o'; 1000]);
                    pause(4);
                    let _ = data.write_all(&[b'o'; 1000]);
                    if stage == 5 {
                        drop(data);
                        pause(5);
                        s.reply("226 old");
                    } else {
                        old = Some(data);
                    }
                }
                "ABOR" => {
                    if old.take().is_some() {
                        s.reply("426 cut");
                    }
                    s.reply("226 aborted");
                }
                "REST 0" => s.reply("350 at 0"),
                "NOOP" => s.reply("200 yes"),
                "RETR new" => {
                    is_first = false;
                    s.reply("150 new");
                    let listener = listener.take().unwrap();
                    let mut data = accept(&listener);
                    data.write_all(b"new bytes").unwrap();
                    drop(data);
                    s.reply("226 new");
                }
                "QUIT" => s.reply("221 bye"),
                other => panic!("{other}"),
            }
        }
    });
    let mut ftp = login_with(&server, Options::new(config()).deadline(LIMIT));
    let mut bytes = Vec::new();
    let error = ftp.download_to("old", &mut bytes).unwrap_err();
    assert!(matches!(error, Error::Deadline { .. }), "{stage}: {error:?}");
    std::thread::sleep(LIMIT);
    if procedure {
        ftp.remove_dir_all("").unwrap_err();
    }
    // The rest of the pause may use up the first call.
    let mut attempts = 0..6;
    let mut download = loop {
        assert!(attempts.next().is_some(), "{stage} {procedure}");
        match ftp.get("new") {
            Ok(download) => break download,
            Err(error) => assert!(matches!(error, Error::Deadline { .. }), "{error:?}"),
        }
    };
    assert_eq!(download.size_hint(), None, "{stage}");
    let mut bytes = Vec::new();
    download.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, b"new bytes", "{stage}");
    drop(download);
    drop(ftp);
    server.join();
}

/// A guard that was forgotten, then each kind of call
#[test]
fn forgotten_guards() {
    for next in 0..7 {
        let server = Server::start(move |s| {
            s.welcome();
            s.exchange("TYPE I", "200 binary");
            let listener = s.epsv();
            let mut data = accept(&listener);
            s.exchange("RETR f", "150 here (1000 bytes)");
            data.write_all(b"old bytes").unwrap();
            s.settle();
            drop(data);
            let mut listener = None;
            while let Some(command) = s.command() {
                let command = String::from_utf8(command).unwrap();
                match command.split(' ').next().unwrap() {
                    "EPSV" => {
                        let new = Listener::bind((s.ip(), 0)).unwrap();
                        let port = new.local_addr().unwrap().port();
                        s.reply(&format!("229 (|||{port}|)"));
                        listener = Some(new);
                    }
                    "RETR" | "LIST" | "NLST" => {
                        s.reply("150 new");
                        let mut data = accept(&listener.take().unwrap());
                        data.write_all(b"new\r\n").unwrap();
                        drop(data);
                        s.reply("226 new");
                    }
                    "STOR" => {
                        s.reply("150 new");
                        let mut data = accept(&listener.take().unwrap());
                        assert_eq!(read_all(&mut data), b"mine");
                        s.reply("226 new");
                    }
                    "MKD" => s.reply("257 \"/d\" made"),
                    "PWD" => s.reply("257 \"/\""),
                    "QUIT" => s.reply("221 bye"),
                    "CWD" => s.reply("550 none"),
                    _ => s.reply("200 fine"),
                }
            }
        });
        let mut ftp = login(&server);
        std::mem::forget(ftp.get("f").unwrap());
        at_once(|| match next {
            0 => ftp.noop().map(drop).unwrap(),
            1 => {
                let mut download = ftp.get("g").unwrap();
                assert_eq!(download.size_hint(), None);
                let mut bytes = Vec::new();
                download.read_to_end(&mut bytes).unwrap();
                assert_eq!(bytes, b"new\r\n");
            }
            2 => {
                let mut upload = ftp.put("g").unwrap();
                upload.write_all(b"mine").unwrap();
                upload.finish().unwrap();
            }
            3 => {
                ftp.remove_dir_all("").unwrap_err();
                ftp.create_dir_all("d").map(drop).unwrap();
            }
            4 => assert_eq!(ftp.names("").unwrap(), [b"new"]),
            5 => {
                let result = ftp.upload_file("f", "/nonexistent/nowhere").unwrap_err();
                assert!(matches!(result, Error::Local(_)));
                let listing = ftp.list(List::names("")).unwrap();
                assert_eq!(listing.collect_lines().unwrap(), [b"new"]);
            }
            _ => {
                let entries = ftp.read_dir(ReadDir::long("")).unwrap();
                let names = entries.map(|entry| entry.unwrap().name().to_vec());
                assert_eq!(names.collect::<Vec<_>>(), [b"new"]);
            }
        });
        drop(ftp);
        server.join();
    }
}

/// Whether an owned transfer's error has the client
#[test]
fn a_client_is_returned_while_its_session_lives() {
    for close in [false, true] {
        for upload in [false, true] {
            let server = Server::start(move |s| {
                s.welcome();
                s.exchange("TYPE I", "200 binary");
                let listener = s.epsv();
                let mut data = accept(&listener);
                s.expect(if upload { "STOR f" } else { "RETR f" });
                s.reply("150 here");
                if !upload {
                    data.write_all(b"some").unwrap();
                }
                if close {
                    return;
                }
                s.reply("451 failed");
                drop(data);
                obey(s);
            });
            let client = login(&server);
            let result = at_once(|| match upload {
                true => client.into_put("f").and_then(|mut upload| {
                    while upload.write_all(&[0; 10_000]).is_ok() {}
                    upload.finish()
                }),
                false => client.into_get("f").and_then(|download| download.finish()),
            });
            let (error, client) = result.unwrap_err().into_parts();
            assert_eq!(client.is_some(), !close, "{error:?}");
            assert_eq!(error.is_fatal(), close);
            if let Some(mut client) = client {
                client.noop().unwrap();
            }
            server.join();
        }
    }
}

/// As `forgotten_guards`, under TLS, and with calls that end at their deadline
#[test]
fn abandoned_transfers_under_tls() {
    for way in 0..4 {
        let server = Server::start(move |s| {
            let tls = Tls::new();
            let mut control = tls.welcome(s);
            control.exchange("TYPE I", "200 fine");
            let listener = control.epsv();
            let upload = way == 3;
            control.exchange(if upload { "STOR old" } else { "RETR old" }, "150 here (77 bytes)");
            let mut data = tls.accept(&listener);
            // The client may be gone before this side is done.
            let _ = data.try_handshake();
            if way == 1 || way == 2 {
                data.send(b"old bytes");
            }
            control.expect("ABOR");
            drop(data);
            control.reply("426 transfer aborted");
            control.reply("226 abort successful");
            control.exchange("REST 0", "350 restart at 0");
            let listener = control.epsv();
            control.exchange("RETR new", "150 here");
            let mut data = tls.accept(&listener);
            data.handshake();
            data.send(b"new bytes");
            let _open = data.end();
            control.reply("226 done");
            control.expect_close();
        });
        let mut config = config();
        config.tls = TlsPolicy::Explicit;
        let tls = trusting(TlsVersion::Tls13).build().unwrap();
        let mut options = Options::new(config).tls(tls);
        if way == 2 {
            options = options.deadline(LIMIT * 3);
        }
        let mut ftp = login_with(&server, options);
        match way {
            0 => std::mem::forget(ftp.get("old").unwrap()),
            1 => {
                let mut download = ftp.get("old").unwrap();
                download.read_exact(&mut [0; 3]).unwrap();
                std::mem::forget(download);
            }
            2 => {
                let mut bytes = Vec::new();
                let error = ftp.download_to("old", &mut bytes).unwrap_err();
                assert!(matches!(error, Error::Deadline { .. }), "{error:?}");
                assert_eq!(bytes, b"old bytes");
            }
            _ => {
                let mut upload = ftp.put("old").unwrap();
                upload.write_all(b"mine").unwrap();
                std::mem::forget(upload);
            }
        }
        ftp.remove_dir_all("").unwrap_err();
        ftp.upload_file("f", "/nonexistent/nowhere").unwrap_err();
        let mut download = ftp.get("new").unwrap();
        assert_eq!(download.size_hint(), None);
        let mut bytes = Vec::new();
        download.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"new bytes", "{way}");
        drop(download);
        drop(ftp);
        server.join();
    }
}
