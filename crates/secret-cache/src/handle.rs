//! A handle for one key.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use tokio::sync::watch;

use crate::error::Error;
use crate::get::{Get, Lookup};
use crate::load::Load;
use crate::map::Find;
use crate::map::entry::Entry;
use crate::map::sync::Guard;
use crate::refreshed::Refreshed;
use crate::shared::Shared;
use crate::state::slot::Slot;
use crate::value_ref::Ref;
use crate::version::Version;

/// A handle for one key of a [`Cache`](crate::Cache), which reads its value without a lookup and
/// reports changes. It keeps the cache alive.
///
/// All handles of a key share its value. Each handle and each clone tracks on its own which changes
/// it has reported.
///
/// ```
/// use std::convert::Infallible;
/// use std::future::ready;
///
/// use secret_cache::{Cache, Loaded, Version, load_fn};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let first = || Ok::<_, Infallible>(Loaded::versioned("sk-one", Version::new(1)));
/// let cache = Cache::builder(load_fn(move |_: String| ready(first()))).build()?;
/// let mut key = cache.handle("provider");
/// assert_eq!(*key.changed().await?, "sk-one"); // the first value counts as a change
///
/// for _ in 0..1_000 {
///     // Borrowed without a copy, and refreshed in the background.
///     assert_eq!(key.get().await?.len(), 6);
/// }
///
/// // A rotation of the key is reported.
/// cache.replace("provider", Loaded::versioned("sk-two", Version::new(2)));
/// assert_eq!(*key.changed().await?, "sk-two");
/// # Ok(())
/// # }
/// ```
pub struct Handle<K, L: Load<K>> {
    shared: Arc<Shared<K, L>>,
    slot: Arc<Slot<K, L::Value>>,
    changes: watch::Receiver<Option<Version>>,
    key: K,
}

impl<K, L> Handle<K, L>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
{
    pub(crate) fn new(shared: Arc<Shared<K, L>>, key: K) -> Self {
        let slot = shared.state.slot(&key);
        let changes = slot.version.subscribe();
        Self { shared, slot, changes, key }
    }

    /// Returns the key.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Returns the value, as [`Cache::get`](crate::Cache::get) does.
    ///
    /// # Errors
    ///
    /// As [`Cache::get`](crate::Cache::get).
    #[inline(always)]
    pub fn get(
        &self,
    ) -> impl Future<Output = Result<Ref<K, L::Value>, Error<L::Error>>> + Send + Unpin {
        Get::new(self, |_: &L::Value| true, |_| self.shared.load(&self.key))
    }

