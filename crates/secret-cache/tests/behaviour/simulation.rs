//! A day of virtual time with random outages, negative responses, deletions and writes.

use std::collections::HashMap;
use std::time::Duration;

use secret_cache::{Error, Origin, Ref};
use tokio::time::Instant;

use crate::source::{INTERVAL, Key, MAX_STALE, Mode, Source, Value, pass};

/// A day, whose random events are derived from a seed.
struct Chance(u64);

impl Chance {
    /// Returns a random number below `count`.
    fn one_of(&mut self, count: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % count
    }
}

/// No value is returned after it has expired or after a negative response, and none that is older
/// than the last write.
fn check(value: &Ref<Key, Value>, written: u64, is_negative: bool) {
    assert!(value.serial >= written, "{} is older than {written}", value.serial);
    assert!(value.age() < INTERVAL + MAX_STALE, "after it expired: {:?}", value.age());
    assert_eq!(value.is_stale(), value.origin() == Origin::Memory && value.age() >= INTERVAL);
    assert!(!is_negative, "the response was negative");
}

async fn day(seed: u64) {
    let mut chance = Chance(seed);
    let source = Source::new();
    let cache = source.cache();
    let mut written = HashMap::<Key, u64>::new();
    let start = Instant::now();
    let (mut served, mut stale, mut failed) = (0, 0, 0);
    while start.elapsed() < Duration::from_secs(86_400) {
        pass(Duration::from_millis(200 + chance.one_of(4_000))).await;
        if chance.one_of(40) == 0 {
            let modes = [Mode::Up, Mode::Up, Mode::Down, Mode::Down, Mode::NotFound, Mode::Denied];
            source.set(modes[usize::try_from(chance.one_of(6)).unwrap()]);
            source.takes(Duration::from_millis(chance.one_of(2) * 150));
        }
        let key = u32::try_from(chance.one_of(10)).unwrap();
        match chance.one_of(60) {
            0 => {
                cache.invalidate(&key);
                written.insert(key, source.serial(key));
            }
            1 => {
                let serial = source.write(key);
                cache.replace(&key, source.loaded(serial));
                source.clear_response(key);
                written.insert(key, serial);
            }
            2 => drop(source.write(key)),
            _ => {}
        }
        match cache.get(&key).await {
            Ok(value) => {
                check(&value, written.get(&key).copied().unwrap_or(0), source.is_negative(key));
                served += 1;
                stale += usize::from(value.is_stale());
            }
            Err(Error::Load(_)) => failed += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(served > 10_000 && stale > 100 && failed > 100, "{served} {stale} {failed}");
}

#[tokio::test(start_paused = true)]
async fn day_of_outages_keeps_every_guarantee() {
    for seed in 1..=3 {
        day(seed).await;
    }
}
