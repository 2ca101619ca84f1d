//! A load that began before a write never undoes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use secret_cache::{Loaded, Version};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use crate::source::{Got, INTERVAL, Mode, Source, SourceCache, get, pass};

const LATENCY: Duration = Duration::from_millis(20);

/// A source, a cache, and a caller whose load of serial number 1 is in flight.
async fn load_in_flight() -> (Source, Arc<SourceCache>, JoinHandle<Got>) {
    let source = Source::new();
    source.takes(LATENCY);
    let cache = Arc::new(source.cache());
    let waiting = Arc::clone(&cache);
    #[expect(clippy::disallowed_methods, reason = "the test awaits the task")]
    let caller = tokio::spawn(async move { get(&waiting, 1).await });
    sleep(LATENCY / 2).await;
    assert_eq!(source.running(), 1);
    (source, cache, caller)
}

#[tokio::test(start_paused = true)]
async fn invalidation_during_a_load_makes_all_callers_wait_for_a_new_one() {
    let (source, cache, caller) = load_in_flight().await;
    source.write(1);
    cache.invalidate(&1);
    assert_eq!(get(&cache, 1).await, Got::Loaded(2));
    assert_eq!(caller.await.unwrap(), Got::Loaded(2));
    assert_eq!((source.loads(), source.values()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn replacement_during_a_load_is_returned_to_all_callers() {
    let (source, cache, caller) = load_in_flight().await;
    let serial = source.write(1);
    assert!(cache.replace(&1, source.loaded(serial)));
    assert_eq!(caller.await.unwrap(), Got::Cached(2));
    sleep(LATENCY).await;
    assert_eq!(get(&cache, 1).await, Got::Cached(2));
    assert_eq!((source.loads(), source.running(), source.values()), (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn clear_during_a_load_makes_all_callers_wait_for_a_new_one() {
    let (source, cache, caller) = load_in_flight().await;
    cache.replace(&2, source.loaded(7));
    source.write(1);
    cache.clear();
    assert!(cache.is_empty());
    assert_eq!(caller.await.unwrap(), Got::Loaded(2));
    assert_eq!(get(&cache, 2).await, Got::Loaded(1));
}

#[tokio::test(start_paused = true)]
async fn write_cancels_the_load_of_its_key() {
    let (source, cache, caller) = load_in_flight().await;
    caller.abort();
    cache.invalidate(&1);
    tokio::task::yield_now().await;
    assert_eq!(source.running(), 0);
    assert!(cache.is_empty());
}

#[tokio::test(start_paused = true)]
async fn replacement_ends_a_negative_response_and_a_retry_delay() {
    let source = Source::new();
    let cache = source.cache();
    source.set(Mode::NotFound);
    get(&cache, 1).await;
    cache.replace(&1, source.loaded(1));
    assert_eq!(get(&cache, 1).await, Got::Cached(1));

    source.set(Mode::Down);
    pass(INTERVAL).await;
    assert_eq!(get(&cache, 1).await, Got::Stale(1));
    cache.replace(&1, source.loaded(2));
    assert_eq!(get(&cache, 1).await, Got::Cached(2));
}

#[tokio::test(start_paused = true)]
async fn versions_never_go_backwards() {
    let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(43_200);
    let later = noon + Duration::from_secs(1);
    for (held, offered, taken) in [
        (Version::new(4), Version::new(5), true),
        (Version::new(4), Version::new(4), true),
        (Version::new(4), Version::new(3), false),
        (Version::new(4).created(noon), Version::new(1).created(later), true),
        (Version::new(4).created(later), Version::new(1).created(noon), false),
        (Version::new(4).created(noon), Version::new(1).created(noon), false),
        // Clocks differ, so that a higher number is newer at any creation time.
        (Version::new(4).created(later), Version::new(5).created(noon), true),
        // The creation time of only one of them is ignored.
        (Version::new(4), Version::new(1).created(later), false),
        (Version::default(), Version::default(), true),
    ] {
        let source = Source::new();
        let cache = source.cache();
        assert!(cache.replace(&1, versioned(&source, held)));
        assert_eq!(cache.replace(&1, versioned(&source, offered)), taken, "{held:?} {offered:?}");
        let expected = if taken { offered } else { held };
        assert_eq!(cache.get(&1).await.unwrap().version(), expected);
    }
}

fn versioned(source: &Source, version: Version) -> Loaded<crate::source::Value> {
    Loaded::versioned(source.value(version.number()), version)
}

/// The writer doesn't pause between writes. Each reader sees at least what was written before its
/// call, and no caller gets an error because a write cancels its load.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_on_threads_never_see_an_older_value_than_was_written() {
    let source = Source::new();
    let cache = Arc::new(source.cache());
    let reported = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..3 {
        let (cache, reported) = (Arc::clone(&cache), Arc::clone(&reported));
        tasks.spawn(async move {
            while reported.load(Ordering::SeqCst) < 3_000 {
                let least = reported.load(Ordering::SeqCst);
                let value = cache.get(&1).await.unwrap();
                assert!(value.serial >= least, "{} after {least}", value.serial);
                tokio::task::yield_now().await;
            }
        });
    }
    tasks.spawn(async move {
        while reported.load(Ordering::SeqCst) < 3_000 {
            let serial = source.write(1);
            match serial % 3 {
                0 => cache.clear(),
                1 => cache.invalidate(&1),
                _ => assert!(cache.replace(&1, source.loaded(serial))),
            }
            reported.store(serial, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
    });
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
}
