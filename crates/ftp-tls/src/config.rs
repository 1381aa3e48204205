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

/// A version of TLS; older ones are broken and not supported
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2, RFC 5246. Its session can be used for any number of data connections
    Tls12,
    /// TLS 1.3, RFC 8446. Each of its tickets can be used for one data connection
    Tls13,
}

/// The application protocol that is offered in the handshake (ALPN, RFC 7301)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Alpn {
    /// None: the default, because this is what servers are used to; most do not know any
    #[default]
    None,
    /// `ftp`, on both control and data connections: vsftpd requires it on both or neither
    Ftp,
}

/// Whether data connections resume the TLS session of their control connection (RFC 5077, RFC 8446 section 2.2)
///
/// Only a peer that took part in the control connection's handshake can resume its session. So
/// resumption proves to each side that the data connection comes from its peer on the control connection. An attacker who
/// has guessed or seen the port can't take the data connection, even with the same certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resumption {
    /// Resumption is offered, and a full handshake is accepted instead: the default
    #[default]
    Offered,
    /// Resumption is offered, and required once a data connection has resumed: a later one that does not is refused
    /// with [`TlsError::NotResumed`](crate::TlsError::NotResumed), as FileZilla does it
    Consistent,
    /// Resumption is required for each data connection: one that does not resume is refused with
    /// [`TlsError::NotResumed`](crate::TlsError::NotResumed)
    ///
    /// An upload is not started if there is no session to resume. With TLS 1.3, sessions run out if a server sends
    /// no new tickets with uploads, such as ProFTPD, or none at all, such as Pure-FTPd: use
    /// [TLS 1.2](TlsConfigBuilder::max_version) with these servers.
    Required,
    /// Sessions are neither offered nor kept
    ///
    /// This is for servers that fail if a session is offered, with an alert such as `InternalError`: see
    /// [`TlsError::ResumptionFailed`](crate::TlsError::ResumptionFailed). Other servers refuse data connections
    /// without resumption.
    Never,
}

/// How to secure connections: created once, used for any number of control connections
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
    /// Creates a builder from the choice of whom to trust, which has no default
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

    /// Creates a configuration from one made for rustls, with this crate's defaults for the rest
    ///
    /// All of it is used, except `resumption`, as every [`TlsContext`](crate::TlsContext)
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

    /// Does the same as [`TlsConfigBuilder::same_certificate_on_data`]
    #[must_use]
    pub fn same_certificate_on_data(mut self, required: bool) -> Self {
        self.same_certificate_on_data = required;
        self
    }

    /// Does the same as [`TlsConfigBuilder::guard_uploads`]
    #[must_use]
    pub fn guard_uploads(mut self, guard: bool) -> Self {
        self.guard_uploads = guard;
        self
    }

    /// Does the same as [`TlsConfigBuilder::resumption`]
    #[must_use]
    pub fn resumption(mut self, resumption: Resumption) -> Self {
        self.resumption = resumption;
        self
    }
}

/// Two configurations are equal if they share one rustls configuration, not if their parts are alike: verifiers and
/// keys can't be compared
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

