//! Random sequences of events against a model. There is one caller, so that each result is known
//! exactly. Because the jitter is random, the model is given the loads that happened. It decides
//! whether each was allowed and whether one is missing.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use secret_cache::LoadErrorKind;
use tokio::time::{Instant, advance};

use crate::source::{Got, INTERVAL, Key, MAX_STALE, Mode, NEGATIVE, Source, get, pass, settle};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Get(Key),
    Advance(Duration),
    Set(Mode),
    /// Values have this lifetime from now on.
    Limit(Option<Duration>),
    Write(Key),
    Invalidate(Key),
    Replace(Key),
    ReplaceLate(Key),
    Prime(Key),
    Clear,
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let key = || 0..3_u32;
    let modes = [
        Mode::Up,
        Mode::Down,
        Mode::Absent,
        Mode::Refused,
        Mode::LoggedOut,
        Mode::Panics,
        Mode::Lags,
    ];
    let spans = [1, 500, 999, 1_000, 2_999, 4_000, 30_000, 50_000, 89_999, 100_000, 149_999];
    let lifetimes = [None, None, Some(0), Some(1), Some(6), Some(95), Some(120), Some(3_600)];
    let lifetimes = lifetimes.map(|seconds| seconds.map(Duration::from_secs));
    prop_oneof![
        12 => key().prop_map(Event::Get),
        8 => prop::sample::select(spans.to_vec())
            .prop_map(|ms| Event::Advance(Duration::from_millis(ms))),
        4 => prop::sample::select(modes.to_vec()).prop_map(Event::Set),
        1 => prop::sample::select(lifetimes.to_vec()).prop_map(Event::Limit),
        3 => key().prop_map(Event::Write),
        1 => key().prop_map(Event::Invalidate),
        2 => key().prop_map(Event::Replace),
        1 => key().prop_map(Event::ReplaceLate),
        1 => key().prop_map(Event::Prime),
        1 => Just(Event::Clear),
    ]
}

/// The retry delay after a failed load, and the interval of probes.
const SECOND: Duration = Duration::from_secs(1);

/// How long an outage is known after the last failed refresh or the last probe.
const KNOWN_FOR: Duration = Duration::from_secs(3);

/// The model of one key.
#[derive(Clone, Copy, Default)]
struct Known {
    value: Option<Value>,
    /// Until when the key is not loaded again.
    pause: Option<Instant>,
    /// What callers get before that if there is no value.
    answer: Option<Got>,
    /// The serial number of a value that is no longer served.
    floor: Option<u64>,
    /// The value's own lifetime is over.
    has_ended: bool,
}

#[derive(Clone, Copy)]
struct Value {
    serial: u64,
    since: Instant,
    lifetime: Option<Duration>,
    seen: bool,
}

impl Value {
    fn is_overdue(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= INTERVAL
    }

    fn has_expired(&self, now: Instant) -> bool {
        self.lifetime.is_some_and(|lifetime| now.saturating_duration_since(self.since) >= lifetime)
    }

    /// When the value is no longer served.
    fn end(&self) -> Instant {
        let hard = INTERVAL + MAX_STALE;
        self.since + self.lifetime.map_or(hard, |lifetime| lifetime.min(hard))
    }

    fn is_too_old(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= INTERVAL + MAX_STALE
    }
}

impl Known {
    /// Creates the model of a key that has a value and no failures.
    fn of(value: Value, now: Instant) -> Self {
        if value.has_expired(now) {
            return Self::ended(value.serial);
        }
        Self { value: Some(value), ..Self::default() }
    }

    fn ended(serial: u64) -> Self {
        Self { floor: Some(serial), has_ended: true, ..Self::default() }
    }

    /// Removes a value that is no longer served.
    fn at(self, now: Instant) -> Self {
        match self.value {
            Some(value) if value.has_expired(now) => Self::ended(value.serial),
            Some(value) if value.is_too_old(now) => {
                Self { value: None, floor: Some(value.serial), ..self }
            }
            _ => self,
        }
    }

    fn is_paused(&self, now: Instant) -> bool {
        self.pause.is_some_and(|until| now < until)
    }

