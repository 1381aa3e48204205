//! Finds the login for a server: user and password

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, IsTerminal as _, Read as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::args::Common;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::location::{Remote, single_origin};
use crate::netrc::{self, Login, MAX_SIZE, Netrc, Secret};

/// Maximum length of a password from a file, in bytes
const MAX_PASSWORD: u64 = 4096;

/// The sources of logins; files and standard input are read only once for all sessions
#[derive(Debug)]
pub(crate) struct Logins {
    user: Option<Vec<u8>>,
    password: Option<Secret>,
    netrc: Option<Netrc>,
    /// Passwords that were typed on the terminal, by user and host
    typed: Mutex<BTreeMap<(Vec<u8>, String), Secret>>,
}

impl Logins {
    /// Reads the sources of logins for these URLs
    ///
    /// # Errors
    ///
    /// A file that can't be read, and a user or password for more than one server: it would be sent to all of them.
    pub(crate) fn new(common: &Common, remotes: &[&Remote]) -> Result<Self, Failure> {
        let given = common.user.is_some() || common.password_file.is_some();
        if given && !single_origin(remotes.iter().copied()) {
            let message =
                "--user and --password-file are for one server, and the URLs name several";
            return Err(Failure::usage(message).remedy("put the logins into a netrc"));
        }
        let password = common.password_file.as_deref().map(read_password).transpose()?;
        Ok(Self {
            user: common.user.as_deref().map(|user| crate::show::os_bytes(user).to_vec()),
            password,
            netrc: read_netrc(common)?,
            typed: Mutex::default(),
        })
    }

    pub(crate) const fn netrc(&self) -> Option<&Netrc> {
        self.netrc.as_ref()
    }

    /// Returns the login for a URL
    pub(crate) fn login(&self, remote: &Remote) -> Result<Login, Failure> {
        let host = remote.url.address().host();
        let of_url = Some(remote.url.user()).filter(|user| !user.is_empty());
        let user = match (of_url, self.user.as_deref()) {
            (Some(one), Some(other)) if one != other => {
                let message = "the URL names another user than --user";
                return Err(Failure::usage(message).at(host));
            }
            (Some(user), _) | (None, Some(user)) => Some(user),
            (None, None) => None,
        };
        if !remote.url.password().is_empty() {
            let password = Secret::new(remote.url.password().to_vec());
            let user = user.unwrap_or_default().to_vec();
            return Ok(Login { user, password: Some(password), account: None });
        }
        if let Some(password) = &self.password {
            let user = user.unwrap_or_default().to_vec();
            return Ok(Login { user, password: Some(password.clone()), account: None });
        }
        let found = self.netrc.as_ref().and_then(|netrc| netrc.login(host, user));
        let mut login = found.unwrap_or_else(|| Login {
            user: user.unwrap_or_default().to_vec(),
            password: None,
            account: None,
        });
        let is_anonymous = matches!(&*login.user.to_ascii_lowercase(), b"" | b"anonymous" | b"ftp");
        if login.password.is_none() && !is_anonymous {
            login.password = self.ask(&login.user, host)?;
        }
        Ok(login)
    }

    /// Asks for a password on the terminal, if there is one, and only once for each user and host
    fn ask(&self, user: &[u8], host: &str) -> Result<Option<Secret>, Failure> {
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return Ok(None);
        }
        let mut typed = self.typed.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (user.to_vec(), host.to_owned());
        if let Some(password) = typed.get(&key) {
            return Ok(Some(password.clone()));
        }
        let place = format!("{}@{}", crate::show::bytes(user), crate::show::text(host));
        let line = rpassword::prompt_password(format!("Password for {place}: "));
        let password = password(line).map_err(|failure| failure.about(place))?;
        typed.insert(key, password.clone());
        Ok(Some(password))
    }
}

/// Returns the password that was typed
fn password(line: std::io::Result<String>) -> Result<Secret, Failure> {
    match line {
        Ok(line) => Ok(Secret::new(line.into_bytes())),
        Err(error) if error.kind() == ErrorKind::Interrupted => Err(Failure::interrupted()),
        // Ctrl-D: there is no login without a password.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Err(Failure::new(Exit::Login, "no password was given"))
        }
        Err(error) => Err(Failure::local(Path::new("the terminal"), &error)),
    }
}

/// Reads a password: the first line of a file
fn read_password(path: &Path) -> Result<Secret, Failure> {
    let failure = |error: &std::io::Error| Failure::local(path, error);
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_PASSWORD as usize + 2));
    if path == Path::new("-") {
        input::must_be_open()?;
        // Without a buffer of its own, since the rest of standard input may be a list, or a file to upload.
        let mut stdin = std::io::stdin().lock();
        read_line(&mut stdin, &mut line).map_err(|error| failure(&error))?;
    } else {
        let file = File::open(path).map_err(|error| failure(&error))?;
        if let Ok(metadata) = file.metadata() {
            warn_if_exposed(path, &metadata);
        }
        read_line(&mut BufReader::new(file), &mut line).map_err(|error| failure(&error))?;
    }
    while matches!(line.last(), Some(b'\n' | b'\r')) {
        line.pop();
    }
    if line.len() as u64 > MAX_PASSWORD {
        return Err(Failure::usage("the first line is too long for a password")
            .about(crate::show::path(path)));
    }
    Ok(Secret::new(input::without_mark(&line).to_vec()))
}

fn read_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<()> {
    from.take(MAX_PASSWORD + 2).read_until(b'\n', line)?;
    Ok(())
}

fn read_netrc(common: &Common) -> Result<Option<Netrc>, Failure> {
    let path = match &common.netrc_file {
        _ if common.no_netrc => return Ok(None),
        Some(path) => path.clone(),
        None => match netrc::usual_place() {
            // A missing file is an error only if an option names it.
            Some(path) if path.exists() => path,
            _ => return Ok(None),
        },
    };
    let failure = |error: &std::io::Error| Failure::local(&path, error);
    let mut file = File::open(&path).map_err(|error| failure(&error))?;
    let metadata = file.metadata().map_err(|error| failure(&error))?;
    if metadata.len() > MAX_SIZE {
        return Err(
            Failure::new(Exit::Usage, "too large for a netrc").about(crate::show::path(&path))
        );
    }
    // Capacity for the whole file, since a vector that grows leaves an unwiped copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(metadata.len() as usize + 1));
    file.by_ref().take(MAX_SIZE).read_to_end(&mut text).map_err(|error| failure(&error))?;
    let parsed = Netrc::parse(input::without_mark(&text));
    let netrc = parsed
        .map_err(|error| Failure::usage(error.to_string()).about(crate::show::path(&path)))?;
    if netrc.has_passwords() {
        warn_if_exposed(&path, &metadata);
    }
    Ok(Some(netrc))
}

fn warn_if_exposed(path: &Path, metadata: &std::fs::Metadata) {
    if metadata.is_file() && netrc::is_exposed(metadata) {
        crate::output::message(format_args!(
            "warning: {} holds a password, and other users may read it: chmod 600 it",
            crate::show::path(path)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_that_is_left_has_a_code_of_its_own() {
        for (kind, exit) in [
            (ErrorKind::UnexpectedEof, Exit::Login),
            (ErrorKind::Interrupted, Exit::Interrupted),
            (ErrorKind::NotFound, Exit::Local),
        ] {
            assert_eq!(password(Err(kind.into())).unwrap_err().exit(), exit, "{kind}");
        }
        // An empty password is one.
        assert_eq!(password(Ok(String::new())).unwrap().expose(), b"");
    }
}
