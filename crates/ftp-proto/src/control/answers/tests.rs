//! Compares the table with the RFCs, and with recorded replies of real servers

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the library does no I/O, a test here reads recordings"
)]

use alloc::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::prelude::v1::*;
use std::{env, eprintln, format, fs};

use serde_json::Value;

use super::{Answer, answer, is_foreign};
use crate::control::command::Verb;
use crate::control::reply::{Code, Reply, ReplyConfig, ReplyKind, ReplyParser};

fn verdict(verb: &str, number: u16) -> Answer {
    let (verb, code) = (Verb::new(verb).unwrap(), Code::new(number).unwrap());
    let verdict = answer(verb, code);
    assert_eq!(is_foreign(verb, code), verdict == Answer::Foreign, "{verb} {number}");
    verdict
}

fn assert_each(verbs: &str, codes: &[u16], expected: Answer) {
    for verb in verbs.split(' ') {
        for code in codes {
            assert_eq!(verdict(verb, *code), expected, "{verb} {code}");
        }
    }
}

/// Successes of RFC 959 section 5.4, command by command as listed there
#[test]
fn rfc_959_owns() {
    for (verb, codes) in [
        ("USER", &[230, 331, 332][..]),
        ("PASS", &[230, 202, 332]),
        ("ACCT", &[230, 202]),
        ("CWD", &[250]),
        ("CDUP", &[200, 250]),
        ("REIN", &[120, 220]),
        ("PORT", &[200]),
        ("PASV", &[227]),
        ("MODE", &[200]),
        ("TYPE", &[200]),
        ("STRU", &[200]),
        ("ALLO", &[200, 202]),
        ("REST", &[350]),
        ("STOR", &[125, 150, 110, 226, 250]),
        ("STOU", &[125, 150, 110, 226, 250]),
        ("RETR", &[125, 150, 110, 226, 250]),
        ("LIST", &[125, 150, 226, 250]),
        ("NLST", &[125, 150, 226, 250]),
        ("APPE", &[125, 150, 110, 226, 250]),
        ("RNFR", &[350]),
        ("RNTO", &[250]),
        ("DELE", &[250]),
        ("RMD", &[250]),
        ("MKD", &[257]),
        ("PWD", &[257]),
        ("ABOR", &[225, 226]),
        ("SYST", &[215]),
        ("STAT", &[211, 212, 213]),
        ("HELP", &[211, 214]),
        ("NOOP", &[200]),
    ] {
        assert_each(verb, codes, Answer::Own);
    }
    // RFC 775: the X verbs are the same commands.
    assert_each("XCWD XRMD", &[250], Answer::Own);
    assert_each("XPWD XMKD", &[257], Answer::Own);
    assert_each("XCUP", &[200, 250], Answer::Own);
}

#[test]
fn later_specifications_own() {
    // RFC 2228 section 8
    assert_each("AUTH", &[234, 334], Answer::Own);
    assert_each("ADAT", &[235, 335], Answer::Own);
    assert_each("PBSZ PROT CCC", &[200], Answer::Own);
    assert_each("USER", &[232, 336], Answer::Own);
    // RFC 2389 sections 3.2 and 4
    assert_each("FEAT", &[211], Answer::Own);
    assert_each("OPTS", &[200], Answer::Own);
    // RFC 2428 sections 2 and 3
    assert_each("EPRT", &[200, 522], Answer::Own);
    assert_each("EPSV", &[229, 522], Answer::Own);
    // RFC 2640 section 4.1
    assert_each("LANG", &[200], Answer::Own);
    // RFC 3659 sections 3.1, 4.1, 7.1 and 7.2
    assert_each("SIZE MDTM", &[213], Answer::Own);
    assert_each("MLST", &[250], Answer::Own);
    assert_each("MLSD", &[125, 150, 226, 250], Answer::Own);
    // RFC 7151 section 3
    assert_each("HOST", &[220], Answer::Own);
    // draft-somers-ftp-mfxx, draft-bryan-ftp-hash, draft-bryan-ftp-range
    assert_each("MFMT MFCT MFF HASH", &[213], Answer::Own);
    assert_each("RANG", &[350], Answer::Own);
    // draft-peterson-streamlined-ftp-command-extensions
    assert_each("AVBL", &[213], Answer::Own);
    // draft-twine-ftpmd5
    assert_each("MD5", &[251], Answer::Own);
    assert_each("MMD5", &[252], Answer::Own);
}

