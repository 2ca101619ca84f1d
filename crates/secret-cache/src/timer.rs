//! The task that lets readers do without a clock: it sleeps until there is something to do, and does
//! it. It begins with the first value and ends with the cache, or with its runtime.

use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use crate::Load;
use crate::clock;
use crate::policy::Tick;
use crate::shared::Shared;

pub(crate) struct Timer {
    runs: AtomicBool,
    task: Mutex<JoinSet<()>>,
}

impl Timer {
    pub(crate) fn new() -> Self {
        Self { runs: AtomicBool::new(false), task: Mutex::new(JoinSet::new()) }
    }

    #[inline]
    pub(crate) fn runs(&self) -> bool {
        self.runs.load(Relaxed)
    }

    /// Starts it on `runtime`, unless it runs.
    ///
    /// A runtime with threads of its own turns its timers whatever its users do: hits may rely on
    /// that. On any other, time stands still between two calls of `block_on`.
    pub(crate) fn start<K, L>(&self, shared: &Arc<Shared<K, L>>, runtime: &Handle)
    where
        K: Hash + Eq + Clone + Send + Sync + 'static,
        L: Load<K>,
    {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if self.runs.swap(true, Relaxed) {
            return;
        }
        shared.state.trust(runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
        let gone = Gone(Arc::downgrade(shared));
        *task = JoinSet::new();
        task.spawn_on(run(gone), runtime);
    }
}

/// Says so when the task ends before the cache does.
struct Gone<K, L>(Weak<Shared<K, L>>)
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>;

impl<K, L> Drop for Gone<K, L>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
{
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.state.trust(false);
            shared.timer.runs.store(false, Relaxed);
        }
    }
}

async fn run<K, L>(cache: Gone<K, L>)
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
{
    while let Some(shared) = cache.0.upgrade() {
        let at = shared.state.sleep();
        let wake = Arc::clone(&shared.state.wake);
        drop(shared);
        if at == Tick::MAX {
            wake.notified().await;
        } else {
            // Either way there may be something to do.
            let _woken = timeout_at(clock::instant(at), wake.notified()).await;
        }
        let Some(shared) = cache.0.upgrade() else { return };
        tend(&shared);
    }
}

fn tend<K, L>(shared: &Arc<Shared<K, L>>)
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
{
    let Ok(runtime) = Handle::try_current() else { return };
    let now = clock::now();
    shared.state.scan(now);
    while let Some(key) = shared.state.pop(now) {
        shared.due(&key, &runtime);
    }
}
