//! Sequences of events against a model: one caller, so that each answer is known exactly.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use secret_cache::Outcome;
use tokio::time::{Instant, advance};

use crate::source::{Got, INTERVAL, Key, MAX_STALE, Mode, NEGATIVE, Source, get};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Get(Key),
    Advance(Duration),
    Set(Mode),
    Write(Key),
    Invalidate(Key),
    Replace(Key),
    ReplaceLate(Key),
    Clear,
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let key = || 0..3_u32;
    let modes = [Mode::Up, Mode::Down, Mode::Absent, Mode::Refused, Mode::Panics, Mode::Lags];
    let spans = [1, 500, 999, 1_000, 3_999, 4_000, 30_000, 50_000, 99_999, 100_000, 149_999];
    prop_oneof![
        12 => key().prop_map(Event::Get),
        8 => prop::sample::select(spans.to_vec())
            .prop_map(|ms| Event::Advance(Duration::from_millis(ms))),
        4 => prop::sample::select(modes.to_vec()).prop_map(Event::Set),
        3 => key().prop_map(Event::Write),
        1 => key().prop_map(Event::Invalidate),
        2 => key().prop_map(Event::Replace),
        1 => key().prop_map(Event::ReplaceLate),
        1 => Just(Event::Clear),
    ]
}

/// What the model knows of one key.
#[derive(Clone, Copy)]
enum Known {
    Value { serial: u64, since: Instant, failures: u32, failed: Instant },
    No { outcome: Outcome, since: Instant },
}

/// The cache's promises, written down once more as plainly as possible.
#[derive(Default)]
struct Model {
    known: HashMap<Key, Known>,
}

impl Model {
    fn get(&mut self, key: Key, mode: Mode, current: u64, now: Instant) -> Got {
        match self.known.get(&key) {
            Some(Known::Value { serial, since, failures, failed }) => {
                let pause =
                    Duration::from_secs([0, 1, 2, 4, 8, 16, 30][*failures.min(&6) as usize]);
                if now - *since < INTERVAL {
                    return Got::Cached(*serial);
                } else if now - *since < INTERVAL + MAX_STALE && now - *failed < pause {
                    return Got::Stale(*serial);
                }
            }
            Some(Known::No { outcome, since }) if now - *since < NEGATIVE => {
                return Got::Failed(*outcome);
            }
            _ => {}
        }
        match mode {
            Mode::Up => self.loads(key, current, now),
            Mode::Lags => self.loads(key, current - 1, now),
            Mode::Down => self.fails(key, Got::Failed(Outcome::Unreachable), now),
            Mode::Panics => self.fails(key, Got::Panicked, now),
            Mode::Absent => self.no(key, Outcome::Absent, now),
            Mode::Refused => self.no(key, Outcome::Refused, now),
        }
    }

    fn loads(&mut self, key: Key, serial: u64, now: Instant) -> Got {
        if self.put(key, serial, now) {
            Got::Loaded(serial)
        } else {
            self.fails(key, Got::Outdated, now)
        }
    }

    fn put(&mut self, key: Key, new: u64, now: Instant) -> bool {
        if matches!(self.known.get(&key), Some(Known::Value { serial, .. }) if *serial > new) {
            return false;
        }
        self.known.insert(key, Known::Value { serial: new, since: now, failures: 0, failed: now });
        true
    }

    fn fails(&mut self, key: Key, otherwise: Got, now: Instant) -> Got {
        match self.known.get_mut(&key) {
            Some(Known::Value { serial, since, failures, failed })
                if now - *since < INTERVAL + MAX_STALE =>
            {
                *failures += 1;
                *failed = now;
                Got::Stale(*serial)
            }
            _ => otherwise,
        }
    }

    fn no(&mut self, key: Key, outcome: Outcome, now: Instant) -> Got {
        self.known.insert(key, Known::No { outcome, since: now });
        Got::Failed(outcome)
    }
}

async fn run(events: Vec<Event>) {
    let (source, mut model, mut mode) = (Source::new(), Model::default(), Mode::Up);
    let cache = source.cache();
    for (index, event) in events.into_iter().enumerate() {
        let now = Instant::now();
        match event {
            Event::Get(key) => {
                let expected = model.get(key, mode, source.serial(key), now);
                assert_eq!(get(&cache, key).await, expected, "event {index}");
            }
            Event::Advance(span) => advance(span).await,
            Event::Set(new) => {
                mode = new;
                source.set(new);
            }
            Event::Write(key) => {
                source.write(key);
            }
            Event::Invalidate(key) => {
                cache.invalidate(&key);
                model.known.remove(&key);
            }
            Event::Replace(key) | Event::ReplaceLate(key) => {
                let late = u64::from(matches!(event, Event::ReplaceLate(_)));
                let serial = source.write(key) - late;
                let taken = cache.replace(&key, source.loaded(serial));
                assert_eq!(taken, model.put(key, serial, now), "event {index}");
            }
            Event::Clear => {
                cache.clear();
                model.known.clear();
            }
        }
        assert_eq!(cache.len(), model.known.len(), "event {index}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn answers_as_the_model_does(events in prop::collection::vec(event(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(events));
    }
}
