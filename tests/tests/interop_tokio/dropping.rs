//! Operations dropped at random moments with the real servers: afterwards the session is usable and transfers the right
//! bytes, or it reports that it is dead
//!
//! `FTP_SEED` is the seed of the random choices, by default 1; with `FTP_LONG=1` it is a new one in each run, which is
//! printed.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use ftp_tests::polls::polled;
use ftp_tests::seed::Seed;
use ftp_tests::servers::takes_long;
use ftp_tokio::{
    Client, Error, Protection, Timestamp, TransferType, WalkOptions, copy_between_servers,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::{Security, Way, on_each_server};

/// The number of operations dropped for each kind of connection to each server
const ROUNDS: usize = 80;

/// Size of the transferred file: more than the buffers of both systems hold
const SIZE: usize = 8 << 20;

/// A file in which the position of all bytes can be recognized
fn file(size: usize, salt: u32) -> Vec<u8> {
    let bytes = (0..size as u32).map(|i| (i.wrapping_mul(i).wrapping_add(salt * 77) >> 3) as u8);
    bytes.collect()
}

fn seed() -> Seed {
    let usual = || match takes_long() {
        true => std::time::UNIX_EPOCH.elapsed().unwrap().as_secs(),
        false => 1,
    };
    let seed = std::env::var("FTP_SEED").map_or_else(|_| usual(), |seed| seed.parse().unwrap());
    println!("FTP_SEED={seed}");
    Seed(seed)
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Command,
    Download,
    Abort,
    Upload,
    Listing,
    Text,
    UploadText,
    Walk,
    DownloadFile,
    UploadFile,
    ResumeDownload,
    ResumeUpload,
    Names,
    CreateDirAll,
    RemoveDirAll,
    SetModified,
    VerifyFile,
    /// One of [`request`], which the server may refuse
    Request(usize),
}

/// The number of requests in [`request`]
const REQUESTS: usize = 18;

/// Makes a request that changes neither the files nor the working directory
async fn request(client: &mut Client, which: usize) -> Result<(), Error> {
    let result = match which {
        0 => client.pwd().await.map(drop),
        1 => client.cwd(".").await.map(drop),
        2 => client.hash("one").await.map(drop),
        3 => client.mdtm("one").await.map(drop),
        4 => client.size_and_mdtm("one").await.map(drop),
        5 => client.mlst("one").await.map(drop),
        6 => client.facts("one").await.map(drop),
        7 => client.query_features().await.map(drop),
        8 => client.utf8().await.map(drop),
        9 => client.opts("MLST type;size;modify;").await.map(drop),
        10 => client.noop().await.map(drop),
        11 => client.system().await.map(drop),
        12 => client.help("").await.map(drop),
        13 => client.stat("").await.map(drop),
        14 => client.stat_dir("tree").await.map(drop),
        15 => client.site("HELP").await.map(drop),
        16 => client.command("ALLO", "5000").await.map(drop),
        _ => client.delete("missing").await.map(drop),
    };
    match result {
        Err(error) if !error.is_fatal() && error.reply().is_some() => Ok(()),
        result => result,
    }
}

/// The files on this side
struct Local {
    folder: TempDir,
}

impl Local {
    fn new(content: &[u8]) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("original"), content).unwrap();
        Self { folder }
    }

    /// What is uploaded
    fn original(&self) -> PathBuf {
        self.folder.path().join("original")
    }

    /// What is downloaded
    fn copy(&self) -> PathBuf {
        self.folder.path().join("copy")
    }
}

impl Operation {
    const ALL: [Self; 17] = [
        Self::Command,
        Self::Download,
        Self::Abort,
        Self::Upload,
        Self::Listing,
        Self::Text,
        Self::UploadText,
        Self::Walk,
        Self::DownloadFile,
        Self::UploadFile,
        Self::ResumeDownload,
        Self::ResumeUpload,
        Self::Names,
        Self::CreateDirAll,
        Self::RemoveDirAll,
        Self::SetModified,
        Self::VerifyFile,
    ];

    fn any(seed: &mut Seed) -> Self {
        match seed.below(4) {
            0 => Self::Request(seed.below(REQUESTS)),
            _ => Self::ALL[seed.below(Self::ALL.len())],
        }
    }

