//! The texts of all public errors, in a snapshot that can be read through: `snapshots/errors__texts.snap`
//!
//! Each text says what happened, to what, and what to do. After an intended change: `INSTA_UPDATE=always cargo test -p
//! ftp-tests --test errors`.

#[path = "errors/produced.rs"]
mod produced;
#[path = "errors/types.rs"]
mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use ftp_blocking::ftp_tls::rustls::pki_types::UnixTime;
use ftp_blocking::ftp_tls::rustls::{AlertDescription, CertificateError, Error as RustlsError};
use ftp_blocking::ftp_tls::{ConfigError, Pin, TlsError};
use ftp_proto::fields::{FileHash, HashAlgorithm};
use ftp_proto::{
    ArgumentError, ConnectionError, DataFailure, Error, LocalRules, NameProblem, Phase,
    ProtocolError, Reply, ReplyConfig, ReplyError, ReplyParser, Verb,
};
use ftp_session::proxy::ProxyProblem;
use ftp_session::{AddressError, Error as SessionError, Mismatch, UrlError};
use ftp_tokio::PoolError;

type Texts = Vec<(&'static str, Box<dyn StdError>)>;

fn parse(lines: &str) -> Result<Reply, ReplyError> {
    let (_, reply) = ReplyParser::new(ReplyConfig::default()).parse(lines.as_bytes())?;
    Ok(reply.expect("a whole reply"))
}

fn reply(line: &str) -> Reply {
    parse(&format!("{line}\r\n")).expect("a reply")
}

fn verb(name: &str) -> Verb {
    Verb::new(name).expect("a verb")
}

fn text(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        write!(text, "\n    because: {cause}").expect("a String takes all");
        source = cause.source();
    }
    text
}

/// `Variant => its value`, boxed
macro_rules! texts {
    ($($variant:literal => $error:expr,)*) => { vec![$(($variant, Box::new($error) as Box<dyn StdError>)),*] };
}

fn of_proto() -> Texts {
    let refusal = || reply("550 pub/f: No such file or directory");
    texts! {
        "Transient" => Error::Transient(reply("450 pub/f: file is busy")),
        "Permanent" => Error::Permanent(refusal()),
        "UnexpectedReply" => Error::UnexpectedReply(reply("350 more, please")),
        "InvalidReply" => Error::InvalidReply(reply("227 Entering Passive Mode")),
        "NoDirectory" => Error::NoDirectory(refusal()),
        "UnreadableDirectory" => Error::UnreadableDirectory { line: (*b"ls: .: Permission denied").into() },
        "WorkingDirectoryLost" => Error::WorkingDirectoryLost(refusal()),
        "LoginFailed" => Error::LoginFailed(Box::new(Error::Permanent(reply("530 Login incorrect")))),
        "InvalidArgument" => Error::InvalidArgument(ArgumentError::Forbidden { byte: b'\n', at: 7 }),
        "TlsRequired" => Error::TlsRequired(reply("530 Non-anonymous sessions must use encryption")),
        "AccountRequired" => Error::AccountRequired(reply("332 Need account for login")),
        "GatewayRefused" => Error::GatewayRefused(reply("530 no route to that host")),
        "NoSessionTicket" => Error::NoSessionTicket,
        "ResumptionRequired" => Error::ResumptionRequired {
            reply: reply("522 SSL connection failed; session reuse required"),
            end: None,
        },
        "DataConnection" => Error::DataConnection {
            failure: DataFailure::Open,
            reply: Some(reply("425 Failed to establish connection")),
        },
        "DataTimedOut" => Error::DataTimedOut(Phase::DataConnect),
        "ForeignPeer" => Error::ForeignPeer {
            expected: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            actual: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)),
        },
        "Truncated" => Error::Truncated {
            received: 4_711,
            expected: Some(100_000),
            end: Some(Box::new(ConnectionError::Eof)),
        },
        "TooLong" => Error::TooLong { received: 100_001, expected: 100_000 },
        "Unconfirmed" => Error::Unconfirmed {
            bytes: 100_000,
            cause: ConnectionError::TimedOut(Phase::FinalReply),
        },
        "Aborted" => Error::Aborted,
        "ProtectedRemote" => Error::ProtectedRemote,
        "Connection" => Error::Connection(ConnectionError::Eof),
    }
}

