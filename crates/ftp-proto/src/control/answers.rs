//! Which reply codes may answer which command
//!
//! A code that identifies another command (`213` after DELE) shows that replies and commands are out of step:
//! from then on, every reply may belong to another command.

#[cfg(test)]
mod tests;

use super::command::Verb;
use super::reply::{Code, ReplyKind};

/// How a reply code relates to the command that it is taken to answer
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The command's specification lists the code
    Own,
    /// The specification does not list the code, but the code does not identify another command, or real servers
    /// answer this command with it
    ///
    /// This says nothing about the class: `350` to RETR is foreign, `300` to RETR is tolerated.
    Tolerated,
    /// The code identifies another command
    Foreign,
}

/// Whether a reply with this code shows that replies and commands are out of step
///
/// Most codes are decided without the table.
pub(crate) fn is_foreign(verb: Verb, code: Code) -> bool {
    let number = code.get();
    let [superfluous, path] = NEVER_ENDS_A_TRANSFER;
    let may_be = identifies_a_command(number) || number == superfluous || number == path;
    may_be && answer(verb, code) == Answer::Foreign
}

/// Returns whether `code` may answer a command with this `verb`
///
/// A refusal (4yz, 5yz) or a preliminary reply (1yz) identifies no command and is never foreign. A
/// verb without a row in the table may be answered with any code, because only its server knows.
pub(crate) fn answer(verb: Verb, code: Code) -> Answer {
    let Some(row) = row(verb) else { return Answer::Tolerated };
    let number = code.get();
    if row.own.contains(&number) {
        return Answer::Own;
    }
    let foreign = match code.kind() {
        ReplyKind::Completion | ReplyKind::Intermediate => {
            (identifies_a_command(number) && !row.claimed.contains(&number))
                || row.foreign.contains(&number)
        }
        ReplyKind::Preliminary | ReplyKind::Transient | ReplyKind::Permanent => false,
    };
    if foreign { Answer::Foreign } else { Answer::Tolerated }
}

/// Whether a reply with this code tells how a transfer ended, while this command is not a transfer
///
/// For a command without a row, it is not known, so the result is false.
pub(crate) fn is_only_a_transfers(verb: Verb, code: Code) -> bool {
    let ends_a_transfer = matches!(code.get(), 225 | 226 | 425 | 426);
    ends_a_transfer && row(verb).is_some_and(|row| !row.own.contains(&code.get()))
}

/// Whether only the rows of some commands contain this code
const fn identifies_a_command(number: u16) -> bool {
    matches!(
        number,
        211..=215 | 220 | 221 | 225 | 227..=229 | 230..=235 | 331 | 332 | 334..=336 | 350
    )
}

/// 202 "superfluous", and 257 with a path
const NEVER_ENDS_A_TRANSFER: [u16; 2] = [202, 257];

/// The codes that may answer a command
#[derive(Clone, Copy)]
struct Row {
    /// The specification's codes
    own: &'static [u16],
    /// Codes of other commands that real servers also send
    claimed: &'static [u16],
    /// Completion codes that are foreign to this command, although other commands tolerate them
    foreign: &'static [u16],
}

impl Row {
    const fn own(own: &'static [u16]) -> Self {
        Self { own, claimed: &[], foreign: &[] }
    }

    const fn claiming(self, claimed: &'static [u16]) -> Self {
        Self { claimed, ..self }
    }

    /// Creates the row of a command that transfers data
    const fn transfer(own: &'static [u16]) -> Self {
        Self { own, claimed: &[], foreign: &NEVER_ENDS_A_TRANSFER }
    }
}

// Commands for which the client has no constants
const ADAT: Verb = known("ADAT");
const AVBL: Verb = known("AVBL");
const CSID: Verb = known("CSID");
const MD5: Verb = known("MD5");
const MFCT: Verb = known("MFCT");
const MMD5: Verb = known("MMD5");
const XCUP: Verb = known("XCUP");
const XCWD: Verb = known("XCWD");
const XMKD: Verb = known("XMKD");
const XPWD: Verb = known("XPWD");
const XRMD: Verb = known("XRMD");

const fn known(verb: &str) -> Verb {
    match Verb::new(verb) {
        Ok(verb) => verb,
        // The compiler evaluates this: a bad name does not build.
        Err(_) => panic!("not a verb"),
    }
}

