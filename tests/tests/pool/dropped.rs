//! Each use of a pool is dropped at every poll. Afterwards the pool's only session is free, and transfers the right bytes

use std::time::Duration;

use ftp_tests::polls::{at_every_poll, polled};
use ftp_tokio::{Error, Lease, Pool, PoolError, Site};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::{content, start};
use crate::{eventually, fetch, site};

#[derive(Clone, Copy, Debug)]
enum Use {
    Run,
    Download,
    Upload,
    Lines,
    Entries,
}

async fn use_(use_: Use, pool: &Pool, site: &Site) -> Result<(), PoolError> {
    if let Use::Run = use_ {
        return pool.run(site, |mut ftp| async move { fetch(&mut ftp, "f").await }).await;
    }
    let lease = pool.lease(site).await?;
    Ok(transfer(use_, lease).await?)
}

async fn transfer(use_: Use, lease: Lease) -> Result<(), Error> {
    match use_ {
        Use::Run => unreachable!("it leases by itself"),
        Use::Download => {
            let mut download = lease.into_get("f").await?;
            let mut bytes = Vec::new();
            download.read_to_end(&mut bytes).await?;
            assert!(bytes == content("f"));
            download.finish().await.map(drop)
        }
        Use::Upload => {
            let mut upload = lease.into_put("new").await?;
            upload.write_all(&content("new")).await?;
            upload.finish().await.map(drop)
        }
        Use::Lines => {
            let (lines, _lease) = lease.into_list("").await?.collect_lines().await?;
            assert_eq!(lines.len(), 1, "{lines:?}");
            Ok(())
        }
        Use::Entries => {
            let mut entries = lease.into_read_dir("").await?;
            let entry = entries.next().await.unwrap()?;
            assert_eq!(entry.name(), b"elsewhere");
            entries.finish().await.map(drop)
        }
    }
}

/// The number of polls
async fn drop_everywhere(use_: Use) -> usize {
    at_every_poll(async |polls| {
        let server = start();
        let wait = Duration::from_secs(60);
        let pool = Pool::builder().sessions_per_host(1).wait_timeout(wait).build();
        let site = site(&server);
        let done = polled(self::use_(use_, &pool, &site), polls).await;
        let at = format!("{use_:?}, dropped at poll {polls}");
        let mut lease = pool.lease(&site).await.unwrap_or_else(|error| panic!("{at}: {error}"));
        fetch(&mut lease, "other").await.unwrap_or_else(|error| panic!("{at}: {error}"));
        drop(lease);
        let new = server.files().get("new").unwrap_or_default();
        assert!(content("new").starts_with(&new), "{at}: the file has other bytes");
        eventually("one idle session", || {
            let status = pool.status(&site);
            (status.sessions, status.idle, status.waiting) == (1, 1, 0)
        })
        .await;
        eventually("no other session", || server.sessions().open == 1).await;
        done.map(Result::unwrap).is_some()
    })
    .await
}

#[tokio::test]
async fn uses_of_a_pool_can_be_dropped_at_every_poll() {
    for use_ in [Use::Run, Use::Download, Use::Upload, Use::Lines, Use::Entries] {
        let polls = drop_everywhere(use_).await;
        println!("{use_:?}: {polls} polls");
        assert!(polls > 3, "{use_:?}: {polls}");
    }
}
