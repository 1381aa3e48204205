//! `get`: downloads files

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftp_proto::{LocalRules, NameError, TakenNames};
use ftp_session::{UrlTarget, local_path};

use super::cat;
use super::context::Context;
use super::lookup::{absent, exists, is_directory, not_a_file};
use super::names::Names;
use super::queue::{Queues, Work, finish};
use crate::args::GetArgs;
use crate::download::{Job, Source, Terms};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::latest;
use crate::location::Remote;
use crate::look::{self, Looked};
use crate::ordinary::{leads_to_special, not_ordinary};
use crate::partial::Version;
use crate::pool::{Lease, Pool};
use crate::rate::Rate;
use crate::report::{Action, Reporter};

pub(super) fn get(args: &GetArgs, mut names: Names, context: &Context) -> Result<Exit, Failure> {
    if args.output.as_deref() == Some(Path::new("-")) {
        let checks = [("--checksum", args.checksum.is_some()), ("--verify", args.transfer.verify)];
        if let Some((option, _)) = checks.into_iter().find(|(_, is_given)| *is_given) {
            return Err(Failure::usage(
                "the file is checked when it is complete, and standard output has it by then",
            )
            .about(option)
            .remedy("write to a file"));
        }
        let about_a_file = [
            ("--no-clobber", args.no_clobber),
            ("--only-newer", args.only_newer),
            ("--dry-run", args.dry_run),
            ("--include, --exclude", !args.rules.rules.is_empty()),
        ];
        if let Some((option, _)) = about_a_file.into_iter().find(|(_, is_given)| *is_given) {
            return Err(
                Failure::usage("is about a file, and this is standard output").about(option)
            );
        }
        let refused = names.tell();
        return Ok(Exit::of_all([refused, cat::write_out(&args.urls, None, context)?]));
    }
    if let Some(path) = args.output.as_ref().filter(|path| !path.is_dir()) {
        if args.urls.len() > 1 {
            return Err(
                Failure::usage("-o FILE is for one URL").remedy("-O DIR takes several files")
            );
        }
        if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            return Err(Failure::new(Exit::Local, "is not a directory")
                .about(crate::show::path(path))
                .remedy("-O DIR creates it"));
        }
        if leads_to_special(path) && !args.no_clobber {
            return Err(not_ordinary(path).remedy("-o - writes to standard output"));
        }
    }
    if args.checksum.is_some() && args.urls.len() > 1 {
        let failure = Failure::usage("--checksum is for one URL");
        return Err(failure.remedy("`rftp fetch` takes a list with a hash for each file"));
    }
    let Context { common, interrupt, .. } = context;
    let wanted = wanted(args, &mut names, context)?;
    if let Some(folder) = args.output_dir.as_ref().filter(|_| !args.dry_run) {
        std::fs::create_dir_all(folder).map_err(|error| Failure::local(folder, &error))?;
    }
    let sessions = args.parallel.of_files(wanted.len()).for_segments(args.segments.segments);
    let queues = Queues::new(wanted, |wanted| &wanted.remote, sessions, context)?;
    let may_divide = args.segments.segments.most() > 1 && !args.dry_run;
    let ahead = queues.only().filter(|_| may_divide);
    let reporter = Reporter::new(common);
    names.report(&reporter);
    let rate = Rate::new(args.transfer.limit_rate.as_ref());
    queues.work_off(
        args.parallel.most(),
        &Work {
            look: |lease: &mut Lease<'_>, wanted: &Wanted| {
                look(lease, ahead, args, wanted, &reporter)
            },
            carry_out: |lease: &mut Lease<'_>, pool: &Pool, wanted: &Wanted, looked| {
                let terms = Terms { pool, args: &args.transfer, rate: &rate, interrupt };
                fetch(lease, terms, args, wanted, looked, &reporter)
            },
            fail: |wanted: &Wanted, failure: &Failure| {
                reporter.fail(wanted.remote.path(), failure);
            },
        },
    );
    if let Some(pool) = ahead {
        pool.end_ahead();
    }
    Ok(finish(&reporter, interrupt))
}

/// A file to download, and its local path
struct Wanted {
    remote: Remote,
    local: PathBuf,
}

