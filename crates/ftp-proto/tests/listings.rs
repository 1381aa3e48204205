//! Listings in every format, as the systems write them, and the fields of each line

use ftp_proto::listing::{Format, Item, ListingParser, Note, StatListing, parse_mlsx, parse_stat};
use ftp_proto::{Error, ReplyConfig, ReplyParser, Timestamp};
use serde_json::{Value, json};

#[path = "support/listing_json.rs"]
mod to_json;

fn now() -> Timestamp {
    to_json::parse_iso("2026-03-10T12:00:00Z").expect("a time")
}

/// Returns all items, with the detected format
fn read(listing: &[u8], size: usize) -> (Vec<Value>, Option<Format>) {
    read_with(ListingParser::new().with_now(now()), listing, size)
}

fn read_with(
    mut parser: ListingParser,
    listing: &[u8],
    size: usize,
) -> (Vec<Value>, Option<Format>) {
    let mut all = Vec::new();
    for mut piece in listing.chunks(size) {
        while let Some(item) = parser.parse(&mut piece) {
            all.extend(to_json::item(&item, &[]));
        }
    }
    while let Some(item) = parser.finish() {
        all.extend(to_json::item(&item, &[]));
    }
    (all, parser.format())
}

/// Each line must contain at least this
#[track_caller]
fn check(format: Option<Format>, listing: impl AsRef<[u8]>, expected: &[Value]) {
    let listing = listing.as_ref();
    for size in [1, 2, 7, listing.len()] {
        let (objects, chosen) = read(listing, size);
        assert_eq!(objects.len(), expected.len(), "{objects:#?}");
        for (object, expected) in objects.iter().zip(expected) {
            for (key, value) in expected.as_object().expect("an object") {
                assert_eq!(&object[key], value, "{key} in {object}");
            }
        }
        assert_eq!(chosen, format);
    }
}

#[test]
fn unix() {
    check(
        Some(Format::Unix),
        "total 24\r\n\
         drwxr-xr-x   3 ann   staff       4096 Mar 10 09:15 docs\r\n\
         -rw-r-----+  1 ann   staff 5000000000 Mar 11 11:59 tomorrow.iso\r\n\
         -rwsr-xr-t   1 0     0             12 Mar 12 12:00  two  blanks\r\n\
         lrwxrwxrwx   1 ann   staff          7 Dec 31 23:59 link -> a -> b\r\n\
         crw-rw-rw-   1 root  root      1,   3 Jan  1  2020 null\r\n\
         -rw-r--r--   1 ann             17 Feb 29  2024 no group\r\n\
         -rw-r--r--   1 ann   staff        9 2025-11-30 07:08 iso\r\n",
        &[
            json!({ "result": "skipped" }),
            json!({ "name": "docs", "kind": "dir", "modified": "2026-03-10T09:15", "owner": "ann",
                    "group": "staff", "links": 3, "perms": "rwxr-xr-x" }),
            // A day in the future is a matter of time zones; more is last year.
            json!({ "name": "tomorrow.iso", "size": 5_000_000_000_u64,
                    "modified": "2026-03-11T11:59" }),
            json!({ "name": " two  blanks", "modified": "2025-03-12T12:00", "mode": "5755" }),
            json!({ "name": "link", "target": "a -> b", "kind": "symlink",
                    "modified": "2025-12-31T23:59" }),
            json!({ "name": "null", "kind": "other", "size": null, "modified": "2020-01-01",
                    "precision": "day" }),
            json!({ "name": "no group", "owner": "ann", "group": null, "size": 17,
                    "modified": "2024-02-29" }),
            json!({ "name": "iso", "modified": "2025-11-30T07:08" }),
        ],
    );
}

#[test]
fn unix_in_other_languages_and_with_odd_owners() {
    check(
        Some(Format::Unix),
        "-rw-r--r-- 1 anna personal 10 3. M\u{e4}rz 10:00 deutsch\n\
         -rw-r--r-- 1 anne gens 11 12 f\u{e9}vr. 2025 fran\u{e7}ais\n\
         -rw-r--r-- 1 a b 12 3\u{6708} 9 08:07 nihon\n\
         -rw-r--r-- 1 mary jane   domain users 13 Mar  9 08:07 spaces\n",
        &[
            json!({ "name": "deutsch", "modified": "2026-03-03T10:00" }),
            json!({ "name": "fran\u{e7}ais", "modified": "2025-02-12" }),
            json!({ "name": "nihon", "modified": "2026-03-09T08:07" }),
            json!({ "name": "spaces", "owner": "mary jane", "group": "domain users", "size": 13 }),
        ],
    );
}

