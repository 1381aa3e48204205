//! Tasks that wait for a session: their number, their order, and how the wait ends

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ftp_test::{Action, Command, Limit};
use ftp_tokio::{Pool, PoolError, Site};

use crate::server::{ends, start, start_with};
use crate::{crowd, eventually, fetch, site};

#[tokio::test]
async fn a_server_with_a_limit_refuses_once() {
    for limit in [
        Limit::new(4).text("There are too many connections from your internet address."),
        Limit::new(4).at_login().text("Sorry, the maximum number of clients (4) is reached."),
    ] {
        let server = start();
        server.limit_sessions(limit.clone());
        let (pool, site) = (Pool::builder().sessions_per_host(16).build(), site(&server));
        crowd(&pool, &site, 32, 400).await;
        let seen = server.sessions();
        assert_eq!((seen.refused, seen.most, seen.logins), (1, 4, 4), "{limit:?}");
        assert_eq!(pool.status(&site).limit, 4);
    }
}

#[tokio::test]
async fn there_are_as_many_as_the_user_wants() {
    let server = start();
    let (pool, site) = (Pool::builder().sessions_per_host(3).build(), site(&server));
    crowd(&pool, &site, 20, 200).await;
    let seen = server.sessions();
    assert_eq!((seen.most, seen.logins), (3, 3));
}

/// Users who always have a task in line do not keep out a user whose session must be opened in place of one of theirs
#[tokio::test]
async fn no_task_is_passed_over_for_ever() {
    let server = start();
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

/// Leaves others time to get in line
fn slowly(_: Command<'_>) -> Option<Action> {
    std::thread::sleep(Duration::from_millis(5));
    None
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let server = start_with(slowly);
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
    assert_eq!(server.count("PASS"), 1);
    // Another password is another matter.
    pool.lease(&site.login("u", "p")).await.unwrap();
}

#[tokio::test]
async fn waiting_has_an_end() {
    let server = start();
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
async fn a_server_that_accepts_no_session_is_not_asked_repeatedly() {
    let server = start();
    server.limit_sessions(Limit::new(0));
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
        // Its source says why, so that whoever prints both does not print that twice.
        assert_eq!(error.to_string(), "no session to the server became free within 300ms");
        told += usize::from(error.session().is_some());
    }
    // It was said to one of them, and all may know.
    assert_eq!((server.sessions().refused, told), (1, 10));
}

#[tokio::test]
async fn an_idle_session_of_another_user_makes_room() {
    let server = start();
    server.limit_sessions(Limit::new(2));
    let (pool, one) = (Pool::new(), site(&server));
    let users: Vec<Site> = (0..5).map(|user| one.clone().login(format!("u{user}"), "p")).collect();
    for _ in 0..3 {
        for user in &users {
            let mut lease = pool.lease(user).await.unwrap();
            fetch(&mut lease, "f").await.unwrap();
        }
    }
    let seen = server.sessions();
    assert!(seen.refused <= 1 && seen.most == 2, "{seen:?}");
}

#[tokio::test]
async fn a_closed_pool_gives_nothing() {
    let server = start();
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
    eventually("the last session is closed", || server.sessions().open == 0).await;
}

#[tokio::test]
async fn a_lease_can_be_waited_for_in_a_local_set_and_with_others() {
    let server = start();
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

/// Runs this many tasks that want a session, and returns their results
async fn leases(pool: &Pool, site: &Site, tasks: usize) -> Vec<Result<(), PoolError>> {
    let wanted = |_| {
        let (pool, site) = (pool.clone(), site.clone());
        tokio::spawn(async move { pool.lease(&site).await.map(drop) })
    };
    let running: Vec<_> = (0..tasks).map(wanted).collect();
    let mut got = Vec::new();
    for task in running {
        got.push(task.await.unwrap());
    }
    got
}

/// That the server has accepted many sessions says nothing about a login that has not been tried
#[tokio::test]
async fn a_wrong_password_is_tried_once_even_if_many_sessions_are_accepted() {
    let server = start_with(slowly);
    let pool = Pool::builder().idle_timeout(Duration::from_millis(50)).build();
    let right = site(&server);
    let mut held = Vec::new();
    for _ in 0..6 {
        held.push(pool.lease(&right).await.unwrap());
    }
    held.truncate(1);
    eventually("there is room for five", || pool.status(&right).sessions == 1).await;
    // The server may count these sessions for a moment longer.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let wrong = site(&server).login("u", "wrong");
    for got in leases(&pool, &wrong, 20).await {
        assert!(matches!(got, Err(PoolError::Session(error)) if error.is_auth()));
    }
    assert_eq!(server.count("PASS"), 7);
}

#[tokio::test]
async fn a_thousand_wait() {
    let server = start();
    server.limit_sessions(Limit::new(3));
    let (pool, site) = (Pool::new(), site(&server));
    assert!(leases(&pool, &site, 1000).await.iter().all(Result::is_ok));
    let seen = server.sessions();
    assert!(seen.refused <= 1 && seen.most <= 3, "{seen:?}");
}

/// Each attempt has the deadline of its own greeting, so the wait ends
#[tokio::test]
async fn a_server_that_never_greets_is_waited_for_until_the_deadline() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = ftp_tokio::Config::new(ftp_tokio::TlsPolicy::Plaintext);
    config.greeting_timeout = Duration::from_millis(200);
    let site = Site::new(listener.local_addr().unwrap(), config).unwrap();
    let pool = Pool::builder().wait_timeout(Duration::from_secs(2)).build();
    let begun = std::time::Instant::now();
    let got = leases(&pool, &site, 20).await;
    assert!(begun.elapsed() < Duration::from_secs(4));
    let first = got.iter().filter_map(|got| got.as_ref().err()?.session()).count();
    assert!(first > 0, "{got:?}");
    assert!(
        got.iter().all(|got| got.as_ref().is_err_and(|error| error.session().is_some())),
        "{got:?}"
    );
    assert_eq!(pool.status(&site).waiting, 0);
}

/// A waiting task gets its session whether or not it is polled
#[tokio::test]
async fn a_task_that_gives_up_at_once_blocks_no_other() {
    let server = start();
    let (pool, site) = (Pool::builder().sessions_per_host(1).build(), site(&server));
    for _ in 0..1000 {
        let lease = pool.lease(&site);
        drop(tokio::time::timeout(Duration::ZERO, lease).await);
    }
    let next = tokio::time::timeout(Duration::from_secs(10), pool.lease(&site)).await;
    next.expect("there is room").unwrap();
    assert_eq!(pool.status(&site).waiting, 0);
}

#[tokio::test]
async fn a_server_that_says_421_to_each_command_ends_the_wait() {
    for (verb, reused) in [("USER", false), ("PWD", false), ("SIZE", true)] {
        let server = start_with(ends(verb, 0, Some("421 Service not available.")));
        let pool = Pool::builder().wait_timeout(Duration::from_secs(1)).build();
        let site = site(&server);
        let size = |mut ftp: ftp_tokio::Lease| async move { ftp.size("f").await };
        let begun = std::time::Instant::now();
        for _ in 0..3 {
            let error = pool.run(&site, size).await.unwrap_err();
            assert!(error.session().is_some(), "{verb}, {reused}: {error}");
        }
        assert!(begun.elapsed() < Duration::from_secs(8), "{verb}");
        assert!(server.count(verb) <= 6, "{verb}: {}", server.transcript());
        eventually("nothing is left", || pool.status(&site).sessions == 0).await;
    }
}