/// Returns the row of a command; `None` if any code may answer it
///
/// 421 may answer every command (RFC 959 section 5.4) and is omitted. 500 to 504 are omitted if the specification
/// only repeats that any command may be refused with them.
#[rustfmt::skip]
fn row(verb: Verb) -> Option<Row> {
    Some(match verb {
        // Logging in: RFC 959 section 5.4, RFC 2228 section 8
        Verb::USER => Row::own(&[230, 232, 331, 332, 336, 530]),
        Verb::PASS => Row::own(&[202, 230, 332, 530]).claiming(&[232, 331]),
        Verb::ACCT => Row::own(&[202, 230, 530]).claiming(&[331, 332]),
        Verb::REIN => Row::own(&[120, 220]),
        // RFC 7151 section 3
        Verb::HOST => Row::own(&[220, 501, 503, 504]),

        // Security: RFC 2228 section 8, RFC 4217
        Verb::AUTH => Row::own(&[234, 334, 431, 502, 504, 534]),
        ADAT => Row::own(&[235, 335, 503, 501, 535]).claiming(&[234, 334]),
        Verb::PBSZ => Row::own(&[200, 501, 503]),
        Verb::PROT => Row::own(&[200, 431, 503, 504, 534, 536]),
        Verb::CCC => Row::own(&[200, 533, 534]),

        // Directories and files: RFC 959 section 5.4. X verbs: RFC 775
        Verb::CWD | XCWD => Row::own(&[250, 550]),
        // RFC 1123 section 4.1.2.13 gives CDUP the replies of CWD, so also 250.
        Verb::CDUP | XCUP => Row::own(&[200, 250, 550]),
        Verb::PWD | XPWD => Row::own(&[257, 550]),
        Verb::MKD | XMKD => Row::own(&[257, 521, 550]),
        Verb::RMD | XRMD => Row::own(&[250, 550]),
        Verb::DELE => Row::own(&[250, 450, 550]),
        Verb::RNFR => Row::own(&[350, 450, 550]),
        Verb::RNTO => Row::own(&[250, 503, 532, 553]),

        // Parameters of transfers: RFC 959 section 5.4
        Verb::TYPE | Verb::STRU | Verb::MODE => Row::own(&[200, 501, 504]),
        Verb::PORT => Row::own(&[200, 501]),
        // RFC 2428 sections 2 and 3. Some servers answer one passive command with the reply of
        // another; `EPSV ALL` is answered 220 by Pure-FTPd and pyftpdlib.
        Verb::EPRT => Row::own(&[200, 501, 522]),
        Verb::PASV => Row::own(&[227]).claiming(&[228, 229]),
        Verb::EPSV => Row::own(&[200, 229, 522]).claiming(&[220, 227, 228]),
        Verb::ALLO => Row::own(&[200, 202, 504]),
        Verb::REST => Row::own(&[350, 501]),
        // draft-bryan-ftp-range section 4
        Verb::RANG => Row::own(&[350, 501]),

        // Transfers: RFC 959 section 5.4, RFC 3659 section 7
        Verb::RETR => Row::transfer(&[110, 125, 150, 226, 250, 425, 426, 450, 451, 530, 550, 554]),
        Verb::STOR | Verb::APPE | Verb::STOU => Row::transfer(&[
            110, 125, 150, 226, 250, 425, 426, 450, 451, 452, 530, 532, 550, 551, 552, 553, 554,
        ]),
        Verb::LIST | Verb::NLST | Verb::MLSD => {
            Row::transfer(&[125, 150, 226, 250, 425, 426, 450, 451, 501, 530, 550])
        }
        Verb::ABOR => Row::own(&[225, 226]),

        // Facts about files: RFC 3659 sections 3, 4 and 7, draft-somers-ftp-mfxx
        Verb::SIZE | Verb::MDTM => Row::own(&[213, 501, 550]),
        Verb::MLST => Row::own(&[250, 501, 550]),
        Verb::MFMT | MFCT | Verb::MFF => Row::own(&[213, 501, 504, 550]),
        // draft-peterson-streamlined-ftp-command-extensions
        AVBL => Row::own(&[213, 550]),
        // Hashes: draft-bryan-ftp-hash, draft-twine-ftpmd5; the X verbs have no specification. On some servers, 213
        // contains the value, as it does for HASH.
        Verb::HASH => Row::own(&[213, 450, 501, 504, 550, 551, 552, 553, 556]),
        MD5 | MMD5 | Verb::XCRC | Verb::XMD5 | Verb::XSHA | Verb::XSHA1 | Verb::XSHA256
        | Verb::XSHA512 => Row::own(&[250, 251, 252, 500, 501, 504, 550]).claiming(&[213]),

        // About the server: RFC 959 section 5.4, RFC 2389 sections 3 and 4, RFC 2640 section 4.1
        Verb::SYST => Row::own(&[215]),
        // FileZilla Server answers a STAT of a directory with 221.
        Verb::STAT => Row::own(&[211, 212, 213, 450, 530]).claiming(&[221]),
        Verb::HELP => Row::own(&[211, 214]),
        Verb::FEAT => Row::own(&[211]).claiming(&[214]),
        Verb::OPTS => Row::own(&[200, 451, 501]),
        Verb::LANG => Row::own(&[200, 501, 504]),
        Verb::CLNT | CSID | Verb::NOOP => Row::own(&[200]),

        // QUIT ends the session; each server has its own replies to SITE.
        _ => return None,
    })
}
