//! Many values at once, read from the source a moment ago: they never undo what came after.

use std::time::Duration;

use tokio::time::{Instant, advance};

use crate::source::{Got, INTERVAL, Mode, NS, Source, get, pass};

#[tokio::test(start_paused = true)]
async fn what_is_primed_is_served_and_ages_from_when_it_was_read() {
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
    assert_eq!(source.log().len(), 1, "only what was asked for is loaded again");
}

#[tokio::test(start_paused = true)]
async fn nothing_that_came_after_is_undone() {
    let source = Source::new();
    let cache = source.cache();
    advance(NS).await;
    let read_at = Instant::now();
    advance(NS).await;
    cache.replace(&1, source.loaded(2)); // newer by its version
    cache.replace(&2, source.loaded(1)); // as new, but told of later
    cache.replace(&3, source.loaded(9));
    cache.invalidate(&3); // what was read may be what this ended
    let primed = |serial| (1..=4).map(move |key| (key, serial));
    let taken = cache.prime(read_at, primed(1).map(|(key, serial)| (key, source.loaded(serial))));
    assert_eq!(taken, 0, "after the invalidation, nothing that was read before it");
    advance(NS).await;
    let taken =
        cache.prime(Instant::now(), primed(1).map(|(key, serial)| (key, source.loaded(serial))));
    assert_eq!(taken, 3, "all but the one that is newer");
    assert_eq!(get(&cache, 1).await, Got::Cached(2));
    assert_eq!(get(&cache, 3).await, Got::Cached(1));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_already_is_not_taken() {
    let source = Source::new();
    let cache = source.builder().max_stale(Duration::ZERO).build().unwrap();
    let read_at = Instant::now();
    advance(INTERVAL).await;
    assert_eq!(cache.prime(read_at, [(1, source.loaded(1))]), 0);
}
