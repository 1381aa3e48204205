//! The operations that are dropped at every poll, but for the [requests](crate::requests), and what they leave on the
//! server

use std::future::Future;
use std::pin::Pin;

use ftp_tests::memory::Server;
use ftp_tokio::ftp_proto::Protection;
use ftp_tokio::{Client, CopyOptions, Error, RemoveOptions, Timestamp, WalkOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::dropping::file;

pub(crate) type Operation =
    for<'a> fn(&'a mut Client) -> Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

pub(crate) type Named = (&'static str, Operation);

const LINE: &str = "a line";

pub(crate) const OPERATIONS: &[Named] = &[
    ("get", |client| {
        Box::pin(async {
            let mut bytes = Vec::new();
            client.download_to("one", &mut bytes).await?;
            assert!(bytes == file(1));
            Ok(())
        })
    }),
    ("read", |client| {
        Box::pin(async {
            let mut download = client.get("one").await?;
            let mut bytes = [0; 100];
            download.read_exact(&mut bytes).await?;
            assert!(bytes == file(1)[..100]);
            download.abort().await.map(drop)
        })
    }),
    ("copy_to", |client| {
        Box::pin(async {
            let mut bytes = Vec::new();
            client.get("one").await?.copy_to(&mut bytes, |_| ()).await?;
            assert!(bytes == file(1));
            Ok(())
        })
    }),
    ("copy_from", |client| {
        Box::pin(async {
            let upload = client.put("new").await?;
            upload.copy_from(&mut &file(2)[..], |_| ()).await.map(drop)
        })
    }),
    ("copies in small blocks", |client| {
        Box::pin(async {
            let options = CopyOptions::new().block_size(3_000);
            let mut bytes = Vec::new();
            client.get("one").await?.copy_to_with(&mut bytes, options, |_| ()).await?;
            assert!(bytes == file(1));
            let upload = client.put("new").await?;
            upload.copy_from_with(&mut &file(2)[..], options, |_| ()).await.map(drop)
        })
    }),
    ("put", |client| {
        Box::pin(async {
            let mut upload = client.put("new").await?;
            upload.write_all(&file(2)).await?;
            upload.finish().await.map(drop)
        })
    }),
    ("flush", |client| {
        Box::pin(async {
            let mut upload = client.put("new").await?;
            for part in file(2).chunks(2_000) {
                upload.write_all(part).await?;
                upload.flush().await?;
            }
            upload.finish().await.map(drop)
        })
    }),
    ("shutdown", |client| {
        Box::pin(async {
            let mut upload = client.put("new").await?;
            upload.write_all(&file(2)).await?;
            upload.shutdown().await?;
            Ok(())
        })
    }),
    ("abort of an upload", |client| {
        Box::pin(async {
            let mut upload = client.put("part").await?;
            upload.write_all(&file(2)[..700]).await?;
            upload.abort().await.map(drop)
        })
    }),
    ("upload_from", |client| {
        Box::pin(async { client.upload_from("new", &mut &file(2)[..]).await.map(drop) })
    }),
    ("read_dir", |client| {
        Box::pin(async {
            let mut entries = client.read_dir("").await?;
            while let Some(entry) = entries.next().await {
                entry?;
            }
            Ok(())
        })
    }),
    ("list", |client| {
        Box::pin(async {
            let mut listing = client.list("").await?;
            while listing.next_line().await?.is_some() {}
            listing.finish().await.map(drop)
        })
    }),
    ("abort of a listing", |client| {
        Box::pin(async {
            let mut listing = client.list("").await?;
            listing.next_line().await?;
            let mut entries = listing.entries();
            entries.next().await.transpose()?;
            entries.abort().await.map(drop)
        })
    }),
    ("names", |client| {
        Box::pin(async {
            let names = client.names("").await?;
            assert_eq!(names, ["one", "other", "text"].map(str::as_bytes));
            Ok(())
        })
    }),
    ("facts", |client| {
        Box::pin(async {
            assert_eq!(client.facts("one").await?.size(), Some(5_000));
            Ok(())
        })
    }),
    ("stat_dir", |client| {
        Box::pin(async {
            assert_eq!(client.stat_dir("").await?.entries.len(), 3);
            Ok(())
        })
    }),
    ("learn_utc_offset", |client| {
        Box::pin(async {
            let entry = client.read_dir("").await?.next().await.unwrap()?;
            client.learn_utc_offset(&entry).await.map(drop)
        })
    }),
    ("get_lines", |client| {
        Box::pin(async {
            client.get_lines("text", |line| assert_eq!(line, LINE.as_bytes())).await.map(drop)
        })
    }),
    ("put_lines", |client| {
        Box::pin(async { client.put_lines("lines", [LINE; 100]).await.map(drop) })
    }),
    ("lines of a source that fails", |client| {
        Box::pin(async {
            let fails = [Err(std::io::Error::other("bad sector"))];
            let lines = [LINE; 30].into_iter().map(Ok).chain(fails);
            let error = client.try_put_lines("part of the lines", lines).await.unwrap_err();
            assert!(matches!(error, Error::Local(_)), "{error:?}");
            Ok(())
        })
    }),
    ("rmdir", |client| {
        Box::pin(async {
            let error = client.rmdir("d").await.unwrap_err();
            assert_eq!(error.reply().map(|reply| reply.code().get()), Some(550));
            Ok(())
        })
    }),
    ("walk", |client| {
        Box::pin(async {
            let mut walk = client.walk("", WalkOptions::new());
            while let Some(found) = walk.next().await {
                found.unwrap();
            }
            Ok(())
        })
    }),
    ("create_dir_all", |client| Box::pin(async { client.create_dir_all("a/b").await.map(drop) })),
    ("remove_dir_all", |client| {
        Box::pin(async {
            assert_eq!(client.remove_dir_all("tree").await?.files, 3);
            Ok(())
        })
    }),
    ("remove_dir_all_with", |client| {
        Box::pin(async {
            let options = RemoveOptions::new();
            client.remove_dir_all_with("tree", options).await.map(drop)
        })
    }),
    ("set_modified", |client| {
        Box::pin(async {
            let time = Timestamp::from_unix(1_600_000_000).unwrap();
            client.set_modified("one", time).await.map(drop)
        })
    }),
];

/// Operations that change the connection, which begins in clear text
pub(crate) const SECURING: &[Named] = &[
    ("secure", |client| Box::pin(async { client.secure().await })),
    ("secure_control", |client| Box::pin(async { client.secure_control().await.map(drop) })),
];

/// Operations that change the connection, which begins under TLS
pub(crate) const PROTECTING: &[Named] = &[
    ("protect", |client| Box::pin(async { client.protect(Protection::Clear).await.map(drop) })),
    ("clear_control", |client| {
        Box::pin(async {
            client.clear_control().await?;
            assert!(!client.is_secure());
            Ok(())
        })
    }),
];

/// The server's files
pub(crate) fn server() -> Server {
    let mut server = Server::new();
    server.directory = Some("tree");
    server.files.insert("one".into(), file(1));
    server.files.insert("other".into(), file(3));
    server.files.insert("text".into(), format!("{LINE}\r\n").repeat(100).into());
    server
}

/// The files that the operations upload
fn uploaded(name: &str) -> Option<Vec<u8>> {
    match name {
        "new" | "part" => Some(file(2)),
        "lines" | "part of the lines" => Some(format!("{LINE}\r\n").repeat(100).into()),
        _ => None,
    }
}

/// Checks that files have only bytes of theirs, and all of them if the operation was not dropped; returns whether one
/// has a part
pub(crate) fn check_uploads(server: &Server, is_done: bool, at: &str) -> bool {
    let mut has_part = false;
    for (name, bytes) in &server.files {
        let Some(whole) = uploaded(name) else { continue };
        assert!(whole.starts_with(bytes), "{at}: {name} has other bytes");
        let is_part = bytes.len() < whole.len();
        assert!(!is_done || !is_part || name.starts_with("part"), "{at}: {name} is not whole");
        has_part |= is_part && !bytes.is_empty();
    }
    has_part
}