fn of_connections() -> Texts {
    texts! {
        "Eof" => ConnectionError::Eof,
        "LocallyClosed" => ConnectionError::LocallyClosed,
        "ServiceClosing" => ConnectionError::ServiceClosing(reply("421 Timeout")),
        "Crashed" => ConnectionError::Crashed(reply("500 OOPS: vsf_sysutil_bind")),
        "Refused" => ConnectionError::Refused(reply("421 There are too many connected users")),
        "TimedOut" => ConnectionError::TimedOut(Phase::Greeting),
        "TlsRefused" => ConnectionError::TlsRefused(reply("502 AUTH not implemented")),
        "Protocol" => ConnectionError::Protocol(ProtocolError::BytesDuringClear),
    }
}

fn of_the_protocol() -> Texts {
    texts! {
        "Reply" => ProtocolError::Reply(ReplyError::Nul),
        "UnsolicitedReply" => ProtocolError::UnsolicitedReply { reply: reply("226 done"), unwritten: None },
        "ForeignReply" => ProtocolError::ForeignReply {
            command: verb("SIZE"),
            reply: reply("229 Entering Extended Passive Mode (|||2121|)"),
        },
        "PlaintextAfterAuth" => ProtocolError::PlaintextAfterAuth,
        "BytesDuringClear" => ProtocolError::BytesDuringClear,
    }
}

fn of_replies() -> Texts {
    let wrong = |lines: &str| parse(lines).expect_err("no reply");
    texts! {
        "NotAReply" => wrong("hello\r\n"),
        "NotFtp" => wrong("SSH-2.0-OpenSSH_9.2p1\r\n"),
        "LineTooLong" => ReplyError::LineTooLong { limit: 8192 },
        "ReplyTooLong" => ReplyError::ReplyTooLong { limit: 1_048_576 },
        "Nul" => ReplyError::Nul,
        "Protected" => ReplyError::Protected(631),
    }
}

fn of_arguments() -> Texts {
    texts! {
        "Forbidden" => ArgumentError::Forbidden { byte: b'\r', at: 3 },
        "TooLong" => ArgumentError::TooLong { length: 5000 },
        "Verb" => ArgumentError::Verb,
        "Reserved" => ArgumentError::Reserved,
        "ChangesTransfers" => ArgumentError::ChangesTransfers,
        "NoTransfer" => ArgumentError::NoTransfer,
    }
}

fn of_names() -> Texts {
    let wrong = |name: &[u8]| LocalRules::Windows.check(name).expect_err("no name");
    texts! {
        "Empty" => wrong(b""),
        "Dots" => wrong(b".."),
        "Separator" => wrong(b"a/b"),
        "Control" => wrong(b"a\nb"),
        "TooLong" => wrong(&[b'a'; 300]),
        "NotUtf8" => wrong(b"a\xff"),
        "Device" => wrong(b"NUL.txt"),
        "Character" => wrong(b"a?"),
        "End" => wrong(b"a."),
        "Drive" => NameProblem::Drive,
        "Stream" => NameProblem::Stream,
        "Taken" => NameProblem::Taken,
    }
}

fn of_data_failures() -> Texts {
    texts! {
        "Open" => DataFailure::Open,
        "Broken" => DataFailure::Broken,
        "Tls" => DataFailure::Tls,
        "UnexpectedData" => DataFailure::UnexpectedData,
        "NeverOpened" => DataFailure::NeverOpened,
    }
}

/// What was waited for, in the text of the error
fn of_phases() -> Texts {
    let silent = ConnectionError::TimedOut;
    texts! {
        "Greeting" => silent(Phase::Greeting),
        "ControlTls" => silent(Phase::ControlTls),
        "Reply" => silent(Phase::Reply(verb("MLSD"))),
        "DataConnect" => silent(Phase::DataConnect),
        "DataAccept" => silent(Phase::DataAccept),
        "DataTls" => silent(Phase::DataTls),
        "Transfer" => silent(Phase::Transfer),
        "FinalReply" => silent(Phase::FinalReply),
        "RemoteTransfer" => silent(Phase::RemoteTransfer),
        "Settle" => silent(Phase::Settle),
        "KeepAlive" => silent(Phase::KeepAlive),
    }
}

