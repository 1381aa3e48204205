//! `ls` and `stat`

use std::io::Write as _;
use std::path::Path;

use ftp_blocking::{Client, OwnedEntry, WalkOptions};
use ftp_proto::listing::{Modified, Zone};
use ftp_session::Error;
use serde_json::{Map, Value, json};

use super::context::Places;
use super::edit::letter;
use crate::args::{Common, LsArgs, UrlsArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::location::join;

/// How entries are written
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Names,
    Long,
    Json,
}

pub(super) fn ls(args: &LsArgs, common: &Common, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let form = match (common.json, args.long) {
        (true, _) => Form::Json,
        (false, true) => Form::Long,
        (false, false) => Form::Names,
    };
    Places::new(&args.urls, common, interrupt)?.each(|lease, _, remote| {
        let path = remote.path();
        let lines = match args.recursive {
            true => lease.request(|client| walk(client, path, form))?,
            false => lease.request(|client| list(client, path, form))?,
        };
        write(&lines.bytes)?;
        match lines.not_understood {
            0 => Ok(()),
            count => Err(Failure::new(
                Exit::Protocol,
                format!("{count} lines of the listing were not understood, or not readable on the server"),
            )),
        }
    })
}

#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    not_understood: u64,
}

fn list(client: &mut Client, path: &[u8], form: Form) -> Result<Lines, Error> {
    let mut lines = Lines::default();
    let mut entries = client.read_dir(path)?;
    for entry in entries.by_ref() {
        let entry = entry?;
        if !entry.entry().is_dot() {
            line(&mut lines.bytes, &entry, entry.name(), form);
        }
    }
    lines.not_understood = entries.unknown_lines();
    Ok(lines)
}

fn walk(client: &mut Client, path: &[u8], form: Form) -> Result<Lines, Error> {
    let mut lines = Lines::default();
    let mut walk = client.walk(path, WalkOptions::new());
    for found in walk.by_ref() {
        let found = found.map_err(|error| error.error)?;
        let below = found.path.strip_prefix(path).unwrap_or(&found.path);
        let below = below.strip_prefix(b"/").filter(|_| !path.is_empty()).unwrap_or(below);
        line(&mut lines.bytes, &found.entry, below, form);
    }
    lines.not_understood = walk.unknown_lines();
    Ok(lines)
}

fn line(out: &mut Vec<u8>, entry: &OwnedEntry, name: &[u8], form: Form) {
    match form {
        Form::Json => {
            let object = Value::Object(object(entry, name));
            out.extend_from_slice(object.to_string().as_bytes());
        }
        Form::Names => push_name(out, name),
        Form::Long => {
            let size = entry.size().map_or_else(|| "-".to_owned(), |size| size.to_string());
            let time = entry.modified().map_or_else(|| "-".to_owned(), time);
            let start = format!("{} {size:>14} {time:>20} ", letter(entry.kind()));
            out.extend_from_slice(start.as_bytes());
            push_name(out, name);
            if let Some(target) = entry.entry().target {
                out.extend_from_slice(b" -> ");
                push_name(out, target);
            }
        }
    }
    out.push(b'\n');
}

/// A name as it is for programs, and for people without what a terminal obeys
fn push_name(out: &mut Vec<u8>, name: &[u8]) {
    match crate::show::stdout_is_terminal() {
        true => out.extend_from_slice(crate::show::bytes(name).as_bytes()),
        false => out.extend_from_slice(name),
    }
}

/// ISO 8601, with Z if it is UTC: other times are of the server's clock
fn time(modified: Modified) -> String {
    match modified {
        Modified::At { time, zone: Zone::Utc, .. } => format!("{time}Z"),
        Modified::At { time, .. } => time.to_string(),
        Modified::Yearless { month, day, hour, minute } => {
            format!("--{month:02}-{day:02}T{hour:02}:{minute:02}")
        }
        _ => "-".into(),
    }
}

