//! The bound on entries, who goes first, and that what goes is dropped.

use tokio::time::advance;

use crate::source::{Got, INTERVAL, Mode, Source, get};

#[tokio::test(start_paused = true)]
async fn never_more_entries_than_the_bound() {
    for bound in [1, 2, 10] {
        let source = Source::new();
        let cache = source.builder().max_entries(bound).build().unwrap();
        for key in 0..100 {
            source.set(if key % 7 == 0 { Mode::Absent } else { Mode::Up });
            get(&cache, key).await;
            cache.replace(&(key + 1_000), source.loaded(1));
            assert!(cache.len() <= bound && source.values() <= bound);
        }
        assert_eq!(cache.len(), bound);
    }
}

#[tokio::test(start_paused = true)]
async fn the_value_whose_load_is_longest_ago_goes_first() {
    let source = Source::new();
    let cache = source.builder().max_entries(3).build().unwrap();
    for key in [1, 2, 3] {
        get(&cache, key).await;
    }
    advance(INTERVAL).await;
    assert_eq!(get(&cache, 1).await, Got::Loaded(1)); // in use, so it is refreshed
    get(&cache, 4).await; // takes the place of 2
    source.set(Mode::Down);
    assert_eq!(get(&cache, 1).await, Got::Cached(1));
    assert_eq!(get(&cache, 3).await, Got::Stale(1));
    assert_eq!(get(&cache, 4).await, Got::Cached(1));
    assert!(cache.get(&2).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn asking_for_what_is_not_there_costs_at_most_one_value() {
    let source = Source::new();
    let cache = source.builder().max_entries(10).build().unwrap();
    for key in 0..10 {
        get(&cache, key).await;
    }
    source.set(Mode::Absent);
    for key in 100..200 {
        get(&cache, key).await;
    }
    assert_eq!((cache.len(), source.values()), (10, 9));
}

#[tokio::test(start_paused = true)]
async fn a_value_lives_as_long_as_a_loan_of_it() {
    let source = Source::new();
    let cache = source.cache();
    let first = cache.get(&1).await.unwrap();
    cache.invalidate(&1);
    let second = cache.get(&1).await.unwrap();
    assert_eq!(source.values(), 2);
    drop(first);
    assert_eq!(source.values(), 1);
    drop(cache);
    assert_eq!((second.serial, source.values()), (1, 1));
    drop(second);
    // The cache's handle of the source is gone too: nothing is left but this one.
    assert_eq!(source.values(), 0);
}
