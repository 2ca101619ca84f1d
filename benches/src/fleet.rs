//! Readers that keep 64 reads in flight on one thread, and what the reads cost: this process, or the
//! one that answers them.

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::cpu::Meter;

/// Reads in flight, each of them a task.
const IN_FLIGHT: usize = 64;

/// One way to read the secret, as one of the tasks has it.
pub trait Reader: Send + 'static {
    /// What a read gives.
    type Answer: Send;

    /// Reads the secret.
    ///
    /// # Errors
    /// There is no answer, or it is an error's.
    fn read(&mut self) -> impl Future<Output = Result<Self::Answer>> + Send;

    /// Whether the answer holds the secret's value.
    fn is_right(answer: &Self::Answer) -> bool;
}

/// All readers of one kind, and the runtime that they run on.
#[derive(Debug)]
pub struct Fleet<R> {
    readers: Vec<R>,
    runtime: Runtime,
    meter: Meter,
}

impl<R: Reader> Fleet<R> {
    /// Makes the readers. Each has read the right value once before it is let go.
    ///
    /// # Errors
    /// One of them can't be made, or reads anything else.
    pub fn new(make: impl AsyncFn() -> Result<R>) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let readers = runtime.block_on(async {
            let mut readers = Vec::with_capacity(IN_FLIGHT);
            for _ in 0..IN_FLIGHT {
                let mut reader = make().await?;
                let answer = reader.read().await?;
                ensure!(R::is_right(&answer), "a wrong answer");
                readers.push(reader);
            }
            Ok(readers)
        })?;
        Ok(Self { readers, runtime, meter: Meter::Own })
    }

    /// The same; what counts from now on is what this meter shows.
    #[must_use]
    pub fn metered(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Reads so many times, and tells the CPU time that it took.
    ///
    /// # Errors
    /// The first read that failed, or a process that is gone.
    pub fn run(&mut self, reads: u64) -> Result<Duration> {
        let readers = std::mem::take(&mut self.readers);
        let before = self.meter.spent()?;
        let readers = self.runtime.block_on(work(readers, reads));
        self.readers = readers?;
        Ok(self.meter.spent()?.saturating_sub(before))
    }

    /// The same without an error: criterion takes none.
    ///
    /// # Panics
    /// A read failed.
    #[expect(clippy::panic, reason = "a figure would be worthless")]
    pub fn cost(&mut self, reads: u64) -> Duration {
        self.run(reads).unwrap_or_else(|error| panic!("a read failed: {error:#}"))
    }
}

/// The readers take reads from one heap until it is empty, so that none is done long before the
/// others.
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
