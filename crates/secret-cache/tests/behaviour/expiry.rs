//! Values with a lifetime of their own, which ends regardless of their age and of the source.

use std::time::Duration;

use secret_cache::LoadErrorKind;
use tokio::time::{Instant, advance, sleep};

use crate::source::{Got, INTERVAL, Mode, NS, Source, get, got, just_under, pass, settle};

const LIFETIME: Duration = Duration::from_secs(6);

fn limited() -> Source {
    let source = Source::new();
    source.limits(Some(LIFETIME));
    source
}

#[tokio::test(start_paused = true)]
async fn expired_value_is_loaded_again() {
    for (mode, expected) in [
        (Mode::Up, Got::Loaded(1)),
        (Mode::NotFound, Got::Failed(LoadErrorKind::NotFound)),
        (Mode::Denied, Got::Failed(LoadErrorKind::Denied)),
        // No older value is served, and the key has no value whose refresh could fail.
        (Mode::Down, Got::Expired),
        (Mode::Unauthenticated, Got::Expired),
        (Mode::Panics, Got::Expired),
    ] {
        let source = limited();
        let cache = source.cache();
        assert_eq!(get(&cache, 1).await, Got::Loaded(1));
        advance(just_under(LIFETIME)).await;
        assert_eq!(get(&cache, 1).await, Got::Cached(1));
        source.set(mode);
        advance(NS).await;
        assert!(cache.peek(&1).is_none(), "{mode:?}");
        assert_eq!(get(&cache, 1).await, expected, "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn expiry_is_remembered_until_the_source_responds() {
    let source = limited();
    let cache = source.cache();
    get(&cache, 1).await;
    source.set(Mode::Down);
    pass(LIFETIME).await;
    for _ in 0..100 {
        assert_eq!(get(&cache, 1).await, Got::Expired);
        pass(INTERVAL).await;
    }
    source.set(Mode::NotFound);
    assert_eq!(get(&cache, 1).await, Got::Failed(LoadErrorKind::NotFound));
    source.set(Mode::Down);
    pass(INTERVAL).await;
    assert_eq!(
        get(&cache, 1).await,
        Got::Failed(LoadErrorKind::Unavailable),
        "the expiry is forgotten"
    );
}

/// The value is dropped although it is never read.
#[tokio::test(start_paused = true)]
async fn expired_value_is_dropped_without_a_reader() {
    for seen in [false, true] {
        let source = limited();
        let cache = source.cache();
        cache.replace(&1, source.loaded(1));
        if seen {
            get(&cache, 1).await;
        }
        sleep(LIFETIME + Duration::from_millis(2)).await;
        assert_eq!(source.values(), 0, "{seen}");
    }
}

/// Readers of such a value read the clock at every hit, even on a multi-threaded runtime.
#[test]
fn expired_value_is_not_served_while_the_refresher_is_late() {
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(1).enable_time().build().unwrap();
    let source = Source::new();
    let lifetime = Duration::from_millis(200);
    source.limits(Some(lifetime));
    let cache = source.cache();
    runtime.block_on(get(&cache, 1));
    runtime.block_on(get(&cache, 1));
    // The only worker is blocked, so that the refresher can't run.
    let (keep, kept) = std::sync::mpsc::channel::<()>();
    let (entered, has_entered) = std::sync::mpsc::channel();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn_on(
        async move {
            entered.send(()).unwrap();
            let _ended = kept.recv();
        },
        runtime.handle(),
    );
    has_entered.recv().unwrap();
    while let Some(value) = cache.peek(&1) {
        // A value that was borrowed in time stays readable.
        let _age = value.age();
        std::thread::yield_now();
    }
    assert!(source.loads() == 1 && source.values() == 1, "the refresher was not blocked");
    drop(keep);
}

#[tokio::test(start_paused = true)]
async fn lifetime_counts_from_the_start_of_the_load() {
    let source = limited();
    source.takes(Duration::from_secs(4));
    let cache = source.cache();
    let start = Instant::now();
    assert_eq!(get(&cache, 1).await, Got::Loaded(1));
    sleep(LIFETIME.saturating_sub(start.elapsed())).await;
    assert!(cache.peek(&1).is_none());
}

#[tokio::test(start_paused = true)]
async fn value_whose_lifetime_is_over_is_returned_and_not_cached() {
    let source = Source::new();
    source.limits(Some(Duration::ZERO));
    let cache = source.cache();
    for loads in 1..=3 {
        assert_eq!(get(&cache, 1).await, Got::Loaded(1));
        assert_eq!((source.loads(), source.values()), (loads, 0));
    }
    source.set(Mode::Down);
    assert_eq!(get(&cache, 1).await, Got::Expired);
    cache.replace(&2, source.loaded(1));
    assert!(cache.peek(&2).is_none());
    assert_eq!(cache.prime(Instant::now(), [(3, source.loaded(1))]), 0);
}

#[tokio::test(start_paused = true)]
async fn written_and_primed_values_expire_too() {
    let source = limited();
    let cache = source.cache();
    cache.replace(&1, source.loaded(1));
    cache.prime(Instant::now(), [(2, source.loaded(1))]);
    let handles = [cache.handle(&1), cache.handle(&2)];
    advance(just_under(LIFETIME)).await;
    assert!(handles.iter().all(|handle| handle.peek().is_some()));
    advance(NS).await;
    source.set(Mode::Down);
    for handle in handles {
        assert!(handle.peek().is_none());
        assert_eq!(got(&handle.get().await), Got::Expired);
    }
}

/// A longer lifetime extends the value, a shorter one ends it earlier.
#[tokio::test(start_paused = true)]
async fn each_load_sets_a_new_lifetime() {
    let source = limited();
    let cache = source.cache();
    get(&cache, 1).await;
    source.limits(None);
    cache.replace(&1, source.loaded(1));
    pass(LIFETIME * 2).await;
    assert_eq!(get(&cache, 1).await, Got::Cached(1));
    source.limits(Some(LIFETIME));
    cache.replace(&1, source.loaded(1));
    pass(LIFETIME).await;
    assert!(cache.peek(&1).is_none());
}

#[tokio::test(start_paused = true)]
async fn watcher_is_notified_when_an_expired_value_is_deleted() {
    let source = limited();
    let cache = source.cache();
    let mut handle = cache.handle(&1);
    handle.get().await.unwrap();
    handle.changed().await.unwrap();
    source.set(Mode::NotFound);
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { drop(handle.changed().await) });
    settle().await;
    sleep(LIFETIME + Duration::from_millis(5)).await;
    assert!(tasks.try_join_next().is_some());
}

#[tokio::test(start_paused = true)]
async fn older_version_does_not_follow_an_expired_value() {
    let source = limited();
    let cache = source.cache();
    source.write(1);
    get(&cache, 1).await;
    pass(LIFETIME).await;
    source.set(Mode::Lags);
    assert_eq!(get(&cache, 1).await, Got::Expired);
    advance(Duration::from_secs(1)).await;
    source.set(Mode::Up);
    assert_eq!(get(&cache, 1).await, Got::Loaded(2));
}
