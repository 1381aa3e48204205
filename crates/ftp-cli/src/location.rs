//! The places that a command line names: on a server, or local

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Once;

use ftp_session::{FtpUrl, TlsPolicy, UrlError, UrlTarget};

use crate::failure::Failure;

/// A place on a server
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) url: FtpUrl,
    /// Replaces the path of the URL
    path: Option<Vec<u8>>,
}

/// A place on a server, or a local one
#[derive(Clone, Debug)]
pub(crate) enum Location {
    Remote(Remote),
    Local(PathBuf),
}

/// Identifies a server for the choice of a login: the kind of TLS, host and port
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Origin {
    policy: u8,
    host: String,
    port: u16,
}

impl Location {
    /// Parses a text that contains `://` after a scheme as a URL, and any other as a local path
    pub(crate) fn parse(text: &OsStr) -> Result<Self, Failure> {
        match text.to_str().and_then(|text| text.split_once("://")) {
            Some((scheme, _)) if is_scheme(scheme) => Remote::of_argument(text).map(Self::Remote),
            _ => Ok(Self::Local(text.into())),
        }
    }
}

impl Remote {
    /// Parses a URL; the error for a URL of another protocol, or for no URL, says what to write instead
    pub(crate) fn parse(text: &OsStr) -> Result<Self, Failure> {
        let Some(text) = text.to_str() else {
            let message =
                "a URL is UTF-8; write other bytes as percent signs and hexadecimal digits";
            return Err(
                Failure::usage(message).about(crate::show::bytes(crate::show::os_bytes(text)))
            );
        };
        // Errors must not show a password in the URL.
        let shown = crate::show::argument(text.as_bytes());
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(Failure::usage("a control character in a URL").about(shown));
        }
        let url: FtpUrl = text.parse().map_err(|error| not_a_url(text, &error).about(&shown))?;
        if goes_up(text) || url.path().split(|byte| *byte == b'/').any(|part| part == b"..") {
            return Err(Failure::usage("a URL can't have `..` in its path")
                .about(shown)
                .remedy("write the path that it leads to; /%2F starts at the root"));
        }
        let forbidden = |bytes: &[u8]| bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
        if [url.user(), url.password(), url.path()].into_iter().any(forbidden) {
            let message = "a line break or NUL in a URL, which no FTP command can carry";
            return Err(Failure::usage(message).about(shown));
        }
        Ok(Self { url, path: None })
    }

    /// Parses a URL of the command line, with a warning if it has a password, which other users of the machine can see
    pub(crate) fn of_argument(text: &OsStr) -> Result<Self, Failure> {
        static TOLD: Once = Once::new();
        let remote = Self::parse(text)?;
        if !remote.url.password().is_empty() {
            TOLD.call_once(|| {
                crate::output::message(
                    "warning: a password in a URL can be seen in the list of processes; \
                     netrc and --password-file are for that",
                );
            });
        }
        Ok(remote)
    }

    /// Returns another place on this server; a path that ends in a slash is a directory
    pub(crate) fn at(&self, path: Vec<u8>) -> Self {
        Self { url: self.url.clone(), path: Some(path) }
    }

    /// Returns the path on the server, in decoded bytes
    pub(crate) fn path(&self) -> &[u8] {
        self.path.as_deref().unwrap_or_else(|| self.url.path())
    }

    /// Returns what the path refers to: a file, a text, a directory, or the names in one
    pub(crate) fn target(&self) -> UrlTarget {
        match &self.path {
            Some(path) if path.is_empty() || path.ends_with(b"/") => UrlTarget::Directory,
            Some(_) => UrlTarget::File,
            None => self.url.target(),
        }
    }

    /// Whether the path ends in a slash or is empty, or the URL ends in `;type=d`
    pub(crate) fn is_directory(&self) -> bool {
        matches!(self.target(), UrlTarget::Directory | UrlTarget::Names)
    }

    /// Returns the last component of the path
    pub(crate) fn name(&self) -> &[u8] {
        let path = self.path();
        path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
    }

    pub(crate) fn origin(&self) -> Origin {
        let (policy, default) = match self.url.policy() {
            TlsPolicy::Plaintext => (0, 21),
            TlsPolicy::Implicit => (2, 990),
            _ => (1, 21),
        };
        let address = self.url.address();
        Origin {
            policy,
            host: address.host().to_ascii_lowercase(),
            port: address.port().unwrap_or(default),
        }
    }
}

impl Origin {
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }
}

/// Joins two paths on a server
pub(crate) fn join(root: &[u8], below: &[u8]) -> Vec<u8> {
    match (root, below) {
        (root, b"") => root.to_vec(),
        (b"", below) => below.to_vec(),
        (root, below) if root.ends_with(b"/") => [root, below].concat(),
        (root, below) => [root, b"/", below].concat(),
    }
}

/// Converts a path on a server to a local one; `None` if this system can't represent it
#[cfg(unix)]
pub(crate) fn local_name(path: &[u8]) -> Option<&Path> {
    use std::os::unix::ffi::OsStrExt as _;
    Some(Path::new(OsStr::from_bytes(path)))
}

