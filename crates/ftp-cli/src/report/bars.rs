//! Progress bars on a terminal: a line for the whole run, and one for each file in transfer

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use console::{Term, measure_text_width};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How many times per second the bars are redrawn
const FRAMES: u8 = 10;

/// Columns that a file's line needs besides the name, with the narrowest useful bar
const FIGURES: usize = 44;

/// Minimum and maximum columns for the name of a file
const NAME: (usize, usize) = (16, 70);

#[derive(Debug)]
pub(super) struct Bars {
    all: MultiProgress,
    whole: Whole,
    name_columns: usize,
}

/// The line of the whole run
#[derive(Clone, Debug)]
struct Whole {
    line: ProgressBar,
    files: Arc<Files>,
}

/// How many files are to be transferred, as far as is known, and how many have been
#[derive(Debug, Default)]
struct Files {
    expected: AtomicU64,
    done: AtomicU64,
}

/// The line of one file
#[derive(Debug)]
pub(super) struct Bar {
    line: ProgressBar,
    whole: Whole,
}

impl Bars {
    pub(super) fn new() -> Self {
        let columns = usize::from(Term::stderr().size().1);
        Self::on(ProgressDrawTarget::stderr_with_hz(FRAMES), columns)
    }

    fn on(target: ProgressDrawTarget, columns: usize) -> Self {
        let all = MultiProgress::with_draw_target(target);
        let line = all.add(ProgressBar::new(0));
        line.set_style(style(
            "{msg}, {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left [{wide_bar}]",
        ));
        line.enable_steady_tick(Duration::from_millis(500));
        let whole = Whole { line, files: Arc::default() };
        whole.show_files();
        let name_columns = columns.saturating_sub(FIGURES).clamp(NAME.0, NAME.1);
        Self { all, whole, name_columns }
    }

    pub(super) fn expect(&self, files: u64, bytes: u64) {
        self.whole.files.expected.fetch_add(files, Ordering::Relaxed);
        self.whole.line.inc_length(bytes);
        self.whole.show_files();
    }

    pub(super) fn file(&self, name: &str, total: Option<u64>) -> Bar {
        let columns = self.name_columns;
        let (line, percent) = match total {
            Some(total) => (ProgressBar::new(total), "{percent:>3}%"),
            None => (ProgressBar::no_length(), "    "),
        };
        let line = self.all.insert_before(&self.whole.line, line);
        line.set_style(style(&format!(
            "{{msg:{columns}!}} {percent} {{bytes:>11}} {{binary_bytes_per_sec:>13}} [{{wide_bar}}]"
        )));
        line.set_message(shortened(name, columns));
        Bar { line, whole: self.whole.clone() }
    }

    /// Hides the bars while `print` writes to the terminal
    pub(super) fn suspend(&self, print: impl FnOnce()) {
        self.all.suspend(print);
    }

    pub(super) fn finish(&self) {
        self.whole.line.finish_and_clear();
    }
}

impl Whole {
    fn show_files(&self) {
        let done = self.files.done.load(Ordering::Relaxed);
        let expected = self.files.expected.load(Ordering::Relaxed);
        self.line.set_message(format!("{done} of {expected} files"));
    }
}

impl Bar {
    /// Shows `bytes` of the file as transferred, and adds `more` to the bytes of the whole run
    pub(super) fn at(&self, bytes: u64, more: u64) {
        self.line.set_position(bytes);
        self.whole.line.inc(more);
    }

    /// Counts the file as transferred, and removes its line
    pub(super) fn done(&self) {
        self.whole.files.done.fetch_add(1, Ordering::Relaxed);
        self.whole.show_files();
        self.remove();
    }

    pub(super) fn remove(&self) {
        self.line.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // The template can't fail: all templates are in this file, and the tests use each of them.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// Shortens a name to this many columns: of a long name, it keeps the end, which says more than the beginning
fn shortened(name: &str, columns: usize) -> String {
    if measure_text_width(name) <= columns {
        return name.to_owned();
    }
    let mut free = columns.saturating_sub(1);
    let mut start = name.len();
    for (at, letter) in name.char_indices().rev() {
        let width = measure_text_width(letter.encode_utf8(&mut [0; 4]));
        if width > free {
            break;
        }
        free -= width;
        start = at;
    }
    format!("…{}", &name[start..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::InMemoryTerm;

    /// Returns the lines that a terminal of this many columns shows
    fn shown(columns: u16, files: &[(&str, Option<u64>, u64)]) -> Vec<String> {
        let term = InMemoryTerm::new(10, columns);
        let target = ProgressDrawTarget::term_like(Box::new(term.clone()));
        let bars = Bars::on(target, columns.into());
        bars.expect(files.len() as u64, files.iter().filter_map(|file| file.1).sum());
        let lines: Vec<Bar> =
            files.iter().map(|(name, total, _)| bars.file(name, *total)).collect();
        for (line, (_, _, bytes)) in lines.iter().zip(files) {
            line.at(*bytes, *bytes);
            line.line.tick();
        }
        bars.whole.line.tick();
        term.contents().lines().map(str::to_owned).collect()
    }

    #[test]
    fn each_line_fits_and_has_its_name_and_figures() {
        let name = "archive/2026/observations/a-very-long-name-of-a-file-with-data.tar.gz";
        let files = [
            (name, Some(4096), 1024),
            ("日本語のとても長いファイル名です、本当に長い.txt", None, 10),
        ];
        for columns in [60, 80, 200] {
            let lines = shown(columns, &files);
            assert_eq!(lines.len(), 3, "{columns}: {lines:#?}");
            for line in &lines {
                assert!(measure_text_width(line) <= usize::from(columns), "{columns}: {lines:#?}");
            }
            assert!(
                lines[0].contains("-data.tar.gz ") && lines[0].contains(" 25%    1.00 KiB"),
                "{columns}: {lines:#?}"
            );
            assert!(
                lines[1].contains("長い.txt") && lines[1].contains("10 B"),
                "{columns}: {lines:#?}"
            );
            assert!(lines[2].starts_with("0 of 2 files, "), "{columns}: {lines:#?}");
        }
        assert!(shown(200, &files)[0].starts_with(name));
    }

    #[test]
    fn long_names_lose_their_beginning() {
        for (name, columns, expected) in [
            ("short", 5, "short"),
            ("longer", 5, "…nger"),
            ("中文文件", 8, "中文文件"),
            ("中文文件", 7, "…文文件"),
            ("中文文件", 6, "…文件"),
        ] {
            assert_eq!(shortened(name, columns), expected, "{name} {columns}");
        }
    }
}
