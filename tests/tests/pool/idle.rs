//! Idle sessions: whether they are still usable, and when they are closed

use std::time::Duration;

use ftp_test::{Action, Command, Limit};
use ftp_tokio::{Lease, Pool, PoolError, ReadDir, Site};

use crate::server::{ends, start, start_with};
use crate::{eventually, fetch, site};

/// Opens this many sessions and returns them to the pool
async fn fill(pool: &Pool, site: &Site, count: usize) {
    let mut leases = Vec::new();
    for _ in 0..count {
        leases.push(pool.lease(site).await.unwrap());
    }
    drop(leases);
    eventually("all are idle", || pool.status(site).idle == count).await;
}

#[tokio::test]
async fn the_last_session_is_remembered_while_the_server_may_count_it() {
    let lingers = Duration::from_millis(60);
    let server = start();
    server.limit_sessions(Limit::new(1).lingers(lingers));
    let (pool, site) = (Pool::builder().max_age(Duration::ZERO).build(), site(&server));
    for _ in 0..3 {
        drop(pool.lease(&site).await.unwrap());
        eventually("it is closed", || pool.status(&site).sessions == 0).await;
    }
    assert_eq!(server.sessions().refused, 0);
}

#[tokio::test]
async fn idle_sessions_beyond_a_lowered_ceiling_are_closed() {
    // Whoever asks for a size is told that the server is overloaded.
    let server = start_with(ends("SIZE", 0, Some("421 Too busy, try again later.")));
    let (pool, site) = (Pool::new(), site(&server));
    fill(&pool, &site, 6).await;
    let mut lease = pool.lease(&site).await.unwrap();
    lease.size("f").await.unwrap_err();
    drop(lease);
    eventually("half of them are left", || pool.status(&site).sessions == 3).await;
    assert_eq!(server.count("QUIT"), 2);
    fetch(&mut pool.lease(&site).await.unwrap(), "f").await.unwrap();
}

