//! Whether a reader is asked for a line before it is taken makes no difference to what it returns

use ftp_proto::listing::{Format, ListingParser, ListingReader};

const LINES: [&str; 22] = [
    "A_VERY_LONG_NAME_THAT_IS_WRAPPED_HERE.TXT;1",
    "NAME.TXT",
    "NAME.TXT;",
    "                 5/6       24-FEB-2020 12:34:56  [ANON]  (RWED,RWED,RE,RE)",
    "SHORT.TXT;1      7/9       24-FEB-2020 12:34:56  [ANON]  (RWED,RWED,RE,RE)",
    "Directory DISK$USER:[ANON]",
    "Total of 2 files, 12/15 blocks.",
    "",
    "name.dir",
    "a/",
    "a-long-name-of-a-file-that-wraps",
    "                        - 1234 Jan  1  2020  a file",
    "name   1234  Jan 01 2020 text",
    "-rw-r--r-- 1 u g 1 Jan  1  2020 f",
    "type=file;size=3; a",
    "type=dir; b",
    "total 12",
    "12345",
    "file",
    "ls: d: Permission denied",
    "index.html                                 1234",
    "welcome  =  Welcome to this server",
];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit
    }
}

fn items(text: &[u8], pieces: &[usize], asks: (bool, bool), format: Option<Format>) -> Vec<String> {
    let mut reader = ListingReader::new(ListingParser::new());
    reader.set_hint(format);
    let mut found = Vec::new();
    let mut rest = text;
    for piece in pieces {
        let (head, tail) = rest.split_at((*piece).min(rest.len()));
        rest = tail;
        reader.room()[..head.len()].copy_from_slice(head);
        reader.filled(head.len());
        loop {
            if asks.0 && !reader.has_line() {
                break;
            }
            let Some(item) = reader.next_item() else { break };
            found.push(format!("{item:?}"));
        }
    }
    assert!(rest.is_empty());
    reader.end();
    loop {
        if asks.1 {
            let _ = reader.has_line();
        }
        let Some(item) = reader.next_item() else { break };
        found.push(format!("{item:?}"));
    }
    found.push(format!("{} {}", reader.unknown_lines(), reader.last_line_is_open()));
    found
}

#[test]
fn asking_changes_nothing() {
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut differ = Vec::new();
    for _ in 0..20_000 {
        let mut text = Vec::new();
        let theme = random.below(3);
        for _ in 0..1 + random.below(6) {
            let line = match theme {
                0 => LINES[random.below(8)],
                1 => LINES[8 + random.below(14)],
                _ => LINES[random.below(LINES.len())],
            };
            text.extend_from_slice(line.as_bytes());
            text.extend_from_slice(if random.below(4) == 0 { b"\n" } else { b"\r\n" });
        }
        if random.below(2) == 0 {
            let cut = random.below(12.min(text.len()));
            text.truncate(text.len() - cut - 1);
        }
        let format = [None, Some(Format::Vms), Some(Format::Dls)][random.below(3)];
        let mut pieces = Vec::new();
        for _ in 0..random.below(5) {
            pieces.push(random.below(40));
        }
        pieces.push(text.len());
        let whole = items(&text, &[text.len()], (false, false), format);
        for asks in [(false, false), (true, false), (false, true), (true, true)] {
            let other = items(&text, &pieces, asks, format);
            if other != whole {
                differ.push((
                    text.len(),
                    String::from_utf8_lossy(&text).into_owned(),
                    format,
                    asks,
                    whole.clone(),
                    other,
                ));
            }
        }
    }
    differ.sort_by_key(|found| found.0);
    if let Some(first) = differ.first() {
        panic!("{} differ: {first:#?}", differ.len());
    }
}
