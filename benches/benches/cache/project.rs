//! This project's cache with all its features: freshness, versions, limits and metrics.

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use anyhow::{Result, ensure};
use secret_cache::{Cache, Handle, Load, Loaded};
use tokio::runtime::{Builder, Runtime};

use crate::names::{Names, chain, on_threads, value};

/// Long enough that no value is due during a measurement.
pub(crate) const INTERVAL: Duration = Duration::from_secs(86_400);

/// A loader that always has a value.
pub(crate) struct Source;

impl Load<String> for Source {
    type Value = String;
    type Error = Infallible;

    async fn load(&self, _: &String) -> Result<Loaded<String>, Infallible> {
        // Yields once, like a load over the network.
        tokio::task::yield_now().await;
        Ok(Loaded::new(value(1)))
    }
}

/// A cache and its runtime, whose threads are idle during a measurement.
pub(crate) struct Project {
    pub(crate) cache: Cache<String, Source>,
    handles: Vec<Handle<String, Source>>,
    _runtime: Runtime,
}

pub(crate) fn runtime() -> Result<Runtime> {
    Ok(Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}

/// Waits until the timer has visited the values and marked them as fresh.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

impl Project {
    /// Loads every name, and reads it again so that it counts as used.
    pub(crate) fn fill(names: &Names) -> Result<Self> {
        let cache = Cache::builder(Source).refresh_interval(INTERVAL).build()?;
        let runtime = runtime()?;
        runtime.block_on(async {
            for name in names.0.iter().chain(&names.0) {
                ensure!(cache.get(name).await?.len() == crate::names::VALUE, "wrong value");
            }
            settle().await;
            Ok(())
        })?;
        let handles = names.0.iter().map(|name| cache.handle(name)).collect();
        Ok(Self { cache, handles, _runtime: runtime })
    }

    pub(crate) fn by_name(&self, names: &Names, threads: usize) -> impl FnMut(u64) -> Duration {
        move |reads| {
            on_threads(threads, || {
                at_once(async {
                    chain!(names, reads, |_index, name| match self.cache.get(name).await {
                        Ok(value) => value.len(),
                        Err(_) => 0,
                    });
                });
            })
        }
    }

    pub(crate) fn by_handle(&self, names: &Names, threads: usize) -> impl FnMut(u64) -> Duration {
        move |reads| {
            on_threads(threads, || {
                at_once(async {
                    chain!(names, reads, |index, _name| match self.handles[index].get().await {
                        Ok(value) => value.len(),
                        Err(_) => 0,
                    });
                });
            })
        }
    }
}

impl Project {
    /// Looks values up without a future.
    pub(crate) fn peek_by_name(
        &self,
        names: &Names,
        threads: usize,
    ) -> impl FnMut(u64) -> Duration {
        move |reads| {
            on_threads(threads, || {
                chain!(names, reads, |_index, name| {
                    self.cache.peek(name).map_or(0, |value| value.len())
                });
            })
        }
    }

    pub(crate) fn peek_by_handle(
        &self,
        names: &Names,
        threads: usize,
    ) -> impl FnMut(u64) -> Duration {
        move |reads| {
            on_threads(threads, || {
                chain!(names, reads, |index, _name| {
                    self.handles[index].peek().map_or(0, |value| value.len())
                });
            })
        }
    }
}

/// Polls once, because nothing here waits.
pub(crate) fn at_once(future: impl Future<Output = ()>) {
    let polled = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(polled, Poll::Ready(()), "a hit waits");
}
