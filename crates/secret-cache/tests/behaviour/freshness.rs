//! The freshness guarantee, with overlapping readers and loads:
//!
//! - If the source responds within a second, no reader gets a value older than the refresh interval
//!   and the time of one load.
//! - If the source fails, no reader gets one older than `max_stale` past the interval.
//! - After a negative response, or past the end of the value's own lifetime, no reader gets it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use secret_cache::{Error, Origin};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::source::{INTERVAL, Key, MAX_STALE, Mode, ReadResult, Source, SourceCache};

/// The longest that a load takes on a healthy source.
const LOAD: Duration = Duration::from_millis(990);

/// How long a hung load takes to fail.
const HANGS: Duration = Duration::from_secs(10);

/// After this time a source counts as healthy again: a hung load has failed, and an outage is
/// forgotten.
const RECOVERY: Duration = Duration::from_secs(14);

/// Tokio's timer has a resolution of a millisecond.
const COARSE: Duration = Duration::from_millis(2);

#[derive(Clone, Copy, Debug)]
enum Event {
    Read(Key),
    Pass(Duration),
    /// The source responds in this mode from now on, after this time.
    Set(Mode, Duration),
    Limit(Option<Duration>),
    Invalidate(Key),
}

fn event() -> impl Strategy<Value = Event> {
    let healthy = (0..990_u64).prop_map(|ms| Event::Set(Mode::Up, Duration::from_millis(ms)));
    let unhealthy = prop::sample::select(vec![
        Event::Set(Mode::Down, Duration::from_millis(50)),
        Event::Set(Mode::Down, HANGS),
        Event::Set(Mode::Up, HANGS),
        Event::Set(Mode::Unauthenticated, Duration::ZERO),
        Event::Set(Mode::NotFound, Duration::from_millis(50)),
        Event::Set(Mode::Denied, Duration::from_millis(50)),
    ]);
    let lifetimes = prop::sample::select(vec![None, Some(3), Some(97), Some(130)]);
    prop_oneof![
        16 => (0..3_u32).prop_map(Event::Read),
        8 => (1..3_000_u64).prop_map(|ms| Event::Pass(Duration::from_millis(ms))),
        4 => (1..160_u64).prop_map(|seconds| Event::Pass(Duration::from_secs(seconds))),
        3 => healthy,
        1 => unhealthy,
        1 => lifetimes.prop_map(|s| Event::Limit(s.map(Duration::from_secs))),
        1 => (0..3_u32).prop_map(Event::Invalidate),
    ]
}

/// Since when the source has been healthy without interruption.
type Health = Arc<Mutex<Option<Instant>>>;

fn check(result: &ReadResult, key: Key, called: Instant, source: &Source, health: &Health) {
    let Ok(value) = result else {
        assert!(matches!(result, Err(Error::Load(_) | Error::Expired)), "{result:?}");
        return;
    };
    assert!(value.age() < INTERVAL + MAX_STALE + COARSE, "after it expired: {value:?}");
    assert!(!source.is_negative(key), "served after a negative response: {value:?}");
    if value.origin() == Origin::Memory {
        assert!(
            value.expires.is_none_or(|end| Instant::now() < end),
            "after its lifetime: {value:?}"
        );
    }
    let healthy_since = *health.lock().unwrap();
    if healthy_since.is_some_and(|since| since + RECOVERY <= called) {
        assert!(!value.is_stale(), "stale on a healthy source: {value:?}");
        assert!(value.age() < INTERVAL + LOAD + COARSE, "old on a healthy source: {value:?}");
    }
}

async fn read(cache: Arc<SourceCache>, key: Key, source: Source, health: Health) {
    let called = Instant::now();
    let result = cache.get(&key).await;
    check(&result, key, called, &source, &health);
    let waited = called.elapsed();
    let is_old = result.is_ok_and(|value| value.origin() == Origin::Memory);
    assert!(!is_old || waited <= Duration::from_secs(1) + COARSE, "waited {waited:?}");
}

async fn run(events: Vec<Event>, poll_interval: Duration) {
    let source = Source::new();
    let cache = source.builder().poll_interval(poll_interval).build().unwrap();
    let cache = Arc::new(cache);
    let health: Health = Arc::new(Mutex::new(Some(Instant::now())));
    let mut readers = JoinSet::new();
    for event in events {
        match event {
            Event::Read(key) => {
                let (cache, health) = (Arc::clone(&cache), Arc::clone(&health));
                readers.spawn(read(cache, key, source.clone(), health));
            }
            Event::Pass(span) => sleep(span).await,
            Event::Set(mode, latency) => {
                source.set(mode);
                source.takes(latency);
                let mut since = health.lock().unwrap();
                let is_healthy = mode == Mode::Up && latency <= LOAD;
                *since = if is_healthy { since.or(Some(Instant::now())) } else { None };
            }
            Event::Limit(lifetime) => source.limits(lifetime),
            Event::Invalidate(key) => {
                cache.invalidate(&key);
                source.clear_response(key);
            }
        }
    }
    while let Some(reader) = readers.join_next().await {
        reader.unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(768)
    })]

    #[test]
    fn no_reader_gets_a_value_older_than_the_rule_allows(
        events in prop::collection::vec(event(), 1..120),
        poll_interval in prop::sample::select(vec![0, 10]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(events, Duration::from_secs(poll_interval)));
    }
}
