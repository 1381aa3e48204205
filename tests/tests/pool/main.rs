//! The pool of the tokio driver, against a server that counts its sessions

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

mod idle;
mod server;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ftp_tokio::{Config, Error, Lease, Pool, PoolError, Site, TlsPolicy};
use server::{Manners, Refuses, Server, content};
use tokio::io::AsyncReadExt;

fn site(server: &Server) -> Site {
    let mut config = Config::new(TlsPolicy::Plaintext);
    config.settle_quiet = Duration::from_millis(100);
    Site::new(server.address, config).unwrap().login("u", "p")
}

async fn fetch(ftp: &mut Lease, name: &str) -> Result<(), Error> {
    let mut bytes = Vec::new();
    ftp.download_to(name, &mut bytes).await?;
    assert!(bytes == content(name), "{name}: {} bytes of something else", bytes.len());
    Ok(())
}

/// Waits for what happens in the background
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

#[tokio::test]
async fn a_session_is_used_again() {
    let server = Server::start(Manners::default());
    let (pool, site) = (Pool::new(), site(&server));
    for round in 0..5 {
        let mut lease = pool.lease(&site).await.unwrap();
        assert_eq!(Lease::is_reused(&lease), round > 0);
        fetch(&mut lease, "f").await.unwrap();
    }
    let seen = server.seen();
    assert_eq!((seen.logins, seen.count("NOOP")), (1, 0));
    let status = pool.status(&site);
    assert_eq!((status.sessions, status.idle, status.waiting), (1, 1, 0));
}

