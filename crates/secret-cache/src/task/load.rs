//! A load that runs once, as a task of its own, and reports to all that wait when it is slow and how
//! it ended.
//!
//! What the end does to the cache belongs to `landing`, when to start to `state`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use crate::load::{Load, LoadError};
use crate::map::clock;
use crate::policy::{PATIENCE, Tick};
use crate::state::outcome::{Cause, Report};
use crate::state::{Answer, Flying, Patience};

/// What the waiters of one load share. It ends once; what comes later is ignored.
pub(crate) struct Flight<K, V, E> {
    /// From when on it is slow.
    slow_from: Tick,
    progress: watch::Sender<Progress<K, V, E>>,
}

enum Progress<K, V, E> {
    Running,
    /// For longer than callers with an older value wait.
    Slow,
    Ended(Ending<K, V, E>),
}

/// How a flight ended.
pub(crate) enum Ending<K, V, E> {
    /// With this answer.
    Landed(Answer<K, V, E>),
    /// Not ended, but slow, for a caller that has an older value.
    Slow,
    /// The key was written meanwhile, or the source can't be asked just now: ask again.
    Superseded,
    /// The runtime dropped the task.
    Lost,
}

impl<K, V, E> Flight<K, V, E> {
    pub(crate) fn new(started: Tick) -> Arc<Self> {
        let slow_from = started.saturating_add(PATIENCE);
        Arc::new(Self { slow_from, progress: watch::Sender::new(Progress::Running) })
    }

    /// Runs the task of this load. The load itself wakes those that have an older value: no caller
    /// needs a timer.
    pub(crate) async fn run(&self, task: impl Future<Output = ()>) {
        let mut task = pin!(task);
        if timeout_at(clock::instant(self.slow_from), task.as_mut()).await.is_err() {
            self.progress.send_if_modified(|progress| {
                let is_running = matches!(progress, Progress::Running);
                if is_running {
                    *progress = Progress::Slow;
                }
                is_running
            });
            task.await;
        }
    }

    /// Ends the flight for all that wait, unless it has ended before.
    pub(crate) fn end(&self, ending: Ending<K, V, E>) {
        self.progress.send_if_modified(|progress| {
            let is_first = !matches!(progress, Progress::Ended(_));
            if is_first {
                *progress = Progress::Ended(ending);
            }
            is_first
        });
    }

    fn has_ended(&self) -> bool {
        matches!(*self.progress.borrow(), Progress::Ended(_))
    }

    fn is_slow(&self, now: Tick) -> bool {
        now >= self.slow_from || matches!(*self.progress.borrow(), Progress::Slow)
    }

    /// Waits with this patience. Cancel-safe: nothing is lost when the caller gives up.
    pub(crate) async fn wait(&self, patience: Patience) -> Ending<K, V, E> {
        let mut progress = self.progress.subscribe();
        let is_over = |progress: &Progress<K, V, E>| match progress {
            Progress::Running => false,
            Progress::Slow => patience == Patience::UntilSlow,
            Progress::Ended(_) => true,
        };
        match progress.wait_for(is_over).await.as_deref() {
            Ok(Progress::Ended(ending)) => ending.share(),
            Ok(Progress::Running | Progress::Slow) => Ending::Slow,
            // Not reached: the sender lives as long as `self`.
            Err(_) => Ending::Lost,
        }
    }
}

impl<K, V, E> Ending<K, V, E> {
    fn share(&self) -> Self {
        match self {
            Self::Landed(Ok(lent)) => Self::Landed(Ok(lent.share())),
            Self::Landed(Err(error)) => Self::Landed(Err(error.clone())),
            Self::Slow => Self::Slow,
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
        let body = async move { lost.0.run(task).await };
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

    fn is_slow(&self, now: Tick) -> bool {
        self.flight.is_slow(now)
    }
}

/// Ends a flight whose task was dropped before it came to its end.
struct LostOnDrop<K, V, E>(Arc<Flight<K, V, E>>);

impl<K, V, E> Drop for LostOnDrop<K, V, E> {
    fn drop(&mut self) {
        self.0.end(Ending::Lost);
    }
}

/// Runs one load to its report, once `turn` grants it what it holds for as long; `None` if it doesn't.
/// A panic is a report too.
pub(crate) async fn report<K, L: Load<K>, T>(
    loader: &L,
    key: &K,
    cause: Cause,
    turn: impl Future<Output = Option<T>>,
) -> Option<Report<L::Value, L::Error>>
where
    K: Sync,
{
    let mut load = pin!(async {
        // The loader's deadline begins before the wait: its futures are made first.
        let (answer, _turn) = match cause {
            Cause::Miss => {
                let load = loader.load(key);
                let turn = turn.await?;
                (load.await, turn)
            }
            Cause::Refresh | Cause::Probe => {
                let refresh = loader.refresh(key);
                let turn = turn.await?;
                (refresh.await, turn)
            }
        };
        Some(match answer {
            Ok(value) => Report::Loaded(value),
            Err(error) => {
                let outcome = error.kind();
                Report::Failed(Arc::new(error), outcome)
            }
        })
    });
    // Unwind safety: after a panic the future is not polled again, and the loader is the user's.
    std::future::poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| load.as_mut().poll(context)))
            .unwrap_or(Poll::Ready(Some(Report::Panicked)))
    })
    .await
}
