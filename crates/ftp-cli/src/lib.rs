//! `rftp`: FTP and FTPS on the command line
//!
//! The program is [`run`]; what else is public is here for its tests and for fuzzing.

#![forbid(unsafe_code)]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod args;
mod commands;
mod download;
mod exit;
mod failure;
mod interrupt;
mod location;
mod login;
pub mod netrc;
mod partial;
mod pool;
mod rate;
mod report;
mod show;
mod site;
mod upload;

use std::ffi::OsString;

use clap::Parser as _;

pub use exit::Exit;
pub use failure::Failure;

/// Does what a command line says, its first word being the program's name; returns how it ended
///
/// News go to standard output, errors to standard error. Ctrl-C is handled from here on.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match args::Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are asked for, and go to standard output.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    match commands::run(cli) {
        Ok(exit) => exit,
        Err(failure) => {
            eprintln!("rftp: {failure}");
            failure.exit()
        }
    }
}
