use std::fmt;
use std::io;

use rustls::pki_types::UnixTime;
use rustls::{
    AlertDescription, CertificateError, Error as RustlsError, InvalidMessage, OtherError,
    PeerIncompatible,
};

use crate::pin::Pin;
use crate::verify::{OtherKind, PinRefused};

/// Why a TLS connection failed, with advice for the user
///
/// [`TlsError::in_io`] finds it inside an [`io::Error`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The server's certificate is no longer valid
    #[error(
        "the server's certificate expired{}{}; the server's administrator must renew it \
         (or this computer's clock is wrong)", .not_after.map_or("", |_| " on"), On(.not_after)
    )]
    CertificateExpired {
        /// The last moment at which it was valid, if the verifier reported it
        not_after: Option<UnixTime>,
    },

    /// The server's certificate is not valid yet
    #[error("the server's certificate is not valid before{}; is this computer's clock right?",
        On(.not_before))]
    CertificateNotYetValid {
        /// The first moment at which it is valid, if the verifier reported it
        not_before: Option<UnixTime>,
    },

    /// No trusted authority has signed the server's certificate
    #[error(
        "the server's certificate was issued by an authority that is not trusted here; \
         if that is expected, add the authority's certificate to the trusted ones or pin the server's key"
    )]
    UnknownIssuer,

    /// The server's certificate is for names other than the expected one
    #[error("the server's certificate is not valid for {expected:?}, {}", Names(.presented))]
    NameMismatch {
        /// The expected name
        expected: String,
        /// The names in the certificate; empty if there are none, or if the verifier did not report them
        presented: Vec<String>,
    },

    /// The authority has revoked the server's certificate
    #[error(
        "the server's certificate has been revoked by its issuer; do not send anything to this server"
    )]
    CertificateRevoked,

    /// Neither the server's key nor its certificate is pinned
    #[error(
        "the server's public key is {public_key}, which is not pinned, nor is its certificate ({certificate}); \
         if the server has a new key and you have verified it, pin it"
    )]
    PinMismatch {
        /// The pin of the server's key
        public_key: Pin,
        /// The pin of the server's certificate
        certificate: Pin,
    },

    /// A pin has the digest of the server's certificate but is a pin of a public key, or the other way round
    #[error(
        "a pin is of the wrong kind: the server's public key is {public_key}, its certificate is {certificate}; \
         pin one of them as its own kind"
    )]
    PinOfOtherKind {
        /// The pin of the server's key
        public_key: Pin,
        /// The pin of the server's certificate
        certificate: Pin,
    },

    /// The server's certificate is that of a CA, which may sign certificates but not identify a server
    #[error(
        "the server shows a certificate authority's certificate as its own (usual for self-signed ones); \
         it cannot be trusted as an authority: pin the server's key instead"
    )]
    CaUsedAsServer,

    /// The server's certificate can't be verified for another reason
    #[error("the server's certificate is not acceptable: {0}")]
    InvalidCertificate(CertificateError),

    /// A data connection showed a certificate other than that of the control connection
    #[error(
        "the data connection's certificate differs from the control connection's; \
         an attacker may be in between, or several servers share the address \
         (then allow it: TlsConfigBuilder::same_certificate_on_data)"
    )]
    DataCertificateDiffers,

    /// A data connection did not resume the control connection's session, as [`Resumption`](crate::Resumption) requires
    #[error(
        "the data connection did not resume the control connection's TLS session, so the client refused it; \
         the server may have forgotten the session or not support resumption, or another host has answered: \
         log in on a new connection, or permit full handshakes (TlsConfigBuilder::resumption)"
    )]
    NotResumed,

    /// The server ended a data connection with an alert during a handshake that offered to resume a session
    #[error(
        "the server ended the data connection's TLS handshake, which offered to resume the control connection's \
         session: {0:?}; if this happens every time, the server does not support resumption: use Resumption::Never"
    )]
    ResumptionFailed(AlertDescription),

    /// There is no protocol version that both sides support and allow
    #[error(
        "the server offers no TLS version that is allowed here; if it only supports TLS 1.0 or 1.1, \
         it must be updated, because these are insecure and not supported"
    )]
    ProtocolVersion,

    /// There is no cipher suite, key exchange or signature scheme that both sides support
    #[error(
        "the server and this client have no cipher suite, key exchange or signature scheme in common ({0})"
    )]
    NothingInCommon(&'static str),

    /// The server requires a client certificate and none is configured
    #[error("the server requires a client certificate; configure one with its private key")]
    ClientCertificateRequired,

    /// The server did not accept the client certificate
    #[error(
        "the server refused the client certificate ({0:?}); is it the one registered there, and still valid?"
    )]
    ClientCertificateRefused(AlertDescription),

    /// The server supports none of the application protocols offered
    #[error("the server supports none of the application protocols offered (ALPN); use Alpn::None")]
    NoApplicationProtocol,

    /// The server ended the connection with an alert that has no variant of its own
    #[error("the server ended the TLS connection: {0:?}")]
    Alert(AlertDescription),

    /// A reply in clear text came in place of the TLS handshake
    ///
    /// A `500` during the handshake after AUTH means that the server has taken the handshake for a command,
    /// because its side was not in TLS yet. `Config::auth_pause` gives the server time.
    #[error("the server answered the TLS handshake in clear text: {line}{}", clear_text_hint(.line))]
    PlaintextReply {
        /// The reply's first line without its line ending, at most 512 bytes of it, with unprintable bytes escaped
        line: String,
    },

    /// The bytes from the server are not TLS
    #[error(
        "the server does not speak TLS on this connection; is it an explicit-TLS port, or a proxy's?"
    )]
    NotTls,

    /// After the handshake, bytes came that are not TLS, although the server had not ended TLS with close_notify
    #[error(
        "the server sent {} on a connection that uses TLS, without ending TLS first{}",
        if .reply.is_some() { "clear text" } else { "bytes that are not TLS" }, AfterColon(.reply)
    )]
    NoLongerTls {
        /// If they are a reply, as in [`PlaintextReply`](Self::PlaintextReply): its first line
        reply: Option<String>,
    },

    /// The connection ended without the peer's close_notify, so data may be missing
    #[error(
        "the connection ended without the server's TLS close_notify: the data may be truncated"
    )]
    Truncated,

    /// The connection ended during the TLS handshake
    #[error("the server closed the connection during the TLS handshake")]
    ClosedInHandshake,

    /// Bytes received in clear text have not been read yet, so the connection can't be secured:
    /// an attacker may have sent them
    #[error("bytes received in clear text are pending where a TLS handshake should begin")]
    PlaintextPending,

    /// The stream is already secured
    #[error("the connection already uses TLS")]
    AlreadySecured,

    /// The caller wrote after [`close_notify`](crate::Stream::close_notify) or during [`clear`](crate::Stream::clear)
    #[error("the TLS connection's write side has been closed")]
    WriteClosed,

    /// The server keeps sending when it should close the connection
    #[error("the server does not stop sending on a connection that is being closed")]
    EndlessClose,

    /// The text is not a host name or IP address that a certificate could be for
    #[error("{0:?} is neither a host name nor an IP address")]
    InvalidServerName(String),

    /// Any other violation of the protocol, as rustls reports it
    #[error("TLS error: {0}")]
    Protocol(RustlsError),
}

