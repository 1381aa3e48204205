//! Who may be on the other side: pinned keys, or, if the caller insists, anybody

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::hash::{Hash, HashAlgorithm};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
};

use crate::ConfigError;

/// A server's public key, by the SHA-256 of its SubjectPublicKeyInfo
///
/// The key and not the certificate, because certificates are renewed every few weeks nowadays
/// while the key may stay; RFC 7469 and curl's `--pinnedpubkey` decided the same. Written
/// `sha256//` and base64 as in curl, or as 64 hexadecimal digits, with or without colons. To
/// compute one:
///
/// ```text
/// openssl x509 -in server.pem -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64
/// ```
///
/// or connect with a wrong one and read it in the [`PinMismatch`](crate::TlsError::PinMismatch).
///
/// ```
/// # use ftp_tls::Pin;
/// let pin: Pin = "sha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwE=".parse()?;
/// assert_eq!(pin.to_string(), "sha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwE=");
/// # Ok::<(), ftp_tls::ConfigError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pin([u8; 32]);

impl Pin {
    /// The pin with this SHA-256 of the DER encoding of the SubjectPublicKeyInfo
    #[must_use]
    pub const fn from_sha256(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The pin of a certificate's key
    ///
    /// # Errors
    ///
    /// The certificate cannot be parsed, or `provider` has no SHA-256.
    pub fn of_certificate(
        certificate: &CertificateDer<'_>,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
        let digest = sha256(provider)?.hash(key.as_ref());
        let digest = <[u8; 32]>::try_from(digest.as_ref()).map_err(|_| {
            Error::General("the crypto provider's SHA-256 is not 32 bytes long".into())
        })?;
        Ok(Self(digest))
    }

    /// The SHA-256 itself
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// SHA-256 out of a cipher suite: there is no other way to it without a dependency of our own
fn sha256(provider: &CryptoProvider) -> Result<&'static dyn Hash, Error> {
    provider
        .cipher_suites
        .iter()
        .map(|suite| match suite {
            rustls::SupportedCipherSuite::Tls12(suite) => suite.common.hash_provider,
            rustls::SupportedCipherSuite::Tls13(suite) => suite.common.hash_provider,
        })
        .find(|hash| hash.algorithm() == HashAlgorithm::SHA256)
        .ok_or_else(|| {
            Error::General(
                "pins need SHA-256, which no cipher suite of the crypto provider uses".into(),
            )
        })
}

impl FromStr for Pin {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let digest = match text.strip_prefix("sha256//") {
            Some(base64) => decode_base64(base64.as_bytes()),
            None => decode_hex(text.as_bytes()),
        };
        digest.map(Self).ok_or(ConfigError::InvalidPin)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256//")?;
        for group in self.0.chunks(3) {
            let mut bits = 0;
            for (at, byte) in group.iter().enumerate() {
                bits |= u32::from(*byte) << (16 - 8 * at);
            }
            for at in 0..4 {
                let digit = match at <= group.len() {
                    true => BASE64[(bits >> (18 - 6 * at)) as usize & 63],
                    false => b'=',
                };
                write!(f, "{}", char::from(digit))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pin({self})")
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// 32 bytes are 43 digits (the last with two bits to spare) and one `=`
fn decode_base64(text: &[u8]) -> Option<[u8; 32]> {
    let digits = text.strip_suffix(b"=").filter(|digits| digits.len() == 43)?;
    let mut digest = [0; 32];
    let (mut bits, mut held, mut at) = (0_u32, 0, 0);
    for digit in digits {
        let value = BASE64.iter().position(|known| known == digit)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        held += 6;
        if held >= 8 {
            held -= 8;
            digest[at] = (bits >> held) as u8;
            at += 1;
            bits &= (1 << held) - 1;
        }
    }
    (bits == 0).then_some(digest)
}

fn decode_hex(text: &[u8]) -> Option<[u8; 32]> {
    let mut nibbles = text
        .iter()
        .filter(|byte| **byte != b':')
        .map(|byte| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()));
    let mut digest = [0; 32];
    for byte in &mut digest {
        *byte = nibbles.next()?? << 4 | nibbles.next()??;
    }
    nibbles.next().is_none().then_some(digest)
}

/// Travels through rustls' [`OtherError`] to become [`TlsError::PinMismatch`](crate::TlsError::PinMismatch)
#[derive(Debug)]
pub(crate) struct PinRefused {
    pub(crate) presented: Pin,
}

impl fmt::Display for PinRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key {} is not pinned", self.presented)
    }
}

impl std::error::Error for PinRefused {}

/// What to do about the certificate's chain, name and dates
#[derive(Debug)]
pub(crate) enum Chain {
    /// Ask somebody who knows
    Verify(Arc<dyn ServerCertVerifier>),
    /// Do not look: the pinned key says it all, or nothing shall be verified
    Ignore,
}

/// Adds pins to a verifier, or stands alone
///
/// Whatever [`Chain`] says, the peer has to prove that it has the certificate's private key.
#[derive(Debug)]
pub(crate) struct Verifier {
    pub(crate) chain: Chain,
    /// Empty: any key. Else one of them has to be the server's
    pub(crate) pins: Vec<Pin>,
    pub(crate) provider: Arc<CryptoProvider>,
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
        if let Chain::Verify(verifier) = &self.chain {
            verifier.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            )?;
        }
        if !self.pins.is_empty() {
            let presented = Pin::of_certificate(end_entity, &self.provider)?;
            if !self.pins.contains(&presented) {
                let refused = OtherError(Arc::new(PinRefused { presented }));
                return Err(CertificateError::Other(refused).into());
            }
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
            Chain::Ignore => verify_tls12_signature(
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
            Chain::Ignore => verify_tls13_signature(
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
            Chain::Ignore => self.provider.signature_verification_algorithms.supported_schemes(),
        }
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        match &self.chain {
            Chain::Verify(verifier) => verifier.root_hint_subjects(),
            Chain::Ignore => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_parse_and_print() {
        let mut digest = [0; 32];
        for (at, byte) in (0_u8..).zip(&mut digest) {
            *byte = at.wrapping_mul(37).wrapping_add(11);
        }
        for digest in [digest, [0; 32], [0xff; 32]] {
            let pin = Pin::from_sha256(digest);
            assert_eq!(pin.to_string().parse::<Pin>().unwrap(), pin);
            let hex: Vec<_> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
            assert_eq!(hex.concat().parse::<Pin>().unwrap(), pin);
            assert_eq!(hex.join(":").to_lowercase().parse::<Pin>().unwrap(), pin);
        }
        // RFC 4648's alphabet, checked against another encoder's output.
        assert_eq!(
            Pin::from_sha256([0xfb; 32]).to_string(),
            "sha256//+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s="
        );
    }

    #[test]
    fn not_pins() {
        let good = Pin::from_sha256([7; 32]).to_string();
        let mut spare_bits = good.clone();
        spare_bits.replace_range(good.len() - 2..good.len() - 1, "/");
        for text in [
            "",
            "sha256//",
            "sha1//AAAA",
            &good[..good.len() - 1],
            &format!("{good}="),
            &spare_bits,
            &"0".repeat(63),
            &"0".repeat(65),
            &"g".repeat(64),
        ] {
            assert!(matches!(text.parse::<Pin>(), Err(ConfigError::InvalidPin)), "{text}");
        }
    }
}
