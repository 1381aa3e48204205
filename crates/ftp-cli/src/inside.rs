//! Makes requests in another directory of the server, and returns to the working directory

use ftp_blocking::Client;
use ftp_session::Error;

/// Enters a directory, works there, and returns to `home`, whatever came of the work
///
/// Paths of other requests are relative to `home`, so a session that can't return is ended with QUIT. An empty path is
/// `home` itself.
pub(crate) fn inside<T, E>(
    client: &mut Client,
    home: &[u8],
    path: &[u8],
    failure: impl Fn(Error) -> E,
    work: impl FnOnce(&mut Client) -> Result<T, E>,
) -> Result<T, E> {
    if path.is_empty() {
        return work(client);
    }
    client.cwd(path).map_err(&failure)?;
    let result = work(client);
    match client.cwd(home) {
        Ok(_) => result,
        Err(error) => {
            let _ = client.quit();
            result.and(Err(failure(error)))
        }
    }
}
