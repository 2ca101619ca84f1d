//! What a cache shares with its handles, loads and refresher: the state, and the tasks that act on
//! it.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::error::Error;
use crate::load::Load;
use crate::map::entry::Entry;
use crate::map::sync::Guard;
use crate::map::{Find, clock};
use crate::metrics::Metrics;
use crate::policy::Tick;
use crate::state::complete::Completion;
use crate::state::outcome::LoadReason;
use crate::state::write::Displaced;
use crate::state::{Availability, Patience, ReadResult, State, Step};
use crate::status::Status;
use crate::task::load::{InFlight, LoadProgress, WaitOutcome, Waiter, run_loader};
use crate::task::permits::LoadPermits;
use crate::task::refresher::{Maintain, Refresher};
use crate::value_ref::Ref;

/// What a caller does next after a miss.
type Next<K, L> = Step<
    K,
    <L as Load<K>>::Value,
    <L as Load<K>>::Error,
    Waiter<K, <L as Load<K>>::Value, <L as Load<K>>::Error>,
>;

/// The entry that a lookup found, of any age.
type Found<K, L> = Option<Guard<Entry<K, <L as Load<K>>::Value>>>;

/// A load in flight.
type Running<K, L> = InFlight<K, <L as Load<K>>::Value, <L as Load<K>>::Error>;

/// The shared part of a cache. Loads and the refresher have weak references to it.
pub(crate) struct Shared<K, L: Load<K>> {
    pub(crate) state: State<K, L::Value, L::Error, Running<K, L>>,
    loader: Arc<L>,
    permits: Arc<LoadPermits>,
    /// The maximum number of concurrent loads.
    pub(crate) max_loads: usize,
    refresher: Refresher,
    pub(crate) metrics: Metrics,
}

impl<K, L> Shared<K, L>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
{
    pub(crate) fn new(
        state: State<K, L::Value, L::Error, Running<K, L>>,
        loader: L,
        max_loads: usize,
        metrics: Metrics,
    ) -> Self {
        let (loader, permits) = (Arc::new(loader), Arc::new(LoadPermits::new(max_loads)));
        Self { state, loader, permits, max_loads, refresher: Refresher::new(), metrics }
    }

    /// Serves a hit, or returns what `lookup` found. This is the only lookup without the lock: the
    /// miss path receives its result.
    #[inline(always)]
    pub(crate) fn hit(
        &self,
        lookup: impl Find<K, L::Value>,
        accepts: impl FnOnce(&L::Value) -> bool,
    ) -> Result<Ref<K, L::Value>, Found<K, L>> {
        self.metrics.hits.announce();
        let value = Ref::hit(lookup.find(), accepts)?;
        self.metrics.hits.count();
        Ok(value)
    }

    /// Serves an entry that is not a plain hit. A value that is past its refresh interval is not
    /// served, unless the source is unavailable or the caller `never_waits`.
    #[cold]
    pub(crate) fn serve(
        self: &Arc<Self>,
        found: Found<K, L>,
        never_waits: bool,
    ) -> Option<Ref<K, L::Value>> {
        let (value, start_refresh) = match self.state.check(found) {
            Availability::Missing => return None,
            Availability::Servable { value, start_refresh } => (value, start_refresh),
            Availability::Overdue { guard, is_first_access } => {
                let is_stale = self.state.is_stale(&guard.get()?.key, clock::now());
                if !is_stale && !never_waits {
                    return None;
                }
                // The refresh of a stale value has been scheduled since its first access.
                (Ref::cached(guard, is_stale), is_first_access || !is_stale)
            }
        };
        self.metrics.hits.announce();
        self.metrics.hits.count();
        if value.is_stale() {
            self.metrics.stale();
        }
        if start_refresh || !self.refresher.is_running() {
            match Handle::try_current() {
                Ok(runtime) => {
                    self.refresher.start(self, &runtime);
                    self.refresh_if_due(value.key(), &runtime);
                }
                Err(_) => self.state.schedule_refresh(value.key(), clock::now()),
            }
        }
        Some(value)
    }

    /// Returns the value after a miss: joins the load in flight or starts one.
    pub(crate) async fn load<Q>(self: &Arc<Self>, key: &Q) -> ReadResult<K, L::Value, L::Error>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + Sync + ?Sized,
    {
        self.metrics.miss();
        let result = self.wait(key).await;
        if let Ok(value) = &result {
            // A value that comes from a refresh has no accessed flag yet.
            value.mark_accessed();
            if value.is_stale() {
                self.metrics.stale();
            }
        }
        result
    }

    async fn wait<Q>(self: &Arc<Self>, key: &Q) -> ReadResult<K, L::Value, L::Error>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + Sync + ?Sized,
    {
        loop {
            let (Waiter(progress), patience) = match self.step(key) {
                Step::Done(result) => return result,
                Step::Wait(waiter, patience) => (waiter, patience),
            };
            match progress.wait(patience).await {
                WaitOutcome::Completed(load) => return load.result,
                WaitOutcome::Lost if patience == Patience::UntilEnd => {
                    return Err(Error::NoRuntime);
                }
                WaitOutcome::Superseded | WaitOutcome::Slow | WaitOutcome::Lost => {}
            }
        }
    }

