//! Parses the raw bytes of a control connection and prints each reply as a line of JSON
//!
//! ```text
//! replies [--parse pasv|epsv|path|size|size_hint|mtime|features|mlst|class|text] < bytes
//! ```
//!
//! `{"code":220,"lines":["220 ready"]}` is a reply, with `parsed` if a meaning was requested and the reply can have it;
//! `{"error":"protocol"}` or `{"error":"too-long"}` is printed at the first bytes that are not a reply, after which
//! nothing more is read.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "the library does no I/O, this program around it does"
)]

use std::env;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use ftp_proto::{ReplyConfig, ReplyParser};
use serde_json::json;

#[path = "../tests/support/json.rs"]
mod to_json;

const KINDS: &[&str] =
    &["pasv", "epsv", "path", "size", "size_hint", "mtime", "features", "mlst", "class", "text"];

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let kind = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => None,
        ["--parse", kind] if KINDS.contains(&kind) => Some(kind),
        _ => {
            eprintln!("usage: replies [--parse {}] < bytes", KINDS.join("|"));
            return ExitCode::from(2);
        }
    };
    match run(kind, &mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("replies: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(kind: Option<&str>, input: &mut impl Read, output: &mut impl Write) -> io::Result<()> {
    let mut parser = ReplyParser::new(ReplyConfig::default());
    let mut buffer = [0; 16 * 1024];
    loop {
        let length = input.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        let mut unread = &buffer[..length];
        while !unread.is_empty() {
            let (consumed, reply) = match parser.parse(unread) {
                Ok(parsed) => parsed,
                Err(error) => {
                    eprintln!("replies: {error}");
                    return writeln!(output, "{}", json!({ "error": to_json::error(&error) }));
                }
            };
            unread = &unread[consumed..];
            let Some(reply) = reply else { continue };
            let mut object = to_json::reply(&reply);
            if let Some(parsed) = kind.and_then(|kind| to_json::meaning(kind, &reply)) {
                object["parsed"] = parsed;
            }
            writeln!(output, "{object}")?;
        }
    }
    if parser.is_partial() {
        eprintln!("replies: the last reply is not complete");
    }
    Ok(())
}
