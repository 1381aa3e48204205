//! Parses lines into items, and detects their format

use alloc::vec::Vec;
use core::time::Duration;

use super::ambiguous::Next;
use super::entry::Entry;
use super::format::Format;
use super::item::Item;
use super::line::Line;
use super::lines::{End, Lines, MAX_LINE};
use super::note::Note;
use super::offset::UtcOffset;
use super::time::{DateOrder, Dates};
use super::votes::Votes;
use super::{cms, common, dls, dos, mlsx, vms};
use crate::Timestamp;

/// Parses a listing as it arrives
///
/// Memory is bounded: a line of 64 KiB or more is returned as unknown, and only its first 64 KiB are kept.
#[derive(Debug)]
pub struct ListingParser {
    lines: Lines,
    scratch: Scratch,
    choice: Choice,
    dates: Dates,
    now: Option<Timestamp>,
    offset: Option<UtcOffset>,
    /// Whether the last line lacked its line ending
    is_open: bool,
}

/// The parts of a listing that have to be copied; everything else borrows from the input
#[derive(Debug, Default)]
struct Scratch {
    /// A name, and perhaps the line after it, because some systems write long names on a line of their own; or another
    /// line that is kept until the next one
    wrapped: Vec<u8>,
    wrap: Wrap,
    /// A name that is not in the line in this form
    name: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wrap {
    #[default]
    Empty,
    /// `wrapped` is a name, and the next line shows whether the entry continues there
    Name,
    /// The entry continues there, and the caller has been told
    Continued,
    /// `wrapped` is a line whose meaning depends on the next one: see [`ambiguous`](super::ambiguous)
    Ambiguous,
}

/// The meaning of a line that was kept until the next one
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// A name whose entry does not continue
    Alone,
    /// A name whose entry continues
    Continued,
    /// An ambiguous line, with what follows it
    Ambiguous(Next),
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
    /// Creates a parser for a listing in any format
    #[must_use]
    pub fn new() -> Self {
        Self {
            lines: Lines::default(),
            scratch: Scratch::default(),
            choice: Choice::Votes(Votes::default()),
            dates: Dates::new(),
            now: None,
            offset: None,
            is_open: false,
        }
    }

    /// Restricts the parser to lines of this format
    #[must_use]
    pub fn with_format(mut self, format: Format) -> Self {
        self.choice = Choice::Fixed(format);
        self
    }

    /// Makes the parser try this format first, until a line has been parsed in another: see [`Format::of_system`]
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

    /// Sets the server's local time when the listing was made, as well as it is known. It determines
    /// the year of `Mar 10 12:34`: the latest year in which that date is not too far
    /// [ahead](Self::with_dates_ahead)
    #[must_use]
    pub fn with_now(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self.set_clock();
        self
    }

    /// Sets how far the server's clock is ahead of UTC: times of day are then returned in UTC, and
    /// the time of [`Self::with_now`] is UTC, too
    #[must_use]
    pub fn with_offset(mut self, offset: UtcOffset) -> Self {
        self.offset = Some(offset);
        self.set_clock();
        self
    }

    /// Sets the time of the server's clock
    fn set_clock(&mut self) {
        let local = match (self.now, self.offset) {
            (Some(now), Some(offset)) => offset.to_server(now),
            (now, _) => now,
        };
        if let Some(now) = local {
            self.dates.set_now(now);
        }
    }

    /// Sets how far ahead of [now](Self::with_now) a date without a year may be
    ///
    /// By default one day: clocks and time zones may differ by that much, and files from the
    /// future are rare. BSD's `ls` omits the year also for dates up to half a year ahead.
    #[must_use]
    pub fn with_dates_ahead(mut self, ahead: Duration) -> Self {
        // This limit is longer than the whole calendar.
        self.dates.set_ahead(i64::try_from(ahead.as_secs()).unwrap_or(i64::MAX / 2));
        self
    }

