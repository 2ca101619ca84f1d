//! What a cache shares with its loads: the table behind its lock, and each step taken on it.
//!
//! A step takes the lock once, never awaits under it, and runs no foreign code under it but the
//! key's own `Hash`, `Eq` and `Clone`.

use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::entry::{Answer, Change, Entry, Report, settle};
use crate::flight::{Ending, Flight, Launched, report};
use crate::lent::Stored;
use crate::policy::Policy;
use crate::table::Table;
use crate::{Error, Load, Loaded};

/// The part of a cache that its loads need too; they hold it weakly.
pub(crate) struct Shared<K, V, E> {
    table: Mutex<Table<K, V, E>>,
    pub(crate) policy: Policy,
}

/// What a caller does next.
pub(crate) enum Step<V, E> {
    Done(Answer<V, E>),
    Wait(Arc<Flight<V, E>>),
}

impl<K, V, E> Shared<K, V, E>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    pub(crate) fn new(policy: Policy, capacity: usize) -> Self {
        Self { table: Mutex::new(Table::new(capacity)), policy }
    }

    /// A panic of a key's `Hash` or `Eq` leaves a table that is whole enough to go on with.
    fn table(&self) -> MutexGuard<'_, Table<K, V, E>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn len(&self) -> usize {
        self.table().len()
    }

    /// Answers from memory, joins the load in flight, or takes off.
    pub(crate) fn step<L>(self: &Arc<Self>, loader: &Arc<L>, key: &K, now: Instant) -> Step<V, E>
    where
        L: Load<K, Value = V, Error = E>,
    {
        let mut table = self.table();
        if let Some(answer) = table.entry(key).and_then(|entry| entry.answer(&self.policy, now)) {
            return Step::Done(answer);
        }
        if let Some(flight) = table.flight(key) {
            return Step::Wait(Arc::clone(flight));
        }
        let Ok(runtime) = Handle::try_current() else {
            return Step::Done(Err(Error::NoRuntime));
        };
        let flight = Flight::new();
        let task = self.load(loader, key, &flight, now);
        let launched = Launched::spawn(&runtime, Arc::clone(&flight), task);
        let lost = table.launch(key.clone(), launched);
        drop(table);
        drop(lost);
        Step::Wait(flight)
    }

    /// One load from its beginning to its landing. It doesn't keep the cache alive.
    fn load<L>(
        self: &Arc<Self>,
        loader: &Arc<L>,
        key: &K,
        flight: &Arc<Flight<V, E>>,
        began: Instant,
    ) -> impl Future<Output = ()> + Send + use<K, V, E, L>
    where
        L: Load<K, Value = V, Error = E>,
    {
        let (shared, loader) = (Arc::downgrade(self), Arc::clone(loader));
        let (key, flight) = (key.clone(), Arc::clone(flight));
        async move {
            let report = report(&*loader, &key, began).await;
            if let Some(shared) = shared.upgrade() {
                shared.land(&key, &flight, report, began, Instant::now());
            }
        }
    }

    /// Applies the end of a load, unless a write of the key has ended it before.
    fn land(
        &self,
        key: &K,
        flight: &Arc<Flight<V, E>>,
        report: Report<V, E>,
        began: Instant,
        now: Instant,
    ) {
        let mut table = self.table();
        let Some(launched) = table.land(key, flight) else {
            drop(table);
            // The writer says so too, perhaps only after this task has ended.
            return flight.end(Ending::Superseded);
        };
        let (change, answer) = settle(&self.policy, table.entry(key), &report, began, now);
        let displaced = match change {
            Change::Keep => [None, None],
            Change::Put(entry) => table.put(key.clone(), entry),
            Change::Remove => [table.remove(key), None],
        };
        drop(table);
        launched.release();
        flight.end(Ending::Landed(answer));
        drop((displaced, report));
    }

    /// Forgets the key; a load in flight counts no more.
    pub(crate) fn invalidate(&self, key: &K) {
        let mut table = self.table();
        let (removed, flight) = (table.remove(key), table.ground(key));
        drop(table);
        drop(removed);
        flight.into_iter().for_each(Launched::supersede);
    }

    /// Puts a written value in, unless a newer one is held; a load in flight counts no more.
    pub(crate) fn replace(&self, key: &K, loaded: Loaded<V>, now: Instant) -> bool {
        let written = Stored::new(loaded, now);
        let mut table = self.table();
        let flight = table.ground(key);
        let accepted = table.entry(key).is_none_or(|entry| entry.yields_to(written.version));
        let displaced =
            if accepted { table.put(key.clone(), Entry::held(&written)) } else { [None, None] };
        drop(table);
        drop((displaced, written));
        flight.into_iter().for_each(Launched::supersede);
        accepted
    }

    /// Forgets everything; loads in flight count no more.
    pub(crate) fn clear(&self) {
        let (old, flights) = self.table().empty();
        drop(old);
        flights.for_each(Launched::supersede);
    }
}
