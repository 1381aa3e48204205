//! A line, as each format parses it

use super::damaged::is_begun;
use super::entry::{Entry, EntryKind};
use super::format::Format;
use super::item::Item;
use super::lines::End;
use super::note::Note;
use super::time::Dates;
use super::{
    ambiguous, cms, dls, dos, eplf, legacy, mlsx, mvs, note, numeric, os9, sized, unix, vms,
};

/// A line, and the number of its bytes that are a name which had a line of its own
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) wrapped: usize,
    pub(super) end: End,
}

impl<'a> Line<'a> {
    /// Creates a line that came in one piece, with its line ending
    pub(super) const fn whole(bytes: &'a [u8]) -> Self {
        Self { bytes, wrapped: 0, end: End::Present }
    }

    /// Parses the line in this format
    pub(super) fn fixed(self, format: Format, dates: &mut Dates) -> Item<'a> {
        if format == Format::Names {
            return name(self.bytes);
        }
        let entry = self.entry(format, dates);
        let entry = entry.or_else(|| self.without_code()?.entry(format, dates)).map(Item::Entry);
        entry
            .or_else(|| {
                let (note, _) = note::of(self.bytes)?;
                // MLSD has no headings.
                let known = format != Format::Mlsx || !matches!(note, Note::Section(_));
                (known && !self.is_no_heading(note)).then_some(Item::Note(note))
            })
            .or_else(|| self.member(format, dates).map(Item::Entry))
            .or_else(|| {
                let title = format == Format::VxWorks && note::is_underline(self.bytes);
                title.then_some(Item::Note(Note::Header(self.bytes)))
            })
            .unwrap_or_else(|| ambiguous::unknown(self.bytes))
    }

    /// Whether what looks like a heading is an entry that is cut off at the colon of its time
    pub(super) fn is_no_heading(self, note: Note<'_>) -> bool {
        let cut = || self.end == End::Missing || is_begun(self.bytes);
        matches!(note, Note::Section(_)) && cut()
    }

    /// Returns the line without the code of the reply, which some servers put before each line of a reply to STAT
    pub(super) fn without_code(self) -> Option<Self> {
        match self.bytes {
            [b'2', b'1', b'1'..=b'3', b'-' | b' ', bytes @ ..] => Some(Self { bytes, ..self }),
            _ => None,
        }
    }

    /// Returns the entry in the line, if the line is in this format
    pub(super) fn entry(self, format: Format, dates: &mut Dates) -> Option<Entry<'a>> {
        let before = *dates;
        let entry = self.parse(format, dates);
        if entry.is_none() {
            // A line that is not in this format shows nothing about the order of dates.
            *dates = before;
        }
        entry
    }

    fn parse(self, format: Format, dates: &mut Dates) -> Option<Entry<'a>> {
        let line = self.bytes;
        match format {
            Format::Mlsx => mlsx::parse_mlsx(line),
            Format::Unix => unix::parse(line, dates, self.end),
            Format::Dos => dos::parse(line, dates),
            Format::Eplf => eplf::parse(line),
            Format::Vms => vms::parse(line, dates),
            Format::Os400 => legacy::os400(line, dates),
            Format::Os2 => sized::os2(line, dates),
            Format::NonStop => legacy::nonstop(line, dates),
            Format::Mvs => mvs::parse(line, dates),
            Format::Cms => cms::parse(line, dates),
            Format::Numeric => numeric::parse(line),
            Format::VShell => sized::vshell(line, dates),
            Format::VxWorks => sized::vxworks(line, dates),
            Format::Os9 => os9::parse(line, dates),
            Format::Wfftp => legacy::wfftp(line, dates),
            Format::Dls => dls::parse(line, self.wrapped, dates),
            Format::Names => None,
        }
    }

    /// Returns an entry that is recognized only because earlier lines were in this format
    pub(super) fn member(self, format: Format, dates: &Dates) -> Option<Entry<'a>> {
        match format {
            Format::Mvs => mvs::known(self.bytes),
            // The version shows that the name is complete.
            Format::Vms if self.end == End::Present || self.bytes.contains(&b';') => {
                vms::member(self.bytes, dates)
            }
            _ => None,
        }
    }
}

/// Parses a line of NLST: only the name
pub(super) fn name(line: &[u8]) -> Item<'_> {
    if line.is_empty() {
        Item::Note(Note::Blank)
    } else {
        Item::Entry(Entry::new(line, line, EntryKind::Unknown))
    }
}
