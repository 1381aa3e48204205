//! Recognizes arguments that are secrets although they were not passed as such

use super::Verb;

/// The text shown instead of hidden arguments, the same for every length
pub(in crate::control) const MASK: &str = "****";

/// Whether every argument of a verb is a secret
///
/// ADAT contains credentials; MIC, CONF and ENC contain whole commands, including PASS (RFC 2228 section
/// 3). XAUT is a login in one command. CPWD and others with such a name change a password.
pub(super) fn is_secret(verb: Verb) -> bool {
    let name = verb.as_bytes();
    matches!(name, b"ACCT" | b"ADAT" | b"MIC" | b"CONF" | b"ENC" | b"XAUT")
        || is_about_passwords(name)
}

/// Returns the part of an argument of SITE that may be shown, if the rest is a secret: the sub-command,
/// if it takes a password
///
/// `PSWD old new` (Serv-U, Titan), `CPWD` (WS_FTP), `PASSWD`, `CHPASS`, `ADDUSER`, `GADDUSER` (glftpd and
/// its descendants), `CHPWD` (SecureTransport), `GPASS` (wu-ftpd).
pub(super) fn site_command(argument: &[u8]) -> Option<&[u8]> {
    let start = argument.iter().position(|byte| !is_blank(byte))?;
    let length = argument[start..].iter().position(is_blank)?;
    let (command, rest) = argument.split_at(start + length);
    let word = &command[start..];
    let takes_password = is_about_passwords(word) || ends_with(word, b"ADDUSER");
    (takes_password && !rest.iter().all(is_blank)).then_some(command)
}

/// Whether a command's name refers to a password; PWD and XPWD print the working directory
fn is_about_passwords(name: &[u8]) -> bool {
    let contains = |part: &[u8]| name.windows(part.len()).any(|at| at.eq_ignore_ascii_case(part));
    let prints = name.eq_ignore_ascii_case(b"PWD") || name.eq_ignore_ascii_case(b"XPWD");
    !prints && (contains(b"PASS") || contains(b"PSW") || contains(b"PWD"))
}

fn ends_with(name: &[u8], end: &[u8]) -> bool {
    name.len().checked_sub(end.len()).is_some_and(|at| name[at..].eq_ignore_ascii_case(end))
}

const fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
