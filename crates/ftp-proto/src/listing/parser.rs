//! Lines into items, and which format they are in

use alloc::vec::Vec;

use super::entry::{Entry, Kind};
use super::lines::Lines;
use super::note::{self, Note};
use super::offset::UtcOffset;
use super::{dos, eplf, legacy, mlsx, mvs, unix, vms};
use crate::Timestamp;

/// How a server writes its listings
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// MLSD and MLST
    Mlsx,
    /// `ls -l` and what looks like it
    Unix,
    /// IIS, and DOS before it
    Dos,
    /// EPLF
    Eplf,
    /// OpenVMS
    Vms,
    /// OS/400
    Os400,
    /// OS/2
    Os2,
    /// Tandem NonStop
    NonStop,
    /// z/OS
    Mvs,
    /// Nothing but names, as NLST has them
    Names,
}

/// Those that say more than a name, the frequent ones first
const STRUCTURED: [Format; 9] = [
    Format::Unix,
    Format::Mlsx,
    Format::Dos,
    Format::Eplf,
    Format::Vms,
    Format::Os400,
    Format::NonStop,
    Format::Mvs,
    Format::Os2,
];

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
    wrap: Wrap,
    choice: Choice,
    now: Option<Timestamp>,
    offset: Option<UtcOffset>,
}

/// OpenVMS writes long names on a line of their own
#[derive(Debug, Default)]
struct Wrap {
    /// The name, or name and rest
    text: Vec<u8>,
    state: WrapState,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum WrapState {
    #[default]
    Empty,
    /// A name waits for its rest
    Name,
}

#[derive(Debug)]
enum Choice {
    Fixed(Format),
    Votes(Votes),
}

#[derive(Debug, Default)]
struct Votes {
    /// Lines that each of [`STRUCTURED`] has understood
    counts: [u32; STRUCTURED.len()],
    /// Which of them has understood most
    leader: Option<Format>,
}

impl Votes {
    fn count(&mut self, format: Format) {
        let Some(index) = STRUCTURED.iter().position(|known| *known == format) else { return };
        self.counts[index] = self.counts[index].saturating_add(1);
        if self.leader != Some(format) {
            self.leader = best(&self.counts);
        }
    }
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
            wrap: Wrap::default(),
            choice: Choice::Votes(Votes::default()),
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

    /// As [`Self::with_format`], for a listing that has not begun
    pub(super) fn set_format(&mut self, format: Format) {
        self.choice = Choice::Fixed(format);
    }

    /// Tells the server's local time, as well as it is known, when the listing was made: it decides
    /// the year of `Mar 10 12:34`, which is the last one that is not more than a day ahead
    #[must_use]
    pub fn with_now(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// Tells how far the server's clock is ahead of UTC: times of day come in UTC then, and
    /// [`Self::with_now`] is UTC, too
    #[must_use]
    pub fn with_offset(mut self, offset: UtcOffset) -> Self {
        self.offset = Some(offset);
        self
    }

    /// The format that has understood most lines so far
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        match &self.choice {
            Choice::Fixed(format) => Some(*format),
            Choice::Votes(votes) => votes.leader,
        }
    }

    /// The next item; `None` when the input is used up
    ///
    /// Call it until then, then again with what comes next.
    pub fn parse<'p, 'i: 'p>(&'p mut self, input: &mut &'i [u8]) -> Option<Item<'p>> {
        let Self { lines, wrap, choice, now, offset } = self;
        let line = lines.next(input)?;
        let mut item = read(line, wrap, choice, local(*now, *offset));
        if let Some(offset) = offset {
            in_utc(&mut item, *offset);
        }
        Some(item)
    }

    /// The last line, if it came without its end; nothing may be parsed after that
    pub fn finish(&mut self) -> Option<Item<'_>> {
        let Self { lines, wrap, choice, now, offset } = self;
        let line = lines.finish()?;
        let mut item = read(line, wrap, choice, local(*now, *offset));
        if let Some(offset) = offset {
            in_utc(&mut item, *offset);
        }
        Some(item)
    }
}

/// What the server's clock says
fn local(now: Option<Timestamp>, offset: Option<UtcOffset>) -> Option<Timestamp> {
    match (now, offset) {
        (Some(now), Some(offset)) => offset.to_server(now),
        (now, _) => now,
    }
}