#[test]
fn other_codes_of_the_class_are_tolerated() {
    // 200 for 250 (bftpd), 250 for 200, 226 and 257, 226 to TYPE, 257 for anything (Q33)
    assert_each("CWD CDUP RMD DELE RNTO TYPE NOOP", &[257], Answer::Tolerated);
    assert_each(
        "CWD MKD RMD DELE RNTO PWD SIZE MLST FEAT SYST HELP STAT",
        &[200],
        Answer::Tolerated,
    );
    assert_each("TYPE NOOP MKD PWD SIZE MDTM OPTS REIN ABOR", &[250], Answer::Tolerated);
    assert_each("TYPE NOOP", &[226], Answer::Tolerated);
    assert_each("OPTS CWD TYPE", &[202], Answer::Tolerated);
    // A completion where an intermediate reply is expected, and the other way round
    assert_each("RNFR REST", &[200, 250], Answer::Tolerated);
    assert_each("RETR STOR APPE STOU LIST NLST MLSD", &[200], Answer::Tolerated);
    // These have no row: only the server knows its replies to them.
    assert_each(
        "QUIT SITE PRET SPSV LPSV",
        &[200, 211, 214, 220, 221, 227, 331, 350],
        Answer::Tolerated,
    );
}

#[test]
fn some_servers_answer_with_another_commands_code() {
    assert_each("PASV", &[228, 229], Answer::Tolerated);
    assert_each("EPSV", &[227, 228], Answer::Tolerated);
    assert_each("STAT", &[221], Answer::Tolerated);
    assert_each("FEAT", &[214], Answer::Tolerated);
    assert_each("XCRC XMD5 XSHA XSHA1 XSHA256 XSHA512 MD5", &[213], Answer::Tolerated);
    assert_each("PASS ACCT", &[331], Answer::Tolerated);
}

#[test]
fn a_code_of_another_command_is_foreign() {
    let transfers = "RETR STOR APPE STOU LIST NLST MLSD";
    let not_theirs =
        [202, 211, 212, 213, 214, 215, 220, 221, 225, 227, 229, 230, 234, 257, 331, 332, 350];
    assert_each(transfers, &not_theirs, Answer::Foreign);
    let simple = "CWD CDUP PWD MKD RMD DELE RNTO TYPE NOOP MODE STRU ALLO PORT EPRT MLST OPTS LANG";
    let not_theirs = [
        211, 212, 213, 214, 215, 220, 221, 225, 227, 228, 229, 230, 232, 234, 235, 331, 332, 334,
        335, 350,
    ];
    assert_each(simple, &not_theirs, Answer::Foreign);
    assert_each("SIZE MDTM MFMT HASH", &[211, 220, 221, 229, 230, 350], Answer::Foreign);
    assert_each("USER PASS", &[211, 213, 215, 221, 227, 350], Answer::Foreign);
    assert_each("PASV", &[211, 213, 220, 230, 350], Answer::Foreign);
    assert_each("EPSV", &[211, 213, 230, 350], Answer::Foreign);
    assert_each("REST RNFR", &[213, 220, 227, 331], Answer::Foreign);
    assert_each("AUTH", &[211, 220, 230, 331, 350], Answer::Foreign);
    assert_each("SYST", &[211, 213, 214, 220], Answer::Foreign);
    assert_each("ABOR", &[213, 220, 227, 350], Answer::Foreign);
}

#[test]
fn no_refusal_and_no_preliminary_reply_is_foreign() {
    let verbs = Verb::KNOWN.iter().map(|(verb, _)| *verb);
    for verb in verbs.chain(["XPWD", "MD5", "ADAT"].map(|verb| Verb::new(verb).unwrap())) {
        for number in (100..200).chain(400..600) {
            let code = Code::new(number).unwrap();
            assert_ne!(answer(verb, code), Answer::Foreign, "{verb} {code}");
        }
    }
}

/// The corpus, which is not part of the repository: `$FTP_CORPUS`, or `../shared/corpus` beside it
fn corpus() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let corpus = env::var_os("FTP_CORPUS").map_or_else(|| beside.into(), PathBuf::from);
    if corpus.join("replies").is_dir() && corpus.join("transcripts").is_dir() {
        return Some(corpus);
    }
    eprintln!("LEFT OUT: no corpus in $FTP_CORPUS nor in ../shared/corpus beside the repository");
    None
}

