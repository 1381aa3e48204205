//! Peculiarities of single systems, in lines written for these tests
//!
//! Ordinary lines are in `listings.rs`; these are odd, truncated, run together, or so damaged that they must be
//! distinguished from a bare name.

use core::time::Duration;

use ftp_proto::Timestamp;
use ftp_proto::listing::{DateOrder, Format, Item, ListingParser, Modified, Note};
use serde_json::{Value, json};

#[path = "../support/listing_json.rs"]
mod to_json;

mod lines;
mod misread;

fn parser() -> ListingParser {
    ListingParser::new().with_now(to_json::parse_iso("2026-03-10T12:00:00Z").expect("a time"))
}

/// Returns the items of a listing, fed whole and byte by byte
#[track_caller]
fn read(parser: impl Fn() -> ListingParser, listing: &[u8]) -> Vec<Value> {
    let with_pieces_of = |size: usize| {
        let mut parser = parser();
        let mut all = Vec::new();
        for mut piece in listing.chunks(size) {
            while let Some(item) = parser.parse(&mut piece) {
                all.extend(to_json::item(&item, &[]));
            }
        }
        while let Some(item) = parser.finish() {
            all.extend(to_json::item(&item, &[]));
        }
        all
    };
    let whole = with_pieces_of(listing.len());
    assert_eq!(with_pieces_of(1), whole, "byte by byte");
    whole
}

/// The lines contain at least this, in a listing of their own
#[track_caller]
fn check(listing: impl AsRef<[u8]>, expected: &[Value]) {
    check_with(parser, listing, expected);
}

#[track_caller]
fn check_with(parser: impl Fn() -> ListingParser, listing: impl AsRef<[u8]>, expected: &[Value]) {
    let objects = read(parser, listing.as_ref());
    assert_eq!(objects.len(), expected.len(), "{objects:#?}");
    for (object, expected) in objects.iter().zip(expected) {
        for (key, value) in expected.as_object().expect("an object") {
            assert_eq!(&object[key], value, "{key} in {object}");
        }
    }
}

/// Each of these lines alone is not mistaken for a file
#[track_caller]
fn refused(lines: &[&str]) {
    for line in lines {
        let objects = read(parser, line.as_bytes());
        assert_ne!(objects[0]["result"], "entry", "{}", objects[0]);
    }
}

#[test]
fn vm_cms() {
    check(
        "Filename FileType  Fm Format Lrecl  Records Blocks Date      Time\r\n\
         LETTERS  NOTE      A1 V      70     12     1       3/09/26   08:15:42\r\n\
         FORMS    PRINT     A1 F      80     25     1       12/31/99  23:59:59\r\n\
         SPARE              A1 DIR    -      -      -       1/02/25   10:00:00\r\n",
        &[
            json!({ "result": "skipped" }),
            json!({ "name": "LETTERS.NOTE", "kind": "file", "size": null,
                    "modified": "2026-03-09T08:15:42" }),
            json!({ "name": "FORMS.PRINT", "size": 2000, "modified": "1999-12-31T23:59:59" }),
            json!({ "name": "SPARE", "kind": "dir", "modified": "2025-01-02T10:00:00" }),
        ],
    );
    check(
        "RESULTS  LISTING F 133 40 2 2026-02-28 17:30:00 ANN\n",
        &[json!({ "name": "RESULTS.LISTING", "size": 5320, "owner": "ANN" })],
    );
    refused(&["RESULTS LISTING F 133 forty 2 2026-02-28 17:30:00 ANN"]);
}

#[test]
fn unix_in_numbers() {
    check(
        "0100640   1000  100   4711    1767225600       numbers only.txt\n\
         040755 0 0 512 1767225600 etc\n",
        &[
            json!({ "name": "numbers only.txt", "kind": "file", "size": 4711, "owner": "1000",
                    "mode": "0640", "modified": "2026-01-01T00:00:00", "zone": "utc" }),
            json!({ "name": "etc", "kind": "dir", "mode": "0755" }),
        ],
    );
}

