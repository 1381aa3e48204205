//! Whole local files, which are accessed on other threads

use std::io::ErrorKind;
use std::sync::mpsc::channel;
use std::time::Duration;

use ftp_tests::memory;
use ftp_tests::polls::{at_every_poll, polled};
use ftp_tests::scripted::{Server, accept};
use ftp_tokio::{Error, Mismatch, Options, ResumeOptions};
use tempfile::TempDir;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::memory::{World, slowly};
use super::{dropping, file, log_in};

#[tokio::test]
async fn a_large_file_is_uploaded_and_downloaded() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        assert!(peer.receive_file("STOR f") == file());
        peer.send_file("RETR f", &file());
        peer.serve_quit();
    });
    let folder = TempDir::new().unwrap();
    let (out, back) = (folder.path().join("out"), folder.path().join("back"));
    std::fs::write(&out, file()).unwrap();
    // The file is longer than the download, and is replaced.
    std::fs::write(&back, vec![7; 3_500_000]).unwrap();
    let mut client = log_in(&server).await;
    assert_eq!(client.upload_file("f", &out).await.unwrap().bytes, 3_000_000);
    assert_eq!(client.download_file("f", &back).await.unwrap().bytes, 3_000_000);
    assert!(std::fs::read(&back).unwrap() == file());
    client.quit().await.unwrap();
    server.join();
}

/// Bytes that TLS holds back when the file is read are sent afterwards, although the connection became writable
/// meanwhile, which woke the task for nothing
#[cfg(unix)]
#[tokio::test]
async fn an_upload_over_tls_goes_on_after_each_read_of_the_file() {
    use std::io::Write as _;
    use std::process::Command;
    use std::thread;
    let whole = file()[..400_000].to_vec();
    let folder = TempDir::new().unwrap();
    // Each read of it takes longer than the connection does to become writable.
    let out = folder.path().join("out");
    assert!(Command::new("mkfifo").arg(&out).status().unwrap().success());
    let (path, bytes) = (out.clone(), whole.clone());
    let feeder = thread::spawn(move || {
        let mut pipe = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        for part in bytes.chunks(8 * 1024) {
            thread::sleep(Duration::from_millis(5));
            pipe.write_all(part).unwrap();
        }
    });
    let world = World::new(memory::Server::new());
    let upload = slowly(async {
        let mut client = world.connect(memory::Server::options()).await.unwrap();
        client.login("u", "p").await.unwrap();
        client.upload_file("new", &out).await.unwrap();
    });
    // Far more than it takes, and less than a server may pause
    timeout(Duration::from_secs(20), upload).await.expect("it waits for nothing");
    feeder.join().unwrap();
    assert!(world.server(|server| server.files["new"] == whole));
}

#[tokio::test]
async fn an_empty_file_replaces_what_was_there() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        peer.send_file("RETR f", b"");
        peer.serve_quit();
    });
    let folder = TempDir::new().unwrap();
    let local = folder.path().join("f");
    std::fs::write(&local, "old").unwrap();
    let mut client = log_in(&server).await;
    client.download_file("f", &local).await.unwrap();
    assert_eq!(std::fs::read(&local).unwrap(), b"");
    client.quit().await.unwrap();
    server.join();
}

/// The last block is written while the server confirms the transfer
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_fails_a_download_that_the_server_has_confirmed() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        peer.send_file("RETR f", b"bytes");
        peer.exchange("NOOP", "200 fine");
        peer.serve_quit();
    });
    let mut client = log_in(&server).await;
    let error = client.download_file("f", "/dev/full").await.unwrap_err();
    let Error::Local(inner) = &error else { panic!("{error:?}") };
    assert_eq!(inner.kind(), ErrorKind::StorageFull);
    assert!(inner.to_string().contains("/dev/full"), "{inner}");
    client.noop().await.unwrap();
    client.quit().await.unwrap();
    server.join();
}

