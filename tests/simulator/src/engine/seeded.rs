//! aws-lc's cryptography with seeded random numbers: real TLS that sends the same bytes for the same seed
//!
//! Ed25519 signatures are deterministic (RFC 8032 section 5.1.6), and records depend only on keys and plaintext. What is
//! random in TLS 1.3 comes from these random numbers: the hello messages, the private keys of the key exchange, and the
//! nonces and ages of tickets. rustls has no parameter for the private keys, so the key exchange is implemented here.

use std::sync::Arc;

use ::aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey, X25519};
use ftp_session::ftp_tls::rustls::crypto::{
    ActiveKeyExchange, CryptoProvider, SecureRandom, SharedSecret, SupportedKxGroup, aws_lc_rs,
};
use ftp_session::ftp_tls::rustls::ffdhe_groups::FfdheGroup;
use ftp_session::ftp_tls::rustls::{Error, NamedGroup, PeerMisbehaved};

use super::crypto::Model;

/// Returns the provider
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        kx_groups: vec![&SeededX25519],
        secure_random: &Model,
        ..aws_lc_rs::default_provider()
    })
}

/// X25519 (RFC 7748) with private keys from the seeded random numbers
#[derive(Debug)]
struct SeededX25519;

impl SupportedKxGroup for SeededX25519 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let mut key = [0; 32];
        Model.fill(&mut key)?;
        let key = PrivateKey::from_private_key(&X25519, &key);
        let key = key.map_err(|error| Error::General(error.to_string()))?;
        let public = key.compute_public_key().map_err(|error| Error::General(error.to_string()))?;
        Ok(Box::new(Exchange { key, public }))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

struct Exchange {
    key: PrivateKey,
    public: agreement::PublicKey,
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let peer = UnparsedPublicKey::new(&X25519, peer);
        let invalid = Error::from(PeerMisbehaved::InvalidKeyShare);
        agreement::agree(&self.key, peer, invalid, |secret| Ok(SharedSecret::from(secret)))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn pub_key(&self) -> &[u8] {
        self.public.as_ref()
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}
