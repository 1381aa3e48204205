//! A rustls provider without cryptography: the records, handshakes, tickets and alerts of TLS 1.3 at a twentieth of the
//! cost, and with the same bytes for the same seed
//!
//! "Encryption" is an XOR with one byte, tags and hashes are checksums, and every signature is valid. Bytes that are
//! cut off, altered or out of order are noticed as in TLS; attackers who can forge are not simulated.

use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, LazyLock};

use ftp_session::ftp_tls::rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, MessageDecrypter, MessageEncrypter,
    OutboundOpaqueMessage, OutboundPlainMessage, PrefixedPayload, Tls13AeadAlgorithm,
    UnsupportedOperationError,
};
use ftp_session::ftp_tls::rustls::crypto::hash::{self, Context, Hash, HashAlgorithm};
use ftp_session::ftp_tls::rustls::crypto::hmac::{self, Hmac, Tag};
use ftp_session::ftp_tls::rustls::crypto::tls13::HkdfUsingHmac;
use ftp_session::ftp_tls::rustls::crypto::{
    ActiveKeyExchange, CipherSuiteCommon, CryptoProvider, GetRandomFailed, KeyProvider,
    SecureRandom, SharedSecret, SupportedKxGroup, WebPkiSupportedAlgorithms,
};
use ftp_session::ftp_tls::rustls::ffdhe_groups::FfdheGroup;
use ftp_session::ftp_tls::rustls::pki_types::{
    AlgorithmIdentifier, InvalidSignature, PrivateKeyDer, SignatureVerificationAlgorithm, alg_id,
};
use ftp_session::ftp_tls::rustls::server::ProducesTickets;
use ftp_session::ftp_tls::rustls::sign::{Signer, SigningKey};
use ftp_session::ftp_tls::rustls::{
    CipherSuite, ConnectionTrafficSecrets, ContentType, Error, NamedGroup, ProtocolVersion,
    SignatureAlgorithm, SignatureScheme, SupportedCipherSuite, Tls13CipherSuite,
};

use crate::seed::Seed;

thread_local! {
    static RANDOM: Cell<u64> = const { Cell::new(1) };
}

/// Seeds the random numbers of TLS on this thread
pub(super) fn seed(seed: u64) {
    RANDOM.set(seed);
}

/// Returns the provider
pub(super) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
        Arc::new(CryptoProvider {
            cipher_suites: vec![SupportedCipherSuite::Tls13(&SUITE)],
            kx_groups: vec![&Model],
            signature_verification_algorithms: WebPkiSupportedAlgorithms {
                all: &[&Model],
                mapping: &[(SignatureScheme::ED25519, &[&Model])],
            },
            secure_random: &Model,
            key_provider: &Model,
        })
    });
    Arc::clone(&PROVIDER)
}

static SUITE: Tls13CipherSuite = Tls13CipherSuite {
    common: CipherSuiteCommon {
        suite: CipherSuite::TLS13_AES_128_GCM_SHA256,
        hash_provider: &Model,
        confidentiality_limit: u64::MAX,
    },
    hkdf_provider: &HkdfUsingHmac(&Model),
    aead_alg: &Model,
    quic: None,
};

/// Implements each part of the provider
#[derive(Clone, Copy, Debug)]
pub(super) struct Model;

/// A checksum
#[derive(Clone, Copy)]
struct Sum(u64);

impl Sum {
    const NEW: Self = Self(0xCBF2_9CE4_8422_2325);

    const fn add(mut self, bytes: &[u8]) -> Self {
        let mut index = 0;
        while index < bytes.len() {
            self.0 = (self.0 ^ bytes[index] as u64).wrapping_mul(0x100_0000_01B3);
            index += 1;
        }
        self
    }

    fn bytes(self) -> [u8; 32] {
        let mut seed = Seed(self.0);
        let mut bytes = [0; 32];
        for word in bytes.chunks_exact_mut(8) {
            word.copy_from_slice(&seed.number().to_le_bytes());
        }
        bytes
    }
}

impl SecureRandom for Model {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        let mut seed = Seed(RANDOM.get());
        for word in bytes.chunks_mut(8) {
            word.copy_from_slice(&seed.number().to_le_bytes()[..word.len()]);
        }
        RANDOM.set(seed.0);
        Ok(())
    }
}

impl Hash for Model {
    fn start(&self) -> Box<dyn Context> {
        Box::new(Sum::NEW)
    }

    fn hash(&self, data: &[u8]) -> hash::Output {
        hash::Output::new(&Sum::NEW.add(data).bytes())
    }

