//! Forced refreshes: which load is the result, how often there is one, and what stays if it fails.

use std::sync::Arc;
use std::time::Duration;

use secret_cache::{LoadErrorKind, Origin, Refreshed};
use tokio::task::JoinSet;
use tokio::time::{Instant, advance, sleep, timeout};

use crate::source::{
    Failure, Got, INTERVAL, Key, MAX_STALE, Mode, Source, SourceCache, Value, get, just_under,
    pass, settle, summary,
};

const SECOND: Duration = Duration::from_secs(1);
const LATENCY: Duration = Duration::from_millis(500);
const UNAVAILABLE: Got = Got::Failed(LoadErrorKind::Unavailable);

type Summary = (Option<u64>, Option<u64>, Option<Got>);

async fn refresh(cache: &SourceCache, key: Key) -> Summary {
    summary(&cache.refresh(&key).await)
}

/// Starts a refresh of key 1 on a task of its own.
async fn started(cache: &Arc<SourceCache>) -> JoinSet<Summary> {
    let (cache, mut tasks) = (Arc::clone(cache), JoinSet::new());
    tasks.spawn(async move { refresh(&cache, 1).await });
    settle().await;
    tasks
}

/// A cache with the first version of these keys, and its source.
async fn with_values(keys: u32) -> (Source, Arc<SourceCache>) {
    let source = Source::new();
    let cache = Arc::new(source.cache());
    for key in 1..=keys {
        assert_eq!(get(&cache, key).await, Got::Loaded(1));
    }
    pass(SECOND).await;
    (source, cache)
}

