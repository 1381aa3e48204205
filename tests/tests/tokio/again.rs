//! What the crate's table says of the next call after one that was dropped, at each of its polls

use std::time::Duration;

use ftp_test::{Action, Server};
use ftp_tests::polls::{at_every_poll, polled};
use ftp_tokio::{Client, Config, Protection, Timestamp, TlsPolicy, WalkOptions};

use super::dropping::{clear, secure};
use super::memory::{World, slowly};
use super::operations::server;

const TREE: [&str; 4] = ["tree/a/one", "tree/a/two", "tree/b/one", "tree/top"];

fn tree() -> Server {
    let server = Server::with_files(TREE.map(|name| (name, name)));
    server.files().make_dir("tree/empty/deep");
    server.on_command(|_| {
        // Each reply comes alone, so that the client waits for each.
        std::thread::sleep(Duration::from_millis(1));
        Action::serve()
    });
    server
}

async fn log_in(server: &Server) -> Client {
    let mut config = Config::new(TlsPolicy::Plaintext);
    config.settle_quiet = Duration::from_millis(50);
    Client::connect_and_login(server.address(), config, "u", "p").await.unwrap()
}

/// Each directory's entries come again, from the first one, if the call that listed it was dropped
#[tokio::test]
async fn a_walk_goes_on_after_a_call_that_was_dropped() {
    let server = tree();
    let mut client = log_in(&server).await;
    let whole = async |client: &mut Client, most: usize| {
        let mut walk = client.walk("tree", WalkOptions::new());
        let (mut found, mut dropped, mut limit) = (Vec::new(), 0, most);
        loop {
            match polled(walk.next(), limit).await {
                None => {
                    dropped += 1;
                    // The call after it may take as long as it needs.
                    limit = usize::MAX;
                    continue;
                }
                Some(None) => return (found, dropped),
                Some(Some(item)) => found.push(item.unwrap().path),
            }
            limit = most;
        }
    };
    let (expected, dropped) = whole(&mut client, usize::MAX).await;
    assert_eq!((expected.len(), dropped), (8, 0));
    let mut all = 0;
    let polls = at_every_poll(async |polls| {
        let (found, dropped) = whole(&mut client, polls).await;
        assert_eq!(found, expected, "dropped at poll {polls}");
        all += dropped;
        dropped == 0
    });
    let polls = polls.await;
    println!("{polls} polls, dropped {all} times");
    assert!(polls > 2, "{polls}");
}

#[tokio::test]
async fn what_was_not_created_is_created_by_the_next_call() {
    let polls = at_every_poll(async |polls| {
        let server = tree();
        let mut client = log_in(&server).await;
        let done = polled(client.create_dir_all("x/y/z"), polls).await;
        client.create_dir_all("x/y/z").await.unwrap();
        assert!(server.files().contains("x/y/z"), "dropped at poll {polls}");
        done.map(Result::unwrap).is_some()
    });
    let polls = polls.await;
    println!("{polls} polls");
    assert!(polls > 1, "{polls}");
}

#[tokio::test]
async fn what_was_not_removed_is_removed_by_the_next_call() {
    let polls = at_every_poll(async |polls| {
        let server = tree();
        let mut client = log_in(&server).await;
        let done = polled(client.remove_dir_all("tree"), polls).await;
        match client.remove_dir_all("tree").await {
            Ok(_) => assert!(done.is_none()),
            // The last reply was still missing when the call was dropped, or it was not dropped.
            Err(error) => assert!(error.is_missing(), "dropped at poll {polls}: {error}"),
        }
        assert_eq!(server.files().paths(), [""; 0], "dropped at poll {polls}");
        done.map(Result::unwrap).is_some()
    });
    let polls = polls.await;
    println!("{polls} polls");
    assert!(polls > 15, "{polls}");
}

/// Even if the session was in another directory when the call was dropped, to see whether that exists, or to list it
#[tokio::test]
async fn the_working_directory_is_the_same_after_a_call_that_was_dropped() {
    let polls = at_every_poll(async |polls| {
        let server = tree();
        let mut client = log_in(&server).await;
        client.cwd("tree").await.unwrap();
        let exists = polled(client.create_dir_all("a"), polls).await.map(Result::unwrap);
        assert_eq!(client.pwd().await.unwrap(), b"/tree", "dropped at poll {polls}");
        let missing = polled(client.remove_dir_all("b/.none"), polls).await;
        assert_eq!(client.pwd().await.unwrap(), b"/tree", "dropped at poll {polls}");
        let missing = missing.map(|result| assert!(result.unwrap_err().is_missing()));
        assert!(exists.is_none_or(|made| made == 0));
        exists.is_some() && missing.is_some()
    });
    let polls = polls.await;
    println!("{polls} polls");
    assert!(polls > 6, "{polls}");
}

#[tokio::test(start_paused = true)]
async fn a_time_that_was_not_set_is_set_by_the_next_call() {
    let time = Timestamp::from_unix(1_600_000_000).unwrap();
    let polls = slowly(at_every_poll(async |polls| {
        let world = World::new(server());
        let mut client = world.connect(clear()).await.unwrap();
        client.login("u", "p").await.unwrap();
        let done = polled(client.set_modified("one", time), polls).await;
        client.set_modified("one", time).await.unwrap();
        let last = world.server(|server| server.commands.last().cloned());
        assert_eq!(last.as_deref(), Some("MFMT 20200913122640 one"), "dropped at poll {polls}");
        done.map(Result::unwrap).is_some()
    }));
    let polls = polls.await;
    println!("{polls} polls");
    assert!(polls > 2, "{polls}");
}

/// If the server has received the command that begins a change, the session is changed by the end of the next call
#[tokio::test(start_paused = true)]
async fn a_change_of_the_connection_that_has_begun_is_completed_by_the_next_call() {
    for command in ["AUTH TLS", "PROT C", "CCC"] {
        let polls = slowly(at_every_poll(async |polls| {
            let world = World::new(server());
            let mut options = secure();
            if command == "AUTH TLS" {
                options.config_mut().tls = TlsPolicy::Plaintext;
            }
            let mut client = world.connect(options).await.unwrap();
            client.login("u", "p").await.unwrap();
            let change = async {
                match command {
                    "AUTH TLS" => client.secure().await,
                    "PROT C" => client.protect(Protection::Clear).await.map(drop),
                    _ => client.clear_control().await.map(drop),
                }
            };
            let done = polled(change, polls).await;
            client.noop().await.unwrap();
            let begun = world.server(|server| server.commands.iter().any(|line| line == command));
            let changed = match command {
                "AUTH TLS" => client.is_secure(),
                "PROT C" => client.protection() == Protection::Clear,
                _ => !client.is_secure(),
            };
            assert_eq!(changed, begun, "{command}, dropped at poll {polls}");
            done.map(Result::unwrap).is_some()
        }));
        let polls = polls.await;
        println!("{command}: {polls} polls");
        assert!(polls > 2, "{polls}");
    }
}
