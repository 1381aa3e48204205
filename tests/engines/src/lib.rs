//! DataFusion on FTP servers
//!
//! For one server, [`register`] it:
//!
//! ```no_run
//! use datafusion::prelude::{CsvReadOptions, SessionContext};
//! use ftp_engines::register;
//! use ftp_object_store::FtpStore;
//!
//! # async fn f() -> datafusion::error::Result<()> {
//! let context = SessionContext::new();
//! register(&context, "ftpes://ftp.example.org", FtpStore::builder().login("user", "password"))?;
//! context.register_csv("t", "ftpes://ftp.example.org/pub/2026/", CsvReadOptions::new()).await?;
//! context.sql("SELECT count(*) FROM t").await?.show().await?;
//! # Ok(()) }
//! ```
//!
//! For any number of them, give the runtime an [`FtpRegistry`], which makes a store for each server and user that a table
//! names, once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::{DefaultObjectStoreRegistry, ObjectStoreRegistry};
use datafusion::prelude::SessionContext;
use ftp_object_store::object_store::ObjectStore;
use ftp_object_store::{FtpStore, FtpStoreBuilder};
use url::{Position, Url};

fn external(error: impl std::error::Error + Send + Sync + 'static) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// Returns the server of a URL: scheme, user, host and port
///
/// A password is refused, because the URL of a table appears in plans, logs and error messages.
fn server(url: &Url) -> Result<String> {
    if url.password().is_some() {
        let server = &url[Position::BeforeHost..Position::AfterPort];
        return Err(DataFusionError::Configuration(format!(
            "the URL of a table on {server} has a password in it, which plans and logs would show; \
             give it to the store's builder, or to `FtpRegistry::login`"
        )));
    }
    let user = match url.username() {
        "" => String::new(),
        user => format!("{user}@"),
    };
    Ok(format!("{}://{user}{}", url.scheme(), &url[Position::BeforeHost..Position::AfterPort]))
}

/// Registers the server of this URL for all tables on it; the builder contains the login and other settings
///
/// The paths of tables begin at the login directory, or at the builder's root: `/` is the server's root there.
/// DataFusion does not accept `/%2F` in a URL.
///
/// # Errors
///
/// If the URL is not one of FTP, or contains a password; errors of the builder.
pub fn register(context: &SessionContext, url: &str, builder: FtpStoreBuilder) -> Result<FtpStore> {
    let url = Url::parse(url).map_err(external)?;
    let store = builder.url(server(&url)?).build()?;
    context.register_object_store(&url, Arc::new(store.clone()));
    Ok(store)
}

/// Returns the password of a user on a host, if there is one
type Passwords = dyn Fn(&str, &str) -> Option<Vec<u8>> + Send + Sync;

/// Creates the stores of FTP servers from the URLs of tables, one for each server and user; leaves all other URLs to
/// DataFusion's own registry
pub struct FtpRegistry {
    logins: HashMap<(String, String), String>,
    passwords: Box<Passwords>,
    configure: Box<dyn Fn(FtpStoreBuilder) -> FtpStoreBuilder + Send + Sync>,
    stores: Mutex<HashMap<String, Arc<dyn ObjectStore>>>,
    others: DefaultObjectStoreRegistry,
}

impl FtpRegistry {
    /// Creates a registry that logs in as `anonymous`
    #[must_use]
    pub fn new() -> Self {
        Self {
            logins: HashMap::new(),
            passwords: Box::new(|_, _| None),
            configure: Box::new(|builder| builder),
            stores: Mutex::default(),
            others: DefaultObjectStoreRegistry::new(),
        }
    }

    /// Adds a login: used on this host for tables whose URL contains its user name
    #[must_use]
    pub fn login(mut self, host: &str, user: &str, password: &str) -> Self {
        self.logins.insert((host.to_ascii_lowercase(), user.to_owned()), password.to_owned());
        self
    }

    /// Sets where other passwords are found, such as a `.netrc`: called with a host and a user that have no
    /// [`login`](Self::login)
    #[must_use]
    pub fn passwords(
        mut self,
        passwords: impl Fn(&str, &str) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        self.passwords = Box::new(passwords);
        self
    }

    /// Changes further settings of each store, such as certificates and the number of sessions
    #[must_use]
    pub fn configure(
        mut self,
        configure: impl Fn(FtpStoreBuilder) -> FtpStoreBuilder + Send + Sync + 'static,
    ) -> Self {
        self.configure = Box::new(configure);
        self
    }

    fn store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let server = server(url)?;
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = stores.get(&server) {
            return Ok(Arc::clone(store));
        }
        let mut builder = FtpStore::builder().url(&server);
        let user = String::from_utf8_lossy(&percent_decoded(url.username())).into_owned();
        if !user.is_empty() {
            let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
            let given = self.logins.get(&(host.clone(), user.clone()));
            let given = given.map(|password| password.clone().into_bytes());
            let Some(password) = given.or_else(|| (self.passwords)(&host, &user)) else {
                return Err(DataFusionError::Configuration(format!(
                    "there is no login of {user:?} for {server}: add it by `FtpRegistry::login` or `passwords`"
                )));
            };
            builder = builder.login(user, password);
        }
        let store: Arc<dyn ObjectStore> = Arc::new((self.configure)(builder).build()?);
        stores.insert(server, Arc::clone(&store));
        Ok(store)
    }
}

fn percent_decoded(text: &str) -> Vec<u8> {
    percent_encoding::percent_decode_str(text).collect()
}

fn is_ftp(url: &Url) -> bool {
    matches!(url.scheme(), "ftp" | "ftpes" | "ftps")
}

impl ObjectStoreRegistry for FtpRegistry {
    fn register_store(
        &self,
        url: &Url,
        store: Arc<dyn ObjectStore>,
    ) -> Option<Arc<dyn ObjectStore>> {
        if !is_ftp(url) {
            return self.others.register_store(url, store);
        }
        // A URL that can't be a key is never requested.
        let server = server(url).ok()?;
        self.stores.lock().unwrap_or_else(PoisonError::into_inner).insert(server, store)
    }

    fn deregister_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        if !is_ftp(url) {
            return self.others.deregister_store(url);
        }
        let server = server(url)?;
        let store = self.stores.lock().unwrap_or_else(PoisonError::into_inner).remove(&server);
        store.ok_or_else(|| {
            DataFusionError::Configuration(format!("no store is registered for {server}"))
        })
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        if is_ftp(url) { self.store(url) } else { self.others.get_store(url) }
    }
}

impl Default for FtpRegistry {
    fn default() -> Self {
        Self::new()
    }
}

/// Omits passwords
impl fmt::Debug for FtpRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let logins: Vec<_> = self.logins.keys().collect();
        f.debug_struct("FtpRegistry").field("logins", &logins).finish_non_exhaustive()
    }
}

/// The code of the page, compiled as a documentation test
#[cfg(doctest)]
#[doc = include_str!("../../../docs/object-store.md")]
struct ObjectStorePage;
