//! FTP URLs (RFC 1738 section 3.2), and FTPS URLs in their common forms

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use ftp_proto::TlsPolicy;
use thiserror::Error;
use url::Url;

use crate::address::ServerAddress;

/// The contents of a URL: how to connect and log in, and what to transfer
///
/// | scheme | the session |
/// |---|---|
/// | `ftp` | in clear text |
/// | `ftpes` | TLS by AUTH (RFC 4217) |
/// | `ftps` | TLS from the first byte |
///
/// ```
/// use ftp_session::{FtpUrl, TlsPolicy, UrlTarget};
///
/// let url: FtpUrl = "ftpes://me:secret@ftp.example.org/pub/two%20words.txt".parse()?;
/// assert_eq!((url.policy(), url.address().host()), (TlsPolicy::Explicit, "ftp.example.org"));
/// assert_eq!((url.user(), url.path()), (&b"me"[..], &b"pub/two words.txt"[..]));
/// assert_eq!(url.target(), UrlTarget::File);
/// # Ok::<(), ftp_session::UrlError>(())
/// ```
///
/// A path is relative to the login directory; with `/%2F` it starts at the root. Percent signs stand for bytes, so any
/// name can be written. FTP has no queries: a question mark belongs to the name. It has no fragments either: write
/// `%23` for `#`. Spaces and backslashes of a path belong to the name, too, also a space at its end; `Url` drops that
/// space and, in `ftp://`, takes backslashes for slashes, so an `FtpUrl` that is converted from a [`Url`] has lost them.
#[derive(Clone, PartialEq, Eq)]
pub struct FtpUrl {
    policy: TlsPolicy,
    address: ServerAddress,
    user: Vec<u8>,
    password: Vec<u8>,
    path: Vec<u8>,
    target: UrlTarget,
}

/// What a URL's path refers to
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 1738 knows no more")]
pub enum UrlTarget {
    /// A file, unchanged (TYPE I), also with `;type=i`
    File,
    /// A text (TYPE A): `;type=a`
    Text,
    /// A directory: the path ends in a slash, or is empty
    Directory,
    /// The names in a directory: `;type=d`
    Names,
}

/// Why a URL is not an FTP URL; it never shows a password
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The text is not a URL
    #[error("not a URL: {0}")]
    Malformed(url::ParseError),
    /// It has another scheme
    #[error("{0}:// is not one of ftp://, ftpes:// (explicit TLS) and ftps:// (implicit TLS)")]
    Scheme(String),
    /// It has no host, or an invalid one
    #[error("the URL contains no valid host")]
    Host,
    /// A control character, such as a tab or a line break
    #[error(
        "a control character in the URL; write it as a percent sign and two hexadecimal digits"
    )]
    Control,
    /// A backslash before the path, where other programs disagree about which host it makes of the URL
    #[error(
        "a backslash before the path of the URL; write %5C if the user or the password has one"
    )]
    Backslash,
    /// A percent sign without two hexadecimal digits
    #[error(
        "a percent sign in the URL is not followed by two hexadecimal digits; write %25 for the percent sign itself"
    )]
    Percent,
    /// A `#`, after which a URL has a fragment, which FTP does not have
    #[error(
        "a # in the URL begins a fragment, which FTP does not have; write %23 for the character itself"
    )]
    Fragment,
    /// The code after `;type=` is not `a`, `i` or `d`
    #[error("unknown ;type={0} in the URL: a, i and d are supported")]
    Type(String),
}

impl FtpUrl {
    /// The TLS policy
    #[must_use]
    pub const fn policy(&self) -> TlsPolicy {
        self.policy
    }

    /// The server, with the port if the URL has one
    #[must_use]
    pub const fn address(&self) -> &ServerAddress {
        &self.address
    }

    /// The user; empty if none is given, which logs in as `anonymous`
    #[must_use]
    pub fn user(&self) -> &[u8] {
        &self.user
    }

    /// The password; empty if none is given
    #[must_use]
    pub fn password(&self) -> &[u8] {
        &self.password
    }

    /// The path, as the server gets it: without the slash after the host, and without a directory's trailing slash
    #[must_use]
    pub fn path(&self) -> &[u8] {
        match (&*self.path, self.target) {
            (b"/", _) | (_, UrlTarget::File | UrlTarget::Text) => &self.path,
            (path, _) => path.strip_suffix(b"/").unwrap_or(path),
        }
    }

    /// What the path refers to
    #[must_use]
    pub const fn target(&self) -> UrlTarget {
        self.target
    }
}

impl FromStr for FtpUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Self::try_from(&Url::parse(&literal(text)?).map_err(UrlError::Malformed)?)
    }
}

