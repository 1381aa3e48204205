//! Standard output, whose errors are all reported, and messages on standard error, whose errors can be reported nowhere

use std::fmt;
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use crate::exit::Exit;
use crate::failure::Failure;

/// Returns standard output: [`std::io::Stdout`] reports success if it can't be written to
#[cfg(unix)]
pub(crate) fn open() -> io::Result<std::fs::File> {
    use std::os::fd::AsFd as _;
    io::stdout().as_fd().try_clone_to_owned().map(std::fs::File::from)
}

/// Returns standard output; on Windows, that of std converts text for a console
#[cfg(not(unix))]
pub(crate) fn open() -> io::Result<io::StdoutLock<'static>> {
    Ok(io::stdout().lock())
}

/// Writes to standard output, without other threads in between
pub(crate) fn write(bytes: &[u8]) -> io::Result<()> {
    let _lock = io::stdout().lock();
    let mut out = open()?;
    out.write_all(bytes).and_then(|()| out.flush())
}

/// Writes the result of a command to standard output
pub(crate) fn print(bytes: &[u8]) -> Result<(), Failure> {
    write(bytes).map_err(|error| failure(&error))
}

pub(crate) fn failure(error: &io::Error) -> Failure {
    Failure::local(Path::new("standard output"), error)
}

/// Returns the failure, unless a pipe was closed by a reader that wants no more
pub(crate) fn unless_closed(error: &io::Error) -> Option<Failure> {
    (error.kind() != ErrorKind::BrokenPipe).then(|| failure(error))
}

/// Writes a message to standard error, as [`error_line`] does
pub(crate) fn message(text: impl fmt::Display) {
    error_line(format_args!("rftp: {text}"));
}

/// Writes a line to standard error; if that fails, the line is dropped, and the program goes on
///
/// The macros of std would panic, and threads that depend on the one that panicked would wait for ever.
pub(crate) fn error_line(line: impl fmt::Display) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Shows an invalid command line's message or, on standard output, the help and the version, which are no errors
pub(crate) fn show(message: &clap::Error) -> Exit {
    match (message.use_stderr(), message.print()) {
        (true, _) => Exit::Usage,
        (false, Ok(())) => Exit::Done,
        (false, Err(error)) => unless_closed(&error).map_or(Exit::Done, |failure| {
            self::message(&failure);
            failure.exit()
        }),
    }
}
