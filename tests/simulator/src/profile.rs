//! The differences between the modelled servers

/// A kind of server
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// vsftpd 3.0
    Vsftpd,
    /// ProFTPD 1.3
    Proftpd,
    /// Pure-FTPd 1.0
    PureFtpd,
    /// FileZilla Server 1
    FileZilla,
    /// Microsoft IIS
    Iis,
}

/// How a server uses TLS sessions for data connections (TLS 1.3, whose tickets are used once)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tickets {
    /// Tickets issued with the control connection's handshake
    pub login: usize,
    /// Tickets issued on a data connection of a download
    pub download: usize,
    /// Tickets issued on a data connection of an upload
    pub upload: usize,
    /// The code that refuses a data connection that did not resume a session (Q84); `None` if it is accepted
    pub refusal: Option<u16>,
}

/// How a server responds if the client closes a data connection early
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Early {
    /// With this final reply
    Final(u16),
    /// With a second 150 and no final reply at all
    OnlyPreliminary,
}

impl Profile {
    /// All profiles
    pub const ALL: [Self; 5] =
        [Self::Vsftpd, Self::Proftpd, Self::PureFtpd, Self::FileZilla, Self::Iis];

    /// Returns the response to a download whose data connection the client closed
    pub const fn early_close(self) -> Early {
        match self {
            Self::Vsftpd | Self::Proftpd | Self::Iis => Early::Final(426),
            Self::PureFtpd => Early::OnlyPreliminary,
            Self::FileZilla => Early::Final(425),
        }
    }

    /// Returns its use of TLS sessions (docs/servers.md: Q84, Q86)
    pub const fn tickets(self) -> Tickets {
        match self {
            Self::Vsftpd => Tickets { login: 2, download: 1, upload: 1, refusal: Some(522) },
            Self::Proftpd => Tickets { login: 2, download: 1, upload: 0, refusal: Some(425) },
            Self::FileZilla => Tickets { login: 1, download: 1, upload: 1, refusal: Some(425) },
            Self::PureFtpd => Tickets { login: 0, download: 0, upload: 0, refusal: None },
            Self::Iis => Tickets { login: 2, download: 2, upload: 2, refusal: None },
        }
    }

    /// Whether commands are read while a transfer runs
    pub const fn reads_during_transfer(self) -> bool {
        matches!(self, Self::FileZilla | Self::Iis)
    }

    /// Whether the final reply waits until the client has closed its side (ProFTPD, Q135)
    pub const fn final_waits_for_close(self) -> bool {
        matches!(self, Self::Proftpd)
    }

    /// Returns the code that answers ABOR when no transfer runs
    pub const fn idle_abort(self) -> u16 {
        match self {
            Self::Vsftpd | Self::Iis => 225,
            Self::Proftpd | Self::PureFtpd | Self::FileZilla => 226,
        }
    }

    /// Returns code and text of the preliminary reply of a download, and the size that the text contains
    ///
    /// `rest` is the number of bytes to be sent, `whole` the size of the file. After REST vsftpd sends the latter,
    /// ProFTPD the former.
    pub fn opening(self, path: &str, rest: usize, whole: usize) -> (u16, String, Option<usize>) {
        let sized = |bytes| {
            let text = format!("Opening BINARY mode data connection for {path} ({bytes} bytes).");
            (150, text, Some(bytes))
        };
        match self {
            Self::Vsftpd => sized(whole),
            Self::Proftpd => sized(rest),
            Self::PureFtpd => (150, "Accepted data connection".to_owned(), None),
            Self::FileZilla => (150, "About to start data transfer.".to_owned(), None),
            Self::Iis => (125, "Data connection already open; Transfer starting.".to_owned(), None),
        }
    }
}
