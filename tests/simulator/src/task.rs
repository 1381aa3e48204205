//! The client's tasks, and the kinds of connections

use ftp_proto::{Client, Config, DataMode, Get, List, OpId, Put, ReadDir, TlsPolicy};

use super::session::{FILE, NAMED, NAMED_MORE};

/// A kind of connection between client and server
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// Clear text, passive mode
    Clear,
    /// Explicit TLS, passive mode
    Tls,
    /// Implicit TLS, passive mode
    Implicit,
    /// Clear text, active mode
    Active,
}

impl Way {
    /// All kinds
    pub const ALL: [Self; 4] = [Self::Clear, Self::Tls, Self::Implicit, Self::Active];

    /// Whether the session uses TLS
    #[must_use]
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Tls | Self::Implicit)
    }

    pub(super) fn config(self) -> Config {
        let mut config = Config::new(match self {
            Self::Tls => TlsPolicy::Explicit,
            Self::Implicit => TlsPolicy::Implicit,
            Self::Clear | Self::Active => TlsPolicy::Plaintext,
        });
        if self == Self::Active {
            config.data_mode = DataMode::Active;
        }
        // With 0, the session takes the next number of the process, which another run with this seed would not get.
        config.client_number = 1;
        config
    }
}

/// The client's task between the login and the requests that prove that the session is usable
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// RETR
    Get,
    /// RETR of a file whose size the caller knows
    GetKnown,
    /// RETR of a file whose name looks as if it contained a size
    GetNamed,
    /// RETR of a file whose name looks as if it contained a larger size than the file has
    GetNamedMore,
    /// REST and RETR
    Resume,
    /// REST and RETR at an offset from which less is left than was skipped
    ResumeLate,
    /// RETR, and ABOR once its first bytes have arrived
    AbortGet,
    /// STOR
    Put,
    /// APPE
    Append,
    /// STOU
    Unique,
    /// STOR, and ABOR instead of its end
    AbortPut,
    /// LIST
    List,
    /// LIST, aborted once its first bytes have arrived
    AbortList,
    /// NLST
    Names,
    /// MLSD
    Facts,
    /// The entries of a directory: FEAT and LIST
    ReadDir,
    /// The entries of a directory that must be entered and left again
    ReadInside,
    /// The entries of an empty directory
    ReadEmpty,
    /// The entries of a directory that does not exist
    ReadMissing,
    /// As `ReadInside`, after a listing that has set the type, so that EPSV goes out together with CWD
    ReadNext,
    /// As `ReadMissing`, after a listing
    ReadNextMissing,
    /// SIZE
    Size,
    /// MKD
    Mkdir,
    /// DELE
    Delete,
    /// RNFR and RNTO
    Rename,
    /// FEAT
    Features,
    /// PWD
    Pwd,
    /// The path of another directory: PWD, CWD and PWD
    Canonicalize,
    /// QUIT
    Quit,
    /// A procedure of `ftp-session`: RETR into a local file
    DownloadFile,
    /// STOR of a local file
    UploadFile,
    /// Resumes a download of which the beginning exists locally
    ResumeDownload,
    /// Resumes a download where the local file is a different one
    ResumeWrong,
    /// Resumes a download where no local file exists
    ResumeNothing,
    /// Resumes an upload of which the server has the beginning
    ResumeUpload,
    /// Resumes an upload where the server has a different file
    ResumeOther,
    /// Compares a local file with the server's
    VerifyFile,
}

impl Task {
    /// All tasks of the core
    pub const ALL: [Self; 29] = [
        Self::Get,
        Self::GetKnown,
        Self::GetNamed,
        Self::GetNamedMore,
        Self::Resume,
        Self::ResumeLate,
        Self::AbortGet,
        Self::Put,
        Self::Append,
        Self::Unique,
        Self::AbortPut,
        Self::List,
        Self::AbortList,
        Self::Names,
        Self::Facts,
        Self::ReadDir,
        Self::ReadInside,
        Self::ReadEmpty,
        Self::ReadMissing,
        Self::ReadNext,
        Self::ReadNextMissing,
        Self::Size,
        Self::Mkdir,
        Self::Delete,
        Self::Rename,
        Self::Features,
        Self::Pwd,
        Self::Canonicalize,
        Self::Quit,
    ];

    /// The procedures, which make several requests and use a local file
    pub const PROCEDURES: [Self; 8] = [
        Self::DownloadFile,
        Self::UploadFile,
        Self::ResumeDownload,
        Self::ResumeWrong,
        Self::ResumeNothing,
        Self::ResumeUpload,
        Self::ResumeOther,
        Self::VerifyFile,
    ];

