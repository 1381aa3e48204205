//! Downloads one large file over several sessions, if the server allows them and honours REST

mod fetch;

use ftp_blocking::Client;

use self::fetch::{End, Fetch};
use crate::args::Segments;
use crate::download::{self, Job, Part, Source, Terms};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::look;
use crate::partial::Partial;
use crate::pool::{Lease, Pool};
use crate::report::Running;

/// Downloads a file over one or more sessions, that of `lease` included; returns the bytes that were transferred
pub(crate) fn download(
    pool: &Pool,
    lease: &mut Lease<'_>,
    terms: Terms<'_>,
    job: &Job<'_>,
    segments: Segments,
    running: &Running<'_>,
) -> Result<u64, Failure> {
    let mut moved = 0;
    let size = job.version.size;
    if segments.most() > 1 && size.is_none() {
        running.notice("the server does not report the file's size, so one session fetches it");
    }
    if let Some(size) = size.filter(|size| segments.of(*size) > 1) {
        let sessions = segments.of(size).min(terms.site().common().max_sessions);
        let mut partial = download::open(terms, job, running)?;
        loop {
            let is_begun = partial.length() > 0;
            let fetch = Fetch::new(pool, terms, job, size, running, partial);
            let (end, file, bytes) = fetch.run(lease, sessions);
            moved += bytes;
            partial = file;
            match end {
                End::Whole => return finish(lease, terms, job, running, partial).map(|()| moved),
                End::Alone => break,
                End::Failed(failure) if failure.is_for_good() => {
                    return download::close(partial, terms, job, Err(failure)).map(|()| moved);
                }
                End::Failed(failure) if is_begun && failure.exit() == Exit::Verification => {
                    running.notice("the part from an earlier run is of another file, so the download starts again");
                    download::clear(&mut partial)?;
                }
                End::Failed(failure) => {
                    let failure = explain(lease, job, failure);
                    if failure.exit() == Exit::Verification {
                        // Not all sessions may have honoured REST. One session receives one version of the file.
                        let reason = failure.reason();
                        running.notice(&format!("{reason}, so one session fetches it again"));
                        download::clear(&mut partial)?;
                        break;
                    }
                    return download::close(partial, terms, job, Err(failure)).map(|()| moved);
                }
            }
        }
    }
    pool.leave_ahead();
    let mut part = Part::default();
    let alone = |client: &mut Client| download::download(client, terms, job, running, &mut part);
    lease.attempt(&|| running.bytes(), alone).map(|bytes| moved + bytes)
}

/// Gives a complete file its name, if the server's file has not changed and the hashes are as expected
fn finish(
    lease: &mut Lease<'_>,
    terms: Terms<'_>,
    job: &Job<'_>,
    running: &Running<'_>,
    mut partial: Partial,
) -> Result<(), Failure> {
    let result = lease
        .attempt(&|| 0, |client| {
            look::check_version(client, terms.site(), job.remote, job.version)?;
            download::wanted_hashes(client, terms, job, running)
        })
        .and_then(|wanted| download::check_whole(&mut partial, terms, job, wanted, None));
    download::close(partial, terms, job, result)
}

/// Explains why segments do not fit together: if the file's time or size is another one now, the file has changed
fn explain(lease: &mut Lease<'_>, job: &Job<'_>, failure: Failure) -> Failure {
    if failure.exit() != Exit::Verification || job.source == Source::List {
        return failure;
    }
    match lease.request(|client| look::version(client, job.remote)) {
        Ok(now) if now.is_another_than(job.version) => Failure::changed(),
        _ => failure,
    }
}

fn changed() -> Failure {
    let message = "its segments do not fit together: it has changed on the server, or the server does not honour REST";
    Failure::new(Exit::Verification, message)
        .remedy("try again; if this recurs, without --segments")
}
