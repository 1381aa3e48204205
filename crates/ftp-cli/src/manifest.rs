//! Reads lists of files to fetch or to verify: URLs, TSV with sizes and hashes, the output of md5sum and similar
//! programs, and Metalink 4

mod metalink;

use std::io::Read as _;
use std::path::Path;

use ftp_proto::fields::{FileHash, HashAlgorithm};

use crate::failure::Failure;
use crate::input::{self, BYTE_ORDER_MARK};
use crate::location::Remote;
use crate::show;

/// Maximum size of a list, in bytes
const MAX_SIZE: u64 = 256 * 1024 * 1024;

/// The number of digits of CRC-32: a name could be mistaken for them
const FEW_DIGITS: usize = 8;

/// A file in a list
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where the file is: a URL, or a path relative to a base; several are copies on different servers
    pub(crate) sources: Vec<String>,
    /// The local name, if the list has one
    pub(crate) name: Option<String>,
    /// The size in bytes
    pub(crate) size: Option<u64>,
    /// The strongest hash in the list
    pub(crate) hash: Option<FileHash>,
}

/// A syntax error in a list
#[derive(Clone, Debug, PartialEq, Eq)]
struct ManifestError {
    /// The line, counted from 1; 0 if the error concerns the whole list
    line: usize,
    problem: String,
}

/// Reads a list
pub(crate) fn read(path: &Path) -> Result<Vec<Entry>, Failure> {
    let failure = |error: &std::io::Error| Failure::local(path, error);
    let mut text = String::new();
    let read = match path == Path::new("-") {
        true => {
            input::must_be_open()?;
            std::io::stdin().lock().take(MAX_SIZE).read_to_string(&mut text)
        }
        false => {
            std::fs::File::open(path).and_then(|file| file.take(MAX_SIZE).read_to_string(&mut text))
        }
    };
    if read.map_err(|error| failure(&error))? as u64 == MAX_SIZE {
        return Err(Failure::usage("is too long").about(show::path(path)));
    }
    parse(&text).map_err(|error| {
        let place = match error.line {
            0 => show::path(path),
            line => format!("{} line {line}", show::path(path)),
        };
        Failure::usage(show::text(&error.problem)).about(place)
    })
}

/// Whether a source in a list is a URL, and no path relative to a base
pub(crate) fn is_url(source: &str) -> bool {
    source.contains("://")
}

/// Returns the local name of a file: that in the list, the last part of the URL's path or, without a URL, the path
pub(crate) fn local_name(entry: &Entry, remote: Option<&Remote>) -> Vec<u8> {
    let path = entry.sources.first().filter(|source| !is_url(source));
    match (entry.name.as_ref().or(path), remote) {
        (Some(name), _) => name.as_bytes().to_vec(),
        (None, Some(remote)) => remote.name().to_vec(),
        (None, None) => Vec::new(),
    }
}

/// Parses a list, and detects its format by its content
fn parse(text: &str) -> Result<Vec<Entry>, ManifestError> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if text.trim_start().starts_with('<') {
        return metalink::parse(text);
    }
    let mut entries = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let entry = entry(line).map_err(|problem| ManifestError { line: at + 1, problem })?;
        entries.push(entry);
    }
    Ok(entries)
}

fn entry(line: &str) -> Result<Entry, String> {
    if is_url(line) {
        return of_fields(line);
    }
    for form in [of_checksum, of_bsd_checksum] {
        if let Some(entry) = form(line)? {
            return Ok(entry);
        }
    }
    let mut entry = of_fields(line)?;
    for source in &mut entry.sources {
        // Such a name would be shown where passwords are masked in URLs only.
        if source.contains('/') && show::without_password(source.as_bytes()) != source.as_bytes() {
            let shown = show::argument(source.as_bytes());
            return Err(format!(
                "{shown} looks like a URL with a password, without ftp:// before it"
            ));
        }
        *source = relative(source);
    }
    Ok(entry)
}

/// Returns a path without the `./` that `find` writes
fn relative(path: &str) -> String {
    path.strip_prefix("./").unwrap_or(path).to_owned()
}

/// Parses `URL TAB SIZE TAB ALGORITHM:HASH TAB NAME`, where all fields but the first may be missing or empty
fn of_fields(line: &str) -> Result<Entry, String> {
    let mut fields = line.split('\t').map(str::trim);
    let source = fields.next().unwrap_or_default().to_owned();
    let mut entry = Entry { sources: vec![source], name: None, size: None, hash: None };
    let mut next = || fields.next().filter(|field| !field.is_empty() && *field != "-");
    if let Some(size) = next() {
        entry.size = Some(size.parse().map_err(|_| format!("{size} is no size in bytes"))?);
    }
    if let Some(hash) = next() {
        entry.hash = Some(parse_hash(hash)?);
    }
    entry.name = next().map(str::to_owned);
    match fields.next() {
        Some(_) => Err("more than four fields".into()),
        None => Ok(entry),
    }
}

