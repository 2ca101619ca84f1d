//! Counts the allocations of hits.

use std::convert::Infallible;

use allocation_counter::measure;
use anyhow::Result;
use secret_cache::{Cache, Load, Loaded};
use tokio::runtime::Builder;

pub(crate) const HITS: u32 = 10_000;

struct Source;

impl Load<String> for Source {
    type Value = String;
    type Error = Infallible;

    async fn load(&self, name: &String) -> Result<Loaded<String>, Infallible> {
        Ok(Loaded::new(name.clone()))
    }
}

/// Returns the allocations of `HITS` hits by name, and of as many by handle.
pub(crate) fn allocations() -> Result<[u64; 2]> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build()?;
    let cache = Cache::builder(Source).build()?;
    let name = "providers/openai/production/000000000000".to_owned();
    runtime.block_on(cache.get(&name))?;
    let handle = cache.handle(&name);
    let in_hits = |hit: &mut dyn FnMut() -> bool| {
        // The one-time setup of a thread is not part of a hit.
        hit();
        measure(|| assert!((0..HITS).all(|_| hit()), "a miss")).count_total
    };
    Ok(runtime.block_on(async {
        let by_name = in_hits(&mut || ready(cache.get(&name)).is_some_and(|got| got.is_ok()));
        let by_handle = in_hits(&mut || ready(handle.get()).is_some_and(|got| got.is_ok()));
        [by_name, by_handle]
    }))
}

/// Returns the output of a future that is ready at its first poll.
fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(answer) => Some(answer),
        std::task::Poll::Pending => None,
    }
}
