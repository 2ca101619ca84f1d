//! Outages of the source: when it is probed, and what happens when it is available again.

use std::time::Duration;

use secret_cache::LoadErrorKind;
use tokio::time::{Instant, advance, sleep};

use crate::source::{Got, INTERVAL, Mode, Source, SourceCache, get, pass, settle};

const SECOND: Duration = Duration::from_secs(1);

/// A cache with values of these keys that were never read, all past their refresh interval.
async fn overdue(keys: u32) -> (Source, SourceCache) {
    let source = Source::new();
    let cache = source.cache();
    for key in 0..keys {
        cache.replace(&key, source.loaded(1));
    }
    pass(INTERVAL).await;
    assert_eq!(source.loads(), 0);
    (source, cache)
}

async fn timed(cache: &SourceCache, key: u32) -> (Got, Duration) {
    let start = Instant::now();
    (get(cache, key).await, start.elapsed())
}

/// Only the first reader waits to detect the outage.
#[tokio::test(start_paused = true)]
async fn readers_do_not_wait_while_the_source_is_known_to_be_unavailable() {
    let (source, cache) = overdue(100).await;
    source.set(Mode::Down);
    source.takes(Duration::from_millis(700));
    let (got, waited) = timed(&cache, 0).await;
    assert!(got == Got::Stale(1) && waited >= Duration::from_millis(700));
    let start = Instant::now();
    for round in 0..400 {
        assert_eq!(timed(&cache, round % 100).await, (Got::Stale(1), Duration::ZERO));
        sleep(Duration::from_millis(25)).await;
    }
    let probes = source.loads() - 1;
    let elapsed = usize::try_from(start.elapsed().as_secs()).unwrap();
    assert!((elapsed / 2..=elapsed + 1).contains(&probes), "{probes} probes in {elapsed} s");
}

/// Without readers there are no probes.
#[tokio::test(start_paused = true)]
async fn outage_without_a_recent_probe_is_forgotten() {
    let (source, cache) = overdue(2).await;
    source.set(Mode::Down);
    assert_eq!(get(&cache, 0).await, Got::Stale(1));
    cache.invalidate(&0);
    source.set(Mode::Up);
    source.write(1);
    pass(SECOND * 3).await;
    assert_eq!(get(&cache, 1).await, Got::Loaded(2), "the source is called again");
}

#[tokio::test(start_paused = true)]
async fn one_response_makes_every_key_refreshable() {
    for result in [Mode::Up, Mode::NotFound, Mode::Denied] {
        let (source, cache) = overdue(100).await;
        source.set(Mode::Down);
        assert_eq!(get(&cache, 0).await, Got::Stale(1));
        assert_eq!(get(&cache, 1).await, Got::Stale(1));
        source.set(result);
        // The response is that to a miss of another key.
        get(&cache, 1_000).await;
        source.set(Mode::Up);
        for key in 1..100 {
            assert_eq!(get(&cache, key).await, Got::Loaded(1), "{result:?}: {key}");
        }
    }
}

/// A key that no server accepts, such as one that is too long, says nothing about other keys.
#[tokio::test(start_paused = true)]
async fn failed_miss_is_not_an_outage() {
    let (source, cache) = overdue(2).await;
    source.set(Mode::Down);
    assert_eq!(get(&cache, 9).await, Got::Failed(LoadErrorKind::Unavailable));
    source.set(Mode::Up);
    assert_eq!(get(&cache, 1).await, Got::Loaded(1));
}

/// A refresh that waits for its permit is not sent after another one has detected the outage.
#[tokio::test(start_paused = true)]
async fn queued_refreshes_are_cancelled_when_an_outage_is_detected() {
    let source = Source::new();
    let cache = source.builder().max_loads(2).build().unwrap();
    for key in 0..200 {
        get(&cache, key).await;
        get(&cache, key).await;
    }
    source.set(Mode::Down);
    source.takes(Duration::from_millis(500));
    source.log();
    // All of them come due at once.
    advance(INTERVAL).await;
    sleep(Duration::from_millis(900)).await;
    let detected = source.log().len();
    assert!(detected <= 4, "{detected} requests before the outage was detected");
    sleep(SECOND * 10).await;
    let probes = source.log().len();
    assert!((8..=11).contains(&probes), "{probes} probes in 10 s");
    source.set(Mode::Up);
    source.takes(Duration::from_millis(5));
    sleep(SECOND * 3).await;
    for key in 0..200 {
        assert_eq!(get(&cache, key).await, Got::Cached(1), "{key}");
    }
}

/// As soon as the loader is logged in, each key is loaded.
#[tokio::test(start_paused = true)]
async fn failed_login_is_not_cached_for_a_key() {
    let source = Source::new();
    let cache = source.cache();
    source.set(Mode::Unauthenticated);
    for loads in 1..=3 {
        assert_eq!(get(&cache, 1).await, Got::Failed(LoadErrorKind::Unauthenticated));
        assert_eq!((source.loads(), cache.len()), (loads, 0));
    }
    source.set(Mode::Up);
    assert_eq!(get(&cache, 1).await, Got::Loaded(1));
}

#[tokio::test(start_paused = true)]
async fn watched_key_is_retried_until_the_loader_is_logged_in() {
    let source = Source::new();
    let cache = source.cache();
    source.set(Mode::Unauthenticated);
    let mut handle = cache.handle(&1);
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { drop(handle.changed().await) });
    settle().await;
    pass(SECOND * 5).await;
    assert!(tasks.try_join_next().is_none());
    source.set(Mode::Up);
    sleep(SECOND + Duration::from_millis(2)).await;
    assert!(tasks.try_join_next().is_some(), "{} loads", source.loads());
}
