//! A file from one server to another, without passing through here

use ftp_proto::{CopyEnd, ServerCopy, TransferType};

use crate::client::Client;
use crate::clock::earliest;
use crate::error::Error;
use crate::session::{Entries, Session};
use crate::wait::{Interest, poll};

/// A copy between servers that failed
#[derive(Debug, thiserror::Error)]
#[error("copying failed on the {} server", match .end { CopyEnd::Source => "source", CopyEnd::Target => "target" })]
#[non_exhaustive]
pub struct CopyError {
    /// Which server
    pub end: CopyEnd,
    /// What went wrong there
    #[source]
    pub error: Error,
}

/// Copies a file from one server to another; the data passes between the two
///
/// The source listens and the target connects to it, so the target must be able to reach the
/// source, and both servers must permit it: most refuse data connections to and from third parties.
/// Only unprotected data connections will do, as both servers would play the TLS server.
///
/// The target is sent to the host that the source's control connection goes to, whatever address
/// the source names, unless its [`Config::passive_host`](crate::Config::passive_host) says
/// otherwise; through a proxy it has to.
///
/// # Errors
///
/// Which server failed, and how.
#[doc(alias = "ftpcp")]
#[doc(alias = "FXP")]
pub fn copy_between_servers(
    source: &mut Client,
    source_path: impl AsRef<[u8]>,
    target: &mut Client,
    target_path: impl AsRef<[u8]>,
    type_: TransferType,
) -> Result<(), CopyError> {
    let (source, target) = (&mut source.session, &mut target.session);
    for (end, session) in [(CopyEnd::Source, &mut *source), (CopyEnd::Target, &mut *target)] {
        session.begin();
        session.rest().map_err(|error| CopyError { end, error })?;
    }
    let peer = source.network.ends.peer.ip();
    let mut copy = ServerCopy::start(&mut source.proto, source_path, peer, target_path, type_);
    let mut result = None;
    loop {
        source.settle();
        target.settle();
        for end in [CopyEnd::Source, CopyEnd::Target] {
            loop {
                let event = match end {
                    CopyEnd::Source => source.next_event(),
                    CopyEnd::Target => target.next_event(),
                };
                let Some(mut event) = event else { break };
                let ended = copy.handle(end, &mut event, &mut source.proto, &mut target.proto);
                result = result.or(ended);
            }
        }
        source.settle();
        target.settle();
        // An end that was cut off settles with its next call.
        if let Some(result) = result {
            source.leave();
            target.leave();
            return result.map_err(|failed| {
                let session = if failed.end == CopyEnd::Source { source } else { target };
                CopyError { end: failed.end, error: session.explain(failed.error) }
            });
        }
        if let Err(error) = source.keep_to_deadline() {
            target.stop();
            return Err(CopyError { end: CopyEnd::Source, error });
        }
        if let Err(error) = target.keep_to_deadline() {
            source.stop();
            return Err(CopyError { end: CopyEnd::Target, error });
        }
        wait(source, target);
    }
}

/// Waits for either control connection or the earlier deadline
fn wait(source: &mut Session, target: &mut Session) {
    let plans = [source.plan(Interest::NONE), target.plan(Interest::NONE)];
    let mut entries = Entries::new();
    source.enter(&plans[0], &mut entries);
    target.enter(&plans[1], &mut entries);
    let polled = poll(&mut entries, earliest(plans[0].deadline, plans[1].deadline));
    let mut polled_entries = entries.iter();
    let ready = plans.each_ref().map(|plan| plan.outcome(&mut polled_entries));
    drop(entries);
    for (session, ready) in [source, target].into_iter().zip(ready) {
        if let Err(error) = &polled {
            session.control_failed(error.kind().into());
        }
        session.act(ready);
        session.expire();
    }
}
