//! What a session has learned about its server, in addition to the machine's knowledge

/// A command that sets the time of a file's last modification
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeCommand {
    /// `MFMT time path` (draft-somers-ftp-mfxx)
    Mfmt,
    /// `MDTM time path`: vsftpd, Serv-U and others set the time if one precedes the name
    Mdtm,
    /// `SITE UTIME path time time time UTC`: Pure-FTPd, wu-ftpd
    UtimeUtc,
    /// `SITE UTIME time path`: ProFTPD's `mod_site_misc`
    Utime,
}

/// The state of knowledge about a command
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Support {
    #[default]
    Untried,
    /// It has set a time: the reply was unambiguous, or the file had another time before it
    Proven,
    /// The server does not support it, or takes it for something else
    Unknown,
}

/// The state of knowledge about the commands that set times
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TimeCommands([Support; TimeCommand::ALL.len()]);

impl TimeCommand {
    /// All commands, in the order in which they are tried
    pub(crate) const ALL: [Self; 4] = [Self::Mfmt, Self::Mdtm, Self::UtimeUtc, Self::Utime];
}

impl TimeCommands {
    pub(crate) const fn support(self, command: TimeCommand) -> Support {
        self.0[command as usize]
    }

    pub(crate) const fn set(&mut self, command: TimeCommand, support: Support) {
        self.0[command as usize] = support;
    }

    /// The commands worth trying: the proven ones, then the untried ones
    pub(crate) fn candidates(self) -> impl Iterator<Item = TimeCommand> {
        let with = move |support| {
            TimeCommand::ALL.into_iter().filter(move |command| self.support(*command) == support)
        };
        with(Support::Proven).chain(with(Support::Untried))
    }
}
