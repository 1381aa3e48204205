//! A runtime that is shut down while a call waits: the call ends in an error, and nothing panics or hangs

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use ftp_test::Action;
use ftp_tests::scripted::{Peer, Server, accept};
use ftp_tests::tls::{Tls, trusting};
use ftp_tokio::ftp_tls::TlsVersion;
use ftp_tokio::{Client, Config, Error, Options, TlsPolicy};
use tokio::runtime::{Builder, Runtime};

use super::log_in;

/// Wakes a thread that runs a future itself, as executors without tokio's I/O do
struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Parked(thread::current())));
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        thread::park();
    }
}

/// Plays the beginning of a transfer, and no more until the client has gone
fn half(command: &'static str) -> (Server, Receiver<()>) {
    let (sender, begun) = mpsc::channel();
    let server = Server::start(move |peer: &mut Peer| {
        peer.welcome();
        peer.exchange("TYPE I", "200 fine");
        let listener = peer.epsv();
        let mut data = accept(&listener);
        peer.exchange(command, "150 go");
        if command.starts_with("RETR") {
            std::io::Write::write_all(&mut data, b"the first half").unwrap();
        }
        sender.send(()).unwrap();
        peer.expect_close();
    });
    (server, begun)
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// The error of a call that a thread waits for while the runtime, whose sockets it uses, is shut down
fn shut_down_during<F>(
    command: &'static str,
    call: impl FnOnce(Client) -> F + Send + 'static,
) -> Error
where
    F: Future<Output = Result<(), Error>>,
{
    let (server, begun) = half(command);
    let error = shut_down(log_in(&server), call, || {
        begun.recv_timeout(Duration::from_secs(10)).unwrap();
    });
    server.join();
    error
}

/// The error of a call that a thread waits for while the runtime is shut down, once this returns
fn shut_down<F>(
    log_in: impl Future<Output = Client>,
    call: impl FnOnce(Client) -> F + Send + 'static,
    has_begun: impl FnOnce(),
) -> Error
where
    F: Future<Output = Result<(), Error>>,
{
    let runtime = runtime();
    let client = runtime.block_on(log_in);
    let handle = runtime.handle().clone();
    let (sender, result) = mpsc::channel();
    let caller = thread::spawn(move || {
        let _guard = handle.enter();
        sender.send(block_on(call(client))).unwrap();
    });
    has_begun();
    thread::sleep(Duration::from_millis(50));
    runtime.shutdown_background();
    let result = result.recv_timeout(Duration::from_secs(10)).expect("it hangs or panics");
    caller.join().unwrap();
    result.unwrap_err()
}

#[test]
fn a_download_whose_runtime_is_shut_down_fails() {
    let error = shut_down_during("RETR f", async |mut client: Client| {
        client.download_to("f", &mut Vec::new()).await.map(drop)
    });
    assert!(error.is_fatal(), "{error:?}");
}

#[test]
fn a_download_into_a_file_whose_runtime_is_shut_down_fails() {
    let folder = tempfile::TempDir::new().unwrap();
    let local = folder.path().join("f");
    let error = shut_down_during("RETR f", async move |mut client: Client| {
        client.download_file("f", local).await.map(drop)
    });
    assert!(error.is_fatal(), "{error:?}");
}

#[test]
fn an_upload_whose_runtime_is_shut_down_fails() {
    let error = shut_down_during("STOR f", async |mut client: Client| {
        // More than the systems' buffers hold.
        client.upload_from("f", &mut &vec![0; 50_000_000][..]).await.map(drop)
    });
    assert!(error.is_fatal(), "{error:?}");
}

/// A listing and both directions, in clear text and over TLS, with a server that stops after the first bytes
#[test]
fn every_transfer_whose_runtime_is_shut_down_fails() {
    type Call = fn(Client) -> Pin<Box<dyn Future<Output = Result<(), Error>>>>;

    let calls: [(&str, Call); 3] = [
        ("RETR", |mut ftp| {
            Box::pin(async move { ftp.download_to("f", &mut Vec::new()).await.map(drop) })
        }),
        ("STOR", |mut ftp| {
            Box::pin(
                async move { ftp.upload_from("g", &mut &vec![0; 50_000_000][..]).await.map(drop) },
            )
        }),
        ("MLSD", |mut ftp| {
            Box::pin(async move {
                let mut entries = ftp.read_dir("").await?;
                while entries.next().await.transpose()?.is_some() {}
                Ok(())
            })
        }),
    ];
    for policy in [TlsPolicy::Plaintext, TlsPolicy::Explicit] {
        for (verb, call) in calls {
            let server = ftp_test::Server::with_files([("f", vec![7; 1000])]);
            server.set_tls(Tls::new());
            server.on_command(|_| Action::serve().slow_from(30, Duration::from_secs(60)));
            let tls = trusting(TlsVersion::Tls13).build().unwrap();
            let options = Options::new(Config::new(policy)).tls(tls);
            let address = server.address();
            let log_in =
                async move { Client::connect_and_login(address, options, "u", "p").await.unwrap() };
            let error = shut_down(log_in, call, || {
                while server.count(verb) == 0 {
                    thread::sleep(Duration::from_millis(5));
                }
            });
            assert!(error.is_fatal(), "{policy:?} {verb}: {error:?}");
        }
    }
}

/// Only its timer is the runtime's: nothing else tells that it is gone
#[test]
fn a_call_on_the_callers_connection_whose_runtime_is_shut_down_fails() {
    let runtime = runtime();
    let handle = runtime.handle().clone();
    let (sender, result) = mpsc::channel();
    let caller = thread::spawn(move || {
        let _guard = handle.enter();
        // The other end stays open, and says nothing.
        let (mine, theirs) = tokio::io::duplex(64);
        let mut mine = Some(mine);
        let config = Config::new(TlsPolicy::Plaintext);
        let connect = Client::connect_with("localhost", config, move |_| {
            let mine = mine.take().unwrap();
            async { Ok(mine) }
        });
        sender.send(block_on(connect).map(drop)).unwrap();
        drop(theirs);
    });
    thread::sleep(Duration::from_millis(50));
    runtime.shutdown_background();
    let result = result.recv_timeout(Duration::from_secs(10)).expect("it hangs or panics");
    caller.join().unwrap();
    assert!(result.unwrap_err().is_fatal());
}

/// A task of the runtime is dropped with it, and so is its session
#[test]
fn a_session_goes_with_its_runtime() {
    let (server, begun) = half("RETR f");
    let runtime = runtime();
    let mut client = runtime.block_on(log_in(&server));
    runtime.spawn(async move { client.download_to("f", &mut Vec::new()).await });
    begun.recv_timeout(Duration::from_secs(10)).unwrap();
    thread::sleep(Duration::from_millis(50));
    runtime.shutdown_timeout(Duration::from_secs(10));
    // The server sees the end of the connection.
    server.join();
}
