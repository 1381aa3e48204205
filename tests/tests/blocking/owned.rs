//! Transfers that own their client

use std::io::{self, Read, Write};

use std::sync::mpsc;
use std::thread;

use ftp_blocking::{
    Client, CopyOptions, Error, List, OwnedDownload, OwnedEntries, OwnedError, OwnedListing,
    OwnedUpload, ReadDir,
};
use ftp_proto::listing::Item;
use ftp_tests::net::Stream;
use ftp_tests::scripted::{Peer, Server, accept};

use crate::{at_once, code, login};

/// Starts a server that serves a transfer and continues afterwards
fn transfer(
    type_: &'static str,
    command: &'static str,
    play: impl FnOnce(&mut Peer, Stream) + Send + 'static,
) -> Server {
    Server::start(move |s| {
        s.welcome();
        s.exchange(type_, "200 yes");
        let listener = s.epsv();
        let data = accept(&listener);
        s.exchange(command, "150 go");
        play(s, data);
    })
}

fn goes_on(mut client: Client) {
    client.noop().unwrap();
}

#[test]
fn they_can_go_anywhere() {
    fn anywhere<T: Send + 'static>() {}
    anywhere::<Client>();
    anywhere::<OwnedDownload>();
    anywhere::<OwnedUpload>();
    anywhere::<OwnedListing>();
    anywhere::<OwnedEntries>();
    anywhere::<OwnedError>();
}

