//! Reads a file as a stream, whose bytes can't be taken back: a failure says so unless they are all of one version

use std::time::{Duration, Instant};

use ftp_blocking::Client;

use crate::failure::Failure;
use crate::look;
use crate::partial::{STATE_FROM, Version};
use crate::pool::{Lease, Pool};

/// How long it may take to read a small file before its version is compared: standard output may be a pager, which keeps
/// the server waiting
const SLOW: Duration = Duration::from_secs(1);

/// The result of reading a stream
pub(crate) struct Received<T> {
    /// The number of bytes that the server sent
    pub(crate) bytes: u64,
    pub(crate) value: T,
}

/// Reads a file with `read`, which is given the file's version, and compares that with the version afterwards
///
/// `read` is called again after a failure that may be temporary, with the version of that time, unless the failure
/// rules that out ([`Failure::for_good`]).
pub(crate) fn read<T>(
    lease: &mut Lease<'_>,
    pool: &Pool,
    path: &[u8],
    mut read: impl FnMut(&mut Client, Version) -> Result<Received<T>, Failure>,
) -> Result<T, Failure> {
    let site = pool.site();
    let attempt = |client: &mut Client| {
        let version = look::version(client, path).map_err(|error| site.failure(error))?;
        let begun = Instant::now();
        match read(client, version) {
            Ok(received) => Ok((version, received, begun.elapsed())),
            Err(failure) => Err(look::explain(client, path, version, failure)),
        }
    };
    let result = lease.attempt(&|| 0, attempt).and_then(|(version, received, time)| {
        if received.bytes >= STATE_FROM || time >= SLOW {
            // Perhaps over another session: a download that was stopped early may have ended the first one.
            lease.attempt(&|| 0, |client| look::check_version(client, site, path, version))?;
        }
        Ok(received.value)
    });
    result.map_err(|failure| match failure.is_change() {
        true => failure.remedy("fetch it again"),
        false => failure,
    })
}
