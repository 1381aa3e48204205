//! The settings of a store

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ftp_tokio::ftp_tls::{ConfigError, TlsConfig, Trust};
use ftp_tokio::{Config, FtpUrl, Options, Pool, Site, TlsPolicy};
use object_store::{Error, Result};

use crate::error::{STORE, with_sources};
use crate::inner::{Inner, Settings};
use crate::store::FtpStore;

/// Settings of an [`FtpStore`]
///
/// ```
/// use ftp_object_store::FtpStore;
///
/// let store = FtpStore::builder()
///     .url("ftpes://ftp.example.org/pub")
///     .login("user", "password")
///     .max_sessions(4)
///     .build()?;
/// # Ok::<(), object_store::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "a builder does nothing before `build`"]
pub struct FtpStoreBuilder {
    url: Option<String>,
    login: Option<(Vec<u8>, Vec<u8>)>,
    root: Option<Vec<u8>>,
    ca_file: Option<PathBuf>,
    options: Option<Options>,
    pool: Option<Pool>,
    wait: Duration,
    settings: Settings,
}

impl FtpStore {
    /// Returns a builder for a store
    pub const fn builder() -> FtpStoreBuilder {
        FtpStoreBuilder::new()
    }
}

/// The authorities to trust besides those in a file
#[cfg(feature = "webpki-roots")]
const PUBLIC: Trust = Trust::WebpkiRoots;
#[cfg(not(feature = "webpki-roots"))]
const PUBLIC: Trust = Trust::OwnCa;

/// Why a store could not be created
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("no URL is given")]
    NoUrl,
    #[error("{name} is not set")]
    NoVariable { name: &'static str },
    #[error("{key}: {text:?} is not {expected}")]
    Number { key: String, text: String, expected: &'static str },
    #[error("the maximum number of sessions must be at least 1")]
    NoSessions,
    #[error("can't use the certificate authorities of {}: {reason}", .file.display())]
    CaFile { file: PathBuf, reason: String },
    #[error("can't read the password from {}: {error}", .file.display())]
    PasswordFile { file: PathBuf, error: std::io::Error },
    #[error(
        "the user {user:?} has no password: set one with `login`, an option or the environment"
    )]
    NoPassword { user: String },
}

fn problem(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic { store: STORE, source: Box::new(source) }
}

impl FtpStoreBuilder {
    pub(crate) const fn new() -> Self {
        Self {
            url: None,
            login: None,
            root: None,
            ca_file: None,
            options: None,
            pool: None,
            // The same default as the pool's.
            wait: Duration::from_secs(60),
            settings: Settings {
                coalesce: None,
                resumptions: 1,
                weak_create: false,
                server_copies: false,
                sessions: 8,
            },
        }
    }

    /// Sets the server, the kind of connection and the root directory of the store: `ftp://` is clear text, `ftpes://`
    /// is TLS by AUTH, `ftps://` is TLS from the first byte
    ///
    /// A path is relative to the login directory, or starts at the server's root with `/%2F`. A user and a password in
    /// the URL are used unless [`login`](Self::login) is called; error messages and `Display` never show the password.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Sets the user and password; without them, and without a user in the URL, the login is anonymous
    pub fn login(mut self, user: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> Self {
        self.login = Some((user.as_ref().to_vec(), password.as_ref().to_vec()));
        self
    }

    /// Sets the root directory of the store, as the server names it, in place of the URL's path; an empty one is the
    /// login directory
    pub fn root(mut self, directory: impl AsRef<[u8]>) -> Self {
        self.root = Some(directory.as_ref().to_vec());
        self
    }

    /// Adds certificate authorities to trust, from a PEM file, besides those of the feature `webpki-roots`
    ///
    /// For any other policy see [`connection`](Self::connection).
    pub fn ca_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(file.into());
        self
    }

    /// Sets the options of the sessions: TLS, proxy, deadlines, local address; the URL determines their TLS policy
    pub fn connection(mut self, options: Options) -> Self {
        self.options = Some(options);
        self
    }

