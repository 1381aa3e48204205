//! The key of the pool: what identifies a session

use std::fmt;
use std::hash::{Hash, Hasher};
use std::hint::black_box;
use std::io;
use std::sync::Arc;

use ftp_proto::Protection;
use ftp_session::proxy::ProxyServer;
use ftp_session::{Error, IntoServerAddress, Options};

use super::dial::SharedDialer;
use crate::dial::{Dialer, Target};
use crate::io::Connection;

/// A server, a login and all settings: everything that distinguishes one session from another
///
/// A session is reused only for a site that is equal in every part: host, port, user, password, account, the
/// [dialer](Self::connect_with), and all of the [`Options`]. Those are the TLS policy and verifier, the client's
/// certificate, the proxy, the local address, deadlines and leniencies. Two [`TlsConfig`](ftp_tls::TlsConfig)s are the
/// same if one is a clone of the other, so make one and clone it.
///
/// Cheap to clone. `Debug` shows neither password nor account.
///
/// ```
/// use ftp_tokio::{Config, Site, TlsPolicy};
///
/// # fn f() -> Result<(), ftp_tokio::Error> {
/// let site = Site::new("ftp.example.org", Config::new(TlsPolicy::Explicit))?.login("user", "password");
/// # Ok(()) }
/// # f().unwrap();
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Site(Arc<Parts>);

#[derive(Clone, PartialEq, Eq)]
struct Parts {
    key: HostKey,
    options: Options,
    user: Vec<u8>,
    password: Hidden,
    account: Option<Hidden>,
    protection: Protection,
    control: ControlChannel,
}

/// What happens to a protected control connection after the login
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ControlChannel {
    Kept,
    Cleared,
}

/// Bytes that are never shown, and wiped when dropped
#[derive(Clone, PartialEq, Eq)]
struct Hidden(Vec<u8>);

impl Drop for Hidden {
    fn drop(&mut self) {
        self.0.fill(0);
        // This makes the compiler treat the zeros as read, so they are written although the memory is freed next.
        black_box(&mut self.0);
    }
}

/// The server of a site, whose budget all users share
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct HostKey(Arc<Host>);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Host {
    name: String,
    port: u16,
    proxy: Option<ProxyServer>,
    dial: Option<SharedDialer>,
}

impl Site {
    /// Creates a site for a server, with an anonymous login
    ///
    /// `address` is as for [`Client::connect`](crate::Client::connect).
    ///
    /// # Errors
    ///
    /// The address is invalid.
    pub fn new(
        address: impl IntoServerAddress,
        options: impl Into<Options>,
    ) -> Result<Self, Error> {
        let address = address.into_server_address()?;
        let options = options.into();
        let name = address.host().to_ascii_lowercase();
        let port = address.port().unwrap_or_else(|| options.default_port());
        let hop = options.clone().host(&name).port(port);
        let proxy = hop.first_hop().filter(|_| hop.proxied_server().is_some());
        let proxy = proxy.map(|(host, port)| ProxyServer::new(host, port));
        Ok(Self(Arc::new(Parts {
            key: HostKey(Arc::new(Host { name, port, proxy, dial: None })),
            options,
            user: Vec::new(),
            password: Hidden(Vec::new()),
            account: None,
            protection: Protection::Private,
            control: ControlChannel::Kept,
        })))
    }

    /// Uses connections that `dial` makes, as in [`Client::connect_with`](crate::Client::connect_with)
    ///
    /// The site is equal only to clones made after this call, and shares a budget with those alone, because two
    /// closures may lead to different servers. So call it once, and clone the site.
    #[must_use]
    pub fn connect_with<D, F, C>(mut self, dial: D) -> Self
    where
        D: Fn(Target) -> F + Send + Sync + 'static,
        F: Future<Output = io::Result<C>> + Send + 'static,
        C: Connection + 'static,
    {
        let HostKey(host) = &mut Arc::make_mut(&mut self.0).key;
        Arc::make_mut(host).dial = Some(SharedDialer::new(dial));
        self
    }

    /// Sets the user and password
    #[must_use]
    pub fn login(mut self, user: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> Self {
        let parts = Arc::make_mut(&mut self.0);
        parts.user = user.as_ref().to_vec();
        parts.password = Hidden(password.as_ref().to_vec());
        self
    }

    /// Sets the account (ACCT), for servers that ask for one at the login
    #[must_use]
    pub fn account(mut self, account: impl AsRef<[u8]>) -> Self {
        Arc::make_mut(&mut self.0).account = Some(Hidden(account.as_ref().to_vec()));
        self
    }

    /// Sets whether data connections are protected if the control connection is; by default they are
    #[must_use]
    pub fn protection(mut self, protection: Protection) -> Self {
        Arc::make_mut(&mut self.0).protection = protection;
        self
    }

    /// Returns the control connection to clear text after the login (CCC), for firewalls that inspect it
    #[must_use]
    pub fn clear_control(mut self) -> Self {
        Arc::make_mut(&mut self.0).control = ControlChannel::Cleared;
        self
    }

    /// The host, in lower case
    #[must_use]
    pub fn host(&self) -> &str {
        &self.0.key.0.name
    }

    /// The port
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.key.0.port
    }

    /// The user; empty if anonymous
    #[must_use]
    pub fn user(&self) -> &[u8] {
        &self.0.user
    }

    pub(super) fn options(&self) -> Options {
        self.0.options.clone()
    }

    pub(super) fn dialer(&self) -> Option<Dialer> {
        self.0.key.0.dial.as_ref().map(SharedDialer::dialer)
    }

    pub(super) fn password(&self) -> &[u8] {
        &self.0.password.0
    }

    pub(super) fn acct(&self) -> Option<&[u8]> {
        self.0.account.as_ref().map(|account| account.0.as_slice())
    }

