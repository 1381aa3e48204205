use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, SupportedProtocolVersion, version};

use crate::ConfigError;
use crate::pin::Pin;
use crate::trust::{Trust, chain};
use crate::verify::Verifier;

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

/// Whether data connections resume the TLS session of their control connection (RFC 5077, RFC 8446 section 2.2)
///
/// Who resumes it has taken part in the control connection's handshake, so for either side it is a proof that the data
/// connection is the other's: who has guessed or seen its port can't have it, even with the same certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resumption {
    /// Offered, and a full handshake is accepted in its place: the default
    #[default]
    Offered,
    /// Offered, and expected from the first data connection on that has resumed: a later one that does not is refused
    /// with [`TlsError::NotResumed`](crate::TlsError::NotResumed), as FileZilla does it
    Consistent,
    /// Demanded of each data connection: one that does not resume is refused with
    /// [`TlsError::NotResumed`](crate::TlsError::NotResumed)
    ///
    /// An upload for which no session is in stock is not even begun. TLS 1.3 sessions run out with servers that give no
    /// new tickets with uploads, such as ProFTPD, or none at all, such as Pure-FTPd: take
    /// [TLS 1.2](TlsConfigBuilder::max_version) for them.
    Required,
    /// Neither offered nor kept
    ///
    /// For servers that fail where a session is offered, with an alert such as `InternalError`: see
    /// [`TlsError::ResumptionFailed`](crate::TlsError::ResumptionFailed). Others refuse data connections without.
    Never,
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
    pub(crate) resumption: Resumption,
}

impl TlsConfig {
    /// Starts from whom to trust, the one decision that has no default
    pub fn builder(trust: Trust) -> TlsConfigBuilder {
        TlsConfigBuilder {
            trust,
            authorities: Vec::new(),
            client_auth: None,
            pins: Vec::new(),
            min_version: TlsVersion::Tls12,
            max_version: TlsVersion::Tls13,
            alpn: Alpn::default(),
            provider: None,
            same_certificate_on_data: true,
            guard_uploads: true,
            resumption: Resumption::default(),
        }
    }

    /// With a configuration made for rustls, and this crate's defaults for the rest
    ///
    /// All of it is used, except `resumption`, for which every [`TlsContext`](crate::TlsContext)
    /// has its own store (see [`Self::resumption`]), and `enable_early_data`, which stays off.
    #[must_use]
    pub fn from_rustls(config: impl Into<Arc<ClientConfig>>) -> Self {
        Self {
            rustls: config.into(),
            same_certificate_on_data: true,
            guard_uploads: true,
            resumption: Resumption::default(),
        }
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

    /// As [`TlsConfigBuilder::resumption`]
    #[must_use]
    pub fn resumption(mut self, resumption: Resumption) -> Self {
        self.resumption = resumption;
        self
    }
}

/// Equal are those that share one rustls configuration, not those whose parts are alike: verifiers and keys can't be
/// compared
impl PartialEq for TlsConfig {
    fn eq(&self, other: &Self) -> bool {
        let Self { rustls, same_certificate_on_data, guard_uploads, resumption } = self;
        Arc::ptr_eq(rustls, &other.rustls)
            && *same_certificate_on_data == other.same_certificate_on_data
            && *guard_uploads == other.guard_uploads
            && *resumption == other.resumption
    }
}

impl Eq for TlsConfig {}

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
    trust: Trust,
    authorities: Vec<Source>,
    client_auth: Option<(Source, Source)>,
    pins: Vec<Pin>,
    min_version: TlsVersion,
    max_version: TlsVersion,
    alpn: Alpn,
    provider: Option<Arc<CryptoProvider>>,
    same_certificate_on_data: bool,
    guard_uploads: bool,
    resumption: Resumption,
}

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

    /// Accepts only servers with this key or certificate, or another pinned one, in addition to what [`Trust`] demands
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

    /// Whether data connections resume the control connection's TLS session; they do by default, where the server
    /// can
    pub fn resumption(mut self, resumption: Resumption) -> Self {
        self.resumption = resumption;
        self
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
        let chain = chain(self.trust, authorities, &self.pins, &provider)?;
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
            resumption: self.resumption,
        })
    }
}

const CLIENT_CERTIFICATE: &str = "client certificate with its private key";
const BOTH: &[&SupportedProtocolVersion] = &[&version::TLS13, &version::TLS12];
const ONLY_12: &[&SupportedProtocolVersion] = &[&version::TLS12];
const ONLY_13: &[&SupportedProtocolVersion] = &[&version::TLS13];

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
