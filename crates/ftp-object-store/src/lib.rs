//! FTP and FTPS servers as an [`object_store`], for DataFusion and whatever else reads one

#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod builder;
mod change;
mod error;
mod inner;
mod list;
mod look;
mod name;
mod read;
mod store;
mod task;
mod write;

pub use ftp_tokio;
pub use object_store;

pub use builder::FtpStoreBuilder;
pub use error::StoreError;
pub use store::{FtpStore, Skipped};
