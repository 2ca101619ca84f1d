//! What is served at which age, and the effect of each response of the source.

use std::time::Duration;

use secret_cache::LoadErrorKind;
use tokio::time::{Instant, advance};

use crate::source::{
    Got, INTERVAL, MAX_STALE, Mode, NEGATIVE, NS, Source, get, just_under, pass, settle,
};

/// When the first value may come due.
const FIRST_DUE: Duration = Duration::from_secs(90);

const UNAVAILABLE: Got = Got::Failed(LoadErrorKind::Unavailable);

/// Loads a value, sets the source to `mode`, and reads the value at this age, after the tasks that
/// came due have run.
async fn check(mode: Mode, age: Duration, expected: Got) {
    let source = Source::new();
    source.write(1);
    let cache = source.cache();
    assert_eq!(get(&cache, 1).await, Got::Loaded(2));
    source.set(mode);
    pass(age).await;
    assert_eq!(get(&cache, 1).await, expected, "{mode:?} at {age:?}");
}

#[tokio::test(start_paused = true)]
async fn freshness_changes_exactly_at_each_age() {
    let hard = INTERVAL + MAX_STALE;
    for (mode, age, expected) in [
        (Mode::Down, Duration::ZERO, Got::Cached(2)),
        (Mode::Down, just_under(INTERVAL), Got::Cached(2)),
        (Mode::Down, INTERVAL, Got::Stale(2)),
        (Mode::Down, just_under(hard), Got::Stale(2)),
        (Mode::Down, hard, UNAVAILABLE),
        (Mode::Panics, INTERVAL, Got::Stale(2)),
        (Mode::Panics, hard, Got::Panicked),
        (Mode::Lags, INTERVAL, Got::Stale(2)),
        (Mode::Lags, hard, Got::Outdated),
        (Mode::NotFound, just_under(FIRST_DUE), Got::Cached(2)),
        (Mode::NotFound, INTERVAL, Got::Failed(LoadErrorKind::NotFound)),
        (Mode::Denied, INTERVAL, Got::Failed(LoadErrorKind::Denied)),
        (Mode::Up, INTERVAL, Got::Cached(2)),
        (Mode::Up, hard, Got::Loaded(2)),
    ] {
        check(mode, age, expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn refresh_calls_the_refresh_method_of_the_loader() {
    let source = Source::new();
    let cache = source.cache();
    get(&cache, 1).await;
    assert_eq!((source.loads(), source.refreshes()), (1, 0));
    get(&cache, 1).await;
    pass(INTERVAL).await;
    assert_eq!((source.loads(), source.refreshes()), (2, 1), "refreshed in the background");
    cache.invalidate(&1);
    get(&cache, 1).await;
    assert_eq!((source.loads(), source.refreshes()), (3, 1));
    source.set(Mode::Down);
    pass(INTERVAL + MAX_STALE).await;
    let (loads, refreshes) = (source.loads(), source.refreshes());
    assert_eq!(loads - refreshes, 2);
    assert_eq!(get(&cache, 1).await, UNAVAILABLE);
    assert_eq!(source.loads() - source.refreshes(), 3, "a caller's own miss");
}

#[tokio::test(start_paused = true)]
async fn value_in_use_is_refreshed_ahead_and_its_readers_never_wait() {
    let source = Source::new();
    let cache = source.cache();
    get(&cache, 1).await;
    pass(just_under(FIRST_DUE)).await;
    assert_eq!((get(&cache, 1).await, source.loads()), (Got::Cached(1), 1));

    // A healthy source may take as long as this.
    source.write(1);
    source.takes(Duration::from_millis(995));
    for _ in 0..2_000 {
        pass(Duration::from_millis(10)).await;
        let value = cache.try_get(&1).expect("a reader would wait");
        assert!(!value.is_stale() && value.age() < INTERVAL, "{value:?}");
    }
    assert_eq!((get(&cache, 1).await, source.loads()), (Got::Cached(2), 2));
}

#[tokio::test(start_paused = true)]
async fn unused_value_is_not_refreshed_and_is_removed() {
    let source = Source::new();
    let cache = source.cache();
    get(&cache, 1).await;
    cache.replace(&2, source.loaded(1));
    pass(INTERVAL).await;
    let loads = |source: &Source| source.log().into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(loads(&source), [1, 1], "the written value was never read");
    // The first value was refreshed once, because it had been read.
    pass(INTERVAL.abs_diff(Duration::from_secs(1))).await;
    assert_eq!(loads(&source), []);
    assert_eq!(source.values(), 1, "the written value has expired");
    pass(MAX_STALE + Duration::from_secs(1)).await;
    assert_eq!((loads(&source).len(), source.values()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn first_reader_past_the_interval_gets_the_new_value() {
    let source = Source::new();
    let cache = source.cache();
    let serial = source.write(1);
    cache.replace(&1, source.loaded(serial));
    source.write(1);
    pass(INTERVAL).await;
    assert_eq!(source.loads(), 0);
    assert_eq!(get(&cache, 1).await, Got::Loaded(3));
    settle().await;
    assert_eq!((get(&cache, 1).await, source.loads()), (Got::Cached(3), 1));
}

#[tokio::test(start_paused = true)]
async fn negative_response_ends_serving_and_is_cached() {
    for (mode, outcome) in
        [(Mode::NotFound, LoadErrorKind::NotFound), (Mode::Denied, LoadErrorKind::Denied)]
    {
        let source = Source::new();
        let cache = source.cache();
        get(&cache, 1).await;
        source.set(mode);
        pass(INTERVAL).await;
        assert_eq!(get(&cache, 1).await, Got::Failed(outcome));
        assert_eq!((source.values(), source.loads()), (0, 2));

        // The source isn't called before the time is over, whether it is available or not.
        source.set(Mode::Up);
        advance(just_under(NEGATIVE)).await;
        assert_eq!(get(&cache, 1).await, Got::Failed(outcome));
        assert_eq!(source.loads(), 2);
        advance(NS).await;
        source.set(Mode::Down);
        assert_eq!(get(&cache, 1).await, UNAVAILABLE);
        source.set(Mode::Up);
        advance(Duration::from_secs(1)).await;
        assert_eq!(get(&cache, 1).await, Got::Loaded(1));
    }
}

#[tokio::test(start_paused = true)]
async fn negative_response_is_not_cached_if_its_ttl_is_zero() {
    let source = Source::new();
    let cache = source.builder().negative_ttl(Duration::ZERO).build().unwrap();
    source.set(Mode::NotFound);
    assert_eq!(get(&cache, 1).await, Got::Failed(LoadErrorKind::NotFound));
    source.set(Mode::Up);
    assert_eq!(get(&cache, 1).await, Got::Loaded(1));
}

/// Reads four times a second for `span`, and returns the seconds at which the source was called.
async fn tries(span: Duration, expected: Got) -> Vec<u64> {
    let source = Source::new();
    let cache = source.cache();
    let has_value = expected == Got::Stale(1);
    if has_value {
        get(&cache, 1).await;
    }
    source.set(Mode::Down);
    if has_value {
        pass(INTERVAL).await;
    }
    let start = Instant::now();
    source.log();
    // With a value, the first attempt is that of the refresher, when the value comes due.
    let mut tries = if has_value { vec![0] } else { vec![] };
    while start.elapsed() < span {
        assert_eq!(get(&cache, 1).await, expected);
        settle().await;
        tries.extend(source.log().into_iter().map(|(_, at)| (at - start).as_secs()));
        advance(Duration::from_millis(250)).await;
    }
    tries
}

#[tokio::test(start_paused = true)]
async fn dead_source_is_tried_once_a_second() {
    let with_value = tries(MAX_STALE, Got::Stale(1)).await;
    assert_eq!(with_value, (0..50).collect::<Vec<_>>());
    let without = tries(Duration::from_secs(20), UNAVAILABLE).await;
    assert_eq!(without, (0..20).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn value_is_fresh_within_a_second_after_an_outage_of_any_length() {
    let (interval, day) = (Duration::from_secs(10), Duration::from_secs(86_400));
    for outage in [1, 10, 600].map(Duration::from_secs) {
        let source = Source::new();
        let builder = source.builder().refresh_interval(interval).max_stale(day);
        let cache = builder.build().unwrap();
        for key in 0..50 {
            get(&cache, key).await;
            get(&cache, key).await;
        }
        source.takes(Duration::from_millis(20));
        source.set(Mode::Down);
        tokio::time::sleep(interval + outage).await;
        source.set(Mode::Up);
        tokio::time::sleep(Duration::from_secs(3)).await;
        for key in 0..50 {
            let value = cache.try_get(&key).expect("a reader would wait");
            assert!(!value.is_stale() && value.age() < interval, "after {outage:?}: {value:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn all_keys_together_probe_a_dead_source_once_a_second() {
    let source = Source::new();
    let cache = source.cache();
    for key in 0..200 {
        get(&cache, key).await;
    }
    source.set(Mode::Down);
    pass(INTERVAL.abs_diff(Duration::from_secs(10))).await;
    source.log();
    for _ in 0..20 * 4 {
        pass(Duration::from_millis(250)).await;
        assert!(get(&cache, 7).await != UNAVAILABLE);
    }
    // The refreshes that detected the outage were concurrent.
    let probes: Vec<_> = source.log().into_iter().map(|(_, at)| at).collect();
    let detected = probes[0];
    let later = probes.iter().filter(|at| **at > detected).collect::<Vec<_>>();
    assert!(later.windows(2).all(|pair| *pair[1] - *pair[0] >= Duration::from_secs(1)));
    assert!(later.len() >= 10, "{probes:?}");

    // The first response allows all other refreshes.
    source.set(Mode::Up);
    pass(Duration::from_secs(2)).await;
    pass(Duration::from_secs(30)).await;
    for key in 0..200 {
        assert_eq!(get(&cache, key).await, Got::Cached(1), "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn age_counts_from_the_start_of_the_load() {
    let source = Source::new();
    let latency = Duration::from_secs(3);
    source.takes(latency);
    let cache = source.cache();
    let value = cache.get(&1).await.unwrap();
    // Tokio's timer has a resolution of a millisecond.
    let late = value.age().abs_diff(latency);
    assert!(late <= Duration::from_millis(1), "{late:?}");
    advance(Duration::from_secs(10)).await;
    assert_eq!(value.age(), latency + late + Duration::from_secs(10));
    source.set(Mode::Down);
    source.takes(Duration::ZERO);
    pass(INTERVAL.abs_diff(value.age())).await;
    assert_eq!(get(&cache, 1).await, Got::Stale(1));
}

#[tokio::test(start_paused = true)]
async fn older_version_does_not_follow_an_expired_value() {
    let source = Source::new();
    let cache = source.builder().max_stale(Duration::ZERO).build().unwrap();
    let serial = source.write(1);
    cache.replace(&1, source.loaded(serial));
    source.set(Mode::Lags);
    pass(INTERVAL).await;
    assert_eq!(source.values(), 0);
    assert_eq!(get(&cache, 1).await, Got::Outdated);
    source.set(Mode::Up);
    advance(Duration::from_secs(1)).await;
    assert_eq!(get(&cache, 1).await, Got::Loaded(serial));
}
