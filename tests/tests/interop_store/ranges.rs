//! Ranges of large files, sessions after such reads, and copies

use std::time::Instant;

use ftp_object_store::FtpStore;
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};

use crate::place::{TestFolder, everywhere};

/// Bytes whose position in the file can be recognized
fn content(size: usize) -> Vec<u8> {
    (0..size as u64 / 8)
        .flat_map(|word| word.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes())
        .collect()
}

const SIZE: usize = 32 << 20;

fn one_session(place: &TestFolder) -> FtpStore {
    place.builder().max_sessions(1).build().unwrap()
}

async fn read(store: &FtpStore, path: &Path, range: GetRange) -> Vec<u8> {
    let options = GetOptions::new().with_range(Some(range));
    let result = store.get_opts(path, options).await.unwrap();
    assert_eq!(result.meta.size, SIZE as u64);
    result.bytes().await.unwrap().to_vec()
}

#[test]
fn ranges_of_every_kind() {
    everywhere(|place| async move {
        let (store, bytes, path) = (one_session(&place), content(SIZE), Path::from("big"));
        std::fs::write(place.local.join("big"), &bytes).unwrap();
        for (start, length) in [(0, 1), (5, 1000), (1 << 20, 300_000), (7, 9 << 20), (SIZE - 9, 9)]
        {
            let range = GetRange::Bounded(start as u64..(start + length) as u64);
            assert!(read(&store, &path, range).await == bytes[start..start + length]);
        }
        for offset in [0, SIZE - 1, SIZE - (3 << 20)] {
            let range = GetRange::Offset(offset as u64);
            assert!(read(&store, &path, range).await == bytes[offset..]);
        }
        for last in [1, 70_000, 2 << 20] {
            assert!(
                read(&store, &path, GetRange::Suffix(last)).await == bytes[SIZE - last as usize..]
            );
        }
        let ranges = [10..20, 5..15, 20_000_000..20_000_100, (SIZE as u64 - 4)..SIZE as u64 + 4];
        let parts = store.get_ranges(&path, &ranges).await.unwrap();
        for (range, part) in ranges.iter().zip(parts) {
            assert!(part == bytes[range.start as usize..(range.end as usize).min(SIZE)]);
        }
        let beyond = SIZE as u64 + 1..SIZE as u64 + 5;
        store.get_ranges(&path, std::slice::from_ref(&beyond)).await.unwrap_err();
        let status = store.pool().status(store.site());
        assert_eq!((status.limit, status.sessions), (1, 1), "{status:?}");
        assert_eq!(place.logins(), 1);
    });
}

/// A range leaves a restart marker, which pyftpdlib does not clear under TYPE A (Q54)
#[test]
fn a_listing_after_a_range() {
    everywhere(|place| async move {
        let (store, path) = (one_session(&place), Path::from("big"));
        std::fs::write(place.local.join("big"), content(300_000)).unwrap();
        for start in 0..20 {
            let length = if start % 2 == 0 { 10 } else { 299_000 };
            store
                .get_range(&path, 1000 + start..(1000 + start + length).min(300_000))
                .await
                .unwrap();
            let listed = store.list_with_delimiter(None).await.unwrap();
            assert_eq!(listed.objects.len(), 1);
        }
    });
}

/// Prints the cost of a range that ends early, by the number of bytes left in the file after it (`--nocapture`)
#[test]
fn the_session_goes_on_after_a_range() {
    everywhere(|place| async move {
        let (store, bytes, path) = (one_session(&place), content(SIZE), Path::from("big"));
        std::fs::write(place.local.join("big"), &bytes).unwrap();
        store.head(&path).await.unwrap();
        for rest in [0, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20] {
            let mut spent = std::time::Duration::ZERO;
            for _ in 0..8 {
                let range = (SIZE - rest - 1000) as u64..(SIZE - rest) as u64;
                let begun = Instant::now();
                let part = store.get_range(&path, range.clone()).await.unwrap();
                assert!(part == bytes[range.start as usize..range.end as usize]);
                // The only session is free again when this returns.
                store.head(&path).await.unwrap();
                spent += begun.elapsed();
            }
            println!("{}: {rest:9} bytes left: {:.2?} each", place.name(), spent / 8);
        }
        assert_eq!(place.logins(), 1);
    });
}

/// An unread stream does not prevent another read, though there is only one session
#[test]
fn a_paused_reader_gives_up_its_session() {
    everywhere(|place| async move {
        let (store, bytes) = (one_session(&place), content(SIZE));
        for name in ["one", "other"] {
            let file = place.local.join(name);
            std::fs::write(&file, &bytes).unwrap();
            let old = std::time::SystemTime::now() - std::time::Duration::from_secs(100);
            std::fs::File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
        }
        let mut one = store.get(&Path::from("one")).await.unwrap().into_stream();
        let mut read = one.next().await.unwrap().unwrap().to_vec();
        let other = store.get(&Path::from("other")).await.unwrap().bytes().await.unwrap();
        assert!(other == bytes);
        while let Some(piece) = one.try_next().await.unwrap() {
            read.extend(piece);
        }
        assert!(read == bytes);
    });
}

/// By the server if it can and may, otherwise through the client
#[test]
fn a_large_file_is_copied() {
    everywhere(|place| async move {
        let bytes = content(SIZE);
        std::fs::write(place.local.join("one"), &bytes).unwrap();
        for allowed in [false, true] {
            let store = place.builder().server_copies(allowed).build().unwrap();
            for target in ["two", "new dir/three", "two"] {
                store.copy(&Path::from("one"), &Path::from(target)).await.unwrap();
                assert!(std::fs::read(place.local.join(target)).unwrap() == bytes, "{target}");
            }
            assert_eq!(store.list_with_delimiter(None).await.unwrap().objects.len(), 2);
            // The directory with a blank is not one word (Q154).
            let by_server = if allowed && place.server.name == "proftpd" { 2 } else { 0 };
            assert_eq!(place.copies(), by_server);
        }
    });
}
