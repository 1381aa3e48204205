//! Detects the format of lines: each line that a format can parse is a vote for it

use super::ambiguous::{self, Ambiguity, Next};
use super::damaged::{is_cut, is_damaged};
use super::entry::{Entry, EntryKind};
use super::format::Format;
use super::item::Item;
use super::line::{Line, name};
use super::lines::End;
use super::mlsx;
use super::note::{self, Note};
use super::time::Dates;

/// The formats that contain more than a name, the frequent ones first, except for one whose names may look like any
/// other format
const STRUCTURED: [Format; 16] = [
    Format::Eplf,
    Format::Unix,
    Format::Mlsx,
    Format::Dos,
    Format::Vms,
    Format::Os400,
    Format::NonStop,
    Format::Mvs,
    Format::Os2,
    Format::Cms,
    Format::Numeric,
    Format::VShell,
    Format::VxWorks,
    Format::Os9,
    Format::Wfftp,
    Format::Dls,
];

/// What the lines so far show about the format
#[derive(Debug)]
pub(super) struct Votes {
    /// How many lines each of [`STRUCTURED`] has parsed
    counts: [u32; STRUCTURED.len()],
    /// The index of the format that has parsed the most lines
    leader: Option<usize>,
    /// The format that is tried first until a line has been parsed
    pub(super) hint: Option<Format>,
    names: BareNames,
    previous: Previous,
}

/// The previous line, as far as it matters for the recognition of headings and titles
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Previous {
    Blank,
    /// Titles of columns
    Header,
    Other,
}

/// Whether a line that no format can parse may be a bare name
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BareNames {
    /// No line has come yet
    Perhaps,
    /// There was a bare name
    Plain,
    /// The first bare name had a blank before it, so the listing is indented
    Indented,
    /// There was a line that only structured listings have
    No,
}

impl Default for Votes {
    fn default() -> Self {
        Self {
            counts: [0; STRUCTURED.len()],
            leader: None,
            hint: None,
            names: BareNames::Perhaps,
            previous: Previous::Other,
        }
    }
}

