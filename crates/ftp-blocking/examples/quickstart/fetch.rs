//! `quickstart URL`: a directory's listing or a file's bytes on standard output

use std::error::Error;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use ftp_blocking::ftp_proto::listing::Modified;
use ftp_blocking::ftp_tls::{TlsConfig, Trust};
use ftp_blocking::{
    Client, Config, CopyOptions, Get, Kind as EntryKind, Options, OwnedEntry, ReadDir, TlsPolicy,
};
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
                    url = Some(Url::parse(text).map_err(|error| format!("{text}: {error}"))?);
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
        // FTP has no queries: a question mark is part of the name.
        let text = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let (path, code) = match text.rsplit_once(";type=") {
            Some((path, code)) => (path, Some(code)),
            None => (&*text, None),
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

/// What a URL says about the connection
struct Login {
    policy: TlsPolicy,
    /// Host, and port if there is one
    address: String,
    user: Vec<u8>,
    password: Vec<u8>,
}

impl Login {
    fn of(url: &Url) -> Result<Self, String> {
        let policy = match url.scheme() {
            "ftp" => TlsPolicy::Plaintext,
            "ftpes" => TlsPolicy::Explicit,
            "ftps" => TlsPolicy::Implicit,
            other => return Err(format!("{other}:// is not one of ftp, ftpes, ftps")),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("the URL names no host")?;
        Ok(Self {
            policy,
            address: match url.port() {
                Some(port) => format!("{host}:{port}"),
                None => host.to_owned(),
            },
            user: percent_decode(url.username())?,
            password: percent_decode(url.password().unwrap_or_default())?,
        })
    }
}

pub(crate) fn run(request: &Request, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let Login { policy, address, user, password } = Login::of(&request.url)?;
    let path = Path::of(&request.url)?;
    let mut config = Config::new(policy);
    config.auth_pause = request.auth_pause;
    let mut options = Options::new(config);
    if let Some(file) = &request.ca {
        // Mozilla's list, and these.
        options = options.tls(TlsConfig::builder(Trust::WebpkiRoots).add_ca_file(file).build()?);
    }
    if request.verbose {
        options = options.trace(|line| eprintln!("{line}"));
    }
    let mut ftp = Client::connect_and_login(&address, options, user, password)?;
    match path.kind {
        Kind::Listing => {
            for entry in ftp.read_dir(folder(&path.bytes))? {
                writeln!(out, "{}", line(&entry?))?;
            }
        }
        Kind::Names => {
            for entry in ftp.read_dir(ReadDir::names(folder(&path.bytes)))? {
                out.write_all(entry?.name())?;
                out.write_all(b"\n")?;
            }
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
            let transfer = download.copy_to(out, options)?;
            progress.end(transfer.bytes);
        }
    }
    out.flush()?;
    ftp.quit()?;
    Ok(())
}

/// The path of a directory without its last slash, unless that is the root
fn folder(path: &[u8]) -> &[u8] {
    match path {
        b"/" => path,
        _ => path.strip_suffix(b"/").unwrap_or(path),
    }
}

/// An entry for people: kind, size, time and name, as far as they are known
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
        Self { size, visible: std::io::stderr().is_terminal(), shown: 0 }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn login(url: &str) -> (TlsPolicy, String, Vec<u8>, Vec<u8>) {
        let Login { policy, address, user, password } =
            Login::of(&Url::parse(url).unwrap()).unwrap();
        (policy, address, user, password)
    }

    #[test]
    fn schemes_hosts_and_users() {
        let nobody = (Vec::new(), Vec::new());
        for (url, policy, address) in [
            ("ftp://ftp.example.org", TlsPolicy::Plaintext, "ftp.example.org"),
            ("ftp://ftp.example.org:21/", TlsPolicy::Plaintext, "ftp.example.org"),
            ("ftpes://ftp.example.org:2121/f", TlsPolicy::Explicit, "ftp.example.org:2121"),
            ("ftps://ftp.example.org/f", TlsPolicy::Implicit, "ftp.example.org"),
            ("ftps://192.0.2.1:990/f", TlsPolicy::Implicit, "192.0.2.1:990"),
            ("ftp://[2001:db8::1]/f", TlsPolicy::Plaintext, "[2001:db8::1]"),
            ("ftpes://[2001:db8::1]:2121/f", TlsPolicy::Explicit, "[2001:db8::1]:2121"),
        ] {
            let (user, password) = nobody.clone();
            assert_eq!(login(url), (policy, address.to_owned(), user, password), "{url}");
        }
        let (_, _, user, password) = login("ftpes://me%40home:p%40ss%3A%2F%ff@h/");
        assert_eq!((&user[..], &password[..]), (&b"me@home"[..], &b"p@ss:/\xFF"[..]));
        for url in ["http://h/", "sftp://h/f", "ftps:///f", "ftp://u%zz@h/"] {
            let bad =
                Url::parse(url).map_err(|_| ()).and_then(|url| Login::of(&url).map_err(|_| ()));
            assert!(bad.is_err(), "{url}");
        }
    }

    #[test]
    fn paths() {
        for (url, bytes, kind) in [
            ("ftp://h", &b""[..], Kind::Listing),
            ("ftps://h", b"", Kind::Listing),
            ("ftp://h/", b"", Kind::Listing),
            ("ftp://h/f", b"f", Kind::Binary),
            ("ftp://h/d/f", b"d/f", Kind::Binary),
            ("ftp://h/d/", b"d/", Kind::Listing),
            // From the root, not from where the login leads.
            ("ftp://h/%2Fetc/motd", b"/etc/motd", Kind::Binary),
            ("ftpes://h/%2F", b"/", Kind::Listing),
            ("ftpes://h/%2fpub/", b"/pub/", Kind::Listing),
            ("ftp://h/two%20words", b"two words", Kind::Binary),
            ("ftp://h/two words", b"two words", Kind::Binary),
            ("ftp://h/latin-%E9", b"latin-\xE9", Kind::Binary),
            ("ftpes://h/na\u{ef}ve", "na\u{ef}ve".as_bytes(), Kind::Binary),
            ("ftp://h/100%25", b"100%", Kind::Binary),
            ("ftp://h/what?really", b"what?really", Kind::Binary),
            ("ftp://h/f;type=a", b"f", Kind::Text),
            ("ftp://h/f;type=i", b"f", Kind::Binary),
            ("ftpes://h/d;type=d", b"d", Kind::Names),
        ] {
            let path = Path::of(&Url::parse(url).unwrap()).unwrap();
            assert_eq!(path.bytes, bytes, "{url}");
            assert!(path.kind == kind, "{url}");
        }
        for url in ["ftp://h/f;type=x", "ftp://h/%", "ftp://h/%4", "ftps://h/%4g"] {
            assert!(Path::of(&Url::parse(url).unwrap()).is_err(), "{url}");
        }
    }

    #[test]
    fn folders() {
        assert_eq!(folder(b""), b"");
        assert_eq!(folder(b"/"), b"/");
        assert_eq!(folder(b"d/"), b"d");
        assert_eq!(folder(b"/pub/d/"), b"/pub/d");
    }

    #[test]
    fn command_lines() {
        let parse = |line: &str| Arguments::parse(line.split_whitespace().map(str::to_owned));
        assert!(matches!(parse(""), Ok(Arguments::Tour)));
        assert!(matches!(parse("-h"), Ok(Arguments::Help)));
        let Ok(Arguments::Fetch(request)) = parse("--ca x.pem ftps://h/f -v") else { panic!() };
        assert_eq!(request.url.as_str(), "ftps://h/f");
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
            let url = Url::parse(&format!("ftpes://localhost:{port}/{path}")).unwrap();
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
