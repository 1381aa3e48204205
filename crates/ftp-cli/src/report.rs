//! Reports progress, errors and the summary, as bars, lines or JSON

mod bars;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::args::{Common, Progress};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use bars::{Bar, Bars};

/// How often progress events are written for each file with --json
const JSON_INTERVAL: Duration = Duration::from_millis(500);

/// Reports progress and errors, from any thread
#[derive(Debug)]
pub(crate) struct Reporter {
    sink: Sink,
    begun: Instant,
    totals: Mutex<Totals>,
    /// Why a line could not be written to standard output; the first reason if there are several
    unwritten: OnceLock<Failure>,
}

#[derive(Debug)]
enum Sink {
    Quiet,
    /// Only errors and the summary
    Summary,
    Plain,
    Json,
    Bars(Bars),
}

/// The totals of a run so far
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) kept: u64,
    pub(crate) deleted: u64,
    pub(crate) skipped: u64,
    pub(crate) exits: Vec<Exit>,
}

/// What is done with a file or directory
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Get,
    Put,
    Mkdir,
    Delete,
}

impl Action {
    const fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Put => "put",
            Self::Mkdir => "mkdir",
            Self::Delete => "delete",
        }
    }
}

/// A file that is being transferred
#[derive(Debug)]
pub(crate) struct Running<'a> {
    reporter: &'a Reporter,
    action: Action,
    name: Vec<u8>,
    total: Option<u64>,
    done: AtomicU64,
    /// The maximum of `done` so far, so that an attempt that starts again does not count bytes twice
    highest: AtomicU64,
    told: Mutex<Instant>,
    begun: Instant,
    bar: Option<Bar>,
}

impl Reporter {
    pub(crate) fn new(common: &Common) -> Self {
        use std::io::IsTerminal as _;
        let bars = common.progress.is_none() && std::io::stderr().is_terminal();
        let sink = match common.progress {
            _ if common.quiet => Sink::Quiet,
            _ if common.json => Sink::Json,
            Some(Progress::None) => Sink::Summary,
            Some(Progress::Bar) => Sink::Bars(Bars::new()),
            None if bars => Sink::Bars(Bars::new()),
            Some(Progress::Plain) | None => Sink::Plain,
        };
        Self { sink, begun: Instant::now(), totals: Mutex::default(), unwritten: OnceLock::new() }
    }

    pub(crate) fn totals(&self) -> Totals {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Totals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reports the start of a file
    pub(crate) fn begin(&self, action: Action, name: &[u8], total: Option<u64>) -> Running<'_> {
        let bar = match &self.sink {
            Sink::Bars(bars) => Some(bars.file(&crate::show::bytes(name), total)),
            _ => None,
        };
        let begun = Instant::now();
        let running = Running {
            reporter: self,
            action,
            name: name.to_vec(),
            total,
            done: AtomicU64::new(0),
            highest: AtomicU64::new(0),
            told: Mutex::new(begun),
            begun,
            bar,
        };
        running.event("start", &[("bytes", total.into())]);
        running
    }

    /// Adds to the numbers of files and bytes that are to be transferred
    pub(crate) fn expect(&self, files: u64, bytes: u64) {
        if let Sink::Bars(bars) = &self.sink {
            bars.expect(files, bytes);
        }
    }

    /// Counts a file that is up to date
    pub(crate) fn kept(&self) {
        self.lock().kept += 1;
    }

    /// Reports an item that is left out without a failure
    pub(crate) fn skipped(&self, name: &[u8], reason: &str) {
        self.lock().skipped += 1;
        self.notice(name, &format!("left out: {reason}"));
    }

    /// Reports an action without progress, such as a deletion; in a dry run, one that would be done
    pub(crate) fn did(&self, action: Action, name: &[u8], is_dry: bool) {
        self.lock().deleted += u64::from(action == Action::Delete);
        match &self.sink {
            Sink::Json => self.json("done", action, name, &[("dry_run", is_dry.into())]),
            Sink::Plain => self.line(&format!("{} {}", action.word(), crate::show::bytes(name))),
            // Bars replace these lines except in a dry run, whose purpose is the list.
            Sink::Bars(bars) if is_dry => {
                bars.suspend(|| {
                    self.line(&format!("{} {}", action.word(), crate::show::bytes(name)));
                });
            }
            Sink::Bars(_) | Sink::Quiet | Sink::Summary => {}
        }
    }

    /// Reports a file that a dry run would transfer
    pub(crate) fn would(&self, action: Action, name: &[u8], bytes: Option<u64>) {
        let mut totals = self.lock();
        totals.files += 1;
        totals.bytes = totals.bytes.saturating_add(bytes.unwrap_or(0));
        drop(totals);
        self.did(action, name, true);
    }

    /// Writes a notice to standard error
    pub(crate) fn notice(&self, name: &[u8], text: &str) {
        if !matches!(self.sink, Sink::Quiet) {
            self.error_line(&format!("{}: {text}", crate::show::bytes(name)));
        }
    }

    /// Reports a failure
    pub(crate) fn fail(&self, name: &[u8], failure: &Failure) {
        self.lock().exits.push(failure.exit());
        if let Sink::Json = self.sink {
            let mut event = self.object("fail", name);
            event.insert("code".into(), failure.exit().code().into());
            event.insert("error".into(), failure.to_string().into());
            self.write_json(event);
        }
        match failure.subject() {
            None if !name.is_empty() => {
                self.error_line(&format!("{}: {failure}", crate::show::bytes(name)));
            }
            _ => self.error_line(&failure.to_string()),
        }
    }

