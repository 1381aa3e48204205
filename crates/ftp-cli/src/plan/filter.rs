//! Selects files by name, time and size: each rule includes or excludes names, and the last one that matches decides

use std::path::Path;

use globset::{Glob, GlobBuilder, GlobMatcher};

use super::tree::Stamp;

/// One `--include` or `--exclude`
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    includes: bool,
    /// Whether the pattern contains a slash: then it matches whole paths, otherwise names at any level
    is_path: bool,
    pattern: GlobMatcher,
}

/// The rules in the order of the command line, and the bounds; without any, all files are selected
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    rules: Vec<Rule>,
    ages: Ages,
    sizes: Sizes,
}

/// Bounds of the modification time, in seconds since 1970
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ages {
    /// Only files modified at this time or later
    pub(crate) newer: Option<i64>,
    /// Only files modified before this time
    pub(crate) older: Option<i64>,
}

/// The result of comparing a file's time with [`Ages`]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    Fits,
    Other,
    /// There are bounds, but the file's time is not known
    Unknown,
}

impl Ages {
    pub(crate) fn age(self, time: Option<Stamp>) -> Age {
        let fits = |time: Stamp| {
            // A time known only to the minute or the day may be as late as the end of that minute or day.
            self.newer.is_none_or(|newer| time.end() > newer)
                && self.older.is_none_or(|older| time.seconds() < older)
        };
        match (self == Self::default(), time) {
            (true, _) => Age::Fits,
            (false, None) => Age::Unknown,
            (false, Some(time)) if fits(time) => Age::Fits,
            (false, Some(_)) => Age::Other,
        }
    }
}

/// Bounds of the file size, in bytes, both inclusive
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) least: u64,
    pub(crate) most: u64,
}

impl Sizes {
    pub(crate) const ALL: Self = Self { least: 0, most: u64::MAX };

    /// Returns the sizes that all of these bounds allow; an error if there are none
    pub(crate) fn all_of(bounds: &[Self]) -> Result<Self, String> {
        let both = |one: Self, other: &Self| Self {
            least: one.least.max(other.least),
            most: one.most.min(other.most),
        };
        let all = bounds.iter().fold(Self::ALL, both);
        match all.least <= all.most {
            true => Ok(all),
            false => Err("no file has all sizes that --size asks for".into()),
        }
    }

    /// Whether a size is within the bounds; `None` if there are bounds and the size is not known
    pub(crate) fn fit(self, size: Option<u64>) -> Option<bool> {
        match self == Self::ALL {
            true => Some(true),
            false => size.map(|size| (self.least..=self.most).contains(&size)),
        }
    }
}

impl Default for Sizes {
    fn default() -> Self {
        Self::ALL
    }
}

impl Rule {
    pub(crate) fn new(includes: bool, pattern: &str) -> Result<Self, String> {
        let trimmed = pattern.trim_end_matches('/');
        let is_path = trimmed.contains('/');
        let text = trimmed.strip_prefix('/').unwrap_or(trimmed);
        let glob: Result<Glob, _> = GlobBuilder::new(text).literal_separator(true).build();
        let pattern =
            glob.map_err(|error| format!("{pattern}: {}", error.kind()))?.compile_matcher();
        Ok(Self { includes, is_path, pattern })
    }

    fn matches(&self, path: &[u8]) -> bool {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        let text = if self.is_path { path } else { name };
        self.pattern.is_match(Path::new(&*String::from_utf8_lossy(text)))
    }
}

impl Filter {
    pub(crate) const fn new(rules: Vec<Rule>, ages: Ages, sizes: Sizes) -> Self {
        Self { rules, ages, sizes }
    }

    /// Whether a file's size is within the bounds; `None` if there are bounds and the size is not known
    pub(crate) fn size(&self, size: Option<u64>) -> Option<bool> {
        self.sizes.fit(size)
    }

    /// Compares a file's time with the bounds
    pub(crate) fn age(&self, time: Option<Stamp>) -> Age {
        self.ages.age(time)
    }