    async fn run(self, client: &mut Client, content: &[u8], local: &Local) -> Result<(), Error> {
        match self {
            Self::Text => {
                let mut lines = 0;
                let line = |line: &[u8]| {
                    assert_eq!(line, text(lines).as_bytes());
                    lines += 1;
                };
                client.get_lines("text", line).await?;
                assert_eq!(lines, LINES);
            }
            Self::UploadText => {
                client.put_lines("new text", (0..LINES).map(text)).await?;
            }
            Self::Walk => {
                let mut walk = client.walk("", WalkOptions::new());
                let mut files = 0;
                while let Some(found) = walk.next().await {
                    match found {
                        Ok(found) => files += usize::from(found.path.starts_with(b"tree/")),
                        Err(error) => return Err(error.error),
                    }
                }
                assert_eq!(files, 4, "two directories and two files");
            }
            Self::DownloadFile => {
                client.download_file("one", local.copy()).await?;
                assert!(std::fs::read(local.copy()).unwrap() == content);
            }
            Self::UploadFile => {
                client.upload_file("new", local.original()).await?;
            }
            // From wherever an operation that was dropped has left it.
            Self::ResumeDownload => {
                client.resume_download("one", local.copy()).await?;
                assert!(std::fs::read(local.copy()).unwrap() == content);
            }
            Self::ResumeUpload => {
                client.resume_upload(local.original(), "new").await?;
            }
            Self::Names => {
                let names = client.names("tree").await?;
                assert!(names.iter().any(|name| name.ends_with(b"a")), "{names:?}");
            }
            Self::CreateDirAll => {
                client.create_dir_all("made/a/b").await?;
                // It exists, so the session enters it.
                client.create_dir_all("tree/a").await?;
            }
            // There is something to remove if an operation before it has made it.
            Self::RemoveDirAll => match client.remove_dir_all("made").await {
                Err(error) if error.is_missing() => {}
                result => drop(result?),
            },
            // The server's own file: the others are not its user's.
            Self::SetModified => {
                let time = Timestamp::from_unix(1_600_000_000).unwrap();
                match client.set_modified("third", time).await {
                    Err(error) if error.is_missing() => {}
                    result => {
                        result?;
                        assert_eq!(client.mdtm("third").await?.to_unix(), 1_600_000_000);
                    }
                }
            }
            Self::VerifyFile => drop(client.verify_file("one", local.original()).await?),
            Self::Request(which) => request(client, which).await?,
            Self::Command => drop(client.size("one").await?),
            Self::Download => {
                let mut bytes = Vec::new();
                client.download_to("one", &mut bytes).await?;
                assert!(bytes == content);
            }
            Self::Abort => {
                let mut download = client.get("one").await?;
                let mut bytes = [0; 1000];
                download.read_exact(&mut bytes).await?;
                assert!(bytes == content[..1000]);
                drop(download.abort().await?);
            }
            Self::Upload => {
                let mut upload = client.put("new").await?;
                upload.write_all(content).await?;
                upload.finish().await?;
            }
            Self::Listing => {
                let mut entries = client.read_dir("").await?;
                while let Some(entry) = entries.next().await {
                    entry?;
                }
            }
        }
        Ok(())
    }
}

/// The number of lines of a text
const LINES: usize = 20_000;

fn text(line: usize) -> String {
    format!("line {line} of a text")
}

/// When an operation is dropped
#[derive(Clone, Copy, Debug)]
enum Moment {
    Poll(usize),
    After(Duration),
}

impl Moment {
    fn any(seed: &mut Seed) -> Self {
        // Early moments are more frequent, because operations are short on a fast machine.
        match seed.below(2) {
            0 => {
                let most = 40 >> seed.below(4);
                Self::Poll(1 + seed.below(most))
            }
            _ => {
                let most = 8000 >> seed.below(8);
                Self::After(Duration::from_micros(seed.below(most) as u64))
            }
        }
    }
}

/// Returns the result of an operation if it has one by then; `None` if it was dropped
async fn until<T>(moment: Moment, operation: impl Future<Output = T>) -> Option<T> {
    let most = match moment {
        Moment::After(time) => return timeout(time, operation).await.ok(),
        Moment::Poll(most) => most,
    };
    polled(operation, most).await
}

async fn log_in(way: &Way, remote: &str) -> Client {
    let mut config = way.config();
    config.remote_transfer_timeout = Duration::from_secs(10);
    let options = way.options(config);
    let (user, password) = (&way.server.user, &way.server.password);
    let client = Client::connect_and_login(way.address(), options, user, password).await;
    let mut client = client.unwrap();
    client.cwd(remote).await.unwrap();
    client
}

/// Makes a directory on the server with these files; returns a runtime, and the directory's paths there and here
fn prepare(way: &Way, files: [(&str, &Vec<u8>); 2]) -> (Runtime, String, PathBuf) {
    let (mut ftp, remote, local) = way.enter();
    for (name, bytes) in files {
        std::fs::write(local.join(name), bytes).unwrap();
    }
    ftp.noop().unwrap();
    (Builder::new_current_thread().enable_all().build().unwrap(), remote, local)
}

