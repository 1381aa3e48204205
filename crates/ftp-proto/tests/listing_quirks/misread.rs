//! Names, sizes and times that are easily misread, because part of a line has two meanings

use serde_json::json;

use super::check;

#[test]
fn the_size_of_a_link_shows_where_its_target_begins() {
    check(
        "lrwxrwxrwx   1 ann  staff       6 Mar  9 18:15 a -> b -> target\r\n\
         lrwxrwxrwx   1 ann  staff      11 Mar  9 18:15 a -> b -> target\r\n\
         lrwxrwxrwx   1 ann  staff       6 Mar  9  2024 a -> b ->  -> target\r\n\
         lrwxrwxrwx   1 ann  staff       0 Mar  9 18:15 a -> b -> target\r\n\
         lrwxrwxrwx   1 ann  staff      10 Mar  9 18:15 a -> b -> target\r\n\
         lrwxrwxrwx   1 ann  staff      15 Mar  9 18:15 a -> b -> target\r\n\
         lrwxrwxrwx   1 ann  staff    4096 Mar  9 18:15 a -> b -> target\r\n\
         lrwxrwxrwx   1 ann  staff       6 2026-03-09 18:15 a -> b -> target\r\n\
         lrwxrwxrwx   1 ann  staff       7 Mar  9 18:15 a -> z\u{fc}rich\r\n",
        &[
            json!({ "name": "a -> b", "target": "target" }),
            json!({ "name": "a", "target": "b -> target" }),
            json!({ "name": "a -> b -> ", "target": "target" }),
            // Other servers have another number there.
            json!({ "name": "a", "target": "b -> target" }),
            json!({ "name": "a", "target": "b -> target" }),
            json!({ "name": "a", "target": "b -> target" }),
            json!({ "name": "a", "target": "b -> target" }),
            json!({ "name": "a -> b", "target": "target" }),
            // Bytes are counted, not characters.
            json!({ "name": "a", "target": "z\u{fc}rich" }),
        ],
    );
}
