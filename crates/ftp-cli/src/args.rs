//! The command line

mod values;

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ftp_proto::fields::FileHash;

use crate::failure::Failure;
use crate::proxy::ProxyUrl;

pub(crate) use values::{Range, Shard, bytes};
use values::{mode, moment, range, seconds, shard, suffix, time};

/// FTP and FTPS on the command line
#[derive(Debug, Parser)]
#[command(
    name = "rftp",
    version,
    about = "FTP and FTPS on the command line",
    after_help = "URLs: ftp://[USER@]HOST[:PORT]/PATH in clear text, ftpes:// with explicit TLS (AUTH TLS), ftps:// with \
                  TLS from the first byte. A path begins where the login leads, with /%2F at the root.\n\
                  Passwords come from ~/.netrc or --password-file.",
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
    Get(GetArgs),
    /// Upload files
    #[command(override_usage = "rftp put [OPTIONS] <FILE>... <URL>")]
    Put(PutArgs),
    /// Write files to standard output
    Cat(CatArgs),
    /// List directories
    Ls(LsArgs),
    /// Show what the server says of a file or directory
    Stat(UrlsArgs),
    /// Delete files, with -r also directories with all that is in them
    Rm(RmArgs),
    /// Rename or move a file or directory
    Mv(MvArgs),
    /// Make directories
    Mkdir(MkdirArgs),
    /// Make a directory the same as another one, from or to a server
    Mirror(MirrorArgs),
    /// Download the files of a list, checked against its sizes and hashes
    Fetch(FetchArgs),
    /// Compare local files with a list, or two directories, transferring nothing
    #[command(
        override_usage = "rftp verify [OPTIONS] <MANIFEST>\n       rftp verify [OPTIONS] <SOURCE> <TARGET>"
    )]
    Verify(VerifyArgs),
    /// Print hashes of files, as the server computes them or of what is downloaded
    Hash(HashArgs),
    /// List what is in directories and below, as paths
    Find(FindArgs),
    /// Sum up the sizes of files in directories and below
    Du(DuArgs),
    /// Change permissions (SITE CHMOD)
    Chmod(ChmodArgs),
    /// Set the time of a file, which is made empty if it is missing
    Touch(TouchArgs),
    /// Show what a server is: greeting, features, TLS, round trip
    Info(UrlsArgs),
    /// As `python -m ftplib`: HOST, then -l[DIR], -d[DIR], -p and files in order
    #[command(disable_help_flag = true)]
    Ftplib(CompatArgs),
    /// As ftpmirror.py: [-v] [-q] [-i] [-m] [-n] [-r] [-s PATTERN] [-l USER] HOST [REMOTE [LOCAL]]
    #[command(disable_help_flag = true)]
    Ftpmirror(CompatArgs),
    /// Print completions for a shell, to be sourced
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

