//! Standard input, which may be closed

use crate::exit::Exit;
use crate::failure::Failure;

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
