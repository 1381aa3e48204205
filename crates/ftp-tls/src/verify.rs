//! Who may be on the other side: an authority's word, pins, or, if the caller insists, anybody

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

/// Travels through rustls' [`OtherError`] to become [`TlsError::PinMismatch`](crate::TlsError::PinMismatch) or
/// [`PinOfOtherKind`](crate::TlsError::PinOfOtherKind)
#[derive(Debug)]
pub(crate) struct PinRefused {
    pub(crate) public_key: Pin,
    pub(crate) certificate: Pin,
    pub(crate) mistake: Mistake,
}

/// Whether a pin would have matched as one of the other kind
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    None,
    Kind,
}

impl fmt::Display for PinRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "neither the key {} nor the certificate is pinned", self.public_key)
    }
}

impl std::error::Error for PinRefused {}

/// What to do about the certificate's chain, name and dates
#[derive(Debug)]
pub(crate) enum Chain {
    /// Ask somebody who knows
    Verify(Arc<dyn ServerCertVerifier>),
    /// One of these authorities must have signed it, for whatever name
    AnyName(RootCertStore),
    /// Do not look: the pinned key says it all, or nothing shall be verified
    Ignore,
}

/// Adds pins to a verifier, or stands alone
///
/// Whatever [`Chain`] says, the peer has to prove that it has the certificate's private key.
#[derive(Debug)]
pub(crate) struct Verifier {
    pub(crate) chain: Chain,
    /// Empty: any key. Else one of them has to be the server's or its certificate's
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
        let mistake = match self.pins.iter().any(|pin| others.contains(pin)) {
            true => Mistake::Kind,
            false => Mistake::None,
        };
        let refused = OtherError(Arc::new(PinRefused { public_key, certificate, mistake }));
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
