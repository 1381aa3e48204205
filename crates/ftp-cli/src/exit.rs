//! The program's exit codes, and what they mean

/// The program's exit status
///
/// 0 to 8 have the same meaning as in wget, because workflow engines know those.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the table of the manual")]
pub enum Exit {
    /// 0
    Done,
    /// 1
    SomeFailed,
    /// 2
    Usage,
    /// 3
    Local,
    /// 4
    Network,
    /// 5
    Tls,
    /// 6
    Login,
    /// 7
    Protocol,
    /// 8
    Refused,
    /// 9
    Verification,
    /// 10
    Limit,
    /// 130
    Interrupted,
}

impl Exit {
    /// All exit statuses with their meanings, as the manual and the help show them
    pub const TABLE: [(Self, &'static str); 12] = [
        (Self::Done, "all done"),
        (Self::SomeFailed, "some files failed, for different reasons"),
        (Self::Usage, "the command line, or a file that it names, is not understood"),
        (Self::Local, "a local file: not found, no permission, disk full, in use"),
        (Self::Network, "the network or a busy server: the same command may succeed later"),
        (
            Self::Tls,
            "TLS: a certificate that is not accepted, a server without TLS, or one that requires it",
        ),
        (Self::Login, "the login was refused"),
        (Self::Protocol, "the server broke the protocol: a reply or a listing that makes no sense"),
        (Self::Refused, "the server refused: no such file, no permission"),
        (Self::Verification, "a file differs from what it should be"),
        (Self::Limit, "a limit was reached: --max-delete, --max-errors, 100 levels of directories"),
        (Self::Interrupted, "interrupted by Ctrl-C or a signal"),
    ];

    /// Returns the exit status as a number
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::SomeFailed => 1,
            Self::Usage => 2,
            Self::Local => 3,
            Self::Network => 4,
            Self::Tls => 5,
            Self::Login => 6,
            Self::Protocol => 7,
            Self::Refused => 8,
            Self::Verification => 9,
            Self::Limit => 10,
            Self::Interrupted => 130,
        }
    }

    /// Returns the status of a run from those of its parts: the one that all failures share, or [`Self::SomeFailed`]
    ///
    /// If a part was interrupted, so was the run; otherwise, if a part reached a limit, so did the run.
    #[must_use]
    pub fn of_all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut whole = Self::Done;
        for part in parts {
            whole = match (whole, part) {
                (whole, Self::Done) => whole,
                (Self::Done, part) => part,
                (Self::Interrupted, _) | (_, Self::Interrupted) => Self::Interrupted,
                (Self::Limit, _) | (_, Self::Limit) => Self::Limit,
                (whole, part) if whole == part => whole,
                _ => Self::SomeFailed,
            };
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_table_in_order() {
        let codes: Vec<u8> = Exit::TABLE.iter().map(|(exit, _)| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 130]);
    }

    #[test]
    fn a_run_has_the_code_that_its_failures_share() {
        use Exit::*;
        for (parts, whole) in [
            (vec![], Done),
            (vec![Done, Done], Done),
            (vec![Done, Network, Network], Network),
            (vec![Refused, Done], Refused),
            (vec![Network, Refused], SomeFailed),
            (vec![Refused, Interrupted, Network], Interrupted),
            (vec![Limit, Refused], Limit),
        ] {
            assert_eq!(Exit::of_all(parts.clone()), whole, "{parts:?}");
        }
    }
}
