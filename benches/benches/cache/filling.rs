//! The cost of insertions, and that it does not grow with the size of the cache.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use benches::{group, pair_of, spent};
use criterion::Criterion;
use foldhash::fast::RandomState;
use secret_cache::{Cache, Loaded};

use crate::names::Names;
use crate::project::Source;

const MANY: usize = 100_000;

/// Fills a new cache per iteration. Dropping it is not measured.
fn fills<C>(times: u64, names: &Names, fill: impl Fn(Vec<(String, String)>) -> C) -> Duration {
    let mut spent_in_all = Duration::ZERO;
    for _ in 0..times {
        let entries: Vec<_> = names.entries().collect();
        let before = spent();
        let cache = fill(entries);
        spent_in_all += spent().saturating_sub(before);
        black_box(cache);
    }
    spent_in_all
}

fn map(entries: Vec<(String, String)>) -> HashMap<String, String, RandomState> {
    let mut map = HashMap::default();
    for (name, value) in entries {
        map.insert(name, value);
    }
    map
}

fn papaya(entries: Vec<(String, String)>) -> papaya::HashMap<String, String, RandomState> {
    let map = papaya::HashMap::default();
    for (name, value) in entries {
        map.pin().insert(name, value);
    }
    map
}

fn quick_cache(entries: Vec<(String, String)>) -> quick_cache::sync::Cache<String, Arc<str>> {
    let cache = quick_cache::sync::Cache::new(MANY);
    for (name, value) in entries {
        cache.insert(name, value.into());
    }
    cache
}

fn moka(entries: Vec<(String, String)>) -> moka::sync::Cache<String, Arc<str>> {
    let cache = moka::sync::Cache::new(MANY as u64);
    for (name, value) in entries {
        cache.insert(name, value.into());
    }
    cache
}

fn project(entries: Vec<(String, String)>) -> Option<Cache<String, Source>> {
    let cache = Cache::builder(Source).max_entries(MANY).build().ok()?;
    for (name, value) in entries {
        cache.replace(&name, Loaded::new(value));
    }
    Some(cache)
}

pub(crate) fn compare(criterion: &mut Criterion) {
    let (many, few) = (Names::new(MANY), Names::new(MANY / 10));
    let mut group = group(criterion, "cache_fill");
    let mut reference = |times| fills(times, &many, map);
    let mut compare = |name: &str, contender: benches::Run<'_>| {
        pair_of(&mut group, name, &mut reference, contender);
    };
    compare("papaya", &mut |times| fills(times, &many, papaya));
    compare("quick_cache", &mut |times| fills(times, &many, quick_cache));
    compare("moka", &mut |times| fills(times, &many, moka));
    compare("secret-cache", &mut |times| fills(times, &many, project));
    compare("secret-cache-tenth", &mut |times| fills(10 * times, &few, project));
    group.finish();
}
