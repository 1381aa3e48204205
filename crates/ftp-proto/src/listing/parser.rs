//! Lines into items, and which format they are in

use alloc::vec::Vec;
use core::time::Duration;

use super::entry::Entry;
use super::format::Format;
use super::line::{End, Line};
use super::lines::Lines;
use super::note::Note;
use super::offset::UtcOffset;
use super::time::{DateOrder, Dates};
use super::votes::Votes;
use super::{cms, common, dls, dos, mlsx, vms};
use crate::Timestamp;

/// What a line is
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item<'a> {
    /// A file, directory, link …
    Entry(Entry<'a>),
    /// Something about the listing
    Note(Note<'a>),
    /// Nobody knows
    Unknown(&'a [u8]),
}

/// Reads a listing as it comes
///
/// Memory is bounded by the longest line, of which no more than 64 KiB are looked at.
#[derive(Debug)]
pub struct ListingParser {
    lines: Lines,
    scratch: Scratch,
    choice: Choice,
    dates: Dates,
    now: Option<Timestamp>,
    offset: Option<UtcOffset>,
}

/// The parts of a listing that have to be copied; everything else borrows from the input
#[derive(Debug, Default)]
struct Scratch {
    /// A name, and perhaps the line after it: some systems write long names on a line of their own
    wrapped: Vec<u8>,
    wrap: Wrap,
    /// A name that does not stand in the line as it is
    name: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wrap {
    #[default]
    Empty,
    /// `wrapped` is a name, and the next line shows whether it goes on there
    Name,
    /// It does, and the caller knows
    Continued,
}

#[derive(Debug)]
enum Choice {
    Fixed(Format),
    Votes(Votes),
}

impl Default for ListingParser {
    fn default() -> Self {
        Self::new()
    }
}

impl ListingParser {
    /// For a listing in whatever format
    #[must_use]
    pub fn new() -> Self {
        Self {
            lines: Lines::default(),
            scratch: Scratch::default(),
            choice: Choice::Votes(Votes::default()),
            dates: Dates::new(),
            now: None,
            offset: None,
        }
    }

    /// Takes lines of this format only
    #[must_use]
    pub fn with_format(mut self, format: Format) -> Self {
        self.choice = Choice::Fixed(format);
        self
    }

    /// Asks this format first, as long as no line has spoken for another: see [`Format::of_system`]
    #[must_use]
    pub fn with_hint(mut self, format: Format) -> Self {
        self.set_hint(format);
        self
    }

    /// As [`Self::with_hint`], for a listing that has not begun
    pub(super) fn set_hint(&mut self, format: Format) {
        if let Choice::Votes(votes) = &mut self.choice {
            votes.hint = Some(format);
        }
    }

    /// As [`Self::with_format`], for a listing that has not begun
    pub(super) fn set_format(&mut self, format: Format) {
        self.choice = Choice::Fixed(format);
    }

    /// Tells the server's local time, as well as it is known, when the listing was made: it decides
    /// the year of `Mar 10 12:34`, which is the last one that is not too far
    /// [ahead](Self::with_dates_ahead)
    #[must_use]
    pub fn with_now(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self.set_clock();
        self
    }

    /// Tells how far the server's clock is ahead of UTC: times of day come in UTC then, and
    /// [`Self::with_now`] is UTC, too
    #[must_use]
    pub fn with_offset(mut self, offset: UtcOffset) -> Self {
        self.offset = Some(offset);
        self.set_clock();
        self
    }

    /// What the server's clock says
    fn set_clock(&mut self) {
        let local = match (self.now, self.offset) {
            (Some(now), Some(offset)) => offset.to_server(now),
            (now, _) => now,
        };
        if let Some(now) = local {
            self.dates.set_now(now);
        }
    }

    /// How far ahead of [now](Self::with_now) a date without a year may be
    ///
    /// A day unless told otherwise: that much may clocks and time zones differ, and files of the
    /// future are rare. `ls` of BSD leaves the year out half a year ahead too.
    #[must_use]
    pub fn with_dates_ahead(mut self, ahead: Duration) -> Self {
        // No listing is older than the calendar.
        self.dates.set_ahead(i64::try_from(ahead.as_secs()).unwrap_or(i64::MAX / 2));
        self
    }

    /// How dates such as `03/10/24` are meant
    ///
    /// Unless told, they are read as the format has them by default, or as the only way that makes
    /// sense, which then holds for the lines behind it as well.
    #[must_use]
    pub fn with_date_order(mut self, order: DateOrder) -> Self {
        self.dates.set_order(order);
        self
    }

    /// The format that has understood most lines so far
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        format(&self.choice)
    }

    /// The next item; `None` when the input is used up
    ///
    /// Call it until then, then again with what comes next. Each line gives one item, in order. A line that
    /// may be the beginning of an entry gives its item only when the next line is there.
    pub fn parse<'p, 'i: 'p>(&'p mut self, input: &mut &'i [u8]) -> Option<Item<'p>> {
        if self.lines.is_exhausted(input) {
            return None;
        }
        self.hold_name(input);
        if self.scratch.wrap == Wrap::Name {
            return self.parse_after_name(input);
        }
        let Self { lines, scratch, choice, dates, offset, .. } = self;
        let line = lines.next(input)?;
        if offset.is_none() && scratch.wrap == Wrap::Empty {
            if let Some(entry) = common(line, choice, dates) {
                return Some(Item::Entry(entry));
            }
        }
        let mut item = read(line, scratch, choice, dates, End::Told);
        if let Some(offset) = offset {
            in_utc(&mut item, *offset);
        }
        Some(item)
    }

    /// Whether [`Self::parse`] gives an item without more than this input
    ///
    /// A line that is kept back for the next one is taken from it.
    pub(super) fn has_item(&mut self, input: &mut &[u8]) -> bool {
        self.hold_name(input);
        self.lines.has_line(input)
    }

    /// Keeps the next line back if it is a name whose rest may come with the line after it
    #[inline]
    fn hold_name(&mut self, input: &mut &[u8]) {
        let may_wrap = matches!(format(&self.choice), None | Some(Format::Vms | Format::Dls));
        if may_wrap && self.scratch.wrap == Wrap::Empty {
            self.hold_if_wrapped(input);
        }
    }

    #[inline(never)]
    fn hold_if_wrapped(&mut self, input: &mut &[u8]) {
        let before = *input;
        let Some(line) = self.lines.next(input) else { return };
        if is_wrapped_name(line, &self.choice) {
            self.scratch.hold(line);
        } else {
            self.lines.again(input, before);
        }
    }

    /// The next item, which is what became of the name in `scratch`
    #[inline(never)]
    fn parse_after_name(&mut self, input: &mut &[u8]) -> Option<Item<'_>> {
        let Self { lines, scratch, choice, dates, .. } = self;
        let before = *input;
        let is_continued = scratch.is_continued(lines.next(input)?, choice, dates);
        lines.again(input, before);
        if is_continued {
            scratch.wrap = Wrap::Continued;
            return Some(Item::Note(Note::Continued(&scratch.wrapped)));
        }
        scratch.wrap = Wrap::Empty;
        Some(lone_name(&scratch.wrapped, choice, dates))
    }

    /// What is left when the input has ended: the last line, if it came without its end
    ///
    /// Call it until it returns `None`; nothing may be parsed after that.
    pub fn finish(&mut self) -> Option<Item<'_>> {
        let Self { lines, scratch, choice, dates, offset, .. } = self;
        let name_alone = match (scratch.wrap, lines.finish()) {
            (Wrap::Name, None) => true,
            (_, None) => return None,
            (Wrap::Name, Some(line)) => {
                let alone = !scratch.is_continued(line, choice, dates);
                lines.finish_again();
                if !alone {
                    scratch.wrap = Wrap::Continued;
                    return Some(Item::Note(Note::Continued(&scratch.wrapped)));
                }
                alone
            }
            // Without its version a name of OpenVMS may be cut.
            (Wrap::Empty, Some(line))
                if is_wrapped_name(line, choice)
                    && (format(choice) == Some(Format::Dls) || vms::is_name(line)) =>
            {
                scratch.hold(line);
                true
            }
            (_, Some(_)) => {
                lines.finish_again();
                false
            }
        };
        if name_alone {
            scratch.wrap = Wrap::Empty;
            return Some(lone_name(&scratch.wrapped, choice, dates));
        }
        let mut item = read(lines.finish()?, scratch, choice, dates, End::Missing);
        if let Some(offset) = offset {
            in_utc(&mut item, *offset);
        }
        Some(item)
    }
}

