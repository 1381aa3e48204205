use alloc::string::ToString;
use std::format;

use super::NameProblem::{
    Character, Control, Device, Dots, Drive, Empty, End, NotUtf8, Separator, Stream, Taken, TooLong,
};
use super::*;
use crate::listing::{Item, ListingParser};

/// A name, and the problem that it has on Unix, macOS and Windows
type Case = (&'static [u8], [Option<NameProblem>; 3]);

const fn fine(name: &'static [u8]) -> Case {
    (name, [None; 3])
}

const fn refused(name: &'static [u8], problem: NameProblem) -> Case {
    (name, [Some(problem); 3])
}

/// Only Windows refuses it
const fn windows(name: &'static [u8], problem: NameProblem) -> Case {
    (name, [None, None, Some(problem)])
}

const NAMES: &[Case] = &[
    fine(b"README"),
    fine(b"notes.txt"),
    fine(b"two words"),
    fine(b" leading blank"),
    fine(b".bashrc"),
    windows(b"...", End),
    fine(b"..a"),
    fine(b"a..b"),
    fine(b"~"),
    fine(b"-rf"),
    fine(b"%2e%2e%2f"),
    fine("caf\u{e9}".as_bytes()),
    fine("\u{65e5}\u{672c}".as_bytes()),
    fine(b"CONSOLE"),
    fine(b"COM"),
    fine(b"COM10"),
    fine(b"COMA"),
    fine(b"LPT"),
    fine(b"nuls.txt"),
    fine(b"x.nul"),
    fine("\u{ff0e}\u{ff0e}".as_bytes()),
    refused(b"", Empty),
    refused(b".", Dots),
    refused(b"..", Dots),
    refused(b"../x", Separator),
    refused(b"..\\x", Separator),
    refused(b"/etc/passwd", Separator),
    refused(b"a/b", Separator),
    refused(b"a\\b", Separator),
    refused(b"\\\\server\\share", Separator),
    refused(b"\\\\?\\C:\\x", Separator),
    refused(b"C:\\boot.ini", Separator),
    refused(b"a\0b", Control),
    refused(b"a\nb", Control),
    refused(b"\x1b[2J", Control),
    refused(b"a\x7f", Control),
    windows(b"C:x", Drive),
    windows(b"z:", Drive),
    windows(b"a:b", Drive),
    windows(b"file:stream", Stream),
    windows(b"file::$DATA", Stream),
    windows(b":x", Stream),
    windows(b"1:x", Stream),
    windows(b"what?", Character),
    windows(b"*", Character),
    windows(b"a<b", Character),
    windows(b"a|b", Character),
    windows(b"\"quoted\"", Character),
    windows(b"CON", Device),
    windows(b"prn", Device),
    windows(b"Aux.txt", Device),
    windows(b"NUL.tar.gz", Device),
    windows(b"nul .txt", Device),
    windows(b"NUL ", Device),
    windows(b"COM1", Device),
    windows(b"lpt9.log", Device),
    windows("COM\u{b9}".as_bytes(), Device),
    windows("lpt\u{b3}.x".as_bytes(), Device),
    windows(b"CONIN$", Device),
    windows(b"conout$.txt", Device),
    windows(b"name.", End),
    windows(b"name ", End),
    windows(b".. ", End),
    windows(b". .", End),
    (b"latin-\xE9", [None, Some(NotUtf8), Some(NotUtf8)]),
    // An encoded slash and an encoded surrogate are no UTF-8.
    (b"..\xC0\xAFx", [None, Some(NotUtf8), Some(NotUtf8)]),
    (b"\xED\xA0\x80", [None, Some(NotUtf8), Some(NotUtf8)]),
    refused(&[b'x'; 256], TooLong),
];

const RULES: [LocalRules; 3] = [LocalRules::Unix, LocalRules::MacOs, LocalRules::Windows];

#[test]
fn names_under_the_rules_of_every_system() {
    assert!(NAMES.len() >= 60);
    for (name, problems) in NAMES {
        for (rules, problem) in RULES.into_iter().zip(problems) {
            let found = rules.check(name).err();
            let shown = name.escape_ascii();
            assert_eq!(found.as_ref().map(NameError::problem), *problem, "{rules:?} {shown}");
            if let Some(error) = found {
                assert_eq!(error.name(), *name);
                assert!(!error.to_string().contains(char::is_control), "{error}");
            }
        }
    }
}

#[test]
fn long_names_are_counted_as_the_system_does() {
    // 255 characters of two bytes and one UTF-16 code unit, and half as many of four and two.
    let (accents, faces) = ("\u{e9}".repeat(255), "\u{1f600}".repeat(127));
    for (name, problems) in [
        ("x".repeat(255), [None, None, None]),
        (accents.clone(), [Some(TooLong), None, None]),
        (accents + "x", [Some(TooLong); 3]),
        (faces.clone(), [Some(TooLong), None, None]),
        (faces + "xx", [Some(TooLong); 3]),
    ] {
        let found = RULES.map(|rules| rules.check(&name).err().map(|error| error.problem()));
        assert_eq!(found, problems, "{} bytes", name.len());
    }
}

#[test]
fn paths_are_checked_component_by_component() {
    for rules in RULES {
        let parts: Vec<_> = rules.components("a/b c/d.txt").unwrap().collect();
        assert_eq!(parts, [&b"a"[..], b"b c", b"d.txt"]);
        assert_eq!(rules.components("single").unwrap().count(), 1);
        for (path, problem) in [
            ("", Empty),
            ("/", Empty),
            ("/etc/passwd", Empty),
            ("//server/share", Empty),
            ("a//b", Empty),
            ("a/", Empty),
            ("../x", Dots),
            ("a/../../x", Dots),
            ("a/./b", Dots),
            ("a/..", Dots),
            ("a/..\\..\\x", Separator),
            ("a/b\0/c", Control),
        ] {
            let error = rules.components(path).map(Iterator::count).unwrap_err();
            assert_eq!((error.name(), error.problem()), (path.as_bytes(), problem), "{path}");
        }
    }
    for (path, problem) in
        [("a/C:/x", Drive), ("a/b:c/d", Drive), ("pub/aux/x", Device), ("a./b", End)]
    {
        let error = LocalRules::Windows.components(path).map(Iterator::count).unwrap_err();
        assert_eq!(error.problem(), problem, "{path}");
        assert!(LocalRules::Unix.components(path).is_ok());
    }
}

#[test]
fn names_in_one_directory_do_not_collide() {
    // Under the rules of these systems, the second name refers to the same file as the first.
    for (first, second, problems) in [
        ("f", "f", [Some(Taken); 3]),
        ("f", "g", [None; 3]),
        ("README", "readme", [None, Some(Taken), Some(Taken)]),
        ("\u{c9}t\u{e9}", "\u{e9}T\u{c9}", [None, Some(Taken), Some(Taken)]),
        ("\u{3a9}", "\u{3c9}", [None, Some(Taken), Some(Taken)]),
        // Not the same anywhere.
        ("stra\u{df}e", "strasse", [None; 3]),
        ("\u{131}", "i", [None; 3]),
        ("\u{17f}", "s", [None; 3]),
        // What is refused is not taken either.
        ("..", "..", [Some(Dots); 3]),
    ] {
        for (rules, problem) in RULES.into_iter().zip(problems) {
            let mut names = TakenNames::new(rules);
            let first = names.take(first);
            assert_eq!(first.is_err(), problem == Some(Dots));
            let found = names.take(second).err().map(|error| error.problem());
            assert_eq!(found, problem, "{rules:?} {second}");
            assert!(names.take(second).is_err());
            names.take("another").unwrap();
        }
    }
}

#[test]
fn an_error_says_which_name_and_why() {
    let error = LocalRules::Windows.check("a\u{202e}gpj.C:").unwrap_err();
    let text =
        r#""a\u{202e}gpj.C:" can't be the name of a local file: it names a stream of another file"#;
    assert_eq!(error.to_string(), text);
    assert_eq!(
        format!("{:?}", LocalRules::Unix.check(b"\xFF/").unwrap_err()),
        r#"NameError("\xff/", Separator)"#
    );
    let io = std::io::Error::from(error);
    assert_eq!((io.kind(), io.to_string()), (std::io::ErrorKind::InvalidInput, text.to_string()));
}

#[test]
fn entries_of_listings_follow_the_rules_of_this_system() {
    let mut asked = 0;
    for (name, _) in NAMES {
        let line = [b"type=file; ", *name, b"\r\n"].concat();
        let mut parser = ListingParser::new();
        let mut bytes = &line[..];
        let Some(Item::Entry(entry)) = parser.parse(&mut bytes) else { continue };
        // A line feed ends the line.
        if entry.name == *name {
            assert_eq!(entry.is_safe_name(), LocalRules::current().check(name).is_ok());
            asked += 1;
        }
    }
    assert!(asked >= 60, "{asked}");
}
