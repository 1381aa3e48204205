//! `quickstart URL`: a directory's listing or a file's bytes on standard output

use std::error::Error;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use ftp_blocking::ftp_proto::listing::Modified;
use ftp_blocking::ftp_tls::{TlsConfig, Trust};
use ftp_blocking::{Client, Config, CopyOptions, EntryKind, Get, Options, OwnedEntry, ReadDir};
use ftp_session::{FtpUrl, UrlTarget};

pub(crate) enum Arguments {
    Help,
    Tour,
    Fetch(Request),
}

/// The request on the command line
pub(crate) struct Request {
    url: FtpUrl,
    ca: Option<String>,
    verbose: bool,
    /// See [`Config::auth_pause`]
    auth_pause: Duration,
}

impl Arguments {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut url, mut ca, mut verbose, mut auth_pause) = (None, None, false, Duration::ZERO);
        while let Some(argument) = arguments.next() {
            match &*argument {
                "--help" | "-h" => return Ok(Self::Help),
                "--verbose" | "-v" => verbose = true,
                "--ca" => ca = Some(arguments.next().ok_or("--ca needs a file")?),
                "--auth-pause" => {
                    let number = arguments.next().and_then(|number| number.parse().ok());
                    auth_pause = number
                        .map(Duration::from_millis)
                        .ok_or("--auth-pause needs a number of milliseconds")?;
                }
                option if option.starts_with('-') => {
                    return Err(format!("unknown option {option}"));
                }
                text if url.is_none() => {
                    url = Some(text.parse::<FtpUrl>().map_err(|error| error.to_string())?);
                }
                text => return Err(format!("one URL at a time, please: {text}")),
            }
        }
        match url {
            Some(url) => Ok(Self::Fetch(Request { url, ca, verbose, auth_pause })),
            None if ca.is_none() && !verbose && auth_pause.is_zero() => Ok(Self::Tour),
            None => Err("a URL is missing".to_owned()),
        }
    }
}

pub(crate) fn run(request: &Request, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let url = &request.url;
    let mut config = Config::new(url.policy());
    config.auth_pause = request.auth_pause;
    let mut options = Options::new(config);
    if let Some(file) = &request.ca {
        // Mozilla's list, and the authorities from the file.
        options = options.tls(TlsConfig::builder(Trust::WebpkiRoots).add_ca_file(file).build()?);
    }
    if request.verbose {
        options = options.trace(|line| eprintln!("{line}"));
    }
    let mut ftp =
        Client::connect_and_login(url.address().clone(), options, url.user(), url.password())?;
    match url.target() {
        UrlTarget::Directory => {
            for entry in ftp.read_dir(url.path())? {
                writeln!(out, "{}", line(&entry?))?;
            }
        }
        UrlTarget::Names => {
            for entry in ftp.read_dir(ReadDir::names(url.path()))? {
                out.write_all(entry?.name())?;
                out.write_all(b"\n")?;
            }
        }
        UrlTarget::File | UrlTarget::Text => {
            let mut get = Get::new(url.path());
            if url.target() == UrlTarget::Text {
                get = get.ascii();
            }
            let download = ftp.get(get)?;
            let size = download.size_hint();
            let mut progress = Progress::new(size);
            let mut show = |bytes| progress.show(bytes);
            let options = CopyOptions::new().progress(&mut show);
            let transfer = download.copy_to(out, options)?;
            progress.end(transfer.bytes);
        }
    }
    out.flush()?;
    ftp.quit()?;
    Ok(())
}

/// Formats an entry for people: kind, size, time and name, as far as they are known
pub(crate) fn line(entry: &OwnedEntry) -> String {
    let kind = match entry.kind() {
        EntryKind::Dir => 'd',
        EntryKind::File => '-',
        EntryKind::Symlink => 'l',
        _ => '?',
    };
    let size = entry.size().map(|size| size.to_string()).unwrap_or_default();
    let time = match entry.modified() {
        Some(Modified::At { time, .. }) => time.to_string(),
        _ => String::new(),
    };
    format!("{kind}{size:>14}  {time:19}  {}", entry.display_name())
}

/// A progress line on standard error, if that is a terminal
struct Progress {
    size: Option<u64>,
    visible: bool,
    shown: u64,
}

impl Progress {
    fn new(size: Option<u64>) -> Self {
        Self { size, visible: std::io::stderr().is_terminal(), shown: 0 }
    }

    fn show(&mut self, bytes: u64) {
        // At most once per mebibyte.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines() {
        let parse = |line: &str| Arguments::parse(line.split_whitespace().map(str::to_owned));
        assert!(matches!(parse(""), Ok(Arguments::Tour)));
        assert!(matches!(parse("-h"), Ok(Arguments::Help)));
        let Ok(Arguments::Fetch(request)) = parse("--ca x.pem ftps://h/f -v") else { panic!() };
        assert_eq!(request.url, "ftps://h/f".parse().unwrap());
        assert_eq!(request.ca.as_deref(), Some("x.pem"));
        assert!(request.verbose && request.auth_pause.is_zero());
        let Ok(Arguments::Fetch(request)) = parse("--auth-pause 50 ftpes://h/f") else { panic!() };
        assert_eq!(request.auth_pause, Duration::from_millis(50));
        for line in [
            "--auth-pause x ftpes://h/",
            "--ca",
            "--ca x.pem",
            "--what",
            "ftp://h/ ftp://h/",
            "no-url",
            "-v",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn files_and_listings_from_a_real_server() {
        let folder = tempfile::tempdir().unwrap();
        let (root, keys) = (folder.path().join("root"), folder.path().join("keys"));
        std::fs::create_dir_all(root.join("d")).unwrap();
        std::fs::create_dir(&keys).unwrap();
        std::fs::write(root.join("d/two words"), "content").unwrap();
        let server = crate::server::start(&root, &keys).unwrap();
        let ca = keys.join("ca.pem");
        std::fs::write(&ca, &server.ca).unwrap();
        let port = server.address.port();
        let fetch = |ca: Option<&std::path::Path>, path: &str| {
            let url = format!("ftpes://localhost:{port}/{path}").parse().unwrap();
            let ca = ca.map(|ca| ca.to_str().unwrap().to_owned());
            let mut out = Vec::new();
            let auth_pause = crate::server::AUTH_PAUSE;
            run(&Request { url, ca, verbose: false, auth_pause }, &mut out).map(|()| out)
        };
        assert_eq!(fetch(Some(&ca), "d/two%20words").unwrap(), b"content");
        assert_eq!(fetch(Some(&ca), "d;type=d").unwrap(), b"two words\n");
        let listing = String::from_utf8(fetch(Some(&ca), "d/").unwrap()).unwrap();
        assert!(listing.ends_with(" two words\n"), "{listing}");
        assert!(fetch(Some(&ca), "nothing").unwrap_err().to_string().contains("550"));
        let error = fetch(None, "d/").unwrap_err().to_string();
        assert!(error.contains("authority that is not trusted"), "{error}");
        let error = fetch(Some(&root.join("none.pem")), "d/").unwrap_err().to_string();
        assert!(error.contains("none.pem"), "{error}");
    }
}
