//! 1,000 concurrent misses on one name: one load, and the cost of all callers together.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use benches::{group, pair_of, spent};
use criterion::Criterion;
use secret_cache::Cache;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::names::value;
use crate::project::Source;

const HERD: usize = 1_000;

/// Runs one herd after another, each on a new name.
#[expect(clippy::expect_used, reason = "the figure would be meaningless")]
fn herds<F: Future<Output = usize> + Send + 'static>(
    times: u64,
    ask: impl Fn(String) -> F,
) -> Duration {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let mut spent_in_all = Duration::ZERO;
        for time in 0..times {
            let name = format!("providers/openai/production/{time:012}");
            let before = spent();
            let mut callers = JoinSet::new();
            for _ in 0..HERD {
                callers.spawn(ask(name.clone()));
            }
            let lengths = callers.join_all().await;
            spent_in_all += spent().saturating_sub(before);
            assert_eq!(lengths.into_iter().sum::<usize>(), HERD * crate::names::VALUE);
        }
        spent_in_all
    })
}

async fn load() -> Result<Arc<str>, ()> {
    tokio::task::yield_now().await;
    Ok(value(1).into())
}

pub(crate) fn compare(criterion: &mut Criterion) -> Result<()> {
    let quick = Arc::new(quick_cache::sync::Cache::<String, Arc<str>>::new(10_000));
    let moka = moka::future::Cache::<String, Arc<str>>::new(10_000);
    let project = Arc::new(Cache::builder(Source).build()?);
    let mut group = group(criterion, "cache_herd");
    let mut reference = |times| {
        quick.clear();
        herds(times, |name| {
            let quick = Arc::clone(&quick);
            async move { quick.get_or_insert_async(&name, load()).await.map_or(0, |v| v.len()) }
        })
    };
    let mut compare = |name: &str, contender: benches::Run<'_>| {
        pair_of(&mut group, name, &mut reference, contender);
    };
    compare("moka", &mut |times| {
        moka.invalidate_all();
        herds(times, |name| {
            let moka = moka.clone();
            async move { moka.try_get_with(name, load()).await.map_or(0, |v| v.len()) }
        })
    });
    compare("secret-cache", &mut |times| {
        project.clear();
        herds(times, |name| {
            let project = Arc::clone(&project);
            async move { project.get(&name).await.map_or(0, |value| value.len()) }
        })
    });
    group.finish();
    Ok(())
}
