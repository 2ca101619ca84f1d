//! What the `metrics` facade is told.

#![cfg(test)]

use std::collections::BTreeMap;
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use secret_cache::{Cache, Load, LoadError, Loaded, Outcome};

#[derive(Debug)]
struct Failure(Outcome);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Failure {}

impl LoadError for Failure {
    fn outcome(&self) -> Outcome {
        self.0
    }
}

/// Key 404 is absent, and everything is gone once an hour has passed.
struct Source(tokio::time::Instant);

impl Load<u32> for Source {
    type Value = u32;
    type Error = Failure;

    async fn load(&self, key: &u32) -> Result<Loaded<u32>, Failure> {
        if self.0.elapsed() >= Duration::from_secs(3_600) {
            return Err(Failure(Outcome::Unreachable));
        }
        if *key == 404 { Err(Failure(Outcome::Absent)) } else { Ok(Loaded::new(*key)) }
    }
}

async fn life() {
    let cache = Cache::builder(Source(tokio::time::Instant::now()))
        .name("keys")
        .refresh_interval(Duration::from_secs(3_600))
        .max_entries(10)
        .build()
        .unwrap();
    for key in 0..12 {
        cache.get(&key).await.unwrap();
    }
    assert!(cache.get(&404).await.is_err());
    for _ in 0..3_000 {
        cache.get(&11).await.unwrap();
    }
    tokio::time::advance(Duration::from_secs(3_600)).await;
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    for _ in 0..5 {
        assert!(cache.get(&11).await.unwrap().is_stale());
    }
}

#[test]
fn all_events_are_counted_with_the_caches_name() {
    let recorder = DebuggingRecorder::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || runtime.block_on(life()));
    let counts: BTreeMap<_, _> = recorder
        .snapshotter()
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| {
            let labels: Vec<_> = key.key().labels().map(|l| (l.key(), l.value())).collect();
            assert!(labels.contains(&("cache", "keys")), "{labels:?}");
            let why = labels.iter().find(|(key, _)| *key == "why").map_or("", |(_, why)| *why);
            let DebugValue::Counter(count) = value else { panic!("{value:?}") };
            (format!("{} {why}", key.key().name()), count)
        })
        .collect();
    let count = |name: &str| counts.get(name).copied().unwrap_or(0);
    assert_eq!(count("secret_cache_misses_total "), 13);
    assert_eq!(count("secret_cache_loads_total "), 13);
    assert_eq!(count("secret_cache_failures_total absent"), 1);
    assert_eq!(count("secret_cache_stale_served_total "), 5);
    assert_eq!(count("secret_cache_evictions_total "), 3);
    let refreshes = count("secret_cache_refreshes_total ");
    assert!((1..=10).contains(&refreshes), "{counts:?}");
    assert_eq!(count("secret_cache_failures_total unreachable"), refreshes);
    // By the thousand and twenty-four.
    assert_eq!(count("secret_cache_hits_total "), 2_048);
}
