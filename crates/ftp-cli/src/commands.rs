//! The commands of the program

mod cat;
mod context;
mod edit;
mod fetch;
mod get;
mod hash;
mod info;
mod known;
mod list;
mod lookup;
mod mirror;
mod names;
mod put;
mod queue;
mod shell;
mod verify;
mod visit;

use context::Context;
use names::Names;

use crate::args::{self, Cli, Command};
use crate::compat::{ftplib, ftpmirror};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output;

/// Runs a command
pub(crate) fn run(cli: Cli) -> Result<Exit, Failure> {
    let interrupt = Interrupt::default();
    interrupt.install();
    let Cli { command, common } = cli;
    let context = Context { common, interrupt, connection: None };
    let Context { common, interrupt, .. } = &context;
    match command {
        Command::Get(args) => get::get(&args, Names::Given, &context),
        Command::Cat(args) => cat::cat(&args, &context),
        Command::Put(args) => put::put(args, Names::Given, &context),
        Command::Ls(args) => list::ls(&args, &context),
        Command::Stat(args) => list::stat(&args, &context),
        Command::Rm(args) => edit::rm(&args, &context),
        Command::Mv(args) => edit::mv(&args, &context),
        Command::Mkdir(args) => edit::mkdir(&args, &context),
        Command::Mirror(args) => mirror::mirror(&args, common, interrupt),
        Command::Fetch(args) => fetch::fetch(&args, &context),
        Command::Verify(args) => verify::verify(&args, common, interrupt),
        Command::Hash(args) => hash::hash(&args, &context),
        Command::Find(args) => list::find(&args, &context),
        Command::Du(args) => list::du(&args, &context),
        Command::Chmod(args) => edit::chmod(&args, &context),
        Command::Touch(args) => edit::touch(&args, &context),
        Command::Shell(args) => shell::shell(&args, common.clone(), interrupt.clone()),
        Command::Info(args) => info::info(&args, &context),
        Command::Ftplib(args) => ftplib::run(&args.arguments, common, interrupt),
        Command::Ftpmirror(args) => ftpmirror::run(&args.arguments, common, interrupt),
        Command::Completions(which) => {
            // In memory first: the generators panic if standard output is closed.
            let mut text = Vec::new();
            clap_complete::generate(which.shell, &mut args::command(), "rftp", &mut text);
            output::print(&text).map(|()| Exit::Done)
        }
        Command::Man => {
            let mut text = Vec::new();
            clap_mangen::Man::new(args::command())
                .render(&mut text)
                .map_err(|error| output::failure(&error))?;
            output::print(&text).map(|()| Exit::Done)
        }
    }
}
