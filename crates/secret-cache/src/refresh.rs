//! Forced refreshes, as callers wait for them. Which load they wait for is up to
//! [`State`](crate::state::State).

use std::hash::Hash;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::error::Error;
use crate::load::Load;
use crate::map::clock;
use crate::refreshed::Refreshed;
use crate::shared::Shared;
use crate::state::Patience;
use crate::state::refresh::{RefreshRequest, RefreshStep};
use crate::task::load::{WaitOutcome, Waiter};

/// The result of a forced refresh of a cache's key.
type Outcome<K, L> = Refreshed<K, <L as Load<K>>::Value, <L as Load<K>>::Error>;

/// A request for a forced refresh of a cache's key.
type Request<K, L> = RefreshRequest<Waiter<K, <L as Load<K>>::Value, <L as Load<K>>::Error>>;

/// What the caller of a forced refresh does next.
type Next<K, L> = RefreshStep<
    K,
    <L as Load<K>>::Value,
    <L as Load<K>>::Error,
    Waiter<K, <L as Load<K>>::Value, <L as Load<K>>::Error>,
>;

impl<K, L> Shared<K, L>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
{
    /// Loads a key, unless `only_version` is not the version in memory.
    pub(crate) async fn refresh<Q>(
        self: &Arc<Self>,
        key: &Q,
        only_version: Option<u64>,
    ) -> Outcome<K, L>
    where
        Q: ToOwned<Owned = K> + Sync + ?Sized,
    {
        let key = &key.to_owned();
        let mut request = RefreshRequest::new(only_version);
        loop {
            let (waiter, is_joined) = match self.refresh_step(key, &mut request) {
                RefreshStep::Done(refreshed) => return refreshed,
                RefreshStep::Join(waiter) => (waiter, true),
                RefreshStep::WaitFor(waiter) => (waiter, false),
            };
            match waiter.0.wait(Patience::UntilEnd).await {
                WaitOutcome::Completed(load) if is_joined => return request.completed(load),
                WaitOutcome::Lost if is_joined => {
                    let (before, error) = (request.before(), Some(Error::NoRuntime));
                    return self.state.not_loaded(key, before, error, clock::now());
                }
                _ => request.has_waited_for(waiter),
            }
        }
    }

    /// Loads all keys with a value, as many at a time as there are permits, so that callers without
    /// a value don't find the queue full.
    pub(crate) async fn refresh_all(shared: &Arc<Self>) -> Vec<(K, Outcome<K, L>)> {
        let mut keys = shared.state.keys().into_iter();
        let (mut tasks, mut results) = (JoinSet::new(), Vec::new());
        loop {
            for key in keys.by_ref().take(shared.max_loads.saturating_sub(tasks.len())) {
                let shared = Arc::clone(shared);
                tasks.spawn(async move {
                    let refreshed = shared.refresh(&key, None).await;
                    (key, refreshed)
                });
            }
            match tasks.join_next().await {
                Some(Ok(result)) => results.push(result),
                Some(Err(_)) => {}
                None => return results,
            }
        }
    }

    fn refresh_step(self: &Arc<Self>, key: &K, request: &mut Request<K, L>) -> Next<K, L> {
        let now = clock::now();
        self.state.refresh(key, request, now, |reason| {
            let runtime = Handle::try_current().ok()?;
            self.metrics.forced();
            Some(self.spawn_load(key.clone(), reason, now, &runtime))
        })
    }
}
