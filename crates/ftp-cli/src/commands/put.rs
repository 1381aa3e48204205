//! `put`: uploads files

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use ftp_session::timestamp;

use super::context::Context;
use super::get::below_root;
use super::lookup::{Changed, absent, changed, exists, is_directory, not_a_file};
use super::names::Names;
use super::queue::{Queues, Work, finish};
use crate::args::{Parallel, PutArgs, split_last};
use crate::download::Terms;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::location::{Remote, join};
use crate::partial::STATE_FROM;
use crate::pool::{Lease, Pool};
use crate::rate::Rate;
use crate::report::{Action, Reporter};
use crate::upload::{Begun, Job, Way, add_stream, metadata, upload, upload_stream};

/// A file to upload, and its place on the server
struct Wanted {
    local: OsString,
    /// The file on the server or, with --unique, its directory
    remote: Remote,
}

pub(super) fn put(args: PutArgs, mut names: Names, context: &Context) -> Result<Exit, Failure> {
    let Context { common, interrupt, .. } = context;
    let (files, url) = split_last(args.operands.clone())?;
    let target = context.remote(&url)?;
    if files.len() > 1 && !target.is_directory() {
        let failure = Failure::usage("several files go into a directory");
        return Err(failure.remedy("end the URL with a slash"));
    }
    let reads_stdin = files.iter().any(|file| file == "-");
    if reads_stdin && common.password_file.as_deref() == Some(Path::new("-")) {
        return Err(Failure::usage("standard input can't be both the password and a file"));
    }
    if reads_stdin {
        input::must_be_open()?;
    }
    if reads_stdin && args.only_newer {
        return Err(Failure::usage("standard input has no time").about("--only-newer"));
    }
    if args.unique && !target.is_directory() {
        let failure = Failure::usage("the server chooses the name (--unique)");
        return Err(failure.remedy("end the URL with a slash"));
    }
    let wanted = wanted(files, &target, &args, &mut names)?;
    // Appended content, and names that the server chooses, must be in the order of the command line.
    let is_in_order = args.append || args.unique;
    let parallel = if is_in_order { Parallel::Number(1) } else { args.parallel };
    let sessions = parallel.of_files(wanted.len());
    let queues = Queues::new(wanted, |wanted| &wanted.remote, sessions, context)?;
    let reporter = Reporter::new(common);
    names.report(&reporter);
    let rate = Rate::new(args.transfer.limit_rate.as_ref());
    let folder = folder(&target);
    // Several threads may create it at the same time: none waits for another one, which may lack a session.
    let is_created = AtomicBool::new(!args.mkdir || folder.is_empty());
    let has_folder = OnceLock::new();
    queues.work_off(
        parallel.most(),
        &Work {
            look: |lease: &mut Lease<'_>, wanted: &Wanted| {
                let is_wanted = look(lease, &args, wanted, &reporter)?;
                if args.dry_run && is_wanted {
                    if !is_there(lease, folder, &has_folder)? {
                        if !args.mkdir {
                            return Err(absent().about(crate::show::bytes(folder)));
                        }
                        // Only one thread reports it.
                        if !is_created.swap(true, Ordering::Relaxed) {
                            reporter.did(Action::Mkdir, folder, true);
                        }
                    }
                    let path = wanted.remote.path();
                    if !args.unique && lease.request(|client| is_directory(client, path))? {
                        return Err(not_a_file().about(crate::show::bytes(path)));
                    }
                    would_put(wanted, args.unique, &reporter)?;
                }
                Ok((is_wanted && !args.dry_run).then_some(()))
            },
            carry_out: |lease: &mut Lease<'_>, pool: &Pool, wanted: &Wanted, ()| {
                if !is_created.load(Ordering::Relaxed) {
                    lease.request(|client| client.create_dir_all(folder))?;
                    is_created.store(true, Ordering::Relaxed);
                }
                let terms = Terms { pool, args: &args.transfer, rate: &rate, interrupt };
                send(lease, terms, &args, wanted, &reporter)
            },
            fail: |wanted: &Wanted, failure: &Failure| {
                let name = crate::show::os_bytes(&wanted.local);
                match Path::new(&wanted.local).exists() {
                    true => reporter.fail(name, failure),
                    // Perhaps a URL that was taken for a path.
                    false => reporter.fail(&crate::show::without_password(name), failure),
                }
            },
        },
    );
    Ok(finish(&reporter, interrupt))
}