impl Scratch {
    /// Keeps a name until it is known whether it goes on
    fn hold(&mut self, name: &[u8]) {
        self.wrapped.clear();
        self.wrapped.extend_from_slice(name.trim_ascii_end());
        self.wrap = Wrap::Name;
    }

    /// Whether the name that is kept goes on with this line
    fn is_continued(&mut self, line: &[u8], choice: &Choice, dates: &Dates) -> bool {
        let length = self.wrapped.len();
        self.join(line);
        let continued = match format(choice) {
            Some(Format::Dls) => dls::parse(&self.wrapped, length, dates).is_some(),
            _ => vms::is_continued(&self.wrapped, dates),
        };
        self.wrapped.truncate(length);
        continued
    }

    /// Appends the rest of an entry to its name
    fn join(&mut self, line: &[u8]) {
        if !line.first().is_some_and(u8::is_ascii_whitespace) {
            self.wrapped.push(b' ');
        }
        self.wrapped.extend_from_slice(line);
    }
}

/// A name on a line of its own, which the next line does not continue
fn lone_name<'a>(line: &'a [u8], choice: &mut Choice, dates: &Dates) -> Item<'a> {
    let known = match choice {
        Choice::Fixed(format) => Some(*format),
        Choice::Votes(votes) => votes.leader().or(votes.hint),
    };
    match (known, choice) {
        (Some(Format::Dls), _) => match dls::lone(line) {
            Some(entry) => Item::Entry(entry),
            None => Item::Unknown(line),
        },
        (known, Choice::Votes(votes)) if known != Some(Format::Vms) => {
            match vms::member(line, dates).filter(|_| vms::is_typical_name(line)) {
                Some(entry) => Item::Entry(entry),
                None => votes.name(line),
            }
        }
        _ => match vms::member(line, dates) {
            Some(entry) => Item::Entry(entry),
            None => Item::Unknown(line),
        },
    }
}

