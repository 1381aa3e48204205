//! Paths on servers: components, parents, and names from listings

use ftp_proto::{Argument, Error as FtpError};

use crate::error::Error;

/// Checks that a path can be sent, and returns what will be sent
///
/// A procedure does this before its first order. The request with the path would be refused, too, but others may come
/// before it, such as the listing of a parent.
///
/// # Errors
///
/// [`InvalidArgument`](FtpError::InvalidArgument).
pub(crate) fn sendable(path: &[u8]) -> Result<Argument, Error> {
    Argument::path(path).map_err(|error| FtpError::from(error).into())
}

/// The prefixes of a path that end with one of its components, the shortest first: `/a`, `/a/b`
///
/// Doubled and trailing separators are dropped, and so are components that are `.`.
pub(crate) fn prefixes(path: &[u8]) -> Vec<Vec<u8>> {
    let mut prefixes: Vec<Vec<u8>> = Vec::new();
    let root: &[u8] = if path.starts_with(b"/") { b"/" } else { b"" };
    for component in components(path) {
        let prefix = match prefixes.last() {
            Some(parent) => [parent, &b"/"[..], component].concat(),
            None => [root, component].concat(),
        };
        prefixes.push(prefix);
    }
    prefixes
}

/// The components of a path, without empty ones and `.`
pub(crate) fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|component| !matches!(*component, b"" | b"."))
}

/// The path of an entry in a directory, from its name in a listing
///
/// # Errors
///
/// [`Error::UnsafeName`] if the name would lead out of the directory, or can't be sent.
pub(crate) fn inside(directory: &[u8], name: &[u8]) -> Result<Vec<u8>, Error> {
    let leads_elsewhere = matches!(name, b"" | b"." | b"..") || name.contains(&b'/');
    if leads_elsewhere || name.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        return Err(Error::UnsafeName { name: name.to_vec() });
    }
    let separator: &[u8] = match directory {
        b"" => b"",
        _ if directory.ends_with(b"/") => b"",
        _ => b"/",
    };
    Ok([directory, separator, name].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_paths() {
        let found = |path: &str| {
            let text = |prefix| String::from_utf8(prefix).unwrap();
            prefixes(path.as_bytes()).into_iter().map(text).collect::<Vec<_>>()
        };
        assert_eq!(found("a/b/c"), ["a", "a/b", "a/b/c"]);
        assert_eq!(found("//a/.//b/"), ["/a", "/a/b"]);
        assert_eq!(found("../a"), ["..", "../a"]);
        assert!(found("").is_empty() && found("/").is_empty() && found("./").is_empty());
    }

    #[test]
    fn paths_that_can_not_be_sent() {
        for path in [&b""[..], b"/", b"a b/\xff"] {
            assert!(sendable(path).is_ok(), "{path:?}");
        }
        // With `./`, the last one has one byte too many.
        let long = [&b"~"[..], &[b'a'; Argument::MAX_LEN - 2]].concat();
        for path in [&b"a\nb"[..], b"a\r", b"\0", &[b'a'; 5000], &long] {
            let error = sendable(path).unwrap_err();
            assert!(matches!(error, Error::Ftp(FtpError::InvalidArgument(_))), "{path:?}");
        }
    }

    #[test]
    fn names_stay_inside_of_their_directory() {
        assert_eq!(inside(b"d", b"f").unwrap(), b"d/f");
        assert_eq!(inside(b"", b"f").unwrap(), b"f");
        assert_eq!(inside(b"/", b"..f").unwrap(), b"/..f");
        for name in [&b""[..], b".", b"..", b"../x", b"/etc", b"a/b", b"a\r\nDELE b", b"a\0b"] {
            assert!(matches!(inside(b"d", name), Err(Error::UnsafeName { .. })), "{name:?}");
        }
    }
}
