//! Reading a line word by word

/// Words between blanks, with the rest of the line always at hand
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Words<'a> {
    pub(super) const fn new(line: &'a [u8]) -> Self {
        Self { rest: line }
    }

    /// What is left without the blanks before it
    pub(super) fn trimmed(self) -> &'a [u8] {
        self.rest.trim_ascii_start()
    }

    /// What is left behind exactly one blank: a name may begin with blanks
    pub(super) fn name(self) -> Option<&'a [u8]> {
        let name = self.rest.strip_prefix(b" ").or_else(|| self.rest.strip_prefix(b"\t"))?;
        (!name.is_empty()).then_some(name)
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let mut line = self.rest;
        while let [b' ' | b'\t' | b'\r', rest @ ..] = line {
            line = rest;
        }
        if line.is_empty() {
            return None;
        }
        let end =
            line.iter().position(|byte| matches!(byte, b' ' | b'\t' | b'\r')).unwrap_or(line.len());
        let (word, rest) = line.split_at(end);
        self.rest = rest;
        Some(word)
    }
}

/// A decimal number and nothing else
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    /// Which can't be too many
    const SAFE: usize = 19;
    if digits.is_empty() {
        return None;
    }
    if digits.len() <= SAFE {
        let mut number = 0;
        for byte in digits {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            number = number * 10 + u64::from(digit);
        }
        return Some(number);
    }
    digits.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// As [`number`], for small ones
pub(super) fn small<T: TryFrom<u64>>(digits: &[u8]) -> Option<T> {
    T::try_from(number(digits)?).ok()
}

/// Parts of a word between separators, exactly so many
pub(super) fn parts<const N: usize>(word: &[u8], separator: u8) -> Option<[&[u8]; N]> {
    let mut parts = [&[][..]; N];
    let mut split = word.split(|byte| *byte == separator);
    for part in &mut parts {
        *part = split.next()?;
    }
    split.next().is_none().then_some(parts)
}

/// `12:34`, `12:34:56`
pub(super) fn clock(word: &[u8]) -> Option<(u8, u8, Option<u8>)> {
    let (hour, minute, second) = match parts::<3>(word, b':') {
        Some([hour, minute, second]) => {
            // OpenVMS has hundredths.
            let second = second.split(|byte| *byte == b'.').next()?;
            (hour, minute, Some(small::<u8>(second)?))
        }
        None => {
            let [hour, minute] = parts::<2>(word, b':')?;
            (hour, minute, None)
        }
    };
    let (hour, minute) = (small::<u8>(hour)?, small::<u8>(minute)?);
    (hour < 24 && minute < 60 && second.is_none_or(|second| second < 61))
        .then_some((hour, minute, second))
}

/// A year of two digits (80 to 79: 1980 to 2079) or four
pub(super) fn year(digits: &[u8]) -> Option<u16> {
    match (digits.len(), small::<u16>(digits)?) {
        (2, year) => Some(if year < 80 { 2000 + year } else { 1900 + year }),
        // A server that adds 1900 as text.
        (3, year) if year >= 100 => Some(1900 + year),
        (4, year) => Some(year),
        _ => None,
    }
}
