//! What is served at which age, and what each answer of the source does to it.

use std::time::Duration;

use secret_cache::Outcome;
use tokio::time::{Instant, advance};

use crate::source::{Got, INTERVAL, MAX_STALE, Mode, NEGATIVE, NS, Source, get, just_under};

/// A value is loaded, the source turns to `mode`, and the value is asked for at this age.
async fn check(mode: Mode, age: Duration, expected: Got) {
    let source = Source::new();
    source.write(1);
    let cache = source.cache();
    assert_eq!(get(&cache, 1).await, Got::Loaded(2));
    source.set(mode);
    advance(age).await;
    assert_eq!(get(&cache, 1).await, expected, "{mode:?} at {age:?}");
}

#[tokio::test(start_paused = true)]
async fn ages_have_exact_edges() {
    let unreachable = Got::Failed(Outcome::Unreachable);
    let hard = INTERVAL + MAX_STALE;
    for (mode, age, expected) in [
        (Mode::Down, Duration::ZERO, Got::Cached(2)),
        (Mode::Down, just_under(INTERVAL), Got::Cached(2)),
        (Mode::Down, INTERVAL, Got::Stale(2)),
        (Mode::Down, just_under(hard), Got::Stale(2)),
        (Mode::Down, hard, unreachable),
        (Mode::Panics, INTERVAL, Got::Stale(2)),
        (Mode::Panics, hard, Got::Panicked),
        (Mode::Lags, INTERVAL, Got::Stale(2)),
        (Mode::Lags, hard, Got::Outdated),
        (Mode::Absent, just_under(INTERVAL), Got::Cached(2)),
        (Mode::Absent, INTERVAL, Got::Failed(Outcome::Absent)),
        (Mode::Refused, INTERVAL, Got::Failed(Outcome::Refused)),
        (Mode::Up, INTERVAL, Got::Loaded(2)),
        (Mode::Up, hard, Got::Loaded(2)),
    ] {
        check(mode, age, expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_no_ends_serving_and_is_remembered_for_its_lifetime() {
    for (mode, outcome) in [(Mode::Absent, Outcome::Absent), (Mode::Refused, Outcome::Refused)] {
        let source = Source::new();
        let cache = source.cache();
        get(&cache, 1).await;
        advance(INTERVAL).await;
        source.set(mode);
        assert_eq!(get(&cache, 1).await, Got::Failed(outcome));
        assert_eq!(source.values(), 0);

        // Neither a source that is back nor one that is gone is asked before the time is over.
        source.set(Mode::Up);
        advance(just_under(NEGATIVE)).await;
        assert_eq!(get(&cache, 1).await, Got::Failed(outcome));
        assert_eq!(source.loads(), 2);
        advance(NS).await;
        source.set(Mode::Down);
        assert_eq!(get(&cache, 1).await, Got::Failed(Outcome::Unreachable));
        source.set(Mode::Up);
        assert_eq!(get(&cache, 1).await, Got::Loaded(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_no_is_not_remembered_when_its_lifetime_is_zero() {
    let source = Source::new();
    let cache = source.builder().negative_ttl(Duration::ZERO).build().unwrap();
    source.set(Mode::Absent);
    assert_eq!(get(&cache, 1).await, Got::Failed(Outcome::Absent));
    source.set(Mode::Up);
    assert_eq!(get(&cache, 1).await, Got::Loaded(1));
}

#[tokio::test(start_paused = true)]
async fn unreachable_without_a_value_is_not_remembered() {
    let source = Source::new();
    let cache = source.cache();
    source.set(Mode::Down);
    for loads in 1..=3 {
        assert_eq!(get(&cache, 1).await, Got::Failed(Outcome::Unreachable));
        assert_eq!(source.loads(), loads);
    }
    assert!(cache.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dead_source_is_tried_once_in_each_window() {
    let source = Source::new();
    let cache = source.cache();
    get(&cache, 1).await;
    advance(INTERVAL).await;
    source.set(Mode::Down);
    let start = Instant::now();
    let mut tries = Vec::new();
    while start.elapsed() < MAX_STALE {
        let before = source.loads();
        assert_eq!(get(&cache, 1).await, Got::Stale(1));
        if source.loads() > before {
            tries.push(start.elapsed().as_secs());
        }
        advance(Duration::from_millis(250)).await;
    }
    assert_eq!(tries, [0, 1, 3, 7, 15, 31]);

    // One good load, and the next outage begins with the first window again.
    source.set(Mode::Up);
    assert_eq!(get(&cache, 1).await, Got::Loaded(1));
    advance(INTERVAL).await;
    source.set(Mode::Down);
    assert_eq!(get(&cache, 1).await, Got::Stale(1));
    advance(Duration::from_secs(1)).await;
    source.set(Mode::Up);
    assert_eq!(get(&cache, 1).await, Got::Loaded(1));
}

#[tokio::test(start_paused = true)]
async fn age_counts_from_before_the_load() {
    let source = Source::new();
    let latency = Duration::from_secs(3);
    source.takes(latency);
    let cache = source.cache();
    let lent = cache.get(&1).await.unwrap();
    // The timer is a millisecond coarse.
    let late = lent.age().abs_diff(latency);
    assert!(late <= Duration::from_millis(1), "{late:?}");
    advance(Duration::from_secs(10)).await;
    assert_eq!(lent.age(), latency + late + Duration::from_secs(10));
    source.set(Mode::Down);
    advance(INTERVAL.abs_diff(lent.age())).await;
    source.takes(Duration::ZERO);
    assert_eq!(get(&cache, 1).await, Got::Stale(1));
}

#[tokio::test(start_paused = true)]
async fn an_expired_value_keeps_an_older_one_out() {
    let source = Source::new();
    let cache = source.builder().max_stale(Duration::ZERO).build().unwrap();
    let serial = source.write(1);
    cache.replace(&1, source.loaded(serial));
    source.set(Mode::Lags);
    advance(INTERVAL).await;
    assert_eq!(get(&cache, 1).await, Got::Outdated);
    source.set(Mode::Up);
    assert_eq!(get(&cache, 1).await, Got::Loaded(serial));
}
