//! A directory tree, fetched by eight sessions: `mirror URL DIRECTORY [--ca FILE]`
//!
//! ```text
//! cargo run -p ftp-tokio --features pool --example mirror -- ftpes://user:password@ftp.example.org/pub/ here
//! ```
//!
//! All files are downloaded, even if they exist locally; anything but files and directories is left out. `--ca` names
//! further certificate authorities to trust (PEM).

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ftp_session::FtpUrl;
use ftp_tokio::ftp_tls::{TlsConfig, Trust};
use ftp_tokio::{Config, EntryKind, Options, Pool, Site, WalkOptions, local_path};
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

/// Maximum number of sessions; the pool opens fewer if the server accepts fewer
const SESSIONS: usize = 8;

/// A file on the server, and its local path
type Job = (Vec<u8>, PathBuf);

/// The results of the downloads
#[derive(Debug, Default)]
pub struct Summary {
    pub files: usize,
    pub bytes: u64,
    pub failed: Vec<(PathBuf, Failure)>,
}

/// Downloads everything in a directory of the server
///
/// The tree is listed first and its session is returned, so that one session is enough if the server accepts only one.
pub async fn mirror(pool: &Pool, site: &Site, from: &[u8], to: &Path) -> Result<Summary, Failure> {
    let jobs = Arc::new(Mutex::new(list(pool, site, from, to).await?.into_iter()));
    let mut workers = JoinSet::new();
    for _ in 0..SESSIONS {
        let (pool, site, jobs) = (pool.clone(), site.clone(), Arc::clone(&jobs));
        workers.spawn(async move {
            let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
            let mut summary = Summary::default();
            while let Some((remote, local)) = next() {
                let fetch = |mut ftp: ftp_tokio::Lease| {
                    let (remote, local) = (remote.clone(), local.clone());
                    async move { ftp.download_file(remote, local).await }
                };
                match pool.run(&site, fetch).await {
                    Ok(transfer) => {
                        summary.files += 1;
                        summary.bytes += transfer.bytes;
                    }
                    Err(error) => summary.failed.push((local, error.into())),
                }
            }
            summary
        });
    }
    let mut all = Summary::default();
    while let Some(summary) = workers.join_next().await {
        let Summary { files, bytes, failed } = summary?;
        all.files += files;
        all.bytes += bytes;
        all.failed.extend(failed);
    }
    Ok(all)
}

/// Lists the tree and creates its directories
async fn list(pool: &Pool, site: &Site, from: &[u8], to: &Path) -> Result<Vec<Job>, Failure> {
    std::fs::create_dir_all(to)?;
    let mut lease = pool.lease(site).await?;
    let mut walk = lease.walk(from, WalkOptions::default());
    let mut jobs = Vec::new();
    while let Some(found) = walk.next().await {
        let found = found?;
        let below = found.path.strip_prefix(from).unwrap_or(&found.path);
        // The server chose the name: this refuses one that leads out of the directory.
        let local = local_path(to, below.strip_prefix(b"/").unwrap_or(below))?;
        match found.entry.kind() {
            EntryKind::Dir => std::fs::create_dir_all(local)?,
            EntryKind::File => jobs.push((found.path, local)),
            _ => eprintln!("left out: {}", local.display()),
        }
    }
    Ok(jobs)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (url, to, ca) = match &*arguments {
        [url, to] => (url, to, None),
        [url, to, option, file] if option == "--ca" => (url, to, Some(file)),
        _ => {
            return Err(
                "usage: mirror ftp[es]://[USER:PASSWORD@]HOST/PATH DIRECTORY [--ca FILE]".into()
            );
        }
    };
    let url: FtpUrl = url.parse()?;
    let mut options = Options::new(Config::new(url.policy()));
    if let Some(file) = ca {
        options = options.tls(TlsConfig::builder(Trust::WebpkiRoots).add_ca_file(file).build()?);
    }
    let site = Site::new(url.address().clone(), options)?.login(url.user(), url.password());
    // A task that waits for a session waits for the transfers of others, which have deadlines of their own.
    let pool = Pool::builder().sessions_per_host(SESSIONS).wait_timeout(Duration::MAX).build();
    let done = mirror(&pool, &site, url.path(), Path::new(to)).await?;
    pool.close();
    eprintln!("{} files, {} bytes", done.files, done.bytes);
    for (local, error) in &done.failed {
        eprintln!("{}: {error}", local.display());
    }
    if done.failed.is_empty() { Ok(()) } else { Err("some files are missing".into()) }
}
