//! The task of one load, which all callers of its key share.
//!
//! When a load is started and what its outcome changes is up to [`State`](crate::state::State).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use crate::load::Load;
use crate::load_error::LoadError;
use crate::map::clock;
use crate::policy::{MAX_REFRESH_WAIT, Tick};
use crate::state::Patience;
use crate::state::complete::LoadResult;
use crate::state::in_flight::PendingLoad;
use crate::state::outcome::{LoadOutcome, LoadReason};

/// The progress of a load. It ends once: later ends are ignored.
pub(crate) struct LoadProgress<K, V, E> {
    /// From when on the load is slow.
    slow_at: Tick,
    stage: watch::Sender<Stage<K, V, E>>,
}

enum Stage<K, V, E> {
    Running,
    /// The load has been running for longer than callers with an older value wait.
    Slow,
    Ended(WaitOutcome<K, V, E>),
}

/// The outcome of waiting for a load.
pub(crate) enum WaitOutcome<K, V, E> {
    /// The load completed with this result.
    Completed(LoadResult<K, V, E>),
    /// The load is slow, and the caller has an older value.
    Slow,
    /// The key was written in the meantime, or the source is unavailable. The caller retries.
    Superseded,
    /// The runtime dropped the task.
    Lost,
}

impl<K, V, E> LoadProgress<K, V, E> {
    pub(crate) fn new(started: Tick) -> Arc<Self> {
        let slow_at = started.saturating_add(MAX_REFRESH_WAIT);
        Arc::new(Self { slow_at, stage: watch::Sender::new(Stage::Running) })
    }

    /// Runs the load. This wakes callers with an older value when the load becomes slow, so that no
    /// caller needs a timer.
    async fn run(&self, task: impl Future<Output = ()>) {
        let mut task = pin!(task);
        if timeout_at(clock::instant(self.slow_at), task.as_mut()).await.is_err() {
            self.stage.send_if_modified(|stage| {
                let is_running = matches!(stage, Stage::Running);
                if is_running {
                    *stage = Stage::Slow;
                }
                is_running
            });
            task.await;
        }
    }

    /// Ends the load for all waiters, unless it has ended before.
    pub(crate) fn end(&self, outcome: WaitOutcome<K, V, E>) {
        self.stage.send_if_modified(|stage| {
            let is_first = !matches!(stage, Stage::Ended(_));
            if is_first {
                *stage = Stage::Ended(outcome);
            }
            is_first
        });
    }

    fn has_ended(&self) -> bool {
        matches!(*self.stage.borrow(), Stage::Ended(_))
    }

    fn is_slow(&self, now: Tick) -> bool {
        now >= self.slow_at || matches!(*self.stage.borrow(), Stage::Slow)
    }

    /// Waits for as long as `patience` allows. Cancel-safe.
    pub(crate) async fn wait(&self, patience: Patience) -> WaitOutcome<K, V, E> {
        let mut stage = self.stage.subscribe();
        let is_over = |stage: &Stage<K, V, E>| match stage {
            Stage::Running => false,
            Stage::Slow => patience == Patience::UntilSlow,
            Stage::Ended(_) => true,
        };
        match stage.wait_for(is_over).await.as_deref() {
            Ok(Stage::Ended(outcome)) => outcome.share(),
            Ok(Stage::Running | Stage::Slow) => WaitOutcome::Slow,
            // Unreachable, because `self` owns the sender.
            Err(_) => WaitOutcome::Lost,
        }
    }
}

impl<K, V, E> WaitOutcome<K, V, E> {
    fn share(&self) -> Self {
        match self {
            Self::Completed(load) => Self::Completed(load.share()),
            Self::Slow => Self::Slow,
            Self::Superseded => Self::Superseded,
            Self::Lost => Self::Lost,
        }
    }
}

/// A load with its task, which is aborted on drop.
pub(crate) struct InFlight<K, V, E> {
    progress: Arc<LoadProgress<K, V, E>>,
    task: JoinSet<()>,
}

impl<K, V, E> InFlight<K, V, E>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    /// Runs `task` on `runtime`. If the runtime drops it, the load ends as lost.
    pub(crate) fn spawn(
        runtime: &Handle,
        progress: Arc<LoadProgress<K, V, E>>,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let lost = LostOnDrop(Arc::clone(&progress));
        let mut tasks = JoinSet::new();
        let body = async move { lost.0.run(task).await };
        tasks.spawn_on(body, runtime);
        Self { progress, task: tasks }
    }

    /// Detaches the task. The task calls this itself when it completes.
    pub(crate) fn release(mut self) {
        self.task.detach_all();
    }

    /// Aborts the task, and makes its waiters retry.
    pub(crate) fn supersede(self) {
        self.progress.end(WaitOutcome::Superseded);
    }
}

/// The waiters' side of a load. It is equal only to a waiter of the same load.
pub(crate) struct Waiter<K, V, E>(pub(crate) Arc<LoadProgress<K, V, E>>);

impl<K, V, E> PartialEq for Waiter<K, V, E> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<K, V, E> PendingLoad for InFlight<K, V, E> {
    type Waiter = Waiter<K, V, E>;

    fn waiter(&self) -> Waiter<K, V, E> {
        Waiter(Arc::clone(&self.progress))
    }

    fn is_lost(&self) -> bool {
        self.progress.has_ended()
    }

    fn is_slow(&self, now: Tick) -> bool {
        self.progress.is_slow(now)
    }
}

/// Ends a load as lost if its task is dropped before it completes.
struct LostOnDrop<K, V, E>(Arc<LoadProgress<K, V, E>>);

impl<K, V, E> Drop for LostOnDrop<K, V, E> {
    fn drop(&mut self) {
        self.0.end(WaitOutcome::Lost);
    }
}

/// Runs the loader once `start` returns a permit, which is held until the loader returns. Returns
/// `None` if there is no permit. A panic of the loader is an outcome too.
pub(crate) async fn run_loader<K, L: Load<K>, T>(
    loader: &L,
    key: &K,
    reason: LoadReason,
    start: impl Future<Output = Option<T>>,
) -> Option<LoadOutcome<L::Value, L::Error>>
where
    K: Sync,
{
    let mut load = pin!(async {
        // The loader's future is created before the wait for a permit, because its deadline
        // includes that.
        let (result, _permit) = match reason {
            LoadReason::Miss => {
                let load = loader.load(key);
                let permit = start.await?;
                (load.await, permit)
            }
            LoadReason::Refresh | LoadReason::Probe => {
                let refresh = loader.refresh(key);
                let permit = start.await?;
                (refresh.await, permit)
            }
        };
        Some(match result {
            Ok(value) => LoadOutcome::Loaded(value),
            Err(error) => {
                let kind = error.kind();
                LoadOutcome::Failed(Arc::new(error), kind)
            }
        })
    });
    // Unwind safety: the future is not polled again after a panic, and the loader's own state is
    // the user's responsibility.
    std::future::poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| load.as_mut().poll(context)))
            .unwrap_or(Poll::Ready(Some(LoadOutcome::Panicked)))
    })
    .await
}