/// Runs tasks on a pool and returns how many files came
async fn crowd(pool: &Pool, site: &Site, tasks: usize, files: usize) {
    let mut running = Vec::new();
    for task in 0..tasks {
        let (pool, site) = (pool.clone(), site.clone());
        running.push(tokio::spawn(async move {
            for file in (task..files).step_by(tasks) {
                let mut lease = pool.lease(&site).await.unwrap();
                fetch(&mut lease, &format!("f{file}")).await.unwrap();
            }
        }));
    }
    for task in running {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_server_with_a_limit_refuses_once() {
    for (refuses, refusal) in [
        (Refuses::AtOnce, "There are too many connections from your internet address."),
        (Refuses::AtLogin, "Sorry, the maximum number of clients (4) is reached."),
    ] {
        let server = Server::start(Manners { limit: 4, refuses, refusal, ..Manners::default() });
        let (pool, site) = (Pool::builder().sessions_per_host(16).build(), site(&server));
        crowd(&pool, &site, 32, 400).await;
        let seen = server.seen();
        assert_eq!((seen.refused, seen.most, seen.logins), (1, 4, 4), "{refuses:?}");
        assert_eq!(pool.status(&site).limit, 4);
    }
}

#[tokio::test]
async fn there_are_as_many_as_the_user_wants() {
    let server = Server::start(Manners::default());
    let (pool, site) = (Pool::builder().sessions_per_host(3).build(), site(&server));
    crowd(&pool, &site, 20, 200).await;
    let seen = server.seen();
    assert_eq!((seen.most, seen.logins), (3, 3));
}

/// Those who always have somebody in line don't keep out a user whose session has to be opened in place of one of theirs
#[tokio::test]
async fn nobody_is_passed_by_for_ever() {
    let server = Server::start(Manners::default());
    let (pool, theirs) = (Pool::builder().sessions_per_host(2).build(), site(&server));
    let ours = theirs.clone().login("other", "p");
    let mut running = Vec::new();
    let leases = Arc::new(AtomicUsize::new(0));
    for _ in 0..8 {
        let (pool, theirs, leases) = (pool.clone(), theirs.clone(), Arc::clone(&leases));
        running.push(tokio::spawn(async move {
            loop {
                let mut lease = pool.lease(&theirs).await.unwrap();
                leases.fetch_add(1, Ordering::Relaxed);
                lease.noop().await.unwrap();
            }
        }));
    }
    while pool.status(&theirs).waiting < 6 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let before = leases.load(Ordering::Relaxed);
    let ours = tokio::time::timeout(Duration::from_secs(20), pool.lease(&ours)).await;
    ours.expect("a place is found").unwrap().noop().await.unwrap();
    assert!(leases.load(Ordering::Relaxed) > before, "nobody was in the way");
    for task in running {
        task.abort();
    }
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let server = Server::start(Manners { pause: Duration::from_millis(5), ..Manners::default() });
    let pool = Pool::new();
    let site = site(&server).login("u", "wrong");
    let mut running = Vec::new();
    for _ in 0..10 {
        let (pool, site) = (pool.clone(), site.clone());
        running.push(tokio::spawn(async move { pool.lease(&site).await.map(drop) }));
    }
    for task in running {
        let error = task.await.unwrap().unwrap_err();
        assert!(error.session().unwrap().is_auth(), "{error}");
    }
    assert!(matches!(pool.lease(&site).await, Err(PoolError::Session(error)) if error.is_auth()));
    assert_eq!(server.seen().count("PASS"), 1);
    // Another password is another matter.
    pool.lease(&site.login("u", "p")).await.unwrap();
}

#[tokio::test]
async fn what_was_left_half_way_is_settled_in_the_background() {
    let server = Server::start(Manners::default());
    let (pool, site) = (Pool::builder().sessions_per_host(1).build(), site(&server));
    for _ in 0..3 {
        let mut lease = pool.lease(&site).await.unwrap();
        let mut download = lease.get("big").await.unwrap();
        download.read_exact(&mut [0; 1000]).await.unwrap();
        drop(download);
        drop(lease);
        // Nobody else's bytes come.
        let mut lease = pool.lease(&site).await.unwrap();
        fetch(&mut lease, "f").await.unwrap();
        drop(lease);
        // The one that owns its lease, too.
        let lease = pool.lease(&site).await.unwrap();
        let mut download = lease.into_get("big").await.unwrap();
        download.read_exact(&mut [0; 1000]).await.unwrap();
        drop(download);
    }
    let mut lease = pool.lease(&site).await.unwrap();
    fetch(&mut lease, "f").await.unwrap();
    assert_eq!(server.seen().logins, 1);
}

#[tokio::test]
async fn a_working_directory_does_not_stay() {
    let server = Server::start(Manners::default());
    let (pool, site) = (Pool::builder().sessions_per_host(1).build(), site(&server));
    pool.lease(&site).await.unwrap().cwd("/elsewhere").await.unwrap();
    let mut lease = pool.lease(&site).await.unwrap();
    assert_eq!(lease.pwd().await.unwrap(), b"/home");
    assert_eq!(server.seen().logins, 1);
}

#[tokio::test]
async fn a_session_that_is_not_what_it_was_is_closed() {
    let server = Server::start(Manners::default());
    let (pool, site) = (Pool::builder().sessions_per_host(1).build(), site(&server));
    pool.lease(&site).await.unwrap().opts("UTF8 OFF").await.unwrap();
    pool.lease(&site).await.unwrap().login("other", "p").await.unwrap();
    pool.lease(&site).await.unwrap().site("UMASK 000").await.unwrap();
    pool.lease(&site).await.unwrap().config_mut().truncation = ftp_tokio::Truncation::Accept;
    let lease = pool.lease(&site).await.unwrap();
    assert!(Lease::is_reused(&lease));
    assert_eq!(lease.config().truncation, ftp_tokio::Truncation::Reject);
    // Three and one, and the other user's.
    assert_eq!(server.seen().logins, 5);
}

#[tokio::test]
async fn clients_that_were_exchanged_are_noticed() {
    let server = Server::start(Manners::default());
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
async fn a_session_that_the_server_has_ended_is_noticed_without_a_round_trip() {
    let server = Server::start(Manners { idle: Duration::from_millis(500), ..Manners::default() });
    let (pool, site) = (Pool::new(), site(&server));
    for _ in 0..3 {
        let mut lease = pool.lease(&site).await.unwrap();
        assert!(!Lease::is_reused(&lease));
        fetch(&mut lease, "f").await.unwrap();
        drop(lease);
        eventually("the server ends the session", || server.seen().live == 0).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.seen().count("NOOP"), 0);
    // It was idle, which is no sign of too many.
    assert_eq!(pool.status(&site).limit, 8);
}

#[tokio::test]
async fn an_operation_is_tried_again_if_nothing_of_it_had_begun() {
    for reply in [Some("421 Timeout."), None] {
        let ends = Some(("SIZE", 1, reply));
        let server = Server::start(Manners { ends, ..Manners::default() });
        let (pool, site) = (Pool::new(), site(&server));
        let size = |mut ftp: Lease| async move { ftp.size("abc").await };
        for round in 1..4 {
            assert_eq!(pool.run(&site, size).await.unwrap(), 1003, "{reply:?}");
            assert_eq!(server.seen().logins, round);
        }
        // A fresh session is not to blame.
        let twice = |mut ftp: Lease| async move {
            ftp.size("abc").await?;
            ftp.size("abc").await
        };
        let error = pool.run(&site, twice).await.unwrap_err();
        assert!(error.session().unwrap().is_fatal(), "{error}");
    }
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_again() {
    let ends = Some(("DELE", 1, None));
    let server = Server::start(Manners { ends, ..Manners::default() });
    let (pool, site) = (Pool::new(), site(&server));
    let delete = |mut ftp: Lease| async move { ftp.delete("abc").await.map(drop) };
    // Without an answer it may have been deleted.
    pool.run(&site, delete).await.unwrap();
    assert!(pool.run(&site, delete).await.is_err());
    assert_eq!(server.seen().count("DELE"), 2);

    // In the place of the answer a 421 is a refusal.
    let ends = Some(("DELE", 1, Some("421 Timeout.")));
    let server = Server::start(Manners { ends, ..Manners::default() });
    let site = self::site(&server);
    pool.run(&site, delete).await.unwrap();
    pool.run(&site, delete).await.unwrap();

    // Something had begun.
    let ends = Some(("SIZE", 1, Some("421 Timeout.")));
    let server = Server::start(Manners { ends, ..Manners::default() });
    let site = self::site(&server);
    let both = |mut ftp: Lease| async move {
        ftp.noop().await?;
        ftp.size("abc").await
    };
    pool.run(&site, both).await.unwrap();
    assert!(pool.run(&site, both).await.is_err());
}

#[tokio::test]
async fn waiting_has_an_end() {
    let server = Server::start(Manners::default());
    // Long enough for all to get in line on a machine that is busy.
    let limit = Duration::from_secs(1);
    let pool = Pool::builder().sessions_per_host(1).wait_timeout(limit).waiters_per_host(2).build();
    let site = site(&server);
    let held = pool.lease(&site).await.unwrap();
    let begun = std::time::Instant::now();
    let wait = || {
        let (pool, site) = (pool.clone(), site.clone());
        tokio::spawn(async move { pool.lease(&site).await.map(drop) })
    };
    let waiting = [wait(), wait()];
    eventually("both wait", || pool.status(&site).waiting == 2).await;
    assert!(matches!(pool.lease(&site).await, Err(PoolError::Busy { limit: 2 })));
    for task in waiting {
        assert!(matches!(task.await.unwrap(), Err(PoolError::TimedOut { .. })));
    }
    assert!(begun.elapsed() >= limit);
    assert_eq!(pool.status(&site).waiting, 0);
    let next = wait();
    eventually("one waits", || pool.status(&site).waiting == 1).await;
    drop(held);
    next.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_that_lets_nobody_in_is_not_pestered() {
    let server = Server::start(Manners { limit: 0, ..Manners::default() });
    let pool = Pool::builder().wait_timeout(Duration::from_millis(300)).build();
    let site = site(&server);
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let (pool, site) = (pool.clone(), site.clone());
            tokio::spawn(async move { pool.lease(&site).await.map(drop) })
        })
        .collect();
    let mut told = 0;
    for task in tasks {
        let error = task.await.unwrap().unwrap_err();
        assert!(matches!(error, PoolError::TimedOut { .. }), "{error}");
        told += usize::from(error.session().is_some());
    }
    assert_eq!((server.seen().refused, told), (1, 1));
}

#[tokio::test]
async fn an_idle_session_of_another_user_makes_room() {
    let server = Server::start(Manners { limit: 2, ..Manners::default() });
    let (pool, one) = (Pool::new(), site(&server));
    let users: Vec<Site> = (0..5).map(|user| one.clone().login(format!("u{user}"), "p")).collect();
    for _ in 0..3 {
        for user in &users {
            let mut lease = pool.lease(user).await.unwrap();
            fetch(&mut lease, "f").await.unwrap();
        }
    }
    let seen = server.seen();
    assert!(seen.refused <= 1 && seen.most == 2, "{seen:?}");
}

#[tokio::test]
async fn idle_and_old_sessions_are_closed_with_quit() {
    let server = Server::start(Manners::default());
    let site = site(&server);
    let pool = Pool::builder().idle_timeout(Duration::from_millis(50)).build();
    drop(pool.lease(&site).await.unwrap());
    eventually("the idle session is closed", || pool.status(&site).sessions == 0).await;
    assert_eq!(server.seen().count("QUIT"), 1);

    let pool = Pool::builder().max_age(Duration::from_millis(50)).build();
    let lease = pool.lease(&site).await.unwrap();
    tokio::time::sleep(Duration::from_millis(60)).await;
    drop(lease);
    eventually("the old session is closed", || server.seen().live == 0).await;
    assert_eq!(server.seen().count("QUIT"), 2);

    // After a while without use one has to answer.
    let pool = Pool::builder().check_after(Duration::ZERO).build();
    drop(pool.lease(&site).await.unwrap());
    assert!(Lease::is_reused(&pool.lease(&site).await.unwrap()));
    assert_eq!(server.seen().count("NOOP"), 1);
}

#[tokio::test]
async fn a_closed_pool_gives_nothing() {
    let server = Server::start(Manners::default());
    let (pool, site) = (Pool::builder().sessions_per_host(1).build(), site(&server));
    let held = pool.lease(&site).await.unwrap();
    let waiter = tokio::spawn({
        let (pool, site) = (pool.clone(), site.clone());
        async move { pool.lease(&site).await.map(drop) }
    });
    eventually("one waits", || pool.status(&site).waiting == 1).await;
    pool.close();
    assert!(matches!(waiter.await.unwrap(), Err(PoolError::Closed)));
    assert!(matches!(pool.lease(&site).await, Err(PoolError::Closed)));
    drop(held);
    eventually("the last session is closed", || server.seen().live == 0).await;
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_runtime_that_is_shut_down_takes_only_its_sessions_along() {
    let server = Server::start(Manners::default());
    let (pool, site) = (Pool::builder().sessions_per_host(2).build(), site(&server));
    for _ in 0..3 {
        let first = runtime();
        let outside = first.block_on(async {
            let mut lease = pool.lease(&site).await.unwrap();
            let outside = pool.lease(&site).await.unwrap();
            let mut download = lease.get("big").await.unwrap();
            download.read_exact(&mut [0; 1000]).await.unwrap();
            drop(download);
            // It settles, and the runtime ends meanwhile.
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
    assert_eq!(server.seen().refused, 0);
}

/// Leases, transfers and waits that are dropped at any time leave neither session nor place behind
#[tokio::test]
async fn whatever_is_dropped_nothing_is_lost() {
    let manners = Manners { limit: 3, pause: Duration::from_micros(200), ..Manners::default() };
    let server = Server::start(manners);
    let (pool, site) = (Pool::builder().sessions_per_host(4).build(), site(&server));
    let mut running = Vec::new();
    for task in 0..12_u64 {
        let (pool, site) = (pool.clone(), site.clone());
        running.push(tokio::spawn(async move {
            let mut random = task.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
            for round in 0..25 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let name = format!("f{task}-{round}");
                let fetched = async {
                    let mut lease = pool.lease(&site).await.unwrap();
                    fetch(&mut lease, &name).await
                };
                let limit = Duration::from_micros(random % 8000);
                if let Ok(Err(error)) = tokio::time::timeout(limit, fetched).await {
                    panic!("{error}");
                }
            }
        }));
    }
    for task in running {
        task.await.unwrap();
    }
    eventually("all are at rest", || {
        let status = pool.status(&site);
        status.sessions == status.idle && status.waiting == 0
    })
    .await;
    let all: Vec<_> = (0..pool.status(&site).limit.min(3)).map(|_| pool.lease(&site)).collect();
    let mut leases = Vec::new();
    for lease in all {
        leases.push(lease.await.unwrap());
    }
    for lease in &mut leases {
        fetch(lease, "f").await.unwrap();
    }
}

#[tokio::test]
async fn a_lease_can_be_waited_for_in_a_local_set_and_with_others() {
    let server = Server::start(Manners::default());
    let (pool, site) = (Pool::new(), site(&server));
    let local = tokio::task::LocalSet::new();
    let task = |name: &'static str| -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
        let (pool, site) = (pool.clone(), site.clone());
        Box::pin(async move {
            let mut lease = pool.lease(&site).await.unwrap();
            fetch(&mut lease, name).await.unwrap();
        })
    };
    let (one, other) = (task("a"), task("b"));
    local.run_until(async { tokio::join!(one, other) }).await;
}
