//! The operations of the refresher on keys whose time has come: it refreshes those in use, and
//! removes those that have expired. [`scan`](super::scan) finds them.

use std::hash::Hash;

use crate::map::entry::Released;
use crate::policy::{Freshness, PROBE_INTERVAL, Tick};
use crate::state::State;
use crate::state::in_flight::PendingLoad;
use crate::state::inner::Inner;
use crate::state::outcome::LoadReason;

impl<K, V, E, F> State<K, V, E, F>
where
    K: Hash + Eq + Clone,
    F: PendingLoad,
{
    /// Returns until when the refresher may sleep, and records that it does.
    pub(crate) fn next_wakeup(&self) -> Tick {
        self.lock().schedule.sleep_until()
    }

    /// Returns a key whose scheduled time has come.
    pub(crate) fn pop_due(&self, now: Tick) -> Option<K> {
        self.lock().schedule.pop_due(now)
    }

    /// Refreshes a key that is due and in use, and removes an entry that has expired.
    pub(crate) fn refresh_if_due(
        &self,
        key: &K,
        now: Tick,
        spawn: impl FnOnce(LoadReason) -> Option<F>,
    ) -> Released<K, V> {
        let mut inner = self.lock();
        self.remove_if_expired(&mut inner, key, now);
        if self.needs_refresh(&inner, key, now) {
            match self.refresh_blocked_until(&mut inner, key, now) {
                Some(Tick::MAX) => {}
                Some(until) => inner.schedule.add(until, key.clone()),
                None => start_refresh(&mut inner, key, now, spawn),
            }
        }
        self.schedule_expiry(&mut inner, key);
        self.unlock(inner)
    }

    /// Returns whether a load that has received its permit may start. A refresh may not if an
    /// outage was detected while it was queued. It is then returned, and its key is scheduled for
    /// the next probe.
    pub(crate) fn confirm_start(
        &self,
        key: &K,
        waiter: &F::Waiter,
        reason: LoadReason,
        now: Tick,
    ) -> Result<(), Option<F>> {
        let mut inner = self.lock();
        let outage = inner.outage(now).filter(|_| reason == LoadReason::Refresh);
        let Some(next_probe) = outage.map(|outage| outage.next_probe) else {
            inner.in_flight.begin(key, waiter, now);
            return Ok(());
        };
        let load = inner.in_flight.remove_if(key, waiter).map(|tracked| tracked.load);
        inner.schedule.add(next_probe.max(now), key.clone());
        drop(self.unlock(inner));
        Err(load)
    }

    /// Schedules a key whose entry expires before the next scan.
    fn schedule_expiry(&self, inner: &mut Inner<K, V, E, F>, key: &K) {
        let guard = self.entries.find(key);
        let Some(entry) = guard.as_ref().and_then(|guard| guard.get()) else { return };
        let expires_at = entry.expires_at(&self.policy());
        let is_before_scan = expires_at <= inner.schedule.next_scan();
        if (entry.is_timed() || is_before_scan) && expires_at < Tick::MAX {
            inner.schedule.add(expires_at, key.clone());
        }
    }

    /// Returns whether a key is due, and was read since it was loaded or is watched.
    fn needs_refresh(&self, inner: &Inner<K, V, E, F>, key: &K, now: Tick) -> bool {
        let guard = self.entries.find(key);
        match guard.as_ref().and_then(|guard| guard.get()) {
            Some(entry) => {
                let is_due = entry.freshness(&self.policy(), now) != Freshness::Fresh;
                is_due && (entry.flags().is_accessed() || inner.is_watched(key))
            }
            None => inner.is_watched(key),
        }
    }

    /// Returns until when a refresh is not possible; [`Tick::MAX`] if a load is in flight.
    fn refresh_blocked_until(
        &self,
        inner: &mut Inner<K, V, E, F>,
        key: &K,
        now: Tick,
    ) -> Option<Tick> {
        if inner.in_flight.get(key).is_some() {
            return Some(Tick::MAX);
        }
        let probe = inner.outage(now).map(|outage| outage.next_probe);
        let failure = inner.refresh_failures.get(key).or_else(|| inner.failures.get(key));
        let busy = (!self.can_start_load(inner)).then(|| now.saturating_add(PROBE_INTERVAL));
        let until = failure.map(|failure| failure.retry_at).max(probe).max(busy);
        until.filter(|until| *until > now)
    }
}

/// Starts a refresh, which is a probe during an outage.
fn start_refresh<K, V, E, F>(
    inner: &mut Inner<K, V, E, F>,
    key: &K,
    now: Tick,
    spawn: impl FnOnce(LoadReason) -> Option<F>,
) where
    K: Hash + Eq + Clone,
    F: PendingLoad,
{
    let reason = inner.refresh_reason(key, now);
    if let Some(load) = spawn(reason) {
        inner.in_flight.insert(key.clone(), load, None);
    }
}
