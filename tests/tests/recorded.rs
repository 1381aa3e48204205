//! Sessions recorded from real servers, played again: the client makes the same requests and gets the recorded replies,
//! whole, byte by byte and split at random
//!
//! The recordings are not part of this repository: they are read from `$FTP_CORPUS/transcripts`, or from
//! `../shared/corpus/transcripts` beside it. Sessions under TLS are played, too, with the decrypted bytes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ftp_proto::{Config, IpFamily, PassiveOrder, TlsPolicy};
use ftp_tests::script::{Machine, Split};

/// A command of the recording and its replies
#[derive(Clone, Debug)]
struct Exchange {
    /// As text; bytes that are not UTF-8 are replaced, and no request contains the replacement
    command: String,
    answer: Vec<Vec<u8>>,
    /// Number of bytes that the recording's data connection carried
    bytes: u64,
}

/// Parses the greeting and the exchanges, up to where the recording stops following the protocol
///
/// If the recording continues on a second connection, both are played as one.
fn parse(text: &str) -> (Vec<Vec<u8>>, Vec<Exchange>) {
    let mut greeting = Vec::new();
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut greets = true;
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("C: ") {
            let command = String::from_utf8_lossy(&unescape(command)).into_owned();
            exchanges.push(Exchange { command, answer: Vec::new(), bytes: 0 });
            greets = false;
        } else if let Some(reply) = line.strip_prefix("S: ") {
            match exchanges.last_mut() {
                Some(last) if !greets => last.answer.push(unescape(reply)),
                Some(_) => {}
                None => greeting.push(unescape(reply)),
            }
        } else if line.starts_with("# ---- new connection") {
            // The last command was not answered.
            if exchanges.last().is_some_and(|last| last.answer.is_empty()) {
                exchanges.pop();
            }
            greets = true;
        } else if let Some(data) = line.strip_prefix("# data: ") {
            let count = data.split(' ').next().and_then(|count| count.parse().ok());
            exchanges.last_mut().expect("a command").bytes = count.expect("a number of bytes");
        } else if line.starts_with("# pipelining") {
            break;
        }
    }
    (greeting, exchanges)
}

/// Replaces `\xNN` by a byte and `\\` by a backslash
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let escape = &rest[at + 1..];
        if let Some(hex) = escape.strip_prefix('x') {
            bytes.push(u8::from_str_radix(&hex[..2], 16).expect("two digits"));
            rest = &hex[2..];
        } else {
            bytes.push(b'\\');
            rest = &escape[1..];
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// The server of a recording: answers the commands of a request as recorded
struct Server<'a> {
    /// The request's commands
    asked: &'a [Exchange],
    /// The last answer to each command, for commands that the client sends by itself
    habits: &'a HashMap<String, Vec<Vec<u8>>>,
}

impl Server<'_> {
    /// Answers until the client sends nothing more
    fn serve(&self, machine: &mut Machine) {
        loop {
            if let Some(command) = machine.sent.pop_front() {
                machine.server(&self.answer(&command));
            } else if let Some(action) = machine.actions.pop_front() {
                self.act(machine, &action);
            } else {
                return;
            }
        }
    }

    fn answer(&self, command: &str) -> Vec<u8> {
        let is_it = |asked: &str| asked.as_bytes().escape_ascii().to_string() == command;
        let asked = self.asked.iter().find(|exchange| is_it(&exchange.command));
        let answer = asked.map(|exchange| &exchange.answer).or_else(|| self.habits.get(command));
        let lines = answer.into_iter().flatten();
        let bytes: Vec<u8> = lines.flat_map(|line| [line.as_slice(), b"\r\n"].concat()).collect();
        if bytes.is_empty() { b"500 Not in the recording\r\n".to_vec() } else { bytes }
    }

    fn act(&self, machine: &mut Machine, action: &str) {
        let words: Vec<&str> = action.split(' ').collect();
        let mut report = |what: &str| {
            let line = format!("data {} {what}", words[1]);
            machine.report(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        };
        match words[0] {
            "OpenData" => report("connected"),
            "StartTransfer" => {
                let bytes = self.asked.last().map_or(0, |exchange| exchange.bytes);
                report(&format!("progress {bytes}"));
                report("finished");
            }
            _ => {}
        }
    }
}

