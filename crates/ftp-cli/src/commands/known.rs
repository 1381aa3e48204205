//! Known properties of server software, which is recognised by its greeting or its reply to SYST

/// A server software
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Software {
    pub(super) name: &'static str,
    /// Texts that its greeting or its reply to SYST contains, in lower case
    signs: &'static [&'static str],
    pub(super) facts: &'static [&'static str],
}

const REUSE: &str = "under TLS, data connections must resume the control connection's session unless the server is \
                     configured otherwise";

const KNOWN: [Software; 9] = [
    Software {
        name: "vsftpd",
        signs: &["vsftpd"],
        facts: &[
            REUSE,
            "it has no MLSD and no hashes: listings show its local time, and for older files only the day",
            "during a transfer it reads no other command",
        ],
    },
    Software {
        name: "ProFTPD",
        signs: &["proftpd"],
        facts: &[
            REUSE,
            "if it refuses an upload for that reason, the file may already be empty",
            "it hashes no empty file",
        ],
    },
    Software {
        name: "Pure-FTPd",
        signs: &["pure-ftpd"],
        facts: &[
            "it expands *, ? and [ in the arguments of listings",
            "it ends a download that was cut short without a final reply",
            "it answers commands during an upload with 500",
        ],
    },
    Software {
        name: "FileZilla Server",
        signs: &["filezilla server"],
        facts: &[REUSE, "five refused commands before the login end the session"],
    },
    Software {
        name: "pyftpdlib",
        signs: &["pyftpdlib"],
        facts: &["it has MLSD and MFMT, and no hashes"],
    },
    Software {
        name: "Microsoft IIS",
        signs: &["microsoft ftp service", "windows_nt"],
        facts: &["listings have the DOS format, in the server's local time"],
    },
    Software {
        name: "glFTPd or drftpd",
        signs: &["glftpd", "drftpd"],
        facts: &["it may need PRET before PASV"],
    },
    Software {
        name: "z/OS",
        signs: &["is the operating system of this server", "ibm ftp cs"],
        facts: &["names are data set names, and sizes are not reported"],
    },
    Software {
        name: "Serv-U",
        signs: &["serv-u"],
        facts: &["older versions announce MLSD but do not implement it"],
    },
];

/// Recognises a server's software by its greeting and its reply to SYST
pub(super) fn software(greeting: &str, system: &str) -> Option<&'static Software> {
    let (greeting, system) = (greeting.to_ascii_lowercase(), system.to_ascii_lowercase());
    let is_it = |software: &&Software| {
        software.signs.iter().any(|sign| greeting.contains(sign) || system.contains(sign))
    };
    KNOWN.iter().find(is_it)
}

#[cfg(test)]
mod tests {
    use super::software;

    #[test]
    fn servers_are_known_by_their_greetings() {
        for (greeting, system, name) in [
            ("(vsFTPd 3.0.3)", "UNIX Type: L8", Some("vsftpd")),
            ("ProFTPD Server (Debian) [::ffff:127.0.0.1]", "UNIX Type: L8", Some("ProFTPD")),
            ("--------- Welcome to Pure-FTPd [privsep] [TLS] ----------", "", Some("Pure-FTPd")),
            ("Microsoft FTP Service", "Windows_NT", Some("Microsoft IIS")),
            (
                "FTP server ready.",
                "MVS is the operating system of this server. FTP Server is running on z/OS.",
                Some("z/OS"),
            ),
            ("ready", "UNIX Type: L8", None),
        ] {
            assert_eq!(software(greeting, system).map(|found| found.name), name, "{greeting}");
        }
    }
}