fn of_tls() -> Texts {
    let time = || Some(UnixTime::since_unix_epoch(Duration::from_secs(1_700_000_000)));
    let (key, certificate) = (Pin::PublicKey([1; 32]), Pin::Certificate([2; 32]));
    texts! {
        "CertificateExpired" => TlsError::CertificateExpired { not_after: time() },
        "CertificateNotYetValid" => TlsError::CertificateNotYetValid { not_before: time() },
        "UnknownIssuer" => TlsError::UnknownIssuer,
        "NameMismatch" => TlsError::NameMismatch {
            expected: "ftp.example.org".into(),
            presented: vec!["www.example.org".into(), "example.org".into()],
        },
        "CertificateRevoked" => TlsError::CertificateRevoked,
        "PinMismatch" => TlsError::PinMismatch { public_key: key, certificate },
        "PinOfOtherKind" => TlsError::PinOfOtherKind { public_key: key, certificate },
        "CaUsedAsServer" => TlsError::CaUsedAsServer,
        "InvalidCertificate" => TlsError::InvalidCertificate(CertificateError::BadEncoding),
        "DataCertificateDiffers" => TlsError::DataCertificateDiffers,
        "NotResumed" => TlsError::NotResumed,
        "ResumptionFailed" => TlsError::ResumptionFailed(AlertDescription::HandshakeFailure),
        "ProtocolVersion" => TlsError::ProtocolVersion,
        "NothingInCommon" => TlsError::NothingInCommon("cipher suites"),
        "ClientCertificateRequired" => TlsError::ClientCertificateRequired,
        "ClientCertificateRefused" => TlsError::ClientCertificateRefused(AlertDescription::CertificateUnknown),
        "NoApplicationProtocol" => TlsError::NoApplicationProtocol,
        "Alert" => TlsError::Alert(AlertDescription::InternalError),
        "PlaintextReply" => TlsError::PlaintextReply { line: "421 Too many connections".into() },
        "NotTls" => TlsError::NotTls,
        "NoLongerTls" => TlsError::NoLongerTls { reply: Some("500 OOPS: child died".into()) },
        "Truncated" => TlsError::Truncated,
        "ClosedInHandshake" => TlsError::ClosedInHandshake,
        "PlaintextPending" => TlsError::PlaintextPending,
        "AlreadySecured" => TlsError::AlreadySecured,
        "WriteClosed" => TlsError::WriteClosed,
        "EndlessClose" => TlsError::EndlessClose,
        "InvalidServerName" => TlsError::InvalidServerName("ftp example".into()),
        "Protocol" => TlsError::Protocol(RustlsError::DecryptError),
    }
}

fn of_tls_configurations() -> Texts {
    let what = "client's certificate file";
    let gone = || io::Error::from(io::ErrorKind::NotFound);
    texts! {
        "Read" => ConfigError::Read { path: "/etc/ftp/ca.pem".into(), source: gone().into() },
        "Pem" => ConfigError::Pem { what, reason: "a section has no end".into() },
        "NoCertificate" => ConfigError::NoCertificate { what },
        "NoPrivateKey" => ConfigError::NoPrivateKey,
        "EncryptedPrivateKey" => ConfigError::EncryptedPrivateKey,
        "Unusable" => ConfigError::Unusable { what, source: RustlsError::DecryptError },
        "NoAuthority" => ConfigError::NoAuthority,
        "NoTrust" => ConfigError::NoTrust,
        "NoPin" => ConfigError::NoPin,
        "UselessAuthority" => ConfigError::UselessAuthority,
        "InvalidPin" => ConfigError::InvalidPin,
        "PinOfUnknownKind" => ConfigError::PinOfUnknownKind,
        "NoVersion" => ConfigError::NoVersion,
        "NoCryptoProvider" => ConfigError::NoCryptoProvider,
        "CryptoProvider" => ConfigError::CryptoProvider(RustlsError::DecryptError),
        "Platform" => ConfigError::Platform(RustlsError::DecryptError),
    }
}

