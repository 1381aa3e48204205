//! This project's clients, used as documented: ftp-blocking, and ftp-mio for several sessions

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::net::ToSocketAddrs;
use std::time::Instant;

use ftp_blocking::ftp_tls::{TlsConfig, TlsVersion, Trust};
use ftp_blocking::{Client, Config, Options, TlsPolicy};
use ftp_mio::manager::{Key, Manager};
use ftp_mio::mio::{Events, Poll, Token};
use ftp_mio::{Event, Moved, Op, Transfer};
use rustls::ProtocolVersion;

use crate::Result;
use crate::client::{At, Task, Tls, local, provider, remote};

pub(crate) fn run(at: &At<'_>, task: &Task<'_>) -> Result<()> {
    let tls = at.tls.map(secure).transpose()?;
    if let Task::Files { folder, count, into, sessions: sessions @ 2.. } = *task {
        return many(at, tls, folder, count, into, sessions);
    }
    let policy = if tls.is_some() { TlsPolicy::Explicit } else { TlsPolicy::Plaintext };
    let log_in = || -> Result<Client> {
        let mut options = Options::new(Config::new(policy));
        if let Some(tls) = &tls {
            options = options.tls(tls.clone());
        }
        Ok(Client::connect_and_login(at.address, options, at.user, at.password)?)
    };
    if let Task::Login { count, .. } = *task {
        for _ in 0..count {
            log_in()?.quit()?;
        }
        return Ok(());
    }
    let mut ftp = log_in()?;
    match *task {
        Task::Down { path, file: None } => {
            ftp.download_to(path, &mut io::sink())?;
        }
        Task::Down { path, file: Some(file) } => {
            ftp.download_file(path, file)?;
        }
        Task::Up { file, path } => {
            ftp.upload_file(path, file)?;
        }
        Task::Again { path, count } => {
            for _ in 0..count {
                ftp.download_to(path, &mut io::sink())?;
            }
        }
        Task::Files { folder, count, into, .. } => {
            for number in 0..count {
                ftp.download_file(remote(folder, number), local(into, number))?;
            }
        }
        Task::Login { .. } => {}
        // tests/scale has many sessions on one thread.
        Task::Idle { .. } => return Err("not with this client".into()),
    }
    ftp.quit()?;
    Ok(())
}

pub(crate) fn secure(tls: Tls<'_>) -> Result<TlsConfig> {
    let builder = TlsConfig::builder(Trust::OwnCa)
        .add_ca_file(tls.authority)
        .crypto_provider(provider().into());
    let builder = match tls.version.version {
        ProtocolVersion::TLSv1_2 => builder.max_version(TlsVersion::Tls12),
        _ => builder.min_version(TlsVersion::Tls13),
    };
    Ok(builder.build()?)
}

/// The task of a session
struct Job {
    get: Op<Transfer>,
    file: File,
}

/// How many sessions connect at the same time
///
/// vsftpd's queue has room for 32 connections. If more arrive at once, the system may lose some that the client takes
/// for open, and they wait for a greeting until they time out.
const CONNECTING: usize = 16;

fn many(
    at: &At<'_>,
    tls: Option<TlsConfig>,
    folder: &str,
    count: usize,
    into: &str,
    sessions: usize,
) -> Result<()> {
    let policy = if tls.is_some() { TlsPolicy::Explicit } else { TlsPolicy::Plaintext };
    let mut options = ftp_mio::Options::new(Config::new(policy));
    if let Some(tls) = tls {
        options = options.tls(tls);
    }
    let addresses: Vec<_> = at.address.to_socket_addrs()?.collect();
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(64);
    let mut manager = Manager::new(Token(0));
    let mut jobs: HashMap<Key, Job> = HashMap::new();
    let mut numbers = 0..count;
    let open = |manager: &mut Manager, number| -> Result<(Key, Job)> {
        let key = manager.connect(&addresses, options.clone())?;
        let mut ftp = manager.session(key).ok_or("just made")?;
        ftp.login(at.user, at.password);
        let (get, file) = (ftp.get(remote(folder, number)), File::create(local(into, number))?);
        Ok((key, Job { get, file }))
    };
    for number in numbers.by_ref().take(sessions.min(CONNECTING)) {
        let (key, job) = open(&mut manager, number)?;
        jobs.insert(key, job);
    }
    let mut to_open = sessions.saturating_sub(CONNECTING);
    let mut buffer = vec![0; 128 * 1024];
    let mut done = 0;
    while !jobs.is_empty() {
        poll.poll(&mut events, manager.timeout(Instant::now()))?;
        for event in &events {
            manager.handle_event(event);
        }
        manager.turn(poll.registry(), Instant::now());
        while let Some(key) = manager.poll_ready() {
            let Some(job) = jobs.get_mut(&key) else { continue };
            let mut ftp = manager.session(key).ok_or("it has a job")?;
            let (mut over, mut is_open) = (false, false);
            while let Some(event) = ftp.poll_event() {
                match event {
                    Event::Completed(mut completion) => {
                        let Some(result) = completion.take(job.get) else { continue };
                        result?;
                        (done, is_open) = (done + 1, true);
                        match numbers.next() {
                            Some(number) => {
                                job.get = ftp.get(remote(folder, number));
                                job.file = File::create(local(into, number))?;
                            }
                            None => {
                                ftp.quit();
                            }
                        }
                    }
                    Event::Closed(_) => over = true,
                    _ => {}
                }
            }
            while let Moved::Bytes(count) = ftp.read_data(&mut buffer) {
                job.file.write_all(&buffer[..count])?;
            }
            drop(ftp);
            if is_open && to_open > 0 {
                if let Some(number) = numbers.next() {
                    let (key, job) = open(&mut manager, number)?;
                    jobs.insert(key, job);
                    to_open -= 1;
                }
            }
            if over {
                jobs.remove(&key);
                manager.remove(key);
            }
        }
    }
    if done == count { Ok(()) } else { Err(format!("{done} of {count} files").into()) }
}
