//! How long a reader waits for the refresh of a value that is past its refresh interval.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::source::{Got, INTERVAL, Mode, Source, SourceCache, get, got, pass};

/// Longer than a healthy source takes.
const SLOW: Duration = Duration::from_secs(5);

/// A cache with a value of version 2 that is past its refresh interval; the source has version 3.
async fn overdue(latency: Duration) -> (Source, Arc<SourceCache>) {
    let source = Source::new();
    let cache = Arc::new(source.cache());
    let serial = source.write(1);
    cache.replace(&1, source.loaded(serial));
    source.write(1);
    source.takes(latency);
    pass(INTERVAL).await;
    (source, cache)
}

/// Returns what a caller gets, and after how many milliseconds.
async fn timed(cache: &SourceCache) -> (Got, u128) {
    let start = Instant::now();
    let got = get(cache, 1).await;
    (got, start.elapsed().as_millis())
}

#[tokio::test(start_paused = true)]
async fn overdue_value_is_refreshed_before_it_is_served() {
    for latency in [0, 1, 500, 990] {
        let (source, cache) = overdue(Duration::from_millis(latency)).await;
        let (got, waited) = timed(&cache).await;
        assert_eq!(got, Got::Loaded(3));
        assert!(waited <= u128::from(latency) + 1, "{waited}");
        assert_eq!((get(&cache, 1).await, source.loads()), (Got::Cached(3), 1));
    }
}

/// The second counts from the start of the load and not from the call of each reader.
#[tokio::test(start_paused = true)]
async fn slow_load_is_waited_for_until_it_has_run_a_second() {
    let (source, cache) = overdue(SLOW).await;
    let mut readers = JoinSet::new();
    for arrival in [0, 600, 999, 1_002, 4_000] {
        let cache = Arc::clone(&cache);
        readers.spawn(async move {
            sleep(Duration::from_millis(arrival)).await;
            let (got, waited) = timed(&cache).await;
            assert_eq!(got, Got::Stale(2), "at {arrival} ms");
            // Tokio's timer has a resolution of a millisecond.
            let expected = 1_000_u128.saturating_sub(u128::from(arrival));
            assert!(waited.abs_diff(expected) <= 2, "{waited} ms at {arrival} ms");
        });
    }
    while let Some(reader) = readers.join_next().await {
        reader.unwrap();
    }
    assert_eq!(source.loads(), 1);
    sleep(SLOW).await;
    assert_eq!((get(&cache, 1).await, source.loads()), (Got::Cached(3), 1));
}

#[tokio::test(start_paused = true)]
async fn unavailable_source_delays_a_reader_by_a_second_at_most() {
    for mode in [Mode::Down, Mode::Unauthenticated, Mode::Panics] {
        let (source, cache) = overdue(Duration::from_millis(300)).await;
        source.set(mode);
        let (got, waited) = timed(&cache).await;
        assert_eq!(got, Got::Stale(2), "{mode:?}");
        assert!(waited <= 301, "{mode:?}: {waited}");
        assert_eq!(timed(&cache).await, (Got::Stale(2), 0), "{mode:?}");
        assert_eq!(source.loads(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn negative_response_is_waited_for_and_ends_serving() {
    for mode in [Mode::NotFound, Mode::Denied] {
        let (source, cache) = overdue(Duration::from_millis(300)).await;
        source.set(mode);
        assert!(matches!(get(&cache, 1).await, Got::Failed(_)), "{mode:?}");
        assert!(cache.peek(&1).is_none(), "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn peek_returns_an_overdue_value_at_once_and_refreshes_it() {
    let (source, cache) = overdue(Duration::from_millis(300)).await;
    assert!(cache.try_get(&1).is_none(), "a reader must wait");
    let start = Instant::now();
    let value = cache.peek(&1).unwrap();
    assert_eq!((value.serial, value.is_stale()), (2, false), "nothing has failed");
    assert_eq!(start.elapsed(), Duration::ZERO);
    sleep(Duration::from_millis(302)).await;
    assert_eq!((get(&cache, 1).await, source.loads()), (Got::Cached(3), 1));
}

#[tokio::test(start_paused = true)]
async fn peek_refreshes_a_value_that_was_never_read_before() {
    let (source, cache) = overdue(Duration::ZERO).await;
    assert_eq!(cache.peek(&1).unwrap().serial, 2);
    pass(Duration::from_millis(1)).await;
    assert_eq!((cache.peek(&1).unwrap().serial, source.loads()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn reader_with_a_shorter_deadline_can_peek_at_the_old_value() {
    let (source, cache) = overdue(SLOW).await;
    assert!(timeout(Duration::from_millis(200), cache.get(&1)).await.is_err());
    assert_eq!(cache.peek(&1).unwrap().serial, 2);
    assert_eq!((source.loads(), source.running()), (1, 1), "the load continues");
}

#[tokio::test(start_paused = true)]
async fn handle_waits_like_the_cache() {
    let (_source, cache) = overdue(Duration::from_millis(300)).await;
    let handle = cache.handle(&1);
    assert!(handle.try_get().is_none());
    assert_eq!(handle.peek().unwrap().serial, 2);
    assert_eq!(got(&handle.get().await), Got::Loaded(3));
    assert_eq!(handle.try_get().unwrap().serial, 3);
}

/// Nothing can be loaded without a runtime, and the old value is better than an error.
#[test]
fn overdue_value_is_served_without_a_runtime() {
    let source = Source::new();
    let builder = source.builder().refresh_interval(Duration::from_millis(1));
    let cache = builder.build().unwrap();
    cache.replace(&1, source.loaded(7));
    while cache.peek(&1).unwrap().age() < Duration::from_millis(1) {
        std::thread::yield_now();
    }
    let mut get = std::pin::pin!(cache.get(&1));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(result) = get.as_mut().poll(&mut context) else {
        panic!("the read is pending")
    };
    assert_eq!(got(&result), Got::Stale(7));
}

/// The loads of a runtime that isn't driven stand still. Readers on another one get the old value.
#[test]
fn lost_refresh_is_restarted_by_a_reader_on_another_runtime() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().unwrap()
    };
    let first = runtime();
    let (source, cache) = first.block_on(overdue(SLOW));
    first.block_on(async { timeout(Duration::from_millis(10), cache.get(&1)).await.unwrap_err() });
    drop(first);
    source.takes(Duration::ZERO);
    let second = runtime();
    second.block_on(async {
        tokio::time::advance(INTERVAL * 2).await;
        assert!(matches!(get(&cache, 1).await, Got::Loaded(3) | Got::Stale(2)));
    });
}