#[test]
fn systems_that_put_the_size_first() {
    check(
        "77  Jan 02, 2026 03:04 plan b.txt\r\n0  Jan 02, 2026 03:05 drafts/\r\n",
        &[
            json!({ "name": "plan b.txt", "kind": "file", "size": 77,
                    "modified": "2026-01-02T03:04" }),
            json!({ "name": "drafts", "kind": "dir" }),
        ],
    );
    check(
        "512     Apr-01-1999  06:07:08   boot config <DIR>\r\n\
         34567   Apr-01-1999  06:07:09   vxkernel\r\n",
        &[
            json!({ "name": "boot config", "kind": "dir", "modified": "1999-04-01T06:07:08" }),
            json!({ "name": "vxkernel", "kind": "file", "size": 34_567 }),
        ],
    );
    check(
        "  123 DIR  RA   01-05-101  10:11  OLD DAYS\n",
        &[
            json!({ "name": "OLD DAYS", "kind": "dir", "size": 123, "modified": "2001-01-05T10:11" }),
        ],
    );
    refused(&["  123 dir  01-05-101  10:11  OLD", "  123 A  Jan-05-01  10:11  OLD"]);
}

#[test]
fn systems_of_switches_and_robots() {
    check(
        "1.7 25/12/24 1830 ---wr-wr 1f0 640 carol\nd.7 x\n",
        &[
            json!({ "name": "carol", "kind": "file", "size": 640, "owner": "7", "group": "1",
                    "modified": "2025-12-24T18:30" }),
            json!({ "result": "error" }),
        ],
    );
    check(
        "switch.cfg       2048  01/15/26  Thur.   09:08:07\n",
        &[json!({ "name": "switch.cfg", "size": 2048, "modified": "2026-01-15T09:08:07" })],
    );
}

#[test]
fn dls() {
    check(
        "INDEX              1234  Feb  1 10:20  What there is\n\
         papers/               =  Dec 24  2020\n\
         newest               17  -> papers/last.ps\n\
         A-NAME-TOO-LONG.FOR-IT\n\
         \x20                 98765  Mar  9  8:07\n\
         odd/                  -  \n",
        &[
            json!({ "name": "INDEX", "kind": "file", "size": 1234, "modified": "2026-02-01T10:20" }),
            json!({ "name": "papers", "kind": "dir", "size": null, "modified": "2020-12-24" }),
            json!({ "name": "newest", "kind": "symlink", "target": "papers/last.ps" }),
            json!({ "name": "A-NAME-TOO-LONG.FOR-IT", "size": 98_765,
                    "modified": "2026-03-09T08:07" }),
            json!({ "name": "odd", "kind": "dir", "modified": null }),
        ],
    );
}

