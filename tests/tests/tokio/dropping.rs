//! Every operation, dropped at every poll: afterwards the session is usable and transfers the right bytes, or it
//! reports that it is dead

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use ftp_session::{Config, Options, Slot, TlsPolicy};
use ftp_tests::memory::Server;
use ftp_tokio::ftp_proto::Protection;
use ftp_tokio::{Client, Error, Timestamp, WalkOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::memory::{World, slowly};

type Operation =
    for<'a> fn(&'a mut Client) -> Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

/// A file in which the position of all bytes can be recognized
pub(crate) fn file(salt: u32) -> Vec<u8> {
    (0..5_000_u32).map(|i| (i.wrapping_mul(i).wrapping_add(salt * 77) >> 3) as u8).collect()
}

const OPERATIONS: [(&str, Operation); 16] = [
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
    ("list", |client| {
        Box::pin(async {
            let mut listing = client.list("").await?;
            while listing.next_line().await?.is_some() {}
            listing.finish().await.map(drop)
        })
    }),
    ("names", |client| {
        Box::pin(async {
            let names = client.names("").await?;
            assert_eq!(names, ["one", "other", "text"].map(str::as_bytes));
            Ok(())
        })
    }),
    ("get_lines", |client| {
        Box::pin(async {
            client.get_lines("text", |line| assert_eq!(line, b"a line")).await.map(drop)
        })
    }),
    ("put_lines", |client| {
        Box::pin(async { client.put_lines("lines", ["a line"; 100]).await.map(drop) })
    }),
    ("size", |client| {
        Box::pin(async {
            assert_eq!(client.size("one").await?, 5_000);
            Ok(())
        })
    }),
    ("walk", |client| {
        Box::pin(async {
            let mut walk = client.walk("", WalkOptions::new());
            while let Some(found) = walk.next().await {
                found.unwrap();
            }
            Ok(())
        })
    }),
    ("create_dir_all", |client| Box::pin(async { client.create_dir_all("a/b").await.map(drop) })),
    ("set_modified", |client| {
        Box::pin(async {
            let time = Timestamp::from_unix(1_600_000_000).unwrap();
            client.set_modified("one", time).await.map(drop)
        })
    }),
];

/// Operations that change the connection
const SECURING: [(&str, Operation); 1] =
    [("secure", |client| Box::pin(async { client.secure().await }))];

const PROTECTING: [(&str, Operation); 1] =
    [("protect", |client| Box::pin(async { client.protect(Protection::Clear).await.map(drop) }))];

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

/// Calls this with a limit of 0 polls, 1, 2 and so on, until the operation in it ends; returns how many it took
pub(crate) async fn at_every_poll(mut is_over: impl AsyncFnMut(usize) -> bool) -> usize {
    let mut polls = 0;
    while !is_over(polls).await {
        polls += 1;
    }
    polls
}

fn server() -> Server {
    let mut server = Server::new();
    server.files.insert("one".into(), file(1));
    server.files.insert("other".into(), file(3));
    server.files.insert("text".into(), b"a line\r\n".repeat(100));
    server
}

/// Drops the operation at each of its polls, each time in a new session; returns the number of polls
async fn drop_everywhere(name: &str, operation: Operation, options: &Options) -> usize {
    at_every_poll(async |polls| {
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
        let Some(result) = done else { return false };
        result.unwrap();
        world.server(|server| match name {
            "put" => assert!(server.files["new"] == file(2)),
            "put_lines" => assert!(server.files["lines"] == b"a line\r\n".repeat(100)),
            _ => {}
        });
        true
    })
    .await
}

async fn drop_everything(options: &Options, others: &[(&str, Operation)]) -> usize {
    let mut all = 0;
    for (name, operation) in OPERATIONS.iter().chain(others).copied() {
        let polls = drop_everywhere(name, operation, options).await;
        println!("{name}: {polls} polls");
        all += polls;
    }
    all
}

#[tokio::test(start_paused = true)]
async fn operations_can_be_dropped_at_every_poll() {
    let mut options = Server::options().host("localhost");
    options.config_mut().tls = TlsPolicy::Plaintext;
    let polls = slowly(drop_everything(&options, &SECURING)).await;
    assert!(polls > 100, "{polls}");
}

#[tokio::test(start_paused = true)]
async fn operations_can_be_dropped_at_every_poll_under_tls() {
    let polls = slowly(drop_everything(&Server::options().host("localhost"), &PROTECTING)).await;
    assert!(polls > 150, "{polls}");
}

/// From connecting to QUIT, by transfers that own their client: nothing of it stays
async fn owned(world: &World) -> Result<(), Error> {
    let mut client = world.connect(Options::new(Config::new(TlsPolicy::Plaintext))).await?;
    client.login("u", "p").await?;
    let mut download = client.into_get("one").await?;
    let mut bytes = Vec::new();
    download.read_to_end(&mut bytes).await?;
    assert!(bytes == file(1));
    let (_, client) = download.finish().await?;
    let mut upload = client.into_put("new").await?;
    upload.write_all(&file(2)).await?;
    let (_, client) = upload.finish().await?;
    let mut entries = client.into_read_dir("").await?;
    while entries.next().await.transpose()?.is_some() {}
    let (_, mut client) = entries.finish().await?;
    client.quit().await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn what_owns_its_client_closes_the_session_at_every_poll() {
    let polls = slowly(at_every_poll(async |polls| {
        let world = World::new(server());
        let done = polled(owned(&world), polls).await;
        world.server(|server| {
            assert!(!server.has(Slot::Control), "dropped at poll {polls}");
            assert!(!server.has(Slot::Data) && !server.has(Slot::NextData), "{polls}");
        });
        done.map(Result::unwrap).is_some()
    }));
    let polls = polls.await;
    assert!(polls > 100, "{polls}");
}
