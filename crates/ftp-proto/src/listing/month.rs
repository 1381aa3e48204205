//! Names of months in the languages that servers use

use super::scan::small;

/// Returns a month, 1 to 12, from its name in one of the languages that servers use
pub(super) fn month(word: &[u8]) -> Option<u8> {
    let word = word.strip_suffix(b".").unwrap_or(word);
    let (head, _) = word.split_first_chunk::<3>()?;
    if word.len() > 12 {
        return None;
    }
    if head.iter().all(u8::is_ascii_alphabetic) {
        let lower = head.map(|byte| byte.to_ascii_lowercase());
        return match word {
            // Finnish `marras` is November, although it begins like March.
            [_, _, _, b'r' | b'R', ..] if lower == *b"mar" => Some(11),
            // Estonian `juuni` and `juuli`.
            [_, _, _, b'n' | b'N', ..] if lower == *b"juu" => Some(6),
            [_, _, _, b'l' | b'L', ..] if lower == *b"juu" => Some(7),
            _ => ascii_month(lower, word).or_else(|| seldom(lower)),
        };
    }
    if let [b'T' | b't', b'h', digits @ ..] = word {
        // Vietnamese has `Th03`.
        return small(digits).filter(|month| (1..=12).contains(month));
    }
    if word.is_ascii() {
        return None;
    }
    let begins =
        |name: &&[u8]| word.len() >= name.len() && word[..name.len()].eq_ignore_ascii_case(name);
    if let Some(index) = OTHER_MONTHS.iter().position(|names| names.iter().any(begins)) {
        return u8::try_from(index + 1).ok();
    }
    IN_UTF_8.iter().find(|(name, _)| begins(&name.as_bytes())).map(|(_, month)| *month)
}

/// The language of the names of months in a listing
///
/// Three names mean one month in Croatian and the next one in other languages: `lip` is June, and July in Polish; `srp`
/// is July, and August in Czech; `lis` is October, and November in Polish and Czech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// No name so far belongs to one language only
    Unknown,
    Croatian,
    Other,
}

impl Language {
    /// Returns the month that a name means in the language so far, and learns from the name; `month` is what
    /// [`month`] returns for it
    ///
    /// In an unknown language, `lip` and `lis` are Polish, which is far more common, and `srp` is not known.
    pub(super) fn read(&mut self, name: &[u8], month: u8) -> Option<u8> {
        let head = name.first_chunk::<3>()?.map(|byte| byte.to_ascii_lowercase());
        match (&head, *self) {
            (b"lip" | b"srp" | b"lis", Self::Croatian) => return Some(month - 1),
            (b"srp", Self::Unknown) => return None,
            // `pro` is December in Croatian and in Czech.
            (b"lip" | b"srp" | b"lis" | b"pro", _) => {}
            (b"sij" | b"vel" | b"tra" | b"svi" | b"kol" | b"ruj" | b"stu", _) => {
                *self = Self::Croatian;
            }
            _ if name.starts_with("ožu".as_bytes()) => *self = Self::Croatian,
            _ => *self = Self::Other,
        }
        Some(month)
    }
}

/// As [`ascii_month`], for less common languages
fn seldom(head: [u8; 3]) -> Option<u8> {
    Some(match &head {
        b"oca" | b"sij" | b"led" | b"tam" | b"ian" | b"jaa" | b"sau" | b"urt" | b"xan" => 1,
        b"hel" | b"vel" | b"vee" | b"vas" | b"ots" => 2,
        b"nis" | b"tra" | b"dub" | b"huh" | b"bal" | b"api" => 4,
        b"tou" | b"svi" | b"geg" => 5,
        b"haz" | b"kes" | b"iun" | b"bir" | b"eka" => 6,
        b"lip" | b"tem" | b"hei" | b"iul" | b"lie" | b"uzt" | b"xul" => 7,
        b"srp" | b"kol" | b"elo" | b"avg" | b"agu" | b"agt" | b"ogo" | b"abu" => 8,
        b"eyl" | b"ruj" | b"syy" | b"ira" => 9,
        b"eki" | b"lok" | b"spa" | b"urr" => 10,
        b"lis" | b"stu" | b"kas" | b"noi" | b"lap" | b"aza" => 11,
        b"ara" | b"pro" | b"jou" | b"det" | b"abe" => 12,
        b"mac" | b"kov" => 3,
        _ => return None,
    })
}

