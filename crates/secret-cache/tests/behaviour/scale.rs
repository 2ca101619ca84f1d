//! Ten thousand concurrent readers or keys cause no more loads than necessary.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secret_cache::LoadErrorKind;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::source::{Got, INTERVAL, Mode, Source, get, pass};

const HERD: u32 = 10_000;

/// All callers receive an error within their deadline.
#[tokio::test(start_paused = true)]
async fn misses_at_a_dead_source_cause_one_load_per_retry_delay() {
    let source = Source::new();
    source.takes(Duration::from_millis(300));
    source.set(Mode::Down);
    let cache = Arc::new(source.cache());
    let mut callers = JoinSet::new();
    let start = Instant::now();
    for caller in 0..HERD {
        let cache = Arc::clone(&cache);
        callers.spawn(async move {
            tokio::time::sleep(Duration::from_millis(u64::from(caller))).await;
            timeout(Duration::from_millis(400), get(&cache, 1)).await
        });
    }
    for result in callers.join_all().await {
        assert_eq!(result.unwrap(), Got::Failed(LoadErrorKind::Unavailable));
    }
    let loads: Vec<_> =
        source.log().into_iter().map(|(_, at)| (at - start).as_millis() / 100).collect();
    // Each load takes 0.3 s, and the retry delay is a second.
    assert_eq!(loads, [0, 13, 26, 39, 52, 65, 78, 91]);
}

/// They come due at random times in the last tenth of the interval.
#[tokio::test(start_paused = true)]
async fn keys_loaded_together_are_not_refreshed_together() {
    let interval = Duration::from_secs(300);
    let source = Source::new();
    let cache = Arc::new(source.builder().refresh_interval(interval).build().unwrap());
    for key in 0..HERD {
        get(&cache, key).await;
    }
    let start = Instant::now();
    source.log();
    let mut a_second = BTreeMap::<u64, usize>::new();
    for _ in 0..interval.as_millis() / 500 {
        pass(Duration::from_millis(500)).await;
    }
    for (_, at) in source.log() {
        assert!(at - start >= interval / 10 * 9);
        assert!(at - start <= interval + Duration::from_millis(2));
        *a_second.entry((at - start).as_secs()).or_default() += 1;
    }
    let (all, busiest) = (a_second.values().sum::<usize>(), a_second.values().max());
    assert_eq!(all, usize::try_from(HERD).unwrap());
    let mean = all / 30;
    assert!(*busiest.unwrap() <= 2 * mean, "{busiest:?} in a second, {mean} on average");
}

#[tokio::test(start_paused = true)]
async fn overdue_value_has_one_refresh_for_all_waiting_readers() {
    let source = Source::new();
    let cache = Arc::new(source.cache());
    cache.replace(&1, source.loaded(1));
    source.takes(Duration::from_millis(900));
    pass(INTERVAL).await;
    let mut callers = JoinSet::new();
    for _ in 0..HERD {
        let cache = Arc::clone(&cache);
        callers.spawn(async move { get(&cache, 1).await });
    }
    assert!(callers.join_all().await.iter().all(|got| *got == Got::Loaded(1)));
    assert_eq!(source.loads(), 1);
}
