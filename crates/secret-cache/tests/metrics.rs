//! The metrics that are reported to the `metrics` facade.

#![cfg(test)]

use std::collections::BTreeMap;
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use secret_cache::{Cache, Load, LoadError, LoadErrorKind, Loaded};

#[derive(Debug)]
struct Failure(LoadErrorKind);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Failure {}

impl LoadError for Failure {
    fn kind(&self) -> LoadErrorKind {
        self.0
    }
}

/// A source without key 404, which becomes unavailable after an hour.
struct Source(tokio::time::Instant);

impl Load<u32> for Source {
    type Value = u32;
    type Error = Failure;

    async fn load(&self, key: &u32) -> Result<Loaded<u32>, Failure> {
        if self.0.elapsed() >= Duration::from_secs(3_600) {
            return Err(Failure(LoadErrorKind::Unavailable));
        }
        if *key == 404 { Err(Failure(LoadErrorKind::NotFound)) } else { Ok(Loaded::new(*key)) }
    }
}

async fn life() {
    let cache = Cache::builder(Source(tokio::time::Instant::now()))
        .name(String::from("keys"))
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
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// Takes the reported hits of each cache.
fn hits(recorder: &DebuggingRecorder) -> BTreeMap<String, u64> {
    let snapshot = recorder.snapshotter().snapshot().into_vec().into_iter();
    let hits = snapshot.filter(|(key, ..)| key.key().name() == "secret_cache_hits_total");
    hits.map(|(key, _, _, value)| {
        let DebugValue::Counter(count) = value else { panic!("{value:?}") };
        (key.key().labels().next().unwrap().value().to_owned(), count)
    })
    .collect()
}

#[test]
fn few_hits_are_reported_within_a_second_per_cache() {
    let recorder = DebuggingRecorder::new();
    let runtime = runtime();
    let build =
        |name| Cache::builder(Source(tokio::time::Instant::now())).name(name).build().unwrap();
    let second = Duration::from_secs(1);
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let (quiet, busy) = (build("quiet"), build("busy"));
            for cache in [&quiet, &busy] {
                cache.get(&1).await.unwrap();
            }
            for round in 1..=3 {
                quiet.get(&1).await.unwrap();
                for _ in 0..5_000 {
                    busy.get(&1).await.unwrap();
                }
                tokio::time::sleep(second).await;
                // A snapshot resets the counts.
                let expected = [("busy", 5_000), ("quiet", 1)];
                let expected = expected.map(|(name, count)| (name.to_owned(), count));
                assert_eq!(hits(&recorder), BTreeMap::from(expected), "round {round}");
                tokio::time::sleep(second * 60).await;
                assert!(hits(&recorder).values().all(|count| *count == 0), "round {round}");
            }
            // The rest is reported when the cache is dropped.
            quiet.get(&1).await.unwrap();
            drop(quiet);
            assert_eq!(hits(&recorder).get("quiet"), Some(&1));
        });
    });
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

/// A repeat within a second causes no load.
#[test]
fn forced_loads_are_counted() {
    let recorder = DebuggingRecorder::new();
    metrics::with_local_recorder(&recorder, || {
        runtime().block_on(async {
            let source = Source(tokio::time::Instant::now());
            let cache = Cache::builder(source).name("keys").build().unwrap();
            for key in [1, 404] {
                drop(cache.get(&key).await);
                tokio::time::sleep(Duration::from_secs(1)).await;
                for _ in 0..3 {
                    cache.refresh(&key).await;
                }
            }
        });
    });
    for (key, _, _, value) in recorder.snapshotter().snapshot().into_vec() {
        let expected = match key.key().name() {
            "secret_cache_forced_refreshes_total" => 2,
            "secret_cache_loads_total" => 3,
            "secret_cache_refreshes_total" => 1,
            _ => continue,
        };
        assert_eq!(value, DebugValue::Counter(expected), "{key:?}");
    }
}

#[test]
fn all_metrics_have_the_name_of_the_cache() {
    let recorder = DebuggingRecorder::new();
    let runtime = runtime();
    metrics::with_local_recorder(&recorder, || runtime.block_on(life()));
    let counts: BTreeMap<_, _> = recorder
        .snapshotter()
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| {
            let labels: Vec<_> = key.key().labels().map(|l| (l.key(), l.value())).collect();
            assert!(labels.contains(&("cache", "keys")), "{labels:?}");
            let kind = labels.iter().find(|(key, _)| *key == "kind").map_or("", |(_, kind)| *kind);
            let DebugValue::Counter(count) = value else { panic!("{value:?}") };
            (format!("{} {kind}", key.key().name()), count)
        })
        .collect();
    let count = |name: &str| counts.get(name).copied().unwrap_or(0);
    assert_eq!(count("secret_cache_misses_total "), 13);
    assert_eq!(count("secret_cache_loads_total "), 13);
    assert_eq!(count("secret_cache_load_errors_total not_found"), 1);
    assert_eq!(count("secret_cache_stale_served_total "), 5);
    assert_eq!(count("secret_cache_evictions_total "), 3);
    let refreshes = count("secret_cache_refreshes_total ");
    assert!((1..=10).contains(&refreshes), "{counts:?}");
    assert_eq!(count("secret_cache_load_errors_total unavailable"), refreshes);
    // Stale values are served from memory too.
    assert_eq!(count("secret_cache_hits_total "), 3_000 + 5);
}
