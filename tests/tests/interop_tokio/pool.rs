//! The pool with servers that accept at most eight sessions
//!
//! `FTP_POOL_FILES` is the number of files, by default 500. The test prints its figures (`--nocapture`).

use std::collections::VecDeque;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ftp_tests::servers::{self, Server};
use ftp_tokio::ftp_tls::{TlsConfig, Trust};
use ftp_tokio::{Client, Config, Options, Pool, Site, TlsPolicy, Trace};
use tokio::runtime::Builder;

#[allow(dead_code, unreachable_pub, reason = "it is a program of its own")]
#[path = "../../../crates/ftp-tokio/examples/mirror.rs"]
mod mirror;

/// The number of sessions that the servers accept
const LIMIT: usize = 8;

const TASKS: usize = 32;

fn count() -> usize {
    std::env::var("FTP_POOL_FILES").map_or(500, |count| count.parse().unwrap())
}

fn content(file: usize) -> Vec<u8> {
    let line = format!("file {file} and nobody else's\n");
    line.bytes().cycle().take(4096 + file % 100).collect()
}

fn name(file: usize) -> String {
    format!("pool-files/f{file}")
}

fn site(server: &Server, options: impl Into<Options>) -> Site {
    let site = Site::new(("127.0.0.1", server.port), options).unwrap();
    site.login(&server.user, &server.password)
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

async fn by_pool(server: &Server, site: &Site, files: usize) -> Duration {
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
    let status = pool.status(site);
    assert!(status.refused <= 1, "{}: {status:?}", server.name);
    assert_eq!(status.limit, LIMIT, "{}: {status:?}", server.name);
    pool.close();
    while pool.status(site).sessions > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    elapsed
}

/// Under TLS, with tasks that move from thread to thread
fn on_many_threads(server: &Server, files: usize) -> Duration {
    let tls = TlsConfig::builder(Trust::OwnCa).add_ca_file(&server.ca_file).build().unwrap();
    let site = site(server, Options::new(Config::new(TlsPolicy::Explicit)).tls(tls));
    let server = server.clone();
    let work = move || {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async { by_pool(&server, &site, files).await })
    };
    // A runtime can't block inside another one.
    std::thread::spawn(work).join().unwrap()
}

/// The example `mirror`
async fn mirrored(server: &Server) {
    const FOLDERS: usize = 5;
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
    let into = tempfile::tempdir().unwrap();
    let remote = format!("{}/{name}", server.directory.trim_end_matches('/'));
    let done =
        mirror::mirror(&Pool::new(), &site(server, config()), remote.as_bytes(), into.path())
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
    fs::remove_dir_all(tree).unwrap();
}

#[tokio::test]
async fn servers_that_accept_eight_sessions() {
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
            pool.push(by_pool(&server, &site(&server, config()), files).await);
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
    }
}