#[cfg(not(unix))]
pub(crate) fn local_name(path: &[u8]) -> Option<&Path> {
    std::str::from_utf8(path).ok().map(Path::new)
}

fn is_scheme(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && characters.all(|other| other.is_ascii_alphanumeric() || "+-.".contains(other))
}

/// Whether the path has a component `..`, with which the parser of URLs drops the component before, or nothing at the
/// start, while a server would leave the login directory
fn goes_up(text: &str) -> bool {
    // Servers on Windows take a backslash for a slash, and ignore spaces at the end.
    let path = text.trim().split(['?', '#']).next().unwrap_or_default();
    path.split(['/', '\\']).any(|part| part.to_ascii_lowercase().replace("%2e", ".") == "..")
}

fn not_a_url(text: &str, error: &UrlError) -> Failure {
    let failure = Failure::usage(error.to_string());
    match error {
        UrlError::Scheme(scheme) if matches!(&**scheme, "http" | "https") => {
            failure.remedy("that is for curl or wget; rftp speaks FTP")
        }
        UrlError::Scheme(scheme) if matches!(&**scheme, "sftp" | "scp" | "ssh") => {
            failure.remedy("that is SSH, another protocol: use sftp")
        }
        UrlError::Malformed(_) | UrlError::Scheme(_) if !text.contains("://") => Failure::usage(
            "is not a URL",
        )
        .remedy("write ftp://HOST/PATH, or ftpes:// for explicit and ftps:// for implicit TLS"),
        _ => failure,
    }
}

/// Whether all places are on the same server
pub(crate) fn single_origin<'a>(remotes: impl IntoIterator<Item = &'a Remote>) -> bool {
    let mut origins = remotes.into_iter().map(Remote::origin);
    let first = origins.next();
    origins.all(|origin| Some(&origin) == first.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Remote::parse(OsStr::new(text)).unwrap_err().to_string()
    }

    #[test]
    fn text_of_another_protocol_gets_a_hint() {
        for (text, hint) in [
            ("host:path", "ftp://HOST/PATH"),
            ("ftp.example.org", "ftp://HOST/PATH"),
            ("http://example.org/f", "curl"),
            ("sftp://example.org/f", "SSH"),
        ] {
            assert!(error(text).contains(hint), "{}", error(text));
        }
    }

    #[test]
    fn line_breaks_and_nul_are_refused() {
        for text in
            ["ftp://h/a%0Ab", "ftp://h/a%0d", "ftp://h/%00", "ftp://u%0A@h/", "ftp://h/a\nb"]
        {
            assert!(Remote::parse(OsStr::new(text)).is_err(), "{text:?}");
        }
    }

    #[test]
    fn paths_that_go_up_are_refused() {
        for path in [
            "..",
            "../f",
            "d/..",
            "d/../f",
            "d/../",
            "%2e%2e/f",
            "d/.%2E/f",
            "%2F../f",
            "d/..%2Ff",
            "a%2f..",
            "..;type=d",
            "..?f",
            "a?b/../f",
            "d\\..\\f",
            ".. ",
        ] {
            for scheme in ["ftp", "ftpes", "ftps"] {
                let text = format!("{scheme}://h/{path}");
                assert!(error(&text).contains("`..`"), "{text}: {}", error(&text));
            }
        }
        assert!(error("ftp:/h/../f").contains("`..`"));
        for (path, parsed) in [
            ("./f", "f"),
            ("d/./f", "d/f"),
            ("..f", "..f"),
            ("f..", "f.."),
            ("...", "..."),
            ("f?..", "f?.."),
        ] {
            let remote = Remote::parse(OsStr::new(&format!("ftp://h/{path}"))).unwrap();
            assert_eq!(remote.path(), parsed.as_bytes(), "{path}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        assert!(!error("ftp://me:seeded@h/a%0Ab").contains("seeded"));
        assert!(!error("ftq://me:seeded@h/").contains("seeded"));
        let remote = Remote::parse(OsStr::new("ftp://me:seeded@h/")).unwrap();
        assert!(!format!("{remote:?}").contains("seeded"));
    }

    #[test]
    fn origins_are_scheme_host_and_port() {
        let origin = |text: &str| Remote::parse(OsStr::new(text)).unwrap().origin();
        assert_eq!(origin("ftp://Example.org/a"), origin("ftp://me@example.org:21/b"));
        assert_ne!(origin("ftp://h/"), origin("ftpes://h/"));
        assert_ne!(origin("ftp://h/"), origin("ftp://h:2121/"));
        assert_ne!(origin("ftp://h/"), origin("ftp://g/"));
    }

    #[test]
    fn paths_are_joined() {
        for (root, below, path) in [
            ("", "a", "a"),
            ("/", "a", "/a"),
            ("d", "a/b", "d/a/b"),
            ("d", "", "d"),
            ("/d/", "a", "/d/a"),
        ] {
            assert_eq!(join(root.as_bytes(), below.as_bytes()), path.as_bytes());
        }
    }
}
