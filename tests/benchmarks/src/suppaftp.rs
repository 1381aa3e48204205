//! suppaftp, used as documented

use std::fs::File;
use std::io;
use std::sync::Arc;

use rustls::client::Resumption;
use suppaftp::types::FileType;
use suppaftp::{FtpError, FtpStream, Mode, RustlsConnector, RustlsFtpStream};

use crate::Result;
use crate::client::{At, Task, hold, host, local, remote};

pub(crate) fn run(at: &At<'_>, task: &Task<'_>) -> Result<()> {
    let mut config = at.tls.map(|tls| tls.config()).transpose()?;
    if let (Some(config), Task::Login { fresh: true, .. }) = (&mut config, task) {
        config.resumption = Resumption::disabled();
    }
    let config = config.map(Arc::new);
    match &config {
        None => work(task, || {
            let mut ftp = FtpStream::connect(at.address)?;
            ftp.login(at.user, at.password)?;
            Ok(ftp)
        }),
        Some(config) => work(task, || {
            let connector = RustlsConnector::from(Arc::clone(config));
            let ftp = RustlsFtpStream::connect(at.address)?;
            let mut ftp = ftp.into_secure(connector, host(at.address))?;
            ftp.login(at.user, at.password)?;
            Ok(ftp)
        }),
    }
}

fn work<T>(task: &Task<'_>, log_in: impl Fn() -> Result<suppaftp::ImplFtpStream<T>>) -> Result<()>
where
    T: suppaftp::TlsStream,
{
    if let Task::Login { count, .. } = *task {
        for _ in 0..count {
            log_in()?.quit()?;
        }
        return Ok(());
    }
    if let Task::Idle { count } = *task {
        return hold((0..count).map(|_| log_in()).collect::<Result<_>>()?);
    }
    let mut ftp = log_in()?;
    ftp.transfer_type(FileType::Binary)?;
    ftp.set_mode(Mode::ExtendedPassive);
    let mut fetch = |path: &str, file: Option<File>| {
        ftp.retr(path, |reader| {
            let copied = match file.as_ref() {
                None => io::copy(reader, &mut io::sink()),
                Some(mut file) => io::copy(reader, &mut file),
            };
            copied.map_err(FtpError::ConnectionError)
        })
    };
    match *task {
        Task::Down { path, file } => {
            fetch(path, file.map(File::create).transpose()?)?;
        }
        Task::Again { path, count } => {
            for _ in 0..count {
                fetch(path, None)?;
            }
        }
        Task::Files { folder, count, into, sessions: 1 } => {
            for number in 0..count {
                fetch(&remote(folder, number), Some(File::create(local(into, number))?))?;
            }
        }
        Task::Up { file, path } => {
            ftp.put_file(path, &mut File::open(file)?)?;
        }
        Task::Files { .. } | Task::Login { .. } | Task::Idle { .. } => {
            return Err("not with suppaftp".into());
        }
    }
    ftp.quit()?;
    Ok(())
}