#[test]
fn openvms_in_other_orders() {
    check(
        "Directory SYS$LOGIN:[BOB]\r\n\
         [BOB]NOTES.TXT;4 3/4 1-FEB-2026 04:05\r\n\
         PLAN.TXT;1   [BOB]   1/2   1-FEB-2026 04:06:07.89  (RWED,RWED,RE,)\r\n\
         LOG.DAT;12   1-FEB-2026 04:08   44/48   (RWED,RW,R,)\r\n\
         FRENCH.TXT;1  2/4  14-JUI-2025  BOB  (RWED,RWED,RE,)\r\n\
         A-NAME-WITHOUT.VERSION\r  7/8  1-FEB-2026 04:09  [ANN,BOB] (RWED,RWED,,)\r\n\
         ANOTHER-NAME-WITHOUT.VERSION\r\n\
         \x20   7  1-FEB-2026 04:10 [ANN,BOB] (RWED,RWED,,)\r\n\
         MAIL.DIR;1  1 1-FEB-2026 04:11 [BOB] (RWE,RWE,RE,RE)\r\n",
        &[
            json!({ "result": "skipped" }),
            json!({ "name": "NOTES.TXT", "modified": "2026-02-01T04:05" }),
            json!({ "name": "PLAN.TXT", "owner": "BOB", "modified": "2026-02-01T04:06:07" }),
            json!({ "name": "LOG.DAT", "perms": "rw-r-----", "size": null }),
            json!({ "name": "FRENCH.TXT", "owner": "BOB", "modified": "2025-07-14" }),
            json!({ "name": "A-NAME-WITHOUT.VERSION", "group": "ANN", "owner": "BOB" }),
            json!({ "name": "ANOTHER-NAME-WITHOUT.VERSION", "modified": "2026-02-01T04:10" }),
            json!({ "name": "MAIL", "kind": "dir", "perms": "rwxr-xr-x" }),
        ],
    );
    // Values that are not a valid column are omitted; a name with a version is a name.
    for (columns, expected) in [
        ("3/4 1-FEB-2026 24:05", json!({ "modified": null })),
        ("3/4 1-FEB-2026 04:05 PM [BOB]", json!({ "modified": null, "owner": "BOB" })),
        ("3/4 1-FEB-2026 04:05 [BOB] (RWED,RWED,RE)", json!({ "owner": "BOB", "perms": null })),
        ("3/4 1-FEB-2026 04:05 [BOB] (RWED,RWXD,RE,)", json!({ "owner": "BOB", "perms": null })),
        ("3/4 1-FEB-2026 04:05 [BOB] (RWED,RWRW,RE,)", json!({ "owner": "BOB", "perms": null })),
        ("many 1-FEB-2026 04:05", json!({ "size": null, "modified": "2026-02-01T04:05" })),
        ("3/4 1-FEB 04:05", json!({ "modified": null })),
        (
            "3/4 1-FEB-2026 04:05 [STAFF,BO (RWED,RWED,RE,)",
            json!({ "group": "STAFF", "owner": "BO" }),
        ),
        ("3/4 1-FEB-2026 04:05 [STAFF,BO(RWED,RWED,RE,)", json!({ "owner": "BO", "mode": "0750" })),
        ("2KB 1-FEB-2026 04:05", json!({ "size": null })),
        ("1.5MB/2MB 1-FEB-2026 04:05", json!({ "size": null, "modified": "2026-02-01T04:05" })),
    ] {
        let objects =
            read(parser, format!("[X]A.B;1 1-FEB-2026\nNOTES.TXT;4 {columns}\n").as_bytes());
        assert_eq!(objects[1]["name"], "NOTES.TXT", "{columns}");
        for (key, value) in expected.as_object().expect("an object") {
            assert_eq!(&objects[1][key], value, "{key} of {columns}");
        }
    }
    // Without any of these columns, it may be a bare name.
    refused(&["NOTES.TXT;4 3/4 1-FEB 04:05"]);
}

#[test]
fn dates_of_ls() {
    check(
        "-rw-r--r-- 1 ann staff 11 02-14 2026 month and day.txt\n\
         -rw-r--r-- 1 ann staff 12 03-may-98 short.txt\n\
         -rw-r--r-- 1 ann staff 13 2024 5\u{6708} 6 year first\n\
         -rw-r--r-- 1 ann staff 2014 5\u{6708} 6\u{65e5} 2023\u{5e74} size like a year\n\
         -rw-r--r-- 1 ann staff 2015 5\u{6708} 6 07:08 the same\n\
         -rw-r--r-- 1 ann staff 16 szept 7 10:11 magyar\n\
         -rw-r--r-- 1 ann staff 17 m\u{e1}rc 7 10:11 tavasz\n\
         -rw-r--r-- 1 ann staff 18 Oct 08, 2024 09:47 comma\n\
         drwxr-xr-x 3 ann staff 512 nodate\n",
        &[
            json!({ "name": "month and day.txt", "modified": "2026-02-14", "size": 11 }),
            json!({ "name": "short.txt", "modified": "1998-05-03", "size": 12 }),
            json!({ "name": "year first", "modified": "2024-05-06", "size": 13 }),
            json!({ "name": "size like a year", "modified": "2023-05-06", "size": 2014 }),
            json!({ "name": "the same", "modified": "2025-05-06T07:08", "size": 2015 }),
            json!({ "name": "magyar", "modified": "2025-09-07T10:11" }),
            json!({ "name": "tavasz", "modified": "2026-03-07T10:11" }),
            json!({ "name": "comma", "modified": "2024-10-08T09:47" }),
            json!({ "name": "nodate", "kind": "dir", "size": 512, "owner": "ann",
                    "group": "staff", "modified": null }),
        ],
    );
}

