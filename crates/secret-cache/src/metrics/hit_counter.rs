//! A counter of hits, sharded so that each thread writes to a cache line of its own.
//!
//! [`Metrics`](crate::metrics::Metrics) reports it.

use std::cell::Cell;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// The number of threads that have a shard of their own. All others share one.
const SHARDS: usize = 64;

/// The index of a thread that hasn't claimed one yet.
const UNASSIGNED: usize = usize::MAX;

/// The index of a thread without a shard of its own.
const SHARED: usize = SHARDS;

/// The number of hits of one cache.
pub(crate) struct HitCounter {
    /// Each shard is written by one thread, so that an increment needs no atomic addition. They are
    /// stored inline, so that a hit follows no pointer.
    owned: [Shard; SHARDS],
    shared: AtomicU64,
    reported: Mutex<u64>,
    /// Whether the refresher knows that there may be hits to report.
    is_awake: AtomicBool,
    wake: Arc<Notify>,
}

/// A counter on a cache line of its own.
#[derive(Default)]
#[repr(align(64))]
struct Shard(AtomicU64);

impl HitCounter {
    /// `wake` is notified when there are hits to report.
    pub(crate) fn new(wake: Arc<Notify>) -> Self {
        let owned = std::array::from_fn(|_| Shard::default());
        let (shared, reported, is_awake) = <_>::default();
        Self { owned, shared, reported, is_awake, wake }
    }

    /// Wakes the refresher if necessary, so that it reports the hit that may follow. Must be called
    /// before a value is borrowed: if a panic could unwind past its guard, the guard would be kept
    /// in memory instead of registers.
    #[inline(always)]
    pub(crate) fn announce(&self) {
        if !self.is_awake.load(Relaxed) {
            self.wake_up();
        }
    }

    #[cold]
    #[inline(never)]
    fn wake_up(&self) {
        if !self.is_awake.swap(true, Relaxed) {
            self.wake.notify_one();
        }
    }

    /// Counts a hit.
    #[inline(always)]
    pub(crate) fn count(&self) {
        let index = INDEX.get();
        if let Some(Shard(own)) = self.owned.get(index) {
            own.store(own.load(Relaxed).wrapping_add(1), Relaxed);
        } else {
            self.shared.fetch_add(1, Relaxed);
            if index == UNASSIGNED {
                claim_index();
            }
        }
    }

    /// Returns whether there may be hits to report.
    pub(crate) fn is_awake(&self) -> bool {
        self.is_awake.load(Relaxed)
    }

    /// Makes the next hit wake the refresher.
    pub(crate) fn sleep(&self) {
        self.is_awake.store(false, Relaxed);
    }

    /// Returns the number of all hits.
    pub(crate) fn total(&self) -> u64 {
        let owned = self.owned.iter().map(|shard| shard.0.load(Relaxed)).fold(0, u64::wrapping_add);
        owned.wrapping_add(self.shared.load(Relaxed))
    }

    /// Returns the number of hits since the last call.
    pub(crate) fn take(&self) -> u64 {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        let all = self.total();
        all.wrapping_sub(std::mem::replace(&mut *reported, all))
    }
}

thread_local! {
    /// The index of this thread's shard.
    static INDEX: Cell<usize> = const { Cell::new(UNASSIGNED) };
    /// Returns the index when the thread ends.
    static CLAIM: Cell<Option<Claim>> = const { Cell::new(None) };
}

/// The free indices: those that were returned, and all from `next` on.
struct Free {
    returned: Vec<usize>,
    next: usize,
}

static FREE: Mutex<Free> = Mutex::new(Free { returned: Vec::new(), next: 0 });

/// An index that is owned by one thread.
struct Claim(usize);

impl Drop for Claim {
    fn drop(&mut self) {
        INDEX.set(SHARED);
        FREE.lock().unwrap_or_else(PoisonError::into_inner).returned.push(self.0);
    }
}

/// Claims an index for this thread. It has the C ABI because a function of that ABI doesn't unwind,
/// see [`announce`](HitCounter::announce).
#[cold]
extern "C" fn claim_index() {
    INDEX.set(SHARED);
    if let Some(claim) = claim() {
        let index = claim.0;
        // A thread that is ending can't keep a claim, so it uses the shared counter.
        if CLAIM.try_with(|cell| cell.set(Some(claim))).is_ok() {
            INDEX.set(index);
        }
    }
}

fn claim() -> Option<Claim> {
    let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(index) = free.returned.pop() {
        return Some(Claim(index));
    }
    let index = free.next;
    free.next = (index + 1).min(SHARDS);
    (index < SHARDS).then_some(Claim(index))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// There are more threads than shards, and the indices are claimed again in each round.
    #[test]
    fn hits_of_many_threads_are_all_counted() {
        let hits = Arc::new(HitCounter::new(Arc::default()));
        for _ in 0..3 {
            let threads: Vec<_> = (0..SHARDS + 10)
                .map(|_| {
                    let hits = Arc::clone(&hits);
                    thread::spawn(move || (0..1_000).for_each(|_| hits.count()))
                })
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
            assert_eq!(hits.take(), 1_000 * (SHARDS as u64 + 10));
        }
        assert_eq!(hits.take(), 0);
    }

    #[test]
    fn caches_are_counted_separately() {
        let [one, other] = [(); 2].map(|()| HitCounter::new(Arc::default()));
        (0..3).for_each(|_| one.count());
        other.count();
        assert_eq!((one.take(), other.take()), (3, 1));
    }

    #[tokio::test]
    async fn first_hit_wakes_the_refresher_and_the_next_do_not() {
        let wake = Arc::new(Notify::new());
        let hits = HitCounter::new(Arc::clone(&wake));
        hits.announce();
        hits.count();
        wake.notified().await;
        hits.announce();
        hits.count();
        assert!(hits.is_awake());
        hits.sleep();
        hits.announce();
        hits.count();
        wake.notified().await;
    }
}