    fn output_len(&self) -> usize {
        32
    }

    fn algorithm(&self) -> HashAlgorithm {
        HashAlgorithm::SHA256
    }
}

impl Context for Sum {
    fn fork_finish(&self) -> hash::Output {
        hash::Output::new(&self.bytes())
    }

    fn fork(&self) -> Box<dyn Context> {
        Box::new(*self)
    }

    fn finish(self: Box<Self>) -> hash::Output {
        self.fork_finish()
    }

    fn update(&mut self, data: &[u8]) {
        *self = self.add(data);
    }
}

impl Hmac for Model {
    fn with_key(&self, key: &[u8]) -> Box<dyn hmac::Key> {
        Box::new(Sum::NEW.add(key))
    }

    fn hash_output_len(&self) -> usize {
        32
    }
}

impl hmac::Key for Sum {
    fn sign_concat(&self, first: &[u8], middle: &[&[u8]], last: &[u8]) -> Tag {
        let middle = middle.iter().fold(self.add(first), |sum, part| sum.add(part));
        Tag::new(&middle.add(last).bytes())
    }

    fn tag_len(&self) -> usize {
        32
    }
}

/// The key of one direction
struct Key(Sum);

/// Length of a record's tag in bytes
const TAG: usize = 8;

impl Key {
    fn tag(&self, sequence: u64, bytes: &[u8]) -> [u8; TAG] {
        self.0.add(&sequence.to_le_bytes()).add(bytes).0.to_le_bytes()
    }

    fn mask(&self, bytes: &mut [u8]) {
        let mask = self.0.0 as u8;
        bytes.iter_mut().for_each(|byte| *byte ^= mask);
    }
}

impl MessageEncrypter for Key {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        sequence: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let length = self.encrypted_payload_len(message.payload.len());
        let mut payload = PrefixedPayload::with_capacity(length);
        payload.extend_from_chunks(&message.payload);
        payload.extend_from_slice(&message.typ.to_array());
        self.mask(payload.as_mut());
        let tag = self.tag(sequence, payload.as_ref());
        payload.extend_from_slice(&tag);
        let (kind, version) = (ContentType::ApplicationData, ProtocolVersion::TLSv1_2);
        Ok(OutboundOpaqueMessage::new(kind, version, payload))
    }

    fn encrypted_payload_len(&self, length: usize) -> usize {
        length + 1 + TAG
    }
}

impl MessageDecrypter for Key {
    fn decrypt<'a>(
        &mut self,
        mut message: InboundOpaqueMessage<'a>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let end = message.payload.len().checked_sub(TAG).ok_or(Error::DecryptError)?;
        if message.payload[end..] != self.tag(sequence, &message.payload[..end]) {
            return Err(Error::DecryptError);
        }
        message.payload.truncate(end);
        self.mask(&mut message.payload);
        message.into_tls13_unpadded_message()
    }
}

impl Tls13AeadAlgorithm for Model {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(Key(Sum::NEW.add(key.as_ref()).add(iv.as_ref())))
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(Key(Sum::NEW.add(key.as_ref()).add(iv.as_ref())))
    }

    fn key_len(&self) -> usize {
        16
    }

    fn extract_keys(
        &self,
        _: AeadKey,
        _: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

impl SupportedKxGroup for Model {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let mut key = [0; 32];
        self.fill(&mut key)?;
        Ok(Box::new(Exchange(key)))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

/// The secret is what both sides have seen of each other
struct Exchange([u8; 32]);

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let both = self.0.iter().zip(peer).map(|(a, b)| a ^ b).collect::<Vec<_>>();
        Ok(SharedSecret::from(both))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn pub_key(&self) -> &[u8] {
        &self.0
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

impl SignatureVerificationAlgorithm for Model {
    fn verify_signature(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), InvalidSignature> {
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ED25519
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ED25519
    }
}

impl KeyProvider for Model {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        Ok(Arc::new(Self))
    }
}

impl SigningKey for Model {
    fn choose_scheme(&self, _: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        Some(Box::new(Self))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ED25519
    }
}

impl Signer for Model {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(vec![0; 64])
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

/// Tickets that contain their server and purpose
pub(super) struct Ticketer(pub(super) u8);

impl fmt::Debug for Ticketer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticketer({})", self.0)
    }
}

impl ProducesTickets for Ticketer {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        12 * 60 * 60
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        Some([&[self.0], plain].concat())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (whose, plain) = ticket.split_first()?;
        (*whose == self.0).then(|| plain.to_vec())
    }
}