    /// Returns the value if memory has one that `accepts` takes, and the result of `on_miss`
    /// otherwise, as [`Cache::get_or_else`](crate::Cache::get_or_else) does.
    ///
    /// # Errors
    ///
    /// Those of `on_miss`.
    #[inline(always)]
    pub fn get_or_else<'a, A, M, F, R, E>(
        &'a self,
        accepts: A,
        on_miss: M,
    ) -> impl Future<Output = Result<R, E>> + Send + Unpin
    where
        A: Fn(&L::Value) -> bool + Copy + Send + Unpin,
        M: FnOnce(Option<Ref<K, L::Value>>) -> F + Copy + Send + Unpin,
        F: Future<Output = Result<R, E>> + Send + 'a,
        R: From<Ref<K, L::Value>>,
    {
        Get::new(self, accepts, on_miss)
    }

    /// Returns the value if it is known to be fresh, as
    /// [`Cache::get_if_fresh`](crate::Cache::get_if_fresh) does.
    #[inline(always)]
    pub fn get_if_fresh(
        &self,
        accepts: impl FnOnce(&L::Value) -> bool,
    ) -> Option<Ref<K, L::Value>> {
        self.shared.hit(self, accepts).ok()
    }

    /// Returns the value if it is in memory and hasn't expired, as
    /// [`Cache::peek`](crate::Cache::peek) does.
    #[inline(always)]
    pub fn peek(&self) -> Option<Ref<K, L::Value>> {
        match self.shared.hit(self, |_| true) {
            Ok(value) => Some(value),
            Err(found) => self.shared.serve(found, true),
        }
    }

    /// Returns the value if [`get`](Self::get) would return it without waiting, as
    /// [`Cache::try_get`](crate::Cache::try_get) does.
    #[inline(always)]
    pub fn try_get(&self) -> Option<Ref<K, L::Value>> {
        match self.shared.hit(self, |_| true) {
            Ok(value) => Some(value),
            Err(found) => self.shared.serve(found, false),
        }
    }

    /// Loads the value, as [`Cache::refresh`](crate::Cache::refresh) does.
    pub fn refresh(
        &self,
    ) -> impl Future<Output = Refreshed<K, L::Value, L::Error>> + Send + use<'_, K, L> {
        self.shared.refresh(&self.key, None)
    }

    /// Loads the value, as [`Cache::refresh_if_version`](crate::Cache::refresh_if_version) does.
    pub fn refresh_if_version(
        &self,
        version: u64,
    ) -> impl Future<Output = Refreshed<K, L::Value, L::Error>> + Send + use<'_, K, L> {
        self.shared.refresh(&self.key, Some(version))
    }

    /// Waits until the value changes or the source reports that there is none any longer, and
    /// returns the new value as [`get`](Self::get) does. Changes since the handle was created, or
    /// since the last call returned, count. Several of them are reported as one.
    ///
    /// While a call is pending the key counts as used: it is refreshed at the
    /// [`poll_interval`](crate::Builder::poll_interval), and loaded if it is missing. A value of
    /// the same version is not a change. If the source has no versions, each load is one.
    /// Cancel-safe: a change during a cancelled call is reported by the next one.
    ///
    /// # Errors
    ///
    /// The error of the source if it reported that there is no value, or else as
    /// [`get`](Self::get). A change is reported once, as a value or as an error.
    pub async fn changed(&mut self) -> Result<Ref<K, L::Value>, Error<L::Error>> {
        let _watching = self.slot.watch();
        self.shared.watch(&self.key);
        // The change counts as reported once the caller has the value.
        let mut reported = self.changes.clone();
        // The slot owns the sender, so this can't fail.
        let _alive = reported.changed().await;
        let value = self.get().await;
        self.changes = Self::reported_by(&value, reported);
        value
    }
}

impl<K, L: Load<K>> Handle<K, L> {
    /// Returns the changes that `value` reports: those up to `reported`, and a later one if the
    /// value is already that of the latest. Without versions, this is not known.
    fn reported_by(
        value: &Result<Ref<K, L::Value>, Error<L::Error>>,
        reported: watch::Receiver<Option<Version>>,
    ) -> watch::Receiver<Option<Version>> {
        let mut latest = reported.clone();
        let version = value.as_ref().ok().map(Ref::version);
        let is_latest = *latest.borrow_and_update() == version;
        let is_comparable = version.is_none_or(Version::is_known);
        if is_latest && is_comparable { latest } else { reported }
    }
}

impl<'a, K, L> Lookup<'a, K, L> for &'a Handle<K, L>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
{
    #[inline(always)]
    fn shared(self) -> &'a Arc<Shared<K, L>> {
        &self.shared
    }
}

impl<K, L: Load<K>> Find<K, L::Value> for &Handle<K, L> {
    #[inline(always)]
    fn find(self) -> Option<Guard<Entry<K, L::Value>>> {
        Some(self.slot.cell.load())
    }
}

impl<K: Clone, L: Load<K>> Clone for Handle<K, L> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            slot: Arc::clone(&self.slot),
            changes: self.changes.clone(),
            key: self.key.clone(),
        }
    }
}

/// Shows neither the key nor the value.
impl<K, L: Load<K>> fmt::Debug for Handle<K, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