impl TlsError {
    /// Returns the `TlsError` inside an [`io::Error`], if there is one
    #[must_use]
    pub fn in_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// Whether this side refused the server, because of its certificate or because it did not resume a session: then
    /// what the server says about the broken connection explains nothing
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.is_certificate() || *self == Self::NotResumed
    }

    /// Whether the server's certificate is the reason, so that the user must decide, not the network
    #[must_use]
    pub fn is_certificate(&self) -> bool {
        matches!(
            self,
            Self::CertificateExpired { .. }
                | Self::CertificateNotYetValid { .. }
                | Self::UnknownIssuer
                | Self::NameMismatch { .. }
                | Self::CertificateRevoked
                | Self::PinMismatch { .. }
                | Self::PinOfOtherKind { .. }
                | Self::CaUsedAsServer
                | Self::InvalidCertificate(_)
                | Self::DataCertificateDiffers
        )
    }
}

impl From<RustlsError> for TlsError {
    fn from(error: RustlsError) -> Self {
        match error {
            RustlsError::InvalidCertificate(why) => why.into(),
            RustlsError::AlertReceived(alert) => alert.into(),
            RustlsError::InvalidMessage(InvalidMessage::InvalidContentType) => Self::NotTls,
            RustlsError::NoApplicationProtocol => Self::NoApplicationProtocol,
            RustlsError::PeerIncompatible(why) => match why {
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => Self::ProtocolVersion,
                PeerIncompatible::NoCipherSuitesInCommon => Self::NothingInCommon("cipher suite"),
                PeerIncompatible::NoKxGroupsInCommon => Self::NothingInCommon("key exchange group"),
                PeerIncompatible::NoSignatureSchemesInCommon
                | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => {
                    Self::NothingInCommon("signature scheme")
                }
                why => Self::Protocol(why.into()),
            },
            other => Self::Protocol(other),
        }
    }
}

