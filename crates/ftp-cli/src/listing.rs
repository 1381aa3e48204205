//! Directories of a server that are held in memory

use ftp_blocking::OwnedEntry;
use ftp_session::Error;

/// Maximum bytes of memory for the entries of a directory, of which it takes about a million
const MAX_HELD: usize = 256 * 1024 * 1024;

/// Ends the entries of a directory with [`Error::ListingTooLong`] when they would take too much memory
pub(crate) fn bounded(
    entries: impl Iterator<Item = Result<OwnedEntry, Error>>,
) -> impl Iterator<Item = Result<OwnedEntry, Error>> {
    let mut held = 0;
    entries.map(move |entry| {
        let entry = entry?;
        held += entry.entry().raw.len() + size_of_val(&entry);
        match held > MAX_HELD {
            true => Err(Error::ListingTooLong { limit: MAX_HELD }),
            false => Ok(entry),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_names_are_not_too_many() {
        let line = "type=file;size=1048576;modify=20240101000000; a-name-of-usual-length.tar.gz";
        assert!(1_000_000 * (line.len() + size_of::<OwnedEntry>()) < MAX_HELD);
    }
}