/// The beginnings of the names of months in less common languages: Croatian, Polish, Czech, Turkish, Icelandic,
/// Greek, Ukrainian, Belarusian, Bulgarian, Serbian, Hebrew, Arabic, Thai
const IN_UTF_8: &[(&str, u8)] = &[
    ("ožu", 3),
    ("paź", 10),
    ("úno", 2),
    ("bře", 3),
    ("kvě", 5),
    ("čec", 7),
    ("čvc", 7),
    ("čer", 6),
    ("čen", 6),
    ("čvn", 6),
    ("zář", 9),
    ("říj", 10),
    ("Şub", 2),
    ("şub", 2),
    ("Ağu", 8),
    ("ağu", 8),
    ("maí", 5),
    ("ágú", 8),
    ("nóv", 11),
    ("Ιαν", 1),
    ("Φεβ", 2),
    ("Μαρ", 3),
    ("Μάρ", 3),
    ("Απρ", 4),
    ("Μαΐ", 5),
    ("Μάι", 5),
    ("Μαι", 5),
    ("Ιουν", 6),
    ("Ιούν", 6),
    ("Ιουλ", 7),
    ("Ιούλ", 7),
    ("Αυγ", 8),
    ("Αύγ", 8),
    ("Σεπ", 9),
    ("Οκτ", 10),
    ("Νοε", 11),
    ("Νοέ", 11),
    ("Δεκ", 12),
    ("січ", 1),
    ("лют", 2),
    ("бер", 3),
    ("кві", 4),
    ("тра", 5),
    ("чер", 6),
    ("лип", 7),
    ("сер", 8),
    ("вер", 9),
    ("жов", 10),
    ("лис", 11),
    ("гру", 12),
    ("Січ", 1),
    ("Лют", 2),
    ("Бер", 3),
    ("Кві", 4),
    ("Тра", 5),
    ("Чер", 6),
    ("Лип", 7),
    ("Сер", 8),
    ("Вер", 9),
    ("Жов", 10),
    ("Лис", 11),
    ("Гру", 12),
    ("сту", 1),
    ("сак", 3),
    ("кра", 4),
    ("чэр", 6),
    ("ліп", 7),
    ("жні", 8),
    ("кас", 10),
    ("ліс", 11),
    ("сне", 12),
    ("яну", 1),
    ("юни", 6),
    ("юли", 7),
    ("сеп", 9),
    ("ное", 11),
    ("јан", 1),
    ("мај", 5),
    ("јун", 6),
    ("јул", 7),
    ("нов", 11),
    ("\u{5d9}\u{5e0}\u{5d5}", 1),
    ("\u{5e4}\u{5d1}\u{5e8}", 2),
    ("\u{5de}\u{5e8}\u{5e5}", 3),
    ("\u{5d0}\u{5e4}\u{5e8}", 4),
    ("\u{5de}\u{5d0}\u{5d9}", 5),
    ("\u{5d9}\u{5d5}\u{5e0}", 6),
    ("\u{5d9}\u{5d5}\u{5dc}", 7),
    ("\u{5d0}\u{5d5}\u{5d2}", 8),
    ("\u{5e1}\u{5e4}\u{5d8}", 9),
    ("\u{5d0}\u{5d5}\u{5e7}", 10),
    ("\u{5e0}\u{5d5}\u{5d1}", 11),
    ("\u{5d3}\u{5e6}\u{5de}", 12),
    ("\u{64a}\u{646}\u{627}", 1),
    ("\u{641}\u{628}\u{631}", 2),
    ("\u{645}\u{627}\u{631}", 3),
    ("\u{623}\u{628}\u{631}", 4),
    ("\u{645}\u{627}\u{64a}", 5),
    ("\u{64a}\u{648}\u{646}", 6),
    ("\u{64a}\u{648}\u{644}", 7),
    ("\u{623}\u{63a}\u{633}", 8),
    ("\u{633}\u{628}\u{62a}", 9),
    ("\u{623}\u{643}\u{62a}", 10),
    ("\u{646}\u{648}\u{641}", 11),
    ("\u{62f}\u{64a}\u{633}", 12),
    ("\u{e21}.\u{e04}", 1),
    ("\u{e01}.\u{e1e}", 2),
    ("\u{e21}\u{e35}.\u{e04}", 3),
    ("\u{e40}\u{e21}.\u{e22}", 4),
    ("\u{e1e}.\u{e04}", 5),
    ("\u{e21}\u{e34}.\u{e22}", 6),
    ("\u{e01}.\u{e04}", 7),
    ("\u{e2a}.\u{e04}", 8),
    ("\u{e01}.\u{e22}", 9),
    ("\u{e15}.\u{e04}", 10),
    ("\u{e1e}.\u{e22}", 11),
    ("\u{e18}.\u{e04}", 12),
];