fn in_utc(item: &mut Item<'_>, offset: UtcOffset) {
    if let Item::Entry(entry) = item {
        entry.modified = entry.modified.map(|modified| modified.to_utc(offset));
    }
}

fn best(votes: &[u32; STRUCTURED.len()]) -> Option<Format> {
    let most = votes.iter().max().filter(|most| **most > 0)?;
    votes.iter().position(|votes| votes == most).map(|index| STRUCTURED[index])
}

fn read<'a>(
    line: &'a [u8],
    wrap: &'a mut Wrap,
    choice: &mut Choice,
    now: Option<Timestamp>,
) -> Item<'a> {
    let vms = match choice {
        Choice::Fixed(format) => *format == Format::Vms,
        Choice::Votes(votes) => votes.leader.is_none_or(|leader| leader == Format::Vms),
    };
    let waits = core::mem::take(&mut wrap.state) == WrapState::Name;
    let continues = waits && line.first().is_some_and(u8::is_ascii_whitespace);
    if !continues && vms && vms::is_name(line) {
        wrap.text.clear();
        wrap.text.extend_from_slice(line.trim_ascii_end());
        wrap.state = WrapState::Name;
        return Item::Note(Note::Continued(line));
    }
    let line = if continues {
        wrap.text.extend_from_slice(line);
        &wrap.text
    } else {
        line
    };
    match choice {
        Choice::Fixed(Format::Names) => names(line),
        Choice::Fixed(format) => {
            let entry = entry(*format, line, now).map(Item::Entry);
            entry.or_else(|| note::of(line).map(Item::Note)).unwrap_or(Item::Unknown(line))
        }
        Choice::Votes(votes) => vote(line, votes, now),
    }
}

fn vote<'a>(line: &'a [u8], votes: &mut Votes, now: Option<Timestamp>) -> Item<'a> {
    let first = votes.leader;
    if let Some(leader) = first {
        if let Some(entry) = entry(leader, line, now) {
            votes.count(leader);
            return Item::Entry(entry);
        }
    }
    for format in STRUCTURED.into_iter().filter(|other| Some(*other) != first) {
        // A blank before a name is MLSD's way to say nothing, but only where the listing is MLSD's.
        let known =
            |entry: &Entry<'_>| format != Format::Mlsx || entry.facts.iter().next().is_some();
        if let Some(entry) = entry(format, line, now).filter(known) {
            votes.count(format);
            return Item::Entry(entry);
        }
    }
    if let Some(note) = note::of(line) {
        return Item::Note(note);
    }
    if first.is_some() || looks_structured(line) { Item::Unknown(line) } else { names(line) }
}

fn entry(format: Format, line: &[u8], now: Option<Timestamp>) -> Option<Entry<'_>> {
    match format {
        Format::Mlsx => mlsx::parse_mlsx(line),
        Format::Unix => unix::parse(line, now),
        Format::Dos => dos::parse(line, now),
        Format::Eplf => eplf::parse(line),
        Format::Vms => vms::parse(line, now),
        Format::Os400 => legacy::os400(line, now),
        Format::Os2 => legacy::os2(line, now),
        Format::NonStop => legacy::nonstop(line, now),
        Format::Mvs => mvs::parse(line, now),
        Format::Names => None,
    }
}

/// Whether a line that nobody understands is rather a damaged line of some format than a bare name
fn looks_structured(line: &[u8]) -> bool {
    let unix = line.len() > 10
        && b"-dlbcps".contains(&line[0])
        && line[1..10].iter().all(|byte| b"rwxsStT-".contains(byte))
        && line[10].is_ascii_whitespace();
    let dos = line.len() > 9
        && line[..8].iter().enumerate().all(|(index, byte)| match index {
            2 | 5 => matches!(byte, b'-' | b'/'),
            _ => byte.is_ascii_digit(),
        })
        && line[8].is_ascii_whitespace();
    // NetWare, also where the rest is damaged.
    let netware = matches!(line, [b'-' | b'd', b' ', b'[', ..] | [b'-' | b'd', b'[', ..]);
    let facts = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let mlsx = facts.len() < line.len() && facts.contains(&b'=') && !facts.contains(&b' ');
    unix || dos || netware || mlsx
}

/// A line of NLST: the name and nothing else
fn names(line: &[u8]) -> Item<'_> {
    if line.is_empty() {
        Item::Note(Note::Blank)
    } else {
        Item::Entry(Entry::new(line, line, Kind::Unknown))
    }
}
