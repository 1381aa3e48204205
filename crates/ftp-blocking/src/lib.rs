//! Blocking FTP and FTPS client on std sockets

#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod client;
mod control;
mod convenience;
mod copy;
mod data;
mod dial;
mod error;
mod listing;
mod options;
mod session;
mod transfer;
mod wait;

pub use ftp_proto;
pub use ftp_tls;

pub use client::Client;
pub use convenience::CopyOptions;
pub use copy::{CopyError, copy_between_servers};
pub use dial::{Channel, Dialer, Host, Target};
pub use error::Error;
pub use ftp_proto::{
    Config, ConnectionError, CopyEnd, DataMode, Features, Get, List, PassiveHost, PassiveOrder,
    Protection, Put, Reply, Timestamp, TlsPolicy, Trace, TraceDirection, Transfer, TransferType,
    Truncation,
};
pub use listing::Listing;
pub use options::Options;
pub use transfer::{Download, Upload};
