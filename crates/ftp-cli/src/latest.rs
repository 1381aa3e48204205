//! Downloads the current version of a file, even if it has changed since it was listed

use crate::args::Segments;
use crate::download::{Job, Terms};
use crate::failure::Failure;
use crate::look;
use crate::pool::{Lease, Pool};
use crate::report::Running;
use crate::segments;

/// Downloads a file; returns the bytes that were transferred
///
/// A file that changes during the download, such as a log, is fetched once more; a second change is a failure.
pub(crate) fn download(
    pool: &Pool,
    lease: &mut Lease<'_>,
    terms: Terms<'_>,
    job: &Job<'_>,
    segments: Segments,
    running: &Running<'_>,
) -> Result<u64, Failure> {
    match segments::download(pool, lease, terms, job, segments, running) {
        Err(failure) if failure.is_change() => {}
        result => return result,
    }
    let now = lease.request(|client| look::version(client, job.remote))?;
    let job = Job { version: now, modified: now.modified.or(job.modified), ..job.clone() };
    segments::download(pool, lease, terms, &job, segments, running)
}
