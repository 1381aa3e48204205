//! Streams whose items are produced by a task
//!
//! The task reads from the network whether or not its stream is polled, so a session returns to the pool when its work
//! is done, not when the stream is polled next. Dropping the stream ends the task.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use object_store::{Error, Result};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;

use crate::error::STORE;

/// A stream of what `work` sends, up to `ahead` items before they are asked for; if `work` fails, its error is the
/// last item
///
/// The task is spawned when the stream is first polled, on the runtime of that moment.
pub(crate) fn stream<T, F>(
    ahead: usize,
    work: impl FnOnce(Sender<T>) -> F + Send + 'static,
) -> BoxStream<'static, Result<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let (sender, items) = channel(ahead);
    let work = Some(Box::pin(async move { work(sender).await }) as BoxFuture<'static, _>);
    Box::pin(TaskStream { work, items, task: JoinSet::new() })
}

struct TaskStream<T> {
    work: Option<BoxFuture<'static, Result<()>>>,
    items: Receiver<T>,
    /// Aborted when dropped
    task: JoinSet<Result<()>>,
}

impl<T: Send> Stream for TaskStream<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(work) = this.work.take() {
            this.task.spawn(work);
        }
        if let Some(item) = ready!(this.items.poll_recv(context)) {
            return Poll::Ready(Some(Ok(item)));
        }
        // Only the result of the task says whether that was all.
        Poll::Ready(match ready!(this.task.poll_join_next(context)) {
            None | Some(Ok(Ok(()))) => None,
            Some(Ok(Err(error))) => Some(Err(error)),
            Some(Err(error)) => Some(Err(Error::Generic { store: STORE, source: error.into() })),
        })
    }
}
