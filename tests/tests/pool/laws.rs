//! The laws of the pool, whatever its users do and whenever they give up
//!
//! - There are never more sessions than the pool's maximum or than the server accepts, and the pool is refused at most
//!   once. The server's reply to an attempt that was given up before is not received, so the server may have refused
//!   more.
//! - No task waits for ever, and at the end no task has a session, waits, or blocks the next one.
//! - Every task receives the bytes of the file that it requested.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ftp_test::{Limit, Server};
use ftp_tokio::{Error, Lease, Pool, Site};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use crate::server::{start, start_with};
use crate::{eventually, fetch, site};

/// How long the server counts an ended session; the same as in the budget's model (`ftp-session`)
const LINGERS: Duration = Duration::from_millis(80);

/// xorshift: the choices depend on the seed, and on the machine's scheduling
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end
    }
}

/// Polls a future this many times, then drops it; returns its output if it completed
async fn given_up_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// Uses a session like one of the users
async fn use_session(mut lease: Lease, deed: usize, name: &str) -> Result<(), Error> {
    match deed {
        0..=3 => fetch(&mut lease, name).await,
        4 => lease.size(name).await.map(drop),
        5 => {
            let mut download = lease.get("big").await?;
            download.read_exact(&mut [0; 1000]).await.map(drop).map_err(Error::Io)
        }
        6 => {
            let mut download = lease.into_get("big").await?;
            download.read_exact(&mut [0; 1000]).await.map(drop).map_err(Error::Io)
        }
        7 => {
            lease.cwd("/elsewhere").await?;
            fetch(&mut lease, name).await
        }
        8 => lease.opts("UTF8 OFF").await.map(drop),
        _ => {
            lease.quit().await?;
            Ok(())
        }
    }
}

/// A pool and its users, whose laws are checked
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) server: Arc<Server>,
    pub(crate) pool: Pool,
    pub(crate) sites: Vec<Site>,
    /// The number of sessions that the server accepts
    pub(crate) limit: usize,
    /// The pool's maximum
    pub(crate) most: usize,
}

impl World {
    pub(crate) fn new(
        server: Server,
        limit: usize,
        most: usize,
        site: impl Fn(&Server) -> Site,
    ) -> Self {
        server.limit_sessions(Limit::new(limit).lingers(LINGERS));
        let pool = Pool::builder().sessions_per_host(most).build();
        let site = site(&server);
        let sites = ["u", "v", "w"].map(|user| site.clone().login(user, "p")).to_vec();
        Self { server: Arc::new(server), pool, sites, limit, most }
    }

    async fn user(self, seed: u64, rounds: usize) {
        let mut random = Random::new(seed);
        for round in 0..rounds {
            let site = &self.sites[random.below(self.sites.len())];
            let (deed, name) = (random.below(10), format!("f{seed}-{round}"));
            let deeds = async {
                let lease = self.pool.lease(site).await.unwrap();
                assert!(self.pool.status(site).sessions <= self.most);
                use_session(lease, deed, &name).await
            };
            // Most operations are given up at some point; the others are not limited.
            let polls = if random.below(3) == 0 { usize::MAX } else { random.below(24) };
            if let Some(Err(error)) = given_up_after(polls, deeds).await {
                panic!("{error}");
            }
        }
    }

    /// Runs users with random behaviour, and checks that the laws hold
    pub(crate) async fn run(self, seed: u64, users: u64, rounds: usize) {
        let tasks: Vec<_> = (0..users)
            .map(|user| tokio::spawn(self.clone().user(seed * 1000 + user, rounds)))
            .collect();
        for task in tasks {
            let done = timeout(Duration::from_secs(90), task).await;
            done.expect("nobody waits for ever").unwrap();
        }
        let at_rest = || {
            let status = self.pool.status(&self.sites[0]);
            status.sessions == status.idle && status.waiting == 0
        };
        eventually("all are at rest", at_rest).await;
        self.look();
        // The maximum number of sessions can be leased at once.
        let mut leases = Vec::new();
        let limit = self.pool.status(&self.sites[0]).limit.min(self.limit);
        for index in 0..limit {
            leases.push(self.pool.lease(&self.sites[index % self.sites.len()]).await.unwrap());
        }
        for lease in &mut leases {
            fetch(lease, "f").await.unwrap();
        }
        drop(leases);
        self.pool.close();
        eventually("the server has nobody left", || self.server.sessions().open == 0).await;
        self.look();
    }

    fn look(&self) {
        let seen = self.server.sessions();
        assert!(seen.most <= self.limit.min(self.most), "too many at once: {seen:?}");
        let heard = self.pool.status(&self.sites[0]).refused;
        assert!(heard <= u64::from(self.most > self.limit), "refused again: {heard}, {seen:?}");
    }
}

#[tokio::test]
async fn laws_hold_whatever_users_do() {
    for seed in 0..4 {
        let server = start_with(|_| {
            std::thread::sleep(Duration::from_micros(200));
            None
        });
        let limit = 2 + seed as usize % 3;
        World::new(server, limit, 6 - 2 * (seed as usize % 3), site).run(seed, 6, 10).await;
    }
}

/// Nothing else runs, so each of these polls is a point at which a user gives up
#[tokio::test]
async fn a_lease_can_be_given_up_at_every_await() {
    let server = start();
    server.limit_sessions(Limit::new(1).lingers(LINGERS));
    let (pool, site) = (Pool::builder().sessions_per_host(1).build(), site(&server));
    let other = site.clone().login("other", "p");
    for polls in 0..40 {
        // Another user's session must make room, a new one must be opened, and a file is transferred.
        let deeds = async {
            let mut lease = pool.lease(&site).await.unwrap();
            fetch(&mut lease, "f").await.unwrap();
        };
        given_up_after(polls, deeds).await;
        let next = timeout(Duration::from_secs(20), pool.lease(&other)).await;
        fetch(&mut next.expect("the place is free").unwrap(), "g").await.unwrap();
    }
    let seen = server.sessions();
    assert_eq!((seen.refused, seen.most), (0, 1), "{seen:?}");
}