fn parse(parser: &mut ReplyParser, mut input: &[u8], mut each: impl FnMut(Reply)) {
    while !input.is_empty() {
        let Ok((consumed, reply)) = parser.parse(input) else { return };
        input = &input[consumed..];
        if let Some(reply) = reply {
            each(reply);
        } else if consumed == 0 {
            return;
        }
    }
}

/// Remarks after which a recording's replies can't be matched to commands, until the next connection
///
/// Server, how the remark begins, what the server does.
const OUT_OF_STEP: &[(&str, &str, &str)] = &[
    ("", "# an empty line", "vsftpd ignores an empty line, others refuse it"),
    ("inetutils", "# EPSV ALL", "answers some commands of the following not at all"),
    ("libunftp", "# pipelining: several", "answers pipelined commands as they get done"),
    ("netkit", "# EPSV ALL", "answers EPSV ALL with two refusals"),
    ("pureftpd", "# data connection closed", "a download cut short has no final reply"),
    ("pyftpdlib", "# pipelining: the next", "a second EPSV drops the transfer and its final reply"),
];

/// Commands and the codes that answered them
fn pairs(name: &str, text: &str) -> Vec<(String, Code)> {
    let mut pairs = Vec::new();
    let mut parser = ReplyParser::new(ReplyConfig::default());
    let mut asked = VecDeque::new();
    let mut in_step = true;
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("C: ").filter(|_| in_step) {
            // Telnet's interrupt before ABOR is written as escapes.
            let command = command.rsplit_once("\\xf2").map_or(command, |(_, command)| command);
            asked.push_back(command.to_owned());
        } else if let Some(reply) = line.strip_prefix("S: ").filter(|_| in_step) {
            parse(&mut parser, &[reply.as_bytes(), b"\r\n"].concat(), |reply| {
                // Without a command it is a greeting.
                if let Some(command) = asked.front() {
                    pairs.push((command.clone(), reply.code()));
                    if reply.kind() != ReplyKind::Preliminary {
                        asked.pop_front();
                    }
                }
            });
        } else if line.starts_with("# ----") || line.starts_with("# server closed the control") {
            asked.clear();
            in_step = true;
        } else if line.starts_with("# (RETR without PASV") {
            // Some servers begin such a transfer, and never end it.
            asked.clear();
        } else if OUT_OF_STEP
            .iter()
            .any(|(server, remark, _)| name.starts_with(server) && line.starts_with(remark))
        {
            asked.clear();
            in_step = false;
        }
    }
    pairs
}

fn foreign(pairs: impl IntoIterator<Item = (String, Code)>) -> Vec<String> {
    let mut found = Vec::new();
    for (command, code) in pairs {
        let Ok(verb) = Verb::new(command.split(' ').next().unwrap_or_default()) else { continue };
        if answer(verb, code) == Answer::Foreign {
            found.push(format!("{command}: {code}"));
        }
    }
    found
}

#[test]
fn no_recorded_answer_of_a_real_server_is_foreign() {
    let Some(corpus) = corpus() else { return };
    let (mut count, mut wrong) = (0, Vec::new());
    for file in fs::read_dir(corpus.join("transcripts")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let name = path.file_name().and_then(|name| name.to_str()).unwrap();
        let pairs = pairs(name, &fs::read_to_string(&path).unwrap());
        count += pairs.len();
        wrong.extend(foreign(pairs).into_iter().map(|pair| format!("{name}: {pair}")));
    }
    assert!(count > 2000, "{count} answers in {}", corpus.display());
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Cases in which a reply comes with the command that it answers
fn cases(path: &Path) -> Vec<(String, Code)> {
    let mut pairs = Vec::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let Some(command) = case["context"].as_str() else { continue };
        let bytes: Vec<u8> =
            case["bytes"].as_str().unwrap().chars().map(|char| char as u8).collect();
        let mut parser = ReplyParser::new(ReplyConfig::default());
        let mut last = None;
        parse(&mut parser, &bytes, |reply| last = Some(reply.code()));
        pairs.extend(last.map(|code| (command.to_owned(), code)));
    }
    pairs
}

#[test]
fn no_answer_of_the_reply_corpus_is_foreign() {
    let Some(corpus) = corpus() else { return };
    let (mut count, mut wrong) = (0, Vec::new());
    for file in fs::read_dir(corpus.join("replies")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            let pairs = cases(&path);
            count += pairs.len();
            wrong.extend(foreign(pairs));
        }
    }
    assert!(count > 90, "{count} answers in {}", corpus.display());
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}
