//! Uploads: their bytes, their end, and servers that interrupt them

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::mpsc;
use std::time::Duration;

use crate::driver::ftp_proto::{self, DataFailure};
use crate::driver::{Client, Error, Put};
use ftp_tests::net::{Stream, pause};
use ftp_tests::scripted::{Peer, Server, accept, read_all};

use crate::{at_once, code, login, serve};

/// Serves the login and `STOR f`
fn stor(play: impl FnOnce(&mut Peer, Stream) + Send + 'static) -> Server {
    serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let data = accept(&listener);
        s.expect("STOR f");
        play(s, data);
    })
}

fn send(ftp: &mut Client, put: impl Into<Put>, mut bytes: &[u8]) -> Result<(), Error> {
    let length = bytes.len() as u64;
    let transfer = ftp.upload_from(put, &mut bytes)?;
    assert_eq!(transfer.bytes, length);
    Ok(())
}

#[test]
fn files_of_many_sizes() {
    let sizes = [0, 1, 1000, 65_536, 1 << 20, (1 << 20) + 1];
    let server = serve(move |s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        for size in sizes {
            assert_eq!(s.receive_file("STOR f").len(), size);
        }
        s.serve_quit();
    });
    let mut ftp = login(&server);
    for size in sizes {
        send(&mut ftp, "f", &vec![7; size]).unwrap();
    }
    ftp.quit().unwrap();
    server.join();
}

#[test]
fn appending_resuming_and_names_of_the_servers_choice() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        assert_eq!(s.receive_file("APPE f"), b"more");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("REST 3", "350 go on");
        s.exchange("STOR f", "150 send it");
        assert_eq!(read_all(&mut data), b"rest");
        drop(data);
        s.reply("226 done");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("STOU", "150 FILE: f.1");
        assert_eq!(read_all(&mut data), b"unique");
        drop(data);
        s.reply("226 done");
        s.expect_close();
    });
    let mut ftp = login(&server);
    send(&mut ftp, Put::new("f").append(), b"more").unwrap();
    send(&mut ftp, Put::new("f").resume_at(3), b"rest").unwrap();
    let mut bytes = &b"unique"[..];
    let transfer = ftp.upload_from(Put::unique(), &mut bytes).unwrap();
    assert_eq!(transfer.name.unwrap(), b"f.1");
    drop(ftp);
    server.join();
}

