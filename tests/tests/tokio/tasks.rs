//! Where a session's futures may run: inside `select!` with other work, and in a `LocalSet`

use std::io::Write as _;
use std::rc::Rc;
use std::time::Duration;

use ftp_tests::scripted::{Server, accept};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::LocalSet;
use tokio::time::{Instant, interval, sleep};

use super::{file, log_in};

/// The losing branch is dropped, and the session goes on
#[tokio::test]
async fn a_download_loses_against_a_timer_and_the_session_is_used_again() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        let listener = peer.epsv();
        let mut data = accept(&listener);
        peer.exchange("RETR slow", "150 here it comes");
        data.write_all(b"begin").unwrap();
        peer.settle();
        peer.send_file("RETR f", &file());
        peer.serve_quit();
    });
    let mut client = log_in(&server).await;
    let (mut slow, mut whole) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    tokio::select! {
        done = client.download_to("slow", &mut slow) => panic!("{done:?}"),
        () = sleep(Duration::from_millis(100)) => {}
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(slow, b"begin");
    // The other way around: the timer is dropped.
    tokio::select! {
        done = client.download_to("f", &mut whole) => assert_eq!(done.unwrap().bytes, 3_000_000),
        () = sleep(Duration::from_secs(60)) => panic!("a minute"),
    }
    assert!(whole == file());
    client.quit().await.unwrap();
    server.join();
}

/// A read that loses has taken no bytes
#[tokio::test]
async fn reads_and_writes_lose_against_a_clock_and_no_byte_is_lost() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        let listener = peer.epsv();
        let mut data = accept(&listener);
        peer.exchange("RETR f", "150 here it comes");
        for part in file()[..50_000].chunks(1_000) {
            data.write_all(part).unwrap();
            std::thread::sleep(Duration::from_millis(2));
        }
        drop(data);
        peer.reply("226 done");
        assert!(peer.receive_file("STOR g") == file());
        peer.serve_quit();
    });
    let mut client = log_in(&server).await;
    let mut clock = interval(Duration::from_millis(1));
    let mut ticks = 0;
    let mut bytes = Vec::new();
    let mut download = client.get("f").await.unwrap();
    loop {
        let mut block = [0; 700];
        tokio::select! {
            biased;
            _ = clock.tick() => ticks += 1,
            count = download.read(&mut block) => match count.unwrap() {
                0 => break,
                count => bytes.extend_from_slice(&block[..count]),
            }
        }
    }
    assert!(bytes == file()[..50_000] && ticks > 10, "{} bytes, {ticks} ticks", bytes.len());
    download.finish().await.unwrap();
    let content = file();
    let mut left = &content[..];
    let mut upload = client.put("g").await.unwrap();
    while !left.is_empty() {
        tokio::select! {
            biased;
            _ = clock.tick() => {}
            count = upload.write(left) => left = &left[count.unwrap()..],
        }
    }
    upload.finish().await.unwrap();
    client.quit().await.unwrap();
    server.join();
}

/// Tasks of one thread, with values that can't leave it
#[tokio::test]
async fn sessions_run_in_a_local_set() {
    let (sums, mut servers) = (Rc::new(std::cell::RefCell::new(Vec::new())), Vec::new());
    let tasks = LocalSet::new();
    for session in 0..3_u8 {
        let content = vec![session; 200_000];
        let server = Server::start(move |peer| {
            peer.welcome();
            peer.exchange("TYPE I", "200 fine");
            peer.send_file("RETR f", &content);
            peer.serve_quit();
        });
        let (address, sums) = (server.address(), Rc::clone(&sums));
        servers.push(server);
        tasks.spawn_local(async move {
            let config = ftp_tokio::Config::new(ftp_tokio::TlsPolicy::Plaintext);
            let client = ftp_tokio::Client::connect_and_login(address, config, "u", "p").await;
            let mut client = client.unwrap();
            let seen = Rc::clone(&sums);
            let progress = move |bytes| seen.borrow_mut().push((session, bytes));
            let mut bytes = Vec::new();
            let download = client.get("f").await.unwrap();
            download.copy_to(&mut bytes, progress).await.unwrap();
            assert_eq!(bytes, vec![session; 200_000]);
            client.quit().await.unwrap();
        });
    }
    tasks.await;
    for session in 0..3 {
        assert!(sums.borrow().contains(&(session, 200_000)), "{session}");
    }
    servers.into_iter().for_each(Server::join);
}
