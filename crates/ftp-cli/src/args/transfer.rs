//! Options of the commands that transfer or compare files

use clap::{ArgMatches, Args, FromArgMatches, ValueEnum};

use super::timetable::Timetable;
use super::values::{Segments, moment, segments, sizes, suffix};
use crate::failure::Failure;
use crate::plan::{Ages, Filter, Rule, Sizes};

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

/// Selects files by name; the last rule that matches wins
#[derive(Clone, Debug, Default)]
pub(crate) struct RuleArgs {
    /// The rules in the order of the command line, which clap's derive would lose
    pub(crate) rules: Vec<Rule>,
}

/// The options of the command line
#[derive(Debug, Args)]
struct RuleOptions {
    /// Include files that match, despite an earlier --exclude; the last option that matches wins
    #[arg(long, value_name = "GLOB", value_parser = |text: &str| Rule::new(true, text))]
    include: Vec<Rule>,
    /// Exclude files and directories that match: a name at any level or, with a slash, a path
    #[arg(long, value_name = "GLOB", value_parser = |text: &str| Rule::new(false, text))]
    exclude: Vec<Rule>,
}

impl Args for RuleArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        RuleOptions::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        RuleOptions::augment_args_for_update(command)
    }
}

impl FromArgMatches for RuleArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let RuleOptions { include, exclude } = RuleOptions::from_arg_matches(matches)?;
        let places = |id| matches.indices_of(id).into_iter().flatten();
        let mut rules: Vec<(usize, Rule)> = places("include").zip(include).collect();
        rules.extend(places("exclude").zip(exclude));
        rules.sort_by_key(|(at, _)| *at);
        Ok(Self { rules: rules.into_iter().map(|(_, rule)| rule).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl RuleArgs {
    /// Returns the filter of a command without bounds of times and sizes
    pub(crate) fn filter(&self) -> Filter {
        Filter::new(self.rules.clone(), Ages::default(), Sizes::ALL)
    }
}

impl FilterArgs {
    pub(crate) fn filter(&self) -> Result<Filter, Failure> {
        let ages = Ages { newer: self.newer, older: self.older };
        let sizes = Sizes::all_of(&self.size).map_err(Failure::usage)?;
        Ok(Filter::new(self.rules.rules.clone(), ages, sizes))
    }
}

/// Selects files
#[derive(Clone, Debug, Args)]
pub(crate) struct FilterArgs {
    #[command(flatten)]
    pub(crate) rules: RuleArgs,
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
