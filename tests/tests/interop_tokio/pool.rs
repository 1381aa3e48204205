//! The pool with servers that accept at most eight sessions
//!
//! `FTP_POOL_FILES` is the number of files, by default 500, and 5,000 with `FTP_LONG=1`. In an optimized build (`--release`)
//! the pool may then take at most a tenth longer than sessions tuned by hand. The test prints its figures (`--nocapture`).

use std::collections::VecDeque;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ftp_tests::command_log::CommandLog;
use ftp_tests::servers::{self, Server, takes_long};
use ftp_tokio::ftp_tls::{TlsConfig, Trust};
use ftp_tokio::pool::Status;
use ftp_tokio::{Client, Config, Options, Pool, Site, TlsPolicy, Trace, TraceDirection};
use tokio::runtime::Builder;

#[allow(dead_code, unreachable_pub, reason = "it is a program of its own")]
#[path = "../../../crates/ftp-tokio/examples/mirror.rs"]
mod mirror;

/// The number of sessions that the servers accept
const LIMIT: usize = 8;

const TASKS: usize = 32;

/// The tests count sessions and use the same files, so each has the servers for itself
static SERVERS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn count() -> usize {
    let usual = if takes_long() { 5_000 } else { 500 };
    std::env::var("FTP_POOL_FILES").map_or(usual, |count| count.parse().unwrap())
}

fn content(file: usize) -> Vec<u8> {
    let line = format!("file {file} and nobody else's\n");
    line.bytes().cycle().take(4096 + file % 100).collect()
}

fn name(file: usize) -> String {
    format!("pool-files/f{file}")
}

/// Returns the site, and the number of refusals that its sessions have received
///
/// The pool counts its refusals itself; this counts those that arrive.
fn site(server: &Server, options: impl Into<Options>) -> (Site, Arc<AtomicUsize>) {
    let refusals = Arc::new(AtomicUsize::new(0));
    let seen = refusals.clone();
    let options = options.into().trace(move |trace| {
        let is_refusal = [&b"421"[..], b"530"].iter().any(|code| trace.line().starts_with(code));
        let is_refusal = is_refusal && trace.direction() == TraceDirection::Received;
        seen.fetch_add(usize::from(is_refusal), Ordering::Relaxed);
    });
    let site = Site::new(("127.0.0.1", server.port), options).unwrap();
    (site.login(&server.user, &server.password), refusals)
}

fn config() -> Config {
    Config::new(TlsPolicy::Plaintext)
}

async fn fetch(client: &mut Client, server: &Server, file: usize) {
    let path = format!("{}/{}", server.directory.trim_end_matches('/'), name(file));
    let mut bytes = Vec::new();
    let result = client.download_to(path, &mut bytes).await;
    result.unwrap_or_else(|error| panic!("{}: file {file}: {error:?}", server.name));
    assert!(bytes == content(file), "{}: file {file}", server.name);
}

type Lines = Arc<Mutex<VecDeque<String>>>;

/// The last lines of a session, which are printed if its task panics
#[derive(Default)]
struct LastLines(Lines);

impl LastLines {
    const MAX: usize = 30;

    /// Returns a hook that notes a line
    fn hook(&self, begun: Instant) -> impl Fn(&Trace) + Send + Sync + use<> {
        let lines = self.0.clone();
        move |line| {
            let mut lines = lines.lock().unwrap();
            if lines.len() == Self::MAX {
                lines.pop_front();
            }
            lines.push_back(format!("{:?} {line}", begun.elapsed()));
        }
    }
}

impl Drop for LastLines {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{:#?}", self.0.lock().unwrap());
        }
    }
}

/// Eight sessions, each with its share of the files, as one would write it by hand for such a server
async fn by_hand(server: &Server, files: usize) -> Duration {
    let begun = Instant::now();
    let mut running = Vec::new();
    for session in 0..LIMIT {
        let server = server.clone();
        running.push(tokio::spawn(async move {
            let address = ("127.0.0.1", server.port);
            let last = LastLines::default();
            let options = Options::new(config()).trace(last.hook(begun));
            let mut client =
                Client::connect_and_login(address, options, &server.user, &server.password)
                    .await
                    .unwrap();
            for file in (session..files).step_by(LIMIT) {
                fetch(&mut client, &server, file).await;
            }
            client
        }));
    }
    let mut clients = Vec::new();
    for task in running {
        clients.push(task.await.unwrap());
    }
    let elapsed = begun.elapsed();
    for mut client in clients {
        client.quit().await.unwrap();
    }
    elapsed
}

/// As many tasks as there may be sessions, each with its share of the files; returns the pool's own count, too
async fn by_pool(server: &Server, options: impl Into<Options>, files: usize) -> (Duration, Status) {
    let (site, refusals) = site(server, options);
    let pool = Pool::builder().sessions_per_host(TASKS).build();
    let begun = Instant::now();
    let mut running = Vec::new();
    for task in 0..TASKS {
        let (pool, site, server) = (pool.clone(), site.clone(), server.clone());
        running.push(tokio::spawn(async move {
            for file in (task..files).step_by(TASKS) {
                let mut lease = pool.lease(&site).await.unwrap();
                fetch(&mut lease, &server, file).await;
            }
        }));
    }
    for task in running {
        task.await.unwrap();
    }
    let elapsed = begun.elapsed();
    let status = pool.status(&site);
    let received = refusals.load(Ordering::Relaxed);
    assert!(status.refused <= 1, "{}: {status:?}", server.name);
    assert_eq!(received, status.refused as usize, "{}: {status:?}", server.name);
    pool.close();
    while pool.status(&site).sessions > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    (elapsed, status)
}

