//! Random sequences of events against a model. There is one caller, so that each result is known
//! exactly. Because the jitter is random, the model is given the loads that happened. It decides
//! whether each was allowed and whether one is missing.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use secret_cache::LoadErrorKind;
use tokio::time::{Instant, advance};

use crate::source::{
    Got, INTERVAL, Key, MAX_STALE, Mode, NEGATIVE, Source, SourceCache, get, pass, settle, summary,
};

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
    Refresh(Key),
    /// Refreshes only this version.
    RefreshIf(Key, u64),
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let key = || 0..3_u32;
    let modes = [
        Mode::Up,
        Mode::Down,
        Mode::NotFound,
        Mode::Denied,
        Mode::Unauthenticated,
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
        4 => key().prop_map(Event::Refresh),
        1 => (key(), 1..4_u64).prop_map(|(key, version)| Event::RefreshIf(key, version)),
    ]
}

/// The retry delay after a failed load, and the interval of probes.
const SECOND: Duration = Duration::from_secs(1);

/// How long an outage is known after the last failed refresh or the last probe.
const KNOWN_FOR: Duration = Duration::from_secs(3);

/// The model of one key.
#[derive(Clone, Copy, Default)]
struct KeyModel {
    value: Option<Value>,
    /// Until when the key is not loaded again.
    retry_at: Option<Instant>,
    /// What callers get before that if there is no value.
    result: Option<Got>,
    /// The serial number of a value that is no longer served.
    min_version: Option<u64>,
    /// The value's own lifetime is over.
    lifetime_over: bool,
}

#[derive(Clone, Copy)]
struct Value {
    serial: u64,
    since: Instant,
    lifetime: Option<Duration>,
    is_accessed: bool,
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
        let max_age = INTERVAL + MAX_STALE;
        self.since + self.lifetime.map_or(max_age, |lifetime| lifetime.min(max_age))
    }

    fn is_too_old(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= INTERVAL + MAX_STALE
    }
}

impl KeyModel {
    /// Creates the model of a key that has a value and no failures.
    fn of(value: Value, now: Instant) -> Self {
        if value.has_expired(now) {
            return Self::after_lifetime(value.serial);
        }
        Self { value: Some(value), ..Self::default() }
    }

    fn after_lifetime(serial: u64) -> Self {
        Self { min_version: Some(serial), lifetime_over: true, ..Self::default() }
    }

    /// Removes a value that is no longer served.
    fn at(self, now: Instant) -> Self {
        match self.value {
            Some(value) if value.has_expired(now) => Self::after_lifetime(value.serial),
            Some(value) if value.is_too_old(now) => {
                Self { value: None, min_version: Some(value.serial), ..self }
            }
            _ => self,
        }
    }

    fn is_delayed(&self, now: Instant) -> bool {
        self.retry_at.is_some_and(|until| now < until)
    }

    fn may_take(&self, serial: u64) -> bool {
        self.value
            .map(|value| value.serial)
            .or(self.min_version)
            .is_none_or(|current| serial >= current)
    }

    /// Returns the serial number that a load inserts, or its failure.
    fn outcome(&self, mode: Mode, serial: u64) -> Result<u64, Got> {
        match mode {
            Mode::Up => Ok(serial),
            Mode::Lags if self.may_take(serial - 1) => Ok(serial - 1),
            Mode::Lags => Err(Got::Outdated),
            Mode::Down => Err(Got::Failed(LoadErrorKind::Unavailable)),
            Mode::Unauthenticated => Err(Got::Failed(LoadErrorKind::Unauthenticated)),
            Mode::Panics => Err(Got::Panicked),
            Mode::NotFound => Err(Got::Failed(LoadErrorKind::NotFound)),
            Mode::Denied => Err(Got::Failed(LoadErrorKind::Denied)),
        }
    }

