//! Servers that accept at most eight sessions

use std::fs;

use ftp_object_store::FtpStore;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use ftp_tests::servers;

fn content(file: usize) -> Vec<u8> {
    format!("file {file} and nobody else's\n").bytes().cycle().take(50_000 + file).collect()
}

/// A hundred reads at once, with at most sixteen sessions, then as many writes and deletions
#[tokio::test]
async fn a_hundred_at_once() {
    const FILES: usize = 100;
    for server in servers::limited() {
        let name = format!("store-limited-{}", std::process::id());
        let local = server.home.join(&name);
        fs::create_dir_all(&local).unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(&local, open).unwrap();
        for file in 0..FILES {
            fs::write(local.join(format!("f{file}")), content(file)).unwrap();
        }
        let store = FtpStore::builder()
            .url(format!("ftp://127.0.0.1:{}", server.port))
            .login(&server.user, &server.password)
            .root(format!("{}/{name}", server.directory.trim_end_matches('/')))
            .max_sessions(16)
            .build()
            .unwrap();
        let mut running = Vec::new();
        for file in 0..FILES {
            let store = store.clone();
            running.push(tokio::spawn(async move {
                let bytes = store.get(&Path::from(format!("f{file}"))).await?.bytes().await?;
                assert!(bytes == content(file), "file {file}");
                store.put(&Path::from(format!("new/f{file}")), bytes.into()).await.map(drop)
            }));
        }
        for task in running {
            task.await.unwrap().unwrap();
        }
        let paths = (0..FILES).map(|file| Ok(Path::from(format!("new/f{file}"))));
        let deleted: Vec<_> =
            store.delete_stream(stream::iter(paths).boxed()).try_collect().await.unwrap();
        assert_eq!(deleted.len(), FILES);
        assert_eq!(store.list(None).try_collect::<Vec<_>>().await.unwrap().len(), FILES);
        let status = store.pool().status(store.site());
        assert_eq!(status.limit, 8, "{}: {status:?}", server.name);
        assert!(status.refused <= 1, "{}: {status:?}", server.name);
    }
}
