//! Deviations from RFC 959 that any kind of server may have

use ftp_proto::Prefetch;

use super::{Task, Way};

/// The fate of the transfer after the aborted one
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Next {
    /// It succeeds
    Whole,
    /// The server sends or receives half of it, closes, and replies with this code
    Cut(u16),
    /// The server refuses it with this code
    Refused(u16),
}

/// When the final replies of an aborted transfer arrive
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Late {
    /// Before the preliminary reply of the next transfer
    BeforeOpening,
    /// After the preliminary reply of the next transfer
    AfterOpening,
    /// When the next transfer's REST arrives, which is answered seconds later
    AtRestart,
}

/// What a server does with EPSV that comes while a transfer runs; most read it after the transfer
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Beside {
    /// It is lost (Pure-FTPd drops what comes during some transfers)
    Lost,
    /// It is refused at once, with this code (450: ProFTPD, 500: Pure-FTPd)
    Refused(u16),
    /// It is answered at once, and the transfer goes on
    AtOnce,
    /// It is answered at once, the transfer is dropped, and its final reply never comes (pyftpdlib)
    Drops,
    /// The transfer is cut off with 426, then it is answered
    Cuts,
    /// It is taken for ABOR: 426, 226
    Aborts,
    /// It is answered after the transfer, and nobody listens at that port any more
    Expires,
}

impl Beside {
    /// Returns whether it ends the transfer
    pub(super) const fn ends_transfers(self) -> bool {
        matches!(self, Self::Drops | Self::Cuts | Self::Aborts)
    }
}

/// A deviation of a server, in addition to its [`Profile`](super::Profile)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Habit {
    /// None
    None,
    /// A 2yz before the preliminary reply of each transfer
    ///
    /// ftplib's `ntransfercmd` drops such a reply because some servers send a late 200 or 226.
    FinalFirst(u16),
    /// A 226 to an upload, or a 200 to a download, directly after the preliminary reply, and the true final reply after
    /// the end of the data
    ///
    /// In stream mode the end of an upload is the close of its connection (RFC 959 section 3.4.1), so the first of them
    /// can't be about the file.
    FinalEarly(Next),
    /// No preliminary reply: data, then 226 (FileZilla, lftp and ftplib all handle such servers)
    NoOpening,
    /// The preliminary reply comes after the final one
    OpeningLast,
    /// Two preliminary replies, 125 after 150 (FluentFTP and lftp read 1yz in a loop)
    TwoOpenings,
    /// Restart markers between preliminary and final reply (RFC 959 sections 3.5 and 4.2: code 110)
    Markers,
    /// A second 226 directly after the first, as WarFTPD and others send after their own events
    TwoFinals,
    /// ABOR is answered 226 or 225 at once, and the final replies of the aborted transfer come with the next one
    ///
    /// The FTP server of CPython's own test suite does so under TLS: its late 226 follows the next transfer's 125.
    /// ProFTPD under TLS answers ABOR with 226, and then the transfer with 426.
    LateFinals {
        /// The code that answers ABOR
        abort: u16,
        /// The final replies that come late
        finals: &'static [u16],
        /// When they come
        late: Late,
        /// The fate of the next transfer
        next: Next,
    },
    /// A transfer aborted before its data connection was made stays queued, and uses the next data connection
    /// (pyftpdlib 2.2.0)
    Queue,
    /// 220 twice in one segment (curl and commons-net know such servers)
    TwoGreetings,
    /// 120, then 220 (RFC 959 section 5.4)
    SlowGreeting,
    /// The name of the downloaded file is part of the preliminary reply and looks like a size; the real size is not
    /// sent, and a truncation is not noticed (inetutils quotes names, others send the path alone)
    SizeInName,
    /// `REST n` is accepted and stays in force until another is accepted or a transfer has used it; the first RETR
    /// after it is refused with 450, and `REST 0` with this code
    StickyRest(u16),
    /// `REST 0` is always refused with this code
    NoRestZero(u16),
    /// Replies 226 though the data connection broke: everything had fitted into its socket's buffer
    Oblivious,
    /// Treats EPSV during a transfer in a way of its own
    Beside(Beside),
    /// Refuses the password with this code
    BadPassword(u16),
    /// Refuses the password with this code and ends the session
    BadPasswordAndClose(u16),
}