    fn may_take(&self, serial: u64) -> bool {
        self.value.map(|value| value.serial).or(self.floor).is_none_or(|held| serial >= held)
    }

    /// Applies a load, and returns what a caller that waits for it gets.
    fn load(&mut self, mode: Mode, new: Value, now: Instant) -> Got {
        let (serial, failure) = match mode {
            Mode::Up => (Some(new.serial), None),
            Mode::Lags if self.may_take(new.serial - 1) => (Some(new.serial - 1), None),
            Mode::Lags => (None, Some(Got::Outdated)),
            Mode::Down => (None, Some(Got::Failed(LoadErrorKind::Unavailable))),
            Mode::LoggedOut => (None, Some(Got::Failed(LoadErrorKind::Unauthenticated))),
            Mode::Panics => (None, Some(Got::Panicked)),
            Mode::Absent => (None, Some(Got::Failed(LoadErrorKind::NotFound))),
            Mode::Refused => (None, Some(Got::Failed(LoadErrorKind::Denied))),
        };
        if let Some(serial) = serial {
            *self = Self::of(Value { serial, ..new }, now);
            return Got::Loaded(serial);
        }
        let failure = failure.unwrap();
        if matches!(mode, Mode::Absent | Mode::Refused) {
            let pause = Some(now + NEGATIVE);
            *self = Self { pause, answer: Some(failure), ..Self::default() };
            return failure;
        }
        let failure = if self.has_ended { Got::Expired } else { failure };
        if mode != Mode::LoggedOut {
            // The retry delay ends when the value expires.
            let end = self.value.map_or(now + SECOND, |value| value.end());
            (self.pause, self.answer) = (Some(end.min(now + SECOND)), Some(failure));
        }
        self.value.map_or(failure, |value| {
            if value.is_overdue(now) { Got::Stale(value.serial) } else { Got::Cached(value.serial) }
        })
    }
}

/// An outage that was detected by a refresh.
#[derive(Clone, Copy)]
struct Outage {
    next_probe: Instant,
    known_until: Instant,
}

struct Model {
    known: HashMap<Key, Known>,
    mode: Mode,
    lifetime: Option<Duration>,
    outage: Option<Outage>,
    /// When the last outage ended. The refreshes that it delayed follow within a second.
    ended: Option<Instant>,
}

impl Model {
    fn key(&mut self, key: Key, now: Instant) -> &mut Known {
        let known = self.known.entry(key).or_default();
        *known = known.at(now);
        known
    }

    fn outage(&mut self, now: Instant) -> Option<&mut Outage> {
        self.outage.as_mut().filter(|outage| now < outage.known_until)
    }

    fn value(&self, serial: u64, since: Instant, seen: bool) -> Value {
        Value { serial, since, lifetime: self.lifetime, seen }
    }

    /// Returns what a caller gets. A load that it causes is in the log that follows.
    fn get(&mut self, key: Key, current: u64, now: Instant) -> Got {
        let (mode, is_down) = (self.mode, self.outage(now).is_some());
        let new = self.value(current, now, true);
        let known = self.key(key, now);
        let is_paused = known.is_paused(now);
        if let Some(value) = &mut known.value {
            value.seen = true;
        }
        match (known.value, known.answer) {
            (Some(value), _) if !value.is_overdue(now) => Got::Cached(value.serial),
            (Some(value), _) if is_down || is_paused => Got::Stale(value.serial),
            (None, Some(answer)) if is_paused => answer,
            // The value is past its refresh interval, or there is none: the caller waits.
            _ => known.clone().load(mode, new, now),
        }
    }