    pub(super) fn wants_clear_data(&self) -> bool {
        self.0.protection == Protection::Clear
    }

    pub(super) fn wants_clear_control(&self) -> bool {
        self.0.control == ControlChannel::Cleared
    }

    pub(super) fn key(&self) -> &HostKey {
        &self.0.key
    }
}

/// Hashes only the parts that are cheap to hash
impl Hash for Site {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.0.key, &self.0.user).hash(state);
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("host", &self.host())
            .field("port", &self.port())
            .field("user", &format_args!("{}", self.0.user.escape_ascii()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use ftp_proto::{Config, TlsPolicy, Truncation};
    use ftp_session::proxy::{Proxy, ProxyLogin};
    use ftp_tls::{Resumption, TlsConfig, Trust};

    use super::*;

    fn options() -> Options {
        Options::new(Config::new(TlsPolicy::Explicit))
    }

    fn site(address: &str, options: Options) -> Site {
        Site::new(address, options).unwrap()
    }

    fn tls() -> TlsConfig {
        TlsConfig::builder(Trust::WebpkiRoots).build().unwrap()
    }

    fn configured(change: impl FnOnce(&mut Config)) -> Options {
        let mut options = options();
        change(options.config_mut());
        options
    }

    fn socks(port: u16, login: Option<ProxyLogin>) -> Options {
        options().proxy(Proxy::Socks5 { server: ProxyServer::new("proxy", port), login })
    }

    fn proxied(kind: impl FnOnce(ProxyServer, Option<ProxyLogin>) -> Proxy) -> Options {
        options().proxy(kind(ProxyServer::new("proxy", 1080), None))
    }

    /// Sites that differ from the first in one field each
    fn sites() -> Vec<Site> {
        let shared = tls();
        let local = |address: &str| address.parse::<SocketAddr>().unwrap();
        let named = site("host", options()).login("user", "secret");
        let dial = |_| async { Ok(tokio::io::empty()) };
        vec![
            named.clone(),
            named.clone().connect_with(dial),
            named.clone().connect_with(dial),
            site("other", options()).login("user", "secret"),
            site("host:2121", options()).login("user", "secret"),
            site("host", options()),
            site("host", options()).login("other", "secret"),
            site("host", options()).login("user", "other"),
            named.clone().account("account"),
            named.clone().account("other"),
            named.clone().protection(Protection::Clear),
            named.clear_control(),
            site("host:21", configured(|c| c.tls = TlsPolicy::Plaintext)).login("user", "secret"),
            site("host:21", configured(|c| c.tls = TlsPolicy::Implicit)).login("user", "secret"),
            site("host", options().tls(shared.clone())).login("user", "secret"),
            // Another verifier, another client certificate: another configuration.
            site("host", options().tls(tls())).login("user", "secret"),
            site("host", options().tls(shared.clone().guard_uploads(false)))
                .login("user", "secret"),
            site("host", options().tls(shared.clone().resumption(Resumption::Never)))
                .login("user", "secret"),
            site("host", options().tls(shared.same_certificate_on_data(false)))
                .login("user", "secret"),
            site("host", options().tls_server_name("other.example".try_into().unwrap()))
                .login("user", "secret"),
            site("host", socks(1080, None)).login("user", "secret"),
            site("host", socks(1081, None)).login("user", "secret"),
            site("host", socks(1080, Some(ProxyLogin::new("u", "p")))).login("user", "secret"),
            site("host", socks(1080, Some(ProxyLogin::new("u", "q")))).login("user", "secret"),
            site("host", proxied(|server, login| Proxy::HttpConnect { server, login }))
                .login("user", "secret"),
            site("host", proxied(|server, login| Proxy::FtpUserAtHost { server, login }))
                .login("user", "secret"),
            site("host", proxied(|server, login| Proxy::FtpOpen { server, login }))
                .login("user", "secret"),
            site("host", options().source_address(local("127.0.0.2:0"))).login("user", "secret"),
            site("host", options().source_address(local("127.0.0.3:0"))).login("user", "secret"),
            site("host", configured(|c| c.truncation = Truncation::Accept)).login("user", "secret"),
            site("host", options().connect_timeout(Duration::from_secs(1))).login("user", "secret"),
            site("host", configured(|c| c.reply_timeout = Duration::from_secs(1)))
                .login("user", "secret"),
        ]
    }

    #[test]
    fn sites_that_differ_in_one_field_differ() {
        let sites = sites();
        for (index, one) in sites.iter().enumerate() {
            for (other_index, other) in sites.iter().enumerate() {
                assert_eq!(one == other, index == other_index, "{index}, {other_index}");
            }
        }
    }

    #[test]
    fn a_site_made_again_is_the_same() {
        let config = tls();
        let make = |address: &str| {
            let options = options().tls(config.clone());
            site(address, options).login("user", "secret").account("a").clear_control()
        };
        assert!(make("host") == make("HOST:21"));
    }

    #[test]
    fn users_of_a_server_share_its_budget() {
        let key = |site: &Site| site.key().clone();
        let named = site("host", options()).login("user", "secret");
        assert!(key(&named) == key(&site("host", options())));
        assert!(key(&named) != key(&site("host:2121", options())));
        assert!(key(&named) != key(&site("host", socks(1080, None))));
        let dialed = named.clone().connect_with(|_| async { Ok(tokio::io::empty()) });
        assert!(key(&named) != key(&dialed));
        assert!(key(&dialed) == key(&dialed.clone().login("other", "secret")));
    }

    #[test]
    fn secrets_are_not_shown() {
        let site = site("host", options()).login("user", "hunter2").account("hunter3");
        assert!(!format!("{site:?}").contains("hunter"), "{site:?}");
    }
}
