//! Verifies the server's certificate: by an authority, by pins, or, if the caller insists, not at all

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
};

use crate::pin::Pin;

/// An error that is passed through rustls' [`OtherError`] and becomes
/// [`TlsError::PinMismatch`](crate::TlsError::PinMismatch) or [`PinOfOtherKind`](crate::TlsError::PinOfOtherKind)
#[derive(Debug)]
pub(crate) struct PinRefused {
    pub(crate) public_key: Pin,
    pub(crate) certificate: Pin,
    pub(crate) other_kind: OtherKind,
}

/// Whether a pin of the other kind would have matched
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OtherKind {
    Differs,
    Matches,
}

impl fmt::Display for PinRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "neither the key {} nor the certificate is pinned", self.public_key)
    }
}

impl std::error::Error for PinRefused {}

/// How the certificate's chain, name and dates are checked
#[derive(Debug)]
pub(crate) enum Chain {
    /// By this verifier
    Verify(Arc<dyn ServerCertVerifier>),
    /// One of these authorities must have signed the certificate, for any name
    AnyName(RootCertStore),
    /// Not at all: the pinned key is enough, or nothing is to be verified
    Ignore,
}

/// Adds pins to a verifier, or checks only pins
///
/// Whatever [`Chain`] says, the peer must prove that it has the certificate's private key.
#[derive(Debug)]
pub(crate) struct Verifier {
    pub(crate) chain: Chain,
    /// If empty, any key is accepted; otherwise one of them must match the server's key or certificate
    pub(crate) pins: Vec<Pin>,
    pub(crate) provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn look_for_pin(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        let public_key = Pin::of_public_key(certificate, &self.provider)?;
        let certificate = Pin::of_certificate(certificate, &self.provider)?;
        if self.pins.contains(&public_key) || self.pins.contains(&certificate) {
            return Ok(());
        }
        let others =
            [Pin::PublicKey(*certificate.as_bytes()), Pin::Certificate(*public_key.as_bytes())];
        let other_kind = match self.pins.iter().any(|pin| others.contains(pin)) {
            true => OtherKind::Matches,
            false => OtherKind::Differs,
        };
        let refused = OtherError(Arc::new(PinRefused { public_key, certificate, other_kind }));
        Err(CertificateError::Other(refused).into())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.chain {
            Chain::Verify(verifier) => {
                verifier.verify_server_cert(
                    end_entity,
                    intermediates,
                    server_name,
                    ocsp_response,
                    now,
                )?;
            }
            Chain::AnyName(roots) => verify_server_cert_signed_by_trust_anchor(
                &ParsedCertificate::try_from(end_entity)?,
                roots,
                intermediates,
                now,
                self.provider.signature_verification_algorithms.all,
            )?,
            Chain::Ignore => {}
        }
        if !self.pins.is_empty() {
            self.look_for_pin(end_entity)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match &self.chain {
            Chain::Verify(verifier) => verifier.verify_tls12_signature(message, cert, dss),
            Chain::AnyName(_) | Chain::Ignore => verify_tls12_signature(
                message,
                cert,
                dss,
                &self.provider.signature_verification_algorithms,
            ),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match &self.chain {
            Chain::Verify(verifier) => verifier.verify_tls13_signature(message, cert, dss),
            Chain::AnyName(_) | Chain::Ignore => verify_tls13_signature(
                message,
                cert,
                dss,
                &self.provider.signature_verification_algorithms,
            ),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        match &self.chain {
            Chain::Verify(verifier) => verifier.supported_verify_schemes(),
            Chain::AnyName(_) | Chain::Ignore => {
                self.provider.signature_verification_algorithms.supported_schemes()
            }
        }
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        match &self.chain {
            Chain::Verify(verifier) => verifier.root_hint_subjects(),
            Chain::AnyName(_) | Chain::Ignore => None,
        }
    }
}
