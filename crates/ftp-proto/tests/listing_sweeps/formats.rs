//! The formats of lines, each with a function that writes a line

use ftp_proto::Timestamp;
use ftp_proto::listing::DateOrder;

use crate::months::{EAST_ASIAN, LANGUAGES};

/// The content of a line
#[derive(Clone, Copy)]
pub(crate) struct File {
    pub(crate) size: u64,
    pub(crate) year: u16,
    pub(crate) month: u8,
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
}

/// The parts of a date that a format contains
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Has {
    Year,
    Time,
    Both,
}

/// The format of a server's lines
pub(crate) struct Way {
    pub(crate) name: String,
    pub(crate) has: Has,
    pub(crate) order: Option<DateOrder>,
    pub(crate) line: Box<dyn Fn(&File) -> String>,
}

pub(crate) const NAME: &str = "a name 12.txt";

fn ls(size: u64, date: &str) -> String {
    format!("-rw-r--r--   1 ann      staff    {size:>8} {date} {NAME}")
}

fn way(name: impl Into<String>, has: Has, line: impl Fn(&File) -> String + 'static) -> Way {
    Way { name: name.into(), has, order: None, line: Box::new(line) }
}

pub(crate) fn unix() -> Vec<Way> {
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

pub(crate) fn others() -> Vec<Way> {
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
