//! The commands, a file for each group

mod cat;
mod context;
mod edit;
mod fetch;
mod get;
mod hash;
mod info;
mod known;
mod list;
mod mirror;
mod put;
mod queue;
mod verify;

use std::io::Write as _;
use std::path::Path;

use clap::ArgMatches;

use crate::args::{self, Cli, Command};
use crate::compat::{ftplib, ftpmirror};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// Carries a command out
pub(crate) fn run(cli: Cli, matches: &ArgMatches) -> Result<Exit, Failure> {
    let interrupt = Interrupt::default();
    interrupt.install();
    let Cli { command, common } = cli;
    match command {
        Command::Get(args) => get::get(&args, &common, &interrupt),
        Command::Cat(args) => cat::cat(&args, &common, &interrupt),
        Command::Put(args) => put::put(args, &common, &interrupt),
        Command::Ls(args) => list::ls(&args, &common, &interrupt),
        Command::Stat(args) => list::stat(&args, &common, &interrupt),
        Command::Rm(args) => edit::rm(&args, &common, &interrupt),
        Command::Mv(args) => edit::mv(&args, &common, &interrupt),
        Command::Mkdir(args) => edit::mkdir(&args, &common, &interrupt),
        Command::Mirror(args) => mirror::mirror(&args, matches, &common, &interrupt),
        Command::Fetch(args) => fetch::fetch(&args, &common, &interrupt),
        Command::Verify(args) => verify::verify(&args, matches, &common, &interrupt),
        Command::Hash(args) => hash::hash(&args, &common, &interrupt),
        Command::Find(args) => list::find(&args, &common, &interrupt),
        Command::Du(args) => list::du(&args, &common, &interrupt),
        Command::Chmod(args) => edit::chmod(&args, &common, &interrupt),
        Command::Touch(args) => edit::touch(&args, &common, &interrupt),
        Command::Info(args) => info::info(&args, &common, &interrupt),
        Command::Ftplib(args) => ftplib::run(&args.arguments, &common, &interrupt),
        Command::Ftpmirror(args) => ftpmirror::run(&args.arguments, &common, &interrupt),
        Command::Completions(which) => {
            // In memory first: the generators panic if standard output is closed.
            let mut text = Vec::new();
            clap_complete::generate(which.shell, &mut args::command(), "rftp", &mut text);
            print(&text)
        }
        Command::Man => {
            let mut text = Vec::new();
            clap_mangen::Man::new(args::command())
                .render(&mut text)
                .map_err(|error| Failure::local(Path::new("standard output"), &error))?;
            print(&text)
        }
    }
}

fn print(text: &[u8]) -> Result<Exit, Failure> {
    std::io::stdout()
        .write_all(text)
        .map(|()| Exit::Done)
        .map_err(|error| Failure::local(Path::new("standard output"), &error))
}
