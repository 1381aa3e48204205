//! Whom to trust

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;

use crate::ConfigError;
use crate::pin::Pin;
use crate::verify::Chain;

/// Which server certificates are accepted
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// Mozilla's list of authorities, compiled in: the same everywhere, and as old as the build
    #[cfg(feature = "webpki-roots")]
    WebpkiRoots,
    /// The authorities that this computer trusts, by its operating system's rules
    #[cfg(feature = "platform-verifier")]
    Platform,
    /// Only the authorities given with [`add_ca_pem`](crate::TlsConfigBuilder::add_ca_pem) or
    /// [`add_ca_file`](crate::TlsConfigBuilder::add_ca_file)
    OwnCa,
    /// Authorities, without a check of the name that the certificate is for
    ///
    /// For servers reached by addresses or names that are not in their certificate, and whose authority signs for
    /// few others. If an authority signs for everybody, anybody with one of its certificates can intercept the
    /// connection: set the name in the certificate (`tls_server_name` in drivers) instead, or add a
    /// [pin](crate::TlsConfigBuilder::pin).
    AnyName(Authorities),
    /// Only the keys and certificates given with [`pin`](crate::TlsConfigBuilder::pin): name, dates and issuer are not
    /// checked. For servers with self-signed certificates
    Pinned,
    /// Any server with any certificate, so an attacker in between can read and change everything, including passwords
    ///
    /// For tests. For a server with a self-signed certificate, use [`Self::Pinned`]. Pins, if there are
    /// any, are still checked.
    DangerousAnyCertificate,
}

/// The authorities whose signatures are accepted if the name is not checked: see [`Trust::AnyName`]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authorities {
    /// As [`Trust::WebpkiRoots`]
    #[cfg(feature = "webpki-roots")]
    WebpkiRoots,
    /// As [`Trust::OwnCa`]
    Own,
}

pub(crate) fn chain(
    trust: Trust,
    authorities: Vec<CertificateDer<'static>>,
    pins: &[Pin],
    provider: &Arc<CryptoProvider>,
) -> Result<Chain, ConfigError> {
    let verifier = match trust {
        #[cfg(feature = "webpki-roots")]
        Trust::WebpkiRoots => {
            webpki_verifier(roots(Authorities::WebpkiRoots, authorities)?, provider)?
        }
        #[cfg(feature = "platform-verifier")]
        Trust::Platform => platform_verifier(authorities, provider)?,
        Trust::OwnCa => webpki_verifier(roots(Authorities::Own, authorities)?, provider)?,
        Trust::AnyName(which) => return Ok(Chain::AnyName(roots(which, authorities)?)),
        Trust::Pinned => {
            if pins.is_empty() {
                return Err(ConfigError::NoPin);
            }
            return unverified(&authorities);
        }
        Trust::DangerousAnyCertificate => return unverified(&authorities),
    };
    Ok(Chain::Verify(verifier))
}

/// Returns the chain for a [`Trust`] that uses no authority
fn unverified(authorities: &[CertificateDer<'static>]) -> Result<Chain, ConfigError> {
    match authorities {
        [] => Ok(Chain::Ignore),
        _ => Err(ConfigError::UselessAuthority),
    }
}

fn roots(
    which: Authorities,
    authorities: Vec<CertificateDer<'static>>,
) -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority).map_err(|source| ConfigError::Unusable {
            what: "certificate authority file",
            source,
        })?;
    }
    match which {
        #[cfg(feature = "webpki-roots")]
        Authorities::WebpkiRoots => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Authorities::Own if roots.is_empty() => return Err(ConfigError::NoAuthority),
        Authorities::Own => {}
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
        // The only other reason would be a revocation list, and none is given.
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
