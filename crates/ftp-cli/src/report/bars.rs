//! Bars on a terminal: the whole, and a line for each running file

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a second the terminal is drawn
const FRAMES: u8 = 10;

/// Most characters of a name that are shown
const NAME_WIDTH: usize = 40;

#[derive(Debug)]
pub(super) struct Bars {
    all: MultiProgress,
    whole: ProgressBar,
}

/// The line of one file
#[derive(Debug)]
pub(super) struct Bar {
    line: ProgressBar,
    whole: ProgressBar,
}

impl Bars {
    pub(super) fn new() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(FRAMES));
        let whole = all.add(ProgressBar::new(0));
        whole.set_style(style(
            "{bytes:>10} of {total_bytes:<10} {binary_bytes_per_sec:>12}  {eta:>4} left [{wide_bar}]",
        ));
        whole.enable_steady_tick(Duration::from_millis(500));
        Self { all, whole }
    }

    pub(super) fn expect(&self, _files: u64, bytes: u64) {
        self.whole.inc_length(bytes);
    }

    pub(super) fn file(&self, name: &str, total: Option<u64>) -> Bar {
        let line = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        let line = self.all.insert_before(&self.whole, line);
        line.set_style(style("{msg:40!} {bytes:>10} {binary_bytes_per_sec:>12} [{wide_bar}]"));
        line.set_message(shortened(name));
        Bar { line, whole: self.whole.clone() }
    }

    /// Something else is printed meanwhile
    pub(super) fn suspend(&self, print: impl FnOnce()) {
        self.all.suspend(print);
    }

    pub(super) fn finish(&self) {
        self.whole.finish_and_clear();
    }
}

impl Bar {
    pub(super) fn at(&self, bytes: u64, more: u64) {
        self.line.set_position(bytes);
        self.whole.inc(more);
    }

    pub(super) fn done(&self) {
        self.line.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // Templates are constants of this file, which the tests try.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// The end of a long name says more than its beginning
fn shortened(name: &str) -> String {
    let length = name.chars().count();
    match length > NAME_WIDTH {
        true => std::iter::once('…').chain(name.chars().skip(length + 1 - NAME_WIDTH)).collect(),
        false => name.to_owned(),
    }
}
