//! Parses a raw listing and prints each entry as a line of JSON
//!
//! ```text
//! listing [--now 2026-01-31T12:00:00Z] [--ahead DAYS] [--date-order ymd|mdy|dmy] [--format NAME] < bytes
//! ```
//!
//! `{"line":[1],"result":"entry","name":"notes","kind":"file","size":42,…}` is an entry with all known fields;
//! `skipped` stands for totals, headers and blank lines, `error` for lines that can't be parsed. `--now` determines the
//! years that the listing omits, `--ahead` how far in the future they may be, and `--date-order` the order of the
//! numbers in a date.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the library does no I/O, this program around it does"
)]

use std::env;
use std::io::{self, BufWriter, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use ftp_proto::listing::{DateOrder, Format, Item, ListingParser, Note};

#[path = "../tests/support/listing_json.rs"]
mod to_json;

const FORMATS: &[(&str, Format)] = &[
    ("mlsx", Format::Mlsx),
    ("unix", Format::Unix),
    ("dos", Format::Dos),
    ("eplf", Format::Eplf),
    ("vms", Format::Vms),
    ("os400", Format::Os400),
    ("os2", Format::Os2),
    ("nonstop", Format::NonStop),
    ("mvs", Format::Mvs),
    ("names", Format::Names),
    ("cms", Format::Cms),
    ("numeric", Format::Numeric),
    ("vshell", Format::VShell),
    ("vxworks", Format::VxWorks),
    ("os9", Format::Os9),
    ("wfftp", Format::Wfftp),
    ("dls", Format::Dls),
];

fn main() -> ExitCode {
    let parser = match arguments(env::args().skip(1)) {
        Ok(parser) => parser,
        Err(message) => {
            let names: Vec<_> = FORMATS.iter().map(|(name, _)| *name).collect();
            eprintln!(
                "{message}\nusage: listing [--now YYYY-MM-DDTHH:MM:SSZ] [--ahead DAYS] \
                 [--date-order ymd|mdy|dmy] [--format {}] < bytes",
                names.join("|")
            );
            return ExitCode::from(2);
        }
    };
    match run(parser, &mut io::stdin().lock(), &mut BufWriter::new(io::stdout().lock())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("listing: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(mut arguments: impl Iterator<Item = String>) -> Result<ListingParser, String> {
    let mut parser = ListingParser::new();
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        parser = match &*argument {
            "--now" => {
                let now = to_json::parse_iso(&value);
                parser.with_now(now.ok_or_else(|| format!("no time: {value}"))?)
            }
            "--ahead" => {
                let days: u16 = value.parse().map_err(|_| format!("no number: {value}"))?;
                parser.with_dates_ahead(Duration::from_secs(u64::from(days) * 24 * 60 * 60))
            }
            "--date-order" => parser.with_date_order(match &*value {
                "ymd" => DateOrder::YearFirst,
                "mdy" => DateOrder::MonthFirst,
                "dmy" => DateOrder::DayFirst,
                _ => return Err(format!("no order: {value}")),
            }),
            "--format" => {
                let known = FORMATS.iter().find(|(name, _)| *name == value);
                parser.with_format(known.ok_or_else(|| format!("no format: {value}"))?.1)
            }
            _ => return Err(format!("unknown option {argument}")),
        };
    }
    Ok(parser)
}

fn run(
    mut parser: ListingParser,
    input: &mut impl Read,
    output: &mut impl Write,
) -> io::Result<()> {
    let mut numbers = Numbers::default();
    let mut buffer = [0; 64 * 1024];
    loop {
        let length = input.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        let mut bytes = &buffer[..length];
        while let Some(item) = parser.parse(&mut bytes) {
            numbers.write(&item, output)?;
        }
    }
    while let Some(item) = parser.finish() {
        numbers.write(&item, output)?;
    }
    output.flush()
}

/// The lines of which an item consists
#[derive(Default)]
struct Numbers {
    lines: Vec<usize>,
    next: usize,
}

impl Numbers {
    fn write(&mut self, item: &Item<'_>, output: &mut impl Write) -> io::Result<()> {
        self.lines.push(self.next);
        self.next += 1;
        if matches!(item, Item::Note(Note::Continued(_))) {
            return Ok(());
        }
        if let Some(object) = to_json::item(item, &self.lines) {
            writeln!(output, "{object}")?;
        }
        self.lines.clear();
        Ok(())
    }
}
