//! TLS of scripted servers, and clients that trust them

use ftp_blocking::ftp_tls::{TlsConfig, TlsConfigBuilder, TlsVersion, Trust};
use ftp_test::tls::ca_pem;
pub use ftp_test::tls::{Clients, Tls, identity};

use crate::net::Stream;

/// The server's side of a connection in TLS
pub type Secured = ftp_test::tls::Secured<Stream>;

/// A client that trusts the servers' authority, and speaks this version only
pub fn trusting(version: TlsVersion) -> TlsConfigBuilder {
    TlsConfig::builder(Trust::OwnCa).add_ca_pem(ca_pem()).min_version(version).max_version(version)
}
