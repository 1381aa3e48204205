//! The log of a real server: the commands of all sessions, each with its client's address
//!
//! vsftpd's lines, shortened: `… FTP command: Client "127.0.0.2", "RETR f"`, `… FTP response: Client "127.0.0.2", "150
//! Here"` and `… OK DOWNLOAD: Client "127.0.0.2", "/f", 10 bytes, 1.00Kbyte/sec`. ProFTPD's, by the format that
//! `tests/servers/start` sets: `127.0.0.2 "RETR f" 226 10`, which is address, command, final reply and bytes.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The log of a server from a certain time on
#[derive(Clone, Debug)]
pub struct CommandLog {
    path: PathBuf,
    from: u64,
}

impl CommandLog {
    /// Creates the log of what the server writes from now on
    #[must_use]
    pub fn from_here(path: &Path) -> Self {
        Self { path: path.to_owned(), from: fs::metadata(path).map_or(0, |file| file.len()) }
    }

    fn lines(&self) -> Vec<String> {
        let mut bytes = Vec::new();
        // The file does not exist before the first session.
        if let Ok(mut file) = File::open(&self.path) {
            file.seek(SeekFrom::Start(self.from)).unwrap();
            file.read_to_end(&mut bytes).unwrap();
        }
        String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
    }

    /// Returns how often a client at this address has sent this command
    ///
    /// # Panics
    ///
    /// Panics if the log can't be read, like the other methods.
    #[must_use]
    pub fn count(&self, client: &str, verb: &str) -> usize {
        let (quoted, command) = (format!("Client \"{client}\""), format!("\"{verb}"));
        let start = format!("{client} ");
        let of = |line: &&String| line.starts_with(&start) || line.contains(&quoted);
        self.lines().iter().filter(of).filter(|line| line.contains(&command)).count()
    }

    /// Returns the number of replies 421 and 530: too many sessions, or a wrong login
    #[must_use]
    pub fn refusals(&self) -> usize {
        const SIGNS: [&str; 4] = ["\"421 ", "\"530 ", "\" 421 ", "\" 530 "];
        let refused = |line: &&String| SIGNS.iter().any(|sign| line.contains(sign));
        self.lines().iter().filter(refused).count()
    }

    /// Returns the bytes of files that the server has sent, including those of broken transfers
    #[must_use]
    pub fn sent(&self) -> u64 {
        let bytes = |line: &String| -> Option<u64> {
            let text = if line.contains(" DOWNLOAD: ") {
                line.split(" bytes").next()?.rsplit(' ').next()?
            } else if line.contains(" \"RETR ") {
                line.rsplit(' ').next()?
            } else {
                return None;
            };
            text.parse().ok()
        };
        self.lines().iter().filter_map(bytes).sum()
    }
}
