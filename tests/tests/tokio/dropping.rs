//! Every operation, dropped at every poll: afterwards the session is usable and transfers the right bytes, or it
//! reports that it is dead

use ftp_session::proxy::{Proxy, ProxyServer};
use ftp_session::{Config, Options, Slot, TlsPolicy};
use ftp_tests::memory::Server;
use ftp_tests::polls::{at_every_poll, polled};
use ftp_tokio::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::memory::{PROXY, World, slowly};
use crate::operations::{Named, OPERATIONS, PROTECTING, SECURING, check_uploads, server};
use crate::requests::requests;

/// A file in which the position of all bytes can be recognized
pub(crate) fn file(salt: u32) -> Vec<u8> {
    (0..5_000_u32).map(|i| (i.wrapping_mul(i).wrapping_add(salt * 77) >> 3) as u8).collect()
}

/// Drops the operation at each of its polls, each time in a new session; returns the number of polls, and how often a
/// part of an upload was left
async fn drop_everywhere((name, operation): Named, options: &Options) -> (usize, usize) {
    let mut parts = 0;
    let polls = at_every_poll(async |polls| {
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
        world.server(|server| {
            assert!(server.files["third"] == file(4), "{at}: wrong bytes");
            parts += usize::from(check_uploads(server, done.is_some(), &at));
        });
        assert_eq!(client.pwd().await.unwrap(), b"/", "{at}");
        done.map(Result::unwrap).is_some()
    });
    (polls.await, parts)
}

/// By a proxy of the world's
fn proxied(options: Options) -> Options {
    options.proxy(Proxy::Socks5 { server: ProxyServer::new(PROXY, 1080), login: None })
}

async fn drop_everything(options: &Options, others: &[Named]) -> usize {
    let (mut all, mut all_parts) = (0, 0);
    for named in OPERATIONS.iter().chain(others).copied().chain(requests()) {
        let (polls, parts) = drop_everywhere(named, options).await;
        println!("{}: {polls} polls, {parts} parts of files", named.0);
        all += polls;
        all_parts += parts;
    }
    assert!(all_parts > 20, "only {all_parts} parts");
    all
}

pub(crate) fn clear() -> Options {
    Options::new(Config::new(TlsPolicy::Plaintext))
}

pub(crate) fn secure() -> Options {
    Server::options().host("localhost")
}

#[tokio::test(start_paused = true)]
async fn operations_can_be_dropped_at_every_poll() {
    // Ready for TLS, which some of the operations begin.
    let mut options = secure();
    options.config_mut().tls = TlsPolicy::Plaintext;
    let polls = slowly(drop_everything(&options, SECURING)).await;
    assert!(polls > 300, "{polls}");
}

#[tokio::test(start_paused = true)]
async fn operations_can_be_dropped_at_every_poll_under_tls() {
    let polls = slowly(drop_everything(&secure(), PROTECTING)).await;
    assert!(polls > 400, "{polls}");
}

#[tokio::test(start_paused = true)]
async fn operations_through_a_proxy_can_be_dropped_at_every_poll() {
    let polls = slowly(drop_everything(&proxied(clear()), &[])).await;
    assert!(polls > 350, "{polls}");
}

/// From connecting to QUIT, by transfers that own their client: nothing of it stays
async fn owned(world: &World, options: Options) -> Result<(), Error> {
    let mut client = world.connect(options).await?;
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
    let (_, client) = entries.finish().await?;
    let (lines, client) = client.into_list("").await?.collect_lines().await?;
    assert_eq!(lines.len(), 5);
    let (_, mut client) = client.into_get("one").await?.abort().await?;
    client.quit().await.map(drop)
}

#[tokio::test(start_paused = true)]
async fn what_owns_its_client_closes_the_session_at_every_poll() {
    let ways = [(clear(), 120), (secure(), 150), (proxied(clear()), 140), (proxied(secure()), 170)];
    for (options, least) in ways {
        let polls = slowly(at_every_poll(async |polls| {
            let world = World::new(server());
            let done = polled(owned(&world, options.clone()), polls).await;
            world.server(|server| {
                assert!(!server.has(Slot::Control), "dropped at poll {polls}");
                assert!(!server.has(Slot::Data) && !server.has(Slot::NextData), "{polls}");
                check_uploads(server, done.is_some(), &format!("dropped at poll {polls}"));
            });
            done.map(Result::unwrap).is_some()
        }));
        let polls = polls.await;
        println!("{polls} polls");
        assert!(polls > least, "{polls}");
    }
}
