//! What is read: standard input, which may be closed, and texts, which may begin with a byte order mark

use crate::exit::Exit;
use crate::failure::Failure;

/// U+FEFF, with which some programs on Windows begin a text in UTF-8
pub(crate) const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Returns a text without the byte order mark at its beginning
pub(crate) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK.as_bytes()).unwrap_or(text)
}

/// Refuses to read standard input if it was closed when the program began: it would seem to be empty
pub(crate) fn must_be_open() -> Result<(), Failure> {
    match is_closed() {
        true => Err(Failure::new(Exit::Local, "is closed")
            .about("standard input")
            .remedy("</dev/null makes it empty")),
        false => Ok(()),
    }
}

/// Whether standard input is as the runtime of Rust replaces a closed one: `/dev/null`, open to read and write
///
/// Shells open `/dev/null` to read only.
#[cfg(unix)]
fn is_closed() -> bool {
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

    use rustix::fs::{OFlags, fcntl_getfl};

    let stdin = std::io::stdin();
    let is_null = || {
        let file = std::fs::File::from(stdin.as_fd().try_clone_to_owned()?).metadata()?;
        let null = std::fs::metadata("/dev/null")?;
        std::io::Result::Ok(file.file_type().is_char_device() && file.rdev() == null.rdev())
    };
    let is_read_write =
        fcntl_getfl(&stdin).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDWR);
    is_read_write && is_null().unwrap_or(false)
}

/// Elsewhere, reading a closed one is an error, or the system replaces it
#[cfg(not(unix))]
const fn is_closed() -> bool {
    false
}
