//! `cat`: writes files, or ranges of their bytes, to standard output

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::Path;

use ftp_blocking::Client;
use ftp_proto::{Error as FtpError, Get};
use ftp_session::{Error, UrlTarget};

use super::context::Context;
use crate::args::{CatArgs, Range};
use crate::download::is_about_restarting;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::location::Remote;
use crate::site::Site;

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
        lease.attempt(&|| 0, |client| match range {
            None => write_whole(client, pool.site(), remote),
            Some(range) => write_range(client, pool.site(), remote, range),
        })
    })
}

fn write_whole(client: &mut Client, site: &Site, remote: &Remote) -> Result<(), Failure> {
    let get = Get::new(remote.path());
    let get = if remote.target() == UrlTarget::Text { get.ascii() } else { get };
    copy(client, site, get, 0, u64::MAX)
}

fn write_range(
    client: &mut Client,
    site: &Site,
    remote: &Remote,
    range: Range,
) -> Result<(), Failure> {
    let path = remote.path();
    if remote.target() == UrlTarget::Text {
        return Err(Failure::usage(
            "--range counts bytes of the file, and texts (;type=a) are converted",
        ));
    }
    let (from, to) = match range {
        Range::From(from, to) => (from, to),
        Range::Last(count) => {
            let size = client.size(path).map_err(|error| site.failure(error))?;
            (size.saturating_sub(count), None)
        }
    };
    let count = to.map_or(u64::MAX, |to| to - from + 1);
    if from == 0 {
        return copy(client, site, Get::new(path), 0, count);
    }
    match begins_where_asked(client, path, from) {
        Ok(true) => copy(client, site, Get::new(path).resume_at(from), 0, count),
        // The bytes before the range are downloaded, too, and discarded.
        Ok(false) => copy(client, site, Get::new(path), from, count),
        Err(error) => Err(site.failure(error)),
    }
}

/// Whether the server honours REST: with an offset one byte before the end of the file, it sends one byte
///
/// A server that ignores REST sends the whole file, without any other sign.
fn begins_where_asked(client: &mut Client, path: &[u8], from: u64) -> Result<bool, Error> {
    let size = match client.size(path) {
        Ok(size) => size,
        Err(error) if error.is_fatal() || error.is_missing() => return Err(error),
        Err(_) => return Ok(false),
    };
    if from >= size {
        return Ok(false);
    }
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

/// Writes a download to standard output: skips the first `before` bytes, and stops after `most` further ones
fn copy(
    client: &mut Client,
    site: &Site,
    get: Get,
    mut before: u64,
    mut most: u64,
) -> Result<(), Failure> {
    let failure = |error: &std::io::Error| Failure::local(Path::new("standard output"), error);
    let mut download = client.get(get).map_err(|error| site.failure(error))?;
    let mut block = vec![0; 64 * 1024];
    let mut out = std::io::stdout().lock();
    let mut is_begun = false;
    while most > 0 {
        let count = match download.read(&mut block) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => {
                let failure = site.failure(error.into());
                // A retry would write the same bytes to standard output again.
                return Err(if is_begun { failure.for_good() } else { failure });
            }
        };
        let skipped = before.min(count as u64);
        before -= skipped;
        let taken = most.min(count as u64 - skipped);
        most -= taken;
        is_begun |= taken > 0;
        let bytes = &block[skipped as usize..(skipped + taken) as usize];
        out.write_all(bytes).map_err(|error| failure(&error))?;
    }
    // If the download is not at its end, this aborts it.
    drop(download);
    out.flush().map_err(|error| failure(&error))
}