    /// Sets the maximum number of sessions, at least 1; 8 by default, fewer if the server accepts fewer
    ///
    /// If several processes share what a server accepts, give each its part. A multipart upload keeps a session from
    /// its first part until it is completed, and copies of more than 8 MiB need two: see [Writing](crate#writing).
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.settings.sessions = sessions;
        self
    }

    /// Sets how long an operation waits for a session at most; 60 seconds by default
    pub fn wait_timeout(mut self, timeout: Duration) -> Self {
        self.wait = timeout;
        self
    }

    /// Uses a pool that is shared with other stores; its own settings then replace
    /// [`max_sessions`](Self::max_sessions) and [`wait_timeout`](Self::wait_timeout)
    pub fn pool(mut self, pool: Pool) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Sets the largest gap in bytes between two ranges of [`get_ranges`](object_store::ObjectStore::get_ranges) that
    /// are still fetched as one
    ///
    /// By default it is measured: the number of bytes that arrive in the time from a request to its first byte, at
    /// least 64 KiB and at most 16 MiB; 1 MiB before anything was measured.
    pub fn coalesce(mut self, bytes: u64) -> Self {
        self.settings.coalesce = Some(bytes);
        self
    }

    /// Sets how often a read continues after its connection broke; once by default
    ///
    /// See [Reading](crate#reading).
    pub fn resumptions(mut self, times: u8) -> Self {
        self.settings.resumptions = times;
        self
    }

    /// Makes `PutMode::Create`, `copy_if_not_exists` and `rename_if_not_exists` check first and write afterwards
    ///
    /// Two simultaneous writers may then both succeed, and one replaces the other's object. By default these
    /// operations are refused, because FTP has no command that creates a file only if it does not exist.
    pub fn weak_create(mut self, weak: bool) -> Self {
        self.settings.weak_create = weak;
        self
    }

    /// Lets the server copy objects itself, with SITE CPFR and CPTO, if FEAT has `SITE COPY`, as ProFTPD's with
    /// mod_copy; otherwise, and by default, all bytes of a copy go through this machine
    ///
    /// Set this only if no object to be copied is a link. ProFTPD makes another link of a link and reports success: the
    /// copy is lost with the file to which the link leads, and in another directory a relative link leads to another
    /// file. The store can't find out whether an object is a link, because with `ShowSymlinks off` ProFTPD shows links
    /// as files in all listings.
    pub fn server_copies(mut self, allowed: bool) -> Self {
        self.settings.server_copies = allowed;
        self
    }

    /// Sets one setting by name, as configuration files and SQL options do
    ///
    /// | key | value |
    /// |---|---|
    /// | `url` | [`url`](Self::url) |
    /// | `user`, `password` | [`login`](Self::login) |
    /// | `password_file` | a file whose first line is the password |
    /// | `root` | [`root`](Self::root) |
    /// | `ca_file` | [`ca_file`](Self::ca_file) |
    /// | `max_sessions` | [`max_sessions`](Self::max_sessions) |
    /// | `wait_timeout` | [`wait_timeout`](Self::wait_timeout) in seconds, such as `60` or `1.5` |
    ///
    /// # Errors
    ///
    /// [`Error::UnknownConfigurationKey`] for any other key; an invalid number; a file that can't be read.
    pub fn option(self, key: &str, value: &str) -> Result<Self> {
        let (user, password) = self.login.clone().unwrap_or_default();
        Ok(match key {
            "url" => self.url(value),
            "user" => self.login(value, password),
            "password" => self.login(user, value),
            "password_file" => self.login(user, read_password(value)?),
            "root" => self.root(value),
            "ca_file" => self.ca_file(value),
            "max_sessions" => {
                let sessions = value.trim().parse().ok().filter(|sessions| *sessions > 0);
                self.max_sessions(expect(sessions, key, value, "a number from 1 up")?)
            }
            "wait_timeout" => {
                let seconds = value.trim().parse().ok();
                let timeout = seconds.and_then(|one| Duration::try_from_secs_f64(one).ok());
                self.wait_timeout(expect(timeout, key, value, "a number of seconds")?)
            }
            _ => {
                let key = key.to_owned();
                return Err(Error::UnknownConfigurationKey { store: STORE, key });
            }
        })
    }

    /// Reads the settings from the environment: `FTP_URL`, which is required, `FTP_USER`, `FTP_PASSWORD`,
    /// `FTP_PASSWORD_FILE`, `FTP_ROOT`, `FTP_CA_FILE`, `FTP_MAX_SESSIONS` and `FTP_WAIT_TIMEOUT`, with the values that
    /// [`option`](Self::option) accepts
    ///
    /// # Errors
    ///
    /// As [`option`](Self::option), and if `FTP_URL` is not set.
    pub fn from_env() -> Result<Self> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let mut builder = Self::new();
        for (name, key) in [
            ("FTP_URL", "url"),
            ("FTP_USER", "user"),
            ("FTP_PASSWORD", "password"),
            ("FTP_PASSWORD_FILE", "password_file"),
            ("FTP_ROOT", "root"),
            ("FTP_CA_FILE", "ca_file"),
            ("FTP_MAX_SESSIONS", "max_sessions"),
            ("FTP_WAIT_TIMEOUT", "wait_timeout"),
        ] {
            match variable(name) {
                Some(value) => builder = builder.option(key, &value)?,
                None if key == "url" => {
                    return Err(problem(Problem::NoVariable { name: "FTP_URL" }));
                }
                None => {}
            }
        }
        Ok(builder)
    }

    /// Creates the store, without connecting
    ///
    /// # Errors
    ///
    /// A URL that is not an FTP URL, a user without a password, a certificate file that can't be used, a maximum of no
    /// sessions.
    pub fn build(self) -> Result<FtpStore> {
        if self.settings.sessions == 0 {
            return Err(problem(Problem::NoSessions));
        }
        let url = self.url.ok_or_else(|| problem(Problem::NoUrl))?;
        let url: FtpUrl = url.parse().map_err(problem)?;
        let mut options = match self.options {
            Some(options) => options,
            None => Options::new(Config::new(url.policy())),
        };
        options.config_mut().tls = url.policy();
        if let Some(file) = &self.ca_file {
            let unusable = |error: ConfigError| {
                problem(Problem::CaFile { file: file.clone(), reason: with_sources(&error) })
            };
            let tls = TlsConfig::builder(PUBLIC).add_ca_file(file).build().map_err(unusable)?;
            options = options.tls(tls);
        }
        let (user, password) =
            self.login.unwrap_or_else(|| (url.user().to_vec(), url.password().to_vec()));
        if !user.is_empty() && user != b"anonymous" && password.is_empty() {
            let user = String::from_utf8_lossy(&user).into_owned();
            return Err(problem(Problem::NoPassword { user }));
        }
        let site = Site::new(url.address().clone(), options).map_err(problem)?;
        let site = site.login(&user, &password);
        let server = name(url.policy(), &site);
        let root = self.root.unwrap_or_else(|| url.path().to_vec());
        let sessions = self.settings.sessions;
        let pool = self.pool.unwrap_or_else(|| {
            Pool::builder().sessions_per_host(sessions).wait_timeout(self.wait).build()
        });
        Ok(FtpStore { inner: Arc::new(Inner::new(pool, site, root, server, self.settings)) })
    }
}

