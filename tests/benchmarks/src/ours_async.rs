//! ftp-tokio, used as documented: on a current-thread runtime, with one task per session

use std::cell::Cell;
use std::rc::Rc;

use ftp_blocking::ftp_tls::TlsConfig;
use ftp_tokio::{Client, Config, Options, TlsPolicy};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::Result;
use crate::client::{At, Task, local, remote};
use crate::ours::secure;

pub(crate) fn run(at: &At<'_>, task: &Task<'_>) -> Result<()> {
    let tls = at.tls.map(secure).transpose()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, work(at, tls, task))
}

async fn work(at: &At<'_>, tls: Option<TlsConfig>, task: &Task<'_>) -> Result<()> {
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
        Task::Files { folder, count, into, sessions } if sessions > 1 => {
            let numbers = Rc::new(Cell::new(0));
            let mut tasks = Vec::new();
            for _ in 0..sessions {
                let (mut ftp, numbers) = (log_in().await?, Rc::clone(&numbers));
                let (folder, into) = (folder.to_owned(), into.to_owned());
                tasks.push(tokio::task::spawn_local(async move {
                    loop {
                        let number = numbers.replace(numbers.get() + 1);
                        if number >= count {
                            break;
                        }
                        ftp.download_file(remote(&folder, number), local(&into, number)).await?;
                    }
                    ftp.quit().await
                }));
            }
            for task in tasks {
                task.await??;
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
        Task::Files { folder, count, into, .. } => {
            for number in 0..count {
                ftp.download_file(remote(folder, number), local(into, number)).await?;
            }
        }
        Task::Login { .. } => {}
        // tests/scale has many sessions on one thread.
        Task::Idle { .. } => return Err("not with this client".into()),
    }
    ftp.quit().await?;
    Ok(())
}
