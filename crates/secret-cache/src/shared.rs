//! What a cache shares with its handles, its loads and its timer: the state, and the tasks that act
//! on it.

use std::hash::Hash;
use std::sync::Arc;

use tokio::runtime::Handle;

use crate::error::Error;
use crate::load::Load;
use crate::map::clock;
use crate::map::entry::Stored;
use crate::map::sync::Guard;
use crate::metrics::Events;
use crate::policy::Tick;
use crate::state::complete::Arrival;
use crate::state::outcome::Cause;
use crate::state::write::Ended;
use crate::state::{Answer, Look, Patience, State, Step};
use crate::task::load::{Ending, Flight, Launched, Ticket, report};
use crate::task::permits::LoadPermits;
use crate::task::refresher::Timer;
use crate::value_ref::Ref;

/// What a caller does next, once there was no hit.
type Next<K, L> = Step<
    K,
    <L as Load<K>>::Value,
    <L as Load<K>>::Error,
    Ticket<K, <L as Load<K>>::Value, <L as Load<K>>::Error>,
>;

/// The entry that a search found, whatever its age.
type Found<K, L> = Option<Guard<Stored<K, <L as Load<K>>::Value>>>;

type Loads<K, L> = Launched<K, <L as Load<K>>::Value, <L as Load<K>>::Error>;

/// Loads and the timer hold it weakly.
pub(crate) struct Shared<K, L: Load<K>> {
    pub(crate) state: State<K, L::Value, L::Error, Loads<K, L>>,
    loader: Arc<L>,
    permits: Arc<LoadPermits>,
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
        let (loader, permits) = (Arc::new(loader), Arc::new(LoadPermits::new(max_loads)));
        Self { state, loader, permits, timer: Timer::new(), events }
    }

    /// Serves a hit, or returns what `find` found. The only search of the entries without a lock: what
    /// follows on a miss gets the result.
    #[inline(always)]
    pub(crate) fn hit(
        &self,
        find: impl FnOnce() -> Found<K, L>,
        accepts: impl FnOnce(&L::Value) -> bool,
    ) -> Result<Ref<K, L::Value>, Found<K, L>> {
        self.events.hits.announce();
        let lent = Ref::plain(find(), accepts)?;
        self.events.hits.count();
        Ok(lent)
    }

    /// Serves an entry that was found and isn't a hit. A value that is past its refresh interval is
    /// left to a load, unless the source doesn't answer or the caller `never_waits`.
    #[cold]
    pub(crate) fn look(
        self: &Arc<Self>,
        found: Found<K, L>,
        never_waits: bool,
    ) -> Option<Ref<K, L::Value>> {
        let (lent, begin) = match self.state.look(found) {
            Look::Nothing => return None,
            Look::Served(lent, begin) => (lent, begin),
            Look::Overdue(guard, is_first) => {
                let is_stale = self.state.is_stale(&guard.get()?.key, clock::now());
                if !is_stale && !never_waits {
                    return None;
                }
                // One that is stale has its refresh on the list since the first caller asked for it.
                (Ref::held(guard, is_stale), is_first || !is_stale)
            }
        };
        self.events.hits.announce();
        self.events.hits.count();
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

    /// The answer to a caller that memory could not answer.
    pub(crate) async fn ask(self: &Arc<Self>, key: &K) -> Answer<K, L::Value, L::Error> {
        self.events.miss();
        let answer = self.wait(key).await;
        if let Ok(lent) = &answer {
            // The load may have been a refresh, which nobody need have waited for.
            lent.see();
            if lent.is_stale() {
                self.events.stale();
            }
        }
        answer
    }

    async fn wait(self: &Arc<Self>, key: &K) -> Answer<K, L::Value, L::Error> {
        loop {
            let (Ticket(flight), patience) = match self.step(key) {
                Step::Done(answer) => return answer,
                Step::Wait(ticket, patience) => (ticket, patience),
            };
            match flight.wait(patience).await {
                Ending::Landed(answer) => return answer,
                Ending::Lost if patience == Patience::UntilEnd => return Err(Error::NoRuntime),
                Ending::Superseded | Ending::Slow | Ending::Lost => {}
            }
        }
    }

    fn step(self: &Arc<Self>, key: &K) -> Next<K, L> {
        let now = clock::now();
        self.state.step(key, now, |cause| {
            let runtime = Handle::try_current().ok()?;
            Some(self.launch(key, cause, now, &runtime))
        })
    }

    /// Refreshes a key, if that is due and nothing stands in the way.
    pub(crate) fn due(self: &Arc<Self>, key: &K, runtime: &Handle) {
        let now = clock::now();
        let launch = |cause| Some(self.launch(key, cause, now, runtime));
        drop(self.state.due(key, now, launch));
    }

    fn launch(self: &Arc<Self>, key: &K, cause: Cause, now: Tick, runtime: &Handle) -> Loads<K, L> {
        let flight = Flight::new(now);
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
        let permits = Arc::clone(&self.permits);
        let (key, ticket) = (key.clone(), Ticket(Arc::clone(flight)));
        async move {
            let mut began = clock::now();
            let turn = async {
                let permit = permits.acquire(cause).await?;
                began = clock::now();
                shared.upgrade()?.take_turn(&key, &ticket, cause, began).then_some(permit)
            };
            let report = report(&*loader, &key, cause, turn).await;
            if let (Some(report), Some(shared)) = (report, shared.upgrade()) {
                let (now, lot) = (clock::now(), fastrand::u32(..));
                shared.land(&key, &ticket, Arrival { report, cause, began, now, lot });
            }
        }
    }

    /// Whether a load may go on; if not, those that wait for it ask again.
    fn take_turn(
        &self,
        key: &K,
        ticket: &Ticket<K, L::Value, L::Error>,
        cause: Cause,
        now: Tick,
    ) -> bool {
        let given_back = match self.state.take_turn(key, ticket, cause, now) {
            Ok(()) => return true,
            Err(flight) => flight,
        };
        given_back.into_iter().for_each(Launched::release);
        ticket.0.end(Ending::Superseded);
        false
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

    /// Starts the timer if it doesn't run and there is a runtime for it.
    pub(crate) fn attend(self: &Arc<Self>) {
        if !self.timer.runs()
            && !self.state.policy.is_off()
            && let Ok(runtime) = Handle::try_current()
        {
            self.timer.start(self, &runtime);
        }
    }
}
