//! Downloads and listings: their bytes, and how their end is determined

use std::io::{Read, Write};
use std::time::Duration;

use crate::driver::ftp_proto;
use crate::driver::{Client, ConnectionError, DataMode, Error, Get, List, PassiveHost};
use ftp_tests::net::{Listener, Stream, pause};
use ftp_tests::scripted::{Peer, Server, accept};

use crate::{at_once, code, config, login, login_with, refused, serve, silent_port};

/// Serves the login and `RETR f`, and passes both connections to `play`
pub(crate) fn retr(play: impl FnOnce(&mut Peer, Stream) + Send + 'static) -> Server {
    serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let data = accept(&listener);
        s.expect("RETR f");
        play(s, data);
    })
}

fn fetch(ftp: &mut Client, get: impl Into<Get>) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let transfer = ftp.download_to(get, &mut bytes)?;
    assert_eq!(transfer.bytes, bytes.len() as u64);
    Ok(bytes)
}

#[test]
fn files_of_many_sizes() {
    let sizes = [0, 1, 1000, 65_536, 1 << 20, (1 << 20) + 1];
    let server = serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        for size in sizes {
            s.send_file("RETR f", &vec![7; size]);
        }
        s.serve_quit();
    });
    let mut ftp = login(&server);
    for size in sizes {
        assert!(fetch(&mut ftp, "f").unwrap() == vec![7; size]);
    }
    ftp.quit().unwrap();
    server.join();
}

#[test]
fn replies_after_the_completion_do_not_fail_the_download() {
    for (last_words, hangs_up) in [("421 idle", false), ("500 what?", false), ("421 idle", true)] {
        let server = retr(move |s, mut data| {
            s.reply(&format!("150 here\r\n226 done\r\n{last_words}"));
            if hangs_up {
                s.control().shutdown(std::net::Shutdown::Write).unwrap();
            }
            pause(Duration::from_millis(200));
            data.write_all(&[7; 300_000]).unwrap();
            drop(data);
            s.expect_close();
        });
        let mut ftp = login(&server);
        assert!(at_once(|| fetch(&mut ftp, "f")).unwrap() == [7; 300_000]);
        assert!(ftp.noop().unwrap_err().is_fatal());
        drop(ftp);
        server.join();
    }
}

