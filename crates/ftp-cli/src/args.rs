//! Defines the command line: commands, arguments and options

mod common;
mod timetable;
mod transfer;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use ftp_proto::fields::FileHash;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::plan::Sizes;

pub(crate) use common::{Common, Progress};
pub(crate) use timetable::Timetable;
pub(crate) use transfer::{Comparison, FilterArgs, RuleArgs, SegmentArgs, TransferArgs};
pub(crate) use values::{Parallel, Range, Segments, Shard, parallel};
use values::{mode, moment, range, shard, sizes, time};

/// FTP and FTPS on the command line
#[derive(Debug, Parser)]
#[command(
    name = "rftp",
    version,
    about = "FTP and FTPS on the command line",
    after_help = "URLs: ftp://[USER@]HOST[:PORT]/PATH is clear text, ftpes:// explicit TLS (AUTH TLS), ftps:// TLS from the \
                  first byte. A path starts in the login directory; /%2F starts at the root.\n\
                  Passwords come from ~/.netrc or --password-file.\n\n\
                  Examples:\n  \
                  rftp mirror ftpes://ftp.example.org/pub/ here    copy a directory; run it again to update the copy\n  \
                  rftp get ftp://ftp.example.org/pub/file.gz       download a file, or resume its download\n  \
                  rftp put report.pdf ftpes://me@ftp.example.org/in/\n  \
                  rftp ls -l ftp://ftp.example.org/pub/",
    infer_long_args = false
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Download files
    #[command(after_help = "Examples:\n  rftp get ftp://ftp.example.org/pub/file.gz\n  \
                      rftp get -O downloads --segments auto ftp://ftp.example.org/pub/{a,b}.iso\n  \
                      rftp get --checksum sha256:2c26b46b... ftpes://me@ftp.example.org/data.tar")]
    Get(GetArgs),
    /// Upload files
    #[command(
        override_usage = "rftp put [OPTIONS] <FILE>... <URL>",
        after_help = "Examples:\n  rftp put report.pdf ftpes://me@ftp.example.org/in/\n  \
                      rftp put --mkdir *.csv ftpes://me@ftp.example.org/2026/11/\n  \
                      tar cz data | rftp put - ftpes://me@ftp.example.org/backup/data.tgz"
    )]
    Put(PutArgs),
    /// Write files to standard output
    Cat(CatArgs),
    /// List directories
    Ls(LsArgs),
    /// Show what the server says about files or directories
    Stat(UrlsArgs),
    /// Delete files; with -r also directories and everything in them
    Rm(RmArgs),
    /// Rename or move a file or directory
    Mv(MvArgs),
    /// Create directories
    Mkdir(MkdirArgs),
    /// Make one directory the same as another, from a server or to a server
    #[command(
        after_help = "Examples:\n  rftp mirror ftpes://ftp.example.org/pub/ here        from the server\n  \
                      rftp mirror photos ftpes://me@ftp.example.org/photos/ to the server\n  \
                      rftp mirror --dry-run --delete ftp://ftp.example.org/pub/ here\n  \
                      rftp mirror --exclude '*' --include '*.gz' ftp://ftp.example.org/pub/ here"
    )]
    Mirror(MirrorArgs),
    /// Download the files of a list, and check them against its sizes and hashes
    #[command(
        after_help = "Examples:\n  rftp fetch md5checksums.txt --base ftp://ftp.example.org/genomes/x/ -O x\n  \
                      rftp fetch images.meta4\n  \
                      cut -f 3 samples.tsv | rftp fetch - -O reads"
    )]
    Fetch(FetchArgs),
    /// Compare local files with a list, or two directories, without a transfer
    #[command(
        override_usage = "rftp verify [OPTIONS] <MANIFEST>\n       rftp verify [OPTIONS] <SOURCE> <TARGET>"
    )]
    Verify(VerifyArgs),
    /// Print hashes of files, computed by the server or from a download
    Hash(HashArgs),
    /// List the paths of everything below directories
    Find(FindArgs),
    /// Show the total size of the files below directories
    Du(DuArgs),
    /// Change permissions (SITE CHMOD)
    Chmod(ChmodArgs),
    /// Set the modification time of files; a missing file is created, empty
    Touch(TouchArgs),
    /// Run commands from standard input over one session: cd, ls, get, put, mget, mput, rm, help
    #[command(after_help = "Examples:\n  rftp shell ftpes://me@ftp.example.org/pub/\n  \
                      printf 'cd pub\\nmget *.gz\\n' | rftp shell -e ftp://ftp.example.org/")]
    Shell(ShellArgs),
    /// Describe a server: greeting, features, TLS, round-trip time, known quirks
    Info(UrlsArgs),
    /// Work like `python -m ftplib`: HOST, then -l[DIR], -d[DIR], -p and files in order
    #[command(disable_help_flag = true)]
    Ftplib(CompatArgs),
    /// Work like ftpmirror.py: [-v] [-q] [-i] [-m] [-n] [-r] [-s PATTERN] [-l USER] HOST [REMOTE [LOCAL]]
    #[command(disable_help_flag = true)]
    Ftpmirror(CompatArgs),
    /// Print completions for a shell: source <(rftp completions bash)
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

