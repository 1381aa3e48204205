//! What calls leave behind that were dropped or have failed

use std::io::Write as _;
use std::sync::mpsc::channel;
use std::time::Duration;

use ftp_tests::polls::{at_every_poll, polled};
use ftp_tests::scripted::{
    Peer, Server, accept, connect, copy_source, copy_target, obey, read_all,
};
use ftp_tokio::{Client, Config, List, TlsPolicy};
use tokio::io::AsyncReadExt as _;
use tokio::time::{sleep, timeout};

use crate::dropping::{clear, file, secure};
use crate::memory::{World, slowly};
use crate::operations::{OPERATIONS, server};

fn short() -> Config {
    let mut config = Config::new(TlsPolicy::Plaintext);
    config.pipeline = false;
    config.data_timeout = Duration::from_millis(200);
    config.settle_timeout = Duration::from_secs(2);
    config.reply_timeout = Duration::from_secs(2);
    config
}

async fn log_in(server: &Server, config: Config) -> Client {
    let mut client = Client::connect(server.address(), config).await.unwrap();
    client.login("u", "p").await.unwrap();
    client
}

/// Lets a transfer stall until its error, then pauses; the session has to settle within the next call
async fn stall(next: impl AsyncFnOnce(&mut Client)) {
    let server = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let listener = s.epsv();
        let _data = accept(&listener);
        s.exchange("RETR f", "150 here");
        s.settle();
        obey(s);
    });
    let mut client = log_in(&server, short()).await;
    client.get("f").await.unwrap().finish().await.unwrap_err();
    sleep(Duration::from_secs(3)).await;
    next(&mut client).await;
    drop(client);
    server.join();
}

#[tokio::test]
async fn a_pause_after_a_stalled_transfer_does_not_count() {
    stall(async |client| client.noop().await.map(drop).unwrap()).await;
}

#[tokio::test]
async fn a_pause_after_a_stalled_transfer_does_not_count_for_a_procedure() {
    stall(async |client| client.create_dir_all("d").await.map(drop).unwrap()).await;
}

#[tokio::test]
async fn a_pause_does_not_count_though_a_procedure_fails_before_its_first_request() {
    stall(async |client| {
        client.remove_dir_all("").await.unwrap_err();
        client.noop().await.map(drop).unwrap();
    })
    .await;
}

/// A call was dropped; the server answers in less than the timeout, if the caller's pause is left out
async fn drop_a_call(next: impl AsyncFnOnce(&mut Client)) {
    let server = Server::start(|s| {
        s.welcome();
        s.expect("PWD");
        std::thread::sleep(Duration::from_millis(3300));
        s.reply("257 \"/\"");
        obey(s);
    });
    let mut client = log_in(&server, short()).await;
    timeout(Duration::from_millis(20), client.pwd()).await.unwrap_err();
    sleep(Duration::from_secs(3)).await;
    next(&mut client).await;
    drop(client);
    server.join();
}

#[tokio::test]
async fn a_pause_after_a_dropped_call_does_not_count() {
    drop_a_call(async |client| client.noop().await.map(drop).unwrap()).await;
}

#[tokio::test]
async fn a_pause_after_a_dropped_call_does_not_count_for_a_procedure() {
    drop_a_call(async |client| client.create_dir_all("d").await.map(drop).unwrap()).await;
}

#[tokio::test]
async fn a_pause_after_a_dropped_call_does_not_count_for_a_walk() {
    drop_a_call(async |client| {
        let mut walk = client.walk("d", ftp_tokio::WalkOptions::new());
        // The directory does not exist, but the session goes on.
        let found = walk.next().await;
        let error = found.map(|found| found.map(drop));
        assert!(walk.client().is_connected(), "{error:?}");
    })
    .await;
}

