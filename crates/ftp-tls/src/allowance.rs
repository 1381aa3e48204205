//! How much a stream may receive before it lets others take their turn
//!
//! Some TLS messages cost work but contain no plaintext: session tickets, key updates, empty records.
//! A peer can send them without end, so the work is charged by what arrives, not by what the
//! caller gets.

/// Bytes charged for each record in addition to its own: decrypting an empty record takes about as long as
/// decrypting this many bytes of a full one, and answering a key update takes somewhat longer
const RECORD: i64 = 4096;

/// Bytes charged for each session ticket, because its key is derived when it arrives
const TICKET: i64 = 8192;

/// The bytes that are left; negative after a step that cost more than was left
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance(Option<i64>);

impl Allowance {
    /// The allowance of callers that set no limit
    pub(crate) const UNLIMITED: Self = Self(None);

    /// Allows this many bytes from now on, minus what was exceeded before
    pub(crate) fn grant(&mut self, amount: usize) {
        let amount = i64::try_from(amount).unwrap_or(i64::MAX);
        let debt = self.0.unwrap_or(0).min(0);
        self.0 = Some(amount.saturating_add(debt));
    }

    pub(crate) fn is_exhausted(self) -> bool {
        self.0.is_some_and(|left| left <= 0)
    }

    pub(crate) fn charge(&mut self, bytes: usize, records: usize, tickets: u64) {
        if let Some(left) = &mut self.0 {
            let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            let cost = count(bytes as u64)
                .saturating_add(count(records as u64).saturating_mul(RECORD))
                .saturating_add(count(tickets).saturating_mul(TICKET));
            *left = left.saturating_sub(cost);
        }
    }
}

/// Counts records in ciphertext that arrives in pieces of any size
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RecordCounter {
    /// Bytes of the current header that have been received
    header: u8,
    /// The part of the current record's length that is known
    length: usize,
    /// Bytes of the current record's body that are still to come
    body: usize,
}

impl RecordCounter {
    /// Returns how many record headers end in these bytes
    pub(crate) fn count(&mut self, mut bytes: &[u8]) -> usize {
        let mut records = 0;
        loop {
            let skipped = self.body.min(bytes.len());
            self.body -= skipped;
            bytes = &bytes[skipped..];
            let Some((byte, rest)) = bytes.split_first() else { return records };
            bytes = rest;
            self.header += 1;
            match self.header {
                4 => self.length = usize::from(*byte) << 8,
                5 => {
                    self.body = self.length | usize::from(*byte);
                    self.header = 0;
                    records += 1;
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_excess_is_deducted_from_the_next_allowance() {
        let mut allowance = Allowance::UNLIMITED;
        allowance.charge(usize::MAX, usize::MAX, u64::MAX);
        assert!(!allowance.is_exhausted());
        allowance.grant(10_000);
        allowance.charge(500, 2, 0);
        assert!(!allowance.is_exhausted());
        allowance.charge(500, 0, 3);
        assert!(allowance.is_exhausted());
        // 10,000 − 8,692 − 25,076 is a deficit that three more grants make up.
        for exhausted in [true, true, false] {
            allowance.grant(10_000);
            assert_eq!(allowance.is_exhausted(), exhausted);
        }
        // What was not used does not accumulate.
        allowance.grant(10_000);
        allowance.grant(10_000);
        allowance.charge(10_000, 0, 0);
        assert!(allowance.is_exhausted());
    }

    #[test]
    fn records_are_counted_however_they_are_split() {
        let mut stream = Vec::new();
        for length in [0_u16, 1, 17, 255, 256, 16_384] {
            stream.extend([23, 3, 3]);
            stream.extend(length.to_be_bytes());
            stream.resize(stream.len() + usize::from(length), 9);
        }
        for piece in [1, 2, 3, 7, 300, stream.len()] {
            let mut counter = RecordCounter::default();
            let counts = stream.chunks(piece).map(|piece| counter.count(piece));
            assert_eq!(counts.sum::<usize>(), 6, "pieces of {piece}");
        }
    }
}