    /// Sets the order of the numbers in dates such as `03/10/24`
    ///
    /// Without it, the default order of the format is used, or the only order that results in a valid date, which
    /// then also applies to the lines that follow.
    #[must_use]
    pub fn with_date_order(mut self, order: DateOrder) -> Self {
        self.dates.set_order(order);
        self
    }

    /// Returns the format that has parsed the most lines so far
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        format(&self.choice)
    }

    /// Returns the next item; `None` when the input is used up
    ///
    /// Call it until it returns `None`, then again with the next input. Each line yields one item, in order. A line
    /// that may be the beginning of an entry yields its item only when the next line has arrived.
    pub fn parse<'p, 'i: 'p>(&'p mut self, input: &mut &'i [u8]) -> Option<Item<'p>> {
        if self.lines.is_exhausted(input) {
            return None;
        }
        self.hold_name(input);
        if matches!(self.scratch.wrap, Wrap::Name | Wrap::Ambiguous) {
            return self.parse_held(input);
        }
        let Self { lines, scratch, choice, dates, offset, .. } = self;
        let line = lines.next(input)?;
        if offset.is_none() && scratch.wrap == Wrap::Empty && line.len() < MAX_LINE {
            if let Some(entry) = common(line, choice, dates) {
                return Some(Item::Entry(entry));
            }
        }
        let mut item = read(line, scratch, choice, dates, End::Present);
        if let Some(offset) = offset {
            in_utc(&mut item, *offset);
        }
        Some(item)
    }

    /// Whether [`Self::parse`] can return an item without more input
    ///
    /// If not, all of the input is kept, and removed from it.
    pub(super) fn has_item(&mut self, input: &mut &[u8]) -> bool {
        self.hold_name(input);
        let has_line = self.lines.has_line(input);
        if !has_line && !input.is_empty() {
            self.lines.next(input);
        }
        has_line
    }

    /// Keeps the next line back if it is a name that may continue in the line after it, or if its meaning
    /// depends on that line
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
            self.scratch.hold(line.trim_ascii_end(), Wrap::Name);
        } else if is_ambiguous(line, &self.choice, &self.dates, End::Present) {
            self.scratch.hold(line, Wrap::Ambiguous);
        } else {
            self.lines.again(input, before);
        }
    }

    /// Returns the next item, which results from the line in `scratch`
    #[inline(never)]
    fn parse_held(&mut self, input: &mut &[u8]) -> Option<Item<'_>> {
        let Self { lines, scratch, choice, dates, .. } = self;
        let before = *input;
        let held = scratch.resolve(lines.next(input)?, choice, dates);
        lines.again(input, before);
        Some(scratch.give(held, choice, dates))
    }

    /// Returns what is left when the input has ended: the last line, if it had no line ending
    ///
    /// Call it until it returns `None`; don't parse anything after that.
    pub fn finish(&mut self) -> Option<Item<'_>> {
        let Self { lines, scratch, choice, dates, offset, is_open, .. } = self;
        let last = lines.finish();
        *is_open |= last.is_some();
        let held = match (scratch.wrap, last) {
            (Wrap::Name, None) => Some(Held::Alone),
            (Wrap::Ambiguous, None) => Some(Held::Ambiguous(Next::End)),
            (_, None) => return None,
            (Wrap::Name | Wrap::Ambiguous, Some(line)) => {
                let held = scratch.resolve(line, choice, dates);
                lines.finish_again();
                Some(held)
            }
            // A name of OpenVMS without its version may be cut off.
            (Wrap::Empty, Some(line))
                if is_wrapped_name(line, choice)
                    && (format(choice) == Some(Format::Dls) || vms::is_name(line)) =>
            {
                scratch.hold(line.trim_ascii_end(), Wrap::Name);
                Some(Held::Alone)
            }
            (Wrap::Empty, Some(line)) if is_ambiguous(line, choice, dates, End::Missing) => {
                scratch.hold(line, Wrap::Ambiguous);
                Some(Held::Ambiguous(Next::End))
            }
            (_, Some(_)) => {
                lines.finish_again();
                None
            }
        };
        if let Some(held) = held {
            return Some(scratch.give(held, choice, dates));
        }
        // RFC 3659 section 7.2: each line of MLSD has a line ending. Lines of LIST may lack the last one (Q127).
        let has_ended_lines = lines.has_ended_lines();
        let line = lines.finish()?;
        if has_ended_lines && format(choice) == Some(Format::Mlsx) {
            return Some(Item::Unknown(line));
        }
        let mut item = read(line, scratch, choice, dates, End::Missing);
        if let Some(offset) = offset {
            in_utc(&mut item, *offset);
        }
        Some(item)
    }

    /// Whether the lines are known to be those of MLSD
    pub(super) const fn is_mlsd(&self) -> bool {
        matches!(self.choice, Choice::Fixed(Format::Mlsx))
    }

    /// Whether the last line lacks its line ending; known once [`Self::finish`] has returned `None`
    pub(super) const fn last_line_is_open(&self) -> bool {
        self.is_open
    }
}