#[test]
fn columns_of_ls_that_ran_together() {
    check(
        "-rw-r--r--   1 uploader uploaders98765432 Jan  5  2025 no size\n\
         -rw-r--r--   1 ann the group of those who share 77 Jan  5  2025 wide group\n\
         lrwxrwxrwx   1 ann staff 9 /srv/dataJan  5  2025 data -> /srv/data\n\
         \x20-rw-r-----   1 ann staff 5 Jan  5  2025 indented\n\
         drwxr-xr-  2 ann staff 5 Jan  5  2025 nine letters\n\
         -C--E-----FTP A BATCH7      4711       42 Jan  5  2025 connect\n",
        &[
            json!({ "name": "no size", "size": null, "owner": "uploader", "group": null }),
            json!({ "name": "wide group", "size": 77, "owner": "ann",
                    "group": "the group of those who share" }),
            json!({ "name": "data", "target": "/srv/data", "modified": "2025-01-05", "size": 9 }),
            json!({ "name": "indented", "perms": "rw-r-----" }),
            json!({ "name": "nine letters", "perms": "rwxr-xr--" }),
            json!({ "name": "connect", "perms": null, "owner": "BATCH7", "group": "4711",
                    "size": 42 }),
        ],
    );
}

#[test]
fn damaged_lines_of_ls() {
    refused(&[
        "-rw-r--r-- 1 ann staff 5 Jan  5  2025 ",
        "-rw-r--r-- 1 ann staff 5 Jan name",
        "-rw-r--r-- 1 ann staff",
        "-rw-r--r--",
        "rubbish ann staff 5 Jan  5  2025 no links",
        "l [RWCEAFMS] ann 512 Jan  5  2025 no such kind",
    ]);
}

