//! Reads several ranges of an object at once
//!
//! Its size is asked for first: some servers take a position after the end for the beginning of the file, and others
//! ignore positions, so what arrives does not show where the file ends.
//!
//! Each range is a transfer of its own, and the file may be replaced between two of them. So its size and time are asked
//! for again after the last one, and before a second attempt for any of them.

use std::ops::Range;

use bytes::Bytes;
use ftp_tokio::PoolError;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::Result;
use object_store::path::Path;

use crate::error::{Subject, broke, is_refusal};
use crate::inner::Inner;
use crate::look::Version;
use crate::read::{LONG, read_range};

/// Ranges of one file that are fetched at the same time
const RANGES_AT_ONCE: usize = 4;

impl Inner {
    /// Reads several ranges of a file; ranges are read as one if the gap between them costs less than a request
    pub(crate) async fn ranges(
        &self,
        location: &Path,
        ranges: &[Range<u64>],
    ) -> Result<Vec<Bytes>> {
        let subject = self.subject("read", location);
        if let Some(range) = ranges.iter().find(|range| range.start >= range.end) {
            return Err(
                subject.generic(format!("invalid range: bytes {} to {}", range.start, range.end))
            );
        }
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let path = self.remote(location);
        let found = self.look_up(&path).await.map_err(|error| subject.error(error))?;
        let version = found.into_file(subject)?;
        let size = version.size;
        if let Some(range) = ranges.iter().find(|range| range.start >= size) {
            return Err(begins_after_the_end(subject, range));
        }
        let gap = self.settings.coalesce.unwrap_or_else(|| self.costs.gap());
        let ranges: Vec<_> = ranges.iter().map(|range| range.start..range.end.min(size)).collect();
        let wanted = merge(&ranges, gap);
        let parts: Vec<Bytes> = stream::iter(wanted.iter().cloned())
            .map(|range| self.range(&path, range, version, subject))
            .buffered(RANGES_AT_ONCE)
            .try_collect()
            .await?;
        // A single transfer is checked only if get would check it.
        let last = wanted.last().cloned().unwrap_or_default();
        let is_long = last.end == size && last.end - last.start >= LONG;
        if wanted.len() > 1 || is_long {
            let found = self.look_up(&path).await.map_err(|error| subject.error(error))?;
            found.check_read(version, subject, last.end)?;
        }
        let cut = |range: &Range<u64>| {
            let at = wanted.partition_point(|part| part.start <= range.start).checked_sub(1);
            let (whole, bytes) = at.and_then(|at| wanted.get(at).zip(parts.get(at)))?;
            let start = usize::try_from(range.start - whole.start).ok()?;
            let end = usize::try_from(range.end - whole.start).ok()?;
            (end <= bytes.len()).then(|| bytes.slice(start..end))
        };
        let missing = |range: &Range<u64>| begins_after_the_end(subject, range);
        ranges.iter().map(|range| cut(range).ok_or_else(|| missing(range))).collect()
    }

    /// Reads one range of this version of a file
    async fn range(
        &self,
        path: &[u8],
        range: Range<u64>,
        version: Version,
        subject: Subject<'_>,
    ) -> Result<Bytes> {
        let range = &range;
        let mut left = self.settings.resumptions;
        let mut again = false;
        loop {
            let read = |mut ftp| async move {
                if again {
                    let found = self.look(&mut ftp, path).await?;
                    if !found.is(version) {
                        return Ok(Err(found));
                    }
                }
                read_range(self, ftp, path, range, version.size).await.map(Ok)
            };
            let error = match self.pool.run(&self.site, read).await {
                Ok(Ok(bytes)) => return Ok(bytes),
                Ok(Err(found)) => return Err(found.changed(subject, range.start)),
                Err(PoolError::Session(error)) => error,
                Err(error) => return Err(self.explain(subject, error).await),
            };
            if left > 0 && broke(&error) && version.shows_changes() {
                // No byte of it has been returned yet, so it may start again.
                left -= 1;
                again = true;
                continue;
            }
            if is_refusal(&error) && range.start > 0 {
                // The file may have become shorter.
                let found = self.look_up(path).await.map_err(|error| subject.error(error))?;
                found.check_read(version, subject, range.start)?;
            }
            return Err(self.explain(subject, PoolError::Session(error)).await);
        }
    }
}

fn begins_after_the_end(subject: Subject<'_>, range: &Range<u64>) -> object_store::Error {
    subject.generic(format!("the file has no byte {}", range.start))
}

/// Returns sorted ranges that cover these, merged if at most `gap` bytes lie between them
fn merge(ranges: &[Range<u64>], gap: u64) -> Vec<Range<u64>> {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        match merged.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(gap) => {
                last.end = last.end.max(range.end);
            }
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_put_together_over_gaps() {
        let ranges = [100..200, 0..10, 20..30, 250..260, 150..160];
        assert_eq!(merge(&ranges, 0), [0..10, 20..30, 100..200, 250..260]);
        assert_eq!(merge(&ranges, 10), [0..30, 100..200, 250..260]);
        assert_eq!(merge(&ranges, 50), [0..30, 100..260]);
        assert_eq!(merge(&ranges, 69), [0..30, 100..260]);
        assert_eq!(merge(&ranges, 70).len(), 1);
        assert_eq!(merge(&[], 10), []);
    }
}