/// The runtime is short of threads, and when one is free the file is no longer the call's
#[test]
fn the_orders_of_a_dropped_download_are_not_carried_out_later() {
    let (sent, all_sent) = channel();
    let server = Server::start(move |peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        peer.send_file("RETR f", b"bytes");
        sent.send(()).unwrap();
        peer.expect_close();
    });
    let folder = TempDir::new().unwrap();
    let local = folder.path().join("f");
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).max_blocking_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = log_in(&server).await;
        let (free, busy) = channel::<()>();
        let thread = spawn_blocking(move || busy.recv());
        let mut download = Box::pin(client.download_file("f", &local));
        // Until the server has sent everything, and a little longer.
        while all_sent.try_recv().is_err() {
            timeout(Duration::from_millis(10), &mut download).await.unwrap_err();
        }
        timeout(Duration::from_millis(100), &mut download).await.unwrap_err();
        drop(download);
        std::fs::write(&local, "the user's own").unwrap();
        free.send(()).unwrap();
        thread.await.unwrap().unwrap();
        spawn_blocking(|| ()).await.unwrap();
    });
    assert_eq!(std::fs::read(&local).unwrap(), b"the user's own");
    server.join();
}

/// A directory can be opened like a file, and fails only when it is read
#[tokio::test]
async fn a_directory_is_not_uploaded_and_the_servers_file_stays() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("NOOP", "200 fine");
        peer.serve_quit();
    });
    let folder = TempDir::new().unwrap();
    let mut client = log_in(&server).await;
    let error = client.upload_file("f", folder.path()).await.unwrap_err();
    let Error::Local(inner) = &error else { panic!("{error:?}") };
    assert_eq!(inner.kind(), ErrorKind::IsADirectory);
    client.noop().await.unwrap();
    client.quit().await.unwrap();
    server.join();
}

/// The next call completes the file correctly, wherever the previous one was dropped
#[tokio::test(start_paused = true)]
async fn transfers_that_are_resumed_can_be_dropped_at_every_poll() {
    let whole = dropping::file(1);
    let part = &whole[..2_000];
    let folder = TempDir::new().unwrap();
    let [local, out] = ["local", "out"].map(|name| folder.path().join(name));
    std::fs::write(&out, &whole).unwrap();
    let resume = ResumeOptions::new().overlap(500);
    let drop_at = async |options: &Options, upload: bool, polls: usize| {
        let mut server = memory::Server::new();
        server.files.insert("long".into(), whole.clone());
        server.files.insert("new".into(), part.to_vec());
        std::fs::write(&local, part).unwrap();
        let world = World::new(server);
        let mut client = world.connect(options.clone()).await.unwrap();
        client.login("u", "p").await.unwrap();
        let (done, got) = if upload {
            let resumed = client.resume_upload_with(&out, "new", resume, |_| ());
            let done = polled(resumed, polls).await;
            client.resume_upload(&out, "new").await.unwrap();
            (done, world.server(|server| server.files["new"].clone()))
        } else {
            let resumed = client.resume_download_with("long", &local, resume, |_| ());
            let done = polled(resumed, polls).await;
            client.resume_download("long", &local).await.unwrap();
            (done, std::fs::read(&local).unwrap())
        };
        assert!(got == whole, "upload: {upload}, dropped at poll {polls}: {} bytes", got.len());
        done.map(Result::unwrap).is_some()
    };
    for options in [dropping::clear(), dropping::secure()] {
        for upload in [false, true] {
            let dropped = async |polls| drop_at(&options, upload, polls).await;
            let polls = slowly(at_every_poll(dropped)).await;
            assert!(polls > 30, "{polls}");
        }
    }
}

/// A thread that has begun to write for a call can't be stopped when the call is dropped, so the next call waits for it
#[cfg(unix)]
#[tokio::test]
async fn the_next_call_waits_for_a_thread_that_still_writes() {
    let server = Server::start(|peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        let listener = peer.epsv();
        let mut data = accept(&listener);
        peer.exchange("RETR f", "150 here");
        let _ = std::io::Write::write_all(&mut data, &file());
        peer.settle();
        peer.send_file("RETR f", b"new");
        peer.serve_quit();
    });
    let folder = TempDir::new().unwrap();
    let [pipe, other] = ["pipe", "other"].map(|name| folder.path().join(name));
    // Opening it takes as long as nobody reads it.
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut client = log_in(&server).await;
    let moment = Duration::from_millis(300);
    timeout(moment, client.download_file("f", &pipe)).await.unwrap_err();
    let mut next = Box::pin(client.download_file("f", &other));
    let early = timeout(moment, &mut next).await;
    let reader = spawn_blocking(move || std::fs::read(pipe).unwrap());
    assert!(early.is_err(), "it did not wait");
    next.await.unwrap();
    assert_eq!(std::fs::read(&other).unwrap(), b"new");
    assert!(file().starts_with(&reader.await.unwrap()));
    client.quit().await.unwrap();
    server.join();
}

