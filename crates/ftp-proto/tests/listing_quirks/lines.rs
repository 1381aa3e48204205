//! A line among others: names that wait for the next line, and positions

use super::*;

#[test]
fn a_name_that_waits_for_its_columns_is_reported() {
    let mut parser = parser();
    let mut listing = &b"A_LONG_NAME.TXT;1\r\n"[..];
    // Whether it continues is not known yet.
    assert_eq!(parser.parse(&mut listing), None);
    assert!(listing.is_empty());
    let mut listing = &b"   1  1-FEB-2026 04:10\r\n"[..];
    let Some(Item::Note(Note::Continued(line))) = parser.parse(&mut listing) else { panic!() };
    assert_eq!(line, b"A_LONG_NAME.TXT;1");
    let Some(Item::Entry(entry)) = parser.parse(&mut listing) else { panic!() };
    assert_eq!(entry.name, b"A_LONG_NAME.TXT");
    assert_eq!(parser.parse(&mut listing), None);
    assert_eq!(parser.finish(), None);
}

#[test]
fn a_name_that_is_never_continued_is_an_entry() {
    let header = "Directory DISK$DATA:[ANN]\r\n";
    // The rest of an entry may begin in the first column.
    check(
        format!(
            "{header}FILE_A.DAT;1\r\n64   4-MAR-2019 00:04 [USR,GRP] (RWED,RWED,RE,)\r\n\
             FILE_B.DAT;2\r\nFILE_C.DAT;3  1  5-MAR-2019 00:04\r\nDEEP.DIR;1\r\n\r\n\
             VERSIONLESS_LONG.NAME\r\nFILE_D.DAT;4\r\nTotal of 4 files, 64 blocks.\r\nFILE_E.DAT;5"
        ),
        &[
            json!({ "result": "skipped" }),
            json!({ "name": "FILE_A.DAT", "owner": "GRP", "modified": "2019-03-04T00:04" }),
            json!({ "name": "FILE_B.DAT", "kind": "file" }),
            json!({ "name": "FILE_C.DAT", "modified": "2019-03-05T00:04" }),
            json!({ "name": "DEEP", "kind": "dir" }),
            json!({ "result": "skipped" }),
            json!({ "name": "VERSIONLESS_LONG.NAME" }),
            json!({ "name": "FILE_D.DAT" }),
            json!({ "result": "skipped" }),
            json!({ "name": "FILE_E.DAT" }),
        ],
    );
    // Names that are typical of these systems are parsed as theirs, all others as bare names.
    check(
        "LOGIN.COM;3\nDEEP.DIR;1\nvery;2\nlast;3",
        &[
            json!({ "name": "LOGIN.COM" }),
            json!({ "name": "DEEP", "kind": "dir" }),
            json!({ "name": "very;2" }),
            json!({ "name": "last;3" }),
        ],
    );
    check_with(
        || parser().with_format(Format::Names),
        "LOGIN.COM;3\n",
        &[json!({ "name": "LOGIN.COM;3" })],
    );
    // A name, and the beginning of the next line: two items are left at the end.
    let mut parser = parser();
    let mut listing = &b"LOGIN.COM;3\nLOGOUT.COM;1"[..];
    assert_eq!(parser.parse(&mut listing), None);
    for expected in [b"LOGIN.COM", &b"LOGOUT.COM"[..]] {
        let Some(Item::Entry(entry)) = parser.finish() else { panic!() };
        assert_eq!(entry.name, expected);
    }
    assert_eq!(parser.finish(), None);
}

/// Lines after others of their format take a fast path, which must give the same result
#[test]
fn a_line_is_parsed_the_same_at_any_position() {
    let unix = [
        "-rw-r--r--   1 ann      staff          42 Mar 10 12:34 plain",
        "drwxr-xr-x  12 ann      staff        4096 Dec 31  1999 a year",
        "drwxrwsr-t  12 ann      staff        4096 Dec  1  1999  blank",
        "lrwxrwxrwx   1 ann      staff           3 Feb 29 12:00 a -> b -> c",
        "lrwxrwxrwx   1 ann      staff           3 Feb 29 12:00 nowhere",
        "lrwxrwxrwx   1 ann      staff           3 Feb 29 12:00 nowhere -> ",
        "-rw-r--r--   1 ann      staff          42 Mar 10 12:34:56 seconds",
        "-rw-r--r--   1 ann      staff          42 Mar 10 2024 one blank",
        "-rw-r--r--   1 ann      staff          42 Mar  1 2024  left",
        "-rw-r--r--   1 ann      staff          42 mai 10 12:34 month",
        "-rw-r--r--   1 ann      staff          42 Feb 30 12:34 no such day",
        "-rw-r--r--   1 ann      staff          42 Mar 10 24:34 no such hour",
        "-rw-r--r--   1 ann      staff          42 Mar 10 12:34 ",
        "-rw-r--r--   1 ann      staff          42 Mar 10 12:34",
        "-rw-r--r--   1 ann      staff    18446744073709551615 Mar 10 12:34 most",
        "-rw-r--r--   1 ann      staff    18446744073709551616 Mar 10 12:34 too much",
        "-rw-r--r--+  1 ann      staff          42 Mar 10 12:34 marked",
        "-rw-r--r--1234 ann      staff          42 Mar 10 12:34 many links",
        "-rw-r--r--   1 two words   staff       42 Mar 10 12:34 owner",
        "-rw-r--r--   1 ann                     42 Mar 10 12:34 no group",
        "-rw-r--r--   10         20             30 Mar 10 12:34 forks",
        "crw-r--r--   1 ann      staff      1,   3 Mar 10 12:34 device",
        "-rw-r--r--   1 ann\tstaff          42 Mar 10 12:34 tab",
        "",
    ];
    let mlsx = [
        "type=file;size=42;modify=20240310123456;perm=adfrw; plain",
        "Type=File;Size=42;Modify=20240310123456;Perm=adfrw; case",
        "type=cdir;modify=20240310123456.5;UNIX.mode=0755;UNIX.owner=0;UNIX.nlink=2; .",
        "type=OS.unix=slink:/x;size=1; link",
        "type=file;;size=1; empty fact",
        "type=file;size=; no size",
        "type=file;sizd=3; sizd",
        "type=file;modify=20240230123456; no such day",
        "type=file;modify=2024031012345x; no digit",
        "type=file;size=18446744073709551616; too much",
        "type=file;=x; no key",
        "type=file;x; no value",
        "type=file;a=b;c=d no end",
        "size=1;\ttab",
        " type=file; indented",
        " only a name",
        ";;",
        "; nothing",
    ];
    let dos = [
        "03-10-24  12:34PM  <DIR>  d",
        "03-10-24  12:34PM  42  two blanks",
        "31-12-24  01:02AM 1 x",
    ];
    for (first, lines) in [(unix[0], &unix[..]), (mlsx[0], &mlsx), (dos[0], &dos)] {
        for line in lines {
            let alone = read(parser, format!("{line}\n").as_bytes()).swap_remove(0);
            let after = format!("{first}\n{first}\n{line}\n");
            let after = read(parser, after.as_bytes()).swap_remove(2);
            // Bare names are alone, and lines of MLSD without facts follow others.
            let known = |object: Value| Some(object).filter(|object| object.get("kind").is_some());
            assert_eq!(known(alone), known(after), "{line}");
        }
    }
}

#[test]
fn a_long_line_of_blanks_does_not_recurse() {
    let objects = read(|| parser().with_format(Format::Mlsx), &[b' '; 60_000]);
    assert_eq!(objects.len(), 1);
}
