//! `cat`: writes files, or ranges of their bytes, to standard output

use std::ffi::OsString;
use std::io::{Read as _, Write as _};

use ftp_blocking::Client;
use ftp_proto::{Error as FtpError, Get};
use ftp_session::{Error, UrlTarget};

use super::context::Context;
use crate::args::{CatArgs, Range};
use crate::download::{counted_from, is_about_restarting};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::location::Remote;
use crate::output;
use crate::partial::Version;
use crate::site::Site;
use crate::stream::{self, Received};

pub(super) fn cat(args: &CatArgs, context: &Context) -> Result<Exit, Failure> {
    write_out(&args.urls, args.range, context)
}

/// Writes files to standard output, one after another
pub(super) fn write_out(
    urls: &[OsString],
    range: Option<Range>,
    context: &Context,
) -> Result<Exit, Failure> {
    context.places(urls)?.each(|lease, pool, remote| {
        if remote.is_directory() {
            return Err(Failure::usage("is a directory").remedy("`rftp ls` lists it"));
        }
        if range.is_some() && remote.target() == UrlTarget::Text {
            return Err(Failure::usage(
                "--range counts bytes of the file, and texts (;type=a) are converted",
            ));
        }
        stream::read(lease, pool, remote.path(), |client, version| match range {
            None => write_whole(client, pool.site(), remote, version),
            Some(range) => write_range(client, pool.site(), remote.path(), version, range),
        })
    })
}

fn write_whole(
    client: &mut Client,
    site: &Site,
    remote: &Remote,
    version: Version,
) -> Result<Received<()>, Failure> {
    let get = Get::new(remote.path());
    let get = match remote.target() {
        // Its length on the way is not the size of the file.
        UrlTarget::Text => get.ascii(),
        _ => version.expected_of(get),
    };
    copy(client, site, get, 0..0, u64::MAX)
}

fn write_range(
    client: &mut Client,
    site: &Site,
    path: &[u8],
    version: Version,
    range: Range,
) -> Result<Received<()>, Failure> {
    let (from, to) = match range {
        Range::From(from, to) => (from, to),
        Range::Last(count) => {
            let size = match version.size {
                Some(size) => size,
                None => client.size(path).map_err(|error| site.failure(error))?,
            };
            (size.saturating_sub(count), None)
        }
    };
    let count = to.map_or(u64::MAX, |to| (to - from).saturating_add(1));
    let whole = version.expected_of(Get::new(path));
    if from == 0 {
        return copy(client, site, whole, 0..0, count);
    }
    if version.size.is_some_and(|size| from >= size) {
        // The range is empty. A server may refuse such an offset, or send the whole file.
        return Ok(Received { bytes: 0, value: () });
    }
    match begins_where_asked(client, path, version.size, from) {
        Ok(true) => copy(client, site, whole.resume_at(from), from..from, count),
        // The bytes before the range are downloaded, too, and discarded.
        Ok(false) => copy(client, site, whole, 0..from, count),
        Err(error) => Err(site.failure(error)),
    }
}

/// Whether the server honours REST: with an offset one byte before the end of the file, it sends one byte
///
/// A server that ignores REST sends the whole file, without any other sign.
fn begins_where_asked(
    client: &mut Client,
    path: &[u8],
    size: Option<u64>,
    from: u64,
) -> Result<bool, Error> {
    let Some(size) = size.filter(|size| from < *size) else { return Ok(false) };
    let mut download = match client.get(Get::new(path).resume_at(size - 1).expect_size(size)) {
        Ok(download) => download,
        Err(error) if is_about_restarting(&error) => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut bytes = [0; 2];
    let mut count = 0;
    loop {
        match download.read(&mut bytes) {
            Ok(0) => return Ok(count == 1),
            Ok(more) => count += more,
            Err(error) => {
                let is_too_long =
                    matches!(Error::in_io(&error), Some(Error::Ftp(FtpError::TooLong { .. })));
                return if is_too_long { Ok(false) } else { Err(error.into()) };
            }
        }
        if count > 1 {
            return Ok(false);
        }
    }
}

/// Writes a download to standard output: skips the bytes `before` of the file, with which it begins, and stops after
/// `most` further ones
fn copy(
    client: &mut Client,
    site: &Site,
    get: Get,
    before: std::ops::Range<u64>,
    mut most: u64,
) -> Result<Received<()>, Failure> {
    let mut download = client.get(get).map_err(|error| site.failure(error))?;
    let mut block = vec![0; 64 * 1024];
    let mut out = output::open().map_err(|error| output::failure(&error))?;
    let mut before_left = before.end - before.start;
    let (mut bytes, mut is_begun) = (0, false);
    while most > 0 {
        let count = match download.read(&mut block) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => {
                let failure = site.failure(counted_from(before.start, error.into()));
                // A retry would write the same bytes to standard output again.
                return Err(if is_begun { failure.for_good() } else { failure });
            }
        };
        bytes += count as u64;
        let skipped = before_left.min(count as u64);
        before_left -= skipped;
        let taken = most.min(count as u64 - skipped);
        most -= taken;
        is_begun |= taken > 0;
        let wanted = &block[skipped as usize..(skipped + taken) as usize];
        out.write_all(wanted).map_err(|error| output::failure(&error))?;
    }
    // If the download is not at its end, this aborts it.
    drop(download);
    out.flush().map_err(|error| output::failure(&error))?;
    Ok(Received { bytes, value: () })
}