/// Collects the settings of a [`TlsConfig`]; errors are returned by [`build`](Self::build)
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
    /// Also trusts the certificate authorities in `pem`
    pub fn add_ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(Source::Bytes(pem.into()));
        self
    }

    /// Also trusts the certificate authorities in this PEM file, which [`build`](Self::build) reads
    pub fn add_ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.authorities.push(Source::File(path.into()));
        self
    }

    /// Identifies this client with a certificate (its chain, the client's own first) and its private
    /// key, on both control and data connections: vsftpd requires it on both
    pub fn client_auth_pem(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.client_auth = Some((Source::Bytes(chain.into()), Source::Bytes(key.into())));
        self
    }

    /// Does the same as [`client_auth_pem`](Self::client_auth_pem), from PEM files, which may be the same file
    pub fn client_auth_files(mut self, chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.client_auth = Some((Source::File(chain.into()), Source::File(key.into())));
        self
    }

    /// Accepts only servers with this key or certificate, or another pinned one, in addition to what [`Trust`] requires
    pub fn pin(mut self, pin: Pin) -> Self {
        self.pins.push(pin);
        self
    }

    /// Sets the lowest version to accept; 1.2 by default
    pub fn min_version(mut self, version: TlsVersion) -> Self {
        self.min_version = version;
        self
    }

    /// Sets the highest version to use; 1.3 by default
    ///
    /// [`Tls12`](TlsVersion::Tls12) is for many uploads in a row to a server that requires
    /// resumption but sends no new tickets with uploads, such as ProFTPD: then no listing or
    /// new login is needed in between.
    pub fn max_version(mut self, version: TlsVersion) -> Self {
        self.max_version = version;
        self
    }

    /// Sets the application protocol to offer; none by default
    pub fn alpn(mut self, alpn: Alpn) -> Self {
        self.alpn = alpn;
        self
    }

    /// Sets the cryptography to use
    ///
    /// By default, it is the one that the process has installed, else aws-lc-rs, else ring, if their
    /// features are enabled.
    pub fn crypto_provider(mut self, provider: Arc<CryptoProvider>) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Sets whether a data connection must show the certificate of the control connection; yes by
    /// default, as in FileZilla
    ///
    /// If only the name were checked, anybody with any certificate for it would be accepted. A pool of servers
    /// behind one address may need `false`.
    pub fn same_certificate_on_data(mut self, required: bool) -> Self {
        self.same_certificate_on_data = required;
        self
    }

    /// Sets whether [`ticket_supply`](crate::TlsContext::ticket_supply) holds back uploads that might
    /// destroy the remote file for lack of a ticket; yes by default
    pub fn guard_uploads(mut self, guard: bool) -> Self {
        self.guard_uploads = guard;
        self
    }

    /// Sets whether data connections resume the control connection's TLS session; by default they do, if the server
    /// supports it
    pub fn resumption(mut self, resumption: Resumption) -> Self {
        self.resumption = resumption;
        self
    }

    /// Builds the configuration; reads the files
    ///
    /// # Errors
    ///
    /// Every [`ConfigError`]: files that can't be read, PEM without the expected content,
    /// no trusted authority or pin.
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

/// The process's choice comes first, because it may be the only certified one
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

/// The source of PEM
#[derive(Clone)]
enum Source {
    Bytes(Vec<u8>),
    File(PathBuf),
}

impl std::fmt::Debug for Source {
    /// Omits the bytes, which may be a private key
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
            fs::read(path).map_err(|source| ConfigError::Read {
                path: path.to_owned(),
                source: source.into(),
            })
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
            .map_err(|error| not_pem(what, &error))?;
        match certificates.is_empty() {
            true => Err(ConfigError::NoCertificate { what }),
            false => Ok(certificates),
        }
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>, ConfigError> {
        let pem = self.read()?;
        // The marks are PKCS #8's own section, or the header of encrypted PKCS #1 and SEC 1 files.
        for mark in ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"] {
            if memchr::memmem::find(&pem, mark.as_bytes()).is_some() {
                return Err(ConfigError::EncryptedPrivateKey);
            }
        }
        PrivateKeyDer::from_pem_slice(&pem).map_err(|error| match error {
            pem::Error::NoItemsFound => ConfigError::NoPrivateKey,
            error => not_pem("client's key file", &error),
        })
    }
}

/// Returns the error for an input that is not PEM. The reasons are our own texts, because those of the parser contain
/// lines of the input, which may be a private key.
fn not_pem(what: &'static str, error: &pem::Error) -> ConfigError {
    let reason = match error {
        pem::Error::MissingSectionEnd { .. } => {
            "a section has no END line; perhaps its line breaks were lost"
        }
        pem::Error::IllegalSectionStart { .. } => {
            "a BEGIN line does not end in five dashes; perhaps its line breaks were lost"
        }
        pem::Error::Base64Decode(_) => "a section is not valid base64",
        pem::Error::SectionTooLarge => "a section is too large",
        _ => "the parser refuses it",
    };
    ConfigError::Pem { what, reason: reason.to_owned() }
}
