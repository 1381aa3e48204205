//! Names that can't be used: an error if the command line has them, a report if a pattern has matched them

use std::ffi::OsString;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::partial;
use crate::report::Reporter;

/// Where the names of the files of `get` and `put` come from
#[derive(Debug)]
pub(super) enum Names {
    /// The command line: a name that can't be used is a mistake in it, which is reported before anything is sent
    Given,
    /// Patterns: a name that can't be used is reported, and the other files are transferred
    Matched(Vec<Refused>),
}

/// A file that is not transferred
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) name: Vec<u8>,
    pub(super) failure: Failure,
}

/// What patterns match
#[derive(Debug, Default)]
pub(super) struct Matches {
    pub(super) names: Vec<OsString>,
    pub(super) refused: Vec<Refused>,
}

impl Names {
    /// Notes that a file can't be transferred because of its name; an error if the command line has named it
    pub(super) fn refuse(&mut self, name: &[u8], failure: Failure) -> Result<(), Failure> {
        match self {
            Self::Given => Err(failure),
            Self::Matched(refused) => {
                let failure = failure.with_exit(Exit::Local);
                refused.push(Refused { name: name.to_vec(), failure });
                Ok(())
            }
        }
    }

    /// Returns these files without those that have the temporary name of another one, which are refused
    pub(super) fn without_reserved<T>(
        &mut self,
        files: Vec<T>,
        path_of: impl Fn(&T) -> &[u8],
        suffix: &str,
    ) -> Result<Vec<T>, Failure> {
        let reserved = partial::reserved_among(files.iter().map(&path_of), suffix);
        let mut others = Vec::new();
        for file in files {
            let path = path_of(&file);
            match reserved.contains(path) {
                true => self.refuse(path, partial::is_reserved(path))?,
                false => others.push(file),
            }
        }
        Ok(others)
    }

    /// Reports the files that were refused
    pub(super) fn report(&self, reporter: &Reporter) {
        for Refused { name, failure } in self.refused() {
            reporter.fail(name, failure);
        }
    }

    /// As [`Self::report`], without a report of the transfers; returns the exit code
    pub(super) fn tell(&self) -> Exit {
        tell(self.refused())
    }

    fn refused(&self) -> &[Refused] {
        match self {
            Self::Given => &[],
            Self::Matched(refused) => refused,
        }
    }
}

impl Matches {
    /// Reports the names that were refused, if there are no others; returns the exit code
    pub(super) fn tell(&self) -> Exit {
        tell(&self.refused)
    }
}

fn tell(refused: &[Refused]) -> Exit {
    refused.iter().for_each(|refused| crate::output::message(&refused.failure));
    Exit::of_all(refused.iter().map(|refused| refused.failure.exit()))
}
