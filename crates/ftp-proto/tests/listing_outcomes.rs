//! The result of whole listings: the entries of the requested directory, counted lines, and whether the directory could
//! be read

use ftp_proto::listing::{Format, ListingParser, ListingReader, OwnedEntry};
use ftp_proto::{Error, Timestamp};

fn parser() -> ListingParser {
    let now = Timestamp::new(2026, 3, 10, 12, 0, 0).expect("a time");
    ListingParser::new().with_now(now)
}

/// Returns the names of the directory's entries, the number of counted lines, and whether it could be read
fn outcome(parser: ListingParser, listing: &str) -> (Vec<String>, u64, Result<(), Error>) {
    let mut reader = ListingReader::new(parser);
    reader.room()[..listing.len()].copy_from_slice(listing.as_bytes());
    reader.filled(listing.len());
    let name = |entry: OwnedEntry| String::from_utf8_lossy(entry.name()).into_owned();
    let mut names: Vec<_> = std::iter::from_fn(|| reader.next_entry()).map(name).collect();
    reader.end();
    names.extend(std::iter::from_fn(|| reader.next_entry()).map(name));
    let result = reader.complete();
    assert!(reader.complete().is_ok(), "an error is told once");
    (names, reader.unknown_lines(), result)
}

/// A mirror must not mistake the directory for an empty one
#[test]
fn what_the_server_could_not_read_is_not_empty() {
    let lines = [
        "ls: cannot open directory '.': Permission denied",
        "ls: .: Permission denied",
        "ls: /srv/in: Input/output error",
        "/bin/ls: d: No such file or directory",
        "/usr/bin/ls: reading directory '.': Input/output error",
        "UX:ls: ERROR: Cannot access .: Permission denied",
        ".: Permission denied",
        "550 No files found.",
    ];
    for line in lines {
        for format in [None, Some(Format::Mlsx)] {
            for listing in [line.to_owned(), format!("{line}\r\ntotal 0\r\n")] {
                let parser = match format {
                    Some(format) => parser().with_format(format),
                    None => parser(),
                };
                let (names, unknown, result) = outcome(parser, &listing);
                assert_eq!((names.len(), unknown), (0, 1), "{listing}");
                let error = result.expect_err(line);
                assert_eq!(error.to_string(), format!("the directory could not be read: {line}"));
            }
        }
    }
    // Among entries, one of them could not be read.
    let listing = "ls: y: Permission denied\r\n-rw-r--r-- 1 u g 5 Jan 02 2021 x\r\n";
    let (names, unknown, result) = outcome(parser(), listing);
    assert_eq!((names, unknown, result.is_ok()), (vec!["x".to_owned()], 1, true));
    // `.` and `..` are always listed.
    let listing = "drwxr-xr-x 1 u g 5 Jan 02 2021 .\r\nls: y: Permission denied\r\n";
    assert!(outcome(parser(), listing).2.is_err());
    // A line that can't be parsed may be a message of the server, or the rest of the entries.
    const DOTS: &str =
        "total 8\r\ndrwxr-xr-x 2 u g 5 Jan 02 2021 .\r\ndrwxr-xr-x 2 u g 5 Jan 02 2021 ..\r\n";
    const VMS: &str = "Directory DKA0:[X]\r\n\r\n";
    for (before, line) in [
        ("total 0\r\n", "Permission denied"),
        ("total 0\r\n", "Access is denied."),
        ("total 0\r\n", ". unreadable"),
        ("total 0\r\n", "451 Local error in processing"),
        ("total 8\r\n", "-rw-r--r-- rubbish"),
        (DOTS, "sh: fork: Cannot allocate memory"),
        (VMS, "%RMS-E-PRV, insufficient privilege or file protection violation"),
        (VMS, "%DIRECT-E-OPENIN, error opening DKA0:[X]*.*;* as input"),
    ] {
        for end in ["\r\n", "", "\r\nrubbish\r\n"] {
            let (names, unknown, result) = outcome(parser(), &format!("{before}{line}{end}"));
            assert_eq!((names.len(), unknown > 0), (0, true), "{line}");
            let error = result.expect_err(line).to_string();
            assert_eq!(error, format!("the directory could not be read: {line}"));
        }
    }
    let mlsd = || parser().with_format(Format::Mlsx);
    assert!(outcome(mlsd(), "Permission denied\r\n").2.is_err());
    // An error of the server is more useful than a line before it.
    let error = outcome(parser(), "total 0\r\nrubbish\r\nls: .: Permission denied\r\n").2;
    assert!(error.is_err_and(|error| error.to_string().ends_with("ls: .: Permission denied")));
    // With an entry it is an ordinary unknown line.
    let listing = "total 8\r\nrubbish\r\n-rw-r--r-- 1 u g 5 Jan 02 2021 x\r\n";
    let (names, unknown, result) = outcome(parser(), listing);
    assert_eq!((names.len(), unknown, result.is_ok()), (1, 1, true));
}

