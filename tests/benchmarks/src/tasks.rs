//! Sessions on one thread of tokio, each in a task

use std::cell::Cell;
use std::rc::Rc;

use tokio::task::spawn_local;

use crate::Result;

/// Lets the sessions fetch files until they have all of the first `count`; returns the sessions
pub(crate) async fn share<S: 'static>(
    sessions: Vec<S>,
    count: usize,
    fetch: impl AsyncFn(&mut S, usize) -> Result<()> + 'static,
) -> Result<Vec<S>> {
    let (next, fetch) = (Rc::new(Cell::new(0)), Rc::new(fetch));
    let mut tasks = Vec::new();
    for mut session in sessions {
        let (next, fetch) = (Rc::clone(&next), Rc::clone(&fetch));
        tasks.push(spawn_local(async move {
            loop {
                let number = next.replace(next.get() + 1);
                if number >= count {
                    return Ok::<_, Box<dyn std::error::Error>>(session);
                }
                fetch(&mut session, number).await?;
            }
        }));
    }
    let mut sessions = Vec::new();
    for task in tasks {
        sessions.push(task.await??);
    }
    Ok(sessions)
}