/// Checks that the session is usable; otherwise returns the error that ended it
async fn proven(client: &mut Client, small: &[u8]) -> Result<(), Error> {
    let mut bytes = Vec::new();
    client.download_to("small", &mut bytes).await?;
    assert!(bytes == small, "wrong bytes");
    let mut upload = client.put("third").await?;
    upload.write_all(small).await?;
    upload.finish().await?;
    Ok(())
}

#[test]
fn operations_can_be_dropped_at_any_time() {
    let (content, small) = (file(SIZE, 1), file(50_000, 2));
    on_each_server(|way| {
        let (runtime, remote, local) = prepare(way, [("one", &content), ("small", &small)]);
        let lines: String = (0..LINES).map(|line| text(line) + "\n").collect();
        std::fs::write(local.join("text"), lines).unwrap();
        for folder in ["tree/a", "tree/b"] {
            std::fs::create_dir_all(local.join(folder)).unwrap();
            std::fs::write(local.join(folder).join("file"), &small).unwrap();
        }
        let here = Local::new(&content);
        let (mut dropped, mut over) = (0, 0);
        let mut seed = seed();
        runtime.block_on(async {
            let mut client = log_in(way, &remote).await;
            for round in 0..ROUNDS {
                let (operation, moment) = (Operation::any(&mut seed), Moment::any(&mut seed));
                let at = format!("{round}: {operation:?} until {moment:?}");
                let done = until(moment, operation.run(&mut client, &content, &here)).await;
                match &done {
                    Some(Err(error)) => panic!("{at}: {error}"),
                    Some(Ok(())) => {}
                    None => dropped += 1,
                }
                for path in ["tree/a/file", "tree/b/file", "text"] {
                    assert!(local.join(path).exists(), "{at}: {path} is gone");
                }
                match proven(&mut client, &small).await {
                    Ok(()) => assert!(std::fs::read(local.join("third")).unwrap() == small, "{at}"),
                    Err(error) => {
                        assert!(error.is_fatal(), "{at}: {error}");
                        // Servers end the session if TLS on its data connection is interrupted: in the handshake, or in
                        // an upload, which ends without close_notify so that the server does not take the part for the
                        // whole.
                        let excused = done.is_none() && way.security != Security::Clear;
                        assert!(excused || way.server.name == "pyftpdlib", "{at}: {error}");
                        println!("{at}: {error}");
                        over += 1;
                        client = log_in(way, &remote).await;
                    }
                }
                for file in [local.join("new"), here.copy()] {
                    let bytes = std::fs::read(&file).unwrap_or_default();
                    assert!(content.starts_with(&bytes), "{at}: {file:?} has other bytes");
                }
                let text = std::fs::read_to_string(local.join("new text")).unwrap_or_default();
                for (number, line) in text.lines().enumerate() {
                    let is_right = self::text(number).starts_with(line.trim_end_matches('\r'));
                    assert!(is_right, "{at}: line {number} of the new text is {line:?}");
                }
            }
            let _ = client.quit().await;
        });
        println!("{}: {dropped} of {ROUNDS} dropped, {over} sessions over", way.name());
        assert!(dropped >= ROUNDS / 4, "{dropped}");
    });
}

/// After an abort, some servers owe a reply, so the client asks for proof that the next one is not it. A request may be
/// dropped meanwhile
#[test]
fn requests_after_an_abort_can_be_dropped() {
    let (content, small) = (file(SIZE, 1), file(50_000, 2));
    on_each_server(|way| {
        let (runtime, remote, _local) = prepare(way, [("one", &content), ("small", &small)]);
        let mut dropped = 0;
        runtime.block_on(async {
            for polls in 1..10 {
                let mut client = log_in(way, &remote).await;
                let mut download = client.get("one").await.unwrap();
                download.read_exact(&mut [0; 100]).await.unwrap();
                drop(download);
                // It settles the session.
                let settled = client.size("one").await;
                if let (Err(error), true) = (&settled, way.security != Security::Clear) {
                    assert!(error.is_fatal(), "{error}");
                    continue;
                }
                assert_eq!(settled.unwrap(), SIZE as u64);
                let done = until(Moment::Poll(polls), client.cwd(&remote)).await;
                dropped += usize::from(done.is_none());
                // Sooner than the deadline of a reply
                let size = timeout(Duration::from_secs(50), client.size("small")).await;
                assert_eq!(size.expect("the session settles").unwrap(), small.len() as u64);
            }
        });
        println!("{}: {dropped} requests dropped", way.name());
        assert!(dropped > 0, "{}", way.name());
    });
}