#[test]
fn relatives_of_unix() {
    check(
        Some(Format::Unix),
        "d [RWCEAFMS] admin                 512 Jan 05 10:11    public\n\
         -rwx------          10      20      30 Feb 01 08:00 forks\n\
         drwxr-x---               folder        2 May 10  1996 network\n",
        &[
            json!({ "name": "public", "kind": "dir", "owner": "admin",
                    "modified": "2026-01-05T10:11" }),
            json!({ "name": "forks", "size": 30, "owner": null }),
            json!({ "name": "network", "kind": "dir", "modified": "1996-05-10" }),
        ],
    );
}

#[test]
fn dos() {
    check(
        Some(Format::Dos),
        "03-10-26  12:15AM       <DIR>          inetpub\r\n\
         12-31-1999  11:59PM            1,234,567 report 1.txt\r\n\
         03-10-26  14:15                   42 24 hours\r\n\
         01-02-24  01:00PM       <SYMLINKD>     link [C:\\target]\r\n",
        &[
            json!({ "name": "inetpub", "kind": "dir", "modified": "2026-03-10T00:15" }),
            json!({ "name": "report 1.txt", "size": 1_234_567, "modified": "1999-12-31T23:59" }),
            json!({ "name": "24 hours", "size": 42, "modified": "2026-03-10T14:15" }),
            json!({ "name": "link", "kind": "symlink", "target": "C:\\target" }),
        ],
    );
}

#[test]
fn mlsd() {
    check(
        Some(Format::Mlsx),
        "type=cdir;modify=20260101000000; .\r\n\
         Type=file;Size=12;Modify=20260310115959.5;Perm=adfr;UNIX.mode=0640; a; b=c\r\n\
         type=OS.unix=slink:/etc/motd;size=9; motd\r\n",
        &[
            json!({ "name": ".", "kind": "dir", "zone": "utc" }),
            json!({ "name": "a; b=c", "size": 12, "modified": "2026-03-10T11:59:59.500",
                    "precision": "subsecond", "mode": "0640" }),
            json!({ "name": "motd", "kind": "symlink", "target": "/etc/motd" }),
        ],
    );
    let entry = parse_mlsx(b" type=file;unique=1; x").unwrap();
    assert_eq!((entry.name, entry.facts.get("UNIQUE")), (&b"x"[..], Some(&b"1"[..])));
    assert_eq!(parse_mlsx(b"nonsense;type=file; x"), None);
    assert_eq!(parse_mlsx(b"no facts; x"), None);
}

#[test]
fn eplf() {
    check(
        Some(Format::Eplf),
        "+i1.2,m1767225600,r,s77,up644,\tfile with blanks\r\n+/,\tdir\r\n",
        &[
            json!({ "name": "file with blanks", "kind": "file", "size": 77, "mode": "0644",
                    "modified": "2026-01-01T00:00:00", "zone": "utc" }),
            json!({ "name": "dir", "kind": "dir", "modified": null }),
        ],
    );
}

#[test]
fn vms() {
    check(
        Some(Format::Vms),
        "Directory DISK$DATA:[ANN]\r\n\r\n\
         LOGIN.COM;3            2/4   5-MAR-2026 10:20:30  [STAFF,ANN]  (RWED,RWED,RE,)\r\n\
         A_NAME_THAT_TAKES_THE_WHOLE_LINE_FOR_ITSELF.TXT;1\r\n\
         \x20                     1/3  31-DEC-2025 23:59  [ANN]  (RWED,RWED,,)\r\n\
         SECRET.DIR;1  %RMS-E-PRV, insufficient privilege or file protection violation\r\n\r\n\
         Total of 3 files, 3/7 blocks.\r\n",
        &[
            json!({ "result": "skipped" }),
            json!({ "result": "skipped" }),
            json!({ "name": "LOGIN.COM", "kind": "file", "size": null, "owner": "ANN",
                    "group": "STAFF", "modified": "2026-03-05T10:20:30", "mode": "0750" }),
            json!({ "name": "A_NAME_THAT_TAKES_THE_WHOLE_LINE_FOR_ITSELF.TXT",
                    "modified": "2025-12-31T23:59", "owner": "ANN" }),
            json!({ "name": "SECRET", "kind": "dir", "modified": null }),
            json!({ "result": "skipped" }),
            json!({ "result": "skipped" }),
        ],
    );
}