/// RFC 3659 section 7.5.5: `l` is the right to list, `e` the right to enter. ProFTPD lists a directory with mode 744
/// like this (Q158)
#[test]
fn a_directory_without_the_right_to_list_or_to_enter_is_not_empty() {
    const PARENT: &str = "perm=e;type=pdir; ..\r\n";
    const FILE: &str = "type=file; f\r\n";
    let mlsd = |lines: &str| outcome(parser().with_format(Format::Mlsx), lines);
    for rights in ["fl", "FL", "lcdmp", "e", "cdmp", ""] {
        let line = format!("perm={rights};type=cdir; .");
        for listing in [format!("{line}\r\n{PARENT}"), format!("{PARENT}{line}\r\n")] {
            let (names, unknown, result) = mlsd(&listing);
            assert_eq!((names.len(), unknown), (0, 0), "{listing}");
            let error = result.expect_err(&listing).to_string();
            assert_eq!(error, format!("the directory could not be read: {line}"));
            assert!(mlsd(&(listing + FILE)).2.is_ok(), "{line}");
        }
    }
    // The right to enter the parent says nothing about the directory.
    for rights in ["el", "flcdmpe", "EL"] {
        let listing = format!("perm={rights};type=cdir; .\r\n{PARENT}");
        assert!(mlsd(&listing).2.is_ok(), "{listing}");
    }
    assert!(mlsd(&format!("type=cdir; .\r\n{PARENT}")).2.is_ok());
}

/// If a message of the server is the only line, it is not taken for the name of a file. Among names it could be one
#[test]
fn messages_of_the_server_are_not_names() {
    let lines = [
        "Permission denied",
        "Access is denied.",
        ". unreadable",
        "450 No such file or directory",
        "451 Local error in processing",
        "425 Can't open data connection",
        "550 No files found.",
        "sh: ls: command not found",
        "/bin/sh: 1: ls: not found",
        "%DIRECT-E-OPENIN, error opening DKA0:[X]*.*;* as input",
        "-RMS-E-PRV, insufficient privilege or file protection violation",
        "No files found.",
        "File Not Found",
        "Can't open directory",
        "fork: Resource temporarily unavailable",
        "The system cannot find the path specified.",
    ];
    let hints = [None, Some(Format::Unix), Some(Format::Dos), Some(Format::Vms), Some(Format::Mvs)];
    for line in lines {
        for hint in hints {
            let parser = || match hint {
                Some(hint) => parser().with_hint(hint),
                None => parser(),
            };
            for after in ["", "\r\n", "\r\ntotal 0\r\n", "\r\n451 Local error\r\n", "\r\n\r\n"] {
                let listing = format!("{line}{after}");
                let (names, unknown, result) = outcome(parser(), &listing);
                assert_eq!((names.len(), unknown > 0), (0, true), "{listing}");
                let error = result.expect_err(line).to_string();
                assert_eq!(error, format!("the directory could not be read: {line}"));
            }
            let long = format!("{line}\r\n-rw-r--r-- 1 u g 5 Jan 02 2021 {line}\r\n");
            let (names, unknown, result) = outcome(parser(), &long);
            assert_eq!((names, unknown, result.is_ok()), (vec![line.to_owned()], 1, true));
        }
        // Files may have such names.
        for listing in [format!("{line}\r\nx\r\n"), format!("{line}\r\nx")] {
            assert_eq!(outcome(parser(), &listing).0, [line, "x"]);
        }
        assert_eq!(outcome(parser(), &format!("x\r\n{line}\r\ny\r\n")).0, ["x", line, "y"]);
        for listing in [line.to_owned(), format!("{line}\r\n")] {
            assert_eq!(outcome(parser().with_format(Format::Names), &listing).0, [line]);
        }
    }
    let names =
        ["425", "42 denied.txt", "4251 x", "600 x", "a%DIRECT-E-OPENIN", "-rf, x", "fish: x"];
    for name in names {
        assert_eq!(outcome(parser(), &format!("{name}\r\n")).0, [name]);
    }
}