/// A name is more important than its other fields: invalid ones are omitted
#[test]
fn damaged_fields_of_ls() {
    let some = json!({ "kind": "file", "perms": "rw-r--r--", "links": 1, "owner": "ann",
                       "group": "staff", "size": 5, "modified": "2025-01-05" });
    for (line, missing) in [
        ("-rw-r--r-- 1 ann staff 5 Jan  5  2025", &[][..]),
        ("drxwr-xr-x 1 ann staff 5 Jan  5  2025", &["kind", "perms"]),
        ("qrw-r--r-- 1 ann staff 5 Jan  5  2025", &["kind"]),
        ("--------- 1 ann staff 5 Jan  5  2025", &["kind", "perms"]),
        ("rub bish 1 ann staff 5 Jan  5  2025", &["kind", "perms"]),
        ("-rw-r--r-- 1ann staff 5 Jan  5  2025", &["links", "owner", "group"]),
        ("-rw-r--r-- y ann staff 5 Jan  5  2025", &["links", "owner", "group"]),
        ("-rw-r--r-- 1 ann staff -5 Jan  5  2025", &["size"]),
        ("-rw-r--r-- 1 ann staff - Jan  5  2025", &["size"]),
        ("-rw-r--r-- 1 ann staff 5x5 Jan  5  2025", &["size"]),
        ("-rw-r--r-- 1 ann staff 99999999999999999999 Jan  5  2025", &["size"]),
        ("-rw-r--r-- 1 ann staff Jan  5  2025", &["size"]),
        ("-rw-r--r-- 1 ann staff 5 Jan  0  2025", &["modified"]),
        ("-rw-r--r-- 1 ann staff 5 Jan 00 1980", &["modified"]),
        ("-rw-r--r-- 1 ann staff 5 Feb 30 2025", &["modified"]),
        ("-rw-r--r-- 1 ann staff 5 Jan  5 25:61", &["modified"]),
        ("-rw-r--r-- 1 ann staff 5 Jan  5 9999", &["modified"]),
        ("-rw-r--r-- 1 ann staff 5 Xyz  5 2025", &["modified"]),
        ("-rw-r--r-- 1 ann staff 5 5 Xyz 10:00", &["modified"]),
        ("-rw-r--r-- 1 ann staff 5 2025-13-05 10:00", &["modified"]),
        ("-rw-r--r-- 1 ann staff 5 00-00-0000 00:00", &["modified"]),
    ] {
        let objects = read(parser, format!("{line} a name\n").as_bytes());
        assert_eq!(objects[0]["name"], "a name", "{line}: {}", objects[0]);
        for (key, value) in some.as_object().expect("an object") {
            let value = if missing.contains(&&**key) { &Value::Null } else { value };
            assert_eq!(&objects[0][key], value, "{key} of {line}");
        }
    }
    check(
        "drwxr-xr-x    77       folder        0 Jan  5  2025 number of a folder\n\
         d [NONSENSE] ann 512 Jan  5  2025 rights\n\
         d [RWCEAFMS] 512 Jan  5  2025 no owner\n",
        &[
            json!({ "name": "number of a folder", "kind": "dir", "size": 0, "owner": null }),
            json!({ "name": "rights", "kind": "dir", "owner": "ann", "size": 512 }),
            json!({ "name": "no owner", "owner": null, "size": 512 }),
        ],
    );
}

#[test]
fn answers_to_stat_with_codes() {
    check(
        "211-Status of /pub:\r\n\
         211-drwxr-xr-x 2 ann staff 5 Jan  5  2025 papers\r\n\
         211-lrwxrwxrwx 1 ann staff 5 Jan  5  2025 new -> papers\r\n\
         211 End of status\r\n",
        &[
            json!({ "result": "skipped" }),
            json!({ "name": "papers", "kind": "dir" }),
            json!({ "name": "new", "kind": "symlink", "target": "papers" }),
            json!({ "result": "skipped" }),
        ],
    );
}

#[test]
fn facts() {
    check(
        "size=3;type=file;\ta tab before\r\n\
         type=dir;UNIX.mode=02770; shared\r\n\
         type=file;size=many; no number\r\n\
         type=;size=3; nobody says\r\n\
         type=file;modify=2026010100000x; no time\r\n\
         type=file;modify=19800000000000;size=1; no day\r\n\
         type=file;nonsense;size=7; nonsense\r\n",
        &[
            json!({ "name": "a tab before", "size": 3, "kind": "file" }),
            json!({ "name": "shared", "mode": "02770" }),
            json!({ "name": "no number", "size": null }),
            json!({ "name": "nobody says", "size": 3, "kind": null }),
            json!({ "name": "no time", "modified": null, "kind": "file" }),
            json!({ "name": "no day", "modified": null, "size": 1 }),
            json!({ "name": "nonsense", "size": 7 }),
        ],
    );
    refused(&[
        "type=file; size=3; modify=20260101000000; blanks between",
        "Type= nothing",
        "type=file;size=3;no-blank",
        "type=file;size=3;no-blank before blanks",
    ]);
}

#[test]
fn eplf_contains_what_can_be_done_with_a_file() {
    check("+up700,/,\tdir\r\n", &[json!({ "kind": "dir", "mode": "0700" })]);
    refused(&["+m1767225600,\tneither", "+r,s3,  no tab", "+r,\t", "+\t"]);
}

