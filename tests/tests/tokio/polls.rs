//! Unusual ways to poll: wakers that change, connections that are never made, pauses of hours

use std::future::{Future, pending, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ftp_tokio::{Channel, Client, Config, Options, Target, TlsPolicy};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

const HOUR: Duration = Duration::from_secs(3600);

/// The server's side
struct Peer {
    control: BufReader<DuplexStream>,
    dials: mpsc::UnboundedReceiver<DuplexStream>,
}

impl Peer {
    async fn reply(&mut self, line: &str) {
        self.control.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    }

    async fn command(&mut self) -> String {
        let mut line = String::new();
        self.control.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    async fn expect(&mut self, command: &str) {
        assert_eq!(self.command().await, command);
    }

    async fn exchange(&mut self, command: &str, reply: &str) {
        self.expect(command).await;
        self.reply(reply).await;
    }

    async fn welcome(&mut self) {
        self.reply("220 ready").await;
        self.exchange("USER u", "331 password, please").await;
        self.exchange("PASS p", "230 welcome").await;
    }

    async fn accept(&mut self) -> DuplexStream {
        self.dials.recv().await.unwrap()
    }

    async fn epsv(&mut self) -> DuplexStream {
        self.exchange("EPSV", "229 go (|||5000|)").await;
        self.accept().await
    }

    /// Serves everything up to the 150
    async fn begin(&mut self, command: &str) -> DuplexStream {
        let data = self.epsv().await;
        self.exchange(command, "150 go").await;
        data
    }
}

fn config() -> Config {
    Config::new(TlsPolicy::Plaintext)
}

/// Returns a client whose connections have this capacity, and its server
async fn connect<F: Future<Output = ()> + Send + 'static>(
    size: usize,
    script: impl FnOnce(Peer) -> F + Send + 'static,
) -> Client {
    let (sender, dials) = mpsc::unbounded_channel();
    let mut start = Some((script, dials));
    Client::connect_with("localhost", config(), move |target: Target| {
        let (mine, theirs) = tokio::io::duplex(size);
        if target.channel == Channel::Control {
            let (script, dials) = start.take().unwrap();
            tokio::spawn(script(Peer { control: BufReader::new(theirs), dials }));
        } else {
            sender.send(theirs).unwrap();
        }
        async move { Ok(mine) }
    })
    .await
    .unwrap()
}

/// Polls only when woken through the waker of the last poll; each poll has a waker of its own, and before each the
/// future is polled with a waker that does nothing
struct Latest<F> {
    inner: Pin<Box<F>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    generation: AtomicU64,
    woken: AtomicBool,
    outer: Mutex<Option<Waker>>,
}

struct One(Arc<Shared>, u64);

impl Wake for One {
    fn wake(self: Arc<Self>) {
        if self.0.generation.load(Ordering::SeqCst) == self.1 {
            self.0.woken.store(true, Ordering::SeqCst);
            if let Some(waker) = self.0.outer.lock().unwrap().take() {
                waker.wake();
            }
        }
    }
}

fn latest<F: Future>(inner: F) -> Latest<F> {
    let shared = Shared { woken: AtomicBool::new(true), ..Shared::default() };
    Latest { inner: Box::pin(inner), shared: Arc::new(shared) }
}

impl<F: Future> Future for Latest<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        *self.shared.outer.lock().unwrap() = Some(context.waker().clone());
        if !self.shared.woken.swap(false, Ordering::SeqCst) {
            return Poll::Pending;
        }
        let mut noop = Context::from_waker(Waker::noop());
        if let Poll::Ready(ready) = self.inner.as_mut().poll(&mut noop) {
            return Poll::Ready(ready);
        }
        let generation = self.shared.generation.fetch_add(1, Ordering::SeqCst) + 1;
        let waker = Waker::from(Arc::new(One(self.shared.clone(), generation)));
        self.inner.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

fn text(count: usize) -> Vec<u8> {
    (0..count).map(|i| (i / 7) as u8).collect()
}

fn ms(from: Instant) -> u128 {
    from.elapsed().as_millis()
}

#[tokio::test(start_paused = true)]
async fn only_the_last_waker_is_needed() {
    for size in [7, 64, 4096] {
        let begin = Instant::now();
        let whole = async {
            let mut client = connect(size, move |mut peer| async move {
                peer.welcome().await;
                peer.exchange("TYPE I", "200 fine").await;
                let mut data = peer.begin("RETR f").await;
                data.write_all(&text(10_000)).await.unwrap();
                drop(data);
                peer.reply("226 done").await;
                let mut data = peer.begin("STOR g").await;
                let mut got = Vec::new();
                data.read_to_end(&mut got).await.unwrap();
                assert!(got == text(10_000));
                drop(data);
                peer.reply("226 done").await;
                peer.exchange("TYPE A", "200 fine").await;
                let mut data = peer.begin("LIST").await;
                for i in 0..100 {
                    let line = format!("-rw-r--r-- 1 u u 5 Jan 1 2020 f{i}\r\n");
                    data.write_all(line.as_bytes()).await.unwrap();
                }
                drop(data);
                peer.reply("226 done").await;
                peer.exchange("NOOP", "200 fine").await;
                peer.exchange("QUIT", "221 bye").await;
            })
            .await;
            client.login("u", "p").await.unwrap();
            let mut download = client.get("f").await.unwrap();
            let mut got = Vec::new();
            download.read_to_end(&mut got).await.unwrap();
            assert!(got == text(10_000));
            download.finish().await.unwrap();
            let mut upload = client.put("g").await.unwrap();
            upload.write_all(&got).await.unwrap();
            upload.flush().await.unwrap();
            upload.finish().await.unwrap();
            let mut listing = client.list("").await.unwrap();
            let mut lines = 0;
            while listing.next_line().await.unwrap().is_some() {
                lines += 1;
            }
            assert_eq!(lines, 100);
            drop(listing);
            client.noop().await.unwrap();
            client.quit().await.unwrap();
        };
        timeout(HOUR, latest(whole)).await.unwrap();
        assert_eq!(ms(begin), 0, "size {size}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dial_that_is_pending_for_ever_ends() {
    let begin = Instant::now();
    let dial = |_| pending::<io::Result<DuplexStream>>();
    let error = Client::connect_with("localhost", config(), dial).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert_eq!(ms(begin), 30_000);
}

/// In real time, while the task sleeps
#[tokio::test]
async fn a_pending_dial_is_waited_for_without_polling() {
    let options = Options::new(config()).connect_timeout(Duration::from_millis(200));
    let dial = |_| pending::<io::Result<DuplexStream>>();
    let mut connect = pin!(Client::connect_with("localhost", options, dial));
    let mut polls = 0;
    let connected = poll_fn(|context| {
        polls += 1;
        connect.as_mut().poll(context)
    });
    timeout(Duration::from_secs(10), connected).await.unwrap().unwrap_err();
    assert!(polls < 20, "{polls} polls");
}

#[tokio::test(start_paused = true)]
async fn a_download_left_for_hours_still_has_its_full_deadline() {
    let mut client = connect(4096, |mut peer| async move {
        peer.welcome().await;
        peer.exchange("TYPE I", "200 fine").await;
        let mut data = peer.begin("RETR f").await;
        data.write_all(b"some ").await.unwrap();
        sleep(10 * HOUR + Duration::from_secs(10)).await;
        data.write_all(b"bytes").await.unwrap();
        drop(data);
        peer.reply("226 done").await;
        peer.exchange("NOOP", "200 fine").await;
    })
    .await;
    client.login("u", "p").await.unwrap();
    let mut download = client.get("f").await.unwrap();
    // No task waits, neither between the request and the first read, nor between two reads.
    sleep(5 * HOUR).await;
    let mut bytes = vec![0; 5];
    download.read_exact(&mut bytes).await.unwrap();
    sleep(5 * HOUR).await;
    download.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, b"some bytes");
    download.finish().await.unwrap();
    client.noop().await.unwrap();
}
