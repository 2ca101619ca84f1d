//! The limits on entries and bytes, and the order of evictions.

use crate::source::{Got, Mode, Source, get, settle};

#[tokio::test(start_paused = true)]
async fn entries_never_exceed_their_limit() {
    for bound in [1, 2, 10] {
        let source = Source::new();
        let cache = source.builder().max_entries(bound).build().unwrap();
        for key in 0..100 {
            source.set(if key % 7 == 0 { Mode::NotFound } else { Mode::Up });
            get(&cache, key).await;
            cache.replace(&(key + 1_000), source.loaded(1));
            assert!(cache.len() <= bound && source.values() <= bound);
        }
        assert_eq!(cache.len(), bound);
    }
}

#[tokio::test(start_paused = true)]
async fn unused_value_is_evicted_first() {
    let source = Source::new();
    let cache = source.builder().max_entries(100).build().unwrap();
    for key in 0..100 {
        get(&cache, key).await;
    }
    // Each new key evicts another. Some keys are read in between, the others never.
    for key in 1_000..2_000 {
        get(&cache, key).await;
        for used in 0..20 {
            assert!(matches!(get(&cache, used).await, Got::Cached(1) | Got::Loaded(1)));
        }
    }
    let loads = source.log();
    let of_used = loads.iter().filter(|(key, _)| *key < 20).count();
    assert!(of_used < 20 + 20, "{of_used} loads of 20 keys that are in use");
    assert_eq!((cache.len(), source.values()), (100, 100));
}

#[tokio::test(start_paused = true)]
async fn bytes_never_exceed_their_limit() {
    let source = Source::new();
    let weigh = |key: &u32, _: &crate::source::Value| if *key == 0 { 1_001 } else { 100 };
    let cache = source.builder().max_bytes(1_000, weigh).build().unwrap();
    for key in 1..100 {
        get(&cache, key).await;
        assert!(source.values() <= 10);
    }
    assert_eq!(cache.len(), 10);
    assert_eq!(get(&cache, 0).await, Got::Loaded(1), "too large to be cached");
    assert_eq!(get(&cache, 0).await, Got::Loaded(1));
    assert_eq!(cache.len(), 10);
    cache.clear();
    get(&cache, 1).await;
    cache.invalidate(&1);
    for key in 1..=10 {
        get(&cache, key).await;
    }
    assert_eq!(cache.len(), 10, "removed values don't count");
}

#[tokio::test(start_paused = true)]
async fn hundred_thousand_keys_are_all_found() {
    let source = Source::new();
    let cache = source.builder().max_entries(100_000).build().unwrap();
    for key in 0..100_000 {
        cache.replace(&key, source.loaded(u64::from(key)));
    }
    for key in (0..100_000).step_by(3) {
        cache.invalidate(&key);
    }
    for key in 0..100_000 {
        let found = cache.peek(&key).map(|value| value.serial);
        assert_eq!(found, (key % 3 != 0).then_some(u64::from(key)));
    }
    assert_eq!(source.values(), cache.len());
}

#[tokio::test(start_paused = true)]
async fn reads_of_missing_keys_evict_at_most_one_value() {
    let source = Source::new();
    let cache = source.builder().max_entries(10).build().unwrap();
    for key in 0..10 {
        get(&cache, key).await;
    }
    source.set(Mode::NotFound);
    for key in 100..200 {
        get(&cache, key).await;
    }
    assert_eq!((cache.len(), source.values()), (10, 9));
}

#[tokio::test(start_paused = true)]
async fn value_lives_as_long_as_a_reference_to_it() {
    let source = Source::new();
    let cache = source.cache();
    let first = cache.get(&1).await.unwrap();
    cache.invalidate(&1);
    let second = cache.get(&1).await.unwrap();
    assert_eq!(source.values(), 2);
    drop(first);
    assert_eq!(source.values(), 1);
    drop(cache);
    settle().await;
    assert_eq!((second.serial, source.values()), (1, 1));
    drop(second);
    // The cache has dropped its clone of the source, so that only this one is left.
    assert_eq!(source.values(), 0);
}

/// A thread borrows eight values without counting references. All others are counted.
#[tokio::test(start_paused = true)]
async fn owned_references_and_those_past_the_eighth_keep_their_values() {
    let source = Source::new();
    let cache = source.cache();
    let mut references = Vec::new();
    for key in 0..100 {
        get(&cache, key).await;
        let value = cache.get(&key).await.unwrap();
        references.push(if key % 3 == 0 { value.into_owned() } else { value });
    }
    cache.clear();
    assert_eq!(source.values(), 100);
    for left in (0..100).rev() {
        // It is dropped on another thread than the one that borrowed it.
        let value = references.pop();
        std::thread::spawn(move || drop(value)).join().unwrap();
        assert_eq!(source.values(), left);
    }
}