/// Returns the request that makes the client send these commands; `None` if there is none
fn request(asked: &[Exchange]) -> Option<Vec<String>> {
    let last = &asked.last()?.command;
    if last.contains(char::REPLACEMENT_CHARACTER) {
        return None;
    }
    let sent = |command: &str| asked.iter().any(|exchange| exchange.command == command);
    let (verb, argument) = last.split_once(' ').unwrap_or((last, ""));
    let offset = asked.iter().find_map(|exchange| exchange.command.strip_prefix("REST "));
    let opened = sent("EPSV") || sent("PASV");
    let mut words = match verb {
        "RETR" | "STOR" | "APPE" | "STOU" | "LIST" | "NLST" | "MLSD" if !opened => return None,
        "RETR" => vec!["get", argument],
        "STOR" => vec!["put", argument],
        "APPE" => vec!["put", argument, "append"],
        "STOU" => vec!["put-unique"],
        "LIST" => vec!["list", argument],
        "NLST" => vec!["names", argument],
        "MLSD" => vec!["facts", argument],
        "CWD" => vec!["cwd", argument],
        "CDUP" => vec!["cdup"],
        "PWD" => vec!["pwd"],
        "MKD" => vec!["mkdir", argument],
        "RMD" => vec!["rmdir", argument],
        "DELE" => vec!["delete", argument],
        "SIZE" => vec!["size", argument],
        "MLST" => vec!["mlst", argument],
        "MDTM" if !argument.contains(' ') => vec!["mdtm", argument],
        "FEAT" => vec!["query-features"],
        "SYST" => vec!["system"],
        "NOOP" => vec!["noop"],
        "STAT" => vec!["stat", argument],
        "HELP" => vec!["help", argument],
        "SITE" => vec!["site", argument],
        "RNTO" => {
            let from = asked.iter().find_map(|exchange| exchange.command.strip_prefix("RNFR "))?;
            vec!["rename", from, argument]
        }
        "PASS" => {
            let user = asked.iter().find_map(|exchange| exchange.command.strip_prefix("USER "))?;
            vec!["login", user, argument]
        }
        "OPTS" | "CLNT" | "HASH" | "XMD5" | "XCRC" | "XSHA1" | "XSHA256" | "MD5" | "ALLO"
        | "MFF" => vec!["command", verb, argument],
        _ => return None,
    };
    if let ("RETR" | "STOR", Some(offset)) = (verb, offset) {
        words.extend(["resume", offset]);
    }
    if verb == "RETR" && sent("TYPE A") {
        words.push("ascii");
    }
    Some(words.into_iter().map(str::to_owned).collect())
}

/// Whether a command only prepares another one, and was not refused
fn prepares(exchange: &Exchange) -> bool {
    let verb = exchange.command.split(' ').next().unwrap_or_default();
    matches!(verb, "TYPE" | "EPSV" | "PASV" | "REST" | "RNFR" | "USER")
        && matches!(class(exchange), Some(b'2' | b'3'))
}

/// Whether a download begins after the end of the file, whose size is in the 150
///
/// A server answers it in the same way as the download of a rest of this size that was interrupted before its first
/// byte.
fn begins_after_the_end(words: &[String], exchange: &Exchange) -> bool {
    let offset = match words {
        [verb, _, resume, offset] if verb == "get" && resume == "resume" => offset.parse().ok(),
        _ => None,
    };
    let size = exchange.answer.first().and_then(|line| ftp_proto::fields::parse_size_hint(line));
    matches!((offset, size), (Some(offset), Some(size)) if size < offset && exchange.bytes == 0)
}

/// Returns the first digit of the final reply
fn class(exchange: &Exchange) -> Option<u8> {
    exchange.answer.last()?.first().copied()
}

/// Plays a recording; returns one line per request with its result
fn play(text: &str, split: Split) -> Vec<String> {
    let (greeting, exchanges) = parse(text);
    let config = Config::new(TlsPolicy::Plaintext);
    let mut machine = Machine::new(config, IpFamily::V4, split);
    let mut habits = HashMap::new();
    for exchange in &exchanges {
        if prepares(exchange) {
            habits.insert(exchange.command.clone(), exchange.answer.clone());
        }
    }
    for line in greeting {
        machine.server(&[line.as_slice(), b"\r\n"].concat());
    }
    let mut told = Vec::new();
    let mut begin = 0;
    for end in 1..=exchanges.len() {
        if prepares(&exchanges[end - 1]) {
            continue;
        }
        let asked = &exchanges[begin..end];
        begin = end;
        let Some(words) = request(asked) else { continue };
        machine.client.config_mut().passive_order =
            if asked.iter().any(|exchange| exchange.command == "PASV") {
                PassiveOrder::PasvFirst
            } else {
                PassiveOrder::EpsvFirst
            };
        machine.events.clear();
        machine.request(&words);
        Server { asked, habits: &habits }.serve(&mut machine);
        let last = machine.events.back().cloned();
        told.push(format!("{words:?}: {last:?}"));
        let fine = last.is_some_and(|last| last.contains(" ok"));
        let last = &asked[asked.len() - 1];
        // A server without FEAT has no features, which is a valid result.
        let no_feat = words[0] == "query-features" && last.answer[0].starts_with(b"50");
        let served =
            matches!(class(last), Some(b'2' | b'3')) && !begins_after_the_end(&words, last);
        let expected = no_feat || served;
        assert_eq!(fine, expected, "{told:#?}");
        assert!(machine.client.is_idle(), "{told:#?}");
    }
    told
}

fn corpus() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/corpus");
    let corpus = std::env::var_os("FTP_CORPUS").map_or_else(|| beside.into(), PathBuf::from);
    let folder = corpus.join("transcripts");
    folder.is_dir().then_some(folder)
}

#[test]
fn recorded_sessions_play_again() {
    let Some(folder) = corpus() else {
        return eprintln!("*** LEFT OUT: the recorded sessions; FTP_CORPUS names their folder ***");
    };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    assert!(files.len() > 10, "only {} recordings", files.len());
    for file in files {
        check(&file);
    }
}

fn check(file: &Path) {
    let text = std::fs::read_to_string(file).expect("a recording is text");
    let whole = play(&text, Split::Whole);
    let name = file.file_name().unwrap_or_default();
    println!("{}: {} requests", name.to_string_lossy(), whole.len());
    assert!(whole.len() > 50, "{}: only {} requests", file.display(), whole.len());
    for split in [Split::Bytes, Split::Random(1), Split::Random(2), Split::Random(3)] {
        assert_eq!(play(&text, split), whole, "{}: {split:?}", file.display());
    }
}
