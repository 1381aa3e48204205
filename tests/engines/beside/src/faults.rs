//! On a server with faults

use std::time::Duration;

use ftp_test::{Action, Command, Limit, Server};
use futures_util::StreamExt;

use crate::client::{Client, Login};
use crate::table::{Cell, Row, row, short};

const SIZE: usize = 1_000_000;

fn content() -> Vec<u8> {
    (0..SIZE).map(|at| (at * 31 % 251) as u8).collect()
}

/// A server with one file, `f`
fn server() -> Server {
    Server::with_files([("f", content())])
}

fn place(server: &Server, password: &str) -> Login {
    Login {
        port: server.address().port(),
        user: "u".to_owned(),
        password: password.to_owned(),
        // The login directory.
        root: String::new(),
    }
}

/// The result of a read that the server has not confirmed
fn unconfirmed(result: Result<Vec<u8>, String>) -> Cell {
    match result {
        Ok(bytes) => Cell::new(false, format!("`Ok`, {} of {SIZE} bytes", bytes.len())),
        Err(error) => Cell::new(true, short(&error)),
    }
}

async fn broken_off(what: &str, action: Action) -> Row {
    row(what, async |kind| {
        let (server, action) = (server(), action.clone());
        server.on_command(move |Command { verb, .. }| match verb {
            "RETR" => action.clone(),
            _ => Action::serve(),
        });
        unconfirmed(Client::new(kind, &place(&server, "p")).read("f").await)
    })
    .await
}

/// How many of a hundred reads at once fail
pub async fn at_once(client: &Client, count: usize, path: &str, wanted: &[u8]) -> (usize, String) {
    let reads = (0..count).map(|_| client.read(path));
    let results: Vec<_> = futures_util::stream::iter(reads).buffer_unordered(count).collect().await;
    let wrong = results.iter().filter(|result| result.as_deref() != Ok(wanted)).count();
    let error = results.into_iter().find_map(Result::err).unwrap_or_default();
    (wrong, error)
}

/// A listing of a server that has LIST but not MLSD
async fn listed(what: &str, lines: &'static str) -> Row {
    row(what, async |kind| {
        let server = Server::start();
        server.on_command(move |Command { verb, .. }| match verb {
            "FEAT" | "MLSD" | "MLST" => Action::reply("500 Unknown command."),
            "LIST" => Action::serve().data(lines),
            _ => Action::serve(),
        });
        match Client::new(kind, &place(&server, "p")).list("").await {
            Ok(names) => Cell::new(false, format!("`Ok`: {names:?}")),
            Err(error) => Cell::new(true, short(&error)),
        }
    })
    .await
}

pub async fn rows() -> Vec<Row> {
    const BROKEN: &str = "426 broken off";
    const FAILED: &str = "451 disk error";
    let half = || Action::serve().break_at(SIZE / 2);
    // The client has read everything by the time that the control connection closes.
    let pause = Duration::from_millis(200);
    let mut rows = vec![
        broken_off("a read that ends with 426 after half of the bytes", half().final_reply(BROKEN))
            .await,
        broken_off("with 426 after all of them", Action::serve().final_reply(BROKEN)).await,
        broken_off("with 451 after half of the bytes", half().final_reply(FAILED)).await,
        broken_off("with 451 after all of them", Action::serve().final_reply(FAILED)).await,
        broken_off("whose control connection drops after half", half().pause(pause).then_close())
            .await,
        broken_off(
            "whose control connection drops at its end",
            Action::serve().pause(pause).then_close(),
        )
        .await,
    ];
    rows.push(
        row("100 reads in a row", async |kind| {
            let server = server();
            let client = Client::new(kind, &place(&server, "p"));
            let mut good = 0;
            for _ in 0..100 {
                good += usize::from(client.read("f").await.is_ok_and(|bytes| bytes == content()));
            }
            let logins = server.sessions().logins;
            Cell::new(good == 100 && logins == 1, format!("{good} are right, logins: {logins}"))
        })
        .await,
    );
    rows.push(
        row("100 reads at once, from a server that accepts 20 sessions", async |kind| {
            let server = server();
            server.limit_sessions(Limit::new(20));
            let client = Client::new(kind, &place(&server, "p"));
            let (wrong, error) = at_once(&client, 100, "f", &content()).await;
            Cell::new(wrong == 0, format!("{wrong} fail {}", short(&error)).trim().to_owned())
        })
        .await,
    );
    rows.push(
        row("20 reads at once with a wrong password", async |kind| {
            let server = server();
            server.on_command(|Command { verb, .. }| match verb {
                "PASS" => Action::reply("530 Login incorrect."),
                _ => Action::serve(),
            });
            let client = Client::new(kind, &place(&server, "wrong"));
            let _ = at_once(&client, 20, "f", &content()).await;
            // The last logins may not have been answered yet.
            tokio::time::sleep(Duration::from_millis(500)).await;
            let logins = server.count("PASS");
            Cell::new(logins == 1, format!("logins that fail: {logins}"))
        })
        .await,
    );
    rows.push(
        listed(
            "a listing with a message of `ls` in it",
            "-rw-r--r-- 1 u g 10 Jan  1  2020 a.csv\r\n\
             ls: reading directory '.': Input/output error\r\n\
             -rw-r--r-- 1 u g 10 Jan  1  2020 c.csv\r\n",
        )
        .await,
    );
    rows.push(
        listed(
            "a listing with half of a line in it",
            "-rw-r--r-- 1 u g 10 Jan  1  2020 a.csv\r\n-rw-r--r-- 1 u\r\n\
             -rw-r--r-- 1 u g 10 Jan  1  2020 c.csv\r\n",
        )
        .await,
    );
    rows
}