fn of_sessions() -> Texts {
    let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
    let address = SocketAddr::from(([192, 0, 2, 1], 50_000));
    texts! {
        "Connect" => SessionError::Connect { target: "ftp.example.org:21".into(), error: refused() },
        "InvalidAddress" => SessionError::InvalidAddress(AddressError::NamesUser),
        "InvalidOption" => SessionError::InvalidOption {
            option: "data_timeout",
            problem: "is zero, so every wait would fail; Duration::MAX means no limit",
        },
        "Io" => SessionError::Io(io::ErrorKind::ConnectionReset.into()),
        "Tls" => SessionError::Tls(TlsError::UnknownIssuer),
        "TlsConfig" => SessionError::TlsConfig(ConfigError::NoTrust),
        "Data" => SessionError::Data {
            failure: DataFailure::Open,
            address: Some(address),
            reply: None,
            error: refused(),
        },
        "Local" => SessionError::Local(io::ErrorKind::StorageFull.into()),
        "InvalidRequest" => SessionError::InvalidRequest { problem: "the path is empty" },
        "Deadline" => SessionError::Deadline { limit: Duration::from_secs(90) },
        "Cancelled" => SessionError::Cancelled,
        "ListingTooLong" => SessionError::ListingTooLong { limit: 67_108_864 },
        "Mismatch" => SessionError::Mismatch(Mismatch::Size { local: 5, remote: 4 }),
        "LineTooLong" => SessionError::LineTooLong { limit: 8192 },
        "NotADirectory" => SessionError::NotADirectory { path: b"pub/f".to_vec() },
        "MayBeLink" => SessionError::MayBeLink {
            path: b"pub/.d".to_vec(),
            working_directory: Some(b"/srv/d".to_vec()),
        },
        "UnsafeName" => SessionError::UnsafeName { name: b"../f".to_vec() },
        "TimeNotSet" => SessionError::TimeNotSet { reply: Some(reply("500 MFMT not understood")) },
        "Ftp" => SessionError::Ftp(Error::Aborted),
    }
}

fn of_mismatches() -> Texts {
    let hash = |byte| FileHash::new(HashAlgorithm::Md5, vec![byte; 16]);
    texts! {
        "Size" => Mismatch::Size { local: 100_000, remote: 99_999 },
        "Shorter" => Mismatch::Shorter { local: 100_000, most: 34_464 },
        "Content" => Mismatch::Content { from: 34_464, to: 100_000 },
        "Hash" => Mismatch::Hash { local: hash(1), remote: hash(2) },
    }
}

fn of_proxies() -> Texts {
    let (kind, text) = (io::ErrorKind::ConnectionRefused, || "connection refused".to_owned());
    texts! {
        "Unreachable" => ProxyProblem::Unreachable { kind, text: text() },
        "Broken" => ProxyProblem::Broken { kind, text: text() },
        "Closed" => ProxyProblem::Closed,
        "TimedOut" => ProxyProblem::TimedOut,
        "Malformed" => ProxyProblem::Malformed("it does not speak SOCKS5"),
        "LoginRequired" => ProxyProblem::LoginRequired,
        "LoginRefused" => ProxyProblem::LoginRefused,
        "Socks" => ProxyProblem::Socks(5),
        "Http" => ProxyProblem::Http { status: 403, reason: "Forbidden".into() },
        "InvalidHost" => ProxyProblem::InvalidHost,
        "InvalidLogin" => ProxyProblem::InvalidLogin("the user's name has more than 255 bytes"),
        "NoTunnel" => ProxyProblem::NoTunnel,
        "ActiveMode" => ProxyProblem::ActiveMode,
        "Tls" => ProxyProblem::Tls,
    }
}

fn of_urls() -> Texts {
    let wrong = |url: &str| url.parse::<ftp_session::FtpUrl>().expect_err("no URL");
    texts! {
        "Malformed" => wrong("ftp.example.org"),
        "Scheme" => wrong("http://ftp.example.org/"),
        "Control" => UrlError::Control,
        "Backslash" => UrlError::Backslash,
        "Host" => UrlError::Host,
        "Percent" => wrong("ftp://ftp.example.org/100%"),
        "Fragment" => wrong("ftp://ftp.example.org/a#b"),
        "Type" => wrong("ftp://ftp.example.org/f;type=x"),
    }
}

fn of_addresses() -> Texts {
    texts! {
        "Malformed" => AddressError::Malformed { text: "ftp.example.org:x".into() },
        "Url" => AddressError::Url { scheme: "ftp".into(), host: "ftp.example.org".into() },
        "NamesUser" => AddressError::NamesUser,
    }
}

