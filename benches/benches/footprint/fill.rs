//! Fills one cache and returns how much memory that took.

use std::any::Any;
use std::collections::HashMap;
use std::convert::Infallible;
use std::future::pending;
use std::hash::Hash;
use std::hint::black_box;
use std::marker::PhantomData;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use foldhash::fast::RandomState;
use secret_cache::{Cache, Load, Loaded};

const ENTRIES: usize = 100_000;

/// The caches. A key has 40 bytes and a value 51, inline. With `-text` they are `String`s
/// (`Arc<str>` where a cache clones values), which take 48 bytes themselves and 112 bytes on the
/// heap.
pub(crate) const NAMES: [&str; 9] = [
    "map",
    "papaya",
    "quick_cache",
    "moka",
    "secret-cache",
    "map-text",
    "quick_cache-text",
    "moka-text",
    "secret-cache-text",
];

pub(crate) type Key = [u8; 40];
pub(crate) type Value = [u8; 51];

/// Never called: the benchmark inserts the values itself.
struct Source<V>(PhantomData<fn() -> V>);

impl<K: Sync, V: Send + Sync + 'static> Load<K> for Source<V> {
    type Value = V;
    type Error = Infallible;

    async fn load(&self, _: &K) -> Result<Loaded<V>, Infallible> {
        pending().await
    }
}

fn key(index: usize) -> Key {
    let mut key = [0; 40];
    key.iter_mut().zip(name(index).bytes()).for_each(|(to, from)| *to = from);
    key
}

fn name(index: usize) -> String {
    format!("providers/openai/production/{index:012}")
}

fn value(index: usize) -> Value {
    let mut value = [b's'; 51];
    value.iter_mut().zip(index.to_le_bytes()).for_each(|(to, from)| *to = from);
    value
}

fn text(index: usize) -> String {
    format!("sk-{index:048}")
}

/// Returns the resident bytes per entry of a cache. Code and one-time setup are in memory before.
pub(crate) fn bytes_per_entry(cache: &str) -> Result<f64> {
    drop(filled(cache, 1_000)?);
    let before = resident()?;
    let filled = filled(cache, ENTRIES)?;
    let taken = resident()?.saturating_sub(before);
    black_box(filled);
    #[expect(clippy::cast_precision_loss, reason = "far below 2⁵³")]
    Ok(taken as f64 / ENTRIES as f64)
}

fn filled(cache: &str, count: usize) -> Result<Box<dyn Any>> {
    let arrays = (0..count).map(|index| (key(index), value(index)));
    let texts = (0..count).map(|index| (name(index), text(index)));
    let counted = (0..count).map(|index| (name(index), Arc::<str>::from(text(index))));
    Ok(match cache {
        "map" => map(arrays),
        "map-text" => map(texts),
        "papaya" => papaya(arrays),
        "quick_cache" => quick_cache(arrays),
        "quick_cache-text" => quick_cache(counted),
        "moka" => moka(arrays),
        "moka-text" => moka(counted),
        "secret-cache" => project(arrays)?,
        "secret-cache-text" => project(texts)?,
        other => bail!("there is no {other}"),
    })
}

fn map<K: Hash + Eq + 'static, V: 'static>(entries: impl Iterator<Item = (K, V)>) -> Box<dyn Any> {
    let mut map = HashMap::<K, V, RandomState>::default();
    for (key, value) in entries {
        map.insert(key, value);
    }
    Box::new(map)
}

fn papaya(entries: impl Iterator<Item = (Key, Value)>) -> Box<dyn Any> {
    let map = papaya::HashMap::<Key, Value, RandomState>::default();
    for (key, value) in entries {
        map.pin().insert(key, value);
    }
    Box::new(map)
}

fn quick_cache<K, V>(entries: impl Iterator<Item = (K, V)>) -> Box<dyn Any>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    let cache = quick_cache::sync::Cache::<K, V>::new(ENTRIES);
    entries.for_each(|(key, value)| cache.insert(key, value));
    Box::new(cache)
}

fn moka<K, V>(entries: impl Iterator<Item = (K, V)>) -> Box<dyn Any>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    let cache = moka::sync::Cache::<K, V>::new(ENTRIES as u64);
    entries.for_each(|(key, value)| cache.insert(key, value));
    cache.run_pending_tasks();
    Box::new(cache)
}

fn project<K, V>(entries: impl Iterator<Item = (K, V)>) -> Result<Box<dyn Any>>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    let cache =
        Cache::<K, _>::builder(Source(PhantomData::<fn() -> V>)).max_entries(ENTRIES).build()?;
    for (key, value) in entries {
        cache.replace(&key, Loaded::new(value));
    }
    Ok(Box::new(cache))
}

/// Returns the resident memory of this process in bytes.
fn resident() -> Result<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    let pages: usize = pages.split(' ').nth(1).context("no resident pages")?.parse()?;
    Ok(pages * 4_096)
}
