//! Futures that are dropped at one of their polls

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Returns the output of an operation that is polled at most this often; `None` if it was dropped
pub async fn polled<T>(operation: impl Future<Output = T>, most: usize) -> Option<T> {
    let mut operation = pin!(operation);
    let mut polls = 0;
    poll_fn(|context| {
        if polls == most {
            return Poll::Ready(None);
        }
        polls += 1;
        operation.as_mut().poll(context).map(Some)
    })
    .await
}

/// Calls this with a limit of 0 polls, 1, 2 and so on, until the operation in it ends; returns how many it took
pub async fn at_every_poll(mut is_over: impl AsyncFnMut(usize) -> bool) -> usize {
    let mut polls = 0;
    while !is_over(polls).await {
        polls += 1;
    }
    polls
}
