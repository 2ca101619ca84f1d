//! Hits don't allocate: by key, by a borrowed form of it or by handle, with or without a clock.

#![cfg(test)]

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use secret_cache::{Cache, Load, Loaded};
use tokio::runtime::{Builder, Runtime};

struct Source;

impl Load<String> for Source {
    type Value = String;
    type Error = Infallible;

    async fn load(&self, name: &String) -> Result<Loaded<String>, Infallible> {
        Ok(Loaded::new(name.clone()))
    }
}

/// Returns the output of a future that is ready at its first poll.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("the hit is pending"),
    }
}

fn check(runtime: &Runtime) {
    let cache = Cache::builder(Source).build().unwrap();
    let name = "OPENAI_API_KEY".to_owned();
    runtime.block_on(cache.get(&name)).unwrap();
    let handle = cache.handle(&name);
    let hits: [&dyn Fn(); 8] = [
        &|| assert_eq!(*at_once(cache.get(&name)).unwrap(), name),
        &|| assert_eq!(*at_once(cache.get("OPENAI_API_KEY")).unwrap(), name),
        &|| assert_eq!(*cache.try_get("OPENAI_API_KEY").unwrap(), name),
        &|| assert_eq!(*cache.peek("OPENAI_API_KEY").unwrap(), name),
        &|| assert!(cache.get_if_fresh("absent", |_| true).is_none()),
        &|| assert_eq!(*at_once(handle.get()).unwrap(), name),
        &|| assert_eq!(*cache.peek(&name).unwrap(), name),
        &|| assert_eq!(*handle.peek().unwrap(), name),
    ];
    for (index, hit) in hits.into_iter().enumerate() {
        // The first hit of a thread may allocate its thread-local state.
        hit();
        let allocations = measure(|| (0..5_000).for_each(|_| hit())).count_total;
        assert_eq!(allocations, 0, "hit {index}");
    }
}

#[test]
fn hits_do_not_allocate() {
    check(&Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap());
    check(&Builder::new_current_thread().enable_time().build().unwrap());
}
