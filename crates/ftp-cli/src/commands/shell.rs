//! `shell`: runs other commands over a session that stays open, with paths instead of URLs
//!
//! At a terminal lines are edited and remembered (`editor.rs`); otherwise they are read as they are.

#[cfg(unix)]
mod editor;
#[cfg(unix)]
mod history;
mod input;
mod patterns;
mod words;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use ftp_session::UrlTarget;

use input::Input;
use patterns::{every, matching, matching_here};

use super::context::{Connection, Context};
use super::names::Names;
use super::{cat, edit, get, list, put};
use crate::args::{
    CatArgs, Common, GetArgs, LsArgs, MkdirArgs, MvArgs, Parallel, PutArgs, RmArgs, RuleArgs,
    ShellArgs, TransferArgs, parallel,
};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::location::{Remote, local_name};
use crate::login::Logins;
use crate::pool::Pool;
use crate::site::Site;

/// Commands of the shell
#[derive(Debug, Parser)]
#[command(
    multicall = true,
    disable_version_flag = true,
    after_help = "Files on the server are named by paths instead of URLs: relative to the directory that `pwd` shows or, with a \
                  leading slash, to the root. Names with spaces are quoted. `COMMAND --help` shows options; # begins a comment."
)]
struct Line {
    #[command(subcommand)]
    word: Word,
}