impl TryFrom<&Url> for FtpUrl {
    type Error = UrlError;

    fn try_from(url: &Url) -> Result<Self, UrlError> {
        let policy = match url.scheme() {
            "ftp" => TlsPolicy::Plaintext,
            "ftpes" => TlsPolicy::Explicit,
            "ftps" => TlsPolicy::Implicit,
            other => return Err(UrlError::Scheme(other.to_owned())),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(UrlError::Host)?;
        let address = match url.port() {
            Some(port) => format!("{host}:{port}").parse(),
            None => host.parse(),
        };
        if url.fragment().is_some() {
            return Err(UrlError::Fragment);
        }
        let text = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let (path, code) = match text.rsplit_once(";type=") {
            Some((path, code)) => (path, Some(code)),
            None => (&*text, None),
        };
        let path = percent_decode(path.strip_prefix('/').unwrap_or(path))?;
        let target = match code {
            Some("a" | "A") => UrlTarget::Text,
            Some("i" | "I") => UrlTarget::File,
            Some("d" | "D") => UrlTarget::Names,
            Some(other) => return Err(UrlError::Type(other.to_owned())),
            None if path.is_empty() || path.ends_with(b"/") => UrlTarget::Directory,
            None => UrlTarget::File,
        };
        Ok(Self {
            policy,
            address: address.map_err(|_| UrlError::Host)?,
            user: percent_decode(url.username())?,
            password: percent_decode(url.password().unwrap_or_default())?,
            path,
            target,
        })
    }
}

/// Without the password
impl fmt::Debug for FtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FtpUrl")
            .field("policy", &self.policy)
            .field("address", &self.address)
            .field("user", &self.user.escape_ascii().to_string())
            .field("path", &self.path.escape_ascii().to_string())
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// Encodes the characters of the path that the parser of web URLs would drop or replace
fn literal(text: &str) -> Result<Cow<'_, str>, UrlError> {
    // The parser would drop tabs and line breaks anywhere, and all of these at the end.
    if text.contains(|character: char| character.is_ascii_control()) {
        return Err(UrlError::Control);
    }
    let rest = text.split_once(':').map_or(text, |(_, rest)| rest);
    let authority = rest.trim_start_matches('/');
    let path = authority.find(['/', '?', '#']).map_or("", |at| &authority[at..]);
    let before = &text[..text.len() - path.len()];
    if before.contains('\\') {
        return Err(UrlError::Backslash);
    }
    if !path.contains([' ', '\\']) {
        return Ok(Cow::Borrowed(text));
    }
    let path = path.replace(' ', "%20").replace('\\', "%5C");
    Ok(Cow::Owned(format!("{before}{path}")))
}

