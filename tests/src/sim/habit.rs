//! What a server does that RFC 959 does not expect of it, whichever kind it is

use super::{Task, Way};

/// What happens to the transfer after the one that was aborted
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Next {
    /// It goes through
    Whole,
    /// The server sends or takes one half, closes, and gives this code
    Cut(u16),
    /// The server refuses it with this code
    Refused(u16),
}

/// Where the finals of an aborted transfer arrive
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Late {
    /// Before the opening reply of the next transfer
    BeforeOpening,
    /// After the opening reply of the next transfer
    AfterOpening,
}

/// A way of a server, on top of its [`Profile`](super::Profile)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Habit {
    /// None: as its profile has it
    None,
    /// A 2yz before the opening reply of each transfer
    ///
    /// ftplib's `ntransfercmd` drops such a reply because servers with a late 200 or 226 exist.
    FinalFirst(u16),
    /// A 226 to an upload, or a 200 to a download, right after the opening reply, and the true final reply when
    /// the data has ended
    ///
    /// In stream mode the end of an upload is the close of its connection (RFC 959 section 3.4.1), so that
    /// the former can't mean the file.
    FinalEarly(Next),
    /// No opening reply: data, then 226 (FileZilla, lftp and ftplib all expect such servers)
    NoOpening,
    /// The opening reply comes after the final one
    OpeningLast,
    /// Two opening replies, 125 after 150 (FluentFTP and lftp loop on 1yz)
    TwoOpenings,
    /// Restart markers between opening and final reply (RFC 959, sections 3.5 and 4.2: code 110)
    Markers,
    /// A second 226 right after the first, as WarFTPD's and others' after their own events
    TwoFinals,
    /// ABOR is answered 226 or 225 at once, and the finals of the aborted transfer come with the next one
    ///
    /// The FTP server of CPython's own test suite does so under TLS: its late 226 follows the next
    /// transfer's 125. ProFTPD under TLS answers ABOR 226, and then the transfer 426.
    LateFinals {
        /// Code that answers ABOR
        abort: u16,
        /// Finals that come late
        finals: &'static [u16],
        /// Where they come
        late: Late,
        /// What becomes of the next transfer
        next: Next,
    },
    /// What ABOR ended before its data connection was made stays queued, and goes through the next data
    /// connection (pyftpdlib 2.2.0)
    Queue,
    /// 220 twice in one segment (curl and commons-net know such servers)
    TwoGreetings,
    /// 120, then 220 (RFC 959, section 5.4)
    SlowGreeting,
    /// The name of the file that is downloaded is part of the opening reply and looks like a size; the
    /// real size is not told, and a cut not noticed (inetutils quotes names, others tell the path alone)
    SizeInName,
    /// `REST n` is granted and then kept until another is granted or a transfer has used it; the first
    /// RETR after it is refused with 450, and `REST 0` with this code
    StickyRest(u16),
    /// `REST 0` is refused with this code, whatever the situation
    NoRestZero(u16),
    /// Says 226 though the data connection was cut: all had fitted into its socket's buffer
    Oblivious,
    /// Refuses the password with this code
    BadPassword(u16),
    /// Refuses the password with this code and ends the session
    BadPasswordAndClose(u16),
}

/// Codes of the finals that an aborted transfer is still due
const FINALS: [&[u16]; 5] = [&[426], &[226], &[226, 226], &[426, 226], &[426, 451]];

impl Habit {
    /// All of them
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
            Self::BadPassword(530),
            Self::BadPassword(430),
            Self::BadPasswordAndClose(530),
        ];
        for abort in [225, 226] {
            for finals in FINALS {
                for late in [Late::BeforeOpening, Late::AfterOpening] {
                    for next in [
                        Next::Whole,
                        Next::Cut(426),
                        Next::Cut(451),
                        Next::Cut(452),
                        Next::Refused(450),
                    ] {
                        // A refused transfer has no opening reply for them to come after.
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

    /// Its name without its parameters
    #[must_use]
    pub fn name(self) -> String {
        let text = format!("{self:?}");
        text.split(['(', ' ']).next().unwrap_or_default().to_owned()
    }

    /// Whether it can show in such a session
    #[must_use]
    pub const fn shows(self, way: Way, task: Task) -> bool {
        match self {
            Self::LateFinals { .. } => task.aborts(),
            // Its handshake begins as soon as the connection is made, which this network does not model.
            Self::Queue => !way.is_tls() && task.transfers(),
            Self::StickyRest(_) => matches!(task, Task::Resume | Task::ResumeLate),
            Self::SizeInName => matches!(task, Task::GetNamed | Task::GetNamedMore),
            _ => true,
        }
    }

    /// Whether replies come that are the answer to nothing
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
