//! Downloads the current version of a file, even if it has changed since it was listed

use crate::args::Segments;
use crate::download::{Job, Source, Terms};
use crate::failure::Failure;
use crate::look;
use crate::partial::{STATE_FROM, Version};
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
    let job = match job.source {
        Source::Listing if job.version.size.is_none_or(|size| size >= STATE_FROM) => {
            comparable(lease, job)?
        }
        _ => job.clone(),
    };
    match segments::download(pool, lease, terms, &job, segments, running) {
        Err(failure) if failure.is_change() => {}
        result => return result,
    }
    let now = lease.request(|client| look::version(client, job.remote))?;
    let (version, source) = match job.source {
        Source::List => (Version { size: job.version.size, ..now }, Source::List),
        Source::Request | Source::Listing => (now, Source::Request),
    };
    let job = Job { version, source, modified: now.modified.or(job.modified), ..job };
    segments::download(pool, lease, terms, &job, segments, running)
}

/// Replaces the version of a listing by one that can be compared after the download, before its first byte
fn comparable<'a>(lease: &mut Lease<'_>, job: &Job<'a>) -> Result<Job<'a>, Failure> {
    let now = lease.request(|client| look::version(client, job.remote))?;
    let listed = job.version;
    let has_changed = now.size.zip(listed.size).is_some_and(|(now, listed)| now != listed);
    Ok(Job {
        version: Version {
            size: now.size.or(listed.size),
            modified: now.modified.or(listed.modified),
        },
        // Otherwise the file keeps the listing's time, with which the next run compares it.
        modified: now.modified.filter(|_| has_changed).or(job.modified),
        source: Source::Request,
        ..job.clone()
    })
}
