//! The poll interval: when a value in use is loaded again, and what a failed poll changes.

use std::time::Duration;

use secret_cache::{KeyState, LoadErrorKind};
use tokio::task::JoinSet;
use tokio::time::{Instant, advance, sleep};

use crate::source::{
    Got, INTERVAL, Key, Mode, Source, SourceCache, get, got, just_under, pass, settle,
};

/// A tenth of the refresh interval.
const POLL: Duration = Duration::from_secs(10);

/// The earliest time of a poll after the load before it.
const EARLIEST: Duration = Duration::from_secs(9);

const SECOND: Duration = Duration::from_secs(1);

fn polled(source: &Source) -> SourceCache {
    source.builder().poll_interval(POLL).build().unwrap()
}

/// Reads these keys ten times a second for this time.
async fn read_for(cache: &SourceCache, keys: u32, span: Duration) {
    let start = Instant::now();
    while start.elapsed() < span {
        for key in 0..keys {
            assert!(cache.get(&key).await.is_ok());
        }
        pass(SECOND / 10).await;
    }
}

/// Returns the times between the loads of a key.
fn gaps(log: &[(Key, Instant)], key: Key) -> Vec<Duration> {
    let loads: Vec<_> = log.iter().filter(|(loaded, _)| *loaded == key).collect();
    loads.windows(2).map(|pair| pair[1].1 - pair[0].1).collect()
}

#[tokio::test(start_paused = true)]
async fn value_in_use_is_loaded_once_per_poll_interval() {
    const KEYS: u32 = 20;
    let source = Source::new();
    let cache = polled(&source);
    let minutes = 10;
    read_for(&cache, KEYS, SECOND * 60 * minutes).await;
    let log = source.log();
    for key in 0..KEYS {
        let gaps = gaps(&log, key);
        assert!(gaps.iter().all(|gap| (EARLIEST..=POLL).contains(gap)), "{key}: {gaps:?}");
    }
    // Six a minute, or one in nine tenths of the interval, and the first one.
    let (least, most) = (KEYS * minutes * 6, KEYS * (minutes * 60 / 9 + 1));
    let loads = u32::try_from(log.len()).unwrap();
    assert!((least..=most).contains(&loads), "{loads} is not in {least}..={most}");
    assert_eq!(source.refreshes(), log.len() - 20, "all but the first are refreshes");
}

#[tokio::test(start_paused = true)]
async fn written_value_is_served_within_the_poll_interval() {
    let source = Source::new();
    let cache = polled(&source);
    read_for(&cache, 1, SECOND * 25).await;
    let serial = source.write(0);
    read_for(&cache, 1, POLL).await;
    assert_eq!(get(&cache, 0).await, Got::Cached(serial));
}

/// The refresh interval alone decides when a reader waits.
#[tokio::test(start_paused = true)]
async fn idle_value_is_only_polled_by_its_next_reader() {
    let source = Source::new();
    let cache = polled(&source);
    get(&cache, 1).await;
    // It was read since it was loaded, so that it is polled once.
    pass(POLL).await;
    assert_eq!(source.loads(), 2);
    source.write(1);
    pass(INTERVAL / 2).await;
    assert_eq!(source.loads(), 2);
    assert_eq!(get(&cache, 1).await, Got::Cached(1));
    settle().await;
    assert_eq!((get(&cache, 1).await, source.loads()), (Got::Cached(2), 3));
}

/// A caller with a miss path of its own finds the value that another one has loaded meanwhile.
#[tokio::test(start_paused = true)]
async fn idle_value_is_polled_by_a_caller_after_its_miss() {
    let source = Source::new();
    let cache = polled(&source);
    cache.replace(&1, source.loaded(1));
    source.write(1);
    pass(POLL).await;
    assert_eq!((got(&cache.load(&1).await), source.loads()), (Got::Cached(1), 0));
    settle().await;
    assert_eq!((get(&cache, 1).await, source.loads()), (Got::Cached(2), 1));
}

