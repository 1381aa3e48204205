//! The three clients that are compared, and their operations

use std::ops::Range;
use std::sync::Arc;

use ftp_object_store::FtpStore;
use ftp_object_store::object_store::path::Path;
use ftp_object_store::object_store::{ObjectStore, ObjectStoreExt};
use futures_util::{StreamExt, TryStreamExt};
use object_store_opendal::OpendalStore;
use opendal::Operator;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ours,
    /// The last release of OpenDAL for this `object_store`
    Store,
    /// The newest release of OpenDAL
    Newest,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Ours, Self::Store, Self::Newest];
}

/// A server, without TLS
#[derive(Clone, Debug)]
pub struct Login {
    pub port: u16,
    pub user: String,
    pub password: String,
    /// The directory on the server
    pub root: String,
}

pub enum Client {
    Store(Arc<dyn ObjectStore>),
    Operator(Operator),
}

/// Errors as text, with their causes
fn text(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text += &format!(": {next}");
        }
        cause = error.source();
    }
    text
}

impl Client {
    pub fn new(kind: Kind, place: &Login) -> Self {
        let Login { port, user, password, root } = place;
        let endpoint = format!("ftp://127.0.0.1:{port}");
        match kind {
            Kind::Ours => {
                let store = FtpStore::builder().url(endpoint).login(user, password).root(root);
                Self::Store(Arc::new(store.build().unwrap()))
            }
            Kind::Store => {
                let ftp = opendal_old::services::Ftp::default();
                let ftp = ftp.endpoint(&endpoint).user(user).password(password).root(root);
                let operator = opendal_old::Operator::new(ftp).unwrap();
                Self::Store(Arc::new(OpendalStore::new(operator)))
            }
            Kind::Newest => {
                let ftp = opendal::services::Ftp::default();
                let ftp = ftp.endpoint(&endpoint).user(user).password(password).root(root);
                Self::Operator(Operator::new(ftp).unwrap())
            }
        }
    }

    /// Reads a whole file
    pub async fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        match self {
            Self::Store(store) => {
                let file = store.get(&Path::from(path)).await.map_err(text)?;
                Ok(file.bytes().await.map_err(text)?.to_vec())
            }
            Self::Operator(operator) => Ok(operator.read(path).await.map_err(text)?.to_vec()),
        }
    }

    /// Reads a whole file in chunks of this size, four at a time
    pub async fn read_chunks(
        &self,
        path: &str,
        size: usize,
        chunk: usize,
    ) -> Result<Vec<u8>, String> {
        match self {
            Self::Store(store) => {
                let chunks = (0..size).step_by(chunk).map(|from| {
                    let to = (from + chunk).min(size);
                    let (store, path) = (Arc::clone(store), Path::from(path));
                    async move { store.get_range(&path, from as u64..to as u64).await }
                });
                let chunks = futures_util::stream::iter(chunks).buffered(4);
                let chunks: Vec<_> = chunks.try_collect().await.map_err(text)?;
                Ok(chunks.concat())
            }
            Self::Operator(operator) => {
                let read = operator.read_with(path).chunk(chunk).concurrent(4);
                Ok(read.await.map_err(text)?.to_vec())
            }
        }
    }

    /// Reads ranges of a file, as a reader of Parquet does
    pub async fn read_ranges(
        &self,
        path: &str,
        ranges: &[Range<u64>],
    ) -> Result<Vec<Vec<u8>>, String> {
        match self {
            Self::Store(store) => {
                let parts = store.get_ranges(&Path::from(path), ranges).await.map_err(text)?;
                Ok(parts.into_iter().map(|part| part.to_vec()).collect())
            }
            Self::Operator(operator) => {
                let reader = operator.reader(path).await.map_err(text)?;
                let parts = reader.fetch(ranges.to_vec()).await.map_err(text)?;
                Ok(parts.into_iter().map(|part| part.to_vec()).collect())
            }
        }
    }

    pub async fn write(&self, path: &str, bytes: Vec<u8>) -> Result<(), String> {
        match self {
            Self::Store(store) => {
                store.put(&Path::from(path), bytes.into()).await.map(drop).map_err(text)
            }
            Self::Operator(operator) => operator.write(path, bytes).await.map(drop).map_err(text),
        }
    }

    /// Lists the files of a directory
    pub async fn list(&self, directory: &str) -> Result<Vec<String>, String> {
        let mut names: Vec<String> = match self {
            Self::Store(store) => {
                let prefix = Path::from(directory);
                let prefix = (!directory.is_empty()).then_some(&prefix);
                let files: Vec<_> = store.list_with_delimiter(prefix).await.map_err(text)?.objects;
                files.into_iter().map(|file| file.location.to_string()).collect()
            }
            Self::Operator(operator) => {
                let entries = operator.list(&format!("{directory}/")).await.map_err(text)?;
                let files = entries.into_iter().filter(|entry| !entry.path().ends_with('/'));
                files.map(|file| file.path().to_owned()).collect()
            }
        };
        names.sort();
        Ok(names)
    }
}
