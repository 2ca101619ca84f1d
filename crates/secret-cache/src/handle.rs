//! A key that was looked up once: its value without a search, and news of it.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use tokio::sync::watch;

use crate::asking::{Asking, Source};
use crate::shared::Shared;
use crate::slot::Slot;
use crate::{Error, Load, Ref, Version};

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
        Asking::new(self)
    }

    /// The value if it is known to be fresh, as [`Cache::fresh`](crate::Cache::fresh).
    #[inline(always)]
    pub fn get_if_fresh(&self, wanted: impl FnOnce(&L::Value) -> bool) -> Option<Ref<K, L::Value>> {
        self.shared.events.hits.announce();
        let lent = Ref::plain(self.slot.cell.load(), wanted)?;
        self.shared.events.hits.count();
        Some(lent)
    }

    /// The value if it is in memory and not expired, as [`Cache::cached`](crate::Cache::cached).
    #[inline(always)]
    pub fn peek(&self) -> Option<Ref<K, L::Value>> {
        match self.hit() {
            Some(lent) => Some(lent),
            None => self.shared.look(&self.key, true),
        }
    }

    /// The value if [`get`](Self::get) would return it without waiting, as
    /// [`Cache::try_get`](crate::Cache::try_get).
    #[inline(always)]
    pub fn try_get(&self) -> Option<Ref<K, L::Value>> {
        match self.hit() {
            Some(lent) => Some(lent),
            None => self.shared.look(&self.key, false),
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

impl<'a, K, L> Source<'a, K, L> for &'a Handle<K, L>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
{
    #[inline(always)]
    fn hit(self) -> Option<Ref<K, L::Value>> {
        self.get_if_fresh(|_| true)
    }

    fn shared(self) -> &'a Arc<Shared<K, L>> {
        &self.shared
    }

    fn key(self) -> &'a K {
        &self.key
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
