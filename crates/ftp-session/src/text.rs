//! Text transfers (TYPE A): converts line endings, in a buffer of their own

use std::io::{self, Write};

use ftp_proto::{AsciiDecoder, AsciiEncoder, Codec};

use crate::socket::is_passing;

/// Bytes of wire text held while line endings are converted; image transfers have no buffer
const BUFFER: usize = 32 * 1024;

pub(crate) struct TextIn {
    decoder: AsciiDecoder,
    wire: Vec<u8>,
    start: usize,
    end: usize,
}

impl Default for TextIn {
    fn default() -> Self {
        Self { decoder: AsciiDecoder::new(), wire: vec![0; BUFFER], start: 0, end: 0 }
    }
}

impl TextIn {
    /// The buffer for the next bytes from the network; only while [`Self::is_empty`]
    pub(crate) fn room(&mut self) -> &mut [u8] {
        &mut self.wire
    }

    pub(crate) fn received(&mut self, count: usize) {
        (self.start, self.end) = (0, count);
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Converts received bytes to text; returns 0 if they yield none
    pub(crate) fn take(&mut self, buffer: &mut [u8]) -> usize {
        let mut produced = 0;
        while !self.is_empty() && produced == 0 {
            let progress = self.decoder.process(&self.wire[self.start..self.end], buffer);
            self.start += progress.consumed;
            produced = progress.produced;
            if progress.consumed == 0 {
                break;
            }
        }
        produced
    }

    /// Returns the text that was held back for the end
    pub(crate) fn finish(&mut self, buffer: &mut [u8]) -> usize {
        self.decoder.finish(buffer).produced
    }
}

pub(crate) struct TextOut {
    encoder: AsciiEncoder,
    wire: Vec<u8>,
    start: usize,
    end: usize,
}

impl Default for TextOut {
    fn default() -> Self {
        Self { encoder: AsciiEncoder::new(), wire: vec![0; BUFFER], start: 0, end: 0 }
    }
}

impl TextOut {
    /// Accepts text, if the previous text has been sent; returns how many bytes
    pub(crate) fn take(&mut self, text: &[u8]) -> usize {
        if !self.is_empty() {
            return 0;
        }
        let progress = self.encoder.process(text, &mut self.wire);
        (self.start, self.end) = (0, progress.produced);
        progress.consumed
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Sends what the network accepts; returns how many bytes
    pub(crate) fn send(&mut self, stream: &mut impl Write) -> io::Result<usize> {
        let begin = self.start;
        while !self.is_empty() {
            match stream.write(&self.wire[self.start..self.end]) {
                Ok(count) => self.start += count,
                Err(error) if is_passing(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(self.start - begin)
    }
}
