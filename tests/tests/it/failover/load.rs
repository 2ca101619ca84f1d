//! Writers and readers that continue through any failure and record the outcomes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use testkit::{leaks, secret};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use vault_kv::{Cas, Error, ErrorKind, Fields, Kv};

use super::history::{History, Outcome, Write};
use crate::product::path;

pub(crate) const KEYS: usize = 12;
/// The secret that is only read.
pub(crate) const STEADY: &str = "steady";
const WRITERS_EACH: usize = 3;
/// The pause after an error, so that an outage does not consist of errors only.
const PAUSE: Duration = Duration::from_millis(20);
const HAPPENS_WITHIN: Duration = Duration::from_secs(60);

/// A client of the cluster.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) name: &'static str,
    pub(crate) kv: Kv,
    pub(crate) deadline: Duration,
}

/// The number and the longest duration of operations, by client and outcome.
pub(crate) type Counts = BTreeMap<(&'static str, String), (usize, Duration)>;

/// The records, shared by the tasks.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) history: History,
    counts: Mutex<Counts>,
    overtime: Mutex<Duration>,
    over: AtomicBool,
}

#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) records: Arc<Records>,
    tasks: JoinSet<Result<()>>,
}

impl Load {
    /// Starts three writers and a reader per client.
    pub(crate) fn start(clients: &[Client]) -> Self {
        let (records, mut tasks) = (Arc::new(Records::default()), JoinSet::new());
        for (client, first) in clients.iter().zip(0..) {
            for writer in 0..WRITERS_EACH {
                let (client, records) = (client.clone(), Arc::clone(&records));
                let key = first * WRITERS_EACH + writer;
                tasks.spawn(async move { records.write(&client, key).await });
            }
            let (client, records) = (client.clone(), Arc::clone(&records));
            tasks.spawn(async move { records.read(&client).await });
        }
        Self { records, tasks }
    }

    /// Waits until this many writes are acknowledged.
    pub(crate) async fn until(&mut self, acknowledged: usize) -> Result<()> {
        let deadline = Instant::now() + HAPPENS_WITHIN;
        while self.records.history.acknowledged() < acknowledged {
            // No task ends before it is stopped, unless it fails.
            if let Some(ended) = self.tasks.try_join_next() {
                ended??;
            }
            ensure!(Instant::now() < deadline, "stuck: {:?}", self.records.counts());
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Stops the tasks. Each one completes its operation.
    pub(crate) async fn stop(mut self) -> Result<Arc<Records>> {
        self.records.over.store(true, Relaxed);
        let ending = async {
            while let Some(ended) = self.tasks.join_next().await {
                ended??;
            }
            Ok(self.records)
        };
        timeout(HAPPENS_WITHIN, ending).await.context("an operation never ends")?
    }
}

impl Records {
    pub(crate) fn counts(&self) -> Counts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns whether an operation of this client had this outcome.
    pub(crate) fn has_seen(&self, client: &str, what: &str) -> bool {
        self.counts().keys().any(|(by, came_to)| *by == client && came_to == what)
    }

    /// Returns by how much the slowest operation exceeded its deadline.
    pub(crate) fn overtime(&self) -> Duration {
        *self.overtime.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the version of a key and writes the next one, for all keys in turn.
    async fn write(&self, client: &Client, first: usize) -> Result<()> {
        for turn in first.. {
            if self.over.load(Relaxed) {
                break;
            }
            let key = format!("key-{}", turn % KEYS);
            let name = path(&key)?;
            let version = match self.timed(client, "read", client.kv.read(&name)).await {
                Ok(secret) => secret.metadata.version,
                Err(error) if error.kind() == ErrorKind::NotFound => 0,
                Err(_) => continue,
            };
            let value = secret("value");
            let fields = Fields::new().with("key", value.clone());
            let writing = Box::pin(client.kv.write(&name, &fields, Cas::Version(version)));
            let outcome = match self.timed(client, "write", writing).await {
                Ok(metadata) => Outcome::Stored(metadata.version),
                Err(error) if error.kind() == ErrorKind::Ambiguous => Outcome::Ambiguous,
                Err(_) => Outcome::Refused,
            };
            self.history.add(Write { key, value, outcome });
        }
        Ok(())
    }

    /// Reads a secret that no task writes: a response has its value, or is an error.
    async fn read(&self, client: &Client) -> Result<()> {
        let name = path(STEADY)?;
        while !self.over.load(Relaxed) {
            if let Ok(secret) = self.timed(client, "read", client.kv.read(&name)).await {
                ensure!(secret.metadata.version == 1, "a response that was never written");
                secret.fields.text("key").context("the field is gone")?;
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn timed<T>(
        &self,
        client: &Client,
        what: &str,
        operation: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let started = Instant::now();
        let outcome = operation.await;
        let took = started.elapsed();
        let kind = outcome.as_ref().err().map(Error::kind);
        let kind = kind.map_or_else(|| "done".to_owned(), |kind| format!("{kind:?}"));
        self.count(client, format!("{what} {kind}"), took);
        if let Err(error) = &outcome {
            leaks::watch().error(error);
            sleep(PAUSE).await;
        }
        outcome
    }

    fn count(&self, client: &Client, what: String, took: Duration) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry((client.name, what)).or_default();
        *count = (count.0 + 1, count.1.max(took));
        let mut overtime = self.overtime.lock().unwrap_or_else(PoisonError::into_inner);
        *overtime = took.saturating_sub(client.deadline).max(*overtime);
    }
}
