//! Copies a file from one server to another without passing through this machine

use ftp_proto::{CopySide, TransferType};
use ftp_session::{CopyError, ServerCopy};

use crate::client::Client;
use crate::session::wait_for;

/// Copies a file from one server to another; the data passes directly between the two
///
/// The source listens and the target connects to it. So the target must be able to reach the source, and both servers
/// must permit it: most refuse data connections to and from third parties. Data connections must be unprotected,
/// because both servers would act as the TLS server.
///
/// STOR empties an existing file on the target. So the source is first asked for the file's size: if it does not have the
/// file, the target's stays as it was. After a later failure, the target may have a part of the file.
///
/// The bytes are not seen here: that the copy is complete is what both servers say. Compare the sizes on both to be sure,
/// unless the type is ASCII, in which they may differ.
///
/// The target connects to the host that the source's control connection goes to, whatever address the source
/// announces, unless the source's [`Config::passive_host`](crate::Config::passive_host) is `TrustReply`. Set that
/// if the source is reached through a proxy.
///
/// A session whose part was interrupted settles within its next call. A server that reads no command during a transfer,
/// such as vsftpd, goes on until it has the whole file, and the session that settles meanwhile is over.
///
/// # Errors
///
/// Which server failed, and how. If the copy ends at its [deadline](crate::Options::deadline), the side has no meaning.
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
    for (side, session) in [(CopySide::Source, &mut *source), (CopySide::Target, &mut *target)] {
        session.begin();
        session.rest().map_err(|error| CopyError::new(side, error))?;
    }
    let copy = ServerCopy::start(&mut source.inner, source_path, target_path, type_);
    // A client is always connected, if only to a proxy.
    let Some(mut copy) = copy else {
        let error = std::io::ErrorKind::NotConnected.into();
        return Err(CopyError::new(CopySide::Source, ftp_session::Error::Io(error)));
    };
    loop {
        source.settle();
        target.settle();
        let result = copy.handle_all(&mut source.inner, &mut target.inner);
        source.current = copy.current(CopySide::Source);
        target.current = copy.current(CopySide::Target);
        source.settle();
        target.settle();
        // If one side was interrupted, it settles within its next call.
        if let Some(result) = result {
            source.leave();
            target.leave();
            return result;
        }
        if let Err(error) = source.keep_to_deadline() {
            target.stop();
            return Err(CopyError::new(CopySide::Source, error));
        }
        if let Err(error) = target.keep_to_deadline() {
            source.stop();
            return Err(CopyError::new(CopySide::Target, error));
        }
        wait_for(&mut [&mut *source, &mut *target]);
    }
}