#[tokio::test]
async fn sessions_that_do_not_answer_are_waited_for_once() {
    let server =
        start_with(|Command { verb, .. }: Command<'_>| (verb == "NOOP").then(Action::ignore));
    let patience = Duration::from_millis(100);
    let pool = Pool::builder().check_after(Duration::ZERO).check_timeout(patience).build();
    let site = site(&server);
    fill(&pool, &site, 4).await;
    let mut lease = pool.lease(&site).await.unwrap();
    assert!(!Lease::is_reused(&lease));
    assert_eq!(server.count("NOOP"), 1);
    fetch(&mut lease, "f").await.unwrap();
}

#[tokio::test]
async fn a_refused_noop_is_an_answer() {
    let refuses =
        |Command { verb, .. }: Command<'_>| (verb == "NOOP").then(|| Action::reply("500 What?"));
    let server = start_with(refuses);
    let (pool, site) = (Pool::builder().check_after(Duration::ZERO).build(), site(&server));
    fill(&pool, &site, 1).await;
    assert!(Lease::is_reused(&pool.lease(&site).await.unwrap()));
    assert_eq!((server.count("NOOP"), server.sessions().logins), (1, 1));
}

#[tokio::test]
async fn a_refused_login_can_be_remembered_for_ever() {
    let server = start();
    let pool = Pool::builder().refused_login_memory(Duration::MAX).build();
    let wrong = site(&server).login("u", "wrong");
    for _ in 0..3 {
        let error = pool.lease(&wrong).await.unwrap_err();
        assert!(matches!(&error, PoolError::Session(error) if error.is_auth()), "{error}");
    }
    assert_eq!(server.count("PASS"), 1);
}

#[tokio::test]
async fn the_callers_connections_are_used_for_all_sessions() {
    let server = start();
    let address = server.address();
    let dial = move |target: ftp_tokio::Target| async move {
        assert_eq!(target.host, "nowhere.example");
        tokio::net::TcpStream::connect((address.ip(), target.port)).await
    };
    let site = Site::new(
        ("nowhere.example", address.port()),
        ftp_tokio::Config::new(ftp_tokio::TlsPolicy::Plaintext),
    );
    let site = site.unwrap().connect_with(dial).login("u", "p");
    let pool = Pool::new();
    for _ in 0..3 {
        fetch(&mut pool.lease(&site).await.unwrap(), "f").await.unwrap();
    }
    assert_eq!(server.sessions().logins, 1);
}

#[tokio::test]
async fn idle_and_old_sessions_are_closed_with_quit() {
    let server = start();
    let site = site(&server);
    let pool = Pool::builder().idle_timeout(Duration::from_millis(50)).build();
    drop(pool.lease(&site).await.unwrap());
    eventually("the idle session is closed", || pool.status(&site).sessions == 0).await;
    assert_eq!(server.count("QUIT"), 1);

    let pool = Pool::builder().max_age(Duration::from_millis(50)).build();
    let lease = pool.lease(&site).await.unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    drop(lease);
    eventually("the old session is closed", || server.sessions().open == 0).await;
    assert_eq!(server.count("QUIT"), 2);

    // After a period without use, a session is checked.
    let pool = Pool::builder().check_after(Duration::ZERO).build();
    drop(pool.lease(&site).await.unwrap());
    assert!(Lease::is_reused(&pool.lease(&site).await.unwrap()));
    assert_eq!(server.count("NOOP"), 1);
}

#[tokio::test]
async fn a_session_that_the_server_has_ended_is_noticed_without_a_round_trip() {
    let server = start();
    server.set_idle_timeout(Duration::from_millis(500));
    let (pool, site) = (Pool::new(), site(&server));
    for _ in 0..3 {
        let mut lease = pool.lease(&site).await.unwrap();
        assert!(!Lease::is_reused(&lease));
        fetch(&mut lease, "f").await.unwrap();
        drop(lease);
        eventually("the server ends the session", || server.sessions().open == 0).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.count("NOOP"), 0);
    // It was idle, which is no sign of too many.
    assert_eq!(pool.status(&site).limit, 8);
}

/// The listing has entered a directory, and no return is due yet; where it is refused, the session is not lent again
#[tokio::test]
async fn a_session_that_can_not_return_to_its_directory_is_not_lent_again() {
    let server = start_with(|Command { verb, argument, .. }: Command<'_>| match verb {
        "MLSD" => Some(Action::reply("500 Unknown command.")),
        "CWD" if argument == "/d" => Some(Action::reply("250 there")),
        "CWD" => Some(Action::reply("550 gone")),
        _ => None,
    });
    let (pool, site) = (Pool::new(), site(&server));
    for reads_directory in [false, true] {
        let mut lease = pool.lease(&site).await.unwrap();
        assert!(!Lease::is_reused(&lease));
        let mut entries = lease.read_dir(ReadDir::long("/d")).await.unwrap();
        while let Some(entry) = entries.next().await {
            entry.unwrap();
        }
        drop(lease);
        let mut lease = pool.lease(&site).await.unwrap();
        assert!(Lease::is_reused(&lease));
        let error = match reads_directory {
            // Its path is tried as one from the root first.
            true => lease.read_dir(ReadDir::long("x")).await.err().unwrap(),
            false => lease.size("f").await.unwrap_err(),
        };
        assert!(error.to_string().contains("working directory"), "{error}");
    }
    assert!(!Lease::is_reused(&pool.lease(&site).await.unwrap()));
}

/// It may be a 421, or bytes that would be taken for the beginning of the next answer
#[tokio::test]
async fn a_session_with_a_part_of_a_reply_is_not_leased_again() {
    for part in ["421-too long idle", "230-hello"] {
        let reply = format!("200 fine\r\n{part}");
        let server = start_with(move |Command { verb, .. }: Command<'_>| {
            (verb == "NOOP").then(|| Action::reply(reply.clone()))
        });
        let (pool, site) = (Pool::new(), site(&server));
        pool.lease(&site).await.unwrap().noop().await.unwrap();
        eventually("it is back, or closed", || {
            let status = pool.status(&site);
            status.sessions == status.idle
        })
        .await;
        let mut lease = pool.lease(&site).await.unwrap();
        assert!(!Lease::is_reused(&lease), "{part}");
        fetch(&mut lease, "f").await.unwrap();
    }
}

#[tokio::test]
async fn a_session_that_is_elsewhere_is_not_leased_again() {
    // The server says that it has moved, or does not say where it was at first.
    let lies: [(&str, &str, &str); 2] =
        [("CWD", "/", "250 moved"), ("PWD", "", "257 \"\" is the directory")];
    for (verb, argument, reply) in lies {
        let server = start_with(move |command: Command<'_>| {
            ((command.verb, command.argument) == (verb, argument)).then(|| Action::reply(reply))
        });
        server.files().put("d/x", b"x");
        let (pool, site) = (Pool::new(), site(&server));
        pool.lease(&site).await.unwrap().cwd("d").await.unwrap();
        eventually("it is back, or closed", || {
            let status = pool.status(&site);
            status.sessions == status.idle
        })
        .await;
        let mut lease = pool.lease(&site).await.unwrap();
        assert!(!Lease::is_reused(&lease), "{verb}");
        fetch(&mut lease, "f").await.unwrap();
    }
}
