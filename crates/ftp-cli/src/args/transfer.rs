//! Options of the commands that transfer or compare files

use clap::{Args, ValueEnum};

use super::timetable::Timetable;
use super::values::{Segments, moment, segments, sizes, suffix};
use crate::plan::Sizes;

#[derive(Clone, Debug, Args)]
pub(crate) struct TransferArgs {
    /// Write under the final name at once; other programs can then see incomplete files
    #[arg(long)]
    pub(crate) inplace: bool,
    /// The suffix of the names of incomplete files
    #[arg(long, value_name = "SUFFIX", default_value = ".part", value_parser = suffix)]
    pub(crate) temp_suffix: String,
    /// Start again instead of resuming the incomplete file of an earlier run
    #[arg(long)]
    pub(crate) no_resume: bool,
    /// Compare with the server's hash after the transfer, if the server offers one (HASH, XSHA256, XMD5 and others)
    #[arg(long)]
    pub(crate) verify: bool,
    /// Maximum bytes per second, for all files together: 500k, 10M; or by this machine's clock: '08:00,1M 18:00,off',
    /// 'Fri-18:00,off Mon-06:00,1M'
    #[arg(long, value_name = "RATE", value_parser = Timetable::parse)]
    pub(crate) limit_rate: Option<Timetable>,
    /// Wait until a file is on the disk before it gets its name
    #[arg(long)]
    pub(crate) fsync: bool,
    /// What a copy keeps besides the modification time
    #[arg(long, value_name = "WHAT")]
    pub(crate) preserve: Option<Preserve>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preserve {
    /// Permissions to read, write and execute
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

/// How one file is divided among sessions
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct SegmentArgs {
    /// Sessions that download one large file together: N for files of 8 MiB or more; auto is four for files of 64 MiB or more
    #[arg(long, value_name = "N|auto", default_value = "1", value_parser = segments, conflicts_with = "inplace")]
    pub(crate) segments: Segments,
}

/// Selects files
#[derive(Clone, Debug, Args)]
pub(crate) struct FilterArgs {
    /// Include files that match, despite an earlier --exclude; the last option that matches wins
    #[arg(long, value_name = "GLOB")]
    pub(crate) include: Vec<String>,
    /// Exclude files and directories that match: a name at any level or, with a slash, a path
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// Only files changed at this time or later: 2026-11-26, 2026-11-26T12:34:56Z, or an age: 90min, 12h, 3d, 2w
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) newer: Option<i64>,
    /// Only files changed before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) older: Option<i64>,
    /// Only files of this size: +10M is at least, -10M at most, 10M exactly; with several, all must fit
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true, value_parser = sizes)]
    pub(crate) size: Vec<Sizes>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Comparison {
    /// By size and time, in the precision of the server's times
    Time,
    /// By size alone
    Size,
    /// By time alone: a file is up to date unless the source is newer
    Newer,
    /// A file that exists is up to date
    Missing,
    /// By the server's hash of each file
    Hash,
}
