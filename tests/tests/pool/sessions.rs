//! Sessions after their lease is dropped, and operations whose session has ended

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use ftp_test::Action;
use ftp_tokio::{Lease, Pool};
use tokio::io::AsyncReadExt;

use crate::server::{ends, start, start_with};
use crate::{eventually, fetch, runtime, site};

#[tokio::test]
async fn a_session_is_used_again() {
    let server = start();
    let (pool, site) = (Pool::new(), site(&server));
    for round in 0..5 {
        let mut lease = pool.lease(&site).await.unwrap();
        assert_eq!(Lease::is_reused(&lease), round > 0);
        fetch(&mut lease, "f").await.unwrap();
    }
    assert_eq!((server.sessions().logins, server.count("NOOP")), (1, 0));
    let status = pool.status(&site);
    assert_eq!((status.sessions, status.idle, status.waiting), (1, 1, 0));
}

#[tokio::test]
async fn unfinished_requests_are_settled_in_the_background() {
    let server = start();
    let (pool, site) = (Pool::builder().sessions_per_host(1).build(), site(&server));
    for _ in 0..3 {
        let mut lease = pool.lease(&site).await.unwrap();
        let mut download = lease.get("big").await.unwrap();
        download.read_exact(&mut [0; 1000]).await.unwrap();
        drop(download);
        drop(lease);
        // The bytes are not those of another transfer.
        let mut lease = pool.lease(&site).await.unwrap();
        fetch(&mut lease, "f").await.unwrap();
        drop(lease);
        // The same for a transfer that owns its lease.
        let lease = pool.lease(&site).await.unwrap();
        let mut download = lease.into_get("big").await.unwrap();
        download.read_exact(&mut [0; 1000]).await.unwrap();
        drop(download);
    }
    let mut lease = pool.lease(&site).await.unwrap();
    fetch(&mut lease, "f").await.unwrap();
    assert_eq!(server.sessions().logins, 1);
}

/// ProFTPD refuses every other command after RNFR
#[tokio::test]
async fn no_session_is_leased_after_an_rnfr_without_an_rnto() {
    let expects_rnto = Mutex::new(HashSet::new());
    let server = start_with(move |command| {
        let mut expects_rnto = expects_rnto.lock().unwrap();
        match command.verb {
            "RNFR" if command.argument == "missing" => Some(Action::reply("550 No such file.")),
            "RNFR" => {
                // The rename is dropped during this time.
                std::thread::sleep(Duration::from_millis(200));
                expects_rnto.insert(command.session);
                Some(Action::reply("350 and now RNTO"))
            }
            "RNTO" => {
                expects_rnto.remove(&command.session);
                let done = if command.argument.is_empty() { "501 no name" } else { "250 done" };
                Some(Action::reply(done))
            }
            "QUIT" => None,
            _ if expects_rnto.contains(&command.session) => Some(Action::reply("501 RNTO first.")),
            _ => None,
        }
    });
    let (pool, site) = (Pool::builder().sessions_per_host(1).build(), site(&server));
    let lease = || async { pool.lease(&site).await.unwrap() };
    // Dropped while RNFR is not answered: it is withdrawn.
    let mut one = lease().await;
    let renamed = tokio::time::timeout(Duration::from_millis(50), one.rename("a", "b")).await;
    renamed.unwrap_err();
    drop(one);
    assert_eq!(lease().await.pwd().await.unwrap(), b"/");
    // Refused: nothing is expected.
    lease().await.rename("missing", "b").await.unwrap_err();
    assert_eq!(lease().await.pwd().await.unwrap(), b"/");
    assert_eq!(server.sessions().logins, 1);
    // Sent as a command of the caller's own.
    lease().await.command("RNFR", "a").await.unwrap();
    assert_eq!(lease().await.pwd().await.unwrap(), b"/");
    assert_eq!((server.sessions().logins, server.count("RNFR")), (2, 3));
}

#[tokio::test]
async fn a_working_directory_does_not_persist() {
    let server = start();
    let (pool, site) = (Pool::builder().sessions_per_host(1).build(), site(&server));
    pool.lease(&site).await.unwrap().cwd("/elsewhere").await.unwrap();
    let mut lease = pool.lease(&site).await.unwrap();
    assert_eq!(lease.pwd().await.unwrap(), b"/");
    assert_eq!(server.sessions().logins, 1);
}

#[tokio::test]
async fn a_session_that_was_changed_is_closed() {
    let server = start();
    let (pool, site) = (Pool::builder().sessions_per_host(1).build(), site(&server));
    pool.lease(&site).await.unwrap().opts("UTF8 OFF").await.unwrap();
    pool.lease(&site).await.unwrap().login("other", "p").await.unwrap();
    pool.lease(&site).await.unwrap().site("UMASK 000").await.unwrap();
    pool.lease(&site).await.unwrap().config_mut().truncation = ftp_tokio::Truncation::Accept;
    let lease = pool.lease(&site).await.unwrap();
    assert!(Lease::is_reused(&lease));
    assert_eq!(lease.config().truncation, ftp_tokio::Truncation::Reject);
    // Three and one, and the other user's.
    assert_eq!(server.sessions().logins, 5);
}

