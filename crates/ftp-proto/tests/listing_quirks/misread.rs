//! Names, sizes and times that are easily misread, because part of a line has two meanings

use ftp_proto::listing::UtcOffset;
use serde_json::json;

use super::{check, check_with, parser};

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

#[test]
fn rounded_sizes_are_not_taken_for_exact_ones() {
    check(
        "-rw-r--r--   1 root     other  33.5k Oct 5 21:22 rows.ext\r\n\
         -rw-r--r--   1 root     other  1.2K Oct 5 21:22 rows.txt\r\n\
         -rw-r--r--   1 root     other  3,2MiB Oct 5 21:22 comma\r\n\
         -rw-r--r--   1 root     other  4K Oct 5 21:22 whole\r\n\
         -rw-r--r--   1 root     other  17B Oct 5 21:22 bytes\r\n\
         -rw-r--r--   1 root     other  17 Oct 5 21:22 plain\r\n",
        &[
            json!({ "name": "rows.ext", "size": null, "owner": "root", "group": "other" }),
            json!({ "name": "rows.txt", "size": null, "modified": "2025-10-05T21:22" }),
            json!({ "name": "comma", "size": null, "links": 1 }),
            json!({ "name": "whole", "size": null }),
            json!({ "name": "bytes", "size": 17 }),
            json!({ "name": "plain", "size": 17 }),
        ],
    );
    check(
        "KB.TXT;1       1234KB 9-MAR-2026 10:00 [ANON,FTP] (RWED,RWED,RE,RE)\r\n\
         B.TXT;1        1234B 9-MAR-2026 10:00 [ANON,FTP] (RWED,RWED,RE,RE)\r\n",
        &[
            json!({ "name": "KB.TXT", "size": null, "owner": "FTP" }),
            json!({ "name": "B.TXT", "size": 1234, "owner": "FTP" }),
        ],
    );
}

#[test]
fn a_blank_in_the_target_of_a_link_does_not_end_the_facts() {
    check(
        "modify=20200101000000;perm=adfrw;size=4;type=OS.unix=slink:/srv/My Files/x;unique=FD00U1;UNIX.group=0;\
         UNIX.mode=0777;UNIX.owner=0; link\r\n\
         size=4;type=OS.unix=slink:/srv/a b c;unique=FD00U1;UNIX.mode=0777; two words; and more\r\n\
         size=4;type=OS.unix=slink:/srv/a b; link\r\n\
         size=4;type=OS.unix=slink:/srv/a b;c d;unique=FD00U1;UNIX.mode=0777; link\r\n\
         size=4;type=OS.unix=slink:/srv/a;unique=FD00U1; b; c\r\n\
         size=4;type=OS.unix=slink:/srv/a b\r\n\
         size=4;type=OS.unix=symlink b; c\r\n",
        &[
            json!({ "name": "link", "target": "/srv/My Files/x", "kind": "symlink", "size": 4,
                    "modified": "2020-01-01T00:00:00", "owner": "0", "mode": "0777" }),
            json!({ "name": "two words; and more", "target": "/srv/a b c", "mode": "0777" }),
            json!({ "name": "link", "target": "/srv/a b" }),
            // Where this target ends can't be known.
            json!({ "name": "link", "target": null, "kind": "symlink" }),
            json!({ "name": "b; c", "target": "/srv/a" }),
            // Servers that omit the last semicolon end the facts with any blank.
            json!({ "name": "b", "target": "/srv/a" }),
            json!({ "name": "b; c", "target": null, "kind": "symlink" }),
        ],
    );
}

#[test]
fn years_of_two_digits_are_from_1969_to_2068() {
    check(
        "01-01-69  01:30AM                 123 first\r\n\
         01-01-70  01:30AM                 123 epoch\r\n\
         12-31-79  23:59                   123 in the other form\r\n\
         01-01-80  12:00AM                 123 y80\r\n\
         12-31-68  11:59PM                 123 last\r\n",
        &[
            json!({ "modified": "1969-01-01T01:30" }),
            json!({ "modified": "1970-01-01T01:30" }),
            json!({ "modified": "1979-12-31T23:59" }),
            json!({ "modified": "1980-01-01T00:00" }),
            json!({ "modified": "2068-12-31T23:59" }),
        ],
    );
}