#[derive(Debug, Args)]
pub(crate) struct UrlsArgs {
    /// Files or directories
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct CatArgs {
    /// Files
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<OsString>,
    /// Write only these bytes of each file: 0-99 is the first hundred, 100- the rest, -100 the last hundred
    #[arg(long, value_name = "FROM-TO", value_parser = range, allow_hyphen_values = true)]
    pub(crate) range: Option<Range>,
}

#[derive(Debug, Args)]
pub(crate) struct ShellArgs {
    /// The server, and the directory to start in
    #[arg(value_name = "URL")]
    pub(crate) url: OsString,
    /// Exit when a command fails, with its exit code
    #[arg(short = 'e', long)]
    pub(crate) exit_on_error: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompatArgs {
    /// Options and operands of the Python program; put the options of rftp before the command
    #[arg(value_name = "ARGUMENTS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// Files to download
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<OsString>,
    /// Write to this file; - is standard output
    #[arg(short = 'o', long, value_name = "FILE", conflicts_with = "output_dir")]
    pub(crate) output: Option<PathBuf>,
    /// Write into this directory, which is created if it is missing
    #[arg(short = 'O', long, value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,
    /// Skip files that exist here
    #[arg(long)]
    pub(crate) no_clobber: bool,
    /// Skip files that are up to date here: of the same size, and not older
    #[arg(long, conflicts_with = "no_clobber")]
    pub(crate) only_newer: bool,
    /// The hash that the file must have: sha256:DIGITS, md5:DIGITS and others
    #[arg(long, value_name = "ALGORITHM:DIGITS", value_parser = crate::manifest::parse_hash, conflicts_with_all = ["no_clobber", "only_newer"])]
    pub(crate) checksum: Option<FileHash>,
    /// Show what would be done, and change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
    /// Files to transfer at a time, each over its own session, or fewer if the server allows fewer sessions; auto starts with two and adds one as long as the transfer gets faster, up to eight
    #[arg(short = 'j', long, value_name = "N|auto", default_value = "4", value_parser = parallel)]
    pub(crate) parallel: Parallel,
    #[command(flatten)]
    pub(crate) segments: SegmentArgs,
    #[command(flatten)]
    pub(crate) transfer: TransferArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PutArgs {
    /// Files to upload, then the URL of the file or, ending in a slash, of the directory; - is standard input
    #[arg(value_name = "FILE... URL", required = true, num_args = 2..)]
    pub(crate) operands: Vec<OsString>,
    /// Create the directory on the server if it is missing
    #[arg(long)]
    pub(crate) mkdir: bool,
    /// Skip files that exist on the server
    #[arg(long, conflicts_with_all = ["append", "unique"])]
    pub(crate) no_clobber: bool,
    /// Skip files unless they are newer here, as precisely as the server reports times
    #[arg(long, conflicts_with_all = ["append", "unique", "no_clobber"])]
    pub(crate) only_newer: bool,
    /// Append to the file on the server (APPE), or create it; a failed upload is not retried
    #[arg(long, conflicts_with_all = ["inplace", "verify", "no_resume"])]
    pub(crate) append: bool,
    /// Let the server choose a new name (STOU), and print it; a failed upload is not retried
    #[arg(long, conflicts_with_all = ["append", "inplace", "verify", "no_resume"])]
    pub(crate) unique: bool,
    /// Show what would be done, and change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
    /// Files to transfer at a time, each over its own session, or fewer if the server allows fewer sessions; auto starts with two and adds one as long as the transfer gets faster, up to eight; one at a time with --append and --unique
    #[arg(short = 'j', long, value_name = "N|auto", default_value = "4", value_parser = parallel)]
    pub(crate) parallel: Parallel,
    #[command(flatten)]
    pub(crate) transfer: TransferArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    /// Directories
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<OsString>,
    /// Show kind, size and time of each name
    #[arg(short = 'l', long)]
    pub(crate) long: bool,
    /// Also list all subdirectories
    #[arg(short = 'R', long)]
    pub(crate) recursive: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RmArgs {
    /// Files and, with -r, directories to delete
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<OsString>,
    /// Also delete directories and everything in them; links are removed, not followed
    #[arg(short = 'r', long)]
    pub(crate) recursive: bool,
    /// Show what would be done, and change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MvArgs {
    /// The file or directory to rename
    #[arg(value_name = "URL")]
    pub(crate) from: OsString,
    /// The new URL, on the same server; if it ends in a slash, the directory to move it into
    #[arg(value_name = "NEW URL")]
    pub(crate) to: OsString,
}

#[derive(Debug, Args)]
pub(crate) struct MkdirArgs {
    /// Directories to create
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<OsString>,
    /// Also create missing parents; an existing directory is not an error
    #[arg(short = 'p', long)]
    pub(crate) parents: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MirrorArgs {
    /// The original: the URL of a directory, or a local directory
    #[arg(value_name = "SOURCE")]
    pub(crate) source: OsString,
    /// The copy: a local directory, or the URL of a directory
    #[arg(value_name = "TARGET")]
    pub(crate) target: OsString,
    /// Files to transfer at a time, each over its own session, or fewer if the server allows fewer sessions; auto starts with two and adds one as long as the transfer gets faster, up to eight
    #[arg(short = 'j', long, value_name = "N|auto", default_value = "8", value_parser = parallel)]
    pub(crate) parallel: Parallel,
    /// How to decide whether a file is up to date
    #[arg(long, value_name = "HOW", default_value = "time")]
    pub(crate) compare: Comparison,
    /// Delete files and directories that only the target has, at the end, and only if nothing has failed
    #[arg(long)]
    pub(crate) delete: bool,
    /// With --delete: delete nothing at all if more than N files and directories would be deleted
    #[arg(long, value_name = "N", requires = "delete")]
    pub(crate) max_delete: Option<u64>,
    /// Stop after N failures
    #[arg(long, value_name = "N")]
    pub(crate) max_errors: Option<u64>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Follow symbolic links of the source; those of the target are never followed
    #[arg(long)]
    pub(crate) follow: bool,
    /// Show what would be done, and change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Record in this file what was transferred; a file that is recorded in the same version is up to date,
    /// even if its copy was changed, moved or deleted since
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Process only share I of N of the files, for N runs at the same time; I counts from 1
    #[arg(long, value_name = "I/N", value_parser = shard, conflicts_with = "delete")]
    pub(crate) shard: Option<Shard>,
    #[command(flatten)]
    pub(crate) segments: SegmentArgs,
    #[command(flatten)]
    pub(crate) transfer: TransferArgs,
}

#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    /// A list of URLs, lines `URL TAB SIZE TAB ALGORITHM:HASH TAB NAME`, the output of md5sum, sha256sum and others (with
    /// --base), or a metalink (RFC 5854); - is standard input
    #[arg(value_name = "MANIFEST")]
    pub(crate) manifest: PathBuf,
    /// The URL of the directory to which names in the list are relative
    #[arg(long, value_name = "URL")]
    pub(crate) base: Option<OsString>,
    /// Write into this directory, which is created if it is missing
    #[arg(short = 'O', long, value_name = "DIR", default_value = ".")]
    pub(crate) output_dir: PathBuf,
    /// Show what would be done, and change nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
    /// Files to transfer at a time, each over its own session, or fewer if the server allows fewer sessions; auto starts with two and adds one as long as the transfer gets faster, up to eight
    #[arg(short = 'j', long, value_name = "N|auto", default_value = "8", value_parser = parallel)]
    pub(crate) parallel: Parallel,
    /// Process only share I of N of the files, for N runs at the same time; I counts from 1
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub(crate) shard: Option<Shard>,
    #[command(flatten)]
    pub(crate) segments: SegmentArgs,
    #[command(flatten)]
    pub(crate) transfer: TransferArgs,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// A list as for `rftp fetch`, or two directories as for `rftp mirror`, one of them a URL
    #[arg(value_name = "MANIFEST | SOURCE TARGET", required = true, num_args = 1..=2)]
    pub(crate) operands: Vec<OsString>,
    /// The directory that holds the files of the list
    #[arg(short = 'O', long, value_name = "DIR", default_value = ".")]
    pub(crate) output_dir: PathBuf,
    /// How to compare two files
    #[arg(long, value_name = "HOW", default_value = "hash")]
    pub(crate) compare: Comparison,
    /// The number of sessions for the comparison of two directories
    #[arg(short = 'j', long, value_name = "N|auto", default_value = "8", value_parser = parallel)]
    pub(crate) parallel: Parallel,
    /// Follow symbolic links of the source
    #[arg(long)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct HashArgs {
    /// Files
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<OsString>,
    /// Ask the server for this algorithm (HASH), instead of the strongest one that it offers
    #[arg(long, value_name = "ALGORITHM", conflicts_with = "download")]
    pub(crate) algo: Option<Algorithm>,
    /// Download each file and compute this hash here, instead of asking the server
    #[arg(long, value_name = "ALGORITHM")]
    pub(crate) download: Option<Algorithm>,
    /// Compare with this local file; a difference is a failure
    #[arg(long, value_name = "FILE")]
    pub(crate) local: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Algorithm {
    Sha256,
    Sha512,
    Sha1,
    Md5,
    Crc32,
}

#[derive(Debug, Args)]
pub(crate) struct FindArgs {
    /// Directories
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<OsString>,
    /// Only names that match this pattern
    #[arg(long, value_name = "GLOB")]
    pub(crate) name: Option<String>,
    /// Only files, directories or links
    #[arg(long = "type", value_name = "f|d|l", value_parser = clap::builder::PossibleValuesParser::new(["f", "d", "l"]))]
    pub(crate) kind: Option<String>,
    /// Only files of this size: +10M is at least, -10M at most, 10M exactly; with several, all must fit
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, value_parser = sizes)]
    pub(crate) size: Vec<Sizes>,
    /// Only files changed at this time or later: 2026-11-26, 2026-11-26T12:34:56Z, or an age: 90min, 12h, 3d, 2w
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) newer: Option<i64>,
    /// Only files changed before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) older: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct DuArgs {
    /// Directories
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<OsString>,
    /// Only the total of each directory
    #[arg(short = 's', long)]
    pub(crate) summarize: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ChmodArgs {
    /// Permissions in octal digits: 644
    #[arg(value_name = "MODE", value_parser = mode)]
    pub(crate) mode: String,
    /// Files
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct TouchArgs {
    /// Files
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<OsString>,
    /// The time in UTC: 2026-11-26, 2026-11-26T12:34:56Z; the default is now
    #[arg(short = 'd', long, value_name = "TIME", value_parser = time)]
    pub(crate) date: Option<ftp_proto::Timestamp>,
}

/// Returns the parser of the command line, whose long help ends with the exit codes
pub(crate) fn command() -> clap::Command {
    let command = Cli::command();
    let mut help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    help.push_str("\n\nExit codes:\n");
    for (exit, meaning) in Exit::TABLE {
        help.push_str(&format!("  {:>3}  {meaning}\n", exit.code()));
    }
    command.after_long_help(help)
}

/// Splits operands into the sources and the target, which is the last one
pub(crate) fn split_last(
    mut operands: Vec<OsString>,
) -> Result<(Vec<OsString>, OsString), Failure> {
    match operands.pop() {
        Some(last) if !operands.is_empty() => Ok((operands, last)),
        _ => Err(Failure::usage("a source and a target are needed")),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }
}
