//! A load that runs once, as a task of its own, and tells all that wait how it ended.
//!
//! What the end does to the cache belongs to `landing`, when to take off to `state`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::landing::{Cause, Report};
use crate::state::{Answer, Flying};
use crate::{Load, LoadError};

/// What the waiters of one load share. It ends once; what comes later is ignored.
pub(crate) struct Flight<K, V, E> {
    ending: watch::Sender<Option<Ending<K, V, E>>>,
}

/// How a flight ended.
pub(crate) enum Ending<K, V, E> {
    /// With this answer.
    Landed(Answer<K, V, E>),
    /// The key was written meanwhile: ask again.
    Superseded,
    /// The runtime dropped the task.
    Lost,
}

impl<K, V, E> Flight<K, V, E> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { ending: watch::Sender::new(None) })
    }

    /// Ends the flight for all that wait, unless it has ended before.
    pub(crate) fn end(&self, ending: Ending<K, V, E>) {
        self.ending.send_if_modified(|slot| {
            let first = slot.is_none();
            if first {
                *slot = Some(ending);
            }
            first
        });
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ending.borrow().is_some()
    }

    /// Waits for the end. Cancel-safe: nothing is lost when the caller gives up.
    pub(crate) async fn ended(&self) -> Ending<K, V, E> {
        let mut ending = self.ending.subscribe();
        match ending.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(ending)) => ending.share(),
            // Not reached: the sender lives as long as `self`, and the value was waited for.
            Ok(None) | Err(_) => Ending::Lost,
        }
    }
}

impl<K, V, E> Ending<K, V, E> {
    fn share(&self) -> Self {
        match self {
            Self::Landed(Ok(lent)) => Self::Landed(Ok(lent.share())),
            Self::Landed(Err(error)) => Self::Landed(Err(error.clone())),
            Self::Superseded => Self::Superseded,
            Self::Lost => Self::Lost,
        }
    }
}

/// A flight with its task: the task ends when this is dropped.
pub(crate) struct Launched<K, V, E> {
    pub(crate) flight: Arc<Flight<K, V, E>>,
    task: JoinSet<()>,
}

impl<K, V, E> Launched<K, V, E>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    /// Runs `task` on `runtime`; waiters are told if the runtime drops it.
    pub(crate) fn spawn(
        runtime: &Handle,
        flight: Arc<Flight<K, V, E>>,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let lost = LostOnDrop(Arc::clone(&flight));
        let mut tasks = JoinSet::new();
        let body = async move {
            let _lost = lost;
            task.await;
        };
        tasks.spawn_on(body, runtime);
        Self { flight, task: tasks }
    }

    /// Lets go of the task, which is at its end and calls this itself.
    pub(crate) fn release(mut self) {
        self.task.detach_all();
    }

    /// Ends the task, by dropping it, and sends its waiters back to ask again.
    pub(crate) fn supersede(self) {
        self.flight.end(Ending::Superseded);
    }
}

/// The waiters' side of a flight; equal to itself only.
pub(crate) struct Ticket<K, V, E>(pub(crate) Arc<Flight<K, V, E>>);

impl<K, V, E> PartialEq for Ticket<K, V, E> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<K, V, E> Flying for Launched<K, V, E> {
    type Ticket = Ticket<K, V, E>;

    fn ticket(&self) -> Ticket<K, V, E> {
        Ticket(Arc::clone(&self.flight))
    }

    fn is_lost(&self) -> bool {
        self.flight.has_ended()
    }
}

/// Ends a flight whose task was dropped before it came to its end.
struct LostOnDrop<K, V, E>(Arc<Flight<K, V, E>>);

impl<K, V, E> Drop for LostOnDrop<K, V, E> {
    fn drop(&mut self) {
        self.0.end(Ending::Lost);
    }
}

/// Runs one load to its report; a panic is a report too.
pub(crate) async fn report<K, L: Load<K>>(
    loader: &L,
    key: &K,
    cause: Cause,
) -> Report<L::Value, L::Error>
where
    K: Sync,
{
    let mut load = pin!(async {
        let answer = match cause {
            Cause::Miss => loader.load(key).await,
            Cause::Refresh => loader.refresh(key).await,
        };
        match answer {
            Ok(value) => Report::Loaded(value),
            Err(error) => {
                let outcome = error.outcome();
                Report::Failed(Arc::new(error), outcome)
            }
        }
    });
    // Unwind safety: after a panic the future is not polled again, and the loader is the user's.
    std::future::poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| load.as_mut().poll(context)))
            .unwrap_or(Poll::Ready(Report::Panicked))
    })
    .await
}
