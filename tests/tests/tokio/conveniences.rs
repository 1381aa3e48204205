//! Whole files and texts in one call, and listings taken over half-way: what owns its client returns it

use std::io::{self, Read as _, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ftp_tests::net::Stream;
use ftp_tests::scripted::{Peer, Server, accept, read_all};
use ftp_tokio::{Client, Config, CopyOptions, Error, List, Target, TlsPolicy};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::log_in;

/// A local file on a disk that fails after so many bytes
struct Disk(usize);

impl Disk {
    fn take(&mut self, most: usize) -> io::Result<usize> {
        let count = self.0.min(most);
        self.0 -= count;
        match count {
            0 => Err(io::Error::new(io::ErrorKind::StorageFull, "bad sector")),
            count => Ok(count),
        }
    }
}

impl AsyncRead for Disk {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let count = self.take(buffer.remaining())?;
        buffer.put_slice(&vec![7; count]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Disk {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.take(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(if self.0 == 1 { Err(io::Error::other("not flushed")) } else { Ok(()) })
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Plays a transfer after its 150, and one more command
fn transfer(
    type_: &'static str,
    command: &'static str,
    play: impl FnOnce(&mut Peer, Stream) + Send + 'static,
) -> Server {
    Server::start(move |peer| {
        peer.welcome();
        peer.exchange(type_, "200 fine");
        let listener = peer.epsv();
        let data = accept(&listener);
        peer.exchange(command, "150 go");
        play(peer, data);
        peer.exchange("NOOP", "200 fine");
        peer.expect_close();
    })
}

/// Answers the ABOR of an upload, and checks that so many of its bytes have come at most
fn abort_upload(peer: &mut Peer, mut data: Stream, most: usize) {
    peer.expect("ABOR");
    assert!(read_all(&mut data).len() <= most);
    // In clear text, a server that has seen the end of the connection takes it for the end of the file.
    peer.reply("226 stored");
    peer.reply("226 nothing to abort");
    peer.exchange("REST 0", "350 restart at 0");
}

/// A local source from which nothing comes
struct Silence;

impl AsyncRead for Silence {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn a_refusal_ends_an_upload_whose_source_is_silent() {
    let server = transfer("TYPE I", "STOR f", |peer, mut data| {
        data.read_exact(&mut [0; 4]).unwrap();
        peer.reply("552 quota exceeded");
    });
    let mut client = log_in(&server).await;
    let mut source = tokio::io::AsyncReadExt::chain(&b"some"[..], Silence);
    let error = client.upload_from("f", &mut source).await.unwrap_err();
    assert_eq!(error.reply().unwrap().code().get(), 552);
    goes_on(client, server).await;
}

async fn goes_on(mut client: Client, server: Server) {
    client.noop().await.unwrap();
    drop(client);
    server.join();
}

#[tokio::test]
async fn a_failing_writer_leaves_a_settled_client() {
    // The second writer takes all bytes, and fails when it is flushed.
    for (full, message) in [(2, "bad sector"), (5, "not flushed")] {
        let server = transfer("TYPE I", "RETR f", move |peer, mut data| {
            data.write_all(b"some").unwrap();
            if full == 5 {
                drop(data);
                peer.reply("226 done");
            } else {
                peer.settle();
            }
        });
        let download = log_in(&server).await.into_get("f").await.unwrap();
        let failed = download.copy_to(&mut Disk(full), |_| ()).await.unwrap_err();
        let (error, client) = failed.into_parts();
        assert!(matches!(&error, Error::Local(inner) if inner.to_string() == message), "{error}");
        // Nothing is left to settle: the next command is the first.
        goes_on(client.unwrap(), server).await;
    }
}

#[tokio::test]
async fn a_failing_reader_leaves_a_settled_client() {
    let server = transfer("TYPE I", "STOR f", |peer, data| abort_upload(peer, data, 3));
    let upload = log_in(&server).await.into_put("f").await.unwrap();
    let failed = upload.copy_from(&mut Disk(3), |_| ()).await.unwrap_err();
    let (error, client) = failed.into_parts();
    assert!(matches!(&error, Error::Local(inner) if inner.to_string() == "bad sector"), "{error}");
    goes_on(client.unwrap(), server).await;
}

/// A session that does not settle is not returned
#[tokio::test]
async fn a_failing_writer_whose_session_ends_leaves_no_client() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        let listener = peer.epsv();
        let mut data = accept(&listener);
        peer.exchange("RETR f", "150 go");
        data.write_all(b"some").unwrap();
        peer.expect("ABOR");
        peer.reply("421 going down");
    });
    let download = log_in(&server).await.into_get("f").await.unwrap();
    let failed = download.copy_to(&mut Disk(2), |_| ()).await.unwrap_err();
    let (error, client) = failed.into_parts();
    assert!(matches!(error, Error::Local(_)) && client.is_none(), "{error:?}");
    server.join();
}

#[tokio::test]
async fn blocks_are_as_large_as_is_said() {
    let server = transfer("TYPE I", "RETR f", |peer, mut data| {
        data.write_all(&[1; 1000]).unwrap();
        drop(data);
        peer.reply("226 done");
        let listener = peer.epsv();
        let mut data = accept(&listener);
        peer.exchange("STOR f", "150 go");
        assert_eq!(read_all(&mut data), [7; 1000]);
        peer.reply("226 done");
    });
    let mut client = log_in(&server).await;
    let options = CopyOptions::new().block_size(100);
    let mut seen = Vec::new();
    let download = client.get("f").await.unwrap();
    let mut bytes = Vec::new();
    download.copy_to_with(&mut bytes, options, |bytes| seen.push(bytes)).await.unwrap();
    assert_eq!(bytes, [1; 1000]);
    assert!(seen.len() >= 10 && seen.is_sorted() && seen.last() == Some(&1000), "{seen:?}");
    let mut sent = Vec::new();
    let upload = client.put("f").await.unwrap();
    let mut source = tokio::io::AsyncReadExt::take(tokio::io::repeat(7), 1000);
    upload.copy_from_with(&mut source, options, |bytes| sent.push(bytes)).await.unwrap();
    assert!(sent.iter().copied().eq((1..=10).map(|block| block * 100)), "{sent:?}");
    goes_on(client, server).await;
}

/// Bytes that have arrived are written together, however few of them each read returns
#[tokio::test]
async fn short_reads_do_not_make_short_writes() {
    /// The most that a read returns
    const SIP: usize = 1000;

    struct Sips(TcpStream);

    impl AsyncRead for Sips {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let mut sip = buffer.take(SIP);
            ready!(Pin::new(&mut self.0).poll_read(context, &mut sip))?;
            let count = sip.filled().len();
            // The bytes were read into the unfilled part of the buffer.
            buffer.advance(count);
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Sips {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(context, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(context)
        }

        fn poll_shutdown(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(context)
        }
    }

    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        let listener = peer.epsv();
        let mut data = accept(&listener);
        peer.expect("RETR f");
        data.write_all(&[1; 50 * SIP]).unwrap();
        drop(data);
        peer.reply("150 here");
        peer.reply("226 done");
        peer.serve_quit();
    });
    let dial = |target: Target| async move {
        TcpStream::connect((&*target.host, target.port)).await.map(Sips)
    };
    let config = Config::new(TlsPolicy::Plaintext);
    let mut client = Client::connect_with(server.address(), config, dial).await.unwrap();
    client.login("u", "p").await.unwrap();
    let (mut bytes, mut writes) = (Vec::new(), 0);
    let download = client.get("f").await.unwrap();
    download.copy_to(&mut bytes, |_| writes += 1).await.unwrap();
    assert_eq!(bytes, [1; 50 * SIP]);
    // What arrived later may have been written later.
    assert!(writes < 10, "{writes}");
    client.quit().await.unwrap();
    server.join();
}

#[tokio::test]
async fn a_source_of_lines_that_fails_does_not_complete_the_file() {
    // Less and more than is buffered before it is sent.
    for lines in [0, 3, 100_000] {
        let server = transfer("TYPE A", "STOR f", move |peer, data| {
            abort_upload(peer, data, 3 * lines);
        });
        let mut client = log_in(&server).await;
        let fails = [Err(io::Error::new(io::ErrorKind::StorageFull, "bad sector"))];
        let source = std::iter::repeat_n("a", lines).map(Ok).chain(fails);
        let error = client.try_put_lines("f", source).await.unwrap_err();
        assert!(matches!(&error, Error::Local(inner) if inner.to_string() == "bad sector"));
        goes_on(client, server).await;
    }
}

#[tokio::test]
async fn lines_of_a_source_that_may_fail_and_does_not() {
    let server = transfer("TYPE A", "STOR f", |peer, mut data| {
        assert_eq!(read_all(&mut data), b"one\r\n\r\ntwo\r\n");
        peer.reply("226 done");
    });
    let mut client = log_in(&server).await;
    let source = io::BufRead::lines(&b"one\n\ntwo"[..]);
    assert_eq!(client.try_put_lines("f", source).await.unwrap().bytes, 12);
    goes_on(client, server).await;
}

#[tokio::test]
async fn collected_lines_come_with_the_client() {
    let server = transfer("TYPE A", "NLST", |peer, mut data| {
        data.write_all(b"a\r\nb\r\nc\r\n").unwrap();
        drop(data);
        peer.reply("226 done");
    });
    let mut listing = log_in(&server).await.into_list(List::names("")).await.unwrap();
    assert_eq!(listing.next_line().await.unwrap(), Some(&b"a"[..]));
    let (names, client) = listing.collect_lines().await.unwrap();
    assert_eq!(names, [b"b", b"c"]);
    goes_on(client, server).await;
}

/// The transfer is over when the error is there, and the client comes with it
#[tokio::test]
async fn lines_that_are_too_many_or_too_long_abort_the_listing() {
    for (line, limit) in [(8_000, false), (9_000, true)] {
        let server = transfer("TYPE A", "NLST", move |peer, mut data| {
            let names = [&vec![b'n'; line][..], b"\r\n"].concat();
            while data.write_all(&names).is_ok() {}
            peer.expect("ABOR");
            peer.reply("226 aborted");
            peer.exchange("REST 0", "350 fine");
        });
        let mut client = log_in(&server).await;
        client.config_mut().settle_timeout = std::time::Duration::from_secs(1);
        let listing = client.into_list(List::names("")).await.unwrap();
        let (error, client) = listing.collect_lines().await.unwrap_err().into_parts();
        let expected = match limit {
            true => matches!(error, Error::LineTooLong { limit: 8192 }),
            false => matches!(error, Error::ListingTooLong { limit } if limit == 64 << 20),
        };
        assert!(expected, "{error:?}");
        goes_on(client.unwrap(), server).await;
    }
}

const ROWS: &str = "-rw-r--r-- 1 u g 1 Jan  1  2020 ";

/// Lines first, entries then: nothing between them is lost
#[tokio::test]
async fn a_listing_that_was_begun_line_by_line_goes_on_entry_by_entry() {
    for read in 0..4 {
        let server = transfer("TYPE A", "LIST", |peer, mut data| {
            let rows: String = ["a", "b", "c"].map(|name| format!("{ROWS}{name}\r\n")).concat();
            data.write_all(rows.as_bytes()).unwrap();
            drop(data);
            peer.reply("226 done");
        });
        let mut listing = log_in(&server).await.into_list("").await.unwrap();
        for name in &["a", "b", "c"][..read] {
            let line = listing.next_line().await.unwrap().unwrap();
            assert!(line.ends_with(name.as_bytes()));
        }
        let mut entries = listing.entries();
        for name in &["a", "b", "c"][read..] {
            assert_eq!(entries.next().await.unwrap().unwrap().name(), name.as_bytes());
        }
        assert!(entries.next().await.is_none());
        goes_on(entries.finish().await.unwrap().1, server).await;
    }
}

/// The end of the listing, its format, and a line of which a dropped call has read the beginning
#[tokio::test]
async fn entries_of_a_listing_that_has_ended_or_was_dropped_within_a_line() {
    let server = transfer("TYPE A", "MLSD", |peer, mut data| {
        data.write_all(b"type=file;size=1; a\r\ntype=file;si").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(300));
        data.write_all(format!("ze=2; b\r\n{ROWS}c\r\n").as_bytes()).unwrap();
        drop(data);
        peer.reply("226 done");
    });
    let mut listing = log_in(&server).await.into_list(List::facts("")).await.unwrap();
    listing.next_line().await.unwrap().unwrap();
    let moment = std::time::Duration::from_millis(100);
    tokio::time::timeout(moment, listing.next_line()).await.unwrap_err();
    let mut entries = listing.entries();
    let entry = entries.next().await.unwrap().unwrap();
    assert_eq!((entry.name(), entry.size()), (&b"b"[..], Some(2)));
    // A line of LIST is no entry of MLSD.
    assert!(entries.next().await.is_none());
    assert_eq!(entries.unknown_lines(), 1);
    goes_on(entries.finish().await.unwrap().1, server).await;

    let rows = 2_000;
    let server = transfer("TYPE A", "LIST", move |peer, mut data| {
        for row in 0..rows {
            data.write_all(format!("{ROWS}f{row}\r\n").as_bytes()).unwrap();
        }
        drop(data);
        peer.reply("226 done");
    });
    let mut listing = log_in(&server).await.into_list("").await.unwrap();
    // All but the last buffer, which is the reader's.
    for row in 0..rows - 100 {
        let line = listing.next_line().await.unwrap().unwrap();
        assert!(line.ends_with(format!(" f{row}").as_bytes()));
    }
    let mut entries = listing.entries();
    let mut count = 0;
    while let Some(entry) = entries.next().await {
        assert_eq!(entry.unwrap().name(), format!("f{}", rows - 100 + count).as_bytes());
        count += 1;
    }
    assert_eq!(count, 100);
    goes_on(entries.finish().await.unwrap().1, server).await;
}
