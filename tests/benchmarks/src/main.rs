//! The programs of `tests/bench`
//!
//! ```text
//! ftp-bench server ADDRESS PUBLIC PORT SOURCE AUTHORITY    a fast FTP server
//! ftp-bench CLIENT SERVER TASK                                a client that carries out a task and exits
//!
//! CLIENT   ours | ours-async | ours-async-here | raw | sendfile | suppaftp | suppaftp-async
//! SERVER   ADDRESS:PORT USER PASSWORD TLS      TLS: 1.2:FILE, 1.3:FILE (an authority, PEM), or - for none
//! TASK     down PATH FILE          FILE: - to discard the bytes
//!          up FILE PATH
//!          login COUNT
//!          login-fresh COUNT       no TLS session is resumed
//!          again PATH COUNT        the same file in one session, discarded
//!          idle COUNT              logs in so many sessions, prints `ready` and keeps them until its input ends
//!          files FOLDER COUNT INTO SESSIONS
//! ```
//!
//! A client that does not complete its task exits with an error.

mod client;
mod ours;
mod ours_async;
mod raw;
mod server;
mod suppaftp;
mod suppaftp_async;
mod tasks;

use std::error::Error;

use ours_async::Small;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["server", rest @ ..] => server::run(rest),
        [client, rest @ ..] => {
            let (at, task) = client::parse(rest)?;
            match *client {
                "ours" => ours::run(&at, &task),
                "ours-async" => ours_async::run(&at, &task, Small::Elsewhere),
                "ours-async-here" => ours_async::run(&at, &task, Small::Here),
                "raw" => raw::run(&at, &task, false),
                "sendfile" => raw::run(&at, &task, true),
                "suppaftp" => suppaftp::run(&at, &task),
                "suppaftp-async" => suppaftp_async::run(&at, &task),
                other => Err(format!("{other}: not a client").into()),
            }
        }
        [] => Err("see the head of main.rs".into()),
    }
}
