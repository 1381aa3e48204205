//! Copies contain the bytes of their source, however many run at once

use std::time::Duration;

use ftp_object_store::ftp_tokio::Pool;
use ftp_test::{Action, Limit};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::server::{start, start_with};
use crate::{builder, content, store};

/// More than one session copies through memory
const LARGE: usize = 9_000_000;

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

/// Each needs two sessions, and as many begin as there are sessions
#[tokio::test]
async fn large_copies_at_once_leave_each_other_sessions() {
    // The store learns the limit only when a session is refused.
    for (sessions, limit) in [(3, 3), (8, 2)] {
        let server = start(&[("big", &content(LARGE))]);
        server.limit_sessions(Limit::new(limit));
        let wait = Duration::from_secs(30);
        let store = builder(&server).max_sessions(sessions).wait_timeout(wait).build().unwrap();
        let mut running = Vec::new();
        for copy in 0..4 {
            let store = store.clone();
            running.push(tokio::spawn(async move {
                store.copy(&Path::from("big"), &Path::from(format!("copy{copy}"))).await
            }));
        }
        for (copy, task) in running.into_iter().enumerate() {
            task.await.unwrap().unwrap();
            assert!(server.files().get(&format!("copy{copy}")).unwrap() == content(LARGE));
        }
    }
}

/// Fails at once: the wait for the second session is longer than a test may take
#[tokio::test]
async fn a_large_copy_with_one_session_says_that_it_needs_two() {
    let wait = Duration::from_secs(3600);
    let pool = || Pool::builder().sessions_per_host(1).wait_timeout(wait).build();
    for setting in ["max_sessions", "pool", "server"] {
        let server = start(&[("big", &content(LARGE)), ("small", b"abc")]);
        let mut builder = builder(&server).wait_timeout(wait);
        match setting {
            "max_sessions" => builder = builder.max_sessions(1),
            "pool" => builder = builder.pool(pool()),
            _ => server.limit_sessions(Limit::new(1)),
        }
        let store = builder.build().unwrap();
        let error = store.copy(&Path::from("big"), &Path::from("copy")).await.unwrap_err();
        assert!(error.to_string().contains("can't get two sessions to copy /big"), "{error}");
        store.copy(&Path::from("small"), &Path::from("other")).await.unwrap();
        assert_eq!(server.files().paths(), ["big", "other", "small"]);
    }
}