/// The total of `ls` has another name in each language
#[test]
fn totals_in_unknown_languages() {
    const X: &str = "-rw-r--r-- 1 u g 5 Jan 02 2021 x\r\n";
    let known = [
        "總用量",
        "загалом",
        "σύνολο",
        "общо",
        "укупно",
        "усяго",
        "sveukupno",
        "skupno",
        "viso",
        "tổng",
        "guztira",
        "iomlán",
        "totalo",
        "jumlah",
        "omugatte",
        "всього",
        "総計",
        "tổng cộng",
    ];
    for word in known {
        let (names, unknown, result) = outcome(parser(), &format!("{word} 0\r\n"));
        assert_eq!((names.len(), unknown, result.is_ok()), (0, 0, true), "{word}");
    }
    for word in known.into_iter().chain(["ordoj", "två ord", "ordoj:"]) {
        for size in ["4", "4,0K", "8.5M", "128"] {
            for parser in [parser(), parser().with_hint(Format::Unix)] {
                let (names, unknown, _) = outcome(parser, &format!("{word} {size}\r\n{X}"));
                assert_eq!((names, unknown), (vec!["x".to_owned()], 0), "{word} {size}");
            }
        }
    }
    // The word is unknown, and may be a total.
    assert!(outcome(parser(), "ordoj 0\r\n").2.is_err());
    // Among names, or alone with a number, it is a name.
    assert_eq!(outcome(parser(), "Kapitel 1\r\nKapitel 2\r\n").0, ["Kapitel 1", "Kapitel 2"]);
    assert_eq!(outcome(parser(), "Kapitel 1\r\n").0, ["Kapitel 1"]);
    assert_eq!(outcome(parser(), "Kapitel 1\r\nx:\r\n").0, ["Kapitel 1", "x:"]);
    let listing = format!("{X}Kapitel 1\r\n");
    assert_eq!(
        (outcome(parser(), &listing).0, outcome(parser(), &listing).1),
        (vec!["x".into()], 1)
    );
}

/// Names that end in a colon are not lost as headings
#[test]
fn names_that_all_end_in_a_colon() {
    for listing in ["a:\r\nb:\r\n", "a:\r\nb:\r\nc\r\n", "a:\r\nb:"] {
        let (names, unknown, result) = outcome(parser(), listing);
        let expected: Vec<_> = listing.lines().map(ToOwned::to_owned).collect();
        assert_eq!((names, unknown, result.is_ok()), (expected, 0, true), "{listing}");
    }
    // The heading of a directory, or a file.
    let (names, unknown, result) = outcome(parser(), "d:\r\n");
    assert_eq!((names.len(), unknown, result.is_ok()), (0, 1, false));
    // `ls -R` of one directory.
    assert_eq!(outcome(parser(), "d:\r\nx\r\n").0, ["x"]);
    assert_eq!(outcome(parser(), "d:\r\ntotal 0\r\n").1, 0);
}

#[test]
fn dashes_below_the_titles_of_columns_are_part_of_them() {
    let titles = "  size          date       time       name\r\n\
                  --------       ------     ------    --------\r\n";
    let entry = "     512    JAN-02-2026  09:14:30   DIR.X             <DIR>\r\n";
    for parser in [parser, || parser().with_format(Format::VxWorks)] {
        let (names, unknown, complete) = outcome(parser(), &format!("{titles}{entry}"));
        assert_eq!((names, unknown, complete.is_ok()), (vec!["DIR.X".to_owned()], 0, true));
        let (names, unknown, complete) = outcome(parser(), titles);
        assert_eq!((names, unknown, complete.is_ok()), (vec![], 0, true));
    }
    // Below anything else, they are not known, or a name among names.
    let (names, unknown, _) = outcome(parser(), &format!("{entry}{titles}{entry}---- ----\r\n"));
    assert_eq!((names.len(), unknown), (2, 1));
    let (names, unknown, _) = outcome(parser(), "a\r\n---- ----\r\nb\r\n");
    assert_eq!((names.len(), unknown), (3, 0));
}