/// Returns a month from three letters, which are enough except for June and July in French
///
/// Names that are another month in Croatian are not among them: see [`Language`].
pub(super) fn ascii_month(head: [u8; 3], word: &[u8]) -> Option<u8> {
    Some(match &head {
        // Systems that write only three letters write `jun` for June.
        b"jui" => match word.get(3).map(u8::to_ascii_lowercase) {
            Some(b'n') => 6,
            Some(b'l') | None => 7,
            Some(_) => return None,
        },
        b"jan" | b"ene" | b"gen" | b"sty" => 1,
        b"feb" | b"fev" | b"lut" => 2,
        b"mar" | b"mrz" | b"maa" | b"mrt" => 3,
        b"apr" | b"avr" | b"abr" | b"kwi" => 4,
        b"may" | b"mai" | b"mei" | b"maj" | b"mag" => 5,
        b"jun" | b"giu" | b"cze" => 6,
        b"jul" | b"lug" => 7,
        b"aug" | b"aou" | b"ago" | b"sie" => 8,
        b"sep" | b"set" | b"wrz" | b"sze" => 9,
        b"oct" | b"okt" | b"ott" | b"out" | b"paz" => 10,
        b"nov" => 11,
        b"dec" | b"dez" | b"dic" | b"des" | b"gru" => 12,
        _ => return None,
    })
}

