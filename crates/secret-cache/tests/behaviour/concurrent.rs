//! Random sequences of events with overlapping callers and loads. The results vary, within what
//! each caller may rely on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use secret_cache::{Origin, Version};
use tokio::task::JoinSet;
use tokio::time::{Instant, advance, timeout};

use crate::model::{Event, event};
use crate::source::{INTERVAL, Key, MAX_STALE, ReadResult, Source, SourceCache};

/// Longer than some of the time steps and shorter than others.
const LATENCY: Duration = Duration::from_millis(700);

/// What a caller may rely on from the start of its call.
struct Guarantee {
    /// The serial number of the last write of the key that was reported to the cache.
    least: u64,
}

impl Guarantee {
    fn check(&self, result: &ReadResult) {
        let Ok(value) = result else { return };
        assert!(value.serial >= self.least, "{} is older than {}", value.serial, self.least);
        assert_eq!(value.serial, value.version().number());
        if value.origin() == Origin::Memory {
            assert!(value.age() < INTERVAL + MAX_STALE, "served after it expired");
            assert_eq!(value.is_stale(), value.age() >= INTERVAL);
            assert!(
                value.expires.is_none_or(|end| Instant::now() < end),
                "served after its lifetime"
            );
        }
    }
}

async fn refresh(cache: Arc<SourceCache>, key: Key, only: Option<u64>, least: u64) {
    let refreshed = match only {
        None => cache.refresh(&key).await,
        Some(version) => cache.refresh_if_version(&key, version).await,
    };
    let after = refreshed.after.map(Version::number);
    if refreshed.error.is_none() {
        assert!(after.is_none_or(|after| after >= least), "{after:?} is older than {least}");
    }
}

async fn read(cache: Arc<SourceCache>, key: Key, guarantee: Guarantee, patience: Duration) {
    if let Ok(result) = timeout(patience, cache.get(&key)).await {
        guarantee.check(&result);
    }
}

/// Runs every task until it waits for time to pass.
async fn quiesce() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

async fn run(events: Vec<(Event, u64)>) {
    let source = Source::new();
    source.takes(LATENCY);
    let cache = Arc::new(source.cache());
    let mut reported = HashMap::<Key, u64>::new();
    let mut callers = JoinSet::new();
    for (event, patience) in events {
        match event {
            Event::Get(key) => {
                let least = reported.get(&key).copied().unwrap_or(0);
                let guarantee = Guarantee { least };
                let patience = Duration::from_millis(patience);
                callers.spawn(read(Arc::clone(&cache), key, guarantee, patience));
            }
            Event::Advance(span) => {
                advance(span).await;
            }
            // A replica that lags is excluded, because it may return a value from before an
            // invalidation.
            Event::Set(crate::source::Mode::Lags) => {}
            Event::Set(mode) => source.set(mode),
            Event::Limit(lifetime) => source.limits(lifetime),
            Event::Write(key) => {
                source.write(key);
            }
            Event::Invalidate(key) => {
                cache.invalidate(&key);
                reported.insert(key, source.serial(key));
            }
            Event::Prime(key) => {
                let serial = source.serial(key);
                cache.prime(Instant::now(), [(key, source.loaded(serial))]);
            }
            Event::Replace(key) | Event::ReplaceLate(key) => {
                let serial = source.write(key);
                cache.replace(&key, source.loaded(serial));
                reported.insert(key, serial);
            }
            Event::Refresh(key) | Event::RefreshIf(key, _) => {
                let least = reported.get(&key).copied().unwrap_or(0);
                let only = match event {
                    Event::RefreshIf(_, version) => Some(version),
                    _ => None,
                };
                callers.spawn(refresh(Arc::clone(&cache), key, only, least));
            }
            Event::Clear => {
                cache.clear();
                for key in 0..3 {
                    reported.insert(key, source.serial(key));
                }
            }
        }
        quiesce().await;
        assert!(source.running() <= 3, "one load for each of three keys");
    }
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    drop(cache);
    tokio::task::yield_now().await;
    assert_eq!((source.running(), source.values()), (0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(512)
    })]

    #[test]
    fn overlapping_reads_keep_every_guarantee(
        events in prop::collection::vec((event(), 1..3_000_u64), 1..80)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(events));
    }
}