#[tokio::test(start_paused = true)]
async fn fresh_value_is_loaded_and_both_versions_are_reported() {
    let (source, cache) = with_values(1).await;
    assert_eq!(refresh(&cache, 1).await, (Some(1), Some(1), None), "unchanged");
    source.write(1);
    pass(SECOND).await;
    let refreshed = cache.refresh(&1).await;
    assert_eq!(summary(&refreshed), (Some(1), Some(2), None));
    let value = refreshed.into_value().unwrap();
    assert_eq!((value.serial, value.origin()), (2, Origin::Loaded));
    assert_eq!(get(&cache, 1).await, Got::Cached(2));
    assert_eq!((source.loads(), source.refreshes()), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn missing_value_is_loaded() {
    let source = Source::new();
    let cache = source.cache();
    assert_eq!(refresh(&cache, 1).await, (None, Some(1), None));
    assert_eq!((source.loads(), source.refreshes()), (1, 0), "as for any caller without a value");
    assert_eq!(get(&cache, 1).await, Got::Cached(1));
}

#[tokio::test(start_paused = true)]
async fn failed_refresh_keeps_the_old_value_for_as_long_as_without_it() {
    for (mode, error) in [
        (Mode::Down, UNAVAILABLE),
        (Mode::Unauthenticated, Got::Failed(LoadErrorKind::Unauthenticated)),
        (Mode::Panics, Got::Panicked),
        (Mode::Lags, Got::Outdated),
    ] {
        let source = Source::new();
        source.write(1);
        let cache = source.cache();
        let start = Instant::now();
        assert_eq!(get(&cache, 1).await, Got::Loaded(2));
        source.set(mode);
        pass(SECOND).await;
        let refreshed = cache.refresh(&1).await;
        assert_eq!(summary(&refreshed), (Some(2), Some(2), Some(error)), "{mode:?}");
        let value = refreshed.into_value().unwrap();
        assert_eq!((value.serial, value.origin()), (2, Origin::Memory), "{mode:?}");
        drop(value);
        for (age, expected) in [
            (SECOND * 2, Got::Cached(2)),
            (just_under(INTERVAL), Got::Cached(2)),
            (INTERVAL, Got::Stale(2)),
            (just_under(INTERVAL + MAX_STALE), Got::Stale(2)),
        ] {
            pass(age.saturating_sub(start.elapsed())).await;
            assert_eq!(get(&cache, 1).await, expected, "{mode:?} at {age:?}");
        }
        pass((INTERVAL + MAX_STALE).saturating_sub(start.elapsed())).await;
        assert!(cache.peek(&1).is_none(), "{mode:?}");
    }
}

/// The failure of a value that isn't due does not cause further loads.
#[tokio::test(start_paused = true)]
async fn failed_refresh_of_a_fresh_value_is_not_repeated() {
    let (source, cache) = with_values(1).await;
    source.set(Mode::Down);
    assert_eq!(refresh(&cache, 1).await.2, Some(UNAVAILABLE));
    pass(SECOND * 60).await;
    assert_eq!((source.loads(), get(&cache, 1).await), (2, Got::Cached(1)));
}

#[tokio::test(start_paused = true)]
async fn negative_response_to_a_refresh_ends_serving() {
    for (mode, kind) in
        [(Mode::NotFound, LoadErrorKind::NotFound), (Mode::Denied, LoadErrorKind::Denied)]
    {
        let (source, cache) = with_values(1).await;
        source.set(mode);
        assert_eq!(refresh(&cache, 1).await, (Some(1), None, Some(Got::Failed(kind))));
        assert_eq!((get(&cache, 1).await, source.values()), (Got::Failed(kind), 0));
    }
}

#[tokio::test(start_paused = true)]
async fn cached_negative_response_is_refreshed() {
    let source = Source::new();
    let cache = source.cache();
    source.set(Mode::NotFound);
    assert_eq!(get(&cache, 1).await, Got::Failed(LoadErrorKind::NotFound));
    source.set(Mode::Up);
    assert_eq!(get(&cache, 1).await, Got::Failed(LoadErrorKind::NotFound), "it is cached");
    assert_eq!(refresh(&cache, 1).await, (None, Some(1), None));
    assert_eq!(get(&cache, 1).await, Got::Cached(1));
}

/// As for any caller, a key without a value is loaded once a second at most.
#[tokio::test(start_paused = true)]
async fn recent_failure_without_a_value_is_the_result() {
    let source = Source::new();
    let cache = source.cache();
    source.set(Mode::Down);
    assert_eq!(get(&cache, 1).await, UNAVAILABLE);
    assert_eq!((refresh(&cache, 1).await, source.loads()), ((None, None, Some(UNAVAILABLE)), 1));
    advance(SECOND).await;
    assert_eq!((refresh(&cache, 1).await, source.loads()), ((None, None, Some(UNAVAILABLE)), 2));
}

#[tokio::test(start_paused = true)]
async fn thousand_concurrent_refreshes_share_one_load() {
    for mode in [Mode::Up, Mode::Down] {
        let (source, cache) = with_values(1).await;
        source.takes(LATENCY);
        source.set(mode);
        source.write(1);
        let mut callers = JoinSet::new();
        for _ in 0..1_000 {
            let cache = Arc::clone(&cache);
            callers.spawn(async move { refresh(&cache, 1).await });
        }
        let expected = match mode {
            Mode::Up => (Some(1), Some(2), None),
            _ => (Some(1), Some(1), Some(UNAVAILABLE)),
        };
        assert!(callers.join_all().await.iter().all(|result| *result == expected), "{mode:?}");
        assert_eq!(source.loads(), 2, "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn load_that_began_before_the_refresh_is_not_its_result() {
    let source = Source::new();
    source.takes(LATENCY);
    let cache = Arc::new(source.cache());
    let start = Instant::now();
    let mut reader = JoinSet::new();
    let shared = Arc::clone(&cache);
    reader.spawn(async move { get(&shared, 1).await });
    settle().await;
    source.write(1);
    let refreshes = [started(&cache).await, started(&cache).await];
    assert_eq!(reader.join_next().await.unwrap().unwrap(), Got::Loaded(1));
    assert_eq!(get(&cache, 1).await, Got::Cached(1));
    for mut refresh in refreshes {
        assert_eq!(refresh.join_next().await.unwrap().unwrap(), (None, Some(2), None));
    }
    assert!(start.elapsed() >= LATENCY * 2, "{:?}", start.elapsed());
    assert_eq!((source.loads(), source.most_running()), (2, 1));
}

/// A load that waits for a permit reads the source after the refresh was requested.
#[tokio::test(start_paused = true)]
async fn queued_load_is_joined() {
    let source = Source::new();
    source.takes(LATENCY);
    let cache = Arc::new(source.builder().max_loads(1).build().unwrap());
    let mut readers = JoinSet::new();
    for key in [2, 1] {
        let cache = Arc::clone(&cache);
        readers.spawn(async move { get(&cache, key).await });
        settle().await;
    }
    source.write(1);
    assert_eq!(refresh(&cache, 1).await, (None, Some(2), None));
    assert_eq!(source.loads(), 2);
}

#[tokio::test(start_paused = true)]
async fn repeat_within_a_second_has_the_previous_result() {
    for (mode, result) in [
        (Mode::Up, (Some(1), Some(2), None)),
        (Mode::Down, (Some(1), Some(1), Some(UNAVAILABLE))),
        (Mode::NotFound, (Some(1), None, Some(Got::Failed(LoadErrorKind::NotFound)))),
    ] {
        let (source, cache) = with_values(1).await;
        source.write(1);
        source.set(mode);
        let start = Instant::now();
        while start.elapsed() < SECOND {
            assert_eq!((refresh(&cache, 1).await, source.loads()), (result, 2), "{mode:?}");
            advance(Duration::from_millis(100)).await;
        }
        source.set(Mode::Up);
        let serial = source.write(1);
        let (_, after, error) = refresh(&cache, 1).await;
        assert_eq!((after, error, source.loads()), (Some(serial), None, 3), "{mode:?}");
    }
}

/// The second counts from the start of the load, which the repeat joins while it runs.
#[tokio::test(start_paused = true)]
async fn repeat_after_a_second_of_a_slow_refresh_waits_for_another_load() {
    let (source, cache) = with_values(1).await;
    source.takes(SECOND * 3);
    let mut first = started(&cache).await;
    pass(SECOND / 2).await;
    source.write(1);
    let mut early = started(&cache).await;
    pass(SECOND).await;
    let mut late = started(&cache).await;
    assert_eq!(first.join_next().await.unwrap().unwrap(), (Some(1), Some(1), None));
    assert_eq!(early.join_next().await.unwrap().unwrap(), (Some(1), Some(1), None));
    assert_eq!(late.join_next().await.unwrap().unwrap(), (Some(1), Some(2), None));
    assert_eq!((source.loads(), source.most_running()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn write_within_the_second_allows_another_refresh() {
    for invalidates in [true, false] {
        let (source, cache) = with_values(1).await;
        assert_eq!(refresh(&cache, 1).await, (Some(1), Some(1), None));
        let serial = source.write(1);
        if invalidates {
            cache.invalidate(&1);
        } else {
            cache.replace(&1, source.loaded(serial));
        }
        source.write(1);
        let before = (!invalidates).then_some(2);
        assert_eq!(refresh(&cache, 1).await, (before, Some(3), None));
    }
}

#[tokio::test(start_paused = true)]
async fn write_during_a_refresh_is_not_undone() {
    let (source, cache) = with_values(1).await;
    source.takes(LATENCY);
    let mut task = started(&cache).await;
    let serial = source.write(1);
    assert!(cache.replace(&1, source.loaded(serial)));
    pass(LATENCY / 2).await;
    assert_eq!(get(&cache, 1).await, Got::Cached(2));
    source.write(1);
    // The load was ended by the write, and another one has begun.
    assert_eq!(task.join_next().await.unwrap().unwrap(), (Some(1), Some(2), None));
    assert_eq!((source.loads(), get(&cache, 1).await), (3, Got::Cached(2)));
}

#[tokio::test(start_paused = true)]
async fn conditional_refresh_loads_only_the_version_in_memory() {
    let (source, cache) = with_values(1).await;
    let refresh_if = async |version| summary(&cache.refresh_if_version(&1, version).await);
    source.write(1);
    assert_eq!((refresh_if(2).await, source.loads()), ((Some(1), Some(1), None), 1));
    assert_eq!((refresh_if(1).await, source.loads()), ((Some(1), Some(2), None), 2));
    // A second caller with the same version finds the new one.
    assert_eq!((refresh_if(1).await, source.loads()), ((Some(2), Some(2), None), 2));
    cache.invalidate(&1);
    assert_eq!((refresh_if(2).await, source.loads()), ((None, None, None), 2));
}

/// The callers whose provider rejected version 1 at the same time.
#[tokio::test(start_paused = true)]
async fn concurrent_conditional_refreshes_share_one_load() {
    let (source, cache) = with_values(1).await;
    source.takes(LATENCY);
    source.write(1);
    let mut callers = JoinSet::new();
    for caller in 0..100_u64 {
        let cache = Arc::clone(&cache);
        callers.spawn(async move {
            sleep(Duration::from_millis(caller * 20)).await;
            cache.refresh_if_version(&1, 1).await.into_value().unwrap().serial
        });
    }
    assert!(callers.join_all().await.iter().all(|serial| *serial == 2));
    assert_eq!(source.loads(), 2);
}

#[tokio::test(start_paused = true)]
async fn refreshes_during_an_outage_share_one_probe_a_second() {
    let (source, cache) = with_values(100).await;
    source.set(Mode::Down);
    let start = Instant::now();
    source.log();
    while start.elapsed() < SECOND * 10 {
        for key in 1..=100 {
            let expected = (Some(1), Some(1), Some(UNAVAILABLE));
            assert_eq!(refresh(&cache, key).await, expected, "{key}");
        }
        advance(Duration::from_millis(100)).await;
    }
    let starts: Vec<_> = source.log().into_iter().map(|(_, at)| at).collect();
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] >= SECOND), "{starts:?}");
    assert_eq!(starts.len(), 10);
    // The first response allows all others.
    source.set(Mode::Up);
    source.write(100);
    assert_eq!(refresh(&cache, 1).await.2, None);
    assert_eq!(refresh(&cache, 100).await, (Some(1), Some(2), None));
}

/// An operator refreshes all keys as soon as the source has returned.
#[tokio::test(start_paused = true)]
async fn refreshes_wait_for_the_probe_that_ends_an_outage() {
    for (mode, expected) in
        [(Mode::Up, (Some(1), Some(1), None)), (Mode::Down, (Some(1), Some(1), Some(UNAVAILABLE)))]
    {
        let (source, cache) = with_values(100).await;
        source.set(Mode::Down);
        assert_eq!(refresh(&cache, 1).await.2, Some(UNAVAILABLE));
        advance(SECOND).await;
        source.takes(Duration::from_millis(100));
        source.set(mode);
        let before = source.loads();
        let refreshed = cache.refresh_all().await;
        assert!(refreshed.iter().all(|(_, result)| summary(result) == expected), "{mode:?}");
        let loads = source.loads() - before;
        assert_eq!(loads, if mode == Mode::Up { 100 } else { 1 }, "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn queued_refreshes_end_when_an_outage_is_detected() {
    let (source, cache) = {
        let source = Source::new();
        let cache = source.builder().max_loads(4).build().unwrap();
        (source, Arc::new(cache))
    };
    for key in 0..100 {
        get(&cache, key).await;
    }
    source.set(Mode::Down);
    source.takes(LATENCY);
    let mut callers = JoinSet::new();
    for key in 0..100 {
        let cache = Arc::clone(&cache);
        callers.spawn(async move { refresh(&cache, key).await });
    }
    let results = callers.join_all().await;
    assert!(results.iter().all(|result| *result == (Some(1), Some(1), Some(UNAVAILABLE))));
    assert_eq!(source.loads() - 100, 4);
}

#[tokio::test(start_paused = true)]
async fn refresh_of_all_keys_is_bounded_and_behind_misses() {
    let source = Source::new();
    let builder = source.builder().max_loads(4).max_waiting_loads(8);
    let cache = Arc::new(builder.build().unwrap());
    for key in 0..100 {
        get(&cache, key).await;
        source.write(key);
    }
    source.set(Mode::NotFound);
    assert_eq!(get(&cache, 200).await, Got::Failed(LoadErrorKind::NotFound));
    source.set(Mode::Up);
    source.takes(LATENCY);
    let (shared, mut all) = (Arc::clone(&cache), JoinSet::new());
    all.spawn(async move { shared.refresh_all().await });
    settle().await;
    let start = Instant::now();
    assert_eq!(get(&cache, 300).await, Got::Loaded(1));
    assert!(start.elapsed() <= LATENCY * 3, "{:?}", start.elapsed());
    let results = all.join_next().await.unwrap().unwrap();
    let mut keys: Vec<_> = results.iter().map(|(key, _)| *key).collect();
    keys.sort_unstable();
    assert_eq!(keys, (0..100).collect::<Vec<_>>(), "the keys with a value");
    for (key, result) in &results {
        assert_eq!(summary(result), (Some(1), Some(2), None), "{key}");
    }
    assert_eq!(source.most_running(), 4);
}

#[tokio::test(start_paused = true)]
async fn full_queue_keeps_the_old_value() {
    let source = Source::new();
    let builder = source.builder().max_loads(1).max_waiting_loads(0);
    let cache = Arc::new(builder.build().unwrap());
    get(&cache, 1).await;
    source.takes(LATENCY);
    let mut reader = JoinSet::new();
    let shared = Arc::clone(&cache);
    reader.spawn(async move { get(&shared, 2).await });
    settle().await;
    assert_eq!(refresh(&cache, 1).await, (Some(1), Some(1), Some(Got::Busy)));
    assert_eq!(get(&cache, 1).await, Got::Cached(1));
}

#[tokio::test(start_paused = true)]
async fn caller_that_gives_up_does_not_cancel_the_refresh() {
    let (source, cache) = with_values(1).await;
    source.takes(LATENCY);
    source.write(1);
    assert!(timeout(LATENCY / 2, cache.refresh(&1)).await.is_err());
    pass(LATENCY).await;
    assert_eq!((get(&cache, 1).await, source.loads()), (Got::Cached(2), 2));
    assert_eq!(refresh(&cache, 1).await, (Some(1), Some(2), None), "its result is remembered");
}

#[tokio::test(start_paused = true)]
async fn refresh_without_caching_loads_and_keeps_nothing() {
    let source = Source::new();
    let cache = source.builder().refresh_interval(Duration::ZERO).build().unwrap();
    let refreshed = cache.refresh(&1).await;
    assert_eq!(summary(&refreshed), (None, Some(1), None));
    assert_eq!(refreshed.into_value().unwrap().serial, 1);
    let repeated = cache.refresh(&1).await;
    assert_eq!(summary(&repeated), (None, Some(1), None));
    assert!(repeated.into_value().is_none(), "the value is not kept");
    assert_eq!((source.loads(), source.values()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn handle_is_refreshed_like_its_key() {
    let (source, cache) = with_values(1).await;
    let mut handle = cache.handle(&1);
    source.write(1);
    assert_eq!(summary(&handle.refresh().await), (Some(1), Some(2), None));
    assert_eq!(handle.changed().await.unwrap().serial, 2);
    assert_eq!(summary(&handle.refresh().await), (Some(1), Some(2), None), "a repeat");
    assert_eq!(handle.get().await.unwrap().serial, 2);
    pass(SECOND).await;
    source.write(1);
    assert_eq!(summary(&handle.refresh_if_version(1).await), (Some(2), Some(2), None));
    assert_eq!(summary(&handle.refresh_if_version(2).await), (Some(2), Some(3), None));
}

/// An operator's refresh of a value is no use of it, but a caller that takes the value reads it.
#[tokio::test(start_paused = true)]
async fn refreshed_value_is_in_use_only_if_it_is_taken() {
    for takes in [false, true] {
        let (source, cache) = with_values(1).await;
        let refreshed = cache.refresh(&1).await;
        if takes {
            drop(refreshed.into_value());
        }
        let loads = source.loads();
        pass(INTERVAL).await;
        assert_eq!(source.loads() - loads, usize::from(takes));
    }
}

#[tokio::test(start_paused = true)]
async fn result_shows_no_value_and_its_future_can_be_sent() {
    fn check_send<F: Future + Send>(future: F) -> F {
        future
    }
    fn check<T: Send + Sync>(_: &T) {}
    let (_source, cache) = with_values(1).await;
    let refreshed: Refreshed<Key, Value, Failure> = check_send(cache.refresh(&1)).await;
    check(&refreshed);
    let text = format!("{refreshed:?}");
    assert!(
        text.starts_with("Refreshed { before: Some(Version") && text.ends_with(".. }"),
        "{text}"
    );
}
