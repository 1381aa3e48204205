//! The lines of the shell: edited at a terminal, with history, otherwise read as they are

use std::io::{self, BufRead, IsTerminal as _, Read as _, Write as _};
use std::path::Path;

use crate::failure::Failure;
use crate::input::without_mark;
use crate::interrupt::Interrupt;

/// Maximum length of a line that is not typed, in bytes with its line ending
const MAX_LINE: u64 = 64 * 1024;

/// A line of the input
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// With its line ending, if it has one
    Text(Vec<u8>),
    /// It has more than [`MAX_LINE`] bytes, and is skipped to its end
    TooLong,
}

/// Where the lines come from
#[derive(Debug)]
pub(super) enum Input {
    #[cfg(unix)]
    Edited(Box<super::editor::LineEditor>),
    /// A pipe or file; or a terminal that edits lines itself, as on Windows, or whose output goes elsewhere
    Plain { is_terminal: bool, is_begun: bool },
}

impl Input {
    pub(super) fn new(interrupt: &Interrupt) -> Self {
        let is_terminal = io::stdin().is_terminal();
        #[cfg(unix)]
        if is_terminal && io::stdout().is_terminal() {
            if let Some(editor) = super::editor::LineEditor::new(interrupt) {
                return Self::Edited(Box::new(editor));
            }
        }
        #[cfg(not(unix))]
        let _ = interrupt;
        Self::Plain { is_terminal, is_begun: false }
    }

    /// Whether a user types the lines
    pub(super) const fn is_terminal(&self) -> bool {
        match self {
            #[cfg(unix)]
            Self::Edited(_) => true,
            Self::Plain { is_terminal, .. } => *is_terminal,
        }
    }

    /// Returns the next line; `None` at the end of the input
    pub(super) fn line(
        &mut self,
        prompt: &str,
        interrupt: &Interrupt,
    ) -> Result<Option<Line>, Failure> {
        // While the program only waits for a line, an interruption may end it at once.
        interrupt.set_idle(true);
        let line = match self {
            #[cfg(unix)]
            Self::Edited(editor) => editor.line(prompt).map(|line| line.map(Line::Text)),
            Self::Plain { is_terminal, is_begun } => {
                if *is_terminal {
                    let mut out = io::stdout().lock();
                    // A prompt that can't be written is not an error.
                    let _ = write!(out, "{prompt}");
                    let _ = out.flush();
                }
                let line = read_line(&mut io::stdin().lock());
                let is_first = !std::mem::replace(is_begun, true);
                line.map(|line| line.map(|line| if is_first { line.without_mark() } else { line }))
                    .map_err(|error| Failure::local(Path::new("standard input"), &error))
            }
        };
        interrupt.set_idle(false);
        line
    }
}

impl Line {
    /// Returns the first line of a text without its byte order mark
    fn without_mark(self) -> Self {
        match self {
            Self::Text(line) => Self::Text(without_mark(&line).to_vec()),
            Self::TooLong => Self::TooLong,
        }
    }
}

/// Reads a line, of which at most [`MAX_LINE`] bytes are held; `None` at the end of the input
fn read_line(input: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    input.take(MAX_LINE).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.len() as u64 == MAX_LINE && !line.ends_with(b"\n") && input.skip_until(b'\n')? > 0 {
        return Ok(Some(Line::TooLong));
    }
    Ok(Some(Line::Text(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_skipped_to_its_end() {
        const MOST: usize = MAX_LINE as usize;
        let long = |length: usize| [vec![b'x'; length - 1], b"\n".to_vec()].concat();
        for (length, is_whole) in [(MOST, true), (MOST + 1, false), (3 * MOST + 7, false)] {
            let text = [&long(length)[..], b"ls"].concat();
            let input = &mut &text[..];
            let expected = if is_whole { Line::Text(long(length)) } else { Line::TooLong };
            assert_eq!(read_line(input).unwrap(), Some(expected), "{length}");
            assert_eq!(read_line(input).unwrap(), Some(Line::Text(b"ls".to_vec())), "{length}");
            assert_eq!(read_line(input).unwrap(), None, "{length}");
        }
        // Without a line ending, the last line may have one byte more.
        let text = vec![b'x'; MOST];
        assert_eq!(read_line(&mut &text[..]).unwrap(), Some(Line::Text(text)));
    }
}
