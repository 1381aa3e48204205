//! `mirror`, and `verify` for two directories: their command lines

use std::ffi::OsString;

use clap::ArgMatches;
use ftp_proto::LocalRules;

use crate::args::{
    Common, Comparison, FilterArgs, MirrorArgs, SegmentArgs, Segments, TransferArgs, VerifyArgs,
};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::location::Location;
use crate::login::Logins;
use crate::mirror::{Mirror, Purpose, Sides};
use crate::plan::{Ages, Compare, Direction, Filter, Policy, Rule, Sizes};
use crate::pool::Pool;
use crate::site::Site;

pub(super) fn mirror(
    args: &MirrorArgs,
    matches: &ArgMatches,
    common: &Common,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let purpose = if args.dry_run { Purpose::DryRun } else { Purpose::Mirror };
    run(args, purpose, matches, "mirror", common, interrupt)
}

/// `verify` for two directories
pub(super) fn compare(
    args: &VerifyArgs,
    [source, target]: [OsString; 2],
    matches: &ArgMatches,
    common: &Common,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let args = MirrorArgs {
        source,
        target,
        parallel: args.parallel,
        compare: args.compare,
        delete: true,
        max_delete: None,
        max_errors: None,
        filter: args.filter.clone(),
        follow: args.follow,
        dry_run: true,
        shard: None,
        segments: SegmentArgs { segments: Segments::ONE },
        transfer: TransferArgs::plain(),
    };
    run(&args, Purpose::Verify, matches, "verify", common, interrupt)
}

fn run(
    args: &MirrorArgs,
    purpose: Purpose,
    matches: &ArgMatches,
    command: &str,
    common: &Common,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let (source, target) = (Location::parse(&args.source)?, Location::parse(&args.target)?);
    let (direction, remote, local) = match (source, target) {
        (Location::Remote(remote), Location::Local(local)) => (Direction::Down, remote, local),
        (Location::Local(local), Location::Remote(remote)) => (Direction::Up, remote, local),
        (Location::Remote(_), Location::Remote(_)) => {
            return Err(
                Failure::usage("both are on servers").remedy("mirror to a local directory first")
            );
        }
        (Location::Local(path), Location::Local(_)) => {
            return Err(Failure::usage("both are local directories")
                .about(crate::show::path(&path))
                .remedy("one is to be a URL: ftp://HOST/PATH/"));
        }
    };
    let policy = Policy {
        direction,
        compare: match args.compare {
            Comparison::Time => Compare::SizeAndTime,
            Comparison::Size => Compare::Size,
            Comparison::Newer => Compare::Newer,
            Comparison::Missing => Compare::Missing,
            Comparison::Hash => Compare::Content,
        },
        delete: args.delete,
        max_delete: args.max_delete,
        filter: filter(&args.filter, matches.subcommand_matches(command).unwrap_or(matches))?,
        names: match direction {
            Direction::Down => LocalRules::current(),
            Direction::Up => LocalRules::Unix,
        },
        suffix: (!args.transfer.inplace).then(|| args.transfer.temp_suffix.clone()),
    };
    let logins = Logins::new(common, &[&remote])?;
    let site = Site::new(&remote, &logins, common)?;
    let sessions = args.parallel.for_segments(args.segments.segments);
    let pool = Pool::new(site, sessions, interrupt);
    let sides = Sides { direction, local, remote: remote.path().to_vec(), follow: args.follow };
    Mirror::new(args, purpose, common, policy, sides, &pool, interrupt).run()
}

/// The rules in the order of the command line
fn filter(args: &FilterArgs, matches: &ArgMatches) -> Result<Filter, Failure> {
    let mut rules = Vec::new();
    for (id, includes, patterns) in
        [("include", true, &args.include), ("exclude", false, &args.exclude)]
    {
        for (at, pattern) in matches.indices_of(id).into_iter().flatten().zip(patterns) {
            rules.push((at, Rule::new(includes, pattern).map_err(Failure::usage)?));
        }
    }
    rules.sort_by_key(|(at, _)| *at);
    let ages = Ages { newer: args.newer, older: args.older };
    let sizes = Sizes::all_of(&args.size).map_err(Failure::usage)?;
    Ok(Filter::new(rules.into_iter().map(|(_, rule)| rule).collect(), ages, sizes))
}
