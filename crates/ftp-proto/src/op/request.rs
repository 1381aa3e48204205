//! Parameters of a transfer: `"f"`, or `Get::new("f").resume_at(n).ascii()`

use crate::control::command::{Argument, ArgumentError, Verb};
use crate::terms::{Direction, TransferType};

/// A download: RETR
///
/// A path alone means the whole file, unchanged: `client.get("f")`.
#[derive(Clone, Debug)]
pub struct Get {
    pub(crate) verb: Result<Verb, ArgumentError>,
    pub(crate) path: Result<Option<Argument>, ArgumentError>,
    pub(crate) type_: TransferType,
    pub(crate) offset: u64,
    pub(crate) expected: Option<u64>,
}

impl Get {
    /// Creates a download of the whole file at `path`, unchanged (TYPE I)
    #[must_use]
    pub fn new(path: impl AsRef<[u8]>) -> Self {
        Self {
            verb: Ok(Verb::RETR),
            path: Argument::path(path).map(Some),
            type_: TransferType::Image,
            offset: 0,
            expected: None,
        }
    }

    /// Creates a download with any command whose result comes on a data connection, such as a server-specific listing
    ///
    /// An empty argument sends the verb alone. A command that is known to send no file, such as QUIT or STOR, is
    /// refused with [`InvalidArgument`](crate::Error::InvalidArgument).
    #[must_use]
    pub fn command(verb: &str, argument: impl AsRef<[u8]>) -> Self {
        let argument = argument.as_ref();
        Self {
            verb: transferring(verb, Direction::Download),
            path: if argument.is_empty() { Ok(None) } else { Argument::new(argument).map(Some) },
            ..Self::new("")
        }
    }

    /// Skips the first `offset` bytes (REST, RFC 3659 section 5)
    ///
    /// The server counts the bytes as it sends them. In a [text](Self::ascii) most servers count two for each line
    /// ending, so the length of the LF text that you have is not the offset at which it ends.
    #[must_use]
    pub const fn resume_at(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// Returns the number of bytes skipped at the beginning
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the file's path; `None` if there is none, or it can't be sent
    #[must_use]
    pub fn path(&self) -> Option<&[u8]> {
        self.path.as_ref().ok()?.as_ref().map(Argument::as_bytes)
    }

    /// Transfers the file as text: TYPE A on the network, LF line endings for the user
    #[must_use]
    pub const fn ascii(mut self) -> Self {
        self.type_ = TransferType::Ascii;
        self
    }

    /// Returns whether the file is transferred unchanged or as text
    #[must_use]
    pub const fn transfer_type(&self) -> TransferType {
        self.type_
    }

    /// Sets the size of the whole file in bytes, if the caller knows it: any other size is an error
    #[must_use]
    pub const fn expect_size(mut self, bytes: u64) -> Self {
        self.expected = Some(bytes);
        self
    }
}

impl<P: AsRef<[u8]>> From<P> for Get {
    fn from(path: P) -> Self {
        Self::new(path)
    }
}

/// An upload: STOR, APPE, STOU, or another command that takes a file
///
/// A path alone replaces the file, with unchanged bytes: `client.put("f")`.
#[derive(Clone, Debug)]
pub struct Put {
    pub(crate) verb: Result<Verb, ArgumentError>,
    pub(crate) path: Result<Option<Argument>, ArgumentError>,
    pub(crate) type_: TransferType,
    pub(crate) offset: u64,
}

impl Put {
    /// Creates or replaces the file at `path` (STOR)
    #[must_use]
    pub fn new(path: impl AsRef<[u8]>) -> Self {
        let path = Argument::path(path).map(Some);
        Self { verb: Ok(Verb::STOR), path, type_: TransferType::Image, offset: 0 }
    }

    /// Creates a new file under a name that the server chooses (STOU); the name is in
    /// [`Transfer::name`](crate::Transfer::name), if the server sends it
    #[must_use]
    pub fn unique() -> Self {
        Self::command("STOU", "")
    }

    /// Creates an upload with any command that takes a file on a data connection, such as `STOU` with a name, or a
    /// server-specific one
    ///
    /// An empty argument sends the verb alone. A command that is known to take no file, such as QUIT or RETR, is
    /// refused with [`InvalidArgument`](crate::Error::InvalidArgument).
    #[must_use]
    pub fn command(verb: &str, argument: impl AsRef<[u8]>) -> Self {
        let argument = argument.as_ref();
        Self {
            verb: transferring(verb, Direction::Upload),
            path: if argument.is_empty() { Ok(None) } else { Argument::new(argument).map(Some) },
            ..Self::new("")
        }
    }

