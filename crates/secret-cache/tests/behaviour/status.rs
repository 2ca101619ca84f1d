//! The status of the cache, for operators.

use std::sync::Arc;
use std::time::Duration;

use secret_cache::{KeyState, LoadErrorKind, Version};
use tokio::task::JoinSet;

use crate::source::{Got, INTERVAL, Mode, NEGATIVE, Source, SourceCache, get, pass};

/// The state, the version, the age in seconds and the kind of the last error.
type Row = (KeyState, Option<u64>, Option<u64>, Option<LoadErrorKind>);

fn row(cache: &SourceCache, key: u32) -> Option<Row> {
    let mut status = cache.status();
    let key = status.keys.remove(&key)?;
    let error = key.error.map(|error| error.kind());
    Some((key.state, key.version.map(Version::number), key.age.map(|age| age.as_secs()), error))
}

#[tokio::test(start_paused = true)]
async fn value_is_fresh_and_then_stale_with_the_error_of_its_refresh() {
    let source = Source::new();
    let cache = source.cache();
    assert_eq!(row(&cache, 1), None);
    get(&cache, 1).await;
    pass(Duration::from_secs(7)).await;
    assert_eq!(row(&cache, 1), Some((KeyState::Fresh, Some(1), Some(7), None)));
    let due = cache.status().keys[&1].refresh_in.unwrap();
    assert!(due + Duration::from_secs(7) >= INTERVAL / 10 * 9 && due < INTERVAL, "{due:?}");
    source.set(Mode::Down);
    pass(INTERVAL).await;
    assert_eq!(get(&cache, 1).await, Got::Stale(1));
    let unavailable = Some(LoadErrorKind::Unavailable);
    assert_eq!(row(&cache, 1), Some((KeyState::Stale, Some(1), Some(107), unavailable)));
    let retry = cache.status().keys[&1].refresh_in.unwrap();
    assert!(retry <= Duration::from_secs(1), "{retry:?}");
}

#[tokio::test(start_paused = true)]
async fn missing_key_is_negative_until_it_may_be_loaded_again() {
    let source = Source::new();
    let cache = source.cache();
    source.set(Mode::NotFound);
    get(&cache, 1).await;
    let expected = (KeyState::Negative, None, None, Some(LoadErrorKind::NotFound));
    assert_eq!(row(&cache, 1), Some(expected));
    assert_eq!(cache.status().keys[&1].refresh_in, Some(NEGATIVE));
    pass(NEGATIVE).await;
    assert_eq!(row(&cache, 1), None);
}

#[tokio::test(start_paused = true)]
async fn key_without_a_value_is_loading_while_its_load_is_in_flight() {
    let source = Source::new();
    source.takes(Duration::from_secs(3));
    let cache = Arc::new(source.cache());
    let mut readers = JoinSet::new();
    let reader = Arc::clone(&cache);
    readers.spawn(async move { get(&reader, 1).await });
    pass(Duration::from_secs(1)).await;
    assert_eq!(row(&cache, 1), Some((KeyState::Loading, None, None, None)));
    readers.join_all().await;
    assert_eq!(row(&cache, 1).unwrap().0, KeyState::Fresh);
}

#[tokio::test(start_paused = true)]
async fn entries_bytes_hits_and_misses_are_counted() {
    let source = Source::new();
    let cache = source.builder().max_bytes(1_000, |_, _| 10).build().unwrap();
    get(&cache, 1).await;
    get(&cache, 2).await;
    get(&cache, 1).await;
    source.set(Mode::NotFound);
    get(&cache, 3).await;
    let status = cache.status();
    assert_eq!((status.entries, status.bytes), (3, 20));
    assert_eq!((status.hits, status.misses), (1, 3));
}

/// A status call is not an access, which would keep every value in memory and refresh it.
#[tokio::test(start_paused = true)]
async fn status_does_not_count_as_an_access() {
    let source = Source::new();
    let cache = source.cache();
    cache.replace(&1, source.loaded(1));
    for _ in 0..INTERVAL.as_secs() {
        cache.status();
        pass(Duration::from_secs(1)).await;
    }
    assert_eq!(source.loads(), 0);
    assert_eq!(cache.status().hits, 0);
}

#[tokio::test(start_paused = true)]
async fn all_keys_of_a_large_cache_are_reported_once() {
    const KEYS: u32 = 100_000;
    let source = Source::new();
    let cache = source.builder().max_entries(KEYS as usize).build().unwrap();
    for key in 0..KEYS {
        cache.replace(&key, source.loaded(1));
    }
    let status = cache.status();
    assert_eq!((status.keys.len(), status.entries), (KEYS as usize, KEYS as usize));
    assert!((0..KEYS).all(|key| status.keys.contains_key(&key)));
}
