//! The content of a directory, of the source or of the target

/// The kind of an item
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    File,
    Dir,
    /// A symbolic link to anything
    Link,
    /// Anything else, such as a device or a pipe
    Other,
}

/// A time with its precision: a listing may give it to the second, the minute or the day
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    /// The earliest second that the time may be, counted from 1970
    seconds: i64,
    /// The precision in seconds: 1, 60 or 86400
    unit: i64,
}

impl Stamp {
    pub(crate) const fn new(seconds: i64, unit: i64) -> Self {
        let unit = if unit < 1 { 1 } else { unit };
        Self { seconds: seconds.div_euclid(unit) * unit, unit }
    }

    pub(crate) const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Returns the precision in seconds: 1, 60 or 86400
    pub(crate) const fn unit(self) -> i64 {
        self.unit
    }

    /// Returns the first second after those that the time may be
    pub(crate) const fn end(self) -> i64 {
        self.seconds + self.unit
    }

    /// Returns both times in units of the less precise one, so that they can be compared
    fn pair(self, other: Self) -> (i64, i64) {
        let unit = self.unit.max(other.unit);
        (self.seconds.div_euclid(unit), other.seconds.div_euclid(unit))
    }

    /// Whether both may be the same time, given their precision
    pub(crate) fn may_be(self, other: Self) -> bool {
        let (one, other) = self.pair(other);
        one == other
    }

    /// Whether this time is certainly later, given their precision
    pub(crate) fn is_after(self, other: Self) -> bool {
        let (one, other) = self.pair(other);
        one > other
    }
}

/// An item of a directory
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Item {
    pub(crate) name: Box<[u8]>,
    pub(crate) kind: Kind,
    pub(crate) size: Option<u64>,
    pub(crate) time: Option<Stamp>,
    /// Whether the time is in UTC and to the second, so that MDTM or MLST would report the same
    pub(crate) is_exact: bool,
    /// Identifies a directory on the server, if the server reports it: the fact `unique` (RFC 3659, section 7.5.2)
    pub(crate) identity: Option<Box<[u8]>>,
    /// The permissions, if known
    pub(crate) mode: Option<u32>,
    /// Whether this is the target of a symbolic link that was followed
    pub(crate) is_linked: bool,
}

/// The items of a directory, without `.` and `..`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) items: Vec<Item>,
    pub(crate) shown: Shown,
}

/// What a listing shows of a directory
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Some items: a line was not understood
    #[default]
    Some,
    /// All items, except perhaps those whose names begin with a dot, which servers leave out of LIST
    AllButDotNames,
    All,
}
