//! A key that was looked up once: its value without a search, and news of it.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use tokio::sync::watch;

use crate::error::Error;
use crate::get::{Get, Lookup};
use crate::load::Load;
use crate::map::entry::Stored;
use crate::map::sync::Guard;
use crate::shared::Shared;
use crate::state::slot::Slot;
use crate::value_ref::Ref;
use crate::version::Version;

/// One key of a [`Cache`](crate::Cache), resolved once. It keeps the cache alive.
///
/// All handles of a key share its value; a clone has its own view of what is news.
pub struct Handle<K, L: Load<K>> {
    shared: Arc<Shared<K, L>>,
    slot: Arc<Slot<K, L::Value>>,
    news: watch::Receiver<Option<Version>>,
    key: K,
}

impl<K, L> Handle<K, L>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
{
    pub(crate) fn new(shared: Arc<Shared<K, L>>, key: &K) -> Self {
        let slot = shared.state.slot(key);
        let news = slot.news.subscribe();
        Self { shared, slot, news, key: key.clone() }
    }

    /// The key.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Lends the value, as [`Cache::get`](crate::Cache::get) does.
    ///
    /// # Errors
    ///
    /// As [`Cache::get`](crate::Cache::get).
    #[inline(always)]
    pub fn get(
        &self,
    ) -> impl Future<Output = Result<Ref<K, L::Value>, Error<L::Error>>> + Send + Unpin + use<'_, K, L>
    {
        Get::new(self, |_: &L::Value| true, |_| self.shared.ask(&self.key))
    }

    /// Returns the value if memory has one that `accepts` takes, otherwise the result of `on_miss`,
    /// as [`Cache::get_or_else`](crate::Cache::get_or_else) does.
    ///
    /// # Errors
    ///
    /// Those of `on_miss`.
    #[inline(always)]
    pub fn get_or_else<'a, A, M, F, R, E>(
        &'a self,
        accepts: A,
        on_miss: M,
    ) -> impl Future<Output = Result<R, E>> + Send + Unpin + use<'a, K, L, A, M, F, R, E>
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
        self.shared.hit(|| self.find(), accepts).ok()
    }

    /// The value if it is in memory and not expired, as [`Cache::peek`](crate::Cache::peek).
    #[inline(always)]
    pub fn peek(&self) -> Option<Ref<K, L::Value>> {
        match self.shared.hit(|| self.find(), |_| true) {
            Ok(value) => Some(value),
            Err(found) => self.shared.look(found, true),
        }
    }

    /// The value if [`get`](Self::get) would return it without waiting, as
    /// [`Cache::try_get`](crate::Cache::try_get).
    #[inline(always)]
    pub fn try_get(&self) -> Option<Ref<K, L::Value>> {
        match self.shared.hit(|| self.find(), |_| true) {
            Ok(value) => Some(value),
            Err(found) => self.shared.look(found, false),
        }
    }

    /// Waits until another value has come, or the source has said that there is none any more, since
    /// this handle was made or told so last.
    ///
    /// While somebody waits, the key counts as used: it is kept fresh, and loaded if it is missing. A
    /// value of the version that was held before is no news; where the source counts no versions,
    /// each load is. Cancel-safe: news that came meanwhile is told by the next call.
    pub async fn changed(&mut self) {
        let _watching = self.slot.watch();
        self.shared.watch(&self.key);
        // The sender lives in the slot.
        let _alive = self.news.changed().await;
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

    #[inline(always)]
    fn find(self) -> Option<Guard<Stored<K, L::Value>>> {
        Some(self.slot.cell.load())
    }
}

impl<K: Clone, L: Load<K>> Clone for Handle<K, L> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            slot: Arc::clone(&self.slot),
            news: self.news.clone(),
            key: self.key.clone(),
        }
    }
}

/// Shows neither key nor value.
impl<K, L: Load<K>> fmt::Debug for Handle<K, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
