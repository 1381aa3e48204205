//! `ftpmirror [-v] [-q] [-i] [-m] [-n] [-r] [-s PATTERN] [-l USER [-p PASSWORD [-a ACCOUNT]]] HOST [REMOTE [LOCAL]]`
//!
//! It works like the script of Python 2, except that a file that could not be fetched completely keeps its old content
//! and is not noted as fetched, that `.mirrorinfo` is not evaluated, and that the command line takes no passwords.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};

use ftp_blocking::{Client, List};
use ftp_session::{Error, local_path};
use globset::{Glob, GlobMatcher};

use super::mirrorinfo::{self, Versions};
use crate::args::{Common, Parallel, TransferArgs};
use crate::download::{Job, Part, Source, Terms, download};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::location::{Remote, join};
use crate::login::Logins;
use crate::look::version;
use crate::output;
use crate::partial::reserved;
use crate::plan::{MAX_DEPTH, TOO_DEEP};
use crate::pool::{Lease, Pool};
use crate::rate::Rate;
use crate::report::{Action, Reporter};
use crate::site::Site;

const INFO: &str = ".mirrorinfo";

/// Noted instead of a version for a new file that the user did not want
const NOT_RETRIEVED: &[u8] = b"Not retrieved";

/// The values of the options
struct Options {
    interactive: bool,
    mac: bool,
    remove: bool,
    /// Whether the lines of listings are shown
    echo: bool,
    skip: Vec<GlobMatcher>,
}

/// A file or directory of a listing
struct Line {
    name: Vec<u8>,
    version: Vec<u8>,
    is_directory: bool,
}

struct Run<'a> {
    options: Options,
    terms: Terms<'a>,
    reporter: &'a Reporter,
}

