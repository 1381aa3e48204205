//! `get` and `cat`

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use ftp_blocking::Client;
use ftp_proto::Get;
use ftp_session::{UrlTarget, local_path};

use super::context::Places;
use crate::args::{Common, GetArgs, UrlsArgs};
use crate::download::{Job, Terms, download, version};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::location::Remote;
use crate::pool::{Lease, Pool};
use crate::rate::Rate;
use crate::report::{Action, Reporter};

pub(super) fn get(args: &GetArgs, common: &Common, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let places = Places::new(&args.urls, common, interrupt)?;
    if args.output.as_deref() == Some(Path::new("-")) {
        return write_out(&places);
    }
    let is_file = args.output.as_ref().is_some_and(|path| !path.is_dir());
    if is_file && places.remotes().len() > 1 {
        return Err(Failure::usage("one -o is for one URL").remedy("-O DIR takes several files"));
    }
    if let Some(folder) = &args.output_dir {
        std::fs::create_dir_all(folder).map_err(|error| Failure::local(folder, &error))?;
    }
    let reporter = Reporter::new(common);
    let rate = Rate::new(args.transfer.limit_rate);
    let exit = places.each(|lease, pool, remote| {
        let local = target(args, remote)?;
        if args.no_clobber && local.symlink_metadata().is_ok() {
            reporter.skipped(remote.path(), "it exists here");
            return Ok(());
        }
        let terms = Terms { site: pool.site(), args: &args.transfer, rate: &rate, interrupt };
        fetch(lease, terms, remote, &local, &reporter)
    })?;
    reporter.summary(exit);
    Ok(exit)
}

fn target(args: &GetArgs, remote: &Remote) -> Result<PathBuf, Failure> {
    let folder = match (&args.output, &args.output_dir) {
        (Some(path), _) if !path.is_dir() => return Ok(path.clone()),
        (Some(folder), _) | (None, Some(folder)) => folder.clone(),
        (None, None) => PathBuf::new(),
    };
    if remote.is_directory() {
        return Err(Failure::usage("is a directory").remedy("`rftp mirror` takes directories"));
    }
    local_path(folder, remote.name())
        .map_err(|error| Failure::usage(error.to_string()).remedy("-o FILE gives it another name"))
}

fn fetch(
    lease: &mut Lease<'_>,
    terms: Terms<'_>,
    remote: &Remote,
    local: &Path,
    reporter: &Reporter,
) -> Result<(), Failure> {
    let path = remote.path();
    if remote.url.target() == UrlTarget::Text {
        return Err(Failure::usage("texts (;type=a) are for `rftp cat`"));
    }
    let version = lease.request(|client| version(client, path))?;
    reporter.expect(1, version.size.unwrap_or(0));
    let running = reporter.begin(Action::Get, path, version.size);
    let job = Job { remote: path, local, version, modified: version.modified, expected: None };
    let result =
        lease.attempt(&|| running.bytes(), |client| download(client, terms, &job, &running));
    running.end(result)
}

pub(super) fn cat(
    args: &UrlsArgs,
    common: &Common,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    write_out(&Places::new(&args.urls, common, interrupt)?)
}

/// Files to standard output, one after the other
fn write_out(places: &Places) -> Result<Exit, Failure> {
    places.each(|lease, pool, remote| {
        if remote.is_directory() {
            return Err(Failure::usage("is a directory").remedy("`rftp ls` lists it"));
        }
        lease.attempt(&|| 0, |client| write_one(client, pool, remote))
    })
}

fn write_one(client: &mut Client, pool: &Pool, remote: &Remote) -> Result<(), Failure> {
    let get = Get::new(remote.path());
    let get = if remote.url.target() == UrlTarget::Text { get.ascii() } else { get };
    let mut download = client.get(get).map_err(|error| pool.site().failure(error))?;
    let mut block = vec![0; 64 * 1024];
    let mut out = std::io::stdout().lock();
    let mut is_begun = false;
    loop {
        let count = match download.read(&mut block) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => {
                let failure = pool.site().failure(error.into());
                // What has been written can't be taken back.
                return Err(if is_begun { failure.for_good() } else { failure });
            }
        };
        is_begun = true;
        let written = out.write_all(&block[..count]);
        written.map_err(|error| Failure::local(Path::new("standard output"), &error))?;
    }
    out.flush().map_err(|error| Failure::local(Path::new("standard output"), &error))
}