#[tokio::test]
async fn exchanged_clients_are_noticed() {
    let server = start();
    let pool = Pool::new();
    let (one, other) = (site(&server), site(&server).login("other", "p"));
    let mut first = pool.lease(&one).await.unwrap();
    let mut second = pool.lease(&other).await.unwrap();
    std::mem::swap(&mut *first, &mut *second);
    drop((first, second));
    assert!(!Lease::is_reused(&pool.lease(&one).await.unwrap()));
    assert!(!Lease::is_reused(&pool.lease(&other).await.unwrap()));
}

#[tokio::test]
async fn an_operation_is_retried_if_it_had_not_begun() {
    for reply in [Some("421 Timeout."), None] {
        let server = start_with(ends("SIZE", 1, reply));
        let (pool, site) = (Pool::new(), site(&server));
        let size = |mut ftp: Lease| async move { ftp.size("abc").await };
        for round in 1..4 {
            assert_eq!(pool.run(&site, size).await.unwrap(), 1003, "{reply:?}");
            assert_eq!(server.sessions().logins, round);
        }
        // The failure of a fresh session is not retried.
        let twice = |mut ftp: Lease| async move {
            ftp.size("abc").await?;
            ftp.size("abc").await
        };
        let error = pool.run(&site, twice).await.unwrap_err();
        assert!(error.session().unwrap().is_fatal(), "{error}");
    }
}

#[tokio::test]
async fn an_operation_that_may_have_been_done_is_not_repeated() {
    let server = start_with(ends("DELE", 1, None));
    let (pool, site) = (Pool::new(), site(&server));
    let delete = |mut ftp: Lease| async move { ftp.delete("abc").await.map(drop) };
    // Without a reply, the file may have been deleted.
    pool.run(&site, delete).await.unwrap();
    assert!(pool.run(&site, delete).await.is_err());
    assert_eq!(server.count("DELE"), 2);

    // In the place of the answer a 421 is a refusal.
    let server = start_with(ends("DELE", 1, Some("421 Timeout.")));
    let site = self::site(&server);
    pool.run(&site, delete).await.unwrap();
    pool.run(&site, delete).await.unwrap();

    // Something had begun.
    let server = start_with(ends("SIZE", 1, Some("421 Timeout.")));
    let site = self::site(&server);
    let both = |mut ftp: Lease| async move {
        ftp.noop().await?;
        ftp.size("abc").await
    };
    pool.run(&site, both).await.unwrap();
    assert!(pool.run(&site, both).await.is_err());
}

#[test]
fn a_runtime_that_is_shut_down_ends_only_its_own_sessions() {
    let server = start();
    let (pool, site) = (Pool::builder().sessions_per_host(2).build(), site(&server));
    for _ in 0..3 {
        let first = runtime();
        let outside = first.block_on(async {
            let mut lease = pool.lease(&site).await.unwrap();
            let outside = pool.lease(&site).await.unwrap();
            let mut download = lease.get("big").await.unwrap();
            download.read_exact(&mut [0; 1000]).await.unwrap();
            drop(download);
            // The session is being settled when the runtime ends.
            drop(lease);
            outside
        });
        drop(first);
        drop(outside);
        runtime().block_on(async {
            let mut lease = pool.lease(&site).await.unwrap();
            fetch(&mut lease, "f").await.unwrap();
        });
    }
    assert_eq!(server.sessions().refused, 0);
}

#[tokio::test]
async fn the_last_clone_of_a_pool_closes_what_is_idle_and_what_comes_back() {
    let server = start();
    let site = site(&server);
    let pool = Pool::new();
    let (mut held, idle) = (pool.lease(&site).await.unwrap(), pool.lease(&site).await.unwrap());
    drop(idle);
    drop(pool.clone());
    assert_eq!(pool.status(&site).sessions, 2);
    drop(pool);
    eventually("the idle one is closed", || server.count("QUIT") == 1).await;
    fetch(&mut held, "f").await.unwrap();
    drop(held);
    eventually("so is the last", || server.count("QUIT") == 2).await;
}

/// A lease that the caller keeps is not taken back, whatever the result of the operation
#[tokio::test]
async fn an_operation_may_keep_its_lease() {
    let server = start_with(ends("SIZE", 0, None));
    let (pool, site) = (Pool::new(), site(&server));
    drop(pool.lease(&site).await.unwrap());
    let kept = Mutex::new(Vec::new());
    let result = pool.run(&site, |mut ftp| {
        let kept = &kept;
        async move {
            let size = ftp.size("f").await;
            kept.lock().unwrap().push(ftp);
            size
        }
    });
    // It is unknown whether anything had begun.
    result.await.unwrap_err();
    assert_eq!(kept.lock().unwrap().len(), 1);
    let kept = pool.run(&site, |ftp| async move { Ok(ftp) }).await.unwrap();
    assert_eq!(pool.status(&site).sessions, 2);
    drop(kept);
}

#[tokio::test]
async fn a_session_that_can_only_use_epsv_is_closed() {
    let server = start();
    let (pool, site) = (Pool::builder().sessions_per_host(1).build(), site(&server));
    pool.lease(&site).await.unwrap().command("EPSV", "ALL").await.unwrap();
    assert!(!Lease::is_reused(&pool.lease(&site).await.unwrap()));
}