    /// Whether it is one of [`Self::PROCEDURES`]
    #[must_use]
    pub fn is_procedure(self) -> bool {
        Self::PROCEDURES.contains(&self)
    }

    /// Whether it uses a data connection
    pub const fn transfers(self) -> bool {
        self.downloads() || self.uploads()
    }

    /// Whether it is a download
    pub const fn downloads(self) -> bool {
        matches!(
            self,
            Self::Get
                | Self::GetKnown
                | Self::GetNamed
                | Self::GetNamedMore
                | Self::Resume
                | Self::ResumeLate
                | Self::AbortGet
                | Self::List
                | Self::AbortList
                | Self::Names
                | Self::Facts
                | Self::ReadDir
                | Self::ReadInside
                | Self::ReadEmpty
                | Self::ReadMissing
                | Self::ReadNext
                | Self::ReadNextMissing
                | Self::DownloadFile
                | Self::ResumeDownload
                | Self::ResumeWrong
                | Self::ResumeNothing
        )
    }

    /// Whether it is an upload
    pub const fn uploads(self) -> bool {
        matches!(
            self,
            Self::Put
                | Self::Append
                | Self::Unique
                | Self::AbortPut
                | Self::UploadFile
                | Self::ResumeUpload
                | Self::ResumeOther
        )
    }

    /// Returns whether it transfers a file, as the download after it does
    pub const fn is_of_a_file(self) -> bool {
        let lists = matches!(self, Self::List | Self::AbortList | Self::Names | Self::Facts);
        self.transfers() && !lists && !self.reads_directory()
    }

    /// Returns its offset in the file
    pub const fn offset(self) -> usize {
        match self {
            Self::Resume => 10,
            Self::ResumeLate => 30,
            _ => 0,
        }
    }

    /// Whether it reads the entries of a directory, which may have to be entered and left
    pub const fn reads_directory(self) -> bool {
        matches!(self, Self::ReadDir | Self::ReadInside | Self::ReadEmpty | Self::ReadMissing)
            || self.follows_a_listing()
    }

    /// Whether a listing goes before it
    pub const fn follows_a_listing(self) -> bool {
        matches!(self, Self::ReadNext | Self::ReadNextMissing)
    }

    /// Whether it reads a directory that does not exist
    pub const fn is_of_nothing(self) -> bool {
        matches!(self, Self::ReadMissing | Self::ReadNextMissing)
    }

    /// Whether it is aborted in the middle
    pub const fn aborts(self) -> bool {
        matches!(self, Self::AbortGet | Self::AbortList | Self::AbortPut)
    }

    pub(super) fn ask(self, client: &mut Client) -> OpId {
        match self {
            Self::Get | Self::AbortGet => client.get("f").id(),
            Self::GetKnown => client.get(Get::new("f").expect_size(FILE.len() as u64)).id(),
            Self::GetNamed => client.get(NAMED).id(),
            Self::GetNamedMore => client.get(NAMED_MORE).id(),
            Self::Resume | Self::ResumeLate => {
                client.get(Get::new("f").resume_at(self.offset() as u64)).id()
            }
            Self::Put | Self::AbortPut => client.put("new").id(),
            Self::Append => client.put(Put::new("g").append()).id(),
            Self::Unique => client.put(Put::unique()).id(),
            Self::List | Self::AbortList => client.list(List::new("")).id(),
            Self::Names => client.list(List::names("")).id(),
            Self::Facts => client.list(List::facts("")).id(),
            Self::ReadDir => client.read_dir("d").id(),
            Self::ReadInside | Self::ReadNext => client.read_dir("*").id(),
            Self::ReadEmpty => client.read_dir("empty").id(),
            Self::ReadMissing => client.read_dir("missing").id(),
            Self::ReadNextMissing => client.read_dir(ReadDir::long("missing")).id(),
            Self::Size => client.size("f").id(),
            Self::Mkdir => client.mkdir("d").id(),
            Self::Delete => client.delete("g").id(),
            Self::Rename => client.rename("g", "h").id(),
            Self::Features => client.query_features().id(),
            Self::Pwd => client.pwd().id(),
            Self::Canonicalize => client.canonicalize("*").id(),
            Self::Quit => client.quit().id(),
            Self::DownloadFile
            | Self::UploadFile
            | Self::ResumeDownload
            | Self::ResumeWrong
            | Self::ResumeNothing
            | Self::ResumeUpload
            | Self::ResumeOther
            | Self::VerifyFile => unreachable!("these are no single requests"),
        }
    }
}