#[test]
fn rare_formats() {
    check(
        Some(Format::Os400),
        "ANN            4096 24.12.25 18:00:01 *STMF      letter.txt\n",
        &[json!({ "name": "letter.txt", "owner": "ANN", "size": 4096,
                  "modified": "2025-12-24T18:00:01" })],
    );
    check(
        Some(Format::Os2),
        "   77824     A      02-23-00   15:09  CONFIG.SYS\n     0           DIR   05-12-97   16:44  OS2\n",
        &[
            json!({ "name": "CONFIG.SYS", "size": 77_824, "modified": "2000-02-23T15:09" }),
            json!({ "name": "OS2", "kind": "dir" }),
        ],
    );
    check(
        Some(Format::NonStop),
        "File         Code             EOF  Last Modification    Owner  RWEP\n\
         LETTER        101            1024  7-Jan-26 08:09:10 255, 12 \"nunu\"\n",
        &[
            json!({ "result": "skipped" }),
            json!({ "name": "LETTER", "size": 1024, "modified": "2026-01-07T08:09:10" }),
        ],
    );
    check(
        Some(Format::Mvs),
        "Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname\n\
         VOL001 3390   2026/03/01  1   15  FB      80 27920  PO  ANN.LIB\n\
         Migrated                                                ANN.OLD\n",
        &[
            json!({ "result": "skipped" }),
            json!({ "name": "ANN.LIB", "kind": "dir", "modified": null }),
            json!({ "name": "ANN.OLD", "kind": "file" }),
        ],
    );
}

#[test]
fn bare_names_and_damaged_lines() {
    check(
        None,
        "a\r\n b c\r\n-dash",
        &[json!({ "name": "a" }), json!({ "name": " b c" }), json!({ "name": "-dash" })],
    );
    // A damaged line is not mistaken for a name.
    let (objects, _) = read(b"-rw-r--r-- 1 ann staff 12 Foo name\n03-10-26 what\n", 5);
    assert!(objects.iter().all(|object| object["result"] == "error"), "{objects:?}");
}

#[test]
fn a_year_needs_to_know_the_time() {
    let mut parser = ListingParser::new();
    let mut line = &b"-rw-r--r-- 1 a b 1 Feb 29 10:00 f\n"[..];
    let Some(Item::Entry(entry)) = parser.parse(&mut line) else { panic!() };
    let value = to_json::entry(&entry, &[]);
    assert_eq!(
        value["modified_partial"],
        json!({ "month": 2, "day": 29, "hour": 10, "minute": 0 })
    );
    let mut parser = ListingParser::new().with_now(now());
    let mut line = &b"-rw-r--r-- 1 a b 1 Feb 29 10:00 f\n"[..];
    let Some(Item::Entry(entry)) = parser.parse(&mut line) else { panic!() };
    assert_eq!(to_json::entry(&entry, &[])["modified"], "2024-02-29T10:00");
}

#[test]
fn names_that_are_easily_misread() {
    for (name, safe) in [
        ("plain", true),
        ("with blank", true),
        ("..", false),
        ("a/b", false),
        ("a\\b", false),
        ("bell\u{7}", false),
        ("esc\u{1b}[2J", false),
    ] {
        let line = format!("-rw-r--r-- 1 a b 1 Jan  1  2020 {name}\n");
        let mut parser = ListingParser::new();
        let mut bytes = line.as_bytes();
        let Some(Item::Entry(entry)) = parser.parse(&mut bytes) else { panic!("{name}") };
        assert_eq!(entry.is_safe_name(), safe, "{name}");
        assert!(!entry.display_name().to_string().contains(char::is_control));
    }
}

#[test]
fn a_line_without_end_is_bounded() {
    let mut parser = ListingParser::new();
    for _ in 0..100 {
        assert_eq!(parser.parse(&mut &[b'x'; 65_536][..]), None);
    }
    let Some(Item::Unknown(line)) = parser.finish() else { panic!() };
    assert_eq!(line.len(), 64 * 1024);
}

