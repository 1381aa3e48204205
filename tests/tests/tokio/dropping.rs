//! Every operation, dropped at every poll: afterwards the session is usable and transfers the right bytes, or it
//! reports that it is dead

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use ftp_session::{Config, Options, TlsPolicy};
use ftp_tests::memory::Server;
use ftp_tokio::{Client, Error};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::memory::{World, slowly};

type Operation =
    for<'a> fn(&'a mut Client) -> Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

/// A file in which the position of all bytes can be recognized
pub(crate) fn file(salt: u32) -> Vec<u8> {
    (0..5_000_u32).map(|i| (i.wrapping_mul(i).wrapping_add(salt * 77) >> 3) as u8).collect()
}

const OPERATIONS: [(&str, Operation); 8] = [
    ("login", |client| Box::pin(async { client.login("u", "p").await.map(drop) })),
    ("pwd", |client| Box::pin(async { client.pwd().await.map(drop) })),
    ("noop", |client| Box::pin(async { client.noop().await.map(drop) })),
    ("rename", |client| Box::pin(async { client.rename("a", "b").await.map(drop) })),
    ("get", |client| {
        Box::pin(async {
            let mut bytes = Vec::new();
            client.download_to("one", &mut bytes).await?;
            assert!(bytes == file(1));
            Ok(())
        })
    }),
    ("read", |client| {
        Box::pin(async {
            let mut download = client.get("one").await?;
            let mut bytes = [0; 100];
            download.read_exact(&mut bytes).await?;
            assert!(bytes == file(1)[..100]);
            download.abort().await.map(drop)
        })
    }),
    ("put", |client| {
        Box::pin(async {
            let mut upload = client.put("new").await?;
            upload.write_all(&file(2)).await?;
            upload.finish().await.map(drop)
        })
    }),
    ("read_dir", |client| {
        Box::pin(async {
            let mut entries = client.read_dir("").await?;
            while let Some(entry) = entries.next().await {
                entry?;
            }
            Ok(())
        })
    }),
];

/// Returns the output of an operation that is polled at most this often; `None` if it was dropped
pub(crate) async fn polled<T>(operation: impl Future<Output = T>, most: usize) -> Option<T> {
    let mut operation = pin!(operation);
    let mut polls = 0;
    poll_fn(|context| {
        if polls == most {
            return Poll::Ready(None);
        }
        polls += 1;
        operation.as_mut().poll(context).map(Some)
    })
    .await
}

fn server() -> Server {
    let mut server = Server::new();
    server.files.insert("one".into(), file(1));
    server.files.insert("other".into(), file(3));
    server
}

/// Drops the operation at each of its polls, each time in a new session; returns the number of polls
async fn drop_everywhere(name: &str, operation: Operation, options: &Options) -> usize {
    for polls in 0.. {
        let world = World::new(server());
        let mut client = world.connect(options.clone()).await.unwrap();
        client.login("u", "p").await.unwrap();
        let done = polled(operation(&mut client), polls).await;
        let at = format!("{name}, dropped at poll {polls}");
        let other = async {
            let mut bytes = Vec::new();
            client.download_to("other", &mut bytes).await.map(|_| bytes)
        };
        match other.await {
            Ok(bytes) => assert!(bytes == file(3), "{at}: wrong bytes"),
            Err(error) => {
                panic!("{at}: {error} {:?}", world.server(|server| server.commands.clone()))
            }
        }
        let mut upload = client.put("third").await.unwrap();
        upload.write_all(&file(4)).await.unwrap();
        upload.finish().await.unwrap();
        world.server(|server| assert!(server.files["third"] == file(4), "{at}: wrong bytes"));
        assert_eq!(client.pwd().await.unwrap(), b"/", "{at}");
        if let Some(result) = done {
            result.unwrap();
            if name == "put" {
                world.server(|server| assert!(server.files["new"] == file(2)));
            }
            return polls;
        }
    }
    unreachable!("it ends");
}

async fn drop_everything(options: &Options) -> usize {
    let mut all = 0;
    for (name, operation) in OPERATIONS {
        let polls = drop_everywhere(name, operation, options).await;
        println!("{name}: {polls} polls");
        all += polls;
    }
    all
}

#[tokio::test(start_paused = true)]
async fn operations_can_be_dropped_at_every_poll() {
    let polls = slowly(drop_everything(&Options::new(Config::new(TlsPolicy::Plaintext)))).await;
    assert!(polls > 100, "{polls}");
}

#[tokio::test(start_paused = true)]
async fn operations_can_be_dropped_at_every_poll_under_tls() {
    let polls = slowly(drop_everything(&Server::options().host("localhost"))).await;
    assert!(polls > 150, "{polls}");
}
