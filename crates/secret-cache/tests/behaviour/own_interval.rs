//! Values with a refresh interval of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use secret_cache::{Cache, FnCache, LoadFailure, Loaded, Origin, load_fn};

use crate::source::{INTERVAL, NS, just_under, pass};

const OWN: Duration = Duration::from_secs(20);

/// A source of tokens, with the number of its loads as their values.
#[derive(Clone, Default)]
struct Tokens {
    loads: Arc<AtomicUsize>,
    is_down: Arc<AtomicBool>,
}

impl Tokens {
    fn loads(&self) -> usize {
        self.loads.load(Relaxed)
    }

    fn cache(&self, own: Duration) -> FnCache<u8, usize, LoadFailure<std::fmt::Error>> {
        let tokens = self.clone();
        let loader = load_fn(move |_: u8| {
            let (loads, is_down) =
                (tokens.loads.fetch_add(1, Relaxed) + 1, Arc::clone(&tokens.is_down));
            async move {
                if is_down.load(Relaxed) {
                    return Err(LoadFailure::unavailable(std::fmt::Error));
                }
                Ok(Loaded::new(loads).refresh_in(own).expires_in(own + OWN))
            }
        });
        Cache::builder(loader).refresh_interval(INTERVAL).build().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn value_in_use_is_refreshed_in_the_last_tenth_of_its_own_interval() {
    let tokens = Tokens::default();
    let cache = tokens.cache(OWN);
    for loads in 1..=5 {
        let value = cache.get(&1).await.unwrap();
        assert_eq!((*value, value.origin() == Origin::Loaded), (loads, loads == 1));
        pass(just_under(OWN / 10 * 9)).await;
        assert_eq!(tokens.loads(), loads);
        pass(OWN / 10).await;
        assert_eq!(tokens.loads(), loads + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn idle_value_is_refreshed_by_its_next_reader_without_a_wait() {
    let tokens = Tokens::default();
    let cache = tokens.cache(OWN);
    cache.get(&1).await.unwrap();
    pass(OWN).await;
    assert_eq!(tokens.loads(), 2, "it was read");
    pass(OWN).await;
    assert_eq!(tokens.loads(), 2, "it was not read again");
    assert_eq!(*cache.get(&1).await.unwrap(), 2);
    pass(NS).await;
    assert_eq!((tokens.loads(), *cache.get(&1).await.unwrap()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn own_interval_of_zero_causes_one_load_a_second() {
    let tokens = Tokens::default();
    let cache = tokens.cache(Duration::ZERO);
    for _ in 0..100 {
        cache.get(&1).await.unwrap();
        pass(Duration::from_millis(100)).await;
    }
    assert!((9..=11).contains(&tokens.loads()), "{}", tokens.loads());
}

#[tokio::test(start_paused = true)]
async fn own_interval_does_not_extend_that_of_the_cache() {
    let tokens = Tokens::default();
    let cache = tokens.cache(INTERVAL * 3);
    cache.get(&1).await.unwrap();
    pass(INTERVAL).await;
    assert_eq!(tokens.loads(), 2);
}

#[tokio::test(start_paused = true)]
async fn value_stays_fresh_if_its_refresh_fails_and_ends_with_its_lifetime() {
    let tokens = Tokens::default();
    let cache = tokens.cache(OWN);
    cache.get(&1).await.unwrap();
    tokens.is_down.store(true, Relaxed);
    pass(OWN).await;
    assert!(tokens.loads() > 1);
    let value = cache.get(&1).await.unwrap();
    assert_eq!((*value, value.is_stale(), value.origin()), (1, false, Origin::Memory));
    pass(OWN).await;
    assert!(matches!(cache.get(&1).await, Err(secret_cache::Error::Expired)));
    tokens.is_down.store(false, Relaxed);
    pass(Duration::from_secs(1)).await;
    assert_eq!(cache.get(&1).await.unwrap().origin(), Origin::Loaded);
}
