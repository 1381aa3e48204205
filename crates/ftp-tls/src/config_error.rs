//! Mistakes in a configuration, which show before any connection is made

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::Error as RustlsError;

/// What is wrong with the input of a [`TlsConfigBuilder`](crate::TlsConfigBuilder)
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file could not be read
    #[error("cannot read {}", path.display())]
    Read {
        /// The file
        path: PathBuf,
        /// The operating system's reason, also in [`Error::source`](std::error::Error::source) as an `Arc<io::Error>`
        source: Arc<io::Error>,
    },

    /// The input is not PEM
    #[error("the {what} is not valid PEM: {reason}")]
    Pem {
        /// Which input
        what: &'static str,
        /// The reason, which contains nothing of the input
        reason: String,
    },

    /// The PEM contains no certificate
    #[error("the {what} contains no certificate (no BEGIN CERTIFICATE section)")]
    NoCertificate {
        /// Which input
        what: &'static str,
    },

    /// The PEM contains no private key
    #[error("the client's key file contains no private key (PKCS #8, PKCS #1 or SEC 1)")]
    NoPrivateKey,

    /// The private key is encrypted
    #[error(
        "the client's private key is encrypted; decrypt it first, e.g. with `openssl pkey -in key.pem -out plain.pem`"
    )]
    EncryptedPrivateKey,

    /// A certificate can't be used, or certificate and key do not belong together
    #[error("the {what} cannot be used")]
    Unusable {
        /// Which input
        what: &'static str,
        /// The reason given by rustls
        source: RustlsError,
    },

    /// Only the caller's own authorities are trusted, and none was given
    #[error(
        "no authority is configured to verify certificates with: add one with add_ca_pem or add_ca_file"
    )]
    NoAuthority,

    /// TLS is wanted, but no trust was configured, and the list of authorities is not compiled in
    #[error(
        "no trusted authorities are configured: pass a TlsConfig, or enable the feature `webpki-roots`, \
         which contains the authorities that Mozilla trusts"
    )]
    NoTrust,

    /// Only pins are trusted, and none was given
    #[error("Trust::Pinned without a pin: add one with pin")]
    NoPin,

    /// Authorities were given, but this [`Trust`](crate::Trust) uses none
    #[error(
        "authorities are configured, but Trust::Pinned and Trust::DangerousAnyCertificate use none: \
         choose another Trust, or remove the authorities"
    )]
    UselessAuthority,

    /// The text is not a pin
    #[error(
        "not a pin: write `sha256//` and 44 characters of base64 for a public key, \
         `sha256 Fingerprint=` and 64 hexadecimal digits for a certificate"
    )]
    InvalidPin,

    /// The digits may be the fingerprint of a certificate or the digest of a public key
    #[error(
        "this may be the fingerprint of a certificate or of a public key: \
         use Pin::certificate_sha256 or Pin::public_key_sha256"
    )]
    PinOfUnknownKind,

    /// The minimum version is above the maximum
    #[error("the minimum TLS version is above the maximum")]
    NoVersion,

    /// No crypto provider is available
    #[error(
        "no crypto provider: enable the feature `aws-lc-rs` or `ring`, or set one with crypto_provider"
    )]
    NoCryptoProvider,

    /// The crypto provider does not support what the configuration requires
    #[error("the crypto provider cannot be used: {0}")]
    CryptoProvider(RustlsError),

    /// The platform's trust store can't be used
    #[error("the platform's certificate store cannot be used: {0}")]
    Platform(RustlsError),
}
