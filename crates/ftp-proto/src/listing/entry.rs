//! What a line says about a file

use core::fmt;

use super::time::Modified;
use crate::control::escaped::Readable;
use crate::local_names::LocalRules;

/// A file, directory or link of a listing
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// The name as the server writes it, which has a meaning only to the server
    pub name: &'a [u8],
    /// What the entry is
    pub kind: EntryKind,
    /// Size in bytes; `None` also if the server counts in blocks, or rounds as in `1.2K`
    pub size: Option<u64>,
    /// Time of the last modification
    pub modified: Option<Modified>,
    /// Time of the last access, which z/OS lists instead
    pub accessed: Option<Modified>,
    /// Permissions as Unix has them
    pub permissions: Option<Permissions>,
    /// Owner, a name or a number
    pub owner: Option<&'a [u8]>,
    /// Group, a name or a number
    pub group: Option<&'a [u8]>,
    /// Hard links
    pub links: Option<u64>,
    /// The path that a symbolic link points to
    pub target: Option<&'a [u8]>,
    /// All facts of MLSD and MLST; empty for other formats
    pub facts: Facts<'a>,
    /// The line that the entry was read from, without its line ending
    pub raw: &'a [u8],
}

/// What an entry is
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntryKind {
    /// A file with content
    File,
    /// A directory, also `.` and `..`
    Dir,
    /// A symbolic link; the kind of its target is not known
    Symlink,
    /// Something else
    Other(OtherKind),
    /// The line does not say
    Unknown,
}

/// The kind of an entry that is neither a file nor a directory nor a link
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OtherKind {
    /// A block device
    BlockDevice,
    /// A character device
    CharDevice,
    /// A named pipe
    Fifo,
    /// A socket
    Socket,
    /// A door, as in Solaris
    Door,
    /// A job or another object that is not a file at all
    Special,
}

/// Mode bits as in `chmod`, at most `0o7777`
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permissions(pub(super) u16);

impl Permissions {
    /// Returns the bits
    #[must_use]
    pub const fn mode(self) -> u16 {
        self.0
    }

    /// Parses nine characters such as `rwxr-s--T`
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let [ur, uw, ux, gr, gw, gx, or, ow, ox] = text.try_into().ok()?;
        let mut mode = 0;
        for (shift, special, [r, w, x]) in
            [(6, 0o4000, [ur, uw, ux]), (3, 0o2000, [gr, gw, gx]), (0, 0o1000, [or, ow, ox])]
        {
            mode |= match r {
                b'r' => 4 << shift,
                b'-' => 0,
                _ => return None,
            };
            mode |= match w {
                b'w' => 2 << shift,
                b'-' => 0,
                _ => return None,
            };
            mode |= match x {
                b'x' => 1 << shift,
                b's' | b't' => (1 << shift) | special,
                // Upper case is the special bit without execution; `l` is Solaris' mandatory locking.
                b'S' | b'T' | b'l' | b'L' => special,
                b'-' => 0,
                _ => return None,
            };
        }
        Some(Self(mode))
    }
}

/// Displays the bits as `ls` does
impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
            let bits = self.0 >> shift;
            f.write_str(if bits & 4 != 0 { "r" } else { "-" })?;
            f.write_str(if bits & 2 != 0 { "w" } else { "-" })?;
            let x = match (bits & 1 != 0, self.0 & special != 0) {
                (true, true) => letter,
                (false, true) => letter.to_ascii_uppercase(),
                (true, false) => 'x',
                (false, false) => '-',
            };
            write!(f, "{x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permissions({self})")
    }
}

impl<'a> Entry<'a> {
    pub(super) const fn new(raw: &'a [u8], name: &'a [u8], kind: EntryKind) -> Self {
        Self {
            name,
            kind,
            size: None,
            modified: None,
            accessed: None,
            permissions: None,
            owner: None,
            group: None,
            links: None,
            target: None,
            facts: Facts(&[]),
            raw,
        }
    }

    /// Whether the name is allowed for a local file under the rules of this system; [`LocalRules::check`]
    /// also tells why not, and supports the rules of other systems
    ///
    /// Check it before you write a file under a name from a listing: servers may send anything.
    #[must_use]
    pub fn is_safe_name(&self) -> bool {
        LocalRules::current().check(self.name).is_ok()
    }

    /// Returns the name for display: UTF-8 unchanged, with everything escaped that a terminal would interpret
    #[must_use]
    pub fn display_name(&self) -> impl fmt::Display + use<'a> {
        Readable(self.name)
    }

    /// Whether the entry is `.` or `..`
    #[must_use]
    pub fn is_dot(&self) -> bool {
        let listed = self.facts.get("type").is_some_and(|kind| {
            kind.eq_ignore_ascii_case(b"cdir") || kind.eq_ignore_ascii_case(b"pdir")
        });
        listed || matches!(self.name, b"." | b"..")
    }

    /// Whether it is a directory that the user may not list, or not enter, according to the fact `perm` (RFC 3659
    /// section 7.5.5); entries that can't be examined are missing from a listing
    pub(crate) fn is_closed(&self) -> bool {
        self.facts.get("perm").is_some_and(|rights| {
            let may = |right: u8| rights.to_ascii_lowercase().contains(&right);
            !may(b'e') || !may(b'l')
        })
    }
}

/// The facts of MLSD and MLST: `key=value;key=value;` (RFC 3659 section 7.5)
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Facts<'a>(pub(super) &'a [u8]);

impl<'a> Facts<'a> {
    /// Returns the keys as the server writes them, with their values
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.0.split(|byte| *byte == b';').filter_map(|fact| {
            let at = memchr::memchr(b'=', fact)?;
            Some((fact[..at].trim_ascii(), &fact[at + 1..]))
        })
    }

    /// Returns the value of a fact; the case of the key is ignored
    #[must_use]
    pub fn get(self, key: &str) -> Option<&'a [u8]> {
        self.iter().find(|(name, _)| name.eq_ignore_ascii_case(key.as_bytes())).map(|pair| pair.1)
    }
}

impl fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Facts({})", Readable(self.0))
    }
}
