//! Calls the methods of `ftp-blocking` that docs/ftplib.md gives for those of Python's ftplib, as lines on standard
//! input say; `tests/ftplib/run` runs CPython's own tests of ftplib with it
//!
//! A line is a call: the number of a session, a name, and arguments. The answer is one line, `ok` and what the call
//! returns, or `error`, the name of an exception, the system's number of the error, and a text. Calls that return lines
//! or entries print them before it, each on a line of its own that begins with `item`. Words are percent-encoded and
//! separated by one space.

mod failure;
mod session;
mod words;

use std::collections::BTreeMap;
use std::io::{self, BufRead as _};

use failure::Failure;
use session::Session;
use words::{Values, print};

fn main() -> io::Result<()> {
    let mut sessions = BTreeMap::new();
    for line in io::stdin().lock().lines() {
        let answer = answer(&mut sessions, &line?);
        match &answer {
            Ok(values) => print("ok", values)?,
            Err(Failure { class, errno, text }) => {
                let errno = errno.map_or_else(String::new, |errno| errno.to_string());
                print("error", &[class.as_bytes().to_vec(), errno.into_bytes(), text.clone()])?;
            }
        }
    }
    Ok(())
}

fn answer(sessions: &mut BTreeMap<u64, Session>, line: &str) -> Result<Values, Failure> {
    let words = words::decode(line).ok_or_else(|| Failure::misuse("not a line of words"))?;
    let [number, name, arguments @ ..] = &words[..] else {
        return Err(Failure::misuse("not a call"));
    };
    let number = session::number(number)?;
    let arguments: Vec<&[u8]> = arguments.iter().map(|argument| &**argument).collect();
    match (&**name, &arguments[..]) {
        (b"connect", &[host, port, timeout, source, ref tls @ ..]) => {
            let (session, welcome) = Session::connect(host, port, timeout, source, tls)?;
            sessions.insert(number, session);
            Ok(vec![welcome])
        }
        (b"close", &[]) => {
            sessions.remove(&number);
            Ok(Values::new())
        }
        (b"copy", &[source_path, target, target_path, type_]) => {
            // The copy needs both sessions mutably, so one is taken out of the map until it ends.
            let target_number = session::number(target)?;
            let mut target = sessions.remove(&target_number).ok_or_else(closed)?;
            let result = match sessions.get_mut(&number) {
                Some(source) => session::copy(source, source_path, &mut target, target_path, type_),
                None => Err(closed()),
            };
            sessions.insert(target_number, target);
            result
        }
        (b"parse", &[code, text]) => session::parse(code, text),
        (name, arguments) => sessions.get_mut(&number).ok_or_else(closed)?.call(name, arguments),
    }
}

fn closed() -> Failure {
    Failure::misuse("no such session")
}
