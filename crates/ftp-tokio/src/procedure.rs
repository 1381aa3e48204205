//! Procedures: operations of several requests, carried out by waiting for the session

use std::future::poll_fn;
use std::task::Poll;

use ftp_proto::Timestamp;
use ftp_session::procedure::{
    self, Found, Next, Procedure, RemoveOptions, WalkError, WalkOptions, WalkStep,
};
use ftp_session::{Error, Removal, TimeCommand};

use crate::client::Client;
use crate::io::Look;
use crate::local::Local;
use crate::session::Session;

impl Session {
    /// Carries a procedure out
    pub(crate) async fn perform<T>(
        &mut self,
        mut procedure: Procedure<T>,
        mut local: Local,
        mut progress: impl FnMut(u64),
    ) -> Result<T, Error> {
        let mut moved = 0;
        self.begin().await;
        loop {
            // The local file may have been waited for under another waker.
            poll_fn(|context| {
                self.attend(context, Look::Runtime, Look::Runtime);
                Poll::Ready(())
            })
            .await;
            self.inner.renew_budget();
            let now = self.now();
            match procedure.turn(&mut self.inner, now) {
                Next::Request => {
                    self.begin().await;
                }
                Next::Local(order) => {
                    let answer = local.carry_out(order).await;
                    procedure.answer(answer);
                }
                Next::Wait => {
                    self.watch(procedure.current());
                    self.pause().await;
                    self.hear(&mut procedure).await;
                }
                Next::Done(result) => {
                    // Also after a failure: the file then has all that has come.
                    let written = local.finish().await.map_err(Error::Local);
                    return result.and_then(|value| written.map(|()| value));
                }
            }
            if procedure.moved() > moved {
                moved = procedure.moved();
                progress(moved);
            }
        }
    }

    /// Waits until something wakes the task: what is pending was tried before
    async fn pause(&mut self) {
        let mut slept = false;
        poll_fn(|context| {
            if std::mem::replace(&mut slept, true) {
                return Poll::Ready(());
            }
            if self.inner.has_work() {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.poll_timer(context)
        })
        .await;
    }

    /// Does what can be done without waiting, and hands the news over
    async fn hear<T>(&mut self, procedure: &mut Procedure<T>) {
        poll_fn(|context| {
            self.advance(context, Look::Socket);
            Poll::Ready(())
        })
        .await;
        while let Some(mut event) = self.next_event() {
            if procedure.handle(&mut event) {
                self.watch(None);
            }
        }
    }
}

/// A walk through a tree of directories: what is found in it, one after the other
///
/// Between two items the session is free: [`Self::client`] lends it, to download what was found or for anything else
/// that leaves the working directory as it is. Names are what the server sends: to write local files under them, use
/// [`local_path`](crate::local_path) for the part of the path below the tree's own.
///
/// An item that is an error tells of a directory that is left out, and the walk goes on, unless the session is over.
#[must_use = "a walk does nothing before its items are asked for"]
#[derive(Debug)]
pub struct Walk<'a> {
    client: &'a mut Client,
    inner: procedure::Walk,
}

impl Walk<'_> {
    /// The session
    pub const fn client(&mut self) -> &mut Client {
        self.client
    }

    /// Lines so far that nobody understood, or in which the server says what it could not read: not among the items,
    /// perhaps files all the same. Look at it before you delete what was not found.
    #[must_use]
    pub const fn unknown_lines(&self) -> u64 {
        self.inner.unknown_lines()
    }

    /// The next item; `None` at the end
    ///
    /// Dropped, it is as if it had not been called: the next call lists the directory again.
    pub async fn next(&mut self) -> Option<Result<Found, WalkError>> {
        loop {
            match self.inner.step() {
                WalkStep::Found(found) => return Some(Ok(found)),
                WalkStep::Failed(error) => return Some(Err(error)),
                WalkStep::Over => return None,
                WalkStep::Read(directory) => {
                    let session = &mut self.client.session;
                    let listing = Procedure::read_dir(directory, session.parser());
                    let listed = session.perform(listing, Local::None, |_| ()).await;
                    self.inner.listed(listed);
                }
            }
        }
    }
}

/// Trees
impl Client {
    /// Makes a directory and those of its parents that are missing (MKD); returns how many it has made
    ///
    /// Directories that exist are fine. The working directory is afterwards as it was.
    ///
    /// # Errors
    ///
    /// [`Error::NotADirectory`] if a file is in the way, else the server's refusal to make the first directory that is
    /// missing.
    pub async fn create_dir_all(&mut self, path: impl AsRef<[u8]>) -> Result<usize, Error> {
        self.perform(Procedure::create_dir_all(path)).await
    }

    /// Walks through a directory and everything below it; an empty path is the working directory
    ///
    /// ```no_run
    /// # async fn f(ftp: &mut ftp_tokio::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use ftp_tokio::WalkOptions;
    ///
    /// let mut walk = ftp.walk("pub", WalkOptions::new());
    /// while let Some(found) = walk.next().await {
    ///     let found = found?;
    ///     if found.path.ends_with(b".sha256") {
    ///         walk.client().get_lines(&found.path, |line| println!("{line:?}")).await?;
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// Links are found, not followed. Memory is bounded: each directory is listed whole, and held until it is
    /// finished.
    pub fn walk(&mut self, path: impl AsRef<[u8]>, options: WalkOptions) -> Walk<'_> {
        Walk { client: self, inner: procedure::Walk::new(path, options) }
    }

    /// Removes a directory and everything in it, up to the first thing that can't be removed
    ///
    /// # Errors
    ///
    /// As [`Self::remove_dir_all_with`].
    pub async fn remove_dir_all(&mut self, path: impl AsRef<[u8]>) -> Result<Removal, Error> {
        self.remove_dir_all_with(path, RemoveOptions::new()).await
    }

    /// Removes a directory and everything in it (DELE, RMD)
    ///
    /// Links are removed, what they point to is not. It succeeds if the server has confirmed that the directory itself
    /// is gone. To see whether the path is a link, its parent is listed first.
    ///
    /// # Errors
    ///
    /// [`Error::Local`] for an empty path, the root, and a path with `..`, where it does not begin;
    /// [`Error::NotADirectory`] if the path is a file's or a link's; [`NoDirectory`](ftp_proto::Error::NoDirectory) if
    /// there is nothing; [`Error::NotRemoved`], which says what is left, if something could not be removed.
    pub async fn remove_dir_all_with(
        &mut self,
        path: impl AsRef<[u8]>,
        options: RemoveOptions,
    ) -> Result<Removal, Error> {
        self.perform(Procedure::remove_dir_all(path, options)).await
    }

    /// Sets the time of a file's last modification, UTC, by the first command that the server has for it: MFMT, MDTM
    /// with a time, SITE UTIME; returns which it was
    ///
    /// To the second. If it succeeds the time is set: words that may be about something else are not believed before
    /// the time has been read back. What the server knows is learned once a session.
    /// [`timestamp`](crate::timestamp) makes a time of the system's.
    ///
    /// # Errors
    ///
    /// [`Error::TimeNotSet`] if no command is known to have done it, else the server's refusal for this file.
    pub async fn set_modified(
        &mut self,
        path: impl AsRef<[u8]>,
        time: Timestamp,
    ) -> Result<TimeCommand, Error> {
        self.perform(Procedure::set_modified(path, time)).await
    }

    /// Carries out a procedure that has no local file
    async fn perform<T>(&mut self, procedure: Procedure<T>) -> Result<T, Error> {
        self.session.perform(procedure, Local::None, |_| ()).await
    }
}
