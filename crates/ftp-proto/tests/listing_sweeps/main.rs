//! Every size, day and year in every known format: no line is lost, no field is wrong
//!
//! By default it takes a sample. `FTP_LONG=1` takes all:
//! `FTP_LONG=1 cargo test --release -p ftp-proto --test listing_sweeps -- --nocapture`.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the environment tells how long it may take, and counts are printed"
)]

mod formats;
mod months;

use std::env;
use std::fmt::Write;

use ftp_proto::Timestamp;
use ftp_proto::listing::{Format, Item, ListingParser, Modified};

use formats::{File, Has, NAME, Way, others, unix};

/// The clock of all sweeps
const NOW: (u16, u8, u8, u8, u8) = (2024, 2, 29, 12, 0);

/// The maximum size
const SIZES: u64 = 20_000;

fn long() -> bool {
    env::var_os("FTP_LONG").is_some_and(|value| value == "1")
}

fn now() -> Timestamp {
    let (year, month, day, hour, minute) = NOW;
    Timestamp::new(year, month, day, hour, minute, 0).expect("a time")
}

/// Checks the item of a line in this format
fn check(way: &Way, file: &File, item: &Item<'_>, line: &str) {
    let Item::Entry(entry) = item else { panic!("{}: lost: {line}: {item:?}", way.name) };
    let name = String::from_utf8_lossy(entry.name);
    let known = [NAME, "a.name", "A.NAME", "ANAME", "ANAME.TXT"];
    assert!(known.contains(&&*name), "{}: {line}: {name}", way.name);
    // Blocks and records are not bytes.
    if !way.name.starts_with("VMS") && !way.name.starts_with("z/OS") {
        assert_eq!(entry.size, Some(file.size), "{}: {line}", way.name);
    }
    let Some(Modified::At { time, .. }) = entry.modified else {
        panic!("{}: no date: {line}", way.name);
    };
    let minutes = if way.has == Has::Year { (0, 0) } else { (file.hour, file.minute) };
    let day = (time.year(), time.month(), time.day());
    assert_eq!(day, (file.year, file.month, file.day), "{}: {line}", way.name);
    assert_eq!((time.hour(), time.minute()), minutes, "{}: {line}", way.name);
    if way.name.starts_with("ls ") {
        let text =
            |field: Option<&[u8]>| field.map(|field| String::from_utf8_lossy(field).into_owned());
        assert_eq!(text(entry.owner).as_deref(), Some("ann"), "{}: {line}", way.name);
        assert_eq!(text(entry.group).as_deref(), Some("staff"), "{}: {line}", way.name);
        assert_eq!(entry.links, Some(1), "{}: {line}", way.name);
    }
}

fn parser(way: &Way) -> ListingParser {
    let parser = ListingParser::new().with_now(now());
    match way.order {
        Some(order) => parser.with_date_order(order),
        None => parser,
    }
}

/// Parses all these files in one format, as one listing, and returns their number
fn sweep(way: &Way, files: impl Iterator<Item = File>) -> usize {
    let mut parser = parser(way);
    let mut count = 0;
    let mut line = String::new();
    for mut file in files {
        if way.has == Has::Time {
            // Up to a day in the future, a day without a year is in this year.
            let (year, _, _, hour, minute) = NOW;
            let ahead = (file.month, file.day, file.hour, file.minute) > (3, 1, hour, minute);
            file.year = year - u16::from(ahead);
        }
        line.clear();
        let _ = writeln!(line, "{}", (way.line)(&file));
        let mut input = line.as_bytes();
        let item = parser.parse(&mut input).unwrap_or_else(|| panic!("{}: {line}", way.name));
        check(way, &file, &item, &line);
        assert!(input.is_empty());
        count += 1;
    }
    count
}

fn days_in_month(year: u16, month: u8) -> u8 {
    (28..=31).rev().find(|day| Timestamp::new(year, month, *day, 0, 0, 0).is_some()).expect("a day")
}

#[test]
fn every_size() {
    let step = if long() { 1 } else { 37 };
    let mut lines = 0;
    let ways: Vec<_> = unix().into_iter().chain(others()).collect();
    for way in &ways {
        for (month, day) in [(1, 2), (11, 12), (12, 31)] {
            let file = |size| File { size, year: 2003, month, day, hour: 10, minute: 17 };
            // Sizes that look like years are always included.
            let years = (1980..2040).chain(4090..4100);
            lines += sweep(way, (0..=SIZES).step_by(step).chain(years).map(file));
        }
    }
    println!("sizes: {lines} lines in {} ways", ways.len());
}

#[test]
fn every_day_of_every_year() {
    let mut lines = 0;
    let ways: Vec<_> = unix().into_iter().chain(others()).collect();
    let years: Vec<u16> = if long() {
        (1970..=2038).collect()
    } else {
        vec![1970, 1980, 1999, 2000, 2004, 2023, 2024, 2038]
    };
    for way in &ways {
        for year in &years {
            let days = (1..=12)
                .flat_map(|month| (1..=days_in_month(*year, month)).map(move |day| (month, day)));
            let step = if long() { 1 } else { 3 };
            let files = days.step_by(step).map(|(month, day)| File {
                size: u64::from(*year),
                year: *year,
                month,
                day,
                hour: (month * 2 + day) % 24,
                minute: day * 2 % 60,
            });
            let files = files.filter(|file| way.has != Has::Time || file.year == 2023);
            lines += sweep(way, files);
        }
    }
    println!("days: {lines} lines in {} ways", ways.len());
}

#[test]
fn every_minute() {
    let mut lines = 0;
    let ways = || unix().into_iter().chain(others()).filter(|way| way.has != Has::Year);
    for way in ways() {
        let step = if long() { 1 } else { 17 };
        let files = (0..24 * 60_u16).step_by(step).map(|minute| File {
            size: 1999,
            year: 2023,
            month: 11,
            day: 30,
            hour: u8::try_from(minute / 60).expect("an hour"),
            minute: u8::try_from(minute % 60).expect("a minute"),
        });
        lines += sweep(&way, files);
    }
    println!("minutes: {lines} lines in {} ways", ways().count());
}

/// Formats that are detected are detected at the first line
#[test]
fn the_first_line_is_enough() {
    let file = File { size: 17, year: 2003, month: 4, day: 5, hour: 6, minute: 7 };
    for (way, format) in unix().iter().map(|way| (way, Format::Unix)) {
        let mut parser = parser(way);
        let line = (way.line)(&file) + "\n";
        assert!(matches!(parser.parse(&mut line.as_bytes()), Some(Item::Entry(_))), "{line}");
        assert_eq!(parser.format(), Some(format), "{line}");
    }
}
