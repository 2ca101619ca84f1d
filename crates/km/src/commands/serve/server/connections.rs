//! Limits the connections of a listener, and evicts unauthenticated ones.
//!
//! A connection is unauthenticated until one of its requests passes the guard. The two kinds have
//! separate permits, so that a client without the token takes none from one that has it. If there
//! are too many unauthenticated connections, a new one evicts the oldest.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::limits::Limits;

/// How long a connection may exist without a request that carries the token.
const AUTHENTICATION_TIMEOUT: Duration = Duration::from_secs(10);

/// The permits of a listener.
#[derive(Debug)]
pub(crate) struct Connections {
    authenticated: Arc<Semaphore>,
    unauthenticated: Arc<Semaphore>,
    /// The tasks of unauthenticated connections, oldest first.
    evictable: Mutex<BTreeMap<u64, AbortHandle>>,
}

/// The permit of one connection.
#[derive(Debug)]
pub(crate) struct Admission {
    id: u64,
    connections: Arc<Connections>,
    unauthenticated: Mutex<Option<OwnedSemaphorePermit>>,
    authenticated: OnceLock<OwnedSemaphorePermit>,
    admitted: Notify,
}

impl Connections {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            authenticated: Arc::new(Semaphore::new(limits.authenticated)),
            unauthenticated: Arc::new(Semaphore::new(limits.unauthenticated)),
            evictable: Mutex::default(),
        })
    }

    /// Returns a permit for a new connection. If there is none, the oldest unauthenticated
    /// connection is closed.
    pub(crate) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.unauthenticated).try_acquire_owned() {
            return Some(permit);
        }
        self.evict_oldest();
        // This fails only if the semaphore is closed, which it never is.
        Arc::clone(&self.unauthenticated).acquire_owned().await.ok()
    }

    /// Closes the oldest unauthenticated connection. Returns whether there was one.
    pub(crate) fn evict_oldest(&self) -> bool {
        let oldest = self.evictable().pop_first();
        oldest.inspect(|(_, task)| task.abort()).is_some()
    }

    /// Spawns the task of a new connection, which owns the permit.
    pub(crate) fn spawn<F: Future<Output = ()> + Send + 'static>(
        self: &Arc<Self>,
        id: u64,
        permit: OwnedSemaphorePermit,
        tasks: &mut JoinSet<()>,
        serve: impl FnOnce(Arc<Admission>) -> F,
    ) {
        let admission = Arc::new(Admission {
            id,
            connections: Arc::clone(self),
            unauthenticated: Mutex::new(Some(permit)),
            authenticated: OnceLock::new(),
            admitted: Notify::new(),
        });
        let task = serve(admission);
        // The lock is held until the entry is inserted, so that the task cannot remove it before.
        let mut evictable = self.evictable();
        evictable.insert(id, tasks.spawn(task));
    }

    fn evictable(&self) -> MutexGuard<'_, BTreeMap<u64, AbortHandle>> {
        self.evictable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission {
    /// Admits the connection: from now on it is authenticated. Returns `false` if there are too
    /// many of those.
    pub(crate) fn admit(&self) -> bool {
        if self.is_admitted() {
            return true;
        }
        let Ok(permit) = Arc::clone(&self.connections.authenticated).try_acquire_owned() else {
            return false;
        };
        // Without an entry, this connection is being evicted.
        if self.connections.evictable().remove(&self.id).is_none() {
            return false;
        }
        // This cannot fail, because a connection has one request at a time.
        let _ = self.authenticated.set(permit);
        self.unauthenticated.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.admitted.notify_one();
        true
    }

    /// Returns whether the connection is authenticated.
    pub(crate) fn is_admitted(&self) -> bool {
        self.authenticated.get().is_some()
    }

    /// Completes when the connection has been unauthenticated for too long.
    pub(crate) async fn expired(&self) {
        if timeout(AUTHENTICATION_TIMEOUT, self.admitted.notified()).await.is_ok() {
            pending::<()>().await;
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.connections.evictable().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;
    use tokio::time::Instant;

    use super::*;

    struct Listener {
        connections: Arc<Connections>,
        tasks: JoinSet<()>,
        next: u64,
    }

    impl Listener {
        fn new(authenticated: usize, unauthenticated: usize) -> Self {
            let connections = Connections::new(Limits { authenticated, unauthenticated });
            Self { connections, tasks: JoinSet::new(), next: 0 }
        }

        /// Accepts a connection that lasts until the limits close it.
        async fn accept(&mut self) -> Arc<Admission> {
            let permit = self.connections.permit().await.unwrap();
            let (sender, mut receiver) = mpsc::unbounded_channel();
            self.next += 1;
            self.connections.spawn(self.next, permit, &mut self.tasks, |admission| async move {
                // Owned by the task only, as in the service of a connection.
                sender.send(Arc::downgrade(&admission)).unwrap();
                admission.expired().await;
            });
            receiver.recv().await.unwrap().upgrade().unwrap()
        }

        async fn closed(&mut self) -> usize {
            tokio::task::yield_now().await;
            std::iter::from_fn(|| self.tasks.try_join_next()).count()
        }
    }

    #[tokio::test]
    async fn oldest_unauthenticated_connection_is_evicted_for_a_new_one() {
        let mut listener = Listener::new(2, 2);
        let first = listener.accept().await;
        assert!(first.admit());
        drop(first);
        let second = Arc::downgrade(&listener.accept().await);
        let third = Arc::downgrade(&listener.accept().await);
        drop(listener.accept().await);
        assert_eq!(listener.closed().await, 1);
        assert!(second.upgrade().is_none() && third.upgrade().is_some());
        // The authenticated one is not evicted, however many come.
        for _ in 0..100 {
            drop(listener.accept().await);
        }
        assert_eq!(listener.closed().await, 100);
        assert_eq!(listener.tasks.len(), 3);
    }

    #[tokio::test]
    async fn authenticated_permits_are_counted_and_returned() {
        let mut listener = Listener::new(1, 4);
        let (first, second) = (listener.accept().await, listener.accept().await);
        assert!(first.admit() && first.admit());
        assert!(!second.admit() && !second.is_admitted());
        drop(first);
        listener.tasks.abort_all();
        while listener.tasks.join_next().await.is_some() {}
        assert!(second.admit(), "the permit of the first one has been returned");
    }

    #[tokio::test(start_paused = true)]
    async fn connection_without_the_token_expires() {
        let mut listener = Listener::new(1, 2);
        let began = Instant::now();
        let admitted = listener.accept().await;
        assert!(admitted.admit());
        drop(listener.accept().await);
        listener.tasks.join_next().await.unwrap().unwrap();
        assert_eq!(began.elapsed().as_secs(), AUTHENTICATION_TIMEOUT.as_secs());
        tokio::time::sleep(AUTHENTICATION_TIMEOUT * 10).await;
        assert_eq!(listener.tasks.len(), 1);
    }
}
