//! ftp-tokio, used as documented: on a current-thread runtime, with one task per session

use std::fs::File;
use std::io::Write;
use std::path::Path;

use ftp_blocking::ftp_tls::TlsConfig;
use ftp_tokio::{Client, Config, Options, TlsPolicy};
use tokio::io::AsyncReadExt;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::Result;
use crate::client::{At, Task, local, remote};
use crate::ours::secure;
use crate::tasks::share;

/// How small files get onto the disk
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Small {
    /// By [`Client::download_file`], which leaves the local file to other threads
    Elsewhere,
    /// By the thread of the runtime, as the program for ftp-mio does it
    Here,
}

pub(crate) fn run(at: &At<'_>, task: &Task<'_>, small: Small) -> Result<()> {
    let tls = at.tls.map(secure).transpose()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, work(at, tls, task, small))
}

async fn work(at: &At<'_>, tls: Option<TlsConfig>, task: &Task<'_>, small: Small) -> Result<()> {
    let policy = if tls.is_some() { TlsPolicy::Explicit } else { TlsPolicy::Plaintext };
    let mut options = Options::new(Config::new(policy));
    if let Some(tls) = tls {
        options = options.tls(tls);
    }
    let log_in = || Client::connect_and_login(at.address, options.clone(), at.user, at.password);
    match *task {
        Task::Login { count, .. } => {
            for _ in 0..count {
                log_in().await?.quit().await?;
            }
            return Ok(());
        }
        Task::Files { folder, count, into, sessions } => {
            let (folder, into) = (folder.to_owned(), into.to_owned());
            let mut clients = Vec::new();
            for _ in 0..sessions {
                clients.push((log_in().await?, vec![0; 64 * 1024]));
            }
            let clients = share(clients, count, async move |(ftp, buffer), number| {
                let (from, to) = (remote(&folder, number), local(&into, number));
                match small {
                    Small::Elsewhere => drop(ftp.download_file(from, to).await?),
                    Small::Here => fetch(ftp, &from, &to, buffer).await?,
                }
                Ok(())
            });
            for (mut ftp, _) in clients.await? {
                ftp.quit().await?;
            }
            return Ok(());
        }
        _ => {}
    }
    let mut ftp = log_in().await?;
    match *task {
        Task::Down { path, file: None } => {
            ftp.download_to(path, &mut tokio::io::sink()).await?;
        }
        Task::Down { path, file: Some(file) } => {
            ftp.download_file(path, file).await?;
        }
        Task::Up { file, path } => {
            ftp.upload_file(path, file).await?;
        }
        Task::Again { path, count } => {
            for _ in 0..count {
                ftp.download_to(path, &mut tokio::io::sink()).await?;
            }
        }
        Task::Files { .. } | Task::Login { .. } => {}
        // tests/scale has many sessions on one thread.
        Task::Idle { .. } => return Err("not with this client".into()),
    }
    ftp.quit().await?;
    Ok(())
}

async fn fetch(ftp: &mut Client, from: &str, to: &Path, buffer: &mut [u8]) -> Result<()> {
    let mut file = File::create(to)?;
    let mut download = ftp.get(from).await?;
    loop {
        let count = download.read(buffer).await?;
        if count == 0 {
            break;
        }
        file.write_all(&buffer[..count])?;
    }
    download.finish().await?;
    Ok(())
}
