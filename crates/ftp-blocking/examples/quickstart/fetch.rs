//! `quickstart URL`: a directory's listing or a file's bytes on standard output

use std::error::Error;
use std::io::{self, IsTerminal, Write};

use ftp_blocking::ftp_tls::{TlsConfig, Trust};
use ftp_blocking::{Client, Config, CopyOptions, Get, List, Options, TlsPolicy};
use url::Url;

pub(crate) enum Arguments {
    Help,
    Tour,
    Fetch(Request),
}

/// What the command line asks for
pub(crate) struct Request {
    url: Url,
    ca: Option<String>,
    verbose: bool,
}

impl Arguments {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut url, mut ca, mut verbose) = (None, None, false);
        while let Some(argument) = arguments.next() {
            match &*argument {
                "--help" | "-h" => return Ok(Self::Help),
                "--verbose" | "-v" => verbose = true,
                "--ca" => ca = Some(arguments.next().ok_or("--ca needs a file")?),
                option if option.starts_with('-') => {
                    return Err(format!("unknown option {option}"));
                }
                text if url.is_none() => {
                    url = Some(Url::parse(text).map_err(|error| format!("{text}: {error}"))?);
                }
                text => return Err(format!("one URL at a time, please: {text}")),
            }
        }
        match url {
            Some(url) => Ok(Self::Fetch(Request { url, ca, verbose })),
            None if ca.is_none() && !verbose => Ok(Self::Tour),
            None => Err("a URL is missing".to_owned()),
        }
    }
}

/// What is at the path of a URL (RFC 1738 section 3.2)
struct Path {
    /// Empty: where the login leads
    bytes: Vec<u8>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Binary,
    Text,
    Listing,
    Names,
}

impl Path {
    /// Percent signs are undone here; a path from the root begins with `/%2F`
    fn of(url: &Url) -> Result<Self, String> {
        let (path, code) = match url.path().rsplit_once(";type=") {
            Some((path, code)) => (path, Some(code)),
            None => (url.path(), None),
        };
        let bytes = percent_decode(path.strip_prefix('/').unwrap_or(path))?;
        let is_folder = bytes.is_empty() || bytes.ends_with(b"/");
        let kind = match code {
            Some("a" | "A") => Kind::Text,
            Some("i" | "I") => Kind::Binary,
            Some("d" | "D") => Kind::Names,
            Some(other) => return Err(format!("type={other}: must be a, i or d")),
            None if is_folder => Kind::Listing,
            None => Kind::Binary,
        };
        Ok(Self { bytes, kind })
    }
}

pub(crate) fn run(request: &Request) -> Result<(), Box<dyn Error>> {
    let url = &request.url;
    let policy = match url.scheme() {
        "ftp" => TlsPolicy::Plaintext,
        "ftpes" => TlsPolicy::Explicit,
        "ftps" => TlsPolicy::Implicit,
        other => return Err(format!("{other}:// is not one of ftp, ftpes, ftps").into()),
    };
    let path = Path::of(url)?;
    let user = percent_decode(url.username())?;
    let password = percent_decode(url.password().unwrap_or_default())?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or("the URL names no host")?;
    let address = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };

    let mut options = Options::new(Config::new(policy));
    if let Some(file) = &request.ca {
        options = options.tls(TlsConfig::builder(Trust::OwnCa).add_ca_file(file).build()?);
    }
    if request.verbose {
        options = options.trace(|line| eprintln!("{line}"));
    }
    let mut ftp = Client::connect(&address, options)?;
    ftp.login(user, password)?;
    let mut out = io::stdout().lock();
    match path.kind {
        Kind::Listing | Kind::Names => {
            // Into it first: servers take arguments of LIST for patterns and options.
            if let Some(folder) = folder(&path.bytes) {
                ftp.cwd(folder)?;
            }
            let list = if path.kind == Kind::Names { List::names("") } else { List::new("") };
            let mut listing = ftp.list(list)?;
            while let Some(line) = listing.next_line()? {
                out.write_all(line)?;
                out.write_all(b"\n")?;
            }
            listing.finish()?;
        }
        Kind::Binary | Kind::Text => {
            let mut get = Get::new(&path.bytes);
            if path.kind == Kind::Text {
                get = get.ascii();
            }
            let download = ftp.get(get)?;
            let size = download.size_hint();
            let mut progress = Progress::new(size);
            let mut show = |bytes| progress.show(bytes);
            let options = CopyOptions::new().progress(&mut show);
            let transfer = download.copy_to(&mut out, options)?;
            progress.end(transfer.bytes);
        }
    }
    out.flush()?;
    ftp.quit()?;
    Ok(())
}

/// The path of a directory without its last slash, unless that is the root
fn folder(path: &[u8]) -> Option<&[u8]> {
    match path {
        [] => None,
        b"/" => Some(path),
        _ => Some(path.strip_suffix(b"/").unwrap_or(path)),
    }
}

fn percent_decode(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.ok_or_else(|| format!("{text}: % without two hexadecimal digits"))?);
        rest = &behind[2..];
    }
    Ok(bytes)
}

/// A line on standard error, if somebody looks
struct Progress {
    size: Option<u64>,
    visible: bool,
    shown: u64,
}

impl Progress {
    fn new(size: Option<u64>) -> Self {
        Self { size, visible: io::stderr().is_terminal(), shown: 0 }
    }

    fn show(&mut self, bytes: u64) {
        // Not more often than every mebibyte.
        if !self.visible || bytes < self.shown + (1 << 20) {
            return;
        }
        self.shown = bytes;
        match self.size.filter(|size| *size > 0) {
            Some(size) => eprint!("\r{bytes} of {size} bytes ({} %)", bytes * 100 / size),
            None => eprint!("\r{bytes} bytes"),
        }
    }

    fn end(&self, bytes: u64) {
        if self.visible {
            eprintln!("\r{bytes} bytes{:30}", "");
        }
    }
}