impl Votes {
    /// Parses a line whose format is not known beforehand
    pub(super) fn read<'a>(&mut self, line: Line<'a>, dates: &mut Dates) -> Item<'a> {
        let previous = core::mem::replace(&mut self.previous, Previous::Other);
        if let Some(entry) = self.entry(line, dates) {
            return Item::Entry(entry);
        }
        if previous == Previous::Header && note::is_underline(line.bytes) {
            return Item::Note(Note::Header(line.bytes));
        }
        if let Some((note, format)) = note::of(line.bytes) {
            if self.is_bare_name(note, previous) {
                return self.name(line.bytes);
            }
            if line.is_no_heading(note) {
                return Item::Unknown(line.bytes);
            }
            match note {
                Note::Blank => self.previous = Previous::Blank,
                Note::Header(_) => self.previous = Previous::Header,
                _ => {}
            }
            if matches!(note, Note::Total(_) | Note::Header(_)) {
                self.names = BareNames::No;
            }
            if let Some(format) = format {
                self.count(format);
            }
            return Item::Note(note);
        }
        if let Some(entry) = self.leader().and_then(|leader| line.member(leader, dates)) {
            return Item::Entry(entry);
        }
        if self.is_volume(line.bytes) {
            return Item::Note(Note::Header(line.bytes));
        }
        if line.end == End::Missing && self.names == BareNames::Perhaps && is_cut(line.bytes) {
            return Item::Unknown(line.bytes);
        }
        self.name(line.bytes)
    }

    /// Whether what looks like a heading is a name that ends in a colon: in a listing of names, `ls` puts a blank line
    /// before its headings
    fn is_bare_name(&self, note: Note<'_>, previous: Previous) -> bool {
        let among_names = matches!(self.names, BareNames::Plain | BareNames::Indented);
        among_names && matches!(note, Note::Section(_)) && previous != Previous::Blank
    }

    /// Whether a line is the title `$VOLUME.SUBVOLUME` of NonStop, which counts only if the system is known
    fn is_volume(&self, line: &[u8]) -> bool {
        let known = self.leader().or(self.hint) == Some(Format::NonStop);
        known && line.starts_with(b"$") && line.contains(&b'.')
    }

    fn entry<'a>(&mut self, line: Line<'a>, dates: &mut Dates) -> Option<Entry<'a>> {
        let (format, entry) = self.find(line, dates)?;
        self.count(format);
        Some(entry)
    }

    /// Returns the format that can parse this line, and its entry
    fn find<'a>(&self, line: Line<'a>, dates: &mut Dates) -> Option<(Format, Entry<'a>)> {
        // A single word is always a bare name.
        memchr::memchr2(b' ', b'\t', line.bytes)?;
        let leader = self.leader().or(self.hint);
        if let Some(leader) = leader {
            if let Some(entry) = line.entry(leader, dates) {
                return Some((leader, entry));
            }
        }
        for format in STRUCTURED.into_iter().filter(|other| Some(*other) != leader) {
            // In MLSD, a blank before a name means that there are no facts. Any format may contain `KEY= value`.
            // Both count as MLSD only in a listing that is known to be one.
            let known = |entry: &Entry<'_>| {
                let has_facts = entry.facts.0.contains(&b';') || entry.facts.get("type").is_some();
                format != Format::Mlsx || has_facts && !mlsx::is_fact(entry.name)
            };
            if let Some(entry) = line.entry(format, dates).filter(known) {
                return Some((format, entry));
            }
        }
        let line = line.without_code()?;
        let format = [Format::Unix, Format::Dos, Format::Mlsx];
        format.into_iter().find_map(|format| Some((format, line.entry(format, dates)?)))
    }

    /// Whether the meaning of this line depends on the next one
    pub(super) fn is_ambiguous(&self, line: &[u8], dates: &Dates, end: End) -> bool {
        let may_be = |ambiguity| match ambiguity {
            Ambiguity::Message | Ambiguity::Total => true,
            // After a blank line, it is a heading.
            Ambiguity::Heading => self.previous != Previous::Blank,
            Ambiguity::Name => end == End::Present && !self.is_volume(line),
        };
        self.names == BareNames::Perhaps
            && ambiguous::ambiguity(line).is_some_and(may_be)
            && self.find(Line::whole(line), &mut dates.clone()).is_none()
    }

    /// Returns what a line is, as far as it explains the ambiguous one before it
    pub(super) fn next(&self, line: &[u8], dates: &Dates) -> Next {
        if let Some((format, _)) = self.find(Line::whole(line), &mut dates.clone()) {
            return Next::Entry(format);
        }
        match (note::of(line), ambiguous::ambiguity(line)) {
            (Some((Note::Section(_), None)), _) => Next::Heading,
            (Some(_), _) | (_, Some(Ambiguity::Message)) => Next::Other,
            _ if is_damaged(line) => Next::Other,
            _ => Next::Name,
        }
    }

    /// Returns the item of an [ambiguous](Self::is_ambiguous) line
    pub(super) fn ambiguous<'a>(&mut self, line: &'a [u8], next: Next) -> Item<'a> {
        let item = ambiguous::ambiguity(line)
            .and_then(|ambiguity| ambiguous::resolve(line, ambiguity, next));
        if matches!(item, Some(Item::Note(Note::Total(_)))) {
            self.names = BareNames::No;
        }
        self.previous = Previous::Other;
        item.unwrap_or_else(|| self.name(line))
    }

    /// Returns the format that has parsed the most lines so far
    pub(super) fn leader(&self) -> Option<Format> {
        self.leader.map(|at| STRUCTURED[at])
    }

    /// Counts a vote for the leader, which has parsed a line before any other format was tried
    #[inline(always)]
    pub(super) fn count_leader(&mut self) {
        if let Some(leader) = self.leader {
            self.counts[leader] = self.counts[leader].saturating_add(1);
        }
    }

    /// Counts a vote for this format
    fn count(&mut self, format: Format) {
        self.names = BareNames::No;
        let Some(at) = STRUCTURED.iter().position(|known| *known == format) else { return };
        self.counts[at] = self.counts[at].saturating_add(1);
        let most = self.leader.map_or(0, |leader| self.counts[leader]);
        if self.counts[at] > most {
            self.leader = Some(at);
        }
    }

    /// Returns the item of a line that no format can parse
    pub(super) fn name<'a>(&mut self, line: &'a [u8]) -> Item<'a> {
        self.previous = Previous::Other;
        if self.names == BareNames::No {
            return ambiguous::unknown(line);
        }
        if is_damaged(line) {
            return Item::Unknown(line);
        }
        if self.names == BareNames::Perhaps {
            let indented = matches!(line, [b' ', second, ..] if *second != b' ');
            self.names = if indented { BareNames::Indented } else { BareNames::Plain };
        }
        match line {
            [b' ', rest @ ..] if self.names == BareNames::Indented && !rest.is_empty() => {
                Item::Entry(Entry::new(line, rest, EntryKind::Unknown))
            }
            _ => name(line),
        }
    }
}