/// By a server that accepts eight sessions
async fn limited(server: &Server, options: impl Into<Options>, files: usize) -> Duration {
    let (elapsed, status) = by_pool(server, options, files).await;
    assert_eq!(status.limit, LIMIT, "{}: {status:?}", server.name);
    elapsed
}

/// Under TLS, with tasks that move from thread to thread
fn on_many_threads(server: &Server, files: usize) -> Duration {
    let tls = TlsConfig::builder(Trust::OwnCa).add_ca_file(&server.ca_file).build().unwrap();
    let options = Options::new(Config::new(TlsPolicy::Explicit)).tls(tls);
    let server = server.clone();
    let work = move || {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async { limited(&server, options, files).await })
    };
    // A runtime can't block inside another one.
    std::thread::spawn(work).join().unwrap()
}

/// The example `mirror`
async fn mirrored(server: &Server) {
    const FOLDERS: usize = 50;
    const FILES: usize = 40;
    let name = format!("mirrored-{}", std::process::id());
    let tree = server.home.join(&name);
    let file = |folder: usize, file: usize| format!("d{folder}/sub/f{file}");
    for folder in 0..FOLDERS {
        fs::create_dir_all(tree.join(format!("d{folder}/sub"))).unwrap();
        for number in 0..FILES {
            fs::write(tree.join(file(folder, number)), content(folder * FILES + number)).unwrap();
        }
    }
    let begun = Instant::now();
    let into = tempfile::tempdir().unwrap();
    let remote = format!("{}/{name}", server.directory.trim_end_matches('/'));
    let done =
        mirror::mirror(&Pool::new(), &site(server, config()).0, remote.as_bytes(), into.path())
            .await
            .unwrap();
    assert!(done.failed.is_empty(), "{}: {:?}", server.name, done.failed);
    assert_eq!(done.files, FOLDERS * FILES, "{}", server.name);
    for folder in 0..FOLDERS {
        for number in 0..FILES {
            let bytes = fs::read(into.path().join(file(folder, number))).unwrap();
            assert!(bytes == content(folder * FILES + number), "{}", server.name);
        }
    }
    println!("{}: {} files mirrored in {:?}", server.name, done.files, begun.elapsed());
    fs::remove_dir_all(tree).unwrap();
}

#[tokio::test]
async fn servers_that_accept_eight_sessions() {
    let _alone = SERVERS.lock().await;
    let files = count();
    for server in servers::limited() {
        let directory = server.home.join("pool-files");
        fs::create_dir_all(&directory).unwrap();
        for file in 0..files {
            fs::write(server.home.join(name(file)), content(file)).unwrap();
        }
        let (mut hand, mut pool) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            hand.push(by_hand(&server, files).await);
            // A server needs a moment to notice ended sessions.
            tokio::time::sleep(Duration::from_millis(500)).await;
            pool.push(limited(&server, config(), files).await);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let secure = on_many_threads(&server, files.min(500));
        tokio::time::sleep(Duration::from_millis(500)).await;
        fs::remove_dir_all(directory).unwrap();
        mirrored(&server).await;
        println!(
            "{} {}: {files} files, {TASKS} tasks: by hand {hand:?}, by the pool {pool:?}, under TLS on two threads {secure:?}",
            server.name, server.version
        );
        // Unoptimized, the client itself takes much of the time.
        if takes_long() && cfg!(not(debug_assertions)) {
            let (hand, pool) = (hand.iter().min().unwrap(), pool.iter().min().unwrap());
            assert!(pool.as_secs_f64() <= 1.1 * hand.as_secs_f64(), "{pool:?} after {hand:?}");
        }
    }
}

/// What the servers themselves have refused, by their logs
#[tokio::test]
async fn servers_that_count_refuse_once_at_most() {
    let _alone = SERVERS.lock().await;
    for counted in servers::counted() {
        let server = counted.server;
        let files = 1_000;
        let directory = server.home.join("pool-files");
        fs::create_dir_all(&directory).unwrap();
        for file in 0..files {
            fs::write(server.home.join(name(file)), content(file)).unwrap();
        }
        let log = CommandLog::from_here(&counted.log);
        let (_, status) = by_pool(&server, config(), files).await;
        // A server may write its log after the session.
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(log.count("127.0.0.1", "RETR") >= files, "{}: an empty log", server.name);
        println!("{}: {} refusals, {status:?}", server.name, log.refusals());
        assert!(log.refusals() <= 1, "{}: {} refusals", server.name, log.refusals());
        fs::remove_dir_all(directory).unwrap();
    }
}
