//! The same sessions as tasks of ftp-tokio, on a single-threaded runtime

use std::cell::RefCell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use ftp_tokio::{Client, Options, TlsPolicy};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::sleep;

use crate::{FILE, Harness, PAUSE, WINDOW, cpu, server, status, wait_for_end};

/// The next order for all sessions
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Rest,
    Noop,
    Get(Expected),
    End,
}

/// The expected digest of a file; `None` if it is not checked
type Expected = Option<[u8; 32]>;

/// One task per session, which carries out orders until there are no more
struct Crowd {
    tasks: JoinSet<()>,
    orders: watch::Sender<Order>,
    done: Rc<Semaphore>,
    doors: Rc<Semaphore>,
    buffer: Rc<RefCell<Vec<u8>>>,
}

impl Crowd {
    fn new() -> Self {
        Self {
            tasks: JoinSet::new(),
            orders: watch::Sender::new(Order::Rest),
            done: Rc::new(Semaphore::new(0)),
            doors: Rc::new(Semaphore::new(WINDOW)),
            buffer: Rc::new(RefCell::new(vec![0; 128 * 1024])),
        }
    }

    /// Connects and logs in; returns once all sessions are idle
    async fn log_in(&mut self, count: usize, address: SocketAddr, options: &Options) {
        let options = Rc::new(options.clone());
        for _ in 0..count {
            let (done, doors) = (Rc::clone(&self.done), Rc::clone(&self.doors));
            let (mut orders, options) = (self.orders.subscribe(), Rc::clone(&options));
            let buffer = Rc::clone(&self.buffer);
            self.tasks.spawn_local(async move {
                let door = doors.acquire().await.unwrap();
                let options = Options::clone(&options);
                let client = Client::connect_and_login(address, options, "u", "p").await;
                let mut client = client.unwrap();
                drop(door);
                done.add_permits(1);
                loop {
                    orders.changed().await.unwrap();
                    let order = *orders.borrow_and_update();
                    match order {
                        Order::Rest => {}
                        Order::Noop => drop(client.noop().await.unwrap()),
                        Order::Get(expected) => download(&mut client, &buffer, expected).await,
                        Order::End => return,
                    }
                    done.add_permits(1);
                }
            });
        }
        self.all_done(count).await;
    }

    async fn all(&self, order: Order, count: usize) {
        self.orders.send_replace(order);
        self.all_done(count).await;
    }

    async fn all_done(&self, count: usize) {
        let count = u32::try_from(count).unwrap();
        self.done.acquire_many(count).await.unwrap().forget();
    }

    async fn end(mut self) {
        self.orders.send_replace(Order::End);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }
}

/// Downloads one file, in pieces of the same size as the other driver's, and into one buffer for all sessions, as there
async fn download(client: &mut Client, buffer: &RefCell<Vec<u8>>, expected: Expected) {
    let mut file = client.get("f").await.unwrap();
    let (mut total, mut hash) = (0, Sha256::new());
    loop {
        let count = poll_fn(|context| {
            let mut buffer = buffer.borrow_mut();
            let mut buffer = ReadBuf::new(&mut buffer);
            ready!(Pin::new(&mut file).poll_read(context, &mut buffer)).unwrap();
            if expected.is_some() {
                hash.update(buffer.filled());
            }
            Poll::Ready(buffer.filled().len())
        })
        .await;
        if count == 0 {
            break;
        }
        total += count;
    }
    file.finish().await.unwrap();
    assert_eq!(total, FILE);
    if let Some(expected) = expected {
        assert_eq!(hash.finalize(), expected.into(), "a file is not right");
    }
}

fn block_on(work: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, work);
}

/// Measures memory and processor time of idle sessions, and of a NOOP on each
pub(crate) fn idle(policy: TlsPolicy, count: usize) {
    let harness = Harness::start();
    let options = harness.options(policy);
    block_on(async {
        let mut crowd = Crowd::new();
        // One-time costs of the first session are not counted for the others.
        crowd.log_in(1, harness.address, &options).await;
        let before = status("VmRSS:");
        let begun = Instant::now();
        crowd.log_in(count, harness.address, &options).await;
        let seconds = begun.elapsed().as_secs_f64();
        println!("{policy:?}, tokio: {count} sessions logged in, one thread, {seconds:.1} s");
        let after = status("VmRSS:");
        println!(
            "  resident memory per session, with its task: {} bytes",
            (after - before) / count as u64
        );
        println!("  size of the client itself: {} bytes", size_of::<Client>());

        let ticks = cpu();
        sleep(PAUSE).await;
        println!("  idle for {} s: {} ms of processor time", PAUSE.as_secs(), (cpu() - ticks) * 10);

        let (begun, ticks) = (Instant::now(), cpu());
        crowd.all(Order::Noop, count + 1).await;
        println!(
            "  {count} NOOPs answered in {:.0} ms, {} ms of processor time",
            begun.elapsed().as_secs_f64() * 1e3,
            (cpu() - ticks) * 10
        );
        crowd.end().await;
    });
}

/// Keeps idle sessions
pub(crate) fn hold(policy: TlsPolicy, count: usize) {
    let harness = Harness::start();
    let options = harness.options(policy);
    block_on(async {
        let mut crowd = Crowd::new();
        crowd.log_in(count, harness.address, &options).await;
        wait_for_end();
        crowd.end().await;
    });
}

/// Measures one download per session, all at once
pub(crate) fn load(policy: TlsPolicy, count: usize) {
    let harness = Harness::start();
    let options = harness.options(policy);
    block_on(async {
        let mut crowd = Crowd::new();
        crowd.log_in(count, harness.address, &options).await;
        for expected in [Some(Sha256::digest(server::content()).into()), None] {
            let (begun, ticks) = (Instant::now(), cpu());
            crowd.all(Order::Get(expected), count).await;
            println!(
                "{policy:?}, tokio: {count} sessions at once, {}: {:.0} MB/s, {} ms of processor time",
                if expected.is_some() { "every file right by SHA-256" } else { "not hashed" },
                rate(count, begun.elapsed()),
                (cpu() - ticks) * 10
            );
        }
        crowd.end().await;
    });
}

fn rate(count: usize, time: Duration) -> f64 {
    (count * FILE) as f64 / time.as_secs_f64() / 1e6
}
