//! What needs sockets, dropped at every poll: active mode, and connecting with the login, by a proxy, too

use std::time::Duration;

use ftp_test::{Action, Server};
use ftp_tests::polls::{at_every_poll, polled};
use ftp_tests::tls::{Tls, trusting};
use ftp_tokio::ftp_tls::TlsVersion;
use ftp_tokio::{Client, Config, DataMode, Error, Options, TlsPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use super::dropping::file;
use super::proxies::{relay, socks};

/// The proxy leads to the server, whatever the name
const PROXIED: Option<&str> = Some("localhost:21");

fn serve() -> Server {
    let server = Server::with_files([("one", file(1)), ("other", file(3))]);
    server.set_tls(Tls::new());
    server.on_command(|_| {
        // Each reply comes alone, so that the client waits for each.
        std::thread::sleep(Duration::from_millis(1));
        Action::serve()
    });
    server
}

fn options(policy: TlsPolicy) -> Options {
    let tls = trusting(TlsVersion::Tls13).build().unwrap();
    let mut config = Config::new(policy);
    config.settle_quiet = Duration::from_millis(50);
    Options::new(config).host("localhost").tls(tls)
}

/// A download, an upload, a listing, and an abort of each direction
async fn transfers(client: &mut Client) -> Result<(), Error> {
    let mut bytes = Vec::new();
    client.download_to("one", &mut bytes).await?;
    assert!(bytes == file(1));
    client.upload_from("new", &mut &file(2)[..]).await?;
    let mut entries = client.read_dir("").await?;
    while entries.next().await.transpose()?.is_some() {}
    drop(entries);
    let mut download = client.get("one").await?;
    download.read_exact(&mut [0; 100]).await?;
    download.abort().await?;
    let mut upload = client.put("new").await?;
    upload.write_all(&file(2)[..100]).await?;
    upload.abort().await.map(drop)
}

/// Checks that the session is usable, transfers the right bytes, and has left none of others on the server
async fn prove(client: &mut Client, server: &Server, at: &str) {
    let mut bytes = Vec::new();
    let fetched = client.download_to("other", &mut bytes).await;
    fetched.unwrap_or_else(|error| panic!("{at}: {error}\n{}", server.transcript()));
    assert!(bytes == file(3), "{at}: wrong bytes");
    client.upload_from("third", &mut &file(4)[..]).await.unwrap();
    assert!(server.files().get("third").unwrap() == file(4), "{at}: wrong bytes");
    let new = server.files().get("new").unwrap_or_default();
    assert!(file(2).starts_with(&new), "{at}: the file has other bytes");
}

async fn connect(server: &Server, by: Option<&str>, options: Options) -> Result<Client, Error> {
    let address = by.map_or_else(|| server.address().to_string(), str::to_owned);
    Client::connect_and_login(&*address, options, "u", "p").await
}

#[tokio::test]
async fn transfers_in_active_mode_can_be_dropped_at_every_poll() {
    for policy in [TlsPolicy::Plaintext, TlsPolicy::Explicit] {
        let mut options = options(policy);
        options.config_mut().data_mode = DataMode::Active;
        let server = serve();
        let polls = at_every_poll(async |polls| {
            let mut client = connect(&server, None, options.clone()).await.unwrap();
            let done = polled(transfers(&mut client), polls).await;
            prove(&mut client, &server, &format!("{policy:?}, dropped at poll {polls}")).await;
            done.map(Result::unwrap).is_some()
        });
        let polls = polls.await;
        println!("{policy:?}: {polls} polls");
        assert!(polls > 15, "{polls}");
    }
}

/// Every connection that was begun is closed, and the next one is a session as any other
#[tokio::test]
async fn connecting_with_the_login_can_be_dropped_at_every_poll() {
    for policy in [TlsPolicy::Plaintext, TlsPolicy::Explicit] {
        for by in [None, PROXIED] {
            let server = serve();
            let (port, _seen) = relay(server.address().port());
            let options = match by {
                None => options(policy),
                Some(_) => options(policy).proxy(socks(port)),
            };
            let polls = at_every_poll(async |polls| {
                let done = polled(connect(&server, by, options.clone()), polls).await;
                let is_done = done.map(|client| drop(client.unwrap())).is_some();
                closed(&server, &format!("{policy:?} {by:?}, dropped at poll {polls}")).await;
                is_done
            });
            let polls = polls.await;
            println!("{policy:?}, {by:?}: {polls} polls");
            assert!(polls > 3, "{polls}");
            let mut client = connect(&server, by, options).await.unwrap();
            prove(&mut client, &server, "at last").await;
        }
    }
}

/// Waits until the server has no session left
async fn closed(server: &Server, at: &str) {
    for _ in 0..1000 {
        if server.sessions().open == 0 {
            return;
        }
        sleep(Duration::from_millis(5)).await;
    }
    panic!("{at}: the connection is still open\n{}", server.transcript());
}
