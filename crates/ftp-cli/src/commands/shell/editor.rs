//! Edits the lines of the shell at a terminal

use std::collections::VecDeque;
use std::io;
use std::path::Path;

use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Editor};

use super::history::{self, History};
use crate::failure::Failure;
use crate::interrupt::Interrupt;

#[derive(Debug)]
pub(super) struct LineEditor {
    editor: Editor<(), MemHistory>,
    /// `None` if there is no place for it
    history: Option<History>,
    /// Further lines of a pasted text
    pasted: VecDeque<String>,
}

impl LineEditor {
    /// Creates an editor with the lines of earlier shells; `None` if this terminal has no line editing
    pub(super) fn new(interrupt: &Interrupt) -> Option<Self> {
        interrupt.save_terminal();
        let config = Config::builder().max_history_size(history::LINES).ok()?;
        let config = config.history_ignore_dups(true).ok()?.build();
        let memory = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, memory).ok()?;
        let history = history::path().map(History::new);
        for line in history.iter().flat_map(History::load) {
            let _ = editor.add_history_entry(line);
        }
        Some(Self { editor, history, pasted: VecDeque::new() })
    }

    /// Returns the next line; `None` at the end of the input
    pub(super) fn line(&mut self, prompt: &str) -> Result<Option<Vec<u8>>, Failure> {
        loop {
            if let Some(line) = self.pasted.pop_front() {
                self.remember(&line);
                return Ok(Some(line.into_bytes()));
            }
            match self.editor.readline(prompt) {
                // Each line of a pasted text is a command of its own, as it is in a script.
                Ok(text) => self.pasted.extend(text.split(['\n', '\r']).map(str::to_owned)),
                // Ctrl-C discards the line.
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => return Ok(None),
                Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                    crate::output::message("the line is not UTF-8; quote such names in a script");
                }
                Err(ReadlineError::Io(error)) => return Err(terminal(&error)),
                Err(error) => return Err(terminal(&io::Error::other(error.to_string()))),
            }
        }
    }

    fn remember(&mut self, line: &str) {
        if !history::may_be_kept(line) {
            return;
        }
        let is_new = self.editor.add_history_entry(line).unwrap_or(false);
        if let Some(history) = self.history.as_ref().filter(|_| is_new) {
            history.add(line);
        }
    }
}

fn terminal(error: &io::Error) -> Failure {
    Failure::local(Path::new("standard input"), error)
}
