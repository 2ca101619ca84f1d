//! The future of a reader: ready at its first poll where memory has the value, boxed only where there
//! is something to wait for.
//!
//! Written by hand, and inlined: an `async fn` hands its answer from place to place in memory, which
//! costs as much as the look-up.

use std::pin::Pin;
use std::task::{Context, Poll};

use secret_cache::Ref;

use crate::error::Error;
use crate::name::Name;
use crate::read::load::CachedSecret;
use crate::read::secret::Secret;

/// A value of the cache.
pub(crate) type Held = Ref<Name, CachedSecret>;

type Answer = Result<Secret, Error>;
type Waiting<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// How a reader comes to a value.
pub(crate) trait Source<'a>: Copy + Unpin {
    /// What memory has, if that is known to be fresh, and a provider key.
    fn fresh(self) -> Option<Held>;

    /// What memory has, if a reader need not wait for it.
    fn ready(self) -> Option<Held>;

    /// What there is.
    fn find(self) -> impl Future<Output = Answer> + Send + 'a;
}

/// Tries memory once, then waits for what [`Source::find`] brings.
pub(crate) struct Reading<'a, S> {
    source: S,
    waiting: Option<Waiting<'a>>,
}

impl<'a, S: Source<'a>> Reading<'a, S> {
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
        waiting: Option<Waiting<'a>>,
        context: &mut Context<'_>,
    ) -> (Option<Waiting<'a>>, Poll<Answer>) {
        if waiting.is_none()
            && let Some(held) = source.ready()
            && held.is_provider_key
        {
            return (None, Poll::Ready(Ok(Secret::from_cache(held))));
        }
        let mut waiting = waiting.unwrap_or_else(|| Box::pin(source.find()));
        let polled = waiting.as_mut().poll(context);
        (Some(waiting), polled)
    }
}

impl<'a, S: Source<'a>> Future for Reading<'a, S> {
    type Output = Answer;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let waiting = self.waiting.take();
        if waiting.is_none()
            && let Some(held) = self.source.fresh()
        {
            return Poll::Ready(Ok(Secret::from_cache(held)));
        }
        let (waiting, polled) = Self::wait(self.source, waiting, context);
        self.waiting = waiting;
        polled
    }
}