    /// Writes the summary; returns the exit code of the run, also if standard output could not be written to
    pub(crate) fn summary(&self, exit: Exit) -> Exit {
        let exit = self.with_output(exit);
        let totals = self.totals();
        let seconds = self.begun.elapsed().as_secs_f64();
        match &self.sink {
            Sink::Json => {
                let event = json!({
                    "event": "summary",
                    "files": totals.files,
                    "bytes": totals.bytes,
                    "kept": totals.kept,
                    "skipped": totals.skipped,
                    "deleted": totals.deleted,
                    "failed": totals.exits.len(),
                    "seconds": seconds,
                    "code": exit.code(),
                });
                if let Value::Object(event) = event {
                    self.write_json(event);
                }
            }
            Sink::Quiet => {}
            Sink::Plain | Sink::Summary => self.line(&totals.line(seconds)),
            Sink::Bars(bars) => {
                bars.finish();
                self.line(&totals.line(seconds));
            }
        }
        // The files that were not begun, or not completed, are not failures of their own.
        if exit == Exit::Interrupted {
            self.error_line(Failure::interrupted().message());
        }
        if let Some(failure) = self.unwritten.get() {
            self.error_line(&failure.to_string());
        }
        self.with_output(exit)
    }

    fn with_output(&self, exit: Exit) -> Exit {
        Exit::of_all([exit].into_iter().chain(self.unwritten.get().map(Failure::exit)))
    }

    fn object(&self, event: &str, name: &[u8]) -> Map<String, Value> {
        let mut object = Map::new();
        object.insert("event".into(), event.into());
        crate::show::insert_name(&mut object, "file", name);
        object
    }

    fn json(&self, event: &str, action: Action, name: &[u8], fields: &[(&str, Value)]) {
        let mut object = self.object(event, name);
        object.insert("action".into(), action.word().into());
        object.extend(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        self.write_json(object);
    }

    fn write_json(&self, object: Map<String, Value>) {
        self.line(&Value::Object(object).to_string());
    }

    /// Writes a line to standard output; an error is reported with the summary, when no bars are drawn any more
    fn line(&self, line: &str) {
        let written = output::write(format!("{line}\n").as_bytes());
        if let Some(failure) = written.err().as_ref().and_then(output::unless_closed) {
            let _ = self.unwritten.set(failure);
        }
    }

    fn error_line(&self, text: &str) {
        match &self.sink {
            Sink::Bars(bars) => bars.suspend(|| output::message(text)),
            _ => output::message(text),
        }
    }
}

impl Totals {
    fn line(&self, seconds: f64) -> String {
        let rate = self.bytes as f64 / seconds.max(0.001);
        let mut line = format!(
            "{} files, {} in {seconds:.1} s ({}/s)",
            self.files,
            crate::show::size(self.bytes),
            crate::show::size(rate as u64),
        );
        for (count, what) in [
            (self.kept, "up to date"),
            (self.deleted, "deleted"),
            (self.skipped, "left out"),
            (self.exits.len() as u64, "failed"),
        ] {
            if count > 0 {
                line.push_str(&format!(", {count} {what}"));
            }
        }
        line
    }
}

impl Running<'_> {
    /// Sets how many bytes of the file have been transferred, including those of earlier runs
    pub(crate) fn at(&self, bytes: u64) {
        self.done.store(bytes, Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            let highest = self.highest.fetch_max(bytes, Ordering::Relaxed);
            bar.at(bytes, bytes.saturating_sub(highest));
        }
        if let Sink::Json = self.reporter.sink {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.elapsed() >= JSON_INTERVAL {
                *told = Instant::now();
                drop(told);
                self.event("progress", &[("bytes", bytes.into()), ("total", self.total.into())]);
            }
        }
    }

    /// Returns how many bytes of the file have been transferred
    pub(crate) fn bytes(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Writes a notice about this file
    pub(crate) fn notice(&self, text: &str) {
        self.reporter.notice(&self.name, text);
    }

    /// Returns the same with another file name
    #[must_use]
    pub(crate) fn renamed(mut self, name: &[u8]) -> Self {
        self.name = name.to_vec();
        self
    }

    /// Reports the end of the file if it is complete, with the bytes transferred; returns the failure otherwise
    pub(crate) fn end(self, result: Result<u64, Failure>) -> Result<(), Failure> {
        match result {
            Ok(moved) => self.done(moved),
            Err(failure) => {
                if let Some(bar) = &self.bar {
                    bar.remove();
                }
                return Err(failure);
            }
        }
        Ok(())
    }

    fn done(&self, moved: u64) {
        let mut totals = self.reporter.lock();
        totals.files += 1;
        totals.bytes += moved;
        drop(totals);
        if let Some(bar) = &self.bar {
            bar.done();
        }
        let seconds = self.begun.elapsed().as_secs_f64();
        self.event("done", &[("bytes", moved.into()), ("seconds", seconds.into())]);
        if let Sink::Plain = self.reporter.sink {
            let (name, size) = (crate::show::bytes(&self.name), crate::show::size(moved));
            self.reporter.line(&format!("{} {name} ({size})", self.action.word()));
        }
    }

    fn event(&self, event: &str, fields: &[(&str, Value)]) {
        if let Sink::Json = self.reporter.sink {
            self.reporter.json(event, self.action, &self.name, fields);
        }
    }
}
