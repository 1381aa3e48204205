//! Pins of a server: the digest of its public key, or of its certificate

use std::fmt;
use std::str::FromStr;

use rustls::Error;
use rustls::crypto::CryptoProvider;
use rustls::crypto::hash::{Hash, HashAlgorithm};
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;

use crate::ConfigError;

/// A digest that a server's public key or its certificate must have
///
/// Prefer the pin of the key: certificates are renewed every few weeks nowadays, while the key may stay, so RFC 7469
/// and curl's `--pinnedpubkey` use the key. The two digests look the same, so the written form of a pin includes its
/// kind, and digits alone are not a pin:
///
/// | kind | written as | where from |
/// |---|---|---|
/// | public key | `sha256//` and base64, as in curl | `openssl x509 -in server.pem -noout -pubkey \| openssl pkey -pubin -outform der \| openssl dgst -sha256 -binary \| base64` |
/// | certificate | `sha256 Fingerprint=` and hexadecimal digits | `openssl x509 -in server.pem -noout -fingerprint -sha256` |
///
/// For digits without such a prefix, there are [`public_key_sha256`](Self::public_key_sha256) and
/// [`certificate_sha256`](Self::certificate_sha256). Both digests of a server are also in the
/// [`PinMismatch`](crate::TlsError::PinMismatch) error that a wrong pin causes.
///
/// ```
/// # use ftp_tls::Pin;
/// let pin: Pin = "sha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwE=".parse()?;
/// assert_eq!(pin.to_string(), "sha256//YhKJKSzoTt2b5FP18fvpHo7fJYqQCjAa3HWY3tvRMwE=");
///
/// let digits = "0A:B1:0A:B1:0A:B1:0A:B1:0A:B1:0A:B1:0A:B1:0A:B1:0A:B1:0A:B1:0A:B1:0A:B1:0A:B1:0A:B1:0A:B1:0A:B1";
/// assert!(digits.parse::<Pin>().is_err());
/// let pin = Pin::certificate_sha256(digits)?;
/// assert_eq!(pin.to_string(), format!("sha256 Fingerprint={digits}"));
/// # Ok::<(), ftp_tls::ConfigError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pin {
    /// The SHA-256 of the public key, that is of the DER encoding of its SubjectPublicKeyInfo
    PublicKey([u8; 32]),
    /// The SHA-256 of the whole certificate in DER: its fingerprint
    Certificate([u8; 32]),
}

/// The prefix of a certificate's pin; case is ignored
const FINGERPRINT: &str = "sha256 Fingerprint=";

impl Pin {
    /// Creates the pin of a public key, from 64 hexadecimal digits, with or without colons, or `sha256//` and base64
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidPin`]
    pub fn public_key_sha256(text: &str) -> Result<Self, ConfigError> {
        let digest = match text.strip_prefix("sha256//") {
            Some(base64) => decode_base64(base64.as_bytes()),
            None => decode_hex(text.as_bytes()),
        };
        digest.map(Self::PublicKey).ok_or(ConfigError::InvalidPin)
    }

    /// Creates the pin of a certificate, from 64 hexadecimal digits, with or without colons, and with or without
    /// `sha256 Fingerprint=` before them
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidPin`]
    pub fn certificate_sha256(text: &str) -> Result<Self, ConfigError> {
        let digits = fingerprint_digits(text).unwrap_or(text);
        decode_hex(digits.as_bytes()).map(Self::Certificate).ok_or(ConfigError::InvalidPin)
    }

    /// Computes the pin of a certificate's public key
    ///
    /// # Errors
    ///
    /// The certificate can't be parsed, or `provider` has no SHA-256.
    pub fn of_public_key(
        certificate: &CertificateDer<'_>,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
        Ok(Self::PublicKey(digest(key.as_ref(), provider)?))
    }

    /// Computes the pin of a certificate
    ///
    /// # Errors
    ///
    /// `provider` has no SHA-256.
    pub fn of_certificate(
        certificate: &CertificateDer<'_>,
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        Ok(Self::Certificate(digest(certificate, provider)?))
    }

    /// Returns the SHA-256
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        match self {
            Self::PublicKey(digest) | Self::Certificate(digest) => digest,
        }
    }
}

fn digest(bytes: &[u8], provider: &CryptoProvider) -> Result<[u8; 32], Error> {
    let digest = sha256(provider)?.hash(bytes);
    <[u8; 32]>::try_from(digest.as_ref())
        .map_err(|_| Error::General("the crypto provider's SHA-256 is not 32 bytes long".into()))
}