#[tokio::test(start_paused = true)]
async fn failed_poll_keeps_the_value_fresh_until_the_refresh_interval() {
    for mode in [Mode::Down, Mode::Unauthenticated, Mode::Panics, Mode::Lags] {
        let source = Source::new();
        source.write(1);
        let cache = polled(&source);
        get(&cache, 1).await;
        source.set(mode);
        let start = Instant::now();
        pass(POLL).await;
        for _ in 0..4 * 80 {
            pass(SECOND / 4).await;
            assert_eq!(get(&cache, 1).await, Got::Cached(2), "{mode:?}");
            assert_eq!(cache.status().keys[&1].state, KeyState::Fresh, "{mode:?}");
        }
        // It is retried as after any other failure, and no more.
        let tries = source.log().len() - 1;
        assert!((70..=82).contains(&tries), "{tries} loads, {mode:?}");
        pass(just_under(INTERVAL).abs_diff(start.elapsed())).await;
        assert_eq!(get(&cache, 1).await, Got::Cached(2), "{mode:?}");
        pass(SECOND).await;
        assert_eq!(get(&cache, 1).await, Got::Stale(2), "{mode:?}");
        source.set(Mode::Up);
        source.write(1);
        pass(SECOND * 2).await;
        assert_eq!(get(&cache, 1).await, Got::Cached(3), "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn negative_response_to_a_poll_ends_serving() {
    for (mode, kind) in
        [(Mode::NotFound, LoadErrorKind::NotFound), (Mode::Denied, LoadErrorKind::Denied)]
    {
        let source = Source::new();
        let cache = polled(&source);
        get(&cache, 1).await;
        source.set(mode);
        pass(POLL).await;
        assert_eq!(get(&cache, 1).await, Got::Failed(kind));
    }
}

#[tokio::test(start_paused = true)]
async fn polls_of_all_keys_probe_a_dead_source_once_a_second() {
    const KEYS: u32 = 200;
    let source = Source::new();
    let cache = polled(&source);
    read_for(&cache, KEYS, SECOND).await;
    source.set(Mode::Down);
    source.log();
    read_for(&cache, KEYS, SECOND * 60).await;
    let probes: Vec<_> = source.log().into_iter().map(|(_, at)| at).collect();
    let detected = probes[0];
    // The polls that detected the outage were concurrent.
    let later: Vec<_> = probes.iter().filter(|at| **at > detected).collect();
    assert!(later.windows(2).all(|pair| *pair[1] - *pair[0] >= SECOND), "{later:?}");
    assert!((44..=52).contains(&later.len()), "{} probes", later.len());

    source.set(Mode::Up);
    read_for(&cache, KEYS, SECOND * 3).await;
    for key in 0..KEYS {
        let value = cache.get(&key).await.unwrap();
        assert!(value.age() < POLL, "{key} was not polled: {:?}", value.age());
    }
}

/// A watched key without a value is loaded as often as one with a value, also while the timer
/// visits other entries.
#[tokio::test(start_paused = true)]
async fn watched_key_is_polled_without_readers() {
    for mode in [Mode::Up, Mode::NotFound] {
        let source = Source::new();
        let cache = polled(&source);
        for key in 1..20 {
            cache.replace(&key, source.loaded(1));
        }
        source.set(mode);
        let mut handle = cache.handle(&0);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // The first value is a change.
            while handle.changed().await.is_ok_and(|value| value.serial == 1) {}
        });
        for _ in 0..600 {
            pass(SECOND / 10).await;
        }
        let log = source.log();
        let gaps = gaps(&log, 0);
        assert!(gaps.iter().all(|gap| (EARLIEST..=POLL).contains(gap)), "{mode:?}: {gaps:?}");
        assert_eq!(log.len(), 7, "{mode:?}: other keys are idle");
        source.set(Mode::Up);
        source.write(0);
        pass(POLL).await;
        assert!(tasks.try_join_next().is_some(), "{mode:?}: the change was not noticed");
    }
}

#[tokio::test(start_paused = true)]
async fn loader_that_may_not_poll_is_called_at_the_refresh_interval() {
    let source = Source::new();
    let cache = polled(&source);
    source.may_poll(false);
    read_for(&cache, 5, SECOND * 89).await;
    assert_eq!(source.loads(), 5);
    let due = cache.status().keys[&1].refresh_in.unwrap();
    assert!(due <= SECOND * 11 && due > Duration::ZERO, "{due:?}");
    read_for(&cache, 5, SECOND * 11).await;
    assert_eq!(source.loads(), 10);

    // A change is known after the next load.
    source.may_poll(true);
    cache.invalidate(&0);
    get(&cache, 0).await;
    read_for(&cache, 5, POLL * 3).await;
    let polls = source.loads() - 11;
    assert!((15..=20).contains(&polls), "{polls}");
    source.may_poll(false);
    source.log();
    read_for(&cache, 5, SECOND * 75).await;
    assert_eq!(source.log(), []);
}

#[tokio::test(start_paused = true)]
async fn status_has_the_time_to_the_next_poll() {
    let source = Source::new();
    let cache = polled(&source);
    get(&cache, 1).await;
    let due = cache.status().keys[&1].refresh_in.unwrap();
    assert!((EARLIEST..POLL).contains(&due), "{due:?}");
}

#[tokio::test(start_paused = true)]
async fn poll_interval_above_the_refresh_interval_has_no_effect() {
    let source = Source::new();
    let cache = source.builder().poll_interval(INTERVAL * 2).build().unwrap();
    get(&cache, 1).await;
    advance(just_under(INTERVAL)).await;
    settle().await;
    assert_eq!((get(&cache, 1).await, source.loads()), (Got::Cached(1), 2));
}

/// A load that takes as long as a healthy source may take ends within the poll interval.
#[tokio::test(start_paused = true)]
async fn poll_is_early_enough_for_its_load() {
    let source = Source::new();
    let cache = source.builder().poll_interval(POLL * 2).build().unwrap();
    get(&cache, 1).await;
    source.takes(Duration::from_millis(995));
    for _ in 0..600 {
        sleep(SECOND / 10).await;
        let value = cache.try_get(&1).expect("a reader would wait");
        assert!(value.age() < POLL * 2, "{:?}", value.age());
    }
}
