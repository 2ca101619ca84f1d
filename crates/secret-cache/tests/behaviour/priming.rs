//! Priming the cache with values that were read in bulk: they never replace younger ones.

use std::time::Duration;

use tokio::time::{Instant, advance};

use crate::source::{Got, INTERVAL, Mode, NS, Source, get, pass};

#[tokio::test(start_paused = true)]
async fn primed_value_ages_from_when_it_was_read() {
    let source = Source::new();
    let cache = source.cache();
    let read_at = Instant::now();
    advance(Duration::from_secs(10)).await;
    let taken = cache.prime(read_at, (0..1_000).map(|key| (key, source.loaded(1))));
    assert_eq!((taken, cache.len()), (1_000, 1_000));
    assert_eq!(get(&cache, 7).await, Got::Cached(1));
    source.set(Mode::Down);
    pass(INTERVAL.abs_diff(Duration::from_secs(10))).await;
    assert_eq!(get(&cache, 7).await, Got::Stale(1));
    assert_eq!(source.log().len(), 1, "only the value that was read is refreshed");
}

#[tokio::test(start_paused = true)]
async fn primed_value_does_not_replace_a_younger_one() {
    let source = Source::new();
    let cache = source.cache();
    advance(NS).await;
    let read_at = Instant::now();
    advance(NS).await;
    cache.replace(&1, source.loaded(2)); // newer by its version
    cache.replace(&2, source.loaded(1)); // of the same version, but reported later
    cache.replace(&3, source.loaded(9));
    cache.invalidate(&3); // the value that was read may be the invalidated one
    let primed = |serial| (1..=4).map(move |key| (key, serial));
    let taken = cache.prime(read_at, primed(1).map(|(key, serial)| (key, source.loaded(serial))));
    assert_eq!(taken, 0, "the values were read before the invalidation");
    advance(NS).await;
    let taken =
        cache.prime(Instant::now(), primed(1).map(|(key, serial)| (key, source.loaded(serial))));
    assert_eq!(taken, 3, "all except the newer one are accepted");
    assert_eq!(get(&cache, 1).await, Got::Cached(2));
    assert_eq!(get(&cache, 3).await, Got::Cached(1));
}

#[tokio::test(start_paused = true)]
async fn primed_value_that_has_expired_is_rejected() {
    let source = Source::new();
    let cache = source.builder().max_stale(Duration::ZERO).build().unwrap();
    let read_at = Instant::now();
    advance(INTERVAL).await;
    assert_eq!(cache.prime(read_at, [(1, source.loaded(1))]), 0);
}
