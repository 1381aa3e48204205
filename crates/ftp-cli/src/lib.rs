//! `rftp`: an FTP and FTPS client for the command line
//!
//! [`run`] is the program; the other public items are for tests and fuzzing.

#![forbid(unsafe_code)]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]
// Their macros panic if nothing can be written: `output` has functions that do not.
#![deny(clippy::print_stderr, clippy::print_stdout)]

mod alone;
mod args;
mod begun;
mod check;
mod commands;
mod compat;
mod download;
mod exit;
mod failure;
mod input;
mod interrupt;
mod latest;
mod listing;
mod location;
mod login;
mod look;
mod manifest;
mod mirror;
pub mod netrc;
mod ordinary;
mod output;
mod pace;
mod partial;
mod plan;
mod pool;
mod proxy;
mod publish;
mod ramp;
mod ranges;
mod rate;
mod report;
mod segments;
mod show;
mod site;
mod state_dir;
mod stream;
mod upload;

use std::ffi::OsString;

use clap::FromArgMatches as _;
use clap::error::{ContextKind, ContextValue};

pub use exit::Exit;
pub use failure::Failure;

/// Runs a command line, whose first word is the program's name; returns the exit status
///
/// Results go to standard output, errors to standard error. This installs a handler for Ctrl-C.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let matches = args::command().try_get_matches_from(arguments);
    let cli = match matches.and_then(|matches| args::Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            return output::show(&without_passwords(error));
        }
    };
    match commands::run(cli) {
        Ok(exit) => exit,
        Err(failure) => {
            output::message(&failure);
            failure.exit()
        }
    }
}

/// Masks the passwords of URLs in the words that the message repeats
fn without_passwords(mut error: clap::Error) -> clap::Error {
    let masked = |(kind, value): (ContextKind, &ContextValue)| match value {
        ContextValue::String(word) if word.contains('@') => {
            Some((kind, show::argument(word.as_bytes())))
        }
        _ => None,
    };
    let masked: Vec<(ContextKind, String)> = error.context().filter_map(masked).collect();
    for (kind, word) in masked {
        error.insert(kind, ContextValue::String(word));
    }
    error
}
