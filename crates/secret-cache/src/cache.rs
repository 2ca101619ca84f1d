//! The cache, as its readers and writers use it.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use tokio::time::Instant;

use crate::error::Error;
use crate::get::{ByKey, Get};
use crate::handle::Handle;
use crate::load::Load;
use crate::loaded::Loaded;
use crate::map::clock;
use crate::refreshed::Refreshed;
use crate::shared::Shared;
use crate::status::Status;
use crate::value_ref::Ref;

/// An async cache of the values that `L` loads by keys `K`.
///
/// It is cheap to clone, and all clones share the entries. When the clones and the handles are
/// dropped, the loads are cancelled, while borrowed values stay valid. It works on any Tokio
/// runtime whose timer is enabled. On a multi-threaded runtime a hit doesn't read the clock. On a
/// single-threaded one it does, because that runtime's timers stand still while no task is driven.
///
/// # Keys
///
/// A key is passed by reference and in any borrowed form of `K`, such as `str` for a `String`. A
/// hit allocates nothing. Methods that may store the key require that the borrowed form can be
/// converted to `K` by [`ToOwned`], as `str` to `String`. For a `K` without such a form, such as
/// `Arc<str>`, pass a `&K`.
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

    /// Returns the value of `key`, from memory while it is fresh, otherwise once it is loaded.
    ///
    /// A hit is ready at the first poll, takes no lock and allocates nothing. A value that comes
    /// due is returned as it is and refreshed in the background. If the value is past its refresh
    /// interval, the caller waits for the refresh until the load has been running for a second.
    /// After that, and while the source is known to be unavailable, the old value is returned at
    /// once for up to `max_stale`, and is [stale](Ref::is_stale).
    ///
    /// All callers of one key share one load and its error. The future is cancel-safe, so it may be
    /// used with any timeout. A call during a write of the key waits for the written value, or for
    /// a load that begins after the write. A key that is invalidated faster than it loads therefore
    /// keeps its callers waiting.
    ///
    /// # Errors
    ///
    /// [`Error::Load`] with the loader's error, which may be up to `negative_ttl` old if it was a
    /// negative response, and up to a second old otherwise. The other kinds of [`Error`] if there
    /// is neither a value nor such an error.
    #[inline(always)]
    pub fn get<'a, Q>(
        &'a self,
        key: &'a Q,
    ) -> impl Future<Output = Result<Ref<K, L::Value>, Error<L::Error>>> + Send + Unpin
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + Sync + ?Sized,
    {
        Get::new(self.by_key(key), |_: &L::Value| true, move |_| self.shared.load(key))
    }

    /// Returns the value of `key` like [`get`](Self::get) if memory has one that `accepts` takes,
    /// and the result of `on_miss` otherwise.
    ///
    /// This is for callers with a miss path of their own. A hit is ready at the first poll and
    /// allocates nothing.
    ///
    /// `on_miss` receives the value that `get` would return without waiting, if `accepts` rejected
    /// it. If it receives `None`, it should continue with [`load`](Self::load), which doesn't
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
    ) -> impl Future<Output = Result<R, E>> + Send + Unpin
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

    /// Returns the value of `key` after a miss: joins the load in flight, or starts one.
    ///
    /// Like [`get`](Self::get), but without the lock-free lookup. It counts as a miss, even if the
    /// value has been loaded in the meantime and is returned from memory.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn load<'a, Q>(
        &'a self,
        key: &'a Q,
    ) -> impl Future<Output = Result<Ref<K, L::Value>, Error<L::Error>>> + Send
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + Sync + ?Sized,
    {
        self.shared.load(key)
    }

    /// Returns the value of `key` if it is in memory, known to be fresh without reading the clock,
    /// and `accepts` takes it.
    ///
    /// This is the fastest lookup. There may be a value although it returns `None`, because only a
    /// slower one such as [`peek`](Self::peek) finds a value that hasn't been read before.
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
        self.shared.hit(self.by_key(key), accepts).ok()
    }

    /// Returns the value of `key` if it is in memory and hasn't expired, without ever waiting.
    ///
    /// The value may be past its refresh interval although the source is available. A value that
    /// comes due is refreshed in the background if the call is made on a runtime. A missing one is
    /// not loaded.
    #[inline(always)]
    pub fn peek<Q>(&self, key: &Q) -> Option<Ref<K, L::Value>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        match self.shared.hit(self.by_key(key), |_| true) {
            Ok(value) => Some(value),
            Err(found) => self.shared.serve(found, true),
        }
    }

    /// Returns the value of `key` if [`get`](Self::get) would return it without waiting.
    ///
    /// Like [`peek`](Self::peek), but it never returns a value that `get` would refresh first.
    #[inline(always)]
    pub fn try_get<Q>(&self, key: &Q) -> Option<Ref<K, L::Value>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        match self.shared.hit(self.by_key(key), |_| true) {
            Ok(value) => Some(value),
            Err(found) => self.shared.serve(found, false),
        }
    }

    #[inline(always)]
    fn by_key<'a, Q: ?Sized>(&'a self, key: &'a Q) -> ByKey<'a, K, L, Q> {
        ByKey { shared: &self.shared, key }
    }

    /// Returns a handle for `key`, which reads its value without a lookup and reports changes. This
    /// loads nothing.
    pub fn handle<Q>(&self, key: &Q) -> Handle<K, L>
    where
        Q: ToOwned<Owned = K> + ?Sized,
    {
        Handle::new(Arc::clone(&self.shared), key.to_owned())
    }

    /// Loads the value of `key`, however young the one in memory is.
    ///
    /// The result is that of a load that began after this call. A load in flight that began before
    /// doesn't count: the next one follows it, and all callers share that. There is at most one
    /// forced load per key and second: a repeat within a second of the last one's start receives
    /// its result, unless the key was written in the meantime.
    ///
    /// Otherwise the load has the same effects as any other. If it fails, the old value stays, and
    /// is served for as long as it would have been. While the source is known to be unavailable,
    /// the loads of all keys with a value are limited to one a second, and callers beyond that
    /// receive its last error. Cancel-safe: the load continues if the caller gives up.
    pub fn refresh<'a, Q>(
        &'a self,
        key: &'a Q,
    ) -> impl Future<Output = Refreshed<K, L::Value, L::Error>> + Send
    where
        Q: ToOwned<Owned = K> + Sync + ?Sized,
    {
        self.shared.refresh(key, None)
    }

    /// Loads the value of `key` like [`refresh`](Self::refresh), but only if the number of the
    /// version in memory is `version`. This is for callers that found out that this version is no
    /// longer valid, of which only the first one causes a load.
    pub fn refresh_if_version<'a, Q>(
        &'a self,
        key: &'a Q,
        version: u64,
    ) -> impl Future<Output = Refreshed<K, L::Value, L::Error>> + Send
    where
        Q: ToOwned<Owned = K> + Sync + ?Sized,
    {
        self.shared.refresh(key, Some(version))
    }

    /// Loads all keys with a value like [`refresh`](Self::refresh), as many at a time as there may
    /// be loads, and behind the loads of keys without a value. The order of the results is not
    /// specified.
    pub async fn refresh_all(&self) -> Vec<(K, Refreshed<K, L::Value, L::Error>)> {
        Shared::refresh_all(&self.shared).await
    }

    /// Returns the keys with a value of any age.
    pub fn keys(&self) -> Vec<K> {
        self.shared.state.keys()
    }

    /// Removes `key` from the cache, its version included, and cancels its load in flight.
    ///
    /// Calls of [`get`](Self::get) that are pending or made later don't return a value whose load
    /// began before this call.
    pub fn invalidate<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let displaced = self.shared.state.invalidate(key, clock::now());
        self.shared.finish_write(displaced);
    }

    /// Inserts a value that was just written to the source, with an age of zero, and cancels the
    /// key's load in flight. Callers that wait for that load receive this value.
    ///
    /// Returns `false` and keeps the current value if that has a newer
    /// [`Version`](crate::Version), because two writers may report their writes in the wrong order.
    ///
    /// If caching is disabled, this only cancels the load in flight.
    ///
    /// ```
    /// use std::convert::Infallible;
    ///
    /// use secret_cache::{Cache, Loaded, Version, load_fn};
    ///
    /// async fn load(_: String) -> Result<Loaded<&'static str>, Infallible> {
    ///     Ok(Loaded::versioned("third", Version::new(3)))
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache = Cache::builder(load_fn(load)).build()?;
    /// let third = cache.get("key").await?;
    ///
    /// assert!(cache.replace("key", Loaded::versioned("fourth", Version::new(4))));
    /// assert_eq!(*cache.get("key").await?, "fourth");
    /// assert_eq!(*third, "third"); // a borrowed value doesn't change
    ///
    /// // A late report of an older write is ignored.
    /// assert!(!cache.replace("key", Loaded::versioned("second", Version::new(2))));
    /// # Ok(())
    /// # }
    /// ```
    pub fn replace<Q>(&self, key: &Q, loaded: Loaded<L::Value>) -> bool
    where
        Q: ToOwned<Owned = K> + ?Sized,
    {
        self.shared.ensure_refresher();
        let (state, jitter) = (&self.shared.state, fastrand::u32(..));
        let (accepted, displaced) = state.replace(key.to_owned(), loaded, clock::now(), jitter);
        self.shared.finish_write(displaced);
        accepted
    }

    /// Inserts values that were read from the source after `read_at`. Returns how many were
    /// accepted.
    ///
    /// A value in memory is kept if it was loaded at or after `read_at` or has a newer
    /// [`Version`](crate::Version). If any key was invalidated after `read_at`, no value is
    /// accepted, because it could be the invalidated one. Loads in flight continue.
    pub fn prime(
        &self,
        read_at: Instant,
        values: impl IntoIterator<Item = (K, Loaded<L::Value>)>,
    ) -> usize {
        self.shared.ensure_refresher();
        let state = &self.shared.state;
        let read_at = clock::tick(read_at);
        let mut count = 0;
        for (key, loaded) in values {
            let (now, jitter) = (clock::now(), fastrand::u32(..));
            let (accepted, displaced) = state.prime(key, loaded, read_at, now, jitter);
            self.shared.finish_write(displaced);
            count += usize::from(accepted);
        }
        count
    }

    /// Removes all keys, as [`invalidate`](Self::invalidate) does for one.
    pub fn clear(&self) {
        let displaced = self.shared.state.clear(clock::now());
        self.shared.finish_write(displaced);
    }

    /// Returns the status of the cache and of its keys, without their values.
    ///
    /// It doesn't slow down hits, counts as no access, and holds the lock of the cache only for
    /// short times. A key that is inserted, evicted or moved in the meantime may be missing.
    pub fn status(&self) -> Status<K, L::Error> {
        self.shared.status()
    }

    /// Returns the number of keys that are remembered: those with a value of any age, and those
    /// whose last load failed.
    pub fn len(&self) -> usize {
        self.shared.state.lock().len()
    }

    /// Returns whether no key is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K, L: Load<K>> Clone for Cache<K, L> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// Shows the settings, and neither keys nor values.
impl<K, L: Load<K>> fmt::Debug for Cache<K, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("policy", &self.shared.state.policy()).finish_non_exhaustive()
    }
}
