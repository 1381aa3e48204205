//! `fetch`: downloads the files of a list over several sessions with each server

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use ftp_proto::{LocalRules, TakenNames};
use ftp_session::local_path;

use super::context::Context;
use super::get::would_get;
use super::queue::{Queues, Work, finish};
use crate::args::FetchArgs;
use crate::download::{Job, Source, Terms};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::latest;
use crate::location::Remote;
use crate::look::{self, Looked};
use crate::manifest::{Entry, is_url, local_name, read};
use crate::partial;
use crate::pool::{Lease, Pool};
use crate::rate::Rate;
use crate::report::{Action, Reporter};

/// A file of the list: the first of its sources, and the local path
struct Wanted {
    remote: Remote,
    local: PathBuf,
    name: Vec<u8>,
    entry: Entry,
}

pub(super) fn fetch(args: &FetchArgs, context: &Context) -> Result<Exit, Failure> {
    let Context { common, interrupt, .. } = context;
    if args.manifest == Path::new("-") && common.password_file.as_deref() == Some(Path::new("-")) {
        return Err(Failure::usage("standard input can't be both the password and the list"));
    }
    let sessions = args.parallel.for_segments(args.segments.segments);
    let queues = Queues::new(wanted(args)?, |wanted| &wanted.remote, sessions, context)?;
    let fetching = Fetching {
        args,
        reporter: Reporter::new(common),
        rate: Rate::new(args.transfer.limit_rate.as_ref()),
        interrupt,
    };
    queues.work_off(
        args.parallel.most(),
        &Work {
            look: |lease: &mut Lease<'_>, wanted: &Wanted| fetching.look(lease, wanted),
            carry_out: |lease: &mut Lease<'_>, pool: &Pool, wanted: &Wanted, looked| {
                fetching.fetch(lease, pool, wanted, looked)
            },
            fail: |wanted: &Wanted, failure: &Failure| {
                fetching.reporter.fail(&wanted.name, failure);
            },
        },
    );
    Ok(finish(&fetching.reporter, interrupt))
}

/// Returns the files of the list, each with its own local path
fn wanted(args: &FetchArgs) -> Result<Vec<Wanted>, Failure> {
    let base = args.base.as_deref().map(Remote::of_argument).transpose()?;
    let base_text =
        args.base.as_ref().and_then(|base| base.to_str()).map(|base| base.trim_end_matches('/'));
    let mut taken = BTreeMap::<Vec<u8>, TakenNames>::new();
    let filter = args.rules.filter();
    let mut all = Vec::new();
    for entry in read(&args.manifest)? {
        let Some(source) = entry.sources.first() else { continue };
        let remote = match (is_url(source), base_text, &base) {
            (true, _, _) => Remote::parse(&OsString::from(source))?,
            (false, Some(base), Some(_)) => {
                Remote::parse(&OsString::from(format!("{base}/{}", encoded(source))))?
            }
            _ => {
                let failure =
                    Failure::usage("is not a URL").about(crate::show::argument(source.as_bytes()));
                return Err(
                    failure.remedy("--base URL names the directory that contains the files")
                );
            }
        };
        let name = local_name(&entry, Some(&remote));
        let unfit = |error: ftp_proto::NameError| Failure::new(Exit::Usage, error.to_string());
        let local = local_path(&args.output_dir, &name).map_err(unfit)?;
        let at = name.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
        let names = taken
            .entry(name[..at].to_vec())
            .or_insert_with(|| TakenNames::new(LocalRules::current()));
        names.take(&name[at..]).map_err(unfit)?;
        if filter.takes(&name) && args.shard.is_none_or(|shard| shard.has(&name)) {
            all.push(Wanted { remote, local, name, entry });
        }
    }
    let paths = all.iter().map(|wanted| &*wanted.name);
    partial::refuse_reserved(paths, &args.transfer.temp_suffix)?;
    Ok(all)
}

/// Percent-encodes a name for a URL
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    name.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

struct Fetching<'a> {
    args: &'a FetchArgs,
    reporter: Reporter,
    rate: Rate,
    interrupt: &'a Interrupt,
}

impl Fetching<'_> {
    /// Asks the server for size and time of a file; `None` if it is complete here
    fn look(&self, lease: &mut Lease<'_>, wanted: &Wanted) -> Result<Option<Looked>, Failure> {
        let Wanted { remote, local, name, entry } = wanted;
        if super::verify::is_right(local, entry, self.interrupt)? {
            self.reporter.kept();
            return Ok(None);
        }
        let mut looked =
            lease.request(|client| look::look(client, &self.args.transfer, remote.path()))?;
        if self.args.dry_run {
            would_get(lease, remote.path(), name, looked.version, &self.reporter)?;
            return Ok(None);
        }
        looked.version.size = entry.size.or(looked.version.size);
        self.reporter.expect(1, looked.version.size.unwrap_or(0));
        Ok(Some(looked))
    }

    fn fetch(
        &self,
        lease: &mut Lease<'_>,
        pool: &Pool,
        wanted: &Wanted,
        looked: Looked,
    ) -> Result<(), Failure> {
        let Wanted { remote, local, name, entry } = wanted;
        let Looked { version, mode } = looked;
        if let Some(folder) = local.parent() {
            std::fs::create_dir_all(folder).map_err(|error| Failure::local(folder, &error))?;
        }
        let running = self.reporter.begin(Action::Get, name, version.size);
        let terms =
            Terms { pool, args: &self.args.transfer, rate: &self.rate, interrupt: self.interrupt };
        let job = Job {
            remote: remote.path(),
            local,
            version,
            modified: version.modified,
            mode,
            expected: entry.hash.clone(),
            source: if entry.size.is_some() { Source::List } else { Source::Request },
        };
        let result =
            latest::download(pool, lease, terms, &job, self.args.segments.segments, &running);
        running.end(result).map_err(|failure| failure.about(crate::show::bytes(name)))
    }
}
