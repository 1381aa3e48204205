//! Closes sessions that were idle for too long

use std::sync::{Arc, Weak};

use tokio::runtime::Handle;
use tokio::time::sleep_until;

use super::shared::{Reaper, Shared};

/// Makes sure that the reaper runs while there are idle sessions
pub(super) fn start(shared: &Arc<Shared>) {
    // Outside any runtime, the next returned session starts it.
    let Ok(runtime) = Handle::try_current() else { return };
    if shared.set_reaper(Reaper::Running) == Reaper::Running {
        return;
    }
    let running = Running(Arc::downgrade(shared));
    runtime.spawn(async move {
        // The reaper does not keep the pool alive.
        while let Some(at) = running.0.upgrade().and_then(|shared| shared.reap()) {
            sleep_until(at).await;
        }
    });
}

/// The reaper runs as long as this exists; a runtime that shuts down drops it
///
/// If the reaper found nothing to wait for, it has reset the state itself; a second one that was started since then is
/// harmless.
struct Running(Weak<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.set_reaper(Reaper::None);
        }
    }
}