#[test]
fn empty_directories_are_empty() {
    for listing in [
        "",
        "\r\n",
        "total 0\r\n",
        "total 0",
        "total 8\r\ndrwxr-xr-x 2 u g 5 Jan 02 2021 .\r\ndrwxr-xr-x 2 u g 5 Jan 02 2021 ..\r\n",
        ".:\r\ntotal 0\r\n",
        "type=cdir; .\r\ntype=pdir; ..\r\n",
        "Directory DKA0:[X]\r\n\r\nTotal of 0 files\r\n",
        "%DIRECT-W-NOFILES, no files found\r\n",
        " Name     VV.MM   Created       Changed      Size  Init   Mod   Id\r\n",
        "No members found.\r\n",
        "No data sets found.\r\n",
        " Volume in drive C has no label.\r\n Volume Serial Number is 1A2B-3C4D\r\n\r\n \
         Directory of C:\\x\r\n\r\n12/31/2025  11:59 PM    <DIR>          .\r\n\
         12/31/2025  11:59 PM    <DIR>          ..\r\n               0 File(s)              0 bytes\r\n               \
         2 Dir(s)   1,000,000 bytes free\r\n",
    ] {
        let (names, unknown, result) = outcome(parser(), listing);
        assert_eq!((names.len(), unknown, result.is_ok()), (0, 0, true), "{listing}");
    }
}

/// A recursive listing has entries of other directories, under their own names
#[test]
fn entries_of_other_directories_are_not_entries_of_this_one() {
    const X: &str = "-rw-r--r-- 1 u g 5 Jan 02 2021 x\r\n";
    const Y: &str = "-rw-r--r-- 1 u g 5 Jan 02 2021 y\r\n";
    let cases = [
        (format!("total 4\r\n{X}\r\n./d:\r\ntotal 4\r\n{Y}"), vec!["x"], 1),
        (format!(".:\r\ntotal 4\r\n{X}\r\n./d:\r\n{Y}\r\n./d/e:\r\n{Y}{Y}"), vec!["x"], 3),
        // The first heading is that of the directory itself, whatever stands before it.
        (format!("ls: ./s: Permission denied\r\nd:\r\ntotal 4\r\n{X}"), vec!["x"], 1),
        (format!("\r\nd:\r\n\r\nd/e:\r\n{Y}"), vec![], 1),
        // Without a blank line before it.
        (format!("{X}d/e:\r\n{Y}"), vec!["x"], 1),
        (format!("{X}d:\r\ntotal 4\r\n{Y}"), vec!["x"], 1),
        // Not every line with a colon is a heading.
        (format!("{X}d:\r\n{Y}"), vec!["x", "y"], 0),
        (format!("{X}\r\n{Y}"), vec!["x", "y"], 0),
        ("type=file; x\r\n\r\nd:\r\ntype=file; y\r\n".to_owned(), vec!["x"], 1),
        // OpenVMS and DOS.
        (
            "Directory DKA0:[X]\r\n\r\nA.TXT;1 1/4 10-MAR-2024 12:34:56 [G,A] (RWED,RWED,RE,)\r\n\r\n\
             Total of 1 file, 1/4 blocks\r\n\r\n\
             Directory DKA0:[X.SUB]\r\n\r\nB.TXT;1 1/4 10-MAR-2024 12:34:56 [G,A] (RWED,RWED,RE,)\r\n\r\n\
             Total of 1 file, 1/4 blocks\r\n\r\n\
             Grand total of 2 directories, 2 files, 2/8 blocks\r\n"
                .to_owned(),
            vec!["A.TXT"],
            1,
        ),
        (
            "DKA0:[X]\r\nA.TXT;1\r\nDKA0:[X.SUB]\r\nB.TXT;1\r\nC.TXT;1\r\n".to_owned(),
            vec!["A.TXT"],
            2,
        ),
        (
            " Volume in drive C has no label.\r\n Volume Serial Number is 1A2B-3C4D\r\n\r\n \
             Directory of C:\\x\r\n\r\n\
             03/10/2024  12:34 PM    <DIR>          sub\r\n\
             03/10/2024  12:34 PM                 5 a\r\n               \
             1 File(s)              5 bytes\r\n\r\n \
             Directory of C:\\x\\sub\r\n\r\n\
             03/10/2024  12:34 PM                 5 b\r\n               \
             1 File(s)              5 bytes\r\n"
                .to_owned(),
            vec!["sub", "a"],
            1,
        ),
        // Names may end in a colon.
        ("a\r\nb:\r\nc\r\n".to_owned(), vec!["a", "b:", "c"], 0),
        ("a\r\nd\r\n\r\nd:\r\nc\r\n".to_owned(), vec!["a", "d"], 1),
    ];
    for (listing, expected, unknown) in cases {
        let (names, counted, result) = outcome(parser(), &listing);
        assert_eq!(
            (names, counted),
            (expected.iter().map(|name| (*name).to_owned()).collect(), unknown),
            "{listing}"
        );
        assert!(result.is_ok());
    }
    let names = outcome(parser().with_format(Format::Names), "./d:\r\n\r\nd/e:\r\nc\r\n").0;
    assert_eq!(names, ["./d:", "d/e:", "c"]);
}

