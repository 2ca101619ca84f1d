//! The queue of loads that wait for a permit: its order and deadlines.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use secret_cache::{Cache, Load, LoadErrorKind, Loaded};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::source::{Failure, Got, INTERVAL, Source, get};

const LATENCY: Duration = Duration::from_millis(100);

/// Hundreds of refreshes are due and two may run. A miss waits for at most these two and one more.
#[tokio::test(start_paused = true)]
async fn miss_is_preferred_to_queued_refreshes() {
    let source = Source::new();
    let cache = source.builder().max_loads(2).build().unwrap();
    for key in 0..300 {
        get(&cache, key).await;
        get(&cache, key).await;
    }
    source.takes(LATENCY);
    tokio::time::advance(INTERVAL).await;
    sleep(Duration::from_millis(5)).await;
    assert_eq!(source.running(), 2);
    let start = Instant::now();
    assert_eq!(get(&cache, 9_999).await, Got::Loaded(1));
    assert!(start.elapsed() <= LATENCY * 3, "{:?}", start.elapsed());
    // Refreshes are not starved.
    sleep(LATENCY * 160).await;
    assert_eq!(source.refreshes(), 300);
}

/// A source that never responds, with a deadline that is set when the load is requested.
struct Hanging {
    deadline: Duration,
    polled_late: AtomicU32,
}

impl Load<u32> for Hanging {
    type Value = u32;
    type Error = Failure;

    fn load(&self, _: &u32) -> impl Future<Output = Result<Loaded<u32>, Failure>> + Send {
        let deadline = Instant::now() + self.deadline;
        async move {
            if Instant::now() >= deadline {
                self.polled_late.fetch_add(1, Relaxed);
            }
            sleep_until(deadline).await;
            Err(Failure(LoadErrorKind::Unavailable))
        }
    }
}

/// The deadlines of queued loads have passed when they get a permit, so that the queue empties at
/// once.
#[tokio::test(start_paused = true)]
async fn deadline_of_a_load_covers_its_wait_for_a_permit() {
    let deadline = Duration::from_secs(5);
    let loader = Hanging { deadline, polled_late: AtomicU32::new(0) };
    let cache = Arc::new(Cache::builder(loader).max_loads(2).build().unwrap());
    let (mut callers, start) = (JoinSet::new(), Instant::now());
    for key in 0..1_000 {
        let cache = Arc::clone(&cache);
        callers.spawn(async move { cache.get(&key).await.map(drop) });
    }
    for result in callers.join_all().await {
        assert_eq!(result.unwrap_err().kind(), LoadErrorKind::Unavailable);
    }
    assert!(start.elapsed() <= deadline + Duration::from_millis(2), "{:?}", start.elapsed());
}