pub(crate) fn run(
    arguments: &[OsString],
    common: &Common,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let usage = |text: &str| {
        Failure::usage(text).remedy(
            "usage: rftp ftpmirror [-v] [-q] [-i] [-m] [-n] [-r] [-s PATTERN] [-l USER] HOST [REMOTE [LOCAL]]",
        )
    };
    let mut common = common.clone();
    let mut options =
        Options { interactive: false, mac: false, remove: false, echo: false, skip: Vec::new() };
    // As in the script: 0 reports errors only, from 2 on listings are shown.
    let mut verbosity: u8 = 1;
    let mut logs_in = true;
    let mut operands = Vec::new();
    let mut rest = arguments.iter();
    let pattern = |text: &str| {
        Glob::new(text)
            .map(|glob| glob.compile_matcher())
            .map_err(|error| usage(&error.to_string()))
    };
    while let Some(argument) = rest.next() {
        let text = argument.to_str().unwrap_or_default();
        let Some(letters) = text.strip_prefix('-').filter(|_| operands.is_empty()) else {
            operands.push(argument);
            continue;
        };
        for (at, letter) in letters.char_indices() {
            let mut value = || match &letters[at + 1..] {
                "" => rest.next().cloned().ok_or_else(|| usage("an option without its value")),
                rest => Ok(OsString::from(rest)),
            };
            match letter {
                'v' => verbosity = verbosity.saturating_add(1),
                'q' => verbosity = 0,
                'i' => options.interactive = true,
                'r' => options.remove = true,
                'n' => logs_in = false,
                'm' => {
                    options.mac = true;
                    logs_in = false;
                    options.skip.push(pattern("*.o")?);
                }
                's' => {
                    let value = value()?;
                    options.skip.push(pattern(&value.to_string_lossy())?);
                    break;
                }
                'l' => {
                    common.user = Some(value()?);
                    break;
                }
                // The script accepts this one, too, and does nothing with it.
                'b' => {}
                'p' | 'a' => return Err(usage("passwords come from netrc or --password-file")),
                _ => return Err(usage("an unknown option")),
            }
        }
    }
    options.echo = verbosity > 1;
    common.quiet |= verbosity == 0;
    if !logs_in {
        // Every session needs a login; without a user name, it is that of netrc, or anonymous.
        common.user = None;
    }
    let [host, more @ ..] = &*operands else { return Err(usage("a host is missing")) };
    if more.len() > 2 {
        return Err(usage("too many names"));
    }
    let host = host.to_str().ok_or_else(|| usage("a host is UTF-8"))?;
    let text = if host.contains("://") { host.to_owned() } else { format!("ftp://{host}/") };
    let remote = Remote::of_argument(text.as_ref())?;
    let logins = Logins::new(&common, &[&remote])?;
    let pool = Pool::new(Site::new(&remote, &logins, &common)?, Parallel::Number(1), interrupt);
    let reporter = Reporter::new(&common);
    let rate = Rate::new(None);
    let transfer = TransferArgs::plain();
    let terms = Terms { pool: &pool, args: &transfer, rate: &rate, interrupt };
    let run = Run { options, terms, reporter: &reporter };
    let mut lease = pool.lease();
    let from = more.first().map_or_else(Vec::new, |path| crate::show::os_bytes(path).to_vec());
    let to = more.get(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    run.directory(&mut lease, &from, &to, 0)?;
    let exit = Exit::of_all(reporter.totals().exits);
    Ok(reporter.summary(exit))
}

impl Run<'_> {
    fn directory(
        &self,
        lease: &mut Lease<'_>,
        remote: &[u8],
        local: &Path,
        depth: usize,
    ) -> Result<(), Failure> {
        if depth >= MAX_DEPTH {
            return Err(Failure::new(Exit::Limit, TOO_DEEP).about(crate::show::bytes(remote)));
        }
        self.terms.interrupt.check()?;
        std::fs::create_dir_all(local).map_err(|error| Failure::local(local, &error))?;
        let mut versions = read_info(local);
        let lines = lease.request(|client| lines(client, remote))?;
        if self.options.echo {
            for line in &lines {
                self.reporter.notice(line, "is listed");
            }
        }
        let mut there = BTreeSet::new();
        let mut directories = Vec::new();
        for line in lines.iter().filter_map(|line| self.line(line)) {
            if self.is_skipped(&line.name) {
                continue;
            }
            let path = match local_path(local, &line.name) {
                Ok(path) => path,
                Err(error) => {
                    self.failed(&line.name, &Failure::new(Exit::Local, error.to_string()));
                    continue;
                }
            };
            there.insert(line.name.clone());
            if line.is_directory {
                directories.push((line.name, path));
                continue;
            }
            if versions.get(&line.name) == Some(&line.version) && path.is_file() {
                self.reporter.kept();
                continue;
            }
            if self.options.interactive && !asked("Retrieve", &line.name) {
                // Not noted in this version, so that the next run asks again.
                versions.entry(line.name).or_insert_with(|| NOT_RETRIEVED.to_vec());
                continue;
            }
            match self.fetch(lease, &join(remote, &line.name), &path) {
                Ok(()) => {
                    versions.insert(line.name, line.version);
                    write_info(local, &versions)?;
                }
                Err(failure) if failure.exit() == Exit::Interrupted => return Err(failure),
                Err(failure) => self.failed(&line.name, &failure),
            }
        }
        versions.retain(|name, _| there.contains(name));
        write_info(local, &versions)?;
        self.extra(local, &there)?;
        for (name, path) in directories {
            if path.is_symlink() || self.options.interactive && !asked("Enter", &name) {
                continue;
            }
            self.directory(lease, &join(remote, &name), &path, depth + 1)?;
        }
        Ok(())
    }

    fn failed(&self, name: &[u8], failure: &Failure) {
        self.reporter.fail(name, failure);
    }

    /// Parses a line of LIST; `None` if it has fewer than six words, or is that of a link
    fn line(&self, line: &[u8]) -> Option<Line> {
        let words: Vec<&[u8]> =
            line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
        if self.options.mac {
            let name = line.trim_ascii();
            let directory = name.strip_suffix(b"/");
            return Some(Line {
                name: directory.unwrap_or(name).to_vec(),
                version: Vec::new(),
                is_directory: directory.is_some(),
            })
            .filter(|line| !line.name.is_empty());
        }
        let is_link = words.len() > 2 && words[words.len() - 2] == b"->";
        if words.len() < 6 || is_link {
            return None;
        }
        let (name, before) = words.split_last()?;
        Some(Line {
            name: name.to_vec(),
            version: before[before.len() - 4..].join(&b' '),
            is_directory: line.starts_with(b"d"),
        })
    }

    fn is_skipped(&self, name: &[u8]) -> bool {
        let text = String::from_utf8_lossy(name);
        matches!(name, b"." | b"..")
            || name == INFO.as_bytes()
            || self.options.skip.iter().any(|glob| glob.is_match(Path::new(&*text)))
    }

    fn fetch(&self, lease: &mut Lease<'_>, remote: &[u8], local: &Path) -> Result<(), Failure> {
        let version = lease.request(|client| version(client, remote))?;
        let running = self.reporter.begin(Action::Get, remote, version.size);
        let job = Job {
            remote,
            local,
            version,
            modified: None,
            mode: None,
            expected: None,
            source: Source::Request,
        };
        let mut part = Part::default();
        let result = lease.attempt(&|| running.bytes(), |client| {
            download(client, self.terms, &job, &running, &mut part)
        });
        running.end(result).map_err(|failure| failure.about(crate::show::bytes(remote)))
    }

    /// Reports local files that the server does not have or, with -r, removes them
    fn extra(&self, local: &Path, there: &BTreeSet<Vec<u8>>) -> Result<(), Failure> {
        let failure = |error: &std::io::Error| Failure::local(local, error);
        for entry in std::fs::read_dir(local).map_err(|error| failure(&error))? {
            let entry = entry.map_err(|error| failure(&error))?;
            let name = crate::show::os_bytes(&entry.file_name()).to_vec();
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            // Incomplete files of downloads, and their state files, are kept.
            let is_ours = reserved(b"", &self.terms.args.temp_suffix)
                .iter()
                .any(|ending| name.ends_with(ending));
            if there.contains(&name) || name.starts_with(b".") || is_ours || self.is_skipped(&name)
            {
                continue;
            }
            if !self.options.remove || is_directory {
                self.reporter.notice(&name, "is here, and not on the server");
                continue;
            }
            if self.options.interactive && !asked("Remove", &name) {
                continue;
            }
            std::fs::remove_file(entry.path())
                .map_err(|error| Failure::local(&entry.path(), &error))?;
            self.reporter.did(Action::Delete, &name, false);
        }
        Ok(())
    }
}

fn lines(client: &mut Client, directory: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    client.list(List::new(directory))?.collect_lines()
}

fn read_info(folder: &Path) -> Versions {
    match std::fs::read(folder.join(INFO)) {
        Ok(text) => mirrorinfo::parse(&text).unwrap_or_else(|| {
            output::message(format_args!(
                "{}: could not be parsed, so it is created again",
                crate::show::path(&folder.join(INFO))
            ));
            Versions::new()
        }),
        Err(_) => Versions::new(),
    }
}

/// Writes the state through a temporary file, so that it is never half written
fn write_info(folder: &Path, versions: &Versions) -> Result<(), Failure> {
    let (path, temporary) = (folder.join(INFO), folder.join(".mirrorinfo~"));
    std::fs::write(&temporary, mirrorinfo::print(versions))
        .and_then(|()| std::fs::rename(&temporary, &path))
        .map_err(|error| Failure::local(&path, &error))
}

/// Asks on the terminal; returns true only if the answer is yes
fn asked(what: &str, name: &[u8]) -> bool {
    // A prompt that can't be written is not an error.
    let _ = output::write(format!("{what} {}? [ny] ", crate::show::bytes(name)).as_bytes());
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    matches!(answer.trim(), "y" | "Y" | "yes")
}