/// Returns the files to upload, each with its own place on the server
fn wanted(
    files: Vec<OsString>,
    target: &Remote,
    args: &PutArgs,
    names: &mut Names,
) -> Result<Vec<Wanted>, Failure> {
    let mut taken = BTreeSet::new();
    let mut place = |local: &OsString| {
        if args.unique || !target.is_directory() {
            return Ok(target.clone());
        }
        let shown = crate::show::path(Path::new(local));
        let name = Path::new(local).file_name().filter(|_| local != "-").ok_or_else(|| {
            Failure::usage("has no name that can be used on the server")
                .about(shown.clone())
                .remedy("name the file in the URL")
        })?;
        let path = join(target.path(), crate::show::os_bytes(name));
        if !taken.insert(path.clone()) && !args.append {
            return Err(Failure::usage("another file would get the same name on the server")
                .about(shown)
                .remedy("upload it into another directory"));
        }
        Ok(target.at(path))
    };
    let filter = args.rules.filter();
    let is_wanted = |local: &OsString| {
        let path = below_root(crate::show::os_bytes(local));
        filter.takes(path.strip_prefix(b"./").unwrap_or(path))
    };
    let mut all = Vec::new();
    for local in files.into_iter().filter(is_wanted) {
        match place(&local) {
            Ok(remote) => all.push(Wanted { local, remote }),
            Err(failure) => names.refuse(crate::show::os_bytes(&local), failure)?,
        }
    }
    if args.transfer.inplace {
        return Ok(all);
    }
    names.without_reserved(all, |wanted| wanted.remote.path(), &args.transfer.temp_suffix)
}

/// Returns the directory that files go into
fn folder(remote: &Remote) -> &[u8] {
    let path = remote.path();
    match remote.is_directory() {
        true => path,
        false => path.iter().rposition(|byte| *byte == b'/').map_or(&[], |at| &path[..at]),
    }
}

/// Whether a file is to be uploaded
fn look(
    lease: &mut Lease<'_>,
    args: &PutArgs,
    wanted: &Wanted,
    reporter: &Reporter,
) -> Result<bool, Failure> {
    let path = wanted.remote.path();
    if args.no_clobber && lease.request(|client| exists(client, path))? {
        reporter.skipped(path, "it exists on the server");
        return Ok(false);
    }
    if args.only_newer {
        let local = Path::new(&wanted.local);
        let here = metadata(local)?.modified().map_err(|error| Failure::local(local, &error))?;
        let is_newer = match lease.request(|client| changed(client, path)).map_err(left_alone)? {
            Changed::Absent => true,
            Changed::At(there) => is_newer(here, there),
            Changed::Unknown => {
                let message = "the server does not tell when it was changed";
                return Err(left_alone(Failure::new(Exit::Refused, message)));
            }
        };
        if !is_newer {
            reporter.kept();
            return Ok(false);
        }
    }
    Ok(true)
}

/// Adds to a refusal to tell the time of a file what follows from it
fn left_alone(failure: Failure) -> Failure {
    match failure.exit() {
        Exit::Refused => failure
            .adding("a file of this name may be newer on the server, so it is left alone")
            .remedy("without --only-newer it is replaced"),
        _ => failure,
    }
}

/// Whether a local file's time is later than the server's, in seconds unless the server reports fractions
fn is_newer(here: SystemTime, there: SystemTime) -> bool {
    let (Some(here), Some(there)) = (timestamp(here), timestamp(there)) else { return true };
    match there.nanosecond() {
        // Uploads set whole seconds.
        0 => here.to_unix() > there.to_unix(),
        fraction => (here.to_unix(), here.nanosecond()) > (there.to_unix(), fraction),
    }
}

