//! The future of a read.
//!
//! A hit is ready at the first poll. A miss is a boxed future that the caller supplies: [`Cache`]
//! and [`Handle`] wait for a load. The future is implemented by hand and inlined, because an `async
//! fn` moves its output through memory, which costs as much as the lookup.
//!
//! [`Cache`]: crate::Cache
//! [`Handle`]: crate::Handle

use std::borrow::Borrow;
use std::hash::Hash;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::load::Load;
use crate::map::Find;
use crate::map::entry::Entry;
use crate::map::sync::Guard;
use crate::shared::Shared;
use crate::value_ref::Ref;

/// A way to find the entry of one key, and the cache that it is in.
pub(crate) trait Lookup<'a, K, L: Load<K>>: Find<K, L::Value> + Copy + Unpin {
    fn shared(self) -> &'a Arc<Shared<K, L>>;
}

/// The lookup by a borrowed form of the key.
pub(crate) struct ByKey<'a, K, L: Load<K>, Q: ?Sized> {
    pub(crate) shared: &'a Arc<Shared<K, L>>,
    pub(crate) key: &'a Q,
}

impl<K, L: Load<K>, Q: ?Sized> Copy for ByKey<'_, K, L, Q> {}

impl<K, L: Load<K>, Q: ?Sized> Clone for ByKey<'_, K, L, Q> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<'a, K, L, Q> Lookup<'a, K, L> for ByKey<'a, K, L, Q>
where
    K: Hash + Eq + Clone + Borrow<Q> + Send + Sync + 'static,
    L: Load<K>,
    Q: Hash + Eq + ?Sized,
{
    #[inline(always)]
    fn shared(self) -> &'a Arc<Shared<K, L>> {
        self.shared
    }
}

impl<K, L, Q> Find<K, L::Value> for ByKey<'_, K, L, Q>
where
    K: Hash + Eq + Borrow<Q>,
    L: Load<K>,
    Q: Hash + Eq + ?Sized,
{
    #[inline(always)]
    fn find(self) -> Option<Guard<Entry<K, L::Value>>> {
        self.shared.state.entries.find(self.key)
    }
}

/// The future of a miss.
type Miss<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The future of a miss, if there is one, and the result of polling it.
type PolledMiss<'a, T> = (Option<Miss<'a, T>>, Poll<T>);

/// The future of a read. It looks the key up once, and runs `on_miss` if memory has no value for
/// the caller.
pub(crate) struct Get<'a, K, L, S, A, M, T> {
    lookup: S,
    /// Returns whether the caller can use a value that is in memory.
    accepts: A,
    /// Receives the value that could be served but was not accepted.
    on_miss: M,
    miss: Option<Miss<'a, T>>,
    key: PhantomData<fn(K, L)>,
}

impl<'a, K, L, S, A, M, F, R, E> Get<'a, K, L, S, A, M, Result<R, E>>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
    S: Lookup<'a, K, L>,
    A: Fn(&L::Value) -> bool + Copy + Unpin,
    M: FnOnce(Option<Ref<K, L::Value>>) -> F + Copy + Unpin,
    F: Future<Output = Result<R, E>> + Send + 'a,
    R: From<Ref<K, L::Value>>,
{
    #[inline(always)]
    pub(crate) fn new(lookup: S, accepts: A, on_miss: M) -> Self {
        Self { lookup, accepts, on_miss, miss: None, key: PhantomData }
    }

    /// Continues after the lookup. It takes and returns the future of the miss, because a reference
    /// to a field would force the whole `Get` into memory on a hit too.
    #[cold]
    #[inline(never)]
    fn poll_miss(
        (lookup, accepts, on_miss): (S, A, M),
        found: Option<Guard<Entry<K, L::Value>>>,
        miss: Option<Miss<'a, Result<R, E>>>,
        context: &mut Context<'_>,
    ) -> PolledMiss<'a, Result<R, E>> {
        let mut miss = match miss {
            Some(miss) => miss,
            None => match lookup.shared().serve(found, false) {
                Some(value) if accepts(&value) => return (None, Poll::Ready(Ok(value.into()))),
                rejected => Box::pin(on_miss(rejected)),
            },
        };
        let polled = miss.as_mut().poll(context);
        (Some(miss), polled)
    }
}

impl<'a, K, L, S, A, M, F, R, E> Future for Get<'a, K, L, S, A, M, Result<R, E>>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
    S: Lookup<'a, K, L>,
    A: Fn(&L::Value) -> bool + Copy + Unpin,
    M: FnOnce(Option<Ref<K, L::Value>>) -> F + Copy + Unpin,
    F: Future<Output = Result<R, E>> + Send + 'a,
    R: From<Ref<K, L::Value>>,
{
    type Output = Result<R, E>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (lookup, accepts, on_miss) = (self.lookup, self.accepts, self.on_miss);
        let miss = self.miss.take();
        let mut found = None;
        if miss.is_none() {
            match lookup.shared().hit(lookup, accepts) {
                Ok(value) => return Poll::Ready(Ok(value.into())),
                Err(other) => found = other,
            }
        }
        let (miss, polled) = Self::poll_miss((lookup, accepts, on_miss), found, miss, context);
        self.miss = miss;
        polled
    }
}