impl Scratch {
    /// Keeps a line until the next one
    fn hold(&mut self, line: &[u8], wrap: Wrap) {
        self.wrapped.clear();
        self.wrapped.extend_from_slice(line);
        self.wrap = wrap;
    }

    /// Decides with the next line what the kept line means
    fn resolve(&mut self, next: &[u8], choice: &Choice, dates: &Dates) -> Held {
        match choice {
            Choice::Votes(votes) if self.wrap == Wrap::Ambiguous => {
                Held::Ambiguous(votes.next(next, dates))
            }
            _ if self.is_continued(next, choice, dates) => Held::Continued,
            _ => Held::Alone,
        }
    }

    /// Returns the item of the line that was kept
    fn give(&mut self, held: Held, choice: &mut Choice, dates: &Dates) -> Item<'_> {
        self.wrap = if held == Held::Continued { Wrap::Continued } else { Wrap::Empty };
        match (held, choice) {
            (Held::Continued, _) => Item::Note(Note::Continued(&self.wrapped)),
            (Held::Ambiguous(next), Choice::Votes(votes)) => votes.ambiguous(&self.wrapped, next),
            (_, choice) => lone_name(&self.wrapped, choice, dates),
        }
    }

    /// Whether this line continues the entry of the name that is kept
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

/// Returns the item for a name on a line of its own that the next line does not continue
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

/// Parses a line of the leading format in its most common form
///
/// It is inlined down to the fields, so that entries, which are large, are built in place.
#[inline(always)]
fn common<'a>(line: &'a [u8], choice: &mut Choice, dates: &mut Dates) -> Option<Entry<'a>> {
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

/// Parses a line in all possible ways
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
    if line.len() >= MAX_LINE {
        // The line is cut off, and so is its name, or the target of a link.
        return Item::Unknown(line);
    }
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
            // Other lines may be in between.
            if cms::is_split(entry, dates) {
                cms::join(entry.name, name);
                entry.name = name;
            }
        }
    }
    item
}

/// Whether the meaning of this line depends on the next one
fn is_ambiguous(line: &[u8], choice: &Choice, dates: &Dates, end: End) -> bool {
    match choice {
        Choice::Fixed(_) => false,
        Choice::Votes(votes) => votes.is_ambiguous(line, dates, end),
    }
}

/// Whether a line is a name whose entry may continue in the next line
fn is_wrapped_name(line: &[u8], choice: &Choice) -> bool {
    let begins = match format(choice) {
        None => vms::is_name(line),
        Some(Format::Vms) => vms::is_name(line) || vms::is_plain_name(line),
        Some(Format::Dls) => dls::is_name(line),
        Some(_) => false,
    };
    begins && line.len() < MAX_LINE
}
