//! What clients are asked to do, and the names of files

use std::path::{Path, PathBuf};

use crate::Result;

/// The server, and how to log in
pub(crate) struct At<'a> {
    /// Host and port
    pub(crate) address: &'a str,
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
    /// Of the server's certificate, PEM; `None` for clear text
    pub(crate) authority: Option<&'a str>,
}

pub(crate) enum Task<'a> {
    Down { path: &'a str, file: Option<&'a str> },
    Up { file: &'a str, path: &'a str },
    Login { count: usize },
    Again { path: &'a str, count: usize },
    Files { folder: &'a str, count: usize, into: &'a str, sessions: usize },
}

pub(crate) fn parse<'a>(arguments: &[&'a str]) -> Result<(At<'a>, Task<'a>)> {
    let [address, user, password, authority, task @ ..] = arguments else {
        return Err("ADDRESS:PORT USER PASSWORD AUTHORITY TASK are due".into());
    };
    let authority = Some(*authority).filter(|authority| *authority != "-");
    let task = match *task {
        ["down", path, file] => Task::Down { path, file: Some(file).filter(|file| *file != "-") },
        ["up", file, path] => Task::Up { file, path },
        ["login", count] => Task::Login { count: count.parse()? },
        ["again", path, count] => Task::Again { path, count: count.parse()? },
        ["files", folder, count, into, sessions] => {
            Task::Files { folder, count: count.parse()?, into, sessions: sessions.parse()? }
        }
        _ => return Err(format!("{task:?}: not a task").into()),
    };
    Ok((At { address, user, password, authority }, task))
}

/// Name of a small file in a folder on the server
pub(crate) fn name(number: usize) -> String {
    format!("f{number:05}")
}

pub(crate) fn remote(folder: &str, number: usize) -> String {
    format!("{folder}/{}", name(number))
}

pub(crate) fn local(into: &str, number: usize) -> PathBuf {
    Path::new(into).join(name(number))
}

/// The host of an address
pub(crate) fn host(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}
