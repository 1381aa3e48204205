//! rustls over any Read + Write, and FTP's session-resumption policy

mod config;
mod context;
mod error;
mod inbox;
mod store;
mod stream;
mod tls;
mod verify;

pub use config::{Alpn, DangerousBuilder, TlsConfig, TlsConfigBuilder, TlsVersion, Trust};
pub use context::{Inventory, Role, TlsContext, UploadPermit, server_name};
pub use error::{ConfigError, TlsError};
pub use rustls;
pub use stream::Stream;
pub use verify::Pin;
