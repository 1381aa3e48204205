//! The amount of memory that a hostile server can make a client keep
//!
//! Measured with a counting allocator, on the client's thread alone.

use allocation_counter::measure;
use ftp_proto::listing::ListingParser;
use ftp_proto::{Client, Config, IpFamily, List, Time, TlsPolicy};
use ftp_tests::scripted::{Server, accept};

/// The limits of a reply and of its lines, doubled for growing buffers, plus some for the rest
const BOUND: u64 = 2 * 1024 * 1024;

/// Returns the peak memory of a client that receives `piece` repeatedly until it gives up
fn held(asked: bool, piece: &[u8], times: usize) -> u64 {
    let info = measure(|| {
        let now = Time::ZERO;
        let mut client = Client::new(Config::new(TlsPolicy::Plaintext), IpFamily::V4, now);
        if asked {
            client.handle_input(now, b"220 ready\r\n").expect("a greeting");
            let _ = client.query_features();
            let unsent = client.poll_transmit().map_or(0, <[u8]>::len);
            client.handle_transmit(now, unsent);
            client.handle_input(now, b"211-Features:\r\n").expect("a beginning");
        }
        for _ in 0..times {
            if client.handle_input(now, piece).is_err() {
                break;
            }
            while client.poll_event().is_some() {}
        }
    });
    info.bytes_max
}

#[test]
fn endless_replies() {
    let lines = [
        (false, &b"2"[..]),
        (false, b"220-"),
        (false, b"220-hello\r\n"),
        (false, b"120 soon\r\n"),
        (false, b"\xFF\xFB\x01"),
        (true, b" FEATURE of no use;\r\n"),
        (true, b"\r\n"),
        (true, b"150 nearly\r\n"),
    ];
    for (asked, piece) in lines {
        let most = held(asked, piece, 1_000_000);
        println!("{most:>8} bytes for {:?}", piece.escape_ascii().to_string());
        assert!(most < BOUND, "{most} bytes for {:?}", piece.escape_ascii().to_string());
    }
}

#[test]
fn endless_listing_lines() {
    for piece in [&b"-rw-r--r-- "[..], b"type=file;", b"x", b" \r", b"total 5\r\n", b"a\r\n"] {
        let info = measure(|| {
            let mut parser = ListingParser::new();
            for _ in 0..1_000_000 {
                let mut rest = piece;
                while parser.parse(&mut rest).is_some() {}
            }
            let _ = parser.finish();
        });
        assert!(info.bytes_max < BOUND, "{} bytes for {}", info.bytes_max, piece.escape_ascii());
    }
}

/// Unread data stays in the network
#[test]
fn unread_data() {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE A", "200 fine");
        let listener = s.epsv();
        let mut data = accept(&listener);
        s.exchange("NLST", "150 here it comes");
        // Aborted listings are read to their end, too.
        std::io::Write::write_all(&mut data, &vec![b'x'; 64 << 20]).expect("a reader");
        drop(data);
        s.reply("226 done");
        s.expect_close();
    });
    let info = measure(|| {
        let mut config = Config::new(TlsPolicy::Plaintext);
        config.pipeline = false;
        let mut ftp =
            ftp_blocking::Client::connect(server.address().to_string(), config).expect("a server");
        ftp.login("u", "p").expect("a login");
        let mut listing = ftp.list(List::names("")).expect("a listing");
        // A line without an end.
        let error = listing.next_line().expect_err("no line");
        assert!(matches!(error, ftp_blocking::Error::LineTooLong { .. }), "{error:?}");
        drop(listing);
    });
    server.join();
    assert!(info.bytes_max < 2 * BOUND, "{} bytes", info.bytes_max);
}