#[derive(Debug, Args)]
pub(crate) struct UrlsArgs {
    /// What to look at
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct CatArgs {
    /// Files
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<OsString>,
    /// Only these bytes of each file: 0-99 the first hundred, 100- those after them, -100 the last hundred
    #[arg(long, value_name = "FROM-TO", value_parser = range, allow_hyphen_values = true)]
    pub(crate) range: Option<Range>,
}

#[derive(Debug, Args)]
pub(crate) struct CompatArgs {
    /// Options and operands as the Python program has them; those of rftp go before the command
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
    /// Write into this directory, which is made if it is missing
    #[arg(short = 'O', long, value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,
    /// Leave files alone that exist
    #[arg(long)]
    pub(crate) no_clobber: bool,
    /// What the hash of the file must be: sha256:DIGITS, md5:DIGITS and their kin
    #[arg(long, value_name = "ALGORITHM:DIGITS", value_parser = crate::manifest::parse_hash, conflicts_with_all = ["no_clobber"])]
    pub(crate) checksum: Option<FileHash>,
    /// Files at a time, each on a session of its own; a server that lets fewer in gets fewer
    #[arg(short = 'j', long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) parallel: u16,
    /// Sessions that fetch one file of 8 MiB or more together, if the server lets them in and goes on where it is asked to
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=16), conflicts_with = "inplace")]
    pub(crate) segments: u16,
    #[command(flatten)]
    pub(crate) transfer: TransferArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PutArgs {
    /// Files to upload, and at the end the URL of the file or, with a slash at its end, of the directory; - is standard
    /// input
    #[arg(value_name = "FILE... URL", required = true, num_args = 2..)]
    pub(crate) operands: Vec<OsString>,
    /// Make the directory on the server if it is missing
    #[arg(long)]
    pub(crate) mkdir: bool,
    /// Add to the end of the file on the server (APPE), which is made if it is missing; not tried again
    #[arg(long, conflicts_with_all = ["inplace", "verify", "no_resume"])]
    pub(crate) append: bool,
    /// Let the server choose a name that is new in the directory (STOU), and print it; not tried again
    #[arg(long, conflicts_with_all = ["append", "inplace", "verify", "no_resume"])]
    pub(crate) unique: bool,
    #[command(flatten)]
    pub(crate) transfer: TransferArgs,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TransferArgs {
    /// Write under the final name at once: another program can see the file before it is whole
    #[arg(long)]
    pub(crate) inplace: bool,
    /// End of the names of files that are not whole yet
    #[arg(long, value_name = "SUFFIX", default_value = ".part", value_parser = suffix)]
    pub(crate) temp_suffix: String,
    /// Begin anew: don't go on with what an earlier run has left
    #[arg(long)]
    pub(crate) no_resume: bool,
    /// Compare with the server's hash of the file, if the server offers one (HASH, XSHA256, XMD5, ...)
    #[arg(long)]
    pub(crate) verify: bool,
    /// Bytes a second at most, of all files together: 500k, 10M
    #[arg(long, value_name = "RATE", value_parser = bytes)]
    pub(crate) limit_rate: Option<u64>,
    /// Wait until the file is on the disk before it gets its name
    #[arg(long)]
    pub(crate) fsync: bool,
    /// What a copy keeps besides its time: mode, the permissions to read, write and execute
    #[arg(long, value_name = "WHAT")]
    pub(crate) preserve: Option<Preserve>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preserve {
    /// Permissions
    Mode,
}

impl TransferArgs {
    /// The defaults
    pub(crate) fn plain() -> Self {
        Self {
            inplace: false,
            temp_suffix: ".part".into(),
            no_resume: false,
            verify: false,
            limit_rate: None,
            fsync: false,
            preserve: None,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    /// Directories
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<OsString>,
    /// Kind, size and time with each name
    #[arg(short = 'l', long)]
    pub(crate) long: bool,
    /// Also what is in the directories below
    #[arg(short = 'R', long)]
    pub(crate) recursive: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RmArgs {
    /// What to delete
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<OsString>,
    /// Directories too, with all that is in them; links are removed, not followed
    #[arg(short = 'r', long)]
    pub(crate) recursive: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MvArgs {
    /// What to rename
    #[arg(value_name = "URL")]
    pub(crate) from: OsString,
    /// Its new place on the same server: a URL; with a slash at its end, the directory to move it into
    #[arg(value_name = "NEW URL")]
    pub(crate) to: OsString,
}

#[derive(Debug, Args)]
pub(crate) struct MkdirArgs {
    /// Directories to make
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<OsString>,
    /// Also the directories above, if they are missing; fine if it exists
    #[arg(short = 'p', long)]
    pub(crate) parents: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MirrorArgs {
    /// What is copied: the URL of a directory, or a local directory
    #[arg(value_name = "SOURCE")]
    pub(crate) source: OsString,
    /// Where it goes: a local directory, or the URL of one
    #[arg(value_name = "TARGET")]
    pub(crate) target: OsString,
    /// Files at a time, each on a session of its own; a server that lets fewer in gets fewer
    #[arg(short = 'j', long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) parallel: u16,
    /// What tells that a file is up to date
    #[arg(long, value_name = "HOW", default_value = "time")]
    pub(crate) compare: Comparison,
    /// Delete what only the target has; last, and only if nothing has failed
    #[arg(long)]
    pub(crate) delete: bool,
    /// Delete nothing if more than this were to be deleted
    #[arg(long, value_name = "N", requires = "delete")]
    pub(crate) max_delete: Option<u64>,
    /// Stop after so many failures
    #[arg(long, value_name = "N")]
    pub(crate) max_errors: Option<u64>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// Follow symbolic links of the source; those of the target are never followed
    #[arg(long)]
    pub(crate) follow: bool,
    /// Show what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Take the I-th of N shares of the files, for N runs side by side
    #[arg(long, value_name = "I/N", value_parser = shard, conflicts_with = "delete")]
    pub(crate) shard: Option<Shard>,
    #[command(flatten)]
    pub(crate) transfer: TransferArgs,
}

/// Which files take part
#[derive(Clone, Debug, Args)]
pub(crate) struct FilterArgs {
    /// Take files that match in spite of an --exclude before; the last option that matches wins
    #[arg(long, value_name = "GLOB")]
    pub(crate) include: Vec<String>,
    /// Leave out files and directories that match: a name at any level or, with a slash, a path
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// Only files that were changed at this time or later: 2026-11-26, 2026-11-26T12:34:56Z, or an age: 90min, 12h, 3d, 2w
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) newer: Option<i64>,
    /// Only files that were changed before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) older: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    /// A list of URLs, lines `URL TAB SIZE TAB ALGORITHM:HASH TAB NAME`, a file of md5sum or its kin with --base, or a
    /// metalink (RFC 5854); - is standard input
    #[arg(value_name = "MANIFEST")]
    pub(crate) manifest: PathBuf,
    /// URL of the directory that names in the list are relative to
    #[arg(long, value_name = "URL")]
    pub(crate) base: Option<OsString>,
    /// Write into this directory, which is made if it is missing
    #[arg(short = 'O', long, value_name = "DIR", default_value = ".")]
    pub(crate) output_dir: PathBuf,
    /// Files at a time, each on a session of its own; a server that lets fewer in gets fewer
    #[arg(short = 'j', long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) parallel: u16,
    /// Take the I-th of N shares of the files, for N runs side by side
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub(crate) shard: Option<Shard>,
    #[command(flatten)]
    pub(crate) transfer: TransferArgs,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// A list, as for `rftp fetch`; or two directories, as for `rftp mirror`, one of them a URL
    #[arg(value_name = "MANIFEST | SOURCE TARGET", required = true, num_args = 1..=2)]
    pub(crate) operands: Vec<OsString>,
    /// The directory that holds the files of the list
    #[arg(short = 'O', long, value_name = "DIR", default_value = ".")]
    pub(crate) output_dir: PathBuf,
    /// What of two files is compared
    #[arg(long, value_name = "HOW", default_value = "hash")]
    pub(crate) compare: Comparison,
    /// Sessions that compare two directories
    #[arg(short = 'j', long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) parallel: u16,
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
    /// Download each file and hash it here, by this algorithm, instead of asking the server
    #[arg(long, value_name = "ALGORITHM")]
    pub(crate) download: Option<Algorithm>,
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
    /// Only names that match
    #[arg(long, value_name = "GLOB")]
    pub(crate) name: Option<String>,
    /// Only files, directories or links
    #[arg(long = "type", value_name = "f|d|l", value_parser = clap::builder::PossibleValuesParser::new(["f", "d", "l"]))]
    pub(crate) kind: Option<String>,
    /// Only files of so many bytes: +10M at least, -10M at most, 10M exactly
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub(crate) size: Option<String>,
    /// Only files that were changed at this time or later: 2026-11-26, 2026-11-26T12:34:56Z, or an age: 90min, 12h, 3d, 2w
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) newer: Option<i64>,
    /// Only files that were changed before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) older: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct DuArgs {
    /// Directories
    #[arg(value_name = "URL", required = true)]
    pub(crate) urls: Vec<OsString>,
    /// Only the sum of each
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
    /// The time, UTC: 2026-11-26, 2026-11-26T12:34:56Z; now without
    #[arg(short = 'd', long, value_name = "TIME", value_parser = time)]
    pub(crate) date: Option<ftp_proto::Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Comparison {
    /// Size and time, as precise as the server tells it
    Time,
    /// Size alone
    Size,
    /// Only the time: a file that is not newer counts as up to date
    Newer,
    /// Nothing: a file that is there counts as up to date
    Missing,
    /// The server's hash of each file
    Hash,
}

/// Options that hold for every command
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connection and output")]
pub(crate) struct Common {
    /// User to log in as, on the server of the URLs
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) user: Option<OsString>,
    /// File whose first line is the password; - is standard input
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Another netrc than $NETRC or ~/.netrc
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "no_netrc")]
    pub(crate) netrc_file: Option<PathBuf>,
    /// Read no netrc
    #[arg(long, global = true)]
    pub(crate) no_netrc: bool,
    /// Trust the certificate authorities in this PEM file, and no others
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Accept any certificate: whoever sits in between can read and change everything, the password included
    #[arg(long, global = true, conflicts_with = "ca")]
    pub(crate) insecure: bool,
    /// Client certificate (PEM), with --key
    #[arg(long, global = true, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// Key of the client certificate (PEM)
    #[arg(long, global = true, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Let the server open the data connections (PORT, EPRT)
    #[arg(long, global = true)]
    pub(crate) active: bool,
    /// Connect from this address of this machine
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(crate) bind: Option<IpAddr>,
    /// Connect through a proxy: socks5://[USER@]HOST[:1080], http://[USER@]HOST[:3128] (CONNECT), or ftp://[USER@]HOST[:21],
    /// which is logged in to as USER@HOST; its password comes from netrc
    #[arg(long, global = true, value_name = "URL", value_parser = crate::proxy::parse)]
    pub(crate) proxy: Option<ProxyUrl>,
    /// Seconds that the server may be silent
    #[arg(long, global = true, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// How many times something is tried again that may succeed later
    #[arg(long, global = true, value_name = "N", default_value_t = 5)]
    pub(crate) retries: u32,
    /// Seconds before the first further try; each further one waits twice as long, up to a minute
    #[arg(long, global = true, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub(crate) retry_delay: Duration,
    /// Say nothing but errors
    #[arg(short = 'q', long, global = true, conflicts_with_all = ["json", "progress"])]
    pub(crate) quiet: bool,
    /// Show commands and replies on standard error, passwords masked
    #[arg(long, global = true)]
    pub(crate) trace: bool,
    /// Report as JSON, an object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How to report progress; bars on a terminal, else lines
    #[arg(long, global = true, value_name = "HOW", conflicts_with = "json")]
    pub(crate) progress: Option<Progress>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Progress {
    /// Bars, on standard error
    Bar,
    /// A line a file
    Plain,
    /// Nothing but the summary and errors
    None,
}

/// Operands of which the last one is the target
pub(crate) fn split_last(
    mut operands: Vec<OsString>,
) -> Result<(Vec<OsString>, OsString), Failure> {
    match operands.pop() {
        Some(last) if !operands.is_empty() => Ok((operands, last)),
        _ => Err(Failure::usage("a source and a target are due")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
