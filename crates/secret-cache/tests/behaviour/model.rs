//! Sequences of events against a model: one caller, so that each answer is known exactly. When a value
//! comes due is drawn by lot; the model is told of each load that happened, and says whether it was
//! allowed, and whether one is missing.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use secret_cache::Outcome;
use tokio::time::{Instant, advance};

use crate::source::{Got, INTERVAL, Key, MAX_STALE, Mode, NEGATIVE, Source, get, pass, settle};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Get(Key),
    Advance(Duration),
    Set(Mode),
    Write(Key),
    Invalidate(Key),
    Replace(Key),
    ReplaceLate(Key),
    Prime(Key),
    Clear,
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let key = || 0..3_u32;
    let modes = [Mode::Up, Mode::Down, Mode::Absent, Mode::Refused, Mode::Panics, Mode::Lags];
    let spans = [1, 500, 999, 1_000, 3_999, 4_000, 30_000, 50_000, 89_999, 100_000, 149_999];
    prop_oneof![
        12 => key().prop_map(Event::Get),
        8 => prop::sample::select(spans.to_vec())
            .prop_map(|ms| Event::Advance(Duration::from_millis(ms))),
        4 => prop::sample::select(modes.to_vec()).prop_map(Event::Set),
        3 => key().prop_map(Event::Write),
        1 => key().prop_map(Event::Invalidate),
        2 => key().prop_map(Event::Replace),
        1 => key().prop_map(Event::ReplaceLate),
        1 => key().prop_map(Event::Prime),
        1 => Just(Event::Clear),
    ]
}

/// What the model knows of one key.
#[derive(Clone, Copy, Default)]
struct Known {
    value: Option<Value>,
    failures: u32,
    /// What callers get without a value, and until when the source is left in peace.
    peace: Option<(Got, Instant)>,
    /// The serial of a value that was too old.
    floor: Option<u64>,
}

#[derive(Clone, Copy)]
struct Value {
    serial: u64,
    since: Instant,
    seen: bool,
}

impl Known {
    /// Forgets a value that is too old.
    fn at(mut self, now: Instant) -> Self {
        if let Some(value) = self
            .value
            .filter(|value| now.saturating_duration_since(value.since) >= INTERVAL + MAX_STALE)
        {
            self = Self { value: None, floor: Some(value.serial), ..self };
        }
        self
    }

    fn rests(&self, now: Instant) -> bool {
        self.peace.is_some_and(|(_, until)| now < until)
    }

    fn may_take(&self, serial: u64) -> bool {
        self.value.map(|value| value.serial).or(self.floor).is_none_or(|held| serial >= held)
    }

    /// Applies a load, and says what who waits for it gets.
    fn load(&mut self, mode: Mode, current: u64, now: Instant) -> Got {
        let seen = self.value.is_none();
        let (serial, failure) = match mode {
            Mode::Up => (Some(current), None),
            Mode::Lags if self.may_take(current - 1) => (Some(current - 1), None),
            Mode::Lags => (None, Some(Got::Outdated)),
            Mode::Down => (None, Some(Got::Failed(Outcome::Unreachable))),
            Mode::Panics => (None, Some(Got::Panicked)),
            Mode::Absent => (None, Some(Got::Failed(Outcome::Absent))),
            Mode::Refused => (None, Some(Got::Failed(Outcome::Refused))),
        };
        if let Some(serial) = serial {
            *self = Self { value: Some(Value { serial, since: now, seen }), ..Self::default() };
            return Got::Loaded(serial);
        }
        let failure = failure.unwrap();
        if matches!(mode, Mode::Absent | Mode::Refused) {
            *self = Self { peace: Some((failure, now + NEGATIVE)), ..Self::default() };
            return failure;
        }
        let is_in_a_row =
            self.peace.is_some_and(|(_, until)| now < until + Duration::from_secs(60));
        self.failures = if is_in_a_row { self.failures + 1 } else { 1 };
        let seconds = 1 << (self.failures - 1).min(5);
        let until = now + Duration::from_secs(seconds.min(if seen { 5 } else { 30 }));
        let hard = self.value.map_or(until, |value| value.since + INTERVAL + MAX_STALE);
        self.peace = Some((failure, until.min(hard)));
        failure
    }
}

struct Model {
    known: HashMap<Key, Known>,
    mode: Mode,
    /// A refresh found the source out of reach: until a second after something has come from it,
    /// refreshes may be held back.
    held_back: Option<Instant>,
}

