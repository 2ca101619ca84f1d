//! A scripted source that counts its loads and its living values.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use secret_cache::{
    Builder, Cache, Error, Load, LoadError, LoadErrorKind, Loaded, Ref, Refreshed, Version,
};

pub(crate) type Key = u32;
pub(crate) type SourceCache = Cache<Key, Source>;
pub(crate) type ReadResult = Result<Ref<Key, Value>, Error<Failure>>;

pub(crate) const INTERVAL: Duration = Duration::from_secs(100);
pub(crate) const MAX_STALE: Duration = Duration::from_secs(50);
pub(crate) const NEGATIVE: Duration = Duration::from_secs(4);
pub(crate) const NS: Duration = Duration::from_nanos(1);

pub(crate) fn just_under(span: Duration) -> Duration {
    span.saturating_sub(NS)
}

/// How the source responds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Up,
    Down,
    NotFound,
    Denied,
    /// The loader is not logged in.
    Unauthenticated,
    Panics,
    /// The source responds like a replica that has not seen the last write.
    Lags,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure(pub(crate) LoadErrorKind);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scripted failure: {:?}", self.0)
    }
}

impl std::error::Error for Failure {}

impl LoadError for Failure {
    fn kind(&self) -> LoadErrorKind {
        self.0
    }
}

/// A value that is counted by the source while it is alive.
pub(crate) struct Value {
    pub(crate) serial: u64,
    /// When its own lifetime ends, if it has one.
    pub(crate) expires: Option<Instant>,
    _alive: Arc<()>,
}

#[derive(Clone)]
pub(crate) struct Source {
    state: Arc<Mutex<State>>,
    alive: Arc<()>,
}

struct State {
    mode: Mode,
    latency: Duration,
    lifetime: Option<Duration>,
    may_poll: bool,
    serials: HashMap<Key, u64>,
    loads: usize,
    refreshes: usize,
    log: Vec<(Key, Instant)>,
    said: HashMap<Key, Mode>,
    running: usize,
    most_running: usize,
}

