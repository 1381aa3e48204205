//! Items of listings as JSON, in the form of the shared corpus
//!
//! In names that are not UTF-8 each character stands for a byte, and `name_bytes_latin1` is set.

use ftp_proto::Timestamp;
use ftp_proto::listing::{Entry, EntryKind, Item, Modified, Note, Precision, Zone};
use serde_json::{Map, Value, json};

/// Formats an item that consists of the lines with these numbers; `None` if it is not a result by itself
pub(crate) fn item(item: &Item<'_>, lines: &[usize]) -> Option<Value> {
    match item {
        Item::Entry(entry) => Some(self::entry(entry, lines)),
        Item::Note(Note::Continued(_)) => None,
        Item::Note(Note::Error(line)) => {
            Some(json!({ "line": lines, "result": "error", "why": text(line) }))
        }
        Item::Note(_) => Some(json!({ "line": lines, "result": "skipped" })),
        Item::Unknown(line) => Some(json!({ "line": lines, "result": "error", "why": text(line) })),
        _ => None,
    }
}

fn text(bytes: &[u8]) -> String {
    match core::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => latin1(bytes),
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// Formats all known fields of an entry
pub(crate) fn entry(entry: &Entry<'_>, lines: &[usize]) -> Value {
    let mut object = Map::new();
    let mut set = |key: &str, value: Value| {
        object.insert(key.to_owned(), value);
    };
    set("line", json!(lines));
    set("result", "entry".into());
    set("name", text(entry.name).into());
    if core::str::from_utf8(entry.name).is_err() {
        set("name_bytes_latin1", latin1(entry.name).into());
    }
    match entry.kind {
        EntryKind::File => set("kind", "file".into()),
        EntryKind::Dir => set("kind", "dir".into()),
        EntryKind::Symlink => set("kind", "symlink".into()),
        EntryKind::Other(_) => set("kind", "other".into()),
        _ => {}
    }
    if let Some(size) = entry.size {
        set("size", size.into());
    }
    match entry.modified {
        Some(Modified::At { time, precision, zone }) => {
            set("modified", iso(time, precision).into());
            set("precision", precision_name(precision).into());
            set("modified_partial", partial(time, precision));
            if zone == Zone::Utc {
                set("zone", "utc".into());
            }
        }
        Some(Modified::Yearless { month, day, hour, minute }) => set(
            "modified_partial",
            json!({ "month": month, "day": day, "hour": hour, "minute": minute }),
        ),
        _ => {}
    }
    if let Some(Modified::At { time, precision, .. }) = entry.accessed {
        set("accessed", iso(time, precision).into());
    }
    if let Some(permissions) = entry.permissions {
        set("perms", permissions.to_string().into());
        // Four digits, or as many as the server writes.
        let written = entry.facts.get("UNIX.mode").map_or(0, <[u8]>::len).clamp(4, 9);
        set("mode", format!("{:0written$o}", permissions.mode()).into());
    }
    for (key, value) in [("owner", entry.owner), ("group", entry.group), ("target", entry.target)] {
        if let Some(value) = value {
            set(key, text(value).into());
        }
    }
    if let Some(links) = entry.links {
        set("links", links.into());
    }
    let facts: Map<String, Value> = entry
        .facts
        .iter()
        .map(|(key, value)| (text(key).to_ascii_lowercase(), text(value).into()))
        .collect();
    if !facts.is_empty() {
        set("facts", facts.into());
    }
    Value::Object(object)
}

fn precision_name(precision: Precision) -> &'static str {
    match precision {
        Precision::Day => "day",
        Precision::Minute => "minute",
        Precision::Second => "second",
        _ => "subsecond",
    }
}

fn iso(time: Timestamp, precision: Precision) -> String {
    let date = format!("{:04}-{:02}-{:02}", time.year(), time.month(), time.day());
    let minute = format!("{date}T{:02}:{:02}", time.hour(), time.minute());
    let second = format!("{minute}:{:02}", time.second());
    match precision {
        Precision::Day => date,
        Precision::Minute => minute,
        Precision::Second => second,
        _ => {
            // Three digits, six or nine.
            let fraction = format!("{:09}", time.nanosecond());
            let fraction = fraction.strip_suffix("000").unwrap_or(&fraction);
            format!("{second}.{}", fraction.strip_suffix("000").unwrap_or(fraction))
        }
    }
}

/// Formats the known parts
fn partial(time: Timestamp, precision: Precision) -> Value {
    let mut parts = json!({ "year": time.year(), "month": time.month(), "day": time.day() });
    if precision >= Precision::Minute {
        parts["hour"] = time.hour().into();
        parts["minute"] = time.minute().into();
    }
    if precision >= Precision::Second {
        parts["second"] = time.second().into();
    }
    parts
}

/// Parses `2026-01-31T12:00:00Z`, also without the seconds or the letter
pub(crate) fn parse_iso(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, clock) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let mut date = date.split('-').map(str::parse::<u16>);
    let mut clock =
        clock.split(':').map(|part| part.split('.').next().unwrap_or(part).parse::<u8>());
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let (hour, minute) = (clock.next()?.ok()?, clock.next()?.ok()?);
    let second = clock.next().unwrap_or(Ok(0)).ok()?;
    Timestamp::new(year, month.try_into().ok()?, day.try_into().ok()?, hour, minute, second)
}
