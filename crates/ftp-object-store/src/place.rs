//! Renames a file to its final name, which may be the name of an existing object
//!
//! RNTO replaces a file on most servers. On the others the old object is first renamed to a name of the store's
//! own, and deleted once the new one is in its place:
//!
//! ```text
//! RNFR source, RNTO target ── 550 or 553, though both files exist
//!   RNFR target, RNTO aside ─▶ RNFR source, RNTO target ─┬─ 2yz ──▶ DELE aside ─▶ done
//!                                                        └─ refused ──▶ RNFR aside, RNTO target ─▶ error
//! ```
//!
//! - No refusal alone counts as proof that RNTO does not replace files: the server must have refused the same with two
//!   empty files.
//! - An old object is deleted only after the new one is in its place.
//! - On such a server RNTO succeeds for only one of several clients, and replaces nothing. So however the
//!   steps of several clients are interleaved, every object is under its own name or under one that an error reports.
//! - The steps run in a task, because a caller that gives up must not end them in the middle.
//! - If the session ends, a new one looks at the three names and continues. A name that the old object does not have
//!   yet is used again: if the server still carries out the lost RNTO, later, the name exists by then, and the RNTO is
//!   refused. With a different one it would move the new object away.

use std::sync::Arc;
use std::time::Duration;

use ftp_tokio::{Error as FtpError, Lease, Put};
use object_store::Result;
use object_store::path::Path;

use crate::error::{STORE, Subject, is_refusal_of_file, is_refused_by_server};
use crate::inner::Inner;
use crate::look::{Found, Version};
use crate::name;
use crate::temporary::Temporary;

/// How often another client may write the object between two steps before this one gives up
const ROUNDS: usize = 5;
/// Pauses before each attempt to finish on a new session: a server that restarts takes seconds
const PAUSES: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// The file to be renamed
pub(crate) enum Source {
    /// A complete upload; it is deleted if it can't be renamed
    Temporary(Temporary),
    Object(Vec<u8>),
}

impl Source {
    fn path(&self) -> &[u8] {
        match self {
            Self::Temporary(temporary) => temporary.path(),
            Self::Object(path) => path,
        }
    }

    fn keep(&mut self) {
        if let Self::Temporary(temporary) = self {
            temporary.keep();
        }
    }

    /// Whether a file at the target is this one, although the reply to its RNTO was lost; the file is gone
    ///
    /// Nobody else knows the name of an upload, but an object may have been renamed or deleted by another client.
    fn is_placed(&self, target: &Version, version: &Version, aside: &Found) -> bool {
        match self {
            Self::Temporary(_) => true,
            Self::Object(_) => target == version && matches!(aside, Found::File(_)),
        }
    }

    /// The error if the file is no longer there
    fn is_gone(&self, refusal: FtpError, subject: Subject<'_>) -> object_store::Error {
        match self {
            Self::Object(_) => subject.not_found(refusal),
            Self::Temporary(temporary) => subject.generic(format!(
                "the upload is complete, but its file {} is gone ({refusal}{})",
                temporary.path().escape_ascii(),
                temporary.confirmed_with()
            )),
        }
    }
}

impl Inner {
    /// Renames a file, and replaces an existing one
    pub(crate) async fn place(
        self: &Arc<Self>,
        mut ftp: Lease,
        mut source: Source,
        target: &[u8],
        subject: Subject<'_>,
    ) -> Result<()> {
        let convert = |error: FtpError| subject.error(error);
        let (directory, _) = name::split(target);
        let mut may_lack_directory = !directory.is_empty();
        let mut refusals = 0;
        self.check_name(&mut ftp, target, subject).await?;
        loop {
            let refusal = match ftp.rename(source.path(), target).await {
                Ok(_) => {
                    source.keep();
                    return Ok(());
                }
                Err(error) if is_refused_by_server(&error) => error,
                Err(error) => return Err(convert(error)),
            };
            refusals += 1;
            if !may_be_about_names(&refusal) {
                return Err(subject.refused(refusal));
            }
            let there = self.look(&mut ftp, source.path()).await.map_err(convert)?;
            if let Found::Missing(_) = there {
                return Err(source.is_gone(refusal, subject));
            }
            match (self.look(&mut ftp, target).await.map_err(convert)?, there) {
                (Found::Missing(_), _) if may_lack_directory => {
                    may_lack_directory = false;
                    let created = ftp.create_dir_all(directory).await;
                    created.map_err(|error| subject.refused(error))?;
                }
                // Another client may just be replacing the object.
                (Found::Missing(_), _) if refusals < ROUNDS && is_refusal_of_file(&refusal) => {}
                (Found::File(_), Found::File(version))
                    if is_refusal_of_file(&refusal)
                        && self.keeps_targets(&mut ftp, target).await.map_err(convert)? =>
                {
                    return self.replace(ftp, (source, version), target, subject, refusal).await;
                }
                _ => return Err(subject.refused(refusal)),
            }
        }
    }

