//! Copies contain the bytes of their source, however many run at once

use ftp_test::Action;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::server::start_with;
use crate::store;

/// ProFTPD's SITE CPFR and CPTO make another link of a link, which leads to another file from another directory (Q154)
#[tokio::test]
async fn a_copy_of_a_link_is_no_link() {
    let files: [(&str, &[u8]); 3] =
        [("data", b"precious"), ("latest", b"precious"), ("d/data", b"other")];
    let server = start_with(&files, |command, files| {
        Some(match (command.verb, command.argument.split_once(' ')) {
            ("FEAT", _) => Action::reply("211-Features:\r\n SIZE\r\n SITE COPY\r\n211 End"),
            ("SITE", Some(("CPFR", "latest"))) => {
                Action::reply("350 File exists, ready for destination name")
            }
            ("SITE", Some(("CPTO", to))) => {
                files.put(to, b"from the link");
                Action::reply("250 Copy successful")
            }
            _ => return None,
        })
    });
    let store = store(&server);
    for to in ["backup", "d/backup"] {
        store.copy(&Path::from("latest"), &Path::from(to)).await.unwrap();
        assert_eq!(server.files().get(to).unwrap(), b"precious");
    }
}
