//! Handles: reads without a lookup, and changes.

use std::sync::Arc;
use std::time::Duration;

use secret_cache::{LoadErrorKind, Version};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::source::{
    Got, INTERVAL, Key, MAX_STALE, Mode, Source, SourceCache, get, got, pass, settle,
};

const SECOND: Duration = Duration::from_secs(1);

type Handle = secret_cache::Handle<Key, Source>;

#[tokio::test(start_paused = true)]
async fn handle_returns_the_value_of_the_cache() {
    let source = Source::new();
    let cache = source.cache();
    let handle = cache.handle(&1);
    assert!(handle.peek().is_none() && source.loads() == 0);
    assert_eq!(got(&handle.get().await), Got::Loaded(1));
    assert_eq!(
        got(&cache.handle(&1).get().await),
        Got::Cached(1),
        "the handle was created after the value"
    );
    assert_eq!(get(&cache, 1).await, Got::Cached(1));
    cache.replace(&1, source.loaded(5));
    assert_eq!(got(&handle.get().await), Got::Cached(5));
    cache.invalidate(&1);
    assert!(handle.peek().is_none());
    source.set(Mode::NotFound);
    assert!(handle.get().await.is_err());
    source.set(Mode::Up);
    cache.clear();
    assert_eq!(got(&handle.get().await), Got::Loaded(1));
    assert_eq!(source.values(), 1);
}

#[tokio::test(start_paused = true)]
async fn handle_does_not_return_an_expired_value() {
    let source = Source::new();
    let cache = source.cache();
    let handle = cache.handle(&1);
    handle.get().await.unwrap();
    source.set(Mode::Down);
    tokio::time::advance(INTERVAL + MAX_STALE).await;
    assert!(handle.peek().is_none());
    settle().await;
    assert_eq!(source.values(), 0);
}

#[tokio::test(start_paused = true)]
async fn handle_keeps_the_cache_alive() {
    let source = Source::new();
    let handle = source.cache().handle(&1);
    assert_eq!(got(&handle.get().await), Got::Loaded(1));
    pass(INTERVAL).await;
    assert_eq!((got(&handle.get().await), source.loads()), (Got::Cached(1), 2));
    drop(handle);
    settle().await;
    assert_eq!(source.values(), 0);
}

/// Waits for a change on a task of its own.
fn watch(handle: &Handle) -> JoinHandle<()> {
    let mut handle = handle.clone();
    #[expect(clippy::disallowed_methods, reason = "the test joins or aborts the task")]
    tokio::spawn(async move { drop(handle.changed().await) })
}

#[tokio::test(start_paused = true)]
async fn rotation_is_a_change_and_a_refresh_is_not() {
    let source = Source::new();
    let cache = Arc::new(source.cache());
    let mut handle = cache.handle(&1);
    handle.get().await.unwrap();
    assert_eq!(got(&handle.changed().await), Got::Cached(1), "the first value");
    let waits = watch(&handle);
    // It is never read. The watcher keeps it fresh.
    for _ in 0..5 {
        pass(INTERVAL).await;
    }
    assert_eq!(source.loads(), 6);
    assert!(!waits.is_finished());
    let serial = source.write(1);
    pass(INTERVAL).await;
    assert!(waits.is_finished());
    assert_eq!(got(&handle.changed().await), Got::Cached(serial), "it came before this call");
    cache.replace(&1, source.loaded(serial + 1));
    assert_eq!(handle.changed().await.unwrap().version(), Version::new(serial + 1));
}

#[tokio::test(start_paused = true)]
async fn deletion_is_a_change_and_so_is_the_next_value() {
    let source = Source::new();
    let cache = source.cache();
    let mut handle = cache.handle(&1);
    handle.get().await.unwrap();
    handle.changed().await.unwrap();
    source.set(Mode::NotFound);
    let waits = watch(&handle);
    pass(INTERVAL).await;
    assert!(waits.is_finished());
    assert_eq!(got(&handle.changed().await), Got::Failed(LoadErrorKind::NotFound));
    let waits = watch(&handle);
    source.set(Mode::Up);
    pass(INTERVAL).await;
    assert!(waits.is_finished(), "a watched key is loaded once per interval");
}

/// A cleared key is loaded again for its watchers, like an invalidated one.
#[tokio::test(start_paused = true)]
async fn clear_notifies_watched_keys() {
    for invalidate in [true, false] {
        let source = Source::new();
        let cache = source.cache();
        let mut handle = cache.handle(&1);
        handle.get().await.unwrap();
        handle.changed().await.unwrap();
        let waits = watch(&handle);
        settle().await;
        let serial = source.write(1);
        if invalidate {
            cache.invalidate(&1);
        } else {
            cache.clear();
        }
        pass(Duration::from_millis(1)).await;
        assert!(waits.is_finished());
        assert_eq!(got(&handle.get().await), Got::Cached(serial));
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_for_changes_loads_the_value() {
    let source = Source::new();
    let cache = source.cache();
    let handle = cache.handle(&1);
    source.set(Mode::Down);
    let waits = watch(&handle);
    settle().await;
    pass(Duration::from_secs(2)).await;
    assert!(source.loads() >= 2 && !waits.is_finished());
    source.set(Mode::Up);
    pass(Duration::from_secs(5)).await;
    assert!(waits.is_finished());
    cache.invalidate(&1);
    let waits = watch(&handle);
    let serial = source.write(1);
    pass(Duration::from_millis(1)).await;
    assert!(waits.is_finished());
    assert_eq!(got(&handle.get().await), Got::Cached(serial));
}

/// Returns a handle that has reported version 1, and of which version 2 is gone from memory.
async fn changed_and_evicted(source: &Source, cache: &SourceCache) -> Handle {
    let mut handle = cache.handle(&1);
    handle.get().await.unwrap();
    handle.changed().await.unwrap();
    let serial = source.write(1);
    cache.replace(&1, source.loaded(serial));
    cache.invalidate(&1);
    source.takes(SECOND * 2);
    handle
}

/// The caller gave up while it waited for the value of the change.
#[tokio::test(start_paused = true)]
async fn cancelled_call_does_not_lose_the_change() {
    let source = Source::new();
    let cache = source.cache();
    let mut handle = changed_and_evicted(&source, &cache).await;
    assert!(timeout(SECOND, handle.changed()).await.is_err());
    pass(SECOND * 3).await;
    let value = timeout(SECOND, handle.changed()).await.expect("the change is lost").unwrap();
    assert_eq!(value.serial, 2);
    assert!(timeout(SECOND, handle.changed()).await.is_err(), "the change is reported twice");
}

/// Another value is written while the caller waits for that of the first change.
#[tokio::test(start_paused = true)]
async fn changes_that_one_value_reports_are_reported_once() {
    let source = Source::new();
    let cache = Arc::new(source.cache());
    let mut handle = changed_and_evicted(&source, &cache).await;
    let (writer, newer) = (Arc::clone(&cache), source.write(1));
    let written = source.loaded(newer);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        sleep(SECOND).await;
        writer.replace(&1, written);
    });
    assert_eq!(handle.changed().await.unwrap().serial, newer);
    assert!(timeout(SECOND, handle.changed()).await.is_err(), "the change is reported twice");
}