#[test]
fn orders_of_dates() {
    let dos = |date: &str| format!("{date}  01:02AM  3 x\r\n");
    // Month first, unless there is no such month; this also applies to later lines.
    check(
        dos("03-04-26") + &dos("25-12-25") + &dos("03-04-26") + &dos("12-25-25"),
        &[
            json!({ "modified": "2026-03-04T01:02" }),
            json!({ "modified": "2025-12-25T01:02" }),
            json!({ "modified": "2026-04-03T01:02" }),
            json!({ "modified": "2025-12-25T01:02" }),
        ],
    );
    check(dos("03:04:26"), &[json!({ "modified": "2026-03-04T01:02" })]);
    refused(&[&dos("ab-12-26"), &dos("12-26"), &dos("-12-26")]);
    for line in [
        dos("32-13-26"),
        dos("02-30-26"),
        "01-05-25  25:02AM  3 x\r\n".to_owned(),
        "01-05-25  13:02AM  3 x\r\n".to_owned(),
    ] {
        check(line, &[json!({ "name": "x", "size": 3, "modified": null })]);
    }
    for size in ["-3", "99999999999999999999"] {
        let line = format!("01-05-25  01:02PM  {size} x\r\n");
        check(line, &[json!({ "name": "x", "size": null, "modified": "2025-01-05T13:02" })]);
    }
    for (order, expected) in [
        (DateOrder::YearFirst, "2003-04-05T18:00:01"),
        (DateOrder::MonthFirst, "2005-03-04T18:00:01"),
        (DateOrder::DayFirst, "2005-04-03T18:00:01"),
    ] {
        check_with(
            || parser().with_date_order(order),
            "ANN   4096 03/04/05 18:00:01 *STMF   f\n",
            &[json!({ "modified": expected })],
        );
    }
    // If the caller fixes the order, it is never changed.
    check_with(
        || parser().with_date_order(DateOrder::MonthFirst),
        dos("25-12-25"),
        &[json!({ "name": "x", "modified": null })],
    );
}

#[test]
fn links_of_windows() {
    check(
        "01-02-24  01:00PM       <JUNCTION>     j => D:\\target dir\r\n\
         01-02-24  01:00PM       <SYMLINK>      s -> ..\\x\r\n",
        &[
            json!({ "name": "j", "kind": "symlink", "target": "D:\\target dir" }),
            json!({ "name": "s", "kind": "symlink", "target": "..\\x" }),
        ],
    );
    refused(&["1/2/2024   1:00 PM    12xx34  broken size.img"]);
}

#[test]
fn objects_of_os_400() {
    check(
        "BOB             4096 05/11/25 18:00:01 *FILE      SAVED.FILE\n\
         BOB                                    *MEM       SAVED.FILE/PART.MBR\n",
        &[
            json!({ "name": "SAVED.FILE", "modified": "2025-11-05T18:00:01" }),
            json!({ "name": "SAVED.FILE/PART.MBR", "size": null }),
        ],
    );
    // Anonymous users see no owners, and some objects have no size.
    let time = "2025-11-05T18:00:01";
    check(
        "BOB 4096 05/11/25 18:00:01 *MEM SAVED.FILE/PART.MBR\n\
         BOB ANN 4096 05/11/25 18:00:01 *FILE SAVED.FILE\n\
         BOB      05/11/25 18:00:01 *FILE SAVED.FILE\n\
         \x20     4096 05/11/25 18:00:01 *FILE SAVED.FILE\n\
         BOB 4096 11/25 18:00:01 *STMF f\n\
         BOB 4096 05/11/25 28:00:01 *STMF f\n\
         BOB 4096 05,11,25 18:00:01 *STMF f\n",
        &[
            json!({ "name": "SAVED.FILE/PART.MBR", "owner": "BOB", "size": 4096 }),
            json!({ "name": "SAVED.FILE", "owner": "BOB", "size": 4096, "modified": time }),
            json!({ "name": "SAVED.FILE", "owner": "BOB", "size": null, "modified": time }),
            json!({ "name": "SAVED.FILE", "owner": null, "size": 4096, "modified": time }),
            json!({ "name": "f", "owner": "BOB", "size": 4096, "modified": null }),
            json!({ "name": "f", "owner": "BOB", "size": 4096, "modified": null }),
            json!({ "name": "f", "modified": time }),
        ],
    );
    refused(&["BOB 4096 05/11/25 18:00:01 *STMF", "BOB 4096 05/11/25 18:00:01 STMF f"]);
}