/// The beginnings of the names of months: in UTF-8, and in the charsets that servers use: Latin-1, Latin-2,
/// Latin-5, code page 850, Mac OS Roman, KOI8-R, Windows-1251
const OTHER_MONTHS: [&[&[u8]]; 12] = [
    &[
        "янв".as_bytes(),
        b"\xD1\xCE\xD7",
        b"\xFF\xED\xE2",
        "Янв".as_bytes(),
        b"\xF1\xCE\xD7",
        b"\xDF\xED\xE2",
    ],
    &[
        b"\xFE\x75\x62",
        b"\xDE\x75\x62",
        b"\xFA\x6E\x6F",
        b"\x66\x8E\x76",
        b"\x66\x82\x76",
        b"\x66\xE9\x76",
        b"\x66\xC3\xA9\x76",
        "фев".as_bytes(),
        b"\xC6\xC5\xD7",
        b"\xF4\xE5\xE2",
        "Фев".as_bytes(),
        b"\xE6\xC5\xD7",
        b"\xD4\xE5\xE2",
    ],
    &[
        b"\x62\xF8\x65",
        b"\x6D\x8A\x72",
        b"\x6D\x84\x72",
        b"\x6D\xE4\x72",
        b"\x6D\xC3\xA4\x72",
        b"\x6D\xE1\x72",
        b"\x6D\xC3\xA1\x72",
        "мар".as_bytes(),
        b"\xCD\xC1\xD2",
        b"\xEC\xE0\xF0",
        "Мар".as_bytes(),
        b"\xED\xC1\xD2",
        b"\xCC\xE0\xF0",
    ],
    &[
        "апр".as_bytes(),
        b"\xE1\x70\x72",
        b"\xC3\xA1\x70\x72",
        b"\xC1\xD0\xD2",
        b"\xE0\xEF\xF0",
        "Апр".as_bytes(),
        b"\xE1\xD0\xD2",
        b"\xC0\xEF\xF0",
    ],
    &[
        b"\x6B\x76\xEC",
        "май".as_bytes(),
        b"\x6D\xE1\x6A",
        b"\x6D\xC3\xA1\x6A",
        b"\xCD\xC1\xCA",
        b"\xEC\xE0\xE9",
        "Май".as_bytes(),
        b"\xED\xC1\xCA",
        b"\xCC\xE0\xE9",
        "мая".as_bytes(),
        b"\xCD\xC1\xD1",
        b"\xEC\xE0\xFF",
        "Мая".as_bytes(),
        b"\xED\xC1\xD1",
        b"\xCC\xE0\xFF",
        "маи".as_bytes(),
        b"\xCD\xC1\xC9",
        b"\xEC\xE0\xE8",
        "Маи".as_bytes(),
        b"\xED\xC1\xC9",
        b"\xCC\xE0\xE8",
    ],
    &[
        b"\xE8\x65\x72",
        b"\xE8\x65\x6E",
        "июн".as_bytes(),
        b"\x6A\xFA\x6E",
        b"\x6A\xC3\xBA\x6E",
        b"\xC9\xC0\xCE",
        b"\xE8\xFE\xED",
        "Июн".as_bytes(),
        b"\xE9\xC0\xCE",
        b"\xC8\xFE\xED",
    ],
    &[
        b"\xE8\x76\x63",
        b"\xE8\x65\x63",
        "июл".as_bytes(),
        b"\x6A\xFA\x6C",
        b"\x6A\xC3\xBA\x6C",
        b"\xC9\xC0\xCC",
        b"\xE8\xFE\xEB",
        "Июл".as_bytes(),
        b"\xE9\xC0\xCC",
        b"\xC8\xFE\xEB",
    ],
    &[
        b"\x61\x6F\xC3\xBB",
        b"\x61\xF0\x75",
        b"\x41\xF0\x75",
        b"\x61\x6F\x9E",
        b"\x61\x6F\x96",
        b"\x61\x6F\xFB",
        b"\x61\x6F\xC3\xBB",
        "авг".as_bytes(),
        b"\xC1\xD7\xC7",
        b"\xE0\xE2\xE3",
        "Авг".as_bytes(),
        b"\xE1\xD7\xC7",
        b"\xC0\xE2\xE3",
    ],
    &[
        b"\x7A\xE1\xF8",
        "сен".as_bytes(),
        b"\xD3\xC5\xCE",
        b"\xF1\xE5\xED",
        "Сен".as_bytes(),
        b"\xF3\xC5\xCE",
        b"\xD1\xE5\xED",
    ],
    &[
        b"\x70\x61\x9F",
        b"\x70\x61\xBC",
        b"\xF8\xED\x6A",
        "окт".as_bytes(),
        b"\xCF\xCB\xD4",
        b"\xEE\xEA\xF2",
        "Окт".as_bytes(),
        b"\xEF\xCB\xD4",
        b"\xCE\xEA\xF2",
    ],
    &[
        "ноя".as_bytes(),
        b"\xCE\xCF\xD1",
        b"\xED\xEE\xFF",
        "Ноя".as_bytes(),
        b"\xEE\xCF\xD1",
        b"\xCD\xEE\xFF",
    ],
    &[
        b"\x64\x8E\x63",
        b"\x64\x82\x63",
        b"\x64\xE9\x63",
        b"\x64\xC3\xA9\x63",
        "дек".as_bytes(),
        b"\xC4\xC5\xCB",
        b"\xE4\xE5\xEA",
        "Дек".as_bytes(),
        b"\xE4\xC5\xCB",
        b"\xC4\xE5\xEA",
    ],
];
