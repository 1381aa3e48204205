//! Reads several ranges of an object at once

use std::ops::Range;

use bytes::Bytes;
use ftp_tokio::{Error as FtpError, PoolError};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::Result;
use object_store::path::Path;

use crate::error::{Subject, broke, is_refusal};
use crate::inner::Inner;
use crate::look::{Found, Version};
use crate::read::{cut_off, read_range};

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
        let gap = self.settings.coalesce.unwrap_or_else(|| self.costs.gap());
        let wanted = merge(ranges, gap);
        let parts: Vec<Bytes> = stream::iter(wanted.iter().cloned())
            .map(|range| self.range(location, range))
            .buffered(RANGES_AT_ONCE)
            .try_collect()
            .await?;
        let cut = |range: &Range<u64>| {
            let at = wanted.partition_point(|part| part.start <= range.start).checked_sub(1);
            let (whole, bytes) = at.and_then(|at| wanted.get(at).zip(parts.get(at)))?;
            let start = usize::try_from(range.start - whole.start).ok()?;
            let end = usize::try_from(range.end - whole.start).ok()?.min(bytes.len());
            (start < end).then(|| bytes.slice(start..end))
        };
        let missing = |range: &Range<u64>| begins_after_the_end(subject, range);
        ranges.iter().map(|range| cut(range).ok_or_else(|| missing(range))).collect()
    }

    /// Reads one range of a file of unknown size; the result is shorter if the file ends in it
    async fn range(&self, location: &Path, range: Range<u64>) -> Result<Bytes> {
        let subject = self.subject("read", location);
        let path = self.remote(location);
        let mut left = self.settings.resumptions;
        loop {
            let read = |ftp| read_range(self, ftp, &path, &range, None);
            let error = match self.pool.run(&self.site, read).await {
                Ok(bytes) => match self.checked(&path, &range, bytes, subject).await? {
                    Checked::Complete(bytes) => return Ok(bytes),
                    Checked::Cut(error) => error,
                },
                Err(PoolError::Session(error)) => error,
                Err(error) => return Err(self.explain(subject, error).await),
            };
            if left > 0 && broke(&error) {
                // No byte of it has been returned yet, so it may start again.
                left -= 1;
                continue;
            }
            if is_refusal(&error) && range.start > 0 {
                // The refusal may be about the position.
                let found = self.look_up(&path).await.map_err(|error| subject.error(error))?;
                if matches!(found, Found::File(version) if version.size <= range.start) {
                    return Err(begins_after_the_end(subject, &range));
                }
            }
            return Err(self.explain(subject, PoolError::Session(error)).await);
        }
    }

    /// Checks whether a range that is shorter than it was asked for ends where the file does
    async fn checked(
        &self,
        path: &[u8],
        range: &Range<u64>,
        bytes: Bytes,
        subject: Subject<'_>,
    ) -> Result<Checked> {
        let (received, expected) = (bytes.len(), range.end - range.start);
        if received as u64 == expected {
            return Ok(Checked::Complete(bytes));
        }
        let found = self.look_up(path).await.map_err(|error| subject.error(error))?;
        let Version { size, .. } = found.into_file(subject)?;
        let expected = expected.min(size.saturating_sub(range.start));
        Ok(match received as u64 == expected {
            true => Checked::Complete(bytes),
            false => {
                Checked::Cut(cut_off(received, usize::try_from(expected).unwrap_or(usize::MAX)))
            }
        })
    }
}

/// What a range is that a server has confirmed
enum Checked {
    Complete(Bytes),
    /// It ends before the file does
    Cut(FtpError),
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