#[test]
fn text_is_sent_with_crlf() {
    let server = serve(|s| {
        s.welcome();
        s.exchange("TYPE A", "200 ascii");
        assert_eq!(s.receive_file("STOR f"), b"one\r\ntwo\r\nthree");
        assert_eq!(s.receive_file("STOR f"), b"one\r\n\r\n");
        assert_eq!(s.receive_file("STOR f").len(), 3 * 100_000);
        s.expect_close();
    });
    let mut ftp = login(&server);
    let mut upload = ftp.put(Put::new("f").ascii()).unwrap();
    for byte in b"one\ntwo\r\nthree" {
        upload.write_all(&[*byte]).unwrap();
    }
    assert_eq!(upload.finish().unwrap().bytes, 15);
    ftp.put_lines("f", ["one", ""]).unwrap();
    let text = b"x\n".repeat(100_000);
    ftp.upload_from(Put::new("f").ascii(), &mut &text[..]).unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn a_refusal_stops_an_upload_that_is_not_read() {
    for refusal in ["426 broken", "452 disk full", "552 quota"] {
        let server = stor(move |s, data| {
            s.reply("150 send it");
            pause(Duration::from_millis(200));
            s.reply(refusal);
            s.exchange("NOOP", "200 yes");
            drop(data);
            s.expect_close();
        });
        let mut ftp = login(&server);
        let mut upload = ftp.put("f").unwrap();
        // More than all socket buffers hold.
        let error = at_once(|| upload.write_all(&vec![0; 64 << 20]).expect_err("nobody reads"));
        let error = Error::from(error);
        assert_eq!(code(&error).to_string(), refusal[..3]);
        assert!(!error.is_fatal());
        assert_eq!(code(&upload.finish().unwrap_err()).to_string(), refusal[..3]);
        ftp.noop().unwrap();
        drop(ftp);
        server.join();
    }
}

#[test]
fn a_server_that_closes_may_still_give_the_reason() {
    let server = stor(|s, data| {
        s.reply("150 send it");
        // Closing with unread bytes sends a reset.
        pause(Duration::from_millis(100));
        drop(data);
        pause(Duration::from_millis(100));
        s.reply("552 quota exceeded");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let error = at_once(|| send(&mut ftp, "f", &vec![0; 64 << 20]).unwrap_err());
    assert_eq!(code(&error), 552);
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn an_upload_whose_connection_is_reset_is_not_complete_even_if_the_server_confirms_it() {
    // Small enough for the socket's buffers: all bytes are written before the connection breaks.
    let size = 50_000;
    for (read, wait) in [(20_000, 0), (20_000, 100), (0, 0), (size, 100)] {
        let server = stor(move |s, mut data| {
            s.reply("150 send it");
            pause(Duration::from_millis(100));
            data.read_exact(&mut vec![0; read]).unwrap();
            reset(data);
            pause(Duration::from_millis(wait));
            s.reply("226 done");
            s.exchange("NOOP", "200 yes");
            s.expect_close();
        });
        let mut ftp = login(&server);
        let error = at_once(|| send(&mut ftp, "f", &vec![7; size]).expect_err("it was reset"));
        let broken = matches!(error, Error::Data { failure: DataFailure::Broken, .. });
        assert!(broken && !error.is_fatal(), "{error:?}");
        ftp.noop().unwrap();
        drop(ftp);
        server.join();
    }
}

#[test]
fn a_refusal_explains_an_upload_whose_connection_is_reset() {
    let server = stor(|s, mut data| {
        s.reply("150 send it");
        pause(Duration::from_millis(100));
        data.read_exact(&mut [0; 20_000]).unwrap();
        reset(data);
        s.reply("452 disk full");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let error = at_once(|| send(&mut ftp, "f", &[7; 50_000]).expect_err("it was reset"));
    assert_eq!(code(&error), 452);
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn a_completion_before_the_end_is_not_about_the_file() {
    for (early, last) in [("226 thanks", "552 disk full"), ("250 thanks", "451 disk error")] {
        for end in [11, 5000] {
            let (said, heard) = mpsc::channel();
            let server = stor(move |s, mut data| {
                s.reply("150 send it");
                data.read_exact(&mut [0; 10]).unwrap();
                s.reply(early);
                said.send(()).unwrap();
                assert_eq!(read_all(&mut data).len() + 10, end);
                s.reply(last);
                drop(data);
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
            let mut upload = ftp.put("f").unwrap();
            upload.write_all(&[7; 10]).unwrap();
            upload.flush().unwrap();
            heard.recv().unwrap();
            upload.write_all(&vec![7; end - 10]).unwrap();
            let error = at_once(|| upload.finish().expect_err("it was refused"));
            assert_eq!(code(&error).to_string(), last[..3]);
            assert!(!error.is_fatal());
            ftp.noop().unwrap();
            drop(ftp);
            server.join();
        }
    }
}

#[test]
fn the_only_completion_comes_before_the_end() {
    // The reply is accepted once the server has answered another command without adding anything.
    let (said, heard) = mpsc::channel();
    let server = stor(move |s, mut data| {
        s.reply("150 send it");
        data.read_exact(&mut [0; 10]).unwrap();
        s.reply("226 thanks");
        said.send(()).unwrap();
        assert_eq!(read_all(&mut data).len(), 10);
        drop(data);
        s.exchange("REST 0", "350 at the beginning");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let mut upload = ftp.put("f").unwrap();
    upload.write_all(&[7; 10]).unwrap();
    upload.flush().unwrap();
    heard.recv().unwrap();
    upload.write_all(&[7; 10]).unwrap();
    assert_eq!(at_once(|| upload.finish()).unwrap().bytes, 20);
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn replies_after_the_completion_do_not_fail_the_upload() {
    for last_words in ["421 idle", "500 what?"] {
        let server = stor(move |s, mut data| {
            s.reply("150 send it");
            assert_eq!(read_all(&mut data).len(), 5000);
            s.reply(&format!("226 done\r\n{last_words}"));
            pause(Duration::from_millis(200));
            drop(data);
            s.expect_close();
        });
        let mut ftp = login(&server);
        at_once(|| send(&mut ftp, "f", &[7; 5000])).unwrap();
        assert!(ftp.noop().unwrap_err().is_fatal());
        drop(ftp);
        server.join();
    }
}

#[test]
fn a_refusal_that_waits_when_the_upload_ends_is_read() {
    for refusal in ["426 no", "552 disk full", "421 idle"] {
        let (said, heard) = mpsc::channel();
        let server = stor(move |s, mut data| {
            s.reply("150 send it");
            data.read_exact(&mut [0; 10]).unwrap();
            s.reply(refusal);
            said.send(()).unwrap();
            // The data connection stays open.
            if refusal != "421 idle" {
                s.exchange("NOOP", "200 yes");
            }
            s.expect_close();
            drop(data);
        });
        let mut ftp = login(&server);
        let mut upload = ftp.put("f").unwrap();
        upload.write_all(&[7; 10]).unwrap();
        upload.flush().unwrap();
        heard.recv().unwrap();
        let error = at_once(|| upload.finish().expect_err("it was refused"));
        assert_eq!(code(&error).to_string(), refusal[..3]);
        assert_eq!(ftp.noop().is_err(), error.is_fatal());
        drop(ftp);
        server.join();
    }
}

/// Closes the connection with a reset
fn reset(data: Stream) {
    data.break_at_the_end();
}

#[test]
fn bytes_from_the_server_are_not_part_of_an_upload() {
    let server = stor(|s, mut data| {
        s.reply("150 send it");
        data.write_all(b"hello?").unwrap();
        pause(Duration::from_millis(100));
        // Whatever the client's error is, it closes now or soon.
        let _ = data.read_to_end(&mut Vec::new());
        s.reply("426 what was that");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut ftp = login(&server);
    // Which step notices the reset is a matter of chance.
    let error = at_once(|| {
        let mut upload = ftp.put("f")?;
        upload.write_all(b"data")?;
        upload.finish()
    });
    let error = error.unwrap_err();
    assert!(!error.is_fatal(), "{error:?}");
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn the_end_of_the_data_is_a_half_close() {
    let server = stor(|s, mut data| {
        s.reply("150 send it");
        assert_eq!(read_all(&mut data), b"data");
        // The connection is still open in this direction; the client waits, or is told.
        pause(Duration::from_millis(100));
        s.reply("226 done");
        s.exchange("NOOP", "200 yes");
        drop(data);
        s.expect_close();
    });
    let mut ftp = login(&server);
    at_once(|| send(&mut ftp, "f", b"data").unwrap());
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn a_server_that_never_closes_its_side_has_the_deadline_of_the_final_reply() {
    let server = stor(|s, mut data| {
        s.reply("150 send it");
        assert_eq!(read_all(&mut data), b"data");
        // Longer than the data deadline, shorter than the final reply's.
        pause(Duration::from_millis(900));
        s.reply("226 scanned and stored");
        drop(data);
        s.expect_close();
    });
    let mut config = crate::config();
    config.data_timeout = Duration::from_millis(300);
    let mut ftp = crate::login_with(&server, config);
    send(&mut ftp, "f", b"data").unwrap();
    drop(ftp);
    server.join();
}

#[test]
fn a_session_that_ends_before_the_final_reply_leaves_it_open() {
    let server = stor(|s, mut data| {
        s.reply("150 send it");
        read_all(&mut data);
        drop(data);
        s.control().shutdown(Shutdown::Both).unwrap();
    });
    let mut ftp = login(&server);
    let error = at_once(|| send(&mut ftp, "f", b"data").unwrap_err());
    assert!(error.is_fatal());
    assert!(matches!(
        error,
        Error::Ftp(
            ftp_proto::Error::Unconfirmed { bytes: 4, .. } | ftp_proto::Error::Connection(_)
        )
    ));
    server.join();
}

#[test]
fn a_reader_that_fails_ends_the_transfer_not_the_session() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::PermissionDenied.into())
        }
    }
    let server = stor(|s, data| {
        s.reply("150 send it");
        s.settle();
        drop(data);
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut ftp = login(&server);
    let error = ftp.upload_from("f", &mut Broken).unwrap_err();
    assert!(matches!(error, Error::Local(_)));
    ftp.noop().unwrap();
    drop(ftp);
    server.join();
}
