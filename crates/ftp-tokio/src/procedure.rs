//! Procedures: operations that need several requests, run by waiting for the session

use std::future::poll_fn;
use std::path::Path;
use std::task::{Poll, ready};

use ftp_session::Error;
use ftp_session::procedure::{Procedure, ProcedureStep, WalkEntry, WalkError, WalkStep};

use crate::client::Client;
use crate::io::Look;
use crate::local::File;
use crate::methods::Walk;
use crate::session::Session;

impl Session {
    /// Runs a procedure to its end
    pub(crate) async fn perform<T>(
        &mut self,
        mut procedure: Procedure<T>,
        local: Option<&Path>,
        mut progress: impl FnMut(u64),
    ) -> Result<T, Error> {
        let (mut moved, mut wakers) = (0, Wakers::Spent);
        let mut file = File::new(local, &self.threads).await;
        // Each request begins with this, too. But the clock is read before the first one, and the procedure may fail
        // before it.
        self.resume();
        loop {
            // While the local file was waited for, the session may have been left with another waker.
            poll_fn(|context| {
                self.attend(context, Look::Runtime);
                Poll::Ready(())
            })
            .await;
            self.inner.renew_allowance();
            let now = self.now();
            match procedure.turn(&mut self.inner, now) {
                ProcedureStep::Request => {
                    self.begin().await;
                }
                ProcedureStep::Local(order) => {
                    let answer = file.carry_out(order).await;
                    procedure.answer(answer);
                    wakers = Wakers::Spent;
                }
                ProcedureStep::Wait => {
                    self.current = procedure.current();
                    if wakers == Wakers::Registered {
                        self.pause(&mut file).await;
                    }
                    file.write_due().await;
                    self.handle_events(&mut procedure).await;
                    wakers = Wakers::Registered;
                }
                ProcedureStep::Done(result) => {
                    self.release();
                    // Also after a failure, so that the file has all bytes that have arrived.
                    let written = file.finish().await.map_err(Error::Local);
                    return result.and_then(|value| written.map(|()| value));
                }
            }
            if procedure.moved() > moved {
                moved = procedure.moved();
                progress(moved);
            }
        }
    }

    /// Waits until the task is woken, by [registered](Wakers::Registered) wakers or a timer
    async fn pause(&mut self, file: &mut File) {
        let mut slept = false;
        poll_fn(|context| {
            if std::mem::replace(&mut slept, true) {
                return Poll::Ready(());
            }
            if self.inner.has_work() {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            match self.poll_timer(context) {
                Poll::Ready(()) => Poll::Ready(()),
                Poll::Pending => file.poll_due(context),
            }
        })
        .await;
    }

    /// Does what can be done without waiting, and passes the events to the procedure
    async fn handle_events<T>(&mut self, procedure: &mut Procedure<T>) {
        poll_fn(|context| {
            self.now();
            ready!(self.poll_attend(context));
            self.advance(context);
            Poll::Ready(())
        })
        .await;
        while let Some(mut event) = self.inner.poll_event() {
            if procedure.handle(&mut event) {
                self.current = None;
            }
        }
    }
}

/// Whether every pending read and write will wake the task
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wakers {
    /// The local file was waited for since they were registered: a connection that became ready meanwhile has used up
    /// its waker. Under TLS, bytes that were accepted may still have to be sent, so a transfer can depend on that.
    Spent,
    /// Since the task last waited for anything else, every pending read and write has been tried again
    Registered,
}

impl Walk<'_> {
    /// Returns the next item; `None` at the end
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
    /// If the future is dropped, it is as if it had not been called: the next call lists the directory again.
    pub async fn next(&mut self) -> Option<Result<WalkEntry, WalkError>> {
        loop {
            match self.inner.step() {
                WalkStep::Entry(found) => return Some(Ok(found)),
                WalkStep::Failed(error) => return Some(Err(error)),
                WalkStep::Over => return None,
                WalkStep::Read(directory) => {
                    let session = &mut self.client.session;
                    let listing = Procedure::read_dir(directory, session.inner.listing_parser());
                    let listed = session.perform(listing, None, |_| ()).await;
                    self.inner.listed(listed);
                }
            }
        }
    }
}

/// Turns each operation of the list into a method that waits for its result
macro_rules! methods {
    ($(
        $(#[$group:meta])*
        impl ($local:expr) {$(
            $(#[$meta:meta])*
            fn $name:ident($($argument:ident: $type:ty),*) -> $output:ty { $procedure:expr }
        )*}
    )*) => {$(
        $(#[$group])*
        impl Client {$(
            $(#[$meta])*
            pub async fn $name(&mut self, $($argument: $type),*) -> Result<$output, Error> {
                self.session.perform($procedure, $local, |_| ()).await
            }
        )*}
    )*};
}

ftp_session::operations!(methods);
#[cfg(feature = "files")]
ftp_session::file_operations!(methods);
