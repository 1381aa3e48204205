//! URLs: characters that other programs drop or replace, and passwords in what is not quite one

use ftp_test::Server;

use crate::Home;

/// Regression: the parser of web URLs dropped the space, and took the backslash for a slash
#[test]
fn a_space_at_the_end_and_a_backslash_of_a_url_belong_to_the_name() {
    let (server, home) = (Server::start(), Home::new());
    for path in ["a", "a ", "d/b", "d\\b", "n"] {
        server.files().put(path, path.as_bytes());
    }
    let url = |path: &str| format!("ftp://me@127.0.0.1:{}/{path}", server.address().port());
    assert_eq!(home.rftp(&["rm", &url("a "), &url("d\\b")]).code, Some(0));
    let left = ["a", "a ", "d/b", "d\\b"].map(|path| server.files().contains(path));
    assert_eq!(left, [true, false, true, false], "{:?}", server.commands());
    assert_eq!(home.rftp(&["put", "-", &url("n ")]).code, Some(0));
    assert_eq!(server.files().get("n").unwrap(), b"n");
    assert_eq!(server.files().get("n ").unwrap(), b"");
    server.forget_commands();
    for wrong in [&url("a\tb"), &url("a\n"), &url("a;type=i "), "ftp://h\\a", "ftp:\\\\h/a"] {
        assert_eq!(home.rftp(&["rm", wrong]).code, Some(2), "{wrong:?}");
    }
    assert_eq!(server.count("DELE"), 0);
}

#[test]
fn a_password_is_masked_in_a_url_without_its_colon() {
    let home = Home::new();
    let text = "ftp//me:seeded@127.0.0.1/d/x";
    home.write("list", format!("a\n{text}\n").as_bytes());
    for arguments in [
        &["get", text][..],
        &["cat", text],
        &["mirror", text, "here"],
        &["put", text, "ftp://127.0.0.1:9/"],
        &["fetch", "list"],
        &["fetch", "list", "--base", "ftp://127.0.0.1:9/", "-O", "o", "--json"],
        &["verify", "list", "-O", "o"],
        &["verify", "list", "-O", "o", "--json"],
    ] {
        let run = home.rftp(&[arguments, &["--retries", "0"]].concat());
        assert!(run.code != Some(0) && !format!("{run:?}").contains("seeded"), "{run:?}");
        if arguments.contains(&"-O") {
            assert!(run.code == Some(2) && run.stderr.contains("list line 2"), "{run:?}");
        }
    }
}
