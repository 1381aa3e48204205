//! The command lines of `mirror`, and of `verify` with two directories

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use ftp_proto::LocalRules;

use crate::args::{
    Common, Comparison, MirrorArgs, SegmentArgs, Segments, TransferArgs, VerifyArgs,
};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::location::Location;
use crate::login::Logins;
use crate::mirror::{Mirror, Purpose, Record, Sides};
use crate::plan::{Compare, Direction, Policy};
use crate::pool::Pool;
use crate::site::Site;

pub(super) fn mirror(
    args: &MirrorArgs,
    common: &Common,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let purpose = if args.dry_run { Purpose::DryRun } else { Purpose::Mirror };
    run(args, purpose, common, interrupt)
}

/// Runs `verify` with two directories
pub(super) fn compare(
    args: &VerifyArgs,
    [source, target]: [OsString; 2],
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
        state: None,
        shard: None,
        segments: SegmentArgs { segments: Segments::ONE },
        transfer: TransferArgs::plain(),
    };
    run(&args, Purpose::Verify, common, interrupt)
}

fn run(
    args: &MirrorArgs,
    purpose: Purpose,
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
        filter: args.filter.filter()?,
        names: match direction {
            Direction::Down => LocalRules::current(),
            Direction::Up => LocalRules::Unix,
        },
        // A download with --inplace has a state file, which is named after the temporary name, too.
        suffix: (direction == Direction::Down || !args.transfer.inplace)
            .then(|| args.transfer.temp_suffix.clone()),
    };
    let logins = Logins::new(common, &[&remote])?;
    let site = Site::new(&remote, &logins, common)?;
    let sessions = args.parallel.for_segments(args.segments.segments);
    let pool = Pool::new(site, sessions, interrupt);
    let sides = Sides { direction, local, remote: remote.path().to_vec(), follow: args.follow };
    let record = match &args.state {
        Some(path) => record(path, &sides, purpose, pool.site())?,
        None => None,
    };
    Mirror::new(args, purpose, policy, sides, record, &pool, interrupt).run()
}

/// Opens the record of this mirror
fn record(
    path: &Path,
    sides: &Sides,
    purpose: Purpose,
    site: &Site,
) -> Result<Option<Record>, Failure> {
    let local = |path: &Path| -> Result<PathBuf, Failure> {
        std::path::absolute(path).map_err(|error| Failure::local(path, &error))
    };
    let folder = local(path)?.parent().and_then(|folder| folder.canonicalize().ok());
    let is_inside = folder
        .zip(sides.local.canonicalize().ok())
        .is_some_and(|(folder, local)| folder.starts_with(local));
    if is_inside {
        return Err(Failure::usage("the state is in the directory that is mirrored")
            .about(crate::show::path(path))
            .remedy("name a file elsewhere"));
    }
    let server = site.place(&sides.remote);
    // Without `.` and a slash at the end.
    let here: PathBuf = local(&sides.local)?.components().collect();
    let here = crate::show::path(&here);
    let mirror = match sides.direction {
        Direction::Down => format!("from {server} to {here}"),
        Direction::Up => format!("from {here} to {server}"),
    };
    match purpose {
        Purpose::Mirror => Record::open(path, mirror).map(Some),
        Purpose::DryRun | Purpose::Verify => Record::look(path, mirror),
    }
}