/// The server without the password: `ftpes://user@ftp.example.org:21`
fn name(policy: TlsPolicy, site: &Site) -> String {
    let scheme = match policy {
        TlsPolicy::Plaintext => "ftp",
        TlsPolicy::Explicit => "ftpes",
        TlsPolicy::Implicit => "ftps",
    };
    let user = match site.user() {
        b"" => String::new(),
        user => format!("{}@", user.escape_ascii()),
    };
    let host = match site.host() {
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    format!("{scheme}://{user}{host}:{}", site.port())
}

/// Returns the value of an option, or the error that says what was expected
fn expect<T>(value: Option<T>, key: &str, text: &str, expected: &'static str) -> Result<T> {
    let (key, text) = (key.to_owned(), text.to_owned());
    value.ok_or_else(|| problem(Problem::Number { key, text, expected }))
}

fn read_password(file: &str) -> Result<Vec<u8>> {
    let text = std::fs::read(file)
        .map_err(|error| problem(Problem::PasswordFile { file: file.into(), error }))?;
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
}

/// Without the password
impl fmt::Debug for FtpStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FtpStoreBuilder")
            .field("url", &self.url.as_ref().map(|url| url.parse::<FtpUrl>()))
            .field("user", &self.login.as_ref().map(|(user, _)| user.escape_ascii().to_string()))
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        let builders = [
            FtpStoreBuilder::new().url("ftpes://user:hunter2@ftp.example.org/pub"),
            FtpStoreBuilder::new().url("ftp://ftp.example.org").login("user", "hunter2"),
            FtpStoreBuilder::new().url("hunter2").login("user", "hunter2"),
        ];
        for builder in builders {
            assert!(!format!("{builder:?}").contains("hunter2"), "{builder:?}");
            if let Ok(store) = builder.build() {
                assert!(!format!("{store:?} {store}").contains("hunter2"), "{store:?}");
            }
        }
    }

    #[test]
    fn settings_by_name() {
        let file = std::env::temp_dir().join(format!("ftp-store-password-{}", std::process::id()));
        std::fs::write(&file, "secret word\r\nno more\n").unwrap();
        let text = file.to_str().unwrap().to_owned();
        let builder = FtpStoreBuilder::from_variables(|name| match name {
            "FTP_URL" => Some("ftps://[2001:db8::1]/pub".to_owned()),
            "FTP_USER" => Some("me".to_owned()),
            "FTP_PASSWORD_FILE" => Some(text.clone()),
            "FTP_MAX_SESSIONS" => Some("3".to_owned()),
            _ => None,
        });
        let builder = builder.unwrap();
        std::fs::remove_file(file).unwrap();
        assert_eq!(builder.login, Some((b"me".to_vec(), b"secret word".to_vec())));
        assert_eq!(builder.settings.sessions, 3);
        let store = builder.build().unwrap();
        assert_eq!(store.to_string(), "FtpStore(ftps://me@[2001:db8::1]:990/pub)");
    }

    #[test]
    fn errors_name_the_problem() {
        let text = |result: Result<FtpStore>| result.unwrap_err().to_string();
        let builder = FtpStoreBuilder::new;
        assert!(text(builder().build()).contains("no URL is given"));
        assert!(text(builder().url("http://h").build()).contains("http:// is not one of ftp://"));
        let nobody = text(builder().url("ftp://me@h").build());
        assert!(nobody.contains("\"me\" has no password"), "{nobody}");
        let error = builder().option("colour", "red").unwrap_err();
        assert!(matches!(error, Error::UnknownConfigurationKey { .. }), "{error}");
        let error = builder().option("max_sessions", "many").unwrap_err().to_string();
        assert!(error.contains("max_sessions: \"many\" is not a number from 1 up"), "{error}");
        let error = builder().option("max_sessions", "0").unwrap_err().to_string();
        assert!(error.contains("max_sessions: \"0\" is not a number from 1 up"), "{error}");
        for seconds in ["soon", "-1", "inf"] {
            let error = builder().option("wait_timeout", seconds).unwrap_err().to_string();
            assert!(error.contains("is not a number of seconds"), "{error}");
        }
        assert_eq!(builder().option("wait_timeout", "1.5").unwrap().wait.as_millis(), 1500);
        let none = text(builder().url("ftp://h").max_sessions(0).build());
        assert!(none.contains("must be at least 1"), "{none}");
        let file = std::env::temp_dir().join("ftp-store-no-such-file");
        let unread = text(builder().url("ftpes://h").ca_file(&file).build());
        let reason = std::fs::read(file).unwrap_err().to_string();
        assert!(unread.contains(&reason), "{unread}");
        let error = FtpStoreBuilder::from_variables(|_| None).unwrap_err().to_string();
        assert!(error.contains("FTP_URL is not set"), "{error}");
    }
}
