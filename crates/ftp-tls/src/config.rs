use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, version};

use crate::ConfigError;
use crate::verify::{Chain, Pin, Verifier};

/// Who vouches for the server's certificate
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// Mozilla's list of authorities, compiled in; the same everywhere, as old as the build
    #[cfg(feature = "webpki-roots")]
    WebpkiRoots,
    /// The authorities that this computer trusts, by its operating system's rules
    #[cfg(feature = "platform-verifier")]
    Platform,
    /// Only the authorities given with [`add_ca_pem`](TlsConfigBuilder::add_ca_pem) or
    /// [`add_ca_file`](TlsConfigBuilder::add_ca_file)
    OwnCa,
    /// Only the keys given with [`pin`](TlsConfigBuilder::pin), whatever certificate they come in:
    /// its name, dates and issuer are not looked at. For servers with self-signed certificates
    Pinned,
}

/// A version of TLS; older ones are broken and not supported (Q99)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2, RFC 5246. Its session serves for any number of data connections
    Tls12,
    /// TLS 1.3, RFC 8446. Its tickets serve for one data connection each
    Tls13,
}

/// Which application protocol is offered in the handshake (ALPN, RFC 7301)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Alpn {
    /// None: the default, because it is what servers have seen ever since; most do not know any
    #[default]
    None,
    /// `ftp`, on control and data connections alike: vsftpd insists on both or neither (Q89)
    Ftp,
}

/// How to secure connections: made once, used for any number of control connections
///
/// ```
/// # #[cfg(feature = "webpki-roots")] {
/// use ftp_tls::{TlsConfig, TlsContext, Trust, server_name};
///
/// let config = TlsConfig::builder(Trust::WebpkiRoots).build()?;
/// let control = TlsContext::new(&config, server_name("ftp.example.com")?);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TlsConfig {
    pub(crate) rustls: Arc<ClientConfig>,
    pub(crate) same_certificate_on_data: bool,
    pub(crate) guard_uploads: bool,
}

impl TlsConfig {
    /// Starts from whom to trust, the one decision that has no default
    pub fn builder(trust: Trust) -> TlsConfigBuilder {
        TlsConfigBuilder {
            trust: Ok(trust),
            authorities: Vec::new(),
            client_auth: None,
            pins: Vec::new(),
            min_version: TlsVersion::Tls12,
            max_version: TlsVersion::Tls13,
            alpn: Alpn::default(),
            provider: None,
            same_certificate_on_data: true,
            guard_uploads: true,
        }
    }

    /// With a configuration made for rustls, and this crate's defaults for the rest
    ///
    /// All of it is used, except `resumption`, for which every [`TlsContext`](crate::TlsContext)
    /// has its own store, and `enable_early_data`, which stays off.
    #[must_use]
    pub fn from_rustls(config: impl Into<Arc<ClientConfig>>) -> Self {
        Self { rustls: config.into(), same_certificate_on_data: true, guard_uploads: true }
    }

    /// As [`TlsConfigBuilder::same_certificate_on_data`]
    #[must_use]
    pub fn same_certificate_on_data(mut self, required: bool) -> Self {
        self.same_certificate_on_data = required;
        self
    }

    /// As [`TlsConfigBuilder::guard_uploads`]
    #[must_use]
    pub fn guard_uploads(mut self, guard: bool) -> Self {
        self.guard_uploads = guard;
        self
    }
}

impl From<ClientConfig> for TlsConfig {
    fn from(config: ClientConfig) -> Self {
        Self::from_rustls(config)
    }
}

impl From<Arc<ClientConfig>> for TlsConfig {
    fn from(config: Arc<ClientConfig>) -> Self {
        Self::from_rustls(config)
    }
}

/// Collects what [`TlsConfig`] needs; whatever is wrong comes out of [`build`](Self::build)
#[derive(Clone, Debug)]
#[must_use = "nothing is configured before `build`"]
pub struct TlsConfigBuilder {
    /// `Err`: nobody has to vouch
    trust: Result<Trust, Unverified>,
    authorities: Vec<Source>,
    client_auth: Option<(Source, Source)>,
    pins: Vec<Pin>,
    min_version: TlsVersion,
    max_version: TlsVersion,
    alpn: Alpn,
    provider: Option<Arc<CryptoProvider>>,
    same_certificate_on_data: bool,
    guard_uploads: bool,
}

/// The caller has asked for it
#[derive(Clone, Copy, Debug)]
struct Unverified;

