//! A session that does random operations

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::driver::ftp_tls::{TlsConfig, TlsVersion, Trust};
use super::driver::{Client, Config, DataMode, Error, Get, Options, Put, TlsPolicy};
use crate::Job;
use crate::content::{Comparison, Random, bytes};

/// A file's content: the upload, followed by what was appended to it
type Content = Vec<(u64, usize)>;

struct Session<'a> {
    job: &'a Job,
    random: Random,
    folder: String,
    home: PathBuf,
    security: Security,
    /// Files whose content is known
    files: BTreeMap<String, Content>,
    /// Names that may or may not exist, because an operation on them failed
    uncertain: BTreeSet<String>,
    names: u64,
    /// The last lines of the control connection
    trace: Arc<Mutex<VecDeque<String>>>,
}

/// Number of lines of the control connection shown with a wrong result
const LINES: usize = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Security {
    Clear,
    Explicit(TlsVersion),
    Implicit(TlsVersion),
}

/// The possible operations; some are chosen more often than others
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Upload,
    Overwrite,
    Append,
    Download,
    DownloadRest,
    DownloadMissing,
    LeaveDownload,
    LeaveUpload,
    LeaveListing,
    Names,
    Directory,
    Lines,
    Size,
    Rename,
    Delete,
    Folders,
    Talk,
}

const STEPS: [Step; 30] = {
    use Step::*;
    [
        Upload,
        Upload,
        Upload,
        Upload,
        Overwrite,
        Overwrite,
        Append,
        Append,
        Download,
        Download,
        Download,
        Download,
        Download,
        DownloadRest,
        DownloadRest,
        DownloadMissing,
        LeaveDownload,
        LeaveDownload,
        LeaveUpload,
        LeaveUpload,
        LeaveListing,
        Names,
        Names,
        Directory,
        Lines,
        Size,
        Rename,
        Delete,
        Folders,
        Talk,
    ]
};

const MAX_FILES: usize = 8;

/// Runs until the time is up
pub(crate) fn run(job: &Job) {
    let mut random = Random::new(job.seed);
    let folder = format!("soak-{}-{}", std::process::id(), job.number);
    let tls = [TlsVersion::Tls12, TlsVersion::Tls13][random.below(2)];
    let security = match random.below(5) {
        0 | 1 => Security::Clear,
        2 if job.server.implicit_port.is_some() => Security::Implicit(tls),
        _ => Security::Explicit(tls),
    };
    let home = job.server.home.join(&folder);
    let mut session = Session {
        job,
        random,
        folder,
        home,
        security,
        files: BTreeMap::new(),
        uncertain: BTreeSet::new(),
        names: 0,
        trace: Arc::default(),
    };
    while Instant::now() < job.until {
        job.tally.enter(job.number, "connecting");
        let ended = session.live();
        job.tally.leave(job.number);
        if let Err(error) = ended {
            session.count(&error);
            thread::sleep(Duration::from_millis(session.random.below(500) as u64));
        }
    }
}