/// Only the next login shows whether the session is logged in
#[test]
fn logins_can_be_dropped_at_any_time() {
    let small = file(50_000, 2);
    on_each_server(|way| {
        let (runtime, remote, local) = prepare(way, [("one", &small), ("small", &small)]);
        let mut seed = seed();
        let (user, password) = (&way.server.user, &way.server.password);
        let (mut dropped, mut again) = (0, 0);
        runtime.block_on(async {
            for polls in 1..12 {
                let moment = if polls < 8 { Moment::Poll(polls) } else { Moment::any(&mut seed) };
                let options = way.options(way.config());
                let mut client = Client::connect(way.address(), options).await.unwrap();
                match until(moment, client.login(user, password)).await {
                    Some(result) => drop(result.unwrap()),
                    None => {
                        dropped += 1;
                        // It is refused if the dropped one has been carried out.
                        match client.login(user, password).await {
                            Ok(_) => again += 1,
                            Err(error) => assert!(!error.is_fatal(), "{moment:?}: {error}"),
                        }
                        // It forgets PROT with a second login.
                        if way.security != Security::Clear && way.server.name == "pyftpdlib" {
                            client.protect(Protection::Private).await.unwrap();
                        }
                    }
                }
                client.cwd(&remote).await.unwrap();
                proven(&mut client, &small).await.unwrap();
                assert!(std::fs::read(local.join("third")).unwrap() == small, "{moment:?}");
                let _ = client.quit().await;
            }
        });
        println!("{}: {dropped} logins dropped, {again} of them repeated", way.name());
        assert!(dropped > 0, "{}: {dropped}", way.name());
    });
}

/// ProFTPD accepts only RNTO after RNFR
#[test]
fn renames_can_be_dropped_at_any_time() {
    let small = file(50_000, 2);
    on_each_server(|way| {
        let (runtime, remote, local) = prepare(way, [("one", &small), ("small", &small)]);
        runtime.block_on(async {
            let mut client = log_in(way, &remote).await;
            let mut dropped = 0;
            for polls in 1..12 {
                let (from, to) = match local.join("one").exists() {
                    true => ("one", "two"),
                    false => ("two", "one"),
                };
                match until(Moment::Poll(polls), client.rename(from, to)).await {
                    Some(result) => drop(result.unwrap()),
                    None => dropped += 1,
                }
                proven(&mut client, &small).await.unwrap();
                let left = ["one", "two"].iter().filter(|name| local.join(name).exists()).count();
                assert_eq!(left, 1, "{}", way.name());
            }
            assert!(dropped > 1, "{}: {dropped}", way.name());
            let _ = client.quit().await;
        });
    });
}

/// Both sessions, each on its own
#[test]
fn copies_between_servers_can_be_dropped_at_any_time() {
    let (content, small) = (file(SIZE / 8, 1), file(50_000, 2));
    on_each_server(|way| {
        // No server can do the TLS handshake with another.
        if way.security != Security::Clear {
            return;
        }
        let (runtime, remote, local) = prepare(way, [("one", &content), ("small", &small)]);
        // pyftpdlib keeps a copy whose connection never came, and the next one is waited for in vain.
        let rounds = if way.server.name == "pyftpdlib" { ROUNDS / 8 } else { ROUNDS };
        let (mut dropped, mut refused, mut over) = (0, 0, 0);
        let mut seed = seed();
        runtime.block_on(async {
            let mut source = log_in(way, &remote).await;
            let mut target = log_in(way, &remote).await;
            for round in 0..rounds {
                let moment = Moment::any(&mut seed);
                let copy = copy_between_servers(
                    &mut source,
                    "one",
                    &mut target,
                    "new",
                    TransferType::Image,
                );
                match until(moment, copy).await {
                    None => dropped += 1,
                    Some(Ok(())) => {
                        assert!(std::fs::read(local.join("new")).unwrap() == content, "{round}");
                    }
                    // As servers should unless told otherwise.
                    Some(Err(error)) => {
                        assert_ne!(way.server.name, "vsftpd", "which is told otherwise: {error}");
                        let kept = way.server.name == "pyftpdlib" && error.error.is_timeout();
                        assert!(kept || error.error.reply().is_some(), "{round}: {error}");
                        refused += 1;
                    }
                }
                for (end, client) in [("source", &mut source), ("target", &mut target)] {
                    let at = format!("{round}: {end}, until {moment:?}");
                    match proven(client, &small).await {
                        Ok(()) => {
                            assert!(std::fs::read(local.join("third")).unwrap() == small, "{at}");
                        }
                        Err(error) => {
                            assert!(error.is_fatal(), "{at}: {error}");
                            assert_eq!(way.server.name, "pyftpdlib", "{at}: {error}");
                            over += 1;
                            *client = log_in(way, &remote).await;
                        }
                    }
                }
                if let Ok(new) = std::fs::read(local.join("new")) {
                    assert!(content.starts_with(&new), "{round}: the file has other bytes");
                }
            }
        });
        println!(
            "{}: {dropped} of {rounds} copies dropped, {refused} refused, {over} sessions over",
            way.name()
        );
        assert!(dropped >= rounds / 8, "{dropped}");
    });
}