#[test]
fn a_download_ends_on_another_thread_and_returns_the_client() {
    let server = transfer("TYPE I", "RETR f", |s, mut data| {
        data.write_all(&[7; 100_000]).unwrap();
        drop(data);
        s.reply("226 done");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut download = login(&server).into_get("f").unwrap();
    let thread = thread::spawn(move || {
        let mut bytes = Vec::new();
        download.read_to_end(&mut bytes)?;
        let (transfer, client) = download.finish()?;
        Ok::<_, Error>((bytes, transfer, client))
    });
    let (bytes, transfer, client) = thread.join().unwrap().unwrap();
    assert_eq!((bytes, transfer.bytes), (vec![7; 100_000], 100_000));
    goes_on(client);
    server.join();
}

#[test]
fn an_upload_returns_the_client() {
    let server = transfer("TYPE I", "STOR f", |s, mut data| {
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"text");
        s.reply("226 done");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut upload = login(&server).into_put("f").unwrap();
    upload.write_all(b"text").unwrap();
    let (transfer, client) = upload.finish().unwrap();
    assert_eq!(transfer.bytes, 4);
    goes_on(client);
    server.join();
}

#[test]
fn a_listing_returns_the_client() {
    let server = transfer("TYPE A", "NLST", |s, mut data| {
        data.write_all(b"a\r\nb\r\nc\r\n").unwrap();
        drop(data);
        s.reply("226 done");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut listing = login(&server).into_list(List::names("")).unwrap();
    assert_eq!(listing.next_line().unwrap(), Some(&b"a"[..]));
    let (names, client) = listing.collect_lines().unwrap();
    assert_eq!(names, [b"b", b"c"]);
    goes_on(client);
    server.join();
}

#[test]
fn entries_return_the_client() {
    let server = transfer("TYPE A", "LIST", |s, mut data| {
        data.write_all(b"-rw-r--r-- 1 u g 1 Jan  1  2020 f\r\n").unwrap();
        drop(data);
        s.reply("226 done");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let mut entries = login(&server).into_read_dir(ReadDir::long("")).unwrap();
    assert_eq!(entries.next().unwrap().unwrap().name(), b"f");
    assert!(entries.next().is_none());
    goes_on(entries.finish().unwrap().1);
    server.join();
}

#[test]
fn a_refusal_returns_the_client() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 yes");
        let listener = s.epsv();
        let _data = accept(&listener);
        s.exchange("RETR f", "550 no such file");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let (error, client) = login(&server).into_get("f").unwrap_err().into_parts();
    assert_eq!(code(&error), 550);
    goes_on(client.unwrap());
    server.join();
}

#[test]
fn a_failure_at_the_end_returns_the_client() {
    let (begun, wait) = mpsc::channel();
    let server = transfer("TYPE I", "RETR f", move |s, data| {
        wait.recv().unwrap();
        drop(data);
        s.reply("451 disk error");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let download = login(&server).into_get("f").unwrap();
    begun.send(()).unwrap();
    let (error, client) = download.finish().unwrap_err().into_parts();
    assert_eq!(code(&error), 451);
    goes_on(client.unwrap());
    server.join();
}

#[test]
fn a_session_that_has_ended_returns_no_client() {
    let (begun, wait) = mpsc::channel();
    let server = transfer("TYPE I", "RETR f", move |s, data| {
        wait.recv().unwrap();
        drop(data);
        s.reply("421 going down");
    });
    let download = login(&server).into_get("f").unwrap();
    begun.send(()).unwrap();
    let (error, client) = download.finish().unwrap_err().into_parts();
    assert!(error.is_fatal() && client.is_none(), "{error:?}");
    server.join();
}

#[test]
fn a_failing_writer_leaves_a_settled_client() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let server = transfer("TYPE I", "RETR f", |s, mut data| {
        data.write_all(b"some").unwrap();
        s.settle();
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let download = login(&server).into_get("f").unwrap();
    let failed = download.copy_to(&mut Full, CopyOptions::new()).unwrap_err();
    let (error, client) = failed.into_parts();
    assert!(matches!(error, Error::Local(error) if error.kind() == io::ErrorKind::StorageFull));
    goes_on(client.unwrap());
    server.join();
}

#[test]
fn aborting_returns_the_reply_and_the_client() {
    let server = transfer("TYPE I", "RETR f", |s, data| {
        s.expect("ABOR");
        drop(data);
        s.reply("426 cut off");
        s.reply("226 aborted");
        s.exchange("REST 0", "350 at 0");
        s.exchange("NOOP", "200 yes");
        s.expect_close();
    });
    let (reply, client) = login(&server).into_get("f").unwrap().abort().unwrap();
    assert_eq!(reply.unwrap().code().get(), 426);
    goes_on(client);
    server.join();
}

/// Neither ABOR is sent, nor is there a wait for a server that would not answer it
#[test]
fn dropped_they_close_the_session_at_once() {
    let server = transfer("TYPE I", "RETR f", |s, mut data| {
        data.write_all(b"some").unwrap();
        s.expect_close();
    });
    let download = login(&server).into_get("f").unwrap();
    at_once(|| drop(download));
    server.join();

    let server = transfer("TYPE I", "STOR f", |s, _data| s.expect_close());
    let mut upload = login(&server).into_put("f").unwrap();
    upload.write_all(b"some").unwrap();
    at_once(|| drop(upload));
    server.join();

    let server = transfer("TYPE A", "NLST", |s, _data| s.expect_close());
    let listing = login(&server).into_list(List::names("")).unwrap();
    at_once(|| drop(listing));
    server.join();
}

/// As ftplib's `transfercmd`: the caller reads the data, then asks for the reply
#[test]
fn an_error_of_a_transfer_is_an_error_of_the_client() {
    fn fetch(client: Client) -> Result<(Vec<u8>, Client), Error> {
        let mut download = client.into_get("f")?;
        let mut bytes = Vec::new();
        download.read_to_end(&mut bytes)?;
        let (_, client) = download.finish()?;
        Ok((bytes, client))
    }
    let server = transfer("TYPE I", "RETR f", |s, data| {
        drop(data);
        s.reply("550 gone meanwhile");
        s.expect_close();
    });
    let error = fetch(login(&server)).unwrap_err();
    assert_eq!(code(&error), 550);
    server.join();
}

const ROWS: &str = "-rw-r--r-- 1 u g 1 Jan  1  2020 ";

/// How the rest of a listing is read, after some lines
#[derive(Clone, Copy, Debug)]
enum Rest {
    Bytes,
    Entries,
    Items,
}

/// Nothing between the lines and the rest is lost, wherever the change is, and whether the last line is open or not
#[test]
fn a_listing_that_was_begun_line_by_line_goes_on_otherwise() {
    for (rest, end, read) in [Rest::Bytes, Rest::Entries, Rest::Items]
        .into_iter()
        .flat_map(|rest| ["", "\r\n"].map(|end| (rest, end)))
        .flat_map(|(rest, end)| (0..4).map(move |read| (rest, end, read)))
    {
        let names = ["a", "b", "c"];
        let server = transfer("TYPE A", "LIST", move |s, mut data| {
            let rows = names.map(|name| format!("{ROWS}{name}")).join("\r\n");
            data.write_all(format!("{rows}{end}").as_bytes()).unwrap();
            drop(data);
            s.reply("226 done");
            s.exchange("NOOP", "200 yes");
            s.expect_close();
        });
        let mut listing = login(&server).into_list("").unwrap();
        for name in &names[..read] {
            let line = listing.next_line().unwrap().unwrap();
            assert!(line.ends_with(name.as_bytes()), "{rest:?} after {read}");
        }
        let left: Vec<Vec<u8>> =
            names[read..].iter().map(|name| name.as_bytes().to_vec()).collect();
        let (found, client) = match rest {
            Rest::Bytes => {
                let mut text = String::new();
                listing.read_to_string(&mut text).unwrap();
                let found = text.lines().map(|line| line.as_bytes()[ROWS.len()..].to_vec());
                (found.collect::<Vec<_>>(), listing.finish().unwrap().1)
            }
            Rest::Entries => {
                let mut entries = listing.entries();
                let found = entries.by_ref().map(|entry| entry.unwrap().name().to_vec());
                (found.collect(), entries.finish().unwrap().1)
            }
            Rest::Items => {
                let mut entries = listing.entries();
                let mut found = Vec::new();
                while let Some(item) = entries.next_item().unwrap() {
                    let Item::Entry(entry) = item else { panic!("{item:?}") };
                    found.push(entry.name.to_vec());
                }
                (found, entries.finish().unwrap().1)
            }
        };
        assert_eq!(found, left, "{rest:?} after {read}");
        goes_on(client);
    }
}