impl Session<'_> {
    /// Uses one connection until it ends
    fn live(&mut self) -> Result<(), Error> {
        let mut ftp = self.connect()?;
        let tally = &self.job.tally;
        let work = 1 + self.random.below(200);
        for _ in 0..work {
            if Instant::now() >= self.job.until {
                break;
            }
            let step = STEPS[self.random.below(STEPS.len())];
            tally.enter(self.job.number, format!("{} {step:?}", self.job.server.name));
            let result = self.step(&mut ftp, step);
            tally.leave(self.job.number);
            if let Err(error) = result {
                if error.is_fatal() || !ftp.is_connected() {
                    return Err(error);
                }
                self.count(&error);
            }
            if self.random.one_in(20) {
                thread::sleep(Duration::from_millis(self.random.below(300) as u64));
            }
        }
        tally.enter(self.job.number, "leaving");
        if self.random.one_in(2) {
            ftp.quit()?;
        }
        Ok(())
    }

    fn connect(&mut self) -> Result<Client, Error> {
        let policy = match self.security {
            Security::Clear => TlsPolicy::Plaintext,
            Security::Explicit(_) => TlsPolicy::Explicit,
            Security::Implicit(_) => TlsPolicy::Implicit,
        };
        let mut config = Config::new(policy);
        if self.random.one_in(4) {
            config.data_mode = DataMode::Active;
        }
        config.greeting_timeout = Duration::from_secs(30);
        config.reply_timeout = Duration::from_secs(30);
        config.command_timeout = Duration::from_secs(60);
        config.data_timeout = Duration::from_secs(30);
        config.final_reply_timeout = Duration::from_secs(30);
        config.settle_timeout = Duration::from_secs(15);
        // The server is on the same host, so replies arrive quickly.
        config.settle_quiet = Duration::from_millis(500);
        let trace = Arc::clone(&self.trace);
        trace.lock().unwrap().push_back("(connecting)".into());
        let mut options =
            Options::new(config).connect_timeout(Duration::from_secs(20)).trace(move |line| {
                let mut trace = trace.lock().unwrap();
                if trace.len() >= LINES {
                    trace.pop_front();
                }
                trace.push_back(line.to_string());
            });
        let server = &self.job.server;
        let mut port = server.port;
        if let Security::Explicit(version) | Security::Implicit(version) = self.security {
            let tls = TlsConfig::builder(Trust::OwnCa)
                .add_ca_file(&server.ca_file)
                .min_version(version)
                .max_version(version);
            options = options.tls(tls.build().unwrap());
        }
        if let Security::Implicit(_) = self.security {
            port = server.implicit_port.unwrap();
        }
        let ip = if self.random.one_in(4) { "[::1]" } else { "127.0.0.1" };
        let address = format!("{ip}:{port}");
        let mut ftp = Client::connect_and_login(&address, options, &server.user, &server.password)?;
        ftp.cwd(&server.directory)?;
        if ftp.cwd(&self.folder).is_err() {
            ftp.mkdir(&self.folder)?;
            ftp.cwd(&self.folder)?;
        }
        Ok(ftp)
    }

    fn step(&mut self, ftp: &mut Client, step: Step) -> Result<(), Error> {
        match step {
            Step::Upload if self.files.len() < MAX_FILES => {
                let name = self.new_name();
                self.upload(ftp, name)
            }
            Step::Upload | Step::Delete => self.delete(ftp),
            Step::Overwrite => match self.pick() {
                Some((name, _)) => self.upload(ftp, name),
                None => Ok(()),
            },
            Step::Append => self.append(ftp),
            Step::Download => self.download(ftp, 0),
            Step::DownloadRest => {
                let offset = 1 + self.random.below(5000);
                self.download(ftp, offset)
            }
            Step::DownloadMissing => self.download_missing(ftp),
            Step::LeaveDownload => self.leave_download(ftp),
            Step::LeaveUpload => self.leave_upload(ftp),
            Step::LeaveListing => {
                let mut listing = ftp.list("")?;
                listing.next_line()?;
                // Dropping the listing aborts it.
                drop(listing);
                Ok(())
            }
            Step::Names => {
                self.job.tally.transfer();
                let names = ftp.names("")?;
                self.check_names("names", names.into_iter().map(text).collect());
                Ok(())
            }
            Step::Directory => {
                self.job.tally.transfer();
                let mut names = BTreeSet::new();
                let mut wrong = Vec::new();
                for entry in ftp.read_dir("")? {
                    let entry = entry?;
                    let name = text(entry.name().to_vec());
                    let due = self.files.get(&name).map(|content| length(content) as u64);
                    if due.is_some() && entry.size().is_some() && entry.size() != due {
                        wrong.push(format!("{name} has {:?} bytes, not {due:?}", entry.size()));
                    }
                    names.insert(name);
                }
                for what in wrong {
                    self.wrong(&what);
                }
                self.check_names("read_dir", names);
                Ok(())
            }
            Step::Lines => {
                self.job.tally.transfer();
                let lines = ftp.list("")?.collect_lines()?;
                let lines: Vec<String> = lines.into_iter().map(text).collect();
                for name in self.files.keys() {
                    if !lines.iter().any(|line| line.ends_with(&format!(" {name}"))) {
                        self.wrong(&format!("LIST lacks {name}: {lines:?}"));
                    }
                }
                Ok(())
            }
            Step::Size => match self.pick() {
                Some((name, content)) => {
                    // Some servers report the size of the text form otherwise.
                    ftp.command("TYPE", "I")?;
                    let size = ftp.size(&name)?;
                    if size != length(&content) as u64 {
                        let due = length(&content);
                        self.wrong(&format!("SIZE {name} is {size}, not {due}"));
                    }
                    Ok(())
                }
                None => Ok(()),
            },
            Step::Rename => self.rename(ftp),
            Step::Folders => {
                let name = self.new_name();
                self.uncertain.insert(name.clone());
                ftp.mkdir(&name)?;
                ftp.rmdir(&name)?;
                self.uncertain.remove(&name);
                Ok(())
            }
            Step::Talk => {
                ftp.noop()?;
                let pwd = text(ftp.pwd()?);
                if !pwd.ends_with(&self.folder) {
                    self.wrong(&format!("PWD is {pwd}"));
                }
                Ok(())
            }
        }
    }

    fn upload(&mut self, ftp: &mut Client, name: String) -> Result<(), Error> {
        let piece = self.new_piece();
        let content = bytes(piece.0, piece.1);
        self.job.tally.transfer();
        self.files.remove(&name);
        self.uncertain.insert(name.clone());
        let transfer = ftp.upload_from(&name, &mut &content[..])?;
        if transfer.bytes != content.len() as u64 {
            self.wrong(&format!("{} bytes of {} sent to {name}", transfer.bytes, content.len()));
        }
        self.stored(name, vec![piece]);
        Ok(())
    }

    fn append(&mut self, ftp: &mut Client) -> Result<(), Error> {
        let Some((name, mut content)) = self.pick() else { return Ok(()) };
        let piece = self.new_piece();
        self.job.tally.transfer();
        self.files.remove(&name);
        self.uncertain.insert(name.clone());
        ftp.upload_from(Put::new(&name).append(), &mut &bytes(piece.0, piece.1)[..])?;
        content.push(piece);
        self.stored(name, content);
        Ok(())
    }

    /// Compares a file that the server reports as stored with the one on the disk
    fn stored(&mut self, name: String, content: Content) {
        let due = whole(&content);
        match std::fs::read(self.home.join(&name)) {
            Ok(found) if found == due => {}
            Ok(found) => {
                let at = found.iter().zip(&due).take_while(|(one, other)| one == other).count();
                let (found, due) = (found.len(), due.len());
                self.wrong(&format!("stored {name}: {found} bytes of {due}, differs at {at}"));
            }
            Err(error) => self.wrong(&format!("stored {name}: {error}")),
        }
        self.uncertain.remove(&name);
        self.files.insert(name, content);
    }

    fn download(&mut self, ftp: &mut Client, offset: usize) -> Result<(), Error> {
        let Some((name, content)) = self.pick() else { return Ok(()) };
        let content = whole(&content);
        let offset = offset.min(content.len());
        let mut comparison = Comparison::new(&content[offset..]);
        let get = Get::new(&name).resume_at(offset as u64);
        self.job.tally.transfer();
        ftp.download_to(get, &mut comparison)?;
        if !comparison.is_equal() {
            let (come, at) = (comparison.position(), comparison.differs_at);
            let due = content.len() - offset;
            self.wrong(&format!("{name} from {offset}: {come} bytes of {due}, differs at {at:?}"));
        }
        Ok(())
    }

    fn download_missing(&mut self, ftp: &mut Client) -> Result<(), Error> {
        let name = self.new_name();
        self.job.tally.transfer();
        match ftp.download_to(&name, &mut std::io::sink()) {
            Ok(transfer) => {
                self.wrong(&format!("{name} does not exist and has {} bytes", transfer.bytes));
                Ok(())
            }
            Err(error) if error.reply().is_some() && !error.is_fatal() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Abandons a download; the bytes received so far must be correct, too
    fn leave_download(&mut self, ftp: &mut Client) -> Result<(), Error> {
        let Some((name, content)) = self.pick() else { return Ok(()) };
        let content = whole(&content);
        let mut buffer = vec![0; 1 + self.random.below(20_000)];
        self.job.tally.transfer();
        let mut download = ftp.get(&name)?;
        let count = download.read(&mut buffer)?;
        if !content.starts_with(&buffer[..count]) {
            self.wrong(&format!("{name} does not begin so"));
        }
        if self.random.one_in(2) { download.abort().map(drop) } else { Ok(()) }
    }

    fn leave_upload(&mut self, ftp: &mut Client) -> Result<(), Error> {
        let name = self.new_name();
        self.uncertain.insert(name.clone());
        let piece = self.new_piece();
        self.job.tally.transfer();
        let mut upload = ftp.put(&name)?;
        upload.write_all(&bytes(piece.0, piece.1))?;
        if self.random.one_in(2) { upload.abort().map(drop) } else { Ok(()) }
    }

    fn rename(&mut self, ftp: &mut Client) -> Result<(), Error> {
        let Some((from, content)) = self.pick() else { return Ok(()) };
        let to = self.new_name();
        self.files.remove(&from);
        self.uncertain.extend([from.clone(), to.clone()]);
        ftp.rename(&from, &to)?;
        if self.home.join(&from).exists() {
            self.wrong(&format!("{from} was renamed and is there"));
        }
        self.uncertain.remove(&from);
        self.stored(to, content);
        Ok(())
    }

    fn delete(&mut self, ftp: &mut Client) -> Result<(), Error> {
        let Some((name, _)) = self.pick() else { return Ok(()) };
        self.files.remove(&name);
        self.uncertain.insert(name.clone());
        ftp.delete(&name)?;
        if self.home.join(&name).exists() {
            self.wrong(&format!("{name} was deleted and is there"));
        }
        self.uncertain.remove(&name);
        Ok(())
    }

    fn check_names(&self, what: &str, names: BTreeSet<String>) {
        for name in self.files.keys() {
            if !names.contains(name) {
                self.wrong(&format!("{what} lacks {name}: {names:?}"));
            }
        }
        for name in names {
            // Pure-FTPd lists the directory itself, too.
            let itself = name == "." || name == "..";
            if !itself && !self.files.contains_key(&name) && !self.uncertain.contains(&name) {
                self.wrong(&format!("{what} invents {name}"));
            }
        }
    }

    /// Chooses one of the existing files
    fn pick(&mut self) -> Option<(String, Content)> {
        let count = self.files.len();
        let index = self.random.below(count.max(1));
        self.files.iter().nth(index).map(|(name, content)| (name.clone(), content.clone()))
    }

    fn new_name(&mut self) -> String {
        self.names += 1;
        format!("f{}", self.names)
    }

    fn new_piece(&mut self) -> (u64, usize) {
        let length = match self.random.below(8) {
            0 => 0,
            1 => self.random.below(100),
            2 | 3 => self.random.below(5_000),
            4 => 16_384 - 1 + self.random.below(3),
            5 | 6 => self.random.below(80_000),
            _ => self.random.below(500_000),
        };
        (self.random.next(), length)
    }

    fn wrong(&self, what: &str) {
        let Job { number, server, .. } = self.job;
        let driver = module_path!().split("::").nth(1).unwrap_or_default();
        let mut text =
            format!("session {number} {driver} {} {:?}: {what}", server.name, self.security);
        for line in &*self.trace.lock().unwrap() {
            text = format!("{text}\n    {line}");
        }
        self.job.tally.wrong(text);
    }

    /// Counts an error, which is not a failure here
    fn count(&self, error: &Error) {
        let mut text = format!("{} {error}", self.job.server.name);
        if let Some(cause) = std::error::Error::source(error) {
            text = format!("{text}: {cause}");
        }
        // Digits are removed, so that errors of one kind are counted together.
        let text: String =
            text.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).take(110).collect();
        self.job.tally.error(text);
    }
}

fn whole(content: &Content) -> Vec<u8> {
    content.iter().flat_map(|(seed, length)| bytes(*seed, *length)).collect()
}

fn length(content: &Content) -> usize {
    content.iter().map(|(_, length)| length).sum()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}