#[test]
fn a_time_with_an_offset_is_in_utc_whatever_the_offset_of_the_server() {
    let ahead = UtcOffset::from_seconds(3600).expect("an hour");
    let lines = "-rw-r--r-- 1 ann staff 42 2024-02-29 10:00:11.123456789 +0130 east\r\n\
                 -rw-r--r-- 1 ann staff 42 2024-02-29 22:30:00.000000000 -0330 west\r\n\
                 -rw-r--r-- 1 ann staff 42 2024-03-01 01:00:00.000000000 +0130 leap day\r\n\
                 -rw-r--r-- 1 ann staff 42 2024-02-29 24:00:00 -0100 end of day\r\n\
                 -rw-r--r-- 1 ann staff 42 2024-02-29 10:00:11.000000000 +0000 zero\r\n";
    let expected = [
        json!({ "name": "east", "modified": "2024-02-29T08:30:11", "zone": "utc" }),
        json!({ "name": "west", "modified": "2024-03-01T02:00:00", "zone": "utc" }),
        json!({ "name": "leap day", "modified": "2024-02-29T23:30:00", "zone": "utc" }),
        json!({ "name": "end of day", "modified": "2024-03-01T01:00:00", "zone": "utc" }),
        json!({ "name": "zero", "modified": "2024-02-29T10:00:11", "zone": "utc" }),
    ];
    check(lines, &expected);
    check_with(|| parser().with_offset(ahead), lines, &expected);
    // Without an offset it is the server's.
    let line = "-rw-r--r-- 1 ann staff 42 2024-02-29 10:00:11 name\r\n";
    check(line, &[json!({ "modified": "2024-02-29T10:00:11", "zone": null })]);
    let in_utc = json!({ "modified": "2024-02-29T09:00:11", "zone": "utc" });
    check_with(|| parser().with_offset(ahead), line, &[in_utc]);
}

#[test]
fn the_target_of_a_link_of_windows_begins_at_its_path() {
    let links = [
        (r"a [C:\x [1]]", "a", r"C:\x [1]"),
        (r"a [1] [C:\x]", "a [1]", r"C:\x"),
        (r"a [b [..\x [1] [2]]", "a [b", r"..\x [1] [2]"),
        (r"a [\\host\x [1]]", "a", r"\\host\x [1]"),
        (r"a [\x [1]]", "a", r"\x [1]"),
        (r"a [x [1]]", "a [x", "1]"),
        (r"a [1] [x]", "a [1]", "x"),
    ];
    for (both, name, target) in links {
        let line = format!("03-10-24  09:15AM       <SYMLINK>      {both}\r\n");
        check(line, &[json!({ "name": name, "target": target, "kind": "symlink" })]);
    }
}

#[test]
fn a_month_that_is_another_one_in_croatian_depends_on_the_names_before_it() {
    let read = |dates: &[&str], expected: &[Option<&str>]| {
        let line = |date: &&str| format!("-rw-r--r-- 1 ann staff 5 {date} 2025 name\r\n");
        let listing: String = dates.iter().map(line).collect();
        let object = |day: &Option<&str>| json!({ "name": "name", "size": 5, "modified": day });
        let expected: Vec<_> = expected.iter().map(object).collect();
        check(listing, &expected);
    };
    read(
        &["o\u{17e}u 26", "lip 26", "26. srp", "lis 26", "pro 26"],
        &[
            Some("2025-03-26"),
            Some("2025-06-26"),
            Some("2025-07-26"),
            Some("2025-10-26"),
            Some("2025-12-26"),
        ],
    );
    // In Czech and Polish.
    read(
        &["led 26", "srp 26", "lis 26"],
        &[Some("2025-01-26"), Some("2025-08-26"), Some("2025-11-26")],
    );
    read(
        &["sty 26", "lip 26", "lis 26"],
        &[Some("2025-01-26"), Some("2025-07-26"), Some("2025-11-26")],
    );
    // Without another name, only those that are far more common in other languages have a month.
    read(&["srp 26", "26. srp", "pro 26", "srp 1"], &[None, None, Some("2025-12-26"), None]);
    read(&["lip 26", "lis 26"], &[Some("2025-07-26"), Some("2025-11-26")]);
}
