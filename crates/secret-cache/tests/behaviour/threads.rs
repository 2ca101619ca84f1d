//! Multi-threaded runtimes on real time: hits that don't read the clock, and when they must.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::source::{Got, Mode, Source, get};

/// The timeout of a test that would wait forever otherwise.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// Polls until the condition holds.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let polls = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(timeout(TEST_TIMEOUT, polls).await.is_ok(), "{what}");
}

/// The flags of the entries are all that readers rely on. `state/scan.rs` tests without a
/// clock when the flags are set.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn readers_on_threads_see_refreshes_and_the_end_of_serving() {
    let source = Source::new();
    let (interval, max_stale) = (Duration::from_millis(400), Duration::from_millis(200));
    let builder = source.builder().refresh_interval(interval).max_stale(max_stale);
    let cache = Arc::new(builder.build().unwrap());
    get(&cache, 1).await;
    let ends = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for _ in 0..2 {
        let (cache, ends) = (Arc::clone(&cache), Arc::clone(&ends));
        readers.spawn(async move {
            while !ends.load(Ordering::Relaxed) {
                if let Ok(value) = cache.get(&1).await {
                    assert_eq!(value.serial, 1);
                    assert!(!value.is_stale() || value.age() >= interval);
                }
                tokio::task::yield_now().await;
            }
        });
    }
    until("the value is refreshed", async || source.loads() >= 4).await;
    source.set(Mode::Down);
    until("the value is no longer served", async || cache.get(&1).await.is_err()).await;
    source.set(Mode::Up);
    until("there is a value again", async || cache.get(&1).await.is_ok()).await;
    ends.store(true, Ordering::Relaxed);
    readers.join_all().await;
}

#[test]
fn hits_read_the_clock_after_the_runtime_has_ended() {
    let source = Source::new();
    let (interval, max_stale) = (Duration::from_millis(200), Duration::from_millis(100));
    let builder = source.builder().refresh_interval(interval).max_stale(max_stale);
    let cache = builder.build().unwrap();
    let first = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    assert_eq!(first.block_on(get(&cache, 1)), Got::Loaded(1));
    first.block_on(async { cache.get(&1).await.unwrap() });
    drop(first);
    let start = Instant::now();
    while cache.peek(&1).is_some() {
        assert!(start.elapsed() < TEST_TIMEOUT);
        std::thread::yield_now();
    }

    // Another runtime takes over.
    let second = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    second.block_on(async {
        get(&cache, 1).await;
        get(&cache, 1).await;
        until("the value is refreshed", async || source.loads() >= 3).await;
    });
}

#[test]
fn hits_read_the_clock_on_a_single_threaded_runtime() {
    let source = Source::new();
    let interval = Duration::from_millis(30);
    let builder = source.builder().refresh_interval(interval).max_stale(Duration::ZERO);
    let cache = builder.build().unwrap();
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let value = runtime.block_on(cache.get(&1)).unwrap();
    while value.age() < interval {
        std::thread::yield_now();
    }
    // The refresher couldn't run.
    assert!(cache.peek(&1).is_none());
    assert_eq!(runtime.block_on(get(&cache, 1)), Got::Loaded(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn value_is_dropped_with_its_last_reference() {
    let source = Source::new();
    let cache = source.cache();
    get(&cache, 1).await;
    let value = cache.get(&1).await.unwrap();
    cache.invalidate(&1);
    assert_eq!(source.values(), 1);
    // A reference is sent to another thread and held across an await point.
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        tokio::task::yield_now().await;
        value.serial
    });
    assert_eq!(tasks.join_all().await, [1]);
    // The task of the load may not have ended yet, and the refresher may be scanning the entries.
    until("the value is dropped", async || source.values() == 0).await;
}