#[test]
fn a_name_truncated_at_the_limit_is_not_a_name() {
    const MOST: usize = 64 * 1024;
    let lines = [
        (None, "-rw-r--r-- 1 ann staff 17 Mar 10  2024 "),
        (None, "lrwxrwxrwx 1 ann staff 17 Mar 10  2024 x -> "),
        (None, "03-10-24  12:34PM                   42 "),
        (Some(Format::Mlsx), "type=file;size=42; "),
        (Some(Format::Names), ""),
    ];
    for (format, columns) in lines {
        for (length, whole) in [(MOST - 1, true), (MOST, false), (2 * MOST, false)] {
            let line = format!("{columns}{}\r\n", "x".repeat(length - columns.len()));
            let listing = format!("{columns}x\r\n{line}{columns}y\r\n");
            for size in [listing.len(), 1000] {
                let mut parser = ListingParser::new();
                if let Some(format) = format {
                    parser = parser.with_format(format);
                }
                let mut entries = Vec::new();
                for mut piece in listing.as_bytes().chunks(size) {
                    while let Some(item) = parser.parse(&mut piece) {
                        entries.push(matches!(item, Item::Entry(_)));
                    }
                }
                assert_eq!(entries, [true, whole, true], "{columns} {length}");
            }
        }
    }
}

