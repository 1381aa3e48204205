//! Which files take part: each rule takes files or leaves them out, and the last rule that matches a file decides

use std::path::Path;

use globset::{Glob, GlobBuilder, GlobMatcher};

use super::tree::Stamp;

/// One of `--include` and `--exclude`, in the order of the command line
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    includes: bool,
    /// Whether it has a slash: then it is about whole paths, else about names at any level
    is_path: bool,
    pattern: GlobMatcher,
}

/// The rules; without any, all files take part
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    rules: Vec<Rule>,
    ages: Ages,
    sizes: Sizes,
}

/// When files must have been changed, in seconds since 1970
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ages {
    /// Then or later
    pub(crate) newer: Option<i64>,
    /// Before
    pub(crate) older: Option<i64>,
}

/// What ages say of a file
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    Fits,
    Other,
    /// Its time is not known, and matters
    Unknown,
}

impl Ages {
    pub(crate) fn age(self, time: Option<Stamp>) -> Age {
        let fits = |time: Stamp| {
            // A time that is not precise may be a later one.
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

/// Which sizes files must have: bytes, both bounds included
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) least: u64,
    pub(crate) most: u64,
}

impl Sizes {
    pub(crate) const ALL: Self = Self { least: 0, most: u64::MAX };

    /// The sizes that all of these allow; an error if there are none
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

    /// Whether a file of this size is one of them; `None` if its size is not known, and matters
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

    /// Whether a file of this size takes part, as far as its size is concerned; `None` if that is not known, and matters
    pub(crate) fn size(&self, size: Option<u64>) -> Option<bool> {
        self.sizes.fit(size)
    }

    /// Whether a file with this time takes part, as far as its time is concerned
    pub(crate) fn age(&self, time: Option<Stamp>) -> Age {
        self.ages.age(time)
    }

    /// Whether every file takes part
    pub(crate) fn takes_all(&self) -> bool {
        self.rules.is_empty() && self.ages == Ages::default() && self.sizes == Sizes::ALL
    }

    /// Whether a directory takes part although no file in it does
    pub(crate) fn takes_empty(&self, path: &[u8]) -> bool {
        self.ages == Ages::default() && self.sizes == Sizes::ALL && self.takes(path)
    }

    /// The number of the last rule that matches a path, or a directory that it is in
    fn last_match(&self, path: &[u8]) -> Option<usize> {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        let mut prefixes: Vec<&[u8]> = ends.map(|at| &path[..at]).collect();
        prefixes.push(path);
        self.rules.iter().rposition(|rule| prefixes.iter().any(|prefix| rule.matches(prefix)))
    }

    /// Whether a file takes part, or a directory itself
    pub(crate) fn takes(&self, path: &[u8]) -> bool {
        self.last_match(path).is_none_or(|at| self.rules[at].includes)
    }

    /// Whether something in a directory may take part
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
            // 60 to 119
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