    fn step<Q>(self: &Arc<Self>, key: &Q) -> Next<K, L>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let now = clock::now();
        self.state.get_or_load(key, now, |reason| {
            let runtime = Handle::try_current().ok()?;
            Some(self.spawn_load(key.to_owned(), reason, now, &runtime))
        })
    }

    /// Refreshes a key if it is due and nothing prevents it.
    fn refresh_if_due(self: &Arc<Self>, key: &K, runtime: &Handle) {
        self.state.set_may_poll(self.loader.may_poll());
        let now = clock::now();
        let spawn = |reason| Some(self.spawn_load(key.clone(), reason, now, runtime));
        drop(self.state.refresh_if_due(key, now, spawn));
    }

    pub(crate) fn spawn_load(
        self: &Arc<Self>,
        key: K,
        reason: LoadReason,
        now: Tick,
        runtime: &Handle,
    ) -> Running<K, L> {
        let progress = LoadProgress::new(now);
        let task = self.load_task(key, reason, &progress);
        InFlight::spawn(runtime, progress, task)
    }

    /// Returns the task of a load. It doesn't keep the cache alive.
    fn load_task(
        self: &Arc<Self>,
        key: K,
        reason: LoadReason,
        progress: &Arc<LoadProgress<K, L::Value, L::Error>>,
    ) -> impl Future<Output = ()> + Send + use<K, L> {
        let (shared, loader) = (Arc::downgrade(self), Arc::clone(&self.loader));
        let permits = Arc::clone(&self.permits);
        let waiter = Waiter(Arc::clone(progress));
        async move {
            let mut loaded_at = clock::now();
            let start = async {
                let permit = permits.acquire(reason).await?;
                loaded_at = clock::now();
                shared.upgrade()?.may_start(&key, &waiter, reason, loaded_at).then_some(permit)
            };
            let outcome = run_loader(&*loader, &key, reason, start).await;
            if let (Some(outcome), Some(shared)) = (outcome, shared.upgrade()) {
                let (now, jitter) = (clock::now(), fastrand::u32(..));
                let completion = Completion { outcome, reason, loaded_at, now, jitter };
                shared.complete(&key, &waiter, completion);
            }
        }
    }

    /// Returns whether a load may start. If not, its waiters retry.
    fn may_start(
        &self,
        key: &K,
        waiter: &Waiter<K, L::Value, L::Error>,
        reason: LoadReason,
        now: Tick,
    ) -> bool {
        let cancelled = match self.state.confirm_start(key, waiter, reason, now) {
            Ok(()) => return true,
            Err(load) => load,
        };
        cancelled.into_iter().for_each(InFlight::release);
        waiter.0.end(WaitOutcome::Superseded);
        false
    }

    /// Applies the outcome of a load, unless a write of its key has ended the load before.
    fn complete(
        self: &Arc<Self>,
        key: &K,
        waiter: &Waiter<K, L::Value, L::Error>,
        completion: Completion<L::Value, L::Error>,
    ) {
        self.ensure_refresher();
        // The load may have logged in.
        self.state.set_may_poll(self.loader.may_poll());
        self.metrics.load(completion.reason, &completion.outcome);
        let Some(completed) = self.state.complete(key, waiter, completion) else {
            // The writer ends the load too, but perhaps only after this task.
            return waiter.0.end(WaitOutcome::Superseded);
        };
        self.metrics.evicted(completed.evicted);
        completed.load.release();
        waiter.0.end(WaitOutcome::Completed(completed.result));
        drop(completed.released);
    }

    /// Returns the status of the cache.
    pub(crate) fn status(&self) -> Status<K, L::Error> {
        let (hits, misses) = (self.metrics.hits.total(), self.metrics.misses());
        Status { hits, misses, ..self.state.status(clock::now()) }
    }

    /// Loads a key for which a caller awaits changes, if it is missing or due.
    pub(crate) fn watch(self: &Arc<Self>, key: &K) {
        if let Ok(runtime) = Handle::try_current() {
            self.refresh_if_due(key, &runtime);
            self.ensure_refresher();
        }
    }

    /// Cancels the loads and drops the values that a write has displaced.
    pub(crate) fn finish_write(self: &Arc<Self>, displaced: Displaced<K, L::Value, Running<K, L>>) {
        self.metrics.evicted(displaced.evicted);
        drop(displaced.released);
        displaced.loads.into_iter().for_each(InFlight::supersede);
    }

    /// Starts the refresher unless it is running or there is no runtime for it.
    pub(crate) fn ensure_refresher(self: &Arc<Self>) {
        if !self.refresher.is_running()
            && !self.state.policy().is_disabled()
            && let Ok(runtime) = Handle::try_current()
        {
            self.refresher.start(self, &runtime);
        }
    }
}

impl<K, L> Maintain for Shared<K, L>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
{
    fn on_start(&self, hits_skip_clock: bool) {
        self.state.set_hits_skip_clock(hits_skip_clock);
    }

    fn on_stop(&self) {
        self.state.set_hits_skip_clock(false);
        self.metrics.report_hits();
        self.metrics.hits.sleep();
        self.refresher.stopped();
    }

    fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.state.wake)
    }

    fn next_wakeup(&self) -> Tick {
        self.state.next_wakeup()
    }

    fn maintain(self: &Arc<Self>) {
        let Ok(runtime) = Handle::try_current() else { return };
        let now = clock::now();
        self.state.scan(now);
        while let Some(key) = self.state.pop_due(now) {
            self.refresh_if_due(&key, &runtime);
        }
    }

    fn report_hits(&self, report_at: Tick) -> Tick {
        self.metrics.report_hits_at(report_at, clock::now())
    }
}