fn object(entry: &OwnedEntry, name: &[u8]) -> Map<String, Value> {
    let whole = entry.entry();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut object = Map::new();
    object.insert("name".into(), text(name).into());
    if std::str::from_utf8(name).is_err() {
        let hex: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
        object.insert("name_hex".into(), hex.into());
    }
    object.insert("type".into(), kind_word(letter(entry.kind())).into());
    object.insert("size".into(), entry.size().into());
    object.insert("modified".into(), entry.modified().map(time).into());
    if let Some(permissions) = whole.permissions {
        object.insert("mode".into(), format!("{:04o}", permissions.mode()).into());
    }
    for (key, value) in [("owner", whole.owner), ("group", whole.group), ("target", whole.target)] {
        if let Some(value) = value {
            object.insert(key.into(), text(value).into());
        }
    }
    object
}

const fn kind_word(letter: char) -> &'static str {
    match letter {
        'd' => "directory",
        '-' => "file",
        'l' => "link",
        _ => "other",
    }
}

fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(|error| Failure::local(Path::new("standard output"), &error))
}

pub(super) fn stat(
    args: &UrlsArgs,
    common: &Common,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    Places::new(&args.urls, common, interrupt)?.each(|lease, _, remote| {
        let path = remote.path();
        let (object, entry) = lease.request(|client| look_up(client, path))?;
        let mut out = Vec::new();
        match (common.json, &entry) {
            (true, _) => out = format!("{}\n", Value::Object(object)).into_bytes(),
            (false, Some(entry)) => line(&mut out, entry, path, Form::Long),
            (false, None) => {
                let value = |key: &str| match &object[key] {
                    Value::String(text) => text.clone(),
                    Value::Null => "-".into(),
                    other => other.to_string(),
                };
                let start = format!("? {:>14} {:>20} ", value("size"), value("modified"));
                out.extend_from_slice(start.as_bytes());
                push_name(&mut out, path);
                out.push(b'\n');
            }
        }
        write(&out)
    })
}

/// By MLST; where the server does not know that, by its parent's listing, and else by SIZE and MDTM
fn look_up(
    client: &mut Client,
    path: &[u8],
) -> Result<(Map<String, Value>, Option<OwnedEntry>), Error> {
    match client.facts(path) {
        Ok(entry) => return Ok((object(&entry, path), Some(entry))),
        Err(error) if error.is_fatal() || error.is_missing() || error.is_auth() => {
            return Err(error);
        }
        Err(_) => {}
    }
    if let Some(entry) = in_parent(client, path)? {
        return Ok((object(&entry, path), Some(entry)));
    }
    let size = client.size(path)?;
    let modified = match client.mdtm(path) {
        Ok(time) => Some(format!("{time}Z")),
        Err(error) if error.is_fatal() => return Err(error),
        Err(_) => None,
    };
    let object =
        json!({ "name": String::from_utf8_lossy(path), "size": size, "modified": modified });
    match object {
        Value::Object(object) => Ok((object, None)),
        // Not reached: the macro was given an object.
        _ => Ok((Map::new(), None)),
    }
}

fn in_parent(client: &mut Client, path: &[u8]) -> Result<Option<OwnedEntry>, Error> {
    let (parent, name) = match path.iter().rposition(|byte| *byte == b'/') {
        None => (&b""[..], path),
        Some(0) => (&b"/"[..], &path[1..]),
        Some(at) => (&path[..at], &path[at + 1..]),
    };
    if name.is_empty() {
        return Ok(None);
    }
    let entries = match client.read_dir(parent) {
        Ok(entries) => entries,
        Err(error) if error.is_fatal() => return Err(error),
        Err(_) => return Ok(None),
    };
    let mut found = None;
    for entry in entries {
        let entry = entry?;
        let is_it = entry.name() == name || entry.name() == join(parent, name);
        if is_it {
            found = Some(entry);
        }
    }
    Ok(found)
}
