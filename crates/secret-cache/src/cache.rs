//! The cache itself: what callers and writers call.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use tokio::time::Instant;

use crate::flight::Ending;
use crate::policy::Policy;
use crate::shared::{Shared, Step};
use crate::{Builder, Error, Lent, Load, Loaded};

/// An async cache of what `L` loads by keys `K`.
///
/// It is shared by reference or in an `Arc`. Dropping it ends its loads; values that are lent live
/// on. It works on any Tokio runtime, single-threaded ones too, and needs neither its timer nor its
/// I/O.
pub struct Cache<K, L: Load<K>> {
    shared: Arc<Shared<K, L::Value, L::Error>>,
    loader: Arc<L>,
}

impl<K, L> Cache<K, L>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
{
    /// Settings for a cache of what `loader` loads.
    pub fn builder(loader: L) -> Builder<K, L> {
        Builder::new(loader)
    }

    pub(crate) fn new(loader: L, policy: Policy, capacity: usize) -> Self {
        Self { shared: Arc::new(Shared::new(policy, capacity)), loader: Arc::new(loader) }
    }

    /// Lends the value of `key`: from memory while it is fresh, else once it is loaded.
    ///
    /// All callers of one key share one load, its error included. A caller that gives up cancels
    /// nothing, so this may be put under any deadline. When the source can't be asked, the old
    /// value is lent for as long as `max_stale` allows; after a failed refresh it is lent at once
    /// for 1 s, and for twice as long after each further failure up to 30 s. Who asks while the key
    /// is written waits for what the write leaves, or for a load that begins after it; a key that is
    /// invalidated faster than it loads keeps its callers waiting.
    ///
    /// # Errors
    ///
    /// [`Error::Load`] with the loader's error, which may be up to `negative_ttl` old if it was a
    /// definite no; the other kinds of [`Error`] when there is neither a value nor such an error.
    pub async fn get(&self, key: &K) -> Result<Lent<L::Value>, Error<L::Error>> {
        loop {
            let flight = match self.shared.step(&self.loader, key, Instant::now()) {
                Step::Done(answer) => return answer,
                Step::Wait(flight) => flight,
            };
            match flight.ended().await {
                Ending::Landed(answer) => return answer,
                Ending::Superseded => {}
                Ending::Lost => return Err(Error::NoRuntime),
            }
        }
    }

    /// Forgets what is known of `key`, its version included.
    ///
    /// No call of [`get`](Self::get) that is made after this one, or waits now, gets a value whose
    /// load began before it. A load in flight is ended.
    pub fn invalidate(&self, key: &K) {
        self.shared.invalidate(key);
    }

    /// Puts in what was just written to the source, with an age of zero.
    ///
    /// A load in flight is ended, and those that wait for it get this value. A value that is held
    /// already with a newer [`Version`](crate::Version) stays, and the answer is `false`: two
    /// writers may tell of their writes in the wrong order.
    ///
    /// With a refresh interval of zero nothing is kept, only the load in flight is ended.
    pub fn replace(&self, key: &K, loaded: Loaded<L::Value>) -> bool {
        self.shared.replace(key, loaded, Instant::now())
    }

    /// Forgets everything, as if each key were [invalidated](Self::invalidate).
    pub fn clear(&self) {
        self.shared.clear();
    }

    /// How many keys are remembered: values, whatever their age, and definite noes. An entry that
    /// is too old to be served counts until it is asked for, replaced or evicted.
    pub fn len(&self) -> usize {
        self.shared.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Shows the settings, no key and no value.
impl<K, L: Load<K>> fmt::Debug for Cache<K, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("policy", &self.shared.policy).finish_non_exhaustive()
    }
}
