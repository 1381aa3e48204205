//! Which format a line is in: each line that one understands is a vote for it

use super::damaged::{is_cut, is_damaged};
use super::entry::{Entry, Kind};
use super::format::Format;
use super::item::Item;
use super::line::{Line, name};
use super::lines::End;
use super::mlsx;
use super::note::{self, Note};
use super::said::{self, Doubt, Next};
use super::time::Dates;

/// Those that say more than a name, the frequent ones first, but for one whose names may look like all others
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

/// What the lines so far tell of the format
#[derive(Debug)]
pub(super) struct Votes {
    /// Lines that each of [`STRUCTURED`] has understood
    counts: [u32; STRUCTURED.len()],
    /// Which of them has understood most
    leader: Option<usize>,
    /// Who is asked first as long as nobody has understood anything
    pub(super) hint: Option<Format>,
    names: BareNames,
    previous: Previous,
}

/// The line before, as far as it tells what a heading is
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Previous {
    Blank,
    Other,
}

/// Whether a line that nobody understands may be a name and nothing else
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BareNames {
    /// There was nothing yet
    Perhaps,
    /// There was one
    Plain,
    /// The first one had a blank before it, so the listing is indented
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
    /// What a line is, whose format is not known beforehand
    pub(super) fn read<'a>(&mut self, line: Line<'a>, dates: &mut Dates) -> Item<'a> {
        let previous = core::mem::replace(&mut self.previous, Previous::Other);
        if let Some(entry) = self.entry(line, dates) {
            return Item::Entry(entry);
        }
        if let Some((note, format)) = note::of(line.bytes) {
            if self.is_bare_name(note, previous) {
                return self.name(line.bytes);
            }
            if line.is_no_heading(note) {
                return Item::Unknown(line.bytes);
            }
            if note == Note::Blank {
                self.previous = Previous::Blank;
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

    /// Whether what looks like a heading is a name that ends in a colon: among names, `ls` has a blank line
    /// before its headings
    fn is_bare_name(&self, note: Note<'_>, previous: Previous) -> bool {
        let among_names = matches!(self.names, BareNames::Plain | BareNames::Indented);
        among_names && matches!(note, Note::Section(_)) && previous == Previous::Other
    }

    /// `$VOLUME.SUBVOLUME` of NonStop, which is a title only where its system is known
    fn is_volume(&self, line: &[u8]) -> bool {
        let known = self.leader().or(self.hint) == Some(Format::NonStop);
        known && line.starts_with(b"$") && line.contains(&b'.')
    }

    fn entry<'a>(&mut self, line: Line<'a>, dates: &mut Dates) -> Option<Entry<'a>> {
        let (format, entry) = self.find(line, dates)?;
        self.count(format);
        Some(entry)
    }

    /// The format that understands this line
    fn find<'a>(&self, line: Line<'a>, dates: &mut Dates) -> Option<(Format, Entry<'a>)> {
        // One word is never more than a name.
        memchr::memchr2(b' ', b'\t', line.bytes)?;
        let leader = self.leader().or(self.hint);
        if let Some(leader) = leader {
            if let Some(entry) = line.entry(leader, dates) {
                return Some((leader, entry));
            }
        }
        for format in STRUCTURED.into_iter().filter(|other| Some(*other) != leader) {
            // A blank before a name is MLSD's way to say nothing, and `KEY= value` is anybody's, but only
            // where the listing is MLSD's.
            let known = |entry: &Entry<'_>| {
                let told = entry.facts.0.contains(&b';') || entry.facts.get("type").is_some();
                format != Format::Mlsx || told && !mlsx::is_fact(entry.name)
            };
            if let Some(entry) = line.entry(format, dates).filter(known) {
                return Some((format, entry));
            }
        }
        let line = line.without_code()?;
        let format = [Format::Unix, Format::Dos, Format::Mlsx];
        format.into_iter().find_map(|format| Some((format, line.entry(format, dates)?)))
    }

    /// Whether only the next line tells what this one is
    pub(super) fn is_doubtful(&self, line: &[u8], dates: &Dates) -> bool {
        let may_be = |doubt| match doubt {
            Doubt::Said | Doubt::Total => true,
            // After a blank line it is a heading.
            Doubt::Heading => self.previous == Previous::Other,
        };
        self.names == BareNames::Perhaps
            && said::doubt(line).is_some_and(may_be)
            && self.find(Line::whole(line), &mut dates.clone()).is_none()
    }

    /// What a line is to the doubtful one before it
    pub(super) fn next(&self, line: &[u8], dates: &Dates) -> Next {
        if let Some((format, _)) = self.find(Line::whole(line), &mut dates.clone()) {
            return Next::Entry(format);
        }
        match (note::of(line), said::doubt(line)) {
            (Some((Note::Section(_), None)), _) => Next::Heading,
            (Some(_), _) | (_, Some(Doubt::Said)) => Next::Other,
            _ if is_damaged(line) => Next::Other,
            _ => Next::Name,
        }
    }

    /// What a [doubtful](Self::is_doubtful) line is
    pub(super) fn doubtful<'a>(&mut self, line: &'a [u8], next: Next) -> Item<'a> {
        let item = said::doubt(line).and_then(|doubt| said::resolve(line, doubt, next));
        if matches!(item, Some(Item::Note(Note::Total(_)))) {
            self.names = BareNames::No;
        }
        self.previous = Previous::Other;
        item.unwrap_or_else(|| self.name(line))
    }

    /// The format that has understood most lines so far
    pub(super) fn leader(&self) -> Option<Format> {
        self.leader.map(|at| STRUCTURED[at])
    }

    /// A vote for the leader, which has understood a line before anybody else was asked
    #[inline(always)]
    pub(super) fn count_leader(&mut self) {
        if let Some(leader) = self.leader {
            self.counts[leader] = self.counts[leader].saturating_add(1);
        }
    }

    /// A vote for this format
    fn count(&mut self, format: Format) {
        self.names = BareNames::No;
        let Some(at) = STRUCTURED.iter().position(|known| *known == format) else { return };
        self.counts[at] = self.counts[at].saturating_add(1);
        let most = self.leader.map_or(0, |leader| self.counts[leader]);
        if self.counts[at] > most {
            self.leader = Some(at);
        }
    }

    /// A line that nobody understands
    pub(super) fn name<'a>(&mut self, line: &'a [u8]) -> Item<'a> {
        self.previous = Previous::Other;
        if self.names == BareNames::No {
            return said::unknown(line);
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
                Item::Entry(Entry::new(line, rest, Kind::Unknown))
            }
            _ => name(line),
        }
    }
}