/// Lines read ahead, then an error in the middle
#[tokio::test]
async fn an_error_after_lines_that_were_read_ahead() {
    for way in 0..4 {
        let (has_read, go_on) = channel();
        let server = Server::start(move |s| {
            s.welcome();
            s.exchange("TYPE A", "200 text");
            let listener = s.epsv();
            let mut data = accept(&listener);
            s.exchange("NLST", "150 here");
            data.write_all(b"a\r\nb\r\nc\r\nd").unwrap();
            go_on.recv().unwrap();
            drop(data);
            s.reply("451 disk on fire");
            obey(s);
        });
        let mut config = short();
        config.data_timeout = Duration::from_secs(5);
        let client = log_in(&server, config).await;
        let mut listing = client.into_list(List::names("")).await.unwrap();
        assert_eq!(listing.next_line().await.unwrap(), Some(&b"a"[..]));
        has_read.send(()).unwrap();
        let client = match way {
            0 => {
                let mut entries = listing.entries();
                assert_eq!(entries.next().await.unwrap().unwrap().name(), b"b");
                assert_eq!(entries.next().await.unwrap().unwrap().name(), b"c");
                let error = entries.next().await.unwrap().unwrap_err();
                assert_eq!(error.reply().unwrap().code().get(), 451);
                assert!(entries.next().await.is_none());
                entries.finish().await.unwrap_err().into_parts().1
            }
            1 => {
                assert_eq!(listing.next_line().await.unwrap(), Some(&b"b"[..]));
                assert_eq!(listing.next_line().await.unwrap(), Some(&b"c"[..]));
                for _ in 0..3 {
                    let error = listing.next_line().await.unwrap_err();
                    assert_eq!(error.reply().unwrap().code().get(), 451);
                }
                listing.finish().await.unwrap_err().into_parts().1
            }
            2 => listing.collect_lines().await.unwrap_err().into_parts().1,
            _ => {
                let mut bytes = Vec::new();
                let error = listing.read_to_end(&mut bytes).await;
                assert!(error.is_err());
                assert_eq!(bytes, b"b\r\nc\r\nd");
                listing.abort().await.unwrap().1.into()
            }
        };
        let mut client = client.unwrap();
        client.noop().await.unwrap();
        drop(client);
        server.join();
    }
}

/// Begins a copy of `a` to `b`, and drops it after a moment
async fn drop_a_copy(from: &mut Client, to: &mut Client) {
    let type_ = ftp_tokio::TransferType::Image;
    let copy = ftp_tokio::copy_between_servers(from, "a", to, "b", type_);
    timeout(Duration::from_millis(300), copy).await.unwrap_err();
}

#[tokio::test]
async fn a_dropped_copy_is_settled_by_the_next_call() {
    let settles = |s: &mut Peer| {
        s.settle();
        obey(s);
    };
    let (source, target) = (copy_source(settles), copy_target(settles));
    let mut config = short();
    config.settle_timeout = Duration::from_secs(2);
    let mut from = log_in(&source, config.clone()).await;
    let mut to = log_in(&target, config).await;
    drop_a_copy(&mut from, &mut to).await;
    let patience = Duration::from_secs(4);
    let results = [timeout(patience, from.noop()).await, timeout(patience, to.noop()).await];
    assert!(results.iter().all(|result| matches!(result, Ok(Ok(_)))), "{results:?}");
    drop((from, to));
    source.join();
    target.join();
}

/// The source sends until the target closes the data connection, and reads no command before: it is free although the
/// target's session has no next call
#[tokio::test]
async fn a_dropped_copy_stops_both_servers() {
    let source = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE a", "213 1000000000");
        let listener = s.pasv();
        s.exchange("RETR a", "150 here");
        let mut data = accept(&listener);
        while data.write_all(&[0; 10_000]).is_ok() {}
        s.settle();
        obey(s);
    });
    let target = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let data = connect(s.active());
        s.exchange("STOR b", "150 send it");
        s.expect("ABOR");
        drop(data);
        s.reply("426 transfer aborted");
        s.reply("226 abort successful");
        obey(s);
    });
    let (mut from, mut to) = (log_in(&source, short()).await, log_in(&target, short()).await);
    drop_a_copy(&mut from, &mut to).await;
    from.noop().await.unwrap();
    to.noop().await.unwrap();
    drop((from, to));
    source.join();
    target.join();
}

/// RETR has not been sent, so the source only listens; the target has connected to it, and reads no command before that
/// connection ends
#[tokio::test]
async fn a_copy_that_is_dropped_before_the_source_sends() {
    let source = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        s.exchange("SIZE a", "213 1000000000");
        let listener = s.pasv();
        s.expect("PASV");
        drop(accept(&listener));
        s.reply("227 (127,0,0,1,1,1)");
        obey(s);
    });
    let target = Server::start(|s| {
        s.welcome();
        s.exchange("TYPE I", "200 binary");
        let address = s.active();
        s.expect("STOR b");
        read_all(&mut connect(address));
        s.settle();
        obey(s);
    });
    let (mut from, mut to) = (log_in(&source, short()).await, log_in(&target, short()).await);
    drop_a_copy(&mut from, &mut to).await;
    to.noop().await.unwrap();
    from.noop().await.unwrap();
    drop((from, to));
    source.join();
    target.join();
}

