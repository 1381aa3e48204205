//! Random numbers, and files whose content is determined by a number

use std::io::{self, Write};

/// xorshift64*
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Neighbouring seeds must not give correlated streams.
        let mut random = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..8 {
            random.next();
        }
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }

    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// Bytes that no other file contains
pub(crate) fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend(random.next().to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Compares what is written to it with the expected content
#[derive(Debug)]
pub(crate) struct Comparison<'a> {
    due: &'a [u8],
    position: usize,
    pub(crate) differs_at: Option<usize>,
}

impl<'a> Comparison<'a> {
    pub(crate) fn new(due: &'a [u8]) -> Self {
        Self { due, position: 0, differs_at: None }
    }

    /// Whether exactly the expected content was written
    pub(crate) fn is_equal(&self) -> bool {
        self.differs_at.is_none() && self.position == self.due.len()
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }
}

impl Write for Comparison<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let due = &self.due[self.position.min(self.due.len())..];
        if self.differs_at.is_none() && !due.starts_with(bytes) {
            let same = due.iter().zip(bytes).take_while(|(one, other)| one == other).count();
            self.differs_at = Some(self.position + same);
        }
        self.position += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
