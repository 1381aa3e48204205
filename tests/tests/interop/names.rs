//! Names with unusual bytes

use std::os::unix::ffi::OsStrExt;

use crate::everywhere;

#[test]
fn files_with_odd_names() {
    let names: [&[u8]; 18] = [
        b"two words",
        b" leading space",
        "na\u{ef}ve \u{65e5}\u{672c}\u{8a9e}".as_bytes(),
        b"latin-1 \xE9\xE8",
        b"telnet \xFF\xFF\xF4",
        // Windows-1251 for a name that begins and ends with the Cyrillic letter ya.
        b"\xFF\xE1\xEB\xEE\xEA\xFF",
        b"\xFF",
        b"a\xFF\xFFb",
        b"quote\"d \"\"twice\"\"",
        b"-dash",
        b"--help",
        b"star*",
        b"quest?ion",
        b"[range]",
        b"{brace,s}",
        b"back\\slash",
        b"percent%20",
        b"~tilde $dollar `tick` ;semi|pipe&",
    ];
    everywhere(|way| {
        // Whether Telnet's IAC is doubled on the wire, as RFC 959 requires, depends on the greeting.
        let (mut ftp, _, local) = way.enter();
        for name in names {
            // pyftpdlib is configured for UTF-8 and answers other bytes with 501.
            if way.server.name == "pyftpdlib" && std::str::from_utf8(name).is_err() {
                assert!(ftp.size(name).is_err());
                continue;
            }
            let shown = name.escape_ascii();
            // Pure-FTPd strips leading spaces, and forbids backslashes.
            let picky = way.server.name == "pureftpd";
            if picky && (name.starts_with(b" ") || name.contains(&b'\\')) {
                continue;
            }
            ftp.upload_from(name, &mut &b"content"[..])
                .unwrap_or_else(|error| panic!("{shown}: {error}"));
            let on_disk = local.join(std::ffi::OsStr::from_bytes(name));
            let content = std::fs::read(&on_disk);
            assert!(content.is_ok_and(|content| content == b"content"), "{shown}");
            assert_eq!(ftp.size(name).unwrap(), 7, "{shown}");
            let mut back = Vec::new();
            ftp.download_to(name, &mut back).unwrap();
            assert_eq!(back, b"content", "{shown}");
            assert!(ftp.names("").unwrap().iter().any(|listed| listed == name), "{shown}");
            let renamed = [name, b".2"].concat();
            ftp.rename(name, &renamed).unwrap();
            assert!(!on_disk.exists(), "{shown}");
            ftp.rename(&renamed, name).unwrap();
            assert!(on_disk.exists(), "{shown}");
            ftp.delete(name).unwrap();
            assert!(ftp.size(name).is_err(), "{shown}");
        }
        ftp.quit().unwrap();
    });
}

#[test]
fn directories_with_odd_names() {
    let names: [&[u8]; 9] = [
        b"two words",
        "\u{65e5}\u{672c}".as_bytes(),
        b"quote\"d \"\"twice\"\"",
        b"-dash",
        b"~",
        b"~tester",
        b"\xFF\xFBx",
        b"\xFF\xFF",
        b"a\xFF",
    ];
    everywhere(|way| {
        let (mut ftp, remote, _) = way.enter();
        for name in names {
            if way.server.name == "pyftpdlib" && std::str::from_utf8(name).is_err() {
                continue;
            }
            let shown = name.escape_ascii();
            let path = [remote.as_bytes(), b"/", name].concat();
            if let Some(made) = ftp.mkdir(name).unwrap() {
                // vsftpd writes `./~`, as it is sent.
                let made = made.escape_ascii().to_string().replace("/./", "/");
                assert!(
                    [path.escape_ascii(), name.escape_ascii()]
                        .map(|path| path.to_string())
                        .contains(&made)
                );
            }
            ftp.cwd(name).unwrap();
            assert_eq!(ftp.pwd().unwrap(), path, "{shown}");
            ftp.cdup().unwrap();
            assert_eq!(ftp.pwd().unwrap(), remote.as_bytes());
            ftp.rmdir(name).unwrap();
        }
        ftp.quit().unwrap();
    });
}

/// Regression: the trees of other directories were deleted, with success
#[test]
fn a_directory_with_an_odd_name_is_not_taken_for_another() {
    // A name, and what was made of it, or of the answer to PWD in it
    let pairs: [(&[u8], &[u8]); 5] = [
        (b"\xFF\xFBx", b"."),
        // Windows-1251
        (b"\xFF\xF5\xF2\xE0", b"\xF2\xE0"),
        (b"\xFF\xFF", b"\xFF"),
        (b"a\"\"b", b"a\"b"),
        (b"~", b"home"),
    ];
    everywhere(|way| {
        let (mut ftp, remote, local) = way.enter();
        for (name, other) in pairs {
            if way.server.name == "pyftpdlib" && std::str::from_utf8(name).is_err() {
                continue;
            }
            let shown = name.escape_ascii();
            for parent in [name, other] {
                ftp.create_dir_all([parent, b"/sub"].concat()).unwrap();
                ftp.upload_from([parent, b"/sub/f"].concat(), &mut &b"x"[..]).unwrap();
            }
            let on_disk = |name: &[u8]| local.join(std::ffi::OsStr::from_bytes(name)).join("sub");
            // Otherwise all of it happens in the user's home directory.
            assert!(on_disk(name).join("f").exists(), "{shown}");
            ftp.cwd(name).unwrap();
            // A listing of another directory leaves the working directory.
            assert_eq!(ftp.read_dir("sub").unwrap().count(), 1, "{shown}");
            assert_eq!(ftp.size("sub/f").unwrap(), 1, "{shown}");
            ftp.remove_dir_all("sub").unwrap();
            assert!(on_disk(other).join("f").exists(), "{shown}");
            assert!(!on_disk(name).exists(), "{shown}");
            ftp.cwd(&remote).unwrap();
            ftp.remove_dir_all(name).unwrap();
            assert!(on_disk(other).join("f").exists(), "{shown}");
            let other = if other == b"." { b"sub" } else { other };
            ftp.remove_dir_all(other).unwrap();
        }
        ftp.quit().unwrap();
    });
}