/// Returns the SHA-256 implementation of one of the provider's cipher suites
///
/// A provider exposes its hashes nowhere else, and a crate only for this would be one more dependency.
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

/// Returns what follows the prefix of a certificate's pin
fn fingerprint_digits(text: &str) -> Option<&str> {
    let (mark, digits) = text.split_at_checked(FINGERPRINT.len())?;
    mark.eq_ignore_ascii_case(FINGERPRINT).then_some(digits)
}

/// Parses a pin whose text includes its kind
impl FromStr for Pin {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        if fingerprint_digits(text).is_some() {
            Self::certificate_sha256(text)
        } else if decode_hex(text.as_bytes()).is_some() {
            Err(ConfigError::PinOfUnknownKind)
        } else {
            Self::public_key_sha256(text)
        }
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PublicKey(digest) => {
                f.write_str("sha256//")?;
                encode_base64(digest, f)
            }
            Self::Certificate(digest) => {
                f.write_str(FINGERPRINT)?;
                for (at, byte) in digest.iter().enumerate() {
                    let colon = if at == 0 { "" } else { ":" };
                    write!(f, "{colon}{byte:02X}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pin({self})")
    }
}

fn encode_base64(digest: &[u8; 32], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for group in digest.chunks(3) {
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

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Decodes 43 digits (of which the last has two unused bits) and one `=` to 32 bytes
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

#[cfg(test)]
mod tests {
    use super::*;

    fn some_digest() -> [u8; 32] {
        let mut digest = [0; 32];
        for (at, byte) in (0_u8..).zip(&mut digest) {
            *byte = at.wrapping_mul(37).wrapping_add(11);
        }
        digest
    }

    #[test]
    fn pins_parse_and_print() {
        for digest in [some_digest(), [0; 32], [0xff; 32]] {
            for pin in [Pin::PublicKey(digest), Pin::Certificate(digest)] {
                assert_eq!(pin.to_string().parse::<Pin>().unwrap(), pin);
            }
            let hex: Vec<_> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
            for digits in [hex.concat(), hex.join(":").to_lowercase()] {
                let pin = Pin::public_key_sha256(&digits).unwrap();
                assert_eq!(pin, Pin::PublicKey(digest));
                let pin = Pin::certificate_sha256(&digits).unwrap();
                assert_eq!(pin, Pin::Certificate(digest));
                for mark in ["sha256 Fingerprint=", "SHA256 Fingerprint="] {
                    let marked = format!("{mark}{digits}");
                    assert_eq!(marked.parse::<Pin>().unwrap(), Pin::Certificate(digest));
                    // The prefix says that it is not a key's pin.
                    assert!(Pin::public_key_sha256(&marked).is_err());
                }
            }
        }
        // The alphabet of RFC 4648, checked against another encoder's output.
        assert_eq!(
            Pin::PublicKey([0xfb; 32]).to_string(),
            "sha256//+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s="
        );
    }

    /// The output of `openssl x509 -fingerprint -sha256` may be pasted without its prefix
    #[test]
    fn digits_alone_do_not_determine_the_kind_of_pin() {
        let hex: Vec<_> = some_digest().iter().map(|byte| format!("{byte:02X}")).collect();
        for digits in [hex.concat(), hex.join(":")] {
            let error = digits.parse::<Pin>().unwrap_err();
            assert!(matches!(error, ConfigError::PinOfUnknownKind), "{error:?}");
            let text = error.to_string();
            assert!(text.contains("certificate_sha256"), "{text}");
            assert!(text.contains("public_key_sha256"), "{text}");
        }
    }

    #[test]
    fn not_pins() {
        let good = Pin::PublicKey([7; 32]).to_string();
        let mut spare_bits = good.clone();
        spare_bits.replace_range(good.len() - 2..good.len() - 1, "/");
        for text in [
            "",
            "sha256//",
            "sha1//AAAA",
            "sha256 Fingerprint=",
            "sha1 Fingerprint=AB:CD",
            &good[..good.len() - 1],
            &format!("{good}="),
            &format!("sha256 Fingerprint={good}"),
            &spare_bits,
            &"0".repeat(63),
            &"0".repeat(65),
            &"g".repeat(64),
        ] {
            assert!(matches!(text.parse::<Pin>(), Err(ConfigError::InvalidPin)), "{text}");
        }
    }
}