fn of_pools() -> Texts {
    let limit = Duration::from_secs(30);
    let full = Error::Connection(ConnectionError::Refused(reply("421 Too many connections")));
    texts! {
        "Session" => PoolError::Session(SessionError::Cancelled),
        "TimedOut" => PoolError::TimedOut { limit, refusal: Some(SessionError::Ftp(full)) },
        "Busy" => PoolError::Busy { limit: 1024 },
        "Closed" => PoolError::Closed,
    }
}

/// An enum's source file, and its variants that only its crate can create
struct Enum {
    file: &'static str,
    name: &'static str,
    texts: Texts,
    left_out: &'static [&'static str],
}

fn all() -> Vec<Enum> {
    let of = |file, name, texts| Enum { file, name, texts, left_out: &[] };
    vec![
        of("ftp-proto/src/error.rs", "Error", of_proto()),
        of("ftp-proto/src/error.rs", "ConnectionError", of_connections()),
        of("ftp-proto/src/error.rs", "ProtocolError", of_the_protocol()),
        of("ftp-proto/src/control/reply/error.rs", "ReplyError", of_replies()),
        of("ftp-proto/src/control/command/argument.rs", "ArgumentError", of_arguments()),
        of("ftp-proto/src/local_names.rs", "NameProblem", of_names()),
        of("ftp-proto/src/terms.rs", "DataFailure", of_data_failures()),
        of("ftp-proto/src/terms.rs", "Phase", of_phases()),
        of("ftp-tls/src/error.rs", "TlsError", of_tls()),
        of("ftp-tls/src/config_error.rs", "ConfigError", of_tls_configurations()),
        Enum {
            // `Proxy` has the text of `ProxyError`, which adds the proxy and the target to that of its problem: see the
            // tests of proxies. The text of `NotRemoved` is in the tests of `remove_dir_all`.
            left_out: &["Proxy", "NotRemoved"],
            ..of("ftp-session/src/error.rs", "Error", of_sessions())
        },
        of("ftp-session/src/error/mismatch.rs", "Mismatch", of_mismatches()),
        of("ftp-session/src/proxy/error.rs", "ProxyProblem", of_proxies()),
        of("ftp-session/src/url.rs", "UrlError", of_urls()),
        of("ftp-session/src/address.rs", "AddressError", of_addresses()),
        of("ftp-tokio/src/pool/error.rs", "PoolError", of_pools()),
    ]
}

/// Returns the variants of an enum, from source formatted by rustfmt
fn variants(source: &str, name: &str) -> BTreeSet<String> {
    let start = format!("enum {name} {{\n");
    let (_, body) = source.split_once(&start).expect("the enum");
    let lines = body.lines().take_while(|line| *line != "}");
    let names = lines.filter_map(|line| line.strip_prefix("    "));
    let names = names.filter(|line| line.starts_with(|letter: char| letter.is_ascii_uppercase()));
    names.map(|line| line.chars().take_while(char::is_ascii_alphanumeric).collect()).collect()
}

#[test]
fn a_duplicate_is_the_same_error() {
    for (variant, error) in of_sessions() {
        let error: &SessionError = error.downcast_ref().expect("an error of sessions");
        let again = error.duplicate();
        assert_eq!(mem::discriminant(error), mem::discriminant(&again), "{variant}");
        assert_eq!(text(error), text(&again), "{variant}");
        assert_eq!(answers(error), answers(&again), "{variant}");
    }
}

fn answers(error: &SessionError) -> [bool; 7] {
    [
        error.is_transient(),
        error.is_missing(),
        error.is_no_directory(),
        error.is_auth(),
        error.is_timeout(),
        error.is_cancelled(),
        error.is_fatal(),
    ]
}

#[test]
fn texts() {
    let mut all_texts = String::new();
    for Enum { file, name, texts, .. } in all() {
        let crate_ = file.split('/').next().expect("a crate").replace('-', "_");
        writeln!(all_texts, "## {crate_}::{name}\n").expect("a String takes all");
        for (variant, error) in texts {
            writeln!(all_texts, "{variant}\n    {}\n", text(&*error)).expect("a String takes all");
        }
    }
    for produced::Type { name, texts } in produced::all() {
        writeln!(all_texts, "## {name}\n").expect("a String takes all");
        for (case, error) in texts {
            writeln!(all_texts, "{case}\n    {}\n", without_ports(&text(&*error)))
                .expect("a String takes all");
        }
    }
    insta::assert_snapshot!("texts", all_texts);
}

