//! Runs the program as a user would, against a small FTP server that each test starts

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the report")]

mod ahead;
mod alone;
mod codes;
mod compat;
mod crowded;
mod disks;
mod dots;
mod downloads;
mod dry;
mod endless;
mod files;
mod globs;
mod hostile;
mod in_the_way;
#[cfg(unix)]
mod interrupts;
mod links;
mod lists;
mod logins;
mod lost;
#[cfg(unix)]
mod messages;
mod mirror;
mod names;
mod newer;
mod options;
mod parts;
mod patterns;
mod rates;
mod renamed;
mod robust;
mod segments;
mod shell;
mod state;
mod streams;
#[cfg(unix)]
mod terminal;
mod trips;
mod uploads;
mod uploads_resumed;
mod urls;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The result of a run
#[derive(Debug)]
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// A temporary home directory, which is also the program's working directory
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn names(&self, folder: &str) -> Vec<String> {
        names(&self.path(folder))
    }

    fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rftp"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .env("HOME", self.0.path())
            .env("USERPROFILE", self.0.path())
            .stdin(Stdio::null());
        // Without it, Windows finds no sockets.
        if let Some(system) = std::env::var_os("SystemRoot") {
            command.env("SystemRoot", system);
        }
        command
    }

    fn rftp(&self, arguments: &[impl AsRef<OsStr>]) -> Run {
        run(&mut self.command(arguments))
    }
}

fn run(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().file_name().into_string().unwrap()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}

/// Returns bytes without a short period, so that misplaced blocks are noticed
fn bytes(length: usize) -> Vec<u8> {
    (0..length as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}
