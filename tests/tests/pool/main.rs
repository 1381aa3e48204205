//! The pool of the tokio driver, with a server that counts its sessions

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

mod dropped;
mod events;
mod idle;
mod laws;
mod protected;
mod server;
mod sessions;
mod sites;
mod waits;

use std::time::Duration;

use ftp_test::Server;
use ftp_tokio::{Config, Error, Lease, Pool, Site, TlsPolicy};
use server::content;

fn site(server: &Server) -> Site {
    let mut config = Config::new(TlsPolicy::Plaintext);
    config.settle_quiet = Duration::from_millis(100);
    Site::new(server.address(), config).unwrap().login("u", "p")
}

async fn fetch(ftp: &mut Lease, name: &str) -> Result<(), Error> {
    let mut bytes = Vec::new();
    ftp.download_to(name, &mut bytes).await?;
    assert!(bytes == content(name), "{name}: {} bytes of something else", bytes.len());
    Ok(())
}

/// Waits for something that happens in the background
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

/// Runs tasks on a pool and returns the number of files that they received
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

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
