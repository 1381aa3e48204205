//! Closes sessions that nobody has used for too long

use std::sync::{Arc, Weak};

use tokio::runtime::Handle;
use tokio::time::sleep_until;

use super::shared::{Reaper, Shared};

/// Sees to it that there is one, as long as sessions are idle
pub(super) fn start(shared: &Arc<Shared>) {
    // Outside any runtime the next session that comes back starts it.
    let Ok(runtime) = Handle::try_current() else { return };
    if shared.set_reaper(Reaper::Running) == Reaper::Running {
        return;
    }
    let running = Running(Arc::downgrade(shared));
    runtime.spawn(async move {
        // The pool is not kept for the sake of this.
        while let Some(at) = running.0.upgrade().and_then(|shared| shared.reap()) {
            sleep_until(at).await;
        }
    });
}

/// The reaper runs as long as this is there, which a runtime that is shut down drops
///
/// It has said so itself if it found nothing to wait for; a second one that was started since then is harmless.
struct Running(Weak<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.set_reaper(Reaper::None);
        }
    }
}
