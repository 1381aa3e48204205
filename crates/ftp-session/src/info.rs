//! What TLS has negotiated

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

    /// The negotiated version; like everything here, `None` until it is known
    #[must_use]
    pub const fn protocol_version(self) -> Option<ProtocolVersion> {
        self.version
    }

    /// The negotiated cipher suite
    #[must_use]
    pub const fn cipher_suite(self) -> Option<SupportedCipherSuite> {
        self.suite
    }

    /// The negotiated application protocol
    #[must_use]
    pub const fn alpn_protocol(self) -> Option<&'a [u8]> {
        self.alpn
    }

    /// The server's certificate chain, the server's own first
    #[must_use]
    pub const fn peer_certificates(self) -> Option<&'a [CertificateDer<'static>]> {
        self.certificates
    }
}