/// Bytes are written in large blocks, but do not wait for a block to be full
#[tokio::test]
async fn what_has_arrived_is_in_the_file_while_the_server_pauses() {
    let (written, all_written) = channel();
    let server = Server::start(move |peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        let listener = peer.epsv();
        let mut data = accept(&listener);
        peer.exchange("RETR f", "150 here");
        let parts = [&file()[..1_000_000], b"one", b"two"];
        for part in parts {
            std::io::Write::write_all(&mut data, part).unwrap();
            all_written.recv().unwrap();
        }
        drop(data);
        peer.reply("226 done");
        peer.serve_quit();
    });
    let folder = TempDir::new().unwrap();
    let local = folder.path().join("f");
    let mut client = log_in(&server).await;
    let pause = async |length| {
        while std::fs::metadata(&local).map_or(0, |metadata| metadata.len()) < length {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        written.send(()).unwrap();
    };
    let pauses = async {
        for length in [1_000_000, 1_000_003, 1_000_006] {
            // Longer than a busy machine needs
            timeout(Duration::from_secs(20), pause(length)).await.expect("it is in the file");
        }
    };
    let (done, ()) = tokio::join!(client.download_file("f", &local), pauses);
    assert_eq!(done.unwrap().bytes, 1_000_006);
    client.quit().await.unwrap();
    server.join();
}

/// The next call transfers the file correctly, whatever a dropped call has left
#[tokio::test(start_paused = true)]
async fn calls_for_local_files_can_be_dropped_at_every_poll() {
    let (long, short) = (dropping::file(1), dropping::file(3)[..1_000].to_vec());
    let folder = TempDir::new().unwrap();
    let [local, out, other] = ["local", "out", "other"].map(|name| folder.path().join(name));
    std::fs::write(&out, &long).unwrap();
    std::fs::write(&other, &short).unwrap();
    let drop_at = async |options: &Options, upload: bool, polls: usize| {
        let mut server = memory::Server::new();
        server.files.insert("long".into(), long.clone());
        server.files.insert("short".into(), short.clone());
        let world = World::new(server);
        let mut client = world.connect(options.clone()).await.unwrap();
        client.login("u", "p").await.unwrap();
        let at = format!("upload: {upload}, dropped at poll {polls}");
        let (done, got) = if upload {
            let done = polled(client.upload_file("new", &out), polls).await;
            let left = world.server(|server| server.files.get("new").cloned()).unwrap_or_default();
            assert!(long.starts_with(&left), "{at}: the file has other bytes");
            client.upload_file("new", &other).await.unwrap();
            (done, world.server(|server| server.files["new"].clone()))
        } else {
            let done = polled(client.download_file("long", &local), polls).await;
            client.download_file("short", &local).await.unwrap();
            (done, std::fs::read(&local).unwrap())
        };
        assert!(got == short, "{at}: {} bytes", got.len());
        done.map(Result::unwrap).is_some()
    };
    for options in [dropping::clear(), dropping::secure()] {
        for upload in [false, true] {
            let dropped = async |polls| drop_at(&options, upload, polls).await;
            let polls = slowly(at_every_poll(dropped)).await;
            assert!(polls > 30, "{polls}");
        }
    }
}

/// The next call compares the same files
#[tokio::test(start_paused = true)]
async fn verifying_can_be_dropped_at_every_poll() {
    let folder = TempDir::new().unwrap();
    let local = folder.path().join("local");
    std::fs::write(&local, dropping::file(1)).unwrap();
    for options in [dropping::clear(), dropping::secure()] {
        let polls = slowly(at_every_poll(async |polls| {
            let mut server = memory::Server::new();
            server.hashes = true;
            server.files.insert("same".into(), dropping::file(1));
            server.files.insert("other".into(), dropping::file(2));
            let world = World::new(server);
            let mut client = world.connect(options.clone()).await.unwrap();
            client.login("u", "p").await.unwrap();
            let done = polled(client.verify_file("same", &local), polls).await;
            let error = client.verify_file("other", &local).await.unwrap_err();
            let differs = matches!(error, Error::Mismatch(Mismatch::Hash { .. }));
            assert!(differs, "dropped at poll {polls}: {error:?}");
            let same = client.verify_file("same", &local).await.unwrap();
            assert!(same.size == 5_000 && same.hash.is_some(), "{same:?}");
            done.map(Result::unwrap).is_some()
        }));
        let polls = polls.await;
        assert!(polls > 8, "{polls}");
    }
}