    fn is_negative(&self) -> bool {
        let negative = [LoadErrorKind::NotFound, LoadErrorKind::Denied].map(Got::Failed);
        self.value.is_none() && self.result.is_some_and(|result| negative.contains(&result))
    }

    /// Applies a load, and returns what a caller that waits for it gets.
    fn load(&mut self, mode: Mode, new: Value, now: Instant) -> Got {
        let failure = match self.outcome(mode, new.serial) {
            Ok(serial) => {
                *self = Self::of(Value { serial, ..new }, now);
                return Got::Loaded(serial);
            }
            Err(failure) => failure,
        };
        if matches!(mode, Mode::NotFound | Mode::Denied) {
            let retry_at = Some(now + NEGATIVE);
            *self = Self { retry_at, result: Some(failure), ..Self::default() };
            return failure;
        }
        let failure = if self.lifetime_over { Got::Expired } else { failure };
        if mode != Mode::Unauthenticated {
            // The retry delay ends when the value expires.
            let end = self.value.map_or(now + SECOND, |value| value.end());
            (self.retry_at, self.result) = (Some(end.min(now + SECOND)), Some(failure));
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
    error: Got,
}

/// The versions before and after a refresh, and its error.
type RefreshResult = (Option<u64>, Option<u64>, Option<Got>);

struct Model {
    keys: HashMap<Key, KeyModel>,
    mode: Mode,
    lifetime: Option<Duration>,
    /// The interval in whose last tenth a value in use is due.
    due_interval: Duration,
    outage: Option<Outage>,
    /// When the last outage ended. The refreshes that it delayed follow within a second.
    outage_ended: Option<Instant>,
    /// The start and the result of the last forced load of each key.
    forced: HashMap<Key, (Instant, RefreshResult)>,
}

impl Model {
    fn key(&mut self, key: Key, now: Instant) -> &mut KeyModel {
        let state = self.keys.entry(key).or_default();
        *state = state.at(now);
        state
    }

    fn outage(&mut self, now: Instant) -> Option<&mut Outage> {
        self.outage.as_mut().filter(|outage| now < outage.known_until)
    }

    fn value(&self, serial: u64, since: Instant, is_accessed: bool) -> Value {
        Value { serial, since, lifetime: self.lifetime, is_accessed }
    }

    /// Returns what a caller gets. A load that it causes is in the log that follows.
    fn get(&mut self, key: Key, current: u64, now: Instant) -> Got {
        let (mode, is_down) = (self.mode, self.outage(now).is_some());
        let new = self.value(current, now, true);
        let state = self.key(key, now);
        let is_delayed = state.is_delayed(now);
        if let Some(value) = &mut state.value {
            value.is_accessed = true;
        }
        match (state.value, state.result) {
            (Some(value), _) if !value.is_overdue(now) => Got::Cached(value.serial),
            (Some(value), _) if is_down || is_delayed => Got::Stale(value.serial),
            (None, Some(result)) if is_delayed => result,
            // The value is past its refresh interval, or there is none: the caller waits.
            _ => state.clone().load(mode, new, now),
        }
    }

    /// Returns the result of a refresh, and whether it causes a load, which is in the log that
    /// follows.
    fn refresh(
        &mut self,
        key: Key,
        only: Option<u64>,
        current: u64,
        now: Instant,
    ) -> (RefreshResult, bool) {
        let mode = self.mode;
        let outage = self.outage(now).copied().filter(|outage| now < outage.next_probe);
        let state = *self.key(key, now);
        let held = state.value.map(|value| value.serial);
        if only.is_some_and(|only| held != Some(only)) {
            return ((held, held, None), false);
        }
        if let Some((at, result)) = self.forced.get(&key)
            && now < *at + SECOND
        {
            return (*result, false);
        }
        let error = if held.is_some() {
            outage.map(|outage| outage.error)
        } else {
            state.result.filter(|_| state.is_delayed(now) && !state.is_negative())
        };
        if error.is_some() {
            return ((held, held, error), false);
        }
        let negative = matches!(mode, Mode::NotFound | Mode::Denied);
        let result = match state.outcome(mode, current) {
            Ok(serial) => (held, Some(serial), None),
            Err(failure) if negative => (held, None, Some(failure)),
            Err(_) if state.lifetime_over => (held, None, Some(Got::Expired)),
            Err(failure) => (held, held, Some(failure)),
        };
        self.forced.insert(key, (now, result));
        (result, true)
    }

    /// Applies the loads since the last event, each of which must have a reason: a reader or a
    /// forced refresh, or that a value was due.
    fn loaded(&mut self, source: &Source, reader: Option<Key>, forced: Option<Key>) {
        for (key, at) in source.log() {
            let (mode, current) = (self.mode, source.serial(key));
            let old = self.key(key, at).value;
            // A caller waits where there is no value, or where it is overdue.
            let waits = reader == Some(key) && old.is_none_or(|value| value.is_overdue(at));
            let is_accessed = old.is_none() || waits && self.outage(at).is_none();
            let new = self.value(current, at, is_accessed);
            let is_forced = forced == Some(key);
            let state = self.key(key, at);
            let is_allowed = is_forced && (old.is_some() || state.is_negative());
            assert!(
                is_allowed || !state.is_delayed(at),
                "{key} was loaded before its retry delay was over"
            );
            state.load(mode, new, at);
            let Some(value) = old else {
                assert!(is_forced || reader == Some(key), "no caller requested the load");
                self.responded(mode, at, false);
                continue;
            };
            let is_due = at - value.since >= self.due_interval / 10 * 9;
            let is_needed = is_forced || (value.is_accessed && is_due);
            assert!(is_needed, "{key} was not due or not in use");
            if let Some(outage) = self.outage(at) {
                assert!(at >= outage.next_probe, "{key} was refreshed between two probes");
                (outage.next_probe, outage.known_until) = (at + SECOND, at + KNOWN_FOR);
            }
            self.responded(mode, at, true);
        }
    }

    fn responded(&mut self, mode: Mode, at: Instant, is_refresh: bool) {
        match mode {
            Mode::Down | Mode::Unauthenticated if is_refresh => {
                let (known_until, next_probe) = (at + KNOWN_FOR, at + SECOND);
                let kind = match mode {
                    Mode::Down => LoadErrorKind::Unavailable,
                    _ => LoadErrorKind::Unauthenticated,
                };
                let error = Got::Failed(kind);
                let new = Outage { next_probe, known_until, error };
                self.outage = Some(match self.outage(at) {
                    Some(outage) => Outage { known_until, error, ..*outage },
                    None => new,
                });
            }
            Mode::Down | Mode::Unauthenticated | Mode::Panics => {}
            Mode::Up | Mode::Lags | Mode::NotFound | Mode::Denied => {
                if self.outage.take().is_some() {
                    self.outage_ended = Some(at);
                }
            }
        }
    }

    /// Verifies that each key that is in use and past its due interval has been refreshed, or that
    /// a refresh was tried. Tokio's timer has a resolution of a millisecond.
    fn misses_nothing(&mut self, now: Instant) {
        let a_little_earlier = now - Duration::from_millis(2);
        let is_down = self.outage.is_some_and(|outage| a_little_earlier < outage.known_until);
        let has_just_ended = self.outage_ended.is_some_and(|at| a_little_earlier < at + SECOND);
        for key in 0..3 {
            let state = *self.key(key, now);
            let is_late = state.value.is_some_and(|value| {
                let age = a_little_earlier.saturating_duration_since(value.since);
                value.is_accessed && age >= self.due_interval
            });
            let is_held_back = is_down || has_just_ended || state.is_delayed(a_little_earlier);
            assert!(!is_late || is_held_back, "{key} was not refreshed");
        }
    }

    fn values(&self) -> usize {
        self.keys.values().filter(|state| state.value.is_some()).count()
    }

    /// Returns how many values had not expired at that time.
    fn values_at(&self, time: Instant) -> usize {
        self.keys.values().filter(|state| state.at(time).value.is_some()).count()
    }
}

async fn refresh(cache: &SourceCache, key: Key, only: Option<u64>) -> RefreshResult {
    let refreshed = match only {
        None => cache.refresh(&key).await,
        Some(version) => cache.refresh_if_version(&key, version).await,
    };
    summary(&refreshed)
}

async fn run(events: Vec<Event>, poll_interval: Option<Duration>) {
    let source = Source::new();
    let mut model = Model {
        keys: HashMap::new(),
        mode: Mode::Up,
        lifetime: None,
        due_interval: poll_interval.map_or(INTERVAL, |interval| interval.min(INTERVAL)),
        outage: None,
        outage_ended: None,
        forced: HashMap::new(),
    };
    let cache = source.builder().poll_interval(poll_interval.unwrap_or_default()).build().unwrap();
    for (index, event) in events.into_iter().enumerate() {
        let now = Instant::now();
        let (mut reader, mut forced) = (None, None);
        match event {
            Event::Get(key) => {
                reader = Some(key);
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
                model.keys.remove(&key);
                model.forced.remove(&key);
            }
            Event::Replace(key) | Event::ReplaceLate(key) => {
                let late = u64::from(matches!(event, Event::ReplaceLate(_)));
                let serial = source.write(key) - late;
                let taken = cache.replace(&key, source.loaded(serial));
                model.forced.remove(&key);
                let state = model.key(key, now);
                assert_eq!(taken, state.may_take(serial), "event {index}");
                if taken {
                    let is_accessed = state.value.is_some_and(|value| value.is_accessed);
                    let value = model.value(serial, now, is_accessed);
                    *model.key(key, now) = KeyModel::of(value, now);
                }
            }
            Event::Prime(key) => {
                let (serial, state) = (source.serial(key), *model.key(key, now));
                advance(Duration::from_nanos(1)).await;
                let read_at = Instant::now();
                let taken = cache.prime(read_at, [(key, source.loaded(serial))]);
                let value = model.value(serial, read_at, false);
                let may_take = state.may_take(serial) && !value.has_expired(read_at);
                assert_eq!(taken, usize::from(may_take), "event {index}");
                if may_take {
                    *model.key(key, now) = KeyModel::of(value, read_at);
                }
            }
            Event::Clear => {
                cache.clear();
                model.keys.clear();
                model.forced.clear();
            }
            Event::Refresh(key) | Event::RefreshIf(key, _) => {
                let (only, current) = match event {
                    Event::RefreshIf(_, version) => (Some(version), source.serial(key)),
                    _ => (None, source.serial(key)),
                };
                let (expected, is_loaded) = model.refresh(key, only, current, now);
                assert_eq!(refresh(&cache, key, only).await, expected, "event {index}");
                forced = is_loaded.then_some(key);
            }
        }
        settle().await;
        model.loaded(&source, reader, forced);
        model.misses_nothing(Instant::now());
        assert!(source.values() >= model.values(), "event {index}");
        assert!((model.values()..=model.keys.len()).contains(&cache.len()), "event {index}");
    }
    // Tokio's timer has a resolution of a millisecond.
    let before = Instant::now();
    pass(Duration::from_millis(2)).await;
    model.loaded(&source, None, None);
    // A value that has expired since may still be in memory.
    let at_most = model.values_at(before);
    model.misses_nothing(Instant::now());
    assert!((model.values()..=at_most).contains(&source.values()), "expired values are removed");
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(512)
    })]

    #[test]
    fn cache_behaves_as_the_model(
        events in prop::collection::vec(event(), 1..80),
        poll_interval in prop::sample::select(vec![None, Some(1), Some(20), Some(200)]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(events, poll_interval.map(Duration::from_secs)));
    }
}