impl From<CertificateError> for TlsError {
    fn from(error: CertificateError) -> Self {
        use CertificateError as E;
        match error {
            E::Expired => Self::CertificateExpired { not_after: None },
            E::ExpiredContext { not_after, .. } => {
                Self::CertificateExpired { not_after: Some(not_after) }
            }
            E::NotValidYet => Self::CertificateNotYetValid { not_before: None },
            E::NotValidYetContext { not_before, .. } => {
                Self::CertificateNotYetValid { not_before: Some(not_before) }
            }
            E::UnknownIssuer => Self::UnknownIssuer,
            E::NotValidForNameContext { expected, presented } => Self::NameMismatch {
                expected: expected.to_str().into_owned(),
                presented: presented.iter().map(|name| plain_name(name)).collect(),
            },
            E::Revoked => Self::CertificateRevoked,
            E::Other(OtherError(ref why)) => match why.downcast_ref::<PinRefused>() {
                Some(&PinRefused { public_key, certificate, other_kind }) => match other_kind {
                    OtherKind::Differs => Self::PinMismatch { public_key, certificate },
                    OtherKind::Matches => Self::PinOfOtherKind { public_key, certificate },
                },
                // This crate does not depend on webpki, so its error is recognized by its name.
                None if why.to_string().contains("CaUsedAsEndEntity") => Self::CaUsedAsServer,
                None => Self::InvalidCertificate(error),
            },
            other => Self::InvalidCertificate(other),
        }
    }
}

impl From<AlertDescription> for TlsError {
    fn from(alert: AlertDescription) -> Self {
        match alert {
            AlertDescription::ProtocolVersion => Self::ProtocolVersion,
            AlertDescription::InsufficientSecurity => Self::NothingInCommon("cipher suite"),
            AlertDescription::CertificateRequired => Self::ClientCertificateRequired,
            AlertDescription::NoApplicationProtocol => Self::NoApplicationProtocol,
            other => Self::Alert(other),
        }
    }
}

/// The kind is `UnexpectedEof` for a connection that ended too early, `BrokenPipe` for a write
/// after the close, `InvalidInput` for misuse, and `InvalidData` for everything else
impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        let kind = match error {
            TlsError::Truncated | TlsError::ClosedInHandshake => io::ErrorKind::UnexpectedEof,
            TlsError::WriteClosed => io::ErrorKind::BrokenPipe,
            TlsError::AlreadySecured
            | TlsError::PlaintextPending
            | TlsError::InvalidServerName(_) => io::ErrorKind::InvalidInput,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

/// Explains a greeting in place of TLS: the port is one for explicit TLS
fn clear_text_hint(line: &str) -> &'static str {
    match line.starts_with("220") {
        true => {
            "; it greets before TLS, so this is no port for TLS from the first byte (TlsPolicy::Implicit): \
             try TlsPolicy::Explicit"
        }
        false => "",
    }
}

/// Returns the name in webpki's `DnsName("a.example")` or `IpAddress(…)`
fn plain_name(presented: &str) -> String {
    presented.split('"').nth(1).unwrap_or(presented).to_owned()
}

/// Displays a text after a colon, or nothing if there is none
struct AfterColon<'a>(&'a Option<String>);

impl fmt::Display for AfterColon<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |text| write!(f, ": {text}"))
    }
}

struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("and names no other server either"),
            [names @ .., last] => {
                f.write_str("only for ")?;
                for name in names {
                    write!(f, "{name}, ")?;
                }
                f.write_str(last)
            }
        }
    }
}

/// Displays " 2024-05-01" (UTC), or nothing if the time is not known
struct On<'a>(&'a Option<UnixTime>);

impl fmt::Display for On<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(time) = self.0 else { return Ok(()) };
        // This is Howard Hinnant's `civil_from_days`, for days since 1970-01-01, which UnixTime makes unsigned.
        let days = time.as_secs() / 86_400 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        write!(f, " {year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn dates() {
        let on =
            |secs| On(&Some(UnixTime::since_unix_epoch(Duration::from_secs(secs)))).to_string();
        assert_eq!(on(0), " 1970-01-01");
        assert_eq!(on(951_782_400), " 2000-02-29");
        assert_eq!(on(951_868_799), " 2000-02-29");
        assert_eq!(on(4_107_542_399), " 2100-02-28");
        assert_eq!(on(4_107_542_400), " 2100-03-01");
        assert_eq!(On(&None).to_string(), "");
    }

    #[test]
    fn survives_io_error() {
        let io = io::Error::from(TlsError::Truncated);
        assert_eq!(io.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(TlsError::in_io(&io), Some(&TlsError::Truncated));
        assert_eq!(TlsError::in_io(&io::ErrorKind::UnexpectedEof.into()), None);
    }

    #[test]
    fn names_are_listed() {
        let error = |presented: &[&str]| {
            TlsError::NameMismatch {
                expected: "a".into(),
                presented: presented.iter().map(ToString::to_string).collect(),
            }
            .to_string()
        };
        assert_eq!(
            error(&["b", "c"]),
            "the server's certificate is not valid for \"a\", only for b, c"
        );
        assert_eq!(error(&["b"]), "the server's certificate is not valid for \"a\", only for b");
        assert!(error(&[]).contains("no other"));
    }
}
