//! Runtimes with threads of their own, on real time: hits that ask no clock, and what that rests on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::source::{Got, Mode, Source, get};

/// Ends a test that would wait for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks until the answer is as wanted.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let asks = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(timeout(PATIENCE, asks).await.is_ok(), "{what}");
}

/// On trusted marks alone: values come due and are loaded again, serving ends, and begins again. When
/// the marks come and go is tested without time, beside the timer.
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
                if let Ok(lent) = cache.get(&1).await {
                    assert_eq!(lent.serial, 1);
                    assert!(!lent.is_stale() || lent.age() >= interval);
                }
                tokio::task::yield_now().await;
            }
        });
    }
    until("refreshes", async || source.loads() >= 4).await;
    source.set(Mode::Down);
    until("the end of serving", async || cache.get(&1).await.is_err()).await;
    source.set(Mode::Up);
    until("a value again", async || cache.get(&1).await.is_ok()).await;
    ends.store(true, Ordering::Relaxed);
    readers.join_all().await;
}

#[test]
fn a_runtime_that_ends_leaves_no_value_that_is_trusted() {
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
        assert!(start.elapsed() < PATIENCE);
        std::thread::yield_now();
    }

    // On another one everything goes on.
    let second = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    second.block_on(async {
        get(&cache, 1).await;
        get(&cache, 1).await;
        until("a refresh", async || source.loads() >= 3).await;
    });
}

#[test]
fn on_a_runtime_that_nobody_drives_the_clock_is_asked() {
    let source = Source::new();
    let interval = Duration::from_millis(30);
    let builder = source.builder().refresh_interval(interval).max_stale(Duration::ZERO);
    let cache = builder.build().unwrap();
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let lent = runtime.block_on(cache.get(&1)).unwrap();
    while lent.age() < interval {
        std::thread::yield_now();
    }
    // The timer has had no chance.
    assert!(cache.peek(&1).is_none());
    assert_eq!(runtime.block_on(get(&cache, 1)), Got::Loaded(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_is_dropped_when_the_last_loan_is() {
    let source = Source::new();
    let cache = source.cache();
    get(&cache, 1).await;
    let lent = cache.get(&1).await.unwrap();
    cache.invalidate(&1);
    assert_eq!(source.values(), 1);
    // A loan crosses threads and awaits.
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        tokio::task::yield_now().await;
        lent.serial
    });
    assert_eq!(tasks.join_all().await, [1]);
    // The task of the load may be at its very end, and the timer may be looking through the values.
    until("the last drop", async || source.values() == 0).await;
}
