//! Readers that keep 64 reads in flight on one thread, and the cost of the reads to this process or
//! to the server's.

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::cpu::Meter;

/// Reads in flight; each is a task.
const IN_FLIGHT: usize = 64;

/// A client of the secret, owned by one of the tasks.
pub trait Reader: Send + 'static {
    /// The result of a read.
    type Answer: Send;

    /// Reads the secret.
    ///
    /// # Errors
    /// There is no response, or it is an error.
    fn read(&mut self) -> impl Future<Output = Result<Self::Answer>> + Send;

    /// Returns whether the response holds the secret's value.
    fn is_right(answer: &Self::Answer) -> bool;
}

/// All readers of one kind, and their runtime.
#[derive(Debug)]
pub struct Fleet<R> {
    readers: Vec<R>,
    runtime: Runtime,
    meter: Meter,
}

impl<R: Reader> Fleet<R> {
    /// Creates the readers. Each one reads the value once and checks it.
    ///
    /// # Errors
    /// A reader cannot be created, or reads something else.
    pub fn new(make: impl AsyncFn() -> Result<R>) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let readers = runtime.block_on(async {
            let mut readers = Vec::with_capacity(IN_FLIGHT);
            for _ in 0..IN_FLIGHT {
                let mut reader = make().await?;
                let answer = reader.read().await?;
                ensure!(R::is_right(&answer), "wrong value");
                readers.push(reader);
            }
            Ok(readers)
        })?;
        Ok(Self { readers, runtime, meter: Meter::Own })
    }

    /// Sets the meter. The default is the CPU time of this process.
    #[must_use]
    pub fn metered(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Reads `reads` times and returns the cost.
    ///
    /// # Errors
    /// The first read that failed, or the measured process has ended.
    pub fn run(&mut self, reads: u64) -> Result<Duration> {
        let readers = std::mem::take(&mut self.readers);
        let before = self.meter.spent()?;
        let readers = self.runtime.block_on(work(readers, reads));
        self.readers = readers?;
        Ok(self.meter.spent()?.saturating_sub(before))
    }

    /// Like [`run`](Self::run), for criterion, which accepts no error.
    ///
    /// # Panics
    /// A read failed.
    #[expect(clippy::panic, reason = "the figure would be meaningless")]
    pub fn cost(&mut self, reads: u64) -> Duration {
        self.run(reads).unwrap_or_else(|error| panic!("a read failed: {error:#}"))
    }
}

/// Lets the readers draw from one count of reads, so that all of them finish together.
async fn work<R: Reader>(readers: Vec<R>, reads: u64) -> Result<Vec<R>> {
    let begun = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for mut reader in readers {
        let begun = Arc::clone(&begun);
        tasks.spawn(async move {
            while begun.fetch_add(1, Relaxed) < reads {
                black_box(reader.read().await?);
            }
            Ok(reader)
        });
    }
    tasks.join_all().await.into_iter().collect()
}