/// Each operation is dropped at each of its polls; an hour later, a procedure is the next call
#[tokio::test(start_paused = true)]
async fn a_procedure_after_a_dropped_call_and_an_hour() {
    for (options, tls) in [(clear(), false), (secure(), true)] {
        let (mut bad, mut all) = (Vec::new(), 0);
        slowly(async {
            for (name, operation) in OPERATIONS.iter().copied() {
                let polls = at_every_poll(async |polls| {
                    let world = World::new(server());
                    let mut client = world.connect(options.clone()).await.unwrap();
                    client.login("u", "p").await.unwrap();
                    let done = polled(operation(&mut client), polls).await;
                    sleep(Duration::from_secs(3600)).await;
                    client.remove_dir_all("").await.unwrap_err();
                    let made = client.create_dir_all("somewhere").await;
                    let mut bytes = Vec::new();
                    let other = client.download_to("other", &mut bytes).await;
                    if let (Ok(_), Ok(_)) = (&made, &other) {
                        assert!(bytes == file(3), "{name} {polls} {tls}: wrong bytes");
                    } else {
                        bad.push(format!("{name} {polls}: {made:?} {other:?}"));
                    }
                    done.is_some()
                });
                all += polls.await;
            }
        })
        .await;
        assert!(bad.is_empty(), "tls: {tls}, {} of {all}: {:?}", bad.len(), bad.first());
    }
}

/// A request that was queued behind an abort, and dropped, is not carried out later, whatever comes next
#[tokio::test]
async fn a_queued_request_that_was_dropped_is_not_sent() {
    for next in 0..4 {
        let (was_dropped, go_on) = channel();
        let server = Server::start(move |s| {
            s.welcome();
            s.exchange("TYPE I", "200 binary");
            let listener = s.epsv();
            let mut data = accept(&listener);
            s.exchange("RETR f", "150 here");
            data.write_all(b"begin").unwrap();
            s.expect("ABOR");
            go_on.recv().unwrap();
            s.reply("426 aborted");
            s.reply("226 abort successful");
            s.exchange("REST 0", "350 at 0");
            while let Some(command) = s.command() {
                let verb = command.split(|byte| *byte == b' ').next().unwrap();
                match verb {
                    b"NOOP" => s.reply("200 fine"),
                    b"MKD" => s.reply("257 \"/d\" made"),
                    b"CWD" => s.reply("550 none"),
                    b"PWD" => s.reply("257 \"/\""),
                    _ => panic!("{}", String::from_utf8_lossy(&command)),
                }
            }
        });
        let mut config = short();
        config.data_timeout = Duration::from_secs(5);
        config.settle_timeout = Duration::from_secs(5);
        let mut client = log_in(&server, config).await;
        let mut download = client.get("f").await.unwrap();
        download.read_exact(&mut [0; 5]).await.unwrap();
        match next {
            3 => std::mem::forget(download),
            _ => drop(download),
        }
        // Dropped while it waits for the server's answer to ABOR.
        timeout(Duration::from_millis(20), client.delete("precious")).await.unwrap_err();
        was_dropped.send(()).unwrap();
        match next {
            0 => {}
            1 | 3 => drop(client.remove_dir_all("").await.unwrap_err()),
            _ => {
                let missing = "/nonexistent/nowhere";
                client.upload_file("f", missing).await.unwrap_err();
            }
        }
        client.noop().await.unwrap();
        client.create_dir_all("d").await.unwrap();
        drop(client);
        server.join();
    }
}

/// The next line is dropped at each of its polls, then the rest is read in another way: no byte is lost or comes twice
#[tokio::test(start_paused = true)]
async fn lines_dropped_at_every_poll_then_the_rest() {
    for options in [clear(), secure()] {
        slowly(async {
            for way in 0..3 {
                for taken in 0..4 {
                    for polls in 0..40 {
                        let make = || {
                            let mut server = server();
                            for name in ["a long name of a file", "b", "c c", "d"] {
                                server.files.insert(name.repeat(7), Vec::new());
                            }
                            server
                        };
                        let names: Vec<Vec<u8>> =
                            make().files.keys().map(|name| name.clone().into_bytes()).collect();
                        let world = World::new(make());
                        let mut client = world.connect(options.clone()).await.unwrap();
                        client.login("u", "p").await.unwrap();
                        let mut listing = client.into_list(List::names("")).await.unwrap();
                        let mut found = Vec::new();
                        for _ in 0..taken {
                            found.push(listing.next_line().await.unwrap().unwrap().to_vec());
                        }
                        if let Some(line) = polled(listing.next_line(), polls).await {
                            found.push(line.unwrap().unwrap().to_vec());
                        }
                        let client = match way {
                            0 => {
                                let mut entries = listing.entries();
                                while let Some(entry) = entries.next().await {
                                    found.push(entry.unwrap().name().to_vec());
                                }
                                entries.finish().await.unwrap().1
                            }
                            1 => {
                                let (lines, client) = listing.collect_lines().await.unwrap();
                                found.extend(lines);
                                client
                            }
                            _ => {
                                let mut bytes = Vec::new();
                                listing.read_to_end(&mut bytes).await.unwrap();
                                let bytes = String::from_utf8(bytes).unwrap();
                                found.extend(bytes.lines().map(|line| line.into()));
                                listing.finish().await.unwrap().1
                            }
                        };
                        assert_eq!(found, names, "{way} {taken} {polls}");
                        drop(client);
                    }
                }
            }
        })
        .await;
    }
}
