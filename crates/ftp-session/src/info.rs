//! What TLS has agreed on

use ftp_tls::Stream;
use ftp_tls::rustls::pki_types::CertificateDer;
use ftp_tls::rustls::{ProtocolVersion, SupportedCipherSuite};

/// The TLS of a control connection
#[derive(Clone, Copy, Debug)]
pub struct TlsInfo<'a> {
    version: Option<ProtocolVersion>,
    suite: Option<SupportedCipherSuite>,
    alpn: Option<&'a [u8]>,
    certificates: Option<&'a [CertificateDer<'static>]>,
}

impl<'a> TlsInfo<'a> {
    pub(crate) fn of<S>(stream: &'a Stream<S>) -> Self {
        Self {
            version: stream.protocol_version(),
            suite: stream.cipher_suite(),
            alpn: stream.alpn_protocol(),
            certificates: stream.peer_certificates(),
        }
    }

    /// The version agreed upon; `None` until it is known, as with all of these
    #[must_use]
    pub const fn protocol_version(self) -> Option<ProtocolVersion> {
        self.version
    }

    /// The cipher suite agreed upon
    #[must_use]
    pub const fn cipher_suite(self) -> Option<SupportedCipherSuite> {
        self.suite
    }

    /// The application protocol agreed upon
    #[must_use]
    pub const fn alpn_protocol(self) -> Option<&'a [u8]> {
        self.alpn
    }

    /// The server's certificate chain, its own first
    #[must_use]
    pub const fn peer_certificates(self) -> Option<&'a [CertificateDer<'static>]> {
        self.certificates
    }
}