/// Parses `DIGITS  NAME`
///
/// A `*` before the name marks a binary file, and a backslash before the line an escaped name. `None` if the line is in
/// another form.
fn of_checksum(line: &str) -> Result<Option<Entry>, String> {
    let (escaped, rest) = match line.strip_prefix('\\') {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let Some((digits, rest)) = rest.split_once(' ').filter(|(digits, _)| is_hex(digits)) else {
        return Ok(None);
    };
    if digits.len() <= FEW_DIGITS {
        return Ok(None);
    }
    let algorithm = HashAlgorithm::ALL.into_iter().find(|one| one.size() * 2 == digits.len());
    let (Some(algorithm), Some(value)) = (algorithm, hex(digits)) else {
        return match rest.starts_with([' ', '*']) {
            true => Err(format!("no known hash has {} hexadecimal digits", digits.len())),
            false => Ok(None),
        };
    };
    let name = rest.strip_prefix([' ', '*']).unwrap_or(rest);
    let name = match escaped {
        true => unescaped(name).ok_or("has an unknown escape in its name")?,
        false => name.to_owned(),
    };
    Ok(Some(hashed(&name, FileHash::new(algorithm, value))))
}

/// Parses `SHA256 (NAME) = DIGITS`; `None` if the line is in another form
fn of_bsd_checksum(line: &str) -> Result<Option<Entry>, String> {
    let parts = line.split_once(" (").and_then(|(algorithm, rest)| {
        let (name, digits) = rest.rsplit_once(") = ")?;
        Some((algorithm, name, digits.trim_end()))
    });
    let is_hash = |(algorithm, _, digits): &(&str, &str, &str)| {
        algorithm_of(algorithm).is_ok() || is_hex(digits) && digits.len() > FEW_DIGITS
    };
    match parts.filter(is_hash) {
        Some((algorithm, name, digits)) => Ok(Some(hashed(name, hash_of(algorithm, digits)?))),
        None => Ok(None),
    }
}

/// Returns the entry of a file in a list of hashes
fn hashed(name: &str, hash: FileHash) -> Entry {
    let source = relative(name);
    Entry { name: Some(source.clone()), sources: vec![source], size: None, hash: Some(hash) }
}

fn is_hex(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn unescaped(name: &str) -> Option<String> {
    let mut out = String::new();
    let mut letters = name.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next()? {
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                '\\' => out.push('\\'),
                _ => return None,
            },
            letter => out.push(letter),
        }
    }
    Some(out)
}

/// Parses `ALGORITHM:DIGITS`
pub(crate) fn parse_hash(text: &str) -> Result<FileHash, String> {
    let (name, digits) = text.split_once(':').ok_or("a hash is written ALGORITHM:DIGITS")?;
    hash_of(name, digits)
}

/// Parses a hash; its algorithm is named `sha256`, `SHA-256`, `md5` and so on
fn hash_of(name: &str, digits: &str) -> Result<FileHash, String> {
    let algorithm = algorithm_of(name)?;
    match hex(digits.trim()).filter(|value| value.len() == algorithm.size()) {
        Some(value) => Ok(FileHash::new(algorithm, value)),
        None => {
            Err(format!("{} has {} hexadecimal digits", algorithm.name(), algorithm.size() * 2))
        }
    }
}

fn algorithm_of(name: &str) -> Result<HashAlgorithm, String> {
    let plain = |name: &str| name.replace('-', "").to_ascii_lowercase();
    HashAlgorithm::ALL
        .into_iter()
        .find(|algorithm| plain(algorithm.name()) == plain(name))
        .ok_or_else(|| {
            format!("{name} is not a known hash algorithm: sha256, sha512, sha1, md5, crc32")
        })
}

pub(crate) fn hex(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? * 16 + digit(*low)?),
            _ => None,
        })
        .collect()
}

/// Returns the stronger one of two hashes
fn stronger(one: Option<FileHash>, other: FileHash) -> FileHash {
    let rank =
        |hash: &FileHash| HashAlgorithm::ALL.iter().position(|other| *other == hash.algorithm);
    match one {
        Some(one) if rank(&one) <= rank(&other) => one,
        _ => other,
    }
}

#[cfg(test)]
mod tests;
