//! A counter of hits that costs each thread a write to its own cache line.
//!
//! Reporting belongs to `events`, and when to report to `timer`.

use std::cell::Cell;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Threads that have a counter of their own in each cache; more of them share one.
const SHARDS: usize = 64;

/// The index of a thread that has not asked for one yet.
const UNASSIGNED: usize = usize::MAX;

/// The index of a thread that has no counter of its own.
const SHARED: usize = SHARDS;

/// The hits of one cache.
pub(crate) struct Hits {
    /// Each is written by one thread, so that no addition has to be atomic. In place, so that a hit
    /// follows no pointer to it.
    owned: [Shard; SHARDS],
    shared: AtomicU64,
    reported: Mutex<u64>,
    /// Whether the timer knows that there is something to report.
    is_awake: AtomicBool,
    wake: Arc<Notify>,
}

/// A counter with a cache line to itself.
#[derive(Default)]
#[repr(align(64))]
struct Shard(AtomicU64);

impl Hits {
    /// `wake` is notified when there are hits to report.
    pub(crate) fn new(wake: Arc<Notify>) -> Self {
        let owned = std::array::from_fn(|_| Shard::default());
        let (shared, reported, is_awake) = <_>::default();
        Self { owned, shared, reported, is_awake, wake }
    }

    /// Announces a look-up, so that the timer will report it if it is a hit. To be called before a
    /// value is borrowed: a guard that a panic could unwind through would be kept in memory.
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

    /// Whether there may be hits to report.
    pub(crate) fn is_awake(&self) -> bool {
        self.is_awake.load(Relaxed)
    }

    /// The next hit wakes the timer again.
    pub(crate) fn rest(&self) {
        self.is_awake.store(false, Relaxed);
    }

    /// How many there were since the last call.
    pub(crate) fn take(&self) -> u64 {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        let owned = self.owned.iter().map(|shard| shard.0.load(Relaxed)).fold(0, u64::wrapping_add);
        let all = owned.wrapping_add(self.shared.load(Relaxed));
        all.wrapping_sub(std::mem::replace(&mut *reported, all))
    }
}

thread_local! {
    /// The index of this thread's counter.
    static INDEX: Cell<usize> = const { Cell::new(UNASSIGNED) };
    /// Returns the index when the thread ends.
    static CLAIM: Cell<Option<Claim>> = const { Cell::new(None) };
}

/// Indices that no thread has: those that were returned, and all from `next` on.
struct Free {
    returned: Vec<usize>,
    next: usize,
}

static FREE: Mutex<Free> = Mutex::new(Free { returned: Vec::new(), next: 0 });

/// An index that belongs to one thread.
struct Claim(usize);

impl Drop for Claim {
    fn drop(&mut self) {
        INDEX.set(SHARED);
        FREE.lock().unwrap_or_else(PoisonError::into_inner).returned.push(self.0);
    }
}

/// Claims an index for this thread. Of the C ABI because that doesn't unwind, see
/// [`announce`](Hits::announce).
#[cold]
extern "C" fn claim_index() {
    INDEX.set(SHARED);
    if let Some(claim) = claim() {
        let index = claim.0;
        // A thread that is ending keeps no claim, and shares.
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

    /// More threads than there are counters, one set after the other.
    #[test]
    fn hits_of_many_threads_are_all_counted() {
        let hits = Arc::new(Hits::new(Arc::default()));
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
    fn caches_count_apart() {
        let [one, other] = [(); 2].map(|()| Hits::new(Arc::default()));
        (0..3).for_each(|_| one.count());
        other.count();
        assert_eq!((one.take(), other.take()), (3, 1));
    }

    #[tokio::test]
    async fn first_hit_wakes_the_timer_and_the_next_ones_do_not() {
        let wake = Arc::new(Notify::new());
        let hits = Hits::new(Arc::clone(&wake));
        hits.announce();
        hits.count();
        wake.notified().await;
        hits.announce();
        hits.count();
        assert!(hits.is_awake());
        hits.rest();
        hits.announce();
        hits.count();
        wake.notified().await;
    }
}