/// LIST of many servers leaves out names that begin with a dot; MLSD has all
#[test]
fn which_listings_may_lack_dot_names() {
    let unix = |name: &str| format!("-rw-r--r-- 1 u g 5 Jan 02 2021 {name}\r\n");
    let dots = "drwxr-xr-x 2 u g 5 Jan 02 2021 .\r\ndrwxr-xr-x 2 u g 5 Jan 02 2021 ..\r\n";
    let may_lack = |parser: ListingParser, listing: &str| {
        let mut reader = ListingReader::new(parser);
        reader.room()[..listing.len()].copy_from_slice(listing.as_bytes());
        reader.filled(listing.len());
        reader.end();
        while reader.next_entry().is_some() {}
        reader.may_lack_dot_names()
    };
    for (listing, expected) in [
        (String::new(), true),
        (unix("a"), true),
        (dots.to_owned(), true),
        // Another directory's.
        (format!("{}\r\nd:\r\n{}", unix("a"), unix(".x")), true),
        (format!("{}{}", unix("a"), unix(".x")), false),
    ] {
        assert_eq!(may_lack(parser(), &listing), expected, "{listing:?}");
    }
    let mlsd = || parser().with_format(Format::Mlsx);
    assert!(!may_lack(mlsd(), ""));
    assert!(!may_lack(mlsd(), "type=file;size=5; a\r\n"));
}

/// A listing has columns or bare names: lines before the first entry in columns are no files
#[test]
fn unknown_lines_before_the_entries_are_not_names() {
    let entries = [
        "-rw-r--r-- 1 u g 5 Jan 02 2021 x\r\n",
        "03-10-24  12:34PM                   42 x\r\n",
        "type=file;size=42; x\r\n",
    ];
    let lines = ["?rw-r--r-- ? ? ? ? ? y", "Could not read the index", "nonsense", "Welcome!"];
    for entry in entries {
        for line in lines {
            let (names, unknown, result) = outcome(parser(), &format!("{line}\r\n{entry}"));
            assert_eq!((names, unknown), (vec!["x".to_owned()], 1), "{line}");
            result.unwrap();
        }
    }
    let (names, unknown, _) = outcome(parser(), "two words\r\nthree more words\r\nx\r\n");
    assert_eq!((names.len(), unknown), (3, 0));
    // MLSD without facts.
    let parser = parser().with_format(Format::Mlsx);
    let (names, unknown, _) = outcome(parser, " one\r\ntype=file; x\r\n");
    assert_eq!((names.len(), unknown), (2, 0));
}

#[test]
fn a_last_line_without_its_ending_is_known() {
    for (listing, is_open) in [
        ("-rw-r--r-- 1 u g 5 Jan 02 2021 x\r\n", false),
        ("-rw-r--r-- 1 u g 5 Jan 02 2021 x", true),
        ("type=file; x", true),
        ("x\r\ny", true),
        ("x\r\ny\r\n", false),
        ("NAME.TXT;1", true),
        ("total 0", true),
        ("", false),
    ] {
        let mut reader = ListingReader::new(parser());
        reader.room()[..listing.len()].copy_from_slice(listing.as_bytes());
        reader.filled(listing.len());
        while reader.next_entry().is_some() {}
        reader.end();
        while reader.next_entry().is_some() {}
        assert_eq!(reader.last_line_is_open(), is_open, "{listing}");
    }
}