impl Source {
    pub(crate) fn new() -> Self {
        let state = State {
            mode: Mode::Up,
            latency: Duration::ZERO,
            lifetime: None,
            may_poll: true,
            serials: HashMap::new(),
            loads: 0,
            refreshes: 0,
            log: Vec::new(),
            said: HashMap::new(),
            running: 0,
            most_running: 0,
        };
        Self { state: Arc::new(Mutex::new(state)), alive: Arc::new(()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.state().mode = mode;
    }

    pub(crate) fn takes(&self, latency: Duration) {
        self.state().latency = latency;
    }

    /// Sets the lifetime of values that are loaded from now on.
    pub(crate) fn limits(&self, lifetime: Option<Duration>) {
        self.state().lifetime = lifetime;
    }

    pub(crate) fn may_poll(&self, may_poll: bool) {
        self.state().may_poll = may_poll;
    }

    /// Changes the value of `key`. The serial number is also its version.
    pub(crate) fn write(&self, key: Key) -> u64 {
        let mut state = self.state();
        let serial = state.serials.entry(key).or_insert(1);
        *serial += 1;
        *serial
    }

    pub(crate) fn serial(&self, key: Key) -> u64 {
        self.state().serials.get(&key).copied().unwrap_or(1)
    }

    pub(crate) fn loaded(&self, serial: u64) -> Loaded<Value> {
        let lifetime = self.state().lifetime;
        self.limited(serial, lifetime, Instant::now())
    }

    fn limited(&self, serial: u64, lifetime: Option<Duration>, began: Instant) -> Loaded<Value> {
        let expires = lifetime.map(|lifetime| began + lifetime);
        let value = Value { expires, ..self.value(serial) };
        let loaded = Loaded::versioned(value, Version::new(serial));
        match lifetime {
            Some(lifetime) => loaded.expires_in(lifetime),
            None => loaded,
        }
    }

    pub(crate) fn value(&self, serial: u64) -> Value {
        Value { serial, expires: None, _alive: Arc::clone(&self.alive) }
    }

    pub(crate) fn loads(&self) -> usize {
        self.state().loads
    }

    /// Returns the number of loads that were refreshes.
    pub(crate) fn refreshes(&self) -> usize {
        self.state().refreshes
    }

    /// Takes the log of loads since the last call: the key and the start of each.
    pub(crate) fn log(&self) -> Vec<(Key, Instant)> {
        std::mem::take(&mut self.state().log)
    }

    /// Returns whether the last response for this key was negative.
    pub(crate) fn is_negative(&self, key: Key) -> bool {
        matches!(self.state().said.get(&key), Some(Mode::NotFound | Mode::Denied))
    }

    /// Forgets the last response for this key, after a write.
    pub(crate) fn clear_response(&self, key: Key) {
        self.state().said.remove(&key);
    }

    pub(crate) fn running(&self) -> usize {
        self.state().running
    }

    pub(crate) fn most_running(&self) -> usize {
        self.state().most_running
    }

    /// Returns the number of values that are alive.
    pub(crate) fn values(&self) -> usize {
        // Each clone of the source counts once, that of the cache included.
        Arc::strong_count(&self.alive) - Arc::strong_count(&self.state)
    }

    pub(crate) fn builder(&self) -> Builder<Key, Self> {
        Cache::builder(self.clone())
            .refresh_interval(INTERVAL)
            .max_stale(MAX_STALE)
            .negative_ttl(NEGATIVE)
    }

    pub(crate) fn cache(&self) -> SourceCache {
        self.builder().build().unwrap()
    }
}

impl Load<Key> for Source {
    type Value = Value;
    type Error = Failure;

    /// The response is determined when the load begins and returned after the latency.
    async fn load(&self, key: &Key) -> Result<Loaded<Value>, Failure> {
        let (serial, began) = (self.serial(*key), Instant::now());
        let (mode, latency, lifetime) = self.begin(*key);
        let _running = Running(self);
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        self.state().said.insert(*key, mode);
        match mode {
            Mode::Up => Ok(self.limited(serial, lifetime, began)),
            Mode::Lags => Ok(self.limited(serial - 1, lifetime, began)),
            Mode::Down => Err(Failure(LoadErrorKind::Unavailable)),
            Mode::NotFound => Err(Failure(LoadErrorKind::NotFound)),
            Mode::Denied => Err(Failure(LoadErrorKind::Denied)),
            Mode::Unauthenticated => Err(Failure(LoadErrorKind::Unauthenticated)),
            // Not `panic!`, so that the panic hook prints nothing: thousands of these are expected.
            Mode::Panics => std::panic::resume_unwind(Box::new("scripted panic")),
        }
    }

    async fn refresh(&self, key: &Key) -> Result<Loaded<Value>, Failure> {
        self.state().refreshes += 1;
        self.load(key).await
    }

    fn may_poll(&self) -> bool {
        self.state().may_poll
    }
}

impl Source {
    fn begin(&self, key: Key) -> (Mode, Duration, Option<Duration>) {
        let mut state = self.state();
        state.log.push((key, Instant::now()));
        state.loads += 1;
        state.running += 1;
        state.most_running = state.most_running.max(state.running);
        (state.mode, state.latency, state.lifetime)
    }
}

struct Running<'s>(&'s Source);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.state().running -= 1;
    }
}

/// Returns the versions before and after a refresh, and its error.
pub(crate) fn summary(
    refreshed: &Refreshed<Key, Value, Failure>,
) -> (Option<u64>, Option<u64>, Option<Got>) {
    let [before, after] =
        [refreshed.before, refreshed.after].map(|version| version.map(Version::number));
    (before, after, refreshed.error.as_ref().map(failed))
}

/// The summary of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Loaded(u64),
    Cached(u64),
    Stale(u64),
    Failed(LoadErrorKind),
    Panicked,
    Outdated,
    Expired,
    Busy,
}

pub(crate) fn got(result: &ReadResult) -> Got {
    use secret_cache::Origin;
    match result {
        Ok(value) => match (value.origin(), value.is_stale()) {
            (Origin::Loaded, false) => Got::Loaded(value.serial),
            (Origin::Memory, false) => Got::Cached(value.serial),
            (Origin::Memory, true) => Got::Stale(value.serial),
            other => panic!("{other:?}: {value:?}"),
        },
        Err(error) => failed(error),
    }
}

fn failed(error: &Error<Failure>) -> Got {
    match error {
        Error::Load(failure) => Got::Failed(failure.0),
        Error::Panicked => Got::Panicked,
        Error::Outdated => Got::Outdated,
        Error::Expired => Got::Expired,
        Error::Busy => Got::Busy,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn get(cache: &SourceCache, key: Key) -> Got {
    got(&cache.get(&key).await)
}

/// Runs every task, that of the refresher included, until it waits for time to pass.
pub(crate) async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// Advances the time, and runs every task that comes due.
pub(crate) async fn pass(span: Duration) {
    tokio::time::advance(span).await;
    settle().await;
}
