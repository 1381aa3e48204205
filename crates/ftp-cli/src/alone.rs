//! Prevents two runs on this machine from uploading to one file on the server at the same time
//!
//! The server would mix what both write, and report no error. So each upload locks a file beside its note
//! ([`begun`](crate::begun)).

use std::fs::File;
use std::path::PathBuf;

use crate::begun;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ordinary::try_open_alone;
use crate::partial::beside;
use crate::site::Site;

/// The suffix of the names of locked files
const LOCK: &str = ".lock";

/// The right to write a file on the server, until it is dropped
#[derive(Debug)]
pub(crate) struct Alone {
    _written: Option<Lock>,
    _target: Option<Lock>,
}

impl Alone {
    /// Takes the right to write this file, and the one whose name it gets; nothing is locked if that is impossible, for
    /// example without a directory for notes
    ///
    /// # Errors
    ///
    /// An error if another run has one of the two rights.
    pub(crate) fn new(site: &Site, written: &[u8], target: &[u8]) -> Result<Self, Failure> {
        let other = (target != written).then_some(target);
        Ok(Self {
            _written: Lock::new(site, written)?,
            _target: other.map(|target| Lock::new(site, target)).transpose()?.flatten(),
        })
    }
}

#[derive(Debug)]
struct Lock {
    path: PathBuf,
    /// Closing it releases the lock
    _file: File,
}

impl Lock {
    fn new(site: &Site, written: &[u8]) -> Result<Option<Self>, Failure> {
        let Some(note) = begun::place(site, written) else { return Ok(None) };
        if begun::create_folder(&note).is_err() {
            return Ok(None);
        }
        let path = beside(&note, LOCK);
        match try_open_alone(&path) {
            Ok(Some(file)) => Ok(Some(Self { path, _file: file })),
            Ok(None) => {
                let written = crate::show::bytes(written);
                let message = format!("another run on this machine is uploading to {written}");
                Err(Failure::new(Exit::Local, message)
                    .at(site.name())
                    .remedy("wait until it ends, then try again"))
            }
            Err(_) => Ok(None),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Before the lock is released: a run that has opened the file notices that it is gone, and creates another one.
        let _ = std::fs::remove_file(&self.path);
    }
}