#[test]
fn a_completion_that_ends_no_download_is_not_final() {
    let server = retr(|s, mut data| {
        s.reply("150 here\r\n200 whatever");
        data.write_all(b"01234").unwrap();
        drop(data);
        s.reply("451 disk error");
        // Whether the client sends a sentinel depends on which of the two it notices first.
        let mut command = s.command().unwrap();
        if command == b"REST 0" {
            s.reply("350 at the beginning");
            command = s.command().unwrap();
        }
        assert_eq!(command, b"NOOP");
        s.reply("200 yes");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let error = at_once(|| fetch(&mut ftp, "f").expect_err("it was refused"));
    assert_eq!(code(&error), 451);
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn reading_to_the_end_waits_for_the_final_reply() {
    let server = retr(|s, mut data| {
        s.reply("150 here (5 bytes)");
        data.write_all(b"01234").unwrap();
        drop(data);
        pause(Duration::from_millis(100));
        s.reply("226 done");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let mut download = ftp.get("f").unwrap();
    assert_eq!(download.size_hint(), Some(5));
    let mut bytes = Vec::new();
    download.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, b"01234");
    // Another read is no error, because the end is already known.
    assert_eq!(download.read(&mut [0; 9]).unwrap(), 0);
    assert_eq!(download.finish().unwrap().reply.code().get(), 226);
    drop(ftp);
    server.join();
}

#[test]
fn a_truncated_file_is_never_taken_for_complete() {
    let ends = ["426 broken", "451 disk error", "550 after all not"];
    for end in ends {
        let server = retr(move |s, mut data| {
            s.reply("150 here");
            data.write_all(b"half").unwrap();
            drop(data);
            pause(Duration::from_millis(50));
            s.reply(end);
            s.exchange("NOOP", "200 yes");
            s.expect_close();
        });
        let mut ftp = login(&server);
        let mut download = ftp.get("f").unwrap();
        let error = download.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(code(Error::in_io(&error).unwrap()).to_string(), end[..3]);
        // A repeated call fails, too.
        assert!(download.read(&mut [0; 9]).is_err());
        assert_eq!(code(&download.finish().unwrap_err()).to_string(), end[..3]);
        ftp.noop().unwrap();
        drop(ftp);
        server.join();
    }
}

/// They are the user's, who can resume after them, whichever of the two connections is read first
#[test]
fn the_bytes_before_a_refusal_are_kept() {
    for (size, end) in [(1, "426 broken"), (1_000, "451 disk error"), (100_000, "550 no more")] {
        let server = retr(move |s, mut data| {
            data.write_all(&vec![7; size]).unwrap();
            drop(data);
            s.reply(&format!("150 here\r\n{end}"));
            s.exchange("NOOP", "200 yes");
            s.expect_close();
        });
        let mut ftp = login(&server);
        let mut bytes = Vec::new();
        let error = at_once(|| ftp.download_to("f", &mut bytes).unwrap_err());
        assert_eq!((code(&error).to_string(), bytes.len()), (end[..3].to_owned(), size));
        ftp.noop().unwrap();
        drop(ftp);
        server.join();
    }
}

#[test]
fn fewer_bytes_than_announced() {
    let server = retr(|s, mut data| {
        s.reply("150 here (10 bytes)");
        data.write_all(b"half").unwrap();
        drop(data);
        s.reply("226 done");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let error = fetch(&mut ftp, "f").unwrap_err();
    assert!(matches!(
        error,
        Error::Ftp(ftp_proto::Error::Truncated { received: 4, expected: Some(10), .. })
    ));
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn the_final_reply_before_the_data() {
    let server = retr(|s, mut data| {
        s.reply("150 here");
        s.reply("226 done");
        pause(Duration::from_millis(50));
        data.write_all(&[1; 300_000]).unwrap();
        drop(data);
        s.expect_close();
    });
    let mut ftp = login(&server);
    assert_eq!(fetch(&mut ftp, "f").unwrap().len(), 300_000);
    drop(ftp);
    server.join();
}

#[test]
fn no_preliminary_reply_at_all() {
    let server = retr(|s, mut data| {
        data.write_all(b"data").unwrap();
        drop(data);
        s.reply("226 done");
        // The 226 may belong to an earlier transfer, unless nothing else arrives before this answer.
        s.exchange("REST 0", "350 from the beginning");
        s.expect_close();
    });
    let mut ftp = login(&server);
    assert_eq!(fetch(&mut ftp, "f").unwrap(), b"data");
    drop(ftp);
    server.join();
}

#[test]
fn a_refusal_though_the_data_connection_is_open() {
    let server = retr(|s, data| {
        s.reply("550 no such file");
        s.exchange("NOOP", "200 yes");
        drop(data);
        s.expect_close();
    });
    let mut ftp = login(&server);
    assert_eq!(code(&at_once(|| ftp.get("f").unwrap_err())), 550);
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn a_refusal_while_the_data_stands_still() {
    let server = retr(|s, mut data| {
        s.reply("150 here");
        data.write_all(b"some").unwrap();
        s.reply("426 lost it");
        s.exchange("NOOP", "200 yes");
        drop(data);
        s.expect_close();
    });
    let mut ftp = login(&server);
    assert_eq!(code(&at_once(|| fetch(&mut ftp, "f").unwrap_err())), 426);
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn the_session_ends_while_the_data_stands_still() {
    for word in ["421 shutting down", ""] {
        let server = retr(move |s, mut data| {
            s.reply("150 here");
            data.write_all(b"some").unwrap();
            if word.is_empty() {
                s.control().shutdown(std::net::Shutdown::Both).unwrap();
            } else {
                s.reply(word);
                s.expect_close();
            }
            // The data connection stays open until the client closes it.
            let _ = data.read(&mut [0]);
        });
        let mut ftp = login(&server);
        let error = at_once(|| fetch(&mut ftp, "f").unwrap_err());
        assert!(error.is_fatal());
        let Error::Ftp(ftp_proto::Error::Connection(error)) = error else { panic!("{error:?}") };
        match word {
            "" => assert_eq!(error, ConnectionError::Eof),
            _ => assert!(matches!(error, ConnectionError::ServiceClosing(_))),
        }
        assert!(!ftp.is_connected());
        assert!(ftp.noop().unwrap_err().is_fatal());
        server.join();
    }
}

#[test]
fn the_session_ends_while_the_data_connection_never_opens() {
    let (silent, _held) = silent_port();
    let server = serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("EPSV", &format!("229 (|||{}|)", silent.port()));
        pause(Duration::from_millis(50));
        s.reply("421 shutting down");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let error = at_once(|| ftp.get("f").unwrap_err());
    assert_eq!(code(&error), 421);
    server.join();
}

#[test]
fn epsv_whose_port_is_silent_falls_back_to_pasv() {
    let (silent, _held) = silent_port();
    let server = serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("EPSV", &format!("229 (|||{}|)", silent.port()));
        s.expect("PASV");
        let listener = Listener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // This address must not be used: nothing listens there.
        s.reply(&format!("227 here (127,66,66,66,{},{})", port >> 8, port & 255));
        let data = accept(&listener);
        s.exchange("RETR f", "150 here");
        drop(data);
        s.reply("226 done");
        s.expect_close();
    });
    let mut config = config();
    config.data_connect_timeout = Duration::from_millis(300);
    let mut ftp = login_with(&server, config);
    ftp.get("f").unwrap().finish().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn the_address_in_a_227_is_used_only_if_trusted() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("EPSV", "500 what?");
        s.expect("PASV");
        let listener = Listener::bind("127.66.66.66:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        s.reply(&format!("227 there (127,66,66,66,{},{})", port >> 8, port & 255));
        let data = accept(&listener);
        s.exchange("RETR f", "150 here");
        drop(data);
        s.reply("226 done");
        s.expect_close();
    });
    let mut config = config();
    config.passive_host = PassiveHost::TrustReply;
    let mut ftp = login_with(&server, config);
    ftp.get("f").unwrap().finish().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn a_refused_data_connection_is_reported() {
    let gone = refused();
    let server = serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("EPSV", &format!("229 (|||{}|)", gone.port()));
        s.exchange("PASV", &format!("227 (127,0,0,1,{},{})", gone.port() >> 8, gone.port() & 255));
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let error = at_once(|| ftp.get("f").unwrap_err());
    assert!(!error.is_fatal());
    assert!(
        matches!(&error, Error::Data { error, .. }
            if error.kind() == std::io::ErrorKind::ConnectionRefused),
        "{error:?}"
    );
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn text_arrives_with_local_line_ends() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE A", "200 ascii");
        s.send_file("RETR f", b"one\r\ntwo\r\rthree\r\n\r\nfour\r");
        s.send_file("RETR g", b"first\r\n\r\nlast");
        // A file with CRLF on a server that makes CRLF of each LF, and one with two CRs
        s.send_file("RETR h", b"one\r\r\ntwo\r\r\r\nthree\n\r\r\nfour");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let mut download = ftp.get(Get::new("f").ascii()).unwrap();
    let mut text = Vec::new();
    // Byte by byte: no line ending is lost between two reads.
    let mut byte = [0];
    while download.read(&mut byte).unwrap() == 1 {
        text.push(byte[0]);
    }
    assert_eq!(text, b"one\ntwo\r\rthree\n\nfour\r");
    assert_eq!(download.finish().unwrap().bytes, 24);
    let mut lines = Vec::new();
    ftp.get_lines("g", |line| lines.push(line.to_vec())).unwrap();
    assert_eq!(lines, [&b"first"[..], b"", b"last"]);
    lines.clear();
    ftp.get_lines("h", |line| lines.push(line.to_vec())).unwrap();
    assert_eq!(lines, [&b"one"[..], b"two\r", b"three", b"", b"four"]);
    drop(ftp);
    server.join();
}

#[test]
fn listings() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE A", "200 ascii");
        s.send_file("LIST d", b"-rw a\r\n-rw b\n-rw c");
        s.send_file("NLST", b"a\r\nb\r\n");
        s.send_file("MLSD", b"");
        let listener = s.epsv();
        let data = accept(&listener);
        s.exchange("NLST", "450 nothing here");
        drop(data);
        s.expect_close();
    });
    let mut ftp = login(&server);
    let mut listing = ftp.list("d").unwrap();
    assert_eq!(listing.next_line().unwrap(), Some(&b"-rw a"[..]));
    assert_eq!(listing.collect_lines().unwrap(), [b"-rw b", b"-rw c"]);
    assert_eq!(ftp.names("").unwrap(), [b"a", b"b"]);
    assert!(ftp.list(List::facts("")).unwrap().collect_lines().unwrap().is_empty());
    assert_eq!(code(&ftp.names("").unwrap_err()), 450);
    drop(ftp);
    server.join();
}

#[test]
fn a_line_without_end_is_bounded() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE A", "200 ascii");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("LIST", "150 here");
        // Until the client closes the connection.
        while data.write_all(&[b'x'; 65_536]).is_ok() {}
        s.settle();
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let error = ftp.list("").unwrap().collect_lines().unwrap_err();
    assert!(matches!(error, Error::LineTooLong { .. }));
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn a_data_mode_can_be_changed_between_transfers() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.send_file("RETR f", b"passive");
        let address = s.active();
        s.exchange("RETR f", "150 here");
        ftp_tests::scripted::connect(address).write_all(b"active").unwrap();
        s.reply("226 done");
        s.expect_close();
    });
    let mut ftp = login(&server);
    assert_eq!(fetch(&mut ftp, "f").unwrap(), b"passive");
    ftp.set_data_mode(DataMode::Active);
    assert_eq!(fetch(&mut ftp, "f").unwrap(), b"active");
    drop(ftp);
    server.join();
}

#[test]
fn a_writer_that_fails_ends_the_transfer_not_the_session() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let server = retr(|s, mut data| {
        s.reply("150 here");
        data.write_all(b"some").unwrap();
        s.settle();
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let error = ftp.download_to("f", &mut Full).unwrap_err();
    assert!(matches!(&error, Error::Local(e) if e.kind() == std::io::ErrorKind::StorageFull));
    assert!(!error.is_fatal());
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}
