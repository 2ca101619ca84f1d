//! What a cache shares with its handles, its loads and its timer: the state, and the tasks that act
//! on it.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::clock;
use crate::events::Events;
use crate::flight::{Ending, Flight, Launched, Ticket, report};
use crate::landing::{Arrival, Cause};
use crate::lent::Lent;
use crate::state::{Answer, Look, State, Step};
use crate::timer::Timer;
use crate::writing::Ended;
use crate::{Error, Load};

/// What a caller does next, once there was no hit.
type Next<K, L> = Step<
    K,
    <L as Load<K>>::Value,
    <L as Load<K>>::Error,
    Ticket<K, <L as Load<K>>::Value, <L as Load<K>>::Error>,
>;

type Loads<K, L> = Launched<K, <L as Load<K>>::Value, <L as Load<K>>::Error>;

/// Loads and the timer hold it weakly.
pub(crate) struct Shared<K, L: Load<K>> {
    pub(crate) state: State<K, L::Value, L::Error, Loads<K, L>>,
    loader: Arc<L>,
    /// One for each load that runs.
    places: Arc<Semaphore>,
    pub(crate) timer: Timer,
    pub(crate) events: Events,
}

impl<K, L> Shared<K, L>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
{
    pub(crate) fn new(
        state: State<K, L::Value, L::Error, Loads<K, L>>,
        loader: L,
        max_loads: usize,
        events: Events,
    ) -> Self {
        let places = Arc::new(Semaphore::new(max_loads.min(Semaphore::MAX_PERMITS)));
        Self { state, loader: Arc::new(loader), places, timer: Timer::new(), events }
    }

    /// The whole of a hit.
    #[inline(always)]
    pub(crate) fn hit<Q>(
        &self,
        key: &Q,
        wanted: impl FnOnce(&L::Value) -> bool,
    ) -> Option<Lent<K, L::Value>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.events.tell_many();
        let lent = self.state.hit(key, wanted)?;
        Events::hit();
        Some(lent)
    }

    /// What memory has, once it is not a plain hit.
    #[cold]
    pub(crate) fn look<Q>(self: &Arc<Self>, key: &Q) -> Option<Lent<K, L::Value>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let Look::Served(lent, begin) = self.state.look(key) else { return None };
        Events::hit();
        if lent.is_stale() {
            self.events.stale();
        }
        if (begin || !self.timer.runs())
            && let Ok(runtime) = Handle::try_current()
        {
            self.timer.start(self, &runtime);
            self.due(lent.key(), &runtime);
        }
        Some(lent)
    }

    /// The answer to a caller for whom memory had nothing.
    pub(crate) async fn ask(self: &Arc<Self>, key: &K) -> Answer<K, L::Value, L::Error> {
        self.events.miss();
        loop {
            let Ticket(flight) = match self.step(key) {
                Step::Done(answer) => return answer,
                Step::Wait(ticket) => ticket,
            };
            match flight.ended().await {
                Ending::Landed(answer) => return answer,
                Ending::Superseded => {}
                Ending::Lost => return Err(Error::NoRuntime),
            }
        }
    }

    fn step(self: &Arc<Self>, key: &K) -> Next<K, L> {
        self.state.step(key, clock::now(), || {
            let runtime = Handle::try_current().ok()?;
            Some(self.launch(key, Cause::Miss, &runtime))
        })
    }

    /// Loads a key again, if that is due and nothing stands in the way.
    pub(crate) fn due(self: &Arc<Self>, key: &K, runtime: &Handle) {
        let launch = || Some(self.launch(key, Cause::Refresh, runtime));
        drop(self.state.due(key, clock::now(), launch));
    }

    fn launch(self: &Arc<Self>, key: &K, cause: Cause, runtime: &Handle) -> Loads<K, L> {
        let flight = Flight::new();
        let task = self.load(key, cause, &flight);
        Launched::spawn(runtime, flight, task)
    }

    /// One load from its beginning to its landing. It doesn't keep the cache alive.
    fn load(
        self: &Arc<Self>,
        key: &K,
        cause: Cause,
        flight: &Arc<Flight<K, L::Value, L::Error>>,
    ) -> impl Future<Output = ()> + Send + use<K, L> {
        let (shared, loader) = (Arc::downgrade(self), Arc::clone(&self.loader));
        let places = Arc::clone(&self.places);
        let (key, ticket) = (key.clone(), Ticket(Arc::clone(flight)));
        async move {
            // It is never closed.
            let place = places.acquire_owned().await.ok();
            let began = clock::now();
            let report = report(&*loader, &key, cause).await;
            drop(place);
            if let Some(shared) = shared.upgrade() {
                let (now, lot) = (clock::now(), fastrand::u32(..));
                shared.land(&key, &ticket, Arrival { report, cause, began, now, lot });
            }
        }
    }

    /// Applies the end of a load, unless a write of the key has ended it before.
    fn land(
        self: &Arc<Self>,
        key: &K,
        ticket: &Ticket<K, L::Value, L::Error>,
        arrival: Arrival<L::Value, L::Error>,
    ) {
        self.attend();
        self.events.load(arrival.cause, &arrival.report);
        let Some(landed) = self.state.land(key, ticket, arrival) else {
            // The writer says so too, perhaps only after this task has ended.
            return ticket.0.end(Ending::Superseded);
        };
        self.events.evicted(landed.evicted);
        landed.flight.release();
        ticket.0.end(Ending::Landed(landed.answer));
        drop(landed.released);
    }

    /// Somebody waits for news of a key: it is loaded now if it is missing or due.
    pub(crate) fn watch(self: &Arc<Self>, key: &K) {
        if let Ok(runtime) = Handle::try_current() {
            self.due(key, &runtime);
            self.attend();
        }
    }

    /// Ends what a write has ended.
    pub(crate) fn end(self: &Arc<Self>, ended: Ended<K, L::Value, Loads<K, L>>) {
        self.events.evicted(ended.evicted);
        drop(ended.released);
        ended.flights.into_iter().for_each(Launched::supersede);
    }

    /// Sees to it that there is a timer, where there is a runtime to have one on.
    pub(crate) fn attend(self: &Arc<Self>) {
        if !self.timer.runs()
            && !self.state.policy.is_off()
            && let Ok(runtime) = Handle::try_current()
        {
            self.timer.start(self, &runtime);
        }
    }
}