    /// Applies the loads since the last event, each of which must have a reason.
    fn loaded(&mut self, source: &Source, asked: Option<Key>) {
        for (key, at) in source.log() {
            let (mode, current) = (self.mode, source.serial(key));
            let held = self.key(key, at).value;
            // A caller waits where there is no value, or where it is overdue.
            let waits = asked == Some(key) && held.is_none_or(|value| value.is_overdue(at));
            let seen = held.is_none() || waits && self.outage(at).is_none();
            let new = self.value(current, at, seen);
            let known = self.key(key, at);
            assert!(!known.is_paused(at), "{key} was asked for in its pause");
            known.load(mode, new, at);
            let Some(value) = held else {
                assert_eq!(asked, Some(key), "nobody asked");
                self.responded(mode, at, false);
                continue;
            };
            let is_due = at - value.since >= INTERVAL / 10 * 9;
            assert!(value.seen && is_due, "{key} was not due, or not in use");
            if let Some(outage) = self.outage(at) {
                assert!(at >= outage.next_probe, "{key} was refreshed between two probes");
                (outage.next_probe, outage.known_until) = (at + SECOND, at + KNOWN_FOR);
            }
            self.responded(mode, at, true);
        }
    }

    fn responded(&mut self, mode: Mode, at: Instant, is_refresh: bool) {
        match mode {
            Mode::Down | Mode::LoggedOut if is_refresh => {
                let (known_until, next_probe) = (at + KNOWN_FOR, at + SECOND);
                let new = Outage { next_probe, known_until };
                self.outage = Some(match self.outage(at) {
                    Some(outage) => Outage { known_until, ..*outage },
                    None => new,
                });
            }
            Mode::Down | Mode::LoggedOut | Mode::Panics => {}
            Mode::Up | Mode::Lags | Mode::Absent | Mode::Refused => {
                if self.outage.take().is_some() {
                    self.ended = Some(at);
                }
            }
        }
    }

    /// Verifies that each key that is in use and past its interval has been refreshed, or that a
    /// refresh was tried. Tokio's timer has a resolution of a millisecond.
    fn misses_nothing(&mut self, now: Instant) {
        let a_little_earlier = now - Duration::from_millis(2);
        let is_down = self.outage.is_some_and(|outage| a_little_earlier < outage.known_until);
        let has_just_ended = self.ended.is_some_and(|at| a_little_earlier < at + SECOND);
        for key in 0..3 {
            let known = *self.key(key, now);
            let is_overdue =
                known.value.is_some_and(|value| value.seen && value.is_overdue(a_little_earlier));
            let is_held_back = is_down || has_just_ended || known.is_paused(a_little_earlier);
            assert!(!is_overdue || is_held_back, "{key} was not refreshed");
        }
    }

    fn values(&self) -> usize {
        self.known.values().filter(|known| known.value.is_some()).count()
    }

    /// Returns how many values had not expired at that time.
    fn values_at(&self, time: Instant) -> usize {
        self.known.values().filter(|known| known.at(time).value.is_some()).count()
    }
}

async fn run(events: Vec<Event>) {
    let source = Source::new();
    let mut model =
        Model { known: HashMap::new(), mode: Mode::Up, lifetime: None, outage: None, ended: None };
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
            Event::Limit(lifetime) => {
                model.lifetime = lifetime;
                source.limits(lifetime);
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
                    let value = model.value(serial, now, seen);
                    *model.key(key, now) = Known::of(value, now);
                }
            }
            Event::Prime(key) => {
                let (serial, known) = (source.serial(key), *model.key(key, now));
                advance(Duration::from_nanos(1)).await;
                let read_at = Instant::now();
                let taken = cache.prime(read_at, [(key, source.loaded(serial))]);
                let value = model.value(serial, read_at, false);
                let may_take = known.may_take(serial) && !value.has_expired(read_at);
                assert_eq!(taken, usize::from(may_take), "event {index}");
                if may_take {
                    *model.key(key, now) = Known::of(value, read_at);
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
    // Tokio's timer has a resolution of a millisecond.
    let before = Instant::now();
    pass(Duration::from_millis(2)).await;
    model.loaded(&source, None);
    // A value that has expired since may still be in memory.
    let at_most = model.values_at(before);
    model.misses_nothing(Instant::now());
    assert!((model.values()..=at_most).contains(&source.values()), "what is too old is gone");
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(512)
    })]

    #[test]
    fn cache_behaves_as_the_model(events in prop::collection::vec(event(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(events));
    }
}
