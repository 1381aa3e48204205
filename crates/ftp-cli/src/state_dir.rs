//! The user's directory for what the program remembers between runs

use std::ffi::OsString;
use std::path::PathBuf;

/// Returns the program's directory in the user's directory for state (XDG Base Directory Specification; on Windows,
/// the local application data)
pub(crate) fn folder() -> Option<PathBuf> {
    #[cfg(windows)]
    let state = std::env::var_os("LOCALAPPDATA");
    #[cfg(not(windows))]
    let state = std::env::var_os("XDG_STATE_HOME");
    place(state, std::env::var_os("HOME"))
}

fn place(state: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |path: OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let state = state.and_then(absolute);
    let folder = state.or_else(|| Some(home.and_then(absolute)?.join(".local/state")))?;
    Some(folder.join("rftp"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn it_is_in_the_directory_for_state() {
        let place = |state: &str, home: &str| {
            let of = |text: &str| (text != "-").then(|| OsString::from(text));
            place(of(state), of(home)).map(|path| path.to_str().unwrap().to_owned())
        };
        assert_eq!(place("/s", "/h").as_deref(), Some("/s/rftp"));
        assert_eq!(place("-", "/h").as_deref(), Some("/h/.local/state/rftp"));
        // A relative path is to be ignored.
        assert_eq!(place("s", "/h").as_deref(), Some("/h/.local/state/rftp"));
        assert_eq!(place("", "/h").as_deref(), Some("/h/.local/state/rftp"));
        assert_eq!((place("-", "-"), place("-", "h")), (None, None));
    }
}