    /// Appends to the existing file (APPE)
    #[must_use]
    pub const fn append(mut self) -> Self {
        self.verb = Ok(Verb::APPE);
        self.offset = 0;
        self
    }

    /// Writes to the server's file from byte `offset` on (REST, RFC 3659 section 5)
    ///
    /// The command is STOR, also after [`Self::append`] and [`Self::unique`], or that of [`Self::command`]. Provide
    /// the data from that byte on. Some servers truncate the file there, others keep what follows.
    ///
    /// The server counts the bytes as it receives them, or those of its file. In a [text](Self::ascii) these may be two
    /// for each line ending, so the length of the LF text that you have sent is not the offset at which it ends.
    #[must_use]
    pub const fn resume_at(mut self, offset: u64) -> Self {
        if let Ok(Verb::APPE | Verb::STOU) = self.verb {
            self.verb = Ok(Verb::STOR);
        }
        self.offset = offset;
        self
    }

    /// Returns where in the server's file the data goes, in bytes; 0 also if the server decides (APPE, STOU)
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the path of the target; `None` if the server chooses the name, if the command is server-specific, or
    /// if the path can't be sent
    #[must_use]
    pub fn path(&self) -> Option<&[u8]> {
        match self.verb {
            Ok(Verb::STOR | Verb::APPE) => {
                self.path.as_ref().ok()?.as_ref().map(Argument::as_bytes)
            }
            _ => None,
        }
    }

    /// Transfers the file as text: LF line endings from the user, TYPE A on the network
    #[must_use]
    pub const fn ascii(mut self) -> Self {
        self.type_ = TransferType::Ascii;
        self
    }

    /// Returns whether the file is transferred unchanged or as text
    #[must_use]
    pub const fn transfer_type(&self) -> TransferType {
        self.type_
    }
}

impl<P: AsRef<[u8]>> From<P> for Put {
    fn from(path: P) -> Self {
        Self::new(path)
    }
}

/// Returns the verb of a transfer in this direction; an unknown verb may transfer a file
fn transferring(verb: &str, direction: Direction) -> Result<Verb, ArgumentError> {
    let verb = Verb::new(verb)?;
    let can_transfer = match verb {
        Verb::RETR | Verb::LIST | Verb::NLST | Verb::MLSD => direction == Direction::Download,
        Verb::STOR | Verb::APPE | Verb::STOU => direction == Direction::Upload,
        // What SITE does depends on the server.
        Verb::SITE => true,
        verb => !verb.is_known(),
    };
    if can_transfer { Ok(verb) } else { Err(ArgumentError::NoTransfer) }
}

/// A listing on a data connection: LIST, NLST or MLSD
///
/// Listings use TYPE A (RFC 959 section 4.1.3), which hosts without ASCII need. Their
/// bytes are passed on as the server sends them: the parser accepts any line ending.
#[derive(Clone, Debug)]
pub struct List {
    pub(crate) verb: Verb,
    pub(crate) path: Result<Option<Argument>, ArgumentError>,
}

impl List {
    /// Creates a listing by LIST: one line per entry, in the server's own format; an empty path is the current
    /// directory
    ///
    /// The path is sent as it is: many servers take options, patterns and `~` in it.
    #[must_use]
    pub fn new(path: impl AsRef<[u8]>) -> Self {
        Self::of(Verb::LIST, path)
    }

    /// Creates a listing by NLST: only names
    #[must_use]
    pub fn names(path: impl AsRef<[u8]>) -> Self {
        Self::of(Verb::NLST, path)
    }

    /// Creates a listing by MLSD: facts and names (RFC 3659 section 7)
    #[must_use]
    pub fn facts(path: impl AsRef<[u8]>) -> Self {
        Self::of(Verb::MLSD, path)
    }

    fn of(verb: Verb, path: impl AsRef<[u8]>) -> Self {
        let path = path.as_ref();
        let path = if path.is_empty() { Ok(None) } else { Argument::new(path).map(Some) };
        Self { verb, path }
    }
}

impl<P: AsRef<[u8]>> From<P> for List {
    fn from(path: P) -> Self {
        Self::new(path)
    }
}
