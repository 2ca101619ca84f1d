//! The task that lets readers do without a clock: it sleeps until there is something to do, and does
//! it. It begins with the first value and ends with the cache, or with its runtime.

use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use crate::load::Load;
use crate::map::clock;
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
            shared.events.report_hits();
            shared.events.hits.rest();
            shared.timer.runs.store(false, Relaxed);
        }
    }
}

async fn run<K, L>(cache: Gone<K, L>)
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
{
    let mut report_at = Tick::MAX;
    while let Some(shared) = cache.0.upgrade() {
        let at = shared.state.sleep().min(report_at);
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
        report_at = shared.events.report_hits_by(report_at, clock::now());
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::policy::{Policy, Tick};
    use crate::state::inner::Bounds;
    use crate::state::{Flying, State};
    use crate::value_ref::Ref;
    use crate::{Loaded, Version};

    struct Never;

    impl Flying for Never {
        type Ticket = ();

        fn ticket(&self) {}

        fn is_lost(&self) -> bool {
            false
        }

        fn is_slow(&self, _: Tick) -> bool {
            false
        }
    }

    /// A value that was put in at 1,000 and lives for 10,000, with a round of 200: due at 10,000,
    /// with its edge at 9,600.
    fn state(trusted: bool) -> State<u32, u32, (), Never> {
        let policy = Policy { refresh_interval: 10_000, max_stale: 500, negative_ttl: 0 };
        let bounds = Bounds { entries: 10, bytes: usize::MAX, weigh: |_, _| 0 };
        let state = State::new(policy, bounds, 1);
        state.trust(trusted);
        state.scan(1_000);
        drop(state.replace(&1, Loaded::versioned(7, Version::new(1)), 1_000, 0));
        state.values.find(&1).iter().filter_map(|held| held.get()).for_each(|held| {
            held.see();
        });
        state
    }

    fn hits(state: &State<u32, u32, (), Never>) -> bool {
        Ref::plain(state.values.find(&1), |_| true).is_ok()
    }

    /// Whether a hit needs no clock, after the timer has looked at these times.
    fn is_plain(trusted: bool, looks: &[Tick]) -> bool {
        let state = state(trusted);
        for now in looks {
            state.scan(*now);
        }
        hits(&state)
    }

    #[test]
    fn the_clock_is_asked_from_two_rounds_before_a_value_is_due() {
        for (trusted, looks, expected) in [
            (true, &[][..], true),
            (true, &[5_000], true),
            (true, &[9_599], true),
            (true, &[9_600], false),
            (true, &[9_600, 9_800, 10_000], false),
            // Late by anything: from the first look on.
            (true, &[50_000], false),
            (false, &[], false),
            (false, &[5_000], false),
        ] {
            loom::model(move || {
                assert_eq!(is_plain(trusted, looks), expected, "{trusted} {looks:?}");
            });
        }
    }

    /// The next look is never later than the first edge, nor sooner than it must be.
    #[test]
    fn the_timer_sleeps_until_a_value_is_near_its_edge() {
        loom::model(|| {
            let state = state(true);
            assert_eq!(state.sleep(), 9_600);
            state.scan(9_600);
            assert_eq!(state.sleep(), 9_800);
            state.scan(9_800);
            // On the list now, for the moment that it is due.
            assert_eq!(state.sleep(), 10_000);
        });
    }

    #[test]
    fn a_timer_that_is_gone_leaves_no_trust() {
        loom::model(|| {
            let state = Arc::new(state(true));
            assert!(hits(&state));
            state.trust(false);
            assert!(!hits(&state));
            drop(state.replace(&1, Loaded::versioned(8, Version::new(2)), 2_000, 0));
            state.scan(2_100);
            assert!(!hits(&state), "what is put in without a timer is not trusted");
            state.trust(true);
            state.scan(2_200);
            assert!(hits(&state));
        });
    }
}