fn percent_decode(text: &str) -> Result<Vec<u8>, UrlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        let (high, low) = digit().zip(digit()).ok_or(UrlError::Percent)?;
        bytes.push((high * 16 + low) as u8);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_and_hosts() {
        for (text, policy, host, port) in [
            ("ftp://ftp.example.org", TlsPolicy::Plaintext, "ftp.example.org", None),
            // The scheme's own port may be omitted.
            ("ftp://ftp.example.org:21/", TlsPolicy::Plaintext, "ftp.example.org", None),
            ("ftpes://ftp.example.org:2121/f", TlsPolicy::Explicit, "ftp.example.org", Some(2121)),
            ("ftps://ftp.example.org/f", TlsPolicy::Implicit, "ftp.example.org", None),
            ("ftps://192.0.2.1:990/f", TlsPolicy::Implicit, "192.0.2.1", Some(990)),
            ("ftp://[2001:db8::1]/f", TlsPolicy::Plaintext, "2001:db8::1", None),
            ("ftpes://[2001:db8::1]:2121/f", TlsPolicy::Explicit, "2001:db8::1", Some(2121)),
        ] {
            let url: FtpUrl = text.parse().unwrap();
            let address = url.address();
            assert_eq!((url.policy(), address.host(), address.port()), (policy, host, port));
            assert_eq!((url.user(), url.password()), (&b""[..], &b""[..]), "{text}");
        }
    }

    #[test]
    fn users_are_bytes_and_passwords_are_not_shown() {
        let url: FtpUrl = "ftpes://me%40home:p%40ss%3A%2F%ff@h/".parse().unwrap();
        assert_eq!((url.user(), url.password()), (&b"me@home"[..], &b"p@ss:/\xFF"[..]));
        assert!(!format!("{url:?}").contains("p@ss"));
    }

    #[test]
    fn paths() {
        for (text, path, target) in [
            ("ftp://h", &b""[..], UrlTarget::Directory),
            ("ftps://h", b"", UrlTarget::Directory),
            ("ftp://h/", b"", UrlTarget::Directory),
            ("ftp://h/f", b"f", UrlTarget::File),
            ("ftp://h/d/f", b"d/f", UrlTarget::File),
            ("ftp://h/d/", b"d", UrlTarget::Directory),
            // From the root, not from the login directory.
            ("ftp://h/%2Fetc/motd", b"/etc/motd", UrlTarget::File),
            ("ftpes://h/%2F", b"/", UrlTarget::Directory),
            ("ftpes://h/%2fpub/", b"/pub", UrlTarget::Directory),
            ("ftp://h/two%20words", b"two words", UrlTarget::File),
            ("ftp://h/two words", b"two words", UrlTarget::File),
            ("ftp://h/latin-%E9", b"latin-\xE9", UrlTarget::File),
            ("ftpes://h/na\u{ef}ve", "na\u{ef}ve".as_bytes(), UrlTarget::File),
            ("ftp://h/100%25", b"100%", UrlTarget::File),
            ("ftp://h/what?really", b"what?really", UrlTarget::File),
            ("ftp://h/f;type=a", b"f", UrlTarget::Text),
            ("ftp://h/f;type=i", b"f", UrlTarget::File),
            ("ftpes://h/d;type=d", b"d", UrlTarget::Names),
            ("ftpes://h/d/;type=d", b"d", UrlTarget::Names),
        ] {
            let url: FtpUrl = text.parse().unwrap();
            assert_eq!((url.path(), url.target()), (path, target), "{text}");
        }
    }

    /// The parser of web URLs drops a space at the end, and takes the backslashes of `ftp://` for slashes
    #[test]
    fn spaces_and_backslashes_of_a_path_are_taken_literally() {
        for scheme in ["ftp", "ftpes", "ftps"] {
            for path in
                ["a ", " a", "a  ", " ", "d /", "d/ ", "d\\b", "d\\", "\\", "what? ", "what?\\"]
            {
                let url: FtpUrl = format!("{scheme}://me@h/{path}").parse().unwrap();
                assert_eq!(url.path(), path.trim_end_matches('/').as_bytes(), "{scheme} {path:?}");
            }
            let parsed = |rest: &str| format!("{scheme}://h{rest}").parse::<FtpUrl>();
            assert_eq!(parsed("/f;type=a "), Err(UrlError::Type("a%20".into())));
            assert_eq!(parsed("/f #"), Err(UrlError::Fragment));
        }
        assert_eq!(" ftp://h/a ".parse::<FtpUrl>().unwrap().path(), b"a ");
    }

    #[test]
    fn a_backslash_before_the_path_is_an_error() {
        for scheme in ["ftp", "ftpes", "ftps"] {
            for rest in
                ["://h\\f", "://good\\@evil/", ":\\\\h/f", ":/\\h/f", "://u:p\\w@h/f", "://h\\?f"]
            {
                let text = format!("{scheme}{rest}");
                assert_eq!(text.parse::<FtpUrl>(), Err(UrlError::Backslash), "{text}");
            }
        }
    }

    #[test]
    fn a_control_character_is_an_error() {
        for text in ["ftp://h/a\tb", "ftpes://h/a\n", "ftps://h/a\x01", "\rftp://h/", "ftp://h\t/a"]
        {
            assert_eq!(text.parse::<FtpUrl>(), Err(UrlError::Control), "{text:?}");
        }
        assert_eq!("ftp://h/a%09".parse::<FtpUrl>().unwrap().path(), b"a\t");
    }

    /// It would be cut off
    #[test]
    fn a_fragment_is_an_error() {
        for text in ["ftp://h/pub/a#b", "ftp://h/#", "ftp://h#b"] {
            assert_eq!(text.parse::<FtpUrl>(), Err(UrlError::Fragment), "{text}");
        }
        assert_eq!("ftp://h/a%23b".parse::<FtpUrl>().unwrap().path(), b"a#b");
    }

    #[test]
    fn a_url_of_another_scheme_is_an_error() {
        let error = |text: &str| text.parse::<FtpUrl>().unwrap_err();
        assert_eq!(error("http://h/"), UrlError::Scheme("http".into()));
        assert_eq!(error("sftp://h/f"), UrlError::Scheme("sftp".into()));
        assert_eq!(error("ftps:///f"), UrlError::Host);
        assert!(matches!(error("h/f"), UrlError::Malformed(_)));
        for text in ["ftp://u%zz@h/", "ftp://h/%", "ftp://h/%4", "ftps://h/%4g", "ftp://h/%+4"] {
            assert_eq!(error(text), UrlError::Percent, "{text}");
        }
        assert_eq!(error("ftp://h/f;type=x"), UrlError::Type("x".into()));
    }
}
