//! The future of a caller: ready at its first poll after a hit, boxed only where there is something to
//! wait for.
//!
//! Written by hand, and inlined: an `async fn` hands its answer from place to place in memory, which
//! costs as much as the look-up.

use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::Load;
use crate::lent::Ref;
use crate::shared::Shared;
use crate::state::Answer;

/// How a caller came to its key.
pub(crate) trait Source<'a, K, L: Load<K>>: Copy {
    /// The whole of a hit.
    fn hit(self) -> Option<Ref<K, L::Value>>;

    fn shared(self) -> &'a Arc<Shared<K, L>>;

    fn key(self) -> &'a K;
}

/// A caller's answer, once it is there.
type Waiting<'a, K, L> = Pin<
    Box<dyn Future<Output = Answer<K, <L as Load<K>>::Value, <L as Load<K>>::Error>> + Send + 'a>,
>;

type Polled<K, L> = Poll<Answer<K, <L as Load<K>>::Value, <L as Load<K>>::Error>>;

/// Tries for a hit once, then asks the clock, then waits for what [`Shared::ask`] brings.
pub(crate) struct Asking<'a, K, L: Load<K>, S> {
    source: S,
    waiting: Option<Waiting<'a, K, L>>,
}

impl<'a, K, L, S> Asking<'a, K, L, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
    S: Source<'a, K, L>,
{
    #[inline(always)]
    pub(crate) fn new(source: S) -> Self {
        Self { source, waiting: None }
    }

    /// Takes what it waits for and gives it back: if it were lent a place of the future, the whole
    /// future would have to stand in memory for a hit too.
    #[cold]
    #[inline(never)]
    fn wait(
        source: S,
        waiting: Option<Waiting<'a, K, L>>,
        context: &mut Context<'_>,
    ) -> (Option<Waiting<'a, K, L>>, Polled<K, L>) {
        let (shared, key) = (source.shared(), source.key());
        if waiting.is_none()
            && let Some(lent) = shared.look(key, false)
        {
            return (None, Poll::Ready(Ok(lent)));
        }
        let mut waiting = waiting.unwrap_or_else(|| Box::pin(shared.ask(key)));
        let polled = waiting.as_mut().poll(context);
        (Some(waiting), polled)
    }
}

impl<'a, K, L, S> Future for Asking<'a, K, L, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    L: Load<K>,
    S: Source<'a, K, L> + Unpin,
{
    type Output = Answer<K, L::Value, L::Error>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let waiting = self.waiting.take();
        if waiting.is_none()
            && let Some(lent) = self.source.hit()
        {
            return Poll::Ready(Ok(lent));
        }
        let (waiting, polled) = Self::wait(self.source, waiting, context);
        self.waiting = waiting;
        polled
    }
}
