//! What is in a directory, on either side

/// The kind of an item
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    File,
    Dir,
    /// A symbolic link, to whatever
    Link,
    /// A device, a pipe
    Other,
}

/// A time, as precise as it was told
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    /// Seconds since 1970
    seconds: i64,
    /// Seconds that it leaves open: 1, 60, 86400
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

    /// Seconds that it leaves open: 1, 60, 86400
    pub(crate) const fn unit(self) -> i64 {
        self.unit
    }

    /// The first second after those that it may be
    pub(crate) const fn end(self) -> i64 {
        self.seconds + self.unit
    }

    /// Both, as precise as the less precise one
    fn pair(self, other: Self) -> (i64, i64) {
        let unit = self.unit.max(other.unit);
        (self.seconds.div_euclid(unit), other.seconds.div_euclid(unit))
    }

    /// Whether both may be the same time
    pub(crate) fn may_be(self, other: Self) -> bool {
        let (one, other) = self.pair(other);
        one == other
    }

    /// Whether this is certainly later
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
    /// What tells a directory from all others, if the server says: the fact `unique`
    pub(crate) identity: Option<Box<[u8]>>,
    /// Permissions, if they are known
    pub(crate) mode: Option<u32>,
    /// Whether it is what a symbolic link leads to
    pub(crate) is_linked: bool,
}

/// The items of a directory, without `.` and `..`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) items: Vec<Item>,
    /// Whether there is nothing else
    pub(crate) is_complete: bool,
}
