//! Memory for bytes on their way between a socket and a file

use std::fmt;
use std::ops::{Deref, DerefMut};

/// Memory for bytes on their way between a socket and a file: a slice that begins at a multiple of
/// [`Self::ALIGNMENT`]
///
/// A large vector from glibc begins 16 bytes after the start of a page. There, AMD's Zen 3 copies at half its speed, so
/// reading a socket or a file takes twice as long.
#[derive(Default)]
pub struct Buffer {
    memory: Vec<u8>,
    /// Where the slice begins in the memory
    start: usize,
    length: usize,
}

impl Buffer {
    /// Alignment in bytes, that of a cache line
    pub const ALIGNMENT: usize = 64;

    /// Creates a buffer of so many bytes, which are zero
    #[must_use]
    pub fn new(length: usize) -> Self {
        let memory = vec![0; length.saturating_add(Self::ALIGNMENT - 1)];
        // Where the offset is not known, any will do.
        let start = memory.as_ptr().align_offset(Self::ALIGNMENT).min(Self::ALIGNMENT - 1);
        Self { memory, start, length }
    }

    /// Changes the length in bytes; what the bytes after the shorter one of the two lengths are is not specified
    pub fn resize(&mut self, length: usize) {
        if length > self.memory.len().saturating_sub(self.start) {
            let mut larger = Self::new(length);
            larger[..self.length].copy_from_slice(self);
            *self = larger;
        }
        self.length = length;
    }

    /// Creates the first block of a copy whose blocks have at most `most` bytes: 16 KiB, or less if fewer bytes are
    /// expected
    #[must_use]
    pub fn first(expected: Option<u64>, most: usize) -> Self {
        /// Enough for most small files, and there may be thousands of them
        const FIRST: usize = 16 * 1024;
        // One byte more: a block that is not filled shows that nothing more has arrived.
        let expected = expected.and_then(|bytes| usize::try_from(bytes.checked_add(1)?).ok());
        Self::new(expected.unwrap_or(FIRST).min(FIRST).min(most))
    }

    /// Makes it the next block of a copy whose blocks have at most `most` bytes, after one that had `filled` bytes
    ///
    /// A block that was filled is followed by one four times as long.
    pub fn grow(&mut self, filled: usize, most: usize) {
        if self.length == filled {
            self.resize(filled.saturating_mul(4).min(most));
        }
    }
}

impl From<&[u8]> for Buffer {
    fn from(bytes: &[u8]) -> Self {
        let mut buffer = Self::new(bytes.len());
        buffer.copy_from_slice(bytes);
        buffer
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.length]
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("length", &self.length).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Buffer;

    #[test]
    fn blocks_grow_while_they_are_filled() {
        let mut block = Buffer::first(None, 100_000);
        let mut lengths = vec![block.len()];
        for filled in [16 << 10, 100, 64 << 10, 100_000] {
            block.grow(filled, 100_000);
            lengths.push(block.len());
        }
        assert_eq!(lengths, [16 << 10, 64 << 10, 64 << 10, 100_000, 100_000]);
    }

    #[test]
    fn the_first_block_is_as_long_as_needed() {
        let length = |expected, most| Buffer::first(expected, most).len();
        assert_eq!(length(None, 100), 100);
        assert_eq!(length(Some(0), 100_000), 1);
        assert_eq!(length(Some(1_000), 100_000), 1_001);
        assert_eq!(length(Some(1_000), 100), 100);
        assert_eq!(length(Some(1 << 40), 100_000), 16 << 10);
        assert_eq!(length(Some(u64::MAX), 100_000), 16 << 10);
    }

    #[test]
    fn it_is_aligned_and_keeps_its_bytes() {
        let mut buffer = Buffer::default();
        assert!(buffer.is_empty());
        for (number, length) in
            [0, 1, 63, 64, 65, 4096, 262_144, 100, 300_000].into_iter().enumerate()
        {
            let kept = buffer.len().min(length);
            let before = buffer[..kept].to_vec();
            buffer.resize(length);
            assert_eq!((buffer.len(), &buffer[..kept]), (length, &before[..]));
            let is_aligned = buffer.as_ptr() as usize % Buffer::ALIGNMENT == 0;
            assert!(is_aligned || buffer.is_empty(), "{length} bytes");
            buffer.fill(number as u8);
        }
        let copy = Buffer::from(&b"bytes"[..]);
        assert_eq!((&copy[..], copy.as_ptr() as usize % Buffer::ALIGNMENT), (&b"bytes"[..], 0));
    }
}
