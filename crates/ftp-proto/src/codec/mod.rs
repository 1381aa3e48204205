//! Streaming transformations of transfer data
//!
//! Image transfers (TYPE I) use no codec: their bytes go from the socket to the caller.

pub(crate) mod ascii;

/// The progress of one call of a [`Codec`]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a pair of counts, complete by definition")]
pub struct Progress {
    /// Bytes of `input` that were consumed
    pub consumed: usize,
    /// Bytes of `output` that were filled
    pub produced: usize,
}

/// A streaming transformation: the output does not depend on how the input is split
pub trait Codec {
    /// Transforms as much of `input` as fits into `output`
    ///
    /// With room for at least two bytes in `output` and at least one byte in `input`, every call makes
    /// progress.
    fn process(&mut self, input: &[u8], output: &mut [u8]) -> Progress;

    /// Ends the stream: writes what was held back (a CR at the end of the input)
    ///
    /// Call it until `produced` is 0; `consumed` is always 0.
    fn finish(&mut self, output: &mut [u8]) -> Progress;
}
