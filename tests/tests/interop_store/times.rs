//! Conditions on times

use std::time::{Duration, SystemTime};

use object_store::path::Path;
use object_store::{Error, GetOptions, ObjectStore, ObjectStoreExt};

use crate::place::everywhere;

/// The part of `object_store`'s test `get_opts` that concerns times; the rest of it needs etags
#[test]
fn conditions_on_times() {
    everywhere(|place| async move {
        let store = place.store();
        let path = Path::from("test");
        store.put(&path, "foo".into()).await.unwrap();
        let at = store.head(&path).await.unwrap().last_modified;
        let now = chrono::DateTime::<chrono::Utc>::from(SystemTime::now());
        assert!((now - at).num_seconds().abs() < 60, "{now} {at}");
        let hours = Duration::from_secs(10 * 3600);
        let get = |options: GetOptions| store.get_opts(&path, options);
        get(GetOptions::new().with_if_unmodified_since(Some(at))).await.unwrap();
        get(GetOptions::new().with_if_unmodified_since(Some(at + hours))).await.unwrap();
        let error = get(GetOptions::new().with_if_unmodified_since(Some(at - hours))).await;
        assert!(matches!(error, Err(Error::Precondition { .. })), "{error:?}");
        let error = get(GetOptions::new().with_if_modified_since(Some(at))).await;
        assert!(matches!(error, Err(Error::NotModified { .. })), "{error:?}");
        get(GetOptions::new().with_if_modified_since(Some(at - hours))).await.unwrap();
        // Without etags, no etag matches.
        let error = get(GetOptions::new().with_if_match(Some("any"))).await;
        assert!(matches!(error, Err(Error::Precondition { .. })), "{error:?}");
    });
}

#[test]
fn times_of_listings() {
    everywhere(|place| async move {
        let store = place.store();
        let path = Path::from("dir/test");
        store.put(&path, "foo".into()).await.unwrap();
        let head = store.head(&path).await.unwrap();
        let listed = store.list_with_delimiter(Some(&Path::from("dir"))).await.unwrap();
        let listed = &listed.objects[0];
        // LIST gives times to the minute.
        let apart = (head.last_modified - listed.last_modified).num_seconds();
        assert!((0..60).contains(&apart), "{head:?} {listed:?}");
        assert_eq!((head.size, listed.size), (3, 3));
    });
}