/// Replaces the ports of this machine, which the system chooses
fn without_ports(text: &str) -> String {
    let mut result = text.to_owned();
    for before in ["127.0.0.1:", "127.0.0.1 port "] {
        let mut pieces = result.split(before);
        let mut replaced = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let rest = piece.trim_start_matches(|digit: char| digit.is_ascii_digit());
            replaced.extend([before, "PORT", rest]);
        }
        result = replaced;
    }
    result
}

#[test]
fn every_variant_has_a_text() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut missing = BTreeMap::new();
    let mut count = 0;
    for Enum { file, name, texts, left_out } in all() {
        let source = fs::read_to_string(crates.join(file)).expect("a source");
        let variants = variants(&source, name);
        let told: BTreeSet<String> =
            texts.iter().map(|(variant, _)| (*variant).to_owned()).collect();
        assert_eq!(told.len(), texts.len(), "{name}: a variant stands twice");
        count += told.len();
        let left_out: BTreeSet<String> = left_out.iter().map(|name| (*name).to_owned()).collect();
        let differing: Vec<_> =
            variants.symmetric_difference(&(&told | &left_out)).cloned().collect();
        if !differing.is_empty() {
            missing.insert(format!("{file} {name}"), differing);
        }
    }
    assert!(count > 100, "only {count} texts");
    assert!(missing.is_empty(), "in one place only: {missing:#?}");
}

fn every_text() -> impl Iterator<Item = (&'static str, Texts)> {
    let enums = all().into_iter().map(|each| (each.name, each.texts));
    // The errors of a store contain their causes on purpose: those who use one often print the outermost error alone.
    let others = produced::all().into_iter().filter(|each| !each.name.contains("StoreError"));
    enums.chain(others.map(|each| (each.name, each.texts)))
}

/// Printing an error with its sources repeats no text
#[test]
fn no_text_contains_that_of_the_source() {
    for (name, texts) in every_text() {
        for (variant, error) in texts {
            let mut error: &dyn StdError = &*error;
            while let Some(source) = error.source() {
                let (text, cause) = (error.to_string(), source.to_string());
                assert!(!text.contains(&cause), "{name}::{variant}: {text}: {cause}");
                error = source;
            }
        }
    }
}

/// Errors must be understandable in a log that does not contain their type
#[test]
fn no_text_is_empty_or_ends_a_line() {
    for (name, texts) in every_text() {
        for (variant, error) in texts {
            let text = error.to_string();
            assert!(!text.trim().is_empty(), "{name}::{variant}");
            assert!(!text.contains('\n'), "{name}::{variant}: {text}");
        }
    }
}

#[test]
fn errors_of_the_pool_answer_the_questions_of_errors() {
    let refused = |line: &str| SessionError::Ftp(Error::Permanent(reply(line)));
    let answers = |error: &PoolError| {
        [
            error.is_transient(),
            error.is_fatal(),
            error.is_missing(),
            error.is_auth(),
            error.is_timeout(),
            error.is_cancelled(),
        ]
    };
    let [yes, no] = [true, false];
    let limit = Duration::from_secs(30);
    for (error, expected) in [
        (PoolError::Session(refused("550 f: No such file")), [no, no, yes, no, no, no]),
        (PoolError::Session(refused("530 Login incorrect")), [no, no, no, yes, no, no]),
        (PoolError::Session(SessionError::Cancelled), [no, yes, no, no, no, yes]),
        (PoolError::Session(SessionError::Deadline { limit }), [yes, no, no, no, yes, no]),
        (PoolError::TimedOut { limit, refusal: None }, [yes, no, no, no, yes, no]),
        // To try a wrong password again would lock the account.
        (
            PoolError::TimedOut { limit, refusal: Some(refused("530 Login incorrect")) },
            [no, no, no, yes, yes, no],
        ),
        (PoolError::Busy { limit: 8 }, [yes, no, no, no, no, no]),
        (PoolError::Closed, [no, yes, no, no, no, no]),
    ] {
        assert_eq!(answers(&error), expected, "{error:?}");
    }
}
