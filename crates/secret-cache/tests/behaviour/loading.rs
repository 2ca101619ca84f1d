//! One load per key at a time, on a task of its own, independent of its waiters.

use std::sync::Arc;
use std::time::Duration;

use secret_cache::{Error, LoadErrorKind};
use tokio::task::JoinSet;
use tokio::time::{advance, timeout};

use crate::source::{Got, INTERVAL, Mode, Source, SourceCache, get, pass};

const LATENCY: Duration = Duration::from_millis(20);

/// Starts `count` callers of key 1, and returns when all of them wait.
async fn callers(cache: &Arc<SourceCache>, count: usize) -> JoinSet<Got> {
    let mut callers = JoinSet::new();
    for _ in 0..count {
        let cache = Arc::clone(cache);
        callers.spawn(async move { get(&cache, 1).await });
    }
    tokio::task::yield_now().await;
    callers
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_callers_share_one_load() {
    for (mode, expected) in [
        (Mode::Up, Got::Loaded(1)),
        (Mode::Down, Got::Failed(LoadErrorKind::Unavailable)),
        (Mode::NotFound, Got::Failed(LoadErrorKind::NotFound)),
        (Mode::Denied, Got::Failed(LoadErrorKind::Denied)),
        (Mode::Panics, Got::Panicked),
    ] {
        let source = Source::new();
        source.takes(LATENCY);
        source.set(mode);
        let cache = Arc::new(source.cache());
        let answers = callers(&cache, 10_000).await.join_all().await;
        assert_eq!(source.loads(), 1, "{mode:?}");
        assert!(answers.iter().all(|got| *got == expected), "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_share_one_load() {
    let source = Source::new();
    source.takes(Duration::from_millis(50));
    let cache = Arc::new(source.cache());
    let answers = callers(&cache, 1_000).await.join_all().await;
    assert_eq!(source.loads(), 1);
    assert!(answers.iter().all(|got| matches!(got, Got::Loaded(1) | Got::Cached(1))));
}

#[tokio::test(start_paused = true)]
async fn keys_are_loaded_concurrently() {
    let source = Source::new();
    source.takes(LATENCY);
    let cache = source.cache();
    let both = tokio::join!(get(&cache, 1), get(&cache, 2));
    assert_eq!(both, (Got::Loaded(1), Got::Loaded(1)));
    assert_eq!(source.most_running(), 2);
}

#[tokio::test(start_paused = true)]
async fn running_and_queued_loads_never_exceed_their_limits() {
    let source = Source::new();
    source.takes(LATENCY);
    let builder = source.builder().max_loads(8).max_waiting_loads(92);
    let cache = Arc::new(builder.build().unwrap());
    let mut callers = JoinSet::new();
    for key in 0..1_000 {
        let cache = Arc::clone(&cache);
        callers.spawn(async move { cache.get(&key).await.map(drop) });
    }
    let answers = callers.join_all().await;
    let busy = answers.iter().filter(|result| matches!(result, Err(Error::Busy))).count();
    assert_eq!((busy, source.loads(), source.most_running()), (900, 100, 8));
    assert_eq!(get(&cache, 999).await, Got::Loaded(1), "the next call tries again");
}

#[tokio::test(start_paused = true)]
async fn load_completes_if_most_callers_give_up() {
    let source = Source::new();
    source.takes(LATENCY);
    let cache = Arc::new(source.cache());
    let mut callers = JoinSet::new();
    for caller in 0..10_000_u32 {
        let cache = Arc::clone(&cache);
        let patience = if caller % 100 == 0 { LATENCY * 100 } else { LATENCY / 2 };
        callers.spawn(async move { timeout(patience, get(&cache, caller % 50)).await.ok() });
    }
    let answers = callers.join_all().await;
    assert_eq!(answers.iter().flatten().count(), 100);
    assert!(answers.iter().flatten().all(|got| *got == Got::Loaded(1)));
    assert_eq!(source.loads(), 50);
}

#[tokio::test(start_paused = true)]
async fn caller_that_gives_up_does_not_cancel_the_load() {
    let source = Source::new();
    source.takes(LATENCY);
    let cache = Arc::new(source.cache());
    let mut impatient = callers(&cache, 990).await;
    let patient = callers(&cache, 10).await;
    impatient.shutdown().await;
    assert_eq!(patient.join_all().await, [Got::Loaded(1); 10]);
    assert_eq!(source.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn load_outlives_all_its_callers() {
    let source = Source::new();
    source.takes(LATENCY);
    let cache = source.cache();
    assert!(timeout(LATENCY / 2, cache.get(&1)).await.is_err());
    tokio::time::sleep(LATENCY).await;
    assert_eq!(get(&cache, 1).await, Got::Cached(1));
    assert_eq!(source.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn panicking_load_does_not_poison_the_cache() {
    let source = Source::new();
    let cache = source.cache();
    source.set(Mode::Panics);
    assert_eq!(get(&cache, 1).await, Got::Panicked);
    source.set(Mode::Up);
    advance(Duration::from_secs(1)).await;
    assert_eq!(get(&cache, 1).await, Got::Loaded(1));
    source.set(Mode::Panics);
    pass(INTERVAL).await;
    assert_eq!((get(&cache, 1).await, source.loads()), (Got::Stale(1), 3));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_cache_cancels_its_loads() {
    let source = Source::new();
    source.takes(LATENCY);
    let cache = source.cache();
    assert!(timeout(LATENCY / 2, cache.get(&1)).await.is_err());
    assert_eq!(source.running(), 1);
    drop(cache);
    tokio::task::yield_now().await;
    assert_eq!(source.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn refresh_interval_of_zero_only_shares_concurrent_loads() {
    let source = Source::new();
    let cache = Arc::new(source.builder().refresh_interval(Duration::ZERO).build().unwrap());
    assert_eq!(get(&cache, 1).await, Got::Loaded(1));
    assert_eq!(get(&cache, 1).await, Got::Loaded(1));
    assert_eq!(source.loads(), 2);

    source.takes(LATENCY);
    assert_eq!(callers(&cache, 100).await.join_all().await, [Got::Loaded(1); 100]);
    assert_eq!(source.loads(), 3);

    source.takes(Duration::ZERO);
    cache.replace(&1, source.loaded(9));
    for (mode, expected) in [
        (Mode::Down, Got::Failed(LoadErrorKind::Unavailable)),
        (Mode::NotFound, Got::Failed(LoadErrorKind::NotFound)),
        (Mode::Up, Got::Loaded(1)),
    ] {
        source.set(mode);
        assert_eq!(get(&cache, 1).await, expected);
    }
    assert_eq!((cache.len(), source.values()), (0, 0));
}

#[test]
fn missing_runtime_is_an_error_and_not_a_panic() {
    let source = Source::new();
    let cache = source.cache();
    let mut get = std::pin::pin!(cache.get(&1));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let polled = get.as_mut().poll(&mut context);
    assert!(
        matches!(polled, std::task::Poll::Ready(Err(secret_cache::Error::NoRuntime))),
        "{polled:?}"
    );
}

#[test]
fn shut_down_runtime_loses_only_its_own_loads() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let source = Source::new();
    source.takes(LATENCY);
    let cache = source.cache();
    let first = runtime();
    first.block_on(async { timeout(LATENCY / 4, cache.get(&1)).await.unwrap_err() });
    drop(first);
    assert_eq!(source.running(), 0);
    assert_eq!(runtime().block_on(get(&cache, 1)), Got::Loaded(1));
}

#[test]
fn caller_on_another_runtime_gets_an_error_when_the_load_is_lost() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let source = Source::new();
    source.takes(LATENCY);
    let cache = source.cache();
    let (first, second) = (runtime(), runtime());
    first.block_on(async { timeout(LATENCY / 4, cache.get(&1)).await.unwrap_err() });

    let _entered = second.enter();
    let mut waiting = std::pin::pin!(cache.get(&1));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    drop(first);
    let polled = waiting.as_mut().poll(&mut context);
    assert!(
        matches!(polled, std::task::Poll::Ready(Err(secret_cache::Error::NoRuntime))),
        "{polled:?}"
    );
}
