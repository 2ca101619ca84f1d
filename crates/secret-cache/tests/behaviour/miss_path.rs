//! `get_or_else`: the lookup of `get` with the caller's own miss path.

use std::convert::Infallible;
use std::hash::{Hash, Hasher};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Waker};

use secret_cache::{Cache, Load, Loaded};

use crate::source::{Got, INTERVAL, Key, Mode, ReadResult, Source, SourceCache, get, got, pass};

/// Reads key 1 with a miss path that returns the rejected value, or else loads. Also returns the
/// serial number of what was rejected, if the miss path has run.
async fn read(cache: &SourceCache, accepts: bool) -> (Got, Option<Option<u64>>) {
    let rejected = AtomicUsize::new(usize::MAX);
    let on_miss = |value: Option<secret_cache::Ref<Key, crate::source::Value>>| {
        let serial = value.as_ref().map_or(0, |value| value.serial);
        rejected.store(usize::try_from(serial).unwrap(), Relaxed);
        async move {
            match value {
                Some(value) => Ok(value),
                None => cache.load(&1).await,
            }
        }
    };
    let result: ReadResult = cache.get_or_else(&1, |_| accepts, &on_miss).await;
    let rejected = match rejected.into_inner() {
        usize::MAX => None,
        0 => Some(None),
        serial => Some(Some(serial as u64)),
    };
    (got(&result), rejected)
}

#[tokio::test(start_paused = true)]
async fn value_that_is_accepted_skips_the_miss_path() {
    let source = Source::new();
    let cache = source.cache();
    cache.replace(&1, source.loaded(2));
    for _ in 0..2 {
        assert_eq!(read(&cache, true).await, (Got::Cached(2), None));
    }
    let on_miss = |_| async { unreachable!("the value is accepted") };
    let by_handle: ReadResult = cache.handle(&1).get_or_else(|_| true, on_miss).await;
    assert_eq!(got(&by_handle), Got::Cached(2));
    assert_eq!(source.loads(), 0);
}

#[tokio::test(start_paused = true)]
async fn value_that_is_rejected_is_given_to_the_miss_path() {
    let source = Source::new();
    let cache = source.cache();
    cache.replace(&1, source.loaded(2));
    for _ in 0..2 {
        assert_eq!(read(&cache, false).await, (Got::Cached(2), Some(Some(2))));
    }
    // Overdue values are not given to it: they are refreshed first.
    pass(INTERVAL).await;
    source.write(1);
    let (result, rejected) = read(&cache, false).await;
    assert_eq!(
        (result, rejected),
        (got(&cache.load(&1).await), Some(Some(2))),
        "refreshed in time"
    );
}

#[tokio::test(start_paused = true)]
async fn key_without_a_value_is_loaded_by_the_miss_path() {
    let source = Source::new();
    let cache = source.cache();
    assert_eq!(read(&cache, true).await, (Got::Loaded(1), Some(None)));
    assert_eq!(read(&cache, true).await, (Got::Cached(1), None));
    assert_eq!((get(&cache, 1).await, source.loads()), (Got::Cached(1), 1));
}

#[tokio::test(start_paused = true)]
async fn stale_value_is_served_without_the_miss_path() {
    let source = Source::new();
    let cache = source.cache();
    cache.replace(&1, source.loaded(2));
    source.set(Mode::Down);
    pass(INTERVAL).await;
    assert_eq!(got(&cache.load(&1).await), Got::Stale(2));
    assert_eq!(read(&cache, true).await, (Got::Stale(2), None));
}

/// A key that counts how often it is hashed.
#[derive(Clone)]
struct Counted(Key, Arc<AtomicUsize>);

impl Hash for Counted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.1.fetch_add(1, Relaxed);
        self.0.hash(state);
    }
}

impl PartialEq for Counted {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Counted {}

struct Never;

impl Load<Counted> for Never {
    type Value = ();
    type Error = Infallible;

    async fn load(&self, _: &Counted) -> Result<Loaded<()>, Infallible> {
        std::future::pending().await
    }
}

/// Once without the lock, and once with it. Maps that are empty aren't searched.
#[tokio::test]
async fn cold_miss_looks_up_the_entries_twice() {
    let cache = Cache::builder(Never).build().unwrap();
    cache.replace(&Counted(1, Arc::default()), Loaded::new(()));
    let key = Counted(2, Arc::default());
    let mut cold = pin!(cache.get(&key));
    assert!(cold.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let (lookups, insertion_of_the_load) = (2, 1);
    assert_eq!(key.1.load(Relaxed), lookups + insertion_of_the_load);
}