    /// Whether the filter selects every file
    pub(crate) fn takes_all(&self) -> bool {
        self.rules.is_empty() && self.ages == Ages::default() && self.sizes == Sizes::ALL
    }

    /// Whether a directory is selected even if no file in it is
    pub(crate) fn takes_empty(&self, path: &[u8]) -> bool {
        self.ages == Ages::default() && self.sizes == Sizes::ALL && self.takes(path)
    }

    /// Returns the index of the last rule that matches the path or one of its parent directories
    fn last_match(&self, path: &[u8]) -> Option<usize> {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        let mut prefixes: Vec<&[u8]> = ends.map(|at| &path[..at]).collect();
        prefixes.push(path);
        self.rules.iter().rposition(|rule| prefixes.iter().any(|prefix| rule.matches(prefix)))
    }

    /// Whether the rules select a file, or a directory itself
    pub(crate) fn takes(&self, path: &[u8]) -> bool {
        self.last_match(path).is_none_or(|at| self.rules[at].includes)
    }

    /// Whether the rules may select something in a directory
    pub(crate) fn enters(&self, path: &[u8]) -> bool {
        match self.last_match(path) {
            Some(at) => self.rules[at..].iter().any(|rule| rule.includes),
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(rules: &[&str]) -> Filter {
        let rule = |text: &&str| Rule::new(text.starts_with('+'), &text[1..]).unwrap();
        Filter::new(rules.iter().map(rule).collect(), Ages::default(), Sizes::ALL)
    }

    #[test]
    fn the_last_rule_that_matches_wins() {
        for (rules, taken, left_out) in [
            (&[][..], &["a", "d/a"][..], &[][..]),
            (&["-*.o"], &["a.c", "d/a.c"], &["a.o", "d/a.o"]),
            (&["-*", "+*.gz"], &["a.gz", "d/e/a.gz"], &["a", "d/a"]),
            (&["-.git"], &["a"], &[".git", ".git/config", "d/.git/config"]),
            (&["-cache/", "+cache/keep"], &["cache/keep"], &["cache/a"]),
            (&["-/top/a"], &["d/top/a", "top/b"], &["top/a", "top/a/b"]),
            (&["-d/*.txt"], &["d/e/a.txt", "a.txt"], &["d/a.txt"]),
            (&["-d/**/*.txt"], &["a.txt"], &["d/a.txt", "d/e/f/a.txt"]),
            (&["+*.gz", "-*"], &[], &["a.gz"]),
        ] {
            let filter = filter(rules);
            assert!(taken.iter().all(|path| filter.takes(path.as_bytes())), "{rules:?}");
            assert!(!left_out.iter().any(|path| filter.takes(path.as_bytes())), "{rules:?}");
        }
    }

    #[test]
    fn ages_are_compared_as_precisely_as_times_are_listed() {
        let ages = |newer, older| Ages { newer, older };
        let second = |time| Some(Stamp::new(time, 1));
        let minute = |time| Some(Stamp::new(time, 60));
        for (ages, time, age) in [
            (ages(None, None), None, Age::Fits),
            (ages(Some(100), None), None, Age::Unknown),
            (ages(Some(100), None), second(100), Age::Fits),
            (ages(Some(100), None), second(99), Age::Other),
            // A time to the minute: any second from 60 to 119.
            (ages(Some(100), None), minute(60), Age::Fits),
            (ages(Some(120), None), minute(60), Age::Other),
            (ages(None, Some(100)), second(99), Age::Fits),
            (ages(None, Some(100)), second(100), Age::Other),
            (ages(Some(50), Some(100)), second(70), Age::Fits),
        ] {
            assert_eq!(ages.age(time), age, "{ages:?} {time:?}");
        }
    }

    #[test]
    fn directories_are_entered_if_something_in_them_may_take_part() {
        assert!(filter(&["-*", "+*.gz"]).enters(b"d"));
        assert!(!filter(&["-.git"]).enters(b".git"));
        assert!(!filter(&["+*.gz", "-d"]).enters(b"d"));
        assert!(filter(&["-d", "+d/x"]).enters(b"d"));
        assert!(Rule::new(true, "[").is_err());
    }
}
