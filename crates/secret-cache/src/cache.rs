//! The cache itself: what callers and writers call.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use tokio::time::Instant;

use crate::error::Error;
use crate::get::{ByKey, Get, Lookup};
use crate::handle::Handle;
use crate::load::{Load, Loaded};
use crate::map::clock;
use crate::shared::Shared;
use crate::value_ref::Ref;

/// An async cache of what `L` loads by keys `K`.
///
/// It is shared by reference or in an `Arc`. Dropping it and its handles ends its loads; values that
/// are lent live on. It works on any Tokio runtime with its timer enabled, single-threaded ones too.
/// A hit asks no clock on a multi-threaded runtime; on a single-threaded one it does, since nothing
/// turns that one's timers while nobody drives it.
pub struct Cache<K, L: Load<K>> {
    shared: Arc<Shared<K, L>>,
}

impl<K, L> Cache<K, L>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
{
    pub(crate) fn new(shared: Shared<K, L>) -> Self {
        Self { shared: Arc::new(shared) }
    }

    /// Lends the value of `key`: from memory while it is fresh, else once it is loaded.
    ///
    /// A hit is one poll, takes no lock and allocates nothing. A value that comes due is lent as it is
    /// and refreshed in the background. For one that is past its refresh interval the caller waits
    /// for the refresh, until the load has been running for a second. After that, and while the source
    /// is known to be unavailable, the old value is lent at once, for up to `max_stale`, and is called
    /// [stale](Ref::is_stale). All callers of one key share one load, its error
    /// included. A caller that gives up cancels nothing, so this may be put under any deadline. Who
    /// asks while the key is written waits for what the write leaves, or for a load that begins after
    /// it; a key that is invalidated faster than it loads keeps its callers waiting.
    ///
    /// # Errors
    ///
    /// [`Error::Load`] with the loader's error, which may be up to `negative_ttl` old if it was a
    /// definite negative response, and up to a second old otherwise; the other kinds of [`Error`] when
    /// there is neither a value nor such an error.
    #[inline(always)]
    pub fn get<'a>(
        &'a self,
        key: &'a K,
    ) -> impl Future<Output = Result<Ref<K, L::Value>, Error<L::Error>>> + Send + Unpin + use<'a, K, L>
    {
        Get::new(self.by_key(key), |_: &L::Value| true, move |_| self.shared.ask(key))
    }

    /// Returns the value of `key` as [`get`](Self::get) does if memory has one that `accepts` takes;
    /// otherwise the result of `on_miss`.
    ///
    /// For callers that do more on a miss than wait for a load. The key may be given in any form that
    /// it [borrows](Borrow) as, `str` for a `String`. A hit is one poll and allocates nothing.
    /// `on_miss` receives the value that `get` would return without waiting but that `accepts`
    /// rejected. If it receives `None` it should continue with [`load`](Self::load), which doesn't
    /// repeat the lookup.
    ///
    /// # Errors
    ///
    /// Those of `on_miss`.
    #[inline(always)]
    pub fn get_or_else<'a, Q, A, M, F, R, E>(
        &'a self,
        key: &'a Q,
        accepts: A,
        on_miss: M,
    ) -> impl Future<Output = Result<R, E>> + Send + Unpin + use<'a, K, L, Q, A, M, F, R, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + Sync + ?Sized,
        A: Fn(&L::Value) -> bool + Copy + Send + Unpin,
        M: FnOnce(Option<Ref<K, L::Value>>) -> F + Copy + Send + Unpin,
        F: Future<Output = Result<R, E>> + Send + 'a,
        R: From<Ref<K, L::Value>>,
    {
        Get::new(self.by_key(key), accepts, on_miss)
    }

    /// Returns the value of `key` after a miss: joins the load in flight or starts one.
    ///
    /// Like [`get`](Self::get), but it takes the cache's lock at once, and counts as a miss. A value
    /// that has been loaded in the meantime is returned as it is.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn load<'a>(
        &'a self,
        key: &'a K,
    ) -> impl Future<Output = Result<Ref<K, L::Value>, Error<L::Error>>> + Send + use<'a, K, L>
    {
        self.shared.ask(key)
    }

    /// Returns the value of `key` if it is in memory, known to be fresh without a look at the clock,
    /// and `accepts` takes it. `None` doesn't mean that there is no value:
    /// [`peek`](Self::peek) and [`get`](Self::get) look further.
    #[inline(always)]
    pub fn get_if_fresh<Q>(
        &self,
        key: &Q,
        accepts: impl FnOnce(&L::Value) -> bool,
    ) -> Option<Ref<K, L::Value>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.shared.hit(|| self.by_key(key).find(), accepts).ok()
    }

    /// The value of `key` if it is in memory and not expired. It never waits, so that the value may be
    /// past its refresh interval although the source is well. One that comes due is refreshed in the
    /// background if this runs on a runtime; one that is missing is not loaded. The key may be given
    /// in any form that it [borrows](Borrow) as, `str` for a `String`.
    #[inline(always)]
    pub fn peek<Q>(&self, key: &Q) -> Option<Ref<K, L::Value>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        match self.shared.hit(|| self.by_key(key).find(), |_| true) {
            Ok(value) => Some(value),
            Err(found) => self.shared.look(found, true),
        }
    }

    /// The value of `key` if [`get`](Self::get) would return it without waiting. Like
    /// [`peek`](Self::peek), but it never returns a value that `get` would have refreshed first.
    #[inline(always)]
    pub fn try_get<Q>(&self, key: &Q) -> Option<Ref<K, L::Value>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        match self.shared.hit(|| self.by_key(key).find(), |_| true) {
            Ok(value) => Some(value),
            Err(found) => self.shared.look(found, false),
        }
    }

    #[inline(always)]
    fn by_key<'a, Q: ?Sized>(&'a self, key: &'a Q) -> ByKey<'a, K, L, Q> {
        ByKey { shared: &self.shared, key }
    }

    /// A handle on `key`: its value without a search, and news of it. Nothing is loaded yet.
    pub fn handle(&self, key: &K) -> Handle<K, L> {
        Handle::new(Arc::clone(&self.shared), key)
    }

    /// Forgets what is known of `key`, its version included.
    ///
    /// No call of [`get`](Self::get) that is made after this one, or waits now, gets a value whose
    /// load began before it. A load in flight is ended.
    pub fn invalidate(&self, key: &K) {
        let ended = self.shared.state.invalidate(key, clock::now());
        self.shared.end(ended);
    }

    /// Puts in what was just written to the source, with an age of zero.
    ///
    /// A load in flight is ended, and those that wait for it get this value. A value that is held
    /// already with a newer [`Version`](crate::Version) stays, and the answer is `false`: two
    /// writers may tell of their writes in the wrong order.
    ///
    /// With a refresh interval of zero nothing is kept, only the load in flight is ended.
    pub fn replace(&self, key: &K, loaded: Loaded<L::Value>) -> bool {
        self.shared.attend();
        let (state, lot) = (&self.shared.state, fastrand::u32(..));
        let (accepted, ended) = state.replace(key, loaded, clock::now(), lot);
        self.shared.end(ended);
        accepted
    }

    /// Puts in many values that were read from the source after `read_at`; gives back how many were
    /// taken.
    ///
    /// What is held and is as young stays, and so does what has a newer [`Version`](crate::Version).
    /// Where a key was invalidated after `read_at`, nothing is taken that could be what was
    /// invalidated. Loads in flight go on.
    pub fn prime(
        &self,
        read_at: Instant,
        values: impl IntoIterator<Item = (K, Loaded<L::Value>)>,
    ) -> usize {
        self.shared.attend();
        let state = &self.shared.state;
        let read_at = clock::tick(read_at);
        let mut taken = 0;
        for (key, loaded) in values {
            let (now, lot) = (clock::now(), fastrand::u32(..));
            let (accepted, ended) = state.prime(key, loaded, read_at, now, lot);
            self.shared.end(ended);
            taken += usize::from(accepted);
        }
        taken
    }

    /// Forgets everything, as if each key were [invalidated](Self::invalidate).
    pub fn clear(&self) {
        let ended = self.shared.state.clear(clock::now());
        self.shared.end(ended);
    }

    /// How many keys are remembered: values, whatever their age, and those whose last load brought
    /// none.
    pub fn len(&self) -> usize {
        self.shared.state.table().len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Shows the settings, no key and no value.
impl<K, L: Load<K>> fmt::Debug for Cache<K, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("policy", &self.shared.state.policy).finish_non_exhaustive()
    }
}