fn in_utc(item: &mut Item<'_>, offset: UtcOffset) {
    if let Item::Entry(entry) = item {
        entry.modified = entry.modified.map(|modified| modified.to_utc(offset));
    }
}

fn format(choice: &Choice) -> Option<Format> {
    match choice {
        Choice::Fixed(format) => Some(*format),
        Choice::Votes(votes) => votes.leader(),
    }
}

/// A line of the leading format in the form that nearly all of them have
///
/// Inlined down to the fields, so that entries are built where they are wanted: they are large.
#[inline(always)]
fn common<'a>(line: &'a [u8], choice: &mut Choice, dates: &Dates) -> Option<Entry<'a>> {
    let entry = match format(choice)? {
        Format::Unix => common::parse(line, dates)?,
        Format::Mlsx => mlsx::facts_and_name(line)?,
        Format::Dos => dos::common(line, dates)?,
        _ => return None,
    };
    if let Choice::Votes(votes) = choice {
        votes.count_leader();
    }
    Some(entry)
}

/// Looks at a line from all sides
#[inline(never)]
fn read<'a>(
    line: &'a [u8],
    scratch: &'a mut Scratch,
    choice: &mut Choice,
    dates: &mut Dates,
    end: End,
) -> Item<'a> {
    let mut length = 0;
    let joined = core::mem::take(&mut scratch.wrap) != Wrap::Empty;
    if joined {
        length = scratch.wrapped.len();
        scratch.join(line);
    }
    let Scratch { wrapped, name, .. } = scratch;
    let line = if joined { wrapped } else { line };
    let line = Line { bytes: line, wrapped: length, end };
    let mut item = match choice {
        Choice::Fixed(format) => line.fixed(*format, dates),
        Choice::Votes(votes) => votes.read(line, dates),
    };
    if format(choice) == Some(Format::Cms) {
        if let Item::Entry(entry) = &mut item {
            // Other lines may stand between.
            if cms::is_split(entry, dates) {
                cms::join(entry.name, name);
                entry.name = name;
            }
        }
    }
    item
}

/// Whether a line is a name whose rest may come with the next line
fn is_wrapped_name(line: &[u8], choice: &Choice) -> bool {
    match format(choice) {
        None => vms::is_name(line),
        Some(Format::Vms) => vms::is_name(line) || vms::is_plain_name(line),
        Some(Format::Dls) => dls::is_name(line),
        Some(_) => false,
    }
}