/// The codes of the final replies that are still to come for an aborted transfer
const FINALS: [&[u16]; 5] = [&[426], &[226], &[226, 226], &[426, 226], &[426, 451]];

/// The offset of the download after the task, if it resumes
const RESUMED_AT: usize = 9;

impl Habit {
    /// Returns all habits
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = vec![
            Self::FinalFirst(226),
            Self::FinalFirst(200),
            Self::FinalFirst(250),
            Self::FinalEarly(Next::Whole),
            Self::FinalEarly(Next::Cut(451)),
            Self::FinalEarly(Next::Cut(552)),
            Self::NoOpening,
            Self::OpeningLast,
            Self::TwoOpenings,
            Self::Markers,
            Self::TwoFinals,
            Self::Queue,
            Self::TwoGreetings,
            Self::SlowGreeting,
            Self::SizeInName,
            Self::StickyRest(450),
            Self::StickyRest(501),
            Self::NoRestZero(450),
            Self::NoRestZero(502),
            Self::Oblivious,
            Self::Beside(Beside::Lost),
            Self::Beside(Beside::Refused(450)),
            Self::Beside(Beside::Refused(500)),
            Self::Beside(Beside::Refused(550)),
            Self::Beside(Beside::AtOnce),
            Self::Beside(Beside::Drops),
            Self::Beside(Beside::Cuts),
            Self::Beside(Beside::Aborts),
            Self::Beside(Beside::Expires),
            Self::BadPassword(530),
            Self::BadPassword(430),
            Self::BadPasswordAndClose(530),
        ];
        for abort in [225, 226] {
            for finals in FINALS {
                for late in [Late::BeforeOpening, Late::AfterOpening, Late::AtRestart] {
                    for next in [
                        Next::Whole,
                        Next::Cut(426),
                        Next::Cut(451),
                        Next::Cut(452),
                        Next::Refused(450),
                    ] {
                        // A refused transfer has no preliminary reply after which they could come.
                        if next == Next::Refused(450) && late == Late::AfterOpening {
                            continue;
                        }
                        all.push(Self::LateFinals { abort, finals, late, next });
                    }
                }
            }
        }
        all
    }

    /// Returns its name without its parameters
    #[must_use]
    pub fn name(self) -> String {
        let text = format!("{self:?}");
        text.split(['(', ' ']).next().unwrap_or_default().to_owned()
    }

    /// Whether it can show in such a session
    #[must_use]
    pub fn shows(self, way: Way, task: Task, prefetch: Prefetch) -> bool {
        match self {
            Self::Beside(_) => {
                prefetch == Prefetch::Always && way != Way::Active && task.is_of_a_file()
            }
            Self::LateFinals { .. } => task.aborts(),
            // Its handshake begins as soon as the connection is made, which this network does not model.
            Self::Queue => !way.is_tls() && task.transfers(),
            Self::StickyRest(_) => matches!(task, Task::Resume | Task::ResumeLate),
            Self::SizeInName => matches!(task, Task::GetNamed | Task::GetNamedMore),
            _ => true,
        }
    }

    /// Returns the offset of the download after the task
    pub(super) const fn next_offset(self) -> usize {
        match self {
            Self::LateFinals { late: Late::AtRestart, .. } => RESUMED_AT,
            _ => 0,
        }
    }

    /// Whether it sends replies that answer no command
    pub(super) const fn strays(self) -> bool {
        matches!(
            self,
            Self::FinalFirst(_)
                | Self::FinalEarly(_)
                | Self::TwoFinals
                | Self::LateFinals { .. }
                | Self::Queue
        )
    }
}