    /// Whether RNTO is refused if its target exists; determined once per store, with two empty files, because a
    /// refusal may have other reasons
    async fn keeps_targets(
        self: &Arc<Self>,
        ftp: &mut Lease,
        beside: &[u8],
    ) -> Result<bool, FtpError> {
        if let Some(known) = self.keeps_targets.get() {
            return Ok(known);
        }
        let (mut one, other) = (Temporary::new(self, beside), Temporary::new(self, beside));
        for file in [&one, &other] {
            match ftp.put(Put::new(file.path())).await {
                Ok(upload) => drop(upload.finish().await?),
                Err(error) if is_refused_by_server(&error) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        let keeps = match ftp.rename(one.path(), other.path()).await {
            Ok(_) => {
                one.keep();
                false
            }
            Err(error) if is_refusal_of_file(&error) => {
                let both = [self.look(ftp, one.path()).await?, self.look(ftp, other.path()).await?];
                both.iter().all(|found| matches!(found, Found::File(_)))
            }
            Err(error) if is_refused_by_server(&error) => return Ok(false),
            Err(error) => return Err(error),
        };
        if keeps {
            one.delete(ftp).await;
        }
        other.delete(ftp).await;
        self.keeps_targets.set(keeps);
        Ok(keeps)
    }

    /// Replaces an object on a server whose RNTO does not
    async fn replace(
        self: &Arc<Self>,
        ftp: Lease,
        (source, version): (Source, Version),
        target: &[u8],
        subject: Subject<'_>,
        refusal: FtpError,
    ) -> Result<()> {
        let replacement = Replacement {
            inner: Arc::clone(self),
            source,
            version,
            target: target.to_vec(),
            aside: Vec::new(),
            unused: None,
            action: subject.action,
            location: subject.location.clone(),
        };
        match tokio::spawn(replacement.run(ftp, refusal)).await {
            Ok(result) => result,
            Err(error) => Err(object_store::Error::Generic { store: STORE, source: error.into() }),
        }
    }
}

/// Whether a refusal may be about one of the two names, and not about the command, the login or the space that is left
fn may_be_about_names(refusal: &FtpError) -> bool {
    matches!(refusal.reply().map(|reply| reply.code().get()), Some(450 | 451 | 550 | 553))
}

/// An object that takes the place of another
struct Replacement {
    inner: Arc<Inner>,
    source: Source,
    version: Version,
    target: Vec<u8>,
    /// The names under which old objects are, or may be, the latest last
    aside: Vec<Vec<u8>>,
    /// The name for the next old object, if the session ended before the last one had it
    unused: Option<Vec<u8>>,
    action: &'static str,
    location: Path,
}

/// The result of one attempt
enum Round {
    Placed,
    /// Another client may have written the object meanwhile
    Taken(FtpError),
    /// Another client has renamed or deleted the new object meanwhile
    Gone(FtpError),
    Refused(FtpError),
}

/// The result of the replacement, or the error that has ended the session
type Outcome = Result<Result<()>, FtpError>;

impl Replacement {
    async fn run(mut self, mut ftp: Lease, refusal: FtpError) -> Result<()> {
        let result = self.rounds(&mut ftp, Round::Taken(refusal)).await;
        drop(ftp);
        match result {
            Ok(result) => result,
            Err(error) => self.recover(error).await,
        }
    }

    /// Replaces the object, however often other clients do the same; begins with the result of the last step
    async fn rounds(&mut self, ftp: &mut Lease, mut round: Round) -> Outcome {
        let mut left = ROUNDS;
        loop {
            let (otherwise, error) = match round {
                Round::Placed => return self.placed(ftp).await,
                Round::Taken(_) if left > 0 => {
                    left -= 1;
                    round = self.round(ftp).await?;
                    continue;
                }
                Round::Gone(error) => {
                    (self.source.is_gone(error.duplicate(), self.subject()), error)
                }
                Round::Taken(error) | Round::Refused(error) => {
                    (self.subject().refused(error.duplicate()), error)
                }
            };
            return self.give_up(ftp, &error, otherwise).await;
        }
    }

    /// Moves the old object out of the way, and the new one to its place
    async fn round(&mut self, ftp: &mut Lease) -> Result<Round, FtpError> {
        let aside = self.unused.take().unwrap_or_else(|| name::replaced(&self.target));
        self.aside.push(aside.clone());
        match ftp.rename(&self.target, &aside).await {
            Ok(_) => {}
            Err(error) if is_refused_by_server(&error) => {
                // Some servers report an error although they have done it.
                let moved = self.inner.look(ftp, &aside).await?;
                let target = self.inner.look(ftp, &self.target).await?;
                let is_moved = match moved {
                    Found::File(_) => true,
                    Found::Missing(_) => false,
                    Found::Refused(_) | Found::Closed(_) => matches!(target, Found::Missing(_)),
                };
                if !is_moved {
                    self.aside.pop();
                }
                match target {
                    // It is moved, or another client has moved or deleted it.
                    Found::Missing(_) => {}
                    // Another client may have replaced it between RNFR and RNTO.
                    Found::File(_) if is_refusal_of_file(&error) => return Ok(Round::Taken(error)),
                    _ => return Ok(Round::Refused(error)),
                }
            }
            Err(error) => return Err(error),
        }
        self.take_place(ftp).await
    }

    /// Moves the new object to its place, which is free unless another client has written there
    async fn take_place(&self, ftp: &mut Lease) -> Result<Round, FtpError> {
        let refusal = match ftp.rename(self.source.path(), &self.target).await {
            Ok(_) => return Ok(Round::Placed),
            Err(error) if is_refused_by_server(&error) => error,
            Err(error) => return Err(error),
        };
        let target = self.inner.look(ftp, &self.target).await?;
        let source = self.inner.look(ftp, self.source.path()).await?;
        Ok(match (target, source) {
            (Found::File(_), Found::File(_)) if is_refusal_of_file(&refusal) => {
                Round::Taken(refusal)
            }
            (_, Found::Missing(_)) => Round::Gone(refusal),
            _ => Round::Refused(refusal),
        })
    }

    /// Deletes the old objects after the new one has taken their place
    async fn placed(&mut self, ftp: &mut Lease) -> Outcome {
        self.source.keep();
        for path in std::mem::take(&mut self.aside) {
            Temporary::at(&self.inner, path).delete(ftp).await;
        }
        Ok(Ok(()))
    }

    /// Moves the old object back to its place, unless another one is there; the error names the files if it is not in its
    /// place
    async fn give_up(
        &mut self,
        ftp: &mut Lease,
        cause: &FtpError,
        otherwise: object_store::Error,
    ) -> Outcome {
        if let Some(latest) = self.aside.last() {
            let found = self.inner.look(ftp, &self.target).await?;
            if matches!(found, Found::Missing(_)) {
                match ftp.rename(latest, &self.target).await {
                    Ok(_) => drop(self.aside.pop()),
                    Err(error) if is_refused_by_server(&error) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(Err(if self.aside.is_empty() { otherwise } else { self.stranded(cause) }))
    }

    /// Finds out, on new sessions, which steps were carried out before the session ended, and finishes
    async fn recover(mut self, error: FtpError) -> Result<()> {
        for pause in PAUSES {
            tokio::time::sleep(pause).await;
            let Ok(mut ftp) = self.inner.pool.lease(&self.inner.site).await else { continue };
            // If this session ends as well, there may be no object under the name: so a next one tries again.
            if let Ok(result) = self.finish(&mut ftp, &error).await {
                return result;
            }
        }
        Err(self.stranded(&error))
    }

    /// Continues from where the files are
    async fn finish(&mut self, ftp: &mut Lease, error: &FtpError) -> Outcome {
        let target = self.inner.look(ftp, &self.target).await?;
        let source = self.inner.look(ftp, self.source.path()).await?;
        let aside = match self.aside.last() {
            Some(path) => self.inner.look(ftp, path).await?,
            None => Found::Missing("it was not moved".into()),
        };
        if matches!(aside, Found::Missing(_)) {
            self.unused = self.aside.pop().or_else(|| self.unused.take());
        }
        match (&target, &source, &aside) {
            (Found::File(now), Found::Missing(_), aside)
                if self.source.is_placed(now, &self.version, aside) =>
            {
                self.placed(ftp).await
            }
            (Found::File(_), Found::File(_), Found::File(_) | Found::Missing(_)) => {
                self.rounds(ftp, Round::Taken(error.duplicate())).await
            }
            (Found::Missing(_), Found::File(_), Found::File(_) | Found::Missing(_)) => {
                let round = self.take_place(ftp).await?;
                self.rounds(ftp, round).await
            }
            (Found::Missing(_), Found::Missing(_), Found::File(_)) => {
                let otherwise = self.subject().error(error.duplicate());
                self.give_up(ftp, error, otherwise).await
            }
            // It can't be known.
            _ => Ok(Err(self.stranded(error))),
        }
    }

    /// The error if the old object is, or may be, under another name, with all names; nothing is deleted
    fn stranded(&mut self, error: &FtpError) -> object_store::Error {
        if self.aside.is_empty() {
            return self.subject().error(error.duplicate());
        }
        self.source.keep();
        let aside: Vec<String> =
            self.aside.iter().map(|path| path.escape_ascii().to_string()).collect();
        let (source, aside) = (self.source.path().escape_ascii().to_string(), aside.join(", "));
        self.subject().generic(format!(
            "the server may have done only a part of it: the new object is in its place or still at {source}, and the \
             old one in its place or at {aside}, unless other clients have moved them ({error})"
        ))
    }

    fn subject(&self) -> Subject<'_> {
        self.inner.subject(self.action, &self.location)
    }
}