impl Model {
    fn key(&mut self, key: Key, now: Instant) -> &mut Known {
        let known = self.known.entry(key).or_default();
        *known = known.at(now);
        known
    }

    /// What a caller gets; a load of its own is in the log that follows.
    fn get(&mut self, key: Key, current: u64, now: Instant) -> Got {
        let mode = self.mode;
        let known = self.key(key, now);
        match (&mut known.value, known.peace) {
            (Some(value), _) => {
                value.seen = true;
                let is_stale = now - value.since >= INTERVAL;
                if is_stale { Got::Stale(value.serial) } else { Got::Cached(value.serial) }
            }
            (None, Some((answer, until))) if now < until => answer,
            (None, _) => known.clone().load(mode, current, now),
        }
    }

    /// The loads since the last event, each of which must have had its reason.
    fn loaded(&mut self, source: &Source, asked: Option<Key>) {
        for (key, at) in source.log() {
            let (mode, current) = (self.mode, source.serial(key));
            let known = self.key(key, at);
            assert!(!known.rests(at), "{key} was left in peace");
            let held = known.value;
            known.load(mode, current, at);
            if let Some(value) = held {
                let is_due = at - value.since >= INTERVAL / 10 * 9;
                assert!(value.seen && is_due, "{key} was not due, or not in use");
            } else {
                assert_eq!(asked, Some(key), "nobody asked");
            }
            match mode {
                Mode::Down if held.is_some() => self.held_back = Some(at + INTERVAL * 100),
                Mode::Down | Mode::Panics => {}
                _ => self.answered(at),
            }
        }
    }

    fn answered(&mut self, at: Instant) {
        self.held_back = self.held_back.map(|until| until.min(at + Duration::from_secs(1)));
    }

    /// What is in use and past its interval has been loaded again, or tried: but for the millisecond
    /// that the timer is coarse.
    fn misses_nothing(&mut self, now: Instant) {
        let a_little_earlier = now - Duration::from_millis(2);
        for key in 0..3 {
            let held_back = self.held_back.is_some_and(|until| a_little_earlier < until);
            let known = *self.key(key, now);
            let is_overdue = known.value.is_some_and(|value| {
                value.seen && a_little_earlier.saturating_duration_since(value.since) >= INTERVAL
            });
            let rests = known.rests(a_little_earlier);
            assert!(!is_overdue || held_back || rests, "{key} was not loaded again");
        }
    }

    fn values(&self) -> usize {
        self.known.values().filter(|known| known.value.is_some()).count()
    }
}

async fn run(events: Vec<Event>) {
    let source = Source::new();
    let mut model = Model { known: HashMap::new(), mode: Mode::Up, held_back: None };
    let cache = source.cache();
    for (index, event) in events.into_iter().enumerate() {
        let now = Instant::now();
        let mut asked = None;
        match event {
            Event::Get(key) => {
                asked = Some(key);
                let expected = model.get(key, source.serial(key), now);
                assert_eq!(get(&cache, key).await, expected, "event {index}");
            }
            Event::Advance(span) => advance(span).await,
            Event::Set(new) => {
                model.mode = new;
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
                let known = model.key(key, now);
                assert_eq!(taken, known.may_take(serial), "event {index}");
                if taken {
                    let seen = known.value.is_some_and(|value| value.seen);
                    let value = Some(Value { serial, since: now, seen });
                    *known = Known { value, ..Known::default() };
                }
            }
            Event::Prime(key) => {
                let (serial, known) = (source.serial(key), *model.key(key, now));
                advance(Duration::from_nanos(1)).await;
                let read_at = Instant::now();
                let taken = cache.prime(read_at, [(key, source.loaded(serial))]);
                assert_eq!(taken, usize::from(known.may_take(serial)), "event {index}");
                if taken == 1 {
                    let value = Some(Value { serial, since: read_at, seen: false });
                    *model.key(key, now) = Known { value, ..Known::default() };
                }
            }
            Event::Clear => {
                cache.clear();
                model.known.clear();
            }
        }
        settle().await;
        model.loaded(&source, asked);
        model.misses_nothing(Instant::now());
        assert!(source.values() >= model.values(), "event {index}");
        assert!((model.values()..=model.known.len()).contains(&cache.len()), "event {index}");
    }
    // The timer is a millisecond coarse.
    pass(Duration::from_millis(2)).await;
    model.loaded(&source, None);
    model.misses_nothing(Instant::now());
    assert_eq!(source.values(), model.values(), "what is too old is gone");
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