#[test]
fn sections_and_errors_are_no_files() {
    let mut parser = ListingParser::new();
    let mut listing = &b"dir:\ntotal 4\nls: x: Permission denied\n\n"[..];
    let mut notes = Vec::new();
    while let Some(item) = parser.parse(&mut listing) {
        let Item::Note(note) = item else { panic!("{item:?}") };
        notes.push(match note {
            Note::Section(name) => format!("section {}", name.escape_ascii()),
            Note::Total(_) => "total".to_owned(),
            Note::Error(_) => "error".to_owned(),
            Note::Blank => "blank".to_owned(),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(notes, ["section dir", "total", "error", "blank"]);
}

#[test]
fn stat_has_the_entries_of_one_directory() {
    let reply = b"213-Status of .:\r\n\
        total 8\r\n\
        drwxr-xr-x 2 ann staff 512 Jan  1  2020 .\r\n\
        drwxr-xr-x 2 ann staff 512 Jan  1  2020 d\r\n\
        \r\n\
        ./d:\r\n\
        total 4\r\n\
        -rw-r--r-- 1 ann staff 5 Jan  1  2020 x\r\n\
        213 End of status\r\n";
    let listing = stat(reply).expect("entries");
    let names: Vec<_> = listing.entries.iter().map(|entry| entry.name()).collect();
    assert_eq!((&names[..], listing.unknown_lines), (&[&b"d"[..]][..], 1));
}

fn stat(reply: &[u8]) -> Result<StatListing, Error> {
    let (_, reply) = ReplyParser::new(ReplyConfig::default()).parse(reply).expect("a reply");
    parse_stat(&reply.expect("all of it"), ListingParser::new())
}

#[test]
fn stat_of_a_directory_that_could_not_be_read_is_not_empty() {
    for lines in [
        "ls: .: Permission denied\r\n",
        "total 0\r\nls: .: Permission denied\r\n",
        "total 0\r\n550 Permission denied\r\n",
        "total 8\r\n-rw-r--r-- rubbish\r\n",
    ] {
        let reply = format!("213-Status of x:\r\n{lines}213 End\r\n");
        let error = stat(reply.as_bytes()).expect_err(lines);
        assert!(matches!(error, Error::UnreadableDirectory { .. }), "{error}");
    }
    for lines in ["", "total 0\r\n"] {
        let listing = stat(format!("213-Status of x:\r\n{lines}213 End\r\n").as_bytes());
        let listing = listing.expect("an empty directory");
        assert_eq!((listing.entries.len(), listing.unknown_lines), (0, 0));
    }
}

#[test]
fn stat_counts_lines_that_it_cannot_parse() {
    let reply = b"213-Status of x:\r\n\
        ls: d: Permission denied\r\n\
        -rw-r--r-- 1 ann staff 5 Jan  1  2020 x\r\n\
        -rw-r--r-- rubbish\r\n\
        213 End\r\n";
    let listing = stat(reply).expect("an entry");
    assert_eq!((listing.entries.len(), listing.unknown_lines), (1, 2));
    // A name whose columns may be in the next line, but it is the last line.
    let listing = stat(b"213-Status\r\nA.TXT;1\r\nB.TXT;1\r\n213 End\r\n").expect("entries");
    assert_eq!((listing.entries.len(), listing.unknown_lines), (2, 0));
}

#[test]
fn numeric_owners_are_not_dates() {
    check(
        Some(Format::Unix),
        "drwxr-xr-x    3 1        1            4096 Mar 09 08:19 ..\r\n\
         -rw-r--r--    1 10       12           2024 Mar 09 08:19 size like a year\r\n\
         -rw-r--r--    1 10       12             17 2025-12-24 08:19 numeric\r\n",
        &[
            json!({ "name": "..", "size": 4096, "owner": "1", "group": "1", "links": 3,
                    "modified": "2026-03-09T08:19" }),
            json!({ "name": "size like a year", "size": 2024, "owner": "10", "group": "12" }),
            json!({ "name": "numeric", "size": 17, "modified": "2025-12-24T08:19" }),
        ],
    );
}

#[test]
fn a_hint_does_not_override_the_lines() {
    let mut parser = ListingParser::new().with_hint(Format::Vms);
    assert_eq!(parser.format(), None);
    let mut line = &b"-rw-r--r-- 1 ann staff 17 Mar 10  2024 notes\n"[..];
    let Some(Item::Entry(entry)) = parser.parse(&mut line) else { panic!("an entry") };
    assert_eq!((entry.name, entry.size), (&b"notes"[..], Some(17)));
    assert_eq!(parser.format(), Some(Format::Unix));
}

#[test]
fn a_hint_decides_if_the_lines_do_not() {
    // Without facts, the blank before a name belongs to MLSD; in a bare name it is a part of it.
    let name = |mut parser: ListingParser| {
        let mut line = &b"  x\n"[..];
        let of = |item: Option<Item<'_>>| match item {
            Some(Item::Entry(entry)) => Some(entry.name.to_vec()),
            _ => None,
        };
        // A bare name waits for the next line.
        of(parser.parse(&mut line)).or_else(|| of(parser.finish())).expect("an entry")
    };
    assert_eq!(name(ListingParser::new()), b"  x");
    assert_eq!(name(ListingParser::new().with_hint(Format::Mlsx)), b" x");
}

#[test]
fn the_system_suggests_a_format() {
    let of = |text: &str| {
        let mut parser = ReplyParser::new(ReplyConfig::default());
        let (_, reply) = parser.parse(format!("215 {text}\r\n").as_bytes()).expect("a reply");
        Format::of_system(&reply.expect("a whole one"))
    };
    assert_eq!(of("UNIX Type: L8"), Some(Format::Unix));
    assert_eq!(of("Windows_NT version 5.0"), Some(Format::Dos));
    assert_eq!(of("MVS is the operating system of this server."), Some(Format::Mvs));
    assert_eq!(of("OS/400 is the remote operating system."), Some(Format::Os400));
    assert_eq!(of("unheard of"), None);
}

#[test]
fn entries_outlive_their_lines() {
    let mut parser = ListingParser::new().with_now(now());
    let listing = b"lrwxrwxrwx 1 ann staff 7 Mar 10 09:15 link -> to\n\
        type=dir;unix.owner=bob; sub\nFILENAME SCRIPT A1 V 65 107 2 2026-03-10 09:15:01 OWN\n";
    let mut input = &listing[..];
    while let Some(item) = parser.parse(&mut input) {
        if let Item::Entry(entry) = item {
            let owned = entry.to_owned();
            assert_eq!(owned.entry(), entry);
            assert_eq!(owned.name(), entry.name);
        }
    }
}

#[test]
fn names_may_look_like_facts() {
    let names = [
        "size=3; y",
        "type=dir;",
        "modify=20240310123456; x",
        "perm=; y",
        "size=3;x",
        "type=file2024a;",
        "size=3;",
        "x=1; y=2; z",
        "size=; x=3; y",
        "type=file;size=3; x",
        "size=1; type=dir; x",
    ];
    let fixed = || ListingParser::new().with_format(Format::Mlsx);
    for name in names {
        let line = format!("type=file;size=42; {name}");
        let entry = parse_mlsx(line.as_bytes()).expect(name);
        assert_eq!((entry.name, entry.size), (name.as_bytes(), Some(42)));
        let listing = format!("{line}\r\n{line}\r\n");
        let mut input = listing.as_bytes();
        let mut parser = fixed();
        for _ in 0..2 {
            let Some(Item::Entry(entry)) = parser.parse(&mut input) else { panic!("{line}") };
            assert_eq!(entry.name, name.as_bytes());
        }
    }
    // A name does not have two facts.
    for line in ["type=file; size=3; modify=20240310123456; x", "type=file; Size=3;perm=r; x"] {
        assert_eq!(parse_mlsx(line.as_bytes()), None, "{line}");
    }
}
