//! Listings: entry by entry, and line by line

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ftp_proto::listing::OwnedEntry;
use ftp_session::{Error, Holder, Lines};
use futures_core::Stream;
use tokio::io::{AsyncRead, ReadBuf};

use crate::client::Client;
use crate::transfer::Download;

/// A listing in progress: its lines as the server writes them
///
/// As with [`Download`], the end is reported only after the server's final reply has confirmed it. If you drop it
/// early, the next call reads and discards the rest, for at most
/// [`Config::settle_timeout`](crate::Config::settle_timeout): some servers would otherwise send it before the next
/// listing.
#[must_use = "dropping it aborts the listing"]
#[derive(Debug)]
pub struct Listing<C: Holder<Client>> {
    download: Download<C>,
    lines: Lines,
}

ftp_session::listing_methods! { Client, [async], [.await]; Download, Listing, Entries }

/// The listing's bytes
impl<C: Holder<Client> + Unpin> AsyncRead for Listing<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.lines.take(buffer.initialize_unfilled()) {
            0 => Pin::new(&mut self.download).poll_read(context, buffer),
            count => {
                buffer.advance(count);
                Poll::Ready(Ok(()))
            }
        }
    }
}

/// The entries of a directory as they arrive
///
/// A [`Stream`] of the contents of the directory, without `.` and `..`, headers and totals; [`Self::next`] returns the
/// same. The last item is an error unless the server has confirmed that the listing is complete. It is also an error
/// if the listing has no entry, but has an error message of the server or an unrecognized line
/// ([`UnreadableDirectory`](ftp_proto::Error::UnreadableDirectory)). If you drop it early, the next call reads and
/// discards the rest, for at most [`Config::settle_timeout`](crate::Config::settle_timeout): some servers would
/// otherwise send it before the next listing.
///
/// ```no_run
/// # async fn f(ftp: &mut ftp_tokio::Client) -> Result<(), ftp_tokio::Error> {
/// let mut entries = ftp.read_dir("pub").await?;
/// while let Some(entry) = entries.next().await {
///     let entry = entry?;
///     println!("{:?} {}", entry.size(), entry.display_name());
/// }
/// # Ok(()) }
/// ```
///
/// Names are as the server sends them, `../../x` among them.
///
/// If a line omits the year, it is inferred from this machine's clock.
#[must_use = "dropping it aborts the listing"]
#[derive(Debug)]
pub struct Entries<C: Holder<Client>> {
    download: Download<C>,
    reader: ftp_session::Entries,
}

impl<C: Holder<Client>> Entries<C> {
    /// Returns the next entry; `None` when the listing is complete
    pub async fn next(&mut self) -> Option<Result<OwnedEntry, Error>> {
        poll_fn(|context| self.poll_entry(context)).await
    }

    fn poll_entry(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<OwnedEntry, Error>>> {
        let reader = &mut self.reader;
        let awaited = match reader.is_arriving() {
            true => {
                let next = self
                    .download
                    .poll_with(context, |session, now| reader.next(session, now).transpose());
                Some(self.download.parsed(ready!(next)))
            }
            false => None,
        };
        Poll::Ready(self.reader.item(awaited))
    }
}

impl<C: Holder<Client> + Unpin> Stream for Entries<C> {
    type Item = Result<OwnedEntry, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_entry(context)
    }
}
