//! Every size, day and year in every known format: no line is lost, no field is wrong
//!
//! By default it takes a sample. `FTP_LONG=1` takes all:
//! `FTP_LONG=1 cargo test --release -p ftp-proto --test listing_sweeps -- --nocapture`.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the environment tells how long it may take, and counts are printed"
)]

use std::env;
use std::fmt::Write;

use ftp_proto::Timestamp;
use ftp_proto::listing::{DateOrder, Format, Item, ListingParser, Modified};

/// The clock of all sweeps
const NOW: (u16, u8, u8, u8, u8) = (2024, 2, 29, 12, 0);

/// The maximum size
const SIZES: u64 = 20_000;

fn long() -> bool {
    env::var_os("FTP_LONG").is_some_and(|value| value == "1")
}

fn now() -> Timestamp {
    let (year, month, day, hour, minute) = NOW;
    Timestamp::new(year, month, day, hour, minute, 0).expect("a time")
}

/// The content of a line
#[derive(Clone, Copy)]
struct File {
    size: u64,
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
}

/// The parts of a date that a format contains
#[derive(Clone, Copy, PartialEq, Eq)]
enum Has {
    Year,
    Time,
    Both,
}

/// The format of a server's lines
struct Way {
    name: String,
    has: Has,
    order: Option<DateOrder>,
    line: Box<dyn Fn(&File) -> String>,
}