/// Returns the files to download, each with its own local path
fn wanted(args: &GetArgs, names: &mut Names, context: &Context) -> Result<Vec<Wanted>, Failure> {
    let mut taken = TakenNames::new(LocalRules::current());
    let mut place = |remote: &Remote| {
        let shown = crate::show::bytes(remote.path());
        if remote.is_directory() {
            return Err(Failure::usage("is a directory")
                .about(shown)
                .remedy("`rftp mirror` takes directories"));
        }
        if remote.target() == UrlTarget::Text {
            return Err(Failure::usage("texts (;type=a) are for `rftp cat`").about(shown));
        }
        let folder = match (&args.output, &args.output_dir) {
            (Some(path), _) if !path.is_dir() => return Ok(path.clone()),
            (Some(folder), _) | (None, Some(folder)) => folder.clone(),
            (None, None) => PathBuf::new(),
        };
        let unfit = |error: NameError| {
            let failure = Failure::usage(error.to_string()).about(&shown);
            failure.remedy("-o FILE gives it another name")
        };
        let local = local_path(folder, remote.name()).map_err(unfit)?;
        taken.take(remote.name()).map_err(unfit)?;
        Ok(local)
    };
    let filter = args.rules.filter();
    let mut all = Vec::new();
    for remote in context.remotes(&args.urls)? {
        if filter.takes(below_root(remote.path())) {
            match place(&remote) {
                Ok(local) => all.push(Wanted { remote, local }),
                Err(failure) => names.refuse(remote.path(), failure)?,
            }
        }
    }
    let suffix = &args.transfer.temp_suffix;
    names.without_reserved(all, |wanted| crate::show::os_bytes(wanted.local.as_os_str()), suffix)
}

/// Asks the server for size and time of a file; `None` if it is not to be fetched
///
/// Meanwhile a second session of the pool `ahead` logs in, which fetches the file, too, if it is large enough.
fn look(
    lease: &mut Lease<'_>,
    ahead: Option<&Arc<Pool>>,
    args: &GetArgs,
    wanted: &Wanted,
    reporter: &Reporter,
) -> Result<Option<Looked>, Failure> {
    let (path, local) = (wanted.remote.path(), &*wanted.local);
    if args.no_clobber && local.symlink_metadata().is_ok() {
        reporter.skipped(path, "it exists here");
        return Ok(None);
    }
    if let Some(pool) = ahead {
        pool.open_ahead();
    }
    let looked = lease.request(|client| look::look(client, &args.transfer, path))?;
    if args.only_newer && is_up_to_date(local, looked.version) {
        reporter.kept();
        return Ok(None);
    }
    if args.dry_run {
        would_get(lease, path, path, looked.version, reporter)?;
        return Ok(None);
    }
    reporter.expect(1, looked.version.size.unwrap_or(0));
    Ok(Some(looked))
}

/// Reports a file that a dry run would fetch, under this name; an error if it does not exist
pub(super) fn would_get(
    lease: &mut Lease<'_>,
    path: &[u8],
    name: &[u8],
    version: Version,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let is_known = version != Version::default();
    if !is_known && lease.request(|client| is_directory(client, path))? {
        return Err(not_a_file());
    }
    // The server may refuse to say whether it exists: then only RETR shows it.
    if !is_known && lease.request(|client| exists(client, path)).is_ok_and(|exists| !exists) {
        return Err(absent());
    }
    reporter.would(Action::Get, name, version.size);
    Ok(())
}

/// Returns a path as the patterns of `--include` and `--exclude` see it
pub(super) fn below_root(path: &[u8]) -> &[u8] {
    let start = path.iter().position(|byte| *byte != b'/').unwrap_or(path.len());
    &path[start..]
}

fn fetch(
    lease: &mut Lease<'_>,
    terms: Terms<'_>,
    args: &GetArgs,
    wanted: &Wanted,
    looked: Looked,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let (path, local) = (wanted.remote.path(), &*wanted.local);
    let Looked { version, mode } = looked;
    let running = reporter.begin(Action::Get, path, version.size);
    let job = Job {
        remote: path,
        local,
        version,
        modified: version.modified,
        mode,
        expected: args.checksum.clone(),
        source: Source::Request,
    };
    let result = latest::download(terms.pool, lease, terms, &job, args.segments.segments, &running);
    running.end(result).map_err(|failure| failure.about(crate::show::bytes(path)))
}

/// Whether a local file has the size of the server's file and is not older; false if the server reports no time
fn is_up_to_date(local: &Path, version: Version) -> bool {
    let Ok(metadata) = local.metadata() else { return false };
    let (Some(modified), Ok(here)) = (version.modified, metadata.modified()) else { return false };
    metadata.is_file() && version.size.is_none_or(|size| size == metadata.len()) && here >= modified
}