impl TlsConfigBuilder {
    /// Trusts the certificate authorities in `pem` too
    pub fn add_ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(Source::Bytes(pem.into()));
        self
    }

    /// Trusts the certificate authorities in this PEM file too; it is read by [`build`](Self::build)
    pub fn add_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.authorities.push(Source::File(path.into()));
        self
    }

    /// Identifies this client with a certificate (its chain, the client's own first) and its private
    /// key, on control and data connections alike: vsftpd insists (Q97)
    pub fn client_auth_pem(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.client_auth = Some((Source::Bytes(chain.into()), Source::Bytes(key.into())));
        self
    }

    /// As [`client_auth_pem`](Self::client_auth_pem), from PEM files, which may be one and the same
    pub fn client_auth_files(mut self, chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.client_auth = Some((Source::File(chain.into()), Source::File(key.into())));
        self
    }

    /// Accepts only servers with this key, or another pinned one, in addition to what [`Trust`] demands
    pub fn pin(mut self, pin: Pin) -> Self {
        self.pins.push(pin);
        self
    }

    /// The lowest version to accept; 1.2 by default
    pub fn min_version(mut self, version: TlsVersion) -> Self {
        self.min_version = version;
        self
    }

    /// The highest version to use; 1.3 by default
    ///
    /// [`Tls12`](TlsVersion::Tls12) is for many uploads in a row to a server that insists on
    /// resumption and gives no new tickets with uploads, such as ProFTPD: it needs no listing or
    /// new login in between.
    pub fn max_version(mut self, version: TlsVersion) -> Self {
        self.max_version = version;
        self
    }

    /// Which application protocol to offer; none by default
    pub fn alpn(mut self, alpn: Alpn) -> Self {
        self.alpn = alpn;
        self
    }

    /// The cryptography to use
    ///
    /// By default the one that the process has installed, else aws-lc-rs, else ring, as far as the
    /// features go.
    pub fn crypto_provider(mut self, provider: Arc<CryptoProvider>) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Whether a data connection has to show the certificate of the control connection; yes by
    /// default, as in FileZilla
    ///
    /// The name alone would let anybody in who has any certificate for it. A pool of servers
    /// behind one address may need `false`.
    pub fn same_certificate_on_data(mut self, required: bool) -> Self {
        self.same_certificate_on_data = required;
        self
    }

    /// Whether [`upload_permit`](crate::TlsContext::upload_permit) holds uploads back that might
    /// destroy the remote file for want of a ticket; yes by default
    pub fn guard_uploads(mut self, guard: bool) -> Self {
        self.guard_uploads = guard;
        self
    }

    /// What should be thought about twice
    pub fn dangerous(self) -> DangerousBuilder {
        DangerousBuilder { builder: self }
    }

    /// The configuration; reads the files
    ///
    /// # Errors
    ///
    /// Every [`ConfigError`]: files that cannot be read, PEM without what it should contain,
    /// trust in nobody.
    pub fn build(self) -> Result<TlsConfig, ConfigError> {
        let provider = match self.provider {
            Some(provider) => provider,
            None => default_provider().ok_or(ConfigError::NoCryptoProvider)?,
        };
        let mut authorities = Vec::new();
        for source in &self.authorities {
            authorities.extend(source.certificates("certificate authority file")?);
        }
        let chain = match self.trust {
            Ok(trust) => chain(trust, authorities, &self.pins, &provider)?,
            Err(Unverified) => Chain::Ignore,
        };
        let verifier = Verifier { chain, pins: self.pins, provider: Arc::clone(&provider) };
        let versions = match (self.min_version, self.max_version) {
            (TlsVersion::Tls12, TlsVersion::Tls13) => BOTH,
            (TlsVersion::Tls12, TlsVersion::Tls12) => ONLY_12,
            (TlsVersion::Tls13, TlsVersion::Tls13) => ONLY_13,
            (TlsVersion::Tls13, TlsVersion::Tls12) => return Err(ConfigError::NoVersion),
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(ConfigError::CryptoProvider)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut rustls = match self.client_auth {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder
                .with_client_auth_cert(chain.certificates(CLIENT_CERTIFICATE)?, key.private_key()?)
                .map_err(|source| ConfigError::Unusable { what: CLIENT_CERTIFICATE, source })?,
        };
        rustls.alpn_protocols = match self.alpn {
            Alpn::None => Vec::new(),
            Alpn::Ftp => vec![b"ftp".to_vec()],
        };
        Ok(TlsConfig {
            rustls: Arc::new(rustls),
            same_certificate_on_data: self.same_certificate_on_data,
            guard_uploads: self.guard_uploads,
        })
    }
}

const CLIENT_CERTIFICATE: &str = "client certificate with its private key";
const BOTH: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];
const ONLY_12: &[&SupportedProtocolVersion] = &[&version::TLS12];
const ONLY_13: &[&SupportedProtocolVersion] = &[&version::TLS13];

