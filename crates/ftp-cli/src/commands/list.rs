//! `ls`, `stat`, `find` and `du`

use std::collections::BTreeMap;
use std::path::Path;

use ftp_blocking::{Client, EntryKind, OwnedEntry};
use ftp_proto::listing::{Modified, Zone};
use ftp_session::Error;
use globset::{Glob, GlobMatcher};
use serde_json::{Map, Value};

use super::context::Context;
use super::edit::letter;
use super::lookup::{Found, in_parent};
use super::visit::{not_understood, visit};
use crate::args::{DuArgs, FindArgs, LsArgs, UrlsArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::listing::bounded;
use crate::mirror::stamp;
use crate::output;
use crate::plan::{Age, Ages, Sizes};

/// The output format of entries
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Names,
    Long,
    Json,
}

pub(super) fn ls(args: &LsArgs, context: &Context) -> Result<Exit, Failure> {
    let form = match (context.common.json, args.long) {
        (true, _) => Form::Json,
        (false, true) => Form::Long,
        (false, false) => Form::Names,
    };
    context.places(&args.urls)?.each(|lease, _, remote| {
        let path = remote.path();
        if args.recursive {
            // Not retried: lines are written during the walk, and would be written twice.
            return lease.once(|client| {
                visit(client, path, &mut |found| {
                    let mut out = Vec::new();
                    line(&mut out, &found.entry, below(path, &found.path), form);
                    output::print(&out)
                })
            });
        }
        let lines = lease.request(|client| list(client, path, form))?;
        output::print(&lines.bytes)?;
        match lines.not_understood {
            0 => Ok(()),
            count => Err(not_understood(count)),
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
    for entry in bounded(entries.by_ref()) {
        let entry = entry?;
        if !entry.entry().is_dot() {
            line(&mut lines.bytes, &entry, entry.name(), form);
        }
    }
    lines.not_understood = entries.unknown_lines();
    Ok(lines)
}

/// Returns the path of an entry below a directory
fn below<'a>(directory: &[u8], path: &'a [u8]) -> &'a [u8] {
    let below = path.strip_prefix(directory).unwrap_or(path);
    below.strip_prefix(b"/").filter(|_| !directory.is_empty()).unwrap_or(below)
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

/// Appends a name: its bytes as they are or, on a terminal, with control characters escaped
fn push_name(out: &mut Vec<u8>, name: &[u8]) {
    match crate::show::stdout_is_terminal() {
        true => out.extend_from_slice(crate::show::bytes(name).as_bytes()),
        false => out.extend_from_slice(name),
    }
}

/// Formats a time as ISO 8601, with Z if it is UTC; other times are local to the server
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
    crate::show::insert_name(&mut object, "name", name);
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

/// The criteria of `find`
struct Wanted {
    name: Option<GlobMatcher>,
    kind: Option<char>,
    sizes: Sizes,
    ages: Ages,
}

impl Wanted {
    fn new(args: &FindArgs) -> Result<Self, Failure> {
        let glob = |text: &String| {
            Glob::new(text)
                .map(|glob| glob.compile_matcher())
                .map_err(|error| Failure::usage(error.to_string()))
        };
        let kind = args.kind.as_deref().map(|kind| {
            if kind == "f" {
                '-'
            } else if kind == "d" {
                'd'
            } else {
                'l'
            }
        });
        let sizes = Sizes::all_of(&args.size).map_err(Failure::usage)?;
        let name = args.name.as_ref().map(glob).transpose()?;
        let ages = Ages { newer: args.newer, older: args.older };
        Ok(Self { name, kind, sizes, ages })
    }

    fn has(&self, entry: &OwnedEntry) -> bool {
        let name = String::from_utf8_lossy(entry.name());
        self.name.as_ref().is_none_or(|glob| glob.is_match(Path::new(&*name)))
            && self.kind.is_none_or(|kind| kind == letter(entry.kind()))
            && self.ages.age(entry.modified().and_then(stamp)) == Age::Fits
            && (self.sizes == Sizes::ALL
                // Some servers list sizes of directories, too.
                || entry.kind() == EntryKind::File && self.sizes.fit(entry.size()) == Some(true))
    }
}

pub(super) fn find(args: &FindArgs, context: &Context) -> Result<Exit, Failure> {
    let wanted = Wanted::new(args)?;
    let form = if context.common.json { Form::Json } else { Form::Names };
    context.places(&args.urls)?.each(|lease, _, remote| {
        // Not retried: lines are written during the walk, and would be written twice.
        lease.once(|client| {
            visit(client, remote.path(), &mut |found| {
                let mut out = Vec::new();
                if wanted.has(&found.entry) {
                    line(&mut out, &found.entry, &found.path, form);
                }
                output::print(&out)
            })
        })
    })
}

pub(super) fn du(args: &DuArgs, context: &Context) -> Result<Exit, Failure> {
    context.places(&args.urls)?.each(|lease, _, remote| {
        let root = remote.path();
        let (sums, files) = lease.once(|client| {
            let mut sums = BTreeMap::from([(root.to_vec(), 0)]);
            let mut files = 0_u64;
            visit(client, root, &mut |found| {
                if found.entry.kind() == EntryKind::Dir {
                    sums.entry(found.path.clone()).or_insert(0);
                } else if found.entry.kind() == EntryKind::File {
                    files += 1;
                    add(&mut sums, root, &found.path, found.entry.size().unwrap_or(0));
                }
                Ok(())
            })?;
            Ok((sums, files))
        })?;
        let mut out = Vec::new();
        for (path, bytes) in sums {
            let is_root = path == root;
            if args.summarize && !is_root {
                continue;
            }
            if context.common.json {
                let mut object = Map::new();
                crate::show::insert_name(&mut object, "path", &path);
                object.insert("bytes".into(), bytes.into());
                object.insert("files".into(), is_root.then_some(files).into());
                out.extend_from_slice(Value::Object(object).to_string().as_bytes());
            } else {
                out.extend_from_slice(format!("{bytes}\t").as_bytes());
                push_name(&mut out, if path.is_empty() { b"." } else { &path });
            }
            out.push(b'\n');
        }
        output::print(&out)
    })
}

/// Adds the size of a file to each directory that contains it
fn add(sums: &mut BTreeMap<Vec<u8>, u64>, root: &[u8], file: &[u8], size: u64) {
    let mut path = file;
    while let Some(at) = path.iter().rposition(|byte| *byte == b'/').filter(|at| *at >= root.len())
    {
        path = &path[..at];
        if let Some(sum) = sums.get_mut(path) {
            *sum = sum.saturating_add(size);
        }
    }
    // The loop does not reach a root that is empty (the login directory) or ends in a slash.
    if path != root {
        if let Some(sum) = sums.get_mut(root) {
            *sum = sum.saturating_add(size);
        }
    }
}

pub(super) fn stat(args: &UrlsArgs, context: &Context) -> Result<Exit, Failure> {
    context.places(&args.urls)?.each(|lease, _, remote| {
        let path = remote.path();
        let (object, entry) = lease.request(|client| look_up(client, path))?;
        let mut out = Vec::new();
        match (context.common.json, &entry) {
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
        output::print(&out)
    })
}

/// Looks a file or directory up: by MLST, or by the listing of its parent, or by SIZE and MDTM
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
    if let Found::Entry(entry) = in_parent(client, path)? {
        return Ok((object(&entry, path), Some(entry)));
    }
    let size = client.size(path)?;
    let modified = match client.mdtm(path) {
        Ok(time) => Some(format!("{time}Z")),
        Err(error) if error.is_fatal() => return Err(error),
        Err(_) => None,
    };
    let mut object = Map::new();
    crate::show::insert_name(&mut object, "name", path);
    object.insert("size".into(), size.into());
    object.insert("modified".into(), modified.into());
    Ok((object, None))
}
