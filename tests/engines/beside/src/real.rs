//! On real servers that log their commands

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use ftp_tests::command_log::CommandLog;
use ftp_tests::servers::{self, Counted, Server};
use futures_util::StreamExt;

use crate::client::{Client, Login};
use crate::faults::at_once;
use crate::table::{Cell, Row, row, short};

const FILES: usize = 240;
const LARGE: usize = 64 << 20;
const RANGES: u64 = 32;
const RANGE: u64 = 64 << 10;

fn content(file: usize) -> Vec<u8> {
    let line = format!("{file},a station,12.5\n").into_bytes();
    line.into_iter().cycle().take(100_000 + file).collect()
}

fn large() -> Vec<u8> {
    (0..LARGE as u64).map(|at| (at.wrapping_mul(0x9E37_79B9) >> 16) as u8).collect()
}

/// Creates a directory on a server; returns it, and its path on this host
fn place(server: &Server, name: &str) -> (Login, PathBuf) {
    let name = format!("beside-{}-{name}", std::process::id());
    let local = server.home.join(&name);
    fs::create_dir_all(&local).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(&local, open).unwrap();
    let Server { port, user, password, directory, .. } = server.clone();
    let root = format!("{}/{name}", directory.trim_end_matches('/'));
    (Login { port, user, password, root }, local)
}

/// Seconds since `begun`, and the logins and bytes in the log
fn measured(begun: Instant, log: &CommandLog) -> String {
    let seconds = begun.elapsed().as_secs_f64();
    let (logins, bytes) = (log.count("127.0.0.1", "USER "), log.sent());
    format!("{seconds:.1} s, logins: {logins}, {:.1} MB", bytes as f64 / 1e6)
}

async fn data(counted: &Counted) -> Vec<Row> {
    let Counted { server, log } = counted;
    let (place, local) = place(server, "data");
    for file in 0..FILES {
        fs::write(local.join(format!("f{file}")), content(file)).unwrap();
    }
    let whole = large();
    fs::write(local.join("large"), &whole).unwrap();
    let name = format!("{} {}", server.name, server.version);
    let mut rows = Vec::new();
    rows.push(
        row(format!("{name}: {FILES} files of 100 kB, four at a time"), async |kind| {
            let (log, begun) = (CommandLog::from_here(log), Instant::now());
            let client = Client::new(kind, &place);
            let reads = (0..FILES).map(|file| {
                let client = &client;
                async move { client.read(&format!("f{file}")).await.map(|it| it == content(file)) }
            });
            let read: Vec<_> = futures_util::stream::iter(reads).buffered(4).collect().await;
            let wrong = read.iter().filter(|read| **read != Ok(true)).count();
            let error = read.into_iter().find_map(Result::err).unwrap_or_default();
            let failed = if wrong > 0 {
                format!("{wrong} fail ({}), ", short(&error))
            } else {
                String::new()
            };
            Cell::new(wrong == 0, failed + &measured(begun, &log))
        })
        .await,
    );
    rows.push(
        row(format!("{name}: {RANGES} ranges of 64 KiB out of 64 MiB"), async |kind| {
            let (log, begun) = (CommandLog::from_here(log), Instant::now());
            let client = Client::new(kind, &place);
            let step = LARGE as u64 / RANGES;
            let ranges: Vec<_> = (0..RANGES).map(|at| at * step..at * step + RANGE).collect();
            let read = client.read_ranges("large", &ranges).await;
            let failed = match read {
                Err(error) => format!("{}, ", short(&error)),
                Ok(parts) => {
                    let same = parts.len() == ranges.len()
                        && ranges.iter().zip(&parts).all(|(range, part)| {
                            whole[range.start as usize..range.end as usize] == part[..]
                        });
                    if same { String::new() } else { "wrong bytes, ".to_owned() }
                }
            };
            // The server logs a transfer when it has ended.
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            Cell::new(failed.is_empty(), failed + &measured(begun, &log))
        })
        .await,
    );
    rows.push(
        row(format!("{name}: 100 reads at once; it accepts eight sessions"), async |kind| {
            let client = Client::new(kind, &place);
            let (wrong, error) = at_once(&client, 100, "f7", &content(7)).await;
            Cell::new(wrong == 0, format!("{wrong} fail {}", short(&error)).trim().to_owned())
        })
        .await,
    );
    rows.push(
        row(format!("{name}: a write of no bytes"), async |kind| {
            let client = Client::new(kind, &place);
            let file = format!("empty-{kind:?}");
            let written = client.write(&file, Vec::new()).await;
            let there = local.join(&file).exists();
            let text = match &written {
                Ok(()) if there => "`Ok`, the file is there".to_owned(),
                Ok(()) => "`Ok`, there is no file".to_owned(),
                Err(error) => short(error),
            };
            Cell::new(written.is_ok() && there, text)
        })
        .await,
    );
    fs::remove_dir_all(local).unwrap();
    rows
}

async fn chunks(server: &Server) -> Row {
    const RUNS: usize = 40;
    let (place, local) = place(server, "chunks");
    let bytes = &large()[..8 << 20];
    fs::write(local.join("f"), bytes).unwrap();
    let what = format!(
        "{} {}: a file of 8 MiB in chunks of 1 MiB, four at a time, {RUNS} times",
        server.name, server.version
    );
    let row = row(what, async |kind| {
        let mut wrong = (0, String::new());
        for _ in 0..RUNS {
            let client = Client::new(kind, &place);
            match client.read_chunks("f", bytes.len(), 1 << 20).await {
                Ok(read) if read == bytes => {}
                Ok(_) => wrong = (wrong.0 + 1, "other bytes".to_owned()),
                Err(error) => wrong = (wrong.0 + 1, error),
            }
        }
        Cell::new(wrong.0 == 0, format!("{} fail {}", wrong.0, short(&wrong.1)).trim().to_owned())
    })
    .await;
    fs::remove_dir_all(local).unwrap();
    row
}

pub async fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for counted in servers::counted() {
        rows.extend(data(&counted).await);
    }
    for server in servers::all().iter().filter(|server| server.name == "pyftpdlib") {
        rows.push(chunks(server).await);
    }
    rows
}
