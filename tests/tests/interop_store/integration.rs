//! The tests that `object_store` provides for every store; the crate's documentation lists which ones do not apply, and
//! why

use object_store::integration as suite;

use crate::place::everywhere;

#[test]
fn put_get_delete_list() {
    everywhere(|place| async move { suite::put_get_delete_list(&place.store()).await });
}

#[test]
fn put_get_attributes() {
    everywhere(|place| async move { suite::put_get_attributes(&place.store()).await });
}

#[test]
fn put_opts() {
    everywhere(|place| async move {
        let store = place.builder().weak_create(true).build().unwrap();
        suite::put_opts(&store, false).await;
    });
}

#[test]
fn stream_get() {
    everywhere(|place| async move { suite::stream_get(&place.store()).await });
}

#[test]
fn list_uses_directories_correctly() {
    everywhere(|place| async move {
        suite::list_uses_directories_correctly(&place.store()).await;
    });
}

#[test]
fn list_with_delimiter() {
    everywhere(|place| async move { suite::list_with_delimiter(&place.store()).await });
}

#[test]
fn list_with_offset_exclusivity() {
    everywhere(|place| async move { suite::list_with_offset_exclusivity(&place.store()).await });
}

#[test]
fn get_nonexistent_object() {
    everywhere(|place| async move {
        let error = suite::get_nonexistent_object(&place.store(), None).await.unwrap_err();
        assert!(matches!(error, object_store::Error::NotFound { .. }), "{error}");
    });
}

#[test]
fn rename_and_copy() {
    everywhere(|place| async move { suite::rename_and_copy(&place.store()).await });
}

#[test]
fn copy_if_not_exists() {
    everywhere(|place| async move {
        let store = place.builder().weak_create(true).build().unwrap();
        suite::copy_if_not_exists(&store).await;
    });
}

#[test]
fn copy_rename_nonexistent_object() {
    everywhere(|place| async move { suite::copy_rename_nonexistent_object(&place.store()).await });
}

#[test]
fn multipart_race_condition() {
    everywhere(|place| async move { suite::multipart_race_condition(&place.store(), true).await });
}

#[test]
fn multipart_out_of_order() {
    everywhere(|place| async move { suite::multipart_out_of_order(&place.store()).await });
}