#[test]
fn data_sets() {
    check(
        "Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname\n\
         VOL001 3390   2026/03/01  1   15  VB     120 27998  PS  BOB.LOG\n\
         VOL001 3390   **NONE**    1   15  NONE     0     0  PO  BOB.LIB\n\
         VOL002 3390   VSAM BOB.KEYS\n\
         ARCIVE Not Direct Access Device                         BOB.OLD\n",
        &[
            json!({ "result": "skipped" }),
            // It was used at that time, not necessarily changed.
            json!({ "name": "BOB.LOG", "modified": null, "accessed": "2026-03-01" }),
            json!({ "name": "BOB.LIB", "kind": "dir", "accessed": null }),
            json!({ "name": "BOB.KEYS", "kind": "file" }),
            json!({ "name": "BOB.OLD", "kind": "file" }),
        ],
    );
    check(
        " Name     VV.MM   Created       Changed      Size  Init   Mod   Id\n\
         LETTER    01.07 2025/09/12 2026/01/11 09:37    11    11     0 BOB\n\
         NOSTATS                                                          \n",
        &[
            json!({ "result": "skipped" }),
            json!({ "name": "LETTER", "modified": "2026-01-11T09:37", "owner": "BOB" }),
            json!({ "name": "NOSTATS", "kind": "file" }),
        ],
    );
}

#[test]
fn bare_names() {
    // Indented from the first line on: the listing is indented, not the names.
    check(
        " .\n ..\n plain\n  blank\n",
        &[
            json!({ "name": "." }),
            json!({ "name": ".." }),
            json!({ "name": "plain" }),
            json!({ "name": " blank" }),
        ],
    );
    check("plain\n blank\n", &[json!({ "name": "plain" }), json!({ "name": " blank" })]);
    check_with(
        || parser().with_format(Format::Names),
        " blank\nplain\n",
        &[json!({ "name": " blank" }), json!({ "name": "plain" })],
    );
    // A listing of bare names has no total.
    check("total 3\nplain\n", &[json!({ "result": "skipped" }), json!({ "result": "error" })]);
    // Bytes in any charset.
    check(b"se\xF1or\n", &[json!({ "name": "se\u{f1}or", "name_bytes_latin1": "se\u{f1}or" })]);
    // The file in which macOS stores the icon of a folder; other lines may end with any number of CRs.
    check(b"Icon\r\r\nplain\r\r\n", &[json!({ "name": "Icon\r" }), json!({ "name": "plain" })]);
}

#[test]
fn how_far_ahead_a_date_may_be() {
    let line = b"-rw-r--r-- 1 ann staff 5 Jun  1 10:00 f\n";
    let year = |ahead: Option<Duration>| {
        let mut parser = parser();
        if let Some(ahead) = ahead {
            parser = parser.with_dates_ahead(ahead);
        }
        let Some(Item::Entry(entry)) = parser.parse(&mut &line[..]) else { panic!("an entry") };
        let Some(Modified::At { time, .. }) = entry.modified else { panic!("a time") };
        Timestamp::year(time)
    };
    const DAY: u64 = 24 * 60 * 60;
    assert_eq!(year(None), 2025);
    assert_eq!(year(Some(Duration::from_secs(180 * DAY))), 2026);
    assert_eq!(year(Some(Duration::ZERO)), 2025);
    // Beyond the calendar no date is known to be in the future, and nothing panics.
    let mut parser = parser().with_dates_ahead(Duration::MAX);
    assert!(matches!(parser.parse(&mut &line[..]), Some(Item::Entry(_))));
}