/// Whether the directory for the files of a dry run exists, which is asked once
fn is_there(lease: &mut Lease<'_>, folder: &[u8], known: &OnceLock<bool>) -> Result<bool, Failure> {
    if let Some(is_there) = known.get() {
        return Ok(*is_there);
    }
    let is_there = folder.is_empty()
        || lease.request(|client| match exists(client, folder) {
            // Some servers take uploads into directories that they do not show.
            Err(error) if !error.is_fatal() && !error.is_auth() => Ok(true),
            // To SIZE, some servers call a directory a missing file.
            Ok(false) => is_directory(client, folder),
            result => result,
        })?;
    Ok(*known.get_or_init(|| is_there))
}

/// Reports a file that a dry run would upload
fn would_put(wanted: &Wanted, is_unique: bool, reporter: &Reporter) -> Result<(), Failure> {
    let local = Path::new(&wanted.local);
    let size = match local == Path::new("-") {
        true => None,
        false => Some(metadata(local)?.len()),
    };
    match is_unique {
        true => reporter.would(Action::Put, &unknown_name(wanted.remote.path()), size),
        false => reporter.would(Action::Put, wanted.remote.path(), size),
    }
    Ok(())
}

/// Returns how a file in a directory is shown whose name the server chooses: the directory, with a slash
fn unknown_name(folder: &[u8]) -> Vec<u8> {
    let folder = if folder.is_empty() { b"." } else { folder };
    [folder.strip_suffix(b"/").unwrap_or(folder), b"/"].concat()
}

fn send(
    lease: &mut Lease<'_>,
    terms: Terms<'_>,
    args: &PutArgs,
    wanted: &Wanted,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let (local, path) = (Path::new(&wanted.local), wanted.remote.path());
    if args.append || args.unique {
        return add(lease, terms, args, local, path, reporter);
    }
    if local == Path::new("-") {
        let running = reporter.begin(Action::Put, path, None);
        let result = lease.once(|client| {
            upload_stream(client, terms, &mut std::io::stdin().lock(), path, &running)
        });
        return running.end(result);
    }
    let size = std::fs::metadata(local).map_err(|error| Failure::local(local, &error))?.len();
    reporter.expect(1, size);
    let running = reporter.begin(Action::Put, path, Some(size));
    // To send a small file again takes no longer than to compare a part of it.
    let begun = if size < STATE_FROM { Begun::No } else { Begun::Perhaps };
    let job = Job { local, remote: path };
    let result = upload(lease, terms, &job, begun, &running);
    running.end(result).map_err(|failure| failure.about(crate::show::bytes(path)))
}

/// Appends to a file, or creates one under a name that the server chooses; neither may be retried
fn add(
    lease: &mut Lease<'_>,
    terms: Terms<'_>,
    args: &PutArgs,
    local: &Path,
    path: &[u8],
    reporter: &Reporter,
) -> Result<(), Failure> {
    let (mut file, mut stdin);
    let (from, size): (&mut dyn Read, _) = match local == Path::new("-") {
        true => {
            stdin = std::io::stdin().lock();
            (&mut stdin, None)
        }
        false => {
            file = File::open(local).map_err(|error| Failure::local(local, &error))?;
            let metadata = file.metadata().map_err(|error| Failure::local(local, &error))?;
            (&mut file, Some(metadata.len()))
        }
    };
    let way = match args.unique {
        true => Way::Unique { folder: path },
        false => Way::Append { path },
    };
    reporter.expect(1, size.unwrap_or(0));
    let running = match args.unique {
        true => reporter.begin(Action::Put, &unknown_name(path), size),
        false => reporter.begin(Action::Put, path, size),
    };
    let result = lease.once(|client| add_stream(client, terms, from, way, &running));
    let (result, name) = match result {
        Ok((moved, name)) => (Ok(moved), name),
        Err(failure) => (Err(failure), None),
    };
    let running = match &name {
        Some(name) => running.renamed(name),
        None => running,
    };
    running.end(result).map_err(|failure| failure.about(crate::show::path(local)))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    #[test]
    fn times_are_compared_as_precisely_as_the_server_reports_them() {
        let at = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        for (here, there, is_newer) in [
            (5000, 5000, false),
            (5900, 5000, false),
            (6000, 5000, true),
            (4999, 5000, false),
            (5900, 5500, true),
            (5400, 5500, false),
            (5500, 5500, false),
        ] {
            assert_eq!(super::is_newer(at(here), at(there)), is_newer, "{here} {there}");
        }
    }
}