#[derive(Debug, Subcommand)]
enum Word {
    /// List a directory
    Ls(LsLine),
    /// Change the directory on the server; without a name, to the one in which the shell started
    Cd {
        /// The directory
        #[arg(value_name = "DIR")]
        directory: Option<OsString>,
    },
    /// Show the directory on the server
    Pwd,
    /// Change the local directory
    Lcd {
        /// The directory
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Download files
    Get(GetArgs),
    /// Download the files whose names match: *.gz, d/*.gz
    Mget(GetArgs),
    /// Upload files
    Put(PutLine),
    /// Upload the files whose names match: *.gz, d/*.gz
    Mput(PutLine),
    /// Write files to standard output
    Cat(CatArgs),
    /// Delete files; with -r also directories and everything in them
    Rm(RmArgs),
    /// Create directories
    Mkdir(MkdirArgs),
    /// Rename or move a file or directory
    Mv(MvArgs),
    /// Leave the shell
    #[command(visible_aliases = ["exit", "bye"])]
    Quit,
}

#[derive(Debug, Args)]
struct LsLine {
    /// Directories; by default the one that `pwd` shows
    #[arg(value_name = "DIR")]
    directories: Vec<OsString>,
    /// Show kind, size and time of each name
    #[arg(short = 'l', long)]
    long: bool,
    /// Also list the directories below
    #[arg(short = 'R', long)]
    recursive: bool,
}

#[derive(Debug, Args)]
struct PutLine {
    /// Local files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<OsString>,
    /// The name on the server or, ending in a slash, the directory; by default the one that `pwd` shows
    #[arg(short = 'o', long, value_name = "PLACE", default_value = "")]
    output: OsString,
    /// Create the directory on the server if it is missing
    #[arg(long)]
    mkdir: bool,
    /// Skip files that exist on the server
    #[arg(long)]
    no_clobber: bool,
    /// Skip files unless they are newer here, as precisely as the server reports times
    #[arg(long, conflicts_with = "no_clobber")]
    only_newer: bool,
    /// Show what would be done, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    #[command(flatten)]
    rules: RuleArgs,
    /// Files to transfer at a time, each over a session of its own, fewer if the server allows fewer
    #[arg(short = 'j', long, value_name = "N|auto", default_value = "4", value_parser = parallel)]
    parallel: Parallel,
    #[command(flatten)]
    transfer: TransferArgs,
}

/// What to do after a line
enum Next {
    Line(Exit),
    Quit,
}

pub(super) fn shell(
    args: &ShellArgs,
    common: Common,
    interrupt: Interrupt,
) -> Result<Exit, Failure> {
    let remote = Remote::of_argument(&args.url)?;
    if matches!(remote.url.target(), UrlTarget::Text | UrlTarget::Names) {
        return Err(Failure::usage("`;type=` is not allowed in the URL of a shell"));
    }
    let logins = Logins::new(&common, &[&remote])?;
    let site = Site::new(&remote, &logins, &common)?;
    let most = Parallel::Number(common.max_sessions);
    let pool = Arc::new(Pool::new(site, most, &interrupt).keeping());
    let connection = Connection { remote, pool: Arc::clone(&pool), here: Vec::new() };
    let context = Context { common, interrupt, connection: Some(connection) };
    let result = run(args, context);
    pool.end_kept();
    result
}

fn run(args: &ShellArgs, mut context: Context) -> Result<Exit, Failure> {
    let start = context.connection.as_ref().map_or(&b""[..], |connection| connection.remote.path());
    let start = start.to_vec();
    let home = enter(&mut context, &start)?;
    let mut input = Input::new(&context.interrupt);
    let mut exits = Vec::new();
    loop {
        let Some(line) = input.line(&prompt(&context), &context.interrupt)? else { break };
        let next = match &line {
            input::Line::Text(line) => obey(&mut context, line, &home),
            input::Line::TooLong => {
                Err(Failure::usage("a line is too long").about("standard input"))
            }
        };
        let exit = match next {
            Ok(Next::Line(exit)) => exit,
            Ok(Next::Quit) => break,
            Err(failure) => {
                crate::output::message(&failure);
                failure.exit()
            }
        };
        if context.interrupt.is_set() {
            return Ok(Exit::Interrupted);
        }
        if args.exit_on_error && exit != Exit::Done {
            return Ok(exit);
        }
        exits.push(exit);
    }
    // At a terminal, the user has seen each failure, and went on.
    Ok(if input.is_terminal() { Exit::Done } else { Exit::of_all(exits) })
}

fn prompt(context: &Context) -> String {
    let Some(Connection { pool, here, .. }) = &context.connection else { return String::new() };
    format!("{} {}> ", pool.site().name(), crate::show::bytes(here))
}

/// Changes the directory on the server, and returns its path
fn enter(context: &mut Context, path: &[u8]) -> Result<Vec<u8>, Failure> {
    let Some(connection) = &mut context.connection else { return Ok(Vec::new()) };
    // CDUP also works on servers that do not understand `..`.
    let (folder, goes_up) = match path.strip_suffix(b"/..") {
        Some(b"") => (&b"/"[..], true),
        Some(folder) => (folder, true),
        None => (path, false),
    };
    let place = connection.pool.lease().request(|client| {
        if !folder.is_empty() {
            client.cwd(folder)?;
        }
        if goes_up {
            client.cdup()?;
        }
        match client.pwd() {
            Err(error) if error.is_fatal() => Err(error),
            // If the server does not tell its directory, the path that was given is used.
            answer => Ok(answer.ok()),
        }
    });
    let place = place.map_err(|failure| failure.about(crate::show::bytes(path)))?;
    connection.here = place.unwrap_or_else(|| path.to_vec());
    Ok(connection.here.clone())
}

fn obey(context: &mut Context, line: &[u8], home: &[u8]) -> Result<Next, Failure> {
    let words = words::split(line).map_err(Failure::usage)?;
    if words.iter().any(Vec::is_empty) {
        // An empty name would mean the working directory; a script may have an empty variable by mistake.
        return Err(Failure::usage("an empty name"));
    }
    let words = words.iter().map(|word| {
        let name = local_name(word).map(|name| name.as_os_str().to_owned());
        name.ok_or_else(|| {
            Failure::usage("is not a possible name on this system").about(crate::show::bytes(word))
        })
    });
    let words: Vec<OsString> = words.collect::<Result<_, _>>()?;
    let Some(first) = words.first() else { return Ok(Next::Line(Exit::Done)) };
    if first.to_str().is_none() {
        // Clap would show the whole help, under the name of this program.
        return Err(Failure::usage("is not a command")
            .about(crate::show::path(Path::new(first)))
            .remedy("`help` lists the commands"));
    }
    let word = match Line::try_parse_from(words) {
        Ok(line) => line.word,
        Err(error) => {
            return Ok(Next::Line(crate::output::show(&error)));
        }
    };
    let exit = match word {
        Word::Quit => return Ok(Next::Quit),
        Word::Ls(LsLine { mut directories, long, recursive }) => {
            if directories.is_empty() {
                directories.push(OsString::new());
            }
            list::ls(&LsArgs { urls: directories, long, recursive }, context)?
        }
        Word::Cd { directory } => {
            let path = match directory {
                Some(directory) => context.remote(&directory)?.path().to_vec(),
                None => home.to_vec(),
            };
            enter(context, &path)?;
            Exit::Done
        }
        Word::Pwd => {
            let here = context.connection.as_ref().map_or(&b""[..], |connection| &connection.here);
            crate::output::print(format!("{}\n", crate::show::bytes(here)).as_bytes())?;
            Exit::Done
        }
        Word::Lcd { directory } => std::env::set_current_dir(&directory)
            .map(|()| Exit::Done)
            .map_err(|error| Failure::local(&directory, &error))?,
        Word::Get(args) => get::get(&args, Names::Given, context)?,
        Word::Mget(args) => {
            let matches = every(&args.urls, |pattern| matching(context, pattern))?;
            if matches.names.is_empty() {
                return Ok(Next::Line(matches.tell()));
            }
            let args = GetArgs { urls: matches.names, ..args };
            get::get(&args, Names::Matched(matches.refused), context)?
        }
        Word::Put(line) => put::put(line.args()?, Names::Given, context)?,
        Word::Mput(line) => {
            let matches = every(&line.files, matching_here)?;
            if matches.names.is_empty() {
                return Ok(Next::Line(matches.tell()));
            }
            let line = PutLine { files: matches.names, ..line };
            put::put(line.args()?, Names::Matched(matches.refused), context)?
        }
        Word::Cat(args) => cat::cat(&args, context)?,
        Word::Rm(args) => edit::rm(&args, context)?,
        Word::Mkdir(args) => edit::mkdir(&args, context)?,
        Word::Mv(args) => edit::mv(&args, context)?,
    };
    Ok(Next::Line(exit))
}

impl PutLine {
    fn args(self) -> Result<PutArgs, Failure> {
        let Self { files: mut operands, output, mkdir, no_clobber, only_newer, .. } = self;
        if operands.iter().any(|file| file == "-") {
            return Err(Failure::usage("the shell reads its commands from standard input")
                .remedy("`rftp put - URL` uploads it"));
        }
        operands.push(output);
        Ok(PutArgs {
            operands,
            mkdir,
            no_clobber,
            only_newer,
            append: false,
            unique: false,
            dry_run: self.dry_run,
            rules: self.rules,
            parallel: self.parallel,
            transfer: self.transfer,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_lines_are_consistent() {
        super::Line::command().debug_assert();
    }
}