/// Months as written by `ls`, and the form of the date
const LANGUAGES: &[(&str, [&str; 12])] = &[
    ("en", ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]),
    (
        "de",
        ["Jan", "Feb", "M\u{e4}r", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"],
    ),
    (
        "de-long",
        [
            "Jan.",
            "Feb.",
            "M\u{e4}rz",
            "Apr.",
            "Mai",
            "Juni",
            "Juli",
            "Aug.",
            "Sep.",
            "Okt.",
            "Nov.",
            "Dez.",
        ],
    ),
    (
        "fr",
        [
            "janv.",
            "f\u{e9}vr.",
            "mars",
            "avril",
            "mai",
            "juin",
            "juil.",
            "ao\u{fb}t",
            "sept.",
            "oct.",
            "nov.",
            "d\u{e9}c.",
        ],
    ),
    ("es", ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"]),
    ("it", ["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"]),
    ("pt", ["Jan", "Fev", "Mar", "Abr", "Mai", "Jun", "Jul", "Ago", "Set", "Out", "Nov", "Dez"]),
    ("nl", ["jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"]),
    ("da", ["jan", "feb", "mar", "apr", "maj", "jun", "jul", "aug", "sep", "okt", "nov", "dec"]),
    (
        "no",
        [
            "jan.", "feb.", "mars", "april", "mai", "juni", "juli", "aug.", "sep.", "okt.", "nov.",
            "des.",
        ],
    ),
    (
        "pl",
        ["sty", "lut", "mar", "kwi", "maj", "cze", "lip", "sie", "wrz", "pa\u{17a}", "lis", "gru"],
    ),
    (
        "cs",
        [
            "led",
            "\u{fa}no",
            "b\u{159}e",
            "dub",
            "kv\u{11b}",
            "\u{10d}en",
            "\u{10d}ec",
            "srp",
            "z\u{e1}\u{159}",
            "\u{159}\u{ed}j",
            "lis",
            "pro",
        ],
    ),
    (
        "sk",
        [
            "jan", "feb", "mar", "apr", "m\u{e1}j", "j\u{fa}n", "j\u{fa}l", "aug", "sep", "okt",
            "nov", "dec",
        ],
    ),
    ("sl", ["jan", "feb", "mar", "apr", "maj", "jun", "jul", "avg", "sep", "okt", "nov", "dec"]),
    (
        "hu",
        [
            "jan",
            "febr",
            "m\u{e1}rc",
            "\u{e1}pr",
            "m\u{e1}j",
            "j\u{fa}n",
            "j\u{fa}l",
            "aug",
            "szept",
            "okt",
            "nov",
            "dec",
        ],
    ),
    (
        "fi",
        [
            "tammi",
            "helmi",
            "maalis",
            "huhti",
            "touko",
            "kes\u{e4}",
            "hein\u{e4}",
            "elo",
            "syys",
            "loka",
            "marras",
            "joulu",
        ],
    ),
    (
        "et",
        [
            "jaan",
            "veebr",
            "m\u{e4}rts",
            "apr",
            "mai",
            "juuni",
            "juuli",
            "aug",
            "sept",
            "okt",
            "nov",
            "dets",
        ],
    ),
    ("ro", ["ian", "feb", "mar", "apr", "mai", "iun", "iul", "aug", "sep", "oct", "noi", "dec"]),
    (
        "tr",
        [
            "Oca",
            "\u{15e}ub",
            "Mar",
            "Nis",
            "May",
            "Haz",
            "Tem",
            "A\u{11f}u",
            "Eyl",
            "Eki",
            "Kas",
            "Ara",
        ],
    ),
    (
        "is",
        [
            "jan",
            "feb",
            "mar",
            "apr",
            "ma\u{ed}",
            "j\u{fa}n",
            "j\u{fa}l",
            "\u{e1}g\u{fa}",
            "sep",
            "okt",
            "n\u{f3}v",
            "des",
        ],
    ),
    ("id", ["Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"]),
    (
        "ru",
        [
            "\u{44f}\u{43d}\u{432}",
            "\u{444}\u{435}\u{432}",
            "\u{43c}\u{430}\u{440}",
            "\u{430}\u{43f}\u{440}",
            "\u{43c}\u{430}\u{44f}",
            "\u{438}\u{44e}\u{43d}",
            "\u{438}\u{44e}\u{43b}",
            "\u{430}\u{432}\u{433}",
            "\u{441}\u{435}\u{43d}",
            "\u{43e}\u{43a}\u{442}",
            "\u{43d}\u{43e}\u{44f}",
            "\u{434}\u{435}\u{43a}",
        ],
    ),
    (
        "uk",
        [
            "\u{441}\u{456}\u{447}",
            "\u{43b}\u{44e}\u{442}",
            "\u{431}\u{435}\u{440}",
            "\u{43a}\u{432}\u{456}",
            "\u{442}\u{440}\u{430}",
            "\u{447}\u{435}\u{440}",
            "\u{43b}\u{438}\u{43f}",
            "\u{441}\u{435}\u{440}",
            "\u{432}\u{435}\u{440}",
            "\u{436}\u{43e}\u{432}",
            "\u{43b}\u{438}\u{441}",
            "\u{433}\u{440}\u{443}",
        ],
    ),
    (
        "bg",
        [
            "\u{44f}\u{43d}\u{443}",
            "\u{444}\u{435}\u{432}",
            "\u{43c}\u{430}\u{440}",
            "\u{430}\u{43f}\u{440}",
            "\u{43c}\u{430}\u{439}",
            "\u{44e}\u{43d}\u{438}",
            "\u{44e}\u{43b}\u{438}",
            "\u{430}\u{432}\u{433}",
            "\u{441}\u{435}\u{43f}",
            "\u{43e}\u{43a}\u{442}",
            "\u{43d}\u{43e}\u{435}",
            "\u{434}\u{435}\u{43a}",
        ],
    ),
    (
        "el",
        [
            "\u{399}\u{3b1}\u{3bd}",
            "\u{3a6}\u{3b5}\u{3b2}",
            "\u{39c}\u{3ac}\u{3c1}",
            "\u{391}\u{3c0}\u{3c1}",
            "\u{39c}\u{3ac}\u{3b9}",
            "\u{399}\u{3bf}\u{3cd}\u{3bd}",
            "\u{399}\u{3bf}\u{3cd}\u{3bb}",
            "\u{391}\u{3cd}\u{3b3}",
            "\u{3a3}\u{3b5}\u{3c0}",
            "\u{39f}\u{3ba}\u{3c4}",
            "\u{39d}\u{3bf}\u{3ad}",
            "\u{394}\u{3b5}\u{3ba}",
        ],
    ),
    (
        "vi",
        [
            "Th01", "Th02", "Th03", "Th04", "Th05", "Th06", "Th07", "Th08", "Th09", "Th10", "Th11",
            "Th12",
        ],
    ),
];

/// The characters after year, month and day in East Asian dates
const EAST_ASIAN: [(&str, [&str; 3]); 3] = [
    ("zh and ja", ["\u{5e74}", "\u{6708}", "\u{65e5}"]),
    ("ko", ["\u{b144}", "\u{c6d4}", "\u{c77c}"]),
    // An invented character for the month, since charsets differ.
    ("another", ["\u{e000}", "\u{e001}", "\u{e002}"]),
];

const NAME: &str = "a name 12.txt";

fn ls(size: u64, date: &str) -> String {
    format!("-rw-r--r--   1 ann      staff    {size:>8} {date} {NAME}")
}

fn way(name: impl Into<String>, has: Has, line: impl Fn(&File) -> String + 'static) -> Way {
    Way { name: name.into(), has, order: None, line: Box::new(line) }
}

fn unix() -> Vec<Way> {
    let mut ways = Vec::new();
    for (language, months) in LANGUAGES {
        let month = |file: &File| months[usize::from(file.month) - 1];
        ways.push(way(format!("ls {language}, year"), Has::Year, move |file| {
            ls(file.size, &format!("{} {:>2}  {}", month(file), file.day, file.year))
        }));
        ways.push(way(format!("ls {language}, time"), Has::Time, move |file| {
            let File { size, day, hour, minute, .. } = file;
            ls(*size, &format!("{} {day:>2} {hour:02}:{minute:02}", month(file)))
        }));
        ways.push(way(format!("ls {language}, day first, year"), Has::Year, move |file| {
            ls(file.size, &format!("{:>2} {}  {}", file.day, month(file), file.year))
        }));
        ways.push(way(format!("ls {language}, day and dot first, time"), Has::Time, move |file| {
            let File { size, day, hour, minute, .. } = file;
            ls(*size, &format!("{day:>2}. {} {hour:02}:{minute:02}", month(file)))
        }));
    }
    for (name, [y, m, d]) in EAST_ASIAN {
        let add = |ways: &mut Vec<Way>, kind: &str, has, date: Box<dyn Fn(&File) -> String>| {
            ways.push(way(format!("ls {name}, {kind}"), has, move |file| {
                ls(file.size, &date(file))
            }));
        };
        add(
            &mut ways,
            "M D year",
            Has::Year,
            Box::new(move |f| format!("{}{m} {} {}", f.month, f.day, f.year)),
        );
        add(
            &mut ways,
            "M  D  year",
            Has::Year,
            Box::new(move |f| format!("{:>2}{m} {:>2}  {}", f.month, f.day, f.year)),
        );
        add(
            &mut ways,
            "MM DD time",
            Has::Time,
            Box::new(move |f| {
                format!("{:02}{m} {:02} {:02}:{:02}", f.month, f.day, f.hour, f.minute)
            }),
        );
        add(
            &mut ways,
            "M D, all marked, year",
            Has::Year,
            Box::new(move |f| format!("{}{m} {}{d} {}{y}", f.month, f.day, f.year)),
        );
        add(
            &mut ways,
            "M D, all marked, time",
            Has::Time,
            Box::new(move |f| format!("{}{m} {}{d} {:02}:{:02}", f.month, f.day, f.hour, f.minute)),
        );
        add(
            &mut ways,
            "joined, time",
            Has::Time,
            Box::new(move |f| format!("{}{m}{}{d} {:02}:{:02}", f.month, f.day, f.hour, f.minute)),
        );
        add(
            &mut ways,
            "Y M D",
            Has::Year,
            Box::new(move |f| format!("{}{y} {:>2}{m} {:>2}{d}", f.year, f.month, f.day)),
        );
        add(
            &mut ways,
            "Y M D, the year bare",
            Has::Year,
            Box::new(move |f| format!("{} {:>2}{m} {:>2}", f.year, f.month, f.day)),
        );
        add(
            &mut ways,
            "Y M D joined",
            Has::Year,
            Box::new(move |f| format!("{}{y}{}{m}{}{d}", f.year, f.month, f.day)),
        );
    }
    let number = |name: &str, has, date: fn(&File) -> String| {
        way(format!("ls {name}"), has, move |file: &File| ls(file.size, &date(file)))
    };
    ways.push(number("YYYY-MM-DD HH:MM", Has::Both, |f| {
        format!("{}-{:02}-{:02} {:02}:{:02}", f.year, f.month, f.day, f.hour, f.minute)
    }));
    ways.push(number("YYYY-MM-DD", Has::Year, |f| {
        format!("{}-{:02}-{:02}", f.year, f.month, f.day)
    }));
    ways.push(number("YYYY/MM/DD", Has::Year, |f| {
        format!("{}/{:02}/{:02}", f.year, f.month, f.day)
    }));
    ways.push(number("YYYY.MM.DD", Has::Year, |f| {
        format!("{}.{:02}.{:02}", f.year, f.month, f.day)
    }));
    ways.push(number("MM-DD YYYY", Has::Year, |f| {
        format!("{:02}-{:02} {}", f.month, f.day, f.year)
    }));
    ways.push(number("MM-DD HH:MM", Has::Time, |f| {
        format!("{:02}-{:02} {:02}:{:02}", f.month, f.day, f.hour, f.minute)
    }));
    for (separator, of_year) in [('-', 4), ('.', 4), ('/', 4), ('.', 2), ('-', 2)] {
        for (order, name) in [(DateOrder::DayFirst, "D M"), (DateOrder::MonthFirst, "M D")] {
            let line = move |file: &File| {
                let File { size, year, month, day, hour, minute } = file;
                let (one, other) =
                    if order == DateOrder::DayFirst { (day, month) } else { (month, day) };
                let year = if of_year == 4 { *year } else { *year % 100 };
                let date = format!("{one:02}{separator}{other:02}{separator}{year:02}");
                ls(*size, &format!("{date} {hour:02}:{minute:02}"))
            };
            let mut way =
                way(format!("ls {name} {separator}, {of_year} digits of a year"), Has::Both, line);
            way.order = Some(order);
            ways.push(way);
        }
    }
    ways
}

fn others() -> Vec<Way> {
    const MONTHS: [&str; 12] = LANGUAGES[0].1;
    let month = |file: &File| MONTHS[usize::from(file.month) - 1];
    let upper = move |file: &File| month(file).to_ascii_uppercase();
    let half = |file: &File| {
        let hour = if file.hour % 12 == 0 { 12 } else { file.hour % 12 };
        format!("{hour:02}:{:02}{}", file.minute, if file.hour < 12 { "AM" } else { "PM" })
    };
    let mut ways = vec![
        way("MLSD", Has::Both, |f| {
            let time =
                format!("{}{:02}{:02}{:02}{:02}00", f.year, f.month, f.day, f.hour, f.minute);
            format!("type=file;size={};modify={time}; {NAME}", f.size)
        }),
        way("OS/2", Has::Both, |f| {
            let date = format!("{:02}-{:02}-{:02}", f.month, f.day, f.year % 100);
            format!("{:>10}     A      {date}   {:02}:{:02}  {NAME}", f.size, f.hour, f.minute)
        }),
        way("OS/400", Has::Both, |f| {
            let date = format!("{:02}.{:02}.{:02}", f.day, f.month, f.year % 100);
            format!(
                "ANN       {:>10} {date} {:02}:{:02}:00 *STMF     {NAME}",
                f.size, f.hour, f.minute
            )
        }),
        way("VShell", Has::Both, move |f| {
            let date = format!("{} {:02}, {}", month(f), f.day, f.year);
            format!("{:>10} {date} {:02}:{:02} {NAME}", f.size, f.hour, f.minute)
        }),
        way("VxWorks", Has::Both, move |f| {
            let date = format!("{}-{:02}-{}", month(f), f.day, f.year);
            format!("{:>10}    {date}  {:02}:{:02}:00   {NAME}", f.size, f.hour, f.minute)
        }),
        way("NonStop", Has::Both, move |f| {
            let date = format!("{:>2}-{}-{:02}", f.day, month(f), f.year % 100);
            format!(
                "ANAME  101 {:>16} {date} {:02}:{:02}:00 255, 17 \"nunu\"",
                f.size, f.hour, f.minute
            )
        }),
        way("VM/CMS, fixed records", Has::Both, |f| {
            let date = format!("{:>2}/{:02}/{:02}", f.month, f.day, f.year % 100);
            format!(
                "ANAME    TXT      A1 F {:>10}      1     1  {date} {:>2}:{:02}:00",
                f.size, f.hour, f.minute
            )
        }),
        way("VM/CMS, years of four digits", Has::Both, |f| {
            let date = format!("{}-{:02}-{:02}", f.year, f.month, f.day);
            format!(
                "ANAME    TXT      F {:>10}      1     1  {date} {:02}:{:02}:00 ANN",
                f.size, f.hour, f.minute
            )
        }),
        way("VM, byte files", Has::Both, |f| {
            let date = format!("{:02}/{:02}/{}", f.month, f.day, f.year);
            format!("{date} {:02}:{:02}:00 F 1 {:>10} '{NAME}'", f.hour, f.minute, f.size)
        }),
        way("OS-9", Has::Both, |f| {
            let date = format!("{:02}/{:02}/{:02}", f.year % 100, f.month, f.day);
            format!("1.7 {date} {:02}{:02} ---wr-wr 1f0 {} {NAME}", f.hour, f.minute, f.size)
        }),
        way("WFFTP", Has::Both, |f| {
            let date = format!("{:02}/{:02}/{:02}", f.month, f.day, f.year % 100);
            format!("a.name  {:>10}  {date}  Thur.   {:02}:{:02}:00", f.size, f.hour, f.minute)
        }),
        way("VMS", Has::Both, move |f| {
            let date = format!("{:>2}-{}-{}", f.day, upper(f), f.year);
            format!(
                "A.NAME;1  {:>6}/9999  {date} {:02}:{:02}:00.00  [STAFF,ANN]  (RWED,RWED,RE,)",
                f.size, f.hour, f.minute
            )
        }),
        way("z/OS member", Has::Both, |f| {
            let date = format!("{}/{:02}/{:02}", f.year, f.month, f.day);
            format!(
                "ANAME     01.05 1990/01/01 {date} {:02}:{:02} {:>5} {:>5}     0 ANN",
                f.hour, f.minute, f.size, f.size
            )
        }),
        way("z/OS member, two digits of a year", Has::Both, |f| {
            let date = format!("{:02}/{:02}/{:02}", f.year % 100, f.month, f.day);
            format!(
                "ANAME     01.05 90/01/01 {date} {:02}:{:02} {:>5} {:>5}     0 ANN",
                f.hour, f.minute, f.size, f.size
            )
        }),
    ];
    for (order, name) in
        [(DateOrder::MonthFirst, "month first"), (DateOrder::DayFirst, "day first")]
    {
        for of_year in [2, 4] {
            let date = move |f: &File| {
                let (one, other) =
                    if order == DateOrder::DayFirst { (f.day, f.month) } else { (f.month, f.day) };
                let year = if of_year == 4 { f.year } else { f.year % 100 };
                format!("{one:02}-{other:02}-{year:02}")
            };
            for (hours, time) in [
                ("12 hours", Box::new(half) as Box<dyn Fn(&File) -> String>),
                ("24 hours", Box::new(|f: &File| format!("{:02}:{:02}", f.hour, f.minute))),
            ] {
                let line =
                    move |f: &File| format!("{}  {} {:>20} {NAME}", date(f), time(f), f.size);
                let mut way = way(
                    format!("DOS {name}, {of_year} digits of a year, {hours}"),
                    Has::Both,
                    line,
                );
                way.order = Some(order);
                ways.push(way);
            }
        }
    }
    // Seconds since 1970.
    for format in ["EPLF", "numbers"] {
        ways.push(way(format, Has::Both, move |f| {
            let time = Timestamp::new(f.year, f.month, f.day, f.hour, f.minute, 0).expect("a time");
            if format == "EPLF" {
                format!("+i1.2,m{},r,s{},\t{NAME}", time.to_unix(), f.size)
            } else {
                format!("0100644   500  101  {}  {}  {NAME}", f.size, time.to_unix())
            }
        }));
    }
    ways
}

/// Checks the item of a line in this format
fn check(way: &Way, file: &File, item: &Item<'_>, line: &str) {
    let Item::Entry(entry) = item else { panic!("{}: lost: {line}: {item:?}", way.name) };
    let name = String::from_utf8_lossy(entry.name);
    let known = [NAME, "a.name", "A.NAME", "ANAME", "ANAME.TXT"];
    assert!(known.contains(&&*name), "{}: {line}: {name}", way.name);
    // Blocks and records are not bytes.
    if !way.name.starts_with("VMS") && !way.name.starts_with("z/OS") {
        assert_eq!(entry.size, Some(file.size), "{}: {line}", way.name);
    }
    let Some(Modified::At { time, .. }) = entry.modified else {
        panic!("{}: no date: {line}", way.name);
    };
    let minutes = if way.has == Has::Year { (0, 0) } else { (file.hour, file.minute) };
    let day = (time.year(), time.month(), time.day());
    assert_eq!(day, (file.year, file.month, file.day), "{}: {line}", way.name);
    assert_eq!((time.hour(), time.minute()), minutes, "{}: {line}", way.name);
    if way.name.starts_with("ls ") {
        let text =
            |field: Option<&[u8]>| field.map(|field| String::from_utf8_lossy(field).into_owned());
        assert_eq!(text(entry.owner).as_deref(), Some("ann"), "{}: {line}", way.name);
        assert_eq!(text(entry.group).as_deref(), Some("staff"), "{}: {line}", way.name);
        assert_eq!(entry.links, Some(1), "{}: {line}", way.name);
    }
}

fn parser(way: &Way) -> ListingParser {
    let parser = ListingParser::new().with_now(now());
    match way.order {
        Some(order) => parser.with_date_order(order),
        None => parser,
    }
}

/// Parses all these files in one format, as one listing, and returns their number
fn sweep(way: &Way, files: impl Iterator<Item = File>) -> usize {
    let mut parser = parser(way);
    let mut count = 0;
    let mut line = String::new();
    for mut file in files {
        if way.has == Has::Time {
            // Up to a day in the future, a day without a year is in this year.
            let (year, _, _, hour, minute) = NOW;
            let ahead = (file.month, file.day, file.hour, file.minute) > (3, 1, hour, minute);
            file.year = year - u16::from(ahead);
        }
        line.clear();
        let _ = writeln!(line, "{}", (way.line)(&file));
        let mut input = line.as_bytes();
        let item = parser.parse(&mut input).unwrap_or_else(|| panic!("{}: {line}", way.name));
        check(way, &file, &item, &line);
        assert!(input.is_empty());
        count += 1;
    }
    count
}

fn days_in_month(year: u16, month: u8) -> u8 {
    (28..=31).rev().find(|day| Timestamp::new(year, month, *day, 0, 0, 0).is_some()).expect("a day")
}

#[test]
fn every_size() {
    let step = if long() { 1 } else { 37 };
    let mut lines = 0;
    let ways: Vec<_> = unix().into_iter().chain(others()).collect();
    for way in &ways {
        for (month, day) in [(1, 2), (10, 12), (12, 31)] {
            let file = |size| File { size, year: 2003, month, day, hour: 10, minute: 17 };
            // Sizes that look like years are always included.
            let years = (1980..2040).chain(4090..4100);
            lines += sweep(way, (0..=SIZES).step_by(step).chain(years).map(file));
        }
    }
    println!("sizes: {lines} lines in {} ways", ways.len());
}

#[test]
fn every_day_of_every_year() {
    let mut lines = 0;
    let ways: Vec<_> = unix().into_iter().chain(others()).collect();
    let years: Vec<u16> = if long() {
        (1980..=2038).collect()
    } else {
        vec![1980, 1999, 2000, 2004, 2023, 2024, 2038]
    };
    for way in &ways {
        for year in &years {
            let days = (1..=12)
                .flat_map(|month| (1..=days_in_month(*year, month)).map(move |day| (month, day)));
            let step = if long() { 1 } else { 3 };
            let files = days.step_by(step).map(|(month, day)| File {
                size: u64::from(*year),
                year: *year,
                month,
                day,
                hour: (month * 2 + day) % 24,
                minute: day * 2 % 60,
            });
            let files = files.filter(|file| way.has != Has::Time || file.year == 2023);
            lines += sweep(way, files);
        }
    }
    println!("days: {lines} lines in {} ways", ways.len());
}

#[test]
fn every_minute() {
    let mut lines = 0;
    let ways = || unix().into_iter().chain(others()).filter(|way| way.has != Has::Year);
    for way in ways() {
        let step = if long() { 1 } else { 17 };
        let files = (0..24 * 60_u16).step_by(step).map(|minute| File {
            size: 1999,
            year: 2023,
            month: 11,
            day: 30,
            hour: u8::try_from(minute / 60).expect("an hour"),
            minute: u8::try_from(minute % 60).expect("a minute"),
        });
        lines += sweep(&way, files);
    }
    println!("minutes: {lines} lines in {} ways", ways().count());
}

/// Formats that are detected are detected at the first line
#[test]
fn the_first_line_is_enough() {
    let file = File { size: 17, year: 2003, month: 4, day: 5, hour: 6, minute: 7 };
    for (way, format) in unix().iter().map(|way| (way, Format::Unix)) {
        let mut parser = parser(way);
        let line = (way.line)(&file) + "\n";
        assert!(matches!(parser.parse(&mut line.as_bytes()), Some(Item::Entry(_))), "{line}");
        assert_eq!(parser.format(), Some(format), "{line}");
    }
}
