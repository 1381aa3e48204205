//! `put`

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::context::Context;
use super::lookup::exists;
use crate::args::{PutArgs, split_last};
use crate::download::Terms;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::location::{Remote, join};
use crate::pool::Lease;
use crate::rate::Rate;
use crate::report::{Action, Reporter};
use crate::upload::{Begun, Job, Way, add_stream, upload, upload_stream};

pub(super) fn put(args: PutArgs, context: &Context) -> Result<Exit, Failure> {
    let Context { common, interrupt, .. } = context;
    let (files, url) = split_last(args.operands.clone())?;
    let places = context.places(&[url])?;
    let [remote] = places.remotes() else { return Err(Failure::usage("one URL is due")) };
    if files.len() > 1 && !remote.is_directory() {
        let failure = Failure::usage("several files go into a directory");
        return Err(failure.remedy("end the URL with a slash"));
    }
    let reads_stdin = files.iter().any(|file| file == "-");
    if reads_stdin && common.password_file.as_deref() == Some(Path::new("-")) {
        return Err(Failure::usage("standard input can't be both the password and a file"));
    }
    if args.unique && !remote.is_directory() {
        let failure = Failure::usage("the server chooses the name (--unique)");
        return Err(failure.remedy("end the URL with a slash"));
    }
    let reporter = Reporter::new(common);
    let rate = Rate::new(args.transfer.limit_rate.as_ref());
    let mut exits = Vec::new();
    let whole = places.each(|lease, pool, remote| {
        let terms = Terms { pool, args: &args.transfer, rate: &rate, interrupt };
        if args.mkdir {
            let folder = folder(remote);
            if !folder.is_empty() {
                lease.request(|client| client.create_dir_all(folder))?;
            }
        }
        for file in &files {
            if let Err(failure) = send(lease, terms, &args, file, remote, &reporter) {
                exits.push(failure.exit());
                let is_over = matches!(failure.exit(), Exit::Interrupted | Exit::Login | Exit::Tls);
                reporter.fail(crate::show::os_bytes(file), &failure);
                if is_over {
                    break;
                }
            }
        }
        Ok(())
    })?;
    let exit = Exit::of_all(exits.into_iter().chain([whole]));
    reporter.summary(exit);
    Ok(exit)
}

/// The directory that files go into
fn folder(remote: &Remote) -> &[u8] {
    let path = remote.path();
    match remote.is_directory() {
        true => path,
        false => path.iter().rposition(|byte| *byte == b'/').map_or(&[], |at| &path[..at]),
    }
}

fn send(
    lease: &mut Lease<'_>,
    terms: Terms<'_>,
    args: &PutArgs,
    file: &OsString,
    remote: &Remote,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let local = Path::new(file);
    let path = match remote.is_directory() {
        true if args.unique => remote.path().to_vec(),
        true => {
            let name = local.file_name().filter(|_| file != "-").ok_or_else(|| {
                Failure::usage("has no name that it could have on the server")
                    .about(crate::show::path(local))
                    .remedy("name the file in the URL")
            })?;
            join(remote.path(), crate::show::os_bytes(name))
        }
        false => remote.path().to_vec(),
    };
    if args.no_clobber && lease.request(|client| exists(client, &path))? {
        reporter.skipped(&path, "it exists on the server");
        return Ok(());
    }
    if args.append || args.unique {
        return add(lease, terms, args, local, &path, reporter);
    }
    if file == "-" {
        let running = reporter.begin(Action::Put, &path, None);
        let result = lease.once(|client| {
            upload_stream(client, terms, &mut std::io::stdin().lock(), &path, &running)
        });
        return running.end(result);
    }
    let size = std::fs::metadata(local).map_err(|error| Failure::local(local, &error))?.len();
    reporter.expect(1, size);
    let running = reporter.begin(Action::Put, &path, Some(size));
    let mut begun = Begun::Perhaps;
    let job = Job { local, remote: &path };
    let result = lease
        .attempt(&|| running.bytes(), |client| upload(client, terms, &job, &mut begun, &running));
    running.end(result).map_err(|failure| failure.about(crate::show::bytes(&path)))
}

/// Adds to a file of the server's, or makes a new one under a name of its choice: neither can be done twice
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
    let running = reporter.begin(Action::Put, path, size);
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
