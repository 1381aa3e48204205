//! The lines of the shell: edited at a terminal, with history, otherwise read as they are

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::Path;

use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// Maximum length of a line that is not typed, in bytes
const MAX_LINE: u64 = 64 * 1024;

/// Where the lines come from
#[derive(Debug)]
pub(super) enum Input {
    #[cfg(unix)]
    Edited(Box<super::editor::LineEditor>),
    /// A pipe or file; or a terminal that edits lines itself, as on Windows, or whose output goes elsewhere
    Plain { is_terminal: bool },
}

impl Input {
    pub(super) fn new(interrupt: &Interrupt) -> Self {
        let is_terminal = std::io::stdin().is_terminal();
        #[cfg(unix)]
        if is_terminal && std::io::stdout().is_terminal() {
            if let Some(editor) = super::editor::LineEditor::new(interrupt) {
                return Self::Edited(Box::new(editor));
            }
        }
        #[cfg(not(unix))]
        let _ = interrupt;
        Self::Plain { is_terminal }
    }

    /// Whether a user types the lines
    pub(super) const fn is_terminal(&self) -> bool {
        match self {
            #[cfg(unix)]
            Self::Edited(_) => true,
            Self::Plain { is_terminal } => *is_terminal,
        }
    }

    /// Returns the next line; `None` at the end of the input
    pub(super) fn line(
        &mut self,
        prompt: &str,
        interrupt: &Interrupt,
    ) -> Result<Option<Vec<u8>>, Failure> {
        // While the program only waits for a line, an interruption may end it at once.
        interrupt.set_idle(true);
        let line = match self {
            #[cfg(unix)]
            Self::Edited(editor) => editor.line(prompt),
            Self::Plain { is_terminal } => {
                if *is_terminal {
                    let mut out = std::io::stdout().lock();
                    // A prompt that can't be written is not an error.
                    let _ = write!(out, "{prompt}");
                    let _ = out.flush();
                }
                read_line()
            }
        };
        interrupt.set_idle(false);
        line
    }
}

fn read_line() -> Result<Option<Vec<u8>>, Failure> {
    let mut line = Vec::new();
    let read = std::io::stdin().lock().take(MAX_LINE).read_until(b'\n', &mut line);
    let count = read.map_err(|error| Failure::local(Path::new("standard input"), &error))?;
    if count as u64 == MAX_LINE {
        return Err(Failure::usage("a line is too long").about("standard input"));
    }
    Ok((count > 0).then_some(line))
}
