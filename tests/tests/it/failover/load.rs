//! Writers and readers that go on whatever happens, and write down what they were told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testkit::{leaks, secret};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use vault_kv::{Cas, Error, ErrorKind, Fields, Kv};

use super::history::{History, Said, Write};
use crate::product::path;

pub(crate) const KEYS: usize = 12;
/// The one that only readers touch.
pub(crate) const STEADY: &str = "steady";
const WRITERS_EACH: usize = 3;
/// After an error, so that an outage is not all errors.
const PAUSE: Duration = Duration::from_millis(20);
const HAPPENS_WITHIN: Duration = Duration::from_secs(60);

/// A way to the cluster.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) kv: Kv,
    pub(crate) deadline: Duration,
}

/// What operations came to: by way and kind, how many and the longest.
pub(crate) type Counts = BTreeMap<(&'static str, String), (usize, Duration)>;

/// All of it. Shared by the tasks.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) history: History,
    counts: Mutex<Counts>,
    overtime: Mutex<Duration>,
    over: AtomicBool,
}

#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) notes: Arc<Notes>,
    tasks: JoinSet<Result<()>>,
}

impl Load {
    /// Three writers and a reader by each way.
    pub(crate) fn start(ways: &[Way]) -> Self {
        let (notes, mut tasks) = (Arc::new(Notes::default()), JoinSet::new());
        for (way, first) in ways.iter().zip(0..) {
            for writer in 0..WRITERS_EACH {
                let (way, notes) = (way.clone(), Arc::clone(&notes));
                let key = first * WRITERS_EACH + writer;
                tasks.spawn(async move { notes.write(&way, key).await });
            }
            let (way, notes) = (way.clone(), Arc::clone(&notes));
            tasks.spawn(async move { notes.read(&way).await });
        }
        Self { notes, tasks }
    }

    /// Waits until so many writes are acknowledged.
    pub(crate) async fn until(&mut self, acknowledged: usize) -> Result<()> {
        let deadline = Instant::now() + HAPPENS_WITHIN;
        while self.notes.history.acknowledged() < acknowledged {
            // None ends before it is told to, except by a failure.
            if let Some(ended) = self.tasks.try_join_next() {
                ended??;
            }
            ensure!(Instant::now() < deadline, "stuck: {:?}", self.notes.counts());
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Ends the tasks: each finishes what it does.
    pub(crate) async fn stop(mut self) -> Result<Arc<Notes>> {
        self.notes.over.store(true, Relaxed);
        let ending = async {
            while let Some(ended) = self.tasks.join_next().await {
                ended??;
            }
            Ok(self.notes)
        };
        timeout(HAPPENS_WITHIN, ending).await.context("an operation never ends")?
    }
}

impl Notes {
    pub(crate) fn counts(&self) -> Counts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether an operation by this way came to that.
    pub(crate) fn has_seen(&self, way: &str, what: &str) -> bool {
        self.counts().keys().any(|(by, came_to)| *by == way && came_to == what)
    }

    /// By how much the slowest operation missed its deadline.
    pub(crate) fn overtime(&self) -> Duration {
        *self.overtime.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a key's version and writes the next one, key after key.
    async fn write(&self, way: &Way, first: usize) -> Result<()> {
        for turn in first.. {
            if self.over.load(Relaxed) {
                break;
            }
            let key = format!("key-{}", turn % KEYS);
            let name = path(&key)?;
            let version = match self.timed(way, "read", way.kv.read(&name)).await {
                Ok(secret) => secret.metadata.version,
                Err(error) if error.kind() == ErrorKind::NotFound => 0,
                Err(_) => continue,
            };
            let value = secret("value");
            let fields = Fields::new().with("key", value.clone().into());
            let writing = Box::pin(way.kv.write(&name, &fields, Cas::Version(version)));
            let said = match self.timed(way, "write", writing).await {
                Ok(metadata) => Said::Stored(metadata.version),
                Err(error) if error.kind() == ErrorKind::Ambiguous => Said::Ambiguous,
                Err(_) => Said::Refused,
            };
            self.history.add(Write { key, value, said });
        }
        Ok(())
    }

    /// Reads what nobody writes: an answer is that, or it is none.
    async fn read(&self, way: &Way) -> Result<()> {
        let name = path(STEADY)?;
        while !self.over.load(Relaxed) {
            if let Ok(secret) = self.timed(way, "read", way.kv.read(&name)).await {
                ensure!(secret.metadata.version == 1, "an answer that nobody gave");
                secret.fields.text("key").context("the field is gone")?;
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn timed<T>(
        &self,
        way: &Way,
        what: &str,
        operation: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let started = Instant::now();
        let outcome = operation.await;
        let took = started.elapsed();
        let kind = outcome.as_ref().err().map(Error::kind);
        let kind = kind.map_or_else(|| "done".to_owned(), |kind| format!("{kind:?}"));
        self.count(way, format!("{what} {kind}"), took);
        if let Err(error) = &outcome {
            leaks::watch().error(error);
            sleep(PAUSE).await;
        }
        outcome
    }

    fn count(&self, way: &Way, what: String, took: Duration) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry((way.name, what)).or_default();
        *count = (count.0 + 1, count.1.max(took));
        let mut overtime = self.overtime.lock().unwrap_or_else(PoisonError::into_inner);
        *overtime = took.saturating_sub(way.deadline).max(*overtime);
    }
}
