//! suppaftp's client for tokio, used as documented: on a current-thread runtime, with one task per session

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::Resumption;
use suppaftp::tokio::{
    AsyncFtpStream, AsyncRustlsConnector, AsyncRustlsFtpStream, ImplAsyncFtpStream, TokioTlsStream,
};
use suppaftp::tokio_rustls::TlsConnector;
use suppaftp::types::FileType;
use suppaftp::{FtpResult, Mode};
use tokio::fs::File;
use tokio::io::{copy, sink};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::Result;
use crate::client::{At, Task, host, local, remote};
use crate::tasks::share;

pub(crate) fn run(at: &At<'_>, task: &Task<'_>) -> Result<()> {
    let mut config = at.tls.map(|tls| tls.config()).transpose()?;
    if let (Some(config), Task::Login { fresh: true, .. }) = (&mut config, task) {
        config.resumption = Resumption::disabled();
    }
    let config = config.map(Arc::new);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        match &config {
            None => work(task, async || in_clear(at).await).await,
            Some(config) => work(task, async || secured(at, config).await).await,
        }
    })
}

async fn in_clear(at: &At<'_>) -> FtpResult<AsyncFtpStream> {
    let mut ftp = AsyncFtpStream::connect(at.address).await?;
    ftp.login(at.user, at.password).await?;
    Ok(ftp)
}

async fn secured(at: &At<'_>, config: &Arc<ClientConfig>) -> FtpResult<AsyncRustlsFtpStream> {
    let connector = AsyncRustlsConnector::from(TlsConnector::from(Arc::clone(config)));
    let ftp = AsyncRustlsFtpStream::connect(at.address).await?;
    let mut ftp = ftp.into_secure(connector, host(at.address)).await?;
    ftp.login(at.user, at.password).await?;
    Ok(ftp)
}

async fn prepare<T: TokioTlsStream + Send>(ftp: &mut ImplAsyncFtpStream<T>) -> FtpResult<()> {
    ftp.transfer_type(FileType::Binary).await?;
    ftp.set_mode(Mode::ExtendedPassive);
    Ok(())
}

async fn fetch<T: TokioTlsStream + Send>(
    ftp: &mut ImplAsyncFtpStream<T>,
    path: &str,
    file: Option<&Path>,
) -> Result<()> {
    let mut download = ftp.retr_as_stream(path).await?;
    match file {
        None => copy(&mut download, &mut sink()).await?,
        Some(file) => copy(&mut download, &mut File::create(file).await?).await?,
    };
    Ok(download.finish().await?)
}

async fn work<T>(
    task: &Task<'_>,
    log_in: impl AsyncFn() -> FtpResult<ImplAsyncFtpStream<T>>,
) -> Result<()>
where
    T: TokioTlsStream + Send + 'static,
{
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
                let mut ftp = log_in().await?;
                prepare(&mut ftp).await?;
                clients.push(ftp);
            }
            let clients = share(clients, count, async move |ftp, number| {
                fetch(ftp, &remote(&folder, number), Some(&local(&into, number))).await
            });
            for mut ftp in clients.await? {
                ftp.quit().await?;
            }
            return Ok(());
        }
        _ => {}
    }
    let mut ftp = log_in().await?;
    prepare(&mut ftp).await?;
    match *task {
        Task::Down { path, file } => fetch(&mut ftp, path, file.map(Path::new)).await?,
        Task::Again { path, count } => {
            for _ in 0..count {
                fetch(&mut ftp, path, None).await?;
            }
        }
        Task::Up { file, path } => {
            ftp.put_file(path, &mut File::open(file).await?).await?;
        }
        Task::Files { .. } | Task::Login { .. } => {}
        Task::Idle { .. } => return Err("not with this client".into()),
    }
    ftp.quit().await?;
    Ok(())
}