/// What should be thought about twice; from [`TlsConfigBuilder::dangerous`]
#[derive(Clone, Debug)]
#[must_use = "nothing is configured before `build`"]
pub struct DangerousBuilder {
    builder: TlsConfigBuilder,
}

impl DangerousBuilder {
    /// Accepts any certificate of anybody, so whoever sits in between can read and change everything,
    /// passwords included
    ///
    /// For tests. A server with a self-signed certificate is better served by [`Trust::Pinned`].
    /// Pins, if there are any, still count.
    pub fn accept_any_certificate(mut self) -> TlsConfigBuilder {
        self.builder.trust = Err(Unverified);
        self.builder
    }
}

fn chain(
    trust: Trust,
    authorities: Vec<CertificateDer<'static>>,
    pins: &[Pin],
    provider: &Arc<CryptoProvider>,
) -> Result<Chain, ConfigError> {
    let verifier = match trust {
        #[cfg(feature = "webpki-roots")]
        Trust::WebpkiRoots => {
            let mut roots = own_roots(authorities)?;
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            webpki_verifier(roots, provider)?
        }
        #[cfg(feature = "platform-verifier")]
        Trust::Platform => platform_verifier(authorities, provider)?,
        Trust::OwnCa => webpki_verifier(own_roots(authorities)?, provider)?,
        Trust::Pinned => {
            if pins.is_empty() {
                return Err(ConfigError::NoPin);
            }
            if !authorities.is_empty() {
                return Err(ConfigError::UselessAuthority);
            }
            return Ok(Chain::Ignore);
        }
    };
    Ok(Chain::Verify(verifier))
}

fn own_roots(authorities: Vec<CertificateDer<'static>>) -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority).map_err(|source| ConfigError::Unusable {
            what: "certificate authority file",
            source,
        })?;
    }
    Ok(roots)
}

fn webpki_verifier(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, ConfigError> {
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    match verifier {
        Ok(verifier) => Ok(verifier),
        // The only other reason is a revocation list, and none is given.
        Err(_) => Err(ConfigError::NoAuthority),
    }
}

#[cfg(feature = "platform-verifier")]
fn platform_verifier(
    authorities: Vec<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, ConfigError> {
    use rustls_platform_verifier::Verifier;

    #[cfg(not(target_os = "android"))]
    let verifier = Verifier::new_with_extra_roots(authorities, Arc::clone(provider));
    #[cfg(target_os = "android")]
    let verifier = match authorities.is_empty() {
        true => Verifier::new(Arc::clone(provider)),
        false => Err(rustls::Error::General("Android's takes no further authorities".into())),
    };
    Ok(Arc::new(verifier.map_err(ConfigError::Platform)?))
}

/// The process's choice comes first: it may be the only one that is certified
fn default_provider() -> Option<Arc<CryptoProvider>> {
    if let Some(installed) = CryptoProvider::get_default() {
        return Some(Arc::clone(installed));
    }
    #[cfg(feature = "aws-lc-rs")]
    return Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    None
}

/// Where PEM comes from
#[derive(Clone)]
enum Source {
    Bytes(Vec<u8>),
    File(PathBuf),
}

impl std::fmt::Debug for Source {
    /// Leaves the bytes out: they may be a private key's
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(_) => f.write_str("Bytes(..)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

impl Source {
    fn read(&self) -> Result<std::borrow::Cow<'_, [u8]>, ConfigError> {
        let read = |path: &Path| {
            fs::read(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
        };
        Ok(match self {
            Self::Bytes(bytes) => bytes.into(),
            Self::File(path) => read(path)?.into(),
        })
    }

    fn certificates(
        &self,
        what: &'static str,
    ) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
        let certificates = CertificateDer::pem_slice_iter(&self.read()?)
            .collect::<Result<Vec<_>, pem::Error>>()
            .map_err(|reason| ConfigError::Pem { what, reason: reason.to_string() })?;
        match certificates.is_empty() {
            true => Err(ConfigError::NoCertificate { what }),
            false => Ok(certificates),
        }
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>, ConfigError> {
        let pem = self.read()?;
        // PKCS #8's own kind of section, or the header that PKCS #1 and SEC 1 files get.
        for mark in ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"] {
            if memchr::memmem::find(&pem, mark.as_bytes()).is_some() {
                return Err(ConfigError::EncryptedPrivateKey);
            }
        }
        PrivateKeyDer::from_pem_slice(&pem).map_err(|reason| match reason {
            pem::Error::NoItemsFound => ConfigError::NoPrivateKey,
            reason => ConfigError::Pem { what: "client's key file", reason: reason.to_string() },
        })
    }
}
